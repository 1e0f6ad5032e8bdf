//! Making a workspace.

use std::sync::Arc;

use headgate_core::{Code, Problem, Result};
use headgate_registry::{FixedCredentials, layout};
use headgate_tuf::Name;

use super::Started;
use super::publish::name;
use crate::Workspace;
use crate::console::Console;
use crate::credentials::{self, StorageKeys};
use crate::db::{ApprovalState, JobKind, JobState};
use crate::keys::{self, VaultChoice};
use crate::publish::{Action, Intent, Team, first_draft};

/// What a new workspace needs.
#[derive(Debug, Clone)]
pub struct InitRequest {
    /// App identifier, `com.acme.field`.
    pub app: String,
    /// Name of the app.
    pub name: String,
    /// Storage address; the folder is made.
    pub storage: String,
    /// Where devices read.
    pub public_url: Option<String>,
    /// Channels, first to last.
    pub channels: Vec<String>,
    /// Where the keys go.
    pub vault: VaultChoice,
    /// Why this vault, when it was not the first choice.
    pub vault_why: Option<String>,
    /// Throwaway workspace.
    pub sandbox: bool,
    /// For a bucket: its credentials, kept in the vault. Nothing = `AWS_*` variables of this computer.
    pub credentials: Option<StorageKeys>,
}

impl Console {
    /// Makes keys, registry and workspace. Gives the workspace and the job that published it.
    ///
    /// # Errors
    /// `usage.*`, `key.*`, `storage.*`; `usage.exists` when the storage holds a registry.
    pub async fn init(&self, request: InitRequest) -> Result<(Workspace, String)> {
        if let Some(resumed) = self.resume_init(&request).await? {
            return Ok(resumed);
        }
        let (workspace, intent) = self.first(request, None).await?;
        let job = self.start_publish(workspace.clone(), intent).await?;
        self.wait(&job).await?;
        Ok((workspace, job))
    }

    /// As [`Self::init`] with several owners. Where more of them than this computer must sign, the registry is made once
    /// they have: gives the request that collects their signatures.
    ///
    /// # Errors
    /// As [`Self::init`].
    pub async fn init_team(
        &self,
        request: InitRequest,
        team: Team,
    ) -> Result<(Workspace, Started)> {
        if let Some(known) = self
            .inner
            .journal
            .unfinished(&request.app, &request.storage)
            .await?
        {
            if self.is_asked(&known).await? {
                let what = format!(
                    "The registry of {} waits for signatures of its owners.",
                    known.app
                );
                return Err(
                    Problem::new(Code::UsageExists, what).remedy("Look at its open request.")
                );
            }
            // Its request was withdrawn, or never made: nothing of it exists outside this computer.
            self.inner.journal.forget_unfinished(&known.id).await?;
        }
        let alone = team.root_threshold <= 1 && team.last_threshold <= 1;
        let (workspace, intent) = self.first(request, Some(team)).await?;
        let started = if alone {
            Started::Publish(self.start_publish(workspace.clone(), intent).await?)
        } else {
            let (job, id) = self.ask_for(workspace.clone(), intent).await?;
            Started::Ask(job, id)
        };
        self.wait(started.job()).await?;
        Ok((workspace, started))
    }

    /// Workspaces whose first root waits for signatures of its other owners.
    ///
    /// # Errors
    /// `local.journal`.
    pub async fn waiting_workspaces(&self) -> Result<Vec<Workspace>> {
        self.inner.journal.waiting_workspaces().await
    }

    /// The open request that a workspace waits for until its registry is made; nothing once it is.
    ///
    /// # Errors
    /// `local.journal`.
    pub async fn first_request(&self, workspace: &str) -> Result<Option<String>> {
        self.inner.journal.first_request(workspace).await
    }

    /// The first root of a workspace is asked for, or is about to be.
    async fn is_asked(&self, workspace: &Workspace) -> Result<bool> {
        let journal = &self.inner.journal;
        let approvals = journal.approvals(&workspace.id).await?;
        let wanted = |state| matches!(state, ApprovalState::Open | ApprovalState::Done);
        let jobs = journal.jobs().await?;
        Ok(approvals.iter().any(|a| wanted(a.state))
            || jobs.iter().any(|j| {
                j.workspace == workspace.id
                    && matches!(j.state, JobState::Running | JobState::Waiting)
            }))
    }

