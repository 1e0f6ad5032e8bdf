//! Keys of the root: one of them, and as many as it needs.

use std::sync::Arc;

use headgate_core::Code;
use headgate_core::rollout::Base;
use headgate_engine::RolloutChange;
use headgate_signer::{KeyVault, MemoryVault};
use headgate_tests::{APP, PackHost, Phone, Thief, bench, code, impatient};

use super::setting::{Drill, newcomer};

#[tokio::test(flavor = "multi_thread")]
async fn one_root_key() {
    let mut d = Drill::team(2).await;
    let (anna, ines) = (d.crew.anna.clone(), d.crew.ines.member.public.clone());
    let thief = Thief::at(&d.crew.bench).with(&d.crew.ines.vault, &ines);
    let refused = d.phone.refuses(Code::TrustSignature);
    thief.tries(|t| t.usurp(&ines), refused).await;
    let synced = anna.console.sync(&anna.workspace.id);
    let synced = thief.tries(|t| t.usurp(&ines), synced).await;
    assert_eq!(code(synced), Code::TrustSignature);

    let spare = newcomer(&d.crew, "ines on a new laptop").await;
    let receipt = d.replace("ines 2026", &spare.member, &[&d.crew.mara]).await;
    assert_eq!(receipt.root_now, 3);
    assert_eq!(d.phone.settle().await, Some(2));
    // A device that was off all the while still follows from the root that it was built with.
    let seen = d.crew.bench.device(&anna.workspace.root).await.unwrap();
    assert_eq!(seen.build("production"), Some(2));
    let thief = thief.with(&d.crew.mara.vault, &d.crew.mara.member.public);
    let refused = d.phone.refuses(Code::TrustSignature);
    thief.tries(|t| t.usurp(&ines), refused).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_root_threshold() {
    let mut d = Drill::team(2).await;
    let anna = d.crew.anna.clone();
    let own: Arc<dyn KeyVault> = Arc::new(MemoryVault::new());
    let key = own.create("mallory").unwrap();
    let mut thief = Thief::at(&d.crew.bench).with(&own, &key);
    for person in [&d.crew.mara, &d.crew.ines] {
        thief = thief.with(&person.vault, &person.member.public);
    }
    // Their root is there first: devices follow it, whatever it brings.
    thief.usurp(&key);
    thief.commit(|_| {});
    thief.take_channels(&key);
    thief.rollout("production", |document| document.base = Base::Embedded);
    assert_eq!(d.phone.settle().await, None);
    let id = anna.workspace.id.as_str();
    let back = RolloutChange::RollBack { to: 2 };
    let refused = match anna
        .console
        .rollout(id, "main", "production", back, "")
        .await
    {
        Ok(job) => anna.console.wait(&job).await.map(drop),
        Err(problem) => Err(problem),
    };
    assert_eq!(code(refused), Code::KeyNotAllowed);

    // Without its address the old registry gives nobody anything.
    let gone = d.crew.bench.dir.path().join("gone");
    for folder in ["metadata", "targets"] {
        std::fs::create_dir_all(gone.join(folder)).unwrap();
    }
    d.host.serve(&gone);
    d.phone.refuses(Code::StorageMissing).await;

    // A new registry with new keys, and an app build that pins its root, on the same phones.
    let mut anew = bench();
    anew.seed = "anew";
    let owner = anew.first("anna").await;
    let build = owner.ship(&anew, "one", "8.0.0").await.unwrap();
    owner
        .promote(build, "development", "staging")
        .await
        .unwrap();
    owner.promote(build, "staging", "production").await.unwrap();
    let host = PackHost::start(&anew.storage()).await;
    let root = &owner.workspace.root;
    let options = Phone::options(root, "production", "phone-1", &anew.clock);
    let net = headgate_device::HttpNet::new(&host.url, APP, "production", impatient()).unwrap();
    let mut phone = Phone::with(options, Arc::clone(&d.phone.disk), Arc::new(net));
    assert_eq!(phone.settle().await, Some(build));
    // What the stolen keys sign means nothing there.
    let thief = Thief::at(&anew).with(&own, &key);
    let embedded = |t: &Thief| t.rollout("production", |d| d.base = Base::Embedded);
    let refused = phone.refuses(Code::TrustSignature);
    thief.tries(embedded, refused).await;
}
