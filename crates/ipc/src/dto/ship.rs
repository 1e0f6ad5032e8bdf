//! Shipping a web build: drop, inspect, sign.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::app::{IpcError, Vault};
use super::approval::SignMissing;

/// A drag from the file manager.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Dropped {
    /// `enter`, `over`, `leave` or `drop`.
    pub phase: String,
    /// What is dragged; nothing on `over` and `leave`.
    pub item: Option<Picked>,
    /// Where the pointer is, CSS pixels from the window's left edge; nothing on `leave`.
    pub x: Option<f64>,
    /// The same from its upper edge.
    pub y: Option<f64>,
}

/// A web build that a person picked or dropped. The path stays in Rust.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Picked {
    /// Opaque handle.
    pub handle: String,
    /// Name of the folder or file.
    pub name: String,
    /// `folder`, `zip` or `other`.
    pub kind: String,
    /// It can be a web build.
    pub ok: bool,
    /// "folder with index.html", or why not: "Not a web build: no index.html".
    pub says: String,
}

/// The picked web build, or nothing when the dialog was cancelled.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PickedBuild {
    /// The web build.
    pub item: Option<Picked>,
}

/// Which native dialog opens.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ChooseBuild {
    /// `folder` or `zip`.
    pub kind: String,
}

/// Starts an inspection as a job.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct InspectRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit in it.
    pub unit: String,
    /// Handle from [`Picked`].
    pub handle: String,
    /// Leave source maps out of the bundle.
    pub exclude_source_maps: bool,
}

/// Asks for a finished inspection.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct InspectionRef {
    /// Handle from [`Picked`].
    pub handle: String,
}

/// What inspection found. Nothing has been signed or uploaded.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Inspection {
    /// Handle from [`Picked`].
    pub handle: String,
    /// Name of the folder or file.
    pub name: String,
    /// `folder`, `zip` or `location` (a zip that lies at an address).
    pub kind: String,
    /// For `location`: its address, which is signed and not uploaded again.
    pub location: Option<String>,
    /// When it was picked.
    pub picked: String,
    /// How long reading, packing and inspecting took, milliseconds.
    pub took_ms: u32,
    /// Files in the bundle.
    pub files: u32,
    /// Bytes of the files.
    #[ts(type = "number")]
    pub size: u64,
    /// Bytes of the bundle (zip).
    #[ts(type = "number")]
    pub compressed: u64,
    /// SHA-256 of the bundle.
    pub sha256: String,
    /// Bytes that an upload would send.
    #[ts(type = "number")]
    pub to_upload: u64,
    /// What changed against each channel's current release.
    pub changes: Vec<Changes>,
    /// Findings: errors first.
    pub findings: Vec<Finding>,
    /// Checks that passed without a word.
    pub passed: u32,
    /// Biggest files, at most 5.
    pub biggest: Vec<FileSize>,
    /// Source maps in the web build.
    pub source_maps: u32,
    /// Their bytes.
    #[ts(type = "number")]
    pub source_map_bytes: u64,
    /// They were left out.
    pub source_maps_excluded: bool,
    /// Version to suggest: the next patch after the newest release, or 1.0.0.
    pub version: String,
    /// Build number to suggest: one above the highest ever used in the unit.
    pub build: u32,
    /// Commit of the Git checkout that the web build lies in, if there is one.
    pub commit: Option<String>,
    /// Its branch or tag.
    pub reference: Option<String>,
    /// First line of its message.
    pub message: Option<String>,
}

/// Difference to a channel's current release.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Changes {
    /// Channel.
    pub channel: String,
    /// Version and build it was compared with; nothing = the channel is empty.
    pub against: Option<String>,
    /// Files added.
    pub added: u32,
    /// Files removed.
    pub removed: u32,
    /// Files changed.
    pub changed: u32,
}

/// One finding of the inspection.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Finding {
    /// Stable code: `secret.token`, `build.no_index`, `maps.included`.
    pub code: String,
    /// `error` (blocks until fixed or allowed), `warning`, `info`, `ok`.
    pub severity: String,
    /// What was found.
    pub title: String,
    /// More about it, with what it leads to.
    pub text: String,
    /// File in the web build.
    pub path: Option<String>,
    /// Line in it, from 1.
    pub line: Option<u32>,
    /// How to fix it.
    pub fix: String,
    /// A person may allow it with a reason. Errors that make a broken bundle cannot be allowed.
    pub allowable: bool,
}

/// Picks a web build at an address.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ArtifactRequest {
    /// `https://…` of a zip.
    pub url: String,
}

/// Compares an inspected web build with a release.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CompareRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit in it.
    pub unit: String,
    /// Handle of the inspection.
    pub handle: String,
    /// Build number of the release.
    pub build: u32,
}

/// Compares two releases of a unit: what changes for a device that goes from one to the other.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CompareReleases {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit in it.
    pub unit: String,
    /// Build number of the release.
    pub build: u32,
    /// Build number of what is put beside it.
    pub other: u32,
}

