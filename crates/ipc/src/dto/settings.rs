//! Settings that are signed: what a change would sign, and the defaults of a channel.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{IpcError, SignKey, SignMissing, SignRole};

/// What a change of settings would sign.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct SettingsPlan {
    /// Opaque handle of the plan.
    pub plan: String,
    /// Roles that get a new version.
    pub roles: Vec<SignRole>,
    /// Keys that sign.
    pub keys: Vec<SignKey>,
    /// Why it cannot be signed here now.
    pub problem: Option<IpcError>,
    /// It lacks nothing but signatures of other people, which can be asked for.
    pub can_ask: bool,
    /// Whose signatures those are.
    pub missing: Vec<SignMissing>,
    /// What must be typed; nothing = a button is enough.
    pub type_to_confirm: Option<String>,
    /// For a channel: what its settings say in storage now.
    pub now: Option<ChannelDefaults>,
}

/// What rollouts of a channel begin with, and how a person confirms them.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ChannelDefaults {
    /// `none`, `plain`, `typed` or `wait`.
    pub confirm: String,
    /// Share that a rollout starts with, permille.
    pub start_permille: u32,
    /// Hours that each step of a rollout is meant to last at least.
    pub min_hours: u32,
    /// Gate of new rollouts; nothing = none.
    pub gate: Option<GateLimit>,
}

/// Changes what a channel's rollouts begin with, or how a person confirms them. What is nothing stays as it is.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ChannelChange {
    /// Workspace on this computer.
    pub workspace: String,
    /// Channel.
    pub channel: String,
    /// `none`, `plain`, `typed` or `wait`.
    pub confirm: Option<String>,
    /// Share that a rollout starts with, permille, 1 to 1000.
    pub start_permille: Option<u32>,
    /// Hours that each step of a rollout is meant to last at least.
    pub min_hours: Option<u32>,
    /// The gate of new rollouts.
    pub gate: Option<GateChange>,
}

/// A gate, or that there is none.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct GateChange {
    /// New rollouts have it.
    pub limit: Option<GateLimit>,
}

/// When a rollout stops itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct GateLimit {
    /// Attempts that are needed before it judges.
    pub min_sample: u32,
    /// Share of failed attempts above which nothing more is offered, permille.
    pub max_failure_permille: u32,
}
