//! The files of a release on this computer: in its bundle, or as the single files that storage has.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use headgate_bundle::single::{BundleFiles, unstore_to};
use headgate_core::files::{Encoding, FilesMap, StoredBytes, StoredFile};
use headgate_core::manifest::ReleaseManifest;
use headgate_core::{Code, Problem, Result};
use headgate_registry::{Store, documents, layout, silent};

use crate::upload::hash_file;

/// Where the files of a release are read.
pub(super) enum Content {
    /// In its bundle.
    Zip(PathBuf, Box<BundleFiles>),
    /// As they are stored singly, each under its hash in this folder.
    Files(PathBuf, HashMap<String, StoredFile>),
}

impl Content {
    /// A bundle, proven to be the one that is signed for.
    pub(super) fn zip(path: &Path, sha256: &str) -> Result<Self> {
        let found = hash_file(path).map_err(|e| {
            let what = format!("{} cannot be read: {e}.", path.display());
            Problem::new(Code::LocalDisk, what).remedy("Ship the web build again.")
        })?;
        if found != sha256 {
            let what = format!("{} is not the bundle of this release.", path.display());
            return Err(Problem::new(Code::BuildChanged, what));
        }
        Ok(Self::Zip(
            path.to_owned(),
            Box::new(BundleFiles::open(path)?),
        ))
    }

    /// Gets what devices get, from storage or the bundle's own address, into a folder.
    pub(super) async fn fetch(
        store: &dyn Store,
        manifest: &ReleaseManifest,
        map: Option<&FilesMap>,
        folder: &Path,
    ) -> Result<Self> {
        if manifest.zip_in_storage() || manifest.bundle.url.is_some() {
            let path = folder.join("bundle.zip");
            documents::bundle(store, &manifest.bundle, Some(&path), silent()).await?;
            return Self::zip(&path, &manifest.bundle.sha256);
        }
        let Some(map) = map else {
            let what = "The release has neither a bundle nor single files in storage.";
            return Err(Problem::new(Code::TrustHash, what));
        };
        for file in headgate_core::files::objects(&map.files) {
            let stored = &file.stored;
            let (key, to) = (layout::single(&stored.sha256), folder.join(&stored.sha256));
            let read = store.download(&key, &to, stored.size, silent()).await?;
            if read.as_ref().map(|(sha256, _)| sha256) != Some(&stored.sha256) {
                let what = format!("{key} is not in storage as it was signed.");
                return Err(Problem::new(Code::TrustHash, what).detail(&file.path));
            }
        }
        let files = map.files.iter().map(|f| (f.path.clone(), f.clone()));
        Ok(Self::Files(folder.to_owned(), files.collect()))
    }

    /// The bundle itself.
    pub(super) fn bundle(&self) -> Option<&Path> {
        match self {
            Self::Zip(path, _) => Some(path),
            Self::Files(..) => None,
        }
    }

    /// Writes one file as it is. Memory does not grow with it.
    pub(super) fn plain(&self, path: &str, out: &mut dyn Write, cancel: &AtomicBool) -> Result<()> {
        match self {
            Self::Zip(_, files) => files.write_plain(path, out, cancel),
            Self::Files(folder, files) => {
                let file = files.get(path).ok_or_else(|| absent(path))?;
                let stored = BufReader::new(open(&folder.join(&file.stored.sha256))?);
                unstore_to(stored, file.stored.encoding, file.size, out)
            }
        }
    }

    /// Writes the stored bytes of one file.
    pub(super) fn stored(
        &self,
        path: &str,
        stored: &StoredBytes,
        out: &mut dyn Write,
        cancel: &AtomicBool,
    ) -> Result<()> {
        match self {
            Self::Zip(_, files) => files.write_stored(path, stored, out, cancel),
            Self::Files(folder, _) => copy(&folder.join(&stored.sha256), out),
        }
    }

    /// Writes one file as a Brotli stream, also where that is not smaller.
    pub(super) fn brotli(
        &self,
        path: &str,
        out: &mut dyn Write,
        cancel: &AtomicBool,
    ) -> Result<()> {
        match self {
            Self::Zip(_, files) => files
                .write_as(path, Encoding::Brotli, out, cancel)
                .map(drop),
            Self::Files(..) => {
                let mut plain = Vec::new();
                self.plain(path, &mut plain, cancel)?;
                headgate_bundle::single::brotli_to(&plain, out)
            }
        }
    }
}

fn absent(path: &str) -> Problem {
    Problem::new(Code::TrustHash, "A file of the inventory is not there.").detail(path)
}

pub(super) fn open(path: &Path) -> Result<File> {
    File::open(path).map_err(|e| disk(path, &e))
}

pub(super) fn disk(path: &Path, error: &std::io::Error) -> Problem {
    let what = format!("{} cannot be read or written: {error}.", path.display());
    Problem::new(Code::LocalDisk, what)
}

fn copy(path: &Path, out: &mut dyn Write) -> Result<()> {
    std::io::copy(&mut open(path)?, out)
        .map(drop)
        .map_err(|e| disk(path, &e))
}
