//! Local databases.

mod approvals;
mod cache;
mod committed;
mod counts;
mod history;
mod jobs;
mod journal;
mod log;
mod open;
mod own;
mod steps;
mod stored;
mod uploads;

pub(crate) use approvals::StoredApproval;
pub use approvals::{ApprovalNote, ApprovalState};
pub(crate) use cache::{Cache, CachedApproval, CachedChannel, OfflineReason, Reading};
pub(crate) use committed::Files;
pub(crate) use counts::CountsReading;
pub use history::RolloutVersion;
pub use jobs::{Job, JobKind, JobState, Phase};
pub(crate) use journal::Journal;
pub(crate) use log::LogFileRow;
pub(crate) use own::Care;
pub(crate) use steps::{FileSource, Step, StepKind};
pub use steps::{ObjectState, Retry, StepView, TargetView};
pub(crate) use uploads::Upload;

use headgate_core::{Code, Problem};

/// SQLite's result codes for a disk that is full or takes no more writes (sqlite.org/rescode.html): FULL, and of
/// IOERR write, fsync, directory fsync, truncate, and the three of the shared memory beside the write-ahead log.
const NO_ROOM: [u32; 8] = [13, 778, 1034, 1290, 1546, 4618, 4874, 5386];

/// A database error in words. SQLite's own text names no values, so no secret can be in it.
pub(crate) fn journal_error(error: sqlx::Error) -> Problem {
    db_error(Code::LocalJournal, "journal.sqlite", error)
}

pub(crate) fn cache_error(error: sqlx::Error) -> Problem {
    db_error(Code::LocalCache, "cache.sqlite", error)
}

fn db_error(code: Code, file: &str, error: sqlx::Error) -> Problem {
    let text = error.to_string();
    let number = error
        .as_database_error()
        .and_then(|e| e.code())
        .and_then(|c| c.parse::<u32>().ok());
    if number.is_some_and(|n| NO_ROOM.contains(&n)) {
        return Problem::new(
            Code::LocalDisk,
            format!("The disk is full or refuses writes: {file} cannot be written."),
        );
    }
    if text.contains("locked") || text.contains("busy") {
        return Problem::new(
            Code::LocalBusy,
            format!("{file} is in use by another program."),
        );
    }
    Problem::new(code, format!("{file} cannot be used: {text}."))
}
