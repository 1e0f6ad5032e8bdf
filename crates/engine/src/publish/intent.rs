//! What was asked for: enough to do it again after a crash or a lost race.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use headgate_core::manifest::ReleaseManifest;
use headgate_core::settings::Delivers;
use headgate_core::signing::TrustEdit;
use headgate_tuf::{Name, PublicKey, UtcTime};
use serde::{Deserialize, Serialize};

use super::{Collected, SettingsChange};

/// A wish with its author.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Intent {
    /// Who wants it.
    pub by: String,
    /// Why, in their words; may be empty.
    pub reason: String,
    /// What.
    pub action: Action,
    /// Versions of the roles that the decision was based on. If one of them moved, somebody else
    /// decided something about the same channel meanwhile, and a person must look again.
    pub base: BTreeMap<String, u64>,
    /// Signatures of other people.
    #[serde(default)]
    pub collected: Collected,
    /// Seconds that it can still be undone before anything is signed.
    #[serde(default)]
    pub wait: u32,
}

/// Another owner of a new workspace.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Member {
    /// Public half of their key.
    pub public: PublicKey,
    /// Its name.
    pub name: String,
    /// Who holds it.
    pub holder: String,
}

/// The *team* profile of a new workspace: its owners beside the one who makes it, and what needs more than one of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Team {
    /// The others.
    pub members: Vec<Member>,
    /// Owners who must sign the root and the settings.
    pub root_threshold: u32,
    /// Owners who must approve for the last channel.
    pub last_threshold: u32,
}

/// What is wanted.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case")]
pub enum Action {
    /// A new registry.
    Init {
        /// App identifier.
        app: String,
        /// Name of the app.
        name: String,
        /// Workspace identity.
        identity: String,
        /// Channels, first to last.
        channels: Vec<Name>,
        /// Signs root, targets and approvals.
        release_key: PublicKey,
        /// Signs rollouts and freshness on this computer.
        online_key: PublicKey,
        /// Names of the two.
        key_names: [String; 2],
        /// When it was asked for.
        at: UtcTime,
        /// A sandbox: its gate judges after a few devices, and no step has to last.
        #[serde(default)]
        sandbox: bool,
        /// Several owners; nothing makes the *solo* profile.
        #[serde(default)]
        team: Option<Team>,
    },
    /// Who may sign what.
    Trust {
        /// The changes, in order.
        edits: Vec<TrustEdit>,
        /// What the ceremony is called: "Make a team".
        title: String,
    },
    /// Roles with the same content, for longer.
    Renew {
        /// Role names.
        roles: Vec<String>,
    },
    /// A new release.
    Ship {
        /// Channel.
        channel: Name,
        /// The release.
        manifest: Box<ReleaseManifest>,
        /// The packed bundle on this computer.
        bundle: PathBuf,
        /// Its inventory on this computer.
        inventory: PathBuf,
        /// First share, permille.
        permille: u16,
        /// The build number may be replaced by the next free one.
        renumber: bool,
        /// The map of its single files on this computer, where they are uploaded.
        #[serde(default)]
        files: Option<PathBuf>,
    },
    /// The same bytes on the next channel.
    Promote {
        /// Unit.
        unit: Name,
        /// Build number.
        build: u32,
        /// Source channel.
        from: Name,
        /// Target channel.
        to: Name,
        /// First share, permille.
        permille: u16,
    },
    /// Another rollout of what is approved.
    Rollout {
        /// Unit.
        unit: Name,
        /// Channel.
        channel: Name,
        /// The change.
        change: RolloutChange,
    },
    /// Freshness, signed again; and other roles of ours that are past half their life.
    Refresh {
        /// Roles that keep their version, since an open request builds on it.
        #[serde(default)]
        leave: BTreeSet<String>,
    },
    /// One more freshness key in the root.
    AddFreshnessKey {
        /// The key.
        public: PublicKey,
        /// Its name.
        name: String,
        /// Who holds it.
        holder: String,
    },
    /// What releases put into storage.
    Deliver {
        /// From now on.
        delivers: Delivers,
    },
    /// Another setting of a unit or channel.
    Settings {
        /// Which.
        change: SettingsChange,
    },
    /// A mirror gets what the registry has. Nothing is signed.
    Mirror {
        /// Its address.
        address: String,
    },
}

/// A change of what a channel serves.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "snake_case")]
pub enum RolloutChange {
    /// Serves an approved build to a share of the devices, or raises its share.
    Share {
        /// Build number.
        build: u32,
        /// Permille.
        permille: u16,
    },
    /// Stops offering.
    Halt,
    /// Goes on offering.
    Resume,
    /// To everybody.
    Complete,
    /// To an earlier approved build, for everybody.
    RollBack {
        /// Build number.
        to: u32,
    },
    /// To the web build inside the store app.
    Embedded,
    /// Closes the channel to more devices.
    Freeze,
    /// Opens a frozen channel again.
    Unfreeze,
}

impl RolloutChange {
    /// It takes nothing from a device and offers it nothing more. Such acts have to be quick: no name is typed for them
    /// and no seconds pass before they are signed.
    pub fn stops(&self) -> bool {
        matches!(self, Self::Halt | Self::Freeze)
    }

    /// Word for the audit log.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Share { .. } => "roll_out",
            Self::Halt => "halt",
            Self::Resume => "resume",
            Self::Complete => "complete",
            Self::RollBack { .. } => "roll_back",
            Self::Embedded => "embedded",
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
        }
    }
}

impl Action {
    /// Unit and channel that it changes.
    pub fn place(&self) -> Option<(&Name, &Name)> {
        match self {
            Self::Ship {
                manifest, channel, ..
            } => Some((&manifest.unit, channel)),
            Self::Promote { unit, to, .. } => Some((unit, to)),
            Self::Rollout { unit, channel, .. } => Some((unit, channel)),
            Self::Init { .. }
            | Self::Refresh { .. }
            | Self::Trust { .. }
            | Self::Renew { .. }
            | Self::AddFreshnessKey { .. }
            | Self::Deliver { .. }
            | Self::Settings { .. }
            | Self::Mirror { .. } => None,
        }
    }

    /// Channel whose way of confirming counts: what reaches its devices is changed, or what protects them.
    pub fn confirmed_by(&self) -> Option<&Name> {
        match self {
            Self::Settings {
                change: SettingsChange::Channel { channel, .. },
            } => Some(channel),
            _ => self.place().map(|(_, channel)| channel),
        }
    }

    /// Build number that it serves, if it names one.
    pub fn build(&self) -> Option<u32> {
        match self {
            Self::Ship { manifest, .. } => Some(manifest.build),
            Self::Promote { build, .. } => Some(*build),
            Self::Rollout {
                change: RolloutChange::Share { build, .. },
                ..
            } => Some(*build),
            _ => None,
        }
    }

    /// Word for the audit log.
    pub fn word(&self) -> &'static str {
        match self {
            Self::Init { .. } => "init",
            Self::Ship { .. } => "ship",
            Self::Promote { .. } => "promote",
            Self::Rollout { change, .. } => change.word(),
            Self::Refresh { .. } => "refresh",
            Self::AddFreshnessKey { .. } => "add_key",
            Self::Trust { .. } => "trust",
            Self::Renew { .. } => "renew",
            Self::Deliver { .. } | Self::Settings { .. } => "settings",
            Self::Mirror { .. } => "mirror",
        }
    }
}
