//! The key that runs rollouts and, on most consoles, signs freshness.

use headgate_core::Code;
use headgate_engine::RolloutChange;
use headgate_tests::Thief;

use super::setting::{Drill, ONLINE};

#[tokio::test(flavor = "multi_thread")]
async fn an_operator_key() {
    let mut d = Drill::team(2).await;
    assert_eq!(d.crew.staged("three", "3.0.0").await, 3);
    let online = d.key(ONLINE).await;
    let thief = Thief::at(&d.crew.bench).with(&d.vault(), &online);

    // They approve nothing, and change no keys.
    let approves = |t: &Thief| t.approve(3, "staging", "production");
    let refused = d.phone.refuses(Code::TrustSignature);
    thief.tries(approves, refused).await;
    let refused = d.phone.refuses(Code::TrustSignature);
    thief.tries(|t| t.usurp(&online), refused).await;
    // A rollout of what production did not approve reaches nobody.
    thief.serve(3, "staging", "production");
    d.phone.gets_nothing("unapproved").await;
    // What it did approve, they serve to everyone.
    thief.serve(1, "production", "production");
    assert_eq!(d.phone.settle().await, Some(1));

    let new = d.new_key("Anna laptop 2").await;
    d.replace(ONLINE, &new, &[&d.crew.mara]).await;
    assert_eq!(
        d.phone.settle().await,
        Some(1),
        "the phone follows the new root"
    );
    let serves = |t: &Thief| t.serve(1, "production", "production");
    let refused = d.phone.refuses(Code::TrustSignature);
    thief.tries(serves, refused).await;
    // Activity shows what nobody of the team did, and the new key puts it right.
    let log = d.crew.anna.log().await.unwrap();
    assert!(log.iter().any(|(_, by)| by == "mallory"), "{log:?}");
    let change = RolloutChange::Share {
        build: 2,
        permille: 1000,
    };
    d.rollout(change).await;
    assert_eq!(d.phone.settle().await, Some(2));
}
