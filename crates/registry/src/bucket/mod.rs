//! A registry in a bucket of S3-compatible storage.
//!
//! Every request goes through one signer, one set of time limits and one reading of refusals. Signing and the roles of
//! machines come from `object_store`; its store is not used, because it keeps to itself what Headgate shows or needs:
//! the error's code and `Date`, the stored SHA-256, part lists, conditions on the end of an upload in parts, and how
//! far a body has been sent.
//!
//! Create-only is `If-None-Match: *`, compare-and-swap `If-Match: ETag` (Amazon S3 user guide, "Conditional writes").
//! Storage that ignores both can be used under a lock object with `lock=1`: weaker, and said so.
//!
//! Every body's SHA-256 is signed, so the server checks what it receives. An object that was written in one request
//! also has it as `x-amz-checksum-sha256`, by which [`Store::compare`] compares without reading; one of several parts
//! has no SHA-256 of the whole, and is read.

mod address;
mod keys;
mod lock;
mod parts;
mod read;
mod refusal;
mod request;
mod write;
mod xml;

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use bytes::Bytes;
use headgate_core::Result;
use reqwest::Response;

use crate::part::check_key;
use crate::{Body, Created, ETag, Object, ObjectMeta, PartStore, Progress, Store, Stored, Swapped};
pub use address::{BucketAddress, BucketStyle};
pub use keys::{BucketCredentials, BucketKeys, EnvCredentials, FixedCredentials};
use request::Wire;

/// How long a bucket may take.
#[derive(Debug, Clone, Copy)]
pub struct BucketLimits {
    /// For the connection.
    pub connect: Duration,
    /// Without a byte in either direction.
    pub idle: Duration,
    /// For a whole metadata file or listing.
    pub metadata: Duration,
    /// A large object must bring [`Self::slow_bytes`] in each such span.
    pub slow_span: Duration,
    /// Bytes, see [`Self::slow_span`].
    pub slow_bytes: u64,
    /// How often a request that reads is tried. One that writes is tried once.
    pub read_tries: u32,
    /// Before the second try; three times as long before each further one.
    pub retry_pause: Duration,
    /// With `lock=1`: how long after writing the lock object it is read back.
    pub settle: Duration,
    /// With `lock=1`: how long another writer is waited for before `storage.locked`.
    pub lock_wait: Duration,
}

impl Default for BucketLimits {
    fn default() -> Self {
        Self {
            connect: Duration::from_secs(10),
            idle: Duration::from_secs(30),
            metadata: Duration::from_secs(30),
            slow_span: Duration::from_secs(60),
            slow_bytes: 64 * 1024,
            read_tries: 3,
            retry_pause: Duration::from_millis(250),
            settle: Duration::from_millis(1_500),
            lock_wait: Duration::from_secs(30),
        }
    }
}

/// A registry in a bucket.
pub struct BucketStore {
    address: BucketAddress,
    wire: Wire,
    /// False once the server has refused a stored checksum.
    checksums: AtomicBool,
    /// `Date` of the last answer, Unix seconds; 0 before the first.
    server_time: AtomicI64,
}

impl BucketStore {
    /// A bucket with what signs requests to it. Nothing is asked yet.
    ///
    /// # Errors
    /// `storage.address`; `storage.io` when TLS cannot be set up.
    pub fn new(address: BucketAddress, credentials: Arc<dyn BucketCredentials>) -> Result<Self> {
        Self::with_limits(address, credentials, BucketLimits::default())
    }

    /// As [`Self::new`] with other limits.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_limits(
        address: BucketAddress,
        credentials: Arc<dyn BucketCredentials>,
        limits: BucketLimits,
    ) -> Result<Self> {
        Ok(Self {
            wire: Wire::new(&address, credentials, limits)?,
            address,
            checksums: AtomicBool::new(true),
            server_time: AtomicI64::new(0),
        })
    }

    fn key(&self, key: &str) -> Result<String> {
        check_key(key)?;
        Ok(self.address.full_key(key))
    }

    fn note_time(&self, response: &Response) {
        if let Some(time) = refusal::server_time(response.headers()) {
            self.server_time.store(time, Ordering::Relaxed);
        }
    }
}

#[async_trait]
impl Store for BucketStore {
    fn address(&self) -> String {
        self.address.to_string()
    }

    async fn get(&self, key: &str, max: u64) -> Result<Option<Object>> {
        self.read_object(key, max).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectMeta>> {
        Ok(self.look(key).await?.map(|(meta, _)| meta))
    }

    async fn hash(&self, key: &str, progress: Progress<'_>) -> Result<Option<(String, u64)>> {
        self.hash_object(key, progress).await
    }

    async fn compare(&self, key: &str, sha256: &str, size: u64) -> Result<Stored> {
        self.compare_object(key, sha256, size).await
    }

    async fn download(
        &self,
        key: &str,
        to: &Path,
        max: u64,
        progress: Progress<'_>,
    ) -> Result<Option<(String, u64)>> {
        self.download_object(key, to, max, progress).await
    }

    fn parts(&self) -> Option<&dyn PartStore> {
        Some(self)
    }

    async fn create(&self, key: &str, body: Body, progress: Progress<'_>) -> Result<Created> {
        self.create_object(key, body, progress).await
    }

    async fn swap(&self, key: &str, bytes: Bytes, expected: Option<&ETag>) -> Result<Swapped> {
        self.swap_object(key, bytes, expected).await
    }

    async fn discard_probe(&self, key: &str) -> Result<()> {
        self.discard(key).await
    }

    fn server_time(&self) -> Option<i64> {
        self.last_time()
    }

    fn uses_lock(&self) -> bool {
        self.address.uses_lock()
    }

    async fn cache_control(&self, key: &str) -> Result<Option<String>> {
        self.stored_cache_control(key).await
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>> {
        self.list_folder(folder).await
    }
}
