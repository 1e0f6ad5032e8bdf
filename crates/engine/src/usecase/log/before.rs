//! One step back in the chain of snapshots.

use headgate_core::{Code, Problem, Result};
use headgate_registry::{Loaded, Store, layout};
use headgate_tuf::{MAX_METADATA, RoleName, metadata::Snapshot, sha256_hex};

/// The committed snapshot before this one: the file whose hash `prev` names.
pub(in crate::usecase) async fn before(
    store: &dyn Store,
    at: &Loaded<Snapshot>,
) -> Result<Option<Loaded<Snapshot>>> {
    let Some(prev) = &at.meta.x.prev else {
        return Ok(None);
    };
    for version in (1..at.meta.version).rev() {
        let Some(object) = store
            .get(
                &layout::metadata(&RoleName::Snapshot, version),
                MAX_METADATA as u64,
            )
            .await?
        else {
            continue;
        };
        if sha256_hex(&object.bytes) == *prev {
            return Loaded::parse("snapshot", object.bytes).map(Some);
        }
    }
    let what = format!(
        "Entry {} names an entry before it ({}…) that storage does not have.",
        at.meta.version,
        prev.get(..8).unwrap_or(prev)
    );
    Err(Problem::new(Code::TrustLog, what))
}
