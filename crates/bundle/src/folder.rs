//! Listing a folder without following anything, and reading its files only as they were listed.

use std::fs::{self, File, Metadata, OpenOptions};
use std::io::{self, ErrorKind, Read};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use headgate_core::{Code, Problem, Result};

use crate::{Limits, names};

/// What tells one state of a file from another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Stamp {
    pub(crate) len: u64,
    modified: Option<SystemTime>,
    /// Device, inode and status change time: a file that was replaced or rewritten with its old
    /// modification time differs here.
    #[cfg(unix)]
    identity: (u64, u64, i64, i64),
}

impl Stamp {
    pub(crate) fn of(meta: &Metadata) -> Self {
        #[cfg(unix)]
        use std::os::unix::fs::MetadataExt;
        Self {
            len: meta.len(),
            modified: meta.modified().ok(),
            #[cfg(unix)]
            identity: (meta.dev(), meta.ino(), meta.ctime(), meta.ctime_nsec()),
        }
    }
}

/// A file as it was listed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Listed {
    /// Path below the root, with `/`, as the file system spells it.
    pub(crate) raw: String,
    pub(crate) stamp: Stamp,
}

/// Lists all files below a root, sorted by raw path. Links and special files are refused, so no
/// loop can occur and nothing outside the root is reached.
///
/// # Errors
/// `build.link`, `build.special_file`, `build.path`, `build.too_large`, `build.unreadable`,
/// `build.changed`.
pub(crate) fn list(root: &Path, limits: &Limits) -> Result<Vec<Listed>> {
    let mut files = Vec::new();
    let mut total = 0_u64;
    let mut folders = 1_usize;
    let mut pending: Vec<(PathBuf, String)> = vec![(root.to_owned(), String::new())];
    while let Some((folder, prefix)) = pending.pop() {
        let shown = if prefix.is_empty() { "." } else { &prefix };
        let entries = fs::read_dir(&folder).map_err(|e| listing_failed(shown, &e))?;
        for entry in entries {
            let entry = entry.map_err(|e| listing_failed(shown, &e))?;
            let raw = relative(&prefix, &entry.file_name())?;
            // `DirEntry::metadata` does not follow links.
            let meta = entry.metadata().map_err(|e| listing_failed(&raw, &e))?;
            let kind = meta.file_type();
            if kind.is_symlink() {
                return Err(link(&raw, &entry.path()));
            }
            if !kind.is_dir() && !kind.is_file() {
                return Err(Problem::new(
                    Code::BuildSpecial,
                    format!(
                        "{} is not a regular file (a pipe, socket or device).",
                        names::show(&raw)
                    ),
                ));
            }
            names::check(&names::normalise(&raw), limits.path_bytes)?;
            if kind.is_dir() {
                folders += 1;
                if folders > limits.files {
                    return Err(too_many(limits, "folders"));
                }
                pending.push((entry.path(), raw));
                continue;
            }
            total = total.saturating_add(meta.len());
            files.push(Listed {
                raw,
                stamp: Stamp::of(&meta),
            });
            check_sizes(files.len(), meta.len(), total, &files, limits)?;
        }
    }
    files.sort_by(|a, b| a.raw.cmp(&b.raw));
    Ok(files)
}

fn check_sizes(
    count: usize,
    size: u64,
    total: u64,
    files: &[Listed],
    limits: &Limits,
) -> Result<()> {
    if count > limits.files {
        return Err(too_many(limits, "files"));
    }
    let path = files.last().map_or("", |f| f.raw.as_str());
    check_bytes(path, size, total, limits)
}

/// Checks the size of one file and of all so far.
///
/// # Errors
/// `build.too_large`.
pub(crate) fn check_bytes(path: &str, size: u64, total: u64, limits: &Limits) -> Result<()> {
    if size > limits.file_bytes {
        return Err(Problem::new(
            Code::BuildTooLarge,
            format!(
                "{} has {size} bytes; a file may have {}.",
                names::show(path),
                limits.file_bytes
            ),
        ));
    }
    if total > limits.total_bytes {
        return Err(Problem::new(
            Code::BuildTooLarge,
            format!("The web build has more than {} bytes.", limits.total_bytes),
        ));
    }
    Ok(())
}

