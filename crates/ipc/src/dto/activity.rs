//! The audit log in the window, and what happened on this computer beside it.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::IpcError;

/// Asks for the log.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ActivityRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// `cached`: what is known here, at once; `new`: with what is new in storage; `anew`: every file from storage.
    pub read: String,
}

/// The log, newest entry first, with its verdict.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Activity {
    /// Whether it is proven.
    pub verdict: ActivityVerdict,
    /// Entries that can be read.
    pub entries: Vec<ActivityEntry>,
    /// What happened on this computer alone.
    pub local: Vec<LocalEvent>,
    /// When storage was asked for it; nothing = never.
    pub read_at: Option<String>,
    /// When every file of it was read from storage.
    pub proven_at: Option<String>,
    /// Files that were verified from the copy on this computer.
    pub cached: u32,
    /// Why storage could not be asked; then everything is from the copy.
    pub offline: Option<IpcError>,
}

/// Whether the log is proven.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ActivityVerdict {
    /// `verified` or `broken`.
    pub state: String,
    /// SHA-256 of the newest entry.
    pub head: Option<String>,
    /// The first bad entry.
    pub entry: Option<u32>,
    /// Role that is bad there: `main.production version 3`.
    pub role: Option<String>,
    /// Why.
    pub why: Option<String>,
}

/// An entry of the log.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ActivityEntry {
    /// Number.
    pub number: u32,
    /// SHA-256 of its file.
    pub hash: String,
    /// SHA-256 of the entry before it, as it says.
    pub prev: Option<String>,
    /// When.
    pub at: String,
    /// Who.
    pub by: String,
    /// Why; may be empty.
    pub reason: String,
    /// What it did, for its picture and for filters: `ship`, `promote`, `halt`, …
    pub kind: String,
    /// `releases`, `keys`, `freshness`.
    pub group: String,
    /// "promoted 4.2.5 from development to staging".
    pub says: Vec<SaidPart>,
    /// How it was before.
    pub detail: Option<String>,
    /// Everything that is other than before.
    pub changes: Vec<ActivityChange>,
    /// Unit that it is about.
    pub unit: Option<String>,
    /// Channel that it is about.
    pub channel: Option<String>,
    /// Version of the release that it is about.
    pub version: Option<String>,
    /// Its build.
    pub build: Option<u32>,
    /// Names of the keys that signed it and its roles.
    pub keys: Vec<String>,
    /// Roles that it changed.
    pub roles: Vec<ActivityRole>,
    /// `verified`, `unlinked`, `bad`.
    pub state: String,
    /// What is wrong with it.
    pub why: Option<String>,
}

/// A piece of a sentence.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct SaidPart {
    /// The words.
    pub text: String,
    /// What it is about.
    pub strong: bool,
}

/// Something that is other than before.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ActivityChange {
    /// What.
    pub what: String,
    /// How it was; nothing when it was not there.
    pub from: Option<String>,
    /// How it is; nothing when it is not there any more.
    pub to: Option<String>,
}

/// A role that an entry changed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ActivityRole {
    /// Role name.
    pub role: String,
    /// Its new version.
    pub version: u32,
    /// Its version before.
    pub was: Option<u32>,
    /// Names of the keys that signed it.
    pub signed_by: Vec<String>,
}

/// Something that happened on this computer alone.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct LocalEvent {
    /// When.
    pub at: String,
    /// `synced`, `counted`, `job_failed`, `job_cancelled`, `job_recovered`, `request`.
    pub kind: String,
    /// In a few words.
    pub title: String,
    /// More about it.
    pub detail: Option<String>,
    /// Unit that it is about.
    pub unit: Option<String>,
    /// Channel that it is about.
    pub channel: Option<String>,
}

/// Asks where to save the log, and saves it there.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ActivityExport {
    /// Workspace on this computer.
    pub workspace: String,
    /// `jsonl` or `csv`.
    pub format: String,
}

/// Where the log was saved.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ActivitySaved {
    /// The file; nothing when the dialog was cancelled.
    pub path: Option<String>,
    /// Entries in it.
    pub entries: u32,
}
