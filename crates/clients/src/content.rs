//! The files of a release on this computer: in its bundle, or as the single files that storage has.

use std::collections::HashMap;
use std::fs::File;
use std::io::{BufReader, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use headgate_bundle::single::{BundleFiles, unstore_to};
use headgate_core::files::{Encoding, FilesMap, StoredBytes, StoredFile};
use headgate_core::{Code, Problem, Result};
use headgate_signer::Hashed;

/// Where the files of a release are read.
pub enum Content {
    /// In its bundle.
    Zip(PathBuf, Box<BundleFiles>),
    /// As they are stored singly, each under its hash in this folder.
    Files(PathBuf, HashMap<String, StoredFile>),
}

impl Content {
    /// A bundle, proven to be the one that is signed for.
    ///
    /// # Errors
    /// `local.disk`; `build.changed` when it is another one.
    pub fn zip(path: &Path, sha256: &str) -> Result<Self> {
        let mut hashed = Hashed::new();
        let read = open(path)
            .and_then(|mut file| std::io::copy(&mut file, &mut hashed).map_err(|e| disk(path, &e)));
        read.map_err(|p| p.remedy("Ship the web build again."))?;
        if hashed.finish().sha256() != sha256 {
            let what = format!("{} is not the bundle of this release.", path.display());
            return Err(Problem::new(Code::BuildChanged, what));
        }
        Ok(Self::Zip(
            path.to_owned(),
            Box::new(BundleFiles::open(path)?),
        ))
    }

    /// Files as they are stored singly, each under its hash in `folder`. They are hashed when they are read.
    pub fn files(folder: &Path, map: &FilesMap) -> Self {
        let files = map.files.iter().map(|f| (f.path.clone(), f.clone()));
        Self::Files(folder.to_owned(), files.collect())
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
