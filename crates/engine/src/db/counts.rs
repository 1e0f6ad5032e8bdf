//! What the update server counted, in `cache.sqlite`. Cells hold totals and replace each other, so that a page that is
//! read twice changes nothing twice.

use headgate_core::status::{
    ActiveCell, Cell, ChannelStatus, DailyCell, Dialect, MinuteCell, OutcomeCell, Place, StatusPage,
};
use headgate_core::{Platform, Problem, Result};
use headgate_tuf::{Name, UtcTime};
use serde::de::DeserializeOwned;
use sqlx::{Row, Sqlite, Transaction, sqlite::SqliteRow};

use super::cache::{Cache, OfflineReason, from_json, to_json};
use super::cache_error;

/// How far the counts of a workspace were read.
#[derive(Debug, Clone, Default)]
pub(crate) struct CountsReading {
    pub(crate) epoch: Option<String>,
    pub(crate) cursor: u64,
    pub(crate) as_of: Option<UtcTime>,
    pub(crate) public_url: Option<String>,
    pub(crate) offline: Option<OfflineReason>,
}

impl Cache {
    pub(crate) async fn counts_reading(&self, workspace: &str) -> Result<CountsReading> {
        let row = sqlx::query(
            "SELECT epoch, cursor, as_of, public_url, offline FROM server_reading WHERE workspace = ?",
        )
        .bind(workspace)
        .fetch_optional(&self.pool)
        .await
        .map_err(cache_error)?;
        let Some(row) = row else {
            return Ok(CountsReading::default());
        };
        let text = |i: usize| row.try_get::<Option<String>, _>(i).map_err(cache_error);
        Ok(CountsReading {
            epoch: text(0)?,
            cursor: u64::try_from(row.try_get::<i64, _>(1).map_err(cache_error)?).unwrap_or(0),
            as_of: text(2)?.map(|t| UtcTime::parse(&t)).transpose()?,
            public_url: text(3)?,
            offline: from_json(text(4)?)?,
        })
    }

    pub(crate) async fn set_counts_offline(
        &self,
        workspace: &str,
        reason: &OfflineReason,
    ) -> Result<()> {
        sqlx::query("INSERT INTO server_reading (workspace, offline) VALUES (?, ?) ON CONFLICT (workspace) DO UPDATE SET offline = excluded.offline")
            .bind(workspace)
            .bind(to_json(reason)?)
            .execute(&self.pool)
            .await
            .map(drop)
            .map_err(cache_error)
    }

    /// Forgets all counts of a workspace: another database counts from the beginning.
    pub(crate) async fn forget_counts(&self, workspace: &str) -> Result<()> {
        let mut tx = self.pool.begin().await.map_err(cache_error)?;
        for sql in [
            "DELETE FROM active_cell WHERE workspace = ?",
            "DELETE FROM daily_cell WHERE workspace = ?",
            "DELETE FROM outcome_cell WHERE workspace = ?",
            "DELETE FROM minute_cell WHERE workspace = ?",
            "DELETE FROM server_channel WHERE workspace = ?",
            "DELETE FROM server_reading WHERE workspace = ?",
        ] {
            sqlx::query(sql)
                .bind(workspace)
                .execute(&mut *tx)
                .await
                .map_err(cache_error)?;
        }
        tx.commit().await.map_err(cache_error)
    }

    /// Stores a page with its cursor, all or nothing.
    pub(crate) async fn store_page(&self, workspace: &str, page: &StatusPage) -> Result<()> {
        let mut tx = self.pool.begin().await.map_err(cache_error)?;
        for cell in &page.cells {
            match cell {
                Cell::Active(c) => active(&mut tx, workspace, c).await?,
                Cell::Daily(c) => daily(&mut tx, workspace, c).await?,
                Cell::Outcome(c) => outcome(&mut tx, workspace, c).await?,
                Cell::Minute(c) => minute(&mut tx, workspace, c).await?,
            }
        }
        sqlx::query("DELETE FROM server_channel WHERE workspace = ?")
            .bind(workspace)
            .execute(&mut *tx)
            .await
            .map_err(cache_error)?;
        for status in &page.channels {
            sqlx::query("INSERT OR REPLACE INTO server_channel (workspace, unit, channel, status) VALUES (?, ?, ?, ?)")
                .bind(workspace)
                .bind(status.unit.as_str())
                .bind(status.channel.as_str())
                .bind(to_json(status)?)
                .execute(&mut *tx)
                .await
                .map_err(cache_error)?;
        }
        sqlx::query("INSERT OR REPLACE INTO server_reading (workspace, epoch, cursor, as_of, public_url) VALUES (?, ?, ?, ?, ?)")
            .bind(workspace)
            .bind(&page.epoch)
            .bind(signed(page.next))
            .bind(page.as_of.to_string())
            .bind(&page.public_url)
            .execute(&mut *tx)
            .await
            .map_err(cache_error)?;
        tx.commit().await.map_err(cache_error)
    }

