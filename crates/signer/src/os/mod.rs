//! Keys in the keychain of the operating system.
//!
//! An item's service is the product's name, its account the key id, its password the seed as base64 text. The account
//! of a secret that is no key is `storage:` and its name. That of an RSA key is `rsa:` and the SHA-256 of its public
//! half; it is kept as bytes, since Windows stores text in two bytes a character and would have no room for it.
//! The connection is made anew for each call: keychain daemons restart, and a call that was abandoned while a prompt
//! was open must not hold up the next one.

#[cfg(target_os = "linux")]
#[path = "linux.rs"]
mod platform;
#[cfg(target_os = "macos")]
#[path = "macos.rs"]
mod platform;
#[cfg(target_os = "windows")]
#[path = "windows.rs"]
mod platform;
#[cfg(not(any(target_os = "linux", target_os = "macos", target_os = "windows")))]
#[path = "other.rs"]
mod platform;

mod explain;

use std::collections::HashMap;

use headgate_core::{Code, Problem, Result, RsaPublic};
use headgate_tuf::{PublicKey, RoleBytes, Signature};
use keyring_core::{Entry, Error};
use zeroize::Zeroizing;

use crate::any::AnySecret;
use crate::rsa::RsaSecret;
use crate::seed::Seed;
use crate::{
    AnyKey, KeyVault, Passphrase, RsaSigner, StoredKey, VaultInfo, VaultKind, failure, pem,
    portable, secret,
};
pub(crate) use explain::{explain, explain_rsa, explain_secret};

/// The keychain of the operating system.
pub struct OsKeychain {
    service: String,
}

impl OsKeychain {
    /// Service name of this build's items. A debug build has its own, so that trying things out touches no real key.
    pub const SERVICE: &'static str = if cfg!(debug_assertions) {
        "headgate-dev"
    } else {
        "headgate"
    };

    /// The keychain, with items under this service name: [`OsKeychain::SERVICE`] outside tests.
    pub fn new(service: &str) -> Self {
        Self {
            service: service.into(),
        }
    }

    /// The item of a key. Making the handle reads and writes nothing.
    fn entry(&self, key: &PublicKey, label: Option<&str>) -> Result<Entry> {
        let name = label.map(|l| format!("Headgate key: {l}"));
        self.item(key.id()?.as_str(), name.as_deref())
            .map_err(|e| explain(e, key))
    }

    /// The item of a secret that is no key.
    fn secret_entry(&self, name: &str) -> Result<Entry> {
        secret::check_name(name)?;
        let label = format!("Headgate storage: {name}");
        self.item(&format!("storage:{name}"), Some(&label))
            .map_err(explain_secret)
    }

    /// The item of an RSA key.
    fn rsa_entry(&self, key: &RsaPublic, label: Option<&str>) -> Result<Entry> {
        let name = label.map(|l| format!("Headgate channel key: {l}"));
        self.item(&format!("rsa:{}", key.sha256()), name.as_deref())
            .map_err(|e| explain_rsa(e, key))
    }

    fn find_rsa(&self, key: &RsaPublic) -> Result<Option<RsaSecret>> {
        let bytes = match self.rsa_entry(key, None)?.get_secret() {
            Ok(bytes) => Zeroizing::new(bytes),
            Err(Error::NoEntry) => return Ok(None),
            Err(e) => return Err(explain_rsa(e, key)),
        };
        let text = std::str::from_utf8(&bytes).ok();
        let secret = text
            .and_then(RsaSecret::from_base64)
            .ok_or_else(|| failure::rsa_damaged(key, platform::LABEL))?;
        Ok(Some(secret.check(key, platform::LABEL)?))
    }

    /// Writes it and reads it back, as with seeds.
    fn put_rsa(&self, secret: &RsaSecret, label: &str) -> Result<RsaPublic> {
        let key = secret.public().clone();
        self.rsa_entry(&key, Some(label))?
            .set_secret(secret.to_base64().as_bytes())
            .map_err(|e| explain_rsa(e, &key))?;
        if self.find_rsa(&key)?.is_none() {
            return Err(Problem::new(
                Code::KeyOther,
                format!("The {} did not keep the new key.", platform::LABEL),
            ));
        }
        Ok(key)
    }

    fn get_rsa(&self, key: &RsaPublic) -> Result<RsaSecret> {
        self.find_rsa(key)?
            .ok_or_else(|| failure::rsa_not_here(key, platform::LABEL))
    }

    fn put_any(&self, secret: AnySecret, label: &str) -> Result<AnyKey> {
        match secret {
            AnySecret::Ed25519(seed) => self.put(seed, Some(label)).map(AnyKey::Ed25519),
            AnySecret::Rsa(secret) => self.put_rsa(&secret, label).map(AnyKey::Rsa),
        }
    }

    fn item(&self, account: &str, label: Option<&str>) -> std::result::Result<Entry, Error> {
        let mut modifiers: HashMap<&str, &str> = HashMap::new();
        platform::modifiers(&mut modifiers, label);
        platform::store()?.build(&self.service, account, Some(&modifiers))
    }

    /// The seed, if there is an item. That there is none says nothing about why: a key is never made because of it.
    fn find(&self, key: &PublicKey) -> Result<Option<Seed>> {
        let text = match self.entry(key, None)?.get_password() {
            Ok(text) => Zeroizing::new(text),
            Err(Error::NoEntry) => return Ok(None),
            Err(e) => return Err(explain(e, key)),
        };
        let seed = Seed::from_base64(&text)
            .ok_or_else(|| failure::damaged(key, platform::LABEL))?
            .check(key, platform::LABEL)?;
        Ok(Some(seed))
    }

    fn get(&self, key: &PublicKey) -> Result<Seed> {
        self.find(key)?
            .ok_or_else(|| failure::not_here(key, platform::LABEL))
    }

    /// Writes the seed and reads it back: some keychains accept an item that they do not keep.
    fn put(&self, seed: Seed, label: Option<&str>) -> Result<PublicKey> {
        let key = seed.public();
        self.entry(&key, label)?
            .set_password(&seed.to_base64())
            .map_err(|e| explain(e, &key))?;
        if self.find(&key)?.is_none() {
            return Err(Problem::new(
                Code::KeyOther,
                format!("The {} did not keep the new key.", platform::LABEL),
            ));
        }
        Ok(key)
    }
}

