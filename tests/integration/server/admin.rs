//! What operators and consoles ask.

use headgate_core::status::{InstallReport, StatusPage};
use headgate_tests::{APP, bench, scratch, ship};
use reqwest::Client;
use serde_json::json;

use super::fixture::{INSTALL, TOKEN, ask, database, post, server, server_with};

#[tokio::test]
async fn nothing_is_said_without_the_token() {
    let bench = bench();
    let anna = bench.first("anna").await;
    let server = server(&bench, &anna.workspace.root).await;
    let base = format!("http://{}", server.admin_addr.unwrap());
    let client = Client::new();
    for path in ["/status/x", "/installs/x", "/registries", "/metrics"] {
        let url = format!("{base}{path}");
        assert_eq!(
            client.get(&url).send().await.unwrap().status(),
            401,
            "{path}"
        );
        for token in [
            "",
            "x",
            &TOKEN[1..],
            &format!("{TOKEN}x"),
            &TOKEN.to_uppercase(),
        ] {
            let response = client.get(&url).bearer_auth(token).send().await.unwrap();
            assert_eq!(response.status(), 401, "{path} with {token:?}");
        }
        let basic = client.get(&url).basic_auth("bearer", Some(TOKEN));
        assert_eq!(basic.send().await.unwrap().status(), 401, "{path}");
    }
    let nudge = client.post(format!("{base}/nudge")).send().await.unwrap();
    assert_eq!(nudge.status(), 401);
    let health = client.get(format!("{base}/healthz")).send().await.unwrap();
    assert_eq!(health.status(), 200);
    // The device listener knows none of it.
    let url = format!("http://{}/status/{APP}", server.device_addr);
    let elsewhere = client.get(url).bearer_auth(TOKEN).send().await.unwrap();
    assert_eq!(elsewhere.status(), 404);
}

#[tokio::test]
async fn a_console_learns_what_devices_run_and_why_one_gets_what_it_gets() {
    let bench = bench();
    let anna = bench.first("anna").await;
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    let dir = scratch();
    let telemetry = database(dir.path()).await;
    let server = server_with(&bench, &anna.workspace.root, &telemetry).await;
    let report = json!({"install": INSTALL.to_uppercase(), "channel": "development", "platform": "ios",
        "native": "4.2.0", "client": "0.1.0"});
    let said = post(
        &server,
        &format!("/headgate/{APP}/events"),
        report.to_string(),
    )
    .await;
    assert_eq!(said.status(), 200);
    telemetry.flush().await.unwrap();

    let page = ask(&server, &format!("/status/{APP}?after=0&limit=1")).await;
    let page: StatusPage = serde_json::from_slice(&page.bytes().await.unwrap()).unwrap();
    assert_eq!(page.cells.len(), 1);
    assert!(page.more && page.next > 0);
    assert_eq!(page.epoch, telemetry.epoch());
    assert_eq!(page.channels.len(), 3);
    assert_eq!(page.channels[0].channel.as_str(), "development");
    assert!(page.channels[0].attempt.is_some() && page.channels[0].withheld.is_none());
    // The workspace's identity holds a '#'.
    let root: serde_json::Value = serde_json::from_slice(&anna.workspace.root).unwrap();
    let workspace = root["signed"]["x-headgate"]["workspace"].as_str().unwrap();
    let workspace = workspace.replace('#', "%23");
    let same = ask(&server, &format!("/status/{workspace}")).await;
    assert_eq!(same.status(), 200);

    let installs = ask(&server, &format!("/installs/{INSTALL}")).await;
    let installs: Vec<InstallReport> =
        serde_json::from_slice(&installs.bytes().await.unwrap()).unwrap();
    assert_eq!(installs.len(), 1);
    assert_eq!(installs[0].offer.offer, "release");
    assert_eq!(installs[0].offer.build, Some(1));
    assert!(installs[0].offer.consistent() && !installs[0].offer.trace.is_empty());
    let none = ask(&server, "/installs/nobody").await;
    assert_eq!(none.text().await.unwrap(), "[]");
    for (path, status) in [
        ("/status/com.other", 404),
        ("/status/com.acme.field?after=x", 400),
        ("/status/com.acme.field?limit=-1", 400),
    ] {
        assert_eq!(ask(&server, path).await.status(), status, "{path}");
    }
}

#[tokio::test]
async fn metrics_say_what_is_offered_and_what_is_withheld() {
    let bench = bench();
    let anna = bench.first("anna").await;
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    let server = server(&bench, &anna.workspace.root).await;
    super::fixture::offered(server.state(), "development");
    super::fixture::offered(server.state(), "staging");
    let path = format!("/headgate/{APP}/packs/development.json");
    super::fixture::get(&server, &path).await;
    bench.clock.days(31);
    let text = ask(&server, "/metrics").await.text().await.unwrap();
    for line in [
        "headgate_checks_total{dialect=\"headgate\",answer=\"release\"} 1",
        "headgate_nothing_total{dialect=\"headgate\",why=\"nothing_served\"} 1",
        "headgate_channel_withheld{app=\"com.acme.field\",channel=\"main.development\",why=\"stale\"} 1",
        "headgate_poll_failures{app=\"com.acme.field\"} 0",
        "headgate_requests_total{listener=\"devices\",route=\"/headgate/{id}/packs/{file}\",status=\"200\"} 1",
    ] {
        assert!(text.contains(line), "{line} is missing in\n{text}");
    }
    assert!(!text.contains(INSTALL) && text.ends_with("# EOF\n"));
}
