//! Build numbers: unique in their unit, never reused for other bytes.

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::{ReleaseManifest, Result};
use headgate_registry::{Store, View, layout};
use headgate_tuf::Name;

/// Build numbers of a unit that were ever written, with the manifests' objects.
pub(crate) async fn taken_builds(
    store: &dyn Store,
    unit: &Name,
) -> Result<BTreeMap<u32, Vec<String>>> {
    let mut taken: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for name in store.list("targets").await? {
        let mut parts = name.splitn(4, '.');
        let (Some(_), Some(of), Some(_), Some(rest)) =
            (parts.next(), parts.next(), parts.next(), parts.next())
        else {
            continue;
        };
        let build = rest
            .strip_prefix("release-")
            .and_then(|r| r.strip_suffix(".json"))
            .and_then(|b| b.parse().ok());
        if let Some(build) = build.filter(|_| of == unit.as_str()) {
            taken.entry(build).or_default().push(name);
        }
    }
    Ok(taken)
}

/// Build numbers above the highest signed one that are believed to be taken by their names alone.
/// Names are not signed: without a limit, one object named after the last number would end the numbering.
const BELIEVED: u32 = 10_000;

/// Highest build number that the channels of a unit list, signed.
pub(super) fn signed_build(view: &View, unit: &Name) -> u32 {
    let prefix = format!("{unit}.");
    let names = view.channels.values().flat_map(|c| c.meta.targets.keys());
    let builds = names.filter(|n| n.starts_with(&prefix)).filter_map(|name| {
        let (_, rest) = name.split_once(".release-")?;
        rest.strip_suffix(".json")?.parse().ok()
    });
    builds.max().unwrap_or(0)
}

/// The next free build number above the highest signed one.
pub(crate) fn next_free(taken: &BTreeMap<u32, Vec<String>>, signed: u32) -> u32 {
    let believed = ..=signed.saturating_add(BELIEVED);
    let highest = taken
        .range(believed)
        .next_back()
        .map_or(0, |(build, _)| *build);
    highest.max(signed).saturating_add(1)
}

/// What else has this build number, in words.
pub(super) async fn build_taken(
    store: &dyn Store,
    view: &View,
    taken: &BTreeMap<u32, Vec<String>>,
    ours: &ReleaseManifest,
) -> Result<Option<String>> {
    let own = ours.sha256()?;
    let unit = &ours.unit;
    let listed: BTreeSet<&str> = view
        .channels
        .values()
        .flat_map(|c| c.meta.targets.values())
        .map(|t| t.hashes.sha256.as_str())
        .collect();
    for name in taken.get(&ours.build).into_iter().flatten() {
        if name.starts_with(&own) {
            continue;
        }
        let key = format!("targets/{name}");
        let Some(object) = store.get(&key, layout::MAX_DOCUMENT).await? else {
            continue;
        };
        let Ok(theirs) = ReleaseManifest::parse(&object.bytes) else {
            continue;
        };
        // A publish that never committed leaves its manifest behind; the same bytes may take its number again.
        let committed = name
            .split('.')
            .next()
            .is_some_and(|sha| listed.contains(sha));
        if !committed && theirs.bundle.sha256 == ours.bundle.sha256 {
            continue;
        }
        return Ok(Some(format!(
            "it is {} of {unit}, made {}",
            theirs.version, theirs.created
        )));
    }
    Ok(None)
}
