//! RSA keys of channels, which the plugins in apps pin. They are in the same vaults as the other keys and never leave.

use headgate_core::{Code, Problem, Result, RsaPublic};
use headgate_signer::{KeyVault, Passphrase};
use headgate_tuf::UtcTime;

use crate::answer::{save, slug};
use crate::disk;
use crate::history::Entry;
use crate::keys::{Stored, VaultPlace};
use crate::workstation::Workstation;

const FILE: &str = "rsa.json";

/// An RSA key that is recorded as one of this workstation.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OwnRsa {
    /// Its public half.
    pub public: RsaPublic,
    /// Its name.
    pub name: String,
    /// Where the private half is.
    pub vault: VaultPlace,
    /// When it was made or imported here.
    pub created: UtcTime,
}

impl Workstation {
    /// RSA keys that are recorded here.
    ///
    /// # Errors
    /// `local.*`.
    pub fn rsa_keys(&self) -> Result<Vec<OwnRsa>> {
        let stored: Vec<Stored> = disk::own(&self.home.join(FILE))?.unwrap_or_default();
        let read = |stored: Stored| {
            Ok(OwnRsa {
                public: RsaPublic::from_base64(&stored.public)?,
                name: stored.name,
                vault: stored.vault,
                created: stored.created,
            })
        };
        stored.into_iter().map(read).collect()
    }

    /// Makes an RSA key of 2048 bits and records it.
    ///
    /// # Errors
    /// `key.*`, `usage.argument` for the name.
    pub fn create_rsa(
        &self,
        name: &str,
        place: &VaultPlace,
        vault: &dyn KeyVault,
    ) -> Result<OwnRsa> {
        let public = vault.create_rsa(name)?;
        self.add_rsa(public, name, place, "key_created")
    }

    /// A recorded RSA key by its name or at least 8 digits of its SHA-256; nothing when none fits.
    ///
    /// # Errors
    /// `key.ambiguous` when several fit.
    pub fn rsa_key(&self, wanted: &str) -> Result<Option<OwnRsa>> {
        let fits = |k: &OwnRsa| {
            k.name == wanted || (wanted.len() >= 8 && k.public.sha256().starts_with(wanted))
        };
        let mut found = self.rsa_keys()?.into_iter().filter(fits);
        let first = found.next();
        if found.next().is_none() {
            return Ok(first);
        }
        let what = format!("Several RSA keys are called {wanted:?}.");
        Err(Problem::new(Code::KeyAmbiguous, what)
            .remedy("Give its SHA-256 instead.")
            .field("key"))
    }

    /// Exports an RSA key as an age file with a passphrase.
    ///
    /// # Errors
    /// `key.*`.
    pub fn export_rsa(
        &self,
        key: &OwnRsa,
        passphrase: &Passphrase,
        vault: &dyn KeyVault,
    ) -> Result<Vec<u8>> {
        let sealed = vault.export_rsa(&key.public, passphrase)?;
        self.record_rsa(key, "key_exported")?;
        Ok(sealed)
    }

    /// Writes the public half beside the requests, for the team: `production-apps.pem`, SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// `local.disk`.
    pub fn export_rsa_public(
        &self,
        key: &OwnRsa,
        folder: &std::path::Path,
    ) -> Result<std::path::PathBuf> {
        let name = format!("{}.pem", slug(&key.name));
        save(folder, &name, key.public.spki_pem().as_bytes())
    }

    pub(crate) fn add_rsa(
        &self,
        public: RsaPublic,
        name: &str,
        place: &VaultPlace,
        did: &str,
    ) -> Result<OwnRsa> {
        let key = OwnRsa {
            public,
            name: name.trim().to_owned(),
            vault: place.absolute()?,
            created: self.now(),
        };
        let mut all = self.rsa_keys()?;
        all.retain(|k| k.public != key.public);
        all.push(key.clone());
        let stored: Vec<Stored> = all.iter().map(stored).collect();
        disk::put(&self.home.join(FILE), &stored)?;
        self.record_rsa(&key, did)?;
        Ok(key)
    }

    fn record_rsa(&self, key: &OwnRsa, did: &str) -> Result<()> {
        self.record(&Entry {
            title: key.name.clone(),
            keys: vec![key.public.sha256()],
            ..Entry::new(self.now(), did)
        })
    }
}

fn stored(key: &OwnRsa) -> Stored {
    Stored {
        public: key.public.to_base64(),
        name: key.name.clone(),
        vault: key.vault.clone(),
        created: key.created,
    }
}
