//! Uploads in parts that nobody will finish are taken back, so that they cost nothing at the storage.

use std::collections::HashSet;

use headgate_core::{Code, Problem, Result};
use headgate_registry::{Swept, UnfinishedUpload, sweep_uploads};

use crate::console::Console;
use crate::db::{Job, JobState, Step, Upload};

impl Console {
    /// Aborts the uploads in parts of a job that is given up. What cannot be reached now is tried at the next start.
    pub(crate) async fn abort_uploads(&self, job: &Job, steps: &[Step]) {
        let keys: HashSet<&str> = steps.iter().map(|s| s.key.as_str()).collect();
        let Ok(uploads) = self.inner.journal.uploads().await else {
            return;
        };
        for upload in uploads.iter().filter(|u| keys.contains(u.key.as_str())) {
            if let Err(problem) = self.abort(&job.workspace, upload).await {
                tracing::warn!(%problem, key = upload.key, "an upload could not be taken back");
            }
        }
    }

    /// As [`Self::abort_uploads`], for a job that was cancelled while it ran.
    pub(crate) async fn abort_uploads_of(&self, id: &str) {
        if let (Ok(Some(job)), Ok(steps)) = (
            self.inner.journal.job(id).await,
            self.inner.journal.steps(id).await,
        ) {
            self.abort_uploads(&job, &steps).await;
        }
    }

    /// Aborts recorded uploads that no unfinished job will go on with.
    pub(crate) async fn abort_orphans(&self) -> Result<()> {
        let uploads = self.inner.journal.uploads().await?;
        if uploads.is_empty() {
            return Ok(());
        }
        let jobs = self.inner.journal.jobs().await?;
        let open = jobs
            .iter()
            .filter(|job| !matches!(job.state, JobState::Done | JobState::Cancelled));
        let needed: HashSet<&str> = open
            .flat_map(|job| job.steps.iter().map(|s| s.key.as_str()))
            .collect();
        for upload in uploads.iter().filter(|u| !needed.contains(u.key.as_str())) {
            for workspace in self.workspaces().await? {
                let mirrors = self.inner.journal.mirrors(&workspace.id).await?;
                if workspace.storage != upload.address && !mirrors.contains(&upload.address) {
                    continue;
                }
                match self.abort(&workspace.id, upload).await {
                    Ok(()) => {}
                    Err(problem) => tracing::warn!(%problem, "an upload could not be taken back"),
                }
            }
        }
        Ok(())
    }

    /// Gives up the uploads in parts at the registry's storage, or at a mirror, that anybody began more than `days` ago
    /// and did not end. Those that a job of this computer will go on with are kept.
    ///
    /// # Errors
    /// `usage.argument` for storage that has no uploads in parts or does not list them; `storage.*`.
    pub async fn sweep_uploads(
        &self,
        workspace: &str,
        mirror: Option<&str>,
        days: u32,
    ) -> Result<Swept> {
        let workspace = self.workspace(workspace).await?;
        let address = mirror.unwrap_or(&workspace.storage);
        let store = self.inner.open(&workspace, address)?;
        let own: HashSet<String> = self
            .inner
            .journal
            .uploads()
            .await?
            .into_iter()
            .filter(|upload| upload.address == address)
            .map(|upload| upload.upload)
            .collect();
        let keep = move |found: &UnfinishedUpload| own.contains(&found.upload);
        let (age, now) = (i64::from(days) * 86_400, self.inner.world.now().unix());
        let swept = sweep_uploads(store.as_ref(), age, now, &keep).await?;
        swept.ok_or_else(|| {
            let what = format!("{address} does not list uploads in parts.");
            Problem::new(Code::UsageArgument, what)
                .remedy("Where a bucket has a rule for unfinished uploads, set that: docs/storage.md, Lifecycle.")
        })
    }

    async fn abort(&self, workspace: &str, upload: &Upload) -> Result<(), Problem> {
        let workspace = self.workspace(workspace).await?;
        let store = self.inner.open(&workspace, &upload.address)?;
        if let Some(parts) = store.parts() {
            parts.abort(&upload.key, &upload.upload).await?;
        }
        let journal = &self.inner.journal;
        journal.forget_upload(&upload.address, &upload.key).await
    }
}
