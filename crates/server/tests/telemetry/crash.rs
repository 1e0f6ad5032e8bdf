//! A server that is killed in the middle of a stream of reports loses nothing that it acknowledged.
//!
//! The child is this same program, started with the name of an ignored test and a variable.

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use headgate_core::status::DeviceState::{Confirmed, RolledBack};
use headgate_server::telemetry::Telemetry;
use headgate_server::telemetry::sqlite::{Options, SqliteTelemetry};
use tempfile::TempDir;

use crate::support::*;

const FOLDER: &str = "HEADGATE_TEST_DIR";
const KILLS: u64 = 5;
const SENDERS: u32 = 16;

async fn open(dir: &Path) -> SqliteTelemetry {
    let path = dir.join("t.sqlite");
    SqliteTelemetry::open(&path, Options::default())
        .await
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "started as a child by the other test"]
async fn child() {
    let Some(dir) = std::env::var_os(FOLDER) else {
        return;
    };
    let telemetry = std::sync::Arc::new(open(Path::new(&dir)).await);
    let round = std::process::id();
    for sender in 0..SENDERS {
        let telemetry = std::sync::Arc::clone(&telemetry);
        tokio::spawn(async move {
            for n in 0.. {
                let id = format!("{round}-{sender}-{n}");
                telemetry.seen(offered(&id, 9, ATTEMPT));
                let state = if n % 2 == 0 { Confirmed } else { RolledBack };
                telemetry.report(vec![report(&id, 9, state)]).await.unwrap();
                // One write, so no line is mixed with another.
                let line = format!("stored {id} {}\n", state.text());
                std::io::stdout().write_all(line.as_bytes()).unwrap();
            }
        });
    }
    std::future::pending::<()>().await;
}

struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

#[tokio::test]
async fn a_kill_loses_nothing_that_was_acknowledged() {
    let dir = TempDir::new().unwrap();
    let mut acknowledged = Vec::new();
    for round in 0..KILLS {
        let child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "crash::child", "--ignored", "--nocapture"])
            .env(FOLDER, dir.path())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let mut child = Running(child);
        let out = BufReader::new(child.0.stdout.take().unwrap());
        let mut until = None;
        for line in out.lines() {
            let line = line.unwrap();
            let words: Vec<&str> = line.split(' ').collect();
            if let ["stored", id, state] = words[..] {
                acknowledged.push((id.to_owned(), state.to_owned()));
                // Somewhere in the middle of a batch, each time elsewhere.
                let end = *until.get_or_insert_with(|| {
                    Instant::now() + Duration::from_millis(150 + 37 * round)
                });
                if Instant::now() > end {
                    child.0.kill().unwrap();
                    until = Some(end + Duration::from_secs(3600));
                }
            }
        }
        assert!(until.is_some(), "the child wrote nothing");
    }
    assert!(acknowledged.len() > 100, "{}", acknowledged.len());
    let telemetry = open(dir.path()).await;
    for (id, state) in &acknowledged {
        let found = telemetry.install(id).await.unwrap();
        let event = &found
            .first()
            .unwrap_or_else(|| panic!("{id} is lost"))
            .events[0];
        assert_eq!(event.state.text(), state, "{id}");
    }
    // The counts belong to the rows: whatever was stored was counted, acknowledged or not.
    let got = totals(&telemetry).await;
    let outcome = got.outcome(9, ATTEMPT);
    assert_eq!(got.installs(), outcome.values().sum::<u64>());
    assert!(got.installs() >= acknowledged.len() as u64);
    assert!(outcome[&Confirmed] > 0 && outcome[&RolledBack] > 0);
}
