//! Turns a keychain's failures into ours, by kind. A keychain's error may carry the stored bytes, so its text is
//! never formatted.

use headgate_core::{Code, Problem, RsaPublic};
use headgate_tuf::PublicKey;
use keyring_core::Error;
use zeroize::Zeroize as _;

use super::platform;
use crate::{failure, secret};

/// The problem for a failure with the item of `key`.
pub(crate) fn explain(error: Error, key: &PublicKey) -> Problem {
    match error {
        Error::NoEntry => failure::not_here(key, platform::LABEL),
        Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            failure::damaged(key, platform::LABEL)
        }
        other => general(other),
    }
}

/// The problem for a failure with the item of an RSA key.
pub(crate) fn explain_rsa(error: Error, key: &RsaPublic) -> Problem {
    match error {
        Error::NoEntry => failure::rsa_not_here(key, platform::LABEL),
        Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            failure::rsa_damaged(key, platform::LABEL)
        }
        other => general(other),
    }
}

/// The problem for a failure with the item of a secret that is no key.
pub(crate) fn explain_secret(error: Error) -> Problem {
    match error {
        Error::TooLong(_, max) => secret::too_long(platform::LABEL, max),
        Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            secret::damaged(platform::LABEL)
        }
        other => general(other),
    }
}

/// The problem for a failure with the keychain itself.
pub(super) fn general(error: Error) -> Problem {
    let label = platform::LABEL;
    match error {
        Error::NoDefaultStore => problem(Code::KeyNoService, "was not found"),
        Error::Ambiguous(items) => Problem::new(
            Code::KeyAmbiguous,
            format!("The {label} has {} items of one name.", items.len()),
        ),
        Error::NoStorageAccess(cause) => platform::explain(cause.as_ref())
            .unwrap_or_else(|| problem(Code::KeyNoAccess, "gave no access")),
        Error::PlatformFailure(cause) => {
            platform::explain(cause.as_ref()).unwrap_or_else(|| problem(Code::KeyOther, "failed"))
        }
        Error::TooLong(..) | Error::Invalid(..) => {
            problem(Code::KeyOther, "did not accept the item")
        }
        Error::NotSupportedByStore(_) => problem(Code::KeyOther, "cannot do this"),
        Error::BadEncoding(mut bytes) | Error::BadDataFormat(mut bytes, _) => {
            bytes.zeroize();
            problem(Code::KeyDamaged, "holds something that is not a key")
        }
        Error::BadStoreFormat(_) => problem(Code::KeyOther, "is damaged"),
        _ => problem(Code::KeyOther, "failed"),
    }
}

/// "The Secret Service is locked."
pub(super) fn problem(code: Code, what: &str) -> Problem {
    Problem::new(code, format!("The {} {what}.", platform::LABEL))
}
