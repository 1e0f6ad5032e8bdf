//! Opening the file: settings, damage, version guard, migration, and the identity of a new one.

use std::path::Path;
use std::time::Duration;

use headgate_core::{Code, Problem, Result};
use sqlx::migrate::{MigrateError, Migrator};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{ConnectOptions, Connection, Row, SqliteConnection, SqlitePool};

static MIGRATOR: Migrator = sqlx::migrate!("migrations/sqlite");

/// Files up to this size are checked wholly when they are opened, bytes. Larger ones would keep devices waiting; damage
/// in them shows when it is met.
const CHECKED: u64 = 64 << 20;

/// Of SQLite's result codes (sqlite.org/rescode.html) those for a file that is damaged or no database.
const DAMAGED: [u32; 2] = [11, 26];
/// Those for a file that another program holds.
const BUSY: [u32; 2] = [5, 6];
/// FULL, and of IOERR write, fsync, directory fsync, truncate, and the shared memory beside the write-ahead log.
const NO_ROOM: [u32; 8] = [13, 778, 1034, 1290, 1546, 4618, 4874, 5386];

pub(super) struct Opened {
    pub(super) writer: SqliteConnection,
    pub(super) readers: SqlitePool,
    pub(super) epoch: String,
    pub(super) network_key: [u8; 32],
}

/// A database error in words. SQLite's own text names no values, so no install id can be in it.
pub(super) fn problem(error: sqlx::Error) -> Problem {
    let number = error
        .as_database_error()
        .and_then(|e| e.code())
        .and_then(|c| c.parse::<u32>().ok());
    match number {
        Some(n) if NO_ROOM.contains(&n) => Problem::new(
            Code::LocalDisk,
            "The disk is full or refuses writes: the telemetry database cannot be written.",
        ),
        Some(n) if BUSY.contains(&(n & 0xff)) => Problem::new(
            Code::LocalBusy,
            "The telemetry database is in use by another program.",
        )
        .remedy("Close the other program, or wait."),
        Some(n) if DAMAGED.contains(&(n & 0xff)) => Problem::new(
            Code::LocalTelemetry,
            format!("The telemetry database is damaged: {error}."),
        ),
        _ => Problem::new(
            Code::LocalDisk,
            format!("The telemetry database cannot be used: {error}."),
        ),
    }
}

/// What stands in the database and cannot be what was written.
pub(super) fn unreadable(what: &str) -> Problem {
    let text = format!("The telemetry database is damaged: {what} cannot be read.");
    Problem::new(Code::LocalTelemetry, text)
}

fn options(path: &Path, patience: Duration) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(patience)
        .disable_statement_logging()
}

pub(super) async fn open(path: &Path, patience: Duration) -> Result<Opened> {
    let named = |p: Problem| p.detail(path.display());
    let length = std::fs::metadata(path).map_or(0, |m| m.len());
    // Pages of many installs lie all over the file: a larger cache, and fewer and larger checkpoints. What is deleted
    // is overwritten: a forgotten install is to be nowhere.
    let mut writer = options(path, patience)
        .pragma("cache_size", "-131072")
        .pragma("wal_autocheckpoint", "16384")
        .pragma("secure_delete", "ON")
        .connect()
        .await
        .map_err(|e| named(problem(e)))?;
    prepare(&mut writer, path, length).await.map_err(named)?;
    let (epoch, network_key) = identity(&mut writer).await.map_err(named)?;
    let readers = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(15))
        .connect_with(options(path, patience).pragma("query_only", "ON"))
        .await
        .map_err(|e| named(problem(e)))?;
    Ok(Opened {
        writer,
        readers,
        epoch,
        network_key,
    })
}

async fn prepare(db: &mut SqliteConnection, path: &Path, length: u64) -> Result<()> {
    if (1..=CHECKED).contains(&length) {
        let answer: String = sqlx::query_scalar("PRAGMA quick_check(1)")
            .fetch_one(&mut *db)
            .await
            .map_err(problem)?;
        if answer != "ok" {
            return Err(unreadable(&answer));
        }
    }
    let newest = MIGRATOR.iter().map(|m| m.version).max().unwrap_or(0);
    let applied = applied(db).await;
    if applied > newest {
        let what = format!("{} was written by a newer version.", path.display());
        return Err(Problem::new(Code::LocalNewer, what)
            .detail(format!("schema {applied}, this version knows {newest}")));
    }
    MIGRATOR.run(db).await.map_err(|e| match e {
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => problem(e),
        e => Problem::new(
            Code::LocalTelemetry,
            format!("The telemetry database cannot be brought up to date: {e}."),
        ),
    })
}

/// Newest applied migration; 0 for a new file.
async fn applied(db: &mut SqliteConnection) -> i64 {
    let query = "SELECT MAX(version) FROM _sqlx_migrations WHERE success";
    let row = sqlx::query(query).fetch_one(db).await;
    row.ok()
        .and_then(|r| r.try_get::<Option<i64>, _>(0).ok().flatten())
        .unwrap_or(0)
}

/// Reads who this database is; a new one becomes someone.
async fn identity(db: &mut SqliteConnection) -> Result<(String, [u8; 32])> {
    let mut random = [0_u8; 48];
    getrandom::fill(&mut random)
        .map_err(|e| Problem::new(Code::Internal, format!("No randomness: {e}.")))?;
    let mut tx = db.begin_with("BEGIN IMMEDIATE").await.map_err(problem)?;
    for (name, value) in [
        ("epoch", hex::encode(&random[..16])),
        ("network_key", hex::encode(&random[16..])),
        ("seq", "0".to_owned()),
        ("expired", "0".to_owned()),
    ] {
        sqlx::query("INSERT INTO meta (name, value) VALUES (?, ?) ON CONFLICT DO NOTHING")
            .bind(name)
            .bind(value)
            .execute(&mut *tx)
            .await
            .map_err(problem)?;
    }
    let epoch = meta(&mut tx, "epoch").await?;
    let key = hex::decode(meta(&mut tx, "network_key").await?);
    tx.commit().await.map_err(problem)?;
    let key = key.ok().and_then(|k| k.try_into().ok());
    Ok((epoch, key.ok_or_else(|| unreadable("the network key"))?))
}

/// A value of the table `meta`.
pub(super) async fn meta(db: &mut SqliteConnection, name: &str) -> Result<String> {
    sqlx::query_scalar("SELECT value FROM meta WHERE name = ?")
        .bind(name)
        .fetch_optional(db)
        .await
        .map_err(problem)?
        .ok_or_else(|| unreadable(name))
}

/// A number of the table `meta`.
pub(super) async fn meta_number(db: &mut SqliteConnection, name: &str) -> Result<i64> {
    let text = meta(db, name).await?;
    text.parse().map_err(|_| unreadable(name))
}

/// Changes a number of the table `meta`.
pub(super) async fn set_meta(db: &mut SqliteConnection, name: &str, value: i64) -> Result<()> {
    sqlx::query("UPDATE meta SET value = ? WHERE name = ?")
        .bind(value.to_string())
        .bind(name)
        .execute(db)
        .await
        .map(drop)
        .map_err(problem)
}
