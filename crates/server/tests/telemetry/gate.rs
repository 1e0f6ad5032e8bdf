//! The health gate (trust §9): what trips it, and what must not.

use headgate_core::rollout::Gate;
use headgate_core::status::DeviceState::{Confirmed, Failed, RolledBack};
use headgate_core::status::GateStatus;
use headgate_server::telemetry::{AttemptKey, Report, Seen, Telemetry};
use headgate_tuf::UtcTime;

use crate::support::*;

/// When [`ATTEMPT`] was resumed.
const RESUMED: &str = "2026-11-23T10:00:00Z";

const GATE: Gate = Gate {
    min_sample: 50,
    max_failure_permille: 20,
};

fn key(attempt: &str, opened: &str) -> AttemptKey {
    AttemptKey {
        workspace: WORKSPACE.into(),
        channel: "main.production".into(),
        build: 9,
        attempt: attempt.into(),
        opened: UtcTime::parse(opened).unwrap(),
    }
}

async fn judge(t: &dyn Telemetry, attempt: &str) -> GateStatus {
    judge_opened(t, attempt, attempt).await
}

/// Of an attempt that was resumed then.
async fn judge_opened(t: &dyn Telemetry, attempt: &str, opened: &str) -> GateStatus {
    t.flush().await.unwrap();
    t.gate(&key(attempt, opened), GATE, at(3, 0)).await.unwrap()
}

fn from(mut seen: Seen, net: u32) -> Seen {
    seen.network = network(net);
    seen
}

/// Installs that were there before, each in a network of its own.
async fn fleet(t: &dyn Telemetry, size: u32, attempt: &str) {
    all_seen(t, (0..size).map(|i| from(seen(&format!("i{i}")), i))).await;
    all_seen(
        t,
        (0..size).map(|i| from(offered(&format!("i{i}"), 9, attempt), i)),
    )
    .await;
}

/// The first of them fail, the others start.
async fn outcome(t: &dyn Telemetry, size: u32, failing: u32) {
    let reports = (0..size).map(|i| match i < failing {
        true => failed(&format!("i{i}"), 9, RolledBack, "app_launch_timeout"),
        false => report(&format!("i{i}"), 9, Confirmed),
    });
    t.report(reports.collect()).await.unwrap();
}

pub(crate) async fn real_failures_trip_it_and_a_newer_attempt_starts_clean(t: &dyn Telemetry) {
    fleet(t, 200, ATTEMPT).await;
    outcome(t, 200, 20).await;
    let status = judge(t, ATTEMPT).await;
    // The network with the most failures is left out: one of them.
    assert_eq!((status.sample, status.failures), (199, 19));
    assert_eq!(status.tripped, Some(at(3, 0)));
    let later = judge(t, LATER).await;
    assert_eq!((later.sample, later.failures, later.tripped), (0, 0, None));
    fleet(t, 200, LATER).await;
    outcome(t, 200, 0).await;
    let later = judge(t, LATER).await;
    assert_eq!(
        (later.sample, later.failures, later.tripped),
        (200, 0, None)
    );
}

pub(crate) async fn it_stays_latched(t: &dyn Telemetry) {
    fleet(t, 1_000, ATTEMPT).await;
    outcome(t, 60, 20).await;
    let tripped = judge(t, ATTEMPT).await.tripped;
    assert!(tripped.is_some());
    // The rate falls below the limit, but nobody looked at why it was above.
    let rest = (60..1_000).map(|i| report(&format!("i{i}"), 9, Confirmed));
    t.report(rest.collect()).await.unwrap();
    let status = judge(t, ATTEMPT).await;
    assert!(!status.passes_limit());
    assert_eq!(status.tripped, tripped);
}

pub(crate) async fn a_completion_stays_latched_and_a_resumption_does_not(t: &dyn Telemetry) {
    fleet(t, 200, ATTEMPT).await;
    outcome(t, 200, 20).await;
    let tripped = judge(t, ATTEMPT).await.tripped;
    assert!(tripped.is_some());
    // Completed: another attempt, opened by nobody.
    let completed = t.latched(&key(LATER, ATTEMPT)).await.unwrap();
    assert_eq!(completed, tripped);
    let resumed = t.latched(&key(ATTEMPT, RESUMED)).await.unwrap();
    assert_eq!(resumed, None);
}

pub(crate) async fn a_resumed_rollout_counts_anew(t: &dyn Telemetry) {
    fleet(t, 300, ATTEMPT).await;
    outcome(t, 200, 20).await;
    let first = judge(t, ATTEMPT).await.tripped;
    let anew = judge_opened(t, ATTEMPT, RESUMED).await;
    assert_eq!((anew.sample, anew.failures, anew.tripped), (0, 0, None));
    // Who had it before: one that started fails now and counts once, one that failed stays what it is.
    let later = |i: u32, state| Report {
        at: at(3, 60),
        ..report(&format!("i{i}"), 9, state)
    };
    t.report(vec![later(0, RolledBack), later(150, RolledBack)])
        .await
        .unwrap();
    // Who gets it now.
    let fresh = (200..300).map(|i| later(i, if i < 220 { RolledBack } else { Confirmed }));
    t.report(fresh.collect()).await.unwrap();
    let anew = judge_opened(t, ATTEMPT, RESUMED).await;
    // The network with the most failures is left out: one of the 21.
    assert_eq!((anew.sample, anew.failures), (100, 20));
    assert_eq!(anew.tripped, Some(at(3, 0)));
    // A replica that has not read the resumption neither judges nor takes the counts back.
    let behind = judge(t, ATTEMPT).await;
    assert_eq!((behind.sample, behind.tripped), (0, first));
    assert_eq!(judge_opened(t, ATTEMPT, RESUMED).await, anew);
}

