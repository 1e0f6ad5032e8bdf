//! Who gets what: one pure function for server, device, command line and console.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::manifest::ReleaseManifest;
use crate::native::{Native, Platform};
use crate::rollout::{Base, RolloutDocument};
use crate::settings::EmbeddedBuilds;
use crate::share::in_share;
use crate::{Code, Problem, Result};

/// What decides about the devices of a channel. All of it verified, of one snapshot.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChannelState {
    /// The rollout document.
    pub rollout: RolloutDocument,
    /// Approved releases by build number.
    pub releases: BTreeMap<u32, Approved>,
    /// Which build each native version embeds.
    pub embedded: EmbeddedBuilds,
}

/// What an offer needs to know of an approved release.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// SHA-256 of its manifest, lower-case hex.
    pub sha256: String,
    /// Native versions that it runs on.
    pub native: Native,
}

/// A device.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Device {
    /// Id of the installation, if the device sends one.
    pub install_id: Option<String>,
    /// Operating system.
    pub platform: Platform,
    /// Native version, as the device sends it.
    pub native: String,
    /// Build that it runs; nothing = the embedded one.
    pub running: Option<u32>,
    /// Builds that failed to start on it, each in the attempt that it belonged to. Empty where a client does not say.
    pub failed: Vec<FailedStart>,
}

/// A build that did not start on a device.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FailedStart {
    /// Build number.
    pub build: u32,
    /// [`RolloutDocument::attempt`] of the rollout that offered it.
    pub attempt: String,
}

/// What a device gets.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Offer {
    /// This build.
    Release(u32),
    /// Nothing: it runs what it is meant to run.
    UpToDate,
    /// It returns to the web build in the native app.
    Embedded,
    /// Nothing, and it keeps what it runs.
    Nothing(Why),
}

/// Why a device gets nothing.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Why {
    /// No release was made for the channel.
    NothingServed,
    /// The rollout has not reached the device, and there is no base.
    NotInShare,
    /// The rollout is halted, and there is no base.
    Halted,
    /// Its native version is outside the range.
    NativeVersion,
    /// Its native version embeds a newer build.
    OlderThanEmbedded,
    /// The rollout names a release that is not approved as it names it.
    Unapproved,
    /// The release failed to start on this device in this attempt.
    FailedHere,
}

impl Why {
    /// For protocols and logs.
    pub fn code(self) -> &'static str {
        match self {
            Self::NothingServed => "nothing_served",
            Self::NotInShare => "not_in_share",
            Self::Halted => "halted",
            Self::NativeVersion => "native_version",
            Self::OlderThanEmbedded => "older_than_embedded",
            Self::Unapproved => "unapproved",
            Self::FailedHere => "failed_here",
        }
    }

    /// For people.
    pub fn text(self) -> &'static str {
        match self {
            Self::NothingServed => "The channel serves nothing yet.",
            Self::NotInShare => {
                "The rollout has not reached this device, and the channel served nothing before."
            }
            Self::Halted => "The rollout is halted, and the channel served nothing before.",
            Self::NativeVersion => "What the channel serves does not run on this native version.",
            Self::OlderThanEmbedded => {
                "The native app embeds a newer build than the channel serves."
            }
            Self::Unapproved => "The rollout names a release that is not approved on this channel.",
            Self::FailedHere => {
                "The release failed to start on this device; it waits for a newer rollout."
            }
        }
    }
}

impl ChannelState {
    /// A state from verified documents.
    ///
    /// # Errors
    /// `trust.format` when a manifest is of another unit, or two have one build number.
    pub fn new<'a>(
        rollout: RolloutDocument,
        approved: impl IntoIterator<Item = &'a ReleaseManifest>,
        embedded: EmbeddedBuilds,
    ) -> Result<Self> {
        let mut releases = BTreeMap::new();
        for manifest in approved {
            let release = Approved {
                sha256: manifest.sha256()?,
                native: manifest.native.clone(),
            };
            let twice = releases.insert(manifest.build, release).is_some();
            if twice || manifest.unit != rollout.unit {
                let what = format!(
                    "The manifest of {} build {} does not belong there.",
                    manifest.unit, manifest.build
                );
                return Err(Problem::new(Code::TrustFormat, what));
            }
        }
        Ok(Self {
            rollout,
            releases,
            embedded,
        })
    }

    /// The approved release that the rollout names, if hash and build number fit.
    fn approved(&self, build: u32, manifest: &str) -> Option<&Approved> {
        self.releases.get(&build).filter(|r| r.sha256 == manifest)
    }

    /// The first build that the rollout names without an approval.
    pub fn unapproved(&self) -> Option<u32> {
        let mut names = self.rollout.names();
        names
            .find(|(build, manifest)| self.approved(*build, manifest).is_none())
            .map(|(build, _)| build)
    }
}

/// What a device gets from a channel (architecture §3).
///
/// A rollout that names any release without an approval offers nothing to anyone (trust §4): which of its
/// parts to believe is not for a verifier to guess.
pub fn who_gets(state: &ChannelState, device: &Device) -> Offer {
    decide(state, device, &mut |_| ())
}