    pub(crate) async fn channel_status(&self, workspace: &str) -> Result<Vec<ChannelStatus>> {
        let rows = sqlx::query(
            "SELECT status FROM server_channel WHERE workspace = ? ORDER BY unit, channel",
        )
        .bind(workspace)
        .fetch_all(&self.pool)
        .await
        .map_err(cache_error)?;
        let read = |row: &SqliteRow| json(row, 0);
        rows.iter().map(read).collect()
    }

    /// Installs of a channel that were seen on or after a day; the days are summed.
    pub(crate) async fn active(
        &self,
        workspace: &str,
        unit: &Name,
        channel: &Name,
        since: u32,
    ) -> Result<Vec<ActiveCell>> {
        let rows = sqlx::query("SELECT dialect, platform, native, build, SUM(installs), MAX(day) FROM active_cell WHERE workspace = ? AND unit = ? AND channel = ? AND day >= ? GROUP BY dialect, platform, native, build")
            .bind(workspace)
            .bind(unit.as_str())
            .bind(channel.as_str())
            .bind(since)
            .fetch_all(&self.pool)
            .await
            .map_err(cache_error)?;
        let read = |row: &SqliteRow| {
            Ok(ActiveCell {
                place: place(row, unit, channel)?,
                build: embedded(row.try_get(3).map_err(cache_error)?),
                installs: count(row, 4)?,
                day: row.try_get(5).map_err(cache_error)?,
            })
        };
        rows.iter().map(read).collect()
    }

    /// Native versions that a unit's installs reported, as far as this computer knows.
    pub(crate) async fn native_versions(
        &self,
        workspace: &str,
        unit: &Name,
    ) -> Result<Vec<String>> {
        sqlx::query_scalar(
            "SELECT DISTINCT native FROM active_cell WHERE workspace = ? AND unit = ?",
        )
        .bind(workspace)
        .bind(unit.as_str())
        .fetch_all(&self.pool)
        .await
        .map_err(cache_error)
    }

    pub(crate) async fn daily(
        &self,
        workspace: &str,
        unit: &Name,
        channel: &Name,
        since: u32,
    ) -> Result<Vec<DailyCell>> {
        let rows = sqlx::query("SELECT day, build, installs FROM daily_cell WHERE workspace = ? AND unit = ? AND channel = ? AND day >= ? ORDER BY day, build")
            .bind(workspace)
            .bind(unit.as_str())
            .bind(channel.as_str())
            .bind(since)
            .fetch_all(&self.pool)
            .await
            .map_err(cache_error)?;
        let read = |row: &SqliteRow| {
            Ok(DailyCell {
                unit: unit.clone(),
                channel: channel.clone(),
                day: row.try_get(0).map_err(cache_error)?,
                build: embedded(row.try_get(1).map_err(cache_error)?),
                installs: count(row, 2)?,
            })
        };
        rows.iter().map(read).collect()
    }

    pub(crate) async fn outcomes(
        &self,
        workspace: &str,
        unit: &Name,
        channel: &Name,
        build: u32,
    ) -> Result<Vec<OutcomeCell>> {
        let rows = sqlx::query("SELECT dialect, platform, native, attempt, states, reasons FROM outcome_cell WHERE workspace = ? AND unit = ? AND channel = ? AND build = ?")
            .bind(workspace)
            .bind(unit.as_str())
            .bind(channel.as_str())
            .bind(build)
            .fetch_all(&self.pool)
            .await
            .map_err(cache_error)?;
        let read = |row: &SqliteRow| {
            Ok(OutcomeCell {
                place: place(row, unit, channel)?,
                build,
                attempt: row.try_get(3).map_err(cache_error)?,
                states: json(row, 4)?,
                reasons: json(row, 5)?,
            })
        };
        rows.iter().map(read).collect()
    }

    pub(crate) async fn minutes(
        &self,
        workspace: &str,
        unit: &Name,
        channel: &Name,
        build: u32,
    ) -> Result<Vec<MinuteCell>> {
        let rows = sqlx::query("SELECT attempt, at, confirmed, rolled_back FROM minute_cell WHERE workspace = ? AND unit = ? AND channel = ? AND build = ? ORDER BY at")
            .bind(workspace)
            .bind(unit.as_str())
            .bind(channel.as_str())
            .bind(build)
            .fetch_all(&self.pool)
            .await
            .map_err(cache_error)?;
        let read = |row: &SqliteRow| {
            Ok(MinuteCell {
                unit: unit.clone(),
                channel: channel.clone(),
                build,
                attempt: row.try_get(0).map_err(cache_error)?,
                at: row.try_get(1).map_err(cache_error)?,
                confirmed: count(row, 2)?,
                rolled_back: count(row, 3)?,
            })
        };
        rows.iter().map(read).collect()
    }
}

