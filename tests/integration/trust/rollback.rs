//! Older states: of everything, and of each role alone.

use headgate_core::Code;
use headgate_registry::Expiry;
use headgate_tests::{code, copy_tree, promote, ship};
use headgate_tuf::metadata::{Root, Snapshot, Timestamp};

use super::registry::{Registry, TIMESTAMP, at, registry};

impl Registry {
    /// What the console says, which has seen the newest state; a device without history believes it.
    async fn rolled_back(&self) {
        self.device().await.unwrap();
        let refused = self.anna.console.sync(&self.anna.workspace.id).await;
        assert_eq!(code(refused), Code::TrustRollback);
        // Nor does it publish on top of it.
        let build = self.bench.build("never");
        let refused = ship(&self.anna, &build, "development").await;
        assert_eq!(code(refused), Code::TrustRollback);
    }
}

#[tokio::test]
async fn a_restored_copy_of_the_whole_storage_is_noticed() {
    let r = registry().await;
    let old = r.bench.dir.path().join("old");
    copy_tree(&r.bench.storage(), &old);
    let build = r.bench.build("two");
    ship(&r.anna, &build, "development").await.unwrap();
    std::fs::remove_dir_all(r.bench.storage()).unwrap();
    copy_tree(&old, &r.bench.storage());
    r.rolled_back().await;
}

#[tokio::test]
async fn an_old_timestamp_alone_is_noticed() {
    let r = registry().await;
    let old = r.bytes(TIMESTAMP);
    let build = r.bench.build("two");
    ship(&r.anna, &build, "development").await.unwrap();
    r.put(TIMESTAMP, &old);
    r.rolled_back().await;
}

#[tokio::test]
async fn an_old_snapshot_under_a_new_timestamp_is_noticed() {
    let r = registry().await;
    r.timestamp(5, 3, r.now().plus(86_400));
    r.rolled_back().await;
}

#[tokio::test]
async fn an_old_channel_role_under_a_new_snapshot_is_noticed() {
    for role in ["main.production.json", "main.production.rollout.json"] {
        let r = registry().await;
        r.commit(|meta| {
            meta.insert(role.into(), at(1));
        });
        if role.ends_with("rollout.json") {
            r.rolled_back().await;
        } else {
            // Here a device sees it too: the rollout names what version 1 had not approved.
            assert_eq!(r.refusal().await, Code::TrustUnapproved);
            let refused = r.anna.console.sync(&r.anna.workspace.id).await;
            assert_eq!(code(refused), Code::TrustRollback);
        }
    }
}

#[tokio::test]
async fn old_targets_under_a_new_snapshot_are_noticed() {
    let r = registry().await;
    let mut targets = r.targets();
    targets.version = 2;
    r.sign("2.targets.json", &targets, &[&r.release]);
    r.commit(|meta| {
        meta.insert("targets.json".into(), at(2));
    });
    r.anna.console.sync(&r.anna.workspace.id).await.unwrap();
    r.commit(|meta| {
        meta.insert("targets.json".into(), at(1));
    });
    r.rolled_back().await;
}

#[tokio::test]
async fn a_role_that_vanishes_from_the_snapshot_is_noticed() {
    for role in ["main.production.json", "main.production.rollout.json"] {
        let r = registry().await;
        r.commit(|meta| {
            meta.remove(role);
        });
        let refused = r.anna.console.sync(&r.anna.workspace.id).await;
        assert_eq!(code(refused), Code::TrustRollback, "{role}");
    }
}

#[tokio::test]
async fn a_root_that_is_taken_away_is_noticed() {
    let r = registry().await;
    let id = &r.anna.workspace.id;
    r.anna.console.create_key(id, "CI").await.unwrap();
    std::fs::remove_file(r.path("metadata/2.root.json")).unwrap();
    r.rolled_back().await;
}

#[tokio::test]
async fn old_bytes_under_a_new_name_are_no_new_version() {
    for (new, old) in [
        (
            "metadata/2.main.production.json",
            "metadata/1.main.production.json",
        ),
        ("metadata/4.snapshot.json", "metadata/3.snapshot.json"),
    ] {
        let r = registry().await;
        r.put(new, &r.bytes(old));
        assert_eq!(r.refusal().await, Code::TrustSignature, "{new}");
    }
}

#[tokio::test]
async fn a_root_signed_only_by_the_old_or_only_by_the_new_keys_is_refused() {
    let r = registry().await;
    let key = r.vault().create("new owner").unwrap();
    let mut root: Root = r.meta("1.root.json");
    root.version = 2;
    let id = key.id().unwrap();
    root.keys.insert(id.clone(), key.clone());
    let owners = root.roles.get_mut("root").unwrap();
    owners.keyids = [id].into();
    for keys in [vec![&r.release], vec![&key]] {
        r.sign("2.root.json", &root, &keys);
        assert_eq!(r.refusal().await, Code::TrustSignature);
    }
    r.sign("2.root.json", &root, &[&r.release, &key]);
    r.device().await.unwrap();
    // A gap: version 3 where 2 should be.
    root.version = 3;
    r.sign("2.root.json", &root, &[&r.release, &key]);
    assert_eq!(r.refusal().await, Code::TrustSignature);
}

#[tokio::test]
async fn new_freshness_keys_recover_from_versions_that_were_pushed_far_ahead() {
    let r = registry().await;
    let mut marks = r.marks().await;
    for role in ["timestamp", "snapshot"] {
        marks.versions.insert(role.into(), 1_000_000);
    }
    assert_eq!(
        code(r.view(&marks, Expiry::Enforce).await),
        Code::TrustRollback
    );
    // One more key is no recovery: the stolen one still signs.
    let id = &r.anna.workspace.id;
    r.anna.console.create_key(id, "one more").await.unwrap();
    assert_eq!(
        code(r.view(&marks, Expiry::Enforce).await),
        Code::TrustRollback
    );
    let fresh = r.vault().create("after the incident").unwrap();
    let mut root: Root = r.meta("2.root.json");
    root.version = 3;
    let key = fresh.id().unwrap();
    root.keys.insert(key.clone(), fresh.clone());
    for role in ["timestamp", "snapshot"] {
        root.roles.get_mut(role).unwrap().keyids = [key.clone()].into();
    }
    r.sign("3.root.json", &root, &[&r.release]);
    let mut snapshot: Snapshot = r.meta("5.snapshot.json");
    snapshot.version = 6;
    r.sign("6.snapshot.json", &snapshot, &[&fresh]);
    let timestamp = Timestamp::new(6, snapshot.expires, 6);
    r.sign("timestamp.json", &timestamp, &[&fresh]);
    let view = r.view(&marks, Expiry::Enforce).await.unwrap();
    assert_eq!(view.timestamp.meta.version, 6);
    // Only freshness is forgotten: a channel's version still counts.
    marks.versions.insert("main.production".into(), 1_000_000);
    assert_eq!(
        code(r.view(&marks, Expiry::Enforce).await),
        Code::TrustRollback
    );
}

#[tokio::test]
async fn a_promotion_after_an_attack_was_undone_works_again() {
    let r = registry().await;
    let good = r.bytes(TIMESTAMP);
    r.timestamp(5, 3, r.now().plus(86_400));
    let refused = promote(&r.anna, 1, "development", "staging").await;
    assert_eq!(code(refused), Code::TrustRollback);
    r.put(TIMESTAMP, &good);
    let build = r.bench.build("two");
    ship(&r.anna, &build, "development").await.unwrap();
    assert_eq!(r.device().await.unwrap().build("development"), Some(2));
}
