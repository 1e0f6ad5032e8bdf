//! Artifacts that lie elsewhere: picked by their address, downloaded to be inspected, and read again before anything
//! about them is signed.

use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use headgate_core::{Code, Problem, Result};
use headgate_registry::{ArtifactUrl, Artifacts, Fetched};

use super::inspect::{Inspected, PickInfo};
use crate::Console;
use crate::console::{Inner, lock};
use crate::db::Phase;
use crate::publish::Draft;
use crate::upload::Control;

/// How often a running read looks whether it was cancelled.
const LOOK: Duration = Duration::from_millis(100);

/// Where a picked web build lies.
#[derive(Debug, Clone)]
pub(crate) enum Origin {
    /// On this computer.
    Path(PathBuf),
    /// Elsewhere, and it stays there.
    Url(ArtifactUrl),
}

impl Origin {
    /// What people call it.
    pub(super) fn name(&self) -> String {
        match self {
            Self::Path(path) => path
                .file_name()
                .unwrap_or(path.as_os_str())
                .to_string_lossy()
                .into_owned(),
            Self::Url(url) => url.name().to_owned(),
        }
    }
}

impl Console {
    /// Takes the address of a zip that lies elsewhere and gives it a handle. Nothing is asked yet.
    ///
    /// # Errors
    /// `artifact.address`, which never repeats what may hold a secret.
    pub fn pick_url(&self, url: &str) -> Result<PickInfo> {
        let url = ArtifactUrl::parse(url)?;
        let handle = self.inner.world.id(8)?;
        let info = PickInfo {
            handle: handle.clone(),
            name: url.name().to_owned(),
            kind: "location",
            ok: true,
            says: format!("zip at {}", url.host()),
        };
        let picked = Inspected::new(Origin::Url(url), self.inner.world.now());
        lock(&self.inner.inspected).insert(handle, picked);
        Ok(info)
    }
}

impl Inner {
    /// Downloads an artifact into a new file, as part of a job.
    pub(super) async fn fetch(
        &self,
        job: &str,
        cancel: &AtomicBool,
        url: &ArtifactUrl,
        to: &Path,
    ) -> Result<Fetched> {
        self.phase(job, Phase::Read).await?;
        let progress = |done| self.update(job, false, |j| j.done = done);
        let artifacts = Artifacts::default();
        cancellable(cancel, artifacts.download(url, to, &progress)).await
    }

    /// Reads the bundle of a draft again at its address, if it lies elsewhere: what is signed must be there now.
    pub(super) async fn unchanged(
        &self,
        job: &str,
        control: &Control,
        draft: &Draft,
    ) -> Result<()> {
        let Some(bundle) = &draft.located else {
            return Ok(());
        };
        let Some(address) = &bundle.url else {
            return Ok(());
        };
        self.update(job, true, |j| j.total = bundle.size);
        let progress = |done| self.update(job, false, |j| j.done = done);
        let artifacts = Artifacts::default();
        let check = artifacts.check(address, bundle, None, &progress);
        tokio::select! {
            problem = control.until_stopped() => Err(problem),
            checked = check => checked.map(drop),
        }
    }
}

/// Waits for a read unless it is cancelled.
async fn cancellable<T>(cancel: &AtomicBool, work: impl Future<Output = Result<T>>) -> Result<T> {
    tokio::pin!(work);
    loop {
        if let Ok(done) = tokio::time::timeout(LOOK, &mut work).await {
            return done;
        }
        if cancel.load(Ordering::SeqCst) {
            let what = "The job was cancelled while the artifact was read.";
            return Err(Problem::new(Code::JobCancelled, what));
        }
    }
}

#[cfg(test)]
mod tests {
    #[test]
    fn an_artifact_may_be_as_large_as_a_web_build() {
        let limits = headgate_bundle::Limits::default();
        assert_eq!(
            headgate_registry::artifact::MAX_ARTIFACT,
            limits.total_bytes
        );
    }
}
