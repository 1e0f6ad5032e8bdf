//! What changes in storage is served at the next poll, and a poll costs no more than what changed.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::Router;
use axum::extract::Request;
use axum::middleware::{self, Next};
use headgate_engine::{InitRequest, RolloutChange, VaultChoice};
use headgate_registry::StorageAddress;
use headgate_server::{RegistryConfig, UnitServing};
use headgate_tests::{APP, Bench, Person, bench, promote, ship};
use tower_http::services::ServeDir;

use super::fixture::{config, json, nudge, offered, registry_of, server, start, until};

async fn change(anna: &Person, channel: &str, change: RolloutChange) {
    let id = &anna.workspace.id;
    let job = anna
        .console
        .rollout(id, "main", channel, change, "a test")
        .await
        .unwrap();
    anna.console.wait(&job).await.unwrap();
}

#[tokio::test]
async fn a_ship_a_promotion_a_halt_and_a_return_are_served_without_being_told() {
    let bench = bench();
    let anna = bench.first("anna").await;
    let mut config = config(&bench, vec![registry_of(&bench, &anna.workspace.root)]);
    config.pace.poll = Duration::from_millis(50);
    let server = start(config).await;
    let state = server.state();
    assert_eq!(offered(state, "development"), "nothing_served");
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    until("the ship", || offered(state, "development") == "build 1").await;
    promote(&anna, 1, "development", "staging").await.unwrap();
    until("the promotion", || offered(state, "staging") == "build 1").await;
    promote(&anna, 1, "staging", "production").await.unwrap();
    until("the start at 1 %", || {
        offered(state, "production") == "not_in_share"
    })
    .await;
    change(&anna, "production", RolloutChange::Halt).await;
    until("the halt", || offered(state, "production") == "halted").await;
    change(&anna, "development", RolloutChange::Embedded).await;
    let back = "up to date";
    until("the return", || offered(state, "development") == back).await;
    assert_eq!(offered(state, "Staging"), "build 1");
    server.stop().await.unwrap();
}

#[tokio::test]
async fn a_nudge_reads_at_once_and_says_how_it_is() {
    let bench = bench();
    let anna = bench.first("anna").await;
    let server = server(&bench, &anna.workspace.root).await;
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    assert_eq!(offered(server.state(), "development"), "nothing_served");
    let said = json(nudge(&server, &format!("/nudge/{APP}")).await).await;
    assert_eq!(offered(server.state(), "development"), "build 1");
    assert_eq!(said[0]["app"], APP);
    assert_eq!(said[0]["failures"], 0);
    assert_eq!(nudge(&server, "/nudge/com.other").await.status(), 404);
}

/// A web server in front of a registry that counts what is read.
async fn counted(bench: &Bench) -> (String, Arc<Mutex<BTreeMap<String, u32>>>) {
    let asked = Arc::<Mutex<BTreeMap<String, u32>>>::default();
    let count = {
        let asked = Arc::clone(&asked);
        move |request: Request, next: Next| {
            let path = request.uri().path().trim_start_matches('/').to_owned();
            *asked.lock().unwrap().entry(path).or_default() += 1;
            next.run(request)
        }
    };
    let router = Router::new()
        .fallback_service(ServeDir::new(bench.storage()))
        .layer(middleware::from_fn(count));
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
    (url, asked)
}

#[tokio::test]
async fn an_unchanged_registry_costs_one_small_read_and_a_changed_one_what_is_new() {
    let bench = bench();
    let anna = bench.first("anna").await;
    for word in ["one", "two"] {
        ship(&anna, &bench.build(word), "development")
            .await
            .unwrap();
    }
    let (url, asked) = counted(&bench).await;
    let registry = RegistryConfig {
        address: StorageAddress::parse(&url).unwrap(),
        ..registry_of(&bench, &anna.workspace.root)
    };
    let mut config = config(&bench, vec![registry]);
    config.pace.poll = Duration::from_millis(20);
    let server = start(config).await;
    assert_eq!(offered(server.state(), "development"), "build 2");
    asked.lock().unwrap().clear();
    let polls = || {
        asked
            .lock()
            .unwrap()
            .get("metadata/timestamp.json")
            .copied()
    };
    until("ten polls", || polls() >= Some(10)).await;
    let read: Vec<String> = asked.lock().unwrap().keys().cloned().collect();
    assert_eq!(read, ["metadata/timestamp.json"]);

    change(&anna, "development", RolloutChange::Embedded).await;
    let state = server.state();
    until("the return", || {
        offered(state, "development") == "up to date"
    })
    .await;
    let mut read: Vec<String> = asked.lock().unwrap().keys().cloned().collect();
    read.retain(|key| key != "metadata/timestamp.json");
    // The next root that is not there, the new snapshot, the new rollout role and its document.
    let expected = |key: &String| {
        [
            "2.root.json",
            "4.snapshot.json",
            "4.main.development.rollout.json",
        ]
        .iter()
        .any(|name| *key == format!("metadata/{name}"))
            || (key.starts_with("targets/") && key.ends_with(".main.development.rollout.json"))
    };
    assert!(read.len() == 4 && read.iter().all(expected), "{read:?}");
}

#[tokio::test]
async fn a_change_in_one_registry_leaves_what_others_serve_where_it_is() {
    let ours = bench();
    let anna = ours.first("anna").await;
    let mut theirs = bench();
    theirs.seed = "theirs";
    let bert = theirs.console("bert").await;
    let init = InitRequest {
        app: "com.other.app".into(),
        name: "Other".into(),
        storage: format!("file://{}", theirs.storage().display()),
        public_url: None,
        channels: vec!["production".into()],
        vault: VaultChoice::Os,
        vault_why: None,
        sandbox: false,
        credentials: None,
    };
    let (workspace, _) = bert.init(init).await.unwrap();
    let registries = vec![
        registry_of(&ours, &anna.workspace.root),
        registry_of(&theirs, &workspace.root),
    ];
    let server = start(config(&ours, registries)).await;
    let unit = |app: &str| {
        let catalog = server.state().catalog();
        Arc::clone(catalog.any_unit(app).unwrap())
    };
    let (before, other) = (unit(APP), unit("com.other.app"));
    ship(&anna, &ours.build("one"), "development")
        .await
        .unwrap();
    server.read_now().await;
    assert!(!Arc::ptr_eq(&before, &unit(APP)));
    assert!(Arc::ptr_eq(&other, &unit("com.other.app")));
    // Within a registry, releases that are still approved are the same too.
    promote(&anna, 1, "development", "staging").await.unwrap();
    let release = |unit: &UnitServing, channel: &str| {
        let releases = &unit.channel(channel).unwrap().releases;
        Arc::clone(&releases[&1].inventory)
    };
    let before = release(&unit(APP), "development");
    server.read_now().await;
    assert!(Arc::ptr_eq(&before, &release(&unit(APP), "staging")));
}
