//! The private half, as vaults keep it: PKCS#8 DER, RFC 5958, as base64 text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use getrandom::SysRng;
use headgate_core::{Code, Problem, Result, RsaPublic};
use rsa::PrivateKey;
use rsa::pkcs1::RsaPrivateKeyRef;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _};
use zeroize::Zeroizing;

use super::RsaSigner;
use crate::any::AnySecret;
use crate::{failure, pem};

/// Bits of every key: what Capgo's plugin takes on iOS.
const BITS: usize = 2048;

/// Longest base64 form; the usual one has 1,624 characters.
const MAX_TEXT: usize = 4096;

const WHAT: &str = "RSA key file";

/// A private key whose halves belong together, of the one size. In memory that is wiped when dropped.
pub(crate) struct RsaSecret {
    der: Zeroizing<Vec<u8>>,
    public: RsaPublic,
}

impl RsaSecret {
    /// A new one from the operating system's random source.
    pub(crate) fn random() -> Result<Self> {
        let key = PrivateKey::new(&mut SysRng, BITS)
            .map_err(|_| Problem::new(Code::KeyOther, "No RSA key could be made."))?;
        Self::of(&key)
    }

    fn of(key: &PrivateKey) -> Result<Self> {
        let spki = rsa::pkcs8::EncodePublicKey::to_public_key_der(key.as_public_key());
        let spki = spki.map_err(|_| unusable("its public part cannot be written"))?;
        let der = key
            .to_pkcs8_der()
            .map_err(|_| unusable("it cannot be written"))?;
        Ok(Self {
            public: RsaPublic::from_spki(spki.as_bytes())?,
            der: Zeroizing::new(der.as_bytes().to_vec()),
        })
    }

    /// Reads a PEM file, RFC 7468: `RSA PRIVATE KEY` (PKCS#1, as Capgo's `.capgo_key_v2`) or `PRIVATE KEY` (PKCS#8).
    ///
    /// # Errors
    /// `key.file` saying what it is instead.
    pub(crate) fn from_pem(text: &str) -> Result<Self> {
        match pem::read(text)? {
            AnySecret::Rsa(secret) => Ok(secret),
            AnySecret::Ed25519(_) => Err(unusable("it holds a key of another kind than RSA")),
        }
    }

    /// From the content of a PKCS#1 block.
    ///
    /// # Errors
    /// `key.file` saying what it is instead.
    pub(crate) fn from_pkcs1(der: &[u8]) -> Result<Self> {
        let parts =
            RsaPrivateKeyRef::try_from(der).map_err(|_| unusable("its content is damaged"))?;
        let modulus = parts.modulus.as_bytes();
        let unused = modulus.first().map_or(0, |b| b.leading_zeros() as usize);
        let bits = modulus.len() * 8 - unused;
        if bits != BITS {
            let what = format!("it has {bits} bits, and plugins take {BITS} alone");
            return Err(unusable(&what));
        }
        if parts.public_exponent.as_bytes() != [1, 0, 1] {
            return Err(unusable("its exponent is not 65537"));
        }
        let key = PrivateKey::try_from(parts)
            .map_err(|_| unusable("its numbers do not belong together"))?;
        key.validate()
            .map_err(|_| unusable("its numbers do not belong together"))?;
        Self::of(&key)
    }

    /// Reads the form in which vaults store it; `None` when it is anything else.
    pub(crate) fn from_base64(text: &str) -> Option<Self> {
        if text.len() > MAX_TEXT {
            return None;
        }
        let mut der = Zeroizing::new(Vec::with_capacity(text.len()));
        STANDARD.decode_vec(text, &mut der).ok()?;
        let key = PrivateKey::from_pkcs8_der(&der).ok()?;
        Self::of(&key).ok()
    }

    /// The form in which vaults store it.
    pub(crate) fn to_base64(&self) -> Zeroizing<String> {
        let mut text = Zeroizing::new(String::with_capacity(self.der.len().div_ceil(3) * 4));
        STANDARD.encode_string(self.der.as_slice(), &mut text);
        text
    }

    /// The public key that belongs to it.
    pub(crate) fn public(&self) -> &RsaPublic {
        &self.public
    }

    /// Fails when this is not the secret of the recorded key.
    pub(crate) fn check(self, key: &RsaPublic, vault: &str) -> Result<Self> {
        if self.public == *key {
            Ok(self)
        } else {
            Err(failure::rsa_damaged(key, vault))
        }
    }

    /// Ready to sign.
    pub(crate) fn signer(self) -> Result<RsaSigner> {
        let key = PrivateKey::from_pkcs8_der(&self.der)
            .map_err(|_| Problem::new(Code::KeyDamaged, "The stored RSA key cannot be read."))?;
        Ok(RsaSigner::of_key(key, self.public))
    }

    /// A second one with the same bytes. Named, so that copies can be found by reading.
    pub(crate) fn duplicate(&self) -> Self {
        Self {
            der: self.der.clone(),
            public: self.public.clone(),
        }
    }

    /// For tests that search for its bytes where they must not be.
    #[cfg(test)]
    pub(crate) fn bytes(&self) -> &[u8] {
        &self.der
    }
}

fn unusable(why: &str) -> Problem {
    failure::bad_file(WHAT, why)
}
