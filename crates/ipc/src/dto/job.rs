//! Long work, and what streams to the window.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::app::IpcError;
use super::ship::Dropped;

/// Names a job.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct JobRef {
    /// Identifier of the job.
    pub job: String,
}

/// Long work that is persisted: closing a sheet does not stop it.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Job {
    /// Identifier.
    pub id: String,
    /// `inspect`, `ship`, `promote`, `refresh`.
    pub kind: String,
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit.
    pub unit: String,
    /// "Ship 4.2.7 to development".
    pub title: String,
    /// `running`, `done`, `failed`, `cancelled`, `paused` by a person, `waiting` (older than 10 minutes: asks before it resumes).
    pub state: String,
    /// `wait` (it can be undone), `read`, `pack`, `inspect`, `sign`, `upload`, `publish`, `read_back`, `done`.
    pub phase: String,
    /// Bytes done in this phase.
    #[ts(type = "number")]
    pub bytes_done: u64,
    /// Bytes in this phase; 0 = not known.
    #[ts(type = "number")]
    pub bytes_total: u64,
    /// Bytes a second, smoothed; 0 = not known.
    #[ts(type = "number")]
    pub speed: u64,
    /// Where the bytes go: the registry, then mirrors.
    pub targets: Vec<JobTarget>,
    /// Objects worth a row, at most 200: those that move or failed, then the newest finished, then the next queued.
    pub objects: Vec<JobObject>,
    /// All objects to write, skipped ones left out.
    pub objects_total: u32,
    /// Those that are written.
    pub objects_done: u32,
    /// Objects that were already in storage, proven and skipped.
    pub skipped_objects: u32,
    /// Their bytes.
    #[ts(type = "number")]
    pub skipped_bytes: u64,
    /// When it started.
    pub started: String,
    /// When it ended.
    pub finished: Option<String>,
    /// Why it failed.
    pub error: Option<IpcError>,
    /// What a publish shows at its end.
    pub receipt: Option<Receipt>,
    /// For `inspect`: handle of the inspection.
    pub handle: Option<String>,
    /// For `ship` and `promote`: the target channel.
    pub channel: Option<String>,
    /// In the phase `wait`: seconds that are left to undo it.
    pub undo: Option<u32>,
}

/// One place that a job writes to.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct JobTarget {
    /// `registry` or `mirror`.
    pub role: String,
    /// What it is, for people: "S3 bucket field-updates", "Folder ota".
    pub name: String,
    /// Its address without credentials.
    pub address: String,
    /// `queued`, `sending`, `retrying`, `paused`, `done`, `failed`.
    pub state: String,
    /// Bytes acknowledged.
    #[ts(type = "number")]
    pub bytes_done: u64,
    /// Bytes to send.
    #[ts(type = "number")]
    pub bytes_total: u64,
    /// Bytes a second, averaged over the last 10 s; 0 = not known.
    #[ts(type = "number")]
    pub speed: u64,
    /// Seconds left at this speed; nothing = not known.
    pub seconds_left: Option<u32>,
    /// Objects written.
    pub objects_done: u32,
    /// Objects to write.
    pub objects_total: u32,
    /// The next try, while something failed for the moment.
    pub retry: Option<JobRetry>,
    /// Why it failed. A mirror may fail while the job succeeds.
    pub error: Option<IpcError>,
}

/// A pause before the next try.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct JobRetry {
    /// What failed: "Connection reset by server."
    pub why: String,
    /// The try that comes, from 2.
    pub attempt: u32,
    /// Tries in all.
    pub of: u32,
    /// Milliseconds until it, when this was told.
    #[ts(type = "number")]
    pub in_ms: u64,
}

/// One object of an upload.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct JobObject {
    /// Where it goes: `bundles/…zip`, `metadata/18.main.development.json`.
    pub name: String,
    /// For a single file: its path in the web build.
    pub path: Option<String>,
    /// Which of the job's targets, by its place in the list.
    pub target: u32,
    /// SHA-256, hex.
    pub sha256: String,
    /// Size in bytes.
    #[ts(type = "number")]
    pub size: u64,
    /// Bytes acknowledged.
    #[ts(type = "number")]
    pub sent: u64,
    /// `queued`, `sending`, `retrying`, `failed`, `done`, `skipped`.
    pub state: String,
}

