//! What devices report, and the counts made of it. One trait, so that another database is another implementation.

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
    /// Build that it runs; nothing = the embedded build.
    pub running: Option<u32>,
    /// What it was offered in this check, with the attempt.
    pub offered: Option<(u32, String)>,
    /// Attempt that the channel serves: what it runs is counted there, where that is what rolls out.
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

/// An attempt of a channel, for its gate.
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
}

/// A telemetry database.
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

    /// What counts for a gate, and whether it is latched. Trips it when the limit is passed.
    ///
    /// # Errors
    /// `local.*`.
    async fn gate(&self, key: &AttemptKey, gate: Gate, now: UtcTime) -> Result<GateStatus>;

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
            gate,
            sample: 0,
            failures: 0,
            tripped: None,
        })
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
        all.insert(workspace.to_owned(), marks.clone());
        Ok(())
    }

    async fn tidy(&self, _: UtcTime) -> Result<()> {
        Ok(())
    }
}
