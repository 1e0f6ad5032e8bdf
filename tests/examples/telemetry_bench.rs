//! Telemetry in SQLite: events that are stored in a second, and reading back from many installs.
//!
//! `cargo run --release -p headgate-tests --example telemetry_bench [-- INSTALLS SECONDS FOLDER]`
//!
//! Installs are made in SQL first, as if they had been seen in the 30 days before. Then devices of them come back: each
//! is offered a release in a check-in, and reports downloaded, then applied and confirmed. A device sends its next report
//! when the last one was acknowledged, so what was acknowledged was durable. Meanwhile a console reads pages.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a measurement that cannot run has failed"
)]

use std::net::Ipv4Addr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant};

use headgate_core::Platform;
use headgate_core::rollout::Gate;
use headgate_core::status::{DeviceState, Dialect, Place};
use headgate_server::telemetry::sqlite::{Options, SqliteTelemetry};
use headgate_server::telemetry::{AttemptKey, Report, Seen, Telemetry};
use headgate_tuf::{Name, UtcTime};
use sqlx::{Connection, SqliteConnection};

const WORKSPACE: &str = "bench";
/// Day of the bench, days since 1970.
const DAY: u32 = 20_783;
const ATTEMPT: &str = "2026-11-26T00:00:00Z";
/// Devices that report at the same time.
const SENDERS: usize = 4_096;
/// Native versions on each platform, and builds that run.
const NATIVES: u32 = 40;

#[tokio::main]
async fn main() {
    let mut args = std::env::args().skip(1);
    let installs: u32 = args.next().map_or(10_000_000, |n| n.parse().unwrap());
    let seconds = args.next().map_or(20, |n| n.parse().unwrap());
    let folder = args.next().map_or_else(std::env::temp_dir, PathBuf::from);
    let dir = tempfile::tempdir_in(folder).unwrap();
    let path = dir.path().join("t.sqlite");
    println!("load average before: {}", load());

    drop(open(&path).await);
    let begun = Instant::now();
    fill(&path, installs).await;
    println!(
        "{installs} installs made in {:.0} s, {} MB",
        begun.elapsed().as_secs_f64(),
        std::fs::metadata(&path).unwrap().len() / 1_000_000
    );

    let telemetry = Arc::new(open(&path).await);
    read(&*telemetry, installs, "at rest").await;
    ingest(&telemetry, installs, Duration::from_secs(seconds)).await;
    read(&*telemetry, installs, "after it").await;
    println!("load average after: {}", load());
}

async fn open(path: &Path) -> SqliteTelemetry {
    SqliteTelemetry::open(path, Options::default())
        .await
        .unwrap()
}

/// Installs and their roll-ups, straight into the tables.
async fn fill(path: &Path, installs: u32) {
    let url = format!("sqlite://{}", path.display());
    let mut db = SqliteConnection::connect(&url).await.unwrap();
    let statements = [
        "PRAGMA synchronous = OFF".to_owned(),
        "PRAGMA cache_size = -500000".to_owned(),
        "DROP INDEX install_id".to_owned(),
        format!("INSERT INTO workspace VALUES (1, '{WORKSPACE}')"),
        "INSERT INTO scope VALUES (1, 1, 'main', 'production')".to_owned(),
        format!(
            "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < {})
             INSERT INTO word (id, scope, kind, dialect, platform, text, used)
             SELECT i + 1, 1, 0, 'capgo', CASE i % 2 WHEN 0 THEN 'ios' ELSE 'android' END, '4.' || (i / 2) || '.0', {DAY} FROM n",
            2 * NATIVES - 1
        ),
        format!("INSERT INTO word (id, scope, kind, dialect, platform, text, used, installs) VALUES (1000, 1, 1, 'capgo', '', '8.51.23', {DAY}, {installs})"),
        format!(
            "WITH RECURSIVE n(i) AS (VALUES (0) UNION ALL SELECT i + 1 FROM n WHERE i < {})
             INSERT INTO install SELECT i + 1, 1, printf('%08x-0000-4000-8000-%012x', (i * 2654435761) & 4294967295, i),
                 1 + i % {}, 1000, i / 80 % 20, 1700000000, {DAY} - 1 - i / 1600 % 30 FROM n",
            installs - 1,
            2 * NATIVES
        ),
        "CREATE UNIQUE INDEX install_id ON install (id, scope)".to_owned(),
        "INSERT INTO cell SELECT 0, place, last_day, running, 1, row_number() OVER (), count(*), 0, 0, 0, 0, 0
         FROM install GROUP BY place, last_day, running"
            .to_owned(),
        "UPDATE meta SET value = (SELECT count(*) FROM cell) WHERE name = 'seq'".to_owned(),
        "PRAGMA wal_checkpoint(TRUNCATE)".to_owned(),
    ];
    for statement in statements {
        sqlx::query(sqlx::AssertSqlSafe(statement))
            .execute(&mut db)
            .await
            .unwrap();
    }
    db.close().await.unwrap();
}

