//! A console in a home of its own, its storage served by a plain static HTTP server.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use headgate_core::Result;
use headgate_engine::{
    Console, InitRequest, InspectOptions, Job, OpenStore, Options, PromoteRequest, Receipt,
    RolloutChange, ShipRequest, StandardStores, VaultChoice, Workspace, World,
};
use headgate_registry::{
    Body, Created, ETag, FolderStore, Object, ObjectMeta, Progress, StorageAddress, Store, Swapped,
};
use headgate_signer::{KeyVault, MemoryVault};
use headgate_tests::{OneVault, UNIT, copy_tree, serve_folder};
use tempfile::TempDir;

/// A console with a registry, and the folder that is served.
pub(crate) struct Bench {
    pub(crate) console: Console,
    pub(crate) workspace: Workspace,
    /// The served folder; the storage is `storage` in it, copies of it lie beside.
    pub(crate) served: PathBuf,
    pub(crate) url: String,
    pub(crate) copies: Arc<Copies>,
    /// Its keys.
    pub(crate) vault: Arc<dyn KeyVault>,
    pub(crate) temp: TempDir,
}

impl Bench {
    /// A workspace with the three usual channels.
    pub(crate) async fn new() -> Self {
        let temp = TempDir::new().unwrap();
        let served = temp.path().join("served");
        fs::create_dir(&served).unwrap();
        let url = serve_folder(&served).await;
        let copies = Arc::new(Copies::new(&served));
        let vault: Arc<dyn KeyVault> = Arc::new(MemoryVault::new());
        let home = temp.path().join("home");
        let console = console_with(&home, "owner", &copies, &vault).await;
        let request = InitRequest {
            app: "com.acme.field".into(),
            name: "Acme Field".into(),
            storage: format!("file://{}", served.join("storage").display()),
            public_url: Some(format!("{url}/storage")),
            channels: ["development", "staging", "production"]
                .map(String::from)
                .to_vec(),
            vault: VaultChoice::Os,
            vault_why: None,
            sandbox: false,
            credentials: None,
        };
        let (workspace, _) = console.init(request).await.unwrap();
        Self {
            console,
            workspace,
            served,
            url,
            copies,
            vault,
            temp,
        }
    }

    /// Folder of the registry that the console writes to.
    pub(crate) fn storage(&self) -> PathBuf {
        self.served.join("storage")
    }

    pub(crate) fn root(&self) -> PathBuf {
        self.storage().join("metadata/1.root.json")
    }

    pub(crate) async fn ship(&self, build: &Path, version: &str) -> Receipt {
        let handle = self.console.pick(build).unwrap().handle;
        let inspect =
            self.console
                .inspect(&self.workspace.id, UNIT, &handle, InspectOptions::default());
        self.console.wait(&inspect.await.unwrap()).await.unwrap();
        let request = ShipRequest {
            workspace: self.workspace.id.clone(),
            unit: UNIT.into(),
            handle,
            version: version.into(),
            channel: "development".into(),
            ..ShipRequest::default()
        };
        let plan = self.console.ship_prepare(request).await.unwrap();
        let job = self
            .console
            .start_plan(&plan.plan, plan.type_to_confirm.as_deref())
            .await
            .unwrap();
        self.receipt(&job).await
    }

    pub(crate) async fn promote(&self, build: u32, from: &str, to: &str) -> Receipt {
        let request = PromoteRequest {
            workspace: self.workspace.id.clone(),
            unit: UNIT.into(),
            build,
            from: from.into(),
            to: to.into(),
            permille: None,
        };
        let plan = self.console.promote_prepare(request).await.unwrap();
        let job = self
            .console
            .start_plan(&plan.plan, plan.type_to_confirm.as_deref())
            .await
            .unwrap();
        self.receipt(&job).await
    }

    pub(crate) async fn rollout(&self, channel: &str, change: RolloutChange) -> Receipt {
        let job = self
            .console
            .rollout(&self.workspace.id, UNIT, channel, change, "interop")
            .await;
        self.receipt(&job.unwrap()).await
    }

    pub(crate) async fn refresh(&self) -> Receipt {
        let job = self.console.refresh(&self.workspace.id).await.unwrap();
        self.receipt(&job).await
    }

    /// Waits for a job and takes what it proved.
    pub(crate) async fn receipt(&self, job: &str) -> Receipt {
        let job: Job = self.console.wait(job).await.unwrap();
        job.receipt.unwrap()
    }
}

