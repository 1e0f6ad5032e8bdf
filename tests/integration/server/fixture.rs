//! A server in the test process, on the time of a bench.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use headgate_core::Platform;
use headgate_core::status::Dialect;
use headgate_engine::Clock as _;
use headgate_registry::StorageAddress;
use headgate_server::catalog::IdKind;
use headgate_server::serve::{Running as Server, Server as Starts};
use headgate_server::telemetry::sqlite::{Options, SqliteTelemetry};
use headgate_server::telemetry::{NoTelemetry, Telemetry};
use headgate_server::{
    AdminConfig, AppState, CheckIn, RegistryConfig, Reply, Running, ServerConfig,
};
use headgate_tests::{APP, Bench};
use reqwest::{Client, Response};
use serde_json::Value;

/// The admin token.
pub(crate) const TOKEN: &str = "token-of-the-tests-only";
/// An install.
pub(crate) const INSTALL: &str = "0e2f6d3a-0000-4000-8000-000000000001";

/// A bench's registry as a server is told of it.
pub(crate) fn registry_of(bench: &Bench, root: &[u8]) -> RegistryConfig {
    RegistryConfig {
        address: StorageAddress::Folder(bench.storage()),
        root: Bytes::copy_from_slice(root),
        objects: None,
    }
}

/// A server that polls when it is told to alone, on the bench's time.
pub(crate) fn config(bench: &Bench, registries: Vec<RegistryConfig>) -> ServerConfig {
    let mut config = ServerConfig::local(registries, Arc::new(NoTelemetry::default()));
    let clock = Arc::clone(&bench.clock);
    config.clock = Arc::new(move || clock.now());
    config.pace.poll = Duration::from_secs(3600);
    config.pace.gates = Duration::from_secs(3600);
    config.admin = Some(AdminConfig {
        listen: ([127, 0, 0, 1], 0).into(),
        token: TOKEN.into(),
    });
    config
}

/// Starts it, and reads everything once.
pub(crate) async fn start(config: ServerConfig) -> Server {
    let server = Starts::start(config).await.unwrap();
    server.read_now().await;
    server
}

/// The server of one bench.
pub(crate) async fn server(bench: &Bench, root: &[u8]) -> Server {
    start(config(bench, vec![registry_of(bench, root)])).await
}

/// The same with this telemetry.
pub(crate) async fn server_with(
    bench: &Bench,
    root: &[u8],
    telemetry: &Arc<dyn Telemetry>,
) -> Server {
    let mut config = config(bench, vec![registry_of(bench, root)]);
    config.telemetry = Arc::clone(telemetry);
    start(config).await
}

/// What an install on the embedded build gets from a channel of the bench's app, in one word; nothing for an app that
/// is not known.
pub(crate) fn offered(state: &AppState, channel: &str) -> String {
    offered_to(state, APP, channel)
}

/// The same of another app.
pub(crate) fn offered_to(state: &AppState, app: &str, channel: &str) -> String {
    let catalog = state.catalog();
    let Some(unit) = catalog.unit(IdKind::Capacitor, app) else {
        return "unknown app".into();
    };
    let check = CheckIn {
        dialect: Dialect::Headgate,
        install: Some(INSTALL),
        platform: Platform::Android,
        native: "4.2.0",
        plugin: None,
        running: Running::Embedded,
        earlier: None,
        network: None,
    };
    match state.check(unit, unit.channel(channel).unwrap(), &check) {
        Reply::Release(release) => format!("build {}", release.manifest.build),
        Reply::UpToDate => "up to date".into(),
        Reply::Embedded => "embedded".into(),
        Reply::Nothing(why) => why,
    }
}

/// A telemetry database in a folder.
pub(crate) async fn database(folder: &Path) -> Arc<dyn Telemetry> {
    let path = folder.join("t.sqlite");
    let opened = SqliteTelemetry::open(&path, Options::default()).await;
    Arc::new(opened.unwrap())
}

/// A request to the device listener.
pub(crate) async fn get(server: &Server, path: &str) -> Response {
    let url = format!("http://{}{path}", server.device_addr);
    Client::new().get(url).send().await.unwrap()
}

/// A body to the device listener.
pub(crate) async fn post(server: &Server, path: &str, body: impl Into<reqwest::Body>) -> Response {
    let url = format!("http://{}{path}", server.device_addr);
    Client::new().post(url).body(body).send().await.unwrap()
}

/// A request of an operator.
pub(crate) async fn ask(server: &Server, path: &str) -> Response {
    let url = format!("http://{}{path}", server.admin_addr.unwrap());
    let request = Client::new().get(url).bearer_auth(TOKEN);
    request.send().await.unwrap()
}

/// A nudge of an operator.
pub(crate) async fn nudge(server: &Server, path: &str) -> Response {
    let url = format!("http://{}{path}", server.admin_addr.unwrap());
    let request = Client::new().post(url).bearer_auth(TOKEN);
    request.send().await.unwrap()
}

/// An answer as JSON.
pub(crate) async fn json(response: Response) -> Value {
    serde_json::from_slice(&response.bytes().await.unwrap()).unwrap()
}

/// Waits until something is true, ten seconds at most.
pub(crate) async fn until(what: &str, mut done: impl FnMut() -> bool) {
    for _ in 0..1000 {
        if done() {
            return;
        }
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    panic!("{what} did not happen in time");
}
