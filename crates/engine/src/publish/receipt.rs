//! What a publish proved.

use headgate_tuf::UtcTime;
use serde::{Deserialize, Serialize};

/// What a publish proved, read back as a device would.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// App identifier.
    pub app: String,
    /// Unit; nothing for a refresh.
    pub unit: Option<String>,
    /// Channel; nothing for a refresh.
    pub channel: Option<String>,
    /// Version and build that the channel's newest entry or base names now.
    pub release: Option<(String, u32)>,
    /// Its share, permille.
    pub permille: u16,
    /// "A device in development now gets 4.2.7, build 1316".
    pub headline: String,
    /// What was served before: version and build.
    pub replaces: Option<(String, u32)>,
    /// SHA-256 of the bundle that the manifest names.
    pub signed_sha256: Option<String>,
    /// SHA-256 of the bundle that was read back.
    pub read_back_sha256: Option<String>,
    /// SHA-256 of the release manifest.
    pub manifest: Option<String>,
    /// Size of the bundle, bytes.
    pub size: u64,
    /// Files in it.
    pub files: u32,
    /// Bytes written to storage, metadata included.
    pub uploaded_bytes: u64,
    /// Objects written.
    pub uploaded_objects: u32,
    /// Bytes that were there already.
    pub skipped_bytes: u64,
    /// Objects that were there already.
    pub skipped_objects: u32,
    /// When the job started.
    pub started: UtcTime,
    /// When the timestamp was committed.
    pub committed: UtcTime,
    /// When the read-back ended.
    pub finished: UtcTime,
    /// Milliseconds from start to the end of the read-back.
    pub took_ms: u64,
    /// Milliseconds from the commit until the public URL showed it, where it did not at once.
    #[serde(default)]
    pub visible_after_ms: Option<u64>,
    /// Milliseconds that reading the bundle back took.
    pub fetch_ms: u64,
    /// Roles and their versions.
    pub metadata: Vec<ReceiptRole>,
    /// Whether the public URL was read; else storage.
    pub public: bool,
    /// Address that was read.
    pub address: String,
    /// Pinned root version.
    pub root_pinned: u64,
    /// Root version in force.
    pub root_now: u64,
    /// When freshness ends.
    pub fresh_until: UtcTime,
    /// SHA-256 of the committed snapshot file: the entry of the audit log.
    pub entry: String,
    /// Its number.
    pub entry_number: u64,
    /// What this start did with a publish that an earlier run left unfinished.
    pub recovered: Option<String>,
}

/// A role in a receipt.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ReceiptRole {
    /// Role name.
    pub role: String,
    /// Version before; nothing = new.
    pub before: Option<u64>,
    /// Version now.
    pub now: u64,
    /// Names of the keys that signed.
    pub signed_by: String,
    /// It was read back and verified.
    pub read_back: bool,
}
