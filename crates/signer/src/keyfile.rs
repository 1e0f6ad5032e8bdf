//! What a file that somebody offers as a key is, before it is opened.

use headgate_core::{Problem, Result};

use crate::failure;

/// Largest key file that is read, bytes. An exported RSA key takes about 3 KB.
pub const MAX_KEY_FILE: usize = 64 * 1024;

const WHAT: &str = "key file";

/// Form of a key file.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum KeyFileKind {
    /// A key that Headgate exported: an age file with a passphrase.
    Sealed,
    /// PEM: what OpenSSL and the vendors' tools write.
    Pem,
}

/// Tells the two forms apart, and names what is neither.
///
/// # Errors
/// `key.file` saying what it is instead.
pub fn key_file_kind(bytes: &[u8]) -> Result<KeyFileKind> {
    if bytes.len() > MAX_KEY_FILE {
        return Err(unusable("it is larger than a key can be"));
    }
    if bytes.starts_with(b"age-encryption.org/") {
        return Ok(KeyFileKind::Sealed);
    }
    if bytes.is_empty() {
        return Err(unusable("it is empty"));
    }
    let binary = [
        (&b"PK\x03\x04"[..], "it is a zip"),
        (b"\x30\x82", "it is a binary key file (DER or PKCS#12)"),
    ];
    if let Some((_, why)) = binary.iter().find(|(start, _)| bytes.starts_with(start)) {
        return Err(unusable(why).remedy(
            "Write the private key as PEM first, for example with openssl, and remove that file afterwards.",
        ));
    }
    let text = std::str::from_utf8(bytes).map_err(|_| unusable("it is no text"))?;
    if text.contains("-----BEGIN AGE ENCRYPTED FILE-----") {
        return Err(unusable("it is an age file written as text").remedy(
            "Headgate exports keys as binary age files: choose the exported file itself.",
        ));
    }
    if text.contains("AGE-SECRET-KEY-") {
        return Err(unusable("it is an identity of age, which signs nothing"));
    }
    if text.contains("-----BEGIN ") {
        return Ok(KeyFileKind::Pem);
    }
    if text.starts_with("ssh-") || text.starts_with("ecdsa-") {
        return Err(unusable("it is a public key of SSH"));
    }
    Err(unusable("it is neither an exported key nor a PEM file"))
}

fn unusable(why: &str) -> Problem {
    failure::bad_file(WHAT, why)
}
