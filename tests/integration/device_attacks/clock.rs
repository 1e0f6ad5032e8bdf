//! The clock: a wrong one means no update, never a brick (trust model §4).

use headgate_core::Code;
use headgate_device::Outcome;
use headgate_tuf::policy::MAX_TIMESTAMP_AHEAD;

use super::setting::Setting;

const YEAR: i64 = 365 * 86_400;

#[tokio::test]
async fn clock_far_in_the_future() {
    let mut s = Setting::on("staging").await;
    s.next().await;
    s.r.bench.clock.advance(10 * YEAR);
    s.phone.refuses(Code::TrustExpired).await;
    s.r.bench.clock.advance(-10 * YEAR);
    s.recovers().await;
}

#[tokio::test]
async fn clock_far_in_the_past_of_a_new_device() {
    let mut s = Setting::on("staging").await;
    let options = s.phone.options.clone();
    s.r.bench.clock.advance(-10 * YEAR);
    let mut new = headgate_tests::Phone::at(&s.host.url, options);
    new.restart().await;
    new.refuses(Code::TrustClock).await;
    s.r.bench.clock.advance(10 * YEAR);
    assert_eq!(new.settle().await, Some(1));
    assert_eq!(s.phone.settle().await, Some(1));
}

#[tokio::test]
async fn a_clock_that_is_set_back_revives_nothing_that_has_expired() {
    let mut s = Setting::on("staging").await;
    let frozen = s.r.bench.dir.path().join("frozen");
    headgate_tests::copy_tree(&s.r.bench.storage(), &frozen);
    // The device sees something that was signed 40 days later.
    s.r.bench.clock.days(20);
    let (console, id) = (&s.r.anna.console, &s.r.anna.workspace.id);
    for _ in 0..2 {
        let job = console.refresh(id).await.unwrap();
        console.wait(&job).await.unwrap();
        s.r.bench.clock.days(20);
    }
    let job = console.refresh(id).await.unwrap();
    console.wait(&job).await.unwrap();
    assert_eq!(s.phone.settle().await, Some(1));
    let floor = s.phone.runner.memory().floor;
    assert_eq!(floor, s.r.now().unix());
    // Its clock jumps back: the floor holds, and the check goes on from there.
    s.r.bench.clock.days(-59);
    assert_eq!(s.phone.settle().await, Some(1));
    assert_eq!(s.phone.runner.memory().floor, floor);
    // A new version that the frozen freshness key signed then has expired by the floor.
    s.r.timestamp(99, 4, s.r.now().plus(86_400));
    let outcome = s.phone.runner.check().await;
    assert!(
        matches!(&outcome, Outcome::Stale(p) if p.code == Code::TrustExpired),
        "{outcome:?}"
    );
}

#[tokio::test]
async fn a_signed_time_far_ahead_does_not_raise_the_floor() {
    let mut s = Setting::on("staging").await;
    let mut snapshot: headgate_tuf::metadata::Snapshot = s.r.meta("4.snapshot.json");
    snapshot.version = 5;
    snapshot.x.at = s.r.now().plus(10 * 86_400);
    s.r.sign("5.snapshot.json", &snapshot, &[&s.r.online]);
    s.r.timestamp(5, 5, s.r.now().plus(86_400));
    let before = s.phone.runner.memory().floor;
    assert_eq!(s.phone.settle().await, Some(1));
    assert_eq!(s.phone.runner.memory().floor, before);
}

#[tokio::test]
async fn a_timestamp_that_claims_to_be_valid_for_too_long() {
    let mut s = Setting::on("staging").await;
    s.r.timestamp(5, 4, s.r.now().plus(MAX_TIMESTAMP_AHEAD + 1));
    s.phone.refuses(Code::TrustClock).await;
    s.r.timestamp(5, 4, s.r.now().plus(MAX_TIMESTAMP_AHEAD));
    assert_eq!(s.phone.settle().await, Some(1));
}
