//! What check-ins and reports count.

use std::collections::BTreeMap;

use headgate_core::status::DeviceState::{
    Applied, Confirmed, Downloaded, Failed, Offered, RolledBack,
};
use headgate_server::telemetry::{Report, Seen, Telemetry};
use headgate_tuf::Name;

use crate::support::*;

pub(crate) async fn the_same_check_in_counts_once(t: &dyn Telemetry) {
    for _ in 0..3 {
        all_seen(t, [seen("a"), seen("a"), seen("b")]).await;
    }
    let got = totals(t).await;
    assert_eq!((got.active(0, None), got.daily(0, None)), (2, 2));
    assert_eq!(
        t.counters().written,
        3,
        "two of `a` were taken before the first was written"
    );
}

pub(crate) async fn an_install_is_active_where_it_was_seen_last(t: &dyn Telemetry) {
    let moved = Seen {
        place: place("4.3.0"),
        running: Some(7),
        at: at(1, 0),
        ..seen("a")
    };
    all_seen(t, [seen("a"), seen("b"), moved]).await;
    let got = totals(t).await;
    assert_eq!((got.active(0, None), got.active(1, Some(7))), (1, 1));
    assert_eq!(got.active[&(place("4.3.0"), DAY + 1, Some(7))], 1);
    // A check-in of the day before that was written late moves nothing back.
    all_seen(t, [seen("a")]).await;
    assert_eq!(totals(t).await, got);
}

pub(crate) async fn a_day_that_is_over_stays_as_it_was(t: &dyn Telemetry) {
    let runs = |day, build| Seen {
        running: build,
        at: at(day, 0),
        ..seen("a")
    };
    all_seen(
        t,
        [
            runs(0, None),
            runs(0, Some(3)),
            runs(1, Some(3)),
            runs(2, Some(4)),
        ],
    )
    .await;
    let got = totals(t).await;
    assert_eq!((got.daily(0, None), got.daily(0, Some(3))), (0, 1));
    assert_eq!((got.daily(1, Some(3)), got.daily(2, Some(4))), (1, 1));
    assert_eq!(got.installs(), 1);
}

pub(crate) async fn a_clock_that_was_set_right_takes_installs_along(t: &dyn Telemetry) {
    let future = Seen {
        at: at(400, 0),
        ..seen("a")
    };
    all_seen(t, [future]).await;
    assert_eq!(totals(t).await.active(400, None), 1);
    all_seen(t, [seen("a")]).await;
    let got = totals(t).await;
    assert_eq!((got.active(400, None), got.active(0, None)), (0, 1));
    assert_eq!((got.daily(400, None), got.daily(0, None)), (0, 1));
}

pub(crate) async fn an_outcome_is_how_far_an_install_came(t: &dyn Telemetry) {
    let all = ["a", "b", "c", "d", "e"];
    all_seen(t, all.map(|i| offered(i, 9, ATTEMPT))).await;
    let reports = vec![
        report("b", 9, Downloaded),
        failed("c", 9, Failed, "checksum_fail"),
        report("d", 9, Confirmed),
        failed("e", 9, RolledBack, "app_launch_timeout"),
    ];
    t.report(reports).await.unwrap();
    let got = totals(t).await;
    let expected = [Offered, Downloaded, Failed, Confirmed, RolledBack].map(|s| (s, 1));
    assert_eq!(got.outcome(9, ATTEMPT), BTreeMap::from(expected));
    let reasons = ["checksum_fail", "app_launch_timeout"].map(|r| (r.to_owned(), 1));
    assert_eq!(got.reasons(9, ATTEMPT), BTreeMap::from(reasons));
    let minute = (9, ATTEMPT.to_owned(), at(2, 300).unix());
    assert_eq!(got.minutes, BTreeMap::from([(minute, (1, 1))]));
}

pub(crate) async fn repeated_and_late_reports_change_nothing(t: &dyn Telemetry) {
    all_seen(t, [offered("a", 9, ATTEMPT)]).await;
    let story = [Downloaded, Applied, Confirmed].map(|s| report("a", 9, s));
    t.report(story.to_vec()).await.unwrap();
    let once = totals(t).await;
    assert_eq!(once.outcome(9, ATTEMPT), one(Confirmed));
    // Again, in another order, from a device whose clock is years ahead, and with what came before.
    for later in story.iter().rev().chain([&report("a", 9, Offered)]) {
        let again = Report {
            device_time: Some(i64::MAX),
            at: at(3, 0),
            ..later.clone()
        };
        t.report(vec![again.clone(), again]).await.unwrap();
    }
    t.report(vec![failed("a", 9, Failed, "late")])
        .await
        .unwrap();
    all_seen(t, [offered("a", 9, ATTEMPT)]).await;
    let again = totals(t).await;
    assert_eq!(
        (again.states, again.reasons, again.minutes),
        (once.states, once.reasons, once.minutes)
    );
}

