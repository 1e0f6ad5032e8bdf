//! The newest versions that a reader has seen, so that a restored storage is noticed.

use std::collections::{BTreeMap, BTreeSet};

use headgate_tuf::KeyId;
use headgate_tuf::metadata::Root;

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
