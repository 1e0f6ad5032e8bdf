//! A store that reads what never changes once: after a publish only what is new is read.

use std::collections::HashMap;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use async_trait::async_trait;
use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use headgate_registry::{
    Body, Created, ETag, Object, ObjectMeta, Progress, Store, Swapped, layout,
};

/// Small objects by key.
pub(crate) type Memory = HashMap<String, Bytes>;

/// Reads documents and numbered metadata from memory where they were read before. Whoever reads verifies them again,
/// so memory is believed no more than storage. Roots that do not exist yet and `timestamp.json` are always asked for.
pub(crate) struct Remembering {
    store: Arc<dyn Store>,
    before: Arc<Memory>,
    used: Mutex<Memory>,
}

impl Remembering {
    pub(crate) fn new(store: Arc<dyn Store>, before: Arc<Memory>) -> Self {
        Self {
            store,
            before,
            used: Mutex::default(),
        }
    }

    /// An object that was read through this.
    pub(crate) fn used(&self, key: &str) -> Option<Bytes> {
        self.lock().get(key).cloned()
    }

    /// What was used, and nothing else that was remembered.
    pub(crate) fn into_memory(self) -> Memory {
        self.used
            .into_inner()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> std::sync::MutexGuard<'_, Memory> {
        self.used.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

fn never_changes(key: &str) -> bool {
    key.starts_with("targets/") || (key.starts_with("metadata/") && key != layout::TIMESTAMP)
}

#[async_trait]
impl Store for Remembering {
    fn address(&self) -> String {
        self.store.address()
    }

    async fn get(&self, key: &str, max: u64) -> Result<Option<Object>> {
        if !never_changes(key) {
            return self.store.get(key, max).await;
        }
        let known = self.used(key).or_else(|| self.before.get(key).cloned());
        if let Some(bytes) = known.filter(|bytes| bytes.len() as u64 <= max) {
            self.lock().insert(key.to_owned(), bytes.clone());
            let etag = ETag(String::new());
            return Ok(Some(Object { bytes, etag }));
        }
        let read = self.store.get(key, max).await?;
        if let Some(object) = &read {
            self.lock().insert(key.to_owned(), object.bytes.clone());
        }
        Ok(read)
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectMeta>> {
        self.store.head(key).await
    }

    async fn hash(&self, key: &str, progress: Progress<'_>) -> Result<Option<(String, u64)>> {
        self.store.hash(key, progress).await
    }

    async fn download(
        &self,
        key: &str,
        to: &Path,
        max: u64,
        progress: Progress<'_>,
    ) -> Result<Option<(String, u64)>> {
        self.store.download(key, to, max, progress).await
    }

    async fn create(&self, _: &str, _: Body, _: Progress<'_>) -> Result<Created> {
        Err(reads_only())
    }

    async fn swap(&self, _: &str, _: Bytes, _: Option<&ETag>) -> Result<Swapped> {
        Err(reads_only())
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>> {
        self.store.list(folder).await
    }
}

fn reads_only() -> Problem {
    Problem::new(
        Code::StorageReadOnly,
        "The update server never writes to a registry.",
    )
}
