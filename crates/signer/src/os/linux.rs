//! Secret Service over the session bus (freedesktop Secret Service API 0.2), never the kernel's keyutils: those forget
//! at the next start of the machine.

use std::collections::HashMap;
use std::error::Error as StdError;
use std::sync::Arc;

use headgate_core::{Code, Problem, Result};
use keyring_core::{CredentialStore, Error};
use secret_service::blocking::SecretService;
use secret_service::{EncryptionType, Error as ServiceError};
use zbus::{DBusError as _, fdo};
use zbus_secret_service_keyring_store::Store;

use super::explain::{general, problem};

pub(super) const LABEL: &str = "Secret Service";

pub(super) fn store() -> Result<Arc<CredentialStore>, Error> {
    Store::new().map(|store| store as Arc<CredentialStore>)
}

/// The label is what the keyring's own program shows to people.
pub(super) fn modifiers<'a>(modifiers: &mut HashMap<&'a str, &'a str>, label: Option<&'a str>) {
    if let Some(label) = label {
        modifiers.insert("label", label);
    }
}

/// Looks at the default collection, since a search in a locked or missing one merely finds nothing.
pub(super) fn probe(_service: &str) -> Result<()> {
    let failed = |e: ServiceError| {
        explain(&e).unwrap_or_else(|| general(Error::PlatformFailure(Box::new(e))))
    };
    let service = SecretService::connect(EncryptionType::Dh).map_err(failed)?;
    let collection = service.get_default_collection().map_err(failed)?;
    if collection.is_locked().map_err(failed)? {
        return Err(locked());
    }
    Ok(())
}

/// The problem that a cause means, if it is a known one.
pub(super) fn explain(cause: &(dyn StdError + Send + Sync + 'static)) -> Option<Problem> {
    match cause.downcast_ref::<ServiceError>()? {
        ServiceError::Unavailable => Some(missing()),
        ServiceError::NoResult => Some(
            problem(Code::KeyNoService, "has no default keyring")
                .remedy("Create a default keyring, for example with Passwords and Keys, or choose a passphrase file as the vault."),
        ),
        ServiceError::Locked | ServiceError::Prompt => Some(locked()),
        ServiceError::PromptDisconnected => Some(problem(
            Code::KeyOther,
            "went away while it asked to be unlocked",
        )),
        ServiceError::Zbus(e) => bus(e),
        ServiceError::ZbusFdo(e) => standard(e),
        _ => None,
    }
}

fn bus(error: &zbus::Error) -> Option<Problem> {
    match error {
        zbus::Error::MethodError(name, ..) => named(name.as_str()),
        zbus::Error::FDO(e) => standard(e),
        zbus::Error::InputOutput(e) | zbus::Error::Connection(e, _)
            if e.kind() == std::io::ErrorKind::TimedOut =>
        {
            Some(timeout())
        }
        zbus::Error::Address(_)
        | zbus::Error::Handshake(_)
        | zbus::Error::InputOutput(_)
        | zbus::Error::Connection(..)
        | zbus::Error::InterfaceNotFound => Some(missing()),
        _ => None,
    }
}

fn standard(error: &fdo::Error) -> Option<Problem> {
    match error {
        fdo::Error::ZBus(e) => bus(e),
        other => named(other.name().as_str()),
    }
}

/// D-Bus and Secret Service error names.
fn named(name: &str) -> Option<Problem> {
    if let Some(reason) = name.strip_prefix("org.freedesktop.DBus.Error.") {
        return match reason {
            "ServiceUnknown" | "NameHasNoOwner" | "NoServer" | "Disconnected" | "FileNotFound" => {
                Some(missing())
            }
            spawn if spawn.starts_with("Spawn") => Some(missing()),
            "AccessDenied" | "AuthFailed" | "InteractiveAuthorizationRequired" => {
                Some(problem(Code::KeyNoAccess, "gave no access"))
            }
            "NoReply" | "Timeout" | "TimedOut" => Some(timeout()),
            _ => None,
        };
    }
    (name == "org.freedesktop.Secret.Error.IsLocked").then(locked)
}

fn missing() -> Problem {
    problem(Code::KeyNoService, "does not run on this computer")
}

fn locked() -> Problem {
    problem(
        Code::KeyLocked,
        "is locked, and nobody answered its question for the password",
    )
}

fn timeout() -> Problem {
    problem(Code::KeyTimeout, "did not answer in time")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_name_of_a_bus_failure_has_its_own_code() {
        let code = |name: &str| named(name).map(|p| p.code);
        let dbus = |reason: &str| code(&format!("org.freedesktop.DBus.Error.{reason}"));
        assert_eq!(dbus("ServiceUnknown"), Some(Code::KeyNoService));
        assert_eq!(dbus("Spawn.ExecFailed"), Some(Code::KeyNoService));
        assert_eq!(dbus("AccessDenied"), Some(Code::KeyNoAccess));
        assert_eq!(dbus("NoReply"), Some(Code::KeyTimeout));
        assert_eq!(dbus("InvalidArgs"), None);
        let locked = code("org.freedesktop.Secret.Error.IsLocked");
        assert_eq!(locked, Some(Code::KeyLocked));
        assert_eq!(code("com.example.IsLocked"), None);
    }

    #[test]
    fn a_dismissed_prompt_means_locked_and_an_unknown_cause_means_nothing() {
        assert_eq!(
            explain(&ServiceError::Prompt).map(|p| p.code),
            Some(Code::KeyLocked)
        );
        assert_eq!(
            explain(&ServiceError::NoResult).map(|p| p.code),
            Some(Code::KeyNoService)
        );
        assert!(explain(&std::io::Error::other("x")).is_none());
    }
}
