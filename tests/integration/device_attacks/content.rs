//! Content: arbitrary software, poisoned objects, unlisted files, and a writer of the storage who has no key.

use std::io::Write as _;

use headgate_core::settings::Delivers;
use headgate_core::{Code, ReleaseManifest};
use headgate_device::Outcome;
use headgate_tests::{files_below, ship};
use headgate_tuf::metadata::{Hashes, TargetFile};
use headgate_tuf::sha256_hex;
use zip::{ZipWriter, write::SimpleFileOptions};

use super::registry::at;
use super::setting::Setting;

fn zipped(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut zip = ZipWriter::new(std::io::Cursor::new(Vec::new()));
    for (name, bytes) in files {
        zip.start_file(*name, SimpleFileOptions::default()).unwrap();
        zip.write_all(bytes).unwrap();
    }
    zip.finish().unwrap().into_inner()
}

#[tokio::test]
async fn arbitrary_software() {
    let mut s = Setting::on("staging").await;
    s.next().await;
    let evil = zipped(&[("index.html", b"<script>steal()</script>")]);
    let bundles = files_below(&s.r.path("bundles"));
    let good: Vec<_> = bundles.iter().map(|b| std::fs::read(b).unwrap()).collect();
    bundles
        .iter()
        .for_each(|b| std::fs::write(b, &evil).unwrap());
    s.phone.refuses(Code::TrustHash).await;
    let last = s.phone.runner.memory().outbox.last().cloned().unwrap();
    assert_eq!(
        (last.build, last.reason.as_deref()),
        (2, Some("trust.hash"))
    );
    for (path, bytes) in bundles.iter().zip(good) {
        std::fs::write(path, bytes).unwrap();
    }
    s.recovers().await;
}

#[tokio::test]
async fn a_poisoned_object_under_a_content_addressed_name() {
    let mut s = Setting::on("staging").await;
    s.next().await;
    for folder in ["inventories", "targets"] {
        let objects = files_below(&s.r.path(folder));
        let good: Vec<_> = objects.iter().map(|b| std::fs::read(b).unwrap()).collect();
        let poison = |bytes: &Vec<u8>| [bytes.as_slice(), b" "].concat();
        for (path, bytes) in objects.iter().zip(&good) {
            std::fs::write(path, poison(bytes)).unwrap();
        }
        s.phone.refuses(Code::TrustHash).await;
        for (path, bytes) in objects.iter().zip(&good) {
            std::fs::write(path, bytes).unwrap();
        }
    }
    s.recovers().await;
}

/// The fixture again with single files in storage and no zip.
async fn of_single_files() -> Setting {
    let s = Setting::on("development").await;
    let delivers = Delivers::parse("files").unwrap();
    let id = &s.r.anna.workspace.id;
    let job = s.r.anna.console.set_delivers(id, delivers).await.unwrap();
    s.r.anna.receipt(&job).await.unwrap();
    let build = s.r.bench.build("two");
    ship(&s.r.anna, &build, "development").await.unwrap();
    s
}

#[tokio::test]
async fn a_poisoned_single_file_and_only_what_changed_is_fetched() {
    let mut s = of_single_files().await;
    s.host.asked();
    let objects = files_below(&s.r.path("files"));
    let good: Vec<_> = objects.iter().map(|b| std::fs::read(b).unwrap()).collect();
    objects
        .iter()
        .for_each(|o| std::fs::write(o, b"poison").unwrap());
    s.phone.refuses(Code::TrustHash).await;
    for (path, bytes) in objects.iter().zip(good) {
        std::fs::write(path, bytes).unwrap();
    }
    s.host.asked();
    s.recovers().await;
    let asked = s.host.asked();
    let of = |part: &str| asked.iter().filter(|a| a.contains(part)).count();
    // The varied sample differs in one file from what the device holds.
    assert_eq!((of("/files/"), of("/bundles/")), (1, 0), "{asked:?}");
}

