//! Partial signatures, merging, and the shapes of 2 of 3.

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::Code;
use headgate_signer::{KeyVault, MemoryVault};
use headgate_tuf::metadata::{Delegations, Header, KeyName, RoleKeys, Root, RootHeader, Targets};
use headgate_tuf::{Envelope, Error, KeyId, PublicKey, RoleBytes, UtcTime};

use super::registry::{at, registry};

fn three(vault: &dyn KeyVault) -> Vec<PublicKey> {
    (0..3)
        .map(|n| vault.create(&format!("owner {n}")).unwrap())
        .collect()
}

fn by_id(keys: &[PublicKey]) -> BTreeMap<KeyId, PublicKey> {
    keys.iter().map(|k| (k.id().unwrap(), k.clone())).collect()
}

fn two_of(keys: &[PublicKey]) -> RoleKeys {
    RoleKeys {
        keyids: by_id(keys).into_keys().collect(),
        threshold: 2,
    }
}

fn root(keys: &BTreeMap<KeyId, PublicKey>, set: &RoleKeys) -> Root {
    let names = ["root", "targets", "snapshot", "timestamp"];
    let header = Header {
        workspace: "com.acme.field#0123456789abcdef".into(),
        unit: None,
        channel: None,
        action: "init".into(),
        at: UtcTime::from_unix(1_780_000_000),
        by: "anna".into(),
        reason: String::new(),
        prev: None,
    };
    let x = RootHeader {
        header,
        app: "com.acme.field".into(),
        name: "Acme Field".into(),
        profile: "team".into(),
        keys: BTreeMap::<KeyId, KeyName>::new(),
    };
    let roles = names.map(|n| (n.to_owned(), set.clone()));
    let expires = UtcTime::from_unix(1_800_000_000);
    Root::new(1, expires, keys.clone(), roles.into(), x)
}

/// The same bytes with the signature of one key.
fn signed(vault: &dyn KeyVault, bytes: &RoleBytes, key: &PublicKey) -> Envelope {
    let mut envelope = Envelope::new(bytes.clone());
    envelope.add(key, vault.sign(key, bytes).unwrap()).unwrap();
    envelope
}

#[test]
fn partial_signatures_merge_to_the_same_file_in_every_order() {
    let vault = MemoryVault::new();
    let keys = three(&vault);
    let (ids, set) = (by_id(&keys), two_of(&keys));
    let bytes = RoleBytes::new(&root(&ids, &set)).unwrap();
    let parts: Vec<Envelope> = keys.iter().map(|k| signed(&vault, &bytes, k)).collect();
    let mut results = BTreeSet::new();
    for order in [
        [0, 1, 2],
        [0, 2, 1],
        [1, 0, 2],
        [1, 2, 0],
        [2, 0, 1],
        [2, 1, 0],
    ] {
        let mut merged = Envelope::new(bytes.clone());
        for (n, part) in order.into_iter().enumerate() {
            // k−1 signatures are not enough, whichever they are; any two of the three are.
            let enough = merged.verify("root", &set, &ids);
            if n < 2 {
                let why = format!("{n} of 2 signatures");
                let role = "root".into();
                assert_eq!(enough, Err(Error::Signature { role, why }));
            } else {
                enough.unwrap();
            }
            // A file travels as bytes, and one that arrives twice counts once.
            let file = parts[part].to_bytes().unwrap();
            for _ in 0..2 {
                merged
                    .merge(&Envelope::parse(&file).unwrap(), &ids)
                    .unwrap();
            }
        }
        results.insert(merged.to_bytes().unwrap());
    }
    assert_eq!(results.len(), 1);
}

#[test]
fn a_copy_of_other_bytes_does_not_merge() {
    let vault = MemoryVault::new();
    let keys = three(&vault);
    let (ids, set) = (by_id(&keys), two_of(&keys));
    let first = root(&ids, &set);
    let mut second = first.clone();
    second.version = 2;
    let [first, second] = [first, second].map(|r| RoleBytes::new(&r).unwrap());
    let mut merged = signed(&vault, &first, &keys[0]);
    let other = signed(&vault, &second, &keys[1]);
    assert!(merged.merge(&other, &ids).is_err());
    assert_eq!(merged.valid_signers(&set, &ids).len(), 1);
}

