//! Metadata of the roles, as the profile narrows it.

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Error, KeyId, PublicKey, Result, RoleName, UtcTime};

/// Version of the TUF specification that the profile follows.
pub const SPEC_VERSION: &str = "1.0.34";

/// What every role but `timestamp` says about itself inside its signed part: role names are not signed
/// in TUF and a repository has no identity, so both are bound here.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// Identity of the workspace: the app identifier and 16 random hex digits, joined by `#`.
    pub workspace: String,
    /// Unit, on channel roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub unit: Option<String>,
    /// Channel, on channel roles.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub channel: Option<String>,
    /// What this version did: `init`, `approve`, `promote`, `roll_out`, `halt`, …
    pub action: String,
    /// When it was made.
    pub at: UtcTime,
    /// Name of the person or job who made it.
    pub by: String,
    /// Why.
    pub reason: String,
    /// SHA-256 of the last committed version's file of this role, hex; nothing for the first.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub prev: Option<String>,
}

/// What all roles have.
pub trait Metadata: Serialize + DeserializeOwned {
    /// `_type`.
    const TYPE: &'static str;
    /// Version, from 1.
    fn version(&self) -> u64;
    /// When it stops to count.
    fn expires(&self) -> UtcTime;
    /// What it says about itself; nothing on `timestamp`.
    fn header(&self) -> Option<&Header>;
    /// Rules that the types do not state.
    ///
    /// # Errors
    /// [`Error::Profile`] naming the rule.
    fn check(&self) -> Result<()>;
}

/// Keys and threshold of a role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleKeys {
    /// Ids of its keys, sorted, each once.
    pub keyids: BTreeSet<KeyId>,
    /// Signatures needed.
    pub threshold: u32,
}

impl RoleKeys {
    fn check(&self, what: &str, keys: &BTreeMap<KeyId, PublicKey>) -> Result<()> {
        if self.threshold == 0 || self.threshold as usize > self.keyids.len() {
            let why = format!("threshold {} of {} keys", self.threshold, self.keyids.len());
            return Err(Error::profile(what, why));
        }
        match self.keyids.iter().find(|id| !keys.contains_key(id)) {
            Some(id) => Err(Error::profile(what, format!("key {id} is not listed"))),
            None => Ok(()),
        }
    }
}

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

/// A version in a snapshot or timestamp. Without length and hash: see `docs/trust.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetaVersion {
    /// Version, from 1.
    pub version: u64,
}

/// Snapshot metadata (TUF specification §4.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    #[serde(rename = "_type")]
    type_: String,
    spec_version: String,
    /// Version, from 1.
    pub version: u64,
    /// When it stops to count.
    pub expires: UtcTime,
    /// `<role>.json` and its version.
    pub meta: BTreeMap<String, MetaVersion>,
    /// What it says about itself.
    #[serde(rename = "x-headgate")]
    pub x: Header,
}

impl Snapshot {
    /// A snapshot.
    pub fn new(
        version: u64,
        expires: UtcTime,
        meta: BTreeMap<String, MetaVersion>,
        x: Header,
    ) -> Self {
        Self {
            type_: "snapshot".into(),
            spec_version: SPEC_VERSION.into(),
            version,
            expires,
            meta,
            x,
        }
    }

    /// Version of a role in it.
    pub fn version_of(&self, role: &RoleName) -> Option<u64> {
        self.meta.get(&format!("{role}.json")).map(|m| m.version)
    }
}

impl Metadata for Snapshot {
    const TYPE: &'static str = "snapshot";

    fn version(&self) -> u64 {
        self.version
    }

    fn expires(&self) -> UtcTime {
        self.expires
    }

    fn header(&self) -> Option<&Header> {
        Some(&self.x)
    }

    fn check(&self) -> Result<()> {
        check_common("snapshot", &self.type_, &self.spec_version, self.version)?;
        for (file, meta) in &self.meta {
            let role = file.strip_suffix(".json").map(RoleName::parse);
            match role {
                Some(Ok(RoleName::Targets | RoleName::Channel(..) | RoleName::Rollout(..)))
                    if meta.version > 0 => {}
                _ => {
                    return Err(Error::profile(
                        "snapshot",
                        format!("{file:?} does not belong there"),
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Timestamp metadata (TUF specification §4.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timestamp {
    #[serde(rename = "_type")]
    type_: String,
    spec_version: String,
    /// Version, from 1.
    pub version: u64,
    /// When it stops to count.
    pub expires: UtcTime,
    /// `snapshot.json` and its version.
    pub meta: BTreeMap<String, MetaVersion>,
}

impl Timestamp {
    /// A timestamp of a snapshot.
    pub fn new(version: u64, expires: UtcTime, snapshot: u64) -> Self {
        let meta = BTreeMap::from([(
            "snapshot.json".to_owned(),
            MetaVersion { version: snapshot },
        )]);
        Self {
            type_: "timestamp".into(),
            spec_version: SPEC_VERSION.into(),
            version,
            expires,
            meta,
        }
    }

    /// Version of the snapshot.
    pub fn snapshot(&self) -> u64 {
        self.meta.get("snapshot.json").map_or(0, |m| m.version)
    }
}

impl Metadata for Timestamp {
    const TYPE: &'static str = "timestamp";

    fn version(&self) -> u64 {
        self.version
    }

    fn expires(&self) -> UtcTime {
        self.expires
    }

    fn header(&self) -> Option<&Header> {
        None
    }

    fn check(&self) -> Result<()> {
        check_common("timestamp", &self.type_, &self.spec_version, self.version)?;
        if self.meta.len() == 1 && self.snapshot() > 0 {
            Ok(())
        } else {
            Err(Error::profile(
                "timestamp",
                "does not name exactly one snapshot",
            ))
        }
    }
}

fn check_common(what: &str, type_: &str, spec: &str, version: u64) -> Result<()> {
    if type_ != what {
        return Err(Error::profile(what, format!("_type is {type_:?}")));
    }
    if spec != SPEC_VERSION {
        return Err(Error::profile(
            what,
            format!("spec_version is {spec:?}, not {SPEC_VERSION}"),
        ));
    }
    if version == 0 {
        Err(Error::profile(what, "version 0"))
    } else {
        Ok(())
    }
}

fn check_keys(what: &str, keys: &BTreeMap<KeyId, PublicKey>) -> Result<()> {
    for (id, key) in keys {
        if key.id()? != *id {
            return Err(Error::profile(
                what,
                format!("key {id} is not the hash of its key"),
            ));
        }
    }
    Ok(())
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
