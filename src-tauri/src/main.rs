//! The console's window: a thin shell around [`headgate_ipc::App`].
//!
//! Everything that decides or writes is below the IPC; here are the window, native dialogs, drops and the
//! question before quitting.
#![cfg_attr(not(debug_assertions), windows_subsystem = "windows")]

mod commands;
mod drop;
mod host;
mod start;
mod window;

fn main() {
    if let Err(error) = start::run() {
        start::report(&error);
        std::process::exit(1);
    }
}