#[tokio::test]
async fn an_unlisted_file_in_a_bundle() {
    let mut s = Setting::on("staging").await;
    // Somebody who approves alone signs a bundle that holds more than its inventory says.
    let key = s.r.only("targets", ".main.staging.release-1.json");
    let mut manifest = ReleaseManifest::parse(&s.r.bytes(&key)).unwrap();
    let evil = zipped(&[("index.html", b"x"), ("extra.js", b"steal()")]);
    let sha256 = sha256_hex(&evil);
    s.r.put(&format!("bundles/{sha256}.zip"), &evil);
    manifest.build = 2;
    manifest.bundle.sha256 = sha256;
    manifest.bundle.size = evil.len() as u64;
    let inventory = headgate_core::Inventory {
        files: vec![headgate_core::inventory::InventoryFile {
            path: "index.html".into(),
            size: 1,
            sha256: sha256_hex(b"x"),
        }],
    };
    let inventory = inventory.to_bytes().unwrap();
    manifest.inventory.sha256 = sha256_hex(&inventory);
    manifest.inventory.size = inventory.len() as u64;
    let listed = &manifest.inventory.sha256;
    s.r.put(&format!("inventories/{listed}.json"), &inventory);
    let bytes = manifest.to_bytes().unwrap();
    let (sha256, length) = (sha256_hex(&bytes), bytes.len() as u64);
    let target = "main.staging.release-2.json";
    s.r.put(&format!("targets/{sha256}.{target}"), &bytes);
    let mut role = s.r.role("main.staging");
    role.version = 3;
    let hashes = Hashes {
        sha256: sha256.clone(),
    };
    role.targets
        .insert(target.into(), TargetFile { length, hashes });
    s.r.sign("3.main.staging.json", &role, &[&s.r.release]);
    s.r.serve("staging", |document| {
        document.base = headgate_core::Base::Release(headgate_core::rollout::BaseRelease {
            release: 2,
            manifest: sha256.clone(),
            native: None,
            rolled_back: false,
            opened: None,
        });
    });
    s.r.commit(|meta| {
        meta.insert("main.staging.json".into(), at(3));
    });
    s.phone.refuses(Code::TrustHash).await;
    assert!(s.phone.disk.names("incoming").unwrap().is_empty());
}

#[tokio::test]
async fn a_bucket_writer_without_keys() {
    let mut s = Setting::on("staging").await;
    s.next().await;
    let whole = s.r.bench.dir.path().join("whole");
    headgate_tests::copy_tree(&s.r.bench.storage(), &whole);
    let files = files_below(&whole);
    for (n, file) in files.iter().enumerate() {
        let key = file.strip_prefix(&whole).unwrap().to_str().unwrap();
        let good = std::fs::read(file).unwrap();
        let other = std::fs::read(&files[(n + 1) % files.len()]).unwrap();
        if good.is_empty() {
            // The lock of the folder: no object.
            continue;
        }
        let mut flipped = good.clone();
        flipped[good.len() / 2] ^= 1;
        for bad in [
            Some(flipped),
            Some(good[..good.len() / 2].to_vec()),
            Some(other),
            None,
        ] {
            match &bad {
                Some(bytes) => s.r.put(key, bytes),
                None => std::fs::remove_file(s.r.path(key)).unwrap(),
            }
            // It may be a file that nothing needs; otherwise nothing is taken.
            match s.phone.runner.check().await {
                Outcome::Staged(Some(2)) => {
                    let staged = s.phone.restart().await.target.build();
                    assert_eq!(staged, Some(2), "{key}");
                    s.phone.runner.not_ready("test").await;
                    s.phone = headgate_tests::Phone::at(&s.host.url, s.phone.options.clone());
                    s.phone.restart().await;
                }
                Outcome::Failed(_) => assert_eq!(s.phone.runner.memory().staged, None, "{key}"),
                other => panic!("{key}: {other:?}"),
            }
        }
        s.r.put(key, &good);
    }
    s.recovers().await;
}
