//! Documents that roles list: release manifests, rollout documents, inventories.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures::{StreamExt as _, TryStreamExt as _, stream};
use headgate_core::{
    ClientsDocument, Code, Problem, Result,
    clients::{CapgoFiles, MAX_CLIENT_FILES},
    files::{self, FilesMap},
    inventory::Inventory,
    manifest::{BundleRef, FilesRef, ReleaseManifest},
    rollout::RolloutDocument,
};
use headgate_tuf::{Name, RoleName, sha256_hex};

use crate::{Artifacts, Progress, Store, Stored, View, layout, view::ChannelTargets};

/// An approved release of a channel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Approved {
    /// SHA-256 of the manifest's bytes.
    pub sha256: String,
    /// What it says.
    pub manifest: ReleaseManifest,
}

/// What a channel approves and serves, verified.
#[derive(Debug, Clone, Default)]
pub struct ChannelDocuments {
    /// Approved releases by build number.
    pub approved: BTreeMap<u32, Approved>,
    /// What plugins need of them, by build number, where something was made.
    pub clients: BTreeMap<u32, ClientsDocument>,
    /// The rollout document; nothing before the first release.
    pub rollout: Option<RolloutDocument>,
    /// Its SHA-256.
    pub rollout_sha256: Option<String>,
}

/// Reads a document that a role lists, and checks length and hash.
///
/// # Errors
/// `trust.hash` when storage holds other bytes or none.
pub async fn listed(
    store: &dyn Store,
    role: &ChannelTargets,
    target: &str,
) -> Result<Option<(Bytes, String)>> {
    let Some(file) = role.targets.get(target) else {
        return Ok(None);
    };
    if file.length > layout::MAX_DOCUMENT {
        return Err(Problem::new(
            Code::TrustFormat,
            format!("{target} claims {} bytes.", file.length),
        ));
    }
    let bytes = hashed(
        store,
        &layout::target(&file.hashes.sha256, target),
        &file.hashes.sha256,
        file.length,
    )
    .await?;
    Ok(Some((bytes, file.hashes.sha256.clone())))
}

/// Reads an object that is named by its hash.
///
/// # Errors
/// `trust.hash` when storage holds other bytes or none.
pub async fn hashed(store: &dyn Store, key: &str, sha256: &str, max: u64) -> Result<Bytes> {
    let longer = |problem: Problem| match problem.code {
        Code::TrustFormat => Problem::new(
            Code::TrustHash,
            format!("{key} holds more bytes than were signed."),
        ),
        _ => problem,
    };
    let object = store.get(key, max).await.map_err(longer)?;
    let missing = || {
        Problem::new(
            Code::TrustHash,
            format!("{key} is signed for, but storage does not have it."),
        )
    };
    let bytes = object.ok_or_else(missing)?.bytes;
    if sha256_hex(&bytes) != sha256 {
        return Err(Problem::new(
            Code::TrustHash,
            format!("{key} holds other bytes than were signed."),
        ));
    }
    Ok(bytes)
}

