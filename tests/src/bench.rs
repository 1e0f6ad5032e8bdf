//! Consoles with homes of their own on one storage, and the main job in one call.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use headgate_core::{Code, Result, RsaPublic};
use headgate_engine::{
    ConnectRequest, Console, InitRequest, InspectOptions, Job, Options, PromoteRequest, Receipt,
    RsaOrigin, ShipPlan, ShipRequest, VaultChoice, Workspace,
};
use headgate_registry::documents::{self, ChannelDocuments};
use headgate_registry::{Expiry, FolderStore, HighWater, View};
use headgate_tuf::Name;
use tempfile::TempDir;
use zeroize::Zeroizing;

use crate::{OneVault, Seen, Stores, TestClock, device, scratch, varied, world};

/// The app of the tests.
pub const APP: &str = "com.acme.field";
/// Its channels.
pub const CHANNELS: [&str; 3] = ["development", "staging", "production"];
/// Protects exported keys.
pub const PASSPHRASE: &str = "correct horse battery staple";

/// The passphrase as the console takes it.
pub fn pass() -> Zeroizing<String> {
    Zeroizing::new(PASSPHRASE.to_owned())
}

/// A console with its workspace.
#[derive(Clone)]
pub struct Person {
    /// Everything that it can do.
    pub console: Console,
    /// Its workspace.
    pub workspace: Workspace,
}

/// One storage folder and the homes beside it.
pub struct Bench {
    /// Holds all of it.
    pub dir: TempDir,
    /// The time of every console here.
    pub clock: Arc<TestClock>,
    /// The keys of every console here.
    pub vault: OneVault,
    /// What the randomness of its consoles follows from, together with their names.
    pub seed: &'static str,
}

/// An empty bench.
pub fn bench() -> Bench {
    Bench {
        dir: scratch(),
        clock: TestClock::new(),
        vault: OneVault::memory(),
        seed: "bench",
    }
}

impl Bench {
    /// The storage folder.
    pub fn storage(&self) -> PathBuf {
        self.dir.path().join("storage")
    }

    /// The home folder of a person.
    pub fn home(&self, person: &str) -> PathBuf {
        self.dir.path().join("homes").join(person)
    }

    /// The storage as it lies on disk.
    pub fn store(&self) -> FolderStore {
        FolderStore::open(&self.storage()).unwrap()
    }

    /// How a person's console is opened.
    pub fn options(&self, person: &str) -> Options {
        Options {
            home: self.home(person),
            person: person.to_owned(),
            world: world(&self.clock, &format!("{}/{person}", self.seed)),
            stores: Arc::new(Stores::folder(&self.storage())),
            vaults: Arc::new(self.vault.clone()),
        }
    }

    /// Opens a person's console; the home may exist.
    pub async fn console(&self, person: &str) -> Console {
        Console::open(self.options(person)).await.unwrap()
    }

    /// Makes the registry.
    pub async fn first(&self, person: &str) -> Person {
        let console = self.console(person).await;
        let workspace = init(&console, &self.storage()).await.unwrap();
        Person { console, workspace }
    }

    /// A second console of the team: it pins the same root and imports the first one's keys.
    pub async fn second(&self, first: &Person, options: Options) -> Person {
        let console = Console::open(options).await.unwrap();
        let request = ConnectRequest {
            name: String::new(),
            storage: format!("file://{}", self.storage().display()),
            public_url: None,
            root: first.workspace.root.clone(),
            vault: VaultChoice::Os,
            credentials: None,
        };
        let workspace = console.connect(request).await.unwrap();
        for key in first.console.keys(&first.workspace.id).await.unwrap() {
            let id = key.id.as_str();
            let sealed = first.console.export_key(&first.workspace.id, id, pass());
            let import = console.import_key(
                &workspace.id,
                sealed.await.unwrap(),
                Some(pass()),
                &key.name,
            );
            import.await.unwrap();
        }
        Person { console, workspace }
    }

    /// A new web build.
    pub fn build(&self, word: &str) -> PathBuf {
        varied(&self.dir.path().join("builds").join(word), word)
    }

    /// What a device that pinned this root reads now.
    ///
    /// # Errors
    /// As [`device`].
    pub async fn device(&self, root: &[u8]) -> Result<Seen> {
        use headgate_engine::Clock as _;
        device(&self.store(), root, self.clock.now()).await
    }
}

/// Makes a registry in a folder.
///
/// # Errors
/// As [`Console::init`].
pub async fn init(console: &Console, storage: &Path) -> Result<Workspace> {
    let request = InitRequest {
        app: APP.into(),
        name: "Acme Field".into(),
        storage: format!("file://{}", storage.display()),
        public_url: None,
        channels: CHANNELS.map(String::from).to_vec(),
        vault: VaultChoice::Os,
        vault_why: None,
        sandbox: false,
        credentials: None,
    };
    Ok(console.init(request).await?.0)
}

