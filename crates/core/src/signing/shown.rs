//! What signed bytes say, line by line, against the version before them.

use std::collections::{BTreeMap, BTreeSet};

use headgate_tuf::metadata::{Header, KeyName, Targets};
use headgate_tuf::{KeyId, UtcTime, sha256_hex};
use serde_json::Value;

use super::review::is_named;
use super::{SignedRole, TrustTable};
use crate::manifest::ReleaseManifest;
use crate::native::Native;
use crate::rollout::{Base, RolloutDocument, RolloutState};
use crate::settings::TopTargets;
use crate::text::grouped;
use crate::transitions::percent;

/// How a line differs from what was signed before.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Mark {
    /// As before.
    Same,
    /// Other than before, or new.
    Changed,
    /// Weakens what protects devices.
    Danger,
}

/// One line of what a role says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Line {
    /// What it is about: "May be served".
    pub what: String,
    /// Before; nothing when there was no version before.
    pub before: Option<String>,
    /// With the signature.
    pub after: String,
    /// Its mark.
    pub mark: Mark,
}

impl Line {
    /// A line that is marked as changed when both sides differ.
    pub fn new(what: impl Into<String>, before: Option<String>, after: impl Into<String>) -> Self {
        let after = plain(&after.into());
        let before = before.map(|b| plain(&b));
        let mark = match before.as_deref() == Some(after.as_str()) {
            true => Mark::Same,
            false => Mark::Changed,
        };
        Self {
            what: plain(&what.into()),
            before,
            after,
            mark,
        }
    }

    /// The same line, marked as dangerous.
    #[must_use]
    pub fn danger(mut self) -> Self {
        self.mark = Mark::Danger;
        self
    }
}

/// A text for the screen: what would hide or reorder what a person reads stands there by its code point.
pub fn plain(text: &str) -> String {
    let hides = |c: char| {
        c.is_control()
            || matches!(c, '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{17b4}' | '\u{17b5}' | '\u{2800}' | '\u{fe00}'..='\u{fe0f}' | '\u{115f}' | '\u{1160}' | '\u{180e}' | '\u{200b}'..='\u{200f}'
                | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{feff}' | '\u{ffa0}'
                | '\u{fff9}'..='\u{fffb}' | '\u{e0000}'..='\u{e0fff}')
    };
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if hides(c) {
            out.push_str(&format!("\u{2039}U+{:04X}\u{203a}", u32::from(c)));
        } else {
            out.push(c);
        }
    }
    out
}

/// Documents by hash, as a request carries them or a registry has them.
pub(super) type Documents<'a> = &'a BTreeMap<String, String>;

/// What a role says.
pub(super) fn lines(
    role: &SignedRole,
    before: Option<&SignedRole>,
    names: &BTreeMap<KeyId, KeyName>,
    documents: Documents<'_>,
) -> Vec<Line> {
    let mut lines = Vec::new();
    match (role, before) {
        (SignedRole::Root(root), before) => {
            let old = match before {
                Some(SignedRole::Root(old)) => Some(TrustTable::of_root(old)),
                _ => None,
            };
            TrustTable::of_root(root).lines(old.as_ref(), &mut lines);
        }
        (SignedRole::Targets(top), before) => {
            let old = match before {
                Some(SignedRole::Targets(old)) => Some(old.as_ref()),
                _ => None,
            };
            let table = old.map(|old| TrustTable::of_targets(old, names));
            TrustTable::of_targets(top, names).lines(table.as_ref(), &mut lines);
            settings(top, old, &mut lines);
        }
        (SignedRole::Channel { meta, .. }, before) => {
            let old = match before {
                Some(SignedRole::Channel { meta, .. }) => Some(meta.as_ref()),
                _ => None,
            };
            channel(meta, old, documents, &mut lines);
        }
    }
    let old = |f: fn(&SignedRole) -> String| before.map(f);
    lines.push(Line::new(
        "Version",
        old(|r| r.version().to_string()),
        role.version().to_string(),
    ));
    lines.push(Line::new(
        "Valid until",
        old(|r| day(r.expires())),
        day(role.expires()),
    ));
    let x = role.header();
    let says = |x: &Header| {
        let reason = match x.reason.is_empty() {
            true => String::new(),
            false => format!(", ‘{}’", x.reason),
        };
        format!(
            "{} by {} at {}{reason}",
            x.action.replace('_', " "),
            x.by,
            day(x.at)
        )
    };
    lines.push(Line::new(
        "Says of itself",
        before.map(|b| says(b.header())),
        says(x),
    ));
    lines
}

