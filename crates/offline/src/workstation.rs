//! The workstation: its home folder and its settings.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use std::time::{SystemTime, UNIX_EPOCH};

use headgate_core::Result;
use headgate_tuf::{KeyId, UtcTime};
use serde::{Deserialize, Serialize};

use crate::disk;
use crate::state::State;

/// Folder below the home folder that everything of the workstation is in.
const FOLDER: &str = "offline";
const SETTINGS: &str = "workstation.json";

/// What a person chose.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Settings {
    /// The console of this home folder starts as an offline workstation.
    #[serde(default)]
    pub chosen: bool,
    /// Folder that requests are read from and answers written to.
    #[serde(default)]
    pub folder: Option<PathBuf>,
    /// Who signs here, for answers and the history.
    #[serde(default)]
    pub name: String,
    /// Theme of the window.
    #[serde(default)]
    pub theme: Option<String>,
}

/// An offline workstation.
#[derive(Debug, Clone)]
pub struct Workstation {
    pub(crate) home: PathBuf,
    now: Option<UtcTime>,
}

impl Workstation {
    /// Opens the workstation of a home folder; makes its folder, for this account alone.
    ///
    /// # Errors
    /// `local.disk`.
    pub fn open(home: &Path) -> Result<Self> {
        let folder = home.join(FOLDER);
        for folder in [
            &folder,
            &folder.join("workspaces"),
            &folder.join("inventories"),
            &folder.join("answers"),
        ] {
            disk::private_folder(folder)?;
        }
        Ok(Self {
            home: folder,
            now: None,
        })
    }

    /// Whether the console of this home folder is to start as an offline workstation.
    pub fn is_chosen(home: &Path) -> bool {
        let settings = disk::own::<Settings>(&home.join(FOLDER).join(SETTINGS));
        settings.ok().flatten().is_some_and(|s| s.chosen)
    }

    /// With a fixed time, for tests.
    #[must_use]
    pub fn at(mut self, now: UtcTime) -> Self {
        self.now = Some(now);
        self
    }

    /// Now, by the clock of this computer.
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads it; tests put a fixed time in"
    )]
    pub fn now(&self) -> UtcTime {
        self.now.unwrap_or_else(|| {
            let since = SystemTime::now().duration_since(UNIX_EPOCH);
            UtcTime::from_unix(since.map_or(0, |d| i64::try_from(d.as_secs()).unwrap_or(i64::MAX)))
        })
    }

    /// What a person chose.
    ///
    /// # Errors
    /// `local.*`.
    pub fn settings(&self) -> Result<Settings> {
        Ok(disk::own(&self.home.join(SETTINGS))?.unwrap_or_default())
    }

    /// Remembers what a person chose.
    ///
    /// # Errors
    /// `local.*`.
    pub fn change_settings(&self, change: impl FnOnce(&mut Settings)) -> Result<Settings> {
        let mut settings = self.settings()?;
        change(&mut settings);
        disk::put(&self.home.join(SETTINGS), &settings)?;
        Ok(settings)
    }

    /// Folder of the workstation.
    pub fn path(&self) -> &Path {
        &self.home
    }

    pub(crate) fn state(&self, identity: &str) -> State {
        State::of(&self.home, identity)
    }

    pub(crate) fn states(&self) -> Result<Vec<State>> {
        let folder = self.home.join("workspaces");
        let list = std::fs::read_dir(&folder).map_err(|e| disk::failed(&folder, "read", &e))?;
        let mut folders: Vec<PathBuf> = list.flatten().map(|e| e.path()).collect();
        folders.sort();
        Ok(folders.into_iter().map(State::at).collect())
    }

    pub(crate) fn own_ids(&self) -> Result<BTreeSet<KeyId>> {
        Ok(self.keys()?.into_iter().map(|k| k.id).collect())
    }
}
