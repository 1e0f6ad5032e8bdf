//! Signatures that have ended.

use headgate_core::Code;
use headgate_engine::Ceremony;
use headgate_tests::code;

use super::setting::{Drill, change};

#[tokio::test(flavor = "multi_thread")]
async fn freshness_that_has_ended() {
    let mut d = Drill::solo().await;
    let anna = d.crew.anna.clone();
    d.crew.bench.clock.days(31);
    d.phone.refuses(Code::TrustExpired).await;
    assert_eq!(d.phone.build(), Some(1));
    let id = anna.workspace.id.as_str();
    assert_eq!(code(anna.console.check_fresh(id).await), Code::TrustExpired);
    let shipped = anna.ship(&d.crew.bench, "two", "2.0.0").await;
    assert_eq!(code(shipped), Code::TrustExpired);
    // Somebody has looked at the log.
    assert_eq!(anna.log().await.unwrap().len(), 2);
    d.refresh().await;
    assert_eq!(d.phone.settle().await, Some(1));
    let build = anna.ship(&d.crew.bench, "two", "2.0.0").await.unwrap();
    assert_eq!(d.phone.settle().await, Some(build));
}

#[tokio::test(flavor = "multi_thread")]
async fn approvals_of_several_people_that_have_ended() {
    let mut d = Drill::team(2).await;
    // One computer renews what its keys suffice for: production's approvals it does not.
    for _ in 0..10 {
        d.crew.bench.clock.days(20);
        d.refresh().await;
    }
    d.phone.refuses(Code::TrustExpired).await;
    assert_eq!(d.phone.build(), Some(2));
    let renew = Ceremony::Renew {
        roles: vec!["main.production".into()],
    };
    change(&d.crew, &renew, &[&d.crew.ines]).await;
    assert_eq!(d.phone.settle().await, Some(2));
}