/// A web build or another release beside a release.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Comparison {
    /// Version of the release.
    pub version: String,
    /// Its build number.
    pub build: u32,
    /// The packed web build has the very bytes that were signed.
    pub same_bytes: bool,
    /// Every file has the same path and content. Packers may still differ.
    pub same_files: bool,
    /// SHA-256 of the signed bundle.
    pub signed_sha256: String,
    /// SHA-256 of this web build as it was packed here.
    pub own_sha256: String,
    /// "Headgate 0.1.0, level 6": what packed the signed bundle.
    pub signed_packer: String,
    /// What packed this one.
    pub own_packer: String,
    /// Files that only this web build has; at most 200 here and in the next two lists.
    pub added: Vec<FileSize>,
    /// Files that only the release has.
    pub removed: Vec<FileSize>,
    /// Files with other content.
    pub changed: Vec<FileChange>,
    /// How many were added.
    pub added_count: u32,
    /// How many were removed.
    pub removed_count: u32,
    /// How many were changed.
    pub changed_count: u32,
    /// Files that are the same.
    pub unchanged_count: u32,
}

/// A file with other content.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct FileChange {
    /// Path in the web build.
    pub path: String,
    /// Bytes in the release.
    #[ts(type = "number")]
    pub old_size: u64,
    /// Bytes in this web build.
    #[ts(type = "number")]
    pub new_size: u64,
}

/// A file and its size.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FileSize {
    /// Path in the web build.
    pub path: String,
    /// Bytes.
    #[ts(type = "number")]
    pub size: u64,
}

/// A finding that a person allowed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Allow {
    /// Code of the finding.
    pub code: String,
    /// File of the finding; nothing = every finding with this code.
    pub path: Option<String>,
    /// Why; signed into the release.
    pub reason: String,
}

/// A range of native versions for one platform, npm-semver rules; nothing = no limit.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct NativeRange {
    /// Lowest native version.
    pub min: Option<String>,
    /// Highest native version: `4.2.x` or `4.2.3`.
    pub max: Option<String>,
    /// Versions left out.
    pub exclude: Vec<String>,
}

/// What the person wants to ship.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ShipRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit in it.
    pub unit: String,
    /// Handle of the inspection.
    pub handle: String,
    /// Semantic version.
    pub version: String,
    /// Build number; nothing = the next free one.
    pub build: Option<u32>,
    /// Channel.
    pub channel: String,
    /// First share; nothing = the channel's default.
    pub permille: Option<u32>,
    /// Native versions on iOS.
    pub ios: NativeRange,
    /// Native versions on Android.
    pub android: NativeRange,
    /// For a web build that lies at an address: upload its single files too, so that differential clients get it.
    pub upload_files: bool,
    /// Findings that the person allowed.
    pub allow: Vec<Allow>,
    /// Message of the release.
    pub message: Option<String>,
    /// Commit of the release.
    pub commit: Option<String>,
    /// Author, if the person wants one named.
    pub author: Option<String>,
}

/// What will be signed, derived from the exact bytes.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct SignPlan {
    /// Opaque handle of the plan.
    pub plan: String,
    /// "4.2.7".
    pub version: String,
    /// Build number.
    pub build: u32,
    /// Unit.
    pub unit: String,
    /// Channel.
    pub channel: String,
    /// Share, permille.
    pub permille: u32,
    /// Native versions in words.
    pub native: String,
    /// SHA-256 of the bundle.
    pub sha256: String,
    /// SHA-256 of the release manifest.
    pub manifest: String,
    /// Roles that get a new version.
    pub roles: Vec<SignRole>,
    /// Keys that sign.
    pub keys: Vec<SignKey>,
    /// Where they are.
    pub vault: Vault,
    /// Why it cannot be signed here now: a key is missing, the keychain is locked.
    pub problem: Option<IpcError>,
    /// It lacks nothing but signatures of other people, which can be asked for.
    pub can_ask: bool,
    /// Whose signatures those are.
    pub missing: Vec<SignMissing>,
    /// Findings that the person allowed, with their reasons, and open warnings.
    pub findings: Vec<SignedFinding>,
    /// The channel's name that must be typed, when the channel asks for it.
    pub type_to_confirm: Option<String>,
    /// Files in the bundle.
    pub files: u32,
    /// Bytes of the bundle.
    #[ts(type = "number")]
    pub size: u64,
    /// Bytes that the upload would send.
    #[ts(type = "number")]
    pub to_upload: u64,
}

/// A role that gets a new version.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SignRole {
    /// Role name.
    pub role: String,
    /// Version before.
    pub before: Option<u32>,
    /// Version now.
    pub now: u32,
    /// "Build 1316 may be served here".
    pub says: String,
    /// Name of the key that signs.
    pub key: String,
}

/// A key that signs.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct SignKey {
    /// Name from signed metadata.
    pub name: String,
    /// "Approvals", "Rollouts and freshness".
    pub purpose: String,
    /// `Ed25519`.
    pub algorithm: String,
    /// Key id, hex.
    pub fingerprint: String,
    /// "1 of 1 needed".
    pub needed: String,
    /// The vault on this computer has it.
    pub here: bool,
}

/// A finding as it is signed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SignedFinding {
    /// The finding.
    pub finding: Finding,
    /// Why it was allowed; nothing for a warning that needs no reason.
    pub reason: Option<String>,
}

/// Starts what a plan says.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct StartRequest {
    /// Handle of the plan.
    pub plan: String,
    /// What the person typed, when the plan asks for it. Checked in Rust.
    pub typed: Option<String>,
}
