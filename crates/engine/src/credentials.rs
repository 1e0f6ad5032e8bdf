//! Credentials of buckets: in the workspace's vault, or in `AWS_*` variables.

use std::borrow::Cow;
use std::sync::{Arc, Mutex};

use async_trait::async_trait;
use headgate_core::{Code, Problem, Result};
use headgate_registry::{BucketCredentials, BucketKeys, EnvCredentials};
use headgate_signer::KeyVault;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::console::lock;
use crate::db::Journal;
use crate::keys::{self, OpenVault, VaultChoice};

/// How long credentials from the vault are used without asking it again, ticks in milliseconds: another Headgate may
/// have replaced them.
const BELIEVED: u64 = 60_000;

/// An access key for a bucket, as a person gives it. `Debug` says nothing of it; not `Serialize`.
#[derive(Clone)]
pub struct StorageKeys {
    /// Access key id.
    pub access_key_id: Zeroizing<String>,
    /// Secret access key.
    pub secret: Zeroizing<String>,
    /// Session token of temporary credentials.
    pub session_token: Option<Zeroizing<String>>,
}

impl std::fmt::Debug for StorageKeys {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StorageKeys")
    }
}

/// As it lies in the vault.
#[derive(Serialize, Deserialize)]
struct Kept<'a> {
    #[serde(borrow)]
    id: Cow<'a, str>,
    #[serde(borrow)]
    secret: Cow<'a, str>,
    #[serde(borrow)]
    token: Option<Cow<'a, str>>,
}

impl StorageKeys {
    /// For a store.
    ///
    /// # Errors
    /// `storage.credentials` when a part cannot be one.
    pub(crate) fn keys(&self) -> Result<BucketKeys> {
        let (id, secret) = (self.access_key_id.clone(), self.secret.clone());
        BucketKeys::new(id, secret, self.session_token.clone())
    }

    fn to_text(&self) -> Result<Zeroizing<String>> {
        let kept = Kept {
            id: self.access_key_id.as_str().into(),
            secret: self.secret.as_str().into(),
            token: self.session_token.as_ref().map(|t| t.as_str().into()),
        };
        serde_json::to_string(&kept)
            .map(Zeroizing::new)
            .map_err(|_| Problem::new(Code::Internal, "The credentials could not be written."))
    }

    fn from_text(text: &str) -> Result<Self> {
        // The parser's words could repeat what it read.
        let damaged = |_| {
            let what = "The vault's item for this storage holds something else.";
            Problem::new(Code::StorageCredentials, what)
        };
        let kept: Kept<'_> = serde_json::from_str(text).map_err(damaged)?;
        let own = |text: Cow<'_, str>| Zeroizing::new(text.into_owned());
        Ok(Self {
            access_key_id: own(kept.id),
            secret: own(kept.secret),
            session_token: kept.token.map(own),
        })
    }
}

/// Puts an access key into a vault, under the storage's address.
pub(crate) async fn keep(
    vault: &Arc<dyn KeyVault>,
    journal: &Journal,
    address: &str,
    keys: &StorageKeys,
) -> Result<()> {
    keys.keys()?;
    let (name, text) = (address.to_owned(), keys.to_text()?);
    keys::call(vault, move |vault| vault.put_secret(&name, &text)).await?;
    journal.set_setting(&setting(address), "vault").await
}

/// Takes it out again; from then on `AWS_*` variables count.
pub(crate) async fn forget(
    vault: &Arc<dyn KeyVault>,
    journal: &Journal,
    address: &str,
) -> Result<()> {
    let name = address.to_owned();
    keys::call(vault, move |vault| vault.delete_secret(&name)).await?;
    journal.set_setting(&setting(address), "").await
}

/// Whether the vault has credentials for this address. Opens no vault.
pub(crate) async fn in_vault(journal: &Journal, address: &str) -> Result<bool> {
    Ok(journal.setting(&setting(address)).await?.as_deref() == Some("vault"))
}

fn setting(address: &str) -> String {
    format!("credentials:{address}")
}

/// What a store of a workspace asks. A vault is opened only where credentials were put into it.
pub(crate) struct WorkspaceCredentials {
    pub(crate) vaults: Arc<dyn OpenVault>,
    pub(crate) choice: VaultChoice,
    pub(crate) journal: Journal,
    pub(crate) address: String,
    pub(crate) environment: EnvCredentials,
    pub(crate) clock: Arc<dyn crate::Clock>,
    pub(crate) known: Mutex<Option<(u64, Arc<BucketKeys>)>>,
}

#[async_trait]
impl BucketCredentials for WorkspaceCredentials {
    async fn keys(&self) -> Result<Arc<BucketKeys>> {
        let now = self.clock.ticks();
        if let Some((since, keys)) = lock(&self.known).as_ref()
            && now < since + BELIEVED
        {
            return Ok(Arc::clone(keys));
        }
        if !in_vault(&self.journal, &self.address).await? {
            return self.environment.keys().await;
        }
        let (vaults, choice) = (Arc::clone(&self.vaults), self.choice.clone());
        let vault = tokio::task::spawn_blocking(move || vaults.open(&choice, false))
            .await
            .map_err(|e| Problem::new(Code::Internal, e.to_string()))??;
        let name = self.address.clone();
        let text = keys::call(&vault, move |vault| vault.secret(&name)).await?;
        let text = text.ok_or_else(|| {
            let what = format!(
                "The credentials of {} are recorded, but the vault does not have them.",
                self.address
            );
            Problem::new(Code::StorageCredentials, what)
        })?;
        let keys = Arc::new(StorageKeys::from_text(&text)?.keys()?);
        *lock(&self.known) = Some((now, Arc::clone(&keys)));
        Ok(keys)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn secret(text: &str) -> Zeroizing<String> {
        Zeroizing::new(text.to_owned())
    }

    #[test]
    fn credentials_come_out_of_the_vault_as_they_went_in_and_garbage_is_never_repeated() {
        let keys = StorageKeys {
            access_key_id: secret("AKIAEXAMPLE"),
            secret: secret("a/b+c\"d"),
            session_token: None,
        };
        let text = keys.to_text().unwrap();
        let back = StorageKeys::from_text(&text).unwrap();
        assert_eq!(*back.secret, "a/b+c\"d");
        assert!(back.session_token.is_none());
        let problem = StorageKeys::from_text("hunter2").err().unwrap();
        assert!(!format!("{problem:?}").contains("hunter2"));
    }
}