/// As [`who_gets`], with what was looked at on the way, in order.
pub fn explain(state: &ChannelState, device: &Device) -> Decision {
    let mut trace = Vec::new();
    let offer = decide(state, device, &mut |look| trace.push(look));
    Decision { offer, trace }
}

fn decide(state: &ChannelState, device: &Device, note: &mut dyn FnMut(Look)) -> Offer {
    if let Some(build) = state.unapproved() {
        note(Look::of(
            Part::Entry,
            Some(build),
            Finding::Passed(Why::Unapproved),
        ));
        return Offer::Nothing(Why::Unapproved);
    }
    let matches = |build, manifest: &str, narrowed: Option<&Native>| {
        state.approved(build, manifest).is_some_and(|release| {
            release
                .native
                .matches_both(narrowed, device.platform, &device.native)
        })
    };
    let embedded = state.embedded.build(device.platform, &device.native);
    let older = |build: u32| embedded.is_some_and(|e| build < e);
    // Written out only where something failed: nearly every check-in is of a device where nothing did.
    let failed = |build: u32| {
        let mut starts = device.failed.iter();
        starts.any(|f| f.build == build && f.attempt == state.rollout.attempt())
    };
    // The embedded build is a build like others: a device on it has what it would otherwise download.
    let running = device.running.or(embedded);
    let mut why = None;

    for entry in &state.rollout.entries {
        let look = |finding| Look::of(Part::Entry, Some(entry.release), finding);
        let reason = if !matches(entry.release, &entry.manifest, entry.native.as_ref()) {
            Why::NativeVersion
        } else if running == Some(entry.release) {
            note(look(Finding::Runs));
            return Offer::UpToDate;
        } else if !entry.state.takes_new_devices() {
            Why::Halted
        } else if !in_share(device.install_id.as_deref(), &entry.salt, entry.permille) {
            Why::NotInShare
        } else if older(entry.release) {
            Why::OlderThanEmbedded
        } else if failed(entry.release) {
            Why::FailedHere
        } else {
            note(look(Finding::Offered));
            return Offer::Release(entry.release);
        };
        note(look(Finding::Passed(reason)));
        why.get_or_insert(reason);
    }
    if let Some(build) = running.filter(|b| state.rollout.keep.binary_search(b).is_ok()) {
        note(Look::of(Part::Keep, Some(build), Finding::Runs));
        return Offer::UpToDate;
    }
    let base = state.rollout.base.build();
    let (offer, finding) = match &state.rollout.base {
        Base::Nothing => {
            let why = why.unwrap_or(Why::NothingServed);
            (Offer::Nothing(why), Finding::Passed(why))
        }
        Base::Embedded if device.running.is_none() => (Offer::UpToDate, Finding::Runs),
        Base::Embedded => (Offer::Embedded, Finding::Offered),
        Base::Release(base) => {
            let passed = |why| (Offer::Nothing(why), Finding::Passed(why));
            if !matches(base.release, &base.manifest, base.native.as_ref()) {
                passed(Why::NativeVersion)
            } else if running == Some(base.release) {
                (Offer::UpToDate, Finding::Runs)
            } else if older(base.release) && !base.rolled_back {
                passed(Why::OlderThanEmbedded)
            } else if failed(base.release) {
                passed(Why::FailedHere)
            } else {
                (Offer::Release(base.release), Finding::Offered)
            }
        }
    };
    note(Look::of(Part::Base, base, finding));
    offer
}

/// An answer with its reasons.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    /// What the device gets.
    pub offer: Offer,
    /// What was looked at, in order; the last line decided.
    pub trace: Vec<Look>,
}

/// One line of a trace.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Look {
    /// Part of the rollout document.
    pub part: Part,
    /// Build that it names; nothing for an embedded or empty base.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub build: Option<u32>,
    /// What was found.
    pub finding: Finding,
}

/// A part of a rollout document.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Part {
    /// An unfinished rollout.
    Entry,
    /// Builds whose holders stay.
    Keep,
    /// What everyone else gets.
    Base,
}

/// What was found at a part.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Finding {
    /// The device gets it.
    Offered,
    /// The device runs it.
    Runs,
    /// Not for this device.
    Passed(Why),
}

impl Look {
    fn of(part: Part, build: Option<u32>, finding: Finding) -> Self {
        Self {
            part,
            build,
            finding,
        }
    }

    /// The line in words.
    pub fn text(&self) -> String {
        let build = self.build.map(|b| format!(" {b}")).unwrap_or_default();
        let what = match (self.part, self.build) {
            (Part::Entry, _) => format!("Rollout of build{build}"),
            (Part::Keep, _) => format!("Kept build{build}"),
            (Part::Base, Some(_)) => format!("Base build{build}"),
            (Part::Base, None) => "Base".to_owned(),
        };
        match self.finding {
            Finding::Offered => format!("{what}: offered."),
            Finding::Runs => format!("{what}: the device runs it."),
            Finding::Passed(why) => format!("{what}: {}", why.text()),
        }
    }
}
