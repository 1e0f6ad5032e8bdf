//! Downloading, verifying and placing a release.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use headgate_bundle::{Limits, read::ZipArchive, single::unstore};
use headgate_core::files::{self, FilesMap, StoredFile};
use headgate_core::inventory::{Inventory, InventoryFile};
use headgate_core::{Code, Problem, Result};
use headgate_registry::{Store, documents, layout, silent};
use headgate_tuf::sha256_hex;

use crate::{Disk, Placed, Seed, Wanted};

/// Single files that are fetched together.
const FILES_AT_ONCE: usize = 4;

/// Where a bundle lies.
pub(crate) fn folder(manifest: &str) -> String {
    format!("bundles/{manifest}")
}

fn incoming(wanted: &Wanted) -> String {
    format!("incoming/{}", wanted.placed.manifest)
}

fn wrong(path: &str, why: &str) -> Problem {
    Problem::new(Code::TrustHash, format!("{path:?} {why}."))
}

/// Puts every file of a release into the incoming folder: from bundles that the disk holds, from the seed, and the
/// rest from storage, one by one or as the zip, whichever is less.
pub(crate) async fn download(
    disk: &Arc<dyn Disk>,
    store: &dyn Store,
    seed: &dyn Seed,
    wanted: &Wanted,
    held: &[Placed],
) -> Result<()> {
    disk.remove("incoming")?;
    let inventory = documents::inventory(store, &wanted.manifest).await?;
    check_size(&inventory)?;
    let to = incoming(wanted);
    disk.put(
        &format!("{to}/inventory.json"),
        Bytes::from(inventory.to_bytes()?),
    )?;
    let mut missing = Vec::new();
    let sources = sources(disk.as_ref(), held)?;
    for file in &inventory.files {
        match at_hand(disk.as_ref(), seed, &sources, file)? {
            Some(bytes) => disk.put(&format!("{to}/www/{}", file.path), bytes)?,
            None => missing.push(file),
        }
    }
    if missing.is_empty() {
        return Ok(());
    }
    match singles(store, wanted, &inventory, &missing).await? {
        Some(singles) => fetch_singles(disk.as_ref(), store, seed, &to, &singles).await,
        None => fetch_zip(disk, store, seed, wanted, inventory.clone(), &missing).await,
    }
}

/// An inventory may declare more than a device can hold.
fn check_size(inventory: &Inventory) -> Result<()> {
    let limits = Limits::default();
    let fits = |file: &InventoryFile| {
        file.size <= limits.file_bytes && file.path.len() <= limits.path_bytes
    };
    if inventory.files.len() <= limits.files
        && inventory.size() <= limits.total_bytes
        && inventory.files.iter().all(fits)
    {
        return Ok(());
    }
    let what = "The inventory declares more than a web build may have.";
    Err(Problem::new(Code::TrustFormat, what))
}

/// Where the disk has a file, by its hash.
fn sources(disk: &dyn Disk, held: &[Placed]) -> Result<BTreeMap<String, String>> {
    let mut sources = BTreeMap::new();
    for placed in held {
        let at = folder(&placed.manifest);
        // A damaged bundle gives nothing; it is noticed when it is to run.
        let Ok(Some(inventory)) = inventory_of(disk, &at, &placed.inventory) else {
            continue;
        };
        for file in inventory.files {
            sources.insert(file.sha256, format!("{at}/www/{}", file.path));
        }
    }
    Ok(sources)
}

fn inventory_of(disk: &dyn Disk, at: &str, sha256: &str) -> Result<Option<Inventory>> {
    let Some(bytes) = disk.read(&format!("{at}/inventory.json"))? else {
        return Ok(None);
    };
    if sha256_hex(&bytes) != sha256 {
        return Err(wrong(at, "has another inventory than was signed"));
    }
    Inventory::parse(&bytes).map(Some)
}

fn at_hand(
    disk: &dyn Disk,
    seed: &dyn Seed,
    sources: &BTreeMap<String, String>,
    file: &InventoryFile,
) -> Result<Option<Bytes>> {
    let good = |bytes: &Bytes| bytes.len() as u64 == file.size;
    if let Some(bytes) = seed.file(&file.sha256).filter(good) {
        return Ok(Some(bytes));
    }
    let Some(path) = sources.get(&file.sha256) else {
        return Ok(None);
    };
    // A damaged file is fetched again instead.
    if disk.digest(path)? != Some((file.sha256.clone(), file.size)) {
        return Ok(None);
    }
    Ok(disk.read(path)?.filter(good))
}

/// The single files to fetch, unless the zip is there and is less.
async fn singles(
    store: &dyn Store,
    wanted: &Wanted,
    inventory: &Inventory,
    missing: &[&InventoryFile],
) -> Result<Option<Vec<StoredFile>>> {
    let manifest = &wanted.manifest;
    let Some(reference) = &manifest.files else {
        return Ok(None);
    };
    let key = layout::inventory(&reference.sha256);
    let max = reference.size.min(files::MAX_BYTES as u64);
    let bytes = documents::hashed(store, &key, &reference.sha256, max).await?;
    let map = FilesMap::parse(&bytes)?;
    map.check_against(inventory)?;
    let paths: BTreeSet<&str> = missing.iter().map(|f| f.path.as_str()).collect();
    let mut fetched = map.files;
    fetched.retain(|file| paths.contains(file.path.as_str()));
    let size: u64 = files::objects(&fetched).iter().map(|f| f.stored.size).sum();
    let zip = manifest.delivers_zip();
    Ok((!zip || size < manifest.bundle.size).then_some(fetched))
}

