//! Committed versions of rollout roles, in `cache.sqlite`: the history of a channel, at once and offline.

use headgate_core::{Result, RolloutDocument};
use headgate_tuf::UtcTime;
use sqlx::{Row, sqlite::SqliteRow};

use super::cache::{Cache, from_json, to_json};
use super::cache_error;

/// A committed version of a rollout role.
#[derive(Debug, Clone)]
pub struct RolloutVersion {
    /// Version of the role.
    pub version: u64,
    /// SHA-256 of its file.
    pub sha256: String,
    /// When it was signed.
    pub at: UtcTime,
    /// Who signed it.
    pub by: String,
    /// What it did, in its own signed word.
    pub action: String,
    /// What the channel served from then on; nothing before the first release.
    pub document: Option<RolloutDocument>,
}

impl Cache {
    /// The history of a channel, oldest first.
    pub(crate) async fn history(
        &self,
        workspace: &str,
        unit: &str,
        channel: &str,
    ) -> Result<Vec<RolloutVersion>> {
        let rows = sqlx::query("SELECT version, sha256, at, by, action, document FROM rollout_version WHERE workspace = ? AND unit = ? AND channel = ? ORDER BY version")
            .bind(workspace)
            .bind(unit)
            .bind(channel)
            .fetch_all(&self.pool)
            .await
            .map_err(cache_error)?;
        let read = |row: &SqliteRow| {
            let text = |i: usize| row.try_get::<String, _>(i).map_err(cache_error);
            Ok(RolloutVersion {
                version: u64::try_from(row.try_get::<i64, _>(0).map_err(cache_error)?).unwrap_or(0),
                sha256: text(1)?,
                at: UtcTime::parse(&text(2)?)?,
                by: text(3)?,
                action: text(4)?,
                document: from_json(row.try_get(5).map_err(cache_error)?)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Adds versions, and forgets those above the newest: a registry that was made anew has none of them.
    pub(crate) async fn add_history(
        &self,
        workspace: &str,
        unit: &str,
        channel: &str,
        newest: u64,
        versions: &[RolloutVersion],
    ) -> Result<()> {
        let mut tx = self.pool.begin().await.map_err(cache_error)?;
        sqlx::query("DELETE FROM rollout_version WHERE workspace = ? AND unit = ? AND channel = ? AND version > ?")
            .bind(workspace)
            .bind(unit)
            .bind(channel)
            .bind(i64::try_from(newest).unwrap_or(i64::MAX))
            .execute(&mut *tx)
            .await
            .map_err(cache_error)?;
        for v in versions {
            sqlx::query("INSERT OR REPLACE INTO rollout_version (workspace, unit, channel, version, sha256, at, by, action, document) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
                .bind(workspace)
                .bind(unit)
                .bind(channel)
                .bind(i64::try_from(v.version).unwrap_or(i64::MAX))
                .bind(&v.sha256)
                .bind(v.at.to_string())
                .bind(&v.by)
                .bind(&v.action)
                .bind(v.document.as_ref().map(to_json).transpose()?)
                .execute(&mut *tx)
                .await
                .map_err(cache_error)?;
        }
        tx.commit().await.map_err(cache_error)
    }
}
