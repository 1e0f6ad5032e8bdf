//! Keys: those of this computer with what was done for them, and those of others that signed metadata names.

mod backup;
mod card;
mod make;
mod remove;
mod ring;
mod roles;
mod words;

use headgate_core::{Code, Problem, Result, RsaPublic};
use headgate_signer::AnyKey;

use crate::Workspace;
use crate::console::Console;
use crate::db::Care;
use crate::keys;

pub use card::{KeyCard, KeyUse};
pub use make::{ImportedKey, KeyCreated, read_key_file};
pub use ring::{Asking, KeyRing};
pub(super) use roles::expiries;
pub use roles::{RoleExpiry, RoleKey, RoleRow};

/// A key that this computer recorded.
#[derive(Debug, Clone)]
pub(super) struct Own {
    pub(super) key: AnyKey,
    pub(super) id: String,
    pub(super) label: String,
    pub(super) created: Option<headgate_tuf::UtcTime>,
}

impl Console {
    /// Keys of both algorithms that this computer made or imported.
    pub(super) async fn own(&self, workspace: &Workspace) -> Result<Vec<Own>> {
        let journal = &self.inner.journal;
        let mut list = Vec::new();
        for own in journal.own_keys(&workspace.id).await? {
            let key = AnyKey::Ed25519(keys::public_key(&own.public)?);
            list.push(Own {
                id: key.id()?,
                key,
                label: own.label,
                created: Some(own.created),
            });
        }
        for own in journal.own_rsa(&workspace.id).await? {
            let key = AnyKey::Rsa(RsaPublic::from_base64(&own.public)?);
            list.push(Own {
                id: key.id()?,
                key,
                label: own.label,
                created: Some(own.created),
            });
        }
        Ok(list)
    }

    /// The recorded key whose id begins with these digits.
    ///
    /// # Errors
    /// `usage.unknown` for less than 8 digits, none and more than one.
    pub(super) async fn own_key(&self, workspace: &Workspace, key: &str) -> Result<Own> {
        let own = self.own(workspace).await?;
        let mut fitting = own
            .into_iter()
            .filter(|own| key.len() >= 8 && own.id.starts_with(key));
        let found = fitting.next().filter(|_| fitting.next().is_none());
        found.ok_or_else(|| {
            let what = format!("This computer recorded no key {key}.");
            Problem::new(Code::UsageUnknown, what)
                .remedy("Give at least 8 digits of an id from headgate keys list.")
                .field("key")
        })
    }

    pub(super) async fn care(&self, workspace: &Workspace, id: &str) -> Result<Care> {
        let known = self.inner.journal.care(&workspace.id).await?;
        Ok(known.get(id).copied().unwrap_or_default())
    }
}
