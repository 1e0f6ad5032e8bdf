//! What is remembered of one workspace: its pinned root, the newest ones seen, what was signed last.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use headgate_core::Result;
use headgate_core::settings::TopTargets;
use headgate_core::signing::{Committed, Seen};
use headgate_tuf::metadata::Root;
use headgate_tuf::{Envelope, UtcTime, sha256_hex};
use serde::{Deserialize, Serialize};

use crate::disk;

/// Folder of one workspace.
#[derive(Debug, Clone)]
pub(crate) struct State(PathBuf);

/// What was signed here last of one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct SignedLast {
    pub(crate) version: u64,
    pub(crate) signed: String,
    pub(crate) at: UtcTime,
}

/// The release that was signed here last on a channel, to compare files with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct LastRelease {
    pub(crate) version: String,
    pub(crate) build: u32,
    pub(crate) inventory: String,
    pub(crate) at: UtcTime,
}

impl State {
    pub(crate) fn of(home: &Path, identity: &str) -> Self {
        // The identity is another person's text: its hash makes a name that stays below the folder.
        let name = sha256_hex(identity.as_bytes());
        Self(home.join("workspaces").join(&name[..32]))
    }

    pub(crate) fn at(folder: PathBuf) -> Self {
        Self(folder)
    }

    fn pinned_path(&self) -> PathBuf {
        self.0.join("root.pinned.json")
    }

    /// The root that was imported, as its file.
    pub(crate) fn pinned(&self) -> Result<Option<Vec<u8>>> {
        file(&self.pinned_path())
    }

    /// The newest root that followed from it.
    pub(crate) fn newest(&self) -> Result<Option<Vec<u8>>> {
        match file(&self.0.join("root.json"))? {
            Some(newest) => Ok(Some(newest)),
            None => self.pinned(),
        }
    }

    pub(crate) fn root(&self) -> Result<Option<Root>> {
        let Some(bytes) = self.newest()? else {
            return Ok(None);
        };
        Ok(Some(Envelope::parse(&bytes)?.signed().parse()?))
    }

    /// The newest settings that were seen.
    pub(crate) fn targets(&self) -> Result<Option<TopTargets>> {
        match file(&self.0.join("targets.json"))? {
            Some(bytes) => Ok(Some(Envelope::parse(&bytes)?.signed().parse()?)),
            None => Ok(None),
        }
    }

    pub(crate) fn pin(&self, bytes: &[u8]) -> Result<()> {
        disk::private_folder(&self.0)?;
        disk::write(&self.pinned_path(), bytes)
    }

    /// Remembers the newest root and settings that a signed request stood on.
    pub(crate) fn follow(&self, committed: &Committed, targets: &[u8]) -> Result<()> {
        disk::private_folder(&self.0)?;
        if self
            .root()?
            .is_none_or(|r| r.version < committed.root.version)
        {
            disk::write(&self.0.join("root.json"), &committed.root_file)?;
        }
        if self
            .targets()?
            .is_none_or(|t| t.version < committed.targets.version)
        {
            disk::write(&self.0.join("targets.json"), targets)?;
        }
        Ok(())
    }

    pub(crate) fn signed(&self) -> Result<BTreeMap<String, SignedLast>> {
        Ok(disk::own(&self.0.join("signed.json"))?.unwrap_or_default())
    }

    pub(crate) fn seen(&self) -> Result<BTreeMap<String, Seen>> {
        let seen = |(role, last): (String, SignedLast)| {
            let signed = last.signed.into_bytes();
            let version = last.version;
            (role, Seen { version, signed })
        };
        Ok(self.signed()?.into_iter().map(seen).collect())
    }

    pub(crate) fn put_signed(&self, signed: &BTreeMap<String, SignedLast>) -> Result<()> {
        disk::private_folder(&self.0)?;
        disk::put(&self.0.join("signed.json"), signed)
    }

    pub(crate) fn releases(&self) -> Result<BTreeMap<String, LastRelease>> {
        Ok(disk::own(&self.0.join("releases.json"))?.unwrap_or_default())
    }

    pub(crate) fn put_releases(&self, releases: &BTreeMap<String, LastRelease>) -> Result<()> {
        disk::put(&self.0.join("releases.json"), releases)
    }
}

fn file(path: &Path) -> Result<Option<Vec<u8>>> {
    match std::fs::read(path) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(e) if e.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(disk::failed(path, "read", &e)),
    }
}
