//! Uploads in parts and mirrors, in the journal.

use headgate_core::Result;
use headgate_registry::SentPart;
use headgate_tuf::UtcTime;
use sqlx::{Row, sqlite::SqliteRow};

use super::{Journal, journal_error};

/// An upload in parts that was begun.
#[derive(Debug, Clone)]
pub(crate) struct Upload {
    pub(crate) address: String,
    pub(crate) key: String,
    /// The storage's id of it.
    pub(crate) upload: String,
    pub(crate) part_size: u64,
}

impl Journal {
    pub(crate) async fn upload(&self, address: &str, key: &str) -> Result<Option<Upload>> {
        let row = sqlx::query("SELECT * FROM upload WHERE address = ? AND key = ?")
            .bind(address)
            .bind(key)
            .fetch_optional(&self.pool)
            .await;
        row.map_err(journal_error)?
            .as_ref()
            .map(read_upload)
            .transpose()
    }

    pub(crate) async fn uploads(&self) -> Result<Vec<Upload>> {
        let rows = sqlx::query("SELECT * FROM upload")
            .fetch_all(&self.pool)
            .await;
        rows.map_err(journal_error)?
            .iter()
            .map(read_upload)
            .collect()
    }

    pub(crate) async fn begin_upload(&self, upload: &Upload, now: UtcTime) -> Result<()> {
        let done = sqlx::query(
            "INSERT OR REPLACE INTO upload (address, key, upload, part_size, begun) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(&upload.address)
        .bind(&upload.key)
        .bind(&upload.upload)
        .bind(i64::try_from(upload.part_size).unwrap_or(i64::MAX))
        .bind(now.unix())
        .execute(&self.pool)
        .await;
        done.map(drop).map_err(journal_error)
    }

    pub(crate) async fn forget_upload(&self, address: &str, key: &str) -> Result<()> {
        let done = sqlx::query("DELETE FROM upload WHERE address = ? AND key = ?")
            .bind(address)
            .bind(key)
            .execute(&self.pool)
            .await;
        done.map(drop).map_err(journal_error)
    }

    /// Parts that were acknowledged, by number.
    pub(crate) async fn sent_parts(&self, address: &str, key: &str) -> Result<Vec<SentPart>> {
        let rows = sqlx::query(
            "SELECT number, size, tag FROM upload_part WHERE address = ? AND key = ? ORDER BY number",
        )
        .bind(address)
        .bind(key)
        .fetch_all(&self.pool)
        .await;
        let read = |row: &SqliteRow| {
            Ok(SentPart {
                number: row.try_get(0)?,
                size: u64::try_from(row.try_get::<i64, _>(1)?).unwrap_or(0),
                tag: row.try_get(2)?,
            })
        };
        rows.map_err(journal_error)?
            .iter()
            .map(read)
            .collect::<Result<_, sqlx::Error>>()
            .map_err(journal_error)
    }

    pub(crate) async fn add_part(&self, address: &str, key: &str, part: &SentPart) -> Result<()> {
        let done = sqlx::query(
            "INSERT OR REPLACE INTO upload_part (address, key, number, size, tag) VALUES (?, ?, ?, ?, ?)",
        )
        .bind(address)
        .bind(key)
        .bind(part.number)
        .bind(i64::try_from(part.size).unwrap_or(i64::MAX))
        .bind(&part.tag)
        .execute(&self.pool)
        .await;
        done.map(drop).map_err(journal_error)
    }

    /// Addresses of a workspace's mirrors, in the order in which they were added.
    pub(crate) async fn mirrors(&self, workspace: &str) -> Result<Vec<String>> {
        let rows =
            sqlx::query("SELECT address FROM mirror WHERE workspace = ? ORDER BY added, address")
                .bind(workspace)
                .fetch_all(&self.pool)
                .await;
        let read = |row: &SqliteRow| row.try_get(0).map_err(journal_error);
        rows.map_err(journal_error)?.iter().map(read).collect()
    }

    pub(crate) async fn add_mirror(
        &self,
        workspace: &str,
        address: &str,
        now: UtcTime,
    ) -> Result<()> {
        let done = sqlx::query(
            "INSERT OR IGNORE INTO mirror (workspace, address, added) VALUES (?, ?, ?)",
        )
        .bind(workspace)
        .bind(address)
        .bind(now.unix())
        .execute(&self.pool)
        .await;
        done.map(drop).map_err(journal_error)
    }

    /// Says whether it was one.
    pub(crate) async fn remove_mirror(&self, workspace: &str, address: &str) -> Result<bool> {
        let done = sqlx::query("DELETE FROM mirror WHERE workspace = ? AND address = ?")
            .bind(workspace)
            .bind(address)
            .execute(&self.pool)
            .await;
        Ok(done.map_err(journal_error)?.rows_affected() > 0)
    }
}

fn read_upload(row: &SqliteRow) -> Result<Upload> {
    let read = || -> std::result::Result<_, sqlx::Error> {
        Ok(Upload {
            address: row.try_get("address")?,
            key: row.try_get("key")?,
            upload: row.try_get("upload")?,
            part_size: u64::try_from(row.try_get::<i64, _>("part_size")?).unwrap_or(0),
        })
    };
    read().map_err(journal_error)
}