pub(crate) async fn too_few_say_nothing(t: &dyn Telemetry) {
    fleet(t, 49, ATTEMPT).await;
    outcome(t, 49, 49).await;
    assert_eq!(judge(t, ATTEMPT).await.tripped, None);
}

pub(crate) async fn a_flood_of_forged_ids_does_nothing(t: &dyn Telemetry) {
    fleet(t, 100, ATTEMPT).await;
    outcome(t, 100, 0).await;
    let before = judge(t, ATTEMPT).await;
    let forged = (0..5_000).map(|i| Report {
        network: network(10_000 + i),
        ..failed(&format!("forged{i}"), 9, RolledBack, "app_launch_timeout")
    });
    t.report(forged.collect()).await.unwrap();
    assert_eq!(judge(t, ATTEMPT).await, before);
    assert_eq!(before.sample, 100);
}

pub(crate) async fn ids_that_appear_after_the_start_do_not_count(t: &dyn Telemetry) {
    fleet(t, 100, ATTEMPT).await;
    outcome(t, 100, 0).await;
    let before = judge(t, ATTEMPT).await;
    let new = |i: u32| format!("new{i}");
    all_seen(
        t,
        (0..2_000).map(|i| from(offered(&new(i), 9, ATTEMPT), 10_000 + i)),
    )
    .await;
    let failures = (0..2_000).map(|i| failed(&new(i), 9, RolledBack, "app_launch_timeout"));
    t.report(failures.collect()).await.unwrap();
    assert_eq!(judge(t, ATTEMPT).await, before);
    // They are told all the same.
    assert_eq!(totals(t).await.outcome(9, ATTEMPT)[&RolledBack], 2_000);
}

pub(crate) async fn who_was_not_offered_it_does_not_count(t: &dyn Telemetry) {
    fleet(t, 100, ATTEMPT).await;
    outcome(t, 100, 0).await;
    let before = judge(t, ATTEMPT).await;
    let others = |i: u32| from(seen(&format!("o{i}")), 10_000 + i);
    all_seen(t, (0..500).map(others)).await;
    // Half of them were offered another release in the same attempt.
    all_seen(
        t,
        (0..250).map(|i| from(offered(&format!("o{i}"), 8, ATTEMPT), 10_000 + i)),
    )
    .await;
    let all = (0..500).map(|i| Report {
        attempt: Some(ATTEMPT.into()),
        ..failed(&format!("o{i}"), 9, RolledBack, "app_launch_timeout")
    });
    t.report(all.collect()).await.unwrap();
    assert_eq!(judge(t, ATTEMPT).await, before);
}

pub(crate) async fn one_install_fails_once(t: &dyn Telemetry) {
    fleet(t, 100, ATTEMPT).await;
    outcome(t, 100, 2).await;
    let before = judge(t, ATTEMPT).await;
    for _ in 0..5 {
        let replay = vec![failed("i0", 9, RolledBack, "app_launch_timeout"); 200];
        t.report(replay).await.unwrap();
    }
    assert_eq!(judge(t, ATTEMPT).await, before);
    assert_eq!(
        (before.sample, before.failures, before.tripped),
        (99, 1, None)
    );
}

/// Ids of one network that were there before the rollout, all offered it.
async fn one_network(t: &dyn Telemetry, size: u32) {
    let id = |i: u32| format!("bot{i}");
    all_seen(t, (0..size).map(|i| from(seen(&id(i)), 60_000))).await;
    all_seen(
        t,
        (0..size).map(|i| from(offered(&id(i), 9, ATTEMPT), 60_000)),
    )
    .await;
}

pub(crate) async fn one_network_does_not_trip_it(t: &dyn Telemetry) {
    fleet(t, 100, ATTEMPT).await;
    outcome(t, 100, 0).await;
    one_network(t, 2_000).await;
    let failures = (0..2_000).map(|i| failed(&format!("bot{i}"), 9, RolledBack, "x"));
    t.report(failures.collect()).await.unwrap();
    let status = judge(t, ATTEMPT).await;
    assert_eq!(
        (status.sample, status.failures, status.tripped),
        (100, 0, None)
    );
}

pub(crate) async fn a_flood_of_successes_from_one_network_does_not_hide_failures(
    t: &dyn Telemetry,
) {
    fleet(t, 100, ATTEMPT).await;
    one_network(t, 2_000).await;
    let starts = (0..2_000).map(|i| report(&format!("bot{i}"), 9, Confirmed));
    t.report(starts.collect()).await.unwrap();
    outcome(t, 100, 20).await;
    let status = judge(t, ATTEMPT).await;
    assert_eq!((status.sample, status.failures), (102, 19));
    assert!(status.tripped.is_some());
}

pub(crate) async fn trouble_with_the_download_is_no_boot_failure(t: &dyn Telemetry) {
    fleet(t, 200, ATTEMPT).await;
    let failures = (0..150).map(|i| failed(&format!("i{i}"), 9, Failed, "checksum_fail"));
    t.report(failures.collect()).await.unwrap();
    let status = judge(t, ATTEMPT).await;
    assert_eq!(
        (status.sample, status.failures, status.tripped),
        (0, 0, None)
    );
}
