//! Steps of a rollout and flags on its curve, from the signed history of the channel.

use headgate_core::rollout::{Base, RolloutDocument, Serving};
use headgate_core::{RolloutState, percent};
use headgate_engine::{ChannelFacts, RolloutVersion};

use crate::dto;
use crate::figures::span;

const HOUR: i64 = 3600;

/// A share that a release had, with what happened during it.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Reached {
    permille: u16,
    /// Unix seconds.
    at: i64,
    text: String,
    by: String,
    /// When the next share began; nothing while it lasts.
    until: Option<i64>,
    /// Seconds that it was halted.
    halted: i64,
}

/// How long what rolls out has been at its share, halts left out, seconds.
pub(crate) fn at_this_step(facts: &ChannelFacts) -> Option<i64> {
    let now = facts.now.unix();
    let reached = reached(facts);
    let last = reached.last()?;
    Some((last.until.unwrap_or(now) - last.at - last.halted).max(0))
}

/// Seconds that the present step is still meant to last; nothing when it may end.
pub(crate) fn left(facts: &ChannelFacts) -> Option<i64> {
    let hours = facts.rollout.as_ref()?.min_hours;
    let left = i64::from(hours) * HOUR - at_this_step(facts)?;
    (left > 0).then_some(left)
}

/// The share that comes next; nothing when everyone has it, or nothing rolls out.
pub(crate) fn next_share(document: &RolloutDocument) -> Option<u16> {
    let entry = document.entries.first()?;
    let above = planned(document).into_iter().find(|s| *s > entry.permille);
    Some(above.unwrap_or(1000))
}

fn planned(document: &RolloutDocument) -> Vec<u16> {
    if document.steps.is_empty() {
        let first = document.entries.first().map_or(1000, |e| e.permille);
        return headgate_core::rollout::steps_from(first);
    }
    document.steps.clone()
}

fn serving(version: &RolloutVersion) -> Option<Serving> {
    version.document.as_ref().map(RolloutDocument::serving)
}

/// When the release became what the channel serves, Unix seconds.
pub(crate) fn began(facts: &ChannelFacts) -> Option<i64> {
    facts.run().first().map(|v| v.at.unix())
}

fn reached(facts: &ChannelFacts) -> Vec<Reached> {
    let mut list: Vec<Reached> = Vec::new();
    let mut halted_since: Option<i64> = None;
    for version in facts.run() {
        let Some(serving) = serving(version) else {
            continue;
        };
        let at = version.at.unix();
        if let (Some(since), Some(last)) = (halted_since.take(), list.last_mut()) {
            last.halted += at - since;
        }
        if list.last().is_none_or(|l| serving.permille > l.permille) {
            if let Some(last) = list.last_mut() {
                last.until = Some(at);
            }
            list.push(Reached {
                permille: serving.permille,
                at,
                text: version.at.to_string(),
                by: version.by.clone(),
                until: None,
                halted: 0,
            });
        }
        if serving.state == RolloutState::Halted {
            halted_since = Some(at);
        }
    }
    if let (Some(since), Some(last)) = (halted_since, list.last_mut()) {
        last.halted += (facts.now.unix() - since).max(0);
    }
    list
}

/// The steps that were gone through, and those that come.
pub(crate) fn steps(facts: &ChannelFacts) -> Vec<dto::RolloutStep> {
    let (Some(document), Some(_)) = (&facts.rollout, facts.serves()) else {
        return Vec::new();
    };
    let reached = reached(facts);
    let serving = document.serving();
    let mut steps: Vec<dto::RolloutStep> =
        reached.iter().map(|r| gone(r, facts, &serving)).collect();
    let Some(entry) = document.entries.first() else {
        return steps;
    };
    let mut before = entry.permille;
    let mut shares = planned(document);
    shares.retain(|s| *s > before);
    if shares.last() != Some(&1000) {
        shares.push(1000);
    }
    for (i, permille) in shares.into_iter().enumerate() {
        steps.push(dto::RolloutStep {
            permille: permille.into(),
            state: if i == 0 { "next" } else { "later" }.into(),
            at: None,
            by: None,
            says: to_come(i == 0, before, facts, document),
        });
        before = permille;
    }
    steps
}

