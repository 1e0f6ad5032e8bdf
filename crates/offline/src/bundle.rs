//! A bundle that travels beside a request: hashed here, and its files listed here.

use std::io::{Read, Write};
use std::path::Path;
use std::sync::atomic::AtomicBool;

use headgate_bundle::{Limits, WebBuild, take_over};
use headgate_core::inventory::Inventory;
use headgate_core::{Problem, ReleaseManifest, Result};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

use crate::disk;
use crate::workstation::Workstation;

/// What a bundle beside the request turned out to be.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum BundleVerdict {
    /// No bundle travels along. Its hash is signed all the same.
    Absent,
    /// It is the one that is signed, file by file.
    Matches {
        /// Files in it.
        files: usize,
        /// Bytes of the zip.
        size: u64,
    },
    /// It is another one, or no safe zip.
    Differs {
        /// Why.
        why: String,
    },
}

/// A bundle beside the request, as far as it can be believed.
pub(crate) enum Travelled {
    /// None lies there.
    Absent,
    /// It is another one, or no safe zip, and why.
    Differs(String),
    /// A copy of the signed one, and its files.
    Matches(NamedTempFile, Inventory),
}

impl Workstation {
    /// What a bundle beside the request is, and its files when it is the signed one.
    ///
    /// # Errors
    /// `local.disk` for the copy alone.
    pub(crate) fn bundle(
        &self,
        folder: &Path,
        manifest: &ReleaseManifest,
    ) -> Result<(BundleVerdict, Option<Inventory>)> {
        Ok(match self.travelled(folder, manifest)? {
            Travelled::Absent => (BundleVerdict::Absent, None),
            Travelled::Differs(why) => (BundleVerdict::Differs { why }, None),
            Travelled::Matches(_, inventory) => {
                let verdict = BundleVerdict::Matches {
                    files: inventory.files.len(),
                    size: manifest.bundle.size,
                };
                (verdict, Some(inventory))
            }
        })
    }

    /// Looks for `<sha256>.zip` of a release beside the request, copies it while hashing, and lists its files.
    ///
    /// The copy is what is looked at: a drive may answer the second reading with other bytes than the first.
    ///
    /// # Errors
    /// `local.disk` for the copy alone.
    pub(crate) fn travelled(&self, folder: &Path, manifest: &ReleaseManifest) -> Result<Travelled> {
        let path = folder.join(format!("{}.zip", manifest.bundle.sha256));
        if std::fs::symlink_metadata(&path).is_err() {
            return Ok(Travelled::Absent);
        }
        let differs = |why: String| Ok(Travelled::Differs(headgate_core::signing::plain(&why)));
        let mut source = match disk::open(&path) {
            Ok(file) => file,
            Err(problem) => return differs(problem.message),
        };
        let expected = manifest.bundle.size;
        let there = source.metadata().map_or(0, |m| m.len());
        if there != expected || expected > Limits::default().total_bytes {
            return differs(format!("it has {there} bytes, and {expected} are signed"));
        }
        let failed = |e: std::io::Error| disk::failed(self.path(), "written", &e);
        let mut copy = tempfile::Builder::new()
            .suffix(".zip")
            .tempfile_in(self.path())
            .map_err(failed)?;
        let mut hash = Sha256::new();
        let mut block = vec![0; 256 * 1024];
        loop {
            let got = match source.read(&mut block) {
                Ok(0) => break,
                Ok(got) => block.get(..got).unwrap_or_default(),
                Err(e) => return differs(format!("it cannot be read: {e}")),
            };
            hash.update(got);
            copy.write_all(got).map_err(failed)?;
        }
        copy.flush().map_err(failed)?;
        let sha256 = hex::encode(hash.finalize());
        if sha256 != manifest.bundle.sha256 {
            return differs("it has another hash than is signed".into());
        }
        match list(copy.path(), &sha256, expected) {
            Ok(packed) if packed.inventory_sha256 == manifest.inventory.sha256 => {
                Ok(Travelled::Matches(copy, packed.inventory))
            }
            Ok(_) => differs("its files are not those of the signed inventory".into()),
            Err(problem) => differs(problem.message),
        }
    }
}

fn list(path: &Path, sha256: &str, size: u64) -> Result<headgate_bundle::Packed, Problem> {
    let build = WebBuild::open_artifact(path, "the bundle", &Limits::default())?;
    take_over(&build, sha256, size, &|_, _| {}, &AtomicBool::new(false))
}
