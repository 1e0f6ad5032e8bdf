//! Keys of the workstation: the private halves are in a vault, the public ones are recorded here.

use std::path::PathBuf;

use headgate_core::{Code, Problem, Result};
use headgate_signer::{
    AnyKey, FileVault, KeyFileKind, KeyVault, OsKeychain, Passphrase, key_file_kind,
};
use headgate_tuf::{KeyId, PublicKey, UtcTime};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::disk;
use crate::history::Entry;
use crate::rsa::OwnRsa;
use crate::workstation::Workstation;

const FILE: &str = "keys.json";
/// The vault that the window makes, below the workstation's folder.
const VAULT: &str = "keys.vault";
/// Service name of this build's keychain items: the same as the console's.
const SERVICE: &str = if cfg!(debug_assertions) {
    "headgate-dev"
} else {
    "headgate"
};

/// Largest exported key that is read, bytes.
pub const MAX_KEY: u64 = 64 * 1024;

/// Where private keys are.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub enum VaultPlace {
    /// The keychain of the operating system.
    Os,
    /// A passphrase file.
    File(PathBuf),
}

impl VaultPlace {
    /// Reads `os` or `file:PATH`.
    ///
    /// # Errors
    /// `usage.argument` for anything else.
    pub fn parse(text: &str) -> Result<Self> {
        match text.strip_prefix("file:") {
            Some(path) if !path.is_empty() => Ok(Self::File(path.into())),
            None if text == "os" => Ok(Self::Os),
            _ => {
                let what = format!("{text:?} is neither os nor file:PATH.");
                Err(Problem::new(Code::UsageArgument, what).field("vault"))
            }
        }
    }

    /// Opens it. A passphrase file is made when `create` and there is none.
    ///
    /// # Errors
    /// `key.*`.
    pub fn open(&self, passphrase: Option<Passphrase>, create: bool) -> Result<Box<dyn KeyVault>> {
        let path = match self {
            Self::Os => return Ok(Box::new(OsKeychain::new(SERVICE))),
            Self::File(path) => path,
        };
        let needed = || {
            let what = format!("The vault {} needs its passphrase.", disk::shown(path));
            Problem::new(Code::KeyPassphrase, what)
        };
        let passphrase = passphrase.ok_or_else(needed)?;
        if create && !path.exists() {
            return Ok(Box::new(FileVault::create(path, passphrase)?));
        }
        Ok(Box::new(FileVault::open(path, passphrase)?))
    }

    /// From wherever the program runs next, it is the same file.
    pub(crate) fn absolute(&self) -> Result<Self> {
        match self {
            Self::Os => Ok(Self::Os),
            Self::File(path) => std::path::absolute(path)
                .map(Self::File)
                .map_err(|e| disk::failed(path, "found", &e)),
        }
    }

    /// Name for people: "Secret Service", "passphrase file".
    pub fn label(&self) -> String {
        match self {
            Self::Os => OsKeychain::new(SERVICE).info().label,
            Self::File(_) => "passphrase file".into(),
        }
    }

    /// Whether it needs a passphrase that a person types.
    pub fn needs_passphrase(&self) -> bool {
        matches!(self, Self::File(_))
    }
}

impl TryFrom<String> for VaultPlace {
    type Error = String;

    fn try_from(text: String) -> std::result::Result<Self, String> {
        Self::parse(&text).map_err(|p| p.message)
    }
}

impl From<VaultPlace> for String {
    fn from(place: VaultPlace) -> Self {
        match place {
            VaultPlace::Os => "os".into(),
            VaultPlace::File(path) => format!("file:{}", path.display()),
        }
    }
}

/// A key that is recorded as one of this workstation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnKey {
    /// Its id.
    pub id: KeyId,
    /// Its public half.
    pub public: PublicKey,
    /// Its name.
    pub name: String,
    /// Where the private half is.
    pub vault: VaultPlace,
    /// When it was made or imported here.
    pub created: UtcTime,
}

/// A key that was taken from a file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnyOwn {
    /// It signs roles.
    Role(OwnKey),
    /// It signs what plugins verify.
    Rsa(OwnRsa),
}

/// A key as it is recorded. What `public` is says the file that holds it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Stored {
    pub(crate) public: String,
    pub(crate) name: String,
    pub(crate) vault: VaultPlace,
    pub(crate) created: UtcTime,
}

impl Workstation {
    /// The passphrase file that the window makes.
    pub fn own_vault(&self) -> VaultPlace {
        VaultPlace::File(self.home.join(VAULT))
    }

    /// Keys that are recorded here.
    ///
    /// # Errors
    /// `local.*`.
    pub fn keys(&self) -> Result<Vec<OwnKey>> {
        let stored: Vec<Stored> = disk::own(&self.home.join(FILE))?.unwrap_or_default();
        stored.into_iter().map(read).collect()
    }

    /// Makes a key and records it.
    ///
    /// # Errors
    /// `key.*`, `usage.argument` for the name.
    pub fn create_key(
        &self,
        name: &str,
        place: &VaultPlace,
        vault: &dyn KeyVault,
    ) -> Result<OwnKey> {
        let public = vault.create(name)?;
        self.add(public, name, place, "key_created")
    }

