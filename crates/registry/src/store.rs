//! What every storage backend can do.

use std::path::PathBuf;

use async_trait::async_trait;
use bytes::Bytes;
use headgate_core::Result;

/// Opaque version tag of an object, for compare-and-swap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ETag(pub String);

/// An object with its tag.
#[derive(Debug, Clone)]
pub struct Object {
    /// Its bytes.
    pub bytes: Bytes,
    /// Its tag.
    pub etag: ETag,
}

/// What a backend knows of an object without reading it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ObjectMeta {
    /// Bytes.
    pub size: u64,
    /// Its tag.
    pub etag: ETag,
}

/// What is written.
#[derive(Debug, Clone)]
pub enum Body {
    /// Small objects.
    Bytes(Bytes),
    /// A file of this size, read while it is sent.
    File(PathBuf, u64),
}

impl Body {
    /// Bytes in it.
    pub fn len(&self) -> u64 {
        match self {
            Self::Bytes(b) => b.len() as u64,
            Self::File(_, size) => *size,
        }
    }

    /// Nothing in it.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

/// Called with the total of acknowledged (or read) bytes.
pub type Progress<'a> = &'a (dyn Fn(u64) + Send + Sync);

/// A progress that nobody watches.
pub fn silent() -> Progress<'static> {
    &|_| {}
}

/// Result of a create-only write.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Created {
    /// Written by us.
    Created,
    /// Something was there; it is unchanged. The caller decides whether it is the right thing.
    Exists,
}

/// Result of a compare-and-swap.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Swapped {
    /// Written by us; its new tag.
    Swapped(ETag),
    /// Somebody else wrote meanwhile; nothing was changed.
    Changed,
}

/// A storage backend. Keys are relative, `metadata/1.root.json`, made by [`crate::layout`] alone.
///
/// A write is durable when it returns. A write that fails leaves the object as it was, or whole;
/// never half.
#[async_trait]
pub trait Store: Send + Sync {
    /// Address to show, without credentials.
    fn address(&self) -> String;

    /// Reads an object of at most `max` bytes; nothing when it does not exist.
    ///
    /// # Errors
    /// `storage.*`; `trust.format` when it is larger than `max`.
    async fn get(&self, key: &str, max: u64) -> Result<Option<Object>>;

    /// Size and tag; nothing when it does not exist.
    ///
    /// # Errors
    /// `storage.*`.
    async fn head(&self, key: &str) -> Result<Option<ObjectMeta>>;

    /// Reads an object of any size in pieces and gives its SHA-256 (hex) and size; nothing when it does not exist.
    ///
    /// # Errors
    /// `storage.*`.
    async fn hash(&self, key: &str, progress: Progress<'_>) -> Result<Option<(String, u64)>>;

    /// Reads an object in pieces into a new file; gives SHA-256 and size; nothing when it does not exist.
    /// Stops with `trust.format` after `max` bytes.
    ///
    /// # Errors
    /// `storage.*`, `local.disk`, `trust.format`.
    async fn download(
        &self,
        key: &str,
        to: &std::path::Path,
        max: u64,
        progress: Progress<'_>,
    ) -> Result<Option<(String, u64)>>;

    /// Writes an object that must not exist.
    ///
    /// # Errors
    /// `storage.*`.
    async fn create(&self, key: &str, body: Body, progress: Progress<'_>) -> Result<Created>;

    /// Writes an object if its tag is still the expected one; `None` = it must not exist.
    ///
    /// # Errors
    /// `storage.*`.
    async fn swap(&self, key: &str, bytes: Bytes, expected: Option<&ETag>) -> Result<Swapped>;

    /// Removes an object that a connection test wrote, below `probe/` alone: the registry itself is never
    /// deleted from. A backend that cannot leaves it.
    ///
    /// # Errors
    /// `storage.*`.
    async fn discard_probe(&self, key: &str) -> Result<()> {
        let _ = key;
        Ok(())
    }

    /// Names directly below a folder such as `metadata`, without the folder.
    ///
    /// # Errors
    /// `storage.*`.
    async fn list(&self, folder: &str) -> Result<Vec<String>>;
}
