//! A workstation from an empty folder to the answer that a console merges.
#![allow(clippy::unwrap_used, reason = "a failed expectation is the test")]

mod bundles;
mod files;
mod folder;
mod pins;
mod place;
mod signing;
#[path = "../../../core/tests/signing/world.rs"]
mod world;
