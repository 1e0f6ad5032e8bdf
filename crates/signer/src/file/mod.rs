//! Keys in one age file with a passphrase: for CI, servers and machines without a keychain.
//!
//! Each call decrypts the file anew: read, sign, drop. No seed outlives a call, and keys that another process added
//! meanwhile are seen.

mod content;
mod disk;
#[cfg(test)]
mod tests;

use std::path::{Path, PathBuf};

use headgate_core::{Code, Problem, Result, RsaPublic};
use headgate_tuf::{PublicKey, RoleBytes, Signature};
use zeroize::Zeroizing;

use crate::any::AnySecret;
use crate::rsa::RsaSecret;
use crate::seed::Seed;
use crate::{
    AnyKey, KeyVault, Passphrase, RsaSigner, StoredKey, VaultInfo, VaultKind, failure, pem,
    portable, sealed, secret,
};
use content::{Content, Entry, RsaEntry, Secret};
use disk::Lock;

const NAME: &str = "vault file";

/// Work factor of a new vault, log2 of N: some 100 ms for each signature on a common machine.
const WORK_FACTOR: u8 = 15;

/// A vault file and what opens it.
pub struct FileVault {
    path: PathBuf,
    passphrase: Passphrase,
    work_factor: u8,
}

impl FileVault {
    /// Opens a vault that exists, and checks that the passphrase opens it.
    ///
    /// # Errors
    /// `key.file` when there is none or it is something else, `key.wrong_password`, `key.ambiguous`,
    /// `key.no_access` or `local.disk` when it cannot be read.
    pub fn open(path: impl AsRef<Path>, passphrase: Passphrase) -> Result<Self> {
        let path = path.as_ref();
        // A link is followed once, here: writing replaces the file that it names, not the link.
        let path = path
            .canonicalize()
            .map_err(|e| failure::io(&e, path, "opened"))?;
        let sealed = disk::read(&path)?;
        content::parse(&sealed::open(&sealed, &passphrase, content::WHAT)?)?;
        Ok(Self {
            path,
            passphrase,
            work_factor: sealed::work_factor(&sealed).unwrap_or(WORK_FACTOR),
        })
    }

    /// Makes an empty vault, readable by this account alone.
    ///
    /// # Errors
    /// `usage.exists` when something is there already; `key.no_access`, `key.file` or `local.disk` when it cannot be
    /// written.
    pub fn create(path: impl AsRef<Path>, passphrase: Passphrase) -> Result<Self> {
        Self::create_with_work_factor(path, passphrase, WORK_FACTOR)
    }

    /// As [`FileVault::create`], with another scrypt work factor: log2 of N, 1 to 18, kept for all later writes.
    /// Each step doubles what a signature and a guess of the passphrase cost. Below 15 it is for tests only.
    ///
    /// # Errors
    /// As [`FileVault::create`].
    pub fn create_with_work_factor(
        path: impl AsRef<Path>,
        passphrase: Passphrase,
        work_factor: u8,
    ) -> Result<Self> {
        let path = path.as_ref();
        if path.file_name().is_none() {
            return Err(Problem::new(
                Code::UsageArgument,
                format!("{} does not name a file.", path.display()),
            ));
        }
        let lock = Lock::take(path)?;
        if lock.exists() {
            return Err(Problem::new(
                Code::UsageExists,
                format!("{} exists already.", path.display()),
            )
            .remedy("Open it as a vault, or choose another file."));
        }
        let plain = content::write(&Content::default())?;
        lock.replace(&sealed::seal(&plain, &passphrase, work_factor)?)?;
        let path = path
            .canonicalize()
            .map_err(|e| failure::io(&e, path, "opened"))?;
        Ok(Self {
            path,
            passphrase,
            work_factor,
        })
    }

    fn read(&self) -> Result<Content> {
        let sealed = disk::read(&self.path)?;
        let plain = sealed::open(&sealed, &self.passphrase, content::WHAT)?;
        content::parse(&plain)
    }

    /// Reads, changes and writes under the lock, so that two processes never lose each other's keys.
    fn change<T>(&self, change: impl FnOnce(&mut Content) -> Result<T>) -> Result<T> {
        let lock = Lock::take(&self.path)?;
        let mut content = self.read()?;
        let answer = change(&mut content)?;
        let plain = content::write(&content)?;
        lock.replace(&sealed::seal(&plain, &self.passphrase, self.work_factor)?)?;
        Ok(answer)
    }

    fn find(&self, key: &PublicKey) -> Result<Option<(Seed, String)>> {
        let found = self.read()?.keys.into_iter().find(|e| e.public == *key);
        let Some(entry) = found else { return Ok(None) };
        Ok(Some((entry.seed.check(key, NAME)?, entry.label)))
    }

    fn get(&self, key: &PublicKey) -> Result<(Seed, String)> {
        self.find(key)?.ok_or_else(|| failure::not_here(key, NAME))
    }

    fn find_rsa(&self, key: &RsaPublic) -> Result<Option<(RsaSecret, String)>> {
        let found = self.read()?.rsa.into_iter().find(|e| e.public == *key);
        let Some(entry) = found else { return Ok(None) };
        let secret = RsaSecret::from_base64(&entry.secret);
        let secret = secret.ok_or_else(|| failure::rsa_damaged(key, NAME))?;
        Ok(Some((secret.check(key, NAME)?, entry.label)))
    }

