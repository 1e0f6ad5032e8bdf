//! Releases that were read before, and their parts: channels share them, and a later reading takes them over.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use headgate_core::clients::{CapgoFiles, ClientsDocument, MAX_CLIENT_FILES, ObjectRef};
use headgate_core::files::{self, FilesMap};
use headgate_core::{Code, Inventory, Problem, ReleaseManifest, Result};
use headgate_registry::documents::{Approved, hashed, inventory};
use headgate_registry::{Store, layout};

use super::Reading;
use crate::catalog::{ReleaseServing, snapshot_id};

/// By the hash that signed metadata names.
#[derive(Default)]
pub(super) struct Known {
    releases: HashMap<String, Vec<Arc<ReleaseServing>>>,
    inventories: Mutex<HashMap<String, Arc<Inventory>>>,
    files: Mutex<HashMap<String, Arc<FilesMap>>>,
    capgo: Mutex<HashMap<String, Arc<CapgoFiles>>>,
}

impl Known {
    /// What a reading holds.
    pub(super) fn of(before: Option<&Reading>) -> Self {
        let mut known = Self::default();
        let units = before.iter().flat_map(|b| &b.units);
        let releases = units
            .flat_map(|(_, unit)| unit.channels.values())
            .flat_map(|channel| channel.releases.values());
        for release in releases {
            known.take(release);
        }
        known
    }

    fn take(&mut self, release: &Arc<ReleaseServing>) {
        let manifest = &release.manifest;
        put(
            &self.inventories,
            &manifest.inventory.sha256,
            &release.inventory,
        );
        if let (Some(reference), Some(map)) = (&manifest.files, &release.files) {
            put(&self.files, &reference.sha256, map);
        }
        let reference = release.clients.as_ref().and_then(signed_files);
        if let (Some(reference), Some(list)) = (reference, &release.capgo_files) {
            put(&self.capgo, &reference.sha256, list);
        }
        let same = self.releases.entry(release.sha256.clone()).or_default();
        if !same.iter().any(|r| Arc::ptr_eq(r, release)) {
            same.push(Arc::clone(release));
        }
    }

    /// A release with all that dialects need of it.
    pub(super) async fn release(
        &self,
        store: &dyn Store,
        approved: &Approved,
        clients: Option<&ClientsDocument>,
    ) -> Result<Arc<ReleaseServing>> {
        let mut before = self.releases.get(&approved.sha256).into_iter().flatten();
        if let Some(same) = before.find(|r| r.clients.as_ref() == clients) {
            return Ok(Arc::clone(same));
        }
        let manifest = &approved.manifest;
        let inventory = self.inventory(store, manifest).await?;
        let files = self.files_map(store, manifest, &inventory).await?;
        let capgo_files = match clients.and_then(signed_files) {
            Some(reference) => Some(self.capgo_files(store, reference, &inventory).await?),
            None => None,
        };
        let ionic_manifest = match clients.and_then(|c| c.ionic.as_ref()) {
            Some(ionic) => Some(variant(store, &ionic.manifest).await?),
            None => None,
        };
        Ok(Arc::new(ReleaseServing {
            manifest: manifest.clone(),
            sha256: approved.sha256.clone(),
            snapshot: snapshot_id(&approved.sha256),
            inventory,
            files,
            clients: clients.cloned(),
            capgo_files,
            ionic_manifest,
        }))
    }

    async fn inventory(
        &self,
        store: &dyn Store,
        manifest: &ReleaseManifest,
    ) -> Result<Arc<Inventory>> {
        let sha256 = &manifest.inventory.sha256;
        match get(&self.inventories, sha256) {
            Some(known) => Ok(known),
            None => {
                let read = Arc::new(inventory(store, manifest).await?);
                Ok(put(&self.inventories, sha256, &read))
            }
        }
    }

    async fn files_map(
        &self,
        store: &dyn Store,
        manifest: &ReleaseManifest,
        inventory: &Inventory,
    ) -> Result<Option<Arc<FilesMap>>> {
        let Some(reference) = &manifest.files else {
            return Ok(None);
        };
        let sha256 = &reference.sha256;
        let map = match get(&self.files, sha256) {
            Some(known) => known,
            None => {
                let key = layout::inventory(sha256);
                let max = reference.size.min(files::MAX_BYTES as u64);
                let bytes = hashed(store, &key, sha256, max).await?;
                put(&self.files, sha256, &Arc::new(FilesMap::parse(&bytes)?))
            }
        };
        map.check_against(inventory)?;
        Ok(Some(map))
    }

    async fn capgo_files(
        &self,
        store: &dyn Store,
        reference: &ObjectRef,
        inventory: &Inventory,
    ) -> Result<Arc<CapgoFiles>> {
        let sha256 = &reference.sha256;
        let list = match get(&self.capgo, sha256) {
            Some(known) => known,
            None => {
                let bytes = variant(store, reference).await?;
                put(&self.capgo, sha256, &Arc::new(CapgoFiles::parse(&bytes)?))
            }
        };
        let signed = list.files.iter().map(|f| &f.path);
        if !signed.eq(inventory.files.iter().map(|f| &f.path)) {
            return Err(Problem::new(
                Code::TrustHash,
                "The list of signed files has other files than the inventory of the release.",
            ));
        }
        Ok(list)
    }
}

/// A list of files that a clients document names by hash.
async fn variant(store: &dyn Store, reference: &ObjectRef) -> Result<Bytes> {
    let max = reference.size.min(MAX_CLIENT_FILES as u64);
    hashed(
        store,
        &layout::variant(&reference.sha256),
        &reference.sha256,
        max,
    )
    .await
}

/// Where the list of signed files for Capgo's updater lies.
fn signed_files(clients: &ClientsDocument) -> Option<&ObjectRef> {
    clients.capgo.as_ref()?.files.as_ref()
}

type Shared<T> = Mutex<HashMap<String, Arc<T>>>;

fn get<T>(shared: &Shared<T>, sha256: &str) -> Option<Arc<T>> {
    let map = shared.lock().unwrap_or_else(PoisonError::into_inner);
    map.get(sha256).cloned()
}

/// Keeps what came first.
fn put<T>(shared: &Shared<T>, sha256: &str, value: &Arc<T>) -> Arc<T> {
    let mut map = shared.lock().unwrap_or_else(PoisonError::into_inner);
    let kept = map
        .entry(sha256.to_owned())
        .or_insert_with(|| Arc::clone(value));
    Arc::clone(kept)
}
