//! Public keys, key ids and signatures: Ed25519 only (RFC 8032).

use std::fmt;

use ed25519_dalek::VerifyingKey;
use serde::{Deserialize, Serialize};

use crate::{Error, Result, canonical, sha256_hex};

/// SHA-256 of a key's canonical form, 64 hex digits (TUF specification §4.2).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct KeyId(String);

impl KeyId {
    /// The id as hex.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for KeyId {
    type Error = Error;

    fn try_from(s: String) -> Result<Self> {
        if is_hex(&s, 64) {
            Ok(Self(s))
        } else {
            Err(Error::profile("key id", "not 64 hex digits"))
        }
    }
}

impl From<KeyId> for String {
    fn from(id: KeyId) -> Self {
        id.0
    }
}

impl fmt::Display for KeyId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An Ed25519 public key in TUF's form: exactly `keytype`, `keyval.public` and `scheme`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PublicKey {
    keytype: Ed25519,
    keyval: KeyVal,
    scheme: Ed25519,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
enum Ed25519 {
    #[serde(rename = "ed25519")]
    Ed25519,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct KeyVal {
    public: String,
}

impl PublicKey {
    /// The key with these 32 bytes.
    pub fn from_bytes(bytes: &[u8; 32]) -> Self {
        Self {
            keytype: Ed25519::Ed25519,
            keyval: KeyVal {
                public: hex::encode(bytes),
            },
            scheme: Ed25519::Ed25519,
        }
    }

    /// The public key as hex.
    pub fn hex(&self) -> &str {
        &self.keyval.public
    }

    /// Its id.
    ///
    /// # Errors
    /// [`Error::Profile`] when the public part is not 32 bytes of lower-case hex.
    pub fn id(&self) -> Result<KeyId> {
        self.verifying()?;
        Ok(KeyId(sha256_hex(&canonical::serialize(self)?)))
    }

    /// Verifies a signature strictly: no small-order keys, no malleable forms.
    ///
    /// # Errors
    /// [`Error::Signature`] when it does not match.
    pub fn verify(&self, message: &[u8], signature: &Signature) -> Result<()> {
        let sig = ed25519_dalek::Signature::from_bytes(&signature.0);
        self.verifying()?
            .verify_strict(message, &sig)
            .map_err(|_| Error::Signature {
                role: "signature".into(),
                why: "does not match the signed bytes".into(),
            })
    }

    fn verifying(&self) -> Result<VerifyingKey> {
        let bad = || Error::profile("public key", "not an Ed25519 key in lower-case hex");
        if !is_hex(&self.keyval.public, 64) {
            return Err(bad());
        }
        let bytes: [u8; 32] = hex::decode(&self.keyval.public)
            .ok()
            .and_then(|b| b.try_into().ok())
            .ok_or_else(bad)?;
        VerifyingKey::from_bytes(&bytes).map_err(|_| bad())
    }
}

/// An Ed25519 signature, 64 bytes; hex in files.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Signature(pub [u8; 64]);

impl TryFrom<String> for Signature {
    type Error = Error;

    fn try_from(s: String) -> Result<Self> {
        if !is_hex(&s, 128) {
            return Err(Error::profile("signature", "not 128 lower-case hex digits"));
        }
        let bytes = hex::decode(&s).ok().and_then(|b| b.try_into().ok());
        bytes
            .map(Self)
            .ok_or_else(|| Error::profile("signature", "not 64 bytes"))
    }
}

impl From<Signature> for String {
    fn from(s: Signature) -> Self {
        hex::encode(s.0)
    }
}

/// Lower-case hex of an exact length.
pub(crate) fn is_hex(s: &str, len: usize) -> bool {
    s.len() == len
        && s.bytes()
            .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
}