#[test]
fn signatures_of_unknown_keys_and_wrong_ones_do_not_count() {
    let vault = MemoryVault::new();
    let keys = three(&vault);
    let (ids, set) = (by_id(&keys), two_of(&keys));
    let bytes = RoleBytes::new(&root(&ids, &set)).unwrap();
    let stranger = vault.create("stranger").unwrap();
    let mut merged = signed(&vault, &bytes, &keys[0]);
    merged
        .merge(&signed(&vault, &bytes, &stranger), &ids)
        .unwrap();
    assert_eq!(merged.signers().count(), 1);
    // Put in by hand it stands there, and counts for nothing.
    merged
        .add(&stranger, vault.sign(&stranger, &bytes).unwrap())
        .unwrap();
    assert_eq!(merged.signers().count(), 2);
    assert!(merged.verify("root", &set, &ids).is_err());
    // A signature under another key's id.
    let text = String::from_utf8(merged.to_bytes().unwrap()).unwrap();
    let renamed = text.replacen(
        stranger.id().unwrap().as_str(),
        keys[1].id().unwrap().as_str(),
        1,
    );
    let forged = Envelope::parse(renamed.as_bytes()).unwrap();
    assert!(forged.verify("root", &set, &ids).is_err());
}

#[test]
fn one_key_never_counts_twice() {
    let vault = MemoryVault::new();
    let keys = three(&vault);
    let (ids, set) = (by_id(&keys), two_of(&keys));
    let meta = root(&ids, &set);
    let bytes = RoleBytes::new(&meta).unwrap();
    let file = String::from_utf8(signed(&vault, &bytes, &keys[0]).to_bytes().unwrap()).unwrap();
    let entry = &file["{\"signatures\":[".len()..file.find("],\"signed\"").unwrap()];
    // The same key id twice in a file.
    let twice = file.replacen(entry, &format!("{entry},{entry}"), 1);
    assert!(Envelope::parse(twice.as_bytes()).is_err());
    // The same key under a second id in the role.
    let other: KeyId = "ab".repeat(32).try_into().unwrap();
    let mut doubled = meta.clone();
    doubled.keys.insert(other.clone(), keys[0].clone());
    doubled
        .roles
        .get_mut("root")
        .unwrap()
        .keyids
        .insert(other.clone());
    assert!(RoleBytes::new(&doubled).is_err());
    let forged = file.replacen(
        entry,
        &format!(
            "{entry},{}",
            entry.replace(keys[0].id().unwrap().as_str(), other.as_str())
        ),
        1,
    );
    let forged = Envelope::parse(forged.as_bytes()).unwrap();
    let set = doubled.roles["root"].clone();
    assert_eq!(forged.valid_signers(&set, &doubled.keys).len(), 1);
    assert!(forged.verify("root", &set, &doubled.keys).is_err());
}

#[test]
fn a_threshold_is_at_least_one_and_at_most_the_number_of_keys() {
    let vault = MemoryVault::new();
    let keys = three(&vault);
    let ids = by_id(&keys);
    for (threshold, good) in [(0, false), (1, true), (2, true), (3, true), (4, false)] {
        let set = RoleKeys {
            threshold,
            ..two_of(&keys)
        };
        assert_eq!(
            RoleBytes::new(&root(&ids, &set)).is_ok(),
            good,
            "{threshold} of 3"
        );
    }
    let unsigned = Envelope::new(RoleBytes::new(&root(&ids, &two_of(&keys))).unwrap());
    let none = RoleKeys {
        threshold: 0,
        ..two_of(&keys)
    };
    assert!(
        unsigned.verify("root", &none, &ids).is_err(),
        "threshold 0 is never met"
    );
}

#[tokio::test]
async fn a_channel_that_needs_two_of_three_is_not_believed_with_one() {
    let r = registry().await;
    let keys = three(r.vault().as_ref());
    let mut targets = r.targets();
    let Delegations { keys: known, roles } = targets.delegations.as_mut().unwrap();
    known.extend(by_id(&keys));
    let production = roles
        .iter_mut()
        .find(|d| d.name == "main.production")
        .unwrap();
    production.keyids = by_id(&keys).into_keys().collect();
    production.threshold = 2;
    targets.version = 2;
    r.sign("2.targets.json", &targets, &[&r.release]);
    let mut role: Targets<Header> = r.role("main.production");
    role.version = 3;
    r.sign("3.main.production.json", &role, &[&keys[0], &keys[2]]);
    r.commit(|meta| {
        meta.insert("targets.json".into(), at(2));
        meta.insert("main.production.json".into(), at(3));
    });
    r.device().await.unwrap();
    for too_few in [vec![&keys[1]], vec![&keys[1], &r.release], vec![]] {
        r.sign("3.main.production.json", &role, &too_few);
        assert_eq!(r.refusal().await, Code::TrustSignature);
    }
    // What one holder signed and another added is enough again.
    r.sign("3.main.production.json", &role, &[&keys[1], &keys[0]]);
    r.device().await.unwrap();
}