/// A date with its time to the second, so that two that differ never look alike: "3 Jan 2027, 14:06:00 UTC".
pub(super) fn day(at: UtcTime) -> String {
    const MONTHS: [&str; 12] = [
        "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
    ];
    let text = at.to_string();
    let part = |range: std::ops::Range<usize>| text.get(range).unwrap_or_default();
    let month = part(5..7).parse::<usize>().ok();
    match month.and_then(|m| MONTHS.get(m.checked_sub(1)?)) {
        Some(month) => format!(
            "{} {month} {}, {} UTC",
            part(8..10).trim_start_matches('0'),
            part(0..4),
            part(11..19)
        ),
        None => text,
    }
}

fn settings(top: &TopTargets, old: Option<&TopTargets>, lines: &mut Vec<Line>) {
    let flat = |top: &TopTargets| {
        let mut out = BTreeMap::new();
        let mut value = serde_json::to_value(&top.x).unwrap_or_default();
        if let Some(map) = value.as_object_mut() {
            // These stand in lines of their own, or name the workspace.
            for own in ["action", "at", "by", "reason", "prev"] {
                map.remove(own);
            }
        }
        flatten("", &value, &mut out);
        let targets = serde_json::to_value(&top.targets).unwrap_or_default();
        flatten("targets", &targets, &mut out);
        out
    };
    let (now, was) = (flat(top), old.map(flat));
    let names: BTreeSet<&String> = now
        .keys()
        .chain(was.iter().flat_map(BTreeMap::keys))
        .collect();
    for name in names {
        let before = was.as_ref().map(|w| value_of(w, name));
        let after = value_of(&now, name);
        if before.as_ref() != Some(&after) {
            lines.push(Line::new(format!("Setting {name}"), before, after));
        }
    }
}

fn value_of(map: &BTreeMap<String, String>, name: &str) -> String {
    map.get(name).cloned().unwrap_or_else(|| "not set".into())
}

fn flatten(at: &str, value: &Value, out: &mut BTreeMap<String, String>) {
    let join = |part: &str| match at.is_empty() {
        true => part.to_owned(),
        false => format!("{at} {part}"),
    };
    match value {
        Value::Object(map) => map.iter().for_each(|(k, v)| flatten(&join(k), v, out)),
        Value::Array(list) => {
            for (n, item) in list.iter().enumerate() {
                let name = item.get("id").and_then(Value::as_str).map(str::to_owned);
                flatten(
                    &join(&name.unwrap_or_else(|| (n + 1).to_string())),
                    item,
                    out,
                );
            }
        }
        Value::String(text) => drop(out.insert(at.to_owned(), text.clone())),
        other => drop(out.insert(at.to_owned(), other.to_string())),
    }
}

fn channel(
    meta: &Targets<Header>,
    old: Option<&Targets<Header>>,
    documents: Documents<'_>,
    lines: &mut Vec<Line>,
) {
    let names: BTreeSet<&String> = meta
        .targets
        .keys()
        .chain(old.iter().flat_map(|o| o.targets.keys()))
        .collect();
    // What may be served first, then what its plugins need.
    let mut names: Vec<&String> = names.into_iter().collect();
    names.sort_by_key(|name| name.contains(".clients-"));
    let place = |meta: &Targets<Header>| {
        let part = |p: &Option<String>| p.clone().unwrap_or_default();
        format!("{} of unit {}", part(&meta.x.channel), part(&meta.x.unit))
    };
    lines.push(Line::new("Channel", old.map(place), place(meta)));
    let mut same = 0;
    for name in names {
        let file = |m: &Targets<Header>| {
            m.targets
                .get(name)
                .map(|t| (t.hashes.sha256.clone(), t.length))
        };
        let (now, was) = (file(meta), old.and_then(file));
        if now == was && !name.ends_with(".rollout.json") {
            same += 1;
            continue;
        }
        if name.ends_with(".rollout.json") {
            rollout(
                name,
                now.as_ref(),
                was.as_ref(),
                old.is_some(),
                documents,
                lines,
            );
            continue;
        }
        let says = |f: Option<&(String, u64)>| match f {
            Some((sha256, length)) => target(name, sha256, *length, documents),
            None => "no".into(),
        };
        let build = name.trim_end_matches(".json").rsplit('-').next();
        let what = match (name.contains(".clients-"), build) {
            (true, Some(build)) => format!("For plugins of build {build}"),
            (false, Some(build)) if name.contains(".release-") => {
                format!("May be served: build {build}")
            }
            _ => format!("May be served: {name}"),
        };
        lines.push(Line::new(
            what,
            old.map(|_| says(was.as_ref())),
            says(now.as_ref()),
        ));
    }
    if same > 0 {
        let text = format!("{same} more, unchanged");
        lines.push(Line::new("Listed besides", Some(text.clone()), text));
    }
}

