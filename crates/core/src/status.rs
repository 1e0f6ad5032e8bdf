//! What devices really run: what the update server tells the console, and the figures made from it.
//!
//! Everything is counted by install, never by event, so late, repeated and lost reports cannot make a count drift.

use std::collections::BTreeMap;

use headgate_tuf::{Name, UtcTime};
use serde::{Deserialize, Serialize};

use crate::native::Platform;
use crate::offer::{Finding, Look};
use crate::rollout::Gate;

/// Protocol that a device client speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Dialect {
    /// Headgate's own: plain TUF.
    Headgate,
    /// Capgo's updater.
    Capgo,
    /// Ionic Live Updates SDK and Portals.
    Ionic,
    /// cordova-plugin-ionic.
    Cordova,
}

impl Dialect {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Headgate, Self::Capgo, Self::Ionic, Self::Cordova];

    /// As in protocols and on the command line.
    pub fn text(self) -> &'static str {
        match self {
            Self::Headgate => "headgate",
            Self::Capgo => "capgo",
            Self::Ionic => "ionic",
            Self::Cordova => "cordova",
        }
    }

    /// Whether the client says that a release failed. Of the others only check-ins are known.
    pub fn reports_failures(self) -> bool {
        matches!(self, Self::Headgate | Self::Capgo)
    }

    /// Whether the client can be told to return to the web build in the native app. The others keep what they run
    /// until they get a release: offer them the embedded build as one.
    pub fn returns_to_embedded(self) -> bool {
        matches!(self, Self::Headgate | Self::Capgo)
    }

    /// Whether the client verifies signed metadata itself. The others trust the server.
    pub fn verifies(self) -> bool {
        self == Self::Headgate
    }
}

/// How far an install came with a release (architecture §2). Later states replace earlier ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DeviceState {
    /// The server offered it.
    Offered,
    /// Could not be downloaded, verified or unpacked; the device may try again.
    Failed,
    /// Its bytes are on the device.
    Downloaded,
    /// It was switched to; nothing is known of its start.
    Applied,
    /// It started and said so.
    Confirmed,
    /// It did not start, and the device went back: a boot failure.
    RolledBack,
}

impl DeviceState {
    /// As in protocols.
    pub fn text(self) -> &'static str {
        match self {
            Self::Offered => "offered",
            Self::Failed => "failed",
            Self::Downloaded => "downloaded",
            Self::Applied => "applied",
            Self::Confirmed => "confirmed",
            Self::RolledBack => "rolled_back",
        }
    }
}

/// Installs by what they were last seen running, by the day of that. Active in a window = the sum over its days.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ActiveCell {
    /// What is counted.
    #[serde(flatten)]
    pub place: Place,
    /// Day of the last check-in, days since 1970-01-01 UTC.
    pub day: u32,
    /// Build that was running; nothing = the embedded build.
    #[serde(default)]
    pub build: Option<u32>,
    /// Installs.
    pub installs: u64,
}

/// Installs by what they ran at the end of a day: a curve over time, unlike [`ActiveCell`] it stays as it was.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DailyCell {
    /// Unit.
    pub unit: Name,
    /// Channel.
    pub channel: Name,
    /// Day, days since 1970-01-01 UTC.
    pub day: u32,
    /// Build; nothing = the embedded build.
    #[serde(default)]
    pub build: Option<u32>,
    /// Installs that were seen on that day and ran it when they were seen last.
    pub installs: u64,
}

/// Installs by how far they came with a release in one attempt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OutcomeCell {
    /// What is counted.
    #[serde(flatten)]
    pub place: Place,
    /// Build.
    pub build: u32,
    /// [`crate::RolloutDocument::attempt`] of the rollout.
    pub attempt: String,
    /// Installs by their present state.
    pub states: BTreeMap<DeviceState, u64>,
    /// Installs in [`DeviceState::Failed`] and [`DeviceState::RolledBack`] by reason.
    pub reasons: BTreeMap<String, u64>,
}

