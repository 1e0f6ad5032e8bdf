//! Clients that are slow, too many or hostile.

use std::sync::Arc;
use std::time::{Duration, Instant};

use headgate_server::serve::Running as Server;
use headgate_tests::{APP, bench, scratch, ship};
use serde_json::json;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

use super::fixture::{config, database, get, json as read, post, registry_of, start};

async fn connect(server: &Server) -> TcpStream {
    TcpStream::connect(server.device_addr).await.unwrap()
}

/// What a connection gets until it is closed.
async fn rest(stream: &mut TcpStream) -> String {
    let mut answer = Vec::new();
    let read = tokio::time::timeout(Duration::from_secs(20), stream.read_to_end(&mut answer));
    // A reset is an end too.
    let _ = read.await.unwrap();
    String::from_utf8_lossy(&answer).into_owned()
}

#[tokio::test]
async fn a_client_that_sends_no_headers_is_let_go() {
    let bench = bench();
    let anna = bench.first("anna").await;
    let mut config = config(&bench, vec![registry_of(&bench, &anna.workspace.root)]);
    config.limits.headers = Duration::from_millis(300);
    let server = start(config).await;
    let begun = Instant::now();
    let mut silent = connect(&server).await;
    let mut dripping = connect(&server).await;
    dripping
        .write_all(b"GET /healthz HTTP/1.1\r\nHost")
        .await
        .unwrap();
    for stream in [&mut silent, &mut dripping] {
        let said = rest(stream).await;
        assert!(!said.contains(" 200 "), "{said}");
    }
    assert!(begun.elapsed() >= Duration::from_millis(250));
    assert_eq!(get(&server, "/healthz").await.status(), 200);
}

#[tokio::test]
async fn a_body_that_does_not_come_is_answered_as_the_plugin_tolerates() {
    let bench = bench();
    let anna = bench.first("anna").await;
    let mut config = config(&bench, vec![registry_of(&bench, &anna.workspace.root)]);
    config.limits.request = Duration::from_millis(300);
    config.limits.idle = Duration::from_secs(1);
    let server = start(config).await;
    for (path, status) in [
        (format!("/headgate/{APP}/events"), " 503 "),
        ("/capgo/updates".into(), " 200 "),
        ("/capgo/stats".into(), " 503 "),
    ] {
        let mut stream = connect(&server).await;
        let head = format!("POST {path} HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{{");
        stream.write_all(head.as_bytes()).await.unwrap();
        let said = rest(&mut stream).await;
        assert!(said.contains(status), "{path}: {said}");
        if path == "/capgo/updates" {
            assert!(said.contains("\"kind\":\"blocked\""), "{said}");
        }
    }
}

#[tokio::test]
async fn places_are_few_and_are_given_back() {
    let bench = bench();
    let anna = bench.first("anna").await;
    let mut config = config(&bench, vec![registry_of(&bench, &anna.workspace.root)]);
    config.limits.connections = 2;
    config.limits.headers = Duration::from_millis(500);
    let server = start(config).await;
    let mut holding = Vec::new();
    for _ in 0..6 {
        holding.push(connect(&server).await);
    }
    // It waits for a place, and gets one when those before it are let go.
    let answered = tokio::time::timeout(Duration::from_secs(20), get(&server, "/healthz"));
    assert_eq!(answered.await.unwrap().status(), 200);
}

#[tokio::test]
async fn a_flood_of_one_network_is_answered_as_usual_and_not_stored() {
    let bench = bench();
    let anna = bench.first("anna").await;
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    let dir = scratch();
    let telemetry = database(dir.path()).await;
    let mut config = config(&bench, vec![registry_of(&bench, &anna.workspace.root)]);
    config.telemetry = Arc::clone(&telemetry);
    config.limits.per_network = 5;
    let server = start(config).await;
    let check = |number: u32| {
        json!({"platform": "android", "device_id": format!("00000000-0000-4000-8000-{number:012}"),
            "app_id": APP, "version_build": "4.2.0", "version_code": "1", "version_os": "14",
            "version_name": "builtin", "plugin_version": "8.51.23", "is_emulator": false,
            "is_prod": true, "custom_id": "", "defaultChannel": "development"})
        .to_string()
    };
    let mut statuses = std::collections::BTreeSet::new();
    for number in 0..40 {
        let response = post(&server, "/capgo/updates", check(number)).await;
        statuses.insert(response.status().as_u16());
        assert!(read(response).await["url"].is_string());
    }
    assert_eq!(statuses.into_iter().collect::<Vec<_>>(), [200]);
    server.stop().await.unwrap();
    let mut stored = 0;
    for number in 0..40 {
        let id = format!("00000000-0000-4000-8000-{number:012}");
        stored += telemetry.install(&id).await.unwrap().len();
    }
    assert!((5..10).contains(&stored), "{stored} were stored");
}

#[tokio::test]
async fn a_sandbox_answers_no_page_and_no_other_name() {
    let bench = bench();
    let anna = bench.first("anna").await;
    let mut config = config(&bench, vec![registry_of(&bench, &anna.workspace.root)]);
    config.local_only = true;
    let server = start(config).await;
    assert_eq!(get(&server, "/healthz").await.status(), 200);
    let ask = |name: &'static str, value: &'static str| {
        let url = format!("http://{}/healthz", server.device_addr);
        reqwest::Client::new().get(url).header(name, value).send()
    };
    assert_eq!(ask("host", "evil.test").await.unwrap().status(), 403);
    assert_eq!(
        ask("origin", "http://evil.test").await.unwrap().status(),
        403
    );
}
