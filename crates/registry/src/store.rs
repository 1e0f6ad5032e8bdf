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

/// A stored object compared with what should be there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stored {
    /// Nothing is there.
    Missing,
    /// Exactly the expected bytes: its SHA-256 was computed, here or by the storage.
    Same,
    /// Other bytes.
    Different,
}

/// One part of an upload in parts, as the storage acknowledged it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SentPart {
    /// From 0.
    pub number: u32,
    /// Bytes.
    pub size: u64,
    /// The storage's tag of it; empty from a storage that lists parts without their tags.
    pub tag: String,
}

/// An upload in parts that was begun and neither finished nor aborted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnfinishedUpload {
    /// Where the object would lie.
    pub key: String,
    /// Its upload id.
    pub upload: String,
    /// When it was begun, Unix seconds.
    pub begun: i64,
}

/// Uploads in parts: one survives a crash by its upload id. Until it is finished nothing is visible.
#[async_trait]
pub trait PartStore: Send + Sync {
    /// Begins an upload; gives its id.
    ///
    /// # Errors
    /// `storage.*`.
    async fn begin(&self, key: &str) -> Result<String>;

    /// Sends one part; gives its tag. Sending a number again replaces the part.
    ///
    /// # Errors
    /// `storage.*`; `storage.missing` when the storage does not know the upload any more.
    async fn put_part(
        &self,
        key: &str,
        upload: &str,
        number: u32,
        bytes: Bytes,
    ) -> Result<SentPart>;

    /// Parts that the storage has, by number; nothing when it does not know the upload, or cannot tell.
    ///
    /// # Errors
    /// `storage.*`.
    async fn sent_parts(&self, key: &str, upload: &str) -> Result<Option<Vec<SentPart>>>;

    /// Makes the object of these parts, which are all of it, in order. After [`Created::Exists`] the upload may still
    /// be there: abort it.
    ///
    /// # Errors
    /// `storage.*`; `storage.missing` when the storage does not know the upload any more.
    async fn finish(&self, key: &str, upload: &str, parts: &[SentPart]) -> Result<Created>;

    /// Forgets an upload and its parts. One that is gone is no error.
    ///
    /// # Errors
    /// `storage.*`.
    async fn abort(&self, key: &str, upload: &str) -> Result<()>;

    /// Uploads below a folder that were begun and not ended; nothing when the storage cannot tell.
    ///
    /// # Errors
    /// `storage.*`.
    async fn unfinished(&self, folder: &str) -> Result<Option<Vec<UnfinishedUpload>>>;
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

    /// Compares an object with what should be there. Asks the storage for the SHA-256 that it computed when the
    /// object was written, if it keeps one; otherwise reads the object whole.
    ///
    /// # Errors
    /// `storage.*`.
    async fn compare(&self, key: &str, sha256: &str, size: u64) -> Result<Stored> {
        match self.head(key).await? {
            None => Ok(Stored::Missing),
            Some(meta) if meta.size != size => Ok(Stored::Different),
            Some(_) => Ok(match self.hash(key, silent()).await? {
                None => Stored::Missing,
                Some((found, _)) if found == sha256 => Stored::Same,
                Some(_) => Stored::Different,
            }),
        }
    }

    /// Uploads in parts, where the backend has them.
    fn parts(&self) -> Option<&dyn PartStore> {
        None
    }

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

    /// Time of the storage's own clock in its last answer, Unix seconds; nothing when it has no clock but this
    /// computer's, or has not been asked yet.
    fn server_time(&self) -> Option<i64> {
        None
    }

    /// Whether conditions are kept by a lock object instead of by the storage.
    fn uses_lock(&self) -> bool {
        false
    }

    /// `Cache-Control` with which an object is served; nothing when it does not exist, has none, or the backend does
    /// not serve.
    ///
    /// # Errors
    /// `storage.*`.
    async fn cache_control(&self, key: &str) -> Result<Option<String>> {
        let _ = key;
        Ok(None)
    }

    /// Names directly below a folder such as `metadata`, without the folder.
    ///
    /// # Errors
    /// `storage.*`.
    async fn list(&self, folder: &str) -> Result<Vec<String>>;
}
