//! A health gate stops a rollout by itself, and it stays stopped.

use std::sync::Arc;
use std::time::Duration;

use headgate_core::RolloutDocument;
use headgate_core::rollout::Gate;
use headgate_registry::ChannelTargets;
use headgate_server::serve::Running as Server;
use headgate_server::telemetry::Telemetry;
use headgate_server::telemetry::sqlite::{Options, SqliteTelemetry};
use headgate_tests::{APP, scratch};
use headgate_tuf::metadata::{Snapshot, Timestamp};
use headgate_tuf::sha256_hex;
use serde_json::{Value, json};

use super::fixture::{ask, config, get, json as read, offered, post, registry_of, start, until};
use crate::registry::{Registry, at, registry};

/// Installs of this test.
const INSTALLS: u32 = 60;

/// Changes production's rollout, as the next version of its role.
fn change(r: &Registry, change: impl FnOnce(&mut RolloutDocument)) -> RolloutDocument {
    let timestamp: Timestamp = r.meta("timestamp.json");
    let snapshot: Snapshot = r.meta(&format!("{}.snapshot.json", timestamp.snapshot()));
    let old = snapshot.meta["main.production.rollout.json"].version;
    let mut role: ChannelTargets = r.meta(&format!("{old}.main.production.rollout.json"));
    let target = role
        .targets
        .get_mut("main.production.rollout.json")
        .unwrap();
    let key = |sha256: &str| format!("targets/{sha256}.main.production.rollout.json");
    let bytes = r.bytes(&key(&target.hashes.sha256));
    let mut document = RolloutDocument::parse(&bytes).unwrap();
    change(&mut document);
    let bytes = document.to_bytes().unwrap();
    target.length = bytes.len() as u64;
    target.hashes.sha256 = sha256_hex(&bytes);
    r.put(&key(&target.hashes.sha256), &bytes);
    let version = old + 1;
    role.version = version;
    let file = format!("{version}.main.production.rollout.json");
    r.sign(&file, &role, &[&r.online]);
    r.commit(|meta| {
        meta.insert("main.production.rollout.json".into(), at(version));
    });
    document
}

/// Gives production's rollout a gate, and a share of 90 %.
fn with_gate(r: &Registry) -> RolloutDocument {
    change(r, |document| {
        document.gate = Some(Gate {
            min_sample: 20,
            max_failure_permille: 100,
        });
        document.entries[0].permille = 900;
        document.started = r.now();
    })
}

/// A document made of the one before by the rules of the console.
fn next(r: &Registry, rule: impl FnOnce(&RolloutDocument) -> RolloutDocument) {
    r.bench.clock.advance(60);
    change(r, |document| *document = rule(document));
}

async fn reports(server: &Server, number: u32, attempt: &str, state: Option<&str>) -> Value {
    let state = state.map(|s| json!({"build": 1, "attempt": attempt, "state": s, "at": 0}));
    let report = json!({
        "install": format!("install-{number}"), "channel": "production", "platform": "ios",
        "native": "4.2.0", "client": "0.1.0", "running": null,
        "events": state.into_iter().collect::<Vec<_>>(),
    });
    let path = format!("/headgate/{APP}/events");
    let response = post(server, &path, report.to_string()).await;
    assert_eq!(response.status(), 200);
    read(response).await
}

#[tokio::test]
async fn a_rollout_that_does_not_start_stops_itself_and_stays_stopped() {
    let r = registry().await;
    let dir = scratch();
    let path = dir.path().join("t.sqlite");
    let options = Options {
        cap_networks: false,
        ..Options::default()
    };
    let telemetry = SqliteTelemetry::open(&path, options).await.unwrap();
    let telemetry: Arc<dyn Telemetry> = Arc::new(telemetry);
    let configured = || {
        let mut config = config(&r.bench, vec![registry_of(&r.bench, &r.root)]);
        config.telemetry = Arc::clone(&telemetry);
        config.pace.gates = Duration::from_millis(50);
        config
    };
    let server = start(configured()).await;
    // Seen before the rollout began.
    for number in 0..INSTALLS {
        reports(&server, number, "", None).await;
    }
    r.bench.clock.advance(3600);
    let document = with_gate(&r);
    server.read_now().await;
    r.bench.clock.advance(3600);
    let attempt = document.attempt();
    for number in 0..INSTALLS {
        reports(&server, number, &attempt, None).await;
    }
    assert!(offered_everyone(&server) > 40);
    let pack = format!("/headgate/{APP}/packs/production.json");
    assert_eq!(get(&server, &pack).await.status(), 200);
    for number in 0..INSTALLS {
        let state = if number % 2 == 0 {
            "rolled_back"
        } else {
            "confirmed"
        };
        reports(&server, number, &attempt, Some(state)).await;
    }
    until("the stop", || offered_everyone(&server) == 0).await;
    let withheld = get(&server, &pack).await;
    assert_eq!(withheld.status(), 404);
    assert_eq!(read(withheld).await["why"], "stopped_by_gate");
    assert_eq!(offered(server.state(), "staging"), "build 1");

    let status = read(ask(&server, &format!("/status/{APP}")).await).await;
    let channels = status["channels"].as_array().unwrap();
    let production = channels
        .iter()
        .find(|c| c["channel"] == "production")
        .unwrap();
    assert!(production["gate"]["tripped"].is_string(), "{production}");
    assert_eq!(production["attempt"], attempt);
    assert!(
        production["gate"]["failures"].as_u64() >= Some(20),
        "{production}"
    );
    let metrics = ask(&server, "/metrics").await.text().await.unwrap();
    let line = format!("headgate_gate_trips_total{{app=\"{APP}\",channel=\"main.production\"}} 1");
    assert!(metrics.contains(&line), "{metrics}");
    server.stop().await.unwrap();

    // A server that starts anew offers it to nobody from the first answer on.
    let again = start(configured()).await;
    assert_eq!(offered_everyone(&again), 0);
    only_a_decision_opens_it(&r, &again).await;
}

