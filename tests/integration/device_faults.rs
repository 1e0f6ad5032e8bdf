//! Every fault at every step of a device: killed, disk full, cut answers, wrong bytes, a clock that jumps. Whatever
//! happens, it has a web build to run, runs no byte that was not verified, and a healthy check later brings it to where
//! it belongs.
#![expect(clippy::unwrap_used, reason = "a test that cannot look has failed")]

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use bytes::Bytes;
use headgate_core::inventory::Inventory;
use headgate_core::{Code, Problem, Result};
use headgate_device::{DeviceOptions, Disk, MemoryDisk, Net, PackAnswer, Runner, Started, Target};
use headgate_registry::{
    Body, Created, ETag, FolderStore, Object, ObjectMeta, Progress, Store, Swapped,
};
use headgate_tests::{Bench, Person, Phone, TestClock, bench, files_below, pack_of, ship};
use headgate_tuf::sha256_hex;

/// What goes wrong.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fault {
    /// The process ends in the middle of a write, or before anything else.
    Killed,
    /// Nothing can be written any more in this life.
    Full,
    /// The answer breaks off.
    Cut,
    /// The answer has other bytes.
    Wrong,
    /// The clock jumps by so many days.
    Jump(i64),
}

const FAULTS: [Fault; 6] = [
    Fault::Killed,
    Fault::Full,
    Fault::Cut,
    Fault::Wrong,
    Fault::Jump(3_650),
    Fault::Jump(-3_650),
];

/// Counts what a device does, and lets one step go wrong.
struct Plan {
    fault: Fault,
    at: usize,
    step: Mutex<usize>,
    clock: Arc<TestClock>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Kind {
    Read,
    Write,
    Net,
}

impl Plan {
    /// What happens to this step.
    fn step(&self, kind: Kind) -> Option<Fault> {
        let mut step = self.step.lock().unwrap();
        let (now, hit) = (*step, *step == self.at);
        *step += 1;
        match (self.fault, kind) {
            // The rest of this life does not happen.
            (Fault::Killed, _) => (now >= self.at).then_some(Fault::Killed),
            (Fault::Full, Kind::Write) => (now >= self.at).then_some(Fault::Full),
            (Fault::Cut | Fault::Wrong, Kind::Net) => hit.then_some(self.fault),
            (Fault::Jump(days), _) if hit => {
                self.clock.days(days);
                None
            }
            _ => None,
        }
    }

    fn killed(&self) -> bool {
        self.fault == Fault::Killed && *self.step.lock().unwrap() > self.at
    }

    /// Whether its step came.
    fn hit(&self) -> bool {
        *self.step.lock().unwrap() > self.at
    }
}

fn broken() -> Problem {
    Problem::new(Code::LocalDisk, "The test broke it.")
}

#[derive(Clone)]
struct FaultyDisk {
    disk: MemoryDisk,
    plan: Arc<Plan>,
}

impl FaultyDisk {
    fn try_to(&self, kind: Kind) -> Result<()> {
        match self.plan.step(kind) {
            Some(Fault::Killed | Fault::Full) => Err(broken()),
            _ => Ok(()),
        }
    }
}

impl Disk for FaultyDisk {
    fn read(&self, path: &str) -> Result<Option<Bytes>> {
        self.try_to(Kind::Read)?;
        self.disk.read(path)
    }

    fn replace(&self, path: &str, bytes: Bytes) -> Result<()> {
        self.try_to(Kind::Write)?;
        self.disk.replace(path, bytes)
    }

    fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        match self.try_to(Kind::Write) {
            Ok(()) => self.disk.put(path, bytes),
            Err(problem) => {
                // Such a write leaves a part behind.
                let _ = self.disk.put(path, bytes.slice(..bytes.len() / 2));
                Err(problem)
            }
        }
    }

    fn digest(&self, path: &str) -> Result<Option<(String, u64)>> {
        self.try_to(Kind::Read)?;
        self.disk.digest(path)
    }

    fn files(&self, folder: &str) -> Result<Vec<String>> {
        self.try_to(Kind::Read)?;
        self.disk.files(folder)
    }

    fn names(&self, folder: &str) -> Result<Vec<String>> {
        self.try_to(Kind::Read)?;
        self.disk.names(folder)
    }

    fn place(&self, from: &str, to: &str) -> Result<()> {
        self.try_to(Kind::Write)?;
        self.disk.place(from, to)
    }

    fn remove(&self, path: &str) -> Result<()> {
        self.try_to(Kind::Write)?;
        self.disk.remove(path)
    }

