//! Keys in memory: for tests. They are gone when the process ends.

use std::collections::BTreeMap;
use std::sync::{Mutex, MutexGuard, PoisonError};

use headgate_core::{Result, RsaPublic};
use headgate_tuf::{PublicKey, RoleBytes, Signature};
use zeroize::Zeroizing;

use crate::any::AnySecret;
use crate::rsa::RsaSecret;
use crate::seed::Seed;
use crate::{
    AnyKey, KeyVault, Passphrase, RsaSigner, StoredKey, VaultInfo, VaultKind, failure, pem,
    portable, secret,
};

const NAME: &str = "memory vault";

struct Held {
    public: PublicKey,
    label: String,
    seed: Seed,
}

/// Keys in memory.
#[derive(Default)]
pub struct MemoryVault {
    keys: Mutex<BTreeMap<String, Held>>,
    secrets: Mutex<BTreeMap<String, Zeroizing<String>>>,
    /// By the SHA-256 of the public half.
    rsa: Mutex<BTreeMap<String, RsaSecret>>,
}

impl MemoryVault {
    /// An empty one.
    pub fn new() -> Self {
        Self::default()
    }

    fn keys(&self) -> MutexGuard<'_, BTreeMap<String, Held>> {
        // No call leaves the map half changed, so a panic elsewhere does not spoil it.
        self.keys.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn secrets(&self) -> MutexGuard<'_, BTreeMap<String, Zeroizing<String>>> {
        self.secrets.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn rsa(&self) -> MutexGuard<'_, BTreeMap<String, RsaSecret>> {
        self.rsa.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn put_rsa(&self, secret: RsaSecret) -> RsaPublic {
        let public = secret.public().clone();
        self.rsa().insert(public.sha256(), secret);
        public
    }

    fn put_any(&self, secret: AnySecret, label: String) -> AnyKey {
        match secret {
            AnySecret::Ed25519(seed) => AnyKey::Ed25519(self.put(seed, label)),
            AnySecret::Rsa(secret) => AnyKey::Rsa(self.put_rsa(secret)),
        }
    }

    fn get_rsa(&self, key: &RsaPublic) -> Result<RsaSecret> {
        let held = self.rsa().get(&key.sha256()).map(RsaSecret::duplicate);
        held.ok_or_else(|| failure::rsa_not_here(key, NAME))?
            .check(key, NAME)
    }

    fn put(&self, seed: Seed, label: String) -> PublicKey {
        let public = seed.public();
        let held = Held {
            public: public.clone(),
            label,
            seed,
        };
        self.keys().insert(public.hex().to_owned(), held);
        public
    }

    fn get(&self, key: &PublicKey) -> Result<(Seed, String)> {
        let keys = self.keys();
        let held = keys
            .get(key.hex())
            .ok_or_else(|| failure::not_here(key, NAME))?;
        let seed = held.seed.duplicate().check(key, NAME)?;
        Ok((seed, held.label.clone()))
    }
}

impl KeyVault for MemoryVault {
    fn info(&self) -> VaultInfo {
        VaultInfo {
            kind: VaultKind::Memory,
            label: "memory".into(),
            place: None,
        }
    }

    fn probe(&self) -> Result<()> {
        Ok(())
    }

    fn create(&self, label: &str) -> Result<PublicKey> {
        failure::check_label(label)?;
        Ok(self.put(Seed::random()?, label.into()))
    }

    fn has(&self, key: &PublicKey) -> Result<bool> {
        Ok(self.keys().contains_key(key.hex()))
    }

    fn sign(&self, key: &PublicKey, bytes: &RoleBytes) -> Result<Signature> {
        Ok(self.get(key)?.0.sign(bytes))
    }

    fn import(&self, sealed: &[u8], passphrase: &Passphrase) -> Result<AnyKey> {
        let key = portable::open(sealed, passphrase)?;
        Ok(self.put_any(key.secret, key.label))
    }

    fn import_pem(&self, text: &Zeroizing<String>, label: &str) -> Result<AnyKey> {
        failure::check_label(label)?;
        Ok(self.put_any(pem::read(text)?, label.into()))
    }

    fn export(&self, key: &PublicKey, passphrase: &Passphrase) -> Result<Vec<u8>> {
        let (seed, label) = self.get(key)?;
        portable::seal(&seed, &label, passphrase)
    }

    fn delete(&self, key: &PublicKey) -> Result<()> {
        self.keys()
            .remove(key.hex())
            .map(drop)
            .ok_or_else(|| failure::not_here(key, NAME))
    }

    fn list(&self) -> Result<Vec<StoredKey>> {
        let stored = |held: &Held| StoredKey {
            public: held.public.clone(),
            label: held.label.clone(),
        };
        Ok(self.keys().values().map(stored).collect())
    }

    fn create_rsa(&self, label: &str) -> Result<RsaPublic> {
        failure::check_label(label)?;
        Ok(self.put_rsa(RsaSecret::random()?))
    }

    fn import_rsa(&self, pem: &Zeroizing<String>, label: &str) -> Result<RsaPublic> {
        failure::check_label(label)?;
        Ok(self.put_rsa(RsaSecret::from_pem(pem)?))
    }

    fn has_rsa(&self, key: &RsaPublic) -> Result<bool> {
        Ok(self.rsa().contains_key(&key.sha256()))
    }

    fn open_rsa(&self, key: &RsaPublic) -> Result<RsaSigner> {
        self.get_rsa(key)?.signer()
    }

    fn export_rsa(&self, key: &RsaPublic, passphrase: &Passphrase) -> Result<Vec<u8>> {
        portable::seal_rsa(&self.get_rsa(key)?, "", passphrase)
    }

    fn delete_rsa(&self, key: &RsaPublic) -> Result<()> {
        self.rsa()
            .remove(&key.sha256())
            .map(drop)
            .ok_or_else(|| failure::rsa_not_here(key, NAME))
    }

    fn put_secret(&self, name: &str, secret: &Zeroizing<String>) -> Result<()> {
        secret::check_name(name)?;
        secret::check_value(secret)?;
        self.secrets().insert(name.to_owned(), secret.clone());
        Ok(())
    }

    fn secret(&self, name: &str) -> Result<Option<Zeroizing<String>>> {
        secret::check_name(name)?;
        Ok(self.secrets().get(name).cloned())
    }

    fn delete_secret(&self, name: &str) -> Result<()> {
        secret::check_name(name)?;
        self.secrets().remove(name);
        Ok(())
    }
}
