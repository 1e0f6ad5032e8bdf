//! Who may sign what, as the signed metadata said when storage was last read.

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::Settings;
use headgate_registry::{Loaded, View};
use headgate_tuf::{KeyId, Metadata, PublicKey, RoleName, UtcTime, metadata::RoleKeys, policy};
use serde::{Deserialize, Serialize};

use crate::usecase::KeyUse;

/// Keys and roles of a workspace.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct Trust {
    pub(crate) keys: Vec<TrustKey>,
    pub(crate) roles: Vec<TrustRole>,
    /// Newest approval whose clients document an RSA key signed, by the key's SHA-256.
    #[serde(default)]
    pub(crate) rsa_used: BTreeMap<String, KeyUse>,
}

/// A key that signed metadata names.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TrustKey {
    pub(crate) id: String,
    /// Hex; nothing for a key that is named, and that no role lists any more.
    pub(crate) public: Option<String>,
    pub(crate) name: String,
    pub(crate) holder: String,
}

/// A role in force.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct TrustRole {
    pub(crate) role: String,
    pub(crate) version: u64,
    pub(crate) threshold: u32,
    pub(crate) keys: BTreeSet<String>,
    pub(crate) signed: UtcTime,
    pub(crate) expires: UtcTime,
    pub(crate) signers: BTreeSet<String>,
}

impl Trust {
    /// From a verified state of the registry.
    pub(crate) fn of(view: &View) -> Self {
        let root = &view.root.meta;
        let mut publics: BTreeMap<&KeyId, &PublicKey> = root.keys.iter().collect();
        if let Some(delegations) = &view.targets.meta.delegations {
            publics.extend(&delegations.keys);
        }
        let named = root.x.keys.keys();
        let ids: BTreeSet<&KeyId> = named.chain(publics.keys().copied()).collect();
        let key = |id: &KeyId| TrustKey {
            id: id.to_string(),
            public: publics.get(id).map(|key| key.hex().to_owned()),
            name: view.key_name(id),
            holder: root
                .x
                .keys
                .get(id)
                .map(|k| k.holder.clone())
                .unwrap_or_default(),
        };
        Self {
            keys: ids.into_iter().map(key).collect(),
            roles: roles(view),
            rsa_used: BTreeMap::new(),
        }
    }

    /// Roles that list a key, in the order of the metadata.
    pub(crate) fn roles_of(&self, id: &str) -> Vec<&TrustRole> {
        let lists = |role: &&TrustRole| role.keys.contains(id);
        self.roles.iter().filter(lists).collect()
    }

    /// The newest version in force that a key signed.
    pub(crate) fn used(&self, id: &str) -> Option<KeyUse> {
        let signed = self.roles.iter().filter(|r| r.signers.contains(id));
        let newest = signed.max_by_key(|r| r.signed);
        let in_roles = newest.map(|r| KeyUse {
            at: r.signed,
            role: r.role.clone(),
            version: r.version,
        });
        in_roles.or_else(|| self.rsa_used.get(id).cloned())
    }

    pub(crate) fn role(&self, role: &str) -> Option<&TrustRole> {
        self.roles.iter().find(|known| known.role == role)
    }
}

fn roles(view: &View) -> Vec<TrustRole> {
    let mut roles = Vec::new();
    let top = |role: &RoleName| view.root.meta.role(role).ok();
    if let Some(keys) = top(&RoleName::Root) {
        roles.push(role(&RoleName::Root, &view.root, keys));
    }
    if let Some(keys) = top(&RoleName::Targets) {
        roles.push(role(&RoleName::Targets, &view.targets, keys));
    }
    if let Some(keys) = top(&RoleName::Snapshot) {
        roles.push(role(&RoleName::Snapshot, &view.snapshot, keys));
    }
    if let Some(keys) = top(&RoleName::Timestamp) {
        roles.push(role(&RoleName::Timestamp, &view.timestamp, keys));
    }
    for (name, loaded) in &view.channels {
        if let Some(delegation) = view.targets.meta.delegation(name) {
            roles.push(role(name, loaded, &delegation.role_keys()));
        }
    }
    roles
}

fn role<M: Metadata>(name: &RoleName, loaded: &Loaded<M>, keys: &RoleKeys) -> TrustRole {
    let expires = loaded.meta.expires();
    // The timestamp does not say when it was signed; its lifetime does.
    let signed = loaded
        .meta
        .header()
        .map_or_else(|| expires.plus(-policy::lifetime(name)), |header| header.at);
    TrustRole {
        role: name.to_string(),
        version: loaded.meta.version(),
        threshold: keys.threshold,
        keys: keys.keyids.iter().map(KeyId::to_string).collect(),
        signed,
        expires,
        signers: loaded.signers.iter().map(KeyId::to_string).collect(),
    }
}

/// Channels whose apps pin an RSA key, by the SHA-256 of the key.
pub(crate) fn rsa_channels(settings: &Settings) -> BTreeMap<String, Vec<String>> {
    let mut channels: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for channel in &settings.channels {
        let public = channel.rsa.as_ref().map(|rsa| &rsa.public);
        let Some(Ok(key)) = public.map(|p| headgate_core::RsaPublic::from_base64(p)) else {
            continue;
        };
        channels
            .entry(key.sha256())
            .or_default()
            .push(channel.id.to_string());
    }
    channels
}
