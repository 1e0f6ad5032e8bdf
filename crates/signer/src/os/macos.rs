//! macOS login keychain (Keychain Services).

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;

use apple_native_keyring_store::keychain::Store;
use headgate_core::{Code, Problem, Result};
use keyring_core::{CredentialStore, Error};
use security_framework::base::Error as AppleError;

use super::explain::{general, problem};

pub(super) const LABEL: &str = "macOS Keychain";

/// Result codes of Security/SecBase.h.
const USER_CANCELED: i32 = -128;
const NOT_AVAILABLE: i32 = -25291;
const AUTH_FAILED: i32 = -25293;
const NO_SUCH_KEYCHAIN: i32 = -25294;
const INTERACTION_NOT_ALLOWED: i32 = -25308;

pub(super) fn store() -> Result<Arc<CredentialStore>, Error> {
    Store::new().map(|store| store as Arc<CredentialStore>)
}

pub(super) fn modifiers<'a>(_modifiers: &mut HashMap<&'a str, &'a str>, _label: Option<&'a str>) {}

/// Asks for an item that does not exist: the answer must be that there is none.
pub(super) fn probe(service: &str) -> Result<()> {
    match store().and_then(|s| s.build(service, "probe", None)?.get_password()) {
        Ok(_) | Err(Error::NoEntry) => Ok(()),
        Err(e) => Err(general(e)),
    }
}

/// The problem that a cause means, if it is a known one.
pub(super) fn explain(cause: &(dyn StdError + Send + Sync + 'static)) -> Option<Problem> {
    Some(match cause.downcast_ref::<AppleError>()?.code() {
        NOT_AVAILABLE | NO_SUCH_KEYCHAIN => problem(Code::KeyNoService, "has no login keychain"),
        INTERACTION_NOT_ALLOWED | USER_CANCELED => problem(
            Code::KeyLocked,
            "is locked, and nobody answered its question for the password",
        ),
        AUTH_FAILED => problem(Code::KeyWrongPassword, "was given a wrong password"),
        _ => return None,
    })
}