/// Reads all that a channel approves and serves.
///
/// # Errors
/// `trust.*` when a document is not what its role signed.
pub async fn channel(
    store: &dyn Store,
    view: &View,
    unit: &Name,
    channel: &Name,
) -> Result<ChannelDocuments> {
    let mut documents = ChannelDocuments::default();
    if let Some(role) = view
        .channels
        .get(&RoleName::Channel(unit.clone(), channel.clone()))
    {
        let prefix = format!("{unit}.{channel}.release-");
        for target in role.meta.targets.keys().filter(|t| t.starts_with(&prefix)) {
            let Some((bytes, sha256)) = listed(store, &role.meta, target).await? else {
                continue;
            };
            let manifest = ReleaseManifest::parse(&bytes)?;
            if layout::release_target(unit.as_str(), channel.as_str(), manifest.build) != *target
                || manifest.unit != *unit
            {
                let what = format!(
                    "{target} holds the manifest of {} build {}.",
                    manifest.unit, manifest.build
                );
                return Err(Problem::new(Code::TrustHash, what));
            }
            documents
                .approved
                .insert(manifest.build, Approved { sha256, manifest });
        }
        documents.clients = clients(store, &role.meta, unit, channel, &documents.approved).await?;
    }
    if let Some(role) = view
        .channels
        .get(&RoleName::Rollout(unit.clone(), channel.clone()))
    {
        let target = layout::rollout_target(unit.as_str(), channel.as_str());
        if let Some((bytes, sha256)) = listed(store, &role.meta, &target).await? {
            let document = RolloutDocument::parse(&bytes)?;
            if document.unit != *unit || document.channel != *channel {
                let of = format!("{}.{}", document.unit, document.channel);
                let what = format!("{target} says that it is for {of}.");
                return Err(Problem::new(Code::TrustHash, what));
            }
            documents.rollout = Some(document);
            documents.rollout_sha256 = Some(sha256);
        }
    }
    Ok(documents)
}

/// Reads the clients documents of approved releases.
async fn clients(
    store: &dyn Store,
    role: &ChannelTargets,
    unit: &Name,
    channel: &Name,
    approved: &BTreeMap<u32, Approved>,
) -> Result<BTreeMap<u32, ClientsDocument>> {
    let mut documents = BTreeMap::new();
    for (build, release) in approved {
        let target = layout::clients_target(unit.as_str(), channel.as_str(), *build);
        let Some((bytes, _)) = listed(store, role, &target).await? else {
            continue;
        };
        let document = ClientsDocument::parse(&bytes)?;
        let of = (&document.unit, &document.channel, document.build);
        if of != (unit, channel, *build) || document.manifest != release.sha256 {
            let what = format!("{target} belongs to another release.");
            return Err(Problem::new(Code::TrustHash, what));
        }
        documents.insert(*build, document);
    }
    Ok(documents)
}

/// Reads the list of signed files that a clients document names; nothing when it names none.
///
/// # Errors
/// `trust.hash` or `trust.format`.
pub async fn capgo_files(
    store: &dyn Store,
    document: &ClientsDocument,
) -> Result<Option<CapgoFiles>> {
    let Some(object) = document.capgo.as_ref().and_then(|c| c.files.as_ref()) else {
        return Ok(None);
    };
    let key = layout::variant(&object.sha256);
    let max = object.size.min(MAX_CLIENT_FILES as u64);
    let bytes = hashed(store, &key, &object.sha256, max).await?;
    CapgoFiles::parse(&bytes).map(Some)
}

/// Proves that storage has what a clients document names, the signed files left out.
///
/// # Errors
/// `trust.hash` when it holds other bytes or none.
pub async fn variants(store: &dyn Store, document: &ClientsDocument) -> Result<()> {
    for object in document.objects() {
        let key = layout::variant(&object.sha256);
        let what = match store.compare(&key, &object.sha256, object.size).await? {
            Stored::Same => continue,
            Stored::Missing => format!("{key} is signed for, but it is not there."),
            Stored::Different => format!("{key} holds other bytes than were signed."),
        };
        return Err(Problem::new(Code::TrustHash, what));
    }
    Ok(())
}

/// Reads the inventory of a release.
///
/// # Errors
/// `trust.hash` or `trust.format`.
pub async fn inventory(store: &dyn Store, manifest: &ReleaseManifest) -> Result<Inventory> {
    let reference = &manifest.inventory;
    let max = reference.size.min(layout::MAX_DOCUMENT);
    let bytes = hashed(
        store,
        &layout::inventory(&reference.sha256),
        &reference.sha256,
        max,
    )
    .await?;
    Inventory::parse(&bytes)
}

