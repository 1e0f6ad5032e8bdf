//! Handlers of keys. Secrets go into memory that is wiped as soon as they arrive.

use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use headgate_core::{Code, Problem, Result, words};
use headgate_engine::{self as engine, AnyKey, Asking, RsaOrigin};
use zeroize::Zeroizing;

use crate::app::{App, lock};
use crate::dto::{self, IpcError};
use crate::setups;

/// Endings in the dialog: exports, PEM files, and the names of Capgo's tool.
const ENDINGS: &[&str] = &["age", "pem", "key", "capgo_key_v2", "capgo_key", "txt"];

/// Handles of picked files.
static COUNT: AtomicU64 = AtomicU64::new(1);

type Answer<T> = std::result::Result<T, IpcError>;

impl App {
    /// Keys and roles from the local cache; a locked keychain is not asked to open.
    pub async fn keys(&self, request: dto::WorkspaceRef) -> Answer<dto::KeyRing> {
        self.ring(&request.workspace, Asking::Never).await
    }

    /// As [`App::keys`]; the keychain may ask the person.
    pub async fn keys_check(&self, request: dto::WorkspaceRef) -> Answer<dto::KeyRing> {
        self.ring(&request.workspace, Asking::Person).await
    }

    async fn ring(&self, workspace: &str, asking: Asking) -> Answer<dto::KeyRing> {
        let ring = self.console.key_ring(workspace, asking).await?;
        Ok(dto::KeyRing {
            vault: dto::Vault {
                kind: ring.vault.kind,
                label: ring.vault.label,
                why: ring.vault.why,
            },
            vault_problem: ring.vault_problem.map(IpcError::from),
            keys: ring.keys.into_iter().map(card).collect(),
            roles: ring.roles.into_iter().map(role).collect(),
            expiry: ring.expiry.into_iter().map(expiry).collect(),
            as_of: ring.as_of.map(|t| t.to_string()),
            word_bits: u32::try_from(words::WORD_BITS).unwrap_or(0),
        })
    }

    /// Opens a passphrase file with what the person entered.
    pub async fn vault_unlock(&self, request: dto::VaultUnlock) -> Answer<dto::Empty> {
        let passphrase = Zeroizing::new(request.passphrase);
        self.console
            .unlock_vault(&request.workspace, passphrase)
            .await?;
        Ok(dto::Empty {})
    }

    /// Makes a key.
    pub async fn key_create(&self, request: dto::KeyCreate) -> Answer<dto::KeyMade> {
        let (workspace, name) = (request.workspace.as_str(), request.name.trim());
        match request.kind.as_str() {
            "freshness" => {
                let made = self.console.create_key(workspace, name).await?;
                Ok(dto::KeyMade {
                    id: made.key.id.to_string(),
                    accepted: made.job.is_some(),
                    job: made.job,
                })
            }
            "role" => {
                let made = self.console.make_key(workspace, name).await?;
                Ok(dto::KeyMade {
                    id: made.id.to_string(),
                    job: None,
                    accepted: false,
                })
            }
            "rsa" => {
                let channel = request.channel.as_deref().unwrap_or_default();
                let set = self.console.set_channel_rsa(
                    workspace,
                    channel,
                    name,
                    RsaOrigin::New,
                    request.replace,
                );
                self.set(workspace, channel, set.await?).await
            }
            other => {
                let what = format!("There is no kind of key {other:?}.");
                Err(Problem::new(Code::UsageArgument, what).field("kind").into())
            }
        }
    }

    /// Waits until a channel's key is signed into the settings.
    async fn set(&self, workspace: &str, channel: &str, job: String) -> Answer<dto::KeyMade> {
        self.console.wait(&job).await?;
        let rsa = self.console.channel_rsa(workspace, channel).await?;
        Ok(dto::KeyMade {
            id: rsa.map(|rsa| rsa.public.sha256()).unwrap_or_default(),
            job: Some(job),
            accepted: true,
        })
    }

