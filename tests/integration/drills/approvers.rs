//! Keys that approve for production: one of them, and as many as it needs.

use headgate_core::Code;
use headgate_engine::RolloutChange;
use headgate_tests::Thief;

use super::setting::{Drill, ONLINE, approved, newcomer};

#[tokio::test(flavor = "multi_thread")]
async fn one_approver() {
    let mut d = Drill::team(2).await;
    assert_eq!(d.crew.staged("three", "3.0.0").await, 3);
    let anna = d.crew.anna.clone();
    assert_eq!(anna.ship(&d.crew.bench, "four", "4.0.0").await.unwrap(), 4);
    // Even with an operator's key besides.
    let online = d.key(ONLINE).await;
    let thief = Thief::at(&d.crew.bench)
        .with(&d.crew.ines.vault, &d.crew.ines.member.public)
        .with(&d.vault(), &online);
    let approves = |t: &Thief| t.approve(3, "staging", "production");
    let refused = d.phone.refuses(Code::TrustSignature);
    thief.tries(approves, refused).await;
    // Where one signature is enough, theirs is.
    thief.approve(4, "development", "staging");
    let seen = d.crew.bench.device(&anna.workspace.root).await.unwrap();
    assert!(seen.channels["main.staging"].approved.contains(&4));

    let id = anna.ask_promote(3, "staging", "production").await.unwrap();
    d.crew.ines.co_sign(&id).await.unwrap();
    let spare = newcomer(&d.crew, "ines on a new laptop").await;
    d.replace("ines 2026", &spare.member, &[&d.crew.mara]).await;
    // What the old key signed does not count any more: it is withdrawn and asked for again.
    anna.publish(&id).await.unwrap_err();
    let withdraw = anna
        .console
        .approval_withdraw(&anna.workspace.id, &id, "stolen key");
    withdraw.await.unwrap();
    let again = anna.ask_promote(3, "staging", "production").await.unwrap();
    let late = d.crew.ines.co_sign(&again).await.unwrap_err();
    assert_eq!(late.code, Code::KeyNotAllowed);
    spare.co_sign(&again).await.unwrap();
    anna.publish(&again).await.unwrap();
    assert_eq!(d.phone.settle().await, Some(3));
    // A second stolen key beside it is one signature of two again.
    let thief = thief.with(&d.crew.mara.vault, &d.crew.mara.member.public);
    let approves = |t: &Thief| t.approve(4, "development", "production");
    let refused = d.phone.refuses(Code::TrustSignature);
    thief.tries(approves, refused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_approver_threshold() {
    let mut d = Drill::team(3).await;
    let anna = d.crew.anna.clone();
    let theirs = anna.ship(&d.crew.bench, "theirs", "6.6.6").await.unwrap();
    let online = d.key(ONLINE).await;
    let mut thief = Thief::at(&d.crew.bench).with(&d.vault(), &online);
    for person in [&d.crew.mara, &d.crew.ines] {
        thief = thief.with(&person.vault, &person.member.public);
    }
    // Approved is not served; with the operator's key it is.
    thief.approve(theirs, "development", "production");
    assert_eq!(d.phone.settle().await, Some(2));
    thief.serve(theirs, "production", "production");
    assert_eq!(d.phone.settle().await, Some(theirs));
    // Of the root they have too few.
    let refused = d.phone.refuses(Code::TrustSignature);
    thief.tries(|t| t.usurp(&online), refused).await;

    d.rollout(RolloutChange::RollBack { to: 2 }).await;
    assert_eq!(d.phone.settle().await, Some(2));
    let mara = newcomer(&d.crew, "mara on a new laptop").await;
    let ines = newcomer(&d.crew, "ines on a new laptop").await;
    let signers = [&*d.crew.mara, &*d.crew.ines, &*mara];
    d.replace("mara 2026", &mara.member, &signers).await;
    let signers = [&*d.crew.ines, &*mara, &*ines];
    d.replace("ines 2026", &ines.member, &signers).await;
    let new = d.new_key("Anna laptop 2").await;
    d.replace(ONLINE, &new, &[&mara, &ines]).await;
    assert_eq!(d.phone.settle().await, Some(2));
    let serves = |t: &Thief| t.serve(theirs, "production", "production");
    let refused = d.phone.refuses(Code::TrustSignature);
    thief.tries(serves, refused).await;

    let good = d.crew.staged("good", "7.0.0").await;
    assert!(good > theirs);
    approved(&anna, good, &mara).await;
    assert_eq!(d.phone.settle().await, Some(good));
}