/// What a publish proved, read back as a device would.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Receipt {
    /// App identifier.
    pub app: String,
    /// Unit.
    pub unit: String,
    /// Channel.
    pub channel: String,
    /// Version.
    pub version: String,
    /// Build number.
    pub build: u32,
    /// Rollout share, permille.
    pub permille: u32,
    /// "A device in development now gets 4.2.7, build 1316".
    pub headline: String,
    /// What was replaced as the base or the newest entry.
    pub replaces: Option<String>,
    /// SHA-256 of the bundle that was signed.
    pub signed_sha256: String,
    /// SHA-256 of the bundle that was read back.
    pub read_back_sha256: String,
    /// SHA-256 of the release manifest.
    pub manifest: String,
    /// Bundle size in bytes.
    #[ts(type = "number")]
    pub size: u64,
    /// Files in the bundle.
    pub files: u32,
    /// Bytes uploaded.
    #[ts(type = "number")]
    pub uploaded_bytes: u64,
    /// Objects uploaded.
    pub uploaded_objects: u32,
    /// Bytes that were there already.
    #[ts(type = "number")]
    pub skipped_bytes: u64,
    /// Objects that were there already.
    pub skipped_objects: u32,
    /// When it started.
    pub started: String,
    /// When the timestamp was committed.
    pub committed: String,
    /// When the read-back ended.
    pub finished: String,
    /// Milliseconds from start to the end of the read-back.
    #[ts(type = "number")]
    pub took_ms: u64,
    /// Milliseconds from the commit until the public URL showed it, where there is one and it did not at once.
    #[ts(type = "number | null")]
    pub visible_after_ms: Option<u64>,
    /// Milliseconds that fetching the bundle took.
    #[ts(type = "number")]
    pub fetch_ms: u64,
    /// New metadata versions.
    pub metadata: Vec<ReceiptRole>,
    /// `public_url` or `storage`.
    pub read_from: String,
    /// The address that was read.
    pub address: String,
    /// Pinned root version and the version walked to.
    pub root_pinned: u32,
    /// The root version in force.
    pub root_now: u32,
    /// When freshness ends.
    pub fresh_until: String,
    /// SHA-256 of the approval file: the entry of the audit log.
    pub entry: String,
    /// What happens now, in sentences: title and text.
    pub next: Vec<Said>,
    /// The gate to the next channel, if there is one.
    pub gate: Option<super::board::Gate>,
}

/// A role in a receipt.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ReceiptRole {
    /// Role name.
    pub role: String,
    /// Version before; nothing = new.
    pub before: Option<u32>,
    /// Version now.
    pub now: u32,
    /// Names of the keys that signed.
    pub signed_by: String,
    /// It was read back and verified.
    pub read_back: bool,
}

/// A title and a sentence.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Said {
    /// Short.
    pub title: String,
    /// The rest.
    pub text: String,
}

/// All jobs that are not dismissed, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Jobs {
    /// The jobs.
    pub jobs: Vec<Job>,
}

/// What the engine tells the window by itself, over one channel.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(tag = "type", rename_all = "snake_case", content = "data")]
pub enum Event {
    /// A job moved.
    Job(Box<Job>),
    /// The board of a workspace changed: read it again.
    Board(super::app::WorkspaceRef),
    /// Something is dragged over the window, or was dropped on it.
    Drop(Dropped),
    /// The person wants to quit while jobs run: ask.
    QuitAsked(Jobs),
    /// What this start did with work that an earlier run left unfinished.
    Recovered(Recovered),
    /// Something that a person should know, although nobody asked.
    Notice(Notice),
}

/// Something that a person should know, although nobody asked.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Notice {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit.
    pub unit: String,
    /// Channel.
    pub channel: String,
    /// `stopped_by_gate` (propose the signed halt), `complete`, `expiring`, `waits` (a request waits for this person).
    pub kind: String,
    /// "4.2.4 stopped itself on production".
    pub title: String,
    /// What it means.
    pub text: String,
}

/// What was taken up at the start, in words.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Recovered {
    /// One sentence a job.
    pub said: Vec<String>,
}
