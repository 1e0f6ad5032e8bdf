//! The data of one entry, decompressed in blocks.

use std::fs::File;
use std::io::{ErrorKind, Read, Seek, SeekFrom};
use std::path::Path;

use flate2::{Decompress, FlushDecompress, Status};
use headgate_core::Result;

use super::{Entry, Method, bomb, malformed, unreadable};
use crate::names;

const INPUT: usize = 32 * 1024;

/// Reads one entry, never more than it declares, and checks size and CRC at its end.
#[derive(Debug)]
pub struct EntryStream<'a> {
    file: File,
    entry: &'a Entry,
    /// Compressed bytes that were not read from the file yet.
    left: u64,
    input: Vec<u8>,
    used: usize,
    inflate: Option<Decompress>,
    ended: bool,
    crc: crc32fast::Hasher,
    at: u64,
}

impl<'a> EntryStream<'a> {
    pub(super) fn open(path: &Path, entry: &'a Entry) -> Result<Self> {
        let mut file = File::open(path).map_err(|e| unreadable(&e))?;
        file.seek(SeekFrom::Start(entry.data))
            .map_err(|e| unreadable(&e))?;
        Ok(Self {
            file,
            entry,
            left: entry.compressed,
            input: Vec::new(),
            used: 0,
            inflate: (entry.method == Method::Deflated).then(|| Decompress::new(false)),
            ended: false,
            crc: crc32fast::Hasher::new(),
            at: 0,
        })
    }

    /// Fills `buf`; fewer bytes only at the end. By then size and CRC were checked.
    ///
    /// # Errors
    /// `zip.bomb` when there is more than declared, `zip.malformed` when there is less or other,
    /// `build.unreadable`.
    pub fn fill(&mut self, buf: &mut [u8]) -> Result<usize> {
        // Never past the declared size, whatever the data would give.
        let want = (self.entry.size - self.at).min(buf.len() as u64);
        let want = usize::try_from(want).unwrap_or(buf.len());
        let mut got = 0;
        while got < want {
            let n = self.some(&mut buf[got..want])?;
            if n == 0 && self.ended {
                return Err(self.wrong("has fewer bytes than it declares"));
            }
            got += n;
        }
        self.crc.update(&buf[..got]);
        self.at += got as u64;
        if self.at == self.entry.size {
            self.finish()?;
        }
        Ok(got)
    }

    fn wrong(&self, why: &str) -> headgate_core::Problem {
        malformed(format_args!("{} {why}", names::show(&self.entry.name)))
    }

    fn refill(&mut self) -> Result<()> {
        if self.used < self.input.len() || self.left == 0 {
            return Ok(());
        }
        let len = usize::try_from(self.left.min(INPUT as u64)).unwrap_or(INPUT);
        self.input.resize(len, 0);
        self.used = 0;
        self.file
            .read_exact(&mut self.input)
            .map_err(|e| match e.kind() {
                ErrorKind::UnexpectedEof => {
                    crate::folder::changed(&self.entry.name, "was cut off while it was read")
                }
                _ => unreadable(&e),
            })?;
        self.left -= len as u64;
        Ok(())
    }

    /// Some bytes into `out`; none only while the input is read or when the data ended.
    fn some(&mut self, out: &mut [u8]) -> Result<usize> {
        self.refill()?;
        let input = &self.input[self.used..];
        let Some(inflate) = &mut self.inflate else {
            let n = input.len().min(out.len());
            out[..n].copy_from_slice(&input[..n]);
            self.used += n;
            self.ended = n == 0;
            return Ok(n);
        };
        if self.ended {
            return Ok(0);
        }
        let before = (inflate.total_in(), inflate.total_out());
        let status = inflate.decompress(input, out, FlushDecompress::None);
        let read = (inflate.total_in() - before.0) as usize;
        let written = (inflate.total_out() - before.1) as usize;
        self.used += read;
        match status {
            Ok(Status::StreamEnd) => self.ended = true,
            Ok(_) if read == 0 && written == 0 && (self.left == 0 || !out.is_empty()) => {
                if self.left == 0 || self.used < self.input.len() {
                    return Err(self.wrong("holds data that ends too early"));
                }
            }
            Ok(_) => {}
            Err(_) => return Err(self.wrong("holds data that cannot be decompressed")),
        }
        Ok(written)
    }

    /// The compressed data must end here too: nothing more to give, nothing left over.
    fn finish(&mut self) -> Result<()> {
        let mut more = [0; 1];
        while self.inflate.is_some() && !self.ended {
            if self.some(&mut more)? > 0 {
                return Err(bomb(format_args!(
                    "{} holds more than the {} bytes that it declares",
                    names::show(&self.entry.name),
                    self.entry.size
                )));
            }
        }
        if self.left > 0 || self.used < self.input.len() {
            return Err(self.wrong("has data after its end"));
        }
        if self.crc.clone().finalize() != self.entry.crc {
            return Err(self.wrong("does not match its checksum"));
        }
        Ok(())
    }
}
