//! The wire between the console's window and the engine.
//!
//! One list of commands ([`commands`]), the data that they carry ([`dto`]), the error that crosses, and the
//! handlers behind them ([`App`]). The shell and the tests call the same handlers.
//! The TypeScript under `ui/src/lib/bindings` is generated from here by a test and committed.

mod actions;
mod activity;
mod adoption;
mod app;
mod approvals;
mod artifact;
mod board;
pub mod commands;
mod create;
mod devices;
pub mod dto;
mod effect;
mod error;
mod events;
mod figures;
mod handlers;
mod keys;
mod offline;
mod promote;
mod qr;
mod reasons;
mod rollouts;
mod root;
mod running;
mod server;
mod settings;
mod setups;
mod ship;
mod steps;
mod storage;
mod trust;
mod upload;

pub use app::{App, Host};
pub use offline::OfflineApp;
pub use running::Running;