    /// Opens a native dialog for a key file, reads it and says what it is. Its content stays here.
    pub async fn key_file_choose(&self, _: dto::Empty) -> Answer<dto::PickedKeyFile> {
        let picked = self
            .host
            .pick_file("Choose a key file", "Key files", ENDINGS)
            .await;
        let Some(path) = picked else {
            return Ok(dto::PickedKeyFile { item: None });
        };
        let (bytes, kind) = engine::read_key_file(&path)?;
        let handle = format!("key-{}", COUNT.fetch_add(1, Ordering::Relaxed));
        let mut files = lock(&self.key_files);
        // The one before was not wanted: a dialog chooses one at a time.
        files.clear();
        files.insert(handle.clone(), bytes);
        let name = path.file_name().unwrap_or_default();
        Ok(dto::PickedKeyFile {
            item: Some(dto::KeyFile {
                handle,
                name: name.to_string_lossy().into_owned(),
                kind: kind.into(),
            }),
        })
    }

    /// Imports a key from a picked file or pasted PEM text.
    pub async fn key_import(&self, request: dto::KeyImport) -> Answer<dto::KeyMade> {
        let passphrase = request.passphrase.map(Zeroizing::new);
        let pasted = request.pem.map(|text| Zeroizing::new(text.into_bytes()));
        let file = match (&request.handle, pasted) {
            (Some(handle), None) => self.key_file(handle)?,
            (None, Some(text)) => text,
            _ => {
                let what = "Choose a key file, or paste the text of one.";
                return Err(Problem::new(Code::UsageArgument, what).field("file").into());
            }
        };
        let (workspace, name) = (request.workspace.as_str(), request.name.trim());
        let imported = self
            .console
            .import_key(workspace, file, passphrase, name)
            .await?;
        lock(&self.key_files).clear();
        match (imported.key, request.channel) {
            (AnyKey::Rsa(public), Some(channel)) => {
                let origin = RsaOrigin::Here(public);
                let set = self.console.set_channel_rsa(
                    workspace,
                    &channel,
                    name,
                    origin,
                    request.replace,
                );
                self.set(workspace, &channel, set.await?).await
            }
            _ => Ok(dto::KeyMade {
                id: imported.id,
                job: None,
                accepted: false,
            }),
        }
    }

    /// Writes a key to a file that a native dialog asks for.
    pub async fn key_export(&self, request: dto::KeyExport) -> Answer<dto::PickedPath> {
        let passphrase = Zeroizing::new(request.passphrase);
        let digits: String = request.key.chars().take(8).collect();
        let picked = self
            .host
            .save_file(
                "Back up the key",
                &format!("headgate-key-{digits}.age"),
                "Key file",
                "age",
            )
            .await;
        let Some(path) = picked else {
            return Ok(dto::PickedPath { path: None });
        };
        self.console
            .export_key_to(&request.workspace, &request.key, passphrase, &path)
            .await?;
        Ok(shown(&path))
    }

    /// Proves that a picked file holds a key.
    pub async fn key_drill(&self, request: dto::KeyDrill) -> Answer<dto::KeyDrilled> {
        let passphrase = Zeroizing::new(request.passphrase);
        let file = self.key_file(&request.handle)?;
        let at = self
            .console
            .drill_key(&request.workspace, &request.key, file, passphrase)
            .await?;
        lock(&self.key_files).clear();
        Ok(dto::KeyDrilled { at: at.to_string() })
    }

    /// Takes a key out of use here.
    pub async fn key_retire(&self, request: dto::KeyRef) -> Answer<dto::Empty> {
        self.console
            .retire_key(&request.workspace, &request.key)
            .await?;
        Ok(dto::Empty {})
    }

    /// Deletes a key whose name was typed.
    pub async fn key_delete(&self, request: dto::KeyDelete) -> Answer<dto::Empty> {
        self.console
            .delete_key(&request.workspace, &request.key, &request.typed)
            .await?;
        Ok(dto::Empty {})
    }

