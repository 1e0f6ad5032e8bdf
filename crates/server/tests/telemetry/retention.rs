//! What is removed, and what stays.

use headgate_core::status::DeviceState::{Confirmed, Offered, RolledBack};
use headgate_server::telemetry::{Seen, Telemetry};

use crate::support::*;

pub(crate) async fn what_names_an_install_expires(t: &dyn Telemetry) {
    all_seen(
        t,
        [offered("gone", 9, ATTEMPT), offered("stays", 9, ATTEMPT)],
    )
    .await;
    t.report(vec![
        report("gone", 9, Confirmed),
        failed("stays", 9, RolledBack, "timeout"),
    ])
    .await
    .unwrap();
    let still = Seen {
        at: at(80, 0),
        ..offered("stays", 10, LATER)
    };
    all_seen(t, [still]).await;
    let before = totals(t).await;
    t.tidy(at(92, 0)).await.unwrap();
    assert_eq!(
        t.install("gone").await.unwrap().len(),
        1,
        "90 days are not over"
    );
    t.tidy(at(93, 0)).await.unwrap();
    assert!(t.install("gone").await.unwrap().is_empty());
    let stays = &t.install("stays").await.unwrap()[0];
    let events: Vec<_> = stays.events.iter().map(|e| (e.build, e.state)).collect();
    assert_eq!(events, [(10, Offered)], "its old attempt is gone");
    let after = totals(t).await;
    assert_eq!(
        (&after.active, &after.daily),
        (&before.active, &before.daily)
    );
    assert_eq!(after.states, before.states);
    assert_eq!(t.plugins(WORKSPACE).await.unwrap()[0].2, 1);
    // What comes late for a row that is gone changes nothing.
    t.report(vec![report("gone", 9, RolledBack)]).await.unwrap();
    assert_eq!(totals(t).await.states, before.states);
}

pub(crate) async fn the_attempt_that_runs_is_not_counted_twice(t: &dyn Telemetry) {
    all_seen(t, [offered("a", 9, ATTEMPT)]).await;
    for day in [60, 120, 180] {
        let again = Seen {
            at: at(day, 0),
            ..offered("a", 9, ATTEMPT)
        };
        all_seen(t, [again]).await;
        t.tidy(at(day, 60)).await.unwrap();
    }
    assert_eq!(totals(t).await.outcome(9, ATTEMPT), one(Offered));
}

pub(crate) async fn minutes_end_and_their_sums_stay(t: &dyn Telemetry) {
    all_seen(t, [offered("a", 9, ATTEMPT)]).await;
    t.report(vec![report("a", 9, Confirmed)]).await.unwrap();
    t.tidy(at(4, 0)).await.unwrap();
    assert_eq!(totals(t).await.minutes.len(), 1);
    t.tidy(at(6, 0)).await.unwrap();
    let got = totals(t).await;
    assert_eq!(got.minutes.len(), 0);
    assert_eq!(got.outcome(9, ATTEMPT), one(Confirmed));
}

pub(crate) async fn forgetting_keeps_counts(t: &dyn Telemetry) {
    all_seen(t, [offered("a", 9, ATTEMPT), seen("b")]).await;
    t.report(vec![failed("a", 9, RolledBack, "timeout")])
        .await
        .unwrap();
    let before = totals(t).await;
    assert!(t.forget("A").await.unwrap());
    assert!(t.install("a").await.unwrap().is_empty());
    assert_eq!(t.install("b").await.unwrap().len(), 1);
    assert_eq!(totals(t).await, before);
    assert!(!t.forget("a").await.unwrap());
    t.report(vec![report("a", 9, RolledBack)]).await.unwrap();
    assert_eq!(totals(t).await, before, "nothing is known of it");
    // It is a new install from now on, even if it says what it said before.
    all_seen(t, [offered("a", 9, ATTEMPT)]).await;
    assert_eq!(t.install("a").await.unwrap().len(), 1);
}
