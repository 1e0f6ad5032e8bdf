//! Keys that nobody has any more.

use headgate_core::Code;
use headgate_engine::Ceremony;
use headgate_tests::{Person, code, pass, signed_by};

use super::setting::{Drill, ONLINE, RELEASE, change, newcomer};

#[tokio::test(flavor = "multi_thread")]
async fn a_key_with_a_backup_is_imported_and_nothing_changes() {
    let mut d = Drill::solo().await;
    let anna = d.crew.anna.clone();
    let (console, id) = (&anna.console, anna.workspace.id.as_str());
    let online = d.key(ONLINE).await;
    let keyid = online.id().unwrap();
    let backup = console
        .export_key(id, keyid.as_str(), pass())
        .await
        .unwrap();
    d.vault().delete(&online).unwrap();
    let lost = anna.ship(&d.crew.bench, "two", "2.0.0").await;
    assert_eq!(code(lost), Code::KeyMissing);
    console
        .import_key(id, backup, Some(pass()), ONLINE)
        .await
        .unwrap();
    let build = anna.ship(&d.crew.bench, "two", "2.0.0").await.unwrap();
    assert_eq!(d.phone.settle().await, Some(build));
}

#[tokio::test(flavor = "multi_thread")]
async fn approvers_without_a_backup_are_replaced_by_the_owners() {
    let d = Drill::team(2).await;
    let tom = newcomer(&d.crew, "tom").await;
    let anna = d.crew.anna.clone();
    // Staging is approved by tom alone.
    let add = Ceremony::AddPerson {
        member: tom.member.clone(),
        roles: vec!["main.staging".into()],
    };
    change(&d.crew, &add, &[&d.crew.mara]).await;
    let owner: &Person = &d.crew.mara;
    for (key, signers) in [
        (RELEASE, [owner].as_slice()),
        // From here on it needs his signature.
        ("mara 2026", &[owner, &tom]),
        ("ines 2026", &[owner]),
    ] {
        let revoke = Ceremony::Revoke {
            role: "main.staging".into(),
            key: key.into(),
        };
        change(&d.crew, &revoke, signers).await;
    }
    tom.vault.delete(&tom.member.public).unwrap();
    let build = anna.ship(&d.crew.bench, "three", "3.0.0").await.unwrap();
    let alone = anna.promote(build, "development", "staging").await;
    assert_eq!(code(alone), Code::KeyNotAllowed);
    let tim = newcomer(&d.crew, "tim").await;
    d.replace("tom 2026", &tim.member, &[&d.crew.mara, &tim])
        .await;
    let id = anna
        .ask_promote(build, "development", "staging")
        .await
        .unwrap();
    // Nobody at anna's computer signs it, so it goes to him as a file.
    let (console, workspace) = (&anna.console, anna.workspace.id.as_str());
    let file = console.approval_request(workspace, &id).await.unwrap();
    let response = signed_by(&tim, &file);
    let merged = console.approval_import(workspace, &response).await;
    assert!(merged.unwrap().complete);
    anna.publish(&id).await.unwrap();
    let seen = d.crew.bench.device(&anna.workspace.root).await.unwrap();
    assert_eq!(seen.build("staging"), Some(build));
}

/// A root change is signed by the old and the new freshness keys, so that devices verify at every moment of it.
#[tokio::test(flavor = "multi_thread")]
async fn the_only_freshness_key_without_a_backup_cannot_be_replaced() {
    let mut d = Drill::solo().await;
    let online = d.key(ONLINE).await;
    let new = d.new_key("Anna laptop 2").await;
    d.vault().delete(&online).unwrap();
    let rotate = Ceremony::Rotate {
        old: ONLINE.into(),
        new,
    };
    let refused = d.crew.anna.ceremony(&rotate).await;
    assert_eq!(code(refused), Code::KeyMissing);
    assert_eq!(d.phone.settle().await, Some(1));
}
