//! What stands inside a vault file.

use std::borrow::Cow;

use headgate_core::{Code, Problem, Result};
use headgate_tuf::PublicKey;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::failure;
use crate::seed::Seed;

const KIND: &str = "headgate-vault";
const VERSION: u32 = 1;
pub(super) const WHAT: &str = "vault file";

/// One key of the vault. Its seed is checked when it is used, so that a damaged key spoils no other.
pub(super) struct Entry {
    pub(super) public: PublicKey,
    pub(super) label: String,
    pub(super) seed: Seed,
}

/// The document. Seeds are borrowed, so that they stay in memory that is wiped.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    version: u32,
    #[serde(borrow)]
    keys: Vec<Key<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Key<'a> {
    #[serde(borrow)]
    public: Cow<'a, str>,
    #[serde(borrow)]
    label: Cow<'a, str>,
    seed: &'a str,
}

/// Reads the keys.
///
/// # Errors
/// `key.file` when it is not the content of a vault; `key.ambiguous` when two entries claim to be the same key.
pub(super) fn parse(plain: &[u8]) -> Result<Vec<Entry>> {
    // The parser's own words may quote the document, so they are not passed on.
    let document: Document<'_> = serde_json::from_slice(plain)
        .map_err(|_| failure::bad_file(WHAT, "its content is not a Headgate vault"))?;
    if document.kind != KIND {
        return Err(failure::bad_file(WHAT, "its content is something else"));
    }
    if document.version != VERSION {
        return Err(failure::bad_file(
            WHAT,
            "another version of Headgate wrote it",
        ));
    }
    let mut entries: Vec<Entry> = Vec::with_capacity(document.keys.len());
    for key in &document.keys {
        let public = public(&key.public)
            .ok_or_else(|| failure::bad_file(WHAT, "a public key in it is not one"))?;
        if entries.iter().any(|e| e.public == public) {
            return Err(Problem::new(
                Code::KeyAmbiguous,
                "Two entries of the vault file claim to be the same key.",
            )
            .remedy("Restore the vault file from a backup."));
        }
        if !key.label.is_empty() && failure::check_label(&key.label).is_err() {
            return Err(failure::bad_file(
                WHAT,
                "a key's name in it is not acceptable",
            ));
        }
        let seed = Seed::from_base64(key.seed)
            .ok_or_else(|| failure::bad_file(WHAT, "a secret part in it is not 32 bytes"))?;
        entries.push(Entry {
            public,
            label: key.label.clone().into_owned(),
            seed,
        });
    }
    Ok(entries)
}

/// Writes the keys.
///
/// # Errors
/// `key.failed` when they do not serialise.
pub(super) fn write(entries: &[Entry]) -> Result<Zeroizing<Vec<u8>>> {
    let texts: Vec<Zeroizing<String>> = entries.iter().map(|e| e.seed.to_base64()).collect();
    let keys = entries.iter().zip(&texts).map(|(entry, text)| Key {
        public: entry.public.hex().into(),
        label: entry.label.as_str().into(),
        seed: text,
    });
    let document = Document {
        kind: KIND.into(),
        version: VERSION,
        keys: keys.collect(),
    };
    // Room for the longest escaped names, so that the buffer never moves and leaves a copy behind.
    let room = entries
        .iter()
        .map(|e| 256 + e.label.len() * 6)
        .sum::<usize>()
        + 256;
    let mut plain = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer(&mut *plain, &document)
        .map_err(|_| Problem::new(Code::KeyOther, "The keys could not be written as JSON."))?;
    Ok(plain)
}

fn public(text: &str) -> Option<PublicKey> {
    let bytes: [u8; 32] = hex::decode(text).ok()?.try_into().ok()?;
    let key = PublicKey::from_bytes(&bytes);
    (key.hex() == text && key.id().is_ok()).then_some(key)
}
