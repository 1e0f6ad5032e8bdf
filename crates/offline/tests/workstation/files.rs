//! The workstation's own files and keys.

use std::fs;
use std::io::Write as _;

use headgate_core::{Code, RsaPublic};
use headgate_offline::{AnyOwn, VaultPlace, Workstation};
use headgate_signer::{FileVault, KeyVault, MemoryVault, Passphrase};
use headgate_tuf::RoleBytes;

use crate::place::Place;
use crate::world::*;

#[test]
fn files_of_the_workstation_are_for_its_account_alone_and_survive_a_restart() {
    let home = tempfile::tempdir().unwrap();
    let path = {
        let station = Workstation::open(home.path()).unwrap().at(now());
        station.change_settings(|s| s.chosen = true).unwrap();
        station.pin_root(&World::new().root, APP).unwrap();
        station.path().to_owned()
    };
    assert!(Workstation::is_chosen(home.path()));
    assert!(!Workstation::is_chosen(&home.path().join("elsewhere")));
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        assert_eq!(
            fs::metadata(&path).unwrap().permissions().mode() & 0o777,
            0o700
        );
        assert_eq!(
            fs::metadata(path.join("history.jsonl"))
                .unwrap()
                .permissions()
                .mode()
                & 0o777,
            0o600
        );
    }
    let station = Workstation::open(home.path()).unwrap();
    assert_eq!(station.roots().unwrap().len(), 1);

    // A line that a power cut left half-written does not take the others with it.
    let mut history = fs::OpenOptions::new()
        .append(true)
        .open(path.join("history.jsonl"))
        .unwrap();
    history.write_all(b"{\"at\":\"2026").unwrap();
    station
        .create_key("Jonas", &VaultPlace::Os, &MemoryVault::default())
        .unwrap();
    let did: Vec<String> = station
        .history()
        .unwrap()
        .into_iter()
        .map(|e| e.did)
        .collect();
    assert_eq!(did, ["pinned", "damaged", "key_created"]);
}

#[test]
fn a_damaged_record_of_what_was_signed_is_reported_and_never_taken_for_empty() {
    let place = Place::new();
    place.sign(&place.world.request(), &[]).unwrap();
    let folder = fs::read_dir(place.station.path().join("workspaces"))
        .unwrap()
        .flatten()
        .next()
        .unwrap();
    fs::write(folder.path().join("signed.json"), b"{").unwrap();
    let problem = place.sign(&place.world.request(), &[]).unwrap_err();
    assert_eq!(problem.code, Code::LocalJournal);
}

#[test]
fn keys_come_from_a_vault_file_and_their_export_restores_them() {
    let home = tempfile::tempdir().unwrap();
    let station = Workstation::open(home.path()).unwrap().at(now());
    let pass = |t: &str| Passphrase::new(t.to_owned()).unwrap();
    let path = home.path().join("v");
    FileVault::create_with_work_factor(&path, pass("one"), 2).unwrap();
    let vault = VaultPlace::File(path.clone())
        .open(Some(pass("one")), false)
        .unwrap();
    let key = station
        .create_key("Ines", &VaultPlace::File(path.clone()), vault.as_ref())
        .unwrap();
    let sealed = station
        .export_key(&key, &pass("two"), vault.as_ref())
        .unwrap();
    let other = Workstation::open(&home.path().join("other"))
        .unwrap()
        .at(now());
    let memory = MemoryVault::default();
    let again = other
        .import_key(
            &sealed,
            Some(&pass("two")),
            "Ines",
            &VaultPlace::Os,
            &memory,
        )
        .unwrap();
    let AnyOwn::Role(again) = again else {
        panic!("it is no RSA key")
    };
    assert_eq!(again.id, key.id);
    let bytes = RoleBytes::new(&root(1, 2, None)).unwrap();
    assert_eq!(
        memory.sign(&again.public, &bytes).unwrap(),
        vault.sign(&key.public, &bytes).unwrap()
    );
    assert_eq!(station.key("Ines").unwrap().id, key.id);
    assert!(
        VaultPlace::File(path)
            .open(Some(pass("wrong")), false)
            .is_err()
    );
    assert!(VaultPlace::parse("keychain").is_err());
}

#[test]
fn rsa_keys_are_made_imported_and_exported_and_their_private_half_stays() {
    let home = tempfile::tempdir().unwrap();
    let station = Workstation::open(home.path()).unwrap().at(now());
    let pass = |t: &str| Passphrase::new(t.to_owned()).unwrap();
    let (place, memory) = (VaultPlace::Os, MemoryVault::default());
    let made = station.create_rsa("apps", &place, &memory).unwrap();
    let pem = include_str!("../../../signer/src/rsa/keys/pkcs1.pem");
    let import = |file: &[u8], opens: Option<&Passphrase>, name: &str| {
        station.import_key(file, opens, name, &place, &memory)
    };
    let AnyOwn::Rsa(vendor) = import(pem.as_bytes(), None, "vendor").unwrap() else {
        panic!("it is an RSA key")
    };
    assert_eq!(station.rsa_keys().unwrap(), [made.clone(), vendor.clone()]);
    assert!(station.keys().unwrap().is_empty());
    let found = station.rsa_key(&vendor.public.sha256()[..8]).unwrap();
    assert_eq!(found, Some(vendor.clone()));
    assert_eq!(station.rsa_key("none").unwrap(), None);
    let sealed = station.export_rsa(&made, &pass("two"), &memory).unwrap();
    let needs = import(&sealed, None, "apps").unwrap_err();
    assert_eq!(needs.code, Code::KeyPassphrase);
    let AnyOwn::Rsa(again) = import(&sealed, Some(&pass("two")), "apps").unwrap() else {
        panic!("it is an RSA key")
    };
    assert_eq!(again.public, made.public);
    let public = station.export_rsa_public(&made, home.path()).unwrap();
    assert_eq!(public.file_name().unwrap(), "apps.pem");
    let text = std::fs::read_to_string(public).unwrap();
    assert_eq!(RsaPublic::from_pem(&text).unwrap(), made.public);
    for file in ["rsa.json", "history.jsonl"] {
        let text = std::fs::read_to_string(station.path().join(file)).unwrap();
        assert!(!text.contains("PRIVATE") && text.contains("apps"), "{text}");
    }
}
