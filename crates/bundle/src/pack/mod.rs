//! Packing: a web build becomes a zip that depends on nothing but its content.

mod compress;
mod entry;
mod extend;
mod output;
mod window;

use std::path::Path;
use std::sync::atomic::AtomicBool;

use headgate_core::inventory::{Inventory, InventoryFile};
use headgate_core::{Code, Problem, Result};
use sha2::{Digest, Sha256};

use crate::{SourceFile, SourceKind, WebBuild};
use compress::{Data, Part, SMALL, Worker};
pub(crate) use compress::{check_cancel, is_incompressible};
use entry::Record;
pub use extend::with_file;
use output::Output;
use window::Window;

/// Deflate level of every bundle.
pub const DEFAULT_LEVEL: u32 = 3;

/// Raised whenever the same content would get other bytes; a test on a fixed hash notices.
pub const PACKING_VERSION: &str = "1";

/// Bytes of both headers of an entry without its names, and a little for the end record.
const ENTRY_OVERHEAD: u64 = 30 + 46 + 22;

/// How to pack.
#[derive(Debug, Clone)]
pub struct PackOptions {
    /// Leaves out files that end in `.map`.
    pub exclude_source_maps: bool,
    /// Deflate level, 1–9. The same content has the same bytes only at the same level.
    pub level: u32,
    /// Worker threads; 0 for one per core. Has no influence on the bytes.
    pub threads: usize,
}

impl Default for PackOptions {
    fn default() -> Self {
        Self {
            exclude_source_maps: false,
            level: DEFAULT_LEVEL,
            threads: 0,
        }
    }
}

/// What made the bundle's bytes; recorded in the release manifest.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Packer {
    /// `headgate`, or [`crate::EXTERNAL`] for a zip that was taken over as it is.
    pub name: String,
    /// Version of the packing, raised when the same content would get other bytes.
    pub version: String,
    /// Deflate level; 0 for a zip that was taken over.
    pub level: u32,
}

/// A packed bundle.
#[derive(Debug, Clone)]
pub struct Packed {
    /// SHA-256 of the zip, lower-case hex.
    pub sha256: String,
    /// Bytes of the zip.
    pub size: u64,
    /// Path, size and hash of every file in it.
    pub inventory: Inventory,
    /// Canonical bytes of the inventory.
    pub inventory_bytes: Vec<u8>,
    /// SHA-256 of `inventory_bytes`, lower-case hex.
    pub inventory_sha256: String,
    /// Files that were left out by request (source maps).
    pub excluded: Vec<SourceFile>,
    /// What made it.
    pub packer: Packer,
}

/// Packs a web build into a zip at `out`.
///
/// `progress` gets uncompressed bytes (done, total), at most 200 times and at the end. The zip is
/// written beside `out` under another name, synced, and renamed; nothing is left behind on failure.
///
/// # Errors
/// `build.changed`, `build.unreadable`, `zip.*` for the source; `local.disk` for `out`;
/// `job.cancelled` when `cancel` becomes true.
pub fn pack(
    build: &WebBuild,
    out: &Path,
    options: &PackOptions,
    progress: &(dyn Fn(u64, u64) + Sync),
    cancel: &AtomicBool,
) -> Result<Packed> {
    check_request(build, out, options)?;
    let maps = |f: &&SourceFile| options.exclude_source_maps && is_source_map(&f.path);
    let (excluded, files): (Vec<&SourceFile>, Vec<&SourceFile>) =
        build.files().iter().partition(maps);
    let names: u64 = files.iter().map(|f| f.path.len() as u64).sum();
    let size: u64 = files.iter().map(|f| f.size).sum();
    let most = size + 2 * names + ENTRY_OVERHEAD * files.len() as u64;
    if files.len() >= usize::from(u16::MAX) || most >= u64::from(u32::MAX) {
        return Err(Problem::new(
            Code::BuildTooLarge,
            format!(
                "{} files with {size} bytes do not fit into a zip that every device reads.",
                files.len()
            ),
        ));
    }

    let folder = output::folder_of(out);
    let mut writer = Writer {
        output: Output::create(out)?,
        directory: Vec::new(),
        entries: 0,
        inventory: Vec::with_capacity(files.len()),
    };
    let mut meter = Meter::new(size, progress);
    let threads = match options.threads {
        0 => std::thread::available_parallelism().map_or(2, std::num::NonZero::get),
        n => n,
    };
    let window = Window::new(files.iter().map(|f| cost(f.size)).collect(), threads);
    std::thread::scope(|scope| {
        for _ in 0..threads {
            scope.spawn(|| {
                let _guard = window.worker();
                let mut worker = Worker::new(build, &folder, cancel, options.level);
                while let Some(place) = window.next() {
                    let result = worker.run(files[place]);
                    window.put(place, result);
                }
            });
        }
        let written: Result<()> = files.iter().enumerate().try_for_each(|(place, file)| {
            check_cancel(cancel)?;
            writer.add(file, window.take()?)?;
            window.free(place);
            meter.add(file.size);
            Ok(())
        });
        window.stop();
        written
    })?;

    let inventory = Inventory {
        files: std::mem::take(&mut writer.inventory),
    };
    let inventory_bytes = inventory.to_bytes()?;
    let (sha256, size) = writer.finish(|| {
        check_cancel(cancel)?;
        build.check_unchanged()
    })?;
    Ok(Packed {
        sha256,
        size,
        inventory_sha256: hex::encode(Sha256::digest(&inventory_bytes)),
        inventory,
        inventory_bytes,
        excluded: excluded.into_iter().cloned().collect(),
        packer: Packer {
            name: "headgate".into(),
            version: PACKING_VERSION.into(),
            level: options.level,
        },
    })
}

