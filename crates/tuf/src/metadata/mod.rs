//! Metadata of the roles, as the profile narrows it.

mod freshness;
mod root;
mod targets;

use std::collections::{BTreeMap, BTreeSet};

use serde::{Deserialize, Serialize, de::DeserializeOwned};

use crate::{Error, KeyId, PublicKey, Result, UtcTime};

pub use freshness::{MetaVersion, Snapshot, Timestamp};
pub use root::{KeyName, Root, RootHeader};
pub use targets::{Delegation, Delegations, HasHeader, Hashes, TargetFile, Targets};

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
