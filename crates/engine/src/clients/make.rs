//! Making the artifacts in a job: what they are made of is fetched, the work runs beside the async threads.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use headgate_clients::{Content, Order};
use headgate_core::clients::Wanted;
use headgate_core::files::{self, FilesMap};
use headgate_core::inventory::Inventory;
use headgate_core::manifest::ReleaseManifest;
use headgate_core::signing::ClientsMade;
use headgate_core::{Code, Problem, Result};
use headgate_registry::{Store, documents, layout, silent};
use headgate_signer::{KeyVault, RsaSigner};
use headgate_tuf::sha256_hex;

use super::{Made, not_here};
use crate::keys;

/// What the artifacts are made of.
pub(crate) struct Making<'a> {
    /// The registry.
    pub(crate) store: &'a dyn Store,
    /// The release.
    pub(crate) manifest: ReleaseManifest,
    /// Its bundle on this computer, with the map of its single files, when it is shipped from here.
    pub(crate) local: Option<(PathBuf, Option<PathBuf>, PathBuf)>,
    /// The channel's name, for people.
    pub(crate) channel: String,
    /// Where to write. It must not exist.
    pub(crate) folder: PathBuf,
}

/// Whose signatures they get.
#[derive(Clone)]
pub(crate) enum Hand {
    /// The channel's key, where there is one. The vault is opened only then.
    Vault(Arc<dyn KeyVault>),
    /// What the key's holder signed elsewhere: with it everything else is made again.
    Elsewhere(Arc<ClientsMade>),
}

/// Makes what a channel's plugins need. Nothing is signed when the key is not there.
///
/// # Errors
/// `key.not_here`; `trust.hash` when storage holds other bytes, `build.changed` when the local bundle does;
/// `trust.signature` when what was signed elsewhere is of another key; `local.disk`; `job.cancelled` after `cancel`
/// became true.
pub(crate) async fn make(
    making: Making<'_>,
    wanted: &Wanted,
    hand: Hand,
    cancel: Arc<AtomicBool>,
    progress: impl Fn(u64, u64) + Send + Sync + 'static,
) -> Result<Made> {
    let signer = signer(&making, wanted, hand).await?;
    let (content, inventory, map) = gather(&making).await?;
    let (wanted, folder) = (wanted.clone(), making.folder.clone());
    let manifest = making.manifest;
    let work = move || {
        let order = Order {
            manifest: &manifest,
            inventory: &inventory,
            map: map.as_ref(),
            content,
            signer: signer.as_ref(),
            folder: &folder,
        };
        headgate_clients::make(order, &wanted, &cancel, &progress)
    };
    let made = tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Problem::new(Code::Internal, format!("Making ended badly: {e}.")))??;
    // What was fetched is in the artifacts now. What cannot be removed is swept later.
    let _ = std::fs::remove_dir_all(making.folder.join("fetched"));
    Ok(made)
}

/// The files of the release, on this computer or fetched below the folder.
async fn gather(making: &Making<'_>) -> Result<(Content, Inventory, Option<FilesMap>)> {
    let manifest = &making.manifest;
    folder(&making.folder)?;
    if let Some((bundle, map, inventory)) = &making.local {
        let inventory = Inventory::parse(&named(inventory, &manifest.inventory.sha256)?)?;
        let map = match (map, &manifest.files) {
            (Some(path), Some(files)) => Some(FilesMap::parse(&named(path, &files.sha256)?)?),
            _ => None,
        };
        let content = Content::zip(bundle, &manifest.bundle.sha256)?;
        return Ok((content, inventory, map));
    }
    let inventory = documents::inventory(making.store, manifest).await?;
    let map = match &manifest.files {
        Some(files) => Some(documents::files_map(making.store, manifest, files).await?),
        None => None,
    };
    let fetched = making.folder.join("fetched");
    folder(&fetched)?;
    let content = fetch(making.store, manifest, map.as_ref(), &fetched).await?;
    Ok((content, inventory, map))
}

/// Gets what devices get, from storage or the bundle's own address, into a folder.
async fn fetch(
    store: &dyn Store,
    manifest: &ReleaseManifest,
    map: Option<&FilesMap>,
    folder: &Path,
) -> Result<Content> {
    if manifest.delivers_zip() {
        let path = folder.join("bundle.zip");
        documents::bundle(store, &manifest.bundle, Some(&path), silent()).await?;
        return Content::zip(&path, &manifest.bundle.sha256);
    }
    let Some(map) = map else {
        let what = "The release has neither a bundle nor single files in storage.";
        return Err(Problem::new(Code::TrustHash, what));
    };
    for file in files::objects(&map.files) {
        let stored = &file.stored;
        let (key, to) = (layout::single(&stored.sha256), folder.join(&stored.sha256));
        let read = store.download(&key, &to, stored.size, silent()).await?;
        if read.as_ref().map(|(sha256, _)| sha256) != Some(&stored.sha256) {
            let what = format!("{key} is not in storage as it was signed.");
            return Err(Problem::new(Code::TrustHash, what).detail(&file.path));
        }
    }
    Ok(Content::files(folder, map))
}

async fn signer(making: &Making<'_>, wanted: &Wanted, hand: Hand) -> Result<Option<RsaSigner>> {
    let (Some(rsa), Some(public)) = (&wanted.rsa, wanted.public()?) else {
        return Ok(None);
    };
    let vault = match hand {
        Hand::Vault(vault) => vault,
        Hand::Elsewhere(made) => {
            let (files, ionic) = (made.files()?, made.ionic.as_deref().map(str::as_bytes));
            let document = made.document()?;
            return RsaSigner::recorded(&public, &document, files.as_ref(), ionic).map(Some);
        }
    };
    match keys::call(&vault, move |v| v.open_rsa(&public)).await {
        Ok(signer) => Ok(Some(signer)),
        Err(problem) if problem.code == Code::KeyMissing => Err(not_here(&making.channel, rsa)),
        Err(problem) => Err(problem),
    }
}

/// A file on this computer that must still have this hash.
fn named(path: &Path, sha256: &str) -> Result<Vec<u8>> {
    let bytes = std::fs::read(path).map_err(|e| disk(path, &e))?;
    if sha256_hex(&bytes) == sha256 {
        return Ok(bytes);
    }
    let what = format!("{} was changed.", path.display());
    Err(Problem::new(Code::BuildChanged, what).remedy("Ship the web build again."))
}

fn folder(path: &Path) -> Result<()> {
    std::fs::create_dir_all(path).map_err(|e| disk(path, &e))
}

fn disk(path: &Path, error: &std::io::Error) -> Problem {
    let what = format!("{} cannot be read or written: {error}.", path.display());
    Problem::new(Code::LocalDisk, what)
}
