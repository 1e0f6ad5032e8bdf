//! The real `headgate` binary in temporary homes with file vaults: what a pipeline sees, exit codes and JSON included.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot look has failed"
)]

#[path = "cli/clients.rs"]
mod clients;
#[path = "cli/counted.rs"]
mod counted;
#[path = "cli/devices.rs"]
mod devices;
#[path = "cli/errors.rs"]
mod errors;
#[path = "cli/freeze.rs"]
mod freeze;
#[path = "cli/harness.rs"]
mod harness;
#[path = "cli/keys.rs"]
mod keys;
#[path = "cli/local.rs"]
mod local;
#[path = "cli/log.rs"]
mod log;
#[path = "cli/releases.rs"]
mod releases;
#[path = "cli/storage.rs"]
mod storage;
#[path = "cli/team.rs"]
mod team;
