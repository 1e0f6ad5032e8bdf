//! Promoting the same bytes to the next channel.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::app::{IpcError, Vault};
use super::approval::SignMissing;
use super::board::Release;
use super::job::Said;
use super::ship::{SignKey, SignRole};

/// Asks what a promotion would do.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct PromoteRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit in it.
    pub unit: String,
    /// Build to promote.
    pub build: u32,
    /// Source channel.
    pub from: String,
    /// Target channel.
    pub to: String,
    /// First share; nothing = the channel's default.
    pub permille: Option<u32>,
}

/// What a promotion would do, with the proof that the bytes are the same.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct PromotePlan {
    /// Opaque handle of the plan.
    pub plan: String,
    /// The release.
    pub release: Release,
    /// Source channel.
    pub from: String,
    /// Target channel.
    pub to: String,
    /// How the release stands on the source: "Complete 100 %".
    pub from_says: String,
    /// What it replaces on the target: "replaces 4.2.4, build 1301".
    pub replaces: String,
    /// "Starts at 1 %".
    pub starts: String,
    /// Share, permille.
    pub permille: u32,
    /// SHA-256 of the bundle as the source channel serves it, recomputed from storage.
    pub from_sha256: String,
    /// SHA-256 that the target will serve.
    pub to_sha256: String,
    /// SHA-256 of the manifest: one hash for both.
    pub manifest: String,
    /// When the hash was recomputed.
    pub recomputed: String,
    /// Who is affected and what stays.
    pub affected: Vec<Said>,
    /// Roles that get a new version.
    pub roles: Vec<SignRole>,
    /// Keys that sign.
    pub keys: Vec<SignKey>,
    /// Where they are.
    pub vault: Vault,
    /// Why it cannot be signed here now.
    pub problem: Option<IpcError>,
    /// It lacks nothing but signatures of other people, which can be asked for.
    pub can_ask: bool,
    /// Whose signatures those are.
    pub missing: Vec<SignMissing>,
    /// The channel's name that must be typed, when the channel asks for it.
    pub type_to_confirm: Option<String>,
}