/// Id of the n-th install, as it was made.
fn id(n: u32) -> String {
    format!(
        "{:08x}-0000-4000-8000-{n:012x}",
        n.wrapping_mul(2_654_435_761)
    )
}

fn place(n: u32) -> Place {
    Place {
        unit: Name::new("main").unwrap(),
        channel: Name::new("production").unwrap(),
        dialect: Dialect::Capgo,
        platform: if n.is_multiple_of(2) {
            Platform::Ios
        } else {
            Platform::Android
        },
        native: format!("4.{}.0", n % (2 * NATIVES) / 2),
    }
}

fn seen(n: u32) -> Seen {
    Seen {
        workspace: WORKSPACE.into(),
        place: place(n),
        install: id(n),
        plugin: Some("8.51.23".into()),
        running: Some(n / 80 % 20).filter(|b| *b > 0),
        offered: Some((21, ATTEMPT.into())),
        attempt: Some(ATTEMPT.into()),
        network: Some(Ipv4Addr::from(n.wrapping_mul(2_654_435_761)).into()),
        at: UtcTime::from_unix(i64::from(DAY) * 86_400 + 3_600),
    }
}

fn report(n: u32, state: DeviceState) -> Report {
    let seen = seen(n);
    Report {
        workspace: seen.workspace,
        place: seen.place,
        install: seen.install,
        plugin: seen.plugin,
        build: 21,
        attempt: None,
        state,
        reason: None,
        device_time: None,
        network: seen.network,
        at: seen.at,
    }
}

async fn ingest(telemetry: &Arc<SqliteTelemetry>, installs: u32, time: Duration) {
    let next = Arc::new(AtomicU32::new(0));
    let stored = Arc::new(AtomicU64::new(0));
    let (begun, dropped) = (Instant::now(), telemetry.counters().dropped);
    let mut senders = Vec::new();
    for _ in 0..SENDERS {
        let (telemetry, next, stored) = (
            Arc::clone(telemetry),
            Arc::clone(&next),
            Arc::clone(&stored),
        );
        senders.push(tokio::spawn(async move {
            let mut waits = Vec::new();
            while begun.elapsed() < time {
                // Spread over the whole table.
                let n = next.fetch_add(1, Ordering::Relaxed).wrapping_mul(1_000_003) % installs;
                telemetry.seen(seen(n));
                let steps = [
                    vec![report(n, DeviceState::Downloaded)],
                    vec![
                        report(n, DeviceState::Applied),
                        report(n, DeviceState::Confirmed),
                    ],
                ];
                for reports in steps {
                    let (count, asked) = (reports.len() as u64, Instant::now());
                    telemetry.report(reports).await.unwrap();
                    waits.push(asked.elapsed());
                    stored.fetch_add(count, Ordering::Relaxed);
                }
            }
            waits
        }));
    }
    let console = tokio::spawn(read_along(Arc::clone(telemetry), begun, time));
    let mut waits = Vec::new();
    for sender in senders {
        waits.extend(sender.await.unwrap());
    }
    let took = begun.elapsed().as_secs_f64();
    let counters = telemetry.counters();
    let reports = stored.load(Ordering::Relaxed);
    println!(
        "ingest, {took:.1} s: {:.0} events/s written ({:.0} reports/s acknowledged), {} check-ins dropped, {} reports unknown",
        rate(counters.written, took),
        rate(reports, took),
        counters.dropped - dropped,
        counters.unknown
    );
    println!("acknowledged after {}", quantiles(&mut waits));
    println!("pages meanwhile {}", quantiles(&mut console.await.unwrap()));
    memory();
}

