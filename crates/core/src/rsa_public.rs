//! Public RSA keys of channels: what the plugins in the apps pin.
//!
//! One size alone: Capgo's plugin on iOS wants blocks of exactly 256 bytes (its `RSA.swift`), and every tool of the
//! vendors writes the exponent 65537. So the DER forms are fixed bytes around the modulus.

use std::fmt;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headgate_tuf::sha256_hex;

use crate::{Code, Problem, Result};

/// Bytes of the modulus, and of a signature.
pub const RSA_BYTES: usize = 256;

/// SubjectPublicKeyInfo up to the PKCS#1 key (RFC 5280 §4.1; rsaEncryption, RFC 8017 appendix A.1).
const SPKI: [u8; 24] = [
    0x30, 0x82, 0x01, 0x22, 0x30, 0x0d, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86, 0xf7, 0x0d, 0x01, 0x01,
    0x01, 0x05, 0x00, 0x03, 0x82, 0x01, 0x0f, 0x00,
];
/// PKCS#1 `RSAPublicKey` up to the modulus (RFC 8017 appendix A.1.1).
const PKCS1: [u8; 9] = [0x30, 0x82, 0x01, 0x0a, 0x02, 0x82, 0x01, 0x01, 0x00];
/// The exponent behind it, 65537.
const EXPONENT: [u8; 5] = [0x02, 0x03, 0x01, 0x00, 0x01];

/// A public RSA key of 2048 bits with exponent 65537.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct RsaPublic(Box<[u8; RSA_BYTES]>);

impl fmt::Debug for RsaPublic {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RsaPublic({})", self.sha256())
    }
}

impl RsaPublic {
    /// From its DER as SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// `key.file` for anything but 2048 bits and exponent 65537 in that form.
    pub fn from_spki(der: &[u8]) -> Result<Self> {
        let modulus = der
            .strip_prefix(&SPKI)
            .and_then(|rest| rest.strip_prefix(&PKCS1))
            .and_then(|rest| rest.strip_suffix(&EXPONENT))
            .and_then(|modulus| <[u8; RSA_BYTES]>::try_from(modulus).ok())
            // 2048 bits, not fewer; and odd, as a product of two primes.
            .filter(|m| m[0] & 0x80 != 0 && m[RSA_BYTES - 1] & 1 == 1);
        let modulus = modulus.ok_or_else(|| {
            let what = "That is not a public RSA key of 2048 bits with exponent 65537.";
            Problem::new(Code::KeyFile, what)
        })?;
        Ok(Self(Box::new(modulus)))
    }

    /// From what the settings hold: base64 of its DER as SubjectPublicKeyInfo.
    ///
    /// # Errors
    /// As [`Self::from_spki`].
    pub fn from_base64(text: &str) -> Result<Self> {
        // What is no base64 is no key either.
        Self::from_spki(&STANDARD.decode(text).unwrap_or_default())
    }

    /// From one PEM block, `PUBLIC KEY` or `RSA PUBLIC KEY`, as [`Self::spki_pem`] and [`Self::pkcs1_pem`] write it.
    ///
    /// # Errors
    /// `key.file`, also for a private key: it is not looked at.
    pub fn from_pem(text: &str) -> Result<Self> {
        let der = |label: &str| {
            let (begin, end) = (
                format!("-----BEGIN {label}-----"),
                format!("-----END {label}-----"),
            );
            let body = text.trim().strip_prefix(&begin)?.strip_suffix(&end)?;
            let body: String = body.split_whitespace().collect();
            STANDARD.decode(body).ok()
        };
        match (der("PUBLIC KEY"), der("RSA PUBLIC KEY")) {
            (Some(spki), _) => Self::from_spki(&spki),
            (None, Some(pkcs1)) => Self::from_spki(&[&SPKI[..], &pkcs1].concat()),
            (None, None) => {
                let what = "That is no PEM file of a public RSA key.";
                Err(Problem::new(Code::KeyFile, what))
            }
        }
    }

    /// What the settings hold.
    pub fn to_base64(&self) -> String {
        STANDARD.encode(self.spki())
    }

    /// DER as SubjectPublicKeyInfo.
    pub fn spki(&self) -> Vec<u8> {
        [&SPKI[..], &self.pkcs1()].concat()
    }

    /// DER as PKCS#1 `RSAPublicKey`.
    pub fn pkcs1(&self) -> Vec<u8> {
        [&PKCS1[..], &self.0[..], &EXPONENT[..]].concat()
    }

    /// PEM as SubjectPublicKeyInfo: the file that Ionic's SDK is given.
    pub fn spki_pem(&self) -> String {
        pem("PUBLIC KEY", &self.spki())
    }

    /// PEM as PKCS#1: `publicKey` of Capgo's plugin, which takes no other form.
    pub fn pkcs1_pem(&self) -> String {
        pem("RSA PUBLIC KEY", &self.pkcs1())
    }

