//! The newest versions that a reader has seen, so that a restored storage is noticed.

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::{Code, Problem, Result};
use headgate_tuf::metadata::Root;
use headgate_tuf::{KeyId, RoleName, UtcTime, policy};

/// The newest versions that this reader has seen. Kept by the caller, so a restored storage is noticed.
#[derive(Debug, Clone, Default, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub struct HighWater {
    /// Role and version.
    pub versions: BTreeMap<String, u64>,
    /// Freshness keys of the root that these were seen under. Taking one out forgets the snapshot's
    /// and timestamp's marks: the recovery from a version that was pushed far ahead (TUF §5.3.11).
    pub freshness: BTreeSet<KeyId>,
}

/// Freshness keys of a root: those that may sign snapshot or timestamp.
pub(crate) fn freshness_keys(root: &Root) -> BTreeSet<KeyId> {
    ["snapshot", "timestamp"]
        .iter()
        .filter_map(|r| root.roles.get(*r))
        .flat_map(|r| r.keyids.clone())
        .collect()
}

/// A version is neither older than what was seen, nor so high that no other could follow it.
pub(crate) fn in_reach(role: &RoleName, version: u64, floor: u64, now: UtcTime) -> Result<()> {
    if version > policy::highest_version(now) {
        let what = format!("{role} is at version {version}, which nobody could follow.");
        return Err(Problem::new(Code::TrustAhead, what));
    }
    if version >= floor {
        return Ok(());
    }
    let what = format!("{role} is at version {version}, but version {floor} was seen before.");
    Err(Problem::new(Code::TrustRollback, what))
}

/// A role that a snapshot named cannot vanish from a later one (TUF specification §5.5.5).
pub(crate) fn named_before(role: &RoleName, seen: u64) -> Result<()> {
    if seen == 0 {
        return Ok(());
    }
    let what =
        format!("The snapshot does not name {role} any more, of which version {seen} was seen.");
    Err(Problem::new(Code::TrustRollback, what))
}
