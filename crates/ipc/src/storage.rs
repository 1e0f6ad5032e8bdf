//! Handlers of storage and uploads.

use headgate_engine::{Check, StorageKeys};
use zeroize::Zeroizing;

use crate::app::App;
use crate::dto::{self, IpcError};

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
            .set_credentials(&request.workspace, None, &keys)
            .await?;
        Ok(dto::Empty {})
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
