//! Rules that hold for every vault.

mod backup;
mod secrets;
mod storage;

use headgate_core::{Code, Result};
use headgate_tuf::metadata::Timestamp;
use headgate_tuf::{PublicKey, RoleBytes, UtcTime};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::{AnyKey, FileVault, KeyVault, MemoryVault, Passphrase, VaultKind};

/// Cheap, so that tests of rules do not wait for scrypt.
pub(crate) const CHEAP: u8 = 4;

pub(crate) fn pass(text: &str) -> Passphrase {
    Passphrase::new(text.to_owned()).unwrap()
}

pub(crate) fn role(version: u64) -> RoleBytes {
    RoleBytes::new(&Timestamp::new(
        version,
        UtcTime::from_unix(2_000_000_000),
        1,
    ))
    .unwrap()
}

pub(crate) fn code<T>(result: Result<T>) -> Code {
    match result {
        Ok(_) => panic!("this must fail"),
        Err(problem) => problem.code,
    }
}

/// A key that no vault here has.
pub(crate) fn stranger() -> PublicKey {
    MemoryVault::new().create("stranger").unwrap()
}

fn every_vault(check: impl Fn(&dyn KeyVault)) {
    check(&MemoryVault::new());
    let dir = TempDir::new().unwrap();
    let file =
        FileVault::create_with_work_factor(dir.path().join("vault.age"), pass("p"), CHEAP).unwrap();
    check(&file);
}

#[test]
fn a_created_key_signs_what_its_public_key_verifies() {
    every_vault(|vault| {
        vault.probe().unwrap();
        let key = vault.create("release").unwrap();
        assert!(vault.has(&key).unwrap());
        let signature = vault.sign(&key, &role(1)).unwrap();
        key.verify(role(1).as_bytes(), &signature).unwrap();
        assert!(key.verify(role(2).as_bytes(), &signature).is_err());
        let listed = vault.list().unwrap();
        assert_eq!(listed.len(), 1);
        assert_eq!(
            (&listed[0].public, listed[0].label.as_str()),
            (&key, "release")
        );
    });
}

#[test]
fn two_created_keys_differ_and_each_signs_for_itself() {
    every_vault(|vault| {
        let (a, b) = (vault.create("a").unwrap(), vault.create("b").unwrap());
        assert_ne!(a, b);
        let signature = vault.sign(&b, &role(1)).unwrap();
        assert!(a.verify(role(1).as_bytes(), &signature).is_err());
        b.verify(role(1).as_bytes(), &signature).unwrap();
    });
}

#[test]
fn a_recorded_key_that_is_not_there_is_reported_and_never_made() {
    every_vault(|vault| {
        let key = stranger();
        assert!(!vault.has(&key).unwrap());
        assert_eq!(code(vault.sign(&key, &role(1))), Code::KeyMissing);
        assert_eq!(code(vault.export(&key, &pass("x"))), Code::KeyMissing);
        assert_eq!(code(vault.delete(&key)), Code::KeyMissing);
        assert!(vault.list().unwrap().is_empty());
    });
}

#[test]
fn restore_drill_export_delete_import_sign() {
    every_vault(|vault| {
        let key = vault.create("release").unwrap();
        let other = vault.create("other").unwrap();
        let backup = vault.export(&key, &pass("backup")).unwrap();
        vault.delete(&key).unwrap();
        assert!(!vault.has(&key).unwrap());
        assert!(vault.has(&other).unwrap());
        assert_eq!(
            code(vault.import(&backup, &pass("wrong"))),
            Code::KeyWrongPassword
        );
        assert_eq!(
            vault.import(&backup, &pass("backup")).unwrap(),
            AnyKey::Ed25519(key.clone())
        );
        let signature = vault.sign(&key, &role(1)).unwrap();
        key.verify(role(1).as_bytes(), &signature).unwrap();
        // Importing what is there already changes nothing.
        vault.import(&backup, &pass("backup")).unwrap();
        let labels: Vec<String> = vault.list().unwrap().into_iter().map(|k| k.label).collect();
        assert_eq!(labels.len(), 2);
        assert!(labels.contains(&"release".to_owned()));
    });
}

#[test]
fn an_export_moves_a_key_between_kinds_of_vaults() {
    let dir = TempDir::new().unwrap();
    let file = FileVault::create_with_work_factor(dir.path().join("v"), pass("p"), CHEAP).unwrap();
    let memory = MemoryVault::new();
    let key = memory.create("release").unwrap();
    file.import(&memory.export(&key, &pass("m")).unwrap(), &pass("m"))
        .unwrap();
    assert_eq!(
        file.sign(&key, &role(3)).unwrap(),
        memory.sign(&key, &role(3)).unwrap()
    );
}

#[test]
fn names_of_keys_are_checked() {
    every_vault(|vault| {
        for bad in ["", "a\nb", "\u{7f}", &"x".repeat(129)] {
            assert_eq!(code(vault.create(bad)), Code::UsageArgument, "{bad:?}");
        }
        vault.create(&"ü".repeat(128)).unwrap();
        vault.create("quotes \" and \\ stay").unwrap();
        assert_eq!(vault.list().unwrap().len(), 2);
    });
}

#[test]
fn an_empty_passphrase_is_refused() {
    assert_eq!(code(Passphrase::new(String::new())), Code::KeyPassphrase);
}

#[test]
fn vaults_say_what_they_are() {
    let memory = MemoryVault::new().info();
    assert_eq!(
        (memory.kind, memory.kind.as_str(), memory.label.as_str()),
        (VaultKind::Memory, "memory", "memory")
    );
    let dir = TempDir::new().unwrap();
    let path = dir.path().canonicalize().unwrap().join("vault.age");
    let file = FileVault::create_with_work_factor(&path, pass("p"), CHEAP)
        .unwrap()
        .info();
    assert_eq!(
        (file.kind.as_str(), file.label.as_str()),
        ("file", "passphrase file")
    );
    assert_eq!(file.place.as_deref(), path.to_str());
    let os = crate::OsKeychain::new(crate::OsKeychain::SERVICE).info();
    assert_eq!(os.kind.as_str(), "os");
    assert_eq!(
        os.place.as_deref(),
        Some("headgate-dev"),
        "debug builds keep to themselves"
    );
}

proptest! {
    #[test]
    fn every_signature_verifies_and_binds_its_bytes(
        version in 1_u64..(1 << 53),
        other in 1_u64..(1 << 53),
    ) {
        let vault = MemoryVault::new();
        let key = vault.create("k").unwrap();
        let signature = vault.sign(&key, &role(version)).unwrap();
        prop_assert!(key.verify(role(version).as_bytes(), &signature).is_ok());
        prop_assert_eq!(key.verify(role(other).as_bytes(), &signature).is_ok(), other == version);
    }
}
