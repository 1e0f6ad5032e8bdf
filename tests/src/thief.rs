//! Somebody who can write the storage and signs with keys that they stole.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use headgate_core::TopTargets;
use headgate_core::rollout::{Base, BaseRelease, RolloutDocument};
use headgate_registry::ChannelTargets;
use headgate_signer::KeyVault;
use headgate_tuf::metadata::{Hashes, MetaVersion, Root, Snapshot, TargetFile, Timestamp};
use headgate_tuf::{Envelope, Metadata, PublicKey, RoleBytes, UtcTime, sha256_hex};

use crate::Bench;

/// Highest integer that metadata can hold.
pub const LAST_NUMBER: u64 = 9_007_199_254_740_991;

/// An attacker. Everything is signed with every stolen key, whether a role accepts it or not.
pub struct Thief {
    storage: PathBuf,
    keys: Vec<(Arc<dyn KeyVault>, PublicKey)>,
}

impl Thief {
    /// Without keys yet.
    pub fn at(bench: &Bench) -> Self {
        Self::in_folder(bench.storage())
    }

    /// In any registry that lies in a folder.
    pub fn in_folder(storage: PathBuf) -> Self {
        Self {
            storage,
            keys: Vec::new(),
        }
    }

    /// Has stolen this key too.
    #[must_use]
    pub fn with(mut self, vault: &Arc<dyn KeyVault>, key: &PublicKey) -> Self {
        self.keys.push((Arc::clone(vault), key.clone()));
        self
    }

    fn path(&self, key: &str) -> PathBuf {
        self.storage.join(key)
    }

    /// What a metadata file says.
    pub fn read<M: Metadata>(&self, file: &str) -> M {
        let bytes = std::fs::read(self.path(&format!("metadata/{file}"))).unwrap();
        Envelope::parse(&bytes).unwrap().signed().parse().unwrap()
    }

    fn timestamp(&self) -> Timestamp {
        self.read("timestamp.json")
    }

    /// The committed version of a role.
    pub fn version(&self, role: &str) -> u64 {
        let snapshot: Snapshot =
            self.read(&format!("{}.snapshot.json", self.timestamp().snapshot()));
        snapshot.meta[&format!("{role}.json")].version
    }

    /// A channel role as its next version, on top of the committed one.
    pub fn next(&self, role: &str) -> ChannelTargets {
        let version = self.version(role);
        let file = format!("{version}.{role}.json");
        let mut meta: ChannelTargets = self.read(&file);
        let before = std::fs::read(self.path(&format!("metadata/{file}"))).unwrap();
        meta.version = version + 1;
        meta.x.prev = Some(sha256_hex(&before));
        meta.x.by = "mallory".into();
        meta
    }

    /// Signs and writes a file, and nothing besides.
    pub fn forge<M: Metadata>(&self, file: &str, meta: &M) {
        let bytes = RoleBytes::new(meta).unwrap();
        let mut envelope = Envelope::new(bytes.clone());
        for (vault, key) in &self.keys {
            envelope.add(key, vault.sign(key, &bytes).unwrap()).unwrap();
        }
        let path = self.path(&format!("metadata/{file}"));
        std::fs::write(path, envelope.to_bytes().unwrap()).unwrap();
    }

    /// Writes a role and makes it current.
    pub fn publish(&self, role: &str, meta: &ChannelTargets) {
        self.forge(&format!("{}.{role}.json", meta.version), meta);
        self.commit(|all| {
            let version = meta.version;
            all.insert(format!("{role}.json"), MetaVersion { version });
        });
    }

    /// A new snapshot and timestamp, for as long as the present ones.
    pub fn commit(&self, change: impl FnOnce(&mut BTreeMap<String, MetaVersion>)) {
        let timestamp = self.timestamp();
        self.fresh(1, timestamp.expires, change);
    }

    /// A new snapshot and timestamp so many versions ahead, current until this time.
    pub fn fresh(
        &self,
        ahead: u64,
        until: UtcTime,
        change: impl FnOnce(&mut BTreeMap<String, MetaVersion>),
    ) {
        let timestamp = self.timestamp();
        let file = format!("{}.snapshot.json", timestamp.snapshot());
        let mut snapshot: Snapshot = self.read(&file);
        let before = std::fs::read(self.path(&format!("metadata/{file}"))).unwrap();
        snapshot.version += ahead;
        snapshot.expires = until;
        snapshot.x.prev = Some(sha256_hex(&before));
        snapshot.x.by = "mallory".into();
        change(&mut snapshot.meta);
        self.forge(&format!("{}.snapshot.json", snapshot.version), &snapshot);
        let next = Timestamp::new(timestamp.version + ahead, until, snapshot.version);
        self.forge("timestamp.json", &next);
    }

