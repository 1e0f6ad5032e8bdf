//! Single writes of a job, in the journal.

use headgate_core::{Problem, Result, files::Encoding};
use serde::{Deserialize, Serialize};
use sqlx::{Row, sqlite::SqliteRow};

use super::jobs::{Job, JobState, words};
use super::{Journal, journal_error};
use crate::upload::seconds_left;

words! {
    /// State of one write.
    pub ObjectState {
        /// Not yet.
        Pending = "pending",
        /// Being written.
        Sending = "sending",
        /// Failed for the moment; tried again soon.
        Retrying = "retrying",
        /// Failed.
        Failed = "failed",
        /// Written.
        Done = "done",
        /// Was there, proven to be the right bytes.
        Skipped = "skipped",
    }
}

words! {
    /// Kind of a write.
    pub(crate) StepKind {
        /// Must not exist.
        Create = "create",
        /// The timestamp, by compare-and-swap.
        Commit = "commit",
        /// A new root, after the commit.
        Root = "root",
    }
}

/// One write of a publish, to show.
#[derive(Debug, Clone)]
pub struct StepView {
    /// Where it goes.
    pub key: String,
    /// For a single file: its path in the web build.
    pub path: Option<String>,
    /// Which target it goes to: 0 = the registry.
    pub target: u32,
    /// SHA-256, hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Bytes acknowledged.
    pub sent: u64,
    /// Its state.
    pub state: ObjectState,
}

/// One place that a job writes to, to show.
#[derive(Debug, Clone)]
pub struct TargetView {
    /// A mirror, not the registry.
    pub mirror: bool,
    /// Its address without credentials.
    pub address: String,
    /// `queued`, `sending`, `retrying`, `paused`, `done`, `failed`.
    pub state: &'static str,
    /// Bytes acknowledged.
    pub done: u64,
    /// Bytes to send.
    pub total: u64,
    /// Bytes a second over the last 10 s; 0 = not known.
    pub speed: u64,
    /// Seconds left at this speed.
    pub seconds_left: Option<u32>,
    /// Objects written.
    pub objects_done: u32,
    /// Objects to write, skipped ones left out.
    pub objects_total: u32,
    /// The next try.
    pub retry: Option<Retry>,
    /// Why it failed.
    pub error: Option<Problem>,
}

/// A pause before the next try.
#[derive(Debug, Clone)]
pub struct Retry {
    /// What failed.
    pub why: String,
    /// The try that comes, from 2.
    pub attempt: u32,
    /// Tries in all.
    pub of: u32,
    /// Milliseconds until it.
    pub in_ms: u64,
}

impl TargetView {
    pub(crate) fn new(index: usize, address: String, error: Option<Problem>) -> Self {
        Self {
            mirror: index > 0,
            address,
            state: "queued",
            done: 0,
            total: 0,
            speed: 0,
            seconds_left: None,
            objects_done: 0,
            objects_total: 0,
            retry: None,
            error,
        }
    }
}

impl Job {
    /// Works out what the targets have from the steps. `speed` gives a target's speed from its total.
    pub(crate) fn sum_up(&mut self, mut speed: impl FnMut(usize, u64) -> u64) {
        for (index, target) in self.targets.iter_mut().enumerate() {
            let ours = || {
                let own = self.steps.iter().filter(|s| s.target as usize == index);
                own.filter(|s| s.state != ObjectState::Skipped)
            };
            let count = |n: usize| u32::try_from(n).unwrap_or(u32::MAX);
            target.total = ours().map(|s| s.size).sum();
            target.done = ours().map(|s| s.sent).sum();
            target.objects_total = count(ours().count());
            target.objects_done = count(ours().filter(|s| s.state == ObjectState::Done).count());
            let moves = ours().any(|s| s.state != ObjectState::Pending);
            let complete = target.objects_done == target.objects_total && !self.steps.is_empty();
            target.speed = speed(index, target.done);
            target.seconds_left = seconds_left(target.total - target.done, target.speed);
            target.state = match (self.state, &target.error) {
                (_, Some(_)) => "failed",
                _ if complete => "done",
                (JobState::Failed | JobState::Cancelled, _) => "failed",
                (JobState::Paused, _) => "paused",
                _ if target.retry.is_some() => "retrying",
                _ if moves => "sending",
                _ => "queued",
            };
        }
        if let Some(registry) = self.targets.first() {
            self.done = registry.done;
            self.total = registry.total;
            self.speed = registry.speed;
        }
    }
}

/// A single file of a bundle, stored for differential clients. Its bytes are made again when they are sent.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct FileSource {
    /// The packed bundle on this computer.
    pub(crate) bundle: std::path::PathBuf,
    /// The file's path in it.
    pub(crate) path: String,
    /// How it is stored.
    pub(crate) encoding: Encoding,
}

/// One write of a publish, whole.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) seq: i64,
    pub(crate) kind: StepKind,
    pub(crate) target: u32,
    pub(crate) key: String,
    pub(crate) sha256: String,
    pub(crate) size: u64,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) path: Option<String>,
    pub(crate) source: Option<FileSource>,
    pub(crate) expected: Option<String>,
    pub(crate) state: ObjectState,
}

