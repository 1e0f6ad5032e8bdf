//! All keys that matter to a workspace, with where they are and how they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use headgate_core::{Problem, Result, RsaPublic, Settings};
use headgate_signer::{AnyKey, KeyVault};
use headgate_tuf::UtcTime;

use super::Own;
use super::card::{KeyCard, card, stranger};
use super::roles::{self, RoleExpiry, RoleRow};
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
