//! Use cases, one file each; all are methods of [`crate::Console`].

pub(crate) mod approvals;
mod board;
mod clients;
mod compare;
mod connect;
mod facts;
mod figures;
mod files;
mod finish;
pub(crate) mod fleet;
mod freshness;
mod init;
pub(crate) mod inspect;
pub(crate) mod jobs;
mod keys;
mod located;
mod log;
mod mirror;
mod packing;
mod publish;
mod put_back;
mod recover;
mod rollout;
mod sandbox;
mod server;
mod settings;
pub(crate) mod ship;
mod simulate;
mod storage;
mod sync;
mod trust;
mod uploads;
mod verify;
mod write;

pub use crate::console::Happened;
pub use approvals::{
    ApprovalInfo, ApprovalView, Imported, ProposalsRead, ProposalsSeen, REQUEST_LIFETIME, RsaState,
};
pub use board::{
    Board, ChannelBoard, Freshness, GateBoard, GateState, PastRelease, ReleaseInfo, ServingBoard,
};
pub use clients::{RsaInfo, RsaOrigin};
pub use compare::{Comparison, packer_text};
pub use connect::{Check, ConnectRequest, Found, RootInfo};
pub use facts::{ApprovedRelease, ChannelCounts, ChannelFacts};
pub use figures::{
    Rate, SPANS, Share, Summary, WINDOW_DAYS, confirmed_at, day_text, grouped, rate, share, silent,
    spark,
};
pub use fleet::FleetState;
pub use init::InitRequest;
pub use inspect::{ChannelChanges, InspectOptions, InspectionReport, PickInfo};
pub use keys::{
    Asking, ImportedKey, KeyCard, KeyCreated, KeyRing, KeyUse, RoleExpiry, RoleKey, RoleRow,
    read_key_file,
};
pub use log::{
    AuditLog, EntryState, Fault, LocalEvent, LocalKind, LogChange, LogEntry, LogFile, LogFormat,
    LogGroup, LogKind, LogRead, LogRole, LogVerdict, Said, Words, export,
};
pub use rollout::RolloutPlan;
pub use sandbox::SandboxInfo;
pub use server::{ServerLink, ServerReading};
pub use settings::SettingsPlan;
pub use ship::{PromotePlan, PromoteRequest, ShipPlan, ShipRequest};
pub use simulate::{SimulateRequest, Simulated, TraceLine, reported, withheld_words};
pub use storage::{MirrorSettings, StorageSettings};
pub use trust::{Ceremony, Started, TrustPlan};
pub use verify::{Verified, VerifyRequest, verify};
