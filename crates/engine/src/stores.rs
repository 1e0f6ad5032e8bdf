//! Opening storage by its address.

use std::sync::Arc;

use headgate_core::Result;
use headgate_registry::{FolderStore, HttpStore, StorageAddress, Store};

/// Opens stores; tests put a store of their own in between.
pub trait OpenStore: Send + Sync {
    /// Storage that can be written.
    ///
    /// # Errors
    /// `storage.*`.
    fn open(&self, address: &str) -> Result<Arc<dyn Store>>;

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

/// Folders, and HTTP for reading.
#[derive(Debug, Default)]
pub struct StandardStores;

impl OpenStore for StandardStores {
    fn open(&self, address: &str) -> Result<Arc<dyn Store>> {
        let StorageAddress::Folder(path) = StorageAddress::parse(address)? else {
            return self.open_public(address);
        };
        Ok(Arc::new(FolderStore::open(&path)?))
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
