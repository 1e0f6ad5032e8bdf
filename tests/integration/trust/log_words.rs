//! What a realistic history reads like.

use headgate_engine::{LogEntry, LogKind, LogRead, LogVerdict, RolloutChange};
use headgate_tests::{settle, ship};

use super::registry::{Registry, registry};

/// The fixture's four entries, then an hour each: advance, halt, resume, a second release, a way back, a setting, a
/// key, freshness.
pub(crate) async fn history() -> Registry {
    let r = registry().await;
    let (console, id) = (&r.anna.console, r.anna.workspace.id.as_str());
    let hour = || r.bench.clock.advance(3_600);
    for (change, why) in [
        (
            RolloutChange::Share {
                build: 1,
                permille: 100,
            },
            "fine so far",
        ),
        (RolloutChange::Halt, "crashes on native 4.1.0"),
        (RolloutChange::Resume, "fixed by config"),
    ] {
        hour();
        let job = console.rollout(id, "main", "production", change, why).await;
        settle(&r.anna, job).await;
    }
    hour();
    ship(&r.anna, &r.bench.build("two"), "development")
        .await
        .unwrap();
    hour();
    let back = RolloutChange::RollBack { to: 1 };
    let job = console
        .rollout(id, "main", "development", back, "blank page")
        .await;
    settle(&r.anna, job).await;
    hour();
    let job = console
        .set_device_id(id, "main", "ionic", Some("1a2b3c4d"))
        .await;
    settle(&r.anna, job).await;
    hour();
    console.create_key(id, "CI").await.unwrap();
    hour();
    let job = console.refresh(id).await;
    settle(&r.anna, job).await;
    r
}

fn line(entry: &LogEntry) -> String {
    format!("{} {}", entry.by, entry.words.text())
}

#[tokio::test]
async fn an_intact_history_is_verified_and_reads_as_what_happened() {
    let r = history().await;
    let id = &r.anna.workspace.id;
    let log = r.anna.console.audit(id, LogRead::Anew).await.unwrap();
    let entries = &log.entries;
    let head = entries.last().unwrap().hash.clone();
    assert_eq!(
        log.verdict,
        LogVerdict::Verified {
            entries: entries.len(),
            head
        }
    );
    let said: Vec<String> = entries.iter().map(line).collect();
    assert_eq!(
        said[..said.len() - 1],
        [
            "anna made the workspace with development, staging and production",
            "anna released 4.2.5, build 1, to development",
            "anna promoted 4.2.5 from development to staging",
            "anna promoted 4.2.5 from staging to production",
            "anna advanced 4.2.5 in production to 10 %",
            "anna halted 4.2.5 in production at 10 %",
            "anna resumed 4.2.5 in production at 10 %",
            "anna released 4.2.5, build 2, to development",
            "anna rolled back development from 4.2.5 (build 2) to 4.2.5 (build 1)",
            "anna set ionic id of main to 1a2b3c4d",
            "anna added the key ‘CI’ for snapshot and timestamp",
        ]
    );
    assert!(
        said.last()
            .unwrap()
            .starts_with("anna renewed freshness until "),
        "{said:?}"
    );
    let kinds: Vec<LogKind> = entries.iter().map(|e| e.words.kind).collect();
    assert_eq!(
        kinds,
        [
            LogKind::Init,
            LogKind::Ship,
            LogKind::Promote,
            LogKind::Promote,
            LogKind::Advance,
            LogKind::Halt,
            LogKind::Resume,
            LogKind::Ship,
            LogKind::RollBack,
            LogKind::Settings,
            LogKind::Keys,
            LogKind::Freshness,
        ]
    );
    let advanced = &entries[4];
    assert_eq!(advanced.words.detail.as_deref(), Some("Was 1 %"));
    assert_eq!(
        advanced.words.place,
        Some(("main".into(), "production".into()))
    );
    assert_eq!(advanced.reason, "fine so far");
    assert_eq!(advanced.roles[0].was, Some(2));
    assert!(!advanced.roles[0].signed_by.is_empty());
    let key = &entries[10];
    assert_eq!(
        (
            key.roles.len(),
            key.roles[0].role.as_str(),
            key.roles[0].version
        ),
        (1, "root", 2)
    );
    for pair in entries.windows(2) {
        assert_eq!(pair[1].prev.as_deref(), Some(pair[0].hash.as_str()));
    }
}