/// Reads a release's bundle where devices get it, in the registry or at its own address, into a new file if one is
/// given. Gives the SHA-256 of what was read; a file with other bytes is removed.
///
/// # Errors
/// `trust.hash` when storage holds other bytes or none; `artifact.*` for an address; `storage.*`, `local.disk`.
pub async fn bundle(
    store: &dyn Store,
    bundle: &BundleRef,
    to: Option<&Path>,
    progress: Progress<'_>,
) -> Result<String> {
    if let Some(address) = &bundle.url {
        let artifacts = Artifacts::default();
        return artifacts.check(address, bundle, to, progress).await;
    }
    let key = layout::bundle(&bundle.sha256);
    let read = match to {
        Some(to) => store.download(&key, to, bundle.size, progress).await?,
        None => store.hash(&key, progress).await?,
    };
    let (sha256, size) = read.ok_or_else(|| {
        Problem::new(
            Code::TrustHash,
            format!("{key} is signed for, but it is not there."),
        )
    })?;
    if sha256 != bundle.sha256 || size != bundle.size {
        if let Some(to) = to {
            let _ = std::fs::remove_file(to);
        }
        return Err(Problem::new(
            Code::TrustHash,
            format!("{key} holds other bytes than were signed."),
        ));
    }
    Ok(sha256)
}

/// Reads the map of a release's single files, and checks that it has the files of the inventory.
///
/// # Errors
/// `trust.hash` or `trust.format`.
pub async fn files_map(
    store: &dyn Store,
    manifest: &ReleaseManifest,
    reference: &FilesRef,
) -> Result<FilesMap> {
    let key = layout::inventory(&reference.sha256);
    let max = reference.size.min(files::MAX_BYTES as u64);
    let map = FilesMap::parse(&hashed(store, &key, &reference.sha256, max).await?)?;
    map.check_against(&inventory(store, manifest).await?)?;
    Ok(map)
}

/// Proves that what devices download of a release is what was signed: its bundle, or where its files lie alone, every
/// one of them, or those whose keys are in `only`. Gives the SHA-256 that was computed, of the bundle or of the map
/// of the files. `to` is for a bundle.
///
/// # Errors
/// As [`bundle`] and [`files_map`]; `usage.argument` when single files are to be saved as a bundle.
pub async fn content(
    store: &dyn Store,
    manifest: &ReleaseManifest,
    only: Option<&HashSet<String>>,
    to: Option<&Path>,
    progress: Progress<'_>,
) -> Result<String> {
    let reference = match &manifest.files {
        Some(reference) if !reference.zip && manifest.bundle.url.is_none() => reference,
        _ => return bundle(store, &manifest.bundle, to, progress).await,
    };
    if to.is_some() {
        let what = "This release lies in storage as single files, so there is no bundle to save.";
        return Err(Problem::new(Code::UsageArgument, what).field("download"));
    }
    let map = files_map(store, manifest, reference).await?;
    let done = AtomicU64::new(0);
    let looks: Vec<_> = files::objects(&map.files)
        .into_iter()
        .filter(|file| only.is_none_or(|only| only.contains(&layout::single(&file.stored.sha256))))
        .map(|file| {
            let done = &done;
            async move {
                let stored = &file.stored;
                let key = layout::single(&stored.sha256);
                let what = match store.compare(&key, &stored.sha256, stored.size).await? {
                    Stored::Same => {
                        progress(done.fetch_add(stored.size, Ordering::Relaxed) + stored.size);
                        return Ok(());
                    }
                    Stored::Missing => format!("{key} is signed for, but it is not there."),
                    Stored::Different => format!("{key} holds other bytes than were signed."),
                };
                Err(Problem::new(Code::TrustHash, what).detail(&file.path))
            }
        })
        .collect();
    stream::iter(looks)
        .buffer_unordered(FILES_AT_ONCE)
        .try_collect::<()>()
        .await?;
    Ok(reference.sha256.clone())
}

/// Single files that are looked at together.
const FILES_AT_ONCE: usize = 16;
