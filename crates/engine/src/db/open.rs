//! Opening databases: settings, version guard, backup before a migration, damage.

use std::path::{Path, PathBuf};
use std::time::Duration;

use headgate_core::{Code, Problem, Result};
use sqlx::{
    ConnectOptions, Connection, Row, SqliteConnection, SqlitePool,
    migrate::{MigrateError, Migrator},
    sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous},
};

/// What the two databases differ in.
pub(super) struct Kind {
    pub(super) name: &'static str,
    pub(super) code: Code,
    pub(super) synchronous: SqliteSynchronous,
    pub(super) migrator: &'static Migrator,
}

pub(super) fn options(path: &Path, kind: &Kind) -> SqliteConnectOptions {
    SqliteConnectOptions::new()
        .filename(path)
        .create_if_missing(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(kind.synchronous)
        .busy_timeout(Duration::from_secs(10))
        .foreign_keys(true)
        .disable_statement_logging()
}

/// Opens, checks and migrates.
pub(super) async fn open(path: &Path, kind: &Kind, backups: Option<&Path>) -> Result<SqlitePool> {
    let existed = has_content(path);
    let fail = |e: sqlx::Error| super::db_error(kind.code, kind.name, e);
    let pool = SqlitePoolOptions::new()
        .max_connections(4)
        .acquire_timeout(Duration::from_secs(15))
        .connect_with(options(path, kind))
        .await
        .map_err(fail)?;
    match prepare(&pool, path, kind, backups, existed).await {
        Ok(()) => Ok(pool),
        Err(problem) => {
            // The caller may put another file in this one's place. The last connection to close removes the
            // write-ahead log by its name, so that must have happened by then.
            pool.close().await;
            Err(problem)
        }
    }
}

/// A file of no bytes is one that nothing was ever written to, or that lost everything.
pub(super) fn has_content(path: &Path) -> bool {
    std::fs::metadata(path).is_ok_and(|m| m.len() > 0)
}

async fn prepare(
    pool: &SqlitePool,
    path: &Path,
    kind: &Kind,
    backups: Option<&Path>,
    existed: bool,
) -> Result<()> {
    let fail = |e: sqlx::Error| super::db_error(kind.code, kind.name, e);
    if existed {
        check(pool, path, kind).await?;
    }
    let newest = kind.migrator.iter().map(|m| m.version).max().unwrap_or(0);
    let applied = applied(pool).await;
    if applied > newest {
        return Err(Problem::new(
            Code::LocalNewer,
            format!(
                "{} was written by a newer version of Headgate.",
                path.display()
            ),
        )
        .detail(format!("schema {applied}, this version knows {newest}")));
    }
    if existed
        && applied < newest
        && let Some(backups) = backups
    {
        backup(
            pool,
            &backups.join(format!("{}.before-{newest}", kind.name)),
        )
        .await
        .map_err(fail)?;
    }
    kind.migrator.run(pool).await.map_err(|e| match e {
        MigrateError::Execute(e) | MigrateError::ExecuteMigration(e, _) => fail(e),
        e => Problem::new(
            kind.code,
            format!("{} cannot be brought up to date: {e}.", kind.name),
        ),
    })
}

async fn check(pool: &SqlitePool, path: &Path, kind: &Kind) -> Result<()> {
    let damaged = |why: String| {
        Problem::new(kind.code, format!("{} is damaged: {why}.", path.display()))
            .detail(path.display())
    };
    let row = sqlx::query("PRAGMA quick_check(1)")
        .fetch_one(pool)
        .await
        .map_err(|e| damaged(e.to_string()))?;
    let answer: String = row.try_get(0).map_err(|e| damaged(e.to_string()))?;
    if answer == "ok" {
        Ok(())
    } else {
        Err(damaged(answer))
    }
}

/// Newest applied migration; 0 for a new file.
async fn applied(pool: &SqlitePool) -> i64 {
    let query = "SELECT MAX(version) FROM _sqlx_migrations WHERE success";
    let row = sqlx::query(query).fetch_one(pool).await;
    row.ok()
        .and_then(|r| r.try_get::<Option<i64>, _>(0).ok().flatten())
        .unwrap_or(0)
}

/// A consistent copy, replacing an older one only when it is complete.
pub(super) async fn backup(pool: &SqlitePool, to: &Path) -> std::result::Result<(), sqlx::Error> {
    // Several programs may share a home: each writes a file of its own and renames it when it is whole.
    let part = PathBuf::from(format!("{}.part-{}", to.display(), std::process::id()));
    let _ = std::fs::remove_file(&part);
    sqlx::query("VACUUM INTO ?")
        .bind(part.display().to_string())
        .execute(pool)
        .await?;
    std::fs::rename(&part, to).map_err(sqlx::Error::Io)
}

/// Whether a file is a readable database of this kind.
pub(super) async fn is_sound(path: &Path, kind: &Kind) -> bool {
    let Ok(mut connection) =
        SqliteConnection::connect_with(&options(path, kind).create_if_missing(false)).await
    else {
        return false;
    };
    let row = sqlx::query("PRAGMA quick_check(1)")
        .fetch_one(&mut connection)
        .await;
    let sound = row.is_ok_and(|r| r.try_get::<String, _>(0).is_ok_and(|answer| answer == "ok"));
    // Closed before the file is copied.
    connection.close().await.is_ok() && sound
}
