//! Harness of the tests that cross crates: consoles in temporary homes, on a clock that tests set, with
//! storage that can be held or made to fail at any write, and a reader that believes only what is signed.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a harness that cannot set a test up has failed it"
)]

mod bench;
mod builds;
mod clients;
mod device;
mod files;
mod packs;
mod people;
mod phone;
mod s3;
mod server;
mod serving;
mod stores;
mod thief;
mod vaults;
mod world;

pub use bench::{
    APP, Bench, CHANNELS, PASSPHRASE, Person, bench, channel_documents, code, init, pass, promote,
    settle, ship, with_plugins,
};
pub use builds::{noise, sample, varied};
pub use clients::{
    Found, UNIT, Updater, leave_one_signature, printed, refusal, script, serve_folder,
};
pub use device::{Seen, Served, device};
pub use files::{copy_tree, files_below, program, scratch};
pub use packs::{PackHost, Trouble, pack_of};
pub use people::{Colleague, Crew, answer, colleague, first_console, signed_by};
pub use phone::{Phone, impatient, reached};
pub use s3::{ACCESS_KEY, Asked, BUCKET, Buckets, Fault, S3, SECRET, quick};
pub use server::{OBJECTS_URL, PUBLIC_URL};
pub use serving::{Serving, server_program};
pub use stores::{Hook, HookedStore, Kind, Stores, Write};
pub use thief::{LAST_NUMBER, Thief};
pub use vaults::OneVault;
pub use world::{Seeded, TestClock, world};
