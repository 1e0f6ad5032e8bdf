//! All keys that matter to a workspace, with where they are and how they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use headgate_core::{Problem, Result, RsaPublic, Settings, words};
use headgate_signer::{AnyKey, KeyVault};
use headgate_tuf::{RoleName, UtcTime};
use serde::{Deserialize, Serialize};

use super::Own;
use super::roles::{self, RoleExpiry, RoleRow};
use super::words::{purpose, rsa_purpose};
use crate::console::Console;
use crate::db::Care;
use crate::keys::{self, KeyInfo, VaultInfo};
use crate::trust::{Trust, rsa_channels};
use crate::{VaultChoice, Workspace};

/// How long a keychain may take to answer while nobody was told that it may ask.
const GLANCE: Duration = Duration::from_secs(10);

/// Whether a keychain may ask the person to unlock it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asking {
    /// No: a locked one is reported.
    Never,
    /// Yes: somebody waits for the answer.
    Person,
}

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

/// Keys and roles of a workspace.
#[derive(Debug, Clone)]
pub struct KeyRing {
    /// Where keys of this computer are.
    pub vault: VaultInfo,
    /// Why the vault cannot be used as a whole.
    pub vault_problem: Option<Problem>,
    /// Keys of this computer first.
    pub keys: Vec<KeyCard>,
    /// Roles with their keys.
    pub roles: Vec<RoleRow>,
    /// When roles end, the next one first.
    pub expiry: Vec<RoleExpiry>,
    /// When storage was last read.
    pub as_of: Option<UtcTime>,
}

/// What signed metadata says.
pub(super) struct Signed {
    pub(super) trust: Option<Trust>,
    pub(super) settings: Option<Settings>,
    as_of: Option<UtcTime>,
}

impl Console {
    /// All keys of a workspace from the local cache, and how those of this computer are.
    ///
    /// # Errors
    /// `usage.no_workspace`, `local.*`.
    pub async fn key_ring(&self, workspace: &str, asking: Asking) -> Result<KeyRing> {
        let workspace = self.workspace(workspace).await?;
        let mut signed = self.signed_from_cache(&workspace).await?;
        if signed.trust.is_none() {
            signed = self.signed_now(&workspace).await?;
        }
        self.ring(&workspace, &signed, asking).await
    }

    /// As [`Self::key_ring`] with what storage says now; from the cache when it cannot be read.
    ///
    /// # Errors
    /// As [`Self::key_ring`].
    pub async fn key_ring_now(&self, workspace: &str) -> Result<KeyRing> {
        let workspace = self.workspace(workspace).await?;
        let signed = self.signed_now(&workspace).await?;
        self.ring(&workspace, &signed, Asking::Person).await
    }

    /// Keys for roles that this computer made or imported, with the roles that accept them.
    ///
    /// # Errors
    /// As [`Self::key_ring`].
    pub async fn keys(&self, workspace: &str) -> Result<Vec<KeyInfo>> {
        let ring = self.key_ring_now(workspace).await?;
        let own = ring.keys.into_iter().filter(|card| card.own);
        let info = |card: KeyCard| match card.public {
            Some(AnyKey::Ed25519(public)) => Some(KeyInfo {
                id: public.id().ok()?,
                public,
                name: card.name,
                roles: card.roles,
                here: card.here,
                created: card.created?,
            }),
            _ => None,
        };
        Ok(own.filter_map(info).collect())
    }

    async fn signed_from_cache(&self, workspace: &Workspace) -> Result<Signed> {
        let reading = self.inner.cache.reading(&workspace.id).await?;
        Ok(Signed {
            trust: reading.trust,
            settings: reading.settings,
            as_of: reading.read_at,
        })
    }

    pub(super) async fn signed_now(&self, workspace: &Workspace) -> Result<Signed> {
        let cached = self.signed_from_cache(workspace).await?;
        let Ok((_, view)) = self.fresh(workspace).await else {
            return Ok(cached);
        };
        let mut trust = Trust::of(&view);
        // Dates of RSA keys stand in documents that a sync reads.
        trust.rsa_used = cached.trust.map(|t| t.rsa_used).unwrap_or_default();
        Ok(Signed {
            trust: Some(trust),
            settings: Some(view.targets.meta.x.clone()),
            as_of: Some(self.inner.world.now()),
        })
    }

