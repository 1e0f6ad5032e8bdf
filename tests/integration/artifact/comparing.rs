//! A rebuilt web build beside what was signed.

use headgate_core::Code;
use headgate_engine::{Comparison, packer_text};
use headgate_ipc::{App, Host as Window, dto};
use headgate_tests::{Bench, Person, bench, code, ship};
use serde_json::json;

use crate::server::{Host, inspect, inspect_path, start, zip_folder};

async fn compare(person: &Person, handle: &str, build: u32) -> Comparison {
    let (console, id) = (&person.console, &person.workspace.id);
    console.compare(id, "main", handle, build).await.unwrap()
}

/// Build 1 of the folder `one`, packed by Headgate.
async fn released() -> (Bench, Person) {
    let bench = bench();
    let person = bench.first("anna").await;
    ship(&person, &bench.build("one"), "development")
        .await
        .unwrap();
    (bench, person)
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_folder_makes_the_same_bytes() {
    let (bench, person) = released().await;
    let report = inspect_path(&person, &bench.build("one")).await.unwrap();
    let found = compare(&person, &report.handle, 1).await;
    assert!(found.same_bytes && found.same_files());
    assert_eq!(found.own.sha256, found.release.bundle.sha256);
    assert_eq!(
        found.difference.unchanged,
        report.packed.inventory.files.len()
    );
    assert_eq!(
        (found.release.build, found.channels),
        (1, vec!["development".into()])
    );
    assert_eq!(found.says, "The very bytes that were signed.");

    // A zip of this computer is packed again, so whatever made it does not matter.
    let zip = bench.dir.path().join("rebuilt.zip");
    std::fs::write(&zip, zip_folder(&bench.build("one"))).unwrap();
    let report = inspect_path(&person, &zip).await.unwrap();
    assert!(compare(&person, &report.handle, 1).await.same_bytes);
}

#[tokio::test(flavor = "multi_thread")]
async fn the_same_files_in_another_zip_are_told_apart_from_other_files() {
    let (bench, person) = released().await;
    let host = Host::zip(zip_folder(&bench.build("one"))).await;
    let report = inspect(&person, &host.url).await.unwrap();
    let found = compare(&person, &report.handle, 1).await;
    assert!(!found.same_bytes && found.same_files());
    assert!(
        found.says.contains("another program made the zip"),
        "{}",
        found.says
    );
    assert_eq!(packer_text(&found.own.packer), "not packed by Headgate");

    // The other way round: what was signed came from elsewhere.
    let job = start(&person, &host.url).await.unwrap();
    person.receipt(&job).await.unwrap();
    let report = inspect_path(&person, &bench.build("one")).await.unwrap();
    let found = compare(&person, &report.handle, 2).await;
    assert!(!found.same_bytes && found.same_files());
    assert_eq!(found.release.bundle.url, Some(host.url));

    let other = bench.build("two");
    std::fs::remove_file(other.join("i18n/de.json")).unwrap();
    std::fs::write(other.join("new.txt"), "new").unwrap();
    let report = inspect_path(&person, &other).await.unwrap();
    let found = compare(&person, &report.handle, 1).await;
    assert!(!found.same_bytes && !found.same_files());
    let d = &found.difference;
    assert_eq!((d.added[0].path.as_str(), d.added[0].size), ("new.txt", 3));
    assert_eq!(d.removed[0].path, "i18n/de.json");
    assert_eq!(d.changed[0].path, "data/build.json");
    assert_eq!((d.added.len(), d.removed.len(), d.changed.len()), (1, 1, 1));
    assert!(
        found
            .says
            .starts_with("Other files: 1 added, 1 changed, 1 removed")
    );

    let (console, id) = (&person.console, &person.workspace.id);
    let unknown = console.compare(id, "main", &report.handle, 99).await;
    assert_eq!(code(unknown), Code::UsageUnknown);
    let unknown = console.compare(id, "main", "nobody", 1).await;
    assert_eq!(code(unknown), Code::UsageUnknown);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_was_read_last_is_enough_when_storage_is_away() {
    let (bench, person) = released().await;
    let report = inspect_path(&person, &bench.build("one")).await.unwrap();
    let other = inspect_path(&person, &bench.build("two")).await.unwrap();
    std::fs::rename(bench.storage(), bench.dir.path().join("away")).unwrap();
    assert!(compare(&person, &report.handle, 1).await.same_bytes);
    assert_eq!(
        compare(&person, &other.handle, 1)
            .await
            .difference
            .changed
            .len(),
        1
    );
    let (console, id) = (&person.console, &person.workspace.id);
    let unknown = console.compare(id, "main", &other.handle, 2).await;
    assert_eq!(code(unknown), Code::StorageMissing, "it cannot be told");
}

#[tokio::test(flavor = "multi_thread")]
async fn two_releases_are_compared_by_what_was_signed_also_without_storage() {
    let (bench, person) = released().await;
    let two = bench.build("two");
    std::fs::write(two.join("new.txt"), "new").unwrap();
    ship(&person, &two, "development").await.unwrap();
    let (console, id) = (&person.console, &person.workspace.id);
    let compare = async |build, other| console.compare_releases(id, "main", build, other).await;

    let found = compare(1, 2).await.unwrap();
    assert!(!found.same_bytes && !found.same_files());
    let d = &found.difference;
    assert_eq!(d.added[0].path, "new.txt");
    assert_eq!((d.added.len(), d.removed.len(), d.changed.len()), (1, 0, 1));
    let other = found.own.release.unwrap();
    assert_eq!((found.release.build, other.build), (1, 2));
    assert_eq!(found.own.sha256, other.bundle.sha256);
    let back = compare(2, 1).await.unwrap();
    assert_eq!(back.difference.removed[0].path, "new.txt");
    assert!(compare(2, 2).await.unwrap().same_bytes);

    std::fs::rename(bench.storage(), bench.dir.path().join("away")).unwrap();
    assert_eq!(compare(1, 2).await.unwrap().difference.added.len(), 1);
    assert_eq!(code(compare(1, 3).await), Code::StorageMissing);
}

struct Nobody;

#[async_trait::async_trait]
impl Window for Nobody {
    async fn pick_folder(&self, _: &str) -> Option<std::path::PathBuf> {
        None
    }
    async fn pick_file(&self, _: &str, _: &str, _: &[&str]) -> Option<std::path::PathBuf> {
        None
    }
    async fn save_file(&self, _: &str, _: &str, _: &str, _: &str) -> Option<std::path::PathBuf> {
        None
    }
    fn quit(&self) {}
}

#[tokio::test(flavor = "multi_thread")]
async fn the_window_picks_an_address_and_compares() {
    let (bench, person) = released().await;
    let folder = bench.build("many");
    for n in 0..205 {
        std::fs::write(folder.join(format!("file-{n}.txt")), n.to_string()).unwrap();
    }
    let host = Host::zip(zip_folder(&folder)).await;
    let app = App::new(person.console.clone(), Box::new(Nobody));
    let picked = app
        .dispatch("artifact_pick", json!({ "url": host.url }))
        .await
        .unwrap();
    assert_eq!(picked["item"]["kind"], "location");
    let handle = picked["item"]["handle"].as_str().unwrap().to_owned();
    let error = app
        .dispatch("artifact_pick", json!({ "url": "https://a:hunter2@b/c" }))
        .await;
    let error = error.unwrap_err();
    assert_eq!(
        (error.code.as_str(), error.field.as_deref()),
        ("artifact.address", Some("url"))
    );

    let (console, id) = (&person.console, &person.workspace.id);
    let job = console.inspect(id, "main", &handle, Default::default());
    console.wait(&job.await.unwrap()).await.unwrap();
    let shown = app
        .inspection(dto::InspectionRef {
            handle: handle.clone(),
        })
        .await
        .unwrap();
    assert_eq!(
        (shown.kind.as_str(), shown.location),
        ("location", Some(host.url))
    );

    let request = json!({ "workspace": id, "unit": "main", "handle": handle, "build": 1 });
    let found = app.dispatch("compare_build", request).await.unwrap();
    assert_eq!(
        (&found["sameBytes"], &found["sameFiles"]),
        (&json!(false), &json!(false))
    );
    assert_eq!(
        found["added"].as_array().unwrap().len(),
        200,
        "the lists are capped"
    );
    assert_eq!(
        (&found["addedCount"], &found["changedCount"]),
        (&json!(205), &json!(1))
    );
    assert_eq!(found["signedPacker"], "headgate 1, level 3");
    assert_eq!(found["ownPacker"], "not packed by Headgate");
}
