//! Metadata: rollback of each role alone, freeze, mix-and-match, fast-forward, thresholds, roots, JSON.

use headgate_core::Code;
use headgate_tuf::metadata::{Root, Snapshot, Timestamp};

use super::registry::{TIMESTAMP, at};
use super::setting::Setting;

#[tokio::test]
async fn rollback_of_the_timestamp() {
    let mut s = Setting::on("staging").await;
    let old = s.r.bytes(TIMESTAMP);
    s.next().await;
    assert_eq!(s.phone.settle().await, Some(2));
    s.r.put(TIMESTAMP, &old);
    s.phone.refuses(Code::TrustRollback).await;
    assert_eq!(s.phone.build(), Some(2));
}

#[tokio::test]
async fn rollback_of_the_snapshot() {
    let mut s = Setting::on("staging").await;
    s.r.timestamp(5, 3, s.r.now().plus(86_400));
    s.phone.refuses(Code::TrustRollback).await;
    s.r.timestamp(6, 4, s.r.now().plus(86_400));
    assert_eq!(s.phone.settle().await, Some(1));
}

#[tokio::test]
async fn rollback_of_the_targets() {
    let mut s = Setting::on("staging").await;
    let mut targets = s.r.targets();
    targets.version = 2;
    s.r.sign("2.targets.json", &targets, &[&s.r.release]);
    s.r.commit(|meta| {
        meta.insert("targets.json".into(), at(2));
    });
    assert_eq!(s.phone.settle().await, Some(1));
    s.r.commit(|meta| {
        meta.insert("targets.json".into(), at(1));
    });
    s.phone.refuses(Code::TrustRollback).await;
}

#[tokio::test]
async fn rollback_of_the_channel_and_of_the_rollout() {
    for role in ["main.staging.json", "main.staging.rollout.json"] {
        let mut s = Setting::on("staging").await;
        s.r.commit(|meta| {
            meta.insert(role.into(), at(1));
        });
        s.phone.refuses(Code::TrustRollback).await;
    }
}

#[tokio::test]
async fn rollback_of_the_root() {
    let mut s = Setting::on("staging").await;
    let id = &s.r.anna.workspace.id;
    s.r.anna.console.create_key(id, "CI").await.unwrap();
    assert_eq!(s.phone.settle().await, Some(1));
    let marks = &s.phone.runner.memory().marks;
    assert_eq!(marks.versions["root"], 2);
    // The device holds root 2 itself: taking it away from the storage changes nothing, and root 1 is no next one.
    let one = s.r.bytes("metadata/1.root.json");
    std::fs::remove_file(s.r.path("metadata/2.root.json")).unwrap();
    assert_eq!(s.phone.settle().await, Some(1));
    s.r.put("metadata/3.root.json", &one);
    s.phone.refuses(Code::TrustSignature).await;
}

#[tokio::test]
async fn delegation_removed_from_the_snapshot() {
    for role in ["main.staging.json", "main.staging.rollout.json"] {
        let mut s = Setting::on("staging").await;
        s.r.commit(|meta| {
            meta.remove(role);
        });
        s.phone.refuses(Code::TrustRollback).await;
    }
}

#[tokio::test]
async fn freeze_with_an_old_valid_timestamp() {
    let mut s = Setting::on("staging").await;
    let frozen = s.r.bench.dir.path().join("frozen");
    headgate_tests::copy_tree(&s.r.bench.storage(), &frozen);
    s.next().await;
    s.host.serve(&frozen);
    // As long as it is valid nobody can tell; after that the device says so and keeps what it runs.
    assert_eq!(s.phone.settle().await, Some(1));
    s.r.bench.clock.days(31);
    s.phone.refuses(Code::TrustExpired).await;
    // An answer that nothing has changed does not keep it fresh either.
    s.phone.refuses(Code::TrustExpired).await;
    let (console, id) = (&s.r.anna.console, &s.r.anna.workspace.id);
    let job = console.refresh(id).await.unwrap();
    console.wait(&job).await.unwrap();
    s.host.serve(&s.r.bench.storage());
    s.recovers().await;
}

#[tokio::test]
async fn freeze_by_withholding_the_timestamp() {
    let mut s = Setting::on("staging").await;
    std::fs::remove_file(s.r.path(TIMESTAMP)).unwrap();
    s.phone.refuses(Code::StorageMissing).await;
}

#[tokio::test]
async fn mix_and_match() {
    for (new, old) in [
        (
            "metadata/2.main.staging.json",
            "metadata/1.main.staging.json",
        ),
        (
            "metadata/2.main.staging.rollout.json",
            "metadata/1.main.staging.rollout.json",
        ),
        ("metadata/4.snapshot.json", "metadata/3.snapshot.json"),
    ] {
        let mut s = Setting::on("staging").await;
        s.r.put(new, &s.r.bytes(old));
        s.phone.refuses(Code::TrustSignature).await;
    }
}

