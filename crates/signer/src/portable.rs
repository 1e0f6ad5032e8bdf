//! One exported key: a small JSON document inside an age file.

use std::borrow::Cow;

use headgate_core::{Code, Problem, Result};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::any::AnySecret;
use crate::rsa::RsaSecret;
use crate::seed::Seed;
use crate::{Passphrase, failure, sealed};

const KIND: &str = "headgate-key";
/// Of its own kind, so that a Headgate that knows Ed25519 alone says that it is something else.
const RSA_KIND: &str = "headgate-rsa-key";
const VERSION: u32 = 1;
const WHAT: &str = "exported key";
/// Name of an RSA key whose export has none: vaults want one.
const UNNAMED: &str = "Imported key";

/// Work factor of an export, log2 of N. An export travels on sticks and in backups and is opened rarely, so it may cost
/// more than a vault that is opened for every signature.
const WORK_FACTOR: u8 = 17;

/// A key read from an export.
pub(crate) struct Portable {
    /// Its secret half, which matches the public key in the file.
    pub secret: AnySecret,
    /// Its name, or an empty one.
    pub label: String,
}

impl Portable {
    /// Its name, or one that says that it has none.
    pub(crate) fn named(&self) -> &str {
        if self.label.is_empty() {
            UNNAMED
        } else {
            &self.label
        }
    }
}

/// The document. The secret part is borrowed, so that it stays in memory that is wiped.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    version: u32,
    /// Hex of an Ed25519 key; base64 of an RSA key's SubjectPublicKeyInfo.
    #[serde(borrow)]
    public: Cow<'a, str>,
    /// Base64 of the seed; of an RSA key's PKCS#8.
    seed: &'a str,
    #[serde(borrow)]
    label: Cow<'a, str>,
}

/// An Ed25519 key as an age file.
///
/// # Errors
/// `key.failed` when the cipher fails.
pub(crate) fn seal(seed: &Seed, label: &str, passphrase: &Passphrase) -> Result<Vec<u8>> {
    let public = seed.public();
    write(KIND, public.hex(), &seed.to_base64(), label, passphrase)
}

/// An RSA key as an age file.
///
/// # Errors
/// As [`seal`].
pub(crate) fn seal_rsa(
    secret: &RsaSecret,
    label: &str,
    passphrase: &Passphrase,
) -> Result<Vec<u8>> {
    let public = secret.public().to_base64();
    write(RSA_KIND, &public, &secret.to_base64(), label, passphrase)
}

fn write(
    kind: &str,
    public: &str,
    secret: &str,
    label: &str,
    passphrase: &Passphrase,
) -> Result<Vec<u8>> {
    let document = Document {
        kind: kind.into(),
        version: VERSION,
        public: public.into(),
        seed: secret,
        label: label.into(),
    };
    // Room for the longest escaped name, so that the buffer never moves and leaves a copy behind.
    let room = 512 + label.len() * 6 + public.len() + secret.len();
    let mut plain = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer(&mut *plain, &document)
        .map_err(|_| Problem::new(Code::KeyOther, "The key could not be written as JSON."))?;
    sealed::seal(&plain, passphrase, WORK_FACTOR)
}

/// Reads an exported key of either algorithm.
///
/// # Errors
/// `key.wrong_password`; `key.file` when it is no exported key or its halves do not belong together.
pub(crate) fn open(sealed: &[u8], passphrase: &Passphrase) -> Result<Portable> {
    let plain = sealed::open(sealed, passphrase, WHAT)?;
    // The parser's own words may quote the document, so they are not passed on.
    let document: Document<'_> = serde_json::from_slice(&plain)
        .map_err(|_| failure::bad_file(WHAT, "its content is not an exported key"))?;
    if document.kind != KIND && document.kind != RSA_KIND {
        return Err(failure::bad_file(WHAT, "its content is something else"));
    }
    if document.version != VERSION {
        return Err(failure::bad_file(
            WHAT,
            "another version of Headgate wrote it",
        ));
    }
    if !document.label.is_empty() && failure::check_label(&document.label).is_err() {
        return Err(failure::bad_file(WHAT, "its name is not acceptable"));
    }
    let (secret, public) = if document.kind == KIND {
        let seed = Seed::from_base64(document.seed)
            .ok_or_else(|| failure::bad_file(WHAT, "its secret part is not 32 bytes"))?;
        let public = seed.public().hex().to_owned();
        (AnySecret::Ed25519(seed), public)
    } else {
        let secret = RsaSecret::from_base64(document.seed)
            .ok_or_else(|| failure::bad_file(WHAT, "its secret part is no RSA key of 2048 bits"))?;
        let public = secret.public().to_base64();
        (AnySecret::Rsa(secret), public)
    };
    if public != document.public {
        return Err(failure::bad_file(
            WHAT,
            "its public part does not belong to its secret part",
        ));
    }
    Ok(Portable {
        secret,
        label: document.label.into_owned(),
    })
}
