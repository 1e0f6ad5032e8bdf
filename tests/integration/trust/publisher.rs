//! What a publisher meets in the storage: objects that somebody poisoned, and what dead consoles left behind.

use headgate_core::Code;
use headgate_engine::InspectOptions;
use headgate_tests::{code, promote, ship};

use super::registry::{TIMESTAMP, registry};

#[tokio::test]
async fn a_poisoned_object_under_a_content_addressed_name_stops_the_publish() {
    let r = registry().await;
    let before = r.device().await.unwrap();
    let build = r.bench.build("two");
    let packed = r.bench.dir.path().join("packed.zip");
    let options = InspectOptions::default();
    let packed = r
        .anna
        .console
        .pack_to(&build, &packed, options)
        .await
        .unwrap();
    let size = usize::try_from(packed.size).unwrap();
    for (key, poison) in [
        (format!("bundles/{}.zip", packed.sha256), vec![b'x'; size]),
        (format!("bundles/{}.zip", packed.sha256), b"short".to_vec()),
        (
            format!("inventories/{}.json", packed.inventory_sha256),
            b"{}".to_vec(),
        ),
    ] {
        r.put(&key, &poison);
        let timestamp = r.bytes(TIMESTAMP);
        let refused = ship(&r.anna, &build, "development").await;
        assert_eq!(code(refused), Code::StoragePoisoned, "{key}");
        assert_eq!(r.bytes(TIMESTAMP), timestamp);
        assert_eq!(r.bytes(&key), poison, "evidence is kept");
        assert_eq!(r.device().await.unwrap(), before);
        std::fs::remove_file(r.path(&key)).unwrap();
    }
    ship(&r.anna, &build, "development").await.unwrap();
}

#[tokio::test]
async fn a_promotion_hashes_the_bundle_again_and_refuses_other_bytes() {
    let r = registry().await;
    let build = r.bench.build("two");
    let shipped = ship(&r.anna, &build, "development").await.unwrap();
    let number = shipped.release.unwrap().1;
    let key = format!("bundles/{}.zip", shipped.signed_sha256.unwrap());
    let good = r.bytes(&key);
    let mut bad = good.clone();
    bad[40] ^= 1;
    r.put(&key, &bad);
    let refused = promote(&r.anna, number, "development", "staging").await;
    assert_eq!(code(refused), Code::TrustHash);
    r.put(&key, &good);
    promote(&r.anna, number, "development", "staging")
        .await
        .unwrap();
}

#[tokio::test]
async fn versions_that_a_dead_console_left_behind_are_stepped_over() {
    let r = registry().await;
    for left in [
        "3.main.development.json",
        "4.main.development.json",
        "7.snapshot.json",
    ] {
        r.put(&format!("metadata/{left}"), b"never committed");
    }
    let build = r.bench.build("two");
    ship(&r.anna, &build, "development").await.unwrap();
    let seen = r.device().await.unwrap();
    assert_eq!(seen.versions["main.development"], 5);
    assert_eq!(seen.versions["main.development.rollout"], 3);
    assert_eq!(seen.versions["snapshot"], 8);
    assert_eq!(seen.versions["timestamp"], 5);
    // The chain leads from each committed version to the one before it, over the gap.
    assert_eq!(r.anna.log().await.unwrap().len(), 5);
}

#[tokio::test]
async fn the_log_notices_a_committed_file_that_was_changed_later() {
    let r = registry().await;
    for key in [
        "metadata/2.snapshot.json",
        "metadata/1.main.production.json",
    ] {
        let good = r.bytes(key);
        let newer = r.bytes(&key.replace("/2.", "/3.").replace("/1.", "/2."));
        for bad in [Some(newer), None] {
            match bad {
                Some(bytes) => r.put(key, &bytes),
                None => std::fs::remove_file(r.path(key)).unwrap(),
            }
            assert_eq!(code(r.anna.log().await), Code::TrustLog, "{key}");
        }
        r.put(key, &good);
    }
    assert_eq!(r.anna.log().await.unwrap().len(), 4);
}
