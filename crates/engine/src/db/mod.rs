//! Local databases.

mod cache;
mod jobs;
mod journal;
mod open;

pub(crate) use cache::{Cache, CachedApproval, CachedChannel, OfflineReason, Reading};
pub use jobs::{Job, JobKind, JobState, ObjectState, Phase, StepView};
pub(crate) use jobs::{Step, StepKind};
pub(crate) use journal::Journal;

use headgate_core::{Code, Problem};

/// A database error in words. SQLite's own text names no values, so no secret can be in it.
pub(crate) fn journal_error(error: sqlx::Error) -> Problem {
    db_error(Code::LocalJournal, "journal.sqlite", error)
}

pub(crate) fn cache_error(error: sqlx::Error) -> Problem {
    db_error(Code::LocalCache, "cache.sqlite", error)
}

fn db_error(code: Code, file: &str, error: sqlx::Error) -> Problem {
    let text = error.to_string();
    if text.contains("database or disk is full") {
        return Problem::new(Code::LocalDisk, format!("The disk is full: {file} cannot be written."));
    }
    if text.contains("locked") || text.contains("busy") {
        return Problem::new(Code::LocalBusy, format!("{file} is in use by another program."));
    }
    Problem::new(code, format!("{file} cannot be used: {text}."))
}
