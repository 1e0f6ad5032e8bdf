//! What is read: pages of cells, plugins, an install, a gate, high-water marks.

use std::collections::BTreeMap;

use headgate_core::status::{
    ActiveCell, Cell, DailyCell, Dialect, InstallEvent, MinuteCell, OutcomeCell, Place,
};
use headgate_core::{Platform, Result};
use headgate_registry::HighWater;
use headgate_tuf::{Name, UtcTime};
use serde::Deserialize;
use sqlx::{SqliteConnection, SqliteExecutor, SqlitePool};

use super::open::{problem, unreadable};
use super::store::from_json;
use crate::telemetry::gate::{self, Counts};
use crate::telemetry::rules::STATES;
use crate::telemetry::{AttemptKey, Cells, StoredInstall};

/// Most cells of one page.
const PAGE: usize = 5_000;

/// Rows of cells, with the words that their numbers stand for. One statement, so a page is one state of the database.
const CELLS: &str = "
    SELECT json_group_array(json_array(json_array(c.kind, c.seq, c.b, c.c), json_array(c.n0, c.n1, c.n2, c.n3, c.n4, c.n5),
        json_array(s.unit, s.channel), json_array(p.dialect, p.platform, p.text), json_array(r.build, r.attempt),
        CASE WHEN c.kind = 2 AND c.n1 + c.n5 > 0 THEN (SELECT json_group_object(t.text, n.installs) FROM cell_reason n
            JOIN word t ON t.id = n.reason WHERE n.place = c.a AND n.rollout = c.b AND n.installs > 0) END))
    FROM (SELECT * FROM cell WHERE workspace = (SELECT id FROM workspace WHERE name = ?) AND seq > ? ORDER BY seq LIMIT ?) c
    LEFT JOIN word p ON c.kind IN (0, 2) AND p.id = c.a
    LEFT JOIN rollout r ON c.kind IN (2, 3) AND r.id = CASE c.kind WHEN 2 THEN c.b ELSE c.a END
    LEFT JOIN scope s ON s.id = CASE c.kind WHEN 1 THEN c.a WHEN 3 THEN r.scope ELSE p.scope END";

#[derive(Deserialize)]
struct CellRow(
    (u8, u64, i64, u32),
    [u64; 6],
    (Name, Name),
    (Option<Dialect>, Option<Platform>, Option<String>),
    (Option<u32>, Option<String>),
    Option<serde_json::Value>,
);

pub(super) async fn cells(
    pool: &SqlitePool,
    workspace: &str,
    after: u64,
    limit: usize,
) -> Result<Cells> {
    let limit = limit.clamp(1, PAGE);
    let text: String = sqlx::query_scalar(CELLS)
        .bind(workspace)
        .bind(i64::try_from(after).unwrap_or(i64::MAX))
        .bind(i64::try_from(limit + 1).unwrap_or(i64::MAX))
        .fetch_one(pool)
        .await
        .map_err(problem)?;
    let mut rows: Vec<CellRow> = from_json(&text)?;
    rows.sort_by_key(|r| r.0.1);
    let more = rows.len() > limit;
    rows.truncate(limit);
    let next = rows.last().map_or(after, |r| r.0.1);
    let cells = rows.into_iter().map(cell).collect::<Option<Vec<Cell>>>();
    Ok(Cells {
        cells: cells.ok_or_else(|| unreadable("a count"))?,
        next,
        more,
    })
}

fn cell(row: CellRow) -> Option<Cell> {
    let CellRow((kind, _, b, c), n, (unit, channel), place, (build, attempt), reasons) = row;
    let running = (c != 0).then_some(c);
    let place = |unit, channel| {
        Some(Place {
            unit,
            channel,
            dialect: place.0?,
            platform: place.1?,
            native: place.2.clone()?,
        })
    };
    Some(match kind {
        0 => Cell::Active(ActiveCell {
            place: place(unit, channel)?,
            day: u32::try_from(b).ok()?,
            build: running,
            installs: n[0],
        }),
        1 => Cell::Daily(DailyCell {
            unit,
            channel,
            day: u32::try_from(b).ok()?,
            build: running,
            installs: n[0],
        }),
        2 => Cell::Outcome(OutcomeCell {
            place: place(unit, channel)?,
            build: build?,
            attempt: attempt?,
            states: STATES.into_iter().zip(n).filter(|(_, n)| *n > 0).collect(),
            reasons: match reasons {
                Some(value) => serde_json::from_value(value).ok()?,
                None => BTreeMap::new(),
            },
        }),
        3 => Cell::Minute(MinuteCell {
            unit,
            channel,
            build: build?,
            attempt: attempt?,
            at: b,
            confirmed: n[0],
            rolled_back: n[1],
        }),
        _ => return None,
    })
}

