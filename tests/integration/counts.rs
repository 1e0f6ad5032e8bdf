//! What the console makes of an update server: counts by cursor, and everything that a server may do wrong.
//! The server here is a fake that can be told to misbehave; the real one is in the tests of the whole sandbox.
#![expect(clippy::unwrap_used, reason = "a test that cannot look has failed")]

#[path = "counts/fake.rs"]
mod fake;
#[path = "counts/reading.rs"]
mod reading;
#[path = "counts/sandbox.rs"]
mod sandbox;
#[path = "counts/words.rs"]
mod words;
