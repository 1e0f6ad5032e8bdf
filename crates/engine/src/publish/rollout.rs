//! From a channel's documents and a wish to the next rollout document.

use headgate_core::{
    Code, Problem, Result, Settings, Start, percent,
    rollout::{Base, RolloutDocument, RolloutState, steps_from},
};
use headgate_registry::documents::ChannelDocuments;
use headgate_tuf::Name;

use super::{Intent, RolloutChange};
use crate::World;

/// Starts to serve a build.
#[expect(
    clippy::too_many_arguments,
    reason = "one release on one channel; a struct would only rename them"
)]
pub(super) fn start(
    documents: &ChannelDocuments,
    settings: &Settings,
    unit: &Name,
    channel: &Name,
    build: u32,
    manifest: &str,
    permille: u16,
    world: &World,
    reason: &str,
) -> Result<RolloutDocument> {
    let usual = settings.channels.iter().find(|c| c.id == *channel);
    RolloutDocument::start(
        documents.rollout.as_ref(),
        Start {
            unit: unit.clone(),
            channel: channel.clone(),
            release: build,
            manifest: manifest.into(),
            permille,
            salt: world.id(8)?,
            native: None,
            steps: steps_from(permille),
            min_hours: usual.map_or(0, |c| c.min_hours),
            gate: usual.and_then(|c| c.gate),
            now: world.now(),
            reason: given(reason, || format!("Build {build} to {}", percent(permille))),
        },
    )
}

/// The reason as a person gave it. A rollout document holds one always; without words it says what was done.
fn given(reason: &str, done: impl FnOnce() -> String) -> String {
    if reason.is_empty() {
        done()
    } else {
        reason.into()
    }
}

/// Changes what is served among the approved releases.
pub(super) fn change(
    documents: &ChannelDocuments,
    settings: &Settings,
    change: &RolloutChange,
    unit: &Name,
    channel: &Name,
    world: &World,
    intent: &Intent,
) -> Result<RolloutDocument> {
    let now = world.now();
    let reason = &given(&intent.reason, || match change {
        RolloutChange::Share { build, permille } => {
            format!("Build {build} to {}", percent(*permille))
        }
        RolloutChange::Halt => "Halted".into(),
        RolloutChange::Resume => "Resumed".into(),
        RolloutChange::Complete => format!("To {}", percent(1000)),
        RolloutChange::RollBack { to } => format!("Back to build {to}"),
        RolloutChange::Embedded => "Back to the embedded build".into(),
        RolloutChange::Freeze => "no reason given".into(),
        RolloutChange::Unfreeze => "Unfrozen".into(),
    });
    let approved = |build: u32| {
        documents
            .approved
            .get(&build)
            .map(|a| a.sha256.as_str())
            .ok_or_else(|| {
                Problem::new(
                    Code::ReleaseNotApproved,
                    format!("Build {build} is not approved on {channel}."),
                )
            })
    };
    let current = || {
        let empty = || Problem::new(Code::RolloutState, format!("{channel} serves nothing yet."));
        documents.rollout.as_ref().ok_or_else(empty)
    };
    match change {
        RolloutChange::Share { build, permille } => {
            let manifest = approved(*build)?;
            let newest = documents.rollout.as_ref().and_then(|r| r.entries.first());
            if newest.is_some_and(|e| e.release == *build) {
                return current()?.set_share(*permille, now, reason);
            }
            start(
                documents, settings, unit, channel, *build, manifest, *permille, world, reason,
            )
        }
        RolloutChange::Halt => current()?.halt(reason),
        RolloutChange::Resume => current()?.resume(now, reason),
        RolloutChange::Complete => current()?.complete(now, reason),
        RolloutChange::RollBack { to } => {
            let document = current()?;
            let serving = document.serving().release;
            // Serving a newer build is a rollout with a share, not a way back.
            if serving.is_some_and(|build| *to >= build) {
                let what = format!("Build {to} is not earlier than what {channel} serves.");
                return Err(Problem::new(Code::RolloutState, what));
            }
            document.roll_back(*to, approved(*to)?, now, reason)
        }
        RolloutChange::Embedded => current()?.embedded(now, reason),
        RolloutChange::Freeze => current()?.freeze(&intent.by, reason),
        RolloutChange::Unfreeze => current()?.unfreeze(reason),
    }
}

/// What a rollout document says, for the person who signs it.
pub(super) fn says(document: &RolloutDocument) -> String {
    let serving = document.serving();
    let says = match (serving.release, serving.state, &serving.base) {
        (Some(build), RolloutState::Halted, _) => format!("Offers build {build} to no new device"),
        (Some(build), RolloutState::Complete, _) => format!("Serves build {build} to 100 %"),
        (Some(build), _, _) => format!("Serves build {build} to {}", percent(serving.permille)),
        (None, _, Base::Embedded) => "Returns devices to the embedded build".into(),
        (None, ..) => "Serves nothing".into(),
    };
    match &document.frozen {
        Some(_) => format!("{says}; frozen"),
        None => says,
    }
}
