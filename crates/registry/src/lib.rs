//! The registry: where its objects lie, and how they are read and believed.

mod address;
pub mod artifact;
pub mod documents;
mod folder;
mod http;
pub mod layout;
mod part;
mod store;
mod transfer;
mod view;

pub use address::StorageAddress;
pub use artifact::{ArtifactUrl, Artifacts, Fetched};
pub use folder::{FolderStore, HASHED_TAG};
pub use http::HttpStore;
pub use store::{
    Body, Created, ETag, Object, ObjectMeta, PartStore, Progress, SentPart, Store, Stored, Swapped,
    UnfinishedUpload, silent,
};
pub use transfer::HttpLimits;
pub use view::{ChannelTargets, Expiry, HighWater, Loaded, View};
