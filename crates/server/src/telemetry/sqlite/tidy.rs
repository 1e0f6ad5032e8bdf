//! What is removed, and what else is written outside of batches.

use headgate_core::Result;
use headgate_registry::HighWater;
use headgate_tuf::UtcTime;
use sqlx::{Connection, SqliteConnection};

use super::open::{meta_number, problem, set_meta, unreadable};
use super::read;
use super::store::{from_json, put, to_json};
use crate::telemetry::recent::Recent;
use crate::telemetry::rules::day;

/// Rows that name an install are kept so long after its last check-in, days.
const RETENTION: u32 = 90;
/// Minutes are kept so long, seconds. Their sums stay in the outcomes.
const MINUTES: i64 = 3 * 86_400;
/// Installs that are looked at in one transaction.
const PIECE: i64 = 20_000;
/// Longest time that an active cell of no installs is told, days: far beyond every window.
const EMPTY: u32 = 2 * RETENTION;

/// Removes minutes, and says whether what is due once a day is due.
pub(super) async fn minutes(db: &mut SqliteConnection, now: UtcTime) -> Result<Option<i64>> {
    let before = now.unix() - MINUTES;
    sqlx::query("DELETE FROM cell WHERE kind = 3 AND b < ?")
        .bind(before)
        .execute(&mut *db)
        .await
        .map_err(problem)?;
    let today = i64::from(day(now.unix()));
    Ok((meta_number(db, "expired").await? < today).then_some(0))
}

/// Removes what has expired among the installs after a key, and in the end what belongs to nobody.
///
/// An attempt of the newest rollout of a channel stays while its install does: without it the next check-in would be
/// counted as a new one.
pub(super) async fn expire(
    db: &mut SqliteConnection,
    now: UtcTime,
    key: i64,
) -> Result<Option<i64>> {
    let today = day(now.unix());
    let oldest = today.saturating_sub(RETENTION);
    let mut tx = db.begin_with("BEGIN IMMEDIATE").await.map_err(problem)?;
    let last: Option<i64> = sqlx::query_scalar(
        "SELECT MAX(key) FROM (SELECT key FROM install WHERE key > ? ORDER BY key LIMIT ?)",
    )
    .bind(key)
    .bind(PIECE)
    .fetch_one(&mut *tx)
    .await
    .map_err(problem)?;
    let Some(last) = last else {
        leftovers(&mut tx, today).await?;
        set_meta(&mut tx, "expired", today.into()).await?;
        tx.commit().await.map_err(problem)?;
        return Ok(None);
    };
    let gone: String = sqlx::query_scalar(
        "SELECT json_group_array(json_array(key, plugin)) FROM install WHERE key > ? AND key <= ? AND last_day < ?",
    )
    .bind(key)
    .bind(last)
    .bind(oldest)
    .fetch_one(&mut *tx)
    .await
    .map_err(problem)?;
    remove(&mut tx, &from_json::<Vec<(i64, i64)>>(&gone)?).await?;
    sqlx::query(
        "DELETE FROM attempt WHERE install > ? AND install <= ? AND at < ? AND rollout NOT IN
             (SELECT r.id FROM rollout r WHERE r.attempt = (SELECT MAX(attempt) FROM rollout WHERE scope = r.scope))",
    )
    .bind(key)
    .bind(last)
    .bind(i64::from(oldest) * 86_400)
    .execute(&mut *tx)
    .await
    .map_err(problem)?;
    tx.commit().await.map_err(problem)?;
    Ok(Some(last))
}

/// Networks of rollouts that are over, and empty cells of days long ago.
async fn leftovers(db: &mut SqliteConnection, today: u32) -> Result<()> {
    sqlx::query(
        "DELETE FROM gate_network WHERE rollout IN (SELECT r.id FROM rollout r WHERE r.used < ?
             AND r.attempt < (SELECT MAX(attempt) FROM rollout WHERE scope = r.scope))",
    )
    .bind(today.saturating_sub(RETENTION))
    .execute(&mut *db)
    .await
    .map_err(problem)?;
    sqlx::query("DELETE FROM cell WHERE kind = 0 AND n0 = 0 AND b < ?")
        .bind(today.saturating_sub(EMPTY))
        .execute(db)
        .await
        .map(drop)
        .map_err(problem)
}

