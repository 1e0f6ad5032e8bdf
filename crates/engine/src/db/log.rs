//! Files of the audit log, in `cache.sqlite`: read once, verified each time.

use std::collections::HashMap;

use bytes::Bytes;
use headgate_core::Result;
use headgate_tuf::UtcTime;
use sqlx::Row;

use super::{Cache, cache_error};

/// A file of the log as it was read.
#[derive(Debug, Clone)]
pub(crate) struct LogFileRow {
    /// Key below the prefix.
    pub(crate) name: String,
    /// Exact bytes.
    pub(crate) body: Bytes,
    /// It verified.
    pub(crate) good: bool,
}

/// When the log was read.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct LogReading {
    /// Storage was asked for what is new.
    pub(crate) read_at: Option<UtcTime>,
    /// Every file was read from storage.
    pub(crate) proven_at: Option<UtcTime>,
}

impl Cache {
    /// Files of the log of the registry with this root.
    pub(crate) async fn log_files(&self, root: &str) -> Result<HashMap<String, LogFileRow>> {
        let rows = sqlx::query("SELECT name, body, good FROM log_file WHERE root = ?")
            .bind(root)
            .fetch_all(&self.pool)
            .await
            .map_err(cache_error)?;
        let mut files = HashMap::with_capacity(rows.len());
        for row in rows {
            let name: String = row.try_get(0).map_err(cache_error)?;
            let body: Vec<u8> = row.try_get(1).map_err(cache_error)?;
            let good = row.try_get(2).map_err(cache_error)?;
            let file = LogFileRow {
                name: name.clone(),
                body: body.into(),
                good,
            };
            files.insert(name, file);
        }
        Ok(files)
    }

    /// When the log was read last.
    pub(crate) async fn log_reading(&self, root: &str) -> Result<LogReading> {
        let row = sqlx::query("SELECT read_at, proven_at FROM log_reading WHERE root = ?")
            .bind(root)
            .fetch_optional(&self.pool)
            .await
            .map_err(cache_error)?;
        let Some(row) = row else {
            return Ok(LogReading::default());
        };
        let time = |i: usize| -> Result<Option<UtcTime>> {
            let at: Option<i64> = row.try_get(i).map_err(cache_error)?;
            Ok(at.map(UtcTime::from_unix))
        };
        Ok(LogReading {
            read_at: time(0)?,
            proven_at: time(1)?,
        })
    }

    /// Remembers what was read; `anew` forgets everything else first, as all of it was read.
    pub(crate) async fn put_log_files(
        &self,
        root: &str,
        files: &[LogFileRow],
        now: UtcTime,
        anew: bool,
    ) -> Result<()> {
        let mut tx = self.pool.begin().await.map_err(cache_error)?;
        if anew {
            sqlx::query("DELETE FROM log_file WHERE root = ?")
                .bind(root)
                .execute(&mut *tx)
                .await
                .map_err(cache_error)?;
        }
        for file in files {
            sqlx::query(
                "INSERT OR REPLACE INTO log_file (root, name, body, good) VALUES (?, ?, ?, ?)",
            )
            .bind(root)
            .bind(&file.name)
            .bind(&file.body[..])
            .bind(file.good)
            .execute(&mut *tx)
            .await
            .map_err(cache_error)?;
        }
        sqlx::query(
            "INSERT INTO log_reading (root, read_at, proven_at) VALUES (?, ?, ?)
             ON CONFLICT (root) DO UPDATE SET read_at = excluded.read_at,
                proven_at = coalesce(excluded.proven_at, log_reading.proven_at)",
        )
        .bind(root)
        .bind(now.unix())
        .bind(anew.then_some(now.unix()))
        .execute(&mut *tx)
        .await
        .map_err(cache_error)?;
        tx.commit().await.map_err(cache_error)
    }
}
