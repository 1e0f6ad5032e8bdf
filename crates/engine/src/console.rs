//! The façade: one method a use case (see [`crate::usecase`]).

use std::collections::HashMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use headgate_core::{Code, Problem, Result};
use headgate_registry::{EnvCredentials, Store};
use headgate_signer::KeyVault;
use tokio::sync::broadcast;

use crate::admin::Admin;
use crate::credentials::WorkspaceCredentials;
use crate::db::{Cache, Journal};
use crate::keys::{self, OpenVault, OwnKeys, StandardVaults, VaultInfo};
use crate::stores::{OpenStore, StandardStores};
use crate::usecase::approvals::Look;
use crate::usecase::fleet::OwnServer;
use crate::usecase::inspect::Inspected;
use crate::usecase::jobs::Live;
use crate::usecase::ship::Plan;
use crate::{Home, Workspace, World};

/// How a console is opened.
#[derive(Clone)]
pub struct Options {
    /// Home folder.
    pub home: PathBuf,
    /// Who works here: stands in the audit log.
    pub person: String,
    /// Time and randomness.
    pub world: World,
    /// Storage.
    pub stores: Arc<dyn OpenStore>,
    /// Keychains.
    pub vaults: Arc<dyn OpenVault>,
}

impl Options {
    /// The real world.
    pub fn new(home: PathBuf) -> Self {
        let named = |name: &str| std::env::var(name).ok().filter(|text| !text.is_empty());
        let user = ["USER", "USERNAME", "LOGNAME"].into_iter().find_map(named);
        // A scheduler may set none of them; the account's folder still says whose it is.
        let folder = || named("HOME").and_then(|home| home.rsplit('/').next().map(str::to_owned));
        Self {
            home,
            person: user
                .or_else(folder)
                .filter(|p| !p.is_empty())
                .unwrap_or_else(|| "unknown".into()),
            world: World::default(),
            stores: Arc::new(StandardStores),
            vaults: Arc::new(StandardVaults::default()),
        }
    }
}

/// What the console tells by itself.
#[derive(Debug, Clone)]
pub enum Happened {
    /// A job moved.
    Job(Box<crate::Job>),
    /// What is known of a workspace changed.
    Board(String),
    /// Unfinished work of an earlier run was taken up, in words.
    Recovered(Vec<String>),
    /// Something that a person should know, although nobody asked.
    Notice(Box<Notice>),
}

/// Something that a person should know, although nobody asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Notice {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit.
    pub unit: String,
    /// Channel.
    pub channel: String,
    /// What happened.
    pub kind: NoticeKind,
    /// In a few words.
    pub title: String,
    /// What it means.
    pub text: String,
}

/// Kind of a notice.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum NoticeKind {
    /// The health gate stopped a rollout.
    StoppedByGate,
    /// A rollout reached everyone.
    Complete,
    /// A signature is about to end, or has ended.
    Expiring,
    /// A request waits for the person at this computer: for their signature, or for them to publish it.
    Waits,
}

impl NoticeKind {
    /// As the window knows it.
    pub fn text(self) -> &'static str {
        match self {
            Self::StoppedByGate => "stopped_by_gate",
            Self::Complete => "complete",
            Self::Expiring => "expiring",
            Self::Waits => "waits",
        }
    }
}

/// Everything that Headgate can do on one computer.
#[derive(Clone)]
pub struct Console {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) home: Home,
    pub(crate) person: String,
    pub(crate) world: World,
    pub(crate) journal: Journal,
    pub(crate) cache: Cache,
    pub(crate) stores: Arc<dyn OpenStore>,
    pub(crate) vaults: Arc<dyn OpenVault>,
    pub(crate) live: Mutex<HashMap<String, Live>>,
    pub(crate) inspected: Mutex<HashMap<String, Inspected>>,
    pub(crate) plans: Mutex<HashMap<String, Plan>>,
    pub(crate) events: broadcast::Sender<Happened>,
    pub(crate) served: Mutex<HashMap<String, String>>,
    /// Update servers that are in use, by workspace.
    pub(crate) servers: Mutex<HashMap<String, Arc<Admin>>>,
    /// Held while one is started, so that there is one.
    pub(crate) serving: tokio::sync::Mutex<()>,
    /// Update servers that run inside this process, by workspace.
    pub(crate) own_servers: Mutex<HashMap<String, OwnServer>>,
    /// Buckets that are in use, by workspace and address.
    pub(crate) opened: Mutex<HashMap<(String, String), Arc<dyn Store>>>,
    /// When freshness was last signed without being asked, or tried to be, by workspace.
    pub(crate) freshened: Mutex<HashMap<String, headgate_tuf::UtcTime>>,
    /// Last looks into private locations, by workspace.
    pub(crate) looks: Mutex<HashMap<String, Look>>,
    pub(crate) notices: Vec<Problem>,
    pub(crate) recovered: Mutex<Vec<String>>,
}