/// Removes installs, each with its plugin, and what names them.
async fn remove(db: &mut SqliteConnection, gone: &[(i64, i64)]) -> Result<()> {
    put(
        db,
        "DELETE FROM attempt WHERE install IN (SELECT value ->> 0 FROM json_each(?))",
        gone,
    )
    .await?;
    put(
        db,
        "DELETE FROM install WHERE key IN (SELECT value ->> 0 FROM json_each(?))",
        gone,
    )
    .await?;
    let mut plugins = std::collections::BTreeMap::<i64, i64>::new();
    for (_, plugin) in gone.iter().filter(|(_, plugin)| *plugin != 0) {
        *plugins.entry(*plugin).or_default() += 1;
    }
    let plugins: Vec<_> = plugins.into_iter().collect();
    put(
        db,
        "UPDATE word SET installs = MAX(0, installs - (j.value ->> 1)) FROM json_each(?) j WHERE word.id = j.value ->> 0",
        &plugins,
    )
    .await
}

/// Removes an install from all channels.
pub(super) async fn forget(db: &mut SqliteConnection, recent: &Recent, id: &str) -> Result<bool> {
    let mut tx = db.begin_with("BEGIN IMMEDIATE").await.map_err(problem)?;
    let rows: String = sqlx::query_scalar(
        "SELECT json_group_array(json_array(i.key, i.plugin, w.name, s.unit, s.channel)) FROM install i
         JOIN scope s ON s.id = i.scope JOIN workspace w ON w.id = s.workspace WHERE i.id = ?",
    )
    .bind(id)
    .fetch_one(&mut *tx)
    .await
    .map_err(problem)?;
    let rows: Vec<(i64, i64, String, String, String)> = from_json(&rows)?;
    let gone: Vec<(i64, i64)> = rows.iter().map(|r| (r.0, r.1)).collect();
    remove(&mut tx, &gone).await?;
    tx.commit().await.map_err(problem)?;
    for (_, _, workspace, unit, channel) in &rows {
        recent.forget(workspace, unit, channel, id);
    }
    Ok(!rows.is_empty())
}

/// Raises the high-water marks of a workspace.
pub(super) async fn raise_marks(
    db: &mut SqliteConnection,
    workspace: &str,
    marks: &HighWater,
) -> Result<()> {
    let mut tx = db.begin_with("BEGIN IMMEDIATE").await.map_err(problem)?;
    let before = read::marks(&mut *tx, workspace).await?;
    let mut seen = before.clone();
    crate::telemetry::raise(&mut seen, marks);
    if seen != before {
        sqlx::query(
            "INSERT INTO high_water (workspace, marks) VALUES (?, ?)
             ON CONFLICT (workspace) DO UPDATE SET marks = excluded.marks",
        )
        .bind(workspace)
        .bind(to_json(&seen)?)
        .execute(&mut *tx)
        .await
        .map_err(problem)?;
    }
    tx.commit().await.map_err(problem)
}

/// Counts a rollout anew for its gate, when it was opened later than is known.
pub(super) async fn open(
    db: &mut SqliteConnection,
    rollout: i64,
    opened: UtcTime,
    now: UtcTime,
) -> Result<()> {
    let mut tx = db.begin_with("BEGIN IMMEDIATE").await.map_err(problem)?;
    let raised = sqlx::query(
        "UPDATE rollout SET opened = ?, since = ?, sample = 0, failures = 0 WHERE id = ? AND opened < ?",
    )
    .bind(opened.unix())
    .bind(now.unix())
    .bind(rollout)
    .bind(opened.unix())
    .execute(&mut *tx)
    .await
    .map_err(problem)?;
    if raised.rows_affected() > 0 {
        sqlx::query("DELETE FROM gate_network WHERE rollout = ?")
            .bind(rollout)
            .execute(&mut *tx)
            .await
            .map_err(problem)?;
    }
    tx.commit().await.map_err(problem)
}

/// Latches a gate; the first time counts.
pub(super) async fn stop(
    db: &mut SqliteConnection,
    scope: i64,
    (build, opened): (u32, UtcTime),
    now: UtcTime,
) -> Result<UtcTime> {
    let at: Option<i64> = sqlx::query_scalar(
        "INSERT INTO gate_latch (scope, build, opened, at) VALUES (?, ?, ?, ?)
         ON CONFLICT (scope, build, opened) DO UPDATE SET at = at RETURNING at",
    )
    .bind(scope)
    .bind(build)
    .bind(opened.unix())
    .bind(now.unix())
    .fetch_optional(db)
    .await
    .map_err(problem)?;
    at.map(UtcTime::from_unix)
        .ok_or_else(|| unreadable("a gate"))
}