#[tokio::test]
async fn fast_forward_and_recovery() {
    let mut s = Setting::on("staging").await;
    // The holder of a stolen freshness key pushes versions far ahead.
    let mut snapshot: Snapshot = s.r.meta("4.snapshot.json");
    snapshot.version = 1_000_000;
    s.r.sign("1000000.snapshot.json", &snapshot, &[&s.r.online]);
    let good = s.r.bytes(TIMESTAMP);
    s.r.timestamp(1_000_000, 1_000_000, snapshot.expires);
    assert_eq!(s.phone.settle().await, Some(1));
    s.r.put(TIMESTAMP, &good);
    s.phone.refuses(Code::TrustRollback).await;
    // The owners change the freshness keys.
    let fresh = s.r.vault().create("after the incident").unwrap();
    let mut root: Root = s.r.meta("1.root.json");
    root.version = 2;
    let key = fresh.id().unwrap();
    root.keys.insert(key.clone(), fresh.clone());
    for role in ["timestamp", "snapshot"] {
        root.roles.get_mut(role).unwrap().keyids = [key.clone()].into();
    }
    s.r.sign("2.root.json", &root, &[&s.r.release]);
    snapshot.version = 5;
    s.r.sign("5.snapshot.json", &snapshot, &[&fresh]);
    let timestamp = Timestamp::new(5, snapshot.expires, 5);
    s.r.sign("timestamp.json", &timestamp, &[&fresh]);
    assert_eq!(s.phone.settle().await, Some(1));
    assert_eq!(s.phone.runner.memory().marks.versions["timestamp"], 5);
}

#[tokio::test]
async fn root_gap_and_roots_signed_only_by_old_or_only_by_new_keys() {
    let mut s = Setting::on("staging").await;
    let key = s.r.vault().create("new owner").unwrap();
    let mut root: Root = s.r.meta("1.root.json");
    root.version = 2;
    let id = key.id().unwrap();
    root.keys.insert(id.clone(), key.clone());
    root.roles.get_mut("root").unwrap().keyids = [id].into();
    for keys in [vec![&s.r.release], vec![&key]] {
        s.r.sign("2.root.json", &root, &keys);
        s.phone.refuses(Code::TrustSignature).await;
    }
    root.version = 3;
    s.r.sign("2.root.json", &root, &[&s.r.release, &key]);
    s.phone.refuses(Code::TrustSignature).await;
    // Nobody asks for version 3 while there is no 2.
    s.r.sign("3.root.json", &root, &[&s.r.release, &key]);
    std::fs::remove_file(s.r.path("metadata/2.root.json")).unwrap();
    assert_eq!(s.phone.settle().await, Some(1));
    assert_eq!(s.phone.runner.memory().marks.versions["root"], 1);
}

#[tokio::test]
async fn one_signature_too_few_and_signatures_of_unknown_keys() {
    let mut s = Setting::on("staging").await;
    let stranger = s.r.vault().create("stranger").unwrap();
    let mut meta = s.r.role("main.staging");
    meta.version = 3;
    for keys in [vec![], vec![&s.r.online], vec![&stranger]] {
        s.r.sign("3.main.staging.json", &meta, &keys);
        s.r.commit(|meta| {
            meta.insert("main.staging.json".into(), at(3));
        });
        s.phone.refuses(Code::TrustSignature).await;
    }
    s.r.sign("3.main.staging.json", &meta, &[&stranger, &s.r.release]);
    assert_eq!(s.phone.settle().await, Some(1));
}

#[tokio::test]
async fn json_that_two_readers_could_read_differently() {
    let mut s = Setting::on("staging").await;
    let good = String::from_utf8(s.r.bytes(TIMESTAMP)).unwrap();
    let with = |from: &str, to: &str| {
        assert!(good.contains(from), "{from}");
        good.replacen(from, to, 1)
    };
    let deep = format!("{{\"a\":{}1{}", "[".repeat(500), "]".repeat(500));
    for bad in [
        with("\"version\":4}", "\"version\":4,\"version\":4}"),
        with("{\"signatures\":", "{\"signatures\":[],\"signatures\":"),
        with("{\"signatures\":", "{\"__proto__\":{},\"signatures\":"),
        with("\"version\":4}", "\"version\":4.0}"),
        with("\"version\":4}", "\"version\":9007199254740993}"),
        format!("\u{feff}{good}"),
        with("{\"signatures\":", &format!("{deep},\"signatures\":")),
        format!("{good}{{}}"),
    ] {
        s.r.put(TIMESTAMP, bad.as_bytes());
        s.phone.refuses(Code::TrustFormat).await;
    }
    s.r.put(TIMESTAMP, good.as_bytes());
    s.next().await;
    s.recovers().await;
}
