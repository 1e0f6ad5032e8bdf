//! Jobs and the steps of publishes, in the journal.

use headgate_core::{Code, Problem, Result};
use headgate_tuf::UtcTime;
use serde::{Deserialize, Serialize};
use sqlx::{Row, sqlite::SqliteRow};

use super::steps::{StepView, TargetView};
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

            pub(super) fn read(text: &str) -> Result<Self> {
                match text {
                    $($text => Ok(Self::$variant),)*
                    _ => Err(headgate_core::Problem::new(headgate_core::Code::LocalJournal, format!("The journal holds an unknown word: {text:?}."))),
                }
            }
        }
    };
}

pub(super) use words;

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
        /// Changes the workspace's settings.
        Settings = "settings",
        /// Brings a mirror up to date.
        Mirror = "mirror",
    }
}

words! {
    /// Where a job stands.
    pub JobState {
        /// Works, or will be resumed.
        Running = "running",
        /// Older than 10 minutes: asks before it resumes.
        Waiting = "waiting",
        /// Held by the person.
        Paused = "paused",
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
        /// Can still be undone.
        Wait = "wait",
        /// Signs.
        Sign = "sign",
        /// Writes immutable objects.
        Upload = "upload",
        /// Writes metadata, the timestamp last.
        Publish = "publish",
        /// Reads back as a device would.
        ReadBack = "read_back",
        /// Brings mirrors up to date.
        Mirror = "mirror",
        /// Nothing more.
        Done = "done",
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
    /// Where they go: the registry, then mirrors.
    pub targets: Vec<TargetView>,
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
    /// In the phase `wait`: until when it can be undone. It begins anew when the job is taken up again.
    pub undo_until: Option<UtcTime>,
    /// What was asked for; nothing for an inspection.
    pub intent: Option<Intent>,
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
        let error = job
            .error
            .as_ref()
            .map(|e| json(&StoredError::from(e)))
            .transpose()?;
        let receipt = job.receipt.as_ref().map(json).transpose()?;
        let targets = json(
            &job.targets
                .iter()
                .map(Into::into)
                .collect::<Vec<StoredTarget>>(),
        )?;
        sqlx::query(
            "INSERT INTO job (id, kind, workspace, unit, channel, title, state, phase, intent, error, receipt, started, touched, finished, targets)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET title = excluded.title, state = excluded.state, phase = excluded.phase, intent = excluded.intent,
                targets = excluded.targets, error = excluded.error, receipt = excluded.receipt, touched = excluded.touched, finished = excluded.finished",
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
        .bind(targets)
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
            self.show_steps(&mut job).await?;
            jobs.push(job);
        }
        Ok(jobs)
    }

    /// Ended jobs of a workspace, dismissed ones too, newest first, without their steps.
    pub(crate) async fn past_jobs(&self, workspace: &str) -> Result<Vec<Job>> {
        let rows = sqlx::query(
            "SELECT * FROM job WHERE workspace = ? AND state IN ('done', 'failed', 'cancelled') ORDER BY started DESC, id DESC LIMIT 200",
        )
        .bind(workspace)
        .fetch_all(&self.pool)
        .await
        .map_err(journal_error)?;
        rows.iter().map(read_job).collect()
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
        self.show_steps(&mut job).await?;
        Ok(Some(job))
    }

    pub(crate) async fn dismiss(&self, id: &str) -> Result<()> {
        let done = sqlx::query("UPDATE job SET dismissed = 1 WHERE id = ? AND state IN ('done', 'failed', 'cancelled')").bind(id).execute(&self.pool).await;
        done.map(drop).map_err(journal_error)
    }
}

/// A target as it is kept: what follows from the steps is not.
#[derive(Serialize, Deserialize)]
struct StoredTarget {
    address: String,
    error: Option<StoredError>,
}

impl From<&TargetView> for StoredTarget {
    fn from(target: &TargetView) -> Self {
        Self {
            address: target.address.clone(),
            error: target.error.as_ref().map(StoredError::from),
        }
    }
}

pub(super) fn json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Problem::new(Code::Internal, e.to_string()))
}

impl From<&Problem> for StoredError {
    fn from(p: &Problem) -> Self {
        Self {
            code: p.code.text().into(),
            message: p.message.clone(),
            holds: p.holds.clone(),
            remedy: p.remedy.clone(),
            detail: p.detail.clone(),
            field: p.field.clone(),
        }
    }
}

impl From<StoredError> for Problem {
    fn from(stored: StoredError) -> Self {
        let code = Code::ALL
            .iter()
            .copied()
            .find(|c| c.text() == stored.code)
            .unwrap_or(Code::Internal);
        Self {
            code,
            message: stored.message,
            holds: stored.holds,
            remedy: stored.remedy,
            detail: stored.detail,
            field: stored.field,
        }
    }
}

fn error_from(text: &str) -> Option<Problem> {
    let stored: StoredError = serde_json::from_str(text).ok()?;
    Some(stored.into())
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
    let targets: Vec<StoredTarget> = maybe("targets")?
        .map(|t| serde_json::from_str(&t))
        .transpose()
        .map_err(damaged)?
        .unwrap_or_default();
    let target = |(index, stored): (usize, StoredTarget)| {
        TargetView::new(index, stored.address, stored.error.map(Problem::from))
    };
    Ok(Job {
        targets: targets.into_iter().enumerate().map(target).collect(),
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
        undo_until: None,
        intent: serde_json::from_str(&text("intent")?).map_err(damaged)?,
    })
}
