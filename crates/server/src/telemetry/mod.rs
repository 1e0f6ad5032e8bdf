//! What devices report, and the counts made of it. One trait, so that another database is another implementation.

mod gate;
mod recent;
mod rules;
pub mod sqlite;
mod words;

use std::net::IpAddr;

use async_trait::async_trait;
use headgate_core::Result;
use headgate_core::rollout::Gate;
use headgate_core::status::{Cell, DeviceState, GateStatus, InstallEvent, Place};
use headgate_registry::HighWater;
use headgate_tuf::UtcTime;

/// A check-in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Workspace identity.
    pub workspace: String,
    /// Where the install belongs.
    pub place: Place,
    /// Install id, lower case; nothing is kept of a device that sends none.
    pub install: String,
    /// Version of its plugin.
    pub plugin: Option<String>,
    /// Build that it runs, one that the channel knows; nothing = the embedded build.
    pub running: Option<u32>,
    /// What it was offered in this check, with the attempt. Reports about anything else are not stored.
    pub offered: Option<(u32, String)>,
    /// Attempt that the channel serves. What an install runs is counted in the newest attempt in which it was offered
    /// that, which is this one or an earlier one.
    pub attempt: Option<String>,
    /// Where it asked from, for the cap per network of the gate. Never stored as it is.
    pub network: Option<IpAddr>,
    /// When, by the server's clock.
    pub at: UtcTime,
}

/// A report of what happened to a release on an install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Report {
    /// Workspace identity.
    pub workspace: String,
    /// Where the install belongs.
    pub place: Place,
    /// Install id, lower case.
    pub install: String,
    /// Version of its plugin.
    pub plugin: Option<String>,
    /// Build that it is about.
    pub build: u32,
    /// Attempt, where the client knows it; else the one in which this install was offered the build.
    pub attempt: Option<String>,
    /// What happened.
    pub state: DeviceState,
    /// Why it failed: a code such as `checksum_fail`.
    pub reason: Option<String>,
    /// When, by the device's clock; never believed beyond the order of one device's reports.
    pub device_time: Option<i64>,
    /// Where it was sent from.
    pub network: Option<IpAddr>,
    /// When, by the server's clock.
    pub at: UtcTime,
}

/// An install as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredInstall {
    /// Workspace identity.
    pub workspace: String,
    /// Where it belongs.
    pub place: Place,
    /// Version of its plugin.
    pub plugin: Option<String>,
    /// Build that it ran last; nothing = the embedded build.
    pub running: Option<u32>,
    /// First check-in.
    pub first_seen: UtcTime,
    /// Day of the last check-in.
    pub last_day: u32,
    /// What happened, newest first.
    pub events: Vec<InstallEvent>,
}

/// A page of changed cells.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cells {
    /// Cells, oldest change first.
    pub cells: Vec<Cell>,
    /// Cursor of the next page.
    pub next: u64,
    /// There is more now.
    pub more: bool,
}

/// A release in an attempt of a channel, for its gate.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct AttemptKey {
    /// Workspace identity.
    pub workspace: String,
    /// `unit.channel`.
    pub channel: String,
    /// Build.
    pub build: u32,
    /// Attempt.
    pub attempt: String,
    /// When a person let it go out ([`headgate_core::RolloutDocument::opened`]): what a latch is for, and since when counts
    /// count.
    pub opened: UtcTime,
}

/// What became of events since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Counters {
    /// Check-ins that were dropped because too many waited, or because the database failed. The next one of each
    /// install says the same again.
    pub dropped: u64,
    /// Reports about something that was never offered to that install. They are not stored.
    pub unknown: u64,
    /// Check-ins that said something new, and reports, that were written.
    pub written: u64,
}

/// A telemetry database.
///
/// Every state of an install in an attempt only rises ([`DeviceState`]), and cells are totals with the number of their
/// last change, so repeated, late and reordered events change nothing twice.
#[async_trait]
pub trait Telemetry: Send + Sync + std::fmt::Debug {
    /// Notes a check-in. Returns at once; it is written in a batch soon, and only when something changed.
    fn seen(&self, seen: Seen);

    /// Stores reports. When it returns they survive a crash.
    ///
    /// # Errors
    /// `local.*` when they could not be stored; the client then sends them again.
    async fn report(&self, reports: Vec<Report>) -> Result<()>;

    /// Identity of the database: another one counts from the beginning.
    fn epoch(&self) -> String;

    /// Cells of a workspace that changed after a cursor.
    ///
    /// # Errors
    /// `local.*`.
    async fn cells(&self, workspace: &str, after: u64, limit: usize) -> Result<Cells>;

    /// Plugin versions that were seen in a workspace, by `unit.channel`, `dialect version`, with their installs.
    ///
    /// # Errors
    /// `local.*`.
    async fn plugins(&self, workspace: &str) -> Result<Vec<(String, String, u64)>>;

