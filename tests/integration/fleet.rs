//! The fleet and the reference device against the real update server.
#![expect(clippy::unwrap_used, reason = "a test that cannot look has failed")]

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use headgate_core::settings::Delivers;
use headgate_core::status::Dialect;
use headgate_device::fleet::{Fleet, FleetOptions, FleetStats};
use headgate_engine::Clock as _;
use headgate_registry::StorageAddress;
use headgate_server::serve::{Running, Server, system_clock};
use headgate_server::telemetry::{NoTelemetry, Telemetry};
use headgate_server::{RegistryConfig, ServerConfig};
use headgate_tests::{APP, Bench, Person, Phone, bench, reached, ship};
use headgate_tuf::Name;

/// A bench on today's clock, which a fleet goes by.
async fn today() -> (Bench, Person) {
    let bench = bench();
    let now = system_clock()().unix();
    bench.clock.advance(now - bench.clock.now().unix());
    let anna = bench.first("anna").await;
    // Ionic's clients want single files.
    let (console, id) = (&anna.console, &anna.workspace.id);
    let delivers = Delivers::parse("zip,files").unwrap();
    let job = console.set_delivers(id, delivers).await.unwrap();
    anna.receipt(&job).await.unwrap();
    (bench, anna)
}

async fn serve(bench: &Bench, anna: &Person, telemetry: Arc<dyn Telemetry>) -> Running {
    let registry = RegistryConfig {
        address: StorageAddress::Folder(bench.storage()),
        root: Bytes::copy_from_slice(&anna.workspace.root),
        objects: None,
    };
    let mut config = ServerConfig::local(vec![registry], telemetry);
    let clock = Arc::clone(&bench.clock);
    config.clock = Arc::new(move || clock.now());
    config.pace.poll = Duration::from_secs(3_600);
    config.pace.gates = Duration::from_secs(3_600);
    let server = Server::start(config).await.unwrap();
    server.read_now().await;
    server
}

fn options(server: &Running, anna: &Person, dialects: &[Dialect]) -> FleetOptions {
    let url = format!("http://{}", server.device_addr);
    let root = String::from_utf8(anna.workspace.root.clone()).unwrap();
    let unit = Name::new("main").unwrap();
    let mut options = FleetOptions::new(&url, APP, unit, &root, "development");
    options.devices = 40;
    options.dialects = dialects.iter().map(|d| (*d, 1)).collect();
    options.every = Duration::from_millis(40);
    options.ramp = Duration::from_millis(100);
    options.rounds = Some(4);
    options
}

async fn run(options: FleetOptions) -> FleetStats {
    let fleet = Fleet::start(options).unwrap();
    let whole = tokio::time::timeout(Duration::from_secs(120), fleet.wait());
    whole.await.unwrap();
    fleet.stats()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_reference_device_follows_the_real_server() {
    let (bench, anna) = today().await;
    let build = bench.build("one");
    ship(&anna, &build, "development").await.unwrap();
    let server = serve(&bench, &anna, Arc::new(NoTelemetry::default())).await;
    let install = reached(&bench.storage(), "development");
    // A signed alias names the channel as well.
    for channel in ["development", "Development"] {
        let options = Phone::options(&anna.workspace.root, channel, &install, &bench.clock);
        let mut phone = Phone::at(&format!("http://{}", server.device_addr), options);
        assert_eq!(phone.settle().await, Some(1), "{channel}");
    }
    let options = Phone::options(&anna.workspace.root, "development", &install, &bench.clock);
    let mut phone = Phone::at(&format!("http://{}", server.device_addr), options);
    assert_eq!(phone.settle().await, Some(1));
    let build = bench.build("two");
    ship(&anna, &build, "development").await.unwrap();
    server.read_now().await;
    assert_eq!(phone.settle().await, Some(2));
    // Expired for the server too: it hands out nothing, and the device keeps what it runs.
    bench.clock.days(40);
    server.read_now().await;
    phone.gets_nothing("withheld").await;
    assert_eq!(phone.build(), Some(2));
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn every_device_of_a_fleet_ends_on_what_the_channel_serves() {
    let (bench, anna) = today().await;
    let build = bench.build("one");
    ship(&anna, &build, "development").await.unwrap();
    let server = serve(&bench, &anna, Arc::new(NoTelemetry::default())).await;
    let stats = run(options(&server, &anna, &Dialect::ALL)).await;
    assert_eq!(stats.problems, Default::default(), "{stats:#?}");
    assert_eq!(stats.running["1"], 40, "{stats:#?}");
    assert_eq!(stats.total.confirmed, 40, "{stats:#?}");
    assert_eq!(stats.total.checks, 160, "{stats:#?}");
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_bad_release_fails_on_its_share_of_the_devices_and_the_same_ones_every_time() {
    let (bench, anna) = today().await;
    let build = bench.build("one");
    ship(&anna, &build, "development").await.unwrap();
    let server = serve(&bench, &anna, Arc::new(NoTelemetry::default())).await;
    let failing = |seed| {
        let mut options = options(&server, &anna, &[Dialect::Headgate, Dialect::Capgo]);
        options.devices = 60;
        options.failure.permille = 300;
        options.failure.builds = [1].into();
        options.seed = seed;
        options
    };
    let first = run(failing(7)).await;
    assert_eq!(first.problems, Default::default(), "{first:#?}");
    let bad = first.total.rolled_back;
    assert!((8..30).contains(&bad), "{first:#?}");
    assert_eq!(first.total.confirmed, 60 - bad);
    // A device does not try it again in the same attempt.
    assert_eq!(first.running["embedded"], bad);
    let again = run(failing(7)).await;
    assert_eq!(again.dialects, first.dialects);
    assert_eq!(again.running, first.running);
    server.stop().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_fleet_can_be_stopped_and_says_what_is_wrong_with_it() {
    let (bench, anna) = today().await;
    let server = serve(&bench, &anna, Arc::new(NoTelemetry::default())).await;
    let mut good = options(&server, &anna, &[Dialect::Capgo]);
    good.rounds = None;
    good.every = Duration::from_secs(3_600);
    let fleet = Fleet::start(good.clone()).unwrap();
    let stopped = tokio::time::timeout(Duration::from_secs(10), fleet.stop());
    stopped.await.unwrap();
    for (field, change) in [
        (
            "devices",
            Box::new(|o: &mut FleetOptions| o.devices = 0) as Box<dyn Fn(&mut FleetOptions)>,
        ),
        ("dialects", Box::new(|o| o.dialects.clear())),
        ("natives", Box::new(|o| o.natives.clear())),
        ("failure-rate", Box::new(|o| o.failure.permille = 1_001)),
        ("concurrency", Box::new(|o| o.concurrency = 0)),
        ("server", Box::new(|o| o.server = "nowhere".into())),
    ] {
        let mut bad = good.clone();
        change(&mut bad);
        let problem = Fleet::start(bad).unwrap_err();
        assert_eq!(problem.field.as_deref(), Some(field), "{problem}");
    }
}