impl Step {
    /// An immutable object: its place in the order does not matter, as long as it comes before all metadata.
    pub(crate) fn is_object(&self) -> bool {
        self.kind == StepKind::Create && !self.key.starts_with("metadata/")
    }

    pub(crate) fn view(&self) -> StepView {
        StepView {
            key: self.key.clone(),
            path: self.source.as_ref().map(|s| s.path.clone()),
            target: self.target,
            sha256: self.sha256.clone(),
            size: self.size,
            sent: sent(self.state, self.size),
            state: self.state,
        }
    }
}

fn sent(state: ObjectState, size: u64) -> u64 {
    if state == ObjectState::Done { size } else { 0 }
}

impl Journal {
    /// Replaces the steps of a job, all or none.
    pub(crate) async fn set_steps(&self, job: &str, steps: &[Step]) -> Result<()> {
        let mut tx = self.pool.begin().await.map_err(journal_error)?;
        sqlx::query("DELETE FROM step WHERE job = ?")
            .bind(job)
            .execute(&mut *tx)
            .await
            .map_err(journal_error)?;
        for step in steps {
            let source = step.source.as_ref().map(super::jobs::json).transpose()?;
            sqlx::query(
                "INSERT INTO step (job, seq, kind, target, key, sha256, size, body, path, source, expected, state)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(job)
            .bind(step.seq)
            .bind(step.kind.text())
            .bind(step.target)
            .bind(&step.key)
            .bind(&step.sha256)
            .bind(i64::try_from(step.size).unwrap_or(i64::MAX))
            .bind(&step.body)
            .bind(&step.path)
            .bind(source)
            .bind(&step.expected)
            .bind(step.state.text())
            .execute(&mut *tx)
            .await
            .map_err(journal_error)?;
        }
        tx.commit().await.map_err(journal_error)
    }

    pub(crate) async fn steps(&self, job: &str) -> Result<Vec<Step>> {
        let rows = sqlx::query("SELECT * FROM step WHERE job = ? ORDER BY seq")
            .bind(job)
            .fetch_all(&self.pool)
            .await;
        rows.map_err(journal_error)?.iter().map(read_step).collect()
    }

    /// Steps of a job as they are shown: without their content.
    pub(super) async fn show_steps(&self, job: &mut Job) -> Result<()> {
        let rows = sqlx::query(
            "SELECT seq, kind, target, key, sha256, size, NULL AS body, NULL AS path, source, NULL AS expected, state
             FROM step WHERE job = ? ORDER BY seq",
        )
        .bind(&job.id)
        .fetch_all(&self.pool)
        .await;
        let read = |row| read_step(row).map(|step| step.view());
        job.steps = rows
            .map_err(journal_error)?
            .iter()
            .map(read)
            .collect::<Result<_>>()?;
        job.sum_up(|_, _| 0);
        Ok(())
    }

    pub(crate) async fn set_step(&self, job: &str, seq: i64, state: ObjectState) -> Result<()> {
        self.mark_steps(job, &[(seq, state)]).await
    }

    /// Records the states of some steps at once.
    pub(crate) async fn mark_steps(&self, job: &str, steps: &[(i64, ObjectState)]) -> Result<()> {
        let mut tx = self.pool.begin().await.map_err(journal_error)?;
        for (seq, state) in steps {
            sqlx::query("UPDATE step SET state = ? WHERE job = ? AND seq = ?")
                .bind(state.text())
                .bind(job)
                .bind(seq)
                .execute(&mut *tx)
                .await
                .map_err(journal_error)?;
        }
        tx.commit().await.map_err(journal_error)
    }

    /// Forgets the single files of a finished job: its receipt has their count, and there may be thousands.
    pub(crate) async fn forget_files(&self, job: &str) -> Result<()> {
        let done = sqlx::query("DELETE FROM step WHERE job = ? AND source IS NOT NULL")
            .bind(job)
            .execute(&self.pool)
            .await;
        done.map(drop).map_err(journal_error)
    }
}

fn read_step(row: &SqliteRow) -> Result<Step> {
    let read = || -> std::result::Result<_, sqlx::Error> {
        Ok((
            row.try_get::<String, _>("kind")?,
            row.try_get::<String, _>("state")?,
            row.try_get::<Option<String>, _>("source")?,
            Step {
                seq: row.try_get("seq")?,
                kind: StepKind::Create,
                target: row.try_get("target")?,
                key: row.try_get("key")?,
                sha256: row.try_get("sha256")?,
                size: u64::try_from(row.try_get::<i64, _>("size")?).unwrap_or(0),
                body: row.try_get("body")?,
                path: row.try_get("path")?,
                source: None,
                expected: row.try_get("expected")?,
                state: ObjectState::Pending,
            },
        ))
    };
    let (kind, state, source, step) = read().map_err(journal_error)?;
    Ok(Step {
        kind: StepKind::read(&kind)?,
        state: ObjectState::read(&state)?,
        source: source.and_then(|s| serde_json::from_str(&s).ok()),
        ..step
    })
}
