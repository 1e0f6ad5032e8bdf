//! A registry in a folder of this computer.
//!
//! Several processes of one machine may use it at once. Create-only is one system call (a rename or a link that
//! never replaces). Compare-and-swap holds an advisory lock on `.headgate.lock` while it compares and renames; a
//! folder shared between machines is as safe as that file system's advisory locks.
//! Bytes go to `.tmp-…` in the root, are flushed to disk, then renamed, then the folder is flushed.
//!
//! Tags: the SHA-256 of the bytes up to [`HASHED_TAG`] bytes, which covers every object that is ever swapped;
//! above it size, modification time and inode, since no object of that size is replaced in place.

mod disk;
mod write;

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use tokio::sync::mpsc;

use crate::address::folder_address;
use crate::part::Part;
use crate::{Body, Created, ETag, Object, ObjectMeta, Progress, Store, Swapped};
use disk::Disk;

/// Largest object whose tag is its hash, bytes.
pub const HASHED_TAG: u64 = 1_000_000;

/// Bytes read and written at once.
const PIECE: usize = 256 * 1024;

/// How long a swap waits for another process before `storage.locked`.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// A registry in a folder of this computer.
///
/// A call whose future is dropped ends as if the process had been killed: the object is as it was, or whole.
#[derive(Debug, Clone)]
pub struct FolderStore {
    disk: Arc<Disk>,
}

impl FolderStore {
    /// Opens a folder that exists. Nothing is written.
    ///
    /// # Errors
    /// `storage.missing`, `storage.access`, `storage.io`; `storage.address` for a relative path.
    pub fn open(root: &Path) -> Result<Self> {
        if !root.is_absolute() {
            return Err(crate::address::refused(
                "A storage folder is an absolute path.",
            ));
        }
        // The address may lead through links; below it none is followed.
        let root = root
            .canonicalize()
            .map_err(|error| disk::problem(&error, "open the storage folder", root))?;
        if !root.is_dir() {
            return Err(
                Problem::new(Code::StorageMissing, "The storage address is not a folder.")
                    .detail(root.display()),
            );
        }
        Ok(Self {
            disk: Arc::new(Disk::new(root, LOCK_WAIT)),
        })
    }

    /// Makes the folder, with those above it, where it is missing, and opens it.
    ///
    /// # Errors
    /// As [`Self::open`], and `storage.full`, `storage.read_only`.
    pub fn create(root: &Path) -> Result<Self> {
        if root.is_absolute() {
            write::make_folders(root)?;
        }
        Self::open(root)
    }

    /// Waits this long for another process's swap instead of 10 seconds.
    #[must_use]
    pub fn lock_wait(self, wait: Duration) -> Self {
        Self {
            disk: Arc::new(Disk::new(self.disk.root().to_path_buf(), wait)),
        }
    }

    /// The folder, with links resolved.
    pub fn root(&self) -> &Path {
        self.disk.root()
    }

    /// Opens an object for reading in pieces of the caller's choice, with its size; nothing when it does not exist.
    ///
    /// # Errors
    /// `storage.*`.
    pub async fn open_file(&self, key: &str) -> Result<Option<(std::fs::File, u64)>> {
        let key = key.to_owned();
        self.run(move |disk| disk.open_file(&key)).await
    }

    async fn run<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Disk) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let disk = Arc::clone(&self.disk);
        tokio::task::spawn_blocking(move || work(&disk))
            .await
            .map_err(lost)?
    }

    /// As `run`, and reports totals; the work stops when nobody waits for it any more.
    async fn watched<T: Send + 'static>(
        &self,
        progress: Progress<'_>,
        work: impl FnOnce(&Disk, disk::Tell<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let disk = Arc::clone(&self.disk);
        let (send, mut totals) = mpsc::unbounded_channel();
        let task = tokio::task::spawn_blocking(move || {
            work(&disk, &mut |total| {
                send.send(total)
                    .map_err(|_| Problem::new(Code::JobCancelled, "The transfer was stopped."))
            })
        });
        while let Some(total) = totals.recv().await {
            progress(total);
        }
        task.await.map_err(lost)?
    }
}

fn lost(error: tokio::task::JoinError) -> Problem {
    Problem::new(Code::Internal, "A storage task ended without an answer.").detail(error)
}

#[async_trait]
impl Store for FolderStore {
    fn address(&self) -> String {
        folder_address(self.disk.root())
    }

    async fn get(&self, key: &str, max: u64) -> Result<Option<Object>> {
        let key = key.to_owned();
        self.run(move |disk| disk.get(&key, max)).await
    }

    async fn discard_probe(&self, key: &str) -> Result<()> {
        let key = key.to_owned();
        self.run(move |disk| disk.discard_probe(&key)).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectMeta>> {
        let key = key.to_owned();
        self.run(move |disk| disk.head(&key)).await
    }

    async fn hash(&self, key: &str, progress: Progress<'_>) -> Result<Option<(String, u64)>> {
        let key = key.to_owned();
        self.watched(progress, move |disk, tell| {
            disk.stream(&key, u64::MAX, tell, |_| Ok(()))
        })
        .await
    }

    async fn download(
        &self,
        key: &str,
        to: &Path,
        max: u64,
        progress: Progress<'_>,
    ) -> Result<Option<(String, u64)>> {
        let (key, to): (String, PathBuf) = (key.to_owned(), to.to_owned());
        self.watched(progress, move |disk, tell| {
            disk.download(&key, &to, max, tell)
        })
        .await
    }

    async fn create(&self, key: &str, body: Body, progress: Progress<'_>) -> Result<Created> {
        let key = key.to_owned();
        self.watched(progress, move |disk, tell| disk.create(&key, &body, tell))
            .await
    }

    async fn swap(&self, key: &str, bytes: Bytes, expected: Option<&ETag>) -> Result<Swapped> {
        let (key, expected) = (key.to_owned(), expected.cloned());
        self.run(move |disk| disk.swap(&key, bytes, expected.as_ref()))
            .await
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>> {
        let folder = folder.to_owned();
        self.run(move |disk| disk.list(&folder)).await
    }
}
