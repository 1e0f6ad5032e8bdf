//! Making and importing keys.

use std::io::Read as _;
use std::path::Path;

use headgate_core::{Code, Problem, Result, RsaPublic};
use headgate_signer::{AnyKey, KeyFileKind, MAX_KEY_FILE, Passphrase, key_file_kind};
use headgate_tuf::{PublicKey, RoleName};
use zeroize::Zeroizing;

use crate::Workspace;
use crate::console::Console;
use crate::db::Care;
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

/// A key that was imported.
#[derive(Debug, Clone)]
pub struct ImportedKey {
    /// The key.
    pub key: AnyKey,
    /// Its id.
    pub id: String,
}

/// Reads a file that somebody offers as a key, and says what it is: `sealed` or `pem`.
///
/// # Errors
/// `key.file` saying what it is instead, or why it cannot be read.
pub fn read_key_file(path: &Path) -> Result<(Zeroizing<Vec<u8>>, &'static str)> {
    let unreadable = |why: String| {
        let name = path.file_name().unwrap_or(path.as_os_str());
        let what = format!("{}: {why}", name.to_string_lossy());
        Problem::new(Code::KeyFile, what).field("file")
    };
    let io = |e: std::io::Error| unreadable(format!("{e}."));
    let file = std::fs::File::open(path).map_err(io)?;
    // One byte more than a key can have: that is how a larger file is told.
    let limit = MAX_KEY_FILE as u64 + 1;
    let mut bytes = Zeroizing::new(Vec::with_capacity(MAX_KEY_FILE + 1));
    file.take(limit).read_to_end(&mut bytes).map_err(io)?;
    let kind = match key_file_kind(&bytes).map_err(|p| p.field("file"))? {
        KeyFileKind::Sealed => "sealed",
        KeyFileKind::Pem => "pem",
    };
    Ok((bytes, kind))
}

impl Console {
    /// Makes a key for roles. No role accepts it yet: an owner adds its public half to one.
    ///
    /// # Errors
    /// `key.*`, `usage.argument` for the name.
    pub async fn make_key(&self, workspace: &str, label: &str) -> Result<KeyInfo> {
        let workspace = self.workspace(workspace).await?;
        let vault = self.inner.new_vault(&workspace).await?;
        let text = label.to_owned();
        let public = keys::call(&vault, move |v| v.create(&text)).await?;
        let key = AnyKey::Ed25519(public.clone());
        self.record(&workspace, &key, label).await?;
        Ok(KeyInfo {
            id: public.id()?,
            public,
            name: label.into(),
            roles: Vec::new(),
            here: true,
            created: self.inner.world.now(),
        })
    }

    /// Makes a freshness key of this computer's own. Where the root key is here too, the root is changed
    /// to accept it; else an owner must do that with the public part.
    ///
    /// # Errors
    /// `key.*`, `storage.*`.
    pub async fn create_key(&self, workspace: &str, label: &str) -> Result<KeyCreated> {
        let known = self.workspace(workspace).await?;
        let (_, view) = self.fresh(&known).await?;
        let key = self.make_key(workspace, label).await?;
        let own = self.inner.own_keys(&known.id).await?;
        let root = view.root.meta.role(&RoleName::Root)?;
        let may =
            root.keyids.iter().filter(|id| own.contains_key(id)).count() >= root.threshold as usize;
        let job = if may {
            Some(
                self.add_freshness_key(&known.id, &key.public, label)
                    .await?,
            )
        } else {
            None
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

    /// Takes a key from a file of either form: exported by Headgate (age, with a passphrase), or PEM as OpenSSL and
    /// the tools of Ionic, Capgo and Capawesome write it. A key that was retired here counts as in use again.
    ///
    /// # Errors
    /// `key.passphrase_needed` for an exported file without one; `key.wrong_password`, `key.file`, `key.*`.
    pub async fn import_key(
        &self,
        workspace: &str,
        file: impl Into<Zeroizing<Vec<u8>>>,
        passphrase: Option<Zeroizing<String>>,
        label: &str,
    ) -> Result<ImportedKey> {
        let file = file.into();
        let workspace = self.workspace(workspace).await?;
        let text = label.to_owned();
        let key = match key_file_kind(&file)? {
            KeyFileKind::Sealed => {
                let needed = || {
                    let what = "An exported key needs the passphrase that it was exported with.";
                    Problem::new(Code::KeyPassphrase, what)
                        .remedy("Enter the passphrase of the file.")
                        .field("passphrase")
                };
                let passphrase = Passphrase::new(passphrase.ok_or_else(needed)?)?;
                let vault = self.inner.new_vault(&workspace).await?;
                keys::call(&vault, move |v| v.import(&file, &passphrase)).await?
            }
            KeyFileKind::Pem => {
                let pem = std::str::from_utf8(&file)
                    .map(|text| Zeroizing::new(text.to_owned()))
                    .map_err(|_| Problem::new(Code::KeyFile, "The key file is no text."))?;
                let vault = self.inner.new_vault(&workspace).await?;
                keys::call(&vault, move |v| v.import_pem(&pem, &text)).await?
            }
        };
        self.record(&workspace, &key, label).await?;
        let id = key.id()?;
        let care = self.care(&workspace, &id).await?;
        if care.retired.is_some() {
            let care = Care {
                retired: None,
                ..care
            };
            self.inner
                .journal
                .set_care(&workspace.id, &id, care)
                .await?;
        }
        Ok(ImportedKey { key, id })
    }

    /// Records the public half of a key that the vault has now.
    pub(in crate::usecase) async fn record(
        &self,
        workspace: &Workspace,
        key: &AnyKey,
        label: &str,
    ) -> Result<()> {
        let now = self.inner.world.now();
        let (id, journal) = (key.id()?, &self.inner.journal);
        match key {
            AnyKey::Ed25519(public) => {
                journal
                    .add_own_key(&workspace.id, &id, public.hex(), label, now)
                    .await
            }
            AnyKey::Rsa(public) => {
                let text = public.to_base64();
                journal
                    .add_own_rsa(&workspace.id, &id, &text, label, now)
                    .await
            }
        }
    }

    /// As [`Self::record`], for an RSA key.
    pub(in crate::usecase) async fn record_rsa(
        &self,
        workspace: &Workspace,
        public: &RsaPublic,
        label: &str,
    ) -> Result<()> {
        self.record(workspace, &AnyKey::Rsa(public.clone()), label)
            .await
    }
}
