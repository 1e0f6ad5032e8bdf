//! A folder as storage, with a hook around every write.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use headgate_core::Result;
use headgate_engine::OpenStore;
use headgate_registry::{
    Body, Created, ETag, FolderStore, Object, ObjectMeta, Progress, Store, Swapped,
};

/// What is written how.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// Create-only.
    Create,
    /// Compare-and-swap.
    Swap,
}

/// A write.
#[derive(Debug, Clone)]
pub struct Write {
    /// How.
    pub kind: Kind,
    /// Where.
    pub key: String,
}

/// Looks at every write, may hold it or make it fail.
#[async_trait]
pub trait Hook: Send + Sync {
    /// Before it is applied; an error means that it never is.
    ///
    /// # Errors
    /// Whatever the test wants the storage to answer.
    async fn before(&self, _: &Write) -> Result<()> {
        Ok(())
    }

    /// After it was applied; an error means that its answer is lost.
    ///
    /// # Errors
    /// As [`Self::before`].
    async fn after(&self, _: &Write) -> Result<()> {
        Ok(())
    }
}

/// A store with a hook.
#[derive(Clone)]
pub struct HookedStore {
    inner: Arc<dyn Store>,
    hook: Arc<dyn Hook>,
}

impl HookedStore {
    /// Puts a hook around a store.
    pub fn new(inner: Arc<dyn Store>, hook: Arc<dyn Hook>) -> Self {
        Self { inner, hook }
    }
}

#[async_trait]
impl Store for HookedStore {
    fn address(&self) -> String {
        self.inner.address()
    }

    async fn get(&self, key: &str, max: u64) -> Result<Option<Object>> {
        self.inner.get(key, max).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectMeta>> {
        self.inner.head(key).await
    }

    async fn hash(&self, key: &str, progress: Progress<'_>) -> Result<Option<(String, u64)>> {
        self.inner.hash(key, progress).await
    }

    async fn download(
        &self,
        key: &str,
        to: &Path,
        max: u64,
        progress: Progress<'_>,
    ) -> Result<Option<(String, u64)>> {
        self.inner.download(key, to, max, progress).await
    }

    async fn create(&self, key: &str, body: Body, progress: Progress<'_>) -> Result<Created> {
        let write = Write {
            kind: Kind::Create,
            key: key.to_owned(),
        };
        self.hook.before(&write).await?;
        let done = self.inner.create(key, body, progress).await?;
        self.hook.after(&write).await?;
        Ok(done)
    }

    async fn swap(&self, key: &str, bytes: Bytes, expected: Option<&ETag>) -> Result<Swapped> {
        let write = Write {
            kind: Kind::Swap,
            key: key.to_owned(),
        };
        self.hook.before(&write).await?;
        let done = self.inner.swap(key, bytes, expected).await?;
        self.hook.after(&write).await?;
        Ok(done)
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>> {
        self.inner.list(folder).await
    }
}

/// Opens one folder whatever address is recorded, so that a home can be copied together with its storage.
#[derive(Clone)]
pub struct Stores {
    folder: PathBuf,
    hook: Option<Arc<dyn Hook>>,
}

impl Stores {
    /// This folder.
    pub fn folder(folder: &Path) -> Self {
        Self {
            folder: folder.to_owned(),
            hook: None,
        }
    }

    /// With a hook around its writes.
    #[must_use]
    pub fn hooked(mut self, hook: Arc<dyn Hook>) -> Self {
        self.hook = Some(hook);
        self
    }

    fn wrap(&self, store: FolderStore) -> Arc<dyn Store> {
        match &self.hook {
            None => Arc::new(store),
            Some(hook) => Arc::new(HookedStore::new(Arc::new(store), Arc::clone(hook))),
        }
    }
}

impl OpenStore for Stores {
    fn open(&self, _: &str) -> Result<Arc<dyn Store>> {
        Ok(self.wrap(FolderStore::open(&self.folder)?))
    }

    fn open_public(&self, url: &str) -> Result<Arc<dyn Store>> {
        self.open(url)
    }

    fn create(&self, _: &str) -> Result<Arc<dyn Store>> {
        Ok(self.wrap(FolderStore::create(&self.folder)?))
    }
}