/// Reads one page after the other, as a console that follows.
async fn read_along(
    telemetry: Arc<SqliteTelemetry>,
    begun: Instant,
    time: Duration,
) -> Vec<Duration> {
    let (mut waits, mut cursor) = (Vec::new(), 0);
    while begun.elapsed() < time {
        let asked = Instant::now();
        let page = telemetry.cells(WORKSPACE, cursor, 500).await.unwrap();
        waits.push(asked.elapsed());
        cursor = page.next;
        if !page.more {
            tokio::time::sleep(Duration::from_millis(200)).await;
        }
    }
    waits
}

async fn read(telemetry: &dyn Telemetry, installs: u32, when: &str) {
    let (mut waits, mut cursor, mut cells) = (Vec::new(), 0, 0);
    loop {
        let asked = Instant::now();
        let page = telemetry.cells(WORKSPACE, cursor, 500).await.unwrap();
        waits.push(asked.elapsed());
        (cursor, cells) = (page.next, cells + page.cells.len());
        if !page.more {
            break;
        }
    }
    println!(
        "{when}: {cells} cells in {} pages of 500, {}",
        waits.len(),
        quantiles(&mut waits)
    );
    let mut finds = Vec::new();
    for n in 0..200 {
        let asked = Instant::now();
        assert_eq!(
            telemetry
                .install(&id(n * (installs / 200)))
                .await
                .unwrap()
                .len(),
            1
        );
        finds.push(asked.elapsed());
    }
    println!("{when}: an install {}", quantiles(&mut finds));
    let asked = Instant::now();
    telemetry.plugins(WORKSPACE).await.unwrap();
    let plugins = asked.elapsed();
    let key = AttemptKey {
        workspace: WORKSPACE.into(),
        channel: "main.production".into(),
        build: 21,
        attempt: ATTEMPT.into(),
        opened: seen(0).at.plus(-400 * 86_400),
    };
    let gate = Gate {
        min_sample: 50,
        max_failure_permille: 20,
    };
    let asked = Instant::now();
    let status = telemetry.gate(&key, gate, seen(0).at).await.unwrap();
    println!(
        "{when}: plugins {plugins:.1?}, the gate over a sample of {} {:.1?}",
        status.sample,
        asked.elapsed()
    );
    memory();
}

fn quantiles(waits: &mut [Duration]) -> String {
    waits.sort_unstable();
    let at = |share: usize| waits.get((waits.len() * share / 1000).min(waits.len() - 1));
    let of = |share| at(share).copied().unwrap_or_default();
    format!(
        "p50 {:.1?}, p99 {:.1?}, most {:.1?}",
        of(500),
        of(990),
        of(1000)
    )
}

#[expect(clippy::cast_precision_loss, reason = "a rate for people")]
fn rate(count: u64, seconds: f64) -> f64 {
    count as f64 / seconds
}

/// Memory of this process, as Linux tells it.
fn memory() {
    let status = std::fs::read_to_string("/proc/self/status").unwrap_or_default();
    let lines = status
        .lines()
        .filter(|l| l.starts_with("VmRSS") || l.starts_with("VmHWM"));
    let words: Vec<String> = lines
        .map(|l| l.split_whitespace().collect::<Vec<_>>().join(" "))
        .collect();
    println!("memory: {}", words.join(", "));
}

fn load() -> String {
    std::fs::read_to_string("/proc/loadavg")
        .unwrap_or_default()
        .trim()
        .to_owned()
}
