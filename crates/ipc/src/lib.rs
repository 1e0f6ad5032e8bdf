//! The wire between the console's window and the engine.
//!
//! One list of commands ([`commands`]), the data that they carry ([`dto`]), and the error that crosses.
//! The TypeScript under `ui/src/lib/bindings` is generated from here by a test and committed.

pub mod commands;
pub mod dto;
