//! One exported key: a small JSON document inside an age file.

use std::borrow::Cow;

use headgate_core::{Code, Problem, Result};
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::seed::Seed;
use crate::{Passphrase, failure, sealed};

const KIND: &str = "headgate-key";
const VERSION: u32 = 1;
const WHAT: &str = "exported key";

/// Work factor of an export, log2 of N. An export travels on sticks and in backups and is opened rarely, so it may cost
/// more than a vault that is opened for every signature.
const WORK_FACTOR: u8 = 17;

/// A key read from an export.
pub(crate) struct Portable {
    /// Its seed, which matches the public key in the file.
    pub seed: Seed,
    /// Its name, or an empty one.
    pub label: String,
}

/// The document. The seed is borrowed, so that it stays in memory that is wiped.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    version: u32,
    #[serde(borrow)]
    public: Cow<'a, str>,
    seed: &'a str,
    #[serde(borrow)]
    label: Cow<'a, str>,
}

/// The key as an age file.
///
/// # Errors
/// `key.failed` when the cipher fails.
pub(crate) fn seal(seed: &Seed, label: &str, passphrase: &Passphrase) -> Result<Vec<u8>> {
    let public = seed.public();
    let text = seed.to_base64();
    let document = Document {
        kind: KIND.into(),
        version: VERSION,
        public: public.hex().into(),
        seed: &text,
        label: label.into(),
    };
    // Room for the longest escaped name, so that the buffer never moves and leaves a copy behind.
    let mut plain = Zeroizing::new(Vec::with_capacity(512 + label.len() * 6));
    serde_json::to_writer(&mut *plain, &document)
        .map_err(|_| Problem::new(Code::KeyOther, "The key could not be written as JSON."))?;
    sealed::seal(&plain, passphrase, WORK_FACTOR)
}

/// Reads an exported key.
///
/// # Errors
/// `key.wrong_password`; `key.file` when it is no exported key or its halves do not belong together.
pub(crate) fn open(sealed: &[u8], passphrase: &Passphrase) -> Result<Portable> {
    let plain = sealed::open(sealed, passphrase, WHAT)?;
    // The parser's own words may quote the document, so they are not passed on.
    let document: Document<'_> = serde_json::from_slice(&plain)
        .map_err(|_| failure::bad_file(WHAT, "its content is not an exported key"))?;
    if document.kind != KIND {
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
    let seed = Seed::from_base64(document.seed)
        .ok_or_else(|| failure::bad_file(WHAT, "its secret part is not 32 bytes"))?;
    if seed.public().hex() != document.public {
        return Err(failure::bad_file(
            WHAT,
            "its public part does not belong to its secret part",
        ));
    }
    Ok(Portable {
        seed,
        label: document.label.into_owned(),
    })
}
