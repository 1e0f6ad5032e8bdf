//! What stands inside a vault file.

use std::borrow::Cow;

use headgate_core::{Code, Problem, Result, RsaPublic};
use headgate_tuf::PublicKey;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::sealed::MAX_FILE;
use crate::seed::Seed;
use crate::{failure, secret};

const KIND: &str = "headgate-vault";
const VERSION: u32 = 1;
pub(super) const WHAT: &str = "vault file";

/// One key of the vault. Its seed is checked when it is used, so that a damaged key spoils no other.
pub(super) struct Entry {
    pub(super) public: PublicKey,
    pub(super) label: String,
    pub(super) seed: Seed,
}

/// One RSA key of a channel, as text. It is read when it is used, as a seed is.
pub(super) struct RsaEntry {
    pub(super) public: RsaPublic,
    pub(super) label: String,
    pub(super) secret: Zeroizing<String>,
}

/// One secret that is no key.
pub(super) struct Secret {
    pub(super) name: String,
    pub(super) value: Zeroizing<String>,
}

/// All that a vault holds.
#[derive(Default)]
pub(super) struct Content {
    pub(super) keys: Vec<Entry>,
    pub(super) secrets: Vec<Secret>,
    pub(super) rsa: Vec<RsaEntry>,
}

/// The document. Seeds and secrets are borrowed, so that they stay in memory that is wiped.
///
/// `secrets` and `rsa` are written only when there are any: a vault without them can be read by a Headgate that knows
/// none.
#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Document<'a> {
    #[serde(borrow)]
    kind: Cow<'a, str>,
    version: u32,
    #[serde(borrow)]
    keys: Vec<Key<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    secrets: Vec<SecretLine<'a>>,
    #[serde(borrow, default, skip_serializing_if = "Vec::is_empty")]
    rsa: Vec<RsaLine<'a>>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct RsaLine<'a> {
    /// SubjectPublicKeyInfo DER, base64.
    #[serde(borrow)]
    public: Cow<'a, str>,
    #[serde(borrow)]
    label: Cow<'a, str>,
    /// PKCS#8 DER, base64.
    secret: &'a str,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct SecretLine<'a> {
    #[serde(borrow)]
    name: Cow<'a, str>,
    /// Base64.
    value: &'a str,
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

/// Reads a vault.
///
/// # Errors
/// `key.file` when it is not the content of a vault; `key.ambiguous` when two entries claim to be the same key or
/// secret.
pub(super) fn parse(plain: &[u8]) -> Result<Content> {
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
    Ok(Content {
        keys: entries,
        secrets: secrets(&document.secrets)?,
        rsa: rsa(&document.rsa)?,
    })
}

fn rsa(lines: &[RsaLine<'_>]) -> Result<Vec<RsaEntry>> {
    let mut entries: Vec<RsaEntry> = Vec::with_capacity(lines.len());
    for line in lines {
        let bad = |_| failure::bad_file(WHAT, "an RSA key in it is not acceptable");
        let public = RsaPublic::from_base64(&line.public).map_err(bad)?;
        failure::check_label(&line.label).map_err(bad)?;
        if entries.iter().any(|e| e.public == public) {
            return Err(Problem::new(
                Code::KeyAmbiguous,
                "Two entries of the vault file claim to be the same RSA key.",
            )
            .remedy("Restore the vault file from a backup."));
        }
        entries.push(RsaEntry {
            public,
            label: line.label.clone().into_owned(),
            secret: Zeroizing::new(line.secret.to_owned()),
        });
    }
    Ok(entries)
}

fn secrets(lines: &[SecretLine<'_>]) -> Result<Vec<Secret>> {
    let mut secrets: Vec<Secret> = Vec::with_capacity(lines.len());
    for line in lines {
        let bad = || failure::bad_file(WHAT, "a stored secret in it is not acceptable");
        secret::check_name(&line.name).map_err(|_| bad())?;
        if secrets.iter().any(|s| s.name == line.name) {
            return Err(Problem::new(
                Code::KeyAmbiguous,
                "Two entries of the vault file claim to be the same secret.",
            )
            .remedy("Restore the vault file from a backup."));
        }
        secrets.push(Secret {
            name: line.name.clone().into_owned(),
            value: secret::from_base64(line.value).ok_or_else(bad)?,
        });
    }
    Ok(secrets)
}

/// Writes a vault.
///
/// # Errors
/// `key.failed` when it does not serialise, or would be too large to be read again.
pub(super) fn write(content: &Content) -> Result<Zeroizing<Vec<u8>>> {
    let entries = &content.keys;
    let values: Vec<Zeroizing<String>> = content
        .secrets
        .iter()
        .map(|s| secret::to_base64(&s.value))
        .collect();
    let secrets = content
        .secrets
        .iter()
        .zip(&values)
        .map(|(secret, value)| SecretLine {
            name: secret.name.as_str().into(),
            value,
        });
    let texts: Vec<Zeroizing<String>> = entries.iter().map(|e| e.seed.to_base64()).collect();
    let keys = entries.iter().zip(&texts).map(|(entry, text)| Key {
        public: entry.public.hex().into(),
        label: entry.label.as_str().into(),
        seed: text,
    });
    let publics: Vec<String> = content.rsa.iter().map(|e| e.public.to_base64()).collect();
    let rsa = content
        .rsa
        .iter()
        .zip(&publics)
        .map(|(entry, public)| RsaLine {
            public: public.as_str().into(),
            label: entry.label.as_str().into(),
            secret: &entry.secret,
        });
    let document = Document {
        kind: KIND.into(),
        version: VERSION,
        keys: keys.collect(),
        secrets: secrets.collect(),
        rsa: rsa.collect(),
    };
    // Room for the longest escaped names, so that the buffer never moves and leaves a copy behind.
    let room = entries
        .iter()
        .map(|e| 256 + e.label.len() * 6)
        .sum::<usize>()
        + content
            .secrets
            .iter()
            .zip(&values)
            .map(|(secret, value)| 64 + secret.name.len() * 6 + value.len())
            .sum::<usize>()
        + content
            .rsa
            .iter()
            .map(|e| 512 + e.label.len() * 6 + e.secret.len())
            .sum::<usize>()
        + 256;
    let mut plain = Zeroizing::new(Vec::with_capacity(room));
    serde_json::to_writer(&mut *plain, &document)
        .map_err(|_| Problem::new(Code::KeyOther, "The keys could not be written as JSON."))?;
    // Sealing adds some hundred bytes and 16 for each 64 KiB.
    if plain.len() > MAX_FILE - 4096 {
        return Err(Problem::new(
            Code::KeyOther,
            "The vault file is full: it holds at most 1 MiB.",
        )
        .remedy("Remove keys or storage credentials that are not needed any more."));
    }
    Ok(plain)
}

fn public(text: &str) -> Option<PublicKey> {
    let bytes: [u8; 32] = hex::decode(text).ok()?.try_into().ok()?;
    let key = PublicKey::from_bytes(&bytes);
    (key.hex() == text && key.id().is_ok()).then_some(key)
}
