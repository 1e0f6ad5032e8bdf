//! What is particular to SQLite: the file, its damage, its locks, and the queue before it.

use std::path::Path;
use std::time::Duration;

use headgate_core::Code;
use headgate_core::status::DeviceState::{Confirmed, RolledBack};
use headgate_server::telemetry::sqlite::{Options, SqliteTelemetry};
use headgate_server::telemetry::{AttemptKey, Seen, Telemetry};
use sqlx::{Connection, SqliteConnection};
use tempfile::TempDir;

use crate::support::*;

/// A database with its folder.
pub(crate) struct Held {
    pub(crate) telemetry: Box<dyn Telemetry>,
    _dir: TempDir,
}

pub(crate) async fn fresh() -> Held {
    let dir = TempDir::new().unwrap();
    let telemetry = open(&dir.path().join("t.sqlite")).await;
    Held {
        telemetry: Box::new(telemetry),
        _dir: dir,
    }
}

fn options() -> Options {
    Options {
        recent: 4_096,
        ..Options::default()
    }
}

async fn open(path: &Path) -> SqliteTelemetry {
    SqliteTelemetry::open(path, options()).await.unwrap()
}

async fn refused(path: &Path) -> Code {
    let problem = SqliteTelemetry::open(path, options()).await.unwrap_err();
    assert!(!problem.remedy.is_empty());
    problem.code
}

async fn sql(path: &Path, statement: &'static str) {
    let url = format!("sqlite://{}", path.display());
    let mut db = SqliteConnection::connect(&url).await.unwrap();
    sqlx::query(statement).execute(&mut db).await.unwrap();
    db.close().await.unwrap();
}

#[tokio::test]
async fn everything_is_there_after_a_restart() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("t.sqlite");
    let t = open(&path).await;
    let epoch = t.epoch();
    assert_eq!(epoch.len(), 32);
    all_seen(&t, [seen("a"), offered("a", 9, ATTEMPT)]).await;
    t.report(vec![report("a", 9, Confirmed)]).await.unwrap();
    let before = totals(&t).await;
    drop(t);
    let t = open(&path).await;
    assert_eq!(
        (totals(&t).await, t.epoch()),
        (before.clone(), epoch.clone())
    );
    // Nothing is remembered, and nothing counts twice.
    all_seen(&t, [offered("a", 9, ATTEMPT)]).await;
    assert_eq!(totals(&t).await, before);
    let other = open(&dir.path().join("other.sqlite")).await;
    assert_ne!(other.epoch(), epoch);
}

#[tokio::test]
async fn two_processes_share_a_file() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("t.sqlite");
    let (one, two) = (open(&path).await, open(&path).await);
    assert_eq!(one.epoch(), two.epoch());
    for i in 0..40 {
        let t = if i % 2 == 0 { &one } else { &two };
        all_seen(t, [offered(&format!("i{}", i / 4), 9, ATTEMPT)]).await;
    }
    let got = totals(&one).await;
    assert_eq!(got.installs(), 10);
    assert_eq!(got, totals(&two).await);
    assert!(two.forget("i0").await.unwrap());
    assert!(one.install("i0").await.unwrap().is_empty());
}

#[tokio::test]
async fn a_damaged_file_is_refused_and_kept() {
    let dir = TempDir::new().unwrap();
    let garbage = dir.path().join("garbage.sqlite");
    std::fs::write(&garbage, vec![7_u8; 10_000]).unwrap();
    assert_eq!(refused(&garbage).await, Code::LocalTelemetry);
    assert_eq!(std::fs::read(&garbage).unwrap(), vec![7_u8; 10_000]);

    let path = dir.path().join("t.sqlite");
    let t = open(&path).await;
    all_seen(&t, (0..2_000).map(|i| seen(&format!("install-{i}")))).await;
    drop(t);
    sql(&path, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let mut bytes = std::fs::read(&path).unwrap();
    assert!(bytes.len() > 100_000);
    let middle = bytes.len() / 2;
    bytes[middle..middle + 20_000].fill(0xa5);
    std::fs::write(&path, &bytes).unwrap();
    assert_eq!(refused(&path).await, Code::LocalTelemetry);
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
}

#[tokio::test]
async fn a_file_of_a_newer_version_is_left_alone() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("t.sqlite");
    drop(open(&path).await);
    sql(&path, "INSERT INTO _sqlx_migrations (version, description, success, checksum, execution_time) VALUES (29991231000000, 'later', 1, x'00', 0)").await;
    assert_eq!(refused(&path).await, Code::LocalNewer);
}

#[tokio::test]
async fn a_folder_that_is_not_there_is_said() {
    let dir = TempDir::new().unwrap();
    assert_eq!(
        refused(&dir.path().join("no/t.sqlite")).await,
        Code::LocalDisk
    );
}

