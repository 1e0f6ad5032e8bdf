//! Jobs and the steps of publishes, in the journal.

use headgate_core::{Code, Problem, Result};
use headgate_tuf::UtcTime;
use serde::{Deserialize, Serialize};
use sqlx::{Row, sqlite::SqliteRow};

use super::{Journal, journal_error};
use crate::{Intent, Receipt};

macro_rules! words {
    ($(#[$doc:meta])* $vis:vis $name:ident { $($(#[$vdoc:meta])* $variant:ident = $text:literal,)* }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        $vis enum $name { $($(#[$vdoc])* $variant,)* }

        impl $name {
            /// As it is stored and shown to programs.
            $vis fn text(self) -> &'static str {
                match self { $(Self::$variant => $text,)* }
            }

            fn read(text: &str) -> Result<Self> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(Problem::new(Code::LocalJournal, format!("The journal holds an unknown word: {text:?}."))),
                }
            }
        }
    };
}

words! {
    /// What a job does.
    pub JobKind {
        /// Reads, packs and inspects a web build. Not kept over a restart.
        Inspect = "inspect",
        /// Makes a workspace.
        Init = "init",
        /// Ships a build.
        Ship = "ship",
        /// Promotes.
        Promote = "promote",
        /// Changes what a channel serves.
        Rollout = "rollout",
        /// Signs freshness again.
        Refresh = "refresh",
        /// Changes the root.
        Root = "root",
    }
}

words! {
    /// Where a job stands.
    pub JobState {
        /// Works, or will be resumed.
        Running = "running",
        /// Older than 10 minutes: asks before it resumes.
        Waiting = "waiting",
        /// Ended well.
        Done = "done",
        /// Ended with an error; can be tried again.
        Failed = "failed",
        /// Stopped by the person.
        Cancelled = "cancelled",
    }
}

words! {
    /// What a job does now.
    pub Phase {
        /// Reads the web build or the registry.
        Read = "read",
        /// Packs.
        Pack = "pack",
        /// Inspects.
        Inspect = "inspect",
        /// Signs.
        Sign = "sign",
        /// Writes immutable objects.
        Upload = "upload",
        /// Writes metadata, the timestamp last.
        Publish = "publish",
        /// Reads back as a device would.
        ReadBack = "read_back",
        /// Nothing more.
        Done = "done",
    }
}

