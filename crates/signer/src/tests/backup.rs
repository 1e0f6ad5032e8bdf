//! Exports of both algorithms, the restore drill, and files that are something else. The vendors' tools write the same
//! PEM forms as `rsa/keys`: Ionic and Capawesome PKCS#8, Capgo PKCS#1.

use headgate_core::{Code, Problem, Result};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::{CHEAP, code, every_vault, pass, role};
use crate::{
    AnyKey, FileVault, KeyFileKind, KeyVault, MAX_KEY_FILE, MemoryVault, drill, key_file_kind,
    sealed,
};

const PKCS1: &str = include_str!("../rsa/keys/pkcs1.pem");
const PKCS8: &str = include_str!("../rsa/keys/pkcs8.pem");
/// Made with openssl genpkey for these tests, used nowhere else.
const ED25519: &str = include_str!("../rsa/keys/ed25519.pem");
/// Its public half, by openssl pkey -pubout.
const ED25519_PUBLIC: &str = "c848be5336c7f8afe1aef02a640acc0440fc8f55b939e0b7fae6cf39044f7d49";

fn pem(text: &str) -> Zeroizing<String> {
    Zeroizing::new(text.to_owned())
}

fn says<T>(result: Result<T>) -> String {
    let problem: Problem = match result {
        Ok(_) => panic!("this must fail"),
        Err(problem) => problem,
    };
    assert_eq!(problem.code, Code::KeyFile, "{problem}");
    problem.message
}

#[test]
fn an_rsa_key_survives_export_deletion_and_import_in_every_vault() {
    every_vault(|vault| {
        let key = vault.create_rsa("production apps").unwrap();
        let backup = vault.export_rsa(&key, &pass("backup")).unwrap();
        assert_eq!(key_file_kind(&backup).unwrap(), KeyFileKind::Sealed);
        vault.delete_rsa(&key).unwrap();
        assert_eq!(code(vault.export_rsa(&key, &pass("x"))), Code::KeyMissing);
        assert_eq!(
            code(vault.import(&backup, &pass("wrong"))),
            Code::KeyWrongPassword
        );
        let imported = vault.import(&backup, &pass("backup")).unwrap();
        assert_eq!(imported, AnyKey::Rsa(key.clone()));
        assert_eq!(vault.open_rsa(&key).unwrap().public(), &key);
        assert!(vault.list().unwrap().is_empty(), "it signs no roles");
    });
}

#[test]
fn an_rsa_export_moves_between_kinds_of_vaults_and_keeps_its_name_where_one_is_kept() {
    let dir = TempDir::new().unwrap();
    let file = FileVault::create_with_work_factor(dir.path().join("v"), pass("p"), CHEAP).unwrap();
    let memory = MemoryVault::new();
    // Memory keeps no name of an RSA key, and a file wants one.
    let key = memory.import_rsa(&pem(PKCS1), "a").unwrap();
    file.import(&memory.export_rsa(&key, &pass("m")).unwrap(), &pass("m"))
        .unwrap();
    assert!(file.has_rsa(&key).unwrap());
    let again = memory.import(&file.export_rsa(&key, &pass("f")).unwrap(), &pass("f"));
    assert_eq!(again.unwrap(), AnyKey::Rsa(key));
}

#[test]
fn a_pem_file_of_each_algorithm_is_taken() {
    every_vault(|vault| {
        let rsa = vault.import_pem(&pem(PKCS1), "capgo").unwrap();
        assert_eq!(rsa.algorithm(), "RSA-2048");
        assert_eq!(vault.import_pem(&pem(PKCS8), "ionic").unwrap(), rsa);
        // One line, as Capawesome's tool prints it, and the line ends of Windows.
        let one = PKCS8.replace('\n', " ");
        assert_eq!(vault.import_pem(&pem(&one), "capawesome").unwrap(), rsa);
        let crlf = PKCS8.replace('\n', "\r\n");
        assert_eq!(vault.import_pem(&pem(&crlf), "windows").unwrap(), rsa);
        let signing = vault.import_pem(&pem(ED25519), "release").unwrap();
        let AnyKey::Ed25519(key) = &signing else {
            panic!("{signing:?}")
        };
        assert_eq!(key.hex(), ED25519_PUBLIC);
        let signature = vault.sign(key, &role(1)).unwrap();
        key.verify(role(1).as_bytes(), &signature).unwrap();
        assert_eq!(code(vault.import_pem(&pem(PKCS1), "")), Code::UsageArgument);
        assert_eq!(code(vault.import_rsa(&pem(ED25519), "a")), Code::KeyFile);
    });
}

