//! The window of an offline workstation: commands on [`headgate_offline`], without an engine.

mod handlers;
mod shown;

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Mutex;

use headgate_core::{Code, Problem, Result};
use headgate_offline::Workstation;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

use crate::app::{App, Host, lock, wrong_shape};
use crate::dto::{self, IpcError};

/// A request that the window knows by a handle.
#[derive(Debug, Clone)]
pub(super) enum Source {
    /// A file in the folder.
    File(PathBuf),
    /// From a picture.
    Picture(Vec<u8>),
}

/// An offline workstation behind the window.
pub struct OfflineApp {
    pub(super) station: Workstation,
    pub(super) host: Box<dyn Host>,
    pub(super) roots: Mutex<HashMap<String, Vec<u8>>>,
    pub(super) requests: Mutex<HashMap<String, Source>>,
    /// What the folder looked like, and what was read of it then.
    pub(super) glanced: Mutex<Option<(String, dto::OfflineRequests)>>,
}

impl OfflineApp {
    /// The workstation of a home folder.
    ///
    /// # Errors
    /// `local.disk`.
    pub fn open(home: &Path, host: Box<dyn Host>) -> Result<Self> {
        Ok(Self {
            station: Workstation::open(home)?,
            host,
            roots: Mutex::default(),
            requests: Mutex::default(),
            glanced: Mutex::default(),
        })
    }

    /// Whether the window of this home folder is to start as an offline workstation.
    pub fn is_chosen(home: &Path) -> bool {
        Workstation::is_chosen(home)
    }

    /// Remembers that the window of this home folder is an offline workstation.
    ///
    /// # Errors
    /// `local.disk`.
    pub fn choose(home: &Path) -> Result<()> {
        Workstation::open(home)?
            .change_settings(|s| s.chosen = true)
            .map(drop)
    }

    /// Runs a command whose request and answer the caller knows.
    ///
    /// # Errors
    /// The handler's own; `usage.unknown` for a command of the console.
    pub(crate) async fn answer<R: Serialize, A: DeserializeOwned>(
        &self,
        name: &str,
        request: &R,
    ) -> Result<A, IpcError> {
        let request = serde_json::to_value(request).map_err(wrong_shape)?;
        let answer = self.dispatch(name, request).await?;
        serde_json::from_value(answer).map_err(wrong_shape)
    }

    pub(super) fn source(&self, handle: &str) -> Result<Source> {
        let gone = || {
            Problem::new(
                Code::SigningFormat,
                "The request is gone. Read the drive again.",
            )
        };
        lock(&self.requests).get(handle).cloned().ok_or_else(gone)
    }
}

/// On a console: these commands belong to the other mode.
fn not_offline() -> IpcError {
    Problem::new(Code::UsageUnknown, "This is no offline workstation.")
        .remedy("Start Headgate with --offline.")
        .into()
}

/// On a workstation: everything else belongs to the console.
fn only_offline(name: &str) -> IpcError {
    let what = format!("An offline workstation has no {name:?}: it signs, and nothing else.");
    Problem::new(Code::UsageUnknown, what)
        .remedy("Use the console on a computer with a network.")
        .into()
}

macro_rules! offline {
    ($($name:ident($request:ident) -> $answer:ident;)*) => {
        /// Only on an offline workstation.
        impl App {
            $(
                /// Only on an offline workstation.
                ///
                /// # Errors
                /// `usage.unknown`.
                pub async fn $name(&self, _: dto::$request) -> Result<dto::$answer, IpcError> {
                    Err(not_offline())
                }
            )*
        }

        impl OfflineApp {
            /// Names of its commands.
            #[cfg(test)]
            pub(crate) const COMMANDS: &[&str] = &[$(stringify!($name)),*];

            /// Runs a command by its name.
            ///
            /// # Errors
            /// The handler's error; `usage.unknown` for a command of the console, `usage.argument` for a request of
            /// another shape.
            pub async fn dispatch(&self, name: &str, request: Value) -> Result<Value, IpcError> {
                match name {
                    "app_state" => to_value(&self.app_state()?),
                    "set_theme" => to_value(&self.set_theme(&from_value(request)?)?),
                    "quit" => {
                        self.host.quit();
                        to_value(&dto::Empty {})
                    }
                    // No job can be running.
                    "jobs" => to_value(&dto::Jobs { jobs: Vec::new() }),
                    $(stringify!($name) => {
                        let request: dto::$request = from_value(request)?;
                        let answer: dto::$answer = self.$name(request).await?;
                        to_value(&answer)
                    })*
                    _ => Err(only_offline(name)),
                }
            }
        }
    };
}

offline! {
    offline_state(Empty) -> OfflineState;
    offline_root_pick(Empty) -> OfflinePickedRoot;
    offline_root_pin(OfflinePin) -> OfflineState;
    offline_key_create(OfflineKeyNew) -> OfflineMadeKey;
    offline_key_import(OfflineKeyNew) -> OfflineMadeKey;
    offline_key_save(OfflineKeyRef) -> OfflineSaved;
    offline_folder_choose(Empty) -> OfflineState;
    offline_requests(Empty) -> OfflineRequests;
    offline_scan(Empty) -> OfflineScanned;
    offline_review(OfflineRef) -> OfflineReview;
    offline_sign(OfflineSign) -> OfflineAnswer;
    offline_refuse(OfflineRefuse) -> OfflineAnswer;
    offline_answer_save(OfflineRef) -> OfflineSaved;
    offline_history(Empty) -> OfflineHistory;
    offline_history_export(Empty) -> OfflineSaved;
}

impl App {
    /// Makes this home folder an offline workstation and starts again as one.
    ///
    /// # Errors
    /// `rollout.state` when the console has workspaces; `local.disk`.
    pub async fn offline_choose(&self, _: dto::Empty) -> Result<dto::Empty, IpcError> {
        if !self.console.workspaces().await?.is_empty() {
            return Err(Problem::new(
                Code::UsageExists,
                "This computer has workspaces already, so it has been on a network.",
            )
            .remedy("Use a computer, or a home folder, of its own for signing offline.")
            .into());
        }
        OfflineApp::choose(self.console.home().path())?;
        self.host.restart();
        Ok(dto::Empty {})
    }
}

fn from_value<T: DeserializeOwned>(value: Value) -> Result<T, IpcError> {
    serde_json::from_value(value).map_err(wrong_shape)
}

fn to_value<T: Serialize>(value: &T) -> Result<Value, IpcError> {
    serde_json::to_value(value).map_err(wrong_shape)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::commands::COMMANDS;

    #[test]
    fn every_offline_command_of_the_list_is_handled() {
        let listed: Vec<&str> = COMMANDS
            .iter()
            .copied()
            .filter(|c| c.starts_with("offline_") && *c != "offline_choose")
            .collect();
        assert_eq!(OfflineApp::COMMANDS, listed);
    }
}
