//! Single files of a bundle, for clients that fetch only what changed.
//!
//! Each file lies in storage under the SHA-256 of its *stored* bytes: Brotli where that is clearly
//! smaller, else the file as it is. The stored bytes depend on nothing but the file, its extension and
//! [`ENCODER`], so the same file is uploaded once ever, and they are made again on demand from the
//! bundle instead of being kept. They are files of their own and carry no `Content-Encoding`: another
//! file may be made of exactly the same bytes.

mod brotli;
mod kind;

use std::collections::{HashMap, HashSet};
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Mutex, PoisonError};

use headgate_core::files::{Encoding, StoredBytes, StoredFile};
use headgate_core::inventory::{Inventory, InventoryFile};
use headgate_core::{Code, Problem, Result};
use rayon::prelude::*;
use sha2::{Digest, Sha256};

use crate::folder::changed;
use crate::pack::{Meter, check_cancel};
use crate::read::{Entry, ZipArchive};
use crate::{Limits, names};
use brotli::{Encoder, Sink};
pub use brotli::{brotli_to, unstore, unstore_to};

/// Encoder, its major version, quality and window: what a cache of stored bytes is keyed by. Raised
/// whenever the same file would get other stored bytes; a test on fixed hashes notices.
pub const ENCODER: &str = "brotli-8/q5/w22";

const BLOCK: usize = 64 * 1024;

/// A bundle whose files can be had by their path.
#[derive(Debug)]
pub struct BundleFiles {
    archive: ZipArchive,
    places: HashMap<String, usize>,
}

impl BundleFiles {
    /// Opens a bundle and checks its structure; its directory is read once.
    ///
    /// # Errors
    /// As [`ZipArchive::open`].
    pub fn open(bundle: &Path) -> Result<Self> {
        let archive = ZipArchive::open(bundle, &Limits::default())?;
        let entries = archive.entries().iter().enumerate();
        let places = entries.map(|(place, e)| (e.name.clone(), place)).collect();
        Ok(Self { archive, places })
    }

    fn entry(&self, path: &str) -> Result<(usize, &Entry)> {
        let place = self.places.get(path).copied();
        let entry = place.and_then(|place| Some((place, self.archive.entries().get(place)?)));
        entry.ok_or_else(|| changed(path, "is not in the bundle"))
    }

    /// Feeds one file to `take` in blocks.
    fn read(
        &self,
        place: usize,
        buf: &mut [u8],
        cancel: &AtomicBool,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut stream = self.archive.stream(place)?;
        loop {
            check_cancel(cancel)?;
            let got = stream.fill(buf)?;
            take(&buf[..got])?;
            if got < buf.len() {
                return Ok(());
            }
        }
    }

    /// Writes one file to `out` as it is. Memory does not grow with the file.
    ///
    /// # Errors
    /// `build.changed` when the bundle has no such file; `zip.*`, `build.unreadable` for the bundle, `local.disk` when
    /// `out` fails, `job.cancelled`.
    pub fn write_plain(&self, path: &str, out: &mut dyn Write, cancel: &AtomicBool) -> Result<()> {
        self.write_as(path, Encoding::Plain, out, cancel).map(drop)
    }

    /// Writes one file to `out` in this encoding, whether or not that is smaller. Gives what was written.
    ///
    /// # Errors
    /// As [`Self::write_plain`].
    pub fn write_as(
        &self,
        path: &str,
        encoding: Encoding,
        out: &mut dyn Write,
        cancel: &AtomicBool,
    ) -> Result<StoredBytes> {
        let (place, entry) = self.entry(path)?;
        let mut buf = vec![0; BLOCK];
        let mut sink = Sink::new(Some(out));
        let mut encoder = None;
        if encoding == Encoding::Brotli {
            encoder = Some(Encoder::new(entry.size, std::mem::take(&mut sink)));
        }
        self.read(place, &mut buf, cancel, |block| match &mut encoder {
            Some(encoder) => encoder.write(block),
            None => sink.put(block),
        })?;
        let (sha256, size) = match encoder {
            Some(encoder) => encoder.finish()?,
            None => sink.finish()?,
        };
        Ok(StoredBytes {
            sha256,
            size,
            encoding,
        })
    }

    /// Writes the stored bytes of one file to `out`, made again from the bundle. Memory does not grow
    /// with the file.
    ///
    /// # Errors
    /// `build.changed` when they are not the expected ones: then what `out` got is to be thrown away.
    /// `zip.*`, `build.unreadable` for the bundle, `local.disk` when `out` fails, `job.cancelled`.
    pub fn write_stored(
        &self,
        path: &str,
        expected: &StoredBytes,
        out: &mut dyn Write,
        cancel: &AtomicBool,
    ) -> Result<()> {
        if self.write_as(path, expected.encoding, out, cancel)? != *expected {
            return Err(changed(path, "gives other stored bytes than were recorded"));
        }
        Ok(())
    }

    /// The stored bytes of one file, made again from the bundle.
    ///
    /// # Errors
    /// As [`Self::write_stored`].
    pub fn stored_bytes(&self, path: &str, expected: &StoredBytes) -> Result<Vec<u8>> {
        let mut bytes = Vec::new();
        self.write_stored(path, expected, &mut bytes, &AtomicBool::new(false))?;
        Ok(bytes)
    }

