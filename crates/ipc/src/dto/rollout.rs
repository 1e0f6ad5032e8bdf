//! Rollouts: what a channel serves, how it goes, and changes of it. Counts of devices come from the update server.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{IpcError, PreviousRelease, Release, SignKey, SignRole, Vault};

/// Asks for one channel of a unit.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ChannelRef {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit.
    pub unit: String,
    /// Channel.
    pub channel: String,
}

/// Rollouts of a unit, one row a channel, first to last.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Rollouts {
    /// How old the counts are.
    pub server: ServerState,
    /// Rows.
    pub rows: Vec<RolloutRow>,
}

/// One channel in the list of rollouts.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct RolloutRow {
    /// Channel.
    pub channel: String,
    /// Its name on screen.
    pub label: String,
    /// The release; nothing where the channel serves none.
    pub release: Option<PreviousRelease>,
    /// `rolling_out`, `halted`, `complete`, `stopped_by_gate`, `embedded`, `nothing`.
    pub state: String,
    /// Share, permille.
    pub permille: u32,
    /// When it began.
    pub started: Option<String>,
    /// Devices on the release, in the window.
    pub active: Option<DeviceShare>,
    /// Failures.
    pub failures: Option<FailureRate>,
    /// Newly confirmed installs in each of the last 24 equal spans, oldest first; empty where nothing is known.
    pub spark: Vec<u32>,
    /// Who closed the channel to more devices and why, as a sentence; nothing = it is open.
    pub frozen: Option<String>,
}

/// What is known of the update server, and how old it is.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ServerState {
    /// `none` (not connected), `ok`, `offline` (figures are from the cache).
    pub state: String,
    /// When the counts were made; nothing before the first time.
    pub as_of: Option<String>,
    /// Why the server could not be read.
    pub problem: Option<IpcError>,
    /// Days that "active" looks back.
    pub window_days: u32,
}

/// A part of the devices.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct DeviceShare {
    /// Devices.
    #[ts(type = "number")]
    pub devices: u64,
    /// Of these many.
    #[ts(type = "number")]
    pub of: u64,
}

/// A failure rate with everything that it needs to be believed.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct FailureRate {
    /// Failed or rolled back.
    #[ts(type = "number")]
    pub failures: u64,
    /// Attempts: installs with any state beyond offered.
    #[ts(type = "number")]
    pub attempts: u64,
    /// Lower end of the 95 % Wilson interval, 0 to 1; nothing without attempts.
    pub lower: Option<f64>,
    /// Upper end.
    pub upper: Option<f64>,
    /// Devices that use clients which never report a failure, and are not in these figures.
    #[ts(type = "number")]
    pub silent: u64,
}

/// One rollout with all that is known of it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct RolloutView {
    /// The row of the list.
    pub row: RolloutRow,
    /// The release in full.
    pub release: Option<Release>,
    /// What everyone else gets: nothing = see `base_says`.
    pub base: Option<PreviousRelease>,
    /// `4.2.3, build 1294`, `the embedded build`, `nothing`.
    pub base_says: String,
    /// How old the counts are.
    pub server: ServerState,
    /// Devices of the channel in the window.
    #[ts(type = "number")]
    pub devices: u64,
    /// Why the signed state was changed last, and by whom.
    pub reason: String,
    /// Name of the key's holder.
    pub by: String,
    /// Steps with what happened at each.
    pub steps: Vec<RolloutStep>,
    /// The health gate; nothing where the rollout has none or the server does not say.
    pub gate: Option<GateView>,
    /// Why the server offers nothing on this channel.
    pub withheld: Option<String>,
    /// Adoption.
    pub adoption: Adoption,
    /// Installs by how far they came, in order: offered, downloaded, applied, confirmed. Each counts those beyond it too.
    pub funnel: Vec<FunnelStep>,
    /// Failures by reason, most first.
    pub reasons: Vec<ReasonCount>,
    /// By native version, newest first.
    pub natives: Vec<NativeRow>,
    /// What may be done now.
    pub actions: Vec<RolloutAction>,
    /// Earlier releases that stay approved, newest first: where one can roll back to.
    pub previous: Vec<PreviousRelease>,
    /// Devices of clients that cannot return to the embedded build.
    #[ts(type = "number")]
    pub cannot_return: u64,
}

/// A step of a rollout.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct RolloutStep {
    /// Share, permille.
    pub permille: u32,
    /// `done`, `now`, `next`, `later`.
    pub state: String,
    /// When it began.
    pub at: Option<String>,
    /// Who signed it.
    pub by: Option<String>,
    /// A few words below it: "25 h", "52 h so far", "Open now", "after 24 h at 25 %".
    pub says: String,
}

