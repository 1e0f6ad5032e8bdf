//! One check-in of a device, whatever it speaks: the answer of the one rule, and a note for telemetry.

use std::net::IpAddr;
use std::sync::Arc;

use headgate_core::status::{Dialect, Place};
use headgate_core::{Device, Offer, Platform, who_gets};

use crate::catalog::{ChannelServing, ReleaseServing, UnitServing};
use crate::state::AppState;
use crate::telemetry::Seen;

/// What a device runs, as its client says it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Running {
    /// The web build in the native app.
    Embedded,
    /// A release.
    Build(u32),
    /// Something that this channel does not know: an update of another service, or a release that fell out of approval.
    Unknown,
}

/// A check-in.
#[derive(Debug, Clone)]
pub struct CheckIn<'a> {
    /// Protocol.
    pub dialect: Dialect,
    /// Install id, if the client sends one.
    pub install: Option<&'a str>,
    /// Operating system.
    pub platform: Platform,
    /// Native version.
    pub native: &'a str,
    /// Version of the plugin.
    pub plugin: Option<&'a str>,
    /// What it runs.
    pub running: Running,
    /// What it is decided for, where that is not what it runs now: a client that decides by itself reports an offer
    /// only when it has taken it.
    pub earlier: Option<Running>,
    /// Where it asks from.
    pub network: Option<IpAddr>,
}

/// The answer.
#[derive(Debug, Clone)]
pub enum Reply {
    /// This release.
    Release(Arc<ReleaseServing>),
    /// It runs what it is meant to run.
    UpToDate,
    /// Back to the web build in the native app.
    Embedded,
    /// Nothing, with the code of the reason: [`headgate_core::Why::code`], or why the channel is withheld.
    Nothing(String),
}

/// Longest install id and plugin version that are kept.
const MAX_ID: usize = 64;

impl AppState {
    /// Decides, and notes the check-in.
    pub fn check(
        &self,
        unit: &UnitServing,
        channel: &ChannelServing,
        check: &CheckIn<'_>,
    ) -> Reply {
        self.check_delivering(unit, channel, check, |_| Ok(()))
    }

    /// As [`Self::check`], where the client may be unable to take a release: `deliverable` then gives the code of the
    /// reason, and the release does not count as offered.
    pub fn check_delivering(
        &self,
        unit: &UnitServing,
        channel: &ChannelServing,
        check: &CheckIn<'_>,
        deliverable: impl FnOnce(&ReleaseServing) -> Result<(), &'static str>,
    ) -> Reply {
        let now = (self.clock)();
        let reply = match (channel.withheld(now), &channel.decides) {
            (Some(why), _) => Reply::Nothing(why.to_owned()),
            (None, None) => Reply::Nothing("nothing_served".into()),
            (None, Some(state)) => decide(channel, state, check),
        };
        let reply = match reply {
            Reply::Release(release) => match deliverable(&release) {
                Ok(()) => Reply::Release(release),
                Err(why) => Reply::Nothing(why.to_owned()),
            },
            other => other,
        };
        self.metrics.checked(check.dialect, &reply);
        if let Some(install) = check
            .install
            .filter(|id| !id.is_empty() && id.len() <= MAX_ID)
        {
            let attempt = channel.attempt.clone();
            let offered = match &reply {
                Reply::Release(release) => {
                    Some((release.manifest.build, attempt.clone().unwrap_or_default()))
                }
                _ => None,
            };
            self.telemetry.seen(Seen {
                workspace: unit.registry.workspace.clone(),
                place: Place {
                    unit: channel.unit.clone(),
                    channel: channel.channel.clone(),
                    dialect: check.dialect,
                    platform: check.platform,
                    native: check.native.to_owned(),
                },
                install: install.to_ascii_lowercase(),
                plugin: check
                    .plugin
                    .filter(|p| p.len() <= MAX_ID)
                    .map(str::to_owned),
                running: match check.running {
                    Running::Build(build) => Some(build),
                    Running::Embedded | Running::Unknown => None,
                },
                offered,
                attempt,
                network: check.network,
                at: now,
            });
        }
        reply
    }
}

fn decide(
    channel: &ChannelServing,
    state: &headgate_core::ChannelState,
    check: &CheckIn<'_>,
) -> Reply {
    let device = Device {
        install_id: check.install.map(str::to_owned),
        platform: check.platform,
        native: check.native.to_owned(),
        running: match check.earlier.as_ref().unwrap_or(&check.running) {
            Running::Build(build) => Some(*build),
            Running::Embedded | Running::Unknown => None,
        },
        failed: Vec::new(),
    };
    match who_gets(state, &device) {
        Offer::Release(build) => match channel.releases.get(&build) {
            Some(release) => Reply::Release(Arc::clone(release)),
            None => Reply::Nothing("unapproved".into()),
        },
        // Nobody knows what it runs: what it is meant to run is what it gets.
        Offer::UpToDate if check.running == Running::Unknown => Reply::Embedded,
        Offer::UpToDate => Reply::UpToDate,
        Offer::Embedded => Reply::Embedded,
        Offer::Nothing(why) => Reply::Nothing(why.code().to_owned()),
    }
}
