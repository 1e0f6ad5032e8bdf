//! Mirrors: further places that hold what the registry holds.
//!
//! The registry alone is written by compare-and-swap and read by consoles. A mirror follows: objects before
//! metadata, the timestamp last, so a reader of it always finds a whole state, at worst an earlier one.

use std::collections::BTreeMap;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use headgate_core::{Code, Problem, Result, files};
use headgate_registry::{
    Body, Created, Expiry, HighWater, StorageAddress, Store, Stored, View, documents, layout,
    silent,
};
use headgate_tuf::{MAX_METADATA, RoleName, sha256_hex};

use crate::console::{Console, Inner, lock};
use crate::credentials::{self, StorageKeys};
use crate::db::{Job, JobKind, JobState, Phase, TargetView};
use crate::publish::{Action, Intent};
use crate::upload::{Control, Target};
use crate::{Receipt, Workspace};

/// Objects copied at the same time.
const AT_ONCE: usize = 8;

/// Objects up to this size are copied through memory, bytes.
const IN_MEMORY: u64 = 16_000_000;

impl Console {
    /// Adds a mirror and brings it up to date, as a job. `credentials` of a bucket go into the vault; without them
    /// `AWS_*` variables count.
    ///
    /// # Errors
    /// `usage.exists` for the registry itself; `storage.*` when it cannot be opened; `storage.credentials`, `key.*`
    /// when the credentials cannot be kept.
    pub async fn add_mirror(
        &self,
        workspace: &str,
        address: &str,
        credentials: Option<&StorageKeys>,
    ) -> Result<String> {
        let workspace = self.workspace(workspace).await?;
        let store = self.inner.create_at(&workspace, address)?;
        let address = store.address();
        if address == self.inner.store(&workspace)?.address() {
            let what = "That is the registry itself.";
            return Err(Problem::new(Code::UsageExists, what).field("storage"));
        }
        if let Some(keys) = credentials {
            self.set_credentials(&workspace.id, Some(&address), keys)
                .await?;
        }
        let now = self.inner.world.now();
        self.inner
            .journal
            .add_mirror(&workspace.id, &address, now)
            .await?;
        self.sync_mirror(&workspace.id, &address).await
    }

    /// Mirrors of a workspace.
    ///
    /// # Errors
    /// `local.journal`.
    pub async fn mirrors(&self, workspace: &str) -> Result<Vec<String>> {
        self.inner.journal.mirrors(workspace).await
    }

    /// Forgets a mirror with its credentials and what it lacks. What lies there stays there.
    ///
    /// # Errors
    /// `usage.unknown` when it is none; `key.*` when its credentials cannot be taken out of the vault: then it stays.
    pub async fn remove_mirror(&self, workspace: &str, address: &str) -> Result<()> {
        self.known_mirror(workspace, address).await?;
        if credentials::in_vault(&self.inner.journal, address).await? {
            self.forget_credentials(workspace, Some(address)).await?;
        }
        self.inner.journal.remove_mirror(workspace, address).await?;
        for job in self.jobs().await? {
            if is_behind(&job, workspace, address) {
                self.dismiss_job(&job.id).await?;
            }
        }
        Ok(())
    }

    /// Nothing is written to, or forgotten of, a place that is no mirror.
    async fn known_mirror(&self, workspace: &str, address: &str) -> Result<()> {
        if self.mirrors(workspace).await?.iter().any(|m| m == address) {
            return Ok(());
        }
        let what = format!("{address} is not a mirror of this workspace.");
        Err(Problem::new(Code::UsageUnknown, what))
    }

    /// Brings a mirror up to date, as a job: everything that it should hold is proven or copied. A job that could not
    /// do so before goes on, so that none stays behind that says it failed.
    ///
    /// # Errors
    /// `local.*`, `storage.address`; `usage.unknown` when it is no mirror.
    pub async fn sync_mirror(&self, workspace: &str, address: &str) -> Result<String> {
        let workspace = self.workspace(workspace).await?;
        let address = &StorageAddress::parse(address)?.to_string();
        self.known_mirror(&workspace.id, address).await?;
        let mut jobs = self.jobs().await?.into_iter();
        if let Some(job) = jobs.find(|job| is_behind(job, &workspace.id, address)) {
            Box::pin(self.resume_job(&job.id)).await?;
            return Ok(job.id);
        }
        let intent = intent(&self.inner, address);
        self.start_publish(workspace, intent).await
    }
}

