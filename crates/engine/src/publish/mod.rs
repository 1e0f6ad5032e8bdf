//! Publishing: derive what is to be signed, sign it, write it in order, read it back.
//!
//! Order (`docs/trust.md`): immutable objects, role metadata, snapshot, and last the timestamp by
//! compare-and-swap. Killed anywhere before, nothing changes for any device.

mod apply;
mod builds;
mod draft;
mod first;
mod intent;
mod partial;
mod read_back;
mod receipt;
mod roles;
mod rollout;
mod root_change;
mod settings;
mod sign;
mod trust;

pub(crate) use apply::{Applied, Applier, recover_commit};
pub(crate) use builds::{next_free, taken_builds};
pub(crate) use draft::{Draft, DraftRole, Existing, draft};
pub(crate) use first::{FIRST_UNIT, first_draft, made};
pub use intent::{Action, Intent, Member, RolloutChange, Team};
pub use partial::Collected;
pub(crate) use read_back::{DeviceQuestion, Proof, prove};
pub use receipt::{Receipt, ReceiptRole};
pub use settings::{ChannelDefaults, GateChoice, SettingsChange};
pub use sign::{Planned, PlannedClients, PlannedKey, PlannedMissing, PlannedRole};
pub(crate) use sign::{check_keys, number, object_steps, plan, sign_here, sign_steps};
