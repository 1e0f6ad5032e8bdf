//! Signing requests and responses: what a person is shown, what is refused, what merges.
#![allow(clippy::unwrap_used, reason = "a failed expectation is the test")]

mod alarms;
mod clients;
mod merging;
mod parsing;
mod shown;
mod world;
