//! Windows Credential Manager, generic credentials.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;

use headgate_core::{Problem, Result};
use keyring_core::{CredentialStore, Error};
use windows_native_keyring_store::Store;

use super::explain::general;

pub(super) const LABEL: &str = "Windows Credential Manager";

pub(super) fn store() -> Result<Arc<CredentialStore>, Error> {
    Store::new().map(|store| store as Arc<CredentialStore>)
}

/// `Local`: the default would copy the key to the domain's roaming profile, off this machine.
pub(super) fn modifiers<'a>(modifiers: &mut HashMap<&'a str, &'a str>, _label: Option<&'a str>) {
    modifiers.insert("persistence", "Local");
}

/// Asks for an item that does not exist: the answer must be that there is none.
pub(super) fn probe(service: &str) -> Result<()> {
    match store().and_then(|s| s.build(service, "probe", None)?.get_password()) {
        Ok(_) | Err(Error::NoEntry) => Ok(()),
        Err(e) => Err(general(e)),
    }
}

/// The store keeps its causes to itself; the kind of its error decides.
pub(super) fn explain(_cause: &(dyn StdError + Send + Sync + 'static)) -> Option<Problem> {
    None
}