/// Whether this job says that the mirror lacks something.
pub(super) fn is_behind(job: &Job, workspace: &str, address: &str) -> bool {
    let action = job.intent.as_ref().map(|intent| &intent.action);
    job.workspace == workspace
        && matches!(job.state, JobState::Failed | JobState::Paused)
        && matches!(action, Some(Action::Mirror { address: own }) if own == address)
}

fn intent(inner: &Inner, address: &str) -> Intent {
    Intent {
        by: inner.person.clone(),
        reason: String::new(),
        action: Action::Mirror {
            address: address.to_owned(),
        },
        base: BTreeMap::new(),
        collected: Default::default(),
        wait: 0,
    }
}

/// The job that copies.
pub(super) async fn job(
    inner: &Inner,
    workspace: &Workspace,
    id: &str,
    control: &Control,
    address: &str,
) -> Result<Option<Receipt>> {
    inner.phase(id, Phase::Mirror).await?;
    let (registry, mirror) = (inner.store(workspace)?, inner.open(workspace, address)?);
    inner.update(id, true, |job| {
        job.targets = vec![
            TargetView::new(0, workspace.storage.clone(), None),
            TargetView::new(1, address.to_owned(), None),
        ];
    });
    let copy = Copy {
        inner,
        workspace,
        registry: registry.as_ref(),
        mirror: mirror.as_ref(),
        everything: true,
    };
    let tell = |done: u64, total: u64| {
        inner.update(id, false, |job| (job.done, job.total) = (done, total));
    };
    tokio::select! {
        problem = control.until_stopped() => Err(problem),
        result = copy.run(&tell) => result.map(|()| None),
    }
}

/// After a publish. A mirror that cannot follow gets a job of its own that can be tried again.
pub(super) async fn after(
    inner: &Inner,
    workspace: &Workspace,
    id: &str,
    targets: &[Option<Target>],
) {
    if targets.len() < 2 {
        return;
    }
    let Some(known) = lock(&inner.live).get(id).map(|live| live.job.clone()) else {
        return;
    };
    if let Err(problem) = inner.phase(id, Phase::Mirror).await {
        tracing::warn!(%problem, "the phase could not be recorded");
    }
    for (index, view) in known.targets.iter().enumerate().skip(1) {
        let failed = match (&view.error, targets.get(index).and_then(Option::as_ref)) {
            (Some(problem), _) => Some(problem.clone()),
            (None, None) => None,
            (None, Some(mirror)) => {
                let copied = match inner.store(workspace) {
                    Ok(registry) => {
                        let copy = Copy {
                            inner,
                            workspace,
                            registry: registry.as_ref(),
                            mirror: mirror.store.as_ref(),
                            everything: false,
                        };
                        copy.run(&|_, _| {}).await
                    }
                    Err(problem) => Err(problem),
                };
                copied.err()
            }
        };
        let Some(problem) = failed else { continue };
        inner.update(id, true, |job| {
            if let Some(target) = job.targets.get_mut(index) {
                target.error = Some(problem.clone());
            }
        });
        if let Err(problem) = left_behind(inner, workspace, &view.address, problem).await {
            tracing::warn!(%problem, "a mirror's job could not be recorded");
        }
    }
}

/// A job that says that the mirror is behind, and does the rest when it is resumed: one, however many releases it missed.
async fn left_behind(
    inner: &Inner,
    workspace: &Workspace,
    address: &str,
    problem: Problem,
) -> Result<()> {
    let mut jobs = inner.journal.jobs().await?.into_iter();
    let mut job = match jobs.find(|job| is_behind(job, &workspace.id, address)) {
        Some(known) => known,
        None => {
            let intent = intent(inner, address);
            inner.new_job(
                JobKind::Mirror,
                &workspace.id,
                crate::publish::FIRST_UNIT,
                None,
                super::jobs::title(&intent),
                Some(intent),
            )?
        }
    };
    job.state = JobState::Failed;
    job.touched = inner.world.now();
    job.finished = Some(job.touched);
    job.error = Some(problem);
    inner.journal.save_job(&job).await?;
    if let Some(live) = lock(&inner.live).get_mut(&job.id) {
        live.job = job.clone();
    }
    inner.tell(crate::Happened::Job(Box::new(job)));
    Ok(())
}

