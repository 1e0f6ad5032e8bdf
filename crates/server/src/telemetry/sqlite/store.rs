//! A batch: rows in, rules, rows out, in one transaction.

use std::collections::{BTreeSet, HashSet};

use headgate_core::{Code, Problem, Result};
use serde::Serialize;
use serde::de::DeserializeOwned;
use sqlx::{Connection, SqliteConnection};

use super::names::{Names, rollout};
use super::open::{meta_number, problem, set_meta, unreadable};
use super::writer::Event;
use crate::telemetry::rules::{
    AttemptRow, Batch, CellKey, Held, InstallRow, ReportRow, STATES, SeenRow, day, state_number,
};
use crate::telemetry::words::{self, NetworkKey};
use crate::telemetry::{Report, Seen};

/// What a batch did.
pub(super) struct Written {
    /// Events that were stored.
    pub(super) events: u64,
    /// Reports about something that was never offered.
    pub(super) unknown: u64,
}

enum Row {
    Seen(SeenRow),
    Report(ReportRow),
}

/// Writes events in their order. All or nothing.
pub(super) async fn write(
    db: &mut SqliteConnection,
    names: &mut Names,
    key: &NetworkKey,
    events: &[Event],
) -> Result<Written> {
    let mut tx = db.begin_with("BEGIN IMMEDIATE").await.map_err(problem)?;
    let mut rows = Vec::with_capacity(events.len());
    let mut refused = 0;
    for event in events {
        match event {
            Event::Seen(seen) => {
                rows.push(Row::Seen(seen_row(&mut tx, names, key, &seen.0).await?));
            }
            Event::Report(report) if words::is_install(&report.install) => {
                rows.push(Row::Report(report_row(&mut tx, names, report).await?));
            }
            Event::Report(_) => refused += 1,
        }
    }
    let mut batch = load(&mut tx, &rows).await?;
    for row in &rows {
        match row {
            Row::Seen(row) => batch.seen(row),
            Row::Report(row) => batch.report(row),
        }
    }
    store(&mut tx, &batch).await?;
    tx.commit().await.map_err(problem)?;
    let unknown = batch.unknown + refused;
    Ok(Written {
        events: (events.len() as u64).saturating_sub(unknown),
        unknown,
    })
}

async fn seen_row(
    db: &mut SqliteConnection,
    names: &mut Names,
    key: &NetworkKey,
    seen: &Seen,
) -> Result<SeenRow> {
    let (place, at) = (&seen.place, seen.at.unix());
    let today = day(at);
    let (unit, channel) = (place.unit.as_str(), place.channel.as_str());
    let scope = names.scope(db, &seen.workspace, unit, channel).await?;
    let native = words::version(&place.native);
    let plugin = match &seen.plugin {
        Some(text) => {
            let version = words::version(text);
            names.plugin(db, scope, place, version, today).await?
        }
        None => 0,
    };
    let offered = match &seen.offered {
        Some((build, attempt)) => Some(names.rollout(db, scope, *build, attempt, today).await?),
        None => None,
    };
    Ok(SeenRow {
        scope,
        install: seen.install.clone(),
        place: names.place(db, scope, place, native, today).await?,
        plugin,
        running: seen.running.unwrap_or_default(),
        offered,
        network: key.hash(seen.network),
        at,
    })
}

async fn report_row(
    db: &mut SqliteConnection,
    names: &mut Names,
    report: &Report,
) -> Result<ReportRow> {
    let (place, at) = (&report.place, report.at.unix());
    let (unit, channel) = (place.unit.as_str(), place.channel.as_str());
    let scope = names.scope(db, &report.workspace, unit, channel).await?;
    let reason = match &report.reason {
        Some(text) => {
            let code = words::reason(text);
            names.reason(db, scope, code, day(at)).await?
        }
        None => 0,
    };
    Ok(ReportRow {
        scope,
        install: report.install.clone(),
        build: report.build,
        attempt: report.attempt.clone(),
        state: report.state,
        reason,
        at,
    })
}

/// Scope, id, key, place, plugin, running, first seen, last day.
type InstallJson = (i64, String, i64, i64, i64, u32, i64, u32);
/// Install, rollout with build, attempt and since when the gate counts it, place, state, reason, network, at.
type AttemptJson = (
    i64,
    (i64, u32, String, i64),
    i64,
    usize,
    i64,
    Option<i64>,
    i64,
);

