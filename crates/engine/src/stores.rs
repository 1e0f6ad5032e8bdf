//! Opening storage by its address.

use std::sync::Arc;

use headgate_core::Result;
use headgate_registry::{BucketCredentials, FolderStore, HttpStore, StorageAddress, Store};

/// Opens stores; tests put a store of their own in between.
pub trait OpenStore: Send + Sync {
    /// Storage that can be written.
    ///
    /// # Errors
    /// `storage.*`.
    fn open(&self, address: &str) -> Result<Arc<dyn Store>>;

    /// As [`Self::open`]; a bucket with these credentials, which other storage ignores.
    ///
    /// # Errors
    /// `storage.*`.
    fn open_with(
        &self,
        address: &str,
        credentials: Arc<dyn BucketCredentials>,
    ) -> Result<Arc<dyn Store>> {
        let _ = credentials;
        self.open(address)
    }

    /// The public URL, read only.
    ///
    /// # Errors
    /// `storage.address`.
    fn open_public(&self, url: &str) -> Result<Arc<dyn Store>>;

    /// Makes an empty place for a new registry.
    ///
    /// # Errors
    /// `storage.*`.
    fn create(&self, address: &str) -> Result<Arc<dyn Store>>;
}

/// Folders, buckets, and HTTP for reading.
#[derive(Debug, Default)]
pub struct StandardStores;

impl OpenStore for StandardStores {
    fn open(&self, address: &str) -> Result<Arc<dyn Store>> {
        match StorageAddress::parse(address)? {
            StorageAddress::Http(_) => self.open_public(address),
            other => other.open(),
        }
    }

    fn open_with(
        &self,
        address: &str,
        credentials: Arc<dyn BucketCredentials>,
    ) -> Result<Arc<dyn Store>> {
        match StorageAddress::parse(address)? {
            StorageAddress::Http(_) => self.open_public(address),
            other => other.open_with(credentials),
        }
    }

    fn open_public(&self, url: &str) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(HttpStore::new(url)?.no_cache()))
    }

    fn create(&self, address: &str) -> Result<Arc<dyn Store>> {
        let StorageAddress::Folder(path) = StorageAddress::parse(address)? else {
            return self.open(address);
        };
        Ok(Arc::new(FolderStore::create(&path)?))
    }
}
