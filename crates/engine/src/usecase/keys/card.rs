//! One key, put together from what is recorded here and what signed metadata says.

use std::collections::BTreeMap;

use headgate_core::settings::ChannelRsa;
use headgate_core::{Problem, Result, RsaPublic, Settings, words};
use headgate_signer::AnyKey;
use headgate_tuf::{RoleName, UtcTime};
use serde::{Deserialize, Serialize};

use super::Own;
use super::words::{purpose, rsa_purpose};
use crate::db::Care;
use crate::keys;
use crate::trust::{Trust, TrustKey};

/// A signature that a key made.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyUse {
    /// When.
    pub at: UtcTime,
    /// On which role.
    pub role: String,
    /// On which version of it.
    pub version: u64,
}

/// One key.
#[derive(Debug, Clone)]
pub struct KeyCard {
    /// Key id; of an RSA key the SHA-256 of its SubjectPublicKeyInfo. 64 hex digits.
    pub id: String,
    /// Name in signed metadata, or the label it was made with.
    pub name: String,
    /// Who holds it, as signed; empty for an RSA key and for one that no role lists.
    pub holder: String,
    /// Its public half; nothing for one that is named and listed nowhere.
    pub public: Option<AnyKey>,
    /// `Ed25519` or `RSA-2048`.
    pub algorithm: &'static str,
    /// "Approves production".
    pub purpose: String,
    /// Roles that accept it.
    pub roles: Vec<String>,
    /// Channels whose apps pin it.
    pub channels: Vec<String>,
    /// 12 words for the first 132 bits of the id.
    pub words: Vec<String>,
    /// This computer recorded it, or its vault has it.
    pub own: bool,
    /// The vault has it.
    pub here: bool,
    /// When it was made or imported here.
    pub created: Option<UtcTime>,
    /// The newest version in force that it signed, as signed metadata says.
    pub used: Option<KeyUse>,
    /// When it was last exported here.
    pub exported: Option<UtcTime>,
    /// When that export was last proven to hold it.
    pub drilled: Option<UtcTime>,
    /// Since when it is not meant for use here.
    pub retired: Option<UtcTime>,
    /// What is wrong with it here, and the way out.
    pub problem: Option<Problem>,
}

fn words_of(id: &str) -> Vec<String> {
    words::words(id).map_or_else(|_| Vec::new(), |list| list.map(str::to_owned).to_vec())
}

fn role_names(trust: &Trust, id: &str) -> (Vec<String>, Vec<RoleName>) {
    let names: Vec<String> = trust.roles_of(id).iter().map(|r| r.role.clone()).collect();
    let parsed = names
        .iter()
        .filter_map(|n| RoleName::parse(n).ok())
        .collect();
    (names, parsed)
}

/// Of a key that this computer recorded, or that a channel pins.
pub(super) fn card(
    own: &Own,
    trust: &Trust,
    settings: Option<&Settings>,
    pinned: &BTreeMap<String, Vec<String>>,
    care: Care,
) -> KeyCard {
    let named = trust.keys.iter().find(|k| k.id == own.id);
    let (names, parsed) = role_names(trust, &own.id);
    let channels = pinned.get(&own.id).cloned().unwrap_or_default();
    let rsa_name = settings.and_then(|s| {
        let rsa = s.channels.iter().filter_map(|c| c.rsa.as_ref());
        let same = |rsa: &&ChannelRsa| {
            RsaPublic::from_base64(&rsa.public).is_ok_and(|k| k.sha256() == own.id)
        };
        rsa.filter(same).map(|rsa| rsa.name.clone()).next()
    });
    KeyCard {
        name: named
            .map(|k| k.name.clone())
            .or(rsa_name)
            .unwrap_or_else(|| own.label.clone()),
        holder: named.map(|k| k.holder.clone()).unwrap_or_default(),
        algorithm: own.key.algorithm(),
        purpose: match own.key {
            AnyKey::Ed25519(_) => purpose(&parsed, settings),
            AnyKey::Rsa(_) => rsa_purpose(&channels),
        },
        public: Some(own.key.clone()),
        roles: names,
        channels,
        words: words_of(&own.id),
        own: false,
        here: false,
        created: own.created,
        used: trust.used(&own.id),
        exported: care.exported,
        drilled: care.drilled,
        retired: care.retired,
        problem: None,
        id: own.id.clone(),
    }
}

/// Of a key of somebody else.
pub(super) fn stranger(known: &TrustKey, trust: &Trust, settings: Option<&Settings>) -> KeyCard {
    let (names, parsed) = role_names(trust, &known.id);
    let public = known.public.as_deref().map(keys::public_key);
    KeyCard {
        id: known.id.clone(),
        name: known.name.clone(),
        holder: known.holder.clone(),
        public: public.and_then(Result::ok).map(AnyKey::Ed25519),
        algorithm: "Ed25519",
        purpose: purpose(&parsed, settings),
        roles: names,
        channels: Vec::new(),
        words: words_of(&known.id),
        own: false,
        here: false,
        created: None,
        used: trust.used(&known.id),
        exported: None,
        drilled: None,
        retired: None,
        problem: None,
    }
}
