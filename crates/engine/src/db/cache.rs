//! `cache.sqlite`: what was last read from storage. May be deleted at any time.

use headgate_core::{
    Code, Problem, Result, inventory::Inventory, manifest::ReleaseManifest,
    rollout::RolloutDocument, settings::Settings,
};
use headgate_tuf::UtcTime;
use serde::{Serialize, de::DeserializeOwned};
use sqlx::{Row, SqlitePool, migrate::Migrator, sqlite::SqliteSynchronous};
use std::collections::BTreeMap;

use super::{Files, cache_error, committed, open};
use crate::Home;
use crate::trust::Trust;

static MIGRATOR: Migrator = sqlx::migrate!("migrations/cache");

const KIND: open::Kind = open::Kind {
    name: "cache.sqlite",
    code: Code::LocalCache,
    synchronous: SqliteSynchronous::Normal,
    migrator: &MIGRATOR,
};

/// The last verified reading of a workspace.
#[derive(Debug, Clone, Default)]
pub(crate) struct Reading {
    pub(crate) read_at: Option<UtcTime>,
    pub(crate) offline: Option<OfflineReason>,
    pub(crate) settings: Option<Settings>,
    pub(crate) root: u64,
    pub(crate) signed_at: Option<UtcTime>,
    pub(crate) expires: Option<UtcTime>,
    pub(crate) key_names: BTreeMap<String, String>,
    /// Keys and roles; nothing in a cache that an older Headgate filled.
    pub(crate) trust: Option<Trust>,
}

/// Why storage could not be read, in words.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize, serde::Deserialize)]
pub(crate) struct OfflineReason {
    pub(crate) code: String,
    pub(crate) message: String,
}

impl OfflineReason {
    pub(crate) fn of(problem: &Problem) -> Self {
        Self {
            code: problem.code.text().into(),
            message: problem.message.clone(),
        }
    }

    /// The problem again, with the words of its code.
    pub(crate) fn problem(&self) -> Problem {
        let code = Code::ALL.iter().copied().find(|c| c.text() == self.code);
        Problem::new(code.unwrap_or(Code::StorageIo), self.message.clone())
    }
}

/// A channel as it was last read.
#[derive(Debug, Clone)]
pub(crate) struct CachedChannel {
    pub(crate) unit: String,
    pub(crate) channel: String,
    pub(crate) threshold: u32,
    pub(crate) approval_version: u64,
    pub(crate) approval_expires: UtcTime,
    pub(crate) rollout_expires: UtcTime,
    pub(crate) rollout: Option<RolloutDocument>,
    pub(crate) rollout_at: Option<UtcTime>,
    pub(crate) rollout_by: Option<String>,
    pub(crate) signable: bool,
    pub(crate) rollout_signable: bool,
    pub(crate) approvals: Vec<CachedApproval>,
}

/// An approved release.
#[derive(Debug, Clone)]
pub(crate) struct CachedApproval {
    pub(crate) sha256: String,
    pub(crate) manifest: ReleaseManifest,
    pub(crate) approved: UtcTime,
}

/// The cache.
#[derive(Clone)]
pub(crate) struct Cache {
    pub(super) pool: SqlitePool,
}

impl Cache {
    /// Opens the cache. A damaged one is moved aside and made anew, which is told.
    pub(crate) async fn open(home: &Home) -> Result<(Self, Option<Problem>)> {
        let path = home.cache();
        match open::open(&path, &KIND, None).await {
            Ok(pool) => Ok((Self { pool }, None)),
            Err(problem) if problem.code == Code::LocalCache => {
                for suffix in ["", "-wal", "-shm"] {
                    let from = format!("{}{suffix}", path.display());
                    let _ = std::fs::rename(&from, format!("{}.damaged{suffix}", path.display()));
                }
                let pool = open::open(&path, &KIND, None).await?;
                Ok((Self { pool }, Some(problem)))
            }
            Err(problem) => Err(problem),
        }
    }

    pub(crate) async fn close(&self) {
        self.pool.close().await;
    }

