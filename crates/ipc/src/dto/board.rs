//! The pipeline board, painted from the local cache.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// Asks for the board of one unit.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct BoardRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit in it.
    pub unit: String,
}

/// The pipeline of one unit.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Board {
    /// Workspace on this computer.
    pub workspace: String,
    /// The unit shown.
    pub unit: Unit,
    /// When storage was last read and verified; nothing before the first time.
    pub as_of: Option<String>,
    /// Why the last attempt to read storage failed, if it did; the board is then from the cache.
    pub offline: Option<IpcError>,
    /// How long devices may believe what is signed now.
    pub freshness: Option<Validity>,
    /// Channels, first to last.
    pub channels: Vec<Channel>,
    /// Gates between them: one fewer than channels.
    pub gates: Vec<Gate>,
    /// Device figures come from an update server; this says that there is none.
    pub devices_known: bool,
}

use super::app::{IpcError, Unit};
use super::rollout::{DeviceShare, FailureRate};
use super::settings::GateLimit;

/// Lifetime of a signature.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Validity {
    /// When it was signed.
    pub signed: String,
    /// When it ends.
    pub expires: String,
    /// Share of the lifetime that has passed, permille; over 1000 = expired.
    pub used_permille: u32,
    /// `fine`, `half` (50 %), `late` (80 %) or `over`.
    pub level: String,
}

/// A channel and what it serves.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Channel {
    /// `[a-z0-9-]{1,32}`.
    pub id: String,
    /// Name to show.
    pub label: String,
    /// `internal` (first), `live` (last) or `test`.
    pub stage: String,
    /// Signatures that an approval needs.
    pub signatures: u32,
    /// How a person confirms what reaches it: `none`, `plain`, `typed` or `wait`.
    pub confirm: String,
    /// First share of a rollout here, permille, unless told otherwise.
    pub start_permille: u32,
    /// Hours that each step of a rollout is meant to last at least.
    pub min_hours: u32,
    /// Gate that a rollout gets; nothing = none.
    pub gate: Option<GateLimit>,
    /// Which signature ends first on this channel.
    pub validity: Option<Validity>,
    /// What the channel serves now.
    pub current: Option<Serving>,
    /// Earlier releases that stay approved, newest first.
    pub previous: Vec<PreviousRelease>,
    /// Something was served on it, if only a return to the embedded build: then it can be frozen.
    pub served: bool,
    /// Who closed it to more devices and why, as a sentence; nothing = it is open.
    pub frozen: Option<String>,
}

/// The newest release of a channel with its rollout.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Serving {
    /// The release.
    pub release: Release,
    /// `rolling_out`, `halted`, `complete`, `stopped_by_gate`.
    pub state: String,
    /// Share, permille.
    pub permille: u32,
    /// What everybody else gets while it rolls out: version and build; nothing = see `othersEmbedded`.
    pub base: Option<PreviousRelease>,
    /// Without such a release everybody else returns to the embedded build; else they keep what they run.
    pub others_embedded: bool,
    /// Shares that the rollout is meant to go through, permille, rising.
    pub steps: Vec<u32>,
    /// When the rollout document was signed.
    pub since: String,
    /// Name of the key's holder who signed it.
    pub by: String,
    /// What devices make of it; nothing without an update server.
    pub health: Option<ServingHealth>,
}

/// What devices make of the newest release of a channel.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ServingHealth {
    /// Devices on it, in the window.
    pub active: DeviceShare,
    /// Failures.
    pub failures: FailureRate,
    /// Newly confirmed installs in each of the last 24 equal spans, oldest first.
    pub spark: Vec<u32>,
    /// When the gate stopped it.
    pub stopped: Option<String>,
}

/// A release.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Release {
    /// Semantic version.
    pub version: String,
    /// Build number, unique in the unit.
    pub build: u32,
    /// SHA-256 of the bundle.
    pub sha256: String,
    /// SHA-256 of the manifest.
    pub manifest: String,
    /// Size of the bundle.
    #[ts(type = "number")]
    pub size: u64,
    /// Files in it.
    pub files: u32,
    /// Message of its source.
    pub message: Option<String>,
    /// Commit of its source.
    pub commit: Option<String>,
    /// Author, only if the person chose to name one.
    pub author: Option<String>,
    /// When the bundle was made.
    pub created: String,
    /// Native versions that it runs on: "Native 4.1.0 – 4.2.x", "all native versions".
    pub native: String,
    /// Findings that a person allowed, with their reasons.
    pub allowed: u32,
}

/// An earlier release of a channel.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct PreviousRelease {
    /// Semantic version.
    pub version: String,
    /// Build number.
    pub build: u32,
    /// SHA-256 of the bundle.
    pub sha256: String,
    /// When it was approved on this channel.
    pub released: String,
}

/// The gate between two channels.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Gate {
    /// Source channel.
    pub from: String,
    /// Target channel.
    pub to: String,
    /// `open`, `empty` (nothing to promote), `same` (already there), `closed` (signatures or keys missing),
    /// `busy` (a job works on it), `blocked` (expired or unreadable).
    pub state: String,
    /// A few words below the button: "Ready", "Empty", "Same release", "Key not here".
    pub label: String,
    /// The whole reason.
    pub reason: String,
    /// Build that would be promoted.
    pub build: Option<u32>,
}