    /// An install in all workspaces.
    ///
    /// # Errors
    /// `local.*`.
    async fn install(&self, id: &str) -> Result<Vec<StoredInstall>>;

    /// Deletes everything that names an install; counts stay. Says whether there was anything.
    ///
    /// # Errors
    /// `local.*`.
    async fn forget(&self, id: &str) -> Result<bool>;

    /// What counts for a gate, and whether it is latched. Trips it when the limit is passed. Asked for a later opening than
    /// before it counts anew.
    ///
    /// # Errors
    /// `local.*`.
    async fn gate(&self, key: &AttemptKey, gate: Gate, now: UtcTime) -> Result<GateStatus>;

    /// When the gate of a release was latched, in whatever attempt it was judged. Judges nothing.
    ///
    /// # Errors
    /// `local.*`.
    async fn latched(&self, key: &AttemptKey) -> Result<Option<UtcTime>>;

    /// Newest versions that were seen of a registry, shared by all replicas.
    ///
    /// # Errors
    /// `local.*`.
    async fn marks(&self, workspace: &str) -> Result<HighWater>;

    /// Raises the marks; never lowers one.
    ///
    /// # Errors
    /// `local.*`.
    async fn raise_marks(&self, workspace: &str, marks: &HighWater) -> Result<()>;

    /// Writes what waits, and removes what has expired.
    ///
    /// # Errors
    /// `local.*`.
    async fn tidy(&self, now: UtcTime) -> Result<()>;

    /// Writes what waits: before the program ends.
    ///
    /// # Errors
    /// `local.*`.
    async fn flush(&self) -> Result<()> {
        Ok(())
    }

    /// What became of events.
    fn counters(&self) -> Counters {
        Counters::default()
    }
}

/// Raises high-water marks to what was seen. Versions only rise, until a freshness key is taken out of the root; and a
/// replica with an older root than was seen says nothing about freshness keys, else it would bring the old key back.
pub fn raise(seen: &mut HighWater, marks: &HighWater) {
    let root = |m: &HighWater| m.versions.get("root").copied().unwrap_or_default();
    let older = root(marks) < root(seen);
    if !older {
        if !seen.freshness.is_subset(&marks.freshness) {
            seen.versions.remove("snapshot");
            seen.versions.remove("timestamp");
        }
        seen.freshness.clone_from(&marks.freshness);
    }
    for (role, version) in &marks.versions {
        // What was signed by a freshness key that is gone says nothing.
        if older && matches!(role.as_str(), "snapshot" | "timestamp") {
            continue;
        }
        let mark = seen.versions.entry(role.clone()).or_default();
        *mark = (*mark).max(*version);
    }
}

/// Keeps nothing: for tests, and for servers that must not count.
#[derive(Debug, Default)]
pub struct NoTelemetry {
    marks: std::sync::Mutex<std::collections::HashMap<String, HighWater>>,
}

#[async_trait]
impl Telemetry for NoTelemetry {
    fn seen(&self, _: Seen) {}

    async fn report(&self, _: Vec<Report>) -> Result<()> {
        Ok(())
    }

    fn epoch(&self) -> String {
        "none".into()
    }

    async fn cells(&self, _: &str, after: u64, _: usize) -> Result<Cells> {
        Ok(Cells {
            cells: Vec::new(),
            next: after,
            more: false,
        })
    }

    async fn plugins(&self, _: &str) -> Result<Vec<(String, String, u64)>> {
        Ok(Vec::new())
    }

    async fn install(&self, _: &str) -> Result<Vec<StoredInstall>> {
        Ok(Vec::new())
    }

    async fn forget(&self, _: &str) -> Result<bool> {
        Ok(false)
    }

    async fn gate(&self, key: &AttemptKey, gate: Gate, _: UtcTime) -> Result<GateStatus> {
        Ok(GateStatus {
            build: key.build,
            attempt: key.attempt.clone(),
            opened: key.opened,
            gate,
            sample: 0,
            failures: 0,
            tripped: None,
        })
    }

    async fn latched(&self, _: &AttemptKey) -> Result<Option<UtcTime>> {
        Ok(None)
    }

    async fn marks(&self, workspace: &str) -> Result<HighWater> {
        let marks = self
            .marks
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        Ok(marks.get(workspace).cloned().unwrap_or_default())
    }

    async fn raise_marks(&self, workspace: &str, marks: &HighWater) -> Result<()> {
        let mut all = self
            .marks
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        raise(all.entry(workspace.to_owned()).or_default(), marks);
        Ok(())
    }

    async fn tidy(&self, _: UtcTime) -> Result<()> {
        Ok(())
    }
}
