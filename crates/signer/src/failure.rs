//! Failures in fixed words: nothing that a vault or cipher says about its contents is passed on.

use std::io;
use std::path::Path;

use headgate_core::{Code, Problem, Result, RsaPublic};
use headgate_tuf::PublicKey;

/// The recorded key is not in this vault.
pub(crate) fn not_here(key: &PublicKey, vault: &str) -> Problem {
    Problem::new(
        Code::KeyMissing,
        format!(
            "Your key {} is recorded, but the {vault} does not have it.",
            short(key)
        ),
    )
}

/// Something else than the recorded key is stored in its place.
pub(crate) fn damaged(key: &PublicKey, vault: &str) -> Problem {
    Problem::new(
        Code::KeyDamaged,
        format!(
            "What the {vault} holds for key {} is not that key.",
            short(key)
        ),
    )
}

/// A channel's RSA key is not in this vault.
pub(crate) fn rsa_not_here(key: &RsaPublic, vault: &str) -> Problem {
    Problem::new(
        Code::KeyMissing,
        format!(
            "The {vault} does not have the RSA key {}.",
            short_rsa(key)
        ),
    )
    .remedy("Import it with headgate clients key import, or let its holder approve.")
}

/// Something else than the recorded RSA key is stored in its place.
pub(crate) fn rsa_damaged(key: &RsaPublic, vault: &str) -> Problem {
    Problem::new(
        Code::KeyDamaged,
        format!(
            "What the {vault} holds for the RSA key {} is not that key.",
            short_rsa(key)
        ),
    )
    .remedy("Import it again from its PEM file.")
}

/// A file that is not what it should be.
pub(crate) fn bad_file(what: &str, why: &str) -> Problem {
    Problem::new(Code::KeyFile, format!("The {what} cannot be used: {why}."))
}

/// A file of a vault that cannot be read or written.
pub(crate) fn io(error: &io::Error, path: &Path, doing: &str) -> Problem {
    let code = match error.kind() {
        io::ErrorKind::NotFound | io::ErrorKind::IsADirectory | io::ErrorKind::NotADirectory => {
            Code::KeyFile
        }
        io::ErrorKind::PermissionDenied | io::ErrorKind::ReadOnlyFilesystem => Code::KeyNoAccess,
        _ => Code::LocalDisk,
    };
    let problem = Problem::new(
        code,
        format!("{} cannot be {doing}: {}.", path.display(), error.kind()),
    );
    match code {
        Code::KeyNoAccess => {
            problem.remedy("Give your account the right to read and write the vault file.")
        }
        _ => problem,
    }
}

/// Checks a name that a person gives to a key.
pub(crate) fn check_label(label: &str) -> Result<()> {
    let length = label.chars().count();
    if (1..=MAX_LABEL).contains(&length) && !label.chars().any(char::is_control) {
        return Ok(());
    }
    Err(Problem::new(
        Code::UsageArgument,
        format!("A key's name has 1 to {MAX_LABEL} characters and no control characters."),
    )
    .field("label"))
}

/// Longest name of a key, characters.
pub(crate) const MAX_LABEL: usize = 128;

/// The first 8 bytes of the key id: enough for a person to tell keys apart.
fn short(key: &PublicKey) -> String {
    key.id().map_or_else(
        |_| "with an unreadable public part".into(),
        |id| id.as_str().chars().take(16).collect(),
    )
}

fn short_rsa(key: &RsaPublic) -> String {
    key.sha256().chars().take(16).collect()
}