    pub(crate) async fn reading(&self, workspace: &str) -> Result<Reading> {
        let row = sqlx::query("SELECT * FROM reading WHERE workspace = ?")
            .bind(workspace)
            .fetch_optional(&self.pool)
            .await;
        let Some(row) = row.map_err(cache_error)? else {
            return Ok(Reading::default());
        };
        let text = |name: &str| row.try_get::<Option<String>, _>(name).map_err(cache_error);
        Ok(Reading {
            read_at: row
                .try_get::<Option<i64>, _>("read_at")
                .map_err(cache_error)?
                .map(UtcTime::from_unix),
            offline: from_json(text("offline")?)?,
            settings: from_json(text("settings")?)?,
            root: number(
                row.try_get::<Option<i64>, _>("root")
                    .map_err(cache_error)?
                    .unwrap_or(0),
            ),
            signed_at: text("signed_at")?.map(|t| UtcTime::parse(&t)).transpose()?,
            expires: text("expires")?.map(|t| UtcTime::parse(&t)).transpose()?,
            key_names: from_json(text("key_names")?)?.unwrap_or_default(),
            trust: from_json(text("trust")?)?,
        })
    }

    pub(crate) async fn set_offline(&self, workspace: &str, reason: &OfflineReason) -> Result<()> {
        sqlx::query("INSERT INTO reading (workspace, offline) VALUES (?, ?) ON CONFLICT (workspace) DO UPDATE SET offline = excluded.offline")
            .bind(workspace)
            .bind(to_json(reason)?)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(cache_error)
    }

    /// Replaces everything known of a workspace, all or nothing.
    pub(crate) async fn store(
        &self,
        workspace: &str,
        reading: &Reading,
        channels: &[CachedChannel],
        files: &Files,
    ) -> Result<()> {
        let mut tx = self.pool.begin().await.map_err(cache_error)?;
        for table in ["reading", "channel", "approval"] {
            let sql = match table {
                "reading" => "DELETE FROM reading WHERE workspace = ?",
                "channel" => "DELETE FROM channel WHERE workspace = ?",
                _ => "DELETE FROM approval WHERE workspace = ?",
            };
            sqlx::query(sql)
                .bind(workspace)
                .execute(&mut *tx)
                .await
                .map_err(cache_error)?;
        }
        sqlx::query(
            "INSERT INTO reading (workspace, read_at, settings, root, signed_at, expires, key_names, trust) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        )
        .bind(workspace)
        .bind(reading.read_at.map(UtcTime::unix))
        .bind(reading.settings.as_ref().map(to_json).transpose()?)
        .bind(i64::try_from(reading.root).unwrap_or(0))
        .bind(reading.signed_at.map(|t| t.to_string()))
        .bind(reading.expires.map(|t| t.to_string()))
        .bind(to_json(&reading.key_names)?)
        .bind(reading.trust.as_ref().map(to_json).transpose()?)
        .execute(&mut *tx)
        .await
        .map_err(cache_error)?;
        for c in channels {
            sqlx::query(
                "INSERT INTO channel (workspace, unit, channel, threshold, approval_version, approval_expires, rollout_expires, rollout, rollout_at, rollout_by, signable, rollout_signable)
                 VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)",
            )
            .bind(workspace)
            .bind(&c.unit)
            .bind(&c.channel)
            .bind(c.threshold)
            .bind(i64::try_from(c.approval_version).unwrap_or(0))
            .bind(c.approval_expires.to_string())
            .bind(c.rollout_expires.to_string())
            .bind(c.rollout.as_ref().map(to_json).transpose()?)
            .bind(c.rollout_at.map(|t| t.to_string()))
            .bind(&c.rollout_by)
            .bind(c.signable)
            .bind(c.rollout_signable)
            .execute(&mut *tx)
            .await
            .map_err(cache_error)?;
            for a in &c.approvals {
                sqlx::query("INSERT INTO approval (workspace, unit, channel, build, sha256, manifest, approved) VALUES (?, ?, ?, ?, ?, ?, ?)")
                    .bind(workspace)
                    .bind(&c.unit)
                    .bind(&c.channel)
                    .bind(a.manifest.build)
                    .bind(&a.sha256)
                    .bind(to_json(&a.manifest)?)
                    .bind(a.approved.to_string())
                    .execute(&mut *tx)
                    .await
                    .map_err(cache_error)?;
            }
        }
        committed::replace(&mut tx, workspace, files).await?;
        tx.commit().await.map_err(cache_error)
    }

