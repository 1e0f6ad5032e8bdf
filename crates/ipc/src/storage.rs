//! Handlers of storage and uploads.

use headgate_core::Problem;
use headgate_engine::{Check, StorageKeys};
use zeroize::Zeroizing;

use crate::app::App;
use crate::dto::{self, IpcError};
use crate::ship::count;

type Answer<T> = Result<T, IpcError>;

impl App {
    /// Tests the storage of a workspace again.
    pub async fn storage_check(&self, request: dto::WorkspaceRef) -> Answer<dto::ConnectTest> {
        let checks = self.console.storage_check(&request.workspace).await?;
        Ok(self.checks(checks))
    }

    /// Puts credentials into the vault.
    pub async fn credentials_set(&self, request: dto::CredentialsRequest) -> Answer<dto::Empty> {
        let keys = keys(request.credentials);
        self.console
            .set_credentials(&request.workspace, request.mirror.as_deref(), &keys)
            .await?;
        Ok(dto::Empty {})
    }

    /// What the storage is set to, as last read.
    pub async fn storage_settings(
        &self,
        request: dto::WorkspaceRef,
    ) -> Answer<dto::StorageSettings> {
        let settings = self.console.storage_settings(&request.workspace).await?;
        let mirrors = settings.mirrors.into_iter();
        Ok(dto::StorageSettings {
            place: place(settings.address, settings.in_vault, None),
            public_url: settings.public_url,
            mirrors: mirrors
                .map(|m| place(m.address, m.in_vault, m.behind))
                .collect(),
            delivers: settings.delivers.map(|d| dto::Delivers {
                zip: d.zip,
                files: d.files,
            }),
        })
    }

    /// Adds a mirror and brings it up to date, as a job.
    pub async fn mirror_add(&self, request: dto::MirrorAdd) -> Answer<dto::JobRef> {
        let keys = request.credentials.map(keys);
        let job = self
            .console
            .add_mirror(&request.workspace, request.storage.trim(), keys.as_ref())
            .await?;
        Ok(dto::JobRef { job })
    }

    /// Brings a mirror up to date, as a job.
    pub async fn mirror_sync(&self, request: dto::MirrorRef) -> Answer<dto::JobRef> {
        let job = self
            .console
            .sync_mirror(&request.workspace, &request.address)
            .await?;
        Ok(dto::JobRef { job })
    }

    /// Forgets a mirror. What lies there stays there.
    pub async fn mirror_remove(&self, request: dto::MirrorRef) -> Answer<dto::Empty> {
        self.console
            .remove_mirror(&request.workspace, &request.address)
            .await?;
        Ok(dto::Empty {})
    }

    /// Gives up uploads in parts that nobody ended.
    pub async fn uploads_sweep(&self, request: dto::UploadsSweep) -> Answer<dto::UploadsSwept> {
        let swept = self
            .console
            .sweep_uploads(&request.workspace, None, request.days.max(1))
            .await?;
        Ok(dto::UploadsSwept {
            given_up: swept.aborted.into_iter().map(|u| u.key).collect(),
            kept: count(swept.kept.len()),
        })
    }

    /// Holds a job.
    pub async fn job_pause(&self, request: dto::JobRef) -> Answer<dto::Empty> {
        self.console.pause_job(&request.job).await?;
        Ok(dto::Empty {})
    }

    /// Ends the pause before the next try.
    pub async fn job_retry_now(&self, request: dto::JobRef) -> Answer<dto::Empty> {
        self.console.retry_job_now(&request.job).await?;
        Ok(dto::Empty {})
    }

    pub(crate) fn checks(&self, checks: Vec<Check>) -> dto::ConnectTest {
        dto::ConnectTest {
            checks: checks.into_iter().map(check).collect(),
            at: self.console.now().to_string(),
        }
    }
}

fn place(address: String, in_vault: bool, behind: Option<Problem>) -> dto::StoragePlace {
    let bucket = address.starts_with("s3://");
    dto::StoragePlace {
        kind: if bucket { "bucket" } else { "folder" }.into(),
        address,
        in_vault,
        behind: behind.map(IpcError::from),
    }
}

fn check(check: Check) -> dto::ConnectCheck {
    let (detail, warning, error) = match check.result {
        Ok(found) if found.warning => (String::new(), Some(found.says), None),
        Ok(found) => (found.says, None, None),
        Err(problem) => (problem.message.clone(), None, Some(problem.into())),
    };
    dto::ConnectCheck {
        title: check.title,
        detail,
        ok: error.is_none(),
        warning,
        ms: u32::try_from(check.ms).unwrap_or(u32::MAX),
        error,
    }
}

/// From the window into memory that is wiped.
pub(crate) fn keys(given: dto::StorageCredentials) -> StorageKeys {
    StorageKeys {
        access_key_id: Zeroizing::new(given.access_key_id),
        secret: Zeroizing::new(given.secret_access_key),
        session_token: given.session_token.map(Zeroizing::new),
    }
}