/// Installs that came to an end with a release in one minute.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct MinuteCell {
    /// Unit.
    pub unit: Name,
    /// Channel.
    pub channel: Name,
    /// Build.
    pub build: u32,
    /// Attempt.
    pub attempt: String,
    /// Start of the minute, Unix seconds.
    pub at: i64,
    /// Installs that confirmed it.
    pub confirmed: u64,
    /// Installs that rolled it back.
    pub rolled_back: u64,
}

/// Where an install belongs.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Place {
    /// Unit.
    pub unit: Name,
    /// Channel.
    pub channel: Name,
    /// Protocol.
    pub dialect: Dialect,
    /// Operating system.
    pub platform: Platform,
    /// Native version, as devices send it.
    pub native: String,
}

/// One page of what changed in a workspace. Values are totals, so a page that is read twice changes nothing twice.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatusPage {
    /// When it was made.
    pub as_of: UtcTime,
    /// Cells that changed after the cursor, oldest change first.
    pub cells: Vec<Cell>,
    /// Cursor of the next page.
    pub next: u64,
    /// There is more now.
    pub more: bool,
    /// The telemetry database's identity. Another one than before: begin again from cursor 0.
    pub epoch: String,
    /// Present state of every channel of the workspace.
    pub channels: Vec<ChannelStatus>,
    /// The server's address as devices reach it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub public_url: Option<String>,
}

/// A cell of any kind.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Cell {
    /// Last seen.
    Active(ActiveCell),
    /// By day.
    Daily(DailyCell),
    /// By outcome.
    Outcome(OutcomeCell),
    /// By minute.
    Minute(MinuteCell),
}

/// What the server does on a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelStatus {
    /// Unit.
    pub unit: Name,
    /// Channel.
    pub channel: Name,
    /// Version of the rollout role that it serves.
    #[serde(default)]
    pub rollout: Option<u64>,
    /// Attempt that it serves.
    #[serde(default)]
    pub attempt: Option<String>,
    /// Why it offers nothing: `stale`, `unapproved`, `trust.…`, `storage.…`.
    #[serde(default)]
    pub withheld: Option<String>,
    /// The health gate of the running attempt.
    #[serde(default)]
    pub gate: Option<GateStatus>,
    /// Device clients with known defects that were seen, `capgo 8.51.20`, with the installs that have them.
    #[serde(default)]
    pub risky: BTreeMap<String, u64>,
}

/// A health gate and what it saw (trust §9).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateStatus {
    /// Build.
    pub build: u32,
    /// Attempt.
    pub attempt: String,
    /// [`crate::RolloutDocument::opened`] of the build: what happened before does not count.
    pub opened: UtcTime,
    /// When it judges.
    pub gate: Gate,
    /// Attempts that count for it.
    pub sample: u64,
    /// Boot failures that count for it.
    pub failures: u64,
    /// When it stopped the rollout; it stays so until somebody starts or resumes it anew.
    #[serde(default)]
    pub tripped: Option<UtcTime>,
}

/// One install, for who was called by its owner.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallReport {
    /// Install id.
    pub install: String,
    /// Where it belongs.
    pub place: Place,
    /// Version of its plugin.
    #[serde(default)]
    pub plugin: Option<String>,
    /// Build that it ran when it was seen last; nothing = the embedded build.
    #[serde(default)]
    pub running: Option<u32>,
    /// When it was seen first.
    pub first_seen: UtcTime,
    /// Day that it was seen last, days since 1970-01-01 UTC.
    pub last_day: u32,
    /// What happened, newest first.
    pub events: Vec<InstallEvent>,
    /// What it would get now.
    pub offer: Answer,
}

/// What happened on an install.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct InstallEvent {
    /// When the server learned of it.
    pub at: UtcTime,
    /// Build.
    pub build: u32,
    /// Attempt.
    pub attempt: String,
    /// State.
    pub state: DeviceState,
    /// Why it failed.
    #[serde(default)]
    pub reason: Option<String>,
}

/// An offer with its trace, as words and codes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Answer {
    /// `release`, `up_to_date`, `embedded` or `nothing`.
    pub offer: String,
    /// Build that is offered.
    #[serde(default)]
    pub build: Option<u32>,
    /// Why nothing is: [`crate::Why::code`], or why the server withholds.
    #[serde(default)]
    pub why: Option<String>,
    /// What was looked at; the last line decided.
    pub trace: Vec<Look>,
}