impl Person {
    /// Inspects, plans and starts a ship; gives the job.
    ///
    /// # Errors
    /// As each of these.
    pub async fn start_ship(&self, build: &Path, channel: &str, version: &str) -> Result<String> {
        let plan = self.plan_ship(build, channel, version).await?;
        let typed = plan.type_to_confirm.as_deref();
        self.console.start_plan(&plan.plan, typed).await
    }

    /// Inspects and plans a ship.
    ///
    /// # Errors
    /// As each of these.
    pub async fn plan_ship(&self, build: &Path, channel: &str, version: &str) -> Result<ShipPlan> {
        let picked = self.console.pick(build)?;
        let options = InspectOptions::default();
        let job = self
            .console
            .inspect(&self.workspace.id, "main", &picked.handle, options)
            .await?;
        self.console.wait(&job).await?;
        let request = ShipRequest {
            workspace: self.workspace.id.clone(),
            unit: "main".into(),
            handle: picked.handle,
            version: version.into(),
            channel: channel.into(),
            message: Some(format!("{version} for {channel}")),
            ..ShipRequest::default()
        };
        self.console.ship_prepare(request).await
    }

    /// Waits for a job's receipt.
    ///
    /// # Errors
    /// The job's own error.
    pub async fn receipt(&self, job: &str) -> Result<Receipt> {
        let done: Job = self.console.wait(job).await?;
        Ok(done.receipt.expect("a finished publish has a receipt"))
    }

    /// What the log says, newest first: action and author.
    ///
    /// # Errors
    /// As [`Console::log`].
    pub async fn log(&self) -> Result<Vec<(String, String)>> {
        let entries = self.console.log(&self.workspace.id, usize::MAX).await?;
        Ok(entries.into_iter().map(|e| (e.action, e.by)).collect())
    }
}

/// Ships a build and waits for the receipt.
///
/// # Errors
/// Whatever refused it.
pub async fn ship(person: &Person, build: &Path, channel: &str) -> Result<Receipt> {
    let job = person.start_ship(build, channel, "4.2.5").await?;
    person.receipt(&job).await
}

/// Promotes a build and waits for the receipt.
///
/// # Errors
/// Whatever refused it.
pub async fn promote(person: &Person, build: u32, from: &str, to: &str) -> Result<Receipt> {
    let request = PromoteRequest {
        workspace: person.workspace.id.clone(),
        unit: "main".into(),
        build,
        from: from.into(),
        to: to.into(),
        permille: None,
    };
    let plan = person.console.promote_prepare(request).await?;
    let typed = plan.type_to_confirm.as_deref();
    let job = person.console.start_plan(&plan.plan, typed).await?;
    person.receipt(&job).await
}

/// Waits for the job of a changed setting.
///
/// # Panics
/// When it was not changed.
pub async fn settle(person: &Person, job: Result<String>) {
    person.console.wait(&job.unwrap()).await.unwrap();
}

/// Gives the app what stock plugins ask for: an Ionic id, and an RSA key for the last channel.
///
/// # Panics
/// When it does not get it.
pub async fn with_plugins(person: &Person) -> RsaPublic {
    let (console, id) = (&person.console, person.workspace.id.as_str());
    let ionic = console.set_device_id(id, "main", "ionic", Some("1a2b3c4d"));
    settle(person, ionic.await).await;
    let set = console.set_channel_rsa(id, "production", "production apps", RsaOrigin::New, false);
    settle(person, set.await).await;
    let rsa = console.channel_rsa(id, "production").await.unwrap();
    rsa.unwrap().public
}

/// What a channel approves and serves, verified from the pinned root.
///
/// # Panics
/// When it does not verify.
pub async fn channel_documents(bench: &Bench, person: &Person, channel: &str) -> ChannelDocuments {
    use headgate_engine::Clock as _;
    let (store, root) = (bench.store(), &person.workspace.root);
    let marks = HighWater::default();
    let view = View::read(&store, root, &marks, bench.clock.now(), Expiry::Enforce).await;
    let name = |text: &str| Name::new(text).unwrap();
    documents::channel(&store, &view.unwrap(), &name("main"), &name(channel))
        .await
        .unwrap()
}

/// The code that something failed with.
///
/// # Panics
/// When it did not fail.
pub fn code<T>(result: Result<T>) -> Code {
    match result {
        Ok(_) => panic!("this must fail"),
        Err(problem) => problem.code,
    }
}
