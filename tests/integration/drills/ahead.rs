//! Versions of roles that somebody pushed as far as numbers go.

use headgate_core::Code;
use headgate_engine::{Clock as _, RolloutChange};
use headgate_tests::{LAST_NUMBER, Thief, code};

use super::setting::{Drill, ONLINE, RELEASE};

#[tokio::test(flavor = "multi_thread")]
async fn a_version_that_nobody_could_follow_is_refused_and_put_back() {
    let mut d = Drill::solo().await;
    let anna = d.crew.anna.clone();
    let (console, id) = (&anna.console, anna.workspace.id.as_str());
    let (release, online) = (d.key(RELEASE).await, d.key(ONLINE).await);
    let thief = Thief::at(&d.crew.bench)
        .with(&d.vault(), &release)
        .with(&d.vault(), &online);
    assert_eq!(code(console.put_back(id).await), Code::UsageArgument);
    for role in ["main.development", "main.development.rollout"] {
        let mut meta = thief.next(role);
        meta.version = LAST_NUMBER;
        thief.publish(role, &meta);
        d.phone.refuses(Code::TrustAhead).await;
        assert_eq!(code(console.sync(id).await), Code::TrustAhead, "{role}");
        let shipped = anna.ship(&d.crew.bench, "two", "2.0.0").await;
        let refused = shipped.unwrap_err();
        assert_eq!(refused.code, Code::TrustAhead, "{role}");
        assert!(refused.remedy.contains("headgate storage put-back"));
        console.put_back(id).await.unwrap();
        assert_eq!(d.phone.settle().await, Some(1), "{role}");
    }
    // The same for freshness itself.
    let until = d.crew.bench.clock.now().plus(86_400);
    thief.fresh(LAST_NUMBER / 2, until, |_| {});
    d.phone.refuses(Code::TrustAhead).await;
    console.put_back(id).await.unwrap();

    let new = d.new_key("Anna laptop 2").await;
    d.replace(ONLINE, &new, &[]).await;
    let build = anna.ship(&d.crew.bench, "three", "3.0.0").await.unwrap();
    assert_eq!(d.phone.settle().await, Some(build));
    let far = |t: &Thief| t.fresh(1, until, |_| {});
    let refused = d.phone.refuses(Code::TrustSignature);
    thief.tries(far, refused).await;
    anna.log().await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn the_highest_version_that_readers_believe_has_a_next_one() {
    let mut d = Drill::solo().await;
    let anna = d.crew.anna.clone();
    let online = d.key(ONLINE).await;
    let thief = Thief::at(&d.crew.bench).with(&d.vault(), &online);
    let now = u64::try_from(d.crew.bench.clock.now().unix()).unwrap();
    let mut meta = thief.next("main.development.rollout");
    meta.version = now;
    thief.publish("main.development.rollout", &meta);
    assert_eq!(d.phone.settle().await, Some(1));
    anna.console.sync(&anna.workspace.id).await.unwrap();

    d.crew.bench.clock.advance(60);
    let build = anna.ship(&d.crew.bench, "two", "2.0.0").await.unwrap();
    assert_eq!(thief.version("main.development.rollout"), now + 1);
    assert_eq!(d.phone.settle().await, Some(build));
    let rollout = anna.console.rollout(
        &anna.workspace.id,
        "main",
        "development",
        RolloutChange::Embedded,
        "drill",
    );
    anna.receipt(&rollout.await.unwrap()).await.unwrap();
    assert_eq!(d.phone.settle().await, None);
    let log = anna.log().await.unwrap();
    assert!(log.iter().any(|(_, by)| by == "mallory"), "{log:?}");
}
