//! What is listed, from where, and what is wrong with it.

use headgate_core::{Code, Problem, words};
use headgate_engine::{Asking, Console, RsaOrigin};
use headgate_signer::KeyVault as _;
use headgate_tests::{pass, settle, ship};

use crate::{ed25519, named, refusing, setting};

#[tokio::test(flavor = "multi_thread")]
async fn own_keys_are_listed_with_purpose_fingerprint_place_and_last_signature() {
    let s = setting().await;
    let build = s.bench.build("one");
    s.bench.clock.advance(60);
    ship(&s.anna, &build, "development").await.unwrap();
    let ring = s.ring().await;
    assert_eq!(ring.keys.len(), 2);
    let release = named(&ring, "release");
    assert_eq!(release.purpose, "Owns the root; approves every channel");
    assert_eq!(release.algorithm, "Ed25519");
    assert!(release.own && release.here && release.problem.is_none());
    assert_eq!(release.id, ed25519(release).id().unwrap().to_string());
    assert_eq!(release.words, words::words(&release.id).unwrap());
    let used = release.used.as_ref().unwrap();
    assert_eq!(
        (used.role.as_str(), used.at),
        ("main.development", s.anna.console.now())
    );
    let online = named(&ring, "online");
    assert_eq!(
        online.purpose,
        "Runs rollouts on every channel; signs freshness"
    );
    assert!(release.exported.is_none() && release.drilled.is_none() && release.retired.is_none());

    let production = ring
        .roles
        .iter()
        .find(|r| r.role == "main.production")
        .unwrap();
    assert_eq!((production.threshold, production.kind), (1, "approve"));
    assert_eq!(production.keys[0].name, release.name);
    let kinds: Vec<&str> = ring.roles.iter().map(|r| r.kind).collect();
    assert_eq!(kinds[..4], ["root", "settings", "freshness", "approve"]);
    assert!(
        ring.expiry
            .windows(2)
            .all(|two| two[0].expires <= two[1].expires)
    );
    assert_eq!(ring.expiry[0].role, "freshness");
}

#[tokio::test(flavor = "multi_thread")]
async fn keys_of_others_come_from_signed_metadata_and_are_shown_offline() {
    let s = setting().await;
    // A second computer that has none of them.
    let berta = s.bench.options("berta");
    let console = Console::open(headgate_engine::Options {
        vaults: std::sync::Arc::new(headgate_tests::OneVault::memory()),
        ..berta
    })
    .await
    .unwrap();
    let request = headgate_engine::ConnectRequest {
        name: String::new(),
        storage: format!("file://{}", s.bench.storage().display()),
        public_url: None,
        root: s.anna.workspace.root.clone(),
        vault: headgate_engine::VaultChoice::Os,
        credentials: None,
    };
    let workspace = console.connect(request).await.unwrap();
    console.sync(&workspace.id).await.unwrap();
    std::fs::rename(s.bench.storage(), s.bench.dir.path().join("away")).unwrap();
    let ring = console
        .key_ring(&workspace.id, Asking::Never)
        .await
        .unwrap();
    assert_eq!(ring.keys.len(), 2);
    let release = named(&ring, "release");
    assert!(!release.own && !release.here && release.problem.is_none());
    assert_eq!(release.holder, "anna");
    assert!(release.created.is_none() && release.used.is_some());
    assert!(ring.as_of.is_some() && !ring.roles.is_empty());
    assert!(console.keys(&workspace.id).await.unwrap().is_empty());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_recorded_key_that_is_gone_is_said_to_be_missing_and_comes_back_by_import() {
    let s = setting().await;
    let (console, id) = (&s.anna.console, s.anna.workspace.id.as_str());
    let ring = s.ring().await;
    let release = named(&ring, "release");
    let backup = console.export_key(id, &release.id, pass()).await.unwrap();
    s.vault.delete(&ed25519(release)).unwrap();
    let ring = s.ring().await;
    let gone = named(&ring, "release");
    assert!(gone.own && !gone.here);
    let problem = gone.problem.as_ref().unwrap();
    assert_eq!(problem.code, Code::KeyMissing);
    assert!(problem.message.contains("is recorded, but") && problem.remedy.contains("Import"));
    assert!(named(&ring, "online").here, "the other one is as it was");
    let imported = console
        .import_key(id, backup, Some(pass()), "release")
        .await;
    assert_eq!(imported.unwrap().id, gone.id);
    assert!(named(&s.ring().await, "release").problem.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn trouble_of_the_keychain_stands_on_every_own_key_with_its_way_out() {
    let s = setting().await;
    let id = s.anna.workspace.id.as_str();
    s.anna.console.close().await;
    let (options, keychain) = refusing(&s.bench, "anna");
    let console = Console::open(options).await.unwrap();
    for code in [
        Code::KeyLocked,
        Code::KeyAmbiguous,
        Code::KeyNoService,
        Code::KeyNoAccess,
        Code::KeyDamaged,
        Code::KeyPassphrase,
    ] {
        *keychain.with.lock().unwrap() = Some(Problem::new(code, "The keychain is in trouble."));
        let ring = console.key_ring(id, Asking::Never).await.unwrap();
        assert_eq!(ring.vault_problem.as_ref().unwrap().code, code);
        assert_eq!(ring.keys.len(), 2, "they are known all the same");
        for key in &ring.keys {
            let problem = key.problem.as_ref().unwrap();
            assert_eq!(problem.code, code);
            assert!(!problem.remedy.is_empty() && !key.here);
        }
    }
    *keychain.with.lock().unwrap() = None;
    let ring = console.key_ring(id, Asking::Person).await.unwrap();
    assert!(ring.keys.iter().all(|k| k.here && k.problem.is_none()));
}

#[tokio::test(flavor = "multi_thread")]
async fn a_channels_rsa_key_is_recorded_exported_and_named_with_its_channel() {
    let s = setting().await;
    let (console, id) = (&s.anna.console, s.anna.workspace.id.as_str());
    let set = console.set_channel_rsa(id, "production", "Acme apps", RsaOrigin::New, false);
    settle(&s.anna, set.await).await;
    let ring = s.ring().await;
    let apps = named(&ring, "Acme apps");
    assert_eq!(
        (apps.algorithm, apps.purpose.as_str()),
        ("RSA-2048", "For apps on production")
    );
    assert!(apps.own && apps.here && apps.created.is_some());
    assert_eq!(apps.channels, ["production"]);
    // The same file gives it back to a vault that lost it.
    let backup = console.export_key(id, &apps.id, pass()).await.unwrap();
    let Some(headgate_engine::AnyKey::Rsa(public)) = apps.public.clone() else {
        panic!("{apps:?}")
    };
    s.vault.delete_rsa(&public).unwrap();
    let gone = s.ring().await;
    let problem = named(&gone, "Acme apps").problem.clone();
    assert_eq!(problem.unwrap().code, Code::KeyMissing);
    let imported = console
        .import_key(id, backup, Some(pass()), "again")
        .await
        .unwrap();
    assert_eq!(imported.id, apps.id);
    let ring = s.ring().await;
    assert!(named(&ring, "Acme apps").here, "its signed name stays");
    // It is on the channel already: setting it again changes nothing.
    let again = console.set_channel_rsa(id, "production", "x", RsaOrigin::Here(public), true);
    assert_eq!(again.await.unwrap_err().code, Code::UsageExists);
}
