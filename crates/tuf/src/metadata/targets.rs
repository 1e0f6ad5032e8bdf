//! Targets: the top level with its delegations, approvals, rollouts.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::{Header, Metadata, RoleKeys, SPEC_VERSION, check_common, check_keys};
use crate::{Error, KeyId, PublicKey, Result, RoleName, UtcTime};

/// Length and hash of a target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TargetFile {
    /// Bytes.
    pub length: u64,
    /// Its hash.
    pub hashes: Hashes,
}

/// Hashes of a target: SHA-256 only.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Hashes {
    /// SHA-256, hex.
    pub sha256: String,
}

/// A delegation. Always terminating; patterns never overlap.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegation {
    /// Role name.
    pub name: String,
    /// Ids of its keys.
    pub keyids: BTreeSet<KeyId>,
    /// Signatures needed.
    pub threshold: u32,
    /// Always true in the profile.
    pub terminating: bool,
    /// Exactly the patterns of its name.
    pub paths: Vec<String>,
}

impl Delegation {
    /// Keys and threshold.
    pub fn role_keys(&self) -> RoleKeys {
        RoleKeys {
            keyids: self.keyids.clone(),
            threshold: self.threshold,
        }
    }
}

/// Delegations of the top-level targets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delegations {
    /// Public keys.
    pub keys: BTreeMap<KeyId, PublicKey>,
    /// Delegated roles.
    pub roles: Vec<Delegation>,
}

/// Targets metadata (TUF specification §4.5): top-level, approvals and rollouts.
/// `X` is what it says about itself: [`Header`] on channel roles, the settings on the top level.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Targets<X> {
    #[serde(rename = "_type")]
    type_: String,
    spec_version: String,
    /// Version, from 1.
    pub version: u64,
    /// When it stops to count.
    pub expires: UtcTime,
    /// Listed targets.
    pub targets: BTreeMap<String, TargetFile>,
    /// Delegations; only on the top level.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub delegations: Option<Delegations>,
    /// What it says about itself.
    #[serde(rename = "x-headgate")]
    pub x: X,
}

impl<X> Targets<X> {
    /// Targets metadata.
    pub fn new(
        version: u64,
        expires: UtcTime,
        targets: BTreeMap<String, TargetFile>,
        delegations: Option<Delegations>,
        x: X,
    ) -> Self {
        Self {
            type_: "targets".into(),
            spec_version: SPEC_VERSION.into(),
            version,
            expires,
            targets,
            delegations,
            x,
        }
    }

    /// The delegation to a role.
    pub fn delegation(&self, role: &RoleName) -> Option<&Delegation> {
        let name = role.to_string();
        self.delegations
            .as_ref()?
            .roles
            .iter()
            .find(|d| d.name == name)
    }
}

/// Gives the common part of an extended header.
pub trait HasHeader {
    /// The common part.
    fn common(&self) -> &Header;
}

impl HasHeader for Header {
    fn common(&self) -> &Header {
        self
    }
}

impl<X: HasHeader + Serialize + DeserializeOwned> Metadata for Targets<X> {
    const TYPE: &'static str = "targets";

    fn version(&self) -> u64 {
        self.version
    }

    fn expires(&self) -> UtcTime {
        self.expires
    }

    fn header(&self) -> Option<&Header> {
        Some(self.x.common())
    }

    fn check(&self) -> Result<()> {
        check_common("targets", &self.type_, &self.spec_version, self.version)?;
        for (name, file) in &self.targets {
            let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
            if !name.bytes().all(plain) || !crate::key::is_hex(&file.hashes.sha256, 64) {
                return Err(Error::profile(
                    "target",
                    format!("{name:?} is not a target name with a SHA-256"),
                ));
            }
        }
        let header = self.x.common();
        let role = match (&header.unit, &header.channel) {
            (None, None) => None,
            (Some(u), Some(c)) => Some((u, c)),
            _ => {
                return Err(Error::profile(
                    "x-headgate",
                    "unit and channel belong together",
                ));
            }
        };
        match (&self.delegations, role) {
            (Some(d), None) => check_delegations(d),
            (None, Some((u, c))) => {
                let prefix = format!("{u}.{c}.");
                match self.targets.keys().find(|t| !t.starts_with(&prefix)) {
                    Some(t) => Err(Error::profile("target", format!("{t:?} is not of {u}.{c}"))),
                    None => Ok(()),
                }
            }
            _ => Err(Error::profile(
                "targets",
                "delegations stand on the top level, and only there",
            )),
        }
    }
}

fn check_delegations(d: &Delegations) -> Result<()> {
    check_keys("delegations", &d.keys)?;
    let mut seen = BTreeSet::new();
    for role in &d.roles {
        let name = RoleName::parse(&role.name)?;
        if !matches!(name, RoleName::Channel(..) | RoleName::Rollout(..))
            || !seen.insert(&role.name)
        {
            return Err(Error::profile(
                "delegation",
                format!("{} is not allowed or stands twice", role.name),
            ));
        }
        if !role.terminating || role.paths != name.paths() {
            return Err(Error::profile(
                &role.name,
                "not terminating, or with other patterns than its own",
            ));
        }
        role.role_keys().check(&role.name, &d.keys)?;
    }
    Ok(())
}
