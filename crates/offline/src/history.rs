//! Everything that was done here, one JSON object a line, only ever added to.

use headgate_core::{Code, Problem, Result};
use headgate_tuf::UtcTime;
use serde::{Deserialize, Serialize};

use crate::disk;
use crate::workstation::Workstation;

const FILE: &str = "history.jsonl";

/// One thing that was done here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Entry {
    /// When, by this computer's clock.
    pub at: UtcTime,
    /// `signed`, `refused`, `pinned`, `key_created`, `key_imported` or `key_exported`.
    pub did: String,
    /// App identifier; empty for keys.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub app: String,
    /// Identity of the workspace.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub workspace: String,
    /// What it was, derived from signed bytes.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub title: String,
    /// Id of the request.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub request: Option<String>,
    /// SHA-256 of the request's file, or of a root's.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub sha256: Option<String>,
    /// Who asked, in their own words.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub asked_by: String,
    /// Roles that were signed, with the hash of the signed bytes.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roles: Vec<RoleEntry>,
    /// Keys that were used or made, by id.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub keys: Vec<String>,
    /// What was made for plugins: role, build, and SHA-256 of the clients document.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub made: Vec<String>,
    /// Alarms that a person confirmed, each as `kind: text`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub accepted: Vec<String>,
    /// Why it was refused.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub reason: String,
}

/// A role in the history.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RoleEntry {
    /// Role name.
    pub role: String,
    /// Version.
    pub version: u64,
    /// SHA-256 of the signed bytes.
    pub sha256: String,
}

impl Entry {
    /// An entry with nothing but what was done.
    pub fn new(at: UtcTime, did: &str) -> Self {
        Self {
            at,
            did: did.into(),
            app: String::new(),
            workspace: String::new(),
            title: String::new(),
            request: None,
            sha256: None,
            asked_by: String::new(),
            roles: Vec::new(),
            keys: Vec::new(),
            made: Vec::new(),
            accepted: Vec::new(),
            reason: String::new(),
        }
    }
}

impl Workstation {
    pub(crate) fn record(&self, entry: &Entry) -> Result<()> {
        let mut line =
            serde_json::to_vec(entry).map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
        line.push(b'\n');
        // A power cut may have left half a line: the next one begins behind it.
        if self.history_file()?.last().is_some_and(|b| *b != b'\n') {
            line.insert(0, b'\n');
        }
        disk::append(&self.home.join(FILE), &line)
    }

    /// Everything that was done here, oldest first. A line that cannot be read any more stands there as `damaged`.
    ///
    /// # Errors
    /// `local.*`.
    pub fn history(&self) -> Result<Vec<Entry>> {
        let text = String::from_utf8_lossy(&self.history_file()?).into_owned();
        let read = |line: &str| {
            serde_json::from_str(line)
                .unwrap_or_else(|_| Entry::new(UtcTime::from_unix(0), "damaged"))
        };
        Ok(text.lines().filter(|l| !l.is_empty()).map(read).collect())
    }

    /// The history's file, to be exported.
    ///
    /// # Errors
    /// `local.disk`.
    pub fn history_file(&self) -> Result<Vec<u8>> {
        let path = self.home.join(FILE);
        match std::fs::read(&path) {
            Ok(bytes) => Ok(bytes),
            Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(Vec::new()),
            Err(e) => Err(disk::failed(&path, "read", &e)),
        }
    }
}
