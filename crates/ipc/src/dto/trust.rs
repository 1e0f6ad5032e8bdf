//! Root ceremonies.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::app::IpcError;
use super::approval::{SignMissing, SignedLine, SignerKey};
use super::ship::{SignKey, SignRole};

/// A person with their key, for a ceremony.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TrustMember {
    /// Public half, 64 hex digits.
    pub public: String,
    /// Name of the key.
    pub name: String,
    /// Who holds it.
    pub holder: String,
}

/// A ceremony as a person words it. Keys are named by id.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum TrustCeremony {
    /// From one owner to several.
    Team {
        /// The other owners.
        members: Vec<TrustMember>,
        /// Owners who must sign root and settings.
        root: u32,
        /// Owners who must approve for the last channel.
        last: u32,
    },
    /// Another person, in roles.
    Add {
        /// Who.
        member: TrustMember,
        /// Role names.
        roles: Vec<String>,
    },
    /// A key does not count any more.
    Remove {
        /// Id of the key.
        key: String,
    },
    /// Signatures that a role needs.
    Threshold {
        /// Role name.
        role: String,
        /// How many.
        threshold: u32,
    },
    /// A key takes the place of another.
    Rotate {
        /// Id of the old key.
        old: String,
        /// The new one.
        new: TrustMember,
    },
    /// A role accepts a known key.
    Grant {
        /// Role name.
        role: String,
        /// Id of the key.
        key: String,
    },
    /// Roles with the same content, for longer.
    Renew {
        /// Role names.
        roles: Vec<String>,
    },
    /// A role does not accept a key any more.
    Revoke {
        /// Role name.
        role: String,
        /// Id of the key.
        key: String,
    },
}

/// Asks what a ceremony would change.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TrustRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// The ceremony.
    pub ceremony: TrustCeremony,
    /// Why, for the audit log.
    pub reason: String,
}

/// What a ceremony would change.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct TrustPlan {
    /// Opaque handle of the plan.
    pub plan: String,
    /// What the ceremony is called.
    pub title: String,
    /// Before and after, in words; what stays is left out.
    pub lines: Vec<SignedLine>,
    /// Protection that gets weaker.
    pub weakened: Vec<String>,
    /// Roles that get a new version.
    pub roles: Vec<SignRole>,
    /// Keys of this computer that sign.
    pub keys: Vec<SignKey>,
    /// Why it cannot be published from here alone.
    pub problem: Option<IpcError>,
    /// It lacks nothing but signatures of other people.
    pub can_ask: bool,
    /// Whose signatures those are.
    pub missing: Vec<SignMissing>,
    /// What must be typed to publish it: the app's identifier.
    pub type_to_confirm: String,
}

/// Who may sign what, as it is committed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TrustView {
    /// `solo` or `team`.
    pub profile: String,
    /// The last channel, where several people of a team approve.
    pub last: String,
    /// Keys that count for some role.
    pub keys: Vec<SignerKey>,
    /// Roles.
    pub roles: Vec<TrustRole>,
}

/// Keys of a role.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct TrustRole {
    /// Role name.
    pub role: String,
    /// Signatures that it needs.
    pub threshold: u32,
    /// Ids of its keys.
    pub keys: Vec<String>,
}
