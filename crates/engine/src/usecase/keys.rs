//! Keys of this computer.

use headgate_core::{Code, Problem, Result};
use headgate_signer::Passphrase;
use headgate_tuf::{KeyId, PublicKey, RoleName};
use zeroize::Zeroizing;

use crate::console::Console;
use crate::keys::{self, KeyInfo};
use crate::publish::{Action, Intent};

/// A key that was made.
#[derive(Debug, Clone)]
pub struct KeyCreated {
    /// The key.
    pub key: KeyInfo,
    /// Job of the root change, when this computer may make it.
    pub job: Option<String>,
}

impl Console {
    /// Keys that this computer made or imported for a workspace, with the roles that accept them.
    ///
    /// # Errors
    /// `key.*`, `storage.*`.
    pub async fn keys(&self, workspace: &str) -> Result<Vec<KeyInfo>> {
        let workspace = self.workspace(workspace).await?;
        let view = self.fresh(&workspace).await.ok().map(|(_, view)| view);
        let recorded = self.inner.journal.own_keys(&workspace.id).await?;
        let mut list = Vec::new();
        // A computer that has just connected has no vault yet, and nothing to ask a passphrase for.
        if recorded.is_empty() {
            return Ok(list);
        }
        let vault = self.inner.vault(&workspace).await?;
        for own in recorded {
            let public = keys::public_key(&own.public)?;
            let id = public.id()?;
            let mut roles = Vec::new();
            if let Some(view) = &view {
                let top = view
                    .root
                    .meta
                    .roles
                    .iter()
                    .filter(|(_, r)| r.keyids.contains(&id))
                    .map(|(n, _)| n.clone());
                let delegated = view.targets.meta.delegations.iter().flat_map(|d| &d.roles);
                roles = top
                    .chain(
                        delegated
                            .filter(|d| d.keyids.contains(&id))
                            .map(|d| d.name.clone()),
                    )
                    .collect();
            }
            let asked = public.clone();
            let here = keys::call(&vault, move |v| v.has(&asked))
                .await
                .unwrap_or(false);
            let name = view
                .as_ref()
                .and_then(|v| v.root.meta.x.keys.get(&id))
                .map_or(own.label, |k| k.name.clone());
            list.push(KeyInfo {
                id,
                public,
                name,
                roles,
                here,
                created: own.created,
            });
        }
        Ok(list)
    }

    /// Makes a freshness key of this computer's own. Where the root key is here too, the root is changed
    /// to accept it; else an owner must do that with the public part.
    ///
    /// # Errors
    /// `key.*`, `storage.*`.
    pub async fn create_key(&self, workspace: &str, label: &str) -> Result<KeyCreated> {
        let workspace = self.workspace(workspace).await?;
        let (_, view) = self.fresh(&workspace).await?;
        let vault = self.inner.new_vault(&workspace).await?;
        let text = label.to_owned();
        let public = keys::call(&vault, move |v| v.create(&text)).await?;
        self.record(&workspace.id, &public, label).await?;
        let own = self.inner.own_keys(&workspace.id).await?;
        let root = view.root.meta.role(&RoleName::Root)?;
        let may =
            root.keyids.iter().filter(|id| own.contains_key(id)).count() >= root.threshold as usize;
        let job = if may {
            Some(
                self.add_freshness_key(&workspace.id, &public, label)
                    .await?,
            )
        } else {
            None
        };
        let key = KeyInfo {
            id: public.id()?,
            public,
            name: label.into(),
            roles: Vec::new(),
            here: true,
            created: self.inner.world.now(),
        };
        Ok(KeyCreated { key, job })
    }

    /// Changes the root to accept a freshness key: a commit of its own.
    ///
    /// # Errors
    /// `key.*`, `usage.exists`, `storage.*`.
    pub async fn add_freshness_key(
        &self,
        workspace: &str,
        public: &PublicKey,
        label: &str,
    ) -> Result<String> {
        let workspace = self.workspace(workspace).await?;
        let action = Action::AddFreshnessKey {
            public: public.clone(),
            name: label.into(),
            holder: self.inner.person.clone(),
        };
        let intent = Intent {
            by: self.inner.person.clone(),
            reason: String::new(),
            action,
            base: Default::default(),
            collected: Default::default(),
            wait: 0,
        };
        let job = self.start_publish(workspace, intent).await?;
        self.wait(&job).await?;
        Ok(job)
    }

    /// Takes a key from an exported age file.
    ///
    /// # Errors
    /// `key.wrong_password`, `key.file`, `key.*`.
    pub async fn import_key(
        &self,
        workspace: &str,
        sealed: Vec<u8>,
        passphrase: Zeroizing<String>,
        label: &str,
    ) -> Result<PublicKey> {
        let workspace = self.workspace(workspace).await?;
        let vault = self.inner.new_vault(&workspace).await?;
        let passphrase = Passphrase::new(passphrase)?;
        let public = keys::call(&vault, move |v| v.import(&sealed, &passphrase)).await?;
        self.record(&workspace.id, &public, label).await?;
        Ok(public)
    }

    /// Seals a key into an age file with a passphrase.
    ///
    /// # Errors
    /// `key.not_here`, `usage.unknown`, `key.*`.
    pub async fn export_key(
        &self,
        workspace: &str,
        key: &str,
        passphrase: Zeroizing<String>,
    ) -> Result<Vec<u8>> {
        let workspace = self.workspace(workspace).await?;
        let own = self.inner.own_keys(&workspace.id).await?;
        let fits = |(id, _): &(&KeyId, &PublicKey)| id.as_str().starts_with(key) && key.len() >= 8;
        let found = own.iter().find(fits).map(|(_, k)| k.clone());
        let public = found.ok_or_else(|| {
            Problem::new(
                Code::UsageUnknown,
                format!("This computer recorded no key {key}."),
            )
            .remedy("Give at least 8 digits of an id from headgate keys list.")
        })?;
        let vault = self.inner.vault(&workspace).await?;
        let passphrase = Passphrase::new(passphrase)?;
        keys::call(&vault, move |v| v.export(&public, &passphrase)).await
    }

    async fn record(&self, workspace: &str, public: &PublicKey, label: &str) -> Result<()> {
        let now = self.inner.world.now();
        self.inner
            .journal
            .add_own_key(workspace, public.id()?.as_str(), public.hex(), label, now)
            .await
    }
}
