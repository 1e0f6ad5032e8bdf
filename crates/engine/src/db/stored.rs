//! Stored bytes of single files, in the cache.

use std::collections::HashMap;

use headgate_bundle::single::ENCODER;
use headgate_core::{Result, files::StoredBytes};
use sqlx::Row;

use super::{Cache, cache_error};

impl Cache {
    /// What is known, by the file's own SHA-256. A row that cannot be read is as good as none.
    pub(crate) async fn stored_files(&self) -> Result<HashMap<String, StoredBytes>> {
        let rows = sqlx::query("SELECT sha256, stored FROM stored_file WHERE encoder = ?")
            .bind(ENCODER)
            .fetch_all(&self.pool)
            .await
            .map_err(cache_error)?;
        let read = |row: &sqlx::sqlite::SqliteRow| {
            let stored: String = row.try_get(1).ok()?;
            Some((row.try_get(0).ok()?, serde_json::from_str(&stored).ok()?))
        };
        Ok(rows.iter().filter_map(read).collect())
    }

    /// Remembers these and forgets all others: the next build is like this one.
    pub(crate) async fn set_stored_files(
        &self,
        files: &HashMap<String, StoredBytes>,
    ) -> Result<()> {
        let mut tx = self.pool.begin().await.map_err(cache_error)?;
        sqlx::query("DELETE FROM stored_file")
            .execute(&mut *tx)
            .await
            .map_err(cache_error)?;
        for (sha256, stored) in files {
            let Ok(json) = serde_json::to_string(stored) else {
                continue;
            };
            sqlx::query("INSERT INTO stored_file (encoder, sha256, stored) VALUES (?, ?, ?)")
                .bind(ENCODER)
                .bind(sha256)
                .bind(json)
                .execute(&mut *tx)
                .await
                .map_err(cache_error)?;
        }
        tx.commit().await.map_err(cache_error)
    }
}
