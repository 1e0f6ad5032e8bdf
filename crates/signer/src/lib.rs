//! Private keys, and the only place that touches them. Beside them vaults keep the secrets that open a storage, which,
//! unlike keys, are given out again to who asks for them by name; and the RSA keys that the plugins in apps pin.
//!
//! Callers pass role bytes in and get signatures out; a seed never leaves this crate except inside an age file
//! that a passphrase protects. Secret types have no `Debug`, `Clone` or `Serialize`, and error texts are built from
//! fixed words and public keys only. Every call of a vault may block (a keychain may ask a person): call it off the
//! async threads, and through [`run_with_timeout`] or [`run_cancellable`] where a prompt may be open.

mod any;
mod drill;
mod failure;
mod file;
mod keyfile;
mod memory;
mod os;
mod passphrase;
mod pem;
mod portable;
mod rsa;
mod sealed;
mod secret;
mod seed;
#[cfg(test)]
mod tests;
mod timeout;

use headgate_core::{Result, RsaPublic};
use headgate_tuf::{PublicKey, RoleBytes, Signature};
use zeroize::Zeroizing;

pub use any::AnyKey;
pub use drill::drill;
pub use file::FileVault;
pub use keyfile::{KeyFileKind, MAX_KEY_FILE, key_file_kind};
pub use memory::MemoryVault;
pub use os::OsKeychain;
pub use passphrase::Passphrase;
pub use rsa::{CapgoSealer, Encrypting, Hashed, HashedBytes, IonicFiles, RsaSigner};
pub use timeout::{run_cancellable, run_with_timeout};

/// Kind of a vault.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum VaultKind {
    /// The keychain of the operating system.
    Os,
    /// An age file with a passphrase.
    File,
    /// Memory of this process: for tests.
    Memory,
}

impl VaultKind {
    /// `os`, `file` or `memory`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Os => "os",
            Self::File => "file",
            Self::Memory => "memory",
        }
    }
}

/// Where keys are kept, in words for people.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct VaultInfo {
    /// Kind of the vault.
    pub kind: VaultKind,
    /// "Secret Service", "macOS Keychain", "Windows Credential Manager", "passphrase file" or "memory".
    pub label: String,
    /// The file's path, or the service name that the keychain's items carry.
    pub place: Option<String>,
}

/// A key that a vault lists.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredKey {
    /// Its public half.
    pub public: PublicKey,
    /// The name that a person gave it.
    pub label: String,
}

/// Keeps Ed25519 seeds (RFC 8032) and signs role metadata with them.
///
/// Every method may block for as long as a keychain's prompt stays open.
pub trait KeyVault: Send + Sync {
    /// What this vault is.
    fn info(&self) -> VaultInfo;

    /// Says whether the vault can be used now. Never creates a key and never opens a prompt.
    ///
    /// # Errors
    /// `key.no_secret_service`, `key.locked`, `key.wrong_password`, `key.file`, `key.no_access`, `key.failed`.
    fn probe(&self) -> Result<()>;

    /// Makes a new random key. `label` is for people: 1 to 128 characters without control characters.
    ///
    /// # Errors
    /// `usage.argument` for the label; otherwise as [`KeyVault::probe`].
    fn create(&self, label: &str) -> Result<PublicKey>;

    /// Whether the vault holds this key: the recorded public key is compared with the stored seed's.
    ///
    /// # Errors
    /// `key.damaged` when something else is stored under this key's id; otherwise as [`KeyVault::probe`].
    fn has(&self, key: &PublicKey) -> Result<bool>;

    /// Signs the metadata of one role. Nothing else can be signed.
    ///
    /// # Errors
    /// `key.not_here`, `key.damaged`, `key.ambiguous`; otherwise as [`KeyVault::probe`].
    fn sign(&self, key: &PublicKey, bytes: &RoleBytes) -> Result<Signature>;

    /// Takes a key of either algorithm from an exported age file. A key that is there already is written again, which
    /// repairs a damaged item.
    ///
    /// # Errors
    /// `key.wrong_password` for the file's passphrase, `key.file` when it is no exported key; otherwise as
    /// [`KeyVault::probe`].
    fn import(&self, sealed: &[u8], passphrase: &Passphrase) -> Result<AnyKey>;