async fn load(db: &mut SqliteConnection, rows: &[Row]) -> Result<Batch> {
    let ids: HashSet<(i64, &str)> = rows
        .iter()
        .map(|row| match row {
            Row::Seen(r) => (r.scope.id, r.install.as_str()),
            Row::Report(r) => (r.scope.id, r.install.as_str()),
        })
        .collect();
    let found: Vec<InstallJson> = fetch(
        db,
        "SELECT json_group_array(json_array(i.scope, i.id, i.key, i.place, i.plugin, i.running, i.first_seen, i.last_day))
         FROM json_each(?) j CROSS JOIN install i ON i.id = j.value ->> 1 AND i.scope = j.value ->> 0",
        &ids,
    )
    .await?;
    let last: Option<i64> = sqlx::query_scalar("SELECT MAX(key) FROM install")
        .fetch_one(&mut *db)
        .await
        .map_err(problem)?;
    let first_key = last.unwrap_or_default() + 1;
    let mut batch = Batch {
        next_key: first_key,
        first_key,
        ..Batch::default()
    };
    for (scope, id, key, place, plugin, running, first_seen, last_day) in found {
        let row = InstallRow {
            key,
            place,
            plugin,
            running,
            first_seen,
            last_day,
        };
        let held = Held {
            row,
            changed: false,
            attempts: Vec::new(),
        };
        batch.installs.insert((scope, id), held);
    }
    let attempts = load_attempts(db, rows, &batch).await?;
    let mut by_install = std::collections::HashMap::<i64, Vec<(AttemptRow, bool)>>::new();
    for (install, of, place, state, reason, network, at) in attempts {
        let (id, build, attempt, since) = of;
        let row = AttemptRow {
            rollout: std::sync::Arc::new(rollout(id, build, attempt, since)),
            place,
            state: *STATES.get(state).ok_or_else(|| unreadable("a state"))?,
            reason,
            network,
            at,
        };
        by_install.entry(install).or_default().push((row, false));
    }
    for held in batch.installs.values_mut() {
        held.attempts = by_install.remove(&held.row.key).unwrap_or_default();
    }
    Ok(batch)
}

/// Attempts of those installs whose events may touch one: most check-ins run what they ran before and are offered
/// nothing.
async fn load_attempts(
    db: &mut SqliteConnection,
    rows: &[Row],
    batch: &Batch,
) -> Result<Vec<AttemptJson>> {
    let needed = |row: &Row| -> Option<i64> {
        let (scope, install) = match row {
            Row::Seen(r) => (r.scope.id, &r.install),
            Row::Report(r) => (r.scope.id, &r.install),
        };
        let held = &batch.installs.get(&(scope, install.clone()))?.row;
        let touches = match row {
            Row::Seen(r) => r.offered.is_some() || r.running != held.running,
            Row::Report(_) => true,
        };
        touches.then_some(held.key)
    };
    let keys: BTreeSet<i64> = rows.iter().filter_map(needed).collect();
    if keys.is_empty() {
        return Ok(Vec::new());
    }
    fetch(
        db,
        "SELECT json_group_array(json_array(a.install, json_array(a.rollout, r.build, r.attempt, r.since), a.place, a.state, a.reason,
             a.network, a.at))
         FROM json_each(?) j CROSS JOIN attempt a ON a.install = j.value CROSS JOIN rollout r ON r.id = a.rollout",
        &keys,
    )
    .await
}

/// Columns of a cell's key: kind, a, b, c.
fn columns(key: &CellKey) -> (u8, i64, i64, i64) {
    match *key {
        CellKey::Active(place, day, build) => (0, place, day.into(), build.into()),
        CellKey::Daily(scope, day, build) => (1, scope, day.into(), build.into()),
        CellKey::Outcome(place, rollout) => (2, place, rollout, 0),
        CellKey::Minute(rollout, at) => (3, rollout, at, 0),
    }
}

async fn store(db: &mut SqliteConnection, batch: &Batch) -> Result<()> {
    let (mut new, mut changed, mut attempts) = (Vec::new(), Vec::new(), Vec::new());
    for ((scope, id), held) in &batch.installs {
        let r = &held.row;
        if held.changed && r.key >= batch.first_key {
            new.push((
                r.key,
                scope,
                id,
                r.place,
                r.plugin,
                r.running,
                r.first_seen,
                r.last_day,
            ));
        } else if held.changed {
            changed.push((r.key, r.place, r.plugin, r.running, r.last_day));
        }
        for (a, _) in held.attempts.iter().filter(|(_, changed)| *changed) {
            let state = state_number(a.state);
            attempts.push((
                r.key,
                a.rollout.id,
                a.place,
                state,
                a.reason,
                a.network,
                a.at,
            ));
        }
    }
    // In the order of their keys, so that neighbours on a page are written together.
    new.sort_unstable_by_key(|r| r.0);
    changed.sort_unstable_by_key(|r| r.0);
    attempts.sort_unstable_by_key(|r| (r.0, r.1));
    put(
        db,
        "INSERT INTO install (key, scope, id, place, plugin, running, first_seen, last_day)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6, value ->> 7
         FROM json_each(?)",
        &new,
    )
    .await?;
    put(
        db,
        "UPDATE install SET place = j.value ->> 1, plugin = j.value ->> 2, running = j.value ->> 3, last_day = j.value ->> 4
         FROM json_each(?) j WHERE install.key = j.value ->> 0",
        &changed,
    )
    .await?;
    put(
        db,
        "INSERT INTO attempt (install, rollout, place, state, reason, network, at)
         SELECT value ->> 0, value ->> 1, value ->> 2, value ->> 3, value ->> 4, value ->> 5, value ->> 6 FROM json_each(?) WHERE true
         ON CONFLICT (install, rollout) DO UPDATE SET state = excluded.state, reason = excluded.reason, at = excluded.at",
        &attempts,
    )
    .await?;
    store_counts(db, batch).await
}

