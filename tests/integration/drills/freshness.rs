//! A key of a scheduled refresh.

use headgate_core::Code;
use headgate_core::rollout::Base;
use headgate_engine::{Ceremony, Clock as _};
use headgate_tests::Thief;
use headgate_tuf::metadata::MetaVersion;

use super::setting::{Drill, change};

const DAY: i64 = 86_400;

#[tokio::test(flavor = "multi_thread")]
async fn a_freshness_key() {
    let mut d = Drill::solo().await;
    let anna = d.crew.anna.clone();
    let clock = d.crew.bench.clock.clone();
    let nightly = anna
        .console
        .create_key(&anna.workspace.id, "Nightly refresh")
        .await
        .unwrap();
    anna.receipt(&nightly.job.unwrap()).await.unwrap();
    let thief = Thief::at(&d.crew.bench).with(&d.vault(), &nightly.key.public);

    // They keep the present state alive, 45 days at a time at most.
    clock.days(29);
    let until = clock.now().plus(30 * DAY);
    thief.fresh(1, until, |_| {});
    clock.days(5);
    assert_eq!(d.phone.settle().await, Some(1));
    let far = clock.now().plus(60 * DAY);
    let refused = d.phone.refuses(Code::TrustClock);
    thief.tries(|t| t.fresh(1, far, |_| {}), refused).await;
    // They sign no rollout.
    let embedded = |t: &Thief| t.rollout("development", |d| d.base = Base::Embedded);
    let refused = d.phone.refuses(Code::TrustSignature);
    thief.tries(embedded, refused).await;
    // Who has seen a newer version of a role does not go back; who has not takes the older one.
    assert_eq!(anna.ship(&d.crew.bench, "two", "2.0.0").await.unwrap(), 2);
    assert_eq!(d.phone.settle().await, Some(2));
    let older = |t: &Thief| {
        t.commit(|all| {
            for role in ["main.development.json", "main.development.rollout.json"] {
                let version = all[role].version - 1;
                all.insert(role.into(), MetaVersion { version });
            }
        });
    };
    let refused = d.phone.refuses(Code::TrustRollback);
    thief.tries(older, refused).await;
    let root = &anna.workspace.root;
    let seen = thief.tries(older, d.crew.bench.device(root)).await;
    assert_eq!(seen.unwrap().build("development"), Some(1));
    // Versions go up with them.
    thief.fresh(1_000_000, until, |_| {});
    assert_eq!(d.phone.settle().await, Some(2));

    let remove = Ceremony::RemoveKey {
        key: "Nightly refresh".into(),
    };
    change(&d.crew, &remove, &[]).await;
    d.refresh().await;
    assert_eq!(d.phone.settle().await, Some(2));
    let marks = &d.phone.runner.memory().marks;
    assert!(!marks.freshness.contains(&nightly.key.id));
    let refused = d.phone.refuses(Code::TrustSignature);
    thief.tries(|t| t.fresh(1, until, |_| {}), refused).await;
}
