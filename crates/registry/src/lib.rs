//! The registry: where its objects lie, and how they are read and believed.

mod address;
pub mod artifact;
mod bucket;
pub mod documents;
mod folder;
mod http;
pub mod layout;
mod marks;
mod part;
mod probe;
mod store;
mod sweep;
mod transfer;
mod view;

pub use address::StorageAddress;
pub use artifact::{ArtifactUrl, Artifacts, Fetched};
pub use bucket::{
    BucketAddress, BucketCredentials, BucketKeys, BucketLimits, BucketStore, BucketStyle,
    EnvCredentials, FixedCredentials,
};
pub use folder::{FolderStore, HASHED_TAG};
pub use http::{Changed, HttpStore};
pub use marks::HighWater;
pub use probe::{ProbeLine, ProbeOutcome, probe_storage};
pub use store::{
    Body, Created, ETag, Object, ObjectMeta, PartStore, Progress, SentPart, Store, Stored, Swapped,
    UnfinishedUpload, silent,
};
pub use sweep::{Swept, sweep_uploads};
pub use transfer::{HttpLimits, client as http_client};
pub use view::{ChannelTargets, Expiry, Loaded, View};