pub(crate) async fn running_it_confirms_it(t: &dyn Telemetry) {
    all_seen(t, [offered("a", 9, ATTEMPT), seen("b")]).await;
    let runs = |install: &str| Seen {
        running: Some(9),
        attempt: Some(ATTEMPT.into()),
        at: at(2, 600),
        ..seen(install)
    };
    // `b` runs it without having been offered it here: nothing is known of how it came.
    all_seen(t, [runs("a"), runs("b")]).await;
    let got = totals(t).await;
    assert_eq!(got.outcome(9, ATTEMPT), one(Confirmed));
    assert_eq!(got.active(2, Some(9)), 2);
}

pub(crate) async fn trouble_with_the_download_is_forgotten_by_a_start(t: &dyn Telemetry) {
    all_seen(t, [offered("a", 9, ATTEMPT)]).await;
    t.report(vec![failed("a", 9, Failed, "download_fail")])
        .await
        .unwrap();
    assert_eq!(totals(t).await.reasons(9, ATTEMPT).len(), 1);
    t.report(vec![report("a", 9, Confirmed)]).await.unwrap();
    let got = totals(t).await;
    assert_eq!(got.outcome(9, ATTEMPT), one(Confirmed));
    assert_eq!(got.reasons(9, ATTEMPT), BTreeMap::new());
}

pub(crate) async fn a_boot_failure_stays_in_its_attempt(t: &dyn Telemetry) {
    all_seen(t, [offered("a", 9, ATTEMPT)]).await;
    let failure = failed("a", 9, RolledBack, "app_launch_timeout");
    t.report(vec![failure, report("a", 9, Confirmed)])
        .await
        .unwrap();
    let runs = Seen {
        running: Some(9),
        ..offered("a", 9, ATTEMPT)
    };
    all_seen(t, [runs]).await;
    let got = totals(t).await;
    assert_eq!(got.outcome(9, ATTEMPT), one(RolledBack));
    assert_eq!(got.reasons(9, ATTEMPT).values().sum::<u64>(), 1);
}

pub(crate) async fn a_report_without_attempt_belongs_to_the_newest_offer(t: &dyn Telemetry) {
    // The newest is the one that started last, not the one that was noted last.
    let offers = [
        offered("a", 9, LATER),
        offered("a", 9, ATTEMPT),
        offered("a", 8, LATER),
    ];
    all_seen(t, offers).await;
    t.report(vec![report("a", 9, Confirmed)]).await.unwrap();
    let got = totals(t).await;
    assert_eq!(got.outcome(9, LATER), one(Confirmed));
    assert_eq!(got.outcome(9, ATTEMPT), one(Offered));
    assert_eq!(got.outcome(8, LATER), one(Offered));
}

pub(crate) async fn what_was_never_offered_is_not_stored(t: &dyn Telemetry) {
    all_seen(t, [offered("a", 9, ATTEMPT), seen("b")]).await;
    let before = totals(t).await;
    let forged = vec![
        report("nobody", 9, RolledBack),
        report("b", 9, RolledBack),
        report("a", 10, RolledBack),
        report("", 9, RolledBack),
        report("a\u{0}b", 9, RolledBack),
        Report {
            attempt: Some("2026-11-22T00:00:00Z".into()),
            ..report("a", 9, RolledBack)
        },
        Report {
            place: headgate_core::status::Place {
                channel: Name::new("staging").unwrap(),
                ..place("4.2.0")
            },
            ..report("a", 9, RolledBack)
        },
        Report {
            workspace: "ws-2".into(),
            ..report("a", 9, RolledBack)
        },
    ];
    let count = forged.len() as u64;
    t.report(forged).await.unwrap();
    assert_eq!(totals(t).await, before);
    assert_eq!(t.counters().unknown, count);
    assert!(t.install("nobody").await.unwrap().is_empty());
}

