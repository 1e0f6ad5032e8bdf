//! Starting the clients and zip readers of others. `cargo xtask test interop` installs them and names them in the
//! environment.

use std::ffi::OsStr;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use serde::Deserialize;

use super::bench::{UNIT, copy_folder};

/// What a client found, in the words of the scripts.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Found {
    pub(crate) rollout_version: u64,
    pub(crate) build: u32,
    pub(crate) manifest: String,
    pub(crate) bundle: String,
    pub(crate) root_version: u64,
    pub(crate) timestamp_version: u64,
    pub(crate) snapshot_version: u64,
}

impl Found {
    /// No version of `self` is below the one in `before`.
    fn not_before(&self, before: &Self) -> bool {
        self.root_version >= before.root_version
            && self.timestamp_version >= before.timestamp_version
            && self.snapshot_version >= before.snapshot_version
    }
}

/// What a zip reader found.
#[derive(Debug, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Read {
    pub(crate) entries: u64,
    pub(crate) bytes: u64,
    /// SHA-256 over the sorted lines `SHA-256 of the content, space, name`.
    pub(crate) digest: String,
}

fn env(name: &str) -> PathBuf {
    let set = std::env::var_os(name).filter(|value| !value.is_empty());
    set.map(PathBuf::from)
        .unwrap_or_else(|| panic!("{name} is not set: start this with cargo xtask test interop"))
}

fn command(program: &str, script: &str) -> Command {
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

/// python-tuf and tuf-js, each with a folder of what it trusted last.
pub(crate) struct Clients {
    root: PathBuf,
    states: PathBuf,
    before: Option<[Found; 2]>,
    fresh: usize,
}

impl Clients {
    /// `root` is all that they are given; their states go below `states`.
    pub(crate) fn new(root: &Path, states: &Path) -> Self {
        fs::create_dir_all(states).unwrap();
        let pinned = states.join("pinned.json");
        fs::copy(root, &pinned).unwrap();
        Self {
            root: pinned,
            states: states.to_owned(),
            before: None,
            fresh: 0,
        }
    }

    /// Clients that start in another folder from what these trust now.
    pub(crate) fn fork(&self, states: &Path) -> Self {
        copy_folder(&self.states, states);
        Self {
            root: self.root.clone(),
            states: states.to_owned(),
            before: self.before.clone(),
            fresh: 0,
        }
    }

    /// Both clients, without any state and with the state of last time, agree on what the channel serves;
    /// no version goes back.
    pub(crate) fn agree(&mut self, url: &str, channel: &str) -> Found {
        let found = self.update(url, channel);
        for fresh in self.fresh(url, channel).map(|output| found_in(&output)) {
            assert_eq!(
                fresh, found,
                "{url} {channel}: a new client and one that was there before differ"
            );
        }
        found
    }

    /// Both clients go on from the state of last time.
    pub(crate) fn update(&mut self, url: &str, channel: &str) -> Found {
        let now = run_both(url, &self.root, &self.states, channel).map(|output| found_in(&output));
        assert_eq!(
            now[0], now[1],
            "{url} {channel}: python-tuf and tuf-js differ"
        );
        for (before, now) in self.before.iter().flatten().zip(&now) {
            assert!(
                now.not_before(before),
                "{url} {channel}: a version went back: {before:?}, then {now:?}"
            );
        }
        let found = now[0].clone();
        self.before = Some(now);
        found
    }

    /// Both clients refuse, without a state; gives their reasons.
    pub(crate) fn refuse(&mut self, url: &str, channel: &str) -> [String; 2] {
        self.fresh(url, channel).map(|output| refusal(&output))
    }

    /// Both clients refuse because of what they saw last time; gives their reasons.
    pub(crate) fn refuse_to_go_back(&self, url: &str, channel: &str) -> [String; 2] {
        run_both(url, &self.root, &self.states, channel).map(|output| refusal(&output))
    }

    fn fresh(&mut self, url: &str, channel: &str) -> [Output; 2] {
        self.fresh += 1;
        run_both(
            url,
            &self.root,
            &self.states.join(format!("fresh-{}", self.fresh)),
            channel,
        )
    }
}

/// Runs python-tuf and tuf-js at the same time.
fn run_both(url: &str, root: &Path, states: &Path, channel: &str) -> [Output; 2] {
    let start = |mut command: Command, name: &str| {
        let state = states.join(name);
        let args: [&OsStr; 5] = [
            url.as_ref(),
            root.as_ref(),
            state.as_ref(),
            UNIT.as_ref(),
            channel.as_ref(),
        ];
        command.args(args).spawn().unwrap()
    };
    let python = start(command("HEADGATE_PYTHON", "ngclient.py"), "python-tuf");
    let node = start(command("HEADGATE_NODE", "tufjs.mjs"), "tuf-js");
    // The server runs on this runtime: it must go on while this thread waits.
    tokio::task::block_in_place(|| [python, node].map(|child| child.wait_with_output().unwrap()))
}

fn found_in(output: &Output) -> Found {
    json(output)
}

fn json<T: for<'de> Deserialize<'de>>(output: &Output) -> T {
    assert!(
        output.status.success(),
        "{}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr)
    );
    serde_json::from_slice(&output.stdout).unwrap()
}

/// Why a client refused. A client that crashed, or said something besides, is no refusal.
fn refusal(output: &Output) -> String {
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

/// Java's `ZipInputStream` and Python's zipfile.
pub(crate) fn read_zip(zip: &Path) -> [(&'static str, Read); 2] {
    let java = command("HEADGATE_JAVA", "ReadZip.java")
        .arg(zip)
        .spawn()
        .unwrap();
    let python = command("HEADGATE_PYTHON", "readzip.py")
        .arg(zip)
        .spawn()
        .unwrap();
    let read = |name, child: std::process::Child| (name, json(&child.wait_with_output().unwrap()));
    tokio::task::block_in_place(|| [read("ZipInputStream", java), read("zipfile", python)])
}
