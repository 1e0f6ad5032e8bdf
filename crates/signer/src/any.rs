//! A key of either algorithm: Ed25519 for roles, RSA for what plugins pin.

use headgate_core::{Result, RsaPublic};
use headgate_tuf::PublicKey;

use crate::rsa::RsaSecret;
use crate::seed::Seed;

/// A public key of either algorithm.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum AnyKey {
    /// Signs roles.
    Ed25519(PublicKey),
    /// Signs what a channel's plugins verify.
    Rsa(RsaPublic),
}

impl AnyKey {
    /// What it is known by: the key id of an Ed25519 key (SHA-256 of its canonical form), the SHA-256 of an RSA key's
    /// SubjectPublicKeyInfo. 64 hex digits both.
    ///
    /// # Errors
    /// `trust.format` when an Ed25519 key has no id.
    pub fn id(&self) -> Result<String> {
        match self {
            Self::Ed25519(key) => Ok(key.id()?.to_string()),
            Self::Rsa(key) => Ok(key.sha256()),
        }
    }

    /// `Ed25519` or `RSA-2048`.
    pub fn algorithm(&self) -> &'static str {
        match self {
            Self::Ed25519(_) => "Ed25519",
            Self::Rsa(_) => "RSA-2048",
        }
    }
}

/// A private key of either algorithm.
pub(crate) enum AnySecret {
    /// A seed.
    Ed25519(Seed),
    /// An RSA key.
    Rsa(RsaSecret),
}

impl AnySecret {
    /// The public key that belongs to it.
    pub(crate) fn public(&self) -> AnyKey {
        match self {
            Self::Ed25519(seed) => AnyKey::Ed25519(seed.public()),
            Self::Rsa(secret) => AnyKey::Rsa(secret.public().clone()),
        }
    }
}