words! {
    /// State of one write.
    pub ObjectState {
        /// Not yet.
        Pending = "pending",
        /// Being written.
        Sending = "sending",
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

/// A job.
#[derive(Debug, Clone)]
pub struct Job {
    /// Identifier.
    pub id: String,
    /// What it does.
    pub kind: JobKind,
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit.
    pub unit: String,
    /// Target channel.
    pub channel: Option<String>,
    /// "Ship 4.2.7 to development".
    pub title: String,
    /// Where it stands.
    pub state: JobState,
    /// What it does now.
    pub phase: Phase,
    /// Bytes done in this phase.
    pub done: u64,
    /// Bytes in this phase; 0 = not known.
    pub total: u64,
    /// Bytes a second, smoothed.
    pub speed: u64,
    /// Writes of a publish.
    pub steps: Vec<StepView>,
    /// When it started.
    pub started: UtcTime,
    /// When it last moved.
    pub touched: UtcTime,
    /// When it ended.
    pub finished: Option<UtcTime>,
    /// Why it failed.
    pub error: Option<Problem>,
    /// What a publish proved.
    pub receipt: Option<Receipt>,
    /// Handle of an inspection.
    pub handle: Option<String>,
    /// What was asked for; nothing for an inspection.
    pub intent: Option<Intent>,
}

/// One write of a publish, to show.
#[derive(Debug, Clone)]
pub struct StepView {
    /// Where it goes.
    pub key: String,
    /// SHA-256, hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// Bytes acknowledged.
    pub sent: u64,
    /// Its state.
    pub state: ObjectState,
}

/// One write of a publish, whole.
#[derive(Debug, Clone)]
pub(crate) struct Step {
    pub(crate) seq: i64,
    pub(crate) kind: StepKind,
    pub(crate) key: String,
    pub(crate) sha256: String,
    pub(crate) size: u64,
    pub(crate) body: Option<Vec<u8>>,
    pub(crate) path: Option<String>,
    pub(crate) expected: Option<String>,
    pub(crate) state: ObjectState,
}

#[derive(Serialize, Deserialize)]
struct StoredError {
    code: String,
    message: String,
    holds: String,
    remedy: String,
    detail: Option<String>,
    field: Option<String>,
}

impl Journal {
    /// Adds or updates a job.
    pub(crate) async fn save_job(&self, job: &Job) -> Result<()> {
        let intent = json(&job.intent)?;
        let error = job.error.as_ref().map(error_json).transpose()?;
        let receipt = job.receipt.as_ref().map(json).transpose()?;
        sqlx::query(
            "INSERT INTO job (id, kind, workspace, unit, channel, title, state, phase, intent, error, receipt, started, touched, finished)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET title = excluded.title, state = excluded.state, phase = excluded.phase, intent = excluded.intent,
                error = excluded.error, receipt = excluded.receipt, touched = excluded.touched, finished = excluded.finished",
        )
        .bind(&job.id)
        .bind(job.kind.text())
        .bind(&job.workspace)
        .bind(&job.unit)
        .bind(&job.channel)
        .bind(&job.title)
        .bind(job.state.text())
        .bind(job.phase.text())
        .bind(intent)
        .bind(error)
        .bind(receipt)
        .bind(job.started.unix())
        .bind(job.touched.unix())
        .bind(job.finished.map(UtcTime::unix))
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(journal_error)
    }

    /// Jobs that are not dismissed, newest first, with their steps.
    pub(crate) async fn jobs(&self) -> Result<Vec<Job>> {
        let rows = sqlx::query(
            "SELECT * FROM job WHERE dismissed = 0 ORDER BY started DESC, id DESC LIMIT 200",
        )
        .fetch_all(&self.pool)
        .await;
        let mut jobs = Vec::new();
        for row in rows.map_err(journal_error)? {
            let mut job = read_job(&row)?;
            job.steps = self.steps(&job.id).await?.iter().map(Step::view).collect();
            jobs.push(job);
        }
        Ok(jobs)
    }

    pub(crate) async fn job(&self, id: &str) -> Result<Option<Job>> {
        let row = sqlx::query("SELECT * FROM job WHERE id = ?")
            .bind(id)
            .fetch_optional(&self.pool)
            .await;
        let Some(row) = row.map_err(journal_error)? else {
            return Ok(None);
        };
        let mut job = read_job(&row)?;
        job.steps = self.steps(id).await?.iter().map(Step::view).collect();
        Ok(Some(job))
    }

    pub(crate) async fn dismiss(&self, id: &str) -> Result<()> {
        let done = sqlx::query("UPDATE job SET dismissed = 1 WHERE id = ? AND state IN ('done', 'failed', 'cancelled')").bind(id).execute(&self.pool).await;
        done.map(drop).map_err(journal_error)
    }

    /// Replaces the steps of a job, all or none.
    pub(crate) async fn set_steps(&self, job: &str, steps: &[Step]) -> Result<()> {
        let mut tx = self.pool.begin().await.map_err(journal_error)?;
        sqlx::query("DELETE FROM step WHERE job = ?")
            .bind(job)
            .execute(&mut *tx)
            .await
            .map_err(journal_error)?;
        for step in steps {
            sqlx::query(
                "INSERT INTO step (job, seq, kind, key, sha256, size, body, path, expected, state) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(job)
            .bind(step.seq)
            .bind(step.kind.text())
            .bind(&step.key)
            .bind(&step.sha256)
            .bind(i64::try_from(step.size).unwrap_or(i64::MAX))
            .bind(&step.body)
            .bind(&step.path)
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

    pub(crate) async fn set_step(&self, job: &str, seq: i64, state: ObjectState) -> Result<()> {
        let done = sqlx::query("UPDATE step SET state = ? WHERE job = ? AND seq = ?")
            .bind(state.text())
            .bind(job)
            .bind(seq)
            .execute(&self.pool)
            .await;
        done.map(drop).map_err(journal_error)
    }
}

impl Step {
    pub(crate) fn view(&self) -> StepView {
        let sent = if matches!(self.state, ObjectState::Done) {
            self.size
        } else {
            0
        };
        StepView {
            key: self.key.clone(),
            sha256: self.sha256.clone(),
            size: self.size,
            sent,
            state: self.state,
        }
    }
}

fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Problem::new(Code::Internal, e.to_string()))
}

fn error_json(p: &Problem) -> Result<String> {
    json(&StoredError {
        code: p.code.text().into(),
        message: p.message.clone(),
        holds: p.holds.clone(),
        remedy: p.remedy.clone(),
        detail: p.detail.clone(),
        field: p.field.clone(),
    })
}

fn error_from(text: &str) -> Option<Problem> {
    let stored: StoredError = serde_json::from_str(text).ok()?;
    let code = Code::ALL
        .iter()
        .copied()
        .find(|c| c.text() == stored.code)
        .unwrap_or(Code::Internal);
    Some(Problem {
        code,
        message: stored.message,
        holds: stored.holds,
        remedy: stored.remedy,
        detail: stored.detail,
        field: stored.field,
    })
}

fn read_job(row: &SqliteRow) -> Result<Job> {
    let text = |name: &str| row.try_get::<String, _>(name).map_err(journal_error);
    let maybe = |name: &str| {
        row.try_get::<Option<String>, _>(name)
            .map_err(journal_error)
    };
    let time = |name: &str| {
        row.try_get::<i64, _>(name)
            .map(UtcTime::from_unix)
            .map_err(journal_error)
    };
    let damaged = |e: serde_json::Error| {
        Problem::new(
            Code::LocalJournal,
            format!("A job in the journal cannot be read: {e}."),
        )
    };
    Ok(Job {
        id: text("id")?,
        kind: JobKind::read(&text("kind")?)?,
        workspace: text("workspace")?,
        unit: text("unit")?,
        channel: maybe("channel")?,
        title: text("title")?,
        state: JobState::read(&text("state")?)?,
        phase: Phase::read(&text("phase")?)?,
        done: 0,
        total: 0,
        speed: 0,
        steps: Vec::new(),
        started: time("started")?,
        touched: time("touched")?,
        finished: row
            .try_get::<Option<i64>, _>("finished")
            .map_err(journal_error)?
            .map(UtcTime::from_unix),
        error: maybe("error")?.as_deref().and_then(error_from),
        receipt: maybe("receipt")?
            .map(|r| serde_json::from_str(&r))
            .transpose()
            .map_err(damaged)?,
        handle: None,
        intent: serde_json::from_str(&text("intent")?).map_err(damaged)?,
    })
}

fn read_step(row: &SqliteRow) -> Result<Step> {
    let read = || -> std::result::Result<_, sqlx::Error> {
        Ok((
            row.try_get::<String, _>("kind")?,
            row.try_get::<String, _>("state")?,
            Step {
                seq: row.try_get("seq")?,
                kind: StepKind::Create,
                key: row.try_get("key")?,
                sha256: row.try_get("sha256")?,
                size: u64::try_from(row.try_get::<i64, _>("size")?).unwrap_or(0),
                body: row.try_get("body")?,
                path: row.try_get("path")?,
                expected: row.try_get("expected")?,
                state: ObjectState::Pending,
            },
        ))
    };
    let (kind, state, step) = read().map_err(journal_error)?;
    Ok(Step {
        kind: StepKind::read(&kind)?,
        state: ObjectState::read(&state)?,
        ..step
    })
}
