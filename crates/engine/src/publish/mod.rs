//! Publishing: derive what is to be signed, sign it, write it in order, read it back.
//!
//! Order (`docs/trust.md`): immutable objects, role metadata, snapshot, and last the timestamp by
//! compare-and-swap. Killed anywhere before, nothing changes for any device.

mod apply;
mod builds;
mod draft;
mod first;
mod intent;
mod read_back;
mod receipt;
mod roles;
mod rollout;
mod root_change;
mod settings;
mod sign;

pub(crate) use apply::{Applied, Applier, recover_commit};
pub(crate) use builds::{next_free, taken_builds};
pub(crate) use draft::{Draft, DraftRole, draft};
pub(crate) use first::{FIRST_UNIT, first_draft, made};
pub use intent::{Action, Intent, RolloutChange};
pub(crate) use read_back::{DeviceQuestion, Proof, prove};
pub use receipt::{Receipt, ReceiptRole};
pub use settings::SettingsChange;
pub use sign::{Planned, PlannedClients, PlannedKey, PlannedRole};
pub(crate) use sign::{check_keys, plan, sign_steps};
