//! RSA keys of channels. The files in `keys/` were made with OpenSSL for these tests and are used nowhere else.

use std::io::Write as _;

use aes::cipher::block_padding::Pkcs7;
use aes::cipher::{Array, BlockModeDecrypt as _, KeyIvInit as _};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD, URL_SAFE_NO_PAD};
use headgate_core::{ClientsDocument, Code, RsaPublic};
use proptest::prelude::*;
use rsa::pkcs1::DecodeRsaPublicKey as _;
use rsa::{Pkcs1v15Sign, PublicKey};
use tempfile::TempDir;
use zeroize::Zeroizing;

use super::*;
use crate::tests::{CHEAP, code, pass};
use crate::{FileVault, KeyVault, MemoryVault};

const PKCS1: &str = include_str!("keys/pkcs1.pem");
const PKCS8: &str = include_str!("keys/pkcs8.pem");
/// SHA-256 of its SubjectPublicKeyInfo, by OpenSSL.
const ID: &str = "9b6663fd6a07d5ece7593e5ba8c1ed5830ee485e1073e8fe477384d64cb883ca";

fn text(pem: &str) -> Zeroizing<String> {
    Zeroizing::new(pem.to_owned())
}

fn hashed(bytes: &[u8]) -> HashedBytes {
    let mut hashed = Hashed::new();
    hashed.write_all(bytes).unwrap();
    hashed.finish()
}

fn signer() -> RsaSigner {
    RsaSecret::from_pem(PKCS1).unwrap().signer().unwrap()
}

fn other_reader(key: &RsaPublic) -> PublicKey {
    PublicKey::from_pkcs1_der(&key.pkcs1()).unwrap()
}

/// What the plugin does: opens the session key with the public key, then decrypts.
fn as_the_plugin(key: &RsaPublic, session_key: &str, sealed: &[u8]) -> Vec<u8> {
    let (iv, signed) = session_key.split_once(':').unwrap();
    let iv: [u8; 16] = STANDARD.decode(iv).unwrap().try_into().unwrap();
    let aes = open_bare(key, &STANDARD.decode(signed).unwrap());
    let aes: [u8; 16] = aes.try_into().unwrap();
    cbc::Decryptor::<aes::Aes128>::new(&Array::from(aes), &Array::from(iv))
        .decrypt_padded_vec::<Pkcs7>(sealed)
        .unwrap()
}

/// The payload of a type 1 block, RFC 8017 §9.2, by plain arithmetic.
fn open_bare(key: &RsaPublic, signature: &[u8]) -> Vec<u8> {
    use rsa::BoxedUint;
    use rsa::traits::PublicKeyParts as _;
    let public = other_reader(key);
    let base = BoxedUint::from_be_slice(signature, 2048).unwrap();
    // 65537 = 2^16 + 1.
    let mut power = base.clone();
    for _ in 0..16 {
        power = power.mul_mod(&power, public.n());
    }
    let block = power.mul_mod(&base, public.n()).to_be_bytes();
    assert_eq!(block[..2], [0, 1]);
    let end = block.iter().skip(2).position(|b| *b == 0).unwrap() + 2;
    assert!(end >= 10 && block[2..end].iter().all(|b| *b == 0xff));
    block[end + 1..].to_vec()
}

#[test]
fn both_pem_forms_are_the_same_key() {
    let a = RsaSecret::from_pem(PKCS1).unwrap();
    let b = RsaSecret::from_pem(PKCS8).unwrap();
    assert_eq!(a.public(), b.public());
    assert_eq!(a.public().sha256(), ID);
    let again = RsaSecret::from_base64(&a.to_base64()).unwrap();
    assert_eq!(again.public(), a.public());
    // Windows keeps at most 2,560 bytes for an item.
    assert!(a.to_base64().len() < 2000);
}