/// Something that a mirror must hold: key, SHA-256, size.
type Object = (String, String, u64);

struct Copy<'a> {
    inner: &'a Inner,
    workspace: &'a Workspace,
    registry: &'a dyn Store,
    mirror: &'a dyn Store,
    /// Proves everything anew instead of believing what the mirror's own verified state names.
    everything: bool,
}

impl Copy<'_> {
    async fn run(&self, tell: &(dyn Fn(u64, u64) + Sync)) -> Result<()> {
        let view = self.inner.read(self.workspace, self.registry).await?;
        let now = self.inner.world.now();
        let root = &self.workspace.root;
        let theirs = View::read(self.mirror, root, &HighWater::default(), now, Expiry::Show).await;
        let theirs = match theirs {
            Ok(theirs) => Some(theirs),
            Err(problem) if problem.code == Code::StorageMissing => None,
            Err(problem) => return Err(problem),
        };
        if let Some(theirs) = &theirs
            && theirs.timestamp.meta.version > view.timestamp.meta.version
        {
            // Another console has brought it further already.
            return Ok(());
        }
        let mut wanted = objects(self.registry, &view).await?;
        if let (Some(theirs), false) = (&theirs, self.everything) {
            // Its timestamp was written after all of these.
            let known = objects(self.mirror, theirs).await.unwrap_or_default();
            wanted.retain(|key, _| !known.contains_key(key));
        }
        let total: u64 = wanted.values().map(|(_, size)| size).sum();
        let done = std::sync::atomic::AtomicU64::new(0);
        tell(0, total);
        let list: Vec<Object> = wanted
            .into_iter()
            .map(|(key, (sha256, size))| (key, sha256, size))
            .collect();
        let copies: Vec<_> = list
            .iter()
            .map(|object| {
                let done = &done;
                async move {
                    self.object(object).await?;
                    let sum = done.fetch_add(object.2, std::sync::atomic::Ordering::Relaxed);
                    tell(sum + object.2, total);
                    Ok::<_, Problem>(())
                }
            })
            .collect();
        stream::iter(copies)
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await?;
        self.metadata(&view, false).await?;
        self.timestamp(&view, theirs.as_ref()).await?;
        // As at the registry: clients look for a new root first, so what it signs must be there before it.
        self.metadata(&view, true).await
    }

    async fn object(&self, (key, sha256, size): &Object) -> Result<()> {
        match self.mirror.compare(key, sha256, *size).await? {
            Stored::Same => return Ok(()),
            Stored::Different => {
                let what = format!("{key} lies in the mirror with other bytes than its name says.");
                return Err(Problem::new(Code::StoragePoisoned, what));
            }
            Stored::Missing => {}
        }
        let gone = || {
            let what = format!("{key} is signed for, but the registry does not have it.");
            Problem::new(Code::TrustHash, what)
        };
        if *size <= IN_MEMORY {
            let bytes = documents::hashed(self.registry, key, sha256, *size).await?;
            return self.write(key, Body::Bytes(bytes)).await;
        }
        let part = self.inner.home.work().join(format!("mirror-{sha256}"));
        let _ = std::fs::remove_file(&part);
        let read = self.registry.download(key, &part, *size, silent()).await;
        let written = match read {
            Ok(Some((found, _))) if found == *sha256 => {
                self.write(key, Body::File(part.clone(), *size)).await
            }
            Ok(_) => Err(gone()),
            Err(problem) => Err(problem),
        };
        let _ = std::fs::remove_file(&part);
        written
    }

    async fn write(&self, key: &str, body: Body) -> Result<()> {
        match self.mirror.create(key, body, silent()).await? {
            // Whoever wrote it meanwhile wrote the same, or the next look says so.
            Created::Created | Created::Exists => Ok(()),
        }
    }

    /// Copies the metadata files that are committed at the registry: all versions, for the audit log.
    async fn metadata(&self, view: &View, roots: bool) -> Result<()> {
        let marks = view.marks().versions;
        let there: std::collections::HashSet<String> =
            self.mirror.list("metadata").await?.into_iter().collect();
        let wanted = self
            .registry
            .list("metadata")
            .await?
            .into_iter()
            .filter(|name| {
                let known = name.strip_suffix(".json").and_then(|n| n.split_once('.'));
                known.is_some_and(|(version, role)| {
                    let committed = marks.get(role).copied().unwrap_or(0);
                    (role == "root") == roots
                        && version
                            .parse::<u64>()
                            .is_ok_and(|v| v > 0 && v <= committed)
                })
            });
        let missing: Vec<String> = wanted.filter(|name| !there.contains(name)).collect();
        let copies: Vec<_> = missing
            .into_iter()
            .map(|name| async move {
                let key = format!("metadata/{name}");
                let object = self.registry.get(&key, MAX_METADATA as u64).await?;
                match object {
                    Some(object) => self.write(&key, Body::Bytes(object.bytes)).await,
                    None => Ok(()),
                }
            })
            .collect();
        stream::iter(copies)
            .buffer_unordered(AT_ONCE)
            .try_collect::<()>()
            .await
    }

    async fn timestamp(&self, view: &View, theirs: Option<&View>) -> Result<()> {
        if theirs.is_some_and(|t| t.timestamp.sha256 == view.timestamp.sha256) {
            return Ok(());
        }
        let current = self
            .mirror
            .get(layout::TIMESTAMP, MAX_METADATA as u64)
            .await?;
        let file: Bytes = view.timestamp.file.clone();
        let tag = current.as_ref().map(|o| &o.etag);
        let swapped = self.mirror.swap(layout::TIMESTAMP, file, tag).await;
        let now = self
            .mirror
            .get(layout::TIMESTAMP, MAX_METADATA as u64)
            .await?;
        if now.is_some_and(|o| sha256_hex(&o.bytes) == view.timestamp.sha256) {
            return Ok(());
        }
        swapped?;
        Err(Problem::new(
            Code::StorageBusy,
            "Another console brings the mirror up to date at the same time.",
        ))
    }
}