pub(super) async fn plugins(
    pool: &SqlitePool,
    workspace: &str,
) -> Result<Vec<(String, String, u64)>> {
    let text: String = sqlx::query_scalar(
        "SELECT json_group_array(json_array(s.unit || '.' || s.channel, p.dialect || ' ' || p.text, p.installs))
         FROM workspace w JOIN scope s ON s.workspace = w.id JOIN word p ON p.scope = s.id
         WHERE w.name = ? AND p.kind = 1 AND p.installs > 0",
    )
    .bind(workspace)
    .fetch_one(pool)
    .await
    .map_err(problem)?;
    let mut plugins: Vec<(String, String, u64)> = from_json(&text)?;
    plugins.sort();
    Ok(plugins)
}

/// Key, workspace, unit, channel; dialect, platform, native version; plugin, running, first seen, last day.
type InstallRow = (
    (i64, String, Name, Name),
    (Dialect, Platform, String),
    (Option<String>, u32, i64, u32),
);
/// At, build, attempt, state, reason.
type EventRow = (i64, u32, String, usize, Option<String>);

pub(super) async fn install(pool: &SqlitePool, id: &str) -> Result<Vec<StoredInstall>> {
    let mut tx = pool.begin().await.map_err(problem)?;
    let text: String = sqlx::query_scalar(
        "SELECT json_group_array(json_array(json_array(i.key, w.name, s.unit, s.channel), json_array(p.dialect, p.platform, p.text),
             json_array(g.text, i.running, i.first_seen, i.last_day)))
         FROM install i JOIN scope s ON s.id = i.scope JOIN workspace w ON w.id = s.workspace JOIN word p ON p.id = i.place
         LEFT JOIN word g ON g.id = i.plugin WHERE i.id = ?",
    )
    .bind(id.to_ascii_lowercase())
    .fetch_one(&mut *tx)
    .await
    .map_err(problem)?;
    let mut installs = Vec::new();
    for (where_, place, rest) in from_json::<Vec<InstallRow>>(&text)? {
        let text: String = sqlx::query_scalar(
            "SELECT json_group_array(json_array(a.at, r.build, r.attempt, a.state, t.text)) FROM attempt a
             JOIN rollout r ON r.id = a.rollout LEFT JOIN word t ON t.id = a.reason WHERE a.install = ?",
        )
        .bind(where_.0)
        .fetch_one(&mut *tx)
        .await
        .map_err(problem)?;
        let mut events = from_json::<Vec<EventRow>>(&text)?
            .into_iter()
            .map(event)
            .collect::<Result<Vec<_>>>()?;
        events.sort_by(|a, b| (b.at, &b.attempt).cmp(&(a.at, &a.attempt)));
        installs.push(StoredInstall {
            workspace: where_.1,
            place: Place {
                unit: where_.2,
                channel: where_.3,
                dialect: place.0,
                platform: place.1,
                native: place.2,
            },
            plugin: rest.0,
            running: (rest.1 != 0).then_some(rest.1),
            first_seen: UtcTime::from_unix(rest.2),
            last_day: rest.3,
            events,
        });
    }
    Ok(installs)
}

fn event((at, build, attempt, state, reason): EventRow) -> Result<InstallEvent> {
    Ok(InstallEvent {
        at: UtcTime::from_unix(at),
        build,
        attempt,
        state: *STATES.get(state).ok_or_else(|| unreadable("a state"))?,
        reason,
    })
}

/// What a gate sees.
#[derive(Debug, Default)]
pub(super) struct Judged {
    pub(super) counts: Counts,
    /// When it was latched.
    pub(super) stopped: Option<UtcTime>,
    /// The channel, where anything is known of it.
    pub(super) scope: Option<i64>,
    /// The rollout, where it was offered to anyone, and the opening since which it is counted, Unix seconds.
    pub(super) rollout: Option<(i64, i64)>,
}

async fn scope(db: &mut SqliteConnection, key: &AttemptKey) -> Result<Option<i64>> {
    let (unit, channel) = key.channel.split_once('.').unwrap_or_default();
    sqlx::query_scalar(
        "SELECT s.id FROM scope s JOIN workspace w ON w.id = s.workspace WHERE w.name = ? AND s.unit = ? AND s.channel = ?",
    )
    .bind(&key.workspace)
    .bind(unit)
    .bind(channel)
    .fetch_optional(db)
    .await
    .map_err(problem)
}

