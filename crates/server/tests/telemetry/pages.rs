//! What is read back: pages by cursor, installs, high-water marks.

use headgate_core::status::DeviceState::{Confirmed, Downloaded, RolledBack};
use headgate_registry::HighWater;
use headgate_server::telemetry::{Seen, Telemetry};
use headgate_tuf::KeyId;

use crate::support::*;

pub(crate) async fn pages_go_on_where_the_last_one_ended(t: &dyn Telemetry) {
    all_seen(
        t,
        (0..5).map(|i| Seen {
            at: at(i, 0),
            ..seen(&format!("i{i}"))
        }),
    )
    .await;
    let first = t.cells(WORKSPACE, 0, 4).await.unwrap();
    assert_eq!((first.cells.len(), first.more), (4, true));
    assert_eq!(
        t.cells(WORKSPACE, 0, 4).await.unwrap(),
        first,
        "the same page again"
    );
    let rest = t.cells(WORKSPACE, first.next, 100).await.unwrap();
    assert_eq!((rest.cells.len(), rest.more), (6, false));
    let end = t.cells(WORKSPACE, rest.next, 100).await.unwrap();
    assert_eq!((end.cells.len(), end.next, end.more), (0, rest.next, false));
    // What changes moves to the end, and nothing else is told again.
    all_seen(
        t,
        [Seen {
            at: at(1, 0),
            ..seen("new")
        }],
    )
    .await;
    let news = t.cells(WORKSPACE, rest.next, 100).await.unwrap();
    assert_eq!(news.cells.len(), 2, "active and daily of that day");
    assert!(news.next > rest.next);
    let far = t.cells(WORKSPACE, u64::MAX, 100).await.unwrap();
    assert_eq!((far.cells.len(), far.next), (0, u64::MAX));
}

pub(crate) async fn days_away_lose_nothing(t: &dyn Telemetry) {
    let mut away = Totals::default();
    all_seen(t, [seen("a"), offered("b", 9, ATTEMPT)]).await;
    away.read(t, 3).await;
    for day in 3..30 {
        let moving = Seen {
            running: Some(day),
            at: at(day, 0),
            ..seen("a")
        };
        all_seen(t, [moving]).await;
    }
    t.report(vec![
        report("b", 9, Downloaded),
        failed("b", 9, RolledBack, "timeout"),
    ])
    .await
    .unwrap();
    away.read(t, 3).await;
    assert_eq!(away, totals(t).await);
    assert_eq!(away.installs(), 2);
    assert_eq!(away.active(0, None), 0, "cells that became empty are told");
}

pub(crate) async fn another_workspace_sees_nothing(t: &dyn Telemetry) {
    all_seen(t, [seen("a")]).await;
    assert!(t.cells("ws-2", 0, 10).await.unwrap().cells.is_empty());
    assert!(t.plugins("ws-2").await.unwrap().is_empty());
}

pub(crate) async fn an_install_is_found_in_every_workspace(t: &dyn Telemetry) {
    let other = Seen {
        workspace: "ws-2".into(),
        ..seen("a")
    };
    let runs = Seen {
        running: Some(9),
        at: at(3, 9),
        ..seen("a")
    };
    let later = Seen {
        running: Some(9),
        at: at(4, 9),
        ..offered("a", 10, LATER)
    };
    all_seen(t, [seen("a"), other, offered("a", 9, ATTEMPT), runs, later]).await;
    t.report(vec![failed("a", 10, RolledBack, "timeout")])
        .await
        .unwrap();
    let mut found = t.install("a").await.unwrap();
    found.sort_by(|a, b| a.workspace.cmp(&b.workspace));
    assert_eq!(found.len(), 2);
    assert_eq!(
        (found[0].place.clone(), found[0].plugin.as_deref()),
        (place("4.2.0"), Some("8.51.23"))
    );
    assert_eq!(
        (found[0].running, found[0].first_seen, found[0].last_day),
        (Some(9), at(0, 60), DAY + 4)
    );
    let events: Vec<_> = found[0]
        .events
        .iter()
        .map(|e| (e.build, e.state, e.reason.as_deref()))
        .collect();
    assert_eq!(
        events,
        [(9, Confirmed, None), (10, RolledBack, Some("timeout"))],
        "newest first"
    );
    assert_eq!(found[1].events, []);
    assert!(t.install("b").await.unwrap().is_empty());
}

fn marks(root: u64, timestamp: u64, keys: &[&str]) -> HighWater {
    let versions = [
        ("root", root),
        ("timestamp", timestamp),
        ("snapshot", timestamp),
    ];
    let key = |k: &&str| serde_json::from_value::<KeyId>(k.repeat(64).into()).unwrap();
    HighWater {
        versions: versions.map(|(r, v)| (r.to_owned(), v)).into(),
        freshness: keys.iter().map(key).collect(),
    }
}

pub(crate) async fn marks_only_rise(t: &dyn Telemetry) {
    assert_eq!(t.marks(WORKSPACE).await.unwrap(), HighWater::default());
    let first = marks(1, 7, &["a"]);
    t.raise_marks(WORKSPACE, &first).await.unwrap();
    assert_eq!(t.marks(WORKSPACE).await.unwrap(), first);
    t.raise_marks(WORKSPACE, &marks(1, 5, &["a"]))
        .await
        .unwrap();
    assert_eq!(t.marks(WORKSPACE).await.unwrap(), first);
    let mut more = marks(1, 9, &["a"]);
    more.versions.insert("main.production".into(), 3);
    t.raise_marks(WORKSPACE, &more).await.unwrap();
    t.raise_marks(WORKSPACE, &marks(1, 8, &["a"]))
        .await
        .unwrap();
    assert_eq!(t.marks(WORKSPACE).await.unwrap(), more);
    assert_eq!(t.marks("ws-2").await.unwrap(), HighWater::default());
}

pub(crate) async fn a_freshness_key_that_is_gone_takes_its_marks_along(t: &dyn Telemetry) {
    t.raise_marks(WORKSPACE, &marks(1, 1_000_000, &["a"]))
        .await
        .unwrap();
    let recovered = marks(2, 8, &["b"]);
    t.raise_marks(WORKSPACE, &recovered).await.unwrap();
    assert_eq!(t.marks(WORKSPACE).await.unwrap(), recovered);
    // A replica that has not seen the new root yet cannot bring the old key back.
    t.raise_marks(WORKSPACE, &marks(1, 1_000_000, &["a"]))
        .await
        .unwrap();
    assert_eq!(t.marks(WORKSPACE).await.unwrap(), recovered);
    let added = marks(3, 6, &["b", "c"]);
    t.raise_marks(WORKSPACE, &added).await.unwrap();
    let got = t.marks(WORKSPACE).await.unwrap();
    assert_eq!(
        (got.versions["timestamp"], &got.freshness),
        (8, &added.freshness)
    );
}