async fn fetch_singles(
    disk: &dyn Disk,
    store: &dyn Store,
    seed: &dyn Seed,
    to: &str,
    singles: &[StoredFile],
) -> Result<()> {
    let fetches = files::objects(singles).into_iter().map(|file| async move {
        let stored = &file.stored;
        let key = layout::single(&stored.sha256);
        let bytes = documents::hashed(store, &key, &stored.sha256, stored.size).await?;
        let bytes = Bytes::from(unstore(&bytes, stored.encoding, file.size)?);
        if bytes.len() as u64 != file.size || sha256_hex(&bytes) != file.sha256 {
            return Err(wrong(&file.path, "has other bytes than were signed"));
        }
        seed.downloaded(&file.sha256, &bytes);
        // The same content may lie at several paths.
        for same in singles.iter().filter(|s| s.sha256 == file.sha256) {
            disk.put(&format!("{to}/www/{}", same.path), bytes.clone())?;
        }
        Ok(())
    });
    let fetches: Vec<_> = fetches.collect();
    stream::iter(fetches)
        .buffer_unordered(FILES_AT_ONCE)
        .try_collect()
        .await
}

async fn fetch_zip(
    disk: &Arc<dyn Disk>,
    store: &dyn Store,
    seed: &dyn Seed,
    wanted: &Wanted,
    inventory: Inventory,
    missing: &[&InventoryFile],
) -> Result<()> {
    let path = disk.scratch()?;
    documents::bundle(store, &wanted.manifest.bundle, Some(&path), silent()).await?;
    let (task_disk, to) = (Arc::clone(disk), incoming(wanted));
    let paths: BTreeSet<String> = missing.iter().map(|f| f.path.clone()).collect();
    let unpack = move || -> Result<Vec<Bytes>> {
        let zip = ZipArchive::open(&path, &Limits::default())?;
        zip.check_against(&inventory)?;
        let mut unpacked = Vec::new();
        for (n, entry) in zip.entries().iter().enumerate() {
            if !paths.contains(&entry.name) {
                continue;
            }
            let size = usize::try_from(entry.size)
                .map_err(|e| Problem::new(Code::TrustFormat, e.to_string()))?;
            let mut bytes = vec![0; size];
            zip.stream(n)?.fill(&mut bytes)?;
            let bytes = Bytes::from(bytes);
            task_disk.put(&format!("{to}/www/{}", entry.name), bytes.clone())?;
            unpacked.push(bytes);
        }
        let _ = std::fs::remove_file(&path);
        Ok(unpacked)
    };
    let unpacked = tokio::task::spawn_blocking(unpack).await;
    let unpacked = unpacked
        .map_err(|e| Problem::new(Code::Internal, format!("Unpacking stopped: {e}.")))??;
    for bytes in unpacked {
        seed.downloaded(&sha256_hex(&bytes), &bytes);
    }
    Ok(())
}

/// Compares every byte of a folder with a signed inventory: none more, none less, none other.
fn check(disk: &dyn Disk, at: &str, sha256: &str) -> Result<()> {
    let inventory = inventory_of(disk, at, sha256)?;
    let inventory = inventory.ok_or_else(|| wrong(at, "has no inventory"))?;
    let www = format!("{at}/www");
    let found = disk.files(&www)?;
    let signed = inventory.files.iter().map(|f| &f.path);
    if let Some(extra) = found.iter().find(|f| signed.clone().all(|s| s != *f)) {
        return Err(wrong(extra, "is not in the signed inventory"));
    }
    for file in &inventory.files {
        let digest = disk.digest(&format!("{www}/{}", file.path))?;
        if digest != Some((file.sha256.clone(), file.size)) {
            return Err(wrong(&file.path, "is not as it was signed"));
        }
    }
    Ok(())
}

/// Compares a download with the signed inventory.
pub(crate) fn verify(disk: &dyn Disk, wanted: &Wanted) -> Result<()> {
    check(disk, &incoming(wanted), &wanted.placed.inventory)
}

/// Compares a bundle on the disk with the inventory that was signed for it.
pub(crate) fn examine(disk: &dyn Disk, placed: &Placed) -> bool {
    check(disk, &folder(&placed.manifest), &placed.inventory).is_ok()
}

/// Moves a verified download to its place, atomically.
pub(crate) fn stage(disk: &dyn Disk, wanted: &Wanted) -> Result<()> {
    let to = folder(&wanted.placed.manifest);
    // Nothing names it: it was left by a device that was killed before it could remember it.
    disk.remove(&to)?;
    disk.place(&incoming(wanted), &to)
}

/// Removes what nothing names. What cannot be removed is removed another time.
pub(crate) fn sweep(disk: &dyn Disk, keep: &BTreeSet<String>) {
    let _ = disk.remove("incoming");
    for name in disk.names("bundles").unwrap_or_default() {
        if !keep.contains(&name) {
            let _ = disk.remove(&format!("bundles/{name}"));
        }
    }
}
