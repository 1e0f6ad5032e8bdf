//! The file that a bundle is written to: hashed on the way, whole or not there at all.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use headgate_core::{Code, Problem, Result};
use sha2::{Digest, Sha256};
use tempfile::NamedTempFile;

const BUFFER: usize = 256 * 1024;

/// `local.disk`, with the cause.
pub(super) fn disk(path: &Path, error: &io::Error) -> Problem {
    Problem::new(
        Code::LocalDisk,
        format!(
            "The bundle cannot be written to {}: {error}.",
            path.display()
        ),
    )
    .holds("The web build is untouched, and no half-written bundle was left behind.")
}

/// The folder that `out` lies in.
pub(super) fn folder_of(out: &Path) -> PathBuf {
    match out.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent.to_owned(),
        _ => PathBuf::from("."),
    }
}

/// A file beside `out` that vanishes unless it is finished.
pub(super) struct Output {
    out: PathBuf,
    file: NamedTempFile,
    buffer: Vec<u8>,
    hash: Sha256,
    at: u64,
}

impl Output {
    pub(super) fn create(out: &Path) -> Result<Self> {
        let mut builder = tempfile::Builder::new();
        builder.prefix(".headgate-").suffix(".part");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Less the umask, as for any file that a program writes.
            builder.permissions(std::fs::Permissions::from_mode(0o666));
        }
        let file = builder
            .tempfile_in(folder_of(out))
            .map_err(|e| disk(out, &e))?;
        Ok(Self {
            out: out.to_owned(),
            file,
            buffer: Vec::with_capacity(BUFFER),
            hash: Sha256::new(),
            at: 0,
        })
    }

    /// Bytes so far.
    pub(super) fn at(&self) -> u64 {
        self.at
    }

    pub(super) fn write(&mut self, bytes: &[u8]) -> Result<()> {
        self.hash.update(bytes);
        self.at += bytes.len() as u64;
        if self.buffer.len() + bytes.len() > BUFFER {
            self.flush()?;
        }
        if bytes.len() >= BUFFER {
            return self.put(bytes);
        }
        self.buffer.extend_from_slice(bytes);
        Ok(())
    }

    /// Appends the whole of a spilled file.
    pub(super) fn write_file(&mut self, spill: &mut File) -> Result<()> {
        let mut block = vec![0; BUFFER];
        spill
            .seek(SeekFrom::Start(0))
            .map_err(|e| disk(&self.out, &e))?;
        loop {
            match spill.read(&mut block) {
                Ok(0) => return Ok(()),
                Ok(n) => self.write(&block[..n])?,
                Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
                Err(e) => return Err(disk(&self.out, &e)),
            }
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.file
            .as_file_mut()
            .write_all(bytes)
            .map_err(|e| disk(&self.out, &e))
    }

    fn flush(&mut self) -> Result<()> {
        let buffer = std::mem::take(&mut self.buffer);
        let written = self.put(&buffer);
        self.buffer = buffer;
        self.buffer.clear();
        written
    }

    /// Syncs the file and everything that was written; `before_rename` may still refuse it.
    /// Gives its hash and size.
    pub(super) fn finish(
        mut self,
        before_rename: impl FnOnce() -> Result<()>,
    ) -> Result<(String, u64)> {
        self.flush()?;
        let failed = |e: io::Error| disk(&self.out, &e);
        self.file.as_file().sync_all().map_err(failed)?;
        before_rename()?;
        self.file
            .persist(&self.out)
            .map_err(|e| disk(&self.out, &e.error))?;
        #[cfg(unix)]
        File::open(folder_of(&self.out))
            .and_then(|folder| folder.sync_all())
            .map_err(|e| disk(&self.out, &e))?;
        Ok((hex::encode(self.hash.finalize()), self.at))
    }
}