#[test]
fn other_keys_are_refused_saying_what_they_are() {
    let says = |pem: &str| match RsaSecret::from_pem(pem) {
        Ok(_) => panic!("this must fail"),
        Err(problem) => {
            assert_eq!(problem.code, Code::KeyFile);
            assert!(!problem.to_string().contains("MII"));
            problem.message
        }
    };
    assert!(says(include_str!("keys/small.pem")).contains("1024 bits"));
    assert!(says(include_str!("keys/large.pem")).contains("3072 bits"));
    assert!(says(include_str!("keys/exponent.pem")).contains("65537"));
    assert!(says(include_str!("keys/other.pem")).contains("another kind"));
    assert!(says(include_str!("keys/locked.pem")).contains("passphrase"));
    assert!(says(include_str!("keys/legacy.pem")).contains("passphrase"));
    assert!(says(include_str!("keys/public.pem")).contains("public key"));
    assert!(says("").contains("no PEM"));
    assert!(says("-----BEGIN PRIVATE KEY-----\nMII").contains("end is missing"));
    assert!(says(&format!("{PKCS1}{PKCS8}")).contains("more than one"));
    assert!(says(&"x".repeat(20_000)).contains("larger"));
    // In the modulus.
    let damaged = PKCS1.replacen("p6it", "p6iu", 1);
    assert_ne!(damaged, PKCS1);
    says(&damaged);
}

#[test]
fn a_signature_for_capgo_is_the_one_that_openssl_makes() {
    // openssl pkeyutl -sign -pkeyopt rsa_padding_mode:pkcs1 over the SHA-256 of the same bytes
    let expected = "2bb6934ed2181f8d6dd9250ac7b19ffd374a31e9d3b49a954eef611ab239d502e6ded73604182e87d27a2253c83c8c18a6364435c8eed8f4a7f1814552109632aa7dca834877faa8d7b7f68f621709c6eb1ac533686137b52a4697bebd797383f3e6fcee2af0e15216fd3a05ba5ff0834f95acf836db1dcee1c3a628d268d0e549f70ec98e615438999e1e4058ac0eb748a5b5e56098f3e4135679b0cbd9d05eca4330828efa7ac10e33e6e1db66d3b4767431ea6b496391b35f24d582df9858164c25cab24d3a6d917eab8d08d9f26ae9f06c42eeeb8293885f9a6aafbbc2d18542ad2baa2744aa69818e571c40ef59fc2fb631a198c05a70af2e4c2c6a5cba";
    let signer = signer();
    let sealer = signer.capgo().unwrap();
    let plain = hashed(b"the plain zip");
    assert_eq!(sealer.sign(&plain).unwrap(), expected);
    let opened = open_bare(signer.public(), &hex::decode(expected).unwrap());
    assert_eq!(hex::encode(opened), plain.sha256());
}

#[test]
fn two_sessions_have_two_keys() {
    let signer = signer();
    let (a, b) = (signer.capgo().unwrap(), signer.capgo().unwrap());
    assert_ne!(a.session_key(), b.session_key());
    assert_eq!(a.session_key().matches(':').count(), 1);
    assert!(a.session_key().len() < 400);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(16))]

    #[test]
    fn whatever_is_encrypted_decrypts_however_it_was_written(
        bytes in proptest::collection::vec(any::<u8>(), 0..5000),
        repeat in 1_usize..40,
        step in 1_usize..70_000,
    ) {
        let bytes = bytes.repeat(repeat);
        let signer = signer();
        let sealer = signer.capgo().unwrap();
        let mut out = sealer.encrypt(Vec::new());
        for part in bytes.chunks(step) {
            out.write_all(part).unwrap();
        }
        let (sealed, object) = out.finish().unwrap();
        prop_assert_eq!(&object.sha256, &hashed(&sealed).sha256());
        prop_assert_eq!(object.size, sealed.len() as u64);
        prop_assert_eq!(sealed.len(), bytes.len() / 16 * 16 + 16);
        let opened = as_the_plugin(signer.public(), sealer.session_key(), &sealed);
        prop_assert_eq!(opened, bytes);
    }

    #[test]
    fn a_payload_is_the_same_text_in_both_alphabets(
        paths in proptest::collection::btree_set("[ -~à-üłŁ✓🚢]{1,30}", 0..12),
    ) {
        let mut files = IonicFiles::new();
        for path in &paths {
            files.add(path, &hashed(path.as_bytes()));
        }
        let manifest = files.manifest(None).unwrap();
        let manifest: serde_json::Value = serde_json::from_slice(&manifest).unwrap();
        prop_assert_eq!(manifest.as_object().unwrap().len(), 1);
        let payload = manifest["payload"].as_str().unwrap();
        let json = STANDARD.decode(payload).unwrap();
        prop_assert_eq!(&URL_SAFE_NO_PAD.decode(payload).unwrap(), &json);
        let list: Vec<serde_json::Value> = serde_json::from_slice(&json).unwrap();
        let hrefs: Vec<&str> = list.iter().map(|f| f["href"].as_str().unwrap()).collect();
        prop_assert_eq!(hrefs, paths.iter().map(String::as_str).collect::<Vec<_>>());
    }
}