    fn scratch(&self) -> Result<PathBuf> {
        self.try_to(Kind::Write)?;
        self.disk.scratch()
    }
}

/// The storage without a network in between, so that hundreds of lives are lived in seconds.
#[derive(Clone)]
struct FaultyNet {
    storage: PathBuf,
    plan: Arc<Plan>,
}

impl FaultyNet {
    fn spoil(&self, bytes: Bytes) -> Result<Bytes> {
        match self.plan.step(Kind::Net) {
            None => Ok(bytes),
            Some(Fault::Wrong) => {
                let mut wrong = bytes.to_vec();
                let middle = wrong.len() / 2;
                wrong[middle] ^= 1;
                Ok(wrong.into())
            }
            Some(_) => Err(Problem::new(Code::StorageIo, "The test broke it.")),
        }
    }
}

#[async_trait]
impl Net for FaultyNet {
    async fn pack(&self, _: Option<&ETag>) -> Result<PackAnswer> {
        let pack = pack_of(&self.storage, "http://nowhere.example");
        let bytes = self.spoil(serde_json::to_vec(&pack).unwrap().into())?;
        let etag = ETag(String::new());
        Ok(PackAnswer::Pack { bytes, etag })
    }

    fn objects(&self, _: &str) -> Result<Arc<dyn Store>> {
        Ok(Arc::new(self.clone()))
    }

    async fn report(&self, report: Vec<u8>) -> Result<()> {
        self.spoil(report.into()).map(|_| ())
    }
}

#[async_trait]
impl Store for FaultyNet {
    fn address(&self) -> String {
        "the test".into()
    }

    async fn get(&self, key: &str, max: u64) -> Result<Option<Object>> {
        let store = FolderStore::open(&self.storage)?;
        let Some(mut object) = store.get(key, max).await? else {
            return Ok(None);
        };
        object.bytes = self.spoil(object.bytes)?;
        Ok(Some(object))
    }

    async fn head(&self, _: &str) -> Result<Option<ObjectMeta>> {
        unreachable!("no device asks for it")
    }

    async fn hash(&self, _: &str, _: Progress<'_>) -> Result<Option<(String, u64)>> {
        unreachable!("no device asks for it")
    }

    async fn download(
        &self,
        key: &str,
        to: &std::path::Path,
        max: u64,
        _: Progress<'_>,
    ) -> Result<Option<(String, u64)>> {
        let store = FolderStore::open(&self.storage)?;
        let bytes = store.get(key, max).await?.unwrap().bytes;
        let bytes = self.spoil(bytes)?;
        std::fs::write(to, &bytes).unwrap();
        Ok(Some((sha256_hex(&bytes), bytes.len() as u64)))
    }

    async fn create(&self, _: &str, _: Body, _: Progress<'_>) -> Result<Created> {
        unreachable!("no device writes")
    }

    async fn swap(&self, _: &str, _: Bytes, _: Option<&ETag>) -> Result<Swapped> {
        unreachable!("no device writes")
    }

    async fn list(&self, _: &str) -> Result<Vec<String>> {
        unreachable!("no device lists")
    }
}

struct World {
    bench: Bench,
    anna: Person,
    options: DeviceOptions,
    /// Files of each build by path, with their hashes.
    builds: BTreeMap<u32, BTreeMap<String, String>>,
}

impl World {
    async fn new() -> Self {
        let bench = bench();
        let anna = bench.first("anna").await;
        let root = anna.workspace.root.clone();
        let options = Phone::options(&root, "development", "phone", &bench.clock);
        let mut world = Self {
            bench,
            anna,
            options,
            builds: BTreeMap::new(),
        };
        world.ship("one").await;
        world
    }

    async fn ship(&mut self, word: &str) {
        let before = files_below(&self.bench.dir.path().join("storage"));
        let build = self.bench.build(word);
        ship(&self.anna, &build, "development").await.unwrap();
        let inventories = files_below(&self.bench.storage().join("inventories"));
        let new = inventories.iter().find(|i| !before.contains(i)).unwrap();
        let inventory = Inventory::parse(&std::fs::read(new).unwrap()).unwrap();
        let files = inventory.files.into_iter().map(|f| (f.path, f.sha256));
        let number = u32::try_from(self.builds.len()).unwrap() + 1;
        self.builds.insert(number, files.collect());
    }

    fn plan(&self, fault: Fault, at: usize) -> Arc<Plan> {
        Arc::new(Plan {
            fault,
            at,
            step: Mutex::default(),
            clock: Arc::clone(&self.bench.clock),
        })
    }

