//! Use cases of Headgate: everything that touches the world. One façade, [`Console`].

mod admin;
mod clients;
mod clock;
mod console;
mod credentials;
mod db;
mod home;
mod keys;
mod publish;
mod serve;
mod stores;
mod trust;
mod upload;
mod usecase;
mod workspace;

pub use clock::{Clock, Entropy, SystemClock, SystemEntropy, World};
pub use console::{Console, Notice, NoticeKind, Options};
pub use credentials::StorageKeys;
pub use db::{
    ApprovalNote, ApprovalState, Job, JobKind, JobState, ObjectState, Phase, Retry, RolloutVersion,
    StepView, TargetView,
};
pub use headgate_signer::AnyKey;
pub use headgate_tuf::UtcTime;
pub use home::Home;
pub use keys::{
    AskPassphrase, KeyInfo, OpenVault, StandardVaults, VaultChoice, VaultInfo, public_key,
};
pub use publish::{
    Action, ChannelDefaults, Collected, GateChoice, Intent, Member, Planned, PlannedClients,
    PlannedKey, PlannedMissing, PlannedRole, Receipt, ReceiptRole, RolloutChange, SettingsChange,
    Team,
};
pub use stores::{OpenStore, StandardStores};
pub use usecase::*;
pub use workspace::Workspace;
