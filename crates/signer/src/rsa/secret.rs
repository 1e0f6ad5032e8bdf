//! The private half, as vaults keep it: PKCS#8 DER, RFC 5958, as base64 text.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use getrandom::SysRng;
use headgate_core::{Code, Problem, Result, RsaPublic};
use rsa::PrivateKey;
use rsa::pkcs1::RsaPrivateKeyRef;
use rsa::pkcs8::{DecodePrivateKey as _, EncodePrivateKey as _, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use super::RsaSigner;
use crate::failure;

/// Bits of every key: what Capgo's plugin takes on iOS.
const BITS: usize = 2048;

/// Longest base64 form; the usual one has 1,624 characters.
const MAX_TEXT: usize = 4096;

/// Largest PEM file that is read, bytes.
const MAX_PEM: usize = 16 * 1024;

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
        let (label, der) = pem(text)?;
        match label {
            Label::Pkcs1 => Self::from_pkcs1(&der),
            Label::Pkcs8 => {
                let info = PrivateKeyInfoRef::try_from(der.as_slice())
                    .map_err(|_| unusable("its content is damaged"))?;
                if info.algorithm.oid != rsa::pkcs1::ALGORITHM_OID {
                    return Err(unusable("it holds a key of another kind than RSA"));
                }
                Self::from_pkcs1(info.private_key.as_bytes())
            }
        }
    }

    fn from_pkcs1(der: &[u8]) -> Result<Self> {
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
        Ok(RsaSigner {
            key,
            public: self.public,
        })
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

enum Label {
    Pkcs1,
    Pkcs8,
}

/// The one block of a PEM file. The decoder's own words are not passed on: they may quote it.
fn pem(text: &str) -> Result<(Label, Zeroizing<Vec<u8>>)> {
    if text.len() > MAX_PEM {
        return Err(unusable("it is larger than a key can be"));
    }
    let (_, rest) = text
        .split_once("-----BEGIN ")
        .ok_or_else(|| unusable("it is no PEM file"))?;
    let (name, rest) = rest
        .split_once("-----")
        .ok_or_else(|| unusable("it is no PEM file"))?;
    let label = match name {
        "RSA PRIVATE KEY" => Label::Pkcs1,
        "PRIVATE KEY" => Label::Pkcs8,
        "ENCRYPTED PRIVATE KEY" => {
            let problem = unusable("a passphrase protects it");
            return Err(problem.remedy(
                "Write it without one first, for example with openssl pkcs8, and remove that file afterwards.",
            ));
        }
        "PUBLIC KEY" | "RSA PUBLIC KEY" => {
            return Err(unusable("it holds a public key, and the private one is needed"));
        }
        _ => return Err(unusable("it holds something else than an RSA private key")),
    };
    let (body, after) = rest
        .split_once("-----END ")
        .ok_or_else(|| unusable("its end is missing"))?;
    if after.contains("-----BEGIN ") {
        return Err(unusable("it holds more than one key"));
    }
    if body.contains("Proc-Type:") {
        return Err(unusable("a passphrase protects it").remedy(
            "Write it without one first, for example with openssl rsa, and remove that file afterwards.",
        ));
    }
    let mut packed = Zeroizing::new(String::with_capacity(body.len()));
    packed.extend(body.chars().filter(|c| !c.is_ascii_whitespace()));
    let mut der = Zeroizing::new(Vec::with_capacity(packed.len()));
    STANDARD
        .decode_vec(packed.as_bytes(), &mut der)
        .map_err(|_| unusable("its content is damaged"))?;
    Ok((label, der))
}

fn unusable(why: &str) -> Problem {
    failure::bad_file(WHAT, why)
}
