//! The reference device client: check, download, verify, stage, apply at the next start, confirm, else roll back.
//!
//! The decisions are in [`machine`], without input or output. [`runner`] does what it asks for through [`Disk`] and
//! [`Net`], which tests replace to fail at any place. [`fleet`] runs many simulated devices against a server.

mod disk;
mod fetch;
pub mod fleet;
mod judge;
pub mod machine;
mod memory;
mod memory_disk;
mod net;
pub mod runner;
mod seed;
pub mod tuf_client;

pub use disk::{Disk, FolderDisk};
pub use judge::{Answer, Channel, Judge, Judged, PackStore, Serving, StrictJudge, Trust, Trusted};
pub use machine::{Effect, Facts, Input, Machine, Outcome, Policy, Wanted};
pub use memory::{Memory, Placed, Target, Trial};
pub use memory_disk::{Digests, MemoryDisk};
pub use net::{HttpNet, Net, PackAnswer};
pub use runner::{DeviceOptions, Runner, Started};
pub use seed::{NoSeed, Seed};
