//! The storage of a workspace: testing it, its credentials, what releases put into it.

use headgate_core::{Code, Problem, Result, settings::Delivers};
use headgate_registry::{HttpStore, ProbeOutcome, Store, probe_storage};

use super::connect::{Check, Found};
use super::mirror::is_behind;
use super::settings::SettingsPlan;
use crate::console::{Console, lock};
use crate::credentials::{self, StorageKeys};
use crate::publish::Action;

/// What the storage of a workspace is set to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StorageSettings {
    /// Where the registry lies.
    pub address: String,
    /// Its credentials are in the vault; otherwise a bucket's come from `AWS_*`.
    pub in_vault: bool,
    /// Where devices read.
    pub public_url: Option<String>,
    /// Further places that get what the registry gets.
    pub mirrors: Vec<MirrorSettings>,
    /// What releases put into storage; nothing before the settings were read.
    pub delivers: Option<Delivers>,
}

/// A mirror.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MirrorSettings {
    /// Its address.
    pub address: String,
    /// Its credentials are in the vault.
    pub in_vault: bool,
    /// It lacks something, and why.
    pub behind: Option<Problem>,
}

impl Console {
    /// Tests the storage of a workspace, line by line, and each of its mirrors.
    ///
    /// # Errors
    /// `usage.no_workspace`; what fails at the storage is in the lines.
    pub async fn storage_check(&self, workspace: &str) -> Result<Vec<Check>> {
        let workspace = self.workspace(workspace).await?;
        let public = self.inner.public_url(&workspace);
        let mut checks = match self.inner.store(&workspace) {
            Ok(store) => self.probe(store.as_ref(), public.as_deref()).await?,
            Err(problem) => vec![Check::failed("Opens", problem)],
        };
        for address in self.inner.journal.mirrors(&workspace.id).await? {
            let lines = match self.inner.open(&workspace, &address) {
                Ok(store) => self.probe(store.as_ref(), None).await?,
                Err(problem) => vec![Check::failed("Opens", problem)],
            };
            checks.extend(lines.into_iter().map(|check| Check {
                title: format!("Mirror {address}: {}", check.title),
                ..check
            }));
        }
        Ok(checks)
    }

    /// Does at the storage what a publish does, below `probe/`, and takes it away again.
    pub(crate) async fn probe(
        &self,
        store: &dyn Store,
        public: Option<&str>,
    ) -> Result<Vec<Check>> {
        let random = self.inner.world.id(8)?;
        let now = || self.inner.world.now().unix();
        let public = match public.map(|url| HttpStore::new(url).map(HttpStore::no_cache)) {
            Some(Ok(store)) => Some(store),
            Some(Err(problem)) => return Ok(vec![Check::failed("Public URL", problem)]),
            None => None,
        };
        let lines = probe_storage(store, &random, public.as_ref(), &now).await;
        let check = |line: headgate_registry::ProbeLine| Check {
            title: line.title.to_owned(),
            ms: line.millis,
            result: match line.outcome {
                ProbeOutcome::Fine(says) => Ok(Found {
                    says,
                    warning: false,
                }),
                ProbeOutcome::Warning(says) => Ok(Found {
                    says,
                    warning: true,
                }),
                ProbeOutcome::Failed(problem) => Err(problem),
            },
        };
        Ok(lines.into_iter().map(check).collect())
    }

    /// Puts an access key for a workspace's storage, or one of its mirrors, into its vault.
    ///
    /// # Errors
    /// `storage.credentials` when it cannot be one, `usage.argument` for storage without credentials, `key.*`.
    pub async fn set_credentials(
        &self,
        workspace: &str,
        mirror: Option<&str>,
        keys: &StorageKeys,
    ) -> Result<()> {
        let (workspace, address) = self.bucket(workspace, mirror).await?;
        let vault = self.inner.new_vault(&workspace).await?;
        credentials::keep(&vault, &self.inner.journal, &address, keys).await?;
        lock(&self.inner.opened).clear();
        Ok(())
    }

    /// Takes them out of the vault again; from then on `AWS_*` variables count.
    ///
    /// # Errors
    /// As [`Self::set_credentials`].
    pub async fn forget_credentials(&self, workspace: &str, mirror: Option<&str>) -> Result<()> {
        let (workspace, address) = self.bucket(workspace, mirror).await?;
        let vault = self.inner.vault(&workspace).await?;
        credentials::forget(&vault, &self.inner.journal, &address).await?;
        lock(&self.inner.opened).clear();
        Ok(())
    }

    async fn bucket(
        &self,
        workspace: &str,
        mirror: Option<&str>,
    ) -> Result<(crate::Workspace, String)> {
        let workspace = self.workspace(workspace).await?;
        let address = mirror.unwrap_or(&workspace.storage).to_owned();
        if !address.starts_with("s3://") {
            let what = format!("{address} needs no credentials.");
            return Err(Problem::new(Code::UsageArgument, what).field("storage"));
        }
        Ok((workspace, address))
    }

    /// What the workspace's storage is set to, as last read. Nothing is asked.
    ///
    /// # Errors
    /// `usage.no_workspace`, `local.*`.
    pub async fn storage_settings(&self, workspace: &str) -> Result<StorageSettings> {
        let workspace = self.workspace(workspace).await?;
        let journal = &self.inner.journal;
        let reading = self.inner.cache.reading(&workspace.id).await?;
        let jobs = self.jobs().await?;
        let mut mirrors = Vec::new();
        for address in journal.mirrors(&workspace.id).await? {
            let behind = jobs
                .iter()
                .find(|job| is_behind(job, &workspace.id, &address));
            mirrors.push(MirrorSettings {
                in_vault: credentials::in_vault(journal, &address).await?,
                behind: behind.and_then(|job| job.error.clone()),
                address,
            });
        }
        Ok(StorageSettings {
            in_vault: credentials::in_vault(journal, &workspace.storage).await?,
            public_url: self.inner.public_url(&workspace),
            address: workspace.storage,
            mirrors,
            delivers: reading.settings.map(|s| s.delivers),
        })
    }

    /// Derives what a change of what releases put into storage would sign. Signs and writes nothing.
    ///
    /// # Errors
    /// `usage.argument` when nothing would be put there; `usage.exists` when it is so already.
    pub async fn deliver_prepare(
        &self,
        workspace: &str,
        delivers: Delivers,
    ) -> Result<SettingsPlan> {
        if !delivers.zip && !delivers.files {
            let what = "A release must put its zip or its files into storage.";
            return Err(Problem::new(Code::UsageArgument, what).field("deliver"));
        }
        let workspace = self.workspace(workspace).await?;
        let (store, view) = self.fresh(&workspace).await?;
        if view.targets.meta.x.delivers == delivers {
            let what = "That is what releases put into storage already.";
            return Err(Problem::new(Code::UsageExists, what).remedy("Nothing is to be done."));
        }
        let action = Action::Deliver { delivers };
        self.settings_plan(&workspace, &view, store.as_ref(), action, None)
            .await
    }

    /// Signs what releases put into storage from now on, as a job.
    ///
    /// # Errors
    /// As [`Self::deliver_prepare`]; `key.*` when these keys may not sign settings.
    pub async fn set_delivers(&self, workspace: &str, delivers: Delivers) -> Result<String> {
        let prepared = self.deliver_prepare(workspace, delivers).await?;
        self.start_plan(&prepared.plan, None).await
    }
}
