//! Passphrases: from a variable, or asked for on a terminal without echo. Never an argument, which others can see.

use std::io::IsTerminal;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use headgate_core::{Code, Problem, Result};
use headgate_engine::AskPassphrase;
use zeroize::Zeroizing;

/// Protects an exported key.
const EXPORT: &str = "HEADGATE_EXPORT_PASSPHRASE";

/// Asks for a vault's passphrase; twice while `new` is set, because a vault is about to be made.
pub(crate) fn vault(new: Arc<AtomicBool>) -> AskPassphrase {
    Arc::new(move |what| {
        ask(
            what,
            new.load(Ordering::SeqCst),
            "HEADGATE_VAULT_PASSPHRASE",
        )
    })
}

/// The passphrase of an exported key's file.
pub(crate) fn export(what: &str, new: bool) -> Result<Zeroizing<String>> {
    match std::env::var(EXPORT) {
        Ok(text) if !text.is_empty() => Ok(Zeroizing::new(text)),
        _ => ask(what, new, EXPORT),
    }
}

/// Whether a person can be asked.
pub(crate) fn terminal() -> bool {
    std::io::stdin().is_terminal() && std::io::stderr().is_terminal()
}

fn ask(what: &str, twice: bool, variable: &str) -> Result<Zeroizing<String>> {
    if !terminal() {
        let problem = Problem::new(
            Code::KeyPassphrase,
            format!("{what} is needed, and there is no terminal to ask on."),
        );
        return Err(problem.remedy(format!(
            "Set {variable}, or run in a terminal and enter it."
        )));
    }
    let read = |prompt: String| {
        let failed = |e: std::io::Error| {
            Problem::new(
                Code::KeyPassphrase,
                format!("{what} could not be read: {e}."),
            )
        };
        rpassword::prompt_password(prompt)
            .map(Zeroizing::new)
            .map_err(failed)
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