    fn phone(&self, disk: &MemoryDisk, plan: &Arc<Plan>) -> Option<Phone> {
        let disk = FaultyDisk {
            disk: disk.clone(),
            plan: Arc::clone(plan),
        };
        let net = FaultyNet {
            storage: self.bench.storage(),
            plan: Arc::clone(plan),
        };
        // A device that cannot even read its memory does not get as far as a start.
        let opened = Runner::open(
            self.options.clone(),
            Arc::new(disk.clone()),
            Arc::new(net.clone()),
        );
        opened.ok()?;
        *plan.step.lock().unwrap() = 0;
        Some(Phone::with(
            self.options.clone(),
            Arc::new(disk),
            Arc::new(net),
        ))
    }

    fn healthy(&self, disk: &MemoryDisk) -> Phone {
        self.phone(disk, &self.plan(Fault::Cut, usize::MAX))
            .unwrap()
    }

    /// What runs is the embedded build, or exactly the bytes of a release.
    fn check(&self, disk: &MemoryDisk, started: &Started, what: &str) {
        let Target::Bundle(placed) = &started.target else {
            return;
        };
        let folder = Runner::folder(&started.target).unwrap();
        let found: BTreeMap<String, String> = disk
            .files(&folder)
            .unwrap()
            .into_iter()
            .map(|path| {
                let (sha256, _) = disk.digest(&format!("{folder}/{path}")).unwrap().unwrap();
                (path, sha256)
            })
            .collect();
        assert_eq!(found, self.builds[&placed.build], "{what}");
    }
}

/// A stretch of a device's life. It looks at what runs after every start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Story {
    /// Takes an update and confirms it.
    Update,
    /// Takes an update that does not start.
    Crash,
    /// The native app is updated.
    Native,
}

async fn live(world: &World, phone: &mut Phone, disk: &MemoryDisk, story: Story, plan: &Plan) {
    let what = format!("{story:?} {:?} at {}", plan.fault, plan.at);
    // What a dead process would have done does not count.
    let look = |started: &Started| {
        if !plan.killed() {
            world.check(disk, started, &what);
            if story == Story::Native {
                assert_eq!(started.target, Target::Embedded, "{what}");
            }
        }
    };
    if story == Story::Native {
        let started = phone.runner.start().await.unwrap();
        return look(&started);
    }
    look(&phone.runner.start().await.unwrap());
    phone.runner.check().await;
    let _ = phone.runner.report().await;
    if plan.killed() {
        return;
    }
    // The app is started again; reading its memory is part of what can fail.
    let started = phone.runner.start().await.unwrap();
    look(&started);
    if story == Story::Update {
        phone.runner.ready().await;
    } else if let Some(started) = phone.runner.not_ready("crash").await {
        look(&started);
    }
    let _ = phone.runner.report().await;
}

async fn every_step(story: Story, deliver_files: bool) {
    let mut world = World::new().await;
    if deliver_files {
        let id = &world.anna.workspace.id;
        let delivers = headgate_core::settings::Delivers::parse("files").unwrap();
        let job = world.anna.console.set_delivers(id, delivers).await.unwrap();
        world.anna.receipt(&job).await.unwrap();
    }
    let settled = MemoryDisk::new();
    assert_eq!(world.healthy(&settled).settle().await, Some(1));
    world.ship("two").await;
    if story == Story::Native {
        world.options.facts.native = "4.3.0".into();
    }
    let now = world.options.clock.clone()();
    let mut lives = 0;
    for fault in FAULTS {
        let mut at = 0;
        loop {
            let disk = settled.copy();
            let plan = world.plan(fault, at);
            let Some(mut phone) = world.phone(&disk, &plan) else {
                at += 1;
                continue;
            };
            live(&world, &mut phone, &disk, story, &plan).await;
            let hit = plan.hit();
            drop(phone);
            let back = now.unix() - world.options.clock.clone()().unix();
            world.bench.clock.advance(back);
            // Everything is well again.
            let what = format!("{story:?} {fault:?} at {at}");
            let mut phone = world.healthy(&disk);
            let started = phone.restart().await;
            world.check(&disk, &started, &what);
            let ended = phone.settle().await;
            let failed = phone.runner.memory().failed.iter().any(|f| f.build == 2);
            assert_eq!(ended, Some(if failed { 1 } else { 2 }), "{what}");
            assert!(story == Story::Crash || !failed, "{what}");
            let rest = disk.names("incoming").unwrap();
            assert!(rest.is_empty(), "{what}: {rest:?}");
            assert_eq!(
                disk.names("bundles").unwrap().len(),
                phone.runner.memory().held.len()
            );
            lives += 1;
            if !hit {
                break;
            }
            at += 1;
        }
    }
    assert!(lives > 30, "only {lives} lives were lived");
}