#[test]
fn other_pem_files_are_refused_saying_what_they_are_and_nothing_is_kept() {
    let vault = MemoryVault::new();
    let refused = |text: &str| says(vault.import_pem(&pem(text), "a"));
    for (text, why) in [
        (include_str!("../rsa/keys/small.pem"), "1024 bits"),
        (include_str!("../rsa/keys/large.pem"), "3072 bits"),
        (include_str!("../rsa/keys/exponent.pem"), "65537"),
        (include_str!("../rsa/keys/ec.pem"), "another kind"),
        (include_str!("../rsa/keys/locked.pem"), "a passphrase"),
        (include_str!("../rsa/keys/legacy.pem"), "a passphrase"),
        (include_str!("../rsa/keys/public.pem"), "public key"),
        ("", "no PEM"),
        ("-----BEGIN PRIVATE KEY-----\nMII", "end is missing"),
        ("-----BEGIN CERTIFICATE-----\n", "certificate"),
        ("-----BEGIN OPENSSH PRIVATE KEY-----\n", "OpenSSH"),
        ("-----BEGIN EC PRIVATE KEY-----\n", "something else"),
    ] {
        let said = refused(text);
        assert!(said.contains(why), "{said}");
    }
    assert!(refused(&format!("{PKCS1}{PKCS8}")).contains("more than one"));
    assert!(refused(&"x".repeat(20_000)).contains("larger"));
    // Cut anywhere before its end, it is no key; nor with an end after the cut.
    for (text, step) in [(ED25519, 7), (PKCS8, 101)] {
        let last = text.find("-----END").unwrap();
        for cut in (40..last - 2).step_by(step) {
            refused(&text[..cut]);
            refused(&format!("{}\n-----END PRIVATE KEY-----\n", &text[..cut]));
        }
    }
    // A shorter seed, and one that is no OCTET STRING.
    for body in [
        "MC0CAQAwBQYDK2VwBCEEH+ABh2yO0JTFVKsy7+3oYyD9xCP6zr5qOGT2xzmhBH8=",
        "MC4CAQAwBQYDK2VwBCICIOABh2yO0JTFVKsy7+3oYyD9xCP6zr5qOGT2xzmhBH8A",
    ] {
        refused(&format!(
            "-----BEGIN PRIVATE KEY-----\n{body}\n-----END PRIVATE KEY-----\n"
        ));
    }
    assert!(vault.list().unwrap().is_empty());
}

#[test]
fn what_a_file_is_can_be_told_before_it_is_opened() {
    let kind = |bytes: &[u8]| key_file_kind(bytes);
    assert_eq!(kind(PKCS1.as_bytes()).unwrap(), KeyFileKind::Pem);
    let indented = format!("\u{feff}comment\n{PKCS8}");
    assert_eq!(kind(indented.as_bytes()).unwrap(), KeyFileKind::Pem);
    for (bytes, why) in [
        (&b""[..], "empty"),
        (b"PK\x03\x04....", "a zip"),
        (b"\x30\x82\x04\xa3", "binary key file"),
        (b"\xff\xfe\x00", "no text"),
        (b"AGE-SECRET-KEY-1QQQ", "identity of age"),
        (b"-----BEGIN AGE ENCRYPTED FILE-----\nYWdl", "as text"),
        (b"ssh-rsa AAAA", "of SSH"),
        (b"{\"kty\":\"RSA\"}", "neither"),
    ] {
        let said = says(kind(bytes));
        assert!(said.contains(why), "{said}");
    }
    assert!(says(kind(&vec![b'x'; MAX_KEY_FILE + 1])).contains("larger"));
}

#[test]
fn a_drill_proves_the_key_and_stores_nothing() {
    let vault = MemoryVault::new();
    let key = vault.create("release").unwrap();
    let rsa = vault.import_rsa(&pem(PKCS1), "apps").unwrap();
    let (signing, plugins) = (AnyKey::Ed25519(key.clone()), AnyKey::Rsa(rsa.clone()));
    let signing_file = vault.export(&key, &pass("backup")).unwrap();
    let rsa_file = vault.export_rsa(&rsa, &pass("backup")).unwrap();
    vault.delete(&key).unwrap();
    vault.delete_rsa(&rsa).unwrap();
    drill(&signing_file, &pass("backup"), &signing).unwrap();
    drill(&rsa_file, &pass("backup"), &plugins).unwrap();
    assert!(!vault.has(&key).unwrap() && !vault.has_rsa(&rsa).unwrap());

    for (file, key) in [(&signing_file, &signing), (&rsa_file, &plugins)] {
        assert_eq!(
            code(drill(file, &pass("wrong"), key)),
            Code::KeyWrongPassword
        );
        says(drill(&file[..file.len() / 2], &pass("backup"), key));
        let mut altered = file.to_vec();
        *altered.last_mut().unwrap() ^= 1;
        says(drill(&altered, &pass("backup"), key));
    }
    let other = AnyKey::Ed25519(MemoryVault::new().create("other").unwrap());
    for (file, key) in [
        (&signing_file, &other),
        (&signing_file, &plugins),
        (&rsa_file, &signing),
    ] {
        assert!(says(drill(file, &pass("backup"), key)).contains("another key"));
    }
    says(drill(PKCS1.as_bytes(), &pass("backup"), &plugins));
}

#[test]
fn a_sealed_document_whose_halves_or_kinds_do_not_fit_is_refused() {
    let vault = MemoryVault::new();
    let key = vault.import_rsa(&pem(PKCS1), "apps").unwrap();
    let file = vault.export_rsa(&key, &pass("p")).unwrap();
    let plain = sealed::open(&file, &pass("p"), "test").unwrap();
    let text = String::from_utf8(plain.to_vec()).unwrap();
    let again = |text: String| sealed::seal(text.as_bytes(), &pass("p"), CHEAP).unwrap();
    let refused = |text: String| says(vault.import(&again(text), &pass("p")));
    vault.import(&again(text.clone()), &pass("p")).unwrap();
    let other = MemoryVault::new().create_rsa("b").unwrap();
    let swapped = text.replace(&key.to_base64(), &other.to_base64());
    assert!(refused(swapped).contains("does not belong"));
    assert!(refused(text.replace("headgate-rsa-key", "headgate-key")).contains("32 bytes"));
    assert!(refused(text.replace("headgate-rsa-key", "headgate-vault")).contains("something else"));
    assert!(refused(text.replace("\"version\":1", "\"version\":2")).contains("another version"));
    assert!(refused(text.replace("\"seed\":\"MII", "\"seed\":\"MIJ")).contains("no RSA key"));
    refused(text.replace("\"label\":\"\"", "\"label\":\"a\\nb\""));
    refused(text.replace('}', ",\"more\":1}"));
    refused(text[..text.len() - 1].to_owned());
}