/// `build.too_large` for a count.
pub(crate) fn too_many(limits: &Limits, what: &str) -> Problem {
    Problem::new(
        Code::BuildTooLarge,
        format!("The web build has more than {} {what}.", limits.files),
    )
}

fn relative(prefix: &str, name: &std::ffi::OsStr) -> Result<String> {
    let Some(name) = name.to_str() else {
        return Err(Problem::new(
            Code::BuildPath,
            format!(
                "The name {} is not valid UTF-8.",
                names::show(&name.to_string_lossy())
            ),
        ));
    };
    Ok(if prefix.is_empty() {
        name.to_owned()
    } else {
        format!("{prefix}/{name}")
    })
}

fn link(raw: &str, path: &Path) -> Problem {
    let target = fs::read_link(path).map_or_else(
        |_| "an unknown place".to_owned(),
        |t| names::show(&t.to_string_lossy()),
    );
    Problem::new(
        Code::BuildLink,
        format!("{} is a link to {target}.", names::show(raw)),
    )
}

fn listing_failed(path: &str, error: &io::Error) -> Problem {
    if error.kind() == ErrorKind::NotFound {
        return changed(path, "was removed while the folder was listed");
    }
    unreadable(path, error)
}

/// `build.changed` for one file.
pub(crate) fn changed(path: &str, how: &str) -> Problem {
    Problem::new(Code::BuildChanged, format!("{} {how}.", names::show(path)))
}

fn unreadable(path: &str, error: &io::Error) -> Problem {
    Problem::new(
        Code::BuildUnreadable,
        format!("{} cannot be read: {error}.", names::show(path)),
    )
}

/// Opens a file without following a link at its end and without waiting for a pipe's writer.
fn open_plain(path: &Path) -> io::Result<File> {
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt;
        options.custom_flags(libc::O_NOFOLLOW | libc::O_NONBLOCK);
    }
    #[cfg(windows)]
    {
        use std::os::windows::fs::OpenOptionsExt;
        // FILE_FLAG_OPEN_REPARSE_POINT: the link itself instead of its target.
        options.custom_flags(0x0020_0000);
    }
    options.open(path)
}

/// Reads one listed file; any difference to the listing ends in `build.changed`.
#[derive(Debug)]
pub(crate) struct FileStream<'a> {
    file: File,
    listed: &'a Listed,
    at: u64,
}

impl<'a> FileStream<'a> {
    pub(crate) fn open(root: &Path, listed: &'a Listed) -> Result<Self> {
        let raw = &listed.raw;
        let file = open_plain(&root.join(raw)).map_err(|e| match e.kind() {
            ErrorKind::NotFound | ErrorKind::NotADirectory => {
                changed(raw, "was removed after the web build was opened")
            }
            _ if e.raw_os_error() == Some(LINK_REFUSED) => {
                changed(raw, "became a link after the web build was opened")
            }
            _ => unreadable(raw, &e),
        })?;
        let stream = Self {
            file,
            listed,
            at: 0,
        };
        stream.check_stamp()?;
        Ok(stream)
    }

    fn check_stamp(&self) -> Result<()> {
        let raw = &self.listed.raw;
        let meta = self.file.metadata().map_err(|e| unreadable(raw, &e))?;
        if !meta.is_file() || Stamp::of(&meta) != self.listed.stamp {
            return Err(changed(raw, "changed after the web build was opened"));
        }
        Ok(())
    }

    /// Fills `buf`; fewer bytes only at the end, which is checked.
    pub(crate) fn fill(&mut self, buf: &mut [u8]) -> Result<usize> {
        let raw = &self.listed.raw;
        let mut got = 0;
        while got < buf.len() {
            match self.file.read(&mut buf[got..]) {
                Ok(0) => break,
                Ok(n) => got += n,
                Err(e) if e.kind() == ErrorKind::Interrupted => {}
                Err(e) => return Err(unreadable(raw, &e)),
            }
        }
        self.at += got as u64;
        if self.at > self.listed.stamp.len || (got < buf.len() && self.at < self.listed.stamp.len) {
            return Err(changed(raw, "changed its size while it was read"));
        }
        if self.at == self.listed.stamp.len {
            self.check_stamp()?;
        }
        Ok(got)
    }
}

#[cfg(unix)]
const LINK_REFUSED: i32 = libc::ELOOP;
#[cfg(not(unix))]
const LINK_REFUSED: i32 = -1;