#[tokio::test]
async fn an_update_from_the_zip_survives_every_fault_at_every_step() {
    every_step(Story::Update, false).await;
}

#[tokio::test]
async fn an_update_from_single_files_survives_every_fault_at_every_step() {
    every_step(Story::Update, true).await;
}

#[tokio::test]
async fn a_release_that_does_not_start_is_left_whatever_else_fails() {
    every_step(Story::Crash, false).await;
}

#[tokio::test]
async fn a_new_native_version_starts_from_its_own_web_build_whatever_else_fails() {
    every_step(Story::Native, false).await;
}

#[tokio::test]
async fn a_damaged_bundle_is_not_run_and_is_fetched_again() {
    let world = World::new().await;
    let disk = MemoryDisk::new();
    let mut phone = world.healthy(&disk);
    assert_eq!(phone.settle().await, Some(1));
    let folder = Runner::folder(&phone.runner.memory().current).unwrap();
    let index = format!("{folder}/index.html");
    disk.replace(&index, Bytes::from_static(b"<script>steal()</script>"))
        .unwrap();
    assert_eq!(phone.restart().await.target, Target::Embedded);
    assert_eq!(phone.settle().await, Some(1));
    // One file too many is as bad.
    disk.replace(&format!("{folder}/more.js"), Bytes::from_static(b"steal()"))
        .unwrap();
    assert_eq!(phone.restart().await.target, Target::Embedded);
    assert_eq!(phone.settle().await, Some(1));
}

#[tokio::test]
async fn a_damaged_memory_begins_a_new_device() {
    let world = World::new().await;
    let disk = MemoryDisk::new();
    let mut phone = world.healthy(&disk);
    assert_eq!(phone.settle().await, Some(1));
    let good = disk.read("device.json").unwrap().unwrap();
    let text = String::from_utf8(good.to_vec()).unwrap();
    let held = &phone.runner.memory().held[0].manifest;
    for bad in [
        String::new(),
        "{}".into(),
        text[..text.len() / 2].into(),
        text.replace("headgate-device-1", "headgate-device-9"),
        text.replace(held, "../../../../etc"),
    ] {
        disk.replace("device.json", bad.into()).unwrap();
        let mut phone = world.healthy(&disk);
        assert_eq!(phone.restart().await.target, Target::Embedded);
        assert_eq!(phone.settle().await, Some(1));
    }
}

#[tokio::test]
async fn no_more_than_max_versions_stay_on_the_disk() {
    let mut world = World::new().await;
    world.options.policy.max_versions = 2;
    let disk = MemoryDisk::new();
    for n in 1..=5 {
        assert_eq!(world.healthy(&disk).settle().await, Some(n));
        assert!(disk.names("bundles").unwrap().len() <= 2);
        world.ship(&format!("build {n}")).await;
    }
}

#[tokio::test]
async fn a_folder_on_the_file_system_does_the_same() {
    let mut world = World::new().await;
    let dir = world.bench.dir.path().join("device");
    let disk: Arc<dyn Disk> = Arc::new(headgate_device::FolderDisk::open(&dir).unwrap());
    let net = FaultyNet {
        storage: world.bench.storage(),
        plan: world.plan(Fault::Cut, usize::MAX),
    };
    let open = |world: &World| {
        Phone::with(
            world.options.clone(),
            Arc::clone(&disk),
            Arc::new(net.clone()),
        )
    };
    assert_eq!(open(&world).settle().await, Some(1));
    world.ship("two").await;
    let mut phone = open(&world);
    assert_eq!(phone.settle().await, Some(2));
    let folder = dir.join(Runner::folder(&phone.runner.memory().current).unwrap());
    let json = std::fs::read_to_string(folder.join("data/build.json")).unwrap();
    assert_eq!(json, r#"{"build":"two"}"#);
    assert!(disk.names("incoming").unwrap().is_empty());
    // A link in the folder is no file of a bundle.
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/hostname", folder.join("link")).unwrap();
        assert_eq!(phone.restart().await.target, Target::Embedded);
        assert_eq!(phone.settle().await, Some(2));
    }
}