    async fn ring(
        &self,
        workspace: &Workspace,
        signed: &Signed,
        asking: Asking,
    ) -> Result<KeyRing> {
        let trust = signed.trust.clone().unwrap_or_default();
        let settings = signed.settings.as_ref();
        let pinned = settings.map(rsa_channels).unwrap_or_default();
        let mut own = self.own(workspace).await?;
        let recorded: BTreeSet<String> = own.iter().map(|o| o.id.clone()).collect();
        let (vault, vault_problem) = self.usable(workspace, &own, &pinned, asking).await;
        let mut cards = Vec::new();
        // A channel's key that was made before keys were recorded may be here all the same.
        for key in unrecorded(settings, &recorded) {
            let found = match &vault {
                Some(vault) => state(vault, &key.key, asking).await,
                None => Ok(false),
            };
            if matches!(found, Ok(true)) {
                own.push(key);
            } else {
                cards.push(card(&key, &trust, settings, &pinned, Care::default()));
            }
        }
        let care = self.inner.journal.care(&workspace.id).await?;
        let mut ids = BTreeSet::new();
        let mut mine = Vec::new();
        for key in own {
            let care = care.get(&key.id).copied().unwrap_or_default();
            let mut made = card(&key, &trust, settings, &pinned, care);
            made.own = true;
            let found = match (&vault, &vault_problem) {
                (Some(vault), None) => state(vault, &key.key, asking).await,
                (_, Some(problem)) => Err(problem.clone()),
                (None, None) => Ok(false),
            };
            match found {
                Ok(true) => made.here = true,
                Ok(false) => made.problem = Some(self.missing(workspace, &key.key)),
                Err(problem) => made.problem = Some(problem),
            }
            ids.insert(key.id);
            mine.push(made);
        }
        let others = trust.keys.iter().filter(|k| !ids.contains(&k.id));
        mine.extend(others.map(|known| stranger(known, &trust, settings)));
        mine.extend(cards);
        Ok(KeyRing {
            vault: self.vault_info(workspace),
            vault_problem,
            roles: roles::rows(&trust, settings, &ids),
            expiry: roles::expiries(&trust, settings, self.inner.world.now()),
            keys: mine,
            as_of: signed.as_of,
        })
    }

    /// The vault when there is something to look for in it, and why it cannot be used.
    async fn usable(
        &self,
        workspace: &Workspace,
        own: &[Own],
        pinned: &BTreeMap<String, Vec<String>>,
        asking: Asking,
    ) -> (Option<Arc<dyn KeyVault>>, Option<Problem>) {
        // A computer that has just connected has no vault yet, and nothing to ask a passphrase for.
        let there = match &workspace.vault {
            VaultChoice::Os => !pinned.is_empty(),
            VaultChoice::File(path) => {
                !pinned.is_empty() && path.exists() && asking == Asking::Person
            }
        };
        if own.is_empty() && !there {
            return (None, None);
        }
        let vault = match self.inner.vault(workspace).await {
            Ok(vault) => vault,
            Err(problem) => return (None, Some(problem)),
        };
        if asking == Asking::Never
            && let Err(problem) = keys::call_within(&vault, GLANCE, |v| v.probe()).await
        {
            return (None, Some(problem));
        }
        (Some(vault), None)
    }

    /// Recorded, and not in the vault: never a reason to make a new one.
    fn missing(&self, workspace: &Workspace, key: &AnyKey) -> Problem {
        let digits: String = key.id().unwrap_or_default().chars().take(16).collect();
        let vault = self.vault_info(workspace).label;
        let what = format!("Your key {digits} is recorded, but the {vault} does not have it.");
        Problem::new(headgate_core::Code::KeyMissing, what)
            .remedy("Import it from its backup, or ask its holder to sign.")
    }
}

/// RSA keys of channels that this computer did not record.
fn unrecorded(settings: Option<&Settings>, recorded: &BTreeSet<String>) -> Vec<Own> {
    let mut found: Vec<Own> = Vec::new();
    for rsa in settings
        .iter()
        .flat_map(|s| &s.channels)
        .filter_map(|c| c.rsa.as_ref())
    {
        let Ok(public) = RsaPublic::from_base64(&rsa.public) else {
            continue;
        };
        let id = public.sha256();
        if !recorded.contains(&id) && found.iter().all(|own| own.id != id) {
            found.push(Own {
                key: AnyKey::Rsa(public),
                id,
                label: rsa.name.clone(),
                created: None,
            });
        }
    }
    found
}

async fn state(vault: &Arc<dyn KeyVault>, key: &AnyKey, asking: Asking) -> Result<bool> {
    let asked = key.clone();
    let has = move |v: &dyn KeyVault| match &asked {
        AnyKey::Ed25519(key) => v.has(key),
        AnyKey::Rsa(key) => v.has_rsa(key),
    };
    match asking {
        Asking::Never => keys::call_within(vault, GLANCE, has).await,
        Asking::Person => keys::call(vault, has).await,
    }
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

fn card(
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
        let same = |rsa: &&headgate_core::settings::ChannelRsa| {
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

/// A key of somebody else.
fn stranger(known: &crate::trust::TrustKey, trust: &Trust, settings: Option<&Settings>) -> KeyCard {
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
