//! Artifacts that lie elsewhere: registered by their address, and read again before each decision about them.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot look has failed"
)]

#[path = "artifact/command_line.rs"]
mod command_line;
#[path = "artifact/comparing.rs"]
mod comparing;
#[expect(dead_code, reason = "shared with the tests of the command line")]
#[path = "cli/harness.rs"]
mod harness;
#[path = "artifact/refused.rs"]
mod refused;
#[path = "artifact/server.rs"]
mod server;
#[path = "artifact/shipping.rs"]
mod shipping;
