//! What is served is what was signed, each channel by itself.

use std::sync::Arc;

use headgate_core::Platform;
use headgate_core::status::Dialect;
use headgate_server::catalog::IdKind;
use headgate_server::telemetry::NoTelemetry;
use headgate_server::{AppState, CheckIn, Reply, Running};
use headgate_tests::{APP, bench, promote, ship};

/// What an install gets that asks as a device of Headgate's own dialect.
fn asks(state: &AppState, channel: &str, running: Running) -> Reply {
    let catalog = state.catalog();
    let unit = catalog.unit(IdKind::Capacitor, APP).unwrap();
    let channel = unit.channel(channel).unwrap();
    let check = CheckIn {
        dialect: Dialect::Headgate,
        install: Some("0e2f6d3a-0000-4000-8000-000000000001"),
        platform: Platform::Android,
        native: "4.2.0",
        plugin: None,
        running,
        earlier: None,
        network: None,
    };
    state.check(unit, channel, &check)
}

#[tokio::test]
async fn what_a_console_ships_is_offered_on_its_channel_and_no_other() {
    let bench = bench();
    let anna = bench.first("anna").await;
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    let root = &anna.workspace.root;
    let state = bench.serving(root, Arc::new(NoTelemetry::default())).await;
    let Reply::Release(release) = asks(&state, "Development", Running::Embedded) else {
        panic!("nothing is offered");
    };
    assert_eq!(release.manifest.build, 1);
    assert!(!release.inventory.files.is_empty());
    let reply = asks(&state, "development", Running::Build(1));
    assert!(matches!(reply, Reply::UpToDate), "{reply:?}");
    let reply = asks(&state, "staging", Running::Embedded);
    assert!(
        matches!(&reply, Reply::Nothing(why) if why == "nothing_served"),
        "{reply:?}"
    );
    promote(&anna, 1, "development", "staging").await.unwrap();
    bench.serve(&state, root).await;
    let reply = asks(&state, "staging", Running::Embedded);
    assert!(matches!(reply, Reply::Release(_)), "{reply:?}");
    // Freshness ends after 30 days, without another reading.
    bench.clock.days(31);
    let reply = asks(&state, "staging", Running::Embedded);
    assert!(
        matches!(&reply, Reply::Nothing(why) if why == "stale"),
        "{reply:?}"
    );
}
