//! Passphrases, and files that are nobody else's.

use std::io::{IsTerminal, Write};
use std::path::Path;

use headgate_core::{Code, Problem, Result};
use headgate_offline::VaultPlace;
use headgate_signer::Passphrase;
use zeroize::Zeroizing;

pub(crate) const EXPORT: &str = "HEADGATE_EXPORT_PASSPHRASE";
const VAULT: &str = "HEADGATE_VAULT_PASSPHRASE";

pub(crate) fn open(place: &VaultPlace, create: bool) -> Result<Box<dyn headgate_signer::KeyVault>> {
    let passphrase = match place {
        VaultPlace::Os => None,
        VaultPlace::File(path) => {
            let what = format!("Passphrase of the vault {}", path.display());
            Some(Passphrase::new(ask(
                &what,
                VAULT,
                create && !path.exists(),
            )?)?)
        }
    };
    place.open(passphrase, create)
}

pub(crate) fn terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

/// From a variable, or on a terminal without echo. Never an argument, which others can see.
pub(crate) fn ask(what: &str, variable: &str, twice: bool) -> Result<Zeroizing<String>> {
    if let Ok(text) = std::env::var(variable)
        && !text.is_empty()
    {
        return Ok(Zeroizing::new(text));
    }
    if !terminal() {
        let why = format!("{what} is needed, and there is no terminal to ask on.");
        return Err(Problem::new(Code::KeyPassphrase, why).remedy(format!(
            "Set {variable}, or run in a terminal and enter it."
        )));
    }
    let read = |prompt: String| {
        rpassword::prompt_password(prompt)
            .map(Zeroizing::new)
            .map_err(|e| {
                Problem::new(
                    Code::KeyPassphrase,
                    format!("{what} could not be read: {e}."),
                )
            })
    };
    let first = read(format!("{what}: "))?;
    if twice && *read(format!("{what}, again: "))? != *first {
        return Err(
            Problem::new(Code::KeyPassphrase, "The two passphrases differ.")
                .remedy("Enter the same passphrase twice."),
        );
    }
    Ok(first)
}

pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, bytes, 0o600)
}

/// What goes to others is for others to read.
pub(crate) fn write_public(path: &Path, bytes: &[u8]) -> Result<()> {
    write(path, bytes, 0o644)
}

fn write(path: &Path, bytes: &[u8], mode: u32) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, mode);
    #[cfg(not(unix))]
    let _ = mode;
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|e| {
        let code = match e.kind() {
            std::io::ErrorKind::AlreadyExists => Code::UsageExists,
            _ => Code::LocalDisk,
        };
        Problem::new(code, format!("{} cannot be written: {e}.", path.display()))
    })
}