async fn latch(db: &mut SqliteConnection, scope: i64, key: &AttemptKey) -> Result<Option<UtcTime>> {
    let at: Option<i64> = sqlx::query_scalar(
        "SELECT at FROM gate_latch WHERE scope = ? AND build = ? AND opened = ?",
    )
    .bind(scope)
    .bind(key.build)
    .bind(key.opened.unix())
    .fetch_optional(db)
    .await
    .map_err(problem)?;
    Ok(at.map(UtcTime::from_unix))
}

pub(super) async fn latched(pool: &SqlitePool, key: &AttemptKey) -> Result<Option<UtcTime>> {
    let mut db = pool.acquire().await.map_err(problem)?;
    match scope(&mut db, key).await? {
        Some(scope) => latch(&mut db, scope, key).await,
        None => Ok(None),
    }
}

pub(super) async fn gate(pool: &SqlitePool, key: &AttemptKey, cap: bool) -> Result<Judged> {
    // One transaction: totals and networks of one state.
    let mut tx = pool.begin().await.map_err(problem)?;
    let Some(scope) = scope(&mut tx, key).await? else {
        return Ok(Judged::default());
    };
    let mut judged = Judged {
        stopped: latch(&mut tx, scope, key).await?,
        scope: Some(scope),
        ..Judged::default()
    };
    let row: Option<(i64, i64, i64, i64)> = sqlx::query_as(
        "SELECT id, opened, sample, failures FROM rollout WHERE scope = ? AND attempt = ? AND build = ?",
    )
    .bind(scope)
    .bind(&key.attempt)
    .bind(key.build)
    .fetch_optional(&mut *tx)
    .await
    .map_err(problem)?;
    let Some((rollout, opened, sample, failures)) = row else {
        return Ok(judged);
    };
    judged.rollout = Some((rollout, opened));
    // Counted since a later opening than is asked for: another replica is ahead of this one, and judges.
    if opened > key.opened.unix() {
        return Ok(judged);
    }
    judged.counts = counts((sample, failures));
    if !cap {
        return Ok(judged);
    }
    // The conditions are those of the partial indexes; where no network is larger, nothing above the cap is either.
    let largest: Option<i64> =
        sqlx::query_scalar("SELECT MAX(sample) FROM gate_network WHERE rollout = ? AND sample > 3")
            .bind(rollout)
            .fetch_one(&mut *tx)
            .await
            .map_err(problem)?;
    let largest = counts((largest.unwrap_or_default(), 0)).sample;
    let cap = gate::cap(judged.counts.sample, largest);
    let limit = i64::try_from(cap).unwrap_or(i64::MAX);
    let heavy: Vec<(i64, i64)> = sqlx::query_as(
        "SELECT sample, failures FROM gate_network WHERE rollout = ? AND sample > 3 AND sample > ?",
    )
    .bind(rollout)
    .bind(limit)
    .fetch_all(&mut *tx)
    .await
    .map_err(problem)?;
    let worst: Option<(i64, i64)> = sqlx::query_as(
        "SELECT sample, failures FROM gate_network WHERE rollout = ? AND failures > 0 AND sample <= ?
         ORDER BY failures DESC, sample LIMIT 1",
    )
    .bind(rollout)
    .bind(limit)
    .fetch_optional(&mut *tx)
    .await
    .map_err(problem)?;
    let heavy: Vec<Counts> = heavy.into_iter().map(counts).collect();
    let worst = worst.map(counts).unwrap_or_default();
    judged.counts = gate::counted(judged.counts, cap, &heavy, worst);
    Ok(judged)
}

fn counts((sample, failures): (i64, i64)) -> Counts {
    Counts {
        sample: u64::try_from(sample).unwrap_or_default(),
        failures: u64::try_from(failures).unwrap_or_default(),
    }
}

pub(super) async fn marks(db: impl SqliteExecutor<'_>, workspace: &str) -> Result<HighWater> {
    let text: Option<String> =
        sqlx::query_scalar("SELECT marks FROM high_water WHERE workspace = ?")
            .bind(workspace)
            .fetch_optional(db)
            .await
            .map_err(problem)?;
    text.map_or(Ok(HighWater::default()), |t| from_json(&t))
}
