//! What this computer knows of its own keys besides their public halves.

use headgate_core::Result;
use headgate_tuf::UtcTime;
use sqlx::{Row, sqlite::SqliteRow};
use std::collections::BTreeMap;

use super::{Journal, journal_error};
use crate::db::journal::OwnKey;

/// What was done for a key here.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Care {
    /// When it was last written to a file with a passphrase.
    pub(crate) exported: Option<UtcTime>,
    /// When that file was last proven to hold it.
    pub(crate) drilled: Option<UtcTime>,
    /// Since when it is not meant for use here.
    pub(crate) retired: Option<UtcTime>,
}

impl Journal {
    /// RSA keys that this computer made or imported, oldest first.
    pub(crate) async fn own_rsa(&self, workspace: &str) -> Result<Vec<OwnKey>> {
        let rows = sqlx::query("SELECT public, label, created FROM own_rsa WHERE workspace = ? ORDER BY created, sha256")
            .bind(workspace)
            .fetch_all(&self.pool)
            .await
            .map_err(journal_error)?;
        let read = |row: &SqliteRow| {
            Ok(OwnKey {
                public: row.try_get(0)?,
                label: row.try_get(1)?,
                created: UtcTime::from_unix(row.try_get(2)?),
            })
        };
        rows.iter()
            .map(read)
            .collect::<Result<_, sqlx::Error>>()
            .map_err(journal_error)
    }

    pub(crate) async fn add_own_rsa(
        &self,
        workspace: &str,
        sha256: &str,
        public: &str,
        label: &str,
        now: UtcTime,
    ) -> Result<()> {
        sqlx::query("INSERT OR IGNORE INTO own_rsa (workspace, sha256, public, label, created) VALUES (?, ?, ?, ?, ?)")
            .bind(workspace)
            .bind(sha256)
            .bind(public)
            .bind(label)
            .bind(now.unix())
            .execute(&self.pool)
            .await
            .map_err(journal_error)?;
        self.back_up().await;
        Ok(())
    }

    /// What was done for the keys of a workspace, by id.
    pub(crate) async fn care(&self, workspace: &str) -> Result<BTreeMap<String, Care>> {
        let rows =
            sqlx::query("SELECT id, exported, drilled, retired FROM key_care WHERE workspace = ?")
                .bind(workspace)
                .fetch_all(&self.pool)
                .await
                .map_err(journal_error)?;
        let read = |row: &SqliteRow| {
            let time = |at: usize| -> Result<_, sqlx::Error> {
                Ok(row.try_get::<Option<i64>, _>(at)?.map(UtcTime::from_unix))
            };
            let care = Care {
                exported: time(1)?,
                drilled: time(2)?,
                retired: time(3)?,
            };
            Ok((row.try_get(0)?, care))
        };
        rows.iter()
            .map(read)
            .collect::<Result<_, sqlx::Error>>()
            .map_err(journal_error)
    }

    pub(crate) async fn set_care(&self, workspace: &str, id: &str, care: Care) -> Result<()> {
        sqlx::query(
            "INSERT INTO key_care (workspace, id, exported, drilled, retired) VALUES (?, ?, ?, ?, ?)
             ON CONFLICT (workspace, id) DO UPDATE SET exported = excluded.exported, drilled = excluded.drilled, retired = excluded.retired",
        )
        .bind(workspace)
        .bind(id)
        .bind(care.exported.map(UtcTime::unix))
        .bind(care.drilled.map(UtcTime::unix))
        .bind(care.retired.map(UtcTime::unix))
        .execute(&self.pool)
        .await
        .map_err(journal_error)?;
        self.back_up().await;
        Ok(())
    }

    /// Forgets a key of this computer, of either algorithm.
    pub(crate) async fn forget_key(&self, workspace: &str, id: &str) -> Result<()> {
        let mut tx = self.pool.begin().await.map_err(journal_error)?;
        for sql in [
            "DELETE FROM own_key WHERE workspace = ? AND keyid = ?",
            "DELETE FROM own_rsa WHERE workspace = ? AND sha256 = ?",
            "DELETE FROM key_care WHERE workspace = ? AND id = ?",
        ] {
            sqlx::query(sql)
                .bind(workspace)
                .bind(id)
                .execute(&mut *tx)
                .await
                .map_err(journal_error)?;
        }
        tx.commit().await.map_err(journal_error)?;
        self.back_up().await;
        Ok(())
    }
}
