//! The audit log is the registry itself: snapshots, each naming the one before by hash, and the versions of roles that
//! each committed.
//!
//! What is verified, all of it on this computer:
//! - the chain of snapshots by hash, from the newest, which `timestamp.json` names, to the first;
//! - the signatures of every snapshot, every version of the settings, and every version of a channel's role. Top-level
//!   files need a root that still counted: once an entry needed a root, or came with one, no older root counts for the
//!   entries after it, so a key that was rotated out signs nothing later. A channel's role needs the keys that the
//!   delegations of the same entry name, also where only the delegations changed;
//! - the chain of each role by itself: every version names the file of the version that the entry before had, versions
//!   only rise, and no role vanishes;
//! - the chain of roots: signed by the owners of the one before and by its own, naming the one before by hash, and the
//!   pinned one as it is pinned here;
//! - rollout documents and release manifests by the hash that is signed for them.
//!
//! A file that was changed in a way that leaves its signatures valid is noticed by the version after it, which names its
//! hash; then the older one is bad. Of the newest version of a role nobody names the hash yet.

mod audit;
mod before;
mod export;
mod local;
mod roles;
mod roots;
mod source;
mod verify;
mod walk;
mod words;

use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use headgate_tuf::{RoleName, UtcTime, sha256_hex};

pub(super) use before::before;
pub use export::{LogFormat, export};
pub use local::{LocalEvent, LocalKind};
pub use source::LogRead;
pub use words::{LogChange, LogGroup, LogKind, Said, Words};

use crate::console::Console;

/// One committed snapshot, and what came with it.
#[derive(Debug, Clone)]
pub struct LogEntry {
    /// Number: version of the snapshot.
    pub number: u64,
    /// SHA-256 of its file.
    pub hash: String,
    /// SHA-256 of the entry before it, as it says; nothing for the first.
    pub prev: Option<String>,
    /// What it did, in its own signed word.
    pub action: String,
    /// When.
    pub at: UtcTime,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// What it did, by the documents before and after it.
    pub words: Words,
    /// Names of the keys that signed the snapshot.
    pub signed_by: Vec<String>,
    /// Roles that changed.
    pub roles: Vec<LogRole>,
    /// Its files, exactly as they were signed: the snapshot, then the roles.
    pub files: Vec<LogFile>,
    /// Whether it is proven.
    pub state: EntryState,
}

/// Whether an entry is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntryState {
    /// Everything about it verified.
    Proven,
    /// It is behind a break: signed, but no hash leads to it from the newest entry.
    Unlinked,
    /// Something about it is not as it should be.
    Bad(Fault),
}

/// What is not as it should be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Fault {
    /// Role.
    pub role: String,
    /// Its version.
    pub version: u64,
    /// Why, in words.
    pub why: String,
}

impl Fault {
    fn new(role: &RoleName, version: u64, why: &str) -> Self {
        Self {
            role: role.to_string(),
            version,
            why: why.trim_end_matches('.').to_owned(),
        }
    }

    /// In one sentence.
    pub fn text(&self) -> String {
        format!("{} version {}: {}", self.role, self.version, self.why)
    }
}

/// A role that an entry changed.
#[derive(Debug, Clone)]
pub struct LogRole {
    /// Role name.
    pub role: String,
    /// Its new version.
    pub version: u64,
    /// Its version before.
    pub was: Option<u64>,
    /// What it did, in its own signed words.
    pub action: String,
    /// Who.
    pub by: String,
    /// Names of the keys that signed it.
    pub signed_by: Vec<String>,
    /// Ids of these keys.
    pub keys: Vec<String>,
}

/// A signed file.
#[derive(Debug, Clone)]
pub struct LogFile {
    /// Key below the prefix.
    pub name: String,
    /// SHA-256.
    pub sha256: String,
    /// Exactly its bytes.
    pub bytes: Bytes,
}

impl LogFile {
    fn new(name: &str, bytes: &Bytes) -> Self {
        Self {
            name: name.to_owned(),
            sha256: sha256_hex(bytes),
            bytes: bytes.clone(),
        }
    }
}

/// Whether the whole log is proven.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum LogVerdict {
    /// Nothing is missing or changed.
    Verified {
        /// Entries.
        entries: usize,
        /// SHA-256 of the newest one.
        head: String,
    },
    /// Something is.
    Broken {
        /// The first bad entry, oldest first.
        entry: u64,
        /// What is wrong with it.
        fault: Fault,
    },
}

/// The log with its verdict.
#[derive(Debug, Clone)]
pub struct AuditLog {
    /// App identifier.
    pub app: String,
    /// Entries that can be read, oldest first. A bad entry whose snapshot cannot be read is in the verdict alone.
    pub entries: Vec<LogEntry>,
    /// Whether it is proven.
    pub verdict: LogVerdict,
    /// When storage was asked for it.
    pub read_at: Option<UtcTime>,
    /// When every file of it was read from storage.
    pub proven_at: Option<UtcTime>,
    /// Files that were not read from storage this time: the copy that was read before was verified again.
    pub cached: usize,
    /// Why storage could not be asked; then everything is from the copy.
    pub offline: Option<Problem>,
}

impl AuditLog {
    /// The verdict as a problem, when it is a bad one.
    ///
    /// # Errors
    /// `trust.log_broken` naming the first bad entry.
    pub fn proven(&self) -> Result<()> {
        match &self.verdict {
            LogVerdict::Verified { .. } => Ok(()),
            LogVerdict::Broken { entry, fault } => {
                let what = format!("Entry {entry} is the first bad one: {}.", fault.text());
                Err(Problem::new(Code::TrustLog, what))
            }
        }
    }
}

impl Console {
    /// Reads the log back from storage, newest first, and verifies all of it.
    ///
    /// # Errors
    /// `trust.log_broken` naming the first bad entry; `storage.*`, `trust.*`.
    pub async fn log(&self, workspace: &str, limit: usize) -> Result<Vec<LogEntry>> {
        let log = self.audit(workspace, LogRead::Anew).await?;
        log.proven()?;
        Ok(log.entries.into_iter().rev().take(limit).collect())
    }
}
