//! Hundreds of short lives of a device, each with one fault.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};

use headgate_core::inventory::Inventory;
use headgate_device::{DeviceOptions, Disk, MemoryDisk, Runner, Started, Target};
use headgate_tests::{Bench, Person, Phone, bench, files_below, ship};

use super::faulty::{FAULTS, Fault, FaultyDisk, FaultyNet, Plan};

pub(super) struct World {
    pub(super) bench: Bench,
    anna: Person,
    pub(super) options: DeviceOptions,
    /// Files of each build by path, with their hashes.
    builds: BTreeMap<u32, BTreeMap<String, String>>,
}

impl World {
    pub(super) async fn new() -> Self {
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

    pub(super) async fn ship(&mut self, word: &str) {
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

    pub(super) fn plan(&self, fault: Fault, at: usize) -> Arc<Plan> {
        Arc::new(Plan {
            fault,
            at,
            step: Mutex::default(),
            clock: Arc::clone(&self.bench.clock),
        })
    }

    pub(super) fn phone(&self, disk: &MemoryDisk, plan: &Arc<Plan>) -> Option<Phone> {
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

    pub(super) fn healthy(&self, disk: &MemoryDisk) -> Phone {
        self.phone(disk, &self.plan(Fault::Cut, usize::MAX))
            .unwrap()
    }

    /// What runs is the embedded build, or exactly the bytes of a release.
    pub(super) fn check(&self, disk: &MemoryDisk, started: &Started, what: &str) {
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
pub(super) enum Story {
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

pub(super) async fn every_step(story: Story, deliver_files: bool) {
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
            phone.runner.ready().await;
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
