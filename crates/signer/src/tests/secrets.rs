//! No secret appears where people, logs or files could see it.

use std::fmt::{Debug, Display};

use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, STANDARD_NO_PAD, URL_SAFE, URL_SAFE_NO_PAD};
use headgate_core::{Problem, Result};
use keyring_core::Error;
use serde::Serialize;
use tempfile::TempDir;

use super::{CHEAP, pass, role, stranger};
use crate::seed::Seed;
use crate::{FileVault, KeyVault, MemoryVault, Passphrase, os, portable, sealed};

/// Does not compile when the type has the trait: the two impls then leave open which one is meant.
macro_rules! lacks {
    ($type:ty: $($bound:path),+) => {$(
        const _: fn() = || {
            trait Unclear<A> {
                fn item() {}
            }
            impl<T> Unclear<()> for T {}
            impl<T: $bound> Unclear<u8> for T {}
            <$type as Unclear<_>>::item();
        };
    )+};
}

lacks!(Seed: Debug, Display, Clone, Serialize);
lacks!(crate::rsa::RsaSecret: Debug, Display, Clone, Serialize);
lacks!(crate::RsaSigner: Debug, Display, Clone, Serialize);
lacks!(Passphrase: Debug, Display, Clone, Serialize);
lacks!(FileVault: Debug, Clone, Serialize);
lacks!(MemoryVault: Debug, Clone, Serialize);

const PASSPHRASE: &str = "a passphrase that must not appear";

/// Every form in which the seed could be found.
fn forms(seed: &Seed) -> Vec<Vec<u8>> {
    let raw = seed.bytes();
    let list: Vec<String> = raw.iter().map(u8::to_string).collect();
    let texts = [
        STANDARD.encode(raw),
        STANDARD_NO_PAD.encode(raw),
        URL_SAFE.encode(raw),
        URL_SAFE_NO_PAD.encode(raw),
        hex::encode(raw),
        hex::encode_upper(raw),
        list.join(", "),
        list.join(","),
        PASSPHRASE.to_owned(),
    ];
    let mut forms: Vec<Vec<u8>> = texts.into_iter().map(String::into_bytes).collect();
    forms.push(raw.to_vec());
    forms
}

fn assert_clean(seed: &Seed, what: &str, bytes: &[u8]) {
    for form in forms(seed) {
        let found = bytes.windows(form.len()).any(|w| w == form);
        assert!(
            !found,
            "{what} holds a secret: {}",
            String::from_utf8_lossy(bytes)
        );
    }
}

/// All that a problem prints.
fn printed(problem: &Problem) -> Vec<u8> {
    format!("{problem} {problem:?} {problem:#?}").into_bytes()
}

fn failure<T>(result: Result<T>) -> Problem {
    match result {
        Ok(_) => panic!("this must fail"),
        Err(problem) => problem,
    }
}

#[test]
fn the_search_itself_finds_a_seed_in_each_form() {
    let seed = Seed::random().unwrap();
    for form in forms(&seed) {
        let text = [b"before ".as_slice(), &form, b" after"].concat();
        let found = std::panic::catch_unwind(|| assert_clean(&seed, "the text", &text));
        assert!(found.is_err());
    }
}

#[test]
fn no_seed_appears_in_errors_files_or_descriptions() {
    let seed = Seed::random().unwrap();
    let public = seed.public();
    let secret = seed.to_base64();
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("vault.age");
    let vault = FileVault::create_with_work_factor(&path, pass(PASSPHRASE), CHEAP).unwrap();
    let export = portable::seal(&seed, "release", &pass(PASSPHRASE)).unwrap();
    vault.import(&export, &pass(PASSPHRASE)).unwrap();
    let signature = vault.sign(&public, &role(1)).unwrap();

    assert_clean(&seed, "the export", &export);
    assert_clean(&seed, "the vault file", &std::fs::read(&path).unwrap());
    let described = format!(
        "{:?} {:?} {signature:?}",
        vault.info(),
        vault.list().unwrap()
    );
    assert_clean(&seed, "the description", described.as_bytes());

    let mut problems = vec![
        failure(FileVault::open(&path, pass("wrong"))),
        failure(FileVault::create(&path, pass(PASSPHRASE))),
        failure(vault.import(&export, &pass("wrong"))),
        failure(vault.import(secret.as_bytes(), &pass(PASSPHRASE))),
        failure(vault.sign(&stranger(), &role(1))),
        failure(vault.create(&secret.repeat(3))),
    ];
    // Documents with the seed wherever a parser may quote it.
    let hex = public.hex();
    let secret = secret.as_str();
    for content in [
        secret.to_owned(),
        format!(r#""{secret}""#),
        format!(r#"{{"kind":"{secret}","version":1,"keys":[]}}"#),
        format!(r#"{{"kind":"headgate-vault","version":"{secret}","keys":[]}}"#),
        format!(r#"{{"kind":"headgate-vault","version":1,"keys":"{secret}"}}"#),
        format!(r#"{{"kind":"headgate-vault","version":1,"keys":[],"{secret}":1}}"#),
        format!(
            r#"{{"kind":"headgate-vault","version":1,"keys":[{{"public":"{secret}","label":"","seed":"{secret}"}}]}}"#
        ),
        format!(
            r#"{{"kind":"headgate-vault","version":1,"keys":[{{"public":"{hex}","label":"{secret}{secret}{secret}","seed":"{secret}"}}]}}"#
        ),
        format!(
            r#"{{"kind":"headgate-vault","version":1,"keys":[{{"public":"{hex}","label":"","seed":"{secret}="}}]}}"#
        ),
        format!(
            r#"{{"kind":"headgate-key","version":1,"public":"{secret}","label":"","seed":"{secret}"}}"#
        ),
        format!(
            r#"{{"kind":"headgate-key","version":1,"public":"{hex}","label":"\u0007","seed":"{secret}"}}"#
        ),
    ] {
        let file = sealed::seal(content.as_bytes(), &pass(PASSPHRASE), CHEAP).unwrap();
        std::fs::write(&path, &file).unwrap();
        problems.push(failure(FileVault::open(&path, pass(PASSPHRASE))));
        problems.push(failure(vault.import(&file, &pass(PASSPHRASE))));
        problems.push(failure(vault.sign(&public, &role(1))));
    }
    // A keychain's errors carry the stored bytes, or text of a platform that may quote them.
    let quoting = || Box::new(std::io::Error::other(secret.to_owned()));
    for error in [
        Error::BadEncoding(seed.bytes().to_vec()),
        Error::BadDataFormat(seed.bytes().to_vec(), quoting()),
        Error::BadStoreFormat(secret.to_owned()),
        Error::PlatformFailure(quoting()),
        Error::NoStorageAccess(quoting()),
        Error::Invalid("password".into(), secret.to_owned()),
        Error::TooLong(secret.to_owned(), 5),
        Error::NotSupportedByStore(secret.to_owned()),
        Error::Ambiguous(Vec::new()),
        Error::NoDefaultStore,
        Error::NoEntry,
    ] {
        problems.push(os::explain(error, &public));
    }
    assert!(problems.len() > 40);
    for problem in &problems {
        assert_clean(&seed, problem.code.text(), &printed(problem));
    }
}
