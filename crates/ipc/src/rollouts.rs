//! Rollouts in words and figures, from the local cache.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use headgate_core::rollout::Base;
use headgate_core::status::{ActiveCell, DeviceState, Dialect, OutcomeCell};
use headgate_core::{Code, Problem, native};
use headgate_engine::{self as engine, ChannelCounts, ChannelFacts, Rate, WINDOW_DAYS, grouped};

use crate::app::App;
use crate::dto::{self, IpcError};
use crate::figures::{past, rate, row, server};
use crate::{actions, adoption, reasons, steps};

impl App {
    /// Rollouts of a unit, one row a channel, from the local cache.
    pub async fn rollouts(&self, request: dto::BoardRequest) -> Result<dto::Rollouts, IpcError> {
        let console = &self.console;
        let workspace = console.workspace(&request.workspace).await?.id;
        let mut rows = Vec::new();
        for channel in console.channel_names(&workspace).await? {
            match console.summary(&workspace, &request.unit, &channel).await {
                Ok((facts, summary)) => rows.push(row(&facts, summary.as_ref())),
                // A unit need not be on every channel.
                Err(problem) if problem.code == Code::UsageUnknown => {}
                Err(problem) => return Err(problem.into()),
            }
        }
        if rows.is_empty()
            && console
                .units(&workspace)
                .await?
                .iter()
                .all(|u| u.0 != request.unit)
        {
            let what = format!("There is no unit {}.", request.unit);
            return Err(Problem::new(Code::UsageUnknown, what).into());
        }
        let reading = console.server_reading(&workspace).await?;
        Ok(dto::Rollouts {
            server: server(&reading, WINDOW_DAYS),
            rows,
        })
    }

    /// One rollout with all that is known of it, from the local cache.
    pub async fn rollout(&self, request: dto::ChannelRef) -> Result<dto::RolloutView, IpcError> {
        let (unit, channel) = (&request.unit, &request.channel);
        let facts = self
            .console
            .facts(&request.workspace, unit, channel)
            .await?;
        let build = facts.serves().unwrap_or(0);
        let counts = self
            .console
            .counts(&request.workspace, &facts, build, WINDOW_DAYS)
            .await?;
        Ok(view(&facts, &counts))
    }
}

fn view(facts: &ChannelFacts, counts: &ChannelCounts) -> dto::RolloutView {
    let summary = facts.summary(counts);
    let document = facts.rollout.as_ref();
    let current = facts.serves();
    let release = current.and_then(|b| facts.release(b));
    let base = document.and_then(|d| d.base.build());
    let attempts = facts.attempts();
    let own: Vec<&OutcomeCell> = counts
        .outcomes
        .iter()
        .filter(|c| attempts.contains(&c.attempt))
        .collect();
    dto::RolloutView {
        row: row(facts, summary.as_ref()),
        release: release.map(|r| {
            crate::board::release(&engine::ReleaseInfo {
                manifest: r.manifest.clone(),
                sha256: r.sha256.clone(),
                files: r.files,
                native: native::summary(&r.manifest.native),
            })
        }),
        base: base.filter(|b| Some(*b) != current).map(|b| past(facts, b)),
        base_says: base_says(facts),
        server: server(&facts.server, WINDOW_DAYS),
        devices: counts.active.iter().map(|c| c.installs).sum(),
        reason: document.map(|d| d.reason.clone()).unwrap_or_default(),
        by: facts
            .signed
            .as_ref()
            .map(|s| s.1.clone())
            .unwrap_or_default(),
        steps: steps::steps(facts),
        gate: gate(facts, counts),
        withheld: facts.withheld().map(|code| engine::withheld_words(&code)),
        adoption: adoption::adoption(facts, counts),
        funnel: funnel(&own),
        reasons: reason_counts(&own),
        natives: natives(&counts.active, &own, current),
        actions: actions::actions(facts),
        previous: facts
            .approved
            .iter()
            .filter(|r| Some(r.manifest.build) != current)
            .map(|r| past(facts, r.manifest.build))
            .collect(),
        cannot_return: cannot_return(&counts.active).values().sum(),
    }
}

/// What everyone outside the rollout gets.
pub(crate) fn base_says(facts: &ChannelFacts) -> String {
    match facts.rollout.as_ref().map(|r| &r.base) {
        Some(Base::Release(base)) => facts.name(base.release),
        Some(Base::Embedded) => "the embedded build".into(),
        Some(Base::Nothing) | None => "nothing".into(),
    }
}

/// Devices that run a release and whose client cannot return to the embedded build, by client.
pub(crate) fn cannot_return(active: &[ActiveCell]) -> BTreeMap<Dialect, u64> {
    let stuck = |c: &&ActiveCell| c.build.is_some() && !c.place.dialect.returns_to_embedded();
    let mut by = BTreeMap::new();
    for cell in active.iter().filter(stuck) {
        *by.entry(cell.place.dialect).or_default() += cell.installs;
    }
    by
}

