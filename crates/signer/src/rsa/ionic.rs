//! `live-update-manifest.json` for Ionic's SDK and Portals.
//!
//! Its form is documented and seen in public files: `{"payload"}`, base64 of a JSON array of `{href, size, integrity}`
//! sorted by path. A signed one adds `signatures: [{protected, signature}]`. How the closed SDK wants those exactly is
//! not published; ours are a JWS in JSON form (RFC 7515 §7.2.1) with RS256.

use std::collections::BTreeMap;
use std::fmt::Write as _;

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use headgate_core::{Code, Problem, Result};
use serde::Serialize;

use super::{HashedBytes, RsaSigner};

/// The files of one release.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct IonicFiles(BTreeMap<String, HashedBytes>);

// The SDK's Cordova sibling compares entries byte for byte, so the order of the members counts.
#[derive(Serialize)]
struct PayloadFile<'a> {
    href: &'a str,
    size: u64,
    integrity: String,
}

#[derive(Serialize)]
struct Manifest {
    payload: String,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    signatures: Vec<Signature>,
}

#[derive(Serialize)]
struct Signature {
    protected: String,
    signature: String,
}

impl IonicFiles {
    /// None yet.
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a file by its path in the bundle.
    pub fn add(&mut self, path: &str, file: &HashedBytes) {
        self.0.insert(path.to_owned(), file.clone());
    }

    /// The manifest's bytes, signed where there is a key.
    ///
    /// # Errors
    /// `key.failed`.
    pub fn manifest(&self, signer: Option<&RsaSigner>) -> Result<Vec<u8>> {
        let payload = self.payload()?;
        let mut signatures = Vec::new();
        if let Some(signer) = signer {
            let protected = URL_SAFE_NO_PAD.encode(br#"{"alg":"RS256"}"#);
            let signature = signer.sign_rs256(format!("{protected}.{payload}").as_bytes())?;
            signatures.push(Signature {
                protected,
                signature: URL_SAFE_NO_PAD.encode(signature),
            });
        }
        let manifest = Manifest {
            payload,
            signatures,
        };
        serde_json::to_vec(&manifest).map_err(unwritable)
    }

    /// Ionic's own files use base64 with padding, JWS wants base64url without. Escapes for what the two alphabets
    /// encode differently, and spaces up to a multiple of three bytes, make both the same text.
    fn payload(&self) -> Result<String> {
        let files = self.0.iter().map(|(href, file)| PayloadFile {
            href,
            size: file.size,
            integrity: format!("sha256-{}", STANDARD.encode(file.sha256)),
        });
        let json = serde_json::to_string(&files.collect::<Vec<_>>()).map_err(unwritable)?;
        let mut text = String::with_capacity(json.len() + 2);
        for c in json.chars() {
            // Outside strings JSON has none of these.
            if c.is_ascii() && !matches!(c, '>' | '?' | '~' | '\u{7f}') {
                text.push(c);
                continue;
            }
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(text, "\\u{unit:04x}");
            }
        }
        while !text.len().is_multiple_of(3) {
            text.push(' ');
        }
        Ok(STANDARD.encode(text))
    }
}

fn unwritable(_: serde_json::Error) -> Problem {
    Problem::new(Code::Internal, "Ionic's manifest could not be written.")
}
