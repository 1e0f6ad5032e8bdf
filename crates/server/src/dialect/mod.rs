//! Protocols that device clients speak. Each reads its own requests and writes its own answers; who gets what is
//! decided in one place, [`crate::AppState::check`].

pub mod headgate;
