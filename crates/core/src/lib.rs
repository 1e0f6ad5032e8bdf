//! The rules of Headgate, without input or output.
//!
//! Everything here is a pure function of its arguments: time, ids and randomness come from the caller.

pub mod clients;
pub mod compare;
pub mod files;
pub mod inventory;
pub mod ionic;
pub mod manifest;
pub mod native;
pub mod offer;
pub mod pack;
pub mod plugins;
pub mod problem;
pub mod rollout;
pub mod rsa_public;
pub mod settings;
pub mod share;
pub mod signing;
pub mod status;
pub mod text;
pub mod transitions;
mod wanted;
pub mod words;

pub use clients::ClientsDocument;
pub use compare::{Difference, compare};
pub use files::FilesMap;
pub use inventory::Inventory;
pub use manifest::ReleaseManifest;
pub use native::{Native, NativeRange, Platform};
pub use offer::{ChannelState, Decision, Device, FailedStart, Offer, Why, explain, who_gets};
pub use problem::{Code, Kind, Problem};
pub use rollout::{Base, RolloutDocument, RolloutState};
pub use rsa_public::RsaPublic;
pub use settings::{Confirm, Settings, TopTargets};
pub use share::in_share;
pub use transitions::{Start, percent};

/// Result of everything above the TUF profile.
pub type Result<T, E = Problem> = std::result::Result<T, E>;
