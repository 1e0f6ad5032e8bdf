//! Where the log's files come from: storage, or what was read of it before.

use std::collections::{BTreeSet, HashMap, HashSet};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use headgate_core::{Code, Problem, Result};
use headgate_registry::{Store, layout};
use headgate_tuf::{MAX_METADATA, RoleName, sha256_hex};

use crate::db::LogFileRow;

/// Files that are read from storage together.
const TOGETHER: usize = 16;

/// How the log is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogRead {
    /// Every file from storage: shows what storage holds now.
    Anew,
    /// Files that verified before from the local cache, new ones from storage. A file that somebody changed in storage
    /// after it was read here is not noticed.
    New,
    /// From the local cache alone.
    Cached,
}

/// Files of one registry.
pub(super) struct Source<'a> {
    store: Option<&'a dyn Store>,
    known: HashMap<String, LogFileRow>,
    /// Read from storage this time, with whether they verified.
    read: HashMap<String, LogFileRow>,
    /// Storage does not have them.
    absent: HashSet<String>,
    /// Names below `metadata/`.
    names: BTreeSet<String>,
    /// Files that were not read from storage this time.
    pub(super) cached: usize,
}

impl<'a> Source<'a> {
    /// A source; without a store it has what is known.
    ///
    /// # Errors
    /// `storage.*`.
    pub(super) async fn open(
        store: Option<&'a dyn Store>,
        known: HashMap<String, LogFileRow>,
        how: LogRead,
    ) -> Result<Self> {
        let names = match store {
            Some(store) => store.list("metadata").await?.into_iter().collect(),
            None => known
                .keys()
                .filter_map(|name| name.strip_prefix("metadata/").map(str::to_owned))
                .collect(),
        };
        let known = match how {
            LogRead::Anew => HashMap::new(),
            LogRead::New => known.into_iter().filter(|(_, file)| file.good).collect(),
            LogRead::Cached => known,
        };
        Ok(Self {
            store,
            known,
            read: HashMap::new(),
            absent: HashSet::new(),
            names,
            cached: 0,
        })
    }

    /// Versions of a role that lie in storage, committed or left behind, up to one of them.
    pub(super) fn versions(&self, role: &RoleName, upto: u64) -> Vec<u64> {
        let ending = format!(".{role}.json");
        let versions = self.names.iter().filter_map(|name| {
            let version: u64 = name.strip_suffix(&ending)?.parse().ok()?;
            // "1.root.json" and no other spelling of it.
            (role.file(version) == *name && version <= upto).then_some(version)
        });
        let sorted: BTreeSet<u64> = versions.collect();
        sorted.into_iter().collect()
    }

    /// Fetches files together, so that each need not be waited for alone.
    ///
    /// # Errors
    /// `storage.*`.
    pub(super) async fn fetch(&mut self, keys: Vec<String>) -> Result<()> {
        let Some(store) = self.store else {
            return Ok(());
        };
        let wanted: BTreeSet<String> = keys.into_iter().filter(|key| !self.has(key)).collect();
        let reads = wanted.into_iter().map(|key| async move {
            let object = store.get(&key, max(&key)).await?;
            Ok::<_, Problem>((key, object.map(|o| o.bytes)))
        });
        let found: Vec<(String, Option<Bytes>)> = stream::iter(reads)
            .buffer_unordered(TOGETHER)
            .try_collect()
            .await?;
        for (key, body) in found {
            self.took(&key, body.as_ref());
        }
        Ok(())
    }

    /// Whether a file needs no asking of storage.
    pub(super) fn has(&self, key: &str) -> bool {
        self.known.contains_key(key) || self.read.contains_key(key) || self.absent.contains(key)
    }

    /// A file; nothing when storage does not have it.
    ///
    /// # Errors
    /// `storage.*`.
    pub(super) async fn get(&mut self, key: &str) -> Result<Option<Bytes>> {
        if let Some(file) = self.known.get(key) {
            self.cached += 1;
            return Ok(Some(file.body.clone()));
        }
        if let Some(file) = self.read.get(key) {
            return Ok(Some(file.body.clone()));
        }
        if self.absent.contains(key) {
            return Ok(None);
        }
        let body = match self.store {
            Some(store) => store.get(key, max(key)).await?.map(|o| o.bytes),
            None => None,
        };
        self.took(key, body.as_ref());
        Ok(body)
    }

    /// A file that was fetched already.
    pub(super) fn peek(&self, key: &str) -> Option<Bytes> {
        let file = self.known.get(key).or_else(|| self.read.get(key));
        file.map(|file| file.body.clone())
    }

    fn took(&mut self, key: &str, body: Option<&Bytes>) {
        let Some(body) = body else {
            self.absent.insert(key.to_owned());
            return;
        };
        let row = LogFileRow {
            name: key.to_owned(),
            body: body.clone(),
            good: false,
        };
        self.read.insert(key.to_owned(), row);
    }

    /// A document that a role lists, by its hash.
    ///
    /// # Errors
    /// `storage.*`; `trust.hash` when storage holds other bytes or none.
    pub(super) async fn document(&mut self, key: &str, sha256: &str) -> Result<Bytes> {
        let what = match self.get(key).await? {
            Some(bytes) if sha256_hex(&bytes) == sha256 => {
                self.good(key);
                return Ok(bytes);
            }
            Some(_) => format!("{key} holds other bytes than were signed"),
            None => format!("{key} is signed for, but it is not there"),
        };
        Err(Problem::new(Code::TrustHash, what))
    }

    /// The file verified as part of the log.
    pub(super) fn good(&mut self, key: &str) {
        if let Some(file) = self.read.get_mut(key) {
            file.good = true;
        }
    }

    /// What was read from storage this time.
    pub(super) fn into_read(self) -> Vec<LogFileRow> {
        self.read.into_values().collect()
    }
}

fn max(key: &str) -> u64 {
    if key.starts_with("targets/") {
        layout::MAX_DOCUMENT
    } else {
        MAX_METADATA as u64
    }
}