impl Answer {
    /// From a decision.
    pub fn of(decision: &crate::offer::Decision) -> Self {
        use crate::Offer;
        let (offer, build, why) = match decision.offer {
            Offer::Release(build) => ("release", Some(build), None),
            Offer::UpToDate => ("up_to_date", None, None),
            Offer::Embedded => ("embedded", None, None),
            Offer::Nothing(why) => ("nothing", None, Some(why.code().to_owned())),
        };
        Self {
            offer: offer.into(),
            build,
            why,
            trace: decision.trace.clone(),
        }
    }

    /// Whether the last look agrees with the offer; a page from elsewhere may say anything.
    pub fn consistent(&self) -> bool {
        let last = self.trace.last().map(|l| l.finding);
        matches!(
            (self.offer.as_str(), last),
            ("release" | "embedded", Some(Finding::Offered))
                | ("up_to_date", Some(Finding::Runs))
                | ("nothing", _)
        )
    }
}

/// Counted outcomes of a release.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Outcomes {
    /// Installs with any state beyond offered.
    pub attempts: u64,
    /// Failed or rolled back.
    pub failures: u64,
    /// Confirmed.
    pub confirmed: u64,
}

impl Outcomes {
    /// Adds a cell.
    pub fn add(&mut self, states: &BTreeMap<DeviceState, u64>) {
        for (state, count) in states {
            if *state > DeviceState::Offered {
                self.attempts += count;
            }
            match state {
                DeviceState::Failed | DeviceState::RolledBack => self.failures += count,
                DeviceState::Confirmed => self.confirmed += count,
                _ => {}
            }
        }
    }
}

/// The 95 % Wilson score interval of `hits` of `all`, as shares from 0 to 1; nothing without a sample.
///
/// Wilson 1927; unlike the usual interval it stays sensible near 0 and for small samples.
pub fn wilson(hits: u64, all: u64) -> Option<(f64, f64)> {
    if all == 0 {
        return None;
    }
    const Z: f64 = 1.959_963_984_540_054;
    #[expect(
        clippy::cast_precision_loss,
        reason = "counts of devices are far below 2^52"
    )]
    let (hits, n) = (hits.min(all) as f64, all as f64);
    let p = hits / n;
    let centre = (p + Z * Z / (2.0 * n)) / (1.0 + Z * Z / n);
    let half = Z / (1.0 + Z * Z / n) * (p * (1.0 - p) / n + Z * Z / (4.0 * n * n)).sqrt();
    Some(((centre - half).max(0.0), (centre + half).min(1.0)))
}

impl GateStatus {
    /// Whether the failures pass the limit: the lower end of the interval lies above it, after the minimum sample.
    pub fn passes_limit(&self) -> bool {
        let limit = f64::from(self.gate.max_failure_permille) / 1000.0;
        self.sample >= u64::from(self.gate.min_sample)
            && wilson(self.failures, self.sample).is_some_and(|(low, _)| low > limit)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn the_interval_is_wilsons() {
        // Figures of the worked example in Newcombe 1998, table I, method 3: 81/263, 15/148, 0/20.
        for (hits, all, low, high) in [
            (81, 263, 0.2553, 0.3662),
            (15, 148, 0.0624, 0.1605),
            (0, 20, 0.0, 0.1611),
        ] {
            let (l, h) = wilson(hits, all).unwrap();
            assert!((l - low).abs() < 5e-5, "{hits}/{all}: {l}");
            assert!((h - high).abs() < 5e-5, "{hits}/{all}: {h}");
        }
        assert_eq!(wilson(0, 0), None);
    }

    proptest! {
        #[test]
        fn the_interval_holds_the_rate(hits in 0_u64..10_000, more in 0_u64..10_000) {
            let all = hits + more;
            prop_assume!(all > 0);
            let (low, high) = wilson(hits, all).unwrap();
            let rate = hits as f64 / all as f64;
            prop_assert!(0.0 <= low && low <= rate + 1e-12 && rate <= high + 1e-12 && high <= 1.0);
        }
    }
}
