//! The home folder: what one computer keeps. The console and the CLI share it.

use std::path::{Path, PathBuf};

use headgate_core::{Code, Problem, Result};

/// A home folder.
#[derive(Debug, Clone)]
pub struct Home(PathBuf);

impl Home {
    /// Makes the folder if it is missing, readable by its owner alone.
    ///
    /// # Errors
    /// `local.disk`.
    pub fn open(path: &Path) -> Result<Self> {
        let bad = |e: std::io::Error| {
            Problem::new(
                Code::LocalDisk,
                format!("The home folder {} cannot be used: {e}.", path.display()),
            )
        };
        let home = Self(path.to_owned());
        for folder in [path.to_owned(), home.work(), home.backups()] {
            std::fs::create_dir_all(&folder).map_err(bad)?;
        }
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o700)).map_err(bad)?;
        }
        Ok(home)
    }

    /// Where it is unless told otherwise: the platform's data folder.
    pub fn default_path() -> Option<PathBuf> {
        let var = |name| {
            std::env::var_os(name)
                .filter(|v| !v.is_empty())
                .map(PathBuf::from)
        };
        if let Some(home) = var("HEADGATE_HOME") {
            return Some(home);
        }
        if cfg!(windows) {
            return var("APPDATA").map(|d| d.join("Headgate"));
        }
        let user = var("HOME")?;
        if cfg!(target_os = "macos") {
            return Some(user.join("Library/Application Support/Headgate"));
        }
        Some(
            var("XDG_DATA_HOME")
                .unwrap_or_else(|| user.join(".local/share"))
                .join("headgate"),
        )
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.0
    }

    /// Can be rebuilt from storage.
    pub fn cache(&self) -> PathBuf {
        self.0.join("cache.sqlite")
    }

    /// Cannot.
    pub fn journal(&self) -> PathBuf {
        self.0.join("journal.sqlite")
    }

    /// Packed bundles until they are in storage.
    pub fn work(&self) -> PathBuf {
        self.0.join("work")
    }

    /// What a job makes for stock plugins, until it is uploaded.
    pub(crate) fn clients(&self, job: &str) -> PathBuf {
        self.work().join(format!("clients-{job}"))
    }

    /// Copies of the journal.
    pub fn backups(&self) -> PathBuf {
        self.0.join("backups")
    }

    /// The sandbox's folder.
    pub fn sandbox(&self) -> PathBuf {
        self.0.join("sandbox")
    }

    /// The registry in it.
    pub fn sandbox_storage(&self) -> PathBuf {
        self.sandbox().join("storage")
    }
}
