//! Roots and settings: what is believed, and what is refused.

use headgate_core::Code;
use headgate_offline::{SignOptions, VaultPlace, Workstation};
use headgate_signer::MemoryVault;
use headgate_tuf::metadata::Metadata;
use headgate_tuf::{Envelope, sha256_hex};

use crate::place::Place;
use crate::world::*;

#[test]
fn nothing_of_a_workspace_that_is_not_pinned_is_signed() {
    let place = Place::new();
    let request = World::new().request();
    // Its root is another one than the pinned one, under the same identity.
    assert!(place.sign(&request, &[]).is_err());
    let empty = tempfile::tempdir().unwrap();
    let station = Workstation::open(empty.path()).unwrap().at(now());
    let problem = station
        .look(&request.to_bytes().unwrap(), None)
        .unwrap_err();
    assert_eq!(problem.code, Code::SigningUnpinned);
}

#[test]
fn a_root_is_pinned_after_its_app_was_typed_and_another_one_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let station = Workstation::open(home.path()).unwrap().at(now());
    let world = World::new();
    let preview = station.preview_root(&world.root).unwrap();
    assert_eq!(
        (preview.threshold, preview.owners.len(), preview.words.len()),
        (2, 3, 12)
    );
    assert_eq!(preview.fingerprint, sha256_hex(&world.root));
    assert_eq!(
        station.pin_root(&world.root, "com.acme").unwrap_err().code,
        Code::UsageConfirm
    );
    assert!(station.roots().unwrap().is_empty());
    station.pin_root(&world.root, APP).unwrap();
    station.pin_root(&world.root, APP).unwrap();
    assert_eq!(station.roots().unwrap().len(), 1);
    assert_eq!(station.history().unwrap().len(), 1, "pinned once");

    let mut other = root(1, 2, None);
    other.x.header.workspace = format!("{APP}#ffeeddccbbaa9988");
    let refused = station.pin_root(&file(&other, &[1, 2]), APP).unwrap_err();
    assert_eq!(refused.code, Code::TrustWorkspace);
    let unsigned = station
        .preview_root(&file(&root(1, 2, None), &[1]))
        .unwrap_err();
    assert_eq!(unsigned.code, Code::TrustRoot);
    let second = root(2, 2, Some(&world.root));
    assert!(station.preview_root(&file(&second, &[1, 2])).is_err());
    for bad in [&b""[..], b"{}", b"\xff", &[b'['; 10_000]] {
        assert_eq!(station.preview_root(bad).unwrap_err().code, Code::TrustRoot);
    }
}

#[test]
fn older_settings_than_were_seen_are_an_alarm() {
    let place = Place::new();
    let top: headgate_core::TopTargets = Envelope::parse(&place.world.top)
        .unwrap()
        .signed()
        .parse()
        .unwrap();
    let mut next = top.clone();
    next.version = 2;
    next.x.header.prev = Some(sha256_hex(&place.world.top));
    let newer = String::from_utf8(file(&next, &[1, 3])).unwrap();
    let mut request = place.world.request();
    request.targets = Some(newer);
    place.sign(&request, &[]).unwrap();

    let before = file(
        &approvals(3, &[5, 6, 7], Some(&place.world.approvals)),
        &[1, 3],
    );
    let role = approvals(4, &[6, 7], Some(&before));
    let mut request = place.world.asks(&signed(&role, &[1]), Some(&before));
    request.id = "cd".repeat(16);
    let look = place
        .station
        .look(&request.to_bytes().unwrap(), None)
        .unwrap();
    assert_eq!(kinds(&look.review), ["prev"]);
    assert!(
        look.review.alarms[0]
            .text
            .contains("version 2 was seen here")
    );
}

#[test]
fn a_first_root_that_was_signed_here_is_pinned_and_another_for_the_app_is_refused() {
    let home = tempfile::tempdir().unwrap();
    let station = Workstation::open(home.path()).unwrap().at(now());
    let vault = MemoryVault::default();
    let key = station
        .create_key("Ines 2026", &VaultPlace::Os, &vault)
        .unwrap();
    let world = World::with_key(&key.public);
    let part = |file: &[u8]| {
        let bytes = Envelope::parse(file).unwrap().signed().clone();
        headgate_core::signing::RoleRequest::new(&Envelope::new(bytes), None).unwrap()
    };
    let mut request = world.empty(vec![part(&world.root), part(&world.top)]);
    request.roots.clear();
    request.targets = None;
    let bytes = request.to_bytes().unwrap();
    let look = station.look(&bytes, None).unwrap();
    assert_eq!(kinds(&look.review), ["new_workspace"]);
    let options = SignOptions {
        accept: ["new_workspace".to_owned()].into(),
        ..SignOptions::default()
    };
    assert!(
        station
            .sign(&bytes, None, &SignOptions::default(), &vault)
            .is_err()
    );
    station.sign(&bytes, None, &options, &vault).unwrap();
    assert_eq!(station.roots().unwrap().len(), 1);
    // The complete file is the same root; then requests on top of it can be signed.
    station.pin_root(&world.root, APP).unwrap();
    let next = world.request();
    station
        .sign(
            &next.to_bytes().unwrap(),
            None,
            &SignOptions::default(),
            &vault,
        )
        .unwrap();

    let mut other: headgate_tuf::metadata::Root = Envelope::parse(&world.root)
        .unwrap()
        .signed()
        .parse()
        .unwrap();
    other.x.header.workspace = format!("{APP}#ffeeddccbbaa9988");
    let mut request = world.empty(vec![part(&file(&other, &[1]))]);
    request.workspace.clone_from(&other.x.header.workspace);
    let problem = station
        .look(&request.to_bytes().unwrap(), None)
        .unwrap_err();
    assert_eq!(problem.code, Code::SigningUnpinned);
    assert_eq!(other.version(), 1);
}

#[test]
fn the_newest_root_is_followed_and_an_old_one_does_not_count_any_more() {
    let place = Place::new();
    let first: headgate_tuf::metadata::Root = Envelope::parse(&place.world.root)
        .unwrap()
        .signed()
        .parse()
        .unwrap();
    let mut second = first.clone();
    second.version = 2;
    second.x.header.prev = Some(sha256_hex(&place.world.root));
    let text = String::from_utf8(file(&second, &[1, 3])).unwrap();
    let mut request = place.world.request();
    request.roots.push(text);
    place.sign(&request, &[]).unwrap();
    // Without the second root the workstation still knows it.
    let look = place
        .station
        .look(&place.world.request().to_bytes().unwrap(), None)
        .unwrap();
    assert!(look.review.alarms.is_empty(), "{:?}", look.review.alarms);
    let mut third = second.clone();
    third.version = 3;
    third.x.header.prev = Some(sha256_hex(b"not the second"));
    let mut request = place.world.asks(&signed(&third, &[1]), None);
    request.id = "ef".repeat(16);
    let look = place
        .station
        .look(&request.to_bytes().unwrap(), None)
        .unwrap();
    assert_eq!(kinds(&look.review), ["prev"]);
}