    /// Approves on one channel what another one lists.
    pub fn approve(&self, build: u32, from: &str, to: &str) {
        let mut meta = self.next(&format!("main.{to}"));
        let (old, new) = (
            format!("main.{from}.release-{build}.json"),
            format!("main.{to}.release-{build}.json"),
        );
        let file = self.listed(from, build);
        let hash = &file.hashes.sha256;
        std::fs::copy(
            self.path(&format!("targets/{hash}.{old}")),
            self.path(&format!("targets/{hash}.{new}")),
        )
        .unwrap();
        meta.targets.insert(new, file);
        self.publish(&format!("main.{to}"), &meta);
    }

    fn listed(&self, channel: &str, build: u32) -> TargetFile {
        let role = format!("main.{channel}");
        let meta: ChannelTargets = self.read(&format!("{}.{role}.json", self.version(&role)));
        meta.targets[&format!("{role}.release-{build}.json")].clone()
    }

    /// Serves a build to everyone; its manifest is the one that `listed` lists.
    pub fn serve(&self, build: u32, listed: &str, channel: &str) {
        let manifest = self.listed(listed, build).hashes.sha256;
        self.rollout(channel, |document| {
            document.entries.clear();
            document.keep.clear();
            document.base = Base::Release(BaseRelease {
                release: build,
                manifest,
                native: None,
                rolled_back: true,
                opened: None,
            });
        });
    }

    /// Changes what a channel serves.
    pub fn rollout(&self, channel: &str, change: impl FnOnce(&mut RolloutDocument)) {
        let role = format!("main.{channel}.rollout");
        let target = format!("{role}.json");
        let mut meta = self.next(&role);
        let old = &meta.targets[&target].hashes.sha256;
        let old = std::fs::read(self.path(&format!("targets/{old}.{target}"))).unwrap();
        let mut document = RolloutDocument::parse(&old).unwrap();
        change(&mut document);
        let bytes = document.to_bytes().unwrap();
        let sha256 = sha256_hex(&bytes);
        std::fs::write(self.path(&format!("targets/{sha256}.{target}")), &bytes).unwrap();
        let length = bytes.len() as u64;
        let hashes = Hashes { sha256 };
        meta.targets.insert(target, TargetFile { length, hashes });
        self.publish(&role, &meta);
    }

    /// A next root in which this key alone counts for everything.
    pub fn usurp(&self, key: &PublicKey) {
        let roots = (1..).map(|n| format!("{n}.root.json"));
        let there = |name: &String| self.path(&format!("metadata/{name}")).exists();
        let mut root: Root = self.read(&roots.take_while(there).last().unwrap());
        let id = key.id().unwrap();
        root.version += 1;
        root.keys = BTreeMap::from([(id.clone(), key.clone())]);
        for role in root.roles.values_mut() {
            role.keyids = [id.clone()].into();
            role.threshold = 1;
        }
        self.forge(&format!("{}.root.json", root.version), &root);
    }

    /// Settings in which this key alone counts for every channel, and every role signed again.
    pub fn take_channels(&self, key: &PublicKey) {
        let version = self.version("targets");
        let mut top: TopTargets = self.read(&format!("{version}.targets.json"));
        let id = key.id().unwrap();
        top.version = version + 1;
        let delegations = top.delegations.as_mut().unwrap();
        delegations.keys = BTreeMap::from([(id.clone(), key.clone())]);
        for role in &mut delegations.roles {
            role.keyids = [id.clone()].into();
            role.threshold = 1;
        }
        let roles: Vec<String> = delegations.roles.iter().map(|r| r.name.clone()).collect();
        self.forge(&format!("{}.targets.json", top.version), &top);
        self.commit(|all| {
            let version = top.version;
            all.insert("targets.json".into(), MetaVersion { version });
        });
        for role in roles {
            self.publish(&role, &self.next(&role));
        }
    }

    /// Does something that must not be believed, and takes it back afterwards.
    pub async fn tries<T>(&self, act: impl FnOnce(&Self), look: impl Future<Output = T>) -> T {
        let kept = self.storage.with_extension("kept");
        crate::copy_tree(&self.storage.join("metadata"), &kept);
        act(self);
        let seen = look.await;
        let metadata = self.storage.join("metadata");
        std::fs::remove_dir_all(&metadata).unwrap();
        crate::copy_tree(&kept, &metadata);
        std::fs::remove_dir_all(&kept).unwrap();
        seen
    }
}
