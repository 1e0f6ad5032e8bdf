//! Reading zip files that nobody vouches for.
//!
//! The structure is parsed here, strictly: every byte of the file belongs to exactly one entry, the
//! central directory or the one end record, and both headers of an entry say the same. What a lenient
//! reader could understand in another way is refused. Entries are decompressed in blocks, never beyond
//! the size that they declare, and nothing is ever extracted. Nested archives are plain bytes.
//! (PKWARE APPNOTE 6.3.10 names the fields.)

mod central;
mod data;
mod end;
mod extra;
mod local;

use std::collections::HashSet;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::{Path, PathBuf};

use headgate_core::inventory::Inventory;
use headgate_core::{Code, Problem, Result};
use sha2::{Digest, Sha256};

use crate::{Limits, folder, names};
use central::Central;
pub use data::EntryStream;

/// Most entries (files and folders) of a zip without zip64.
const MAX_ENTRIES: usize = 65_534;
/// Deflate cannot shrink better than this (RFC 1951: 258 bytes for two bits).
const MAX_DEFLATE_RATIO: u64 = 1_032;
/// From this size on a file must look like a file rather than like a bomb.
const BOMB_FILE_BYTES: u64 = 16 << 20;
const BOMB_FILE_RATIO: u64 = 250;
/// The same for all files together.
const BOMB_TOTAL_BYTES: u64 = 128 << 20;
const BOMB_TOTAL_RATIO: u64 = 100;

/// How an entry is compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Method {
    /// As it is.
    Stored,
    /// Raw deflate, RFC 1951.
    Deflated,
}

/// One file of a zip.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// Name with `/`, relative, without `.` and `..` parts; spelled as in the zip.
    pub name: String,
    /// Bytes, uncompressed, as declared.
    pub size: u64,
    /// Bytes in the zip.
    pub compressed: u64,
    /// How it is compressed.
    pub method: Method,
    pub(crate) crc: u32,
    /// Where its data begins.
    data: u64,
}

/// A zip whose structure was checked.
#[derive(Debug)]
pub struct ZipArchive {
    path: PathBuf,
    entries: Vec<Entry>,
}

/// `zip.malformed`.
fn malformed(why: impl std::fmt::Display) -> Problem {
    Problem::new(Code::ZipMalformed, format!("The zip is damaged: {why}."))
}

/// `zip.unsafe`.
fn hostile(why: impl std::fmt::Display) -> Problem {
    Problem::new(
        Code::ZipUnsafe,
        format!("The zip is not safe to read: {why}."),
    )
}

/// `zip.bomb`.
fn bomb(why: impl std::fmt::Display) -> Problem {
    Problem::new(
        Code::ZipBomb,
        format!("The zip is made to fill a disk: {why}."),
    )
}

/// `build.unreadable` for the zip itself.
fn unreadable(error: &std::io::Error) -> Problem {
    if error.kind() == std::io::ErrorKind::UnexpectedEof {
        return malformed("it ends too early");
    }
    Problem::new(
        Code::BuildUnreadable,
        format!("The zip cannot be read: {error}."),
    )
}

fn u16_at(bytes: &[u8], at: usize) -> u16 {
    let mut value = [0; 2];
    value.copy_from_slice(&bytes[at..at + 2]);
    u16::from_le_bytes(value)
}

fn u32_at(bytes: &[u8], at: usize) -> u32 {
    let mut value = [0; 4];
    value.copy_from_slice(&bytes[at..at + 4]);
    u32::from_le_bytes(value)
}

fn u64_at(bytes: &[u8], at: usize) -> u64 {
    let mut value = [0; 8];
    value.copy_from_slice(&bytes[at..at + 8]);
    u64::from_le_bytes(value)
}

/// Reads exactly `len` bytes from `at`.
fn read_at(file: &mut File, at: u64, len: usize) -> Result<Vec<u8>> {
    let mut bytes = vec![0; len];
    file.seek(SeekFrom::Start(at))
        .and_then(|_| file.read_exact(&mut bytes))
        .map_err(|e| unreadable(&e))?;
    Ok(bytes)
}

impl ZipArchive {
    /// Opens a zip and checks its structure and names. No data is decompressed.
    ///
    /// # Errors
    /// `zip.malformed`, `zip.unsafe`, `zip.bomb`, `zip.encrypted`; `build.path`, `build.too_large`
    /// for its names and sizes; `build.unreadable`.
    pub fn open(path: &Path, limits: &Limits) -> Result<Self> {
        let mut file = File::open(path).map_err(|e| unreadable(&e))?;
        let len = file.metadata().map_err(|e| unreadable(&e))?.len();
        let end = end::find(&mut file, len)?;
        if end.entries > MAX_ENTRIES {
            return Err(folder::too_many(limits, "files and folders"));
        }
        let directory = central::read(&mut file, &end, limits)?;
        check_names(&directory, limits)?;
        check_bombs(&directory)?;
        let entries = local::check_layout(&mut file, directory, end.directory)?;
        Ok(Self {
            path: path.to_owned(),
            entries,
        })
    }

