//! Single files of a release, for device clients that fetch what changed alone.

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::atomic::AtomicBool;

use headgate_bundle::single;
use headgate_core::{Code, Problem, Result, files::FilesMap, manifest::FilesRef};
use headgate_tuf::sha256_hex;

use super::inspect::InspectionReport;
use crate::console::{Console, lock};

impl Console {
    /// How the files of an inspected web build will be stored: the map that is signed for, and where it lies until
    /// it is uploaded. Worked out once an inspection; content that an earlier build had is not compressed again.
    pub(crate) async fn files_map(
        &self,
        report: &InspectionReport,
        zip: bool,
    ) -> Result<(FilesRef, PathBuf)> {
        let path = self
            .inner
            .home
            .work()
            .join(format!("{}.files.json", report.packed.sha256));
        let made = lock(&self.inner.inspected)
            .get(&report.handle)
            .and_then(|picked| picked.files.clone());
        if let Some((sha256, size)) = made.filter(|_| path.exists()) {
            return Ok((FilesRef { sha256, size, zip }, path));
        }
        let known = self.inner.cache.stored_files().await.unwrap_or_default();
        let (bundle, packed) = (report.path.clone(), report.packed.clone());
        let work = move || {
            let known = |sha256: &str| known.get(sha256).cloned();
            let never = AtomicBool::new(false);
            single::store_files(&bundle, &packed.inventory, &known, &never, &|_, _| {})
        };
        let files = tokio::task::spawn_blocking(work)
            .await
            .map_err(|e| Problem::new(Code::Internal, e.to_string()))??;
        let stored: HashMap<_, _> = files
            .iter()
            .map(|file| (file.sha256.clone(), file.stored.clone()))
            .collect();
        if let Err(problem) = self.inner.cache.set_stored_files(&stored).await {
            tracing::warn!(%problem, "stored files could not be remembered");
        }
        let bytes = FilesMap { files }.to_bytes()?;
        super::packing::keep_bytes(&self.inner.home.work(), &path, &bytes)?;
        let (sha256, size) = (sha256_hex(&bytes), bytes.len() as u64);
        if let Some(picked) = lock(&self.inner.inspected).get_mut(&report.handle) {
            picked.files = Some((sha256.clone(), size));
        }
        Ok((FilesRef { sha256, size, zip }, path))
    }
}