    /// How each file of the bundle is stored: one result a path of the inventory, in its order.
    ///
    /// Every file is read and its hash compared with the inventory. A content is compressed once, and
    /// not at all when `known` has its stored bytes by its SHA-256 (a cache keyed by [`ENCODER`]).
    /// The work is spread over all cores; each thread holds a block and an encoder, never a file.
    /// `progress` gets uncompressed bytes (done, total), at most 200 times and at the end.
    ///
    /// # Errors
    /// `build.changed` when the bundle does not hold exactly the files of the inventory; `zip.*` and
    /// `build.unreadable` when it cannot be read; `job.cancelled`.
    pub fn store(
        &self,
        inventory: &Inventory,
        known: &(dyn Fn(&str) -> Option<StoredBytes> + Sync),
        cancel: &AtomicBool,
        progress: &(dyn Fn(u64, u64) + Sync),
    ) -> Result<Vec<StoredFile>> {
        self.check_names(inventory)?;
        let files = &inventory.files;
        let mut seen = HashSet::new();
        let mut jobs: Vec<(&InventoryFile, bool)> = files
            .iter()
            .map(|file| (file, seen.insert(file.sha256.as_str())))
            .collect();
        // The largest first, so that no thread is left alone with it at the end.
        jobs.sort_by_key(|(file, _)| std::cmp::Reverse(file.size));
        let meter = Mutex::new(Meter::new(inventory.size(), progress));
        let stop = AtomicBool::new(false);
        let found: Vec<Option<(&str, StoredBytes)>> = jobs
            .par_iter()
            .with_max_len(1)
            .map_init(
                || vec![0; BLOCK],
                |buf, (file, first)| {
                    if stop.load(Ordering::Relaxed) {
                        return Ok(None);
                    }
                    let stored = self.store_one(file, *first, known, buf, cancel);
                    match &stored {
                        // A panic elsewhere cannot have left the counters half changed.
                        Ok(_) => meter
                            .lock()
                            .unwrap_or_else(PoisonError::into_inner)
                            .add(file.size),
                        Err(_) => stop.store(true, Ordering::Relaxed),
                    }
                    stored.map(|s| s.map(|s| (file.sha256.as_str(), s)))
                },
            )
            .collect::<Result<_>>()?;
        let found: HashMap<&str, StoredBytes> = found.into_iter().flatten().collect();
        let stored = files.iter().map(|file| {
            let stored = found.get(file.sha256.as_str()).cloned();
            let stored = stored.ok_or_else(|| changed(&file.path, "was not read"))?;
            Ok(StoredFile {
                path: file.path.clone(),
                sha256: file.sha256.clone(),
                size: file.size,
                stored,
            })
        });
        stored.collect()
    }

    fn check_names(&self, inventory: &Inventory) -> Result<()> {
        for file in &inventory.files {
            let (_, entry) = self.entry(&file.path)?;
            if entry.size != file.size {
                return Err(differs(&file.path));
            }
        }
        if self.places.len() == inventory.files.len() {
            return Ok(());
        }
        let named: HashSet<&str> = inventory.files.iter().map(|f| f.path.as_str()).collect();
        let more = self.places.keys().find(|p| !named.contains(p.as_str()));
        Err(Problem::new(
            Code::BuildChanged,
            format!(
                "The bundle holds {}, which its inventory does not name.",
                names::show(more.map_or("a file twice", String::as_str))
            ),
        ))
    }

    /// Checks one file, and finds its stored bytes when it is the first of its content.
    fn store_one(
        &self,
        file: &InventoryFile,
        first: bool,
        known: &(dyn Fn(&str) -> Option<StoredBytes> + Sync),
        buf: &mut [u8],
        cancel: &AtomicBool,
    ) -> Result<Option<StoredBytes>> {
        let (place, _) = self.entry(&file.path)?;
        let plain = StoredBytes::plain(file.sha256.as_str(), file.size);
        let known = first
            .then(|| known(&file.sha256))
            .flatten()
            .filter(|stored| stored.fits(&file.sha256, file.size));
        let mut compress = first && known.is_none() && !kind::by_name(&file.path) && file.size > 0;
        let mut encoder = None;
        let mut hash = Sha256::new();
        self.read(place, buf, cancel, |block| {
            hash.update(block);
            if compress && encoder.is_none() {
                // The first block: its start tells what the file is.
                compress = !kind::by_content(block);
                encoder = compress.then(|| Encoder::new(file.size, Sink::default()));
            }
            encoder.as_mut().map_or(Ok(()), |e| e.write(block))
        })?;
        if hex::encode(hash.finalize()) != file.sha256 {
            return Err(differs(&file.path));
        }
        if !first {
            return Ok(None);
        }
        let Some(encoder) = encoder else {
            return Ok(Some(known.unwrap_or(plain)));
        };
        let (sha256, size) = encoder.finish()?;
        let encoded = StoredBytes {
            sha256,
            size,
            encoding: Encoding::Brotli,
        };
        let stored = if worth_it(file.size, size) {
            encoded
        } else {
            plain
        };
        Ok(Some(stored))
    }
}

/// Brotli must save a sixteenth: a client pays for decoding.
fn worth_it(plain: u64, encoded: u64) -> bool {
    encoded <= plain - plain.div_ceil(16)
}

fn differs(path: &str) -> Problem {
    changed(path, "has other bytes in the bundle than in its inventory")
}

/// [`BundleFiles::store`] for a bundle that is read once.
///
/// # Errors
/// As [`BundleFiles::open`] and [`BundleFiles::store`].
pub fn store_files(
    bundle: &Path,
    inventory: &Inventory,
    known: &(dyn Fn(&str) -> Option<StoredBytes> + Sync),
    cancel: &AtomicBool,
    progress: &(dyn Fn(u64, u64) + Sync),
) -> Result<Vec<StoredFile>> {
    BundleFiles::open(bundle)?.store(inventory, known, cancel, progress)
}
