//! The 32 secret bytes of an Ed25519 key (RFC 8032 §5.1.5).

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use ed25519_dalek::{Signer as _, SigningKey};
use headgate_core::{Code, Problem, Result};
use headgate_tuf::{PublicKey, RoleBytes, Signature};
use zeroize::{Zeroize, Zeroizing};

use crate::failure;

/// Characters of the base64 form.
const TEXT_LEN: usize = 44;

/// A seed. On the heap, so that moving it leaves no copies behind; wiped when dropped.
pub(crate) struct Seed(Box<[u8; 32]>);

impl Drop for Seed {
    fn drop(&mut self) {
        self.0.zeroize();
    }
}

impl Seed {
    /// A new one from the operating system's random source.
    pub(crate) fn random() -> Result<Self> {
        let mut seed = Self(Box::new([0; 32]));
        getrandom::fill(seed.0.as_mut_slice()).map_err(|_| {
            Problem::new(
                Code::KeyOther,
                "The operating system gave no random numbers.",
            )
        })?;
        Ok(seed)
    }

    /// Reads the base64 form; `None` when it is anything else than 32 bytes.
    pub(crate) fn from_base64(text: &str) -> Option<Self> {
        if text.len() != TEXT_LEN {
            return None;
        }
        // The decoder wants room for its own estimate, which is more than 32 bytes.
        let mut room = Zeroizing::new([0_u8; 48]);
        let length = STANDARD.decode_slice(text, room.as_mut_slice()).ok()?;
        Self::from_slice(room.get(..length)?)
    }

    /// From its bytes; `None` when they are not 32.
    pub(crate) fn from_slice(bytes: &[u8]) -> Option<Self> {
        let mut seed = Self(Box::new([0; 32]));
        if bytes.len() != seed.0.len() {
            return None;
        }
        seed.0.copy_from_slice(bytes);
        Some(seed)
    }

    /// The form in which vaults store it.
    pub(crate) fn to_base64(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(TEXT_LEN));
        STANDARD.encode_string(self.0.as_slice(), &mut text);
        text
    }

    /// The public key that belongs to it.
    pub(crate) fn public(&self) -> PublicKey {
        PublicKey::from_bytes(SigningKey::from_bytes(&self.0).verifying_key().as_bytes())
    }

    /// Fails when this is not the seed of the recorded key.
    pub(crate) fn check(self, key: &PublicKey, vault: &str) -> Result<Self> {
        if self.public() == *key {
            Ok(self)
        } else {
            Err(failure::damaged(key, vault))
        }
    }

    /// Signs and drops the seed.
    pub(crate) fn sign(self, bytes: &RoleBytes) -> Signature {
        Signature(
            SigningKey::from_bytes(&self.0)
                .sign(bytes.as_bytes())
                .to_bytes(),
        )
    }

    /// For tests that search for the seed's bytes where they must not be.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// A second one with the same bytes. Named, so that copies can be found by reading.
    pub(crate) fn duplicate(&self) -> Self {
        Self(self.0.clone())
    }
}