pub(crate) async fn a_later_attempt_counts_on_its_own(t: &dyn Telemetry) {
    all_seen(t, [offered("a", 9, ATTEMPT)]).await;
    t.report(vec![failed("a", 9, RolledBack, "timeout")])
        .await
        .unwrap();
    all_seen(t, [offered("a", 9, LATER)]).await;
    t.report(vec![report("a", 9, Confirmed)]).await.unwrap();
    let got = totals(t).await;
    assert_eq!(got.outcome(9, ATTEMPT), one(RolledBack));
    assert_eq!(got.outcome(9, LATER), one(Confirmed));
}

pub(crate) async fn each_channel_has_its_own_row(t: &dyn Telemetry) {
    let mut staging = seen("a");
    staging.place.channel = Name::new("staging").unwrap();
    all_seen(t, [seen("a"), staging]).await;
    let got = totals(t).await;
    assert_eq!(got.installs(), 2);
    assert_eq!(t.install("A").await.unwrap().len(), 2);
}

pub(crate) async fn hostile_words_are_counted_together(t: &dyn Telemetry) {
    let natives = ["", "<b>", "4\n2", "ü", "'; DROP TABLE cell;--", "\u{0}"];
    let long = "4".repeat(10_000);
    let all = natives.iter().copied().chain([long.as_str()]);
    let seens = all.enumerate().map(|(i, native)| Seen {
        place: place(native),
        plugin: Some(native.to_owned()),
        ..offered(&format!("i{i}"), 9, ATTEMPT)
    });
    all_seen(t, seens).await;
    let reasons = natives.iter().enumerate();
    let reports = reasons.map(|(i, r)| failed(&format!("i{i}"), 9, Failed, r));
    t.report(reports.collect()).await.unwrap();
    let got = totals(t).await;
    assert_eq!(got.active.len(), 1);
    assert_eq!(got.active[&(place("other"), DAY + 2, None)], 7);
    assert_eq!(
        got.reasons(9, ATTEMPT),
        BTreeMap::from([("other".to_owned(), 6)])
    );
    let plugins = vec![("main.production".to_owned(), "capgo other".to_owned(), 7)];
    assert_eq!(t.plugins(WORKSPACE).await.unwrap(), plugins);
    // Ids that no client makes are not kept.
    all_seen(t, [seen(""), seen("a b"), seen("é"), seen(&"x".repeat(65))]).await;
    assert_eq!(totals(t).await, got);
}

pub(crate) async fn a_flood_of_words_ends_in_other(t: &dyn Telemetry) {
    let flood = (0..1_500).map(|i| Seen {
        place: place(&format!("1.{i}.0")),
        ..seen(&format!("i{i}"))
    });
    all_seen(t, flood).await;
    let got = totals(t).await;
    assert_eq!(got.installs(), 1_500);
    let key = (place("other"), DAY, None);
    assert_eq!((got.active.len(), got.active[&key]), (1_001, 500));
    // A version that was there before the flood is still counted as itself, a new one after it has faded as well.
    let known = Seen {
        place: place("1.7.0"),
        ..seen("known")
    };
    let later = Seen {
        place: place("5.0.0"),
        at: at(40, 0),
        ..seen("later")
    };
    all_seen(t, [known, later]).await;
    let got = totals(t).await;
    assert_eq!(got.active[&(place("1.7.0"), DAY, None)], 2);
    assert_eq!(got.active[&(place("5.0.0"), DAY + 40, None)], 1);
}

pub(crate) async fn plugins_are_counted_by_install(t: &dyn Telemetry) {
    let with = |install: &str, plugin: Option<&str>, seconds| Seen {
        plugin: plugin.map(str::to_owned),
        at: at(0, seconds),
        ..seen(install)
    };
    all_seen(
        t,
        [
            with("a", Some("8.51.20"), 1),
            with("b", Some("8.51.20"), 1),
            with("c", None, 1),
        ],
    )
    .await;
    all_seen(
        t,
        [with("b", Some("8.51.23"), 2), with("b", Some("8.51.23"), 3)],
    )
    .await;
    let expected = [("capgo 8.51.20", 1), ("capgo 8.51.23", 1)];
    let expected = expected.map(|(v, n)| ("main.production".to_owned(), v.to_owned(), n));
    assert_eq!(t.plugins(WORKSPACE).await.unwrap(), expected);
}