    /// Channels of a workspace with their approvals, newest build first.
    pub(crate) async fn channels(&self, workspace: &str) -> Result<Vec<CachedChannel>> {
        let rows = sqlx::query("SELECT * FROM channel WHERE workspace = ?")
            .bind(workspace)
            .fetch_all(&self.pool)
            .await;
        let mut channels = Vec::new();
        for row in rows.map_err(cache_error)? {
            let text = |name: &str| row.try_get::<String, _>(name).map_err(cache_error);
            let maybe = |name: &str| row.try_get::<Option<String>, _>(name).map_err(cache_error);
            let (unit, channel) = (text("unit")?, text("channel")?);
            let approvals = self.approvals(workspace, &unit, &channel).await?;
            channels.push(CachedChannel {
                threshold: row.try_get("threshold").map_err(cache_error)?,
                approval_version: number(row.try_get("approval_version").map_err(cache_error)?),
                approval_expires: UtcTime::parse(&text("approval_expires")?)?,
                rollout_expires: UtcTime::parse(&text("rollout_expires")?)?,
                rollout: from_json(maybe("rollout")?)?,
                rollout_at: maybe("rollout_at")?
                    .map(|t| UtcTime::parse(&t))
                    .transpose()?,
                rollout_by: maybe("rollout_by")?,
                signable: row.try_get("signable").map_err(cache_error)?,
                rollout_signable: row.try_get("rollout_signable").map_err(cache_error)?,
                unit,
                channel,
                approvals,
            });
        }
        Ok(channels)
    }

    async fn approvals(
        &self,
        workspace: &str,
        unit: &str,
        channel: &str,
    ) -> Result<Vec<CachedApproval>> {
        let rows = sqlx::query("SELECT sha256, manifest, approved FROM approval WHERE workspace = ? AND unit = ? AND channel = ? ORDER BY approved DESC, build DESC")
            .bind(workspace)
            .bind(unit)
            .bind(channel)
            .fetch_all(&self.pool)
            .await
            .map_err(cache_error)?;
        let read = |row: &sqlx::sqlite::SqliteRow| -> Result<Option<CachedApproval>> {
            let text = |i: usize| row.try_get::<String, _>(i).map_err(cache_error);
            let manifest = from_json(Some(text(1)?))?;
            let (sha256, approved) = (text(0)?, UtcTime::parse(&text(2)?)?);
            Ok(manifest.map(|manifest| CachedApproval {
                sha256,
                manifest,
                approved,
            }))
        };
        rows.iter().filter_map(|r| read(r).transpose()).collect()
    }

    pub(crate) async fn inventory(&self, sha256: &str) -> Result<Option<Inventory>> {
        let row = sqlx::query("SELECT body FROM inventory WHERE sha256 = ?")
            .bind(sha256)
            .fetch_optional(&self.pool)
            .await;
        let Some(row) = row.map_err(cache_error)? else {
            return Ok(None);
        };
        let body: Vec<u8> = row.try_get(0).map_err(cache_error)?;
        // A damaged row is as good as none: it is fetched again.
        if headgate_tuf::sha256_hex(&body) != sha256 {
            Ok(None)
        } else {
            Inventory::parse(&body).map(Some)
        }
    }

    pub(crate) async fn put_inventory(&self, sha256: &str, body: &[u8]) -> Result<()> {
        let done = sqlx::query("INSERT OR REPLACE INTO inventory (sha256, body) VALUES (?, ?)")
            .bind(sha256)
            .bind(body)
            .execute(&self.pool)
            .await;
        done.map(drop).map_err(cache_error)
    }
}

fn number(n: i64) -> u64 {
    u64::try_from(n).unwrap_or(0)
}

pub(super) fn to_json<T: Serialize>(value: &T) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Problem::new(Code::Internal, e.to_string()))
}

pub(super) fn from_json<T: DeserializeOwned>(text: Option<String>) -> Result<Option<T>> {
    let read = |t: String| {
        serde_json::from_str(&t)
            .map_err(|e| Problem::new(Code::LocalCache, format!("The cache cannot be read: {e}.")))
    };
    text.map(read).transpose()
}
