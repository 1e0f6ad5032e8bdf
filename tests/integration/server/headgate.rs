//! Headgate's own dialect: the pack and the report.

use headgate_core::pack::{FORMAT, Pack};
use headgate_core::status::{Cell, DeviceState};
use headgate_tests::{APP, bench, scratch, ship};
use reqwest::header;
use serde_json::json;

use super::fixture::{INSTALL, database, get, json as read, post, server, server_with};

fn packs(channel: &str) -> String {
    format!("/headgate/{APP}/packs/{channel}.json")
}

fn events() -> String {
    format!("/headgate/{APP}/events")
}

#[tokio::test]
async fn a_pack_holds_the_bytes_of_the_registry_and_is_sent_once() {
    let bench = bench();
    let anna = bench.first("anna").await;
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    let server = server(&bench, &anna.workspace.root).await;
    let first = get(&server, &packs("Development")).await;
    assert_eq!(first.status(), 200);
    let cache = first.headers()[header::CACHE_CONTROL].clone();
    assert_eq!(cache, "public, max-age=5");
    let etag = first.headers()[header::ETAG].to_str().unwrap().to_owned();
    let pack = Pack::parse(&first.bytes().await.unwrap()).unwrap();
    assert_eq!(pack.format, FORMAT);
    assert!(
        pack.objects
            .starts_with(&format!("http://{}/objects/", server.device_addr))
    );
    for (key, text) in &pack.files {
        let stored = std::fs::read(bench.storage().join(key)).unwrap();
        assert_eq!(text.as_bytes(), stored, "{key}");
    }
    let names: Vec<&str> = pack.files.keys().map(String::as_str).collect();
    assert!(names.contains(&"metadata/timestamp.json"), "{names:?}");
    assert!(
        names
            .iter()
            .any(|n| n.ends_with(".main.development.release-1.json"))
    );
    assert!(!names.iter().any(|n| n.contains("staging")), "{names:?}");

    let url = format!("http://{}{}", server.device_addr, packs("development"));
    let ask = |tag: String| {
        reqwest::Client::new()
            .get(&url)
            .header(header::IF_NONE_MATCH, tag)
    };
    let again = ask(etag.clone()).send().await.unwrap();
    assert_eq!(again.status(), 304);
    assert_eq!(again.headers()[header::ETAG].to_str().unwrap(), etag);
    let other = ask("\"x\"".into()).send().await.unwrap();
    assert_eq!(other.status(), 200);
}

#[tokio::test]
async fn what_is_withheld_is_not_handed_out() {
    let bench = bench();
    let anna = bench.first("anna").await;
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    let server = server(&bench, &anna.workspace.root).await;
    let none = get(&server, &packs("staging")).await;
    assert_eq!(none.status(), 404);
    assert_eq!(read(none).await["why"], "nothing_served");
    bench.clock.days(31);
    let stale = get(&server, &packs("development")).await;
    assert_eq!(stale.status(), 404);
    assert_eq!(read(stale).await["why"], "stale");
    for (path, error) in [
        (packs("nowhere"), "unknown_channel"),
        (
            format!("/headgate/{APP}/packs/development"),
            "unknown_channel",
        ),
        (format!("/headgate/{APP}/packs/.json"), "unknown_channel"),
        (
            "/headgate/com.other/packs/development.json".into(),
            "unknown_app",
        ),
    ] {
        let response = get(&server, &path).await;
        assert_eq!(response.status(), 404, "{path}");
        assert_eq!(read(response).await["error"], error, "{path}");
    }
}

#[tokio::test]
async fn a_report_is_durable_when_it_is_answered() {
    let bench = bench();
    let anna = bench.first("anna").await;
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    let dir = scratch();
    let telemetry = database(dir.path()).await;
    let server = server_with(&bench, &anna.workspace.root, &telemetry).await;
    let pack = get(&server, &packs("development")).await;
    let pack = Pack::parse(&pack.bytes().await.unwrap()).unwrap();
    let rollout = pack
        .files
        .iter()
        .find(|(key, _)| key.ends_with(".rollout.json") && key.starts_with("targets/"));
    let rollout: headgate_core::RolloutDocument = serde_json::from_str(rollout.unwrap().1).unwrap();
    let report = |running: Option<u32>, states: &[&str]| {
        let events: Vec<_> = states
            .iter()
            .map(|state| json!({"build": 1, "attempt": rollout.attempt(), "state": state, "at": 4_000_000_000_i64}))
            .collect();
        json!({"install": INSTALL, "channel": "Development", "platform": "android", "native": "4.2.0",
            "client": "0.1.0", "running": running, "events": events})
        .to_string()
    };
    let said = post(&server, &events(), report(None, &[])).await;
    assert_eq!(said.status(), 200);
    let said = post(
        &server,
        &events(),
        report(Some(1), &["downloaded", "applied", "confirmed"]),
    )
    .await;
    assert_eq!(said.status(), 200);
    assert_eq!(read(said).await["accepted"], 3);
    // Another process reads the file without this one being stopped.
    let other = database(dir.path()).await;
    let installs = other.install(INSTALL).await.unwrap();
    assert_eq!(installs.len(), 1);
    assert!(
        installs[0]
            .events
            .iter()
            .any(|e| e.state == DeviceState::Confirmed)
    );
    let workspace = &installs[0].workspace;
    let cells = other.cells(workspace, 0, 100).await.unwrap().cells;
    let confirmed = cells.iter().find_map(|cell| match cell {
        Cell::Outcome(outcome) => outcome.states.get(&DeviceState::Confirmed),
        _ => None,
    });
    assert_eq!(confirmed, Some(&1));
}

#[tokio::test]
async fn a_report_that_is_none_is_refused_and_nothing_of_it_is_stored() {
    let bench = bench();
    let anna = bench.first("anna").await;
    let server = server(&bench, &anna.workspace.root).await;
    let good = json!({"install": "i", "channel": "development", "platform": "ios", "native": "1", "client": "1"});
    let with = |field: &str, value: serde_json::Value| {
        let mut report = good.clone();
        report[field] = value;
        report.to_string()
    };
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let event = json!({"build": 1, "attempt": "a", "state": "confirmed", "at": 0});
    for bad in [
        String::new(),
        "null".into(),
        "{}".into(),
        deep,
        "{\"install\":\"i\"".into(),
        with("install", json!("")),
        with("install", json!("x".repeat(65))),
        with("install", json!({"a": 1})),
        with("native", json!("\u{0}")),
        with("platform", json!("windows")),
        with("running", json!(-1)),
        with("running", json!(1e99)),
        with("events", json!(vec![event; 101])),
        with(
            "events",
            json!([{"build": 0, "attempt": "a", "state": "confirmed", "at": 0}]),
        ),
        with(
            "events",
            json!([{"build": 1, "attempt": "a", "state": "happy", "at": 0}]),
        ),
        with("__proto__", json!({})),
    ] {
        let shown: String = bad.chars().take(60).collect();
        let response = post(&server, &events(), bad).await;
        assert_eq!(response.status(), 400, "{shown}");
        assert_eq!(read(response).await["error"], "usage.argument", "{shown}");
    }
    assert_eq!(
        post(&server, &events(), good.to_string()).await.status(),
        200
    );
    let unknown = with("channel", json!("nowhere"));
    assert_eq!(post(&server, &events(), unknown).await.status(), 404);
    let other = post(&server, "/headgate/com.other/events", good.to_string()).await;
    assert_eq!(other.status(), 404);
    let huge = post(&server, &events(), vec![b' '; 70_000]).await;
    assert_eq!(huge.status(), 413);
}