async fn store_counts(db: &mut SqliteConnection, batch: &Batch) -> Result<()> {
    let mut seq = meta_number(db, "seq").await?;
    let mut cells = Vec::new();
    for ((workspace, key), by) in batch
        .cells
        .iter()
        .filter(|(_, by)| by.iter().any(|n| *n != 0))
    {
        seq += 1;
        let (kind, a, b, c) = columns(key);
        cells.push(((kind, a, b, c), *workspace, seq, by));
    }
    if !cells.is_empty() {
        set_meta(db, "seq", seq).await?;
    }
    put(
        db,
        "INSERT INTO cell (kind, a, b, c, workspace, seq, n0, n1, n2, n3, n4, n5)
         SELECT value ->> '$[0][0]', value ->> '$[0][1]', value ->> '$[0][2]', value ->> '$[0][3]', value ->> 1, value ->> 2,
             value ->> '$[3][0]', value ->> '$[3][1]', value ->> '$[3][2]', value ->> '$[3][3]', value ->> '$[3][4]', value ->> '$[3][5]'
         FROM json_each(?) WHERE true
         ON CONFLICT (kind, a, b, c) DO UPDATE SET seq = excluded.seq, n0 = n0 + excluded.n0, n1 = n1 + excluded.n1,
             n2 = n2 + excluded.n2, n3 = n3 + excluded.n3, n4 = n4 + excluded.n4, n5 = n5 + excluded.n5",
        &cells,
    )
    .await?;
    let reasons: Vec<_> = batch.reasons.iter().filter(|(_, by)| **by != 0).collect();
    put(
        db,
        "INSERT INTO cell_reason (place, rollout, reason, installs)
         SELECT value ->> '$[0][0]', value ->> '$[0][1]', value ->> '$[0][2]', value ->> 1 FROM json_each(?) WHERE true
         ON CONFLICT (place, rollout, reason) DO UPDATE SET installs = installs + excluded.installs",
        &reasons,
    )
    .await?;
    let plugins: Vec<_> = batch
        .plugins
        .iter()
        .filter(|(id, by)| **id != 0 && **by != 0)
        .collect();
    put(
        db,
        "UPDATE word SET installs = installs + (j.value ->> 1) FROM json_each(?) j WHERE word.id = j.value ->> 0",
        &plugins,
    )
    .await?;
    let gates: Vec<_> = batch.gates.iter().collect();
    put(
        db,
        "INSERT INTO gate_network (rollout, network, sample, failures)
         SELECT value ->> '$[0][0]', value ->> '$[0][1]', value ->> '$[1][0]', value ->> '$[1][1]' FROM json_each(?) WHERE true
         ON CONFLICT (rollout, network) DO UPDATE SET sample = sample + excluded.sample, failures = failures + excluded.failures",
        &gates,
    )
    .await?;
    let mut totals = std::collections::BTreeMap::<i64, (i64, i64)>::new();
    for ((rollout, _), (sample, failures)) in &batch.gates {
        let total = totals.entry(*rollout).or_default();
        *total = (total.0 + sample, total.1 + failures);
    }
    let totals: Vec<_> = totals.iter().collect();
    put(
        db,
        "UPDATE rollout SET sample = sample + (j.value ->> '$[1][0]'), failures = failures + (j.value ->> '$[1][1]')
         FROM json_each(?) j WHERE rollout.id = j.value ->> 0",
        &totals,
    )
    .await
}

/// Runs a statement over rows; without rows not.
pub(super) async fn put<T: Serialize>(
    db: &mut SqliteConnection,
    statement: &'static str,
    rows: &[T],
) -> Result<()> {
    if rows.is_empty() {
        return Ok(());
    }
    sqlx::query(statement)
        .bind(to_json(&rows)?)
        .execute(db)
        .await
        .map(drop)
        .map_err(problem)
}

/// Reads one JSON array, for rows that are asked for by a JSON array.
async fn fetch<T: DeserializeOwned>(
    db: &mut SqliteConnection,
    query: &'static str,
    rows: &impl Serialize,
) -> Result<T> {
    let text: String = sqlx::query_scalar(query)
        .bind(to_json(rows)?)
        .fetch_one(db)
        .await
        .map_err(problem)?;
    from_json(&text)
}

pub(super) fn from_json<T: DeserializeOwned>(text: &str) -> Result<T> {
    serde_json::from_str(text).map_err(|e| unreadable("a row").detail(e))
}

pub(super) fn to_json(value: &impl Serialize) -> Result<String> {
    serde_json::to_string(value).map_err(|e| Problem::new(Code::Internal, e.to_string()))
}
