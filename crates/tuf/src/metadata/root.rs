//! Root: which keys the other top-level roles have.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Header, Metadata, RoleKeys, SPEC_VERSION, check_common, check_keys};
use crate::{Error, KeyId, PublicKey, Result, RoleName, UtcTime};

/// Name and holder of a key.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct KeyName {
    /// "Acme release 2026".
    pub name: String,
    /// Who holds it.
    pub holder: String,
}

/// What the root says about the workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RootHeader {
    /// The common part.
    #[serde(flatten)]
    pub header: Header,
    /// App identifier, `com.acme.field`.
    pub app: String,
    /// Name of the app.
    pub name: String,
    /// `solo` or `team`.
    pub profile: String,
    /// Names of keys, also of those that channels use.
    pub keys: BTreeMap<KeyId, KeyName>,
}

/// Root metadata (TUF specification §4.3).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Root {
    #[serde(rename = "_type")]
    type_: String,
    spec_version: String,
    /// Version, from 1.
    pub version: u64,
    /// When it stops to count.
    pub expires: UtcTime,
    /// Always true in the profile.
    pub consistent_snapshot: bool,
    /// Public keys.
    pub keys: BTreeMap<KeyId, PublicKey>,
    /// Exactly root, targets, snapshot and timestamp.
    pub roles: BTreeMap<String, RoleKeys>,
    /// What it says about the workspace.
    #[serde(rename = "x-headgate")]
    pub x: RootHeader,
}

impl Root {
    /// A root.
    pub fn new(
        version: u64,
        expires: UtcTime,
        keys: BTreeMap<KeyId, PublicKey>,
        roles: BTreeMap<String, RoleKeys>,
        x: RootHeader,
    ) -> Self {
        Self {
            type_: "root".into(),
            spec_version: SPEC_VERSION.into(),
            version,
            expires,
            consistent_snapshot: true,
            keys,
            roles,
            x,
        }
    }

    /// Keys of a top-level role.
    ///
    /// # Errors
    /// [`Error::Profile`] for a role that the root does not list.
    pub fn role(&self, role: &RoleName) -> Result<&RoleKeys> {
        self.roles
            .get(&role.to_string())
            .ok_or_else(|| Error::profile("root", format!("no role {role}")))
    }
}

impl Metadata for Root {
    const TYPE: &'static str = "root";

    fn version(&self) -> u64 {
        self.version
    }

    fn expires(&self) -> UtcTime {
        self.expires
    }

    fn header(&self) -> Option<&Header> {
        Some(&self.x.header)
    }

    fn check(&self) -> Result<()> {
        check_common("root", &self.type_, &self.spec_version, self.version)?;
        if !self.consistent_snapshot {
            return Err(Error::profile("root", "consistent_snapshot is not true"));
        }
        check_keys("root", &self.keys)?;
        let names: Vec<&str> = self.roles.keys().map(String::as_str).collect();
        if names != ["root", "snapshot", "targets", "timestamp"] {
            return Err(Error::profile(
                "root",
                "not exactly the four top-level roles",
            ));
        }
        self.roles
            .iter()
            .try_for_each(|(name, keys)| keys.check(name, &self.keys))
    }
}
