//! Clients of others that see every state, and zip readers of others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use headgate_tests::{Found, Updater, copy_tree, printed, refusal, script};
use serde::Deserialize;

/// No version of `now` is below the one in `before`.
fn not_before(now: &Found, before: &Found) -> bool {
    now.root_version >= before.root_version
        && now.timestamp_version >= before.timestamp_version
        && now.snapshot_version >= before.snapshot_version
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
        copy_tree(&self.states, states);
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
        for fresh in self
            .fresh(url, channel)
            .map(|output| printed::<Found>(&output))
        {
            assert_eq!(
                fresh, found,
                "{url} {channel}: a new client and one that was there before differ"
            );
        }
        found
    }

    /// Both clients go on from the state of last time.
    pub(crate) fn update(&mut self, url: &str, channel: &str) -> Found {
        let now = run_both(url, &self.root, &self.states, channel)
            .map(|output| printed::<Found>(&output));
        assert_eq!(
            now[0], now[1],
            "{url} {channel}: python-tuf and tuf-js differ"
        );
        for (before, now) in self.before.iter().flatten().zip(&now) {
            assert!(
                not_before(now, before),
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
    let start = |client: Updater, name: &str| client.start(url, root, &states.join(name), channel);
    let python = start(Updater::Python, "python-tuf");
    let node = start(Updater::Node, "tuf-js");
    // The server runs on this runtime: it must go on while this thread waits.
    tokio::task::block_in_place(|| [python, node].map(|child| child.wait_with_output().unwrap()))
}

/// Java's `ZipInputStream` and Python's zipfile.
pub(crate) fn read_zip(zip: &Path) -> [(&'static str, Read); 2] {
    let java = script("HEADGATE_JAVA", "ReadZip.java")
        .arg(zip)
        .spawn()
        .unwrap();
    let python = script("HEADGATE_PYTHON", "readzip.py")
        .arg(zip)
        .spawn()
        .unwrap();
    let read =
        |name, child: std::process::Child| (name, printed(&child.wait_with_output().unwrap()));
    tokio::task::block_in_place(|| [read("ZipInputStream", java), read("zipfile", python)])
}