fn gate(facts: &ChannelFacts, counts: &ChannelCounts) -> Option<dto::GateView> {
    let status = facts.gate()?;
    let state = if status.tripped.is_some() {
        "stopped"
    } else if status.sample < u64::from(status.gate.min_sample) {
        "waiting"
    } else {
        "open"
    };
    let quiet = engine::silent(&counts.active, status.build);
    Some(dto::GateView {
        state: state.into(),
        min_sample: status.gate.min_sample,
        max_failure_permille: status.gate.max_failure_permille.into(),
        rate: rate(Rate::new(status.failures, status.sample, quiet)),
        stopped: status.tripped.map(|t| t.to_string()),
    })
}

/// How far installs came. Each step counts those beyond it too; who rolled back had switched to it.
fn funnel(own: &[&OutcomeCell]) -> Vec<dto::FunnelStep> {
    let mut by: BTreeMap<DeviceState, u64> = BTreeMap::new();
    for cell in own {
        for (state, n) in &cell.states {
            *by.entry(*state).or_default() += n;
        }
    }
    let n = |state| by.get(&state).copied().unwrap_or(0);
    if by.values().all(|n| *n == 0) {
        return Vec::new();
    }
    let confirmed = n(DeviceState::Confirmed);
    let applied = confirmed + n(DeviceState::RolledBack) + n(DeviceState::Applied);
    let downloaded = applied + n(DeviceState::Downloaded);
    let offered = downloaded + n(DeviceState::Failed) + n(DeviceState::Offered);
    // An install is offered a release once an attempt, so one that failed before it was completed counts in two.
    let attempts: BTreeSet<&str> = own.iter().map(|c| c.attempt.as_str()).collect();
    let attempts = u64::try_from(attempts.len()).unwrap_or(u64::MAX);
    let attempts = if attempts > 1 { attempts } else { 0 };
    let words = |parts: &[(u64, &str)]| {
        let parts = parts.iter().filter(|(n, _)| *n > 0);
        let parts: Vec<String> = parts.map(|(n, w)| format!("{} {w}", grouped(*n))).collect();
        parts.join(", ")
    };
    let step = |state: &str, devices, says: String| dto::FunnelStep {
        state: state.into(),
        devices,
        says,
    };
    vec![
        step(
            "offered",
            offered,
            words(&[
                (n(DeviceState::Offered), "have not started"),
                (attempts, "attempts, each counts a device once"),
            ]),
        ),
        step(
            "downloaded",
            downloaded,
            words(&[(n(DeviceState::Failed), "failed")]),
        ),
        step(
            "applied",
            applied,
            words(&[(n(DeviceState::Downloaded), "wait for a restart")]),
        ),
        step(
            "confirmed",
            confirmed,
            words(&[
                (n(DeviceState::RolledBack), "rolled back"),
                (n(DeviceState::Applied), "wait"),
            ]),
        ),
    ]
}

fn reason_counts(own: &[&OutcomeCell]) -> Vec<dto::ReasonCount> {
    let mut by: BTreeMap<&str, u64> = BTreeMap::new();
    for cell in own {
        for (code, n) in &cell.reasons {
            *by.entry(code).or_default() += n;
        }
    }
    let mut list: Vec<dto::ReasonCount> = by
        .into_iter()
        .filter(|(_, n)| *n > 0)
        .map(|(code, devices)| dto::ReasonCount {
            code: code.into(),
            says: reasons::words(code),
            devices,
        })
        .collect();
    list.sort_by_key(|r| (Reverse(r.devices), r.code.clone()));
    list
}

/// Devices and failures by native version, newest first.
pub(crate) fn natives(
    active: &[ActiveCell],
    own: &[&OutcomeCell],
    build: Option<u32>,
) -> Vec<dto::NativeRow> {
    let mut versions: Vec<&str> = active
        .iter()
        .map(|c| c.place.native.as_str())
        .chain(own.iter().map(|c| c.place.native.as_str()))
        .collect();
    // What is no version is shown, behind those that are.
    versions.sort_by(|a, b| (native::coerce(b), *b).cmp(&(native::coerce(a), *a)));
    versions.dedup();
    let row = |version: &&str| {
        let here = active.iter().filter(|c| c.place.native == **version);
        let ios = here
            .clone()
            .filter(|c| c.place.platform == headgate_core::Platform::Ios);
        let quiet = build.map_or(0, |b| engine::silent(here.clone(), b));
        let cells: Vec<&OutcomeCell> = own
            .iter()
            .copied()
            .filter(|c| c.place.native == **version)
            .collect();
        let attempts: Vec<String> = cells.iter().map(|c| c.attempt.clone()).collect();
        dto::NativeRow {
            native: (*version).to_owned(),
            devices: here.clone().map(|c| c.installs).sum(),
            ios: ios.map(|c| c.installs).sum(),
            failures: rate(engine::rate(cells, &attempts, quiet)),
        }
    };
    versions.iter().map(row).collect()
}
