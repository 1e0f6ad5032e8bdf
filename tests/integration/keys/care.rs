//! Backups, drills, retiring and deleting.

use headgate_core::Code;
use headgate_engine::RsaOrigin;
use headgate_signer::KeyVault as _;
use headgate_tests::{code, pass, settle};
use zeroize::Zeroizing;

use crate::{ed25519, named, setting};

#[tokio::test(flavor = "multi_thread")]
async fn an_export_is_recorded_and_counts_once_a_drill_has_proven_it() {
    let s = setting().await;
    let (console, id) = (&s.anna.console, s.anna.workspace.id.as_str());
    let ring = s.ring().await;
    let (release, online) = (named(&ring, "release"), named(&ring, "online"));
    let file = s.bench.dir.path().join("release.age");
    console
        .export_key_to(id, &release.id, pass(), &file)
        .await
        .unwrap();
    let exported = s.ring().await;
    assert_eq!(named(&exported, "release").exported, Some(console.now()));
    assert!(named(&exported, "release").drilled.is_none());
    assert!(named(&exported, "online").exported.is_none());
    let sealed = std::fs::read(&file).unwrap();
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt as _;
        let mode = std::fs::metadata(&file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "for this account alone");
    }
    // Never over a file that is there.
    let again = console.export_key_to(id, &release.id, pass(), &file).await;
    assert_eq!(code(again), Code::UsageExists);
    assert_eq!(std::fs::read(&file).unwrap(), sealed);

    let wrong = Zeroizing::new("not this".to_owned());
    let drill = console.drill_key(id, &release.id, sealed.clone(), wrong);
    assert_eq!(code(drill.await), Code::KeyWrongPassword);
    let drill = console.drill_key(id, &online.id, sealed.clone(), pass());
    assert_eq!(code(drill.await), Code::KeyFile, "another key's file");
    let drill = console.drill_key(id, &release.id, b"nothing".to_vec(), pass());
    assert_eq!(code(drill.await), Code::KeyFile);
    assert!(named(&s.ring().await, "release").drilled.is_none());

    // It proves a backup also where the vault has lost the key, and brings nothing back.
    s.vault.delete(&ed25519(release)).unwrap();
    s.bench.clock.days(1);
    let drill = console.drill_key(id, &release.id, sealed.clone(), pass());
    let at = drill.await.unwrap();
    assert!(!s.vault.has(&ed25519(release)).unwrap());
    assert_eq!(named(&s.ring().await, "release").drilled, Some(at));

    // The next export is another file: it is to be proven again.
    let import = console.import_key(id, sealed, Some(pass()), "release");
    import.await.unwrap();
    let second = s.bench.dir.path().join("second.age");
    console
        .export_key_to(id, &release.id, pass(), &second)
        .await
        .unwrap();
    assert!(named(&s.ring().await, "release").drilled.is_none());
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_roles_need_is_not_retired_and_not_deleted_without_a_proven_backup() {
    let s = setting().await;
    let (console, id) = (&s.anna.console, s.anna.workspace.id.as_str());
    let ring = s.ring().await;
    let release = named(&ring, "release");
    let refused = console.retire_key(id, &release.id).await.unwrap_err();
    assert_eq!(refused.code, Code::KeyInUse);
    assert!(
        refused.message.contains("Root") && refused.message.contains("Approvals on production")
    );
    assert!(
        refused.remedy.contains("Rotate") && refused.remedy.contains("roles of these channels")
    );

    for typed in ["", "acme field release", &release.name[1..]] {
        let refused = console
            .delete_key(id, &release.id, typed)
            .await
            .unwrap_err();
        assert_eq!(refused.code, Code::UsageConfirm, "{typed}");
        assert_eq!(refused.field.as_deref(), Some("typed"));
    }
    let refused = console
        .delete_key(id, &release.id, &release.name)
        .await
        .unwrap_err();
    assert_eq!(refused.code, Code::KeyInUse);
    assert!(refused.message.contains("last copy"), "{refused}");
    assert!(s.vault.has(&ed25519(release)).unwrap());

    // An export alone proves nothing.
    let file = s.bench.dir.path().join("release.age");
    console
        .export_key_to(id, &release.id, pass(), &file)
        .await
        .unwrap();
    let refused = console.delete_key(id, &release.id, &release.name).await;
    assert_eq!(code(refused), Code::KeyInUse);
    let sealed = std::fs::read(&file).unwrap();
    console
        .drill_key(id, &release.id, sealed, pass())
        .await
        .unwrap();
    console
        .delete_key(id, &release.id, &release.name)
        .await
        .unwrap();
    assert!(!s.vault.has(&ed25519(release)).unwrap());
    let ring = s.ring().await;
    let left = named(&ring, "release");
    assert!(
        !left.own && left.drilled.is_none(),
        "known as somebody's, as signed"
    );
    assert!(named(&ring, "online").here);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_nothing_needs_is_retired_and_deleted_and_import_takes_it_back() {
    let s = setting().await;
    let (console, id) = (&s.anna.console, s.anna.workspace.id.as_str());
    let made = console.make_key(id, "Spare").await.unwrap();
    let key = made.id.to_string();
    assert_eq!(
        named(&s.ring().await, "Spare").purpose,
        "No role accepts it"
    );
    let backup = console.export_key(id, &key, pass()).await.unwrap();
    console.retire_key(id, &key[..8]).await.unwrap();
    let retired = s.ring().await;
    assert_eq!(named(&retired, "Spare").retired, Some(console.now()));
    assert!(named(&retired, "Spare").here, "retiring deletes nothing");
    console
        .import_key(id, backup, Some(pass()), "Spare")
        .await
        .unwrap();
    assert!(named(&s.ring().await, "Spare").retired.is_none());
    console.delete_key(id, &key, "Spare").await.unwrap();
    assert!(!s.vault.has(&made.public).unwrap());
    assert!(s.ring().await.keys.iter().all(|k| k.id != key));
    assert_eq!(code(console.retire_key(id, &key).await), Code::UsageUnknown);
    for bad in ["", &key[..7], "zzzzzzzz"] {
        assert_eq!(code(console.retire_key(id, bad).await), Code::UsageUnknown);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_that_is_gone_already_can_be_forgotten() {
    let s = setting().await;
    let (console, id) = (&s.anna.console, s.anna.workspace.id.as_str());
    let made = console.make_key(id, "Spare").await.unwrap();
    s.vault.delete(&made.public).unwrap();
    console
        .delete_key(id, made.id.as_str(), "Spare")
        .await
        .unwrap();
    assert!(s.ring().await.keys.iter().all(|k| k.name != "Spare"));
}

#[tokio::test(flavor = "multi_thread")]
async fn the_apps_of_a_channel_need_its_rsa_key() {
    let s = setting().await;
    let (console, id) = (&s.anna.console, s.anna.workspace.id.as_str());
    let set = console.set_channel_rsa(id, "staging", "Acme apps", RsaOrigin::New, false);
    settle(&s.anna, set.await).await;
    let key = named(&s.ring().await, "Acme apps").id.clone();
    let refused = console.retire_key(id, &key).await.unwrap_err();
    assert_eq!(refused.code, Code::KeyInUse);
    assert!(refused.message.contains("Apps on staging"), "{refused}");
    assert!(refused.remedy.contains("--channel staging --replace"));
    let refused = console.delete_key(id, &key, "Acme apps").await;
    assert_eq!(code(refused), Code::KeyInUse);
    // With another one in its place nothing needs it.
    let set = console.set_channel_rsa(id, "staging", "Next", RsaOrigin::New, true);
    settle(&s.anna, set.await).await;
    console.retire_key(id, &key).await.unwrap();
    let ring = s.ring().await;
    let old = ring.keys.iter().find(|k| k.id == key).unwrap();
    assert_eq!(
        (old.purpose.as_str(), old.name.as_str()),
        ("No channel uses it", "Acme apps")
    );
    console.delete_key(id, &key, "Acme apps").await.unwrap();
}
