//! RSA keys of channels: what stock plugins pin and verify.
//!
//! Only what was hashed here is signed. A [`Hashed`] comes from bytes alone, and what is signed is that hash for
//! Capgo's plugin, or the list of such hashes for Ionic's. There is no way to have a hash signed that somebody names.
//!
//! The `rsa` crate is named by RUSTSEC-2023-0071: its private operation may leak through its timing to who can ask for
//! many of them. Here nobody can: each one is started by a person on their own computer, over bytes hashed here, is
//! blinded with fresh randomness, and the answer goes into an artifact, never back to a caller across a network.

mod capgo;
mod ionic;
mod recorded;
mod secret;
#[cfg(test)]
mod tests;

use std::io::{self, Write};

use headgate_core::clients::{CapgoFiles, ClientsDocument};
use headgate_core::{Code, Problem, Result, RsaPublic};
use rsa::sha2::Sha256 as RsaSha256;
use rsa::{Pkcs1v15Sign, PrivateKey};
use sha2::{Digest as _, Sha256};

pub use capgo::{CapgoSealer, Encrypting};
pub use ionic::IonicFiles;
use recorded::Recorded;
pub(crate) use secret::RsaSecret;

/// SHA-256 of bytes that went through here: the one thing that is signed for plugins.
#[derive(Default)]
pub struct Hashed {
    hash: Sha256,
    size: u64,
}

impl Hashed {
    /// Of no bytes yet. Write them into it.
    pub fn new() -> Self {
        Self::default()
    }

    /// Ends it.
    pub fn finish(self) -> HashedBytes {
        HashedBytes {
            sha256: self.hash.finalize().into(),
            size: self.size,
        }
    }
}

impl Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.hash.update(bytes);
        self.size += bytes.len() as u64;
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// What [`Hashed`] saw.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HashedBytes {
    sha256: [u8; 32],
    size: u64,
}

impl HashedBytes {
    /// SHA-256, lower-case hex.
    pub fn sha256(&self) -> String {
        hex::encode(self.sha256)
    }

    /// Bytes.
    pub fn size(&self) -> u64 {
        self.size
    }
}

/// A channel's RSA key, taken out of a vault for the artifacts of one approval, or what it signed elsewhere. Drop it
/// when they are made.
pub struct RsaSigner {
    source: Source,
    public: RsaPublic,
}

/// Where signatures come from.
enum Source {
    Key(Box<PrivateKey>),
    Recorded(Box<Recorded>),
}

impl RsaSigner {
    fn of_key(key: PrivateKey, public: RsaPublic) -> Self {
        Self {
            source: Source::Key(Box::new(key)),
            public,
        }
    }

    /// One that repeats the signatures of a clients document, of the list of signed files and of Ionic's manifest, and
    /// can make no other. With it everything that a document names is made again from the bundle.
    ///
    /// # Errors
    /// `trust.signature` when one of them was not made with this key.
    pub fn recorded(
        public: &RsaPublic,
        document: &ClientsDocument,
        files: Option<&CapgoFiles>,
        ionic: Option<&[u8]>,
    ) -> Result<Self> {
        let recorded = Recorded::of(public, document, files, ionic)?;
        Ok(Self {
            source: Source::Recorded(Box::new(recorded)),
            public: public.clone(),
        })
    }

    /// Its public half.
    pub fn public(&self) -> &RsaPublic {
        &self.public
    }

    /// Starts what Capgo's plugin needs of one release.
    ///
    /// # Errors
    /// `key.failed` when the system gives no random numbers, or a signature does not verify; `trust.signature` when
    /// there is nothing to repeat.
    pub fn capgo(&self) -> Result<CapgoSealer<'_>> {
        CapgoSealer::start(self)
    }

    /// Signs and verifies, and throws the signature away: shows that both halves belong together.
    pub(crate) fn prove(&self, message: &[u8]) -> Result<()> {
        self.sign_rs256(message).map(drop)
    }

    /// RSASSA-PKCS1-v1_5 without the DigestInfo prefix: what Node calls `privateEncrypt` with PKCS#1 padding.
    fn sign_bare(&self, payload: &[u8]) -> Result<Vec<u8>> {
        let key = match &self.source {
            Source::Key(key) => key,
            Source::Recorded(recorded) => return recorded.bare(payload),
        };
        let padding = Pkcs1v15Sign::new_unprefixed;
        let signature = key.sign(padding(), payload).map_err(failed)?;
        let public = key.as_public_key();
        public
            .verify(padding(), payload, &signature)
            .map_err(wrong)?;
        Ok(signature)
    }

    /// RSASSA-PKCS1-v1_5 with SHA-256, RFC 8017 §8.2: RS256 of RFC 7518 §3.3.
    fn sign_rs256(&self, message: &[u8]) -> Result<Vec<u8>> {
        let key = match &self.source {
            Source::Key(key) => key,
            Source::Recorded(recorded) => return recorded.rs256(message),
        };
        let digest = Sha256::digest(message);
        let padding = Pkcs1v15Sign::new::<RsaSha256>;
        let signature = key.sign(padding(), &digest).map_err(failed)?;
        let public = key.as_public_key();
        public
            .verify(padding(), &digest, &signature)
            .map_err(wrong)?;
        Ok(signature)
    }
}

/// The cause is dropped: an error of the cipher is no place for words about a key.
fn failed(_: rsa::Error) -> Problem {
    Problem::new(Code::KeyOther, "The RSA key could not sign.")
}

/// A signature that was made wrong, by damaged memory for example, could give the key away.
fn wrong(_: rsa::Error) -> Problem {
    let what = "A new RSA signature does not verify, so it was thrown away.";
    Problem::new(Code::KeyOther, what).remedy("Try again. If it stays so, test this computer.")
}
