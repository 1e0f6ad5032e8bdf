//! Signatures that a key made elsewhere, repeated: what a console makes again to see whether an answer is right.
//!
//! Each is opened with the public key (RFC 8017 §8.2.2), so it is known what it signs, and one of another key is
//! refused. Nothing new can be signed with them.

use std::collections::BTreeMap;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use headgate_core::clients::{CapgoFiles, ClientsDocument};
use headgate_core::rsa_public::RSA_BYTES;
use headgate_core::{Code, Problem, Result, RsaPublic};
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::sha2::Sha256 as RsaSha256;
use rsa::traits::PublicKeyParts as _;
use rsa::{BoxedUint, Pkcs1v15Sign, PublicKey};
use serde::Deserialize;
use sha2::{Digest as _, Sha256};

use super::capgo::{BLOCK, Session};

/// Signatures of one release on one channel.
pub(super) struct Recorded {
    public: PublicKey,
    /// By what they sign.
    bare: BTreeMap<Vec<u8>, Vec<u8>>,
    session: Option<Session>,
    rs256: Option<Vec<u8>>,
}

#[derive(Deserialize)]
struct Manifest {
    #[serde(default)]
    signatures: Vec<Signature>,
}

#[derive(Deserialize)]
struct Signature {
    signature: String,
}

impl Recorded {
    /// The signatures of a clients document, of its list of signed files and of Ionic's manifest.
    pub(super) fn of(
        public: &RsaPublic,
        document: &ClientsDocument,
        files: Option<&CapgoFiles>,
        ionic: Option<&[u8]>,
    ) -> Result<Self> {
        let mut recorded = Self {
            public: PublicKey::from_pkcs1_der(&public.pkcs1()).map_err(|_| other_key())?,
            bare: BTreeMap::new(),
            session: None,
            rs256: None,
        };
        if let Some(capgo) = &document.capgo {
            recorded.session = Some(recorded.open_session(&capgo.session_key)?);
            let zip = capgo.zip.iter().map(|z| &z.checksum);
            let single = files.iter().flat_map(|f| &f.files).map(|f| &f.file_hash);
            for text in zip.chain(single) {
                let signature = hex::decode(text).map_err(|_| other_key())?;
                let signed = recorded.open(&signature)?;
                recorded.bare.insert(signed, signature);
            }
        }
        if let Some(ionic) = ionic {
            let manifest: Manifest = serde_json::from_slice(ionic).map_err(|_| other_key())?;
            let signature = manifest.signatures.first().map(|s| &s.signature);
            let signature = signature.map(|s| URL_SAFE_NO_PAD.decode(s));
            recorded.rs256 = signature.transpose().map_err(|_| other_key())?;
        }
        Ok(recorded)
    }

    pub(super) fn session(&self) -> Result<Session> {
        self.session.clone().ok_or_else(missing)
    }

    pub(super) fn bare(&self, payload: &[u8]) -> Result<Vec<u8>> {
        self.bare.get(payload).cloned().ok_or_else(missing)
    }

    pub(super) fn rs256(&self, message: &[u8]) -> Result<Vec<u8>> {
        let signature = self.rs256.clone().ok_or_else(missing)?;
        let digest = Sha256::digest(message);
        let padding = Pkcs1v15Sign::new::<RsaSha256>();
        let verified = self.public.verify(padding, &digest, &signature);
        verified.map_err(|_| other_key())?;
        Ok(signature)
    }

    fn open_session(&self, text: &str) -> Result<Session> {
        let (iv, signed) = text.split_once(':').ok_or_else(other_key)?;
        let block = |bytes: Vec<u8>| <[u8; BLOCK]>::try_from(bytes).map_err(|_| other_key());
        let decode = |text: &str| STANDARD.decode(text).map_err(|_| other_key());
        let key = block(self.open(&decode(signed)?)?)?;
        Ok(Session::new(key, block(decode(iv)?)?, text.to_owned()))
    }

    /// What a signature without DigestInfo prefix signs: the payload of its block of type 1, RFC 8017 §9.2.
    fn open(&self, signature: &[u8]) -> Result<Vec<u8>> {
        if signature.len() != RSA_BYTES {
            return Err(other_key());
        }
        let bits = self.public.n().bits_precision();
        let base = BoxedUint::from_be_slice(signature, bits).map_err(|_| other_key())?;
        if base >= **self.public.n() {
            return Err(other_key());
        }
        // The exponent is 65537 = 2^16 + 1 in every public key that is read.
        let mut power = base.clone();
        for _ in 0..16 {
            power = power.mul_mod(&power, self.public.n());
        }
        let block = power.mul_mod(&base, self.public.n()).to_be_bytes();
        let padded = block.strip_prefix(&[0, 1]).ok_or_else(other_key)?;
        let end = padded.iter().position(|b| *b != 0xff);
        let end = end.filter(|end| *end >= 8).ok_or_else(other_key)?;
        match padded.get(end..) {
            Some([0, payload @ ..]) => Ok(payload.to_vec()),
            _ => Err(other_key()),
        }
    }
}

fn other_key() -> Problem {
    let what = "A signature for plugins was not made with the channel's RSA key.";
    Problem::new(Code::TrustSignature, what)
}

fn missing() -> Problem {
    let what = "A signature for plugins is missing, or signs something else than the release.";
    Problem::new(Code::TrustSignature, what)
}