fn gone(r: &Reached, facts: &ChannelFacts, serving: &Serving) -> dto::RolloutStep {
    let lasts = r.until.is_none();
    let done = !lasts || serving.permille >= 1000;
    let length = r.until.unwrap_or(facts.now.unix()) - r.at;
    let halted = if r.halted > 0 {
        format!(", halted {}", span(r.halted))
    } else {
        String::new()
    };
    let says = match (lasts, r.permille) {
        (true, 1000) => "Everyone".into(),
        (true, _) => format!("{} so far{halted}", span(length)),
        (false, _) => format!("{}{halted}", span(length)),
    };
    dto::RolloutStep {
        permille: r.permille.into(),
        state: if done { "done" } else { "now" }.into(),
        at: Some(r.text.clone()),
        by: Some(r.by.clone()),
        says,
    }
}

fn to_come(next: bool, before: u16, facts: &ChannelFacts, document: &RolloutDocument) -> String {
    let hours = document.min_hours;
    let after = format!("after {hours} h at {}", percent(before));
    if !next {
        return if hours > 0 { after } else { "by hand".into() };
    }
    let halted = document
        .entries
        .first()
        .is_some_and(|e| e.state == RolloutState::Halted);
    if halted {
        "after resuming".into()
    } else if facts.stopped().is_some() {
        "stopped by the gate".into()
    } else if left(facts).is_some() {
        after
    } else {
        "Open now".into()
    }
}

/// What happened from a time on, oldest first.
pub(crate) fn marks(facts: &ChannelFacts, from: i64) -> Vec<dto::AdoptionMark> {
    let mut marks = Vec::new();
    let mut before: Option<&RolloutDocument> = None;
    for version in &facts.history {
        let now = version.document.as_ref();
        if let Some(document) = now
            && let Some((kind, says)) = changed(facts, before, document)
        {
            marks.push(dto::AdoptionMark {
                at: version.at.unix(),
                kind: kind.into(),
                says,
            });
        }
        before = now.or(before);
    }
    if let Some(at) = facts.stopped() {
        marks.push(dto::AdoptionMark {
            at: at.unix(),
            kind: "gate".into(),
            says: "Stopped by the gate".into(),
        });
    }
    marks.retain(|m| m.at >= from);
    marks.sort_by_key(|m| m.at);
    marks
}

fn changed(
    facts: &ChannelFacts,
    before: Option<&RolloutDocument>,
    now: &RolloutDocument,
) -> Option<(&'static str, String)> {
    let serving = now.serving();
    let was = before.map(RolloutDocument::serving);
    let same = was.as_ref().is_some_and(|w| w.release == serving.release);
    let version = serving.release.map(|b| facts.version(b));
    let Some(version) = version else {
        let embedded = serving.base == Base::Embedded && !same;
        return embedded.then(|| ("embedded", "Back to embedded".to_owned()));
    };
    if let Base::Release(base) = &serving.base
        && base.rolled_back
        && now.entries.is_empty()
        && !before.is_some_and(|b| b.entries.is_empty() && b.base == now.base)
    {
        return Some(("roll_back", format!("Rolled back to {version}")));
    }
    let Some(was) = was.filter(|_| same) else {
        return Some((
            "start",
            format!("{version} to {}", percent(serving.permille)),
        ));
    };
    match (was.state, serving.state) {
        (RolloutState::RollingOut, RolloutState::Halted) => Some(("halt", "Halted".into())),
        (RolloutState::Halted, RolloutState::RollingOut) => Some(("resume", "Resumed".into())),
        _ if serving.permille <= was.permille => None,
        _ if serving.permille >= 1000 => Some(("complete", "Complete".into())),
        _ => Some(("share", percent(serving.permille))),
    }
}