/// Everything that the current state names, below metadata.
async fn objects(store: &dyn Store, view: &View) -> Result<BTreeMap<String, (String, u64)>> {
    let mut objects = objects_of(store, view).await?;
    let maps: Vec<(String, u64)> = objects
        .iter()
        .filter(|(key, _)| key.starts_with(FILES_MAP))
        .map(|(_, (sha256, size))| (sha256.clone(), *size))
        .collect();
    objects.retain(|key, _| !key.starts_with(FILES_MAP));
    for (sha256, size) in maps {
        let key = layout::inventory(&sha256);
        let bytes = documents::hashed(store, &key, &sha256, size).await?;
        let map = files::FilesMap::parse(&bytes)?;
        for file in files::objects(&map.files) {
            let stored = &file.stored;
            objects.insert(
                layout::single(&stored.sha256),
                (stored.sha256.clone(), stored.size),
            );
        }
    }
    Ok(objects)
}

/// Marks files maps in the list, which are read once more for what they name.
const FILES_MAP: &str = "files-map:";

async fn objects_of(store: &dyn Store, view: &View) -> Result<BTreeMap<String, (String, u64)>> {
    let mut objects = BTreeMap::new();
    for (role, loaded) in &view.channels {
        for (name, file) in &loaded.meta.targets {
            let sha256 = &file.hashes.sha256;
            objects.insert(layout::target(sha256, name), (sha256.clone(), file.length));
        }
        let RoleName::Channel(unit, channel) = role else {
            continue;
        };
        let docs = documents::channel(store, view, unit, channel).await?;
        for document in docs.clients.values() {
            let signed = documents::capgo_files(store, document).await?;
            let files = signed.iter().flat_map(|s| &s.files).map(|f| &f.object);
            for object in document.objects().into_iter().chain(files) {
                let key = layout::variant(&object.sha256);
                objects.insert(key, (object.sha256.clone(), object.size));
            }
        }
        for approved in docs.approved.values() {
            let manifest = &approved.manifest;
            let (bundle, inventory) = (&manifest.bundle, &manifest.inventory);
            if manifest.zip_in_storage() {
                let key = layout::bundle(&bundle.sha256);
                objects.insert(key, (bundle.sha256.clone(), bundle.size));
            }
            let key = layout::inventory(&inventory.sha256);
            objects.insert(key, (inventory.sha256.clone(), inventory.size));
            if let Some(map) = &manifest.files {
                let entry = (map.sha256.clone(), map.size);
                objects.insert(layout::inventory(&map.sha256), entry.clone());
                objects.insert(format!("{FILES_MAP}{}", map.sha256), entry);
            }
        }
    }
    Ok(objects)
}