    /// Takes a key from an exported file, with the passphrase of the file, or from PEM, and records it.
    ///
    /// # Errors
    /// `key.*`.
    pub fn import_key(
        &self,
        file: &[u8],
        passphrase: Option<&Passphrase>,
        name: &str,
        place: &VaultPlace,
        vault: &dyn KeyVault,
    ) -> Result<AnyOwn> {
        let key = match key_file_kind(file)? {
            KeyFileKind::Sealed => {
                let needed = || {
                    let what = "An exported key needs the passphrase that it was exported with.";
                    Problem::new(Code::KeyPassphrase, what).field("passphrase")
                };
                vault.import(file, passphrase.ok_or_else(needed)?)?
            }
            KeyFileKind::Pem => {
                let text = std::str::from_utf8(file)
                    .map_err(|_| Problem::new(Code::KeyFile, "The key file is no text."))?;
                vault.import_pem(&Zeroizing::new(text.to_owned()), name)?
            }
        };
        match key {
            AnyKey::Ed25519(public) => self
                .add(public, name, place, "key_imported")
                .map(AnyOwn::Role),
            AnyKey::Rsa(public) => self
                .add_rsa(public, name, place, "key_imported")
                .map(AnyOwn::Rsa),
        }
    }

    /// Records keys that a vault lists and nobody recorded here yet.
    ///
    /// # Errors
    /// `key.*`, `local.*`.
    pub fn adopt_keys(&self, place: &VaultPlace, vault: &dyn KeyVault) -> Result<()> {
        for stored in vault.list()? {
            let name = match stored.label.as_str() {
                "" => "Key",
                label => label,
            };
            self.adopt_key(&stored.public, name, place)?;
        }
        Ok(())
    }

    /// Records a key that a vault has and nobody recorded here yet.
    ///
    /// # Errors
    /// `local.*`.
    pub fn adopt_key(&self, public: &PublicKey, name: &str, place: &VaultPlace) -> Result<()> {
        if !self.own_ids()?.contains(&public.id()?) {
            self.add(public.clone(), name, place, "key_found")?;
        }
        Ok(())
    }

    /// Exports a key as an age file with a passphrase.
    ///
    /// # Errors
    /// `key.*`.
    pub fn export_key(
        &self,
        key: &OwnKey,
        passphrase: &Passphrase,
        vault: &dyn KeyVault,
    ) -> Result<Vec<u8>> {
        let sealed = vault.export(&key.public, passphrase)?;
        self.record(&Entry {
            title: key.name.clone(),
            keys: vec![key.id.to_string()],
            ..Entry::new(self.now(), "key_exported")
        })?;
        Ok(sealed)
    }

    /// A recorded key by its name or at least 8 digits of its id.
    ///
    /// # Errors
    /// `usage.unknown`; `key.ambiguous` when several fit.
    pub fn key(&self, wanted: &str) -> Result<OwnKey> {
        let fits = |k: &OwnKey| {
            k.name == wanted || (wanted.len() >= 8 && k.id.as_str().starts_with(wanted))
        };
        let mut found = self.keys()?.into_iter().filter(fits);
        match (found.next(), found.next()) {
            (Some(key), None) => Ok(key),
            (None, _) => Err(Problem::new(
                Code::UsageUnknown,
                format!("This workstation recorded no key {wanted:?}."),
            )
            .remedy("Give a name, or at least 8 digits of an id, from headgate-sign keys list.")
            .field("key")),
            (Some(_), Some(_)) => Err(Problem::new(
                Code::KeyAmbiguous,
                format!("Several keys are called {wanted:?}."),
            )
            .remedy("Give its id instead.")
            .field("key")),
        }
    }

    fn add(&self, public: PublicKey, name: &str, place: &VaultPlace, did: &str) -> Result<OwnKey> {
        let vault = place.absolute()?;
        let key = OwnKey {
            id: public.id()?,
            public,
            name: name.trim().to_owned(),
            vault,
            created: self.now(),
        };
        let mut all = self.keys()?;
        all.retain(|k| k.id != key.id);
        all.push(key.clone());
        let stored: Vec<Stored> = all.iter().map(stored).collect();
        disk::put(&self.home.join(FILE), &stored)?;
        self.record(&Entry {
            title: key.name.clone(),
            keys: vec![key.id.to_string()],
            ..Entry::new(self.now(), did)
        })?;
        Ok(key)
    }
}

fn stored(key: &OwnKey) -> Stored {
    Stored {
        public: key.public.hex().to_owned(),
        name: key.name.clone(),
        vault: key.vault.clone(),
        created: key.created,
    }
}

fn read(stored: Stored) -> Result<OwnKey> {
    let public = public_key(&stored.public)?;
    Ok(OwnKey {
        id: public.id()?,
        public,
        name: stored.name,
        vault: stored.vault,
        created: stored.created,
    })
}

/// Reads an Ed25519 public key of 64 hex digits.
///
/// # Errors
/// `key.file`.
pub fn public_key(text: &str) -> Result<PublicKey> {
    let bytes = hex::decode(text.trim())
        .ok()
        .and_then(|b| <[u8; 32]>::try_from(b).ok());
    let bytes = bytes.ok_or_else(|| {
        Problem::new(
            Code::KeyFile,
            "That is not an Ed25519 public key of 64 hex digits.",
        )
    })?;
    Ok(PublicKey::from_bytes(&bytes))
}
