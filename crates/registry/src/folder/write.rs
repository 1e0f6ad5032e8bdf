//! Blocking writes below the root: stage, flush, rename, flush the folder.

use std::fs::{self, File, TryLockError};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use tempfile::NamedTempFile;

use super::PIECE;
use super::disk::{Disk, Tell, hashed_tag, link, problem};
use crate::part::local;
use crate::{Body, Created, ETag, Swapped};

const LOCK: &str = ".headgate.lock";
const TEMPORARY: &str = ".tmp-";

/// A temporary file that nobody wrote to for so long belongs to a process that died.
const LEFTOVER: Duration = Duration::from_secs(60 * 60);

impl Disk {
    pub(super) fn create(&self, key: &str, body: &Body, tell: Tell<'_>) -> Result<Created> {
        if let Some(path) = self.file_at(key)? {
            flush_parent(&path)?;
            return Ok(Created::Exists);
        }
        let staged = self.stage(body, tell)?;
        self.publish_new(key, staged)
    }

    pub(super) fn discard_probe(&self, key: &str) -> Result<()> {
        if !key.starts_with("probe/") {
            return Err(Problem::new(Code::Internal, "Only probes are removed.").detail(key));
        }
        match self.file_at(key)? {
            Some(path) => fs::remove_file(&path).map_err(|e| problem(&e, "remove", &path)),
            None => Ok(()),
        }
    }

    pub(super) fn swap(&self, key: &str, bytes: Bytes, expected: Option<&ETag>) -> Result<Swapped> {
        let tag = hashed_tag(&bytes);
        // Before anything is written: most races are lost here, and links are refused here.
        if self.file_at(key)?.is_some() != expected.is_some() {
            return Ok(Swapped::Changed);
        }
        if bytes.len() as u64 > super::HASHED_TAG {
            return Err(Problem::new(
                Code::Internal,
                "An object that is swapped is larger than a tag can stand for.",
            )
            .detail(key));
        }
        let staged = self.stage(&Body::Bytes(bytes), &mut |_| Ok(()))?;
        let Some(expected) = expected else {
            return Ok(match self.publish_new(key, staged)? {
                Created::Created => Swapped::Swapped(tag),
                Created::Exists => Swapped::Changed,
            });
        };
        let _lock = self.lock()?;
        if self.head(key)?.map(|meta| meta.etag).as_ref() != Some(expected) {
            return Ok(Swapped::Changed);
        }
        let path = self.root().join(key);
        staged
            .into_temp_path()
            .persist(&path)
            .map_err(|error| problem(&error.error, "write to the storage", &path))?;
        flush_parent(&path)?;
        Ok(Swapped::Swapped(tag))
    }

