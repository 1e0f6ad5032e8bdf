//! Clients that others wrote, and a plain web server in front of a registry. `cargo xtask test` installs them and
//! names them in the environment.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};

use headgate_tuf::Envelope;
use serde::Deserialize;

/// The unit that every test of these clients ships.
pub const UNIT: &str = "main";

/// A TUF client that others wrote.
#[derive(Debug, Clone, Copy)]
pub enum Updater {
    /// python-tuf's ngclient.
    Python,
    /// tuf-js.
    Node,
}

/// What a client found, in the words of the scripts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Found {
    /// Version of the channel's rollout role.
    pub rollout_version: u64,
    /// Build number of the newest release.
    pub build: u32,
    /// SHA-256 of its release manifest, hex.
    pub manifest: String,
    /// SHA-256 of its bundle, hex.
    pub bundle: String,
    /// Version of the newest root.
    pub root_version: u64,
    /// Version of the timestamp.
    pub timestamp_version: u64,
    /// Version of the snapshot.
    pub snapshot_version: u64,
}

impl Updater {
    /// Starts it on a registry: `root` is all that it is given, `state` is what it trusted last time, if it is there.
    pub fn start(self, url: &str, root: &Path, state: &Path, channel: &str) -> Child {
        let mut command = match self {
            Self::Python => script("HEADGATE_PYTHON", "ngclient.py"),
            Self::Node => script("HEADGATE_NODE", "tufjs.mjs"),
        };
        let args: [&OsStr; 5] = [
            url.as_ref(),
            root.as_ref(),
            state.as_ref(),
            UNIT.as_ref(),
            channel.as_ref(),
        ];
        command.args(args).spawn().unwrap()
    }

    /// Runs it to its end. The server may be on this runtime: it goes on while this thread waits.
    pub fn run(self, url: &str, root: &Path, state: &Path, channel: &str) -> Output {
        let child = self.start(url, root, state, channel);
        tokio::task::block_in_place(|| child.wait_with_output().unwrap())
    }
}

/// A script of `tests/interop`, run by the interpreter that a variable names.
pub fn script(program: &str, script: &str) -> Command {
    let mut command = Command::new(env(program));
    command.arg(env("HEADGATE_INTEROP").join(script));
    // The registry is on this machine: no proxy knows it.
    command
        .env("NO_PROXY", "127.0.0.1")
        .env("no_proxy", "127.0.0.1");
    command
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn env(name: &str) -> PathBuf {
    let set = std::env::var_os(name).filter(|value| !value.is_empty());
    set.map(PathBuf::from)
        .unwrap_or_else(|| panic!("{name} is not set: start this with cargo xtask test"))
}

/// The JSON that a program printed; it must have succeeded.
pub fn printed<T: for<'de> Deserialize<'de>>(output: &Output) -> T {
    assert!(
        output.status.success(),
        "{}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Why a client refused. A client that crashed, or said something besides, is no refusal.
pub fn refusal(output: &Output) -> String {
    let reason = String::from_utf8_lossy(&output.stderr).into_owned();
    let said = String::from_utf8_lossy(&output.stdout);
    assert_eq!(
        output.status.code(),
        Some(1),
        "this must be refused: {said}{reason}"
    );
    assert_eq!(said, "", "a client that refuses prints no result");
    reason
}

/// Serves a folder on 127.0.0.1 without any header of its own; gives its URL.
pub async fn serve_folder(folder: &Path) -> String {
    let listener = tokio::net::TcpListener::bind(("127.0.0.1", 0))
        .await
        .unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let app = axum::Router::new().fallback_service(tower_http::services::ServeDir::new(folder));
    tokio::spawn(async move { axum::serve(listener, app).await.unwrap() });
    url
}

/// Takes all signatures but the first from the newest version of a role: the state before the others signed.
pub fn leave_one_signature(storage: &Path, role: &str) {
    let newest = fs::read_dir(storage.join("metadata"))
        .unwrap()
        .flatten()
        .filter_map(|file| {
            let name = file.file_name().into_string().unwrap();
            let version = name.strip_suffix(&format!(".{role}.json"))?;
            Some((version.parse::<u64>().ok()?, file.path()))
        });
    let (_, path) = newest.max().unwrap();
    let envelope = Envelope::parse(&fs::read(&path).unwrap()).unwrap();
    let one = envelope.entries().remove(0);
    let half = Envelope::with_entries(envelope.signed().clone(), &[one]).unwrap();
    fs::write(path, half.to_bytes().unwrap()).unwrap();
}
