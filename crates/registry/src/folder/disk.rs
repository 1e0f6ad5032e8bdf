//! Blocking reads below the root. No link below it is followed.

use std::fs::{self, File, Metadata};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;
use std::time::Duration;

use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use sha2::{Digest, Sha256};

use super::{HASHED_TAG, PIECE, Part};
use crate::part::{check_key, local, too_large};
use crate::{ETag, Object, ObjectMeta};

/// Takes totals of bytes; its error stops the work.
pub(super) type Tell<'a> = &'a mut dyn FnMut(u64) -> Result<()>;

#[derive(Debug)]
pub(super) struct Disk {
    root: PathBuf,
    pub(super) lock_wait: Duration,
    /// Leftovers were looked for already.
    pub(super) swept: AtomicBool,
}

impl Disk {
    pub(super) fn new(root: PathBuf, lock_wait: Duration) -> Self {
        Self {
            root,
            lock_wait,
            swept: AtomicBool::new(false),
        }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    /// Looks at every segment of a key without following links; nothing when one is missing.
    pub(super) fn look(&self, key: &str) -> Result<Option<(PathBuf, Metadata)>> {
        check_key(key)?;
        let mut path = self.root.clone();
        let mut found = None;
        for segment in key.split('/') {
            path.push(segment);
            match fs::symlink_metadata(&path) {
                Ok(meta) if meta.is_symlink() => return Err(link(&path)),
                Ok(meta) => found = Some(meta),
                Err(error) if error.kind() == io::ErrorKind::NotFound => {
                    // A registry that vanished must not look like an empty one.
                    return if self.root.is_dir() {
                        Ok(None)
                    } else {
                        Err(problem(&error, "find the storage folder", &self.root))
                    };
                }
                Err(error) => return Err(problem(&error, "look at the storage", &path)),
            }
        }
        Ok(found.map(|meta| (path, meta)))
    }

    /// Where the plain file of a key lies; nothing when there is none.
    pub(super) fn file_at(&self, key: &str) -> Result<Option<PathBuf>> {
        match self.look(key)? {
            Some((path, meta)) if !meta.is_file() => Err(odd(&path)),
            Some((path, _)) => Ok(Some(path)),
            None => Ok(None),
        }
    }

    fn open(&self, key: &str) -> Result<Option<(PathBuf, File, Metadata)>> {
        let Some(path) = self.file_at(key)? else {
            return Ok(None);
        };
        let file = match open_plain(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(problem(&error, "read the storage", &path)),
        };
        let meta = file
            .metadata()
            .map_err(|error| problem(&error, "read the storage", &path))?;
        if !meta.is_file() {
            return Err(odd(&path));
        }
        Ok(Some((path, file, meta)))
    }

    pub(super) fn open_file(&self, key: &str) -> Result<Option<(File, u64)>> {
        let opened = self.open(key)?;
        Ok(opened.map(|(_, file, meta)| (file, meta.len())))
    }

    pub(super) fn get(&self, key: &str, max: u64) -> Result<Option<Object>> {
        let Some((path, file, meta)) = self.open(key)? else {
            return Ok(None);
        };
        let bytes = read_all(&file, max)
            .map_err(|error| problem(&error, "read the storage", &path))?
            .ok_or_else(|| too_large(key, max))?;
        let etag = if bytes.len() as u64 <= HASHED_TAG {
            hashed_tag(&bytes)
        } else {
            stat_tag(&meta)
        };
        Ok(Some(Object {
            bytes: Bytes::from(bytes),
            etag,
        }))
    }

    pub(super) fn head(&self, key: &str) -> Result<Option<ObjectMeta>> {
        let Some((path, file, meta)) = self.open(key)? else {
            return Ok(None);
        };
        let small = if meta.len() <= HASHED_TAG {
            read_all(&file, HASHED_TAG)
                .map_err(|error| problem(&error, "read the storage", &path))?
        } else {
            None
        };
        Ok(Some(small.map_or_else(
            || ObjectMeta {
                size: meta.len(),
                etag: stat_tag(&meta),
            },
            |bytes| ObjectMeta {
                size: bytes.len() as u64,
                etag: hashed_tag(&bytes),
            },
        )))
    }

    /// Reads in pieces; SHA-256 (hex) and size.
    pub(super) fn stream(
        &self,
        key: &str,
        max: u64,
        tell: Tell<'_>,
        mut sink: impl FnMut(&[u8]) -> Result<()>,
    ) -> Result<Option<(String, u64)>> {
        let Some((path, mut file, _)) = self.open(key)? else {
            return Ok(None);
        };
        let mut piece = vec![0; PIECE];
        let (mut hash, mut total) = (Sha256::new(), 0_u64);
        loop {
            let n = match file.read(&mut piece) {
                Ok(0) => break,
                Ok(n) => n,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(problem(&error, "read the storage", &path)),
            };
            total += n as u64;
            if total > max {
                return Err(too_large(key, max));
            }
            hash.update(&piece[..n]);
            sink(&piece[..n])?;
            tell(total)?;
        }
        Ok(Some((hex::encode(hash.finalize()), total)))
    }

    pub(super) fn download(
        &self,
        key: &str,
        to: &Path,
        max: u64,
        tell: Tell<'_>,
    ) -> Result<Option<(String, u64)>> {
        if self.file_at(key)?.is_none() {
            return Ok(None);
        }
        let (part, mut file) = Part::create(to)?;
        let read = self.stream(key, max, tell, |piece| {
            file.write_all(piece).map_err(|error| local(&error, to))
        })?;
        if read.is_some() {
            file.sync_all().map_err(|error| local(&error, to))?;
            part.keep();
        }
        Ok(read)
    }

    pub(super) fn list(&self, folder: &str) -> Result<Vec<String>> {
        let Some((path, meta)) = self.look(folder)? else {
            return Ok(Vec::new());
        };
        if !meta.is_dir() {
            return Err(odd(&path));
        }
        let failed = |error: io::Error| problem(&error, "list the storage", &path);
        let mut names = Vec::new();
        for entry in fs::read_dir(&path).map_err(failed)? {
            let entry = entry.map_err(failed)?;
            // What is no key was not written by us: .DS_Store, Thumbs.db~, lost+found.
            let Ok(name) = entry.file_name().into_string() else {
                continue;
            };
            if check_key(&name).is_ok() && entry.file_type().map_err(failed)?.is_file() {
                names.push(name);
            }
        }
        names.sort_unstable();
        Ok(names)
    }
}

/// Opens for reading; never through a link, and a pipe put there does not block.
fn open_plain(path: &Path) -> io::Result<File> {
    let mut options = File::options();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    options.open(path)
}

/// The bytes; nothing when there are more than `max`.
fn read_all(file: &File, max: u64) -> io::Result<Option<Vec<u8>>> {
    let mut bytes = Vec::new();
    let read = file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
    Ok((read as u64 <= max).then_some(bytes))
}

pub(super) fn hashed_tag(bytes: &[u8]) -> ETag {
    ETag(format!("sha256-{}", hex::encode(Sha256::digest(bytes))))
}

fn stat_tag(meta: &Metadata) -> ETag {
    let modified = meta
        .modified()
        .ok()
        .and_then(|at| at.duration_since(std::time::UNIX_EPOCH).ok())
        .map_or(0, |at| at.as_nanos());
    #[cfg(unix)]
    let inode = std::os::unix::fs::MetadataExt::ino(meta);
    #[cfg(not(unix))]
    let inode = 0;
    ETag(format!("stat-{}-{modified}-{inode}", meta.len()))
}

/// What the operating system said, as one of our codes.
pub(super) fn problem(error: &io::Error, doing: &str, path: &Path) -> Problem {
    use io::ErrorKind as K;
    let code = match error.kind() {
        K::NotFound => Code::StorageMissing,
        K::PermissionDenied => Code::StorageAccess,
        K::StorageFull | K::QuotaExceeded | K::FileTooLarge => Code::StorageFull,
        K::ReadOnlyFilesystem => Code::StorageReadOnly,
        _ => Code::StorageIo,
    };
    Problem::new(code, format!("Could not {doing}: {error}.")).detail(path.display())
}

pub(super) fn link(path: &Path) -> Problem {
    Problem::new(
        Code::StorageAccess,
        "The storage folder holds a link, and links are not followed.",
    )
    .remedy("Replace the link with what it points to, after finding out who made it.")
    .detail(path.display())
}

fn odd(path: &Path) -> Problem {
    Problem::new(
        Code::StorageAccess,
        "Something that is not a plain file or folder lies in the storage folder.",
    )
    .remedy("Remove it after finding out who made it.")
    .detail(path.display())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn errors_of_the_system_become_codes_with_the_path() {
        use io::ErrorKind as K;
        for (kind, code) in [
            (K::NotFound, Code::StorageMissing),
            (K::PermissionDenied, Code::StorageAccess),
            (K::StorageFull, Code::StorageFull),
            (K::QuotaExceeded, Code::StorageFull),
            (K::ReadOnlyFilesystem, Code::StorageReadOnly),
            (K::TimedOut, Code::StorageIo),
        ] {
            let problem = problem(&io::Error::from(kind), "test", Path::new("/srv/ota"));
            assert_eq!(problem.code, code);
            assert_eq!(problem.detail.as_deref(), Some("/srv/ota"));
        }
    }
}