    /// Writes a temporary file in the root, flushed; it vanishes unless it is renamed.
    fn stage(&self, body: &Body, tell: Tell<'_>) -> Result<NamedTempFile> {
        let failed = |error: io::Error| problem(&error, "write to the storage", self.root());
        let mut builder = tempfile::Builder::new();
        builder.prefix(TEMPORARY);
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            // Web servers of other accounts read the folder; the umask decides, as for any file.
            builder.permissions(fs::Permissions::from_mode(0o666));
        }
        let mut staged = builder.tempfile_in(self.root()).map_err(failed)?;
        self.sweep(staged.as_file());
        match body {
            Body::Bytes(bytes) => {
                let mut total = 0;
                for piece in bytes.chunks(PIECE) {
                    staged.write_all(piece).map_err(failed)?;
                    total += piece.len() as u64;
                    tell(total)?;
                }
            }
            Body::File(path, size) => self.copy(path, *size, &mut staged, tell)?,
        }
        staged.as_file().sync_all().map_err(failed)?;
        Ok(staged)
    }

    fn copy(&self, path: &Path, size: u64, to: &mut NamedTempFile, tell: Tell<'_>) -> Result<()> {
        let mut from = File::open(path).map_err(|error| local(&error, path))?;
        let mut piece = vec![0; PIECE];
        let mut total = 0_u64;
        loop {
            let n = match from.read(&mut piece) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(local(&error, path)),
            };
            total += n as u64;
            if total > size {
                break;
            }
            to.write_all(&piece[..n])
                .map_err(|error| problem(&error, "write to the storage", self.root()))?;
            tell(total)?;
        }
        if total == size {
            return Ok(());
        }
        Err(Problem::new(
            Code::LocalDisk,
            "A file changed its size while it was being uploaded.",
        )
        .detail(path.display()))
    }

    /// Gives a staged file its name, which nothing may have yet. One system call, so it needs no lock.
    fn publish_new(&self, key: &str, staged: NamedTempFile) -> Result<Created> {
        let path = self.root().join(key);
        self.make_parents(key)?;
        let created = match staged.into_temp_path().persist_noclobber(&path) {
            Ok(()) => Created::Created,
            Err(error) if error.error.kind() == io::ErrorKind::AlreadyExists => Created::Exists,
            Err(error) => return Err(problem(&error.error, "write to the storage", &path)),
        };
        // Also for what exists: its writer may not have come to this yet, and our caller builds on it.
        flush_parent(&path)?;
        Ok(created)
    }

    fn make_parents(&self, key: &str) -> Result<()> {
        let mut path = self.root().to_path_buf();
        let mut segments = key.split('/').peekable();
        while let Some(segment) = segments.next() {
            if segments.peek().is_none() {
                break;
            }
            path.push(segment);
            match fs::symlink_metadata(&path) {
                Ok(meta) if meta.is_symlink() => return Err(link(&path)),
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound => make_folder(&path)?,
                Err(error) => return Err(problem(&error, "look at the storage", &path)),
            }
        }
        Ok(())
    }

    /// Removes what processes that died left behind, once for each opened store.
    ///
    /// The age is measured against a file made just now, so the clock of the file system counts, not ours.
    fn sweep(&self, fresh: &File) {
        if self.swept.swap(true, Ordering::Relaxed) {
            return;
        }
        let Ok(now) = fresh.metadata().and_then(|meta| meta.modified()) else {
            return;
        };
        let Ok(entries) = fs::read_dir(self.root()) else {
            return;
        };
        for entry in entries.flatten() {
            let ours = entry.file_name().to_string_lossy().starts_with(TEMPORARY);
            let Some(meta) = entry.metadata().ok().filter(|meta| ours && meta.is_file()) else {
                continue;
            };
            let old = meta
                .modified()
                .ok()
                .and_then(|at| now.duration_since(at).ok())
                .is_some_and(|age| age > LEFTOVER);
            if old && let Err(error) = fs::remove_file(entry.path()) {
                tracing::warn!(path = %entry.path().display(), %error, "a leftover could not be removed");
            }
        }
    }

    /// Takes the lock of the folder; it is given up when the file is closed, also by the death of the process.
    fn lock(&self) -> Result<File> {
        let path = self.root().join(LOCK);
        let failed = |error: io::Error| problem(&error, "lock the storage folder", &path);
        let begun = Instant::now();
        let mut pause = Duration::from_millis(1);
        loop {
            let file = open_lock(&path).map_err(failed)?;
            match file.try_lock() {
                Ok(()) if still_there(&file, &path) => return Ok(file),
                // Somebody removed the lock file: a lock on the old one keeps nobody out.
                Ok(()) | Err(TryLockError::WouldBlock) => {}
                Err(TryLockError::Error(error)) => return Err(failed(error)),
            }
            if begun.elapsed() >= self.lock_wait {
                return Err(Problem::new(
                    Code::StorageLocked,
                    "Another program kept the storage folder locked.",
                )
                .detail(path.display()));
            }
            std::thread::sleep(pause);
            pause = (pause * 2).min(Duration::from_millis(16));
        }
    }
}

fn open_lock(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create(true).truncate(false);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    options.open(path)
}

#[cfg(unix)]
fn still_there(file: &File, path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt;
    match (file.metadata(), fs::symlink_metadata(path)) {
        (Ok(ours), Ok(named)) => (ours.dev(), ours.ino()) == (named.dev(), named.ino()),
        _ => false,
    }
}

/// Windows does not let an open file be removed under its name.
#[cfg(not(unix))]
fn still_there(_: &File, _: &Path) -> bool {
    true
}

/// Makes a folder and those above it, each flushed into the one above.
pub(super) fn make_folders(path: &Path) -> Result<()> {
    let missing: Vec<PathBuf> = path
        .ancestors()
        .take_while(|folder| !folder.exists())
        .map(Path::to_path_buf)
        .collect();
    missing
        .iter()
        .rev()
        .try_for_each(|folder| make_folder(folder))
}

fn make_folder(path: &Path) -> Result<()> {
    match fs::create_dir(path) {
        Ok(()) => {}
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {}
        Err(error) => return Err(problem(&error, "make a folder in the storage", path)),
    }
    flush_parent(path)
}

/// Makes a new name survive a power cut.
#[cfg(unix)]
fn flush_parent(path: &Path) -> Result<()> {
    let Some(parent) = path.parent() else {
        return Ok(());
    };
    match File::open(parent).and_then(|folder| folder.sync_all()) {
        Ok(()) => Ok(()),
        // Some network file systems cannot flush a folder; they do it with the rename.
        Err(error)
            if matches!(
                error.kind(),
                io::ErrorKind::InvalidInput | io::ErrorKind::Unsupported
            ) =>
        {
            Ok(())
        }
        Err(error) => Err(problem(&error, "flush the storage folder", parent)),
    }
}

/// Windows writes names through with the rename and cannot open a folder as a file.
#[cfg(not(unix))]
fn flush_parent(_: &Path) -> Result<()> {
    Ok(())
}
