//! The restore drill: proves that an exported file opens and holds exactly one key, without keeping anything of it.

use headgate_core::{Code, Problem, Result};
use headgate_tuf::metadata::Timestamp;
use headgate_tuf::{RoleBytes, UtcTime};

use crate::any::{AnyKey, AnySecret};
use crate::{Passphrase, portable};

/// What an RSA key signs in a drill. No plugin takes it for anything: it is no bundle's hash and no manifest.
const RSA_PROBE: &[u8] = b"headgate restore drill";

/// Opens an exported key file and proves that it holds `recorded`: the public half is derived anew, and what the
/// opened key signs verifies with the recorded one. Nothing is stored, here or in a vault.
///
/// # Errors
/// `key.wrong_password`; `key.file` when it is no exported key, or that of another key.
pub fn drill(sealed: &[u8], passphrase: &Passphrase, recorded: &AnyKey) -> Result<()> {
    let opened = portable::open(sealed, passphrase)?;
    let found = opened.secret.public();
    if found != *recorded {
        let id = found.id()?;
        let digits: String = id.chars().take(16).collect();
        let what = format!(
            "The file opens, and holds another key: {} {digits}.",
            found.algorithm()
        );
        return Err(Problem::new(Code::KeyFile, what)
            .holds("The key and its record are as they were.")
            .remedy("Choose the file that this key was exported to, or export the key again."));
    }
    match (opened.secret, recorded) {
        (AnySecret::Ed25519(seed), AnyKey::Ed25519(key)) => {
            // Expired for half a century: whoever got hold of it could make nothing of it.
            let role = RoleBytes::new(&Timestamp::new(1, UtcTime::from_unix(0), 1))?;
            let signature = seed.sign(&role);
            key.verify(role.as_bytes(), &signature)
                .map_err(|_| unproven())
        }
        (AnySecret::Rsa(secret), AnyKey::Rsa(_)) => secret.signer()?.prove(RSA_PROBE),
        _ => Err(unproven()),
    }
}

fn unproven() -> Problem {
    Problem::new(
        Code::KeyDamaged,
        "What the key in the file signs does not verify with the recorded key.",
    )
    .remedy("Export the key again, and keep the new file.")
}
