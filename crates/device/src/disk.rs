//! The device's own folder.
//!
//! ```text
//! device.json                       what it remembers; replaced as a whole
//! bundles/<manifest sha256>/        a verified bundle
//!     inventory.json                what its files must be
//!     www/…                         its files
//! incoming/…                        a download on its way; worth nothing
//! ```

use std::fs::{self, File};
use std::io::{self, ErrorKind, Read as _, Write as _};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use sha2::{Digest as _, Sha256};

/// A device's folder. Paths are relative, with `/`; callers make them of hashes and checked inventory paths alone.
pub trait Disk: Send + Sync {
    /// A file; nothing when it is not there.
    ///
    /// # Errors
    /// `local.disk`.
    fn read(&self, path: &str) -> Result<Option<Bytes>>;

    /// Replaces a file. Durable when it returns; whole or not at all whatever happens.
    ///
    /// # Errors
    /// `local.disk`.
    fn replace(&self, path: &str, bytes: Bytes) -> Result<()>;

    /// Writes a new file that nothing relies on before [`Self::place`].
    ///
    /// # Errors
    /// `local.disk`.
    fn put(&self, path: &str, bytes: Bytes) -> Result<()>;

    /// SHA-256 and size of a file; nothing when it is not there.
    ///
    /// # Errors
    /// `local.disk`.
    fn digest(&self, path: &str) -> Result<Option<(String, u64)>>;

    /// Every file below a folder, relative to it, sorted; none when it is not there.
    ///
    /// # Errors
    /// `local.disk`; also for anything that is neither file nor folder.
    fn files(&self, folder: &str) -> Result<Vec<String>>;

    /// Names directly in a folder; none when it is not there.
    ///
    /// # Errors
    /// `local.disk`.
    fn names(&self, folder: &str) -> Result<Vec<String>>;

    /// Makes a folder durable and moves it to where nothing is, in one step.
    ///
    /// # Errors
    /// `local.disk`.
    fn place(&self, from: &str, to: &str) -> Result<()>;

    /// Removes a file or folder; one that is not there is removed.
    ///
    /// # Errors
    /// `local.disk`.
    fn remove(&self, path: &str) -> Result<()>;

    /// A path outside of all others for a zip on its way; nothing is there.
    ///
    /// # Errors
    /// `local.disk`.
    fn scratch(&self) -> Result<PathBuf>;
}

/// A folder of the file system.
#[derive(Debug, Clone)]
pub struct FolderDisk {
    root: PathBuf,
}

impl FolderDisk {
    /// Opens the folder, and makes it when it is not there.
    ///
    /// # Errors
    /// `local.disk`.
    pub fn open(root: &Path) -> Result<Self> {
        fs::create_dir_all(root).map_err(|e| failed(&e, root))?;
        Ok(Self {
            root: root.to_owned(),
        })
    }

    fn path(&self, path: &str) -> PathBuf {
        path.split('/')
            .fold(self.root.clone(), |p, part| p.join(part))
    }

    fn parent(path: &Path) -> Result<&Path> {
        let none = || Problem::new(Code::Internal, "A path of the device has no folder.");
        let parent = path.parent().ok_or_else(none)?;
        fs::create_dir_all(parent).map_err(|e| failed(&e, parent))?;
        Ok(parent)
    }
}

/// `local.disk`.
pub(crate) fn failed(error: &io::Error, path: &Path) -> Problem {
    let what = format!("{} of the device failed: {error}.", path.display());
    Problem::new(Code::LocalDisk, what)
}

fn absent<T>(result: io::Result<T>, path: &Path) -> Result<Option<T>> {
    match result {
        Ok(found) => Ok(Some(found)),
        Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
        Err(e) => Err(failed(&e, path)),
    }
}

/// Makes the entries of a folder durable, where the file system can.
fn sync_folder(path: &Path) -> Result<()> {
    #[cfg(unix)]
    File::open(path)
        .and_then(|folder| folder.sync_all())
        .map_err(|e| failed(&e, path))?;
    let _ = path;
    Ok(())
}

