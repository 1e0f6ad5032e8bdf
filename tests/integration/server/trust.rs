//! Attacks on the storage that a server reads, each named after its attack (trust §7). The server offers nothing, says
//! why, and is well again when the storage is.

use std::sync::Arc;

use headgate_server::telemetry::{NoTelemetry, Telemetry};
use headgate_tests::{copy_tree, ship};
use headgate_tuf::policy::MAX_TIMESTAMP_AHEAD;

use super::fixture::{
    config, get, json, offered, offered_to, registry_of, server, server_with, start,
};
use crate::registry::{Registry, TIMESTAMP, at, registry, seeded};

/// Builds one more release on development.
async fn second_release(r: &Registry) {
    ship(&r.anna, &r.bench.build("two"), "development")
        .await
        .unwrap();
}

#[tokio::test]
async fn freeze_ends_when_freshness_does_without_a_reading() {
    let r = registry().await;
    let server = server(&r.bench, &r.root).await;
    assert_eq!(offered(server.state(), "development"), "build 1");
    // Storage cannot be reached from here on.
    std::fs::rename(r.bench.storage(), r.bench.dir.path().join("away")).unwrap();
    let health = server.read_now().await;
    assert!(health[0].problem.unwrap().starts_with("storage."));
    assert_eq!(offered(server.state(), "development"), "build 1");
    r.bench.clock.days(31);
    assert_eq!(offered(server.state(), "development"), "stale");
    std::fs::rename(r.bench.dir.path().join("away"), r.bench.storage()).unwrap();
    server.read_now().await;
    assert_eq!(offered(server.state(), "development"), "stale");
    let (console, id) = (&r.anna.console, &r.anna.workspace.id);
    let job = console.refresh(id).await.unwrap();
    console.wait(&job).await.unwrap();
    server.read_now().await;
    assert_eq!(offered(server.state(), "development"), "build 1");
}

#[tokio::test]
async fn a_deleted_timestamp_is_no_news_and_is_said() {
    let r = registry().await;
    let server = server(&r.bench, &r.root).await;
    std::fs::remove_file(r.path(TIMESTAMP)).unwrap();
    let health = server.read_now().await;
    assert_eq!(health[0].problem, Some("storage.missing"));
    assert_eq!(offered(server.state(), "development"), "build 1");
}

#[tokio::test]
async fn rollback_of_the_whole_storage_is_noticed_and_nothing_is_offered() {
    let r = registry().await;
    let old = r.bench.dir.path().join("old");
    copy_tree(&r.bench.storage(), &old);
    second_release(&r).await;
    let server = server(&r.bench, &r.root).await;
    assert_eq!(offered(server.state(), "development"), "build 2");
    let new = r.bench.dir.path().join("new");
    std::fs::rename(r.bench.storage(), &new).unwrap();
    copy_tree(&old, &r.bench.storage());
    server.read_now().await;
    for channel in ["development", "staging", "production"] {
        assert_eq!(offered(server.state(), channel), "trust.rollback");
    }
    let health = json(get(&server, "/healthz").await).await;
    assert_eq!(health["status"], "degraded");
    assert_eq!(health["withheld"], 3);
    std::fs::remove_dir_all(r.bench.storage()).unwrap();
    std::fs::rename(&new, r.bench.storage()).unwrap();
    server.read_now().await;
    assert_eq!(offered(server.state(), "development"), "build 2");
}

#[tokio::test]
async fn cold_replica_fed_a_replayed_timestamp() {
    let r = registry().await;
    let telemetry: Arc<dyn Telemetry> = Arc::new(NoTelemetry::default());
    let old = r.bytes(TIMESTAMP);
    second_release(&r).await;
    let first = server_with(&r.bench, &r.root, &telemetry).await;
    assert_eq!(offered(first.state(), "development"), "build 2");
    r.put(TIMESTAMP, &old);
    // It has the database of the first one, and nothing else.
    let cold = server_with(&r.bench, &r.root, &telemetry).await;
    assert_eq!(offered(cold.state(), "development"), "unknown app");
    assert_eq!(cold.sources().health()[0].problem, Some("trust.rollback"));
    assert_eq!(get(&cold, "/readyz").await.status(), 503);
    // A replica without that database has no way to know.
    let alone = server(&r.bench, &r.root).await;
    assert_eq!(offered(alone.state(), "development"), "build 1");
}

