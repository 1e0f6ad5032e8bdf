//! A registry with one release on all three channels, and the means to attack it.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use headgate_core::{Code, Result, TopTargets};
use headgate_engine::{OpenVault as _, VaultChoice};
use headgate_registry::{ChannelTargets, Expiry, HighWater, View};
use headgate_signer::KeyVault;
use headgate_tests::{Bench, Person, Seen, bench, promote, ship};
use headgate_tuf::metadata::{MetaVersion, Snapshot, Timestamp};
use headgate_tuf::{Envelope, Metadata, PublicKey, RoleBytes, UtcTime};

/// The commit point.
pub(crate) const TIMESTAMP: &str = "metadata/timestamp.json";

/// The registry: timestamp and snapshot at version 4, every channel role at 2.
pub(crate) struct Registry {
    pub(crate) bench: Bench,
    pub(crate) anna: Person,
    /// Pinned.
    pub(crate) root: Vec<u8>,
    /// Signs root, targets and approvals.
    pub(crate) release: PublicKey,
    /// Signs rollouts and freshness.
    pub(crate) online: PublicKey,
}

/// Builds it.
pub(crate) async fn registry() -> Registry {
    seeded("ours").await
}

/// Builds one whose identity follows from a seed.
pub(crate) async fn seeded(seed: &'static str) -> Registry {
    let mut bench = bench();
    bench.seed = seed;
    let anna = bench.first("anna").await;
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    promote(&anna, 1, "development", "staging").await.unwrap();
    promote(&anna, 1, "staging", "production").await.unwrap();
    let keys = anna.console.keys(&anna.workspace.id).await.unwrap();
    let of = |role: &str| {
        let found = keys.iter().find(|k| k.roles.contains(&role.to_owned()));
        found.unwrap().public.clone()
    };
    let (release, online) = (of("root"), of("timestamp"));
    let root = anna.workspace.root.clone();
    Registry {
        bench,
        anna,
        root,
        release,
        online,
    }
}

impl Registry {
    /// Where an object lies.
    pub(crate) fn path(&self, key: &str) -> PathBuf {
        self.bench.storage().join(key)
    }

    /// Its bytes.
    pub(crate) fn bytes(&self, key: &str) -> Vec<u8> {
        std::fs::read(self.path(key)).unwrap()
    }

    /// Writes it as someone with access to the storage would.
    pub(crate) fn put(&self, key: &str, bytes: &[u8]) {
        std::fs::write(self.path(key), bytes).unwrap();
    }

    /// The only object of a folder whose name ends so.
    pub(crate) fn only(&self, folder: &str, end: &str) -> String {
        let names = std::fs::read_dir(self.path(folder)).unwrap();
        let mut names = names.map(|n| n.unwrap().file_name().into_string().unwrap());
        let found: Vec<String> = names.by_ref().filter(|n| n.ends_with(end)).collect();
        assert_eq!(found.len(), 1, "{folder}/…{end}: {found:?}");
        format!("{folder}/{}", found[0])
    }

    /// Reads everything as a device without history.
    pub(crate) async fn device(&self) -> Result<Seen> {
        self.bench.device(&self.root).await
    }

    /// The code that a device refuses with.
    pub(crate) async fn refusal(&self) -> Code {
        match self.device().await {
            Ok(seen) => panic!("a device believed it: {seen:?}"),
            Err(problem) => problem.code,
        }
    }

    /// Verifies metadata with marks.
    pub(crate) async fn view(&self, marks: &HighWater, expiry: Expiry) -> Result<View> {
        View::read(&self.bench.store(), &self.root, marks, self.now(), expiry).await
    }

    /// The versions that a reader knows now.
    pub(crate) async fn marks(&self) -> HighWater {
        let view = self.view(&HighWater::default(), Expiry::Enforce).await;
        view.unwrap().marks()
    }

    pub(crate) fn now(&self) -> UtcTime {
        use headgate_engine::Clock as _;
        self.bench.clock.now()
    }

    pub(crate) fn vault(&self) -> Arc<dyn KeyVault> {
        self.bench.vault.open(&VaultChoice::Os, false).unwrap()
    }

    /// What a metadata file says.
    pub(crate) fn meta<M: Metadata>(&self, file: &str) -> M {
        let envelope = Envelope::parse(&self.bytes(&format!("metadata/{file}"))).unwrap();
        envelope.signed().parse().unwrap()
    }

    /// A channel role's newest version of the fixture.
    pub(crate) fn role(&self, role: &str) -> ChannelTargets {
        self.meta(&format!("2.{role}.json"))
    }

    /// The top-level targets of the fixture.
    pub(crate) fn targets(&self) -> TopTargets {
        self.meta("1.targets.json")
    }

    /// Signs with keys that somebody holds and writes the file.
    pub(crate) fn sign<M: Metadata>(&self, file: &str, meta: &M, keys: &[&PublicKey]) {
        let bytes = RoleBytes::new(meta).unwrap();
        let mut envelope = Envelope::new(bytes.clone());
        for key in keys {
            let signature = self.vault().sign(key, &bytes).unwrap();
            envelope.add(key, signature).unwrap();
        }
        self.put(&format!("metadata/{file}"), &envelope.to_bytes().unwrap());
    }

    /// A new snapshot and timestamp by the holder of the freshness key.
    pub(crate) fn commit(&self, change: impl FnOnce(&mut BTreeMap<String, MetaVersion>)) {
        let timestamp: Timestamp = self.meta("timestamp.json");
        let mut snapshot: Snapshot = self.meta(&format!("{}.snapshot.json", timestamp.snapshot()));
        snapshot.version += 1;
        change(&mut snapshot.meta);
        let file = format!("{}.snapshot.json", snapshot.version);
        self.sign(&file, &snapshot, &[&self.online]);
        self.timestamp(timestamp.version + 1, snapshot.version, timestamp.expires);
    }

    /// A new timestamp by the holder of the freshness key.
    pub(crate) fn timestamp(&self, version: u64, snapshot: u64, expires: UtcTime) {
        let meta = Timestamp::new(version, expires, snapshot);
        self.sign("timestamp.json", &meta, &[&self.online]);
    }
}

/// A version in a snapshot.
pub(crate) fn at(version: u64) -> MetaVersion {
    MetaVersion { version }
}