impl Console {
    /// Opens the home folder and its databases.
    ///
    /// # Errors
    /// `local.*` when a database is damaged beyond its backup, newer, or in use.
    pub async fn open(options: Options) -> Result<Self> {
        let home = Home::open(&options.home)?;
        let (journal, journal_notice) = Journal::open(&home).await?;
        let (cache, cache_notice) = Cache::open(&home).await?;
        let (events, _) = broadcast::channel(1024);
        Ok(Self {
            inner: Arc::new(Inner {
                home,
                person: options.person,
                world: options.world,
                journal,
                cache,
                stores: options.stores,
                vaults: options.vaults,
                live: Mutex::default(),
                inspected: Mutex::default(),
                plans: Mutex::default(),
                events,
                served: Mutex::default(),
                servers: Mutex::default(),
                own_servers: Mutex::default(),
                serving: tokio::sync::Mutex::default(),
                opened: Mutex::default(),
                freshened: Mutex::default(),
                looks: Mutex::default(),
                notices: journal_notice.into_iter().chain(cache_notice).collect(),
                recovered: Mutex::default(),
            }),
        })
    }

    /// Closes the databases, so that each is one whole file again. Call it when no job runs any more.
    pub async fn close(&self) {
        self.stop_serving().await;
        self.inner.journal.close().await;
        self.inner.cache.close().await;
    }

    /// What a start must tell the person: a restored journal, a rebuilt cache.
    pub fn notices(&self) -> &[Problem] {
        &self.inner.notices
    }

    /// What this start did with work that an earlier run left unfinished.
    pub fn recovered(&self) -> Vec<String> {
        lock(&self.inner.recovered).clone()
    }

    /// Listens to what happens from now on.
    pub fn events(&self) -> broadcast::Receiver<Happened> {
        self.inner.events.subscribe()
    }

    /// The home folder.
    pub fn home(&self) -> &Home {
        &self.inner.home
    }

    /// Workspaces on this computer.
    ///
    /// # Errors
    /// `local.journal`.
    pub async fn workspaces(&self) -> Result<Vec<Workspace>> {
        self.inner.journal.workspaces().await
    }

    /// A workspace by its identifier on this computer.
    ///
    /// # Errors
    /// `usage.no_workspace`.
    pub async fn workspace(&self, id: &str) -> Result<Workspace> {
        let missing = || {
            Problem::new(
                Code::UsageNoWorkspace,
                format!("There is no workspace {id} on this computer."),
            )
        };
        self.inner.journal.workspace(id).await?.ok_or_else(missing)
    }

    /// The workspace of an app; without a name the only one.
    ///
    /// # Errors
    /// `usage.no_workspace`, `usage.which_workspace`.
    pub async fn workspace_of(&self, app: Option<&str>) -> Result<Workspace> {
        let mut all = self.workspaces().await?;
        // One whose owners have not signed its first root yet can be named, and is taken where it is the only one.
        all.extend(self.inner.journal.waiting_workspaces().await?);
        let mut fitting = all
            .into_iter()
            .filter(|w| app.is_none_or(|a| w.app == a || w.id == a));
        let first = fitting.next().ok_or_else(|| match app {
            Some(app) => Problem::new(
                Code::UsageNoWorkspace,
                format!("There is no workspace {app} on this computer."),
            ),
            None => Problem::new(
                Code::UsageNoWorkspace,
                "There is no workspace on this computer.",
            ),
        })?;
        match fitting.next() {
            None => Ok(first),
            Some(second) => Err(Problem::new(
                Code::UsageWhichWorkspace,
                format!(
                    "This computer has several workspaces, {} and {} among them.",
                    first.app, second.app
                ),
            )),
        }
    }

    /// Now, by this console's clock.
    pub fn now(&self) -> headgate_tuf::UtcTime {
        self.inner.world.now()
    }

    /// Units of a workspace with their labels, as last read.
    ///
    /// # Errors
    /// `local.cache`.
    pub async fn units(&self, workspace: &str) -> Result<Vec<(String, String)>> {
        let settings = self.inner.cache.reading(workspace).await?.settings;
        let known = settings.map(|s| {
            s.units
                .iter()
                .map(|u| (u.id.to_string(), u.label.clone()))
                .collect()
        });
        Ok(known.unwrap_or_else(|| vec![(crate::publish::FIRST_UNIT.into(), "Main".into())]))
    }

    /// A setting of the person, such as the theme.
    ///
    /// # Errors
    /// `local.journal`.
    pub async fn setting(&self, key: &str) -> Result<Option<String>> {
        self.inner.journal.setting(key).await
    }

    /// Changes a setting of the person.
    ///
    /// # Errors
    /// `local.journal`.
    pub async fn set_setting(&self, key: &str, value: &str) -> Result<()> {
        self.inner.journal.set_setting(key, value).await
    }