impl KeyVault for OsKeychain {
    fn info(&self) -> VaultInfo {
        VaultInfo {
            kind: VaultKind::Os,
            label: platform::LABEL.into(),
            place: Some(self.service.clone()),
        }
    }

    fn probe(&self) -> Result<()> {
        platform::probe(&self.service)
    }

    fn create(&self, label: &str) -> Result<PublicKey> {
        failure::check_label(label)?;
        self.put(Seed::random()?, Some(label))
    }

    fn has(&self, key: &PublicKey) -> Result<bool> {
        Ok(self.find(key)?.is_some())
    }

    fn sign(&self, key: &PublicKey, bytes: &RoleBytes) -> Result<Signature> {
        Ok(self.get(key)?.sign(bytes))
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
        portable::seal(&self.get(key)?, "", passphrase)
    }

    fn delete(&self, key: &PublicKey) -> Result<()> {
        match self.entry(key, None)?.delete_credential() {
            Ok(()) => Ok(()),
            Err(Error::NoEntry) => Err(failure::not_here(key, platform::LABEL)),
            Err(e) => Err(explain(e, key)),
        }
    }

    fn list(&self) -> Result<Vec<StoredKey>> {
        Ok(Vec::new())
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
        self.get_rsa(key)?.signer()
    }

    fn export_rsa(&self, key: &RsaPublic, passphrase: &Passphrase) -> Result<Vec<u8>> {
        portable::seal_rsa(&self.get_rsa(key)?, "", passphrase)
    }

    fn delete_rsa(&self, key: &RsaPublic) -> Result<()> {
        match self.rsa_entry(key, None)?.delete_credential() {
            Ok(()) => Ok(()),
            Err(Error::NoEntry) => Err(failure::rsa_not_here(key, platform::LABEL)),
            Err(e) => Err(explain_rsa(e, key)),
        }
    }

    /// Reads it back, as with keys.
    fn put_secret(&self, name: &str, secret: &Zeroizing<String>) -> Result<()> {
        let entry = self.secret_entry(name)?;
        secret::check_value(secret)?;
        entry.set_password(secret).map_err(explain_secret)?;
        if self.secret(name)?.as_ref() != Some(secret) {
            return Err(Problem::new(
                Code::KeyOther,
                format!("The {} did not keep the secret.", platform::LABEL),
            ));
        }
        Ok(())
    }

    fn secret(&self, name: &str) -> Result<Option<Zeroizing<String>>> {
        match self.secret_entry(name)?.get_password() {
            Ok(text) => Ok(Some(Zeroizing::new(text))),
            Err(Error::NoEntry) => Ok(None),
            Err(e) => Err(explain_secret(e)),
        }
    }

    fn delete_secret(&self, name: &str) -> Result<()> {
        match self.secret_entry(name)?.delete_credential() {
            Ok(()) | Err(Error::NoEntry) => Ok(()),
            Err(e) => Err(explain_secret(e)),
        }
    }
}