/// A listed file. Its document is shown only as far as the hash in the signed bytes names it.
fn target(name: &str, sha256: &str, length: u64, documents: Documents<'_>) -> String {
    let short = sha256.get(..16).unwrap_or(sha256);
    let found = documents
        .get(sha256)
        .filter(|text| sha256_hex(text.as_bytes()) == sha256);
    let Some(text) = found else {
        return format!(
            "{short}… ({} bytes; its document is not in the request)",
            grouped(length)
        );
    };
    match ReleaseManifest::parse(text.as_bytes()) {
        Ok(m) if is_named(&m, name) => {
            let commit = m.source.commit.as_deref().map(|c| format!(", commit {c}"));
            format!(
                "{} build {}{}, native {}, bundle {}… of {} bytes",
                m.version,
                m.build,
                commit.unwrap_or_default(),
                native(&m.native),
                m.bundle.sha256.get(..16).unwrap_or_default(),
                grouped(m.bundle.size)
            )
        }
        Ok(m) => format!(
            "{short}…: a manifest of build {} of unit {}, listed under another name",
            m.build, m.unit
        ),
        Err(_) => format!("{short}… ({} bytes)", grouped(length)),
    }
}

fn rollout(
    name: &str,
    now: Option<&(String, u64)>,
    was: Option<&(String, u64)>,
    known: bool,
    documents: Documents<'_>,
    lines: &mut Vec<Line>,
) {
    let says = |f: Option<&(String, u64)>| {
        let Some((sha256, _)) = f else {
            return "nothing".to_owned();
        };
        let text = documents
            .get(sha256)
            .filter(|text| sha256_hex(text.as_bytes()) == *sha256);
        let short = sha256.get(..16).unwrap_or(sha256);
        match text.map(|t| RolloutDocument::parse(t.as_bytes())) {
            Some(Ok(d)) if name == format!("{}.{}.rollout.json", d.unit, d.channel) => {
                // Salts and the like decide too, and are nothing that a person reads: the hash stands for them.
                format!("{}; document {short}…", serves(&d))
            }
            Some(Ok(d)) => format!("{short}…: a rollout of {} of unit {}", d.channel, d.unit),
            Some(Err(_)) => format!("{short}…: no rollout document"),
            None => format!("{short}… (its document is not in the request)"),
        }
    };
    lines.push(Line::new("Serves", known.then(|| says(was)), says(now)));
}

/// Everything that decides who gets what, in words.
fn serves(document: &RolloutDocument) -> String {
    let mut parts = Vec::new();
    for entry in &document.entries {
        let state = match entry.state {
            RolloutState::RollingOut => "to",
            RolloutState::Halted => "halted at",
            RolloutState::Complete => "complete,",
            RolloutState::Superseded => "superseded at",
        };
        let narrowed = entry
            .native
            .as_ref()
            .map(|n| format!(" on native {}", native(n)));
        let resumed = entry.opened.map(|at| format!(", resumed {at}"));
        parts.push(format!(
            "build {} {state} {}{}{}",
            entry.release,
            percent(entry.permille),
            resumed.unwrap_or_default(),
            narrowed.unwrap_or_default()
        ));
    }
    parts.push(match &document.base {
        Base::Nothing => "others keep what they run".into(),
        Base::Embedded => "others return to the embedded build".into(),
        Base::Release(base) => {
            let back = if base.rolled_back {
                ", rolled back to"
            } else {
                ""
            };
            format!("others get build {}{back}", base.release)
        }
    });
    if !document.keep.is_empty() {
        parts.push(format!("holders of builds {:?} stay", document.keep));
    }
    if let Some(gate) = &document.gate {
        parts.push(format!(
            "gate {} of at least {}",
            percent(gate.max_failure_permille),
            gate.min_sample
        ));
    }
    if let Some(frozen) = &document.frozen {
        parts.push(format!("frozen by {}: {}", frozen.by, frozen.why));
    }
    parts.join("; ")
}

fn native(native: &Native) -> String {
    serde_json::to_string(native).map_or_else(
        |_| "?".into(),
        |text| match text.as_str() {
            "{}" => "any".into(),
            _ => text.replace('"', ""),
        },
    )
}
