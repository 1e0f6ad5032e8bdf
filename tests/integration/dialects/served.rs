//! A registry with two releases in zip and single files, and a server that serves it.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::Arc;

use bytes::Bytes;
use headgate_core::settings::Delivers;
use headgate_engine::Clock as _;
use headgate_registry::StorageAddress;
use headgate_server::serve::{Running, Server, ServerConfig};
use headgate_server::source::RegistryConfig;
use headgate_server::telemetry::Telemetry;
use headgate_server::telemetry::sqlite::{Options, SqliteTelemetry};
use headgate_tests::{Bench, Person, bench, ship};

/// The channel that is shipped to, as its apps call it.
pub(crate) const CHANNEL: &str = "development";

/// A bench, a person who ships, and a server.
pub(crate) struct Served {
    pub(crate) bench: Bench,
    pub(crate) person: Person,
    pub(crate) server: Running,
    pub(crate) telemetry: Arc<dyn Telemetry>,
    /// Address of the server.
    pub(crate) url: String,
}

pub(crate) async fn served() -> Served {
    let bench = bench();
    let person = bench.first("anna").await;
    let delivers = Delivers::parse("zip,files").unwrap();
    let id = &person.workspace.id;
    let job = person.console.set_delivers(id, delivers).await.unwrap();
    person.receipt(&job).await.unwrap();
    let file = bench.dir.path().join("t.sqlite");
    let telemetry = SqliteTelemetry::open(&file, Options::default());
    let telemetry: Arc<dyn Telemetry> = Arc::new(telemetry.await.unwrap());
    let registry = RegistryConfig {
        address: StorageAddress::parse(&format!("file://{}", bench.storage().display())).unwrap(),
        root: Bytes::copy_from_slice(&person.workspace.root),
        objects: None,
    };
    let clock = Arc::clone(&bench.clock);
    let config = ServerConfig {
        clock: Arc::new(move || clock.now()),
        ..ServerConfig::local(vec![registry], Arc::clone(&telemetry))
    };
    let server = Server::start(config).await.unwrap();
    let url = format!("http://{}", server.device_addr);
    Served {
        bench,
        person,
        server,
        telemetry,
        url,
    }
}

impl Served {
    /// Ships a web build, and has the server read it.
    pub(crate) async fn ship(&self, build: &Path) {
        ship(&self.person, build, CHANNEL).await.unwrap();
        let health = self.server.read_now().await;
        assert!(health.iter().all(|h| h.problem.is_none()), "{health:?}");
    }
}

/// A script of `tests/interop/dialects`, run to its end. Gives its line of JSON.
///
/// # Panics
/// When it fails, with what it wrote.
pub(crate) async fn node(script: &str, args: &[&str]) -> serde_json::Value {
    let folder = PathBuf::from(std::env::var_os("HEADGATE_DIALECTS").unwrap());
    let mut command = Command::new("node");
    command.arg(folder.join(script)).args(args);
    let output = tokio::task::spawn_blocking(move || run(command))
        .await
        .unwrap();
    serde_json::from_slice(&output).unwrap()
}

/// Runs a program; the server is on this machine, so no proxy knows it.
pub(crate) fn run(mut command: Command) -> Vec<u8> {
    command
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1")
        .stdin(Stdio::null());
    let output = command.output().unwrap();
    assert!(
        output.status.success(),
        "{command:?}\n{}",
        String::from_utf8_lossy(&output.stderr)
    );
    output.stdout
}
