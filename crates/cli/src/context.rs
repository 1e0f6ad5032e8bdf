//! What every command on a home folder needs.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use headgate_core::{Code, Problem, Result};
use headgate_engine::{
    Console, Happened, Home, Job, Options, Receipt, StandardVaults, VaultChoice, Workspace,
};
use tokio::sync::{Mutex, broadcast};

use crate::args::Cli;
use crate::output::note;
use crate::{progress, secrets};

/// An open home folder and the global arguments.
pub(crate) struct Context {
    pub(crate) console: Console,
    pub(crate) json: bool,
    pub(crate) unit: String,
    pub(crate) app: Option<String>,
    /// Listens from the start, so that the first phase of a job is not missed.
    pub(crate) events: Mutex<broadcast::Receiver<Happened>>,
    /// A passphrase that is asked for now is that of a new vault.
    new_vault: Arc<AtomicBool>,
}

impl Context {
    /// Opens the home folder.
    ///
    /// # Errors
    /// `usage.argument` without a home folder; `local.*`.
    pub(crate) async fn open(cli: &Cli) -> Result<Self> {
        let none = || {
            Problem::new(Code::UsageArgument, "There is no home folder.")
                .remedy("Name one with --home or HEADGATE_HOME.")
                .field("home")
        };
        let home = absolute(
            &cli.home
                .clone()
                .or_else(Home::default_path)
                .ok_or_else(none)?,
        )?;
        let new_vault = Arc::new(AtomicBool::new(false));
        let mut options = Options::new(home);
        options.vaults = Arc::new(StandardVaults::asking(secrets::vault(Arc::clone(
            &new_vault,
        ))));
        let console = Console::open(options).await?;
        for notice in console.notices() {
            note(&format!(
                "note: {} {} {}",
                notice.message, notice.holds, notice.remedy
            ));
        }
        let events = Mutex::new(console.events());
        Ok(Self {
            events,
            console,
            json: cli.json,
            unit: cli.unit.clone(),
            app: cli.app.clone(),
            new_vault,
        })
    }

    /// The workspace that is meant, after taking up what an earlier run left unfinished.
    ///
    /// # Errors
    /// `usage.no_workspace`, `usage.which_workspace`, `local.*`.
    pub(crate) async fn workspace(&self) -> Result<Workspace> {
        self.recover().await?;
        self.console.workspace_of(self.app.as_deref()).await
    }

    /// The workspace that is meant, if there is one. A named one must be there.
    ///
    /// # Errors
    /// As [`Self::workspace`].
    pub(crate) async fn maybe_workspace(&self) -> Result<Option<Workspace>> {
        match self.workspace().await {
            Ok(workspace) => Ok(Some(workspace)),
            Err(problem) if problem.code == Code::UsageNoWorkspace && self.app.is_none() => {
                Ok(None)
            }
            Err(problem) => Err(problem),
        }
    }

    /// Takes up unfinished work of this home and says what was done.
    ///
    /// # Errors
    /// `local.journal`.
    pub(crate) async fn recover(&self) -> Result<()> {
        for words in progress::during(self, Box::pin(self.console.recover())).await? {
            note(&format!("recovered: {words}"));
        }
        Ok(())
    }

    /// Asks twice for the passphrase of a file vault that does not exist yet.
    pub(crate) fn expect_new(&self, vault: &VaultChoice) {
        let new = matches!(vault, VaultChoice::File(path) if !path.exists());
        self.new_vault.store(new, Ordering::SeqCst);
    }

    /// Waits for a job, showing its progress.
    ///
    /// # Errors
    /// The job's own.
    pub(crate) async fn wait(&self, job: &str) -> Result<Job> {
        progress::during(self, Box::pin(self.console.wait(job))).await
    }

    /// Waits for a publish and gives the job with its receipt.
    ///
    /// # Errors
    /// The job's own.
    pub(crate) async fn receipt(&self, job: &str) -> Result<(Job, Receipt)> {
        let job = self.wait(job).await?;
        let receipt = job.receipt.clone().ok_or_else(|| {
            Problem::new(
                Code::Internal,
                format!("{} ended without a receipt.", job.title),
            )
        })?;
        if let Some(words) = &receipt.recovered {
            note(&format!("recovered: {words}"));
        }
        Ok((job, receipt))
    }
}

/// From the current folder, without looking at the disk.
///
/// # Errors
/// `usage.argument` for an empty path.
pub(crate) fn absolute(path: &Path) -> Result<PathBuf> {
    std::path::absolute(path).map_err(|e| {
        Problem::new(
            Code::UsageArgument,
            format!("{:?} is not a path: {e}.", path.display()),
        )
    })
}
