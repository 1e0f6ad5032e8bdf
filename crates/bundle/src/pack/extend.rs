//! A bundle with one more file, for clients that want it inside their zip.

use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use flate2::Compression;
use flate2::write::DeflateEncoder;
use headgate_core::{Code, Problem, Result};

use super::entry::{Record, end_record};
use super::output::Output;
use super::{DEFAULT_LEVEL, check_cancel};
use crate::read::{Entry, Method, ZipArchive};
use crate::{Limits, names};

/// Writes a zip to `out` with the files of `bundle` and one more, in the place of one of the same name. What the bundle
/// holds is copied as it is compressed; the same bundle and file give the same bytes. Gives SHA-256 and size.
///
/// # Errors
/// `zip.*` and `build.unreadable` for the bundle, `build.path` for the name, `build.too_large` for more than 4 GiB;
/// `local.disk` for `out`; `job.cancelled`.
pub fn with_file(
    bundle: &Path,
    name: &str,
    bytes: &[u8],
    out: &Path,
    cancel: &AtomicBool,
) -> Result<(String, u64)> {
    let limits = Limits::default();
    names::check(name, limits.path_bytes)?;
    let archive = ZipArchive::open(bundle, &limits)?;
    let mut entries: Vec<&Entry> = archive.entries().iter().collect();
    entries.retain(|e| e.name != name);
    let ours = entries.iter().position(|e| e.name.as_str() > name);
    let ours = ours.unwrap_or(entries.len());
    let mut zip = Growing {
        output: Output::create(out)?,
        directory: Vec::new(),
        entries: 0,
    };
    for (place, entry) in entries.iter().enumerate() {
        check_cancel(cancel)?;
        if place == ours {
            zip.add_small(name, bytes)?;
        }
        zip.start(
            &entry.name,
            entry.method == Method::Deflated,
            entry.crc,
            [entry.compressed, entry.size],
        )?;
        archive.raw(entry, |block| zip.output.write(block))?;
    }
    if ours == entries.len() {
        zip.add_small(name, bytes)?;
    }
    zip.finish(cancel)
}

struct Growing {
    output: Output,
    directory: Vec<u8>,
    entries: usize,
}

impl Growing {
    /// Writes the header of an entry; its data follows.
    fn start(&mut self, name: &str, deflated: bool, crc: u32, sizes: [u64; 2]) -> Result<()> {
        let fits = |n: u64| u32::try_from(n).map_err(|_| too_large());
        let record = Record {
            path: name.to_owned(),
            deflated,
            crc,
            compressed: fits(sizes[0])?,
            size: fits(sizes[1])?,
        };
        self.directory
            .extend(record.central_header(fits(self.output.at())?));
        self.entries += 1;
        self.output.write(&record.local_header())
    }

    /// A file that is small enough to be compressed in memory.
    fn add_small(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let mut packed = DeflateEncoder::new(Vec::new(), Compression::new(DEFAULT_LEVEL));
        let packed = packed
            .write_all(bytes)
            .and_then(|()| packed.finish())
            .map_err(|e| Problem::new(Code::Internal, format!("Compressing failed: {e}.")))?;
        let deflated = packed.len() < bytes.len();
        let data = if deflated { packed.as_slice() } else { bytes };
        let sizes = [data.len() as u64, bytes.len() as u64];
        self.start(name, deflated, crc32fast::hash(bytes), sizes)?;
        self.output.write(data)
    }

    fn finish(mut self, cancel: &AtomicBool) -> Result<(String, u64)> {
        let at = u32::try_from(self.output.at()).map_err(|_| too_large())?;
        let length = u32::try_from(self.directory.len()).map_err(|_| too_large())?;
        // The largest number stands for zip64.
        let entries = u16::try_from(self.entries).ok().filter(|n| *n < u16::MAX);
        let end = end_record(entries.ok_or_else(too_large)?, length, at);
        self.output.write(&self.directory)?;
        self.output.write(&end)?;
        if self.output.at() >= u64::from(u32::MAX) {
            return Err(too_large());
        }
        self.output.finish(|| check_cancel(cancel))
    }
}

fn too_large() -> Problem {
    Problem::new(
        Code::BuildTooLarge,
        "The bundle with its manifest does not fit into a zip that every device reads.",
    )
}
