//! A folder in memory, for simulated devices and tests. Equal files of many devices are one piece of memory.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use headgate_tuf::sha256_hex;
use tempfile::TempDir;

use crate::Disk;

/// Hashes of pieces of memory that many devices share: each piece is hashed once.
#[derive(Debug, Default)]
pub struct Digests(Mutex<HashMap<(usize, usize), (Bytes, String)>>);

/// Most pieces that are remembered.
const MAX_DIGESTS: usize = 20_000;

impl Digests {
    fn of(&self, bytes: &Bytes) -> String {
        // Keeping the bytes keeps their address theirs.
        let key = (bytes.as_ptr() as usize, bytes.len());
        let mut known = lock(&self.0);
        if let Some((_, sha256)) = known.get(&key) {
            return sha256.clone();
        }
        let sha256 = sha256_hex(bytes);
        if known.len() >= MAX_DIGESTS {
            known.clear();
        }
        known.insert(key, (bytes.clone(), sha256.clone()));
        sha256
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A folder in memory. It outlives the devices that use it, as a disk does.
#[derive(Debug, Clone, Default)]
pub struct MemoryDisk {
    files: Arc<Mutex<BTreeMap<String, Bytes>>>,
    digests: Option<Arc<Digests>>,
    scratch: Arc<Mutex<Option<TempDir>>>,
}

impl MemoryDisk {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    /// An empty one that hashes with others together.
    pub fn sharing(digests: Arc<Digests>) -> Self {
        Self {
            digests: Some(digests),
            ..Self::default()
        }
    }

    /// Another disk with the same files on it.
    pub fn copy(&self) -> Self {
        Self {
            files: Arc::new(Mutex::new(lock(&self.files).clone())),
            digests: self.digests.clone(),
            scratch: Arc::default(),
        }
    }

    fn below(folder: &str) -> String {
        format!("{folder}/")
    }
}

impl Disk for MemoryDisk {
    fn read(&self, path: &str) -> Result<Option<Bytes>> {
        Ok(lock(&self.files).get(path).cloned())
    }

    fn replace(&self, path: &str, bytes: Bytes) -> Result<()> {
        lock(&self.files).insert(path.to_owned(), bytes);
        Ok(())
    }

    fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let twice = lock(&self.files).insert(path.to_owned(), bytes).is_some();
        if twice {
            let what = format!("{path} is there already.");
            return Err(Problem::new(Code::LocalDisk, what));
        }
        Ok(())
    }

    fn digest(&self, path: &str) -> Result<Option<(String, u64)>> {
        let bytes = lock(&self.files).get(path).cloned();
        Ok(bytes.map(|bytes| {
            let sha256 = match &self.digests {
                Some(digests) => digests.of(&bytes),
                None => sha256_hex(&bytes),
            };
            (sha256, bytes.len() as u64)
        }))
    }

    fn files(&self, folder: &str) -> Result<Vec<String>> {
        let below = Self::below(folder);
        let files = lock(&self.files);
        let paths = files.range(below.clone()..).map(|(path, _)| path);
        Ok(paths
            .map_while(|path| path.strip_prefix(&below))
            .map(str::to_owned)
            .collect())
    }

    fn names(&self, folder: &str) -> Result<Vec<String>> {
        let mut names: Vec<String> = self
            .files(folder)?
            .iter()
            .filter_map(|path| path.split('/').next())
            .map(str::to_owned)
            .collect();
        names.dedup();
        Ok(names)
    }

    fn place(&self, from: &str, to: &str) -> Result<()> {
        let moved = self.files(from)?;
        let mut files = lock(&self.files);
        for path in moved {
            if let Some(bytes) = files.remove(&format!("{from}/{path}")) {
                files.insert(format!("{to}/{path}"), bytes);
            }
        }
        Ok(())
    }

    fn remove(&self, path: &str) -> Result<()> {
        let below = Self::below(path);
        lock(&self.files).retain(|p, _| p != path && !p.starts_with(&below));
        Ok(())
    }

    fn scratch(&self) -> Result<PathBuf> {
        let mut scratch = lock(&self.scratch);
        let made = || {
            tempfile::tempdir()
                .map_err(|e| Problem::new(Code::LocalDisk, format!("No temporary folder: {e}.")))
        };
        // A new folder each time: nothing of an earlier download is there.
        let dir = made()?;
        let path = dir.path().join("bundle.zip");
        *scratch = Some(dir);
        Ok(path)
    }
}
