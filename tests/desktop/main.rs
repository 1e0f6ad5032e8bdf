//! Journeys in the real window: WebKitGTK under Xvfb, a real keyring, a real drag from another window.
//!
//! Ignored by default, since they need a screen, a session bus with an unlocked keyring, and `tauri-driver`;
//! `cargo xtask test desktop` runs them one at a time. Every screen is saved as a picture and looked at by axe.
#![cfg(target_os = "linux")]
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a journey that cannot go on has failed"
)]

mod activity;
mod bucket;
mod connect;
mod create;
mod device;
mod drag;
mod driver;
mod errors;
mod hand;
mod jobs;
mod keyboard;
mod keys;
mod main_job;
mod offline;
mod offline_sockets;
mod restart;
mod rollout;
mod settings;
mod shots;
mod small;
mod team;
mod two_windows;
mod window;
#[path = "../../crates/core/tests/signing/world.rs"]
mod world;
