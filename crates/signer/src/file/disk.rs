//! The vault's file on disk: read whole, replaced atomically, one writer at a time.

use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::thread::sleep;
use std::time::{Duration, Instant};

use headgate_core::{Code, Problem, Result};

use super::content::WHAT;
use crate::{failure, sealed::MAX_FILE};

/// How long a writer waits for another one. A write takes a fraction of a second.
const LOCK_WAIT: Duration = Duration::from_secs(10);

/// Reads the file, at most one byte more than the largest that is accepted.
pub(super) fn read(path: &Path) -> Result<Vec<u8>> {
    let failed = |e: io::Error| failure::io(&e, path, "read");
    let mut bytes = Vec::new();
    File::open(path)
        .map_err(failed)?
        .take(MAX_FILE as u64 + 1)
        .read_to_end(&mut bytes)
        .map_err(failed)?;
    if bytes.len() > MAX_FILE {
        return Err(failure::bad_file(WHAT, "it is larger than 1 MiB"));
    }
    Ok(bytes)
}

/// The right to replace the file; given up when dropped, also by the operating system when the process dies.
pub(super) struct Lock {
    // Held open: closing it unlocks.
    _file: File,
    target: PathBuf,
}

impl Lock {
    /// Waits for the lock file beside the vault. The vault itself cannot serve as one: it is replaced by each write.
    pub(super) fn take(target: &Path) -> Result<Self> {
        let path = beside(target, ".lock");
        let file = private(OpenOptions::new().write(true).create(true).truncate(false))
            .open(&path)
            .map_err(|e| failure::io(&e, &path, "opened"))?;
        let started = Instant::now();
        loop {
            match file.try_lock() {
                Ok(()) => {
                    return Ok(Self {
                        _file: file,
                        target: target.into(),
                    });
                }
                Err(TryLockError::WouldBlock) if started.elapsed() < LOCK_WAIT => {
                    sleep(Duration::from_millis(20));
                }
                Err(TryLockError::WouldBlock) => {
                    return Err(Problem::new(
                        Code::LocalBusy,
                        format!("Another program is writing to {}.", target.display()),
                    )
                    .remedy("Wait for it, then try again."));
                }
                Err(TryLockError::Error(e)) => return Err(failure::io(&e, &path, "locked")),
            }
        }
    }

    /// Whether there is a vault already.
    pub(super) fn exists(&self) -> bool {
        self.target.symlink_metadata().is_ok()
    }

    /// Replaces the file: after a crash there is either the old or the new one.
    pub(super) fn replace(&self, bytes: &[u8]) -> Result<()> {
        let temporary = beside(&self.target, ".tmp");
        let failed = |e: io::Error| failure::io(&e, &self.target, "written");
        // Left behind by a writer that died; nobody else writes while the lock is held.
        match fs::remove_file(&temporary) {
            Err(e) if e.kind() != io::ErrorKind::NotFound => return Err(failed(e)),
            _ => {}
        }
        let written =
            write_new(&temporary, bytes).and_then(|()| fs::rename(&temporary, &self.target));
        if let Err(e) = written {
            // The first error is the one to report.
            drop(fs::remove_file(&temporary));
            return Err(failed(e));
        }
        sync_folder(&self.target).map_err(failed)
    }
}

fn write_new(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut file = private(OpenOptions::new().write(true).create_new(true)).open(path)?;
    file.write_all(bytes)?;
    file.sync_all()
}

/// A path beside `path` with something added to its name.
fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(suffix);
    path.with_file_name(name)
}

#[cfg(unix)]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    use std::os::unix::fs::OpenOptionsExt as _;
    options.mode(0o600)
}

#[cfg(not(unix))]
fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    options
}

/// Makes the rename durable.
#[cfg(unix)]
fn sync_folder(path: &Path) -> io::Result<()> {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    File::open(folder.unwrap_or_else(|| Path::new(".")))?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_path: &Path) -> io::Result<()> {
    Ok(())
}
