//! Files: written whole or not at all, read with a cap and without following links.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Read, Write};
use std::path::Path;

use headgate_core::{Code, Problem, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Makes a folder that this account alone can look into.
pub(crate) fn private_folder(path: &Path) -> Result<()> {
    fs::create_dir_all(path).map_err(|e| failed(path, "made", &e))?;
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        fs::set_permissions(path, fs::Permissions::from_mode(0o700))
            .map_err(|e| failed(path, "protected", &e))?;
    }
    Ok(())
}

/// Writes a file of our own: after a crash there is either the old or the new one.
pub(crate) fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let written = || -> io::Result<()> {
        let mut file = tempfile::NamedTempFile::new_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        file.persist(path).map_err(|e| e.error)?;
        sync_folder(folder)
    };
    written().map_err(|e| failed(path, "written", &e))
}

/// Writes a file for other people beside theirs, without replacing one that says something else.
pub(crate) fn write_new(path: &Path, bytes: &[u8]) -> Result<()> {
    if let Ok(there) = read(path, bytes.len() as u64)
        && there == bytes
    {
        return Ok(());
    }
    let folder = path.parent().unwrap_or_else(|| Path::new("."));
    let written = || -> io::Result<()> {
        let mut file = tempfile::Builder::new()
            .prefix(".headgate-")
            .tempfile_in(folder)?;
        file.write_all(bytes)?;
        file.as_file().sync_all()?;
        readable(file.as_file())?;
        file.persist_noclobber(path).map_err(|e| e.error)?;
        sync_folder(folder)
    };
    written().map_err(|e| match e.kind() {
        io::ErrorKind::AlreadyExists => Problem::new(
            Code::UsageExists,
            format!("{} exists already.", shown(path)),
        )
        .remedy("Move it away, or choose another file."),
        _ => failed(path, "written", &e),
    })
}

/// What goes to others is for others to read.
#[cfg(unix)]
fn readable(file: &File) -> io::Result<()> {
    use std::os::unix::fs::PermissionsExt;
    // A drive without permissions refuses, and needs none.
    match file.set_permissions(fs::Permissions::from_mode(0o644)) {
        Err(e) if e.kind() != io::ErrorKind::PermissionDenied => Err(e),
        _ => Ok(()),
    }
}

#[cfg(not(unix))]
fn readable(_file: &File) -> io::Result<()> {
    Ok(())
}

/// Adds to a file and waits for the disk.
pub(crate) fn append(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = OpenOptions::new();
    options.append(true).create(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|e| failed(path, "written", &e))
}

/// Opens a regular file; a link is not followed, and a pipe or device is not waited for.
pub(crate) fn open(path: &Path) -> Result<File> {
    let unreadable = |why: String| {
        Problem::new(
            Code::SigningFormat,
            format!("{} cannot be read: {why}.", shown(path)),
        )
    };
    let kind = fs::symlink_metadata(path).map_err(|e| unreadable(e.to_string()))?;
    if !kind.is_file() {
        return Err(unreadable("it is no regular file".into()));
    }
    let mut options = OpenOptions::new();
    options.read(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::custom_flags(
        &mut options,
        libc::O_NOFOLLOW | libc::O_NONBLOCK,
    );
    let file = options.open(path).map_err(|e| unreadable(e.to_string()))?;
    let opened = file.metadata().map_err(|e| unreadable(e.to_string()))?;
    if !opened.is_file() {
        return Err(unreadable("it is no regular file".into()));
    }
    Ok(file)
}

/// Reads a file of at most `max` bytes.
pub(crate) fn read(path: &Path, max: u64) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    let file = open(path)?;
    if file.metadata().is_ok_and(|m| m.len() > max) {
        return Err(too_large(path, max));
    }
    // It may grow while it is read.
    file.take(max + 1)
        .read_to_end(&mut bytes)
        .map_err(|e| failed(path, "read", &e))?;
    if bytes.len() as u64 > max {
        return Err(too_large(path, max));
    }
    Ok(bytes)
}

fn too_large(path: &Path, max: u64) -> Problem {
    let what = format!("{} is larger than {max} bytes.", shown(path));
    Problem::new(Code::SigningFormat, what)
}

/// Reads a file of our own; nothing when there is none.
pub(crate) fn own<T: DeserializeOwned>(path: &Path) -> Result<Option<T>> {
    match fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map(Some).map_err(|e| {
            Problem::new(
                Code::LocalJournal,
                format!("{} is damaged: {e}.", shown(path)),
            )
            .remedy("Restore the file from a backup of this home folder.")
        }),
        Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(path, "read", &e)),
    }
}

/// Writes a file of our own as JSON.
pub(crate) fn put<T: Serialize>(path: &Path, value: &T) -> Result<()> {
    let mut bytes = serde_json::to_vec_pretty(value)
        .map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
    bytes.push(b'\n');
    write(path, &bytes)
}

/// `local.disk`.
pub(crate) fn failed(path: &Path, what: &str, error: &io::Error) -> Problem {
    let text = format!("{} cannot be {what}: {error}.", shown(path));
    Problem::new(Code::LocalDisk, text)
}

/// A path for people; names on a drive are somebody else's text.
pub(crate) fn shown(path: &Path) -> String {
    headgate_core::signing::plain(&path.display().to_string())
}

#[cfg(unix)]
fn sync_folder(folder: &Path) -> io::Result<()> {
    let folder = if folder.as_os_str().is_empty() {
        Path::new(".")
    } else {
        folder
    };
    File::open(folder)?.sync_all()
}

#[cfg(not(unix))]
fn sync_folder(_folder: &Path) -> io::Result<()> {
    Ok(())
}
