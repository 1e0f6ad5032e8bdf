//! What must hold, story by story.

use std::sync::Arc;

use bytes::Bytes;
use headgate_device::{Disk, FolderDisk, MemoryDisk, Runner, Target};
use headgate_tests::Phone;

use super::faulty::{Fault, FaultyNet};
use super::lives::{Story, World, every_step};

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
    let disk: Arc<dyn Disk> = Arc::new(FolderDisk::open(&dir).unwrap());
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