    /// What Capgo's plugin sends as `key_id`: the first 20 characters of the base64 body of its PKCS#1 PEM.
    pub fn capgo_id(&self) -> String {
        STANDARD.encode(self.pkcs1()).chars().take(20).collect()
    }

    /// SHA-256 of its DER as SubjectPublicKeyInfo, lower-case hex.
    pub fn sha256(&self) -> String {
        sha256_hex(&self.spki())
    }
}

/// Textual encoding, RFC 7468.
fn pem(label: &str, der: &[u8]) -> String {
    let body = STANDARD.encode(der);
    let mut text = format!("-----BEGIN {label}-----\n");
    for (at, c) in body.char_indices() {
        if at > 0 && at % 64 == 0 {
            text.push('\n');
        }
        text.push(c);
    }
    text + &format!("\n-----END {label}-----\n")
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The key of the README of the `rsa` crate, in both forms.
    const PKCS1_PEM: &str = "-----BEGIN RSA PUBLIC KEY-----
MIIBCgKCAQEAtsQsUV8QpqrygsY+2+JCQ6Fw8/omM71IM2N/R8pPbzbgOl0p78MZ
GsgPOQ2HSznjD0FPzsH8oO2B5Uftws04LHb2HJAYlz25+lN5cqfHAfa3fgmC38Ff
wBkn7l582UtPWZ/wcBOnyCgb3yLcvJrXyrt8QxHJgvWO23ITrUVYszImbXQ67YGS
0YhMrbixRzmo2tpm3JcIBtnHrEUMsT0NfFdfsZhTT8YbxBvA8FdODgEwx7u/vf3J
9qbi4+Kv8cvqyJuleIRSjVXPsIMnoejIn04APPKIjpMyQdnWlby7rNyQtE4+CV+j
cFjqJbE/Xilcvqxt6DirjFCvYeKYl1uHLwIDAQAB
-----END RSA PUBLIC KEY-----
";
    const SPKI_PEM: &str = "-----BEGIN PUBLIC KEY-----
MIIBIjANBgkqhkiG9w0BAQEFAAOCAQ8AMIIBCgKCAQEAtsQsUV8QpqrygsY+2+JC
Q6Fw8/omM71IM2N/R8pPbzbgOl0p78MZGsgPOQ2HSznjD0FPzsH8oO2B5Uftws04
LHb2HJAYlz25+lN5cqfHAfa3fgmC38FfwBkn7l582UtPWZ/wcBOnyCgb3yLcvJrX
yrt8QxHJgvWO23ITrUVYszImbXQ67YGS0YhMrbixRzmo2tpm3JcIBtnHrEUMsT0N
fFdfsZhTT8YbxBvA8FdODgEwx7u/vf3J9qbi4+Kv8cvqyJuleIRSjVXPsIMnoejI
n04APPKIjpMyQdnWlby7rNyQtE4+CV+jcFjqJbE/Xilcvqxt6DirjFCvYeKYl1uH
LwIDAQAB
-----END PUBLIC KEY-----
";

    fn key() -> RsaPublic {
        let body: String = SPKI_PEM.lines().filter(|l| !l.starts_with('-')).collect();
        RsaPublic::from_base64(&body).unwrap()
    }

    #[test]
    fn both_forms_are_what_other_tools_write() {
        let key = key();
        assert_eq!(key.pkcs1_pem(), PKCS1_PEM);
        assert_eq!(key.spki_pem(), SPKI_PEM);
        assert_eq!(RsaPublic::from_base64(&key.to_base64()).unwrap(), key);
        for pem in [PKCS1_PEM, SPKI_PEM] {
            assert_eq!(RsaPublic::from_pem(pem).unwrap(), key);
        }
        let private = SPKI_PEM.replace("PUBLIC", "PRIVATE");
        assert_eq!(
            RsaPublic::from_pem(&private).unwrap_err().code,
            Code::KeyFile
        );
    }

    #[test]
    fn capgo_knows_it_by_the_start_of_its_pem() {
        assert_eq!(key().capgo_id(), "MIIBCgKCAQEAtsQsUV8Q");
        assert_eq!(key().sha256().len(), 64);
    }

    #[test]
    fn nothing_but_2048_bits_and_the_usual_exponent_is_a_key() {
        let good = key().spki();
        let refused = |der: &[u8]| RsaPublic::from_spki(der).unwrap_err().code == Code::KeyFile;
        assert!(refused(&[]));
        assert!(refused(&key().pkcs1()));
        let mut more = good.clone();
        more.push(0);
        assert!(refused(&more));
        for at in [1, 23, 24, 33, good.len() - 6, good.len() - 1] {
            let mut bad = good.clone();
            bad[at] ^= if at == 33 { 0x80 } else { 1 };
            assert!(refused(&bad), "byte {at}");
        }
        assert!(RsaPublic::from_base64("no base64 at all").is_err());
    }
}
