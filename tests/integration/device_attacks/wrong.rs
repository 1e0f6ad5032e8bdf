//! Wrong software: what is signed, but not for this device.

use headgate_core::Code;
use headgate_tests::{Phone, reached};
use headgate_tuf::Name;

use super::registry::at;
use super::setting::Setting;

#[tokio::test]
async fn staging_as_production() {
    let mut s = Setting::on("production").await;
    // The server sends staging's roles under the names of production's.
    for kind in ["", ".rollout"] {
        let production = format!("metadata/2.main.production{kind}.json");
        let good = s.r.bytes(&production);
        let staging = s.r.bytes(&format!("metadata/2.main.staging{kind}.json"));
        s.r.put(&production, &staging);
        s.phone.refuses(Code::TrustSignature).await;
        s.r.put(&production, &good);
    }
    // An operator of both signs staging's document for production.
    let staging = Name::new("staging").unwrap();
    s.r.serve("production", |document| document.channel = staging);
    s.phone.refuses(Code::TrustHash).await;
}

#[tokio::test]
async fn the_root_of_another_workspace() {
    let mut s = Setting::on("staging").await;
    let theirs = Setting::other("theirs", "staging").await;
    s.host.serve(&theirs.r.bench.storage());
    let before = s.phone.runner.memory().current.clone();
    let refused = match s.phone.runner.check().await {
        headgate_device::Outcome::Failed(problem) => problem.code,
        other => panic!("the device believed it: {other:?}"),
    };
    assert!(
        [Code::TrustWorkspace, Code::TrustSignature].contains(&refused),
        "{refused}"
    );
    assert_eq!(s.phone.restart().await.target, before);
}

#[tokio::test]
async fn a_release_in_a_rollout_that_nobody_approved() {
    let mut s = Setting::on("production").await;
    s.r.serve("production", |document| document.entries[0].release = 99);
    s.phone.gets_nothing("unapproved").await;

    let mut s = Setting::on("production").await;
    s.r.serve("production", |document| {
        document.entries[0].manifest = "ab".repeat(32);
    });
    s.phone.gets_nothing("unapproved").await;
}

#[tokio::test]
async fn a_release_whose_approval_was_withdrawn() {
    let mut s = Setting::on("production").await;
    let install = reached(&s.r.bench.storage(), "production");
    let options = Phone::options(&s.r.root, "production", &install, &s.r.bench.clock);
    let mut new = Phone::at(&s.host.url, options);
    new.restart().await;
    let mut meta = s.r.role("main.production");
    meta.version = 3;
    meta.targets.clear();
    s.r.sign("3.main.production.json", &meta, &[&s.r.release]);
    s.r.commit(|meta| {
        meta.insert("main.production.json".into(), at(3));
    });
    s.phone.gets_nothing("unapproved").await;
    new.gets_nothing("unapproved").await;
    assert_eq!(new.build(), None);
}
