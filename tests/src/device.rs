//! Reading a registry as a device does, and all of it: nothing that is named may be missing or another.

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::{ChannelState, Code, Problem, Result};
use headgate_registry::{Expiry, HighWater, Store, View, documents, layout, silent};
use headgate_tuf::{RoleName, UtcTime, sha256_hex};

/// What a channel serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Served {
    /// Build of the newest rollout or the base; nothing before the first release.
    pub build: Option<u32>,
    /// Share of it, permille.
    pub permille: u16,
    /// Hash of its bundle, computed here from the stored bytes.
    pub bundle: Option<String>,
    /// Builds that are approved.
    pub approved: BTreeSet<u32>,
}

/// A whole verified state.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// SHA-256 of the timestamp's file: what state it is.
    pub timestamp: String,
    /// Version of each role but the root, which clients walk to by themselves.
    pub versions: BTreeMap<String, u64>,
    /// Channels by `unit.channel`.
    pub channels: BTreeMap<String, Served>,
}

impl Seen {
    /// Build that a channel of the first unit serves.
    pub fn build(&self, channel: &str) -> Option<u32> {
        self.channels[&format!("main.{channel}")].build
    }
}

/// Verifies everything from a pinned root: metadata, documents, every approved bundle and inventory.
///
/// # Errors
/// `storage.missing` when there is no registry; `trust.*` for whatever is not as it was signed.
pub async fn device(store: &dyn Store, root: &[u8], now: UtcTime) -> Result<Seen> {
    let view = View::read(store, root, &HighWater::default(), now, Expiry::Enforce).await?;
    let mut versions = view.marks().versions;
    versions.remove("root");
    let mut channels = BTreeMap::new();
    for role in view.channels.keys() {
        let RoleName::Channel(unit, channel) = role else {
            continue;
        };
        let docs = documents::channel(store, &view, unit, channel).await?;
        let mut bundles = BTreeMap::new();
        for (build, approved) in &docs.approved {
            let manifest = &approved.manifest;
            documents::inventory(store, manifest).await?;
            let key = layout::bundle(&manifest.bundle.sha256);
            let found = if manifest.bundle.url.is_some() {
                documents::bundle(store, &manifest.bundle, None, silent()).await?
            } else {
                let object = store.get(&key, 100_000_000).await?;
                object.map(|o| sha256_hex(&o.bytes)).unwrap_or_default()
            };
            if found != manifest.bundle.sha256 {
                let what = format!("{key} is {found:?}.");
                return Err(Problem::new(Code::TrustHash, what));
            }
            bundles.insert(*build, found);
        }
        let mut served = Served {
            build: None,
            permille: 0,
            bundle: None,
            approved: docs.approved.keys().copied().collect(),
        };
        if let Some(rollout) = docs.rollout {
            let approved = docs.approved.values().map(|a| &a.manifest);
            let state = ChannelState::new(rollout.clone(), approved, Default::default())?;
            if let Some(build) = state.unapproved() {
                let what = format!("{role} serves build {build}, which is not approved.");
                return Err(Problem::new(Code::TrustUnapproved, what));
            }
            let serving = rollout.serving();
            served.build = serving.release;
            served.permille = serving.permille;
            served.bundle = serving.release.and_then(|b| bundles.get(&b).cloned());
        }
        channels.insert(role.to_string(), served);
    }
    Ok(Seen {
        timestamp: view.timestamp.sha256,
        versions,
        channels,
    })
}