    /// Makes the keys of a new workspace and records it.
    async fn first(&self, request: InitRequest, team: Option<Team>) -> Result<(Workspace, Intent)> {
        check_app(&request.app)?;
        let channels = check_channels(&request.channels)?;
        let inner = &self.inner;
        let known = self
            .workspaces()
            .await?
            .into_iter()
            .find(|w| w.app == request.app && w.sandbox == request.sandbox);
        if let Some(known) = known {
            let what = format!(
                "This computer has the workspace {} already, at {}.",
                known.app, known.storage
            );
            return Err(Problem::new(Code::UsageExists, what));
        }
        let is_bucket = request.storage.starts_with("s3://");
        let given = request.credentials.as_ref().filter(|_| is_bucket);
        let store = match given {
            Some(keys) => {
                let fixed = FixedCredentials::new(keys.keys().map_err(|p| p.field("accessKeyId"))?);
                inner.stores.open_with(&request.storage, Arc::new(fixed))
            }
            None => inner.stores.create(&request.storage),
        };
        let store = store.map_err(|problem| problem.field("storage"))?;
        let storage = super::connect::normal(request.storage.clone(), store.as_ref());
        if store.head(layout::TIMESTAMP).await?.is_some() {
            return Err(Problem::new(
                Code::UsageExists,
                format!("{} holds a registry already.", request.storage),
            ));
        }
        let (vaults, choice) = (Arc::clone(&inner.vaults), request.vault.clone());
        let vault = tokio::task::spawn_blocking(move || vaults.open(&choice, true))
            .await
            .map_err(|e| Problem::new(Code::Internal, e.to_string()))??;
        keys::call(&vault, |v| v.probe()).await?;
        let key_names = [
            format!("{} release", request.name),
            format!("{} online", request.name),
        ];
        let mut made = Vec::new();
        for label in &key_names {
            let label = label.clone();
            made.push(keys::call(&vault, move |v| v.create(&label)).await?);
        }
        let [release_key, online_key] = <[_; 2]>::try_from(made)
            .map_err(|_| Problem::new(Code::Internal, "Two keys were made."))?;
        let identity = format!("{}#{}", request.app, inner.world.id(8)?);
        let intent = Intent {
            by: inner.person.clone(),
            reason: String::new(),
            action: Action::Init {
                app: request.app.clone(),
                name: request.name.clone(),
                identity,
                channels,
                release_key: release_key.clone(),
                online_key: online_key.clone(),
                key_names: key_names.clone(),
                at: inner.world.now(),
                sandbox: request.sandbox,
                team,
            },
            base: Default::default(),
            collected: Default::default(),
            wait: 0,
        };
        let draft = first_draft(&intent)?;
        let root = draft
            .root
            .as_ref()
            .ok_or_else(|| Problem::new(Code::Internal, "The first draft has no root."))?;
        let mut envelope = headgate_tuf::Envelope::new(root.bytes.clone());
        let (key, bytes) = (release_key.clone(), root.bytes.clone());
        // Ed25519 is deterministic: this is byte for byte the root that the job publishes.
        envelope.add(
            &release_key,
            keys::call(&vault, move |v| v.sign(&key, &bytes)).await?,
        )?;
        let workspace = Workspace {
            id: if request.sandbox {
                "sandbox".into()
            } else {
                format!("{}-{}", request.app, inner.world.id(3)?)
            },
            app: request.app,
            name: request.name,
            storage,
            public_url: request.public_url,
            sandbox: request.sandbox,
            root: envelope.to_bytes()?,
            vault: request.vault,
            vault_why: request.vault_why,
        };
        if let Some(keys) = given {
            credentials::keep(&vault, &inner.journal, &workspace.storage, keys).await?;
        }
        let now = inner.world.now();
        inner.journal.add_workspace(&workspace, now, false).await?;
        for (key, label) in [&release_key, &online_key].into_iter().zip(&key_names) {
            inner
                .journal
                .add_own_key(&workspace.id, key.id()?.as_str(), key.hex(), label, now)
                .await?;
        }
        Ok((workspace, intent))
    }
}

impl Console {
    /// Goes on with an init of the same place that did not come to its end: its root is pinned and its keys
    /// are made; a second set would leave a workspace that believes another root than storage has.
    async fn resume_init(&self, request: &InitRequest) -> Result<Option<(Workspace, String)>> {
        let Some(workspace) = self
            .inner
            .journal
            .unfinished(&request.app, &request.storage)
            .await?
        else {
            return Ok(None);
        };
        let jobs = self.inner.journal.jobs().await?;
        let init = jobs
            .iter()
            .find(|j| j.workspace == workspace.id && j.kind == JobKind::Init);
        let Some(job) = init else {
            // Stopped before anything was written: nothing of it exists outside this computer.
            self.inner.journal.forget_unfinished(&workspace.id).await?;
            return Ok(None);
        };
        if job.state == JobState::Running {
            self.take_up(workspace.clone(), &job.id).await?;
        } else {
            self.resume_job(&job.id).await?;
        }
        self.wait(&job.id).await?;
        Ok(Some((workspace, job.id.clone())))
    }
}

fn check_app(app: &str) -> Result<()> {
    let part = |p: &str| {
        !p.is_empty()
            && p.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'_' || b == b'-')
    };
    if app.len() <= 150 && app.split('.').count() >= 2 && app.split('.').all(part) {
        return Ok(());
    }
    let what = format!("{app:?} is not an app identifier such as com.acme.field.");
    Err(Problem::new(Code::UsageArgument, what).field("app"))
}

fn check_channels(channels: &[String]) -> Result<Vec<Name>> {
    let names: Vec<Name> = channels
        .iter()
        .map(|c| name("channel", c))
        .collect::<Result<_>>()?;
    let unique: std::collections::BTreeSet<&Name> = names.iter().collect();
    if names.is_empty() || unique.len() != names.len() || names.len() > 12 {
        let what = "A workspace has 1 to 12 channels, each with a name of its own.";
        return Err(Problem::new(Code::UsageArgument, what).field("channels"));
    }
    Ok(names)
}