    /// Its files, in the order of the central directory. Folders are not listed.
    pub fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// Opens an entry for reading.
    ///
    /// # Errors
    /// `build.unreadable`, or `usage.unknown` when there is no such entry.
    pub fn stream(&self, index: usize) -> Result<EntryStream<'_>> {
        let entry = self.entries.get(index).ok_or_else(|| {
            Problem::new(Code::UsageUnknown, format!("The zip has no entry {index}."))
        })?;
        EntryStream::open(&self.path, entry)
    }

    /// Gives the data of an entry as it lies in the zip, in blocks.
    pub(crate) fn raw(
        &self,
        entry: &Entry,
        mut take: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<()> {
        let mut file = File::open(&self.path).map_err(|e| unreadable(&e))?;
        file.seek(SeekFrom::Start(entry.data))
            .map_err(|e| unreadable(&e))?;
        let mut left = entry.compressed;
        let mut block = vec![0; 64 * 1024];
        while left > 0 {
            let want = usize::try_from(left.min(block.len() as u64)).unwrap_or(block.len());
            file.read_exact(&mut block[..want])
                .map_err(|e| unreadable(&e))?;
            take(&block[..want])?;
            left -= want as u64;
        }
        Ok(())
    }

    /// Whether the zip holds exactly the files of an inventory: none more, none less, none other.
    ///
    /// # Errors
    /// `trust.hash` when it does not; `zip.*` and `build.unreadable` when it cannot be read.
    pub fn check_against(&self, inventory: &Inventory) -> Result<()> {
        let wrong = |name: &str, why: &str| {
            Problem::new(
                Code::TrustHash,
                format!("{} {why} the signed inventory.", names::show(name)),
            )
        };
        let mut places: Vec<usize> = (0..self.entries.len()).collect();
        places.sort_by(|a, b| self.entries[*a].name.cmp(&self.entries[*b].name));
        let mut buf = vec![0; 64 * 1024];
        for (n, place) in places.iter().enumerate() {
            let entry = &self.entries[*place];
            let signed = inventory.files.get(n).filter(|f| f.path == entry.name);
            let signed = signed.ok_or_else(|| wrong(&entry.name, "is not in the place of"))?;
            let mut hash = Sha256::new();
            let mut stream = EntryStream::open(&self.path, entry)?;
            loop {
                let got = stream.fill(&mut buf)?;
                hash.update(&buf[..got]);
                if got < buf.len() {
                    break;
                }
            }
            if entry.size != signed.size || hex::encode(hash.finalize()) != signed.sha256 {
                return Err(wrong(&entry.name, "has other bytes than in"));
            }
        }
        match inventory.files.get(places.len()) {
            Some(more) => Err(wrong(&more.path, "is missing, but stands in")),
            None => Ok(()),
        }
    }
}

/// Duplicates are hostile (readers disagree on which one counts); names that only some systems
/// cannot store are the builder's mistake.
fn check_names(directory: &[Central], limits: &Limits) -> Result<()> {
    let mut seen = HashSet::new();
    let mut collisions = names::Collisions::default();
    let mut files = 0;
    let mut total = 0_u64;
    for entry in directory {
        let path = entry.name.trim_end_matches('/');
        if !seen.insert(path) {
            let shown = names::show(path);
            return Err(hostile(format_args!("the name {shown} stands twice in it")));
        }
        names::check(&names::normalise(path), limits.path_bytes)?;
        collisions.add(path, !entry.is_folder)?;
        if !entry.is_folder {
            files += 1;
            if files > limits.files {
                return Err(folder::too_many(limits, "files"));
            }
            total = total.saturating_add(entry.size);
            folder::check_bytes(path, entry.size, total, limits)?;
        }
    }
    Ok(())
}

fn check_bombs(directory: &[Central]) -> Result<()> {
    let (mut size, mut compressed) = (0_u64, 0_u64);
    for entry in directory {
        let shown = names::show(&entry.name);
        if entry.method == Method::Stored && entry.size != entry.compressed {
            return Err(malformed(format_args!(
                "{shown} is stored, but has two sizes"
            )));
        }
        let cap = |ratio: u64| entry.compressed.saturating_mul(ratio);
        let impossible = entry.size > cap(MAX_DEFLATE_RATIO);
        if impossible || (entry.size > BOMB_FILE_BYTES && entry.size > cap(BOMB_FILE_RATIO)) {
            return Err(bomb(format_args!(
                "{shown} declares {} bytes in {}",
                entry.size, entry.compressed
            )));
        }
        size = size.saturating_add(entry.size);
        compressed = compressed.saturating_add(entry.compressed);
    }
    if size > BOMB_TOTAL_BYTES && size > compressed.saturating_mul(BOMB_TOTAL_RATIO) {
        return Err(bomb(format_args!("{size} bytes in {compressed}")));
    }
    Ok(())
}
