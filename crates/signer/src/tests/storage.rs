//! Secrets that are no keys: the same rules for every vault, and hostile files.

use std::fs;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use headgate_core::Code;
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::{CHEAP, code, every_vault, pass, role};
use crate::{FileVault, KeyVault, MemoryVault, os, sealed};

const NAME: &str = "s3://bucket/ota?endpoint=http://localhost:9000";

fn secret(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

#[test]
fn a_secret_is_kept_replaced_and_forgotten_and_keys_stay() {
    every_vault(|vault| {
        let key = vault.create("release").unwrap();
        assert!(vault.secret(NAME).unwrap().is_none());
        vault.delete_secret(NAME).unwrap();
        for text in [r#"{"id":"AK","secret":"S/K+=\"\\"}"#, "two\nlines \u{e4}"] {
            vault.put_secret(NAME, &secret(text)).unwrap();
            assert_eq!(
                vault.secret(NAME).unwrap().as_deref().map(String::as_str),
                Some(text)
            );
        }
        vault.put_secret("other", &secret("x")).unwrap();
        vault.delete_secret(NAME).unwrap();
        assert!(vault.secret(NAME).unwrap().is_none());
        assert_eq!(*vault.secret("other").unwrap().unwrap(), "x");
        assert_eq!(vault.list().unwrap().len(), 1, "a secret is no key");
        vault.sign(&key, &role(1)).unwrap();
        vault.delete(&key).unwrap();
        assert!(vault.secret("other").unwrap().is_some());
    });
}

#[test]
fn names_and_secrets_have_limits_and_are_not_repeated() {
    every_vault(|vault| {
        for name in ["", "\u{e4}", "a\nb", &"n".repeat(301)] {
            assert_eq!(
                code(vault.put_secret(name, &secret("x"))),
                Code::UsageArgument
            );
            assert_eq!(code(vault.secret(name)), Code::UsageArgument);
            assert_eq!(code(vault.delete_secret(name)), Code::UsageArgument);
        }
        for bad in [String::new(), "hunter2\0".into(), "hunter2".repeat(2_341)] {
            let problem = vault.put_secret(NAME, &secret(&bad)).unwrap_err();
            assert_eq!(problem.code, Code::UsageArgument);
            assert!(!format!("{problem:?}").contains("hunter2"));
        }
        let name = "n".repeat(300);
        let longest = secret(&"\u{1f}".repeat(16_384));
        vault.put_secret(&name, &longest).unwrap();
        assert_eq!(vault.secret(&name).unwrap(), Some(longest));
    });
}

#[test]
fn a_full_vault_file_says_so_and_stays_readable() {
    let dir = TempDir::new().unwrap();
    let vault = FileVault::create_with_work_factor(dir.path().join("v"), pass("p"), CHEAP).unwrap();
    let long = secret(&"x".repeat(16_384));
    let full = (0..100)
        .map(|n| vault.put_secret(&n.to_string(), &long))
        .find_map(Result::err)
        .unwrap();
    assert_eq!(full.code, Code::KeyOther);
    assert_eq!(vault.secret("0").unwrap(), Some(long));
}

#[test]
fn the_file_keeps_secrets_over_a_restart_and_names_none_without_any() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("vault.age");
    let vault = FileVault::create_with_work_factor(&path, pass("p"), CHEAP).unwrap();
    let plain = || {
        let plain = sealed::open(&fs::read(&path).unwrap(), &pass("p"), "vault file").unwrap();
        String::from_utf8(plain.to_vec()).unwrap()
    };
    assert!(!plain().contains("secrets"));
    vault.put_secret(NAME, &secret("x\"y")).unwrap();
    let again = FileVault::open(&path, pass("p")).unwrap();
    assert_eq!(again.secret(NAME).unwrap(), Some(secret("x\"y")));
    again.delete_secret(NAME).unwrap();
    assert!(!plain().contains("secrets"), "as before the first one");
}

#[test]
fn hostile_secrets_in_a_file_are_refused() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("vault.age");
    let line = |name: &str, value: &str| format!(r#"{{"name":"{name}","value":"{value}"}}"#);
    let document = |lines: &str| {
        format!(r#"{{"kind":"headgate-vault","version":1,"keys":[],"secrets":[{lines}]}}"#)
    };
    let huge = STANDARD.encode("x".repeat(16_385));
    for (lines, expected) in [
        (line("", "eA=="), Code::KeyFile),
        (line(&"n".repeat(301), "eA=="), Code::KeyFile),
        (line("\\u0007", "eA=="), Code::KeyFile),
        (line("n", ""), Code::KeyFile),
        (line("n", "eA"), Code::KeyFile),
        (line("n", "!!!!"), Code::KeyFile),
        (line("n", "/w=="), Code::KeyFile),
        (line("n", "AA=="), Code::KeyFile),
        (line("n", &huge), Code::KeyFile),
        (line("n", "\\u0065A=="), Code::KeyFile),
        (line("n", "eA==").replace('}', r#","x":1}"#), Code::KeyFile),
        ("null".into(), Code::KeyFile),
        (
            line("n", "eA==") + "," + &line("n", "eQ=="),
            Code::KeyAmbiguous,
        ),
    ] {
        let file = sealed::seal(document(&lines).as_bytes(), &pass("p"), CHEAP).unwrap();
        fs::write(&path, file).unwrap();
        assert_eq!(code(FileVault::open(&path, pass("p"))), expected, "{lines}");
    }
    let file = sealed::seal(document(&line("n", "eA==")).as_bytes(), &pass("p"), CHEAP).unwrap();
    fs::write(&path, file).unwrap();
    assert!(
        FileVault::open(&path, pass("p"))
            .unwrap()
            .secret("n")
            .unwrap()
            .is_some()
    );
}

#[test]
fn a_keychain_that_has_no_room_says_what_to_do() {
    let problem = os::explain_secret(keyring_core::Error::TooLong("password".into(), 2_560));
    assert_eq!(problem.code, Code::KeyOther);
    assert!(problem.message.contains("2560") && problem.remedy.contains("session token"));
    let bytes = b"hunter2".to_vec();
    let problem = os::explain_secret(keyring_core::Error::BadEncoding(bytes));
    assert_eq!(problem.code, Code::KeyDamaged);
    assert!(!format!("{problem:?}").contains("hunter2"));
}

#[test]
fn a_memory_vault_forgets_with_its_end() {
    let vault = MemoryVault::new();
    vault.put_secret(NAME, &secret("x")).unwrap();
    assert!(MemoryVault::new().secret(NAME).unwrap().is_none());
}
