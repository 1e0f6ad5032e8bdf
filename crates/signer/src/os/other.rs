//! Operating systems without a keychain that Headgate knows: the vault is a passphrase file there.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;

use headgate_core::{Problem, Result};
use keyring_core::{CredentialStore, Error};

use super::explain::general;

pub(super) const LABEL: &str = "keychain";

pub(super) fn store() -> Result<Arc<CredentialStore>, Error> {
    Err(Error::NoDefaultStore)
}

pub(super) fn modifiers<'a>(_modifiers: &mut HashMap<&'a str, &'a str>, _label: Option<&'a str>) {}

pub(super) fn probe(_service: &str) -> Result<()> {
    Err(general(Error::NoDefaultStore))
}

pub(super) fn explain(_cause: &(dyn StdError + Send + Sync + 'static)) -> Option<Problem> {
    None
}