    /// Opens a workspace's passphrase file with what a person entered, for as long as this program runs; makes the file
    /// when there is none yet.
    ///
    /// # Errors
    /// `key.wrong_password`, `key.file`; `usage.argument` for a vault that is not opened with a passphrase.
    pub async fn unlock_vault(
        &self,
        workspace: &str,
        passphrase: zeroize::Zeroizing<String>,
    ) -> Result<()> {
        let workspace = self.workspace(workspace).await?;
        let passphrase = headgate_signer::Passphrase::new(passphrase)?;
        let (vaults, choice) = (Arc::clone(&self.inner.vaults), workspace.vault);
        let open = tokio::task::spawn_blocking(move || vaults.unlock(&choice, passphrase));
        open.await
            .map_err(|e| Problem::new(Code::Internal, e.to_string()))?
    }

    /// Where a workspace's keys are, in words. Opens nothing.
    pub fn vault_info(&self, workspace: &Workspace) -> VaultInfo {
        let (kind, label) = match &workspace.vault {
            crate::VaultChoice::Os => ("os", os_label()),
            crate::VaultChoice::File(_) => ("file", "Passphrase file"),
        };
        VaultInfo {
            kind: kind.into(),
            label: label.into(),
            why: workspace.vault_why.clone(),
        }
    }
}

fn os_label() -> &'static str {
    if cfg!(target_os = "macos") {
        "macOS Keychain"
    } else if cfg!(windows) {
        "Windows Credential Manager"
    } else {
        "Secret Service"
    }
}

impl Inner {
    pub(crate) fn store(&self, workspace: &Workspace) -> Result<Arc<dyn Store>> {
        self.open(workspace, &workspace.storage)
    }

    /// The registry or a mirror of a workspace.
    pub(crate) fn open(&self, workspace: &Workspace, address: &str) -> Result<Arc<dyn Store>> {
        if !address.starts_with("s3://") {
            return self.stores.open(address);
        }
        // Connections of a bucket are kept, so that a publish of thousands of objects opens a few.
        let key = (workspace.id.clone(), address.to_owned());
        if let Some(known) = lock(&self.opened).get(&key) {
            return Ok(Arc::clone(known));
        }
        let credentials = WorkspaceCredentials {
            vaults: Arc::clone(&self.vaults),
            choice: workspace.vault.clone(),
            journal: self.journal.clone(),
            address: address.to_owned(),
            environment: EnvCredentials::new(),
            clock: Arc::clone(&self.world.clock),
            known: Mutex::default(),
        };
        let store = self.stores.open_with(address, Arc::new(credentials))?;
        lock(&self.opened).insert(key, Arc::clone(&store));
        Ok(store)
    }

    /// As [`Self::open`], after making the place if it can be made.
    pub(crate) fn create_at(&self, workspace: &Workspace, address: &str) -> Result<Arc<dyn Store>> {
        if address.starts_with("s3://") {
            // A bucket is made by who owns the account, with the rules that it needs.
            return self.open(workspace, address);
        }
        self.stores.create(address)
    }

    /// Where devices read; nothing when there is no public URL.
    pub(crate) fn public_url(&self, workspace: &Workspace) -> Option<String> {
        lock(&self.served)
            .get(&workspace.id)
            .cloned()
            .or_else(|| workspace.public_url.clone())
    }

    pub(crate) async fn vault(&self, workspace: &Workspace) -> Result<Arc<dyn KeyVault>> {
        self.open_vault(workspace, false).await
    }

    /// As [`Self::vault`], before a key is added: a passphrase file is made when there is none.
    pub(crate) async fn new_vault(&self, workspace: &Workspace) -> Result<Arc<dyn KeyVault>> {
        self.open_vault(workspace, true).await
    }

    async fn open_vault(&self, workspace: &Workspace, create: bool) -> Result<Arc<dyn KeyVault>> {
        let (vaults, choice) = (Arc::clone(&self.vaults), workspace.vault.clone());
        let open = tokio::task::spawn_blocking(move || vaults.open(&choice, create));
        open.await
            .map_err(|e| Problem::new(Code::Internal, e.to_string()))?
    }

    /// Keys that this computer recorded for a workspace.
    pub(crate) async fn own_keys(&self, workspace: &str) -> Result<OwnKeys> {
        let mut own = OwnKeys::new();
        for key in self.journal.own_keys(workspace).await? {
            let public = keys::public_key(&key.public)?;
            own.insert(public.id()?, public);
        }
        Ok(own)
    }

    pub(crate) fn tell(&self, what: Happened) {
        // Nobody listening is fine.
        let _ = self.events.send(what);
    }
}

/// A poisoned lock still guards valid data here: every change under it is a single assignment.
pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
