//! One file becomes the data of one entry.

use std::fs::File;
use std::io::Write;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

use flate2::{Compress, Compression, FlushCompress, Status};
use headgate_core::{Code, Problem, Result};
use sha2::{Digest, Sha256};

use super::output::disk;
use crate::source::Stream;
use crate::{SourceFile, WebBuild};

/// Files up to this size are compressed in memory, larger ones through a file. The limit decides how
/// deflate is fed, so it must be the same everywhere.
pub(super) const SMALL: u64 = 1 << 20;
const BLOCK: usize = 256 * 1024;

/// Types that are compressed already; trying again costs time and gains nothing.
const INCOMPRESSIBLE: [&str; 37] = [
    "7z", "aac", "apk", "avif", "br", "bz2", "flac", "gif", "gz", "heic", "heif", "ipa", "jar",
    "jpeg", "jpg", "jxl", "lz4", "m4a", "m4v", "mkv", "mov", "mp3", "mp4", "oga", "ogg", "ogv",
    "opus", "png", "rar", "tgz", "webm", "webp", "woff", "woff2", "xz", "zip", "zst",
];

/// Where the data of an entry waits to be written.
pub(super) enum Data {
    Memory(Vec<u8>),
    Spilled(File),
}

/// The data of one entry.
pub(super) struct Part {
    pub(super) data: Data,
    pub(super) deflated: bool,
    pub(super) compressed: u64,
    pub(super) crc: u32,
    pub(super) sha256: [u8; 32],
}

/// A worker's tools, used for one file after the other.
pub(super) struct Worker<'a> {
    build: &'a WebBuild,
    /// Where large files spill to.
    folder: &'a Path,
    cancel: &'a AtomicBool,
    deflate: Compress,
    /// As large as the largest small file so far, and used for one file after the other.
    input: Vec<u8>,
    output: Vec<u8>,
}

/// `job.cancelled` once a person stopped it.
pub(crate) fn check_cancel(cancel: &AtomicBool) -> Result<()> {
    if cancel.load(Ordering::Relaxed) {
        return Err(Problem::new(Code::JobCancelled, "Stopped."));
    }
    Ok(())
}

pub(crate) fn is_incompressible(path: &str) -> bool {
    let name = path.rsplit('/').next().unwrap_or(path);
    name.rsplit_once('.').is_some_and(|(_, ext)| {
        let ext = ext.to_ascii_lowercase();
        INCOMPRESSIBLE.binary_search(&ext.as_str()).is_ok()
    })
}

/// More than deflate ever makes of this many bytes, at any level.
fn room(size: usize) -> usize {
    size + size / 8 + 64
}

fn defect(why: impl std::fmt::Display) -> Problem {
    Problem::new(Code::Internal, format!("Compressing failed: {why}."))
}

impl<'a> Worker<'a> {
    pub(super) fn new(
        build: &'a WebBuild,
        folder: &'a Path,
        cancel: &'a AtomicBool,
        level: u32,
    ) -> Self {
        Self {
            build,
            folder,
            cancel,
            deflate: Compress::new(Compression::new(level), false),
            input: Vec::new(),
            output: Vec::new(),
        }
    }

    /// Reads, hashes and compresses one file.
    pub(super) fn run(&mut self, file: &SourceFile) -> Result<Part> {
        check_cancel(self.cancel)?;
        let mut stream = self.build.stream(file)?;
        if file.size <= SMALL {
            return self.in_memory(file, &mut stream);
        }
        let deflate = !is_incompressible(&file.path);
        let part = self.spill(stream, deflate)?;
        if !deflate || part.compressed < file.size {
            return Ok(part);
        }
        // Deflate did not shrink it: read it again, as it is.
        let stored = self.spill(self.build.stream(file)?, false)?;
        if stored.sha256 != part.sha256 {
            return Err(crate::folder::changed(
                &file.path,
                "changed while it was packed",
            ));
        }
        Ok(stored)
    }

    fn in_memory(&mut self, file: &SourceFile, stream: &mut Stream<'_>) -> Result<Part> {
        let size = file.size as usize;
        if self.input.len() < size {
            self.input.resize(size, 0);
            self.output.resize(room(size), 0);
        }
        let input = &mut self.input[..size];
        if stream.fill(input)? != size {
            return Err(defect("a file is shorter than it was read"));
        }
        let mut data: &[u8] = input;
        if size > 1 && !is_incompressible(&file.path) {
            // The stream always ends: resetting one that stopped for want of room can panic in zlib-rs.
            let output = &mut self.output[..room(size)];
            self.deflate.reset();
            let status = self
                .deflate
                .compress(input, output, FlushCompress::Finish)
                .map_err(defect)?;
            if status != Status::StreamEnd {
                return Err(defect("a file grew beyond its bound"));
            }
            let written = self.deflate.total_out() as usize;
            if written < size {
                data = &output[..written];
            }
        }
        Ok(Part {
            deflated: data.len() < size,
            compressed: data.len() as u64,
            crc: crc32fast::hash(input),
            sha256: Sha256::digest(&*input).into(),
            data: Data::Memory(data.to_vec()),
        })
    }

    /// Through a nameless file beside the output, so that memory does not grow with the file.
    fn spill(&mut self, mut stream: Stream<'_>, deflate: bool) -> Result<Part> {
        let failed = |e: std::io::Error| disk(self.folder, &e);
        let mut spill = tempfile::tempfile_in(self.folder).map_err(failed)?;
        let mut hash = Sha256::new();
        let mut crc = crc32fast::Hasher::new();
        let mut block = vec![0; BLOCK];
        let mut output = vec![0; BLOCK];
        let mut compressed = 0;
        self.deflate.reset();
        loop {
            check_cancel(self.cancel)?;
            let got = stream.fill(&mut block)?;
            let last = got < block.len();
            hash.update(&block[..got]);
            crc.update(&block[..got]);
            if !deflate {
                spill.write_all(&block[..got]).map_err(failed)?;
                compressed += got as u64;
            } else {
                let mut input = &block[..got];
                loop {
                    let before = (self.deflate.total_in(), self.deflate.total_out());
                    let flush = if last {
                        FlushCompress::Finish
                    } else {
                        FlushCompress::None
                    };
                    let status = self
                        .deflate
                        .compress(input, &mut output, flush)
                        .map_err(defect)?;
                    let read = (self.deflate.total_in() - before.0) as usize;
                    let written = (self.deflate.total_out() - before.1) as usize;
                    input = &input[read..];
                    spill.write_all(&output[..written]).map_err(failed)?;
                    compressed += written as u64;
                    let done = if last {
                        status == Status::StreamEnd
                    } else {
                        input.is_empty() && written < output.len()
                    };
                    if done {
                        break;
                    }
                    if read == 0 && written == 0 {
                        return Err(defect("no progress"));
                    }
                }
            }
            if last {
                break;
            }
        }
        Ok(Part {
            data: Data::Spilled(spill),
            deflated: deflate,
            compressed,
            crc: crc.finalize(),
            sha256: hash.finalize().into(),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn types_that_are_compressed_already_are_known_by_their_extension() {
        assert!(INCOMPRESSIBLE.is_sorted());
        for path in ["a.png", "a/b.WOFF2", "x.tar.gz", "m.mp4"] {
            assert!(is_incompressible(path), "{path}");
        }
        for path in ["a.js", "png", "a.png/b", "a.svg", "x.wasm"] {
            assert!(!is_incompressible(path), "{path}");
        }
    }
}