/// A console in `home` whose storage goes through `copies`, with keys in memory.
pub(crate) async fn console(home: &Path, person: &str, copies: &Arc<Copies>) -> Console {
    let vault: Arc<dyn KeyVault> = Arc::new(MemoryVault::new());
    console_with(home, person, copies, &vault).await
}

async fn console_with(
    home: &Path,
    person: &str,
    copies: &Arc<Copies>,
    vault: &Arc<dyn KeyVault>,
) -> Console {
    let options = Options {
        home: home.to_owned(),
        person: person.into(),
        world: World::default(),
        stores: Arc::new(CopyingStores(Arc::clone(copies))),
        vaults: Arc::new(OneVault::of(Arc::clone(vault))),
    };
    Console::open(options).await.unwrap()
}

/// While it is armed, copies the storage folder after every write, into numbered folders beside it.
pub(crate) struct Copies {
    served: PathBuf,
    taken: Mutex<Option<Vec<(String, String)>>>,
    count: Mutex<usize>,
}

impl Copies {
    fn new(served: &Path) -> Self {
        Self {
            served: served.to_owned(),
            taken: Mutex::new(None),
            count: Mutex::new(0),
        }
    }

    pub(crate) fn arm(&self) {
        *self.taken.lock().unwrap() = Some(Vec::new());
    }

    /// Stops copying and gives the copies: folder name, key of the write before it.
    pub(crate) fn disarm(&self) -> Vec<(String, String)> {
        self.taken.lock().unwrap().take().unwrap()
    }

    /// A copy of the storage as it is now; gives its folder name.
    pub(crate) fn copy_now(&self) -> String {
        let mut count = self.count.lock().unwrap();
        *count += 1;
        let name = format!("copy-{count}");
        copy_tree(&self.served.join("storage"), &self.served.join(&name));
        name
    }

    fn written(&self, key: &str) {
        let mut taken = self.taken.lock().unwrap();
        if let Some(taken) = &mut *taken {
            taken.push((self.copy_now(), key.to_owned()));
        }
    }
}

/// Folders through [`Copies`]; the public URL as it is.
struct CopyingStores(Arc<Copies>);

impl CopyingStores {
    fn wrap(&self, folder: FolderStore) -> Arc<dyn Store> {
        Arc::new(CopyingStore {
            folder,
            copies: Arc::clone(&self.0),
        })
    }
}

impl OpenStore for CopyingStores {
    fn open(&self, address: &str) -> Result<Arc<dyn Store>> {
        Ok(self.wrap(FolderStore::open(
            StorageAddress::parse(address)?.folder()?,
        )?))
    }

    fn open_public(&self, url: &str) -> Result<Arc<dyn Store>> {
        StandardStores.open_public(url)
    }

    fn create(&self, address: &str) -> Result<Arc<dyn Store>> {
        Ok(self.wrap(FolderStore::create(
            StorageAddress::parse(address)?.folder()?,
        )?))
    }
}

struct CopyingStore {
    folder: FolderStore,
    copies: Arc<Copies>,
}

#[async_trait]
impl Store for CopyingStore {
    fn address(&self) -> String {
        self.folder.address()
    }

    async fn get(&self, key: &str, max: u64) -> Result<Option<Object>> {
        self.folder.get(key, max).await
    }

    async fn head(&self, key: &str) -> Result<Option<ObjectMeta>> {
        self.folder.head(key).await
    }

    async fn hash(&self, key: &str, progress: Progress<'_>) -> Result<Option<(String, u64)>> {
        self.folder.hash(key, progress).await
    }

    async fn download(
        &self,
        key: &str,
        to: &Path,
        max: u64,
        progress: Progress<'_>,
    ) -> Result<Option<(String, u64)>> {
        self.folder.download(key, to, max, progress).await
    }

    async fn create(&self, key: &str, body: Body, progress: Progress<'_>) -> Result<Created> {
        let created = self.folder.create(key, body, progress).await?;
        if created == Created::Created {
            self.copies.written(key);
        }
        Ok(created)
    }

    async fn swap(&self, key: &str, bytes: Bytes, expected: Option<&ETag>) -> Result<Swapped> {
        let swapped = self.folder.swap(key, bytes, expected).await?;
        if matches!(swapped, Swapped::Swapped(_)) {
            self.copies.written(key);
        }
        Ok(swapped)
    }

    async fn list(&self, folder: &str) -> Result<Vec<String>> {
        self.folder.list(folder).await
    }
}
