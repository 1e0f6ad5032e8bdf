//! What waits for signatures of other people, in the journal.

use std::collections::BTreeSet;

use headgate_core::{Code, Problem, Result};
use headgate_tuf::{KeyId, UtcTime};
use serde::{Deserialize, Serialize};
use sqlx::{Row, sqlite::SqliteRow};

use super::jobs::{json, words};
use super::{Journal, journal_error};
use crate::Intent;

words! {
    /// Where a pending approval stands.
    pub ApprovalState {
        /// Waits for signatures, or is complete and waits to be published.
        Open = "open",
        /// Published.
        Done = "done",
        /// Taken back by who asked.
        Withdrawn = "withdrawn",
        /// This console's person refused it.
        Refused = "refused",
        /// Asked again, on top of what others published.
        Replaced = "replaced",
    }
}

/// Something that happened to a pending approval.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApprovalNote {
    /// When, by this computer's clock.
    pub at: UtcTime,
    /// Who, in words.
    pub by: String,
    /// `asked`, `signed`, `refused`, `withdrawn`.
    pub what: String,
    /// Key that signed, or the reason.
    pub text: String,
    /// Keys whose signatures came with it.
    #[serde(default)]
    pub keys: BTreeSet<KeyId>,
}

/// A pending approval as it is kept.
#[derive(Debug, Clone)]
pub(crate) struct StoredApproval {
    pub(crate) id: String,
    pub(crate) workspace: String,
    pub(crate) own: bool,
    pub(crate) state: ApprovalState,
    pub(crate) title: String,
    pub(crate) unit: Option<String>,
    pub(crate) channel: Option<String>,
    pub(crate) created: UtcTime,
    pub(crate) expires: UtcTime,
    pub(crate) intent: Option<Intent>,
    pub(crate) request: Vec<u8>,
    pub(crate) notes: Vec<ApprovalNote>,
    pub(crate) job: Option<String>,
}

impl Journal {
    pub(crate) async fn save_approval(&self, a: &StoredApproval) -> Result<()> {
        sqlx::query(
            "INSERT INTO approval (id, workspace, own, state, title, unit, channel, created, expires, intent, request, notes, job)
             VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
             ON CONFLICT (id) DO UPDATE SET state = excluded.state, intent = excluded.intent, request = excluded.request,
                notes = excluded.notes, job = excluded.job",
        )
        .bind(&a.id)
        .bind(&a.workspace)
        .bind(a.own)
        .bind(a.state.text())
        .bind(&a.title)
        .bind(&a.unit)
        .bind(&a.channel)
        .bind(a.created.unix())
        .bind(a.expires.unix())
        .bind(a.intent.as_ref().map(json).transpose()?)
        .bind(&a.request)
        .bind(json(&a.notes)?)
        .bind(&a.job)
        .execute(&self.pool)
        .await
        .map(drop)
        .map_err(journal_error)
    }

    pub(crate) async fn approval(
        &self,
        workspace: &str,
        id: &str,
    ) -> Result<Option<StoredApproval>> {
        let row = sqlx::query("SELECT * FROM approval WHERE id = ? AND workspace = ?")
            .bind(id)
            .bind(workspace)
            .fetch_optional(&self.pool)
            .await;
        row.map_err(journal_error)?.as_ref().map(read).transpose()
    }

    /// All of a workspace, newest first.
    pub(crate) async fn approvals(&self, workspace: &str) -> Result<Vec<StoredApproval>> {
        let rows = sqlx::query(
            "SELECT * FROM approval WHERE workspace = ? ORDER BY created DESC, id LIMIT 500",
        )
        .bind(workspace)
        .fetch_all(&self.pool)
        .await;
        rows.map_err(journal_error)?.iter().map(read).collect()
    }
}

fn read(row: &SqliteRow) -> Result<StoredApproval> {
    let damaged = |e: serde_json::Error| {
        let what = format!("A pending approval in the journal cannot be read: {e}.");
        Problem::new(Code::LocalJournal, what)
    };
    let text = |name: &str| row.try_get::<String, _>(name).map_err(journal_error);
    let maybe = |name: &str| {
        row.try_get::<Option<String>, _>(name)
            .map_err(journal_error)
    };
    let time = |name: &str| {
        let seconds = row.try_get::<i64, _>(name).map_err(journal_error);
        seconds.map(UtcTime::from_unix)
    };
    let intent = maybe("intent")?;
    Ok(StoredApproval {
        id: text("id")?,
        workspace: text("workspace")?,
        own: row.try_get("own").map_err(journal_error)?,
        state: ApprovalState::read(&text("state")?)?,
        title: text("title")?,
        unit: maybe("unit")?,
        channel: maybe("channel")?,
        created: time("created")?,
        expires: time("expires")?,
        intent: intent
            .map(|i| serde_json::from_str(&i))
            .transpose()
            .map_err(damaged)?,
        request: row.try_get("request").map_err(journal_error)?,
        notes: serde_json::from_str(&text("notes")?).map_err(damaged)?,
        job: maybe("job")?,
    })
}
