//! Telemetry in SQLite: one file, one writer.
//!
//! Everything that writes goes through one task, which takes what waits as one transaction: one `fsync` serves all that
//! came meanwhile. Rows go in and out as JSON arrays, a few statements a batch whatever its size. Other processes may use
//! the file too (`headgate-server forget`): transactions begin by taking the write lock, and no count is kept in memory.

mod names;
mod open;
mod read;
mod store;
mod tidy;
mod writer;

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use async_trait::async_trait;
use headgate_core::rollout::Gate;
use headgate_core::status::GateStatus;
use headgate_core::{Code, Problem, Result};
use headgate_registry::HighWater;
use headgate_tuf::UtcTime;
use sqlx::SqlitePool;
use tokio::sync::{mpsc, oneshot};

use super::recent::Recent;
use super::{AttemptKey, Cells, Counters, Report, Seen, StoredInstall, Telemetry, rules, words};
use writer::{Job, Tally};

/// How telemetry is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Options {
    /// Slots of 8 bytes for what was written of each install last; more than there are active installs spares the
    /// database nearly every check-in.
    pub recent: usize,
    /// Most jobs that wait to be written; check-ins beyond are dropped, reports get an error.
    pub queue: usize,
    /// Most events in one transaction.
    pub batch: usize,
    /// Whether the gate caps what counts of one network. Off for fleets behind one address, as in the sandbox.
    pub cap_networks: bool,
    /// Longest wait of a report for room in the queue, and of a batch for another program that holds the file.
    pub patience: Duration,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            recent: 1 << 20,
            queue: 1 << 16,
            batch: 8_192,
            cap_networks: true,
            patience: Duration::from_secs(5),
        }
    }
}

/// A telemetry database in one file.
#[derive(Debug)]
pub struct SqliteTelemetry {
    jobs: mpsc::Sender<Job>,
    pool: SqlitePool,
    recent: Arc<Recent>,
    tally: Arc<Tally>,
    epoch: String,
    cap_networks: bool,
    patience: Duration,
}

impl SqliteTelemetry {
    /// Opens the file, which is made where there is none, and brings it up to date.
    ///
    /// # Errors
    /// `local.telemetry` when it is damaged; `local.newer_version`, `local.busy`, `local.disk`.
    pub async fn open(path: &Path, options: Options) -> Result<Self> {
        let opened = open::open(path, options.patience).await?;
        let recent = Arc::new(Recent::new(options.recent));
        let tally = Arc::new(Tally::default());
        let (jobs, queue) = mpsc::channel(options.queue.max(1));
        let writer = writer::Writer::new(
            opened.writer,
            words::NetworkKey::new(opened.network_key),
            Arc::clone(&recent),
            Arc::clone(&tally),
            options.batch.max(1),
        );
        tokio::spawn(writer.run(queue));
        Ok(Self {
            jobs,
            pool: opened.readers,
            recent,
            tally,
            epoch: opened.epoch,
            cap_networks: options.cap_networks,
            patience: options.patience,
        })
    }

    /// Has the writer do something, and waits for the outcome.
    async fn ask<T>(&self, job: impl FnOnce(oneshot::Sender<Result<T>>) -> Job) -> Result<T> {
        let busy = || Problem::new(Code::LocalBusy, "Too much waits to be written already.");
        let (reply, answer) = oneshot::channel();
        match tokio::time::timeout(self.patience, self.jobs.send(job(reply))).await {
            Ok(Ok(())) => {}
            Ok(Err(_)) | Err(_) => return Err(busy()),
        }
        answer.await.unwrap_or_else(|_| Err(busy()))
    }
}

#[async_trait]
impl Telemetry for SqliteTelemetry {
    fn seen(&self, seen: Seen) {
        if !words::is_install(&seen.install) {
            return;
        }
        let mark = self.recent.mark(&seen, rules::day(seen.at.unix()));
        if self.recent.knows(mark) {
            return;
        }
        if self
            .jobs
            .try_send(Job::Seen(Box::new((seen, mark))))
            .is_err()
        {
            self.tally.dropped(1);
        }
    }

    async fn report(&self, reports: Vec<Report>) -> Result<()> {
        if reports.is_empty() {
            return Ok(());
        }
        self.ask(|reply| Job::Reports(reports, reply)).await
    }

    fn epoch(&self) -> String {
        self.epoch.clone()
    }

    async fn cells(&self, workspace: &str, after: u64, limit: usize) -> Result<Cells> {
        read::cells(&self.pool, workspace, after, limit).await
    }

    async fn plugins(&self, workspace: &str) -> Result<Vec<(String, String, u64)>> {
        read::plugins(&self.pool, workspace).await
    }

    async fn install(&self, id: &str) -> Result<Vec<StoredInstall>> {
        read::install(&self.pool, id).await
    }

    async fn forget(&self, id: &str) -> Result<bool> {
        let id = id.to_ascii_lowercase();
        self.ask(|reply| Job::Forget(id, reply)).await
    }

    async fn gate(&self, key: &AttemptKey, gate: Gate, now: UtcTime) -> Result<GateStatus> {
        let mut counted = read::gate(&self.pool, key, self.cap_networks).await?;
        if let (Some((rollout, since)), None) = (counted.rollout, counted.stopped)
            && since < key.opened.unix()
        {
            let opened = key.opened;
            self.ask(|reply| Job::Open {
                rollout,
                opened,
                now,
                reply,
            })
            .await?;
            counted = read::gate(&self.pool, key, self.cap_networks).await?;
        }
        let mut status = GateStatus {
            build: key.build,
            attempt: key.attempt.clone(),
            opened: key.opened,
            gate,
            sample: counted.counts.sample,
            failures: counted.counts.failures,
            tripped: counted.stopped,
        };
        if let (None, Some(scope), true) = (status.tripped, counted.scope, status.passes_limit()) {
            let (build, opened) = (key.build, key.opened);
            let at = self.ask(|reply| Job::Stop {
                scope,
                build,
                opened,
                now,
                reply,
            });
            status.tripped = Some(at.await?);
        }
        Ok(status)
    }

    async fn latched(&self, key: &AttemptKey) -> Result<Option<UtcTime>> {
        read::latched(&self.pool, key).await
    }

    async fn marks(&self, workspace: &str) -> Result<HighWater> {
        read::marks(&self.pool, workspace).await
    }

    async fn raise_marks(&self, workspace: &str, marks: &HighWater) -> Result<()> {
        let job = (workspace.to_owned(), marks.clone());
        self.ask(|reply| Job::Marks(Box::new(job), reply)).await
    }

    async fn tidy(&self, now: UtcTime) -> Result<()> {
        let mut after = self.ask(|reply| Job::Tidy(now, reply)).await?;
        // In pieces, so that devices do not wait for the whole.
        while let Some(key) = after {
            after = self.ask(|reply| Job::Expire { now, key, reply }).await?;
        }
        Ok(())
    }

    async fn flush(&self) -> Result<()> {
        self.ask(Job::Flush).await
    }

    fn counters(&self) -> Counters {
        self.tally.read()
    }
}