    fn get_rsa(&self, key: &RsaPublic) -> Result<(RsaSecret, String)> {
        self.find_rsa(key)?
            .ok_or_else(|| failure::rsa_not_here(key, NAME))
    }

    fn put_any(&self, secret: AnySecret, label: &str) -> Result<AnyKey> {
        match secret {
            AnySecret::Ed25519(seed) => self.put(seed, label).map(AnyKey::Ed25519),
            AnySecret::Rsa(secret) => self.put_rsa(&secret, label).map(AnyKey::Rsa),
        }
    }

    fn put_rsa(&self, secret: &RsaSecret, label: &str) -> Result<RsaPublic> {
        let public = secret.public().clone();
        self.change(|content| {
            content.rsa.retain(|e| e.public != public);
            content.rsa.push(RsaEntry {
                public: public.clone(),
                label: label.into(),
                secret: secret.to_base64(),
            });
            Ok(public)
        })
    }

    fn put(&self, seed: Seed, label: &str) -> Result<PublicKey> {
        let public = seed.public();
        self.change(|content| {
            content.keys.retain(|e| e.public != public);
            content.keys.push(Entry {
                public: public.clone(),
                label: label.into(),
                seed,
            });
            Ok(public)
        })
    }
}

impl KeyVault for FileVault {
    fn info(&self) -> VaultInfo {
        VaultInfo {
            kind: VaultKind::File,
            label: "passphrase file".into(),
            place: Some(self.path.display().to_string()),
        }
    }

    fn probe(&self) -> Result<()> {
        self.read().map(drop)
    }

    fn create(&self, label: &str) -> Result<PublicKey> {
        failure::check_label(label)?;
        self.put(Seed::random()?, label)
    }

    fn has(&self, key: &PublicKey) -> Result<bool> {
        Ok(self.find(key)?.is_some())
    }

    fn sign(&self, key: &PublicKey, bytes: &RoleBytes) -> Result<Signature> {
        Ok(self.get(key)?.0.sign(bytes))
    }

    fn import(&self, sealed: &[u8], passphrase: &Passphrase) -> Result<AnyKey> {
        let key = portable::open(sealed, passphrase)?;
        let label = key.named().to_owned();
        self.put_any(key.secret, &label)
    }

    fn import_pem(&self, text: &Zeroizing<String>, label: &str) -> Result<AnyKey> {
        failure::check_label(label)?;
        self.put_any(pem::read(text)?, label)
    }

    fn export(&self, key: &PublicKey, passphrase: &Passphrase) -> Result<Vec<u8>> {
        let (seed, label) = self.get(key)?;
        portable::seal(&seed, &label, passphrase)
    }

    fn delete(&self, key: &PublicKey) -> Result<()> {
        self.change(|content| {
            let before = content.keys.len();
            content.keys.retain(|e| e.public != *key);
            if content.keys.len() == before {
                return Err(failure::not_here(key, NAME));
            }
            Ok(())
        })
    }

    fn list(&self) -> Result<Vec<StoredKey>> {
        let stored = |entry: Entry| StoredKey {
            public: entry.public,
            label: entry.label,
        };
        Ok(self.read()?.keys.into_iter().map(stored).collect())
    }

    fn create_rsa(&self, label: &str) -> Result<RsaPublic> {
        failure::check_label(label)?;
        self.put_rsa(&RsaSecret::random()?, label)
    }

    fn import_rsa(&self, pem: &Zeroizing<String>, label: &str) -> Result<RsaPublic> {
        failure::check_label(label)?;
        self.put_rsa(&RsaSecret::from_pem(pem)?, label)
    }

    fn has_rsa(&self, key: &RsaPublic) -> Result<bool> {
        Ok(self.find_rsa(key)?.is_some())
    }

    fn open_rsa(&self, key: &RsaPublic) -> Result<RsaSigner> {
        self.get_rsa(key)?.0.signer()
    }

    fn export_rsa(&self, key: &RsaPublic, passphrase: &Passphrase) -> Result<Vec<u8>> {
        let (secret, label) = self.get_rsa(key)?;
        portable::seal_rsa(&secret, &label, passphrase)
    }

    fn delete_rsa(&self, key: &RsaPublic) -> Result<()> {
        self.change(|content| {
            let before = content.rsa.len();
            content.rsa.retain(|e| e.public != *key);
            if content.rsa.len() == before {
                return Err(failure::rsa_not_here(key, NAME));
            }
            Ok(())
        })
    }

    fn put_secret(&self, name: &str, secret: &Zeroizing<String>) -> Result<()> {
        secret::check_name(name)?;
        secret::check_value(secret)?;
        self.change(|content| {
            content.secrets.retain(|s| s.name != name);
            content.secrets.push(Secret {
                name: name.to_owned(),
                value: secret.clone(),
            });
            Ok(())
        })
    }

    fn secret(&self, name: &str) -> Result<Option<Zeroizing<String>>> {
        secret::check_name(name)?;
        let found = self.read()?.secrets.into_iter().find(|s| s.name == name);
        Ok(found.map(|s| s.value))
    }

    fn delete_secret(&self, name: &str) -> Result<()> {
        secret::check_name(name)?;
        // Deciphering twice is cheaper than a new file for nothing.
        if self.secret(name)?.is_none() {
            return Ok(());
        }
        self.change(|content| {
            content.secrets.retain(|s| s.name != name);
            Ok(())
        })
    }
}
