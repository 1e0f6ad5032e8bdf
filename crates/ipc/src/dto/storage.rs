//! The storage of a workspace: what it is set to, mirrors, uploads that nobody ended.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{IpcError, StorageCredentials};

/// What the storage of a workspace is set to, as last read.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct StorageSettings {
    /// Where the registry lies.
    pub place: StoragePlace,
    /// Where devices read.
    pub public_url: Option<String>,
    /// Further places that get what the registry gets.
    pub mirrors: Vec<StoragePlace>,
    /// What releases put into storage; nothing before the settings were read.
    pub delivers: Option<Delivers>,
}

/// A place that is written to.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct StoragePlace {
    /// Its address.
    pub address: String,
    /// `folder` or `bucket`.
    pub kind: String,
    /// A bucket's credentials are in the vault; otherwise they come from `AWS_*` variables.
    pub in_vault: bool,
    /// A mirror that lacks something, and why.
    pub behind: Option<IpcError>,
}

/// What releases put into storage.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Delivers {
    /// Their zip.
    pub zip: bool,
    /// Their files, each by itself.
    pub files: bool,
}

/// Asks for another one of these.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct DeliverRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// What releases shall put into storage.
    pub delivers: Delivers,
}

/// Adds a mirror.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MirrorAdd {
    /// Workspace on this computer.
    pub workspace: String,
    /// Its address: a folder, or `s3://bucket/prefix?region=…`.
    pub storage: String,
    /// For a bucket: its credentials, kept in the vault. Nothing = `AWS_*` variables of this computer.
    pub credentials: Option<StorageCredentials>,
}

/// One mirror.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct MirrorRef {
    /// Workspace on this computer.
    pub workspace: String,
    /// Its address.
    pub address: String,
}

/// Gives up uploads in parts that nobody ended.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct UploadsSweep {
    /// Workspace on this computer.
    pub workspace: String,
    /// Begun at least so many days ago.
    pub days: u32,
}

/// What became of them.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct UploadsSwept {
    /// Keys of those that were given up.
    pub given_up: Vec<String>,
    /// How many were left alone: younger, or a job of this computer goes on with them.
    pub kept: u32,
}