    /// The public key that a channel's apps pin, in the form of each dialect that pins one.
    pub async fn key_setups(&self, request: dto::ChannelRef) -> Answer<dto::ClientSetups> {
        let facts = self
            .console
            .facts(&request.workspace, &request.unit, &request.channel)
            .await?;
        let link = self.console.server_link(&request.workspace).await?;
        Ok(dto::ClientSetups {
            setups: setups::with_keys(&facts, link.public_url.as_deref())?,
        })
    }

    /// Saves such a public key to a file that a native dialog asks for.
    pub async fn public_key_save(&self, request: dto::PublicKeySave) -> Answer<dto::PickedPath> {
        let place = dto::ChannelRef {
            workspace: request.workspace,
            unit: request.unit,
            channel: request.channel,
        };
        let setups = self.key_setups(place).await?.setups;
        let key = setups
            .into_iter()
            .find(|setup| setup.dialect == request.dialect)
            .and_then(|setup| setup.public_key);
        let missing = || Problem::new(Code::UsageUnknown, "The channel has no RSA key.");
        let key = key.ok_or_else(missing)?;
        let picked = self
            .host
            .save_file(
                "Save the public key",
                "headgate_public.pem",
                "PEM file",
                "pem",
            )
            .await;
        let Some(path) = picked else {
            return Ok(dto::PickedPath { path: None });
        };
        save(&path, key.as_bytes())?;
        Ok(shown(&path))
    }

    fn key_file(&self, handle: &str) -> Result<Zeroizing<Vec<u8>>> {
        let missing = || {
            let what = "The key file is gone. Choose it again.";
            Problem::new(Code::UsageUnknown, what).field("file")
        };
        lock(&self.key_files)
            .get(handle)
            .cloned()
            .ok_or_else(missing)
    }
}

/// Writes a file where a person said.
pub(crate) fn save(path: &Path, bytes: &[u8]) -> Result<()> {
    std::fs::write(path, bytes).map_err(|e| {
        let what = format!("{} cannot be written: {e}.", path.display());
        Problem::new(Code::LocalDisk, what)
    })
}

pub(crate) fn shown(path: &Path) -> dto::PickedPath {
    dto::PickedPath {
        path: Some(path.display().to_string()),
    }
}

fn card(card: engine::KeyCard) -> dto::KeyCard {
    let public = card.public.map(|key| match key {
        AnyKey::Ed25519(key) => key.hex().to_owned(),
        AnyKey::Rsa(key) => key.spki_pem(),
    });
    let time = |at: Option<_>| at.map(|t: engine::UtcTime| t.to_string());
    dto::KeyCard {
        id: card.id,
        name: card.name,
        holder: card.holder,
        algorithm: card.algorithm.into(),
        purpose: card.purpose,
        roles: card.roles,
        channels: card.channels,
        words: card.words,
        public,
        own: card.own,
        here: card.here,
        created: time(card.created),
        used: card.used.map(|used| dto::KeyUse {
            at: used.at.to_string(),
            role: used.role,
            version: u32::try_from(used.version).unwrap_or(u32::MAX),
        }),
        exported: time(card.exported),
        drilled: time(card.drilled),
        retired: time(card.retired),
        problem: card.problem.map(IpcError::from),
    }
}

fn role(row: engine::RoleRow) -> dto::RoleRow {
    let key = |key: engine::RoleKey| dto::RoleKey {
        id: key.id,
        name: key.name,
        holder: key.holder,
        own: key.own,
    };
    dto::RoleRow {
        role: row.role,
        kind: row.kind.into(),
        unit: row.unit,
        channel: row.channel,
        label: row.label,
        threshold: row.threshold,
        keys: row.keys.into_iter().map(key).collect(),
    }
}

fn expiry(role: engine::RoleExpiry) -> dto::RoleExpiry {
    dto::RoleExpiry {
        role: role.role,
        label: role.label,
        validity: dto::Validity {
            signed: role.signed.to_string(),
            expires: role.expires.to_string(),
            used_permille: role.used_permille,
            level: role.level.as_str().into(),
        },
    }
}
