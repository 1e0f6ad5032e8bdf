//! Expiry is a feature; a clock that is far off is not believed either.

use headgate_core::Code;
use headgate_registry::{Expiry, HighWater};
use headgate_tests::ship;
use headgate_tuf::policy::MAX_TIMESTAMP_AHEAD;

use super::registry::registry;

#[tokio::test]
async fn a_timestamp_valid_for_more_than_45_days_is_refused_by_devices_and_replaced_by_a_console() {
    let r = registry().await;
    r.timestamp(5, 4, r.now().plus(MAX_TIMESTAMP_AHEAD));
    r.device().await.unwrap();
    r.timestamp(5, 4, r.now().plus(MAX_TIMESTAMP_AHEAD + 1));
    assert_eq!(r.refusal().await, Code::TrustClock);
    // Whoever signed it had a wrong clock; a console reads it all the same, since it has to renew it.
    r.view(&HighWater::default(), Expiry::Show).await.unwrap();
    let (console, id) = (&r.anna.console, &r.anna.workspace.id);
    let job = console.refresh(id).await.unwrap();
    console.wait(&job).await.unwrap();
    r.device().await.unwrap();
}

#[tokio::test]
async fn expired_freshness_stops_devices_but_not_the_console_that_renews_it() {
    let r = registry().await;
    r.bench.clock.days(29);
    r.device().await.unwrap();
    r.bench.clock.days(2);
    assert_eq!(r.refusal().await, Code::TrustExpired);
    let (console, id) = (&r.anna.console, &r.anna.workspace.id);
    console.sync(id).await.unwrap();
    let board = console.board(id, "main").await.unwrap();
    assert!(board.freshness.unwrap().used_permille >= 1000);
    let job = console.refresh(id).await.unwrap();
    console.wait(&job).await.unwrap();
    r.device().await.unwrap();
}

#[tokio::test]
async fn a_refresh_renews_every_role_before_it_expires() {
    let r = registry().await;
    let (console, id) = (&r.anna.console, &r.anna.workspace.id);
    // Rollouts last 90 days, approvals 180; freshness is renewed every 20.
    for _ in 0..14 {
        r.bench.clock.days(20);
        let job = console.refresh(id).await.unwrap();
        console.wait(&job).await.unwrap();
        assert_eq!(r.device().await.unwrap().build("production"), Some(1));
    }
    let build = r.bench.build("two");
    ship(&r.anna, &build, "development").await.unwrap();
    r.anna.log().await.unwrap();
}
