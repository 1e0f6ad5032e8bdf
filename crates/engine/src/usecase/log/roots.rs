//! The chain of roots, each signed by the owners that the one before it names and by its own.

use std::collections::BTreeMap;

use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use headgate_registry::{Loaded, layout};
use headgate_tuf::{
    Envelope, KeyId, RoleName,
    metadata::{Header, Root},
};

use super::source::Source;

/// Roots, oldest first, and those that are not as they should be, by version.
pub(super) struct Roots {
    pub(super) list: Vec<Loaded<Root>>,
    pub(super) faults: Vec<(u64, String)>,
}

/// Reads the roots before and after the pinned one.
///
/// # Errors
/// `storage.*`; `trust.*` when the pinned root cannot be read.
pub(super) async fn roots(source: &mut Source<'_>, pinned: &[u8]) -> Result<Roots> {
    let pinned: Loaded<Root> = Loaded::parse("pinned root", Bytes::copy_from_slice(pinned))?;
    let mut faults = Vec::new();
    let first = pinned.meta.version;
    let stored = source.get(&key(first)).await?;
    match stored {
        Some(file) if file == pinned.file => source.good(&key(first)),
        Some(_) => faults.push((
            first,
            "storage holds another one than is pinned here".into(),
        )),
        None => faults.push((first, "storage does not have it".into())),
    }
    let mut list = vec![pinned];
    older(source, &mut list, &mut faults).await?;
    newer(source, &mut list, &mut faults).await?;
    Ok(Roots { list, faults })
}

/// From the pinned root back by hash: it names the one before it.
async fn older(
    source: &mut Source<'_>,
    list: &mut Vec<Loaded<Root>>,
    faults: &mut Vec<(u64, String)>,
) -> Result<()> {
    while let Some((prev, version)) = list.first().and_then(|root| {
        let prev = root.meta.x.header.prev.clone()?;
        Some((prev, root.meta.version.checked_sub(1)?))
    }) {
        let why = match source.get(&key(version)).await? {
            Some(file) => match Loaded::<Root>::parse(&key(version), file) {
                Ok(root) if root.sha256 == prev => {
                    source.good(&key(version));
                    list.insert(0, root);
                    continue;
                }
                _ => "its file is not the one that the next root names",
            },
            None => "storage does not have it",
        };
        faults.push((version, why.into()));
        break;
    }
    Ok(())
}

/// From the pinned root on, as clients do it.
async fn newer(
    source: &mut Source<'_>,
    list: &mut Vec<Loaded<Root>>,
    faults: &mut Vec<(u64, String)>,
) -> Result<()> {
    while let Some(last) = list.last() {
        let version = last.meta.version + 1;
        let Some(file) = source.get(&key(version)).await? else {
            break;
        };
        match follows(last, &key(version), file) {
            Ok(root) => {
                if root.meta.x.header.prev.as_deref() != Some(last.sha256.as_str()) {
                    let why = format!("its file is not the one that root {version} names");
                    faults.push((last.meta.version, why));
                }
                source.good(&key(version));
                list.push(root);
            }
            Err(problem) => {
                faults.push((version, problem.message));
                break;
            }
        }
    }
    Ok(())
}

fn follows(last: &Loaded<Root>, name: &str, file: Bytes) -> Result<Loaded<Root>> {
    let root: Loaded<Root> = Loaded::parse(name, file)?;
    let bad = |why: &str| Problem::new(Code::TrustSignature, why.to_owned());
    if root.meta.version != last.meta.version + 1 {
        return Err(bad("its file holds another version"));
    }
    if root.meta.x.header.workspace != last.meta.x.header.workspace {
        return Err(bad("it belongs to another workspace"));
    }
    let envelope = Envelope::parse(&root.file)?;
    for owners in [&last.meta, &root.meta] {
        envelope.verify("root", owners.role(&RoleName::Root)?, &owners.keys)?;
    }
    Ok(root)
}

pub(super) fn key(version: u64) -> String {
    layout::metadata(&RoleName::Root, version)
}

/// With which entry each root came: the snapshot of the same act says the same about itself. By entry, indices into
/// the list of roots.
pub(super) fn by_entry(
    roots: &[Loaded<Root>],
    entries: &[(u64, Header)],
) -> BTreeMap<u64, Vec<usize>> {
    let mut found: BTreeMap<u64, Vec<usize>> = BTreeMap::new();
    let mut rest = entries;
    for (index, root) in roots.iter().enumerate() {
        let own = &root.meta.x.header;
        let same = rest
            .iter()
            .find(|(_, h)| (&h.action, h.at, &h.by) == (&own.action, own.at, &own.by));
        let after = || rest.iter().find(|(_, h)| h.at >= own.at);
        if let Some((number, _)) = same.or_else(after).or(entries.last()) {
            found.entry(*number).or_default().push(index);
            // A later root came with a later entry, also where two acts look the same.
            let later = entries.iter().position(|(n, _)| n > number);
            rest = later.map_or(&[], |at| &entries[at..]);
        }
    }
    found
}

/// Name of a key in the newest root that names it, else the first digits of its id.
pub(super) fn name(roots: &[Loaded<Root>], id: &KeyId) -> String {
    let known = roots.iter().rev().find_map(|r| r.meta.x.keys.get(id));
    known.map_or_else(|| id.as_str()[..8].to_owned(), |k| k.name.clone())
}
