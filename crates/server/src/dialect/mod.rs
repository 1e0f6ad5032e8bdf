//! Protocols that device clients speak. Each reads its own requests and writes its own answers; who gets what is
//! decided in one place, [`crate::AppState::check`].
//!
//! Stock plugins were never made to be told that a server is wrong: some stop updating after a status that they do
//! not know. So every handler here answers whatever it is sent in a form that its plugin tolerates.

pub mod capgo;
pub mod headgate;
pub mod ionic;
mod reply;
mod request;
#[cfg(test)]
mod testing;

use axum::Router;

use crate::AppState;

/// The routes of all stock dialects.
pub fn router(state: AppState) -> Router {
    Router::new()
        .merge(capgo::router(state.clone()))
        .merge(ionic::router(state))
}