#[tokio::test]
async fn a_timestamp_from_the_future_is_not_believed() {
    let r = registry().await;
    r.timestamp(5, 4, r.now().plus(MAX_TIMESTAMP_AHEAD + 1));
    let server = server(&r.bench, &r.root).await;
    assert_eq!(server.sources().health()[0].problem, Some("trust.clock"));
    assert_eq!(offered(server.state(), "development"), "unknown app");
    // It left no mark: the version before it is believed.
    r.timestamp(4, 4, r.now().plus(86_400));
    server.read_now().await;
    assert_eq!(offered(server.state(), "development"), "build 1");
}

#[tokio::test]
async fn unapproved_release_in_a_rollout_is_offered_to_nobody() {
    let r = registry().await;
    let server = server(&r.bench, &r.root).await;
    r.commit(|meta| {
        let mut approvals = r.role("main.production");
        approvals.version = 3;
        approvals.targets.clear();
        r.sign("3.main.production.json", &approvals, &[&r.release]);
        meta.insert("main.production.json".into(), at(3));
    });
    server.read_now().await;
    assert_eq!(offered(server.state(), "production"), "unapproved");
    assert_eq!(offered(server.state(), "staging"), "build 1");
    let health = &server.sources().health()[0];
    assert_eq!(health.problem, None);
    assert_eq!(health.withheld["main.production"], "unapproved");
}

#[tokio::test]
async fn a_poisoned_object_stops_its_channel_alone_until_it_is_repaired() {
    for (folder, end, why) in [
        ("targets", ".main.staging.rollout.json", "trust.hash"),
        ("metadata", "2.main.staging.json", "trust.format"),
    ] {
        let r = registry().await;
        let key = r.only(folder, end);
        let good = r.bytes(&key);
        r.put(&key, b"{}");
        let server = server(&r.bench, &r.root).await;
        assert_eq!(offered(server.state(), "staging"), why);
        assert_eq!(offered(server.state(), "development"), "build 1");
        // The timestamp is the same as before.
        r.put(&key, &good);
        server.read_now().await;
        assert_eq!(offered(server.state(), "staging"), "build 1", "{key}");
    }
}

#[tokio::test]
async fn a_root_and_a_registry_of_two_workspaces_do_not_mix() {
    let ours = seeded("ours").await;
    let theirs = seeded("theirs").await;
    let mut registry = registry_of(&ours.bench, &ours.root);
    registry.address = registry_of(&theirs.bench, &theirs.root).address;
    let server = start(config(&ours.bench, vec![registry])).await;
    let health = server.sources().health();
    assert_eq!(health[0].problem, Some("trust.other_workspace"));
    assert_eq!(offered(server.state(), "development"), "unknown app");
}

#[tokio::test]
async fn one_broken_registry_of_several_stops_no_other() {
    let ours = registry().await;
    let broken = seeded("broken").await;
    let gone = seeded("gone").await;
    broken.put(TIMESTAMP, b"[]");
    let registries = vec![
        registry_of(&broken.bench, &broken.root),
        registry_of(&gone.bench, &gone.root),
        registry_of(&ours.bench, &ours.root),
    ];
    std::fs::remove_dir_all(gone.bench.storage()).unwrap();
    let server = start(config(&ours.bench, registries)).await;
    assert_eq!(offered(server.state(), "development"), "build 1");
    let problems: Vec<_> = server.sources().health();
    let problems: Vec<_> = problems.iter().map(|h| h.problem).collect();
    assert_eq!(
        problems,
        [Some("trust.format"), Some("storage.missing"), None]
    );
    assert_eq!(get(&server, "/readyz").await.status(), 200);
}

#[tokio::test]
async fn an_id_that_another_workspace_has_stays_with_the_first() {
    let ours = seeded("ours").await;
    let theirs = seeded("theirs").await;
    ship(&ours.anna, &ours.bench.build("two"), "development")
        .await
        .unwrap();
    let registries = vec![
        registry_of(&ours.bench, &ours.root),
        registry_of(&theirs.bench, &theirs.root),
    ];
    let server = start(config(&ours.bench, registries)).await;
    let app = headgate_tests::APP;
    assert_eq!(offered_to(server.state(), app, "development"), "build 2");
    assert_eq!(server.sources().health()[1].taken, [app]);
}