/// Signatures and larger shares are no decision about what the gate saw; to resume is one.
async fn only_a_decision_opens_it(r: &Registry, server: &Server) {
    change(r, |_| {});
    server.read_now().await;
    assert_eq!(offered_everyone(server), 0, "signed anew");
    next(r, |d| d.set_share(950, r.now(), "on").unwrap());
    server.read_now().await;
    assert_eq!(offered_everyone(server), 0, "a larger share");
    next(r, |d| d.halt("why?").unwrap());
    next(r, |d| d.resume(r.now(), "the network was down").unwrap());
    server.read_now().await;
    assert!(offered_everyone(server) > 40, "resumed");
    next(r, |d| d.complete(r.now(), "well").unwrap());
    server.read_now().await;
    assert_eq!(offered(server.state(), "production"), "build 1");
}

#[tokio::test]
async fn completing_what_the_gate_stopped_offers_it_to_nobody() {
    let r = registry().await;
    let dir = scratch();
    let options = Options {
        cap_networks: false,
        ..Options::default()
    };
    let path = dir.path().join("t.sqlite");
    let telemetry = SqliteTelemetry::open(&path, options).await.unwrap();
    let mut config = config(&r.bench, vec![registry_of(&r.bench, &r.root)]);
    config.telemetry = Arc::new(telemetry);
    config.pace.gates = Duration::from_millis(50);
    let server = start(config).await;
    for number in 0..INSTALLS {
        reports(&server, number, "", None).await;
    }
    r.bench.clock.advance(3600);
    let attempt = with_gate(&r).attempt();
    server.read_now().await;
    for number in 0..INSTALLS {
        reports(&server, number, &attempt, None).await;
        reports(&server, number, &attempt, Some("rolled_back")).await;
    }
    until("the stop", || offered_everyone(&server) == 0).await;

    next(&r, |d| d.complete(r.now(), "by a script").unwrap());
    server.read_now().await;
    assert_eq!(withheld(&server).as_deref(), Some("stopped_by_gate"));
    let pack = format!("/headgate/{APP}/packs/production.json");
    assert_eq!(get(&server, &pack).await.status(), 404);
    let health = read(ask(&server, "/registries").await).await;
    assert_eq!(
        health[0]["withheld"]["main.production"], "stopped_by_gate",
        "{health}"
    );
    // Devices are moved elsewhere: nothing of it is left.
    next(&r, |d| d.embedded(r.now(), "back").unwrap());
    server.read_now().await;
    assert_eq!(withheld(&server), None);
    assert_eq!(get(&server, &pack).await.status(), 200);
}

/// Why production offers nothing.
fn withheld(server: &Server) -> Option<String> {
    let catalog = server.state().catalog();
    let unit = catalog.any_unit(APP).unwrap();
    let channel = unit.channel("production").unwrap();
    let now = (server.state().clock)();
    channel.withheld(now).map(str::to_owned)
}

/// Installs that production would be offered to.
fn offered_everyone(server: &Server) -> usize {
    use headgate_core::{Device, Offer, Platform, who_gets};
    let catalog = server.state().catalog();
    let unit = catalog.any_unit(APP).unwrap();
    let channel = unit.channel("production").unwrap();
    let state = channel.decides.as_ref().unwrap();
    let device = |number: u32| Device {
        install_id: Some(format!("install-{number}")),
        platform: Platform::Ios,
        native: "4.2.0".into(),
        running: None,
        failed: Vec::new(),
    };
    let offers = (0..INSTALLS).map(|n| who_gets(state, &device(n)));
    offers.filter(|o| matches!(o, Offer::Release(_))).count()
}