/// Calls for every entry below a folder, deepest first; links are not followed.
fn walk(folder: &Path, each: &mut dyn FnMut(&Path, fs::FileType) -> Result<()>) -> Result<()> {
    let Some(entries) = absent(fs::read_dir(folder), folder)? else {
        return Ok(());
    };
    for entry in entries {
        let entry = entry.map_err(|e| failed(&e, folder))?;
        let kind = entry.file_type().map_err(|e| failed(&e, &entry.path()))?;
        if kind.is_dir() {
            walk(&entry.path(), each)?;
        }
        each(&entry.path(), kind)?;
    }
    Ok(())
}

impl Disk for FolderDisk {
    fn read(&self, path: &str) -> Result<Option<Bytes>> {
        let path = self.path(path);
        Ok(absent(fs::read(&path), &path)?.map(Bytes::from))
    }

    fn replace(&self, path: &str, bytes: Bytes) -> Result<()> {
        let path = self.path(path);
        let parent = Self::parent(&path)?;
        let new = path.with_extension("new");
        let write = || {
            let mut file = File::create(&new)?;
            file.write_all(&bytes)?;
            file.sync_all()?;
            fs::rename(&new, &path)
        };
        write().map_err(|e| failed(&e, &path))?;
        sync_folder(parent)
    }

    fn put(&self, path: &str, bytes: Bytes) -> Result<()> {
        let path = self.path(path);
        Self::parent(&path)?;
        let mut file = File::options()
            .write(true)
            .create_new(true)
            .open(&path)
            .map_err(|e| failed(&e, &path))?;
        file.write_all(&bytes).map_err(|e| failed(&e, &path))
    }

    fn digest(&self, path: &str) -> Result<Option<(String, u64)>> {
        let path = self.path(path);
        let Some(mut file) = absent(File::open(&path), &path)? else {
            return Ok(None);
        };
        let (mut hash, mut size, mut block) = (Sha256::new(), 0, vec![0; 64 * 1024]);
        loop {
            let got = file.read(&mut block).map_err(|e| failed(&e, &path))?;
            if got == 0 {
                return Ok(Some((hex::encode(hash.finalize()), size)));
            }
            hash.update(&block[..got]);
            size += got as u64;
        }
    }

    fn files(&self, folder: &str) -> Result<Vec<String>> {
        let root = self.path(folder);
        let mut files = Vec::new();
        walk(&root, &mut |path, kind| {
            if kind.is_dir() {
                return Ok(());
            }
            let relative = path.strip_prefix(&root).ok();
            let parts = relative.into_iter().flat_map(Path::components);
            let parts: Option<Vec<&str>> = parts.map(|p| p.as_os_str().to_str()).collect();
            match parts.filter(|_| kind.is_file()) {
                Some(parts) => files.push(parts.join("/")),
                None => {
                    let what = format!("{} is no file of a bundle.", path.display());
                    return Err(Problem::new(Code::LocalDisk, what));
                }
            }
            Ok(())
        })?;
        files.sort();
        Ok(files)
    }

    fn names(&self, folder: &str) -> Result<Vec<String>> {
        let folder = self.path(folder);
        let Some(entries) = absent(fs::read_dir(&folder), &folder)? else {
            return Ok(Vec::new());
        };
        let mut names = Vec::new();
        for entry in entries {
            let entry = entry.map_err(|e| failed(&e, &folder))?;
            names.extend(entry.file_name().into_string());
        }
        Ok(names)
    }

    fn place(&self, from: &str, to: &str) -> Result<()> {
        let (from, to) = (self.path(from), self.path(to));
        walk(&from, &mut |path, kind| {
            if kind.is_dir() {
                return sync_folder(path);
            }
            File::open(path)
                .and_then(|file| file.sync_all())
                .map_err(|e| failed(&e, path))
        })?;
        sync_folder(&from)?;
        let parent = Self::parent(&to)?;
        fs::rename(&from, &to).map_err(|e| failed(&e, &to))?;
        sync_folder(parent)
    }

    fn remove(&self, path: &str) -> Result<()> {
        let path = self.path(path);
        let Some(found) = absent(fs::symlink_metadata(&path), &path)? else {
            return Ok(());
        };
        let removed = if found.is_dir() {
            fs::remove_dir_all(&path)
        } else {
            fs::remove_file(&path)
        };
        removed.map_err(|e| failed(&e, &path))
    }

    fn scratch(&self) -> Result<PathBuf> {
        let path = self.path("incoming/bundle.zip");
        Self::parent(&path)?;
        self.remove("incoming/bundle.zip")?;
        Ok(path)
    }
}