/// The health gate of a rollout.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct GateView {
    /// `open`, `waiting` (sample too small), `stopped`.
    pub state: String,
    /// Attempts that are needed before it judges.
    pub min_sample: u32,
    /// Limit, permille.
    pub max_failure_permille: u32,
    /// Boot failures that count for it, over the attempts that do.
    pub rate: FailureRate,
    /// When it stopped the rollout.
    pub stopped: Option<String>,
}

/// The adoption curve. Every series has as many values as there are times.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Adoption {
    /// `minute` or `day`.
    pub by: String,
    /// Times, Unix seconds.
    #[ts(type = "number[]")]
    pub times: Vec<i64>,
    /// One series a release, oldest first.
    pub series: Vec<AdoptionSeries>,
    /// What happened, by whom.
    pub marks: Vec<AdoptionMark>,
}

/// Devices on one release over time.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct AdoptionSeries {
    /// `4.2.3`, `Embedded`, `4.2.2 and older`, `4.2.3, others`.
    pub label: String,
    /// Build; nothing for a sum or the embedded build.
    pub build: Option<u32>,
    /// Devices at each time.
    pub devices: Vec<u32>,
}

/// A flag on the adoption curve.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct AdoptionMark {
    /// Unix seconds.
    #[ts(type = "number")]
    pub at: i64,
    /// `start`, `share`, `halt`, `resume`, `gate`, `complete`, `roll_back`, `embedded`.
    pub kind: String,
    /// "Promoted 1 %", "25 %", "Halted".
    pub says: String,
}

/// A step of the funnel.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct FunnelStep {
    /// `offered`, `downloaded`, `applied`, `confirmed`.
    pub state: String,
    /// Devices that came at least so far.
    #[ts(type = "number")]
    pub devices: u64,
    /// What became of the others: "17 failed", "27 rolled back, 46 wait".
    pub says: String,
}

/// Failures of one reason.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ReasonCount {
    /// Code, as the client sent it.
    pub code: String,
    /// In words.
    pub says: String,
    /// Devices.
    #[ts(type = "number")]
    pub devices: u64,
}

/// Outcomes on one native version.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct NativeRow {
    /// Native version.
    pub native: String,
    /// Devices with it in the window.
    #[ts(type = "number")]
    pub devices: u64,
    /// Of these on iOS.
    #[ts(type = "number")]
    pub ios: u64,
    /// Failures of the release on it.
    pub failures: FailureRate,
}

/// An action that a person may take on a rollout.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct RolloutAction {
    /// `advance`, `halt`, `resume`, `complete`, `roll_back`, `embedded`.
    pub action: String,
    /// Share that `advance` goes to, permille.
    pub permille: Option<u32>,
    /// Why it cannot be done now.
    pub disabled: Option<String>,
    /// It is what the state asks for: a signed halt after the gate stopped the rollout, or the next step.
    pub proposed: bool,
}

/// A change that a person wants.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct RolloutChangeRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit.
    pub unit: String,
    /// Channel.
    pub channel: String,
    /// `advance`, `halt`, `resume`, `complete`, `roll_back`, `embedded`.
    pub action: String,
    /// Share for `advance`, permille.
    pub permille: Option<u32>,
    /// Build for `roll_back`.
    pub build: Option<u32>,
    /// Why, in the person's words; goes into the audit log.
    pub reason: String,
}

/// Devices that cannot follow a change.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct CannotFollow {
    /// Their client: "Capgo updater".
    pub client: String,
    /// How many.
    #[ts(type = "number")]
    pub devices: u64,
    /// Why, and what they do instead.
    pub says: String,
}

/// What a change would do and sign.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct RolloutPlan {
    /// Handle for `rollout_start`.
    pub plan: String,
    /// The request.
    pub change: RolloutChangeRequest,
    /// Before, in words: "Rolling out 4.2.4 at 25 %".
    pub before: String,
    /// After, in words.
    pub after: String,
    /// Who is affected and what stays, in words, most important first.
    pub affected: Vec<String>,
    /// Devices that would be moved, where the server knows.
    #[ts(type = "number | null")]
    pub moved: Option<u64>,
    /// Devices that cannot follow, by client; empty where all can, or where nothing was counted.
    pub cannot_follow: Vec<CannotFollow>,
    /// What makes it risky: minimum hours of a step not over, the gate's sample too small.
    pub warnings: Vec<String>,
    /// Roles that get a new version.
    pub roles: Vec<SignRole>,
    /// Keys that sign.
    pub keys: Vec<SignKey>,
    /// Where they are.
    pub vault: Vault,
    /// Why it cannot be signed here now.
    pub problem: Option<IpcError>,
    /// Text that must be typed.
    pub type_to_confirm: Option<String>,
}
