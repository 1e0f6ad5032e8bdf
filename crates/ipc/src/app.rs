//! What the handlers work on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, MutexGuard, PoisonError};

use async_trait::async_trait;
use headgate_core::{Code, Problem, Result};
use headgate_engine::{Console, RootInfo};
use zeroize::Zeroizing;

use crate::dto;

/// What only the shell can do.
#[async_trait]
pub trait Host: Send + Sync {
    /// Opens a native dialog for a folder; nothing when it is cancelled.
    async fn pick_folder(&self, title: &str) -> Option<PathBuf>;
    /// Opens a native dialog for a file with one of these endings.
    async fn pick_file(&self, title: &str, filter: &str, endings: &[&str]) -> Option<PathBuf>;
    /// Opens a native dialog for a new file of this name and ending; nothing when it is cancelled.
    async fn save_file(
        &self,
        title: &str,
        name: &str,
        filter: &str,
        ending: &str,
    ) -> Option<PathBuf>;
    /// Ends the program.
    fn quit(&self);
    /// Ends the program and starts it again.
    fn restart(&self) {
        self.quit();
    }
}

/// The application behind the window.
pub struct App {
    pub(crate) console: Console,
    pub(crate) host: Box<dyn Host>,
    pub(crate) roots: Mutex<HashMap<String, RootInfo>>,
    /// Key files that were picked and not used yet, by handle.
    pub(crate) key_files: Mutex<HashMap<String, Zeroizing<Vec<u8>>>>,
}

impl App {
    /// An application on a console.
    pub fn new(console: Console, host: Box<dyn Host>) -> Self {
        Self {
            console,
            host,
            roots: Mutex::default(),
            key_files: Mutex::default(),
        }
    }

    /// The console.
    pub fn console(&self) -> &Console {
        &self.console
    }

    /// Takes a dropped or dragged path; the window gets a handle, never the path.
    ///
    /// # Errors
    /// As [`Console::pick`].
    pub fn picked(&self, path: &Path) -> Result<dto::Picked> {
        let info = self.console.pick(path)?;
        Ok(dto::Picked {
            handle: info.handle,
            name: info.name,
            kind: info.kind.into(),
            ok: info.ok,
            says: info.says,
        })
    }

    pub(crate) fn root(&self, handle: &str) -> Result<RootInfo> {
        let missing = || {
            Problem::new(
                Code::UsageUnknown,
                "The root file is gone. Choose it again.",
            )
            .field("root")
        };
        lock(&self.roots).get(handle).cloned().ok_or_else(missing)
    }
}

pub(crate) fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

macro_rules! dispatcher {
    ($($(#[$doc:meta])* $name:ident($request:ident) -> $answer:ident;)*) => {
        impl App {
            /// Runs a command by its name: what the tests' bridge calls. The shell calls the same handlers.
            ///
            /// # Errors
            /// The handler's error; `usage.unknown` for a name that is not in the list,
            /// `usage.argument` for a request of another shape.
            pub async fn dispatch(&self, name: &str, request: serde_json::Value) -> Result<serde_json::Value, dto::IpcError> {
                match name {
                    $(stringify!($name) => {
                        let request: dto::$request = serde_json::from_value(request).map_err(wrong_shape)?;
                        let answer: dto::$answer = self.$name(request).await?;
                        serde_json::to_value(answer).map_err(wrong_shape)
                    })*
                    _ => Err(Problem::new(Code::UsageUnknown, format!("There is no command {name:?}.")).into()),
                }
            }
        }
    };
}

crate::for_each_command!(dispatcher);

pub(crate) fn wrong_shape(error: serde_json::Error) -> dto::IpcError {
    Problem::new(
        Code::UsageArgument,
        format!("The request has another shape than the command: {error}."),
    )
    .into()
}
