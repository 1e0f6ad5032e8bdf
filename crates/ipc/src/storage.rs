//! Handlers of storage, uploads and artifacts.

use headgate_core::{Code, Problem};

use crate::app::App;
use crate::dto::{self, IpcError};

type Answer<T> = Result<T, IpcError>;

fn not_wired<T>() -> Answer<T> {
    Err(Problem::new(Code::Internal, "This command is not wired yet.").into())
}

#[expect(clippy::unused_async, reason = "every handler has the same shape")]
impl App {
    /// Tests the storage of a workspace again.
    pub async fn storage_check(&self, _: dto::WorkspaceRef) -> Answer<dto::ConnectTest> {
        not_wired()
    }

    /// Puts credentials into the vault.
    pub async fn credentials_set(&self, _: dto::CredentialsRequest) -> Answer<dto::Empty> {
        not_wired()
    }

    /// Holds a job.
    pub async fn job_pause(&self, _: dto::JobRef) -> Answer<dto::Empty> {
        not_wired()
    }

    /// Ends the pause before the next try.
    pub async fn job_retry_now(&self, _: dto::JobRef) -> Answer<dto::Empty> {
        not_wired()
    }
}
