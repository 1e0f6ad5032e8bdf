//! Private keys in PEM files, RFC 7468: what the vendors' tools and OpenSSL write. Ionic's `ionic_cloud_private.pem`,
//! Capgo's `.capgo_key_v2` (PKCS#1) and Capawesome's `private.pem` (PKCS#8) are all of this form.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headgate_core::{Problem, Result};
use rsa::pkcs8::{ObjectIdentifier, PrivateKeyInfoRef};
use zeroize::Zeroizing;

use crate::any::AnySecret;
use crate::failure;
use crate::rsa::RsaSecret;
use crate::seed::Seed;

/// Largest PEM file that is read, bytes.
pub(crate) const MAX_PEM: usize = 16 * 1024;

/// id-Ed25519, RFC 8410 §3.
const ED25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.101.112");
/// An OCTET STRING of 32 bytes, which holds the seed (RFC 8410 §7).
const SEED_PREFIX: [u8; 2] = [0x04, 0x20];

const WHAT: &str = "key file";

/// Reads the one private key of a PEM file.
///
/// # Errors
/// `key.file` saying what it is instead.
pub(crate) fn read(text: &str) -> Result<AnySecret> {
    let (label, der) = block(text)?;
    match label {
        Label::Pkcs1 => RsaSecret::from_pkcs1(&der).map(AnySecret::Rsa),
        Label::Pkcs8 => {
            let info = PrivateKeyInfoRef::try_from(der.as_slice())
                .map_err(|_| unusable("its content is damaged"))?;
            if info.algorithm.oid == ::rsa::pkcs1::ALGORITHM_OID {
                return RsaSecret::from_pkcs1(info.private_key.as_bytes()).map(AnySecret::Rsa);
            }
            if info.algorithm.oid != ED25519 {
                return Err(unusable(
                    "it holds a key of another kind than RSA or Ed25519",
                ));
            }
            let seed = info.private_key.as_bytes().strip_prefix(&SEED_PREFIX);
            let seed = seed
                .and_then(Seed::from_slice)
                .ok_or_else(|| unusable("its content is damaged"))?;
            Ok(AnySecret::Ed25519(seed))
        }
    }
}

enum Label {
    Pkcs1,
    Pkcs8,
}

/// The one block of a PEM file. The decoder's own words are not passed on: they may quote it.
fn block(text: &str) -> Result<(Label, Zeroizing<Vec<u8>>)> {
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
            return Err(unusable(
                "it holds a public key, and the private one is needed",
            ));
        }
        "CERTIFICATE" => {
            return Err(unusable(
                "it holds a certificate, and a private key is needed",
            ));
        }
        "OPENSSH PRIVATE KEY" => {
            return Err(unusable("it is in the form of OpenSSH").remedy(
                "Write it as PEM first: ssh-keygen -p -m PEM on a copy, and remove that file afterwards.",
            ));
        }
        _ => return Err(unusable("it holds something else than a private key")),
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
