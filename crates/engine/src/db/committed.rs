//! Committed metadata files of the last reading, in `cache.sqlite`.

use std::collections::BTreeMap;

use bytes::Bytes;
use headgate_core::Result;
use sqlx::{Row, SqliteConnection};

use super::{Cache, cache_error};

/// Metadata files by role name.
pub(crate) type Files = BTreeMap<String, Bytes>;

/// Replaces those of a workspace.
pub(super) async fn replace(
    db: &mut SqliteConnection,
    workspace: &str,
    files: &Files,
) -> Result<()> {
    sqlx::query("DELETE FROM committed WHERE workspace = ?")
        .bind(workspace)
        .execute(&mut *db)
        .await
        .map_err(cache_error)?;
    for (role, file) in files {
        sqlx::query("INSERT INTO committed (workspace, role, file) VALUES (?, ?, ?)")
            .bind(workspace)
            .bind(role)
            .bind(file.as_ref())
            .execute(&mut *db)
            .await
            .map_err(cache_error)?;
    }
    Ok(())
}

impl Cache {
    /// Those of a workspace; none before its first reading.
    pub(crate) async fn committed(&self, workspace: &str) -> Result<Files> {
        let rows = sqlx::query("SELECT role, file FROM committed WHERE workspace = ?")
            .bind(workspace)
            .fetch_all(&self.pool)
            .await
            .map_err(cache_error)?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let file: Vec<u8> = row.try_get(1).map_err(cache_error)?;
            Ok((row.try_get(0).map_err(cache_error)?, file.into()))
        };
        rows.iter().map(read).collect()
    }
}