    /// Takes a private key from PEM without a passphrase: RSA of 2048 bits (PKCS#1, PKCS#8) or Ed25519 (PKCS#8). One
    /// that is there already is written again.
    ///
    /// # Errors
    /// `key.file` saying what it is instead; `usage.argument` for the label; otherwise as [`KeyVault::probe`].
    fn import_pem(&self, pem: &Zeroizing<String>, label: &str) -> Result<AnyKey>;

    /// The key as an age file (C2SP age, scrypt recipient) that only this passphrase opens.
    /// An OS keychain does not keep the label in a portable way, so its export has an empty one.
    ///
    /// # Errors
    /// As [`KeyVault::sign`].
    fn export(&self, key: &PublicKey, passphrase: &Passphrase) -> Result<Vec<u8>>;

    /// Removes the key.
    ///
    /// # Errors
    /// `key.not_here`; otherwise as [`KeyVault::probe`].
    fn delete(&self, key: &PublicKey) -> Result<()>;

    /// The keys that the vault holds. An OS keychain cannot list its items portably and answers with none:
    /// ask it for recorded keys with [`KeyVault::has`].
    ///
    /// # Errors
    /// As [`KeyVault::probe`].
    fn list(&self) -> Result<Vec<StoredKey>>;

    /// Makes a new RSA key of 2048 bits for a channel. `label` as in [`KeyVault::create`].
    ///
    /// # Errors
    /// As [`KeyVault::create`].
    fn create_rsa(&self, label: &str) -> Result<RsaPublic>;

    /// Takes an RSA key of 2048 bits from PEM, PKCS#1 or PKCS#8, without a passphrase. One that is there already is
    /// written again.
    ///
    /// # Errors
    /// `key.file` saying what it is instead; `usage.argument` for the label; otherwise as [`KeyVault::probe`].
    fn import_rsa(&self, pem: &Zeroizing<String>, label: &str) -> Result<RsaPublic>;

    /// Whether the vault holds this RSA key.
    ///
    /// # Errors
    /// `key.damaged` when something else is stored in its place; otherwise as [`KeyVault::probe`].
    fn has_rsa(&self, key: &RsaPublic) -> Result<bool>;

    /// Takes out an RSA key to sign what plugins verify. The private half stays inside the answer.
    ///
    /// # Errors
    /// `key.not_here`, `key.damaged`, `key.ambiguous`; otherwise as [`KeyVault::probe`].
    fn open_rsa(&self, key: &RsaPublic) -> Result<RsaSigner>;

    /// An RSA key as an age file that only this passphrase opens, as [`KeyVault::export`].
    ///
    /// # Errors
    /// As [`KeyVault::open_rsa`].
    fn export_rsa(&self, key: &RsaPublic, passphrase: &Passphrase) -> Result<Vec<u8>>;

    /// Removes an RSA key.
    ///
    /// # Errors
    /// `key.not_here`; otherwise as [`KeyVault::probe`].
    fn delete_rsa(&self, key: &RsaPublic) -> Result<()>;

    /// Keeps a secret, in the place of an older one of the name. `name` is 1 to 300 printable ASCII characters and no
    /// secret; `secret` 1 to 16,384 bytes without NUL. The Windows Credential Manager keeps 1,280 characters alone.
    ///
    /// # Errors
    /// `usage.argument` for the name or the length; `key.failed` when the vault has no room for it; otherwise as
    /// [`KeyVault::probe`].
    fn put_secret(&self, name: &str, secret: &Zeroizing<String>) -> Result<()>;

    /// The secret of this name; nothing when there is none.
    ///
    /// # Errors
    /// `usage.argument` for the name; `key.damaged`, `key.ambiguous`; otherwise as [`KeyVault::probe`].
    fn secret(&self, name: &str) -> Result<Option<Zeroizing<String>>>;

    /// Forgets a secret. One that is not there is no error.
    ///
    /// # Errors
    /// `usage.argument` for the name; otherwise as [`KeyVault::probe`].
    fn delete_secret(&self, name: &str) -> Result<()>;
}