#[tokio::test]
async fn a_locked_file_fails_reports_and_recovers() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("t.sqlite");
    let hurried = Options {
        patience: Duration::from_millis(200),
        ..options()
    };
    let t = SqliteTelemetry::open(&path, hurried).await.unwrap();
    all_seen(&t, [offered("a", 9, ATTEMPT)]).await;
    let url = format!("sqlite://{}", path.display());
    let mut other = SqliteConnection::connect(&url).await.unwrap();
    let lock = other.begin_with("BEGIN IMMEDIATE").await.unwrap();
    let problem = t.report(vec![report("a", 9, Confirmed)]).await.unwrap_err();
    assert_eq!(problem.code, Code::LocalBusy);
    t.seen(seen("b"));
    t.flush().await.unwrap();
    assert_eq!(t.counters().dropped, 1);
    lock.rollback().await.unwrap();
    // The device sends it again; the check-in of `b` is not taken for written.
    t.report(vec![report("a", 9, Confirmed)]).await.unwrap();
    all_seen(&t, [seen("b")]).await;
    let got = totals(&t).await;
    assert_eq!(got.outcome(9, ATTEMPT), one(Confirmed));
    assert_eq!(got.installs(), 2);
}

#[tokio::test]
async fn a_flood_of_check_ins_is_dropped_and_counted_and_reports_get_through() {
    let dir = TempDir::new().unwrap();
    let small = Options {
        queue: 64,
        batch: 32,
        ..options()
    };
    let t = SqliteTelemetry::open(&dir.path().join("t.sqlite"), small)
        .await
        .unwrap();
    all_seen(&t, [offered("a", 9, ATTEMPT)]).await;
    for i in 0..10_000 {
        t.seen(seen(&format!("i{i}")));
    }
    t.report(vec![report("a", 9, RolledBack)]).await.unwrap();
    let got = totals(&t).await;
    let dropped = t.counters().dropped;
    assert!(dropped > 0);
    assert_eq!(got.installs() + dropped, 10_001);
    assert_eq!(got.outcome(9, ATTEMPT), one(RolledBack));
}

#[tokio::test]
async fn a_fleet_behind_one_address_needs_the_cap_off() {
    let dir = TempDir::new().unwrap();
    for (cap_networks, trips) in [(true, false), (false, true)] {
        let options = Options {
            cap_networks,
            ..options()
        };
        let path = dir.path().join(format!("{cap_networks}.sqlite"));
        let t = SqliteTelemetry::open(&path, options).await.unwrap();
        all_seen(&t, (0..100).map(|i| seen(&format!("i{i}")))).await;
        all_seen(&t, (0..100).map(|i| offered(&format!("i{i}"), 9, ATTEMPT))).await;
        let failures = (0..100).map(|i| report(&format!("i{i}"), 9, RolledBack));
        t.report(failures.collect()).await.unwrap();
        let key = AttemptKey {
            workspace: WORKSPACE.into(),
            channel: "main.production".into(),
            build: 9,
            attempt: ATTEMPT.into(),
            opened: at(1, 43_200),
        };
        let gate = headgate_core::rollout::Gate {
            min_sample: 50,
            max_failure_permille: 20,
        };
        let status = t.gate(&key, gate, at(3, 0)).await.unwrap();
        assert_eq!(status.tripped.is_some(), trips);
    }
}

/// An address is nowhere in the file, and an id only where it is looked up.
#[tokio::test]
async fn the_file_holds_no_addresses_and_no_forgotten_ids() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("t.sqlite");
    let t = open(&path).await;
    let id = "5f0d9d0e-1d7b-4a8e-9a8b-0c1d2e3f4a5b";
    let from = |s: Seen| Seen {
        network: Some("203.0.113.77".parse().unwrap()),
        ..s
    };
    all_seen(&t, [from(seen(id)), from(offered(id, 9, ATTEMPT))]).await;
    t.report(vec![report(id, 9, RolledBack)]).await.unwrap();
    drop(t);
    sql(&path, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let bytes = std::fs::read(&path).unwrap();
    let count = |needle: &[u8]| bytes.windows(needle.len()).filter(|w| *w == needle).count();
    assert_eq!(count(id.as_bytes()), 2, "the row and its index");
    assert_eq!(count(b"203.0.113"), 0);
    assert_eq!(count(&[203, 0, 113]), 0);
    assert!(open(&path).await.forget(id).await.unwrap());
    sql(&path, "PRAGMA wal_checkpoint(TRUNCATE)").await;
    let bytes = std::fs::read(&path).unwrap();
    assert!(!bytes.windows(id.len()).any(|w| w == id.as_bytes()));
}
