//! The chain of snapshots: from the newest back, each by the hash that the one after it names.

use bytes::Bytes;
use headgate_core::Result;
use headgate_registry::{Loaded, layout};
use headgate_tuf::{RoleName, metadata::Snapshot, sha256_hex};

use super::Fault;
use super::source::Source;

/// Snapshots that are fetched together.
const CHUNK: usize = 64;

/// A committed snapshot.
pub(super) struct Link {
    pub(super) snapshot: Loaded<Snapshot>,
    /// Hash by hash up to the newest one.
    pub(super) linked: bool,
    /// The one before it in this list is not the one that it names: that one is not there.
    pub(super) gap: bool,
}

/// The chain, oldest first, and the entries that are not as they should be.
#[derive(Default)]
pub(super) struct Walked {
    pub(super) links: Vec<Link>,
    pub(super) faults: Vec<(u64, Fault)>,
}

/// Reads the snapshots from this one back. Behind a break it goes on with the next older snapshot that can be read, so
/// that what is there is shown; nothing links it to the newest one.
///
/// # Errors
/// `storage.*`.
pub(super) async fn walk(source: &mut Source<'_>, head: u64) -> Result<Walked> {
    let mut walked = Walked::default();
    let all = source.versions(&RoleName::Snapshot, head);
    if all.last() != Some(&head) {
        walked.fault(
            head,
            "storage does not have it, although timestamp.json names it",
        );
    }
    let mut linked = walked.faults.is_empty();
    // Only older ones come into question from here on.
    let mut below = head.saturating_add(1);
    let mut want: Option<(String, u64)> = None;
    loop {
        let found = match want.take() {
            Some((hash, newer)) => {
                let found = named(source, &all, newer, &hash).await?;
                if found.is_none() {
                    below = walked.missing(&all, newer, &hash);
                    linked = false;
                }
                found
            }
            None => {
                let Some(version) = all.iter().rev().copied().find(|v| *v < below) else {
                    break;
                };
                below = version;
                let found = readable(source, &all, version, &mut walked).await?;
                linked = linked && found.is_some();
                found
            }
        };
        let Some(snapshot) = found else {
            continue;
        };
        below = snapshot.meta.version;
        let prev = snapshot.meta.x.prev.clone();
        walked.links.push(Link {
            snapshot,
            linked,
            gap: false,
        });
        match prev {
            Some(prev) => want = Some((prev, below)),
            None => break,
        }
    }
    walked.links.reverse();
    Ok(walked)
}

/// The older snapshot with this hash. Files that are not it may never have been committed: they are stepped over.
async fn named(
    source: &mut Source<'_>,
    all: &[u64],
    newer: u64,
    hash: &str,
) -> Result<Option<Loaded<Snapshot>>> {
    for version in all.iter().rev().copied().filter(|v| *v < newer) {
        let Some(file) = file(source, all, version).await? else {
            continue;
        };
        if sha256_hex(&file) != hash {
            continue;
        }
        let key = layout::metadata(&RoleName::Snapshot, version);
        let loaded: Result<Loaded<Snapshot>> = Loaded::parse(&key, file);
        return Ok(loaded.ok().filter(|l| l.meta.version == version));
    }
    Ok(None)
}

/// The snapshot of this version, if it can be read as one.
async fn readable(
    source: &mut Source<'_>,
    all: &[u64],
    version: u64,
    walked: &mut Walked,
) -> Result<Option<Loaded<Snapshot>>> {
    let key = layout::metadata(&RoleName::Snapshot, version);
    let why = match file(source, all, version).await? {
        None => "storage does not have it".to_owned(),
        Some(file) => match Loaded::<Snapshot>::parse(&key, file) {
            Ok(loaded) if loaded.meta.version == version => return Ok(Some(loaded)),
            Ok(other) => format!("its file holds entry {}", other.meta.version),
            Err(problem) => problem.message,
        },
    };
    walked.fault(version, &why);
    Ok(None)
}

async fn file(source: &mut Source<'_>, all: &[u64], version: u64) -> Result<Option<Bytes>> {
    let key = layout::metadata(&RoleName::Snapshot, version);
    if !source.has(&key) {
        let older = all.iter().rev().copied().filter(|v| *v <= version);
        let ahead = older
            .take(CHUNK)
            .map(|v| layout::metadata(&RoleName::Snapshot, v));
        source.fetch(ahead.collect()).await?;
    }
    source.get(&key).await
}

impl Walked {
    fn fault(&mut self, entry: u64, why: &str) {
        self.faults
            .push((entry, Fault::new(&RoleName::Snapshot, entry, why)));
    }

    /// The entry before `newer` is not there, or not as it was. Gives the number below which to go on.
    fn missing(&mut self, all: &[u64], newer: u64, hash: &str) -> u64 {
        if let Some(link) = self.links.last_mut() {
            link.gap = true;
        }
        let digits = hash.get(..8).unwrap_or(hash);
        if all.contains(&(newer - 1)) {
            let why = format!("its file is not the one that entry {newer} names ({digits}…)");
            self.fault(newer - 1, &why);
            return newer - 1;
        }
        // Numbers may have gaps: the first that can be meant is the one after the next older that is there.
        let older = all.iter().rev().copied().find(|v| *v < newer);
        let first = older.map_or(1, |older| older + 1);
        let why = format!(
            "entry {newer} names an entry before it ({digits}…) that storage does not have"
        );
        self.fault(first.min(newer.saturating_sub(1)).max(1), &why);
        newer
    }
}