#[test]
fn an_ionic_manifest_has_the_known_form() {
    let mut files = IonicFiles::new();
    files.add("index.html", &hashed(b"<html>"));
    files.add("assets/a.js", &hashed(b""));
    let manifest = String::from_utf8(files.manifest(None).unwrap()).unwrap();
    let payload = manifest
        .strip_prefix("{\"payload\":\"")
        .and_then(|m| m.strip_suffix("\"}"))
        .unwrap();
    let json = String::from_utf8(STANDARD.decode(payload).unwrap()).unwrap();
    assert_eq!(
        json.trim_end(),
        r#"[{"href":"assets/a.js","size":0,"integrity":"sha256-47DEQpj8HBSa+/TImW+5JCeuQeRkm5NMpJWZG3hSuFU="},{"href":"index.html","size":6,"integrity":"sha256-t9CC7hLpG3Vuoi6FE7hZTuvPXTn6uBPaPLVXlNyIitc="}]"#
    );
}

#[test]
fn a_signed_manifest_is_a_jws_over_what_it_carries() {
    let signer = signer();
    let mut files = IonicFiles::new();
    files.add("index.html", &hashed(b"<html>"));
    let bytes = files.manifest(Some(&signer)).unwrap();
    let manifest: serde_json::Value = serde_json::from_slice(&bytes).unwrap();
    let one = &manifest["signatures"][0];
    let (protected, payload) = (one["protected"].as_str().unwrap(), &manifest["payload"]);
    let header = URL_SAFE_NO_PAD.decode(protected).unwrap();
    assert_eq!(header, br#"{"alg":"RS256"}"#);
    let signature = URL_SAFE_NO_PAD
        .decode(one["signature"].as_str().unwrap())
        .unwrap();
    let key = other_reader(signer.public());
    let verify = |payload: &str| {
        let digest = Sha256::digest(format!("{protected}.{payload}"));
        key.verify(Pkcs1v15Sign::new::<RsaSha256>(), &digest, &signature)
    };
    verify(payload.as_str().unwrap()).unwrap();
    verify("W10").unwrap_err();
}

fn every_vault(check: impl Fn(&dyn KeyVault)) {
    check(&MemoryVault::new());
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("vault.age");
    check(&FileVault::create_with_work_factor(&path, pass("p"), CHEAP).unwrap());
}

#[test]
fn a_vault_keeps_rsa_keys_beside_the_others() {
    every_vault(|vault| {
        let seed = vault.create("release").unwrap();
        let key = vault.import_rsa(&text(PKCS8), "production apps").unwrap();
        assert_eq!(key.sha256(), ID);
        assert!(vault.has_rsa(&key).unwrap() && vault.has(&seed).unwrap());
        vault.import_rsa(&text(PKCS1), "again").unwrap();
        let signer = vault.open_rsa(&key).unwrap();
        assert_eq!(signer.public(), &key);
        assert_eq!(vault.list().unwrap().len(), 1);
        vault.delete_rsa(&key).unwrap();
        assert!(!vault.has_rsa(&key).unwrap() && vault.has(&seed).unwrap());
        assert_eq!(code(vault.open_rsa(&key)), Code::KeyMissing);
        assert_eq!(code(vault.delete_rsa(&key)), Code::KeyMissing);
        assert_eq!(code(vault.create_rsa("")), Code::UsageArgument);
        assert_eq!(
            code(vault.import_rsa(&text(PKCS1), "")),
            Code::UsageArgument
        );
        assert_eq!(code(vault.import_rsa(&text("x"), "a")), Code::KeyFile);
    });
}

#[test]
fn a_new_key_is_kept_and_opens_after_the_file_is_opened_again() {
    let dir = TempDir::new().unwrap();
    let path = dir.path().join("vault.age");
    let vault = FileVault::create_with_work_factor(&path, pass("p"), CHEAP).unwrap();
    let key = vault.create_rsa("production apps").unwrap();
    let again = FileVault::open(&path, pass("p")).unwrap();
    let signer = again.open_rsa(&key).unwrap();
    let sealer = signer.capgo().unwrap();
    let plain = hashed(b"x");
    let signature = hex::decode(sealer.sign(&plain).unwrap()).unwrap();
    assert_eq!(hex::encode(open_bare(&key, &signature)), plain.sha256());
}

/// A clients document with what a sealer made of one zip, and Ionic's manifest of one file.
fn recorded_by(signer: &RsaSigner) -> (ClientsDocument, Vec<u8>) {
    use headgate_core::clients::{CapgoClients, CapgoZip, ClientKey, IonicClients, ObjectRef};
    let sealer = signer.capgo().unwrap();
    let mut sealed = sealer.encrypt(Vec::new());
    sealed.write_all(b"the plain zip").unwrap();
    let (_, object) = sealed.finish().unwrap();
    let mut files = IonicFiles::new();
    files.add("index.html", &hashed(b"<p>"));
    let ionic = files.manifest(Some(signer)).unwrap();
    let name = |text: &str| headgate_tuf::Name::new(text).unwrap();
    let document = ClientsDocument {
        unit: name("main"),
        channel: name("production"),
        build: 1,
        manifest: "a".repeat(64),
        key: Some(ClientKey {
            capgo_id: signer.public().capgo_id(),
            sha256: signer.public().sha256(),
        }),
        capgo: Some(CapgoClients {
            session_key: sealer.session_key().to_owned(),
            zip: Some(CapgoZip {
                object,
                checksum: sealer.sign(&hashed(b"the plain zip")).unwrap(),
            }),
            files: None,
        }),
        ionic: Some(IonicClients {
            manifest: ObjectRef {
                sha256: headgate_tuf::sha256_hex(&ionic),
                size: ionic.len() as u64,
            },
            zip: None,
        }),
    };
    (document, ionic)
}

#[test]
fn what_a_key_signed_elsewhere_is_made_again_without_it() {
    let signer = signer();
    let (document, ionic) = recorded_by(&signer);
    let again = RsaSigner::recorded(signer.public(), &document, None, Some(&ionic)).unwrap();
    let sealer = again.capgo().unwrap();
    let capgo = document.capgo.as_ref().unwrap();
    assert_eq!(sealer.session_key(), capgo.session_key);
    let zip = capgo.zip.as_ref().unwrap();
    assert_eq!(
        sealer.sign(&hashed(b"the plain zip")).unwrap(),
        zip.checksum
    );
    let mut sealed = sealer.encrypt(Vec::new());
    sealed.write_all(b"the plain zip").unwrap();
    assert_eq!(sealed.finish().unwrap().1, zip.object);
    let mut files = IonicFiles::new();
    files.add("index.html", &hashed(b"<p>"));
    assert_eq!(files.manifest(Some(&again)).unwrap(), ionic);
    // Nothing else can be signed with it.
    let other = sealer.sign(&hashed(b"another zip"));
    assert_eq!(code(other), Code::TrustSignature);
    files.add("more.js", &hashed(b"x"));
    assert_eq!(code(files.manifest(Some(&again))), Code::TrustSignature);
}

#[test]
fn what_another_key_signed_is_not_repeated() {
    let signer = signer();
    let (document, ionic) = recorded_by(&signer);
    let other = RsaSecret::random().unwrap().signer().unwrap();
    let read = |document: &ClientsDocument, ionic: &[u8]| {
        RsaSigner::recorded(signer.public(), document, None, Some(ionic)).map(drop)
    };
    let foreign = RsaSigner::recorded(other.public(), &document, None, Some(&ionic));
    assert_eq!(code(foreign.map(drop)), Code::TrustSignature);
    // A single signature of another key, and what is no signature at all.
    for checksum in [
        other
            .capgo()
            .unwrap()
            .sign(&hashed(b"the plain zip"))
            .unwrap(),
        "0".repeat(512),
        "f".repeat(512),
        "ab".to_owned(),
    ] {
        let mut mixed = document.clone();
        let zip = mixed.capgo.as_mut().unwrap().zip.as_mut().unwrap();
        zip.checksum = checksum;
        assert_eq!(code(read(&mixed, &ionic)), Code::TrustSignature);
    }
    for session_key in ["", ":", "aXY=:a2V5", "no base64"] {
        let mut mixed = document.clone();
        mixed.capgo.as_mut().unwrap().session_key = session_key.into();
        assert_eq!(code(read(&mixed, &ionic)), Code::TrustSignature);
    }
    let mut files = IonicFiles::new();
    files.add("index.html", &hashed(b"<p>"));
    let theirs = files.manifest(Some(&other)).unwrap();
    let mixed = RsaSigner::recorded(signer.public(), &document, None, Some(&theirs)).unwrap();
    assert_eq!(code(files.manifest(Some(&mixed))), Code::TrustSignature);
}