type Tx<'a> = Transaction<'a, Sqlite>;

async fn active(tx: &mut Tx<'_>, workspace: &str, c: &ActiveCell) -> Result<()> {
    sqlx::query("INSERT OR REPLACE INTO active_cell (workspace, unit, channel, day, dialect, platform, native, build, installs) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(workspace)
        .bind(c.place.unit.as_str())
        .bind(c.place.channel.as_str())
        .bind(c.day)
        .bind(c.place.dialect.text())
        .bind(c.place.platform.text())
        .bind(&c.place.native)
        .bind(c.build.unwrap_or(0))
        .bind(signed(c.installs))
        .execute(&mut **tx)
        .await
        .map(drop)
        .map_err(cache_error)
}

async fn daily(tx: &mut Tx<'_>, workspace: &str, c: &DailyCell) -> Result<()> {
    sqlx::query("INSERT OR REPLACE INTO daily_cell (workspace, unit, channel, day, build, installs) VALUES (?, ?, ?, ?, ?, ?)")
        .bind(workspace)
        .bind(c.unit.as_str())
        .bind(c.channel.as_str())
        .bind(c.day)
        .bind(c.build.unwrap_or(0))
        .bind(signed(c.installs))
        .execute(&mut **tx)
        .await
        .map(drop)
        .map_err(cache_error)
}

async fn outcome(tx: &mut Tx<'_>, workspace: &str, c: &OutcomeCell) -> Result<()> {
    sqlx::query("INSERT OR REPLACE INTO outcome_cell (workspace, unit, channel, build, attempt, dialect, platform, native, states, reasons) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(workspace)
        .bind(c.place.unit.as_str())
        .bind(c.place.channel.as_str())
        .bind(c.build)
        .bind(&c.attempt)
        .bind(c.place.dialect.text())
        .bind(c.place.platform.text())
        .bind(&c.place.native)
        .bind(to_json(&c.states)?)
        .bind(to_json(&c.reasons)?)
        .execute(&mut **tx)
        .await
        .map(drop)
        .map_err(cache_error)
}

async fn minute(tx: &mut Tx<'_>, workspace: &str, c: &MinuteCell) -> Result<()> {
    sqlx::query("INSERT OR REPLACE INTO minute_cell (workspace, unit, channel, build, attempt, at, confirmed, rolled_back) VALUES (?, ?, ?, ?, ?, ?, ?, ?)")
        .bind(workspace)
        .bind(c.unit.as_str())
        .bind(c.channel.as_str())
        .bind(c.build)
        .bind(&c.attempt)
        .bind(c.at)
        .bind(signed(c.confirmed))
        .bind(signed(c.rolled_back))
        .execute(&mut **tx)
        .await
        .map(drop)
        .map_err(cache_error)
}

/// The first three columns of a query: dialect, platform, native version.
fn place(row: &SqliteRow, unit: &Name, channel: &Name) -> Result<Place> {
    let text = |i: usize| row.try_get::<String, _>(i).map_err(cache_error);
    let (dialect, platform) = (text(0)?, text(1)?);
    let known = Dialect::ALL.into_iter().find(|d| d.text() == dialect);
    Ok(Place {
        unit: unit.clone(),
        channel: channel.clone(),
        dialect: known.ok_or_else(|| damaged(&dialect))?,
        platform: Platform::parse(&platform).map_err(|_| damaged(&platform))?,
        native: text(2)?,
    })
}

fn damaged(what: &str) -> Problem {
    Problem::new(
        headgate_core::Code::LocalCache,
        format!("The cache holds {what:?} where it cannot stand."),
    )
}

fn json<T: DeserializeOwned>(row: &SqliteRow, column: usize) -> Result<T> {
    let text: String = row.try_get(column).map_err(cache_error)?;
    from_json(Some(text))?.ok_or_else(|| damaged("nothing"))
}

fn count(row: &SqliteRow, column: usize) -> Result<u64> {
    let n: i64 = row.try_get(column).map_err(cache_error)?;
    Ok(u64::try_from(n).unwrap_or(0))
}

fn embedded(build: u32) -> Option<u32> {
    (build > 0).then_some(build)
}

/// Pages are checked for numbers that do not fit before they are stored.
fn signed(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}
