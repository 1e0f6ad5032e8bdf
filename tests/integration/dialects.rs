//! The plugins' own code, from their npm packages, against the update server over HTTP, on what a console shipped.
//! Ignored by default, since the packages are installed first; `cargo xtask test dialects` does that.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "dialects/capgo.rs"]
mod capgo;
#[path = "dialects/cordova.rs"]
mod cordova;
#[path = "dialects/served.rs"]
mod served;