/// What a file costs of the window's budget: its bytes in memory, and what surrounds them.
fn cost(size: u64) -> u64 {
    size.min(SMALL) + 1024
}

/// Whether a file is a source map, which devices never need.
pub(crate) fn is_source_map(path: &str) -> bool {
    path.ends_with(".map")
}

fn check_request(build: &WebBuild, out: &Path, options: &PackOptions) -> Result<()> {
    if !(1..=9).contains(&options.level) {
        return Err(Problem::new(
            Code::UsageArgument,
            format!("The deflate level is 1 to 9, not {}.", options.level),
        ));
    }
    let folder = output::folder_of(out);
    let folder = folder.canonicalize().map_err(|e| output::disk(out, &e))?;
    let target = out.file_name().map(|name| folder.join(name));
    let inside = build.kind() == SourceKind::Folder && folder.starts_with(build.path());
    if inside || target.is_some_and(|t| t == build.path()) {
        return Err(Problem::new(
            Code::UsageArgument,
            "The bundle cannot be written into the web build itself.",
        ));
    }
    Ok(())
}

/// The zip while it grows.
struct Writer {
    output: Output,
    directory: Vec<u8>,
    entries: u16,
    inventory: Vec<InventoryFile>,
}

impl Writer {
    /// Writes one entry.
    fn add(&mut self, file: &SourceFile, part: Part) -> Result<()> {
        let too_large = |_| Problem::new(Code::BuildTooLarge, "The bundle reaches 4 GiB.");
        let record = Record {
            path: file.path.clone(),
            deflated: part.deflated,
            crc: part.crc,
            compressed: part.compressed.try_into().map_err(too_large)?,
            size: file.size.try_into().map_err(too_large)?,
        };
        let at = self.output.at().try_into().map_err(too_large)?;
        self.entries += 1;
        self.directory.extend(record.central_header(at));
        self.output.write(&record.local_header())?;
        self.inventory.push(InventoryFile {
            path: record.path,
            size: file.size,
            sha256: hex::encode(part.sha256),
        });
        match part.data {
            Data::Memory(bytes) => self.output.write(&bytes),
            Data::Spilled(mut spill) => self.output.write_file(&mut spill),
        }
    }

    fn finish(mut self, before_rename: impl FnOnce() -> Result<()>) -> Result<(String, u64)> {
        // `pack` checked the counts; the central directory has one header a file.
        let at = self.output.at() as u32;
        self.output.write(&self.directory)?;
        let end = entry::end_record(self.entries, self.directory.len() as u32, at);
        self.output.write(&end)?;
        self.output.finish(before_rename)
    }
}

/// Reports progress at most [`Meter::STEPS`] times.
pub(crate) struct Meter<'a> {
    total: u64,
    done: u64,
    reported: u64,
    progress: &'a (dyn Fn(u64, u64) + Sync),
}

impl<'a> Meter<'a> {
    const STEPS: u64 = 200;

    pub(crate) fn new(total: u64, progress: &'a (dyn Fn(u64, u64) + Sync)) -> Self {
        Self {
            total,
            done: 0,
            reported: 0,
            progress,
        }
    }

    pub(crate) fn add(&mut self, bytes: u64) {
        self.done += bytes;
        let step = (self.total / Self::STEPS).max(1);
        if self.done - self.reported >= step || self.done == self.total && bytes > 0 {
            self.reported = self.done;
            (self.progress)(self.done, self.total);
        }
    }
}
