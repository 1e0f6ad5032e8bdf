//! Bundles that travel along.

use std::fs;
use std::io::Write as _;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use headgate_bundle::{Limits, WebBuild, take_over};
use headgate_core::signing::SigningRequest;
use headgate_core::{Code, ReleaseManifest};
use headgate_offline::BundleVerdict;
use headgate_tuf::sha256_hex;

use crate::place::Place;
use crate::world::*;

fn zip_at(path: &Path, files: &[(&str, &str)]) {
    let mut zip = zip::ZipWriter::new(fs::File::create(path).unwrap());
    for (name, text) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
}

/// A release whose bundle lies on the drive.
fn with_bundle(place: &Place, build: u32, files: &[(&str, &str)]) -> (ReleaseManifest, Vec<u8>) {
    let path = place.drive.path().join("made.zip");
    zip_at(&path, files);
    let bytes = fs::read(&path).unwrap();
    let sha256 = sha256_hex(&bytes);
    let opened = WebBuild::open_artifact(&path, "x", &Limits::default()).unwrap();
    let size = bytes.len() as u64;
    let packed = take_over(&opened, &sha256, size, &|_, _| {}, &AtomicBool::new(false)).unwrap();
    let mut release = manifest(build);
    release.bundle.sha256.clone_from(&sha256);
    release.bundle.size = size;
    release.inventory.sha256 = packed.inventory_sha256;
    release.inventory.size = packed.inventory_bytes.len() as u64;
    fs::rename(&path, place.drive.path().join(format!("{sha256}.zip"))).unwrap();
    (release, packed.inventory_bytes)
}

fn asks_for(
    place: &Place,
    version: u64,
    releases: &[ReleaseManifest],
    before: &[u8],
) -> SigningRequest {
    let role = approvals_of("production", version, releases, Some(before));
    let mut request = place.world.asks(&signed(&role, &[1]), Some(before));
    request.id = format!("{version:032x}");
    for release in releases {
        let bytes = release.to_bytes().unwrap();
        request
            .documents
            .insert(sha256_hex(&bytes), String::from_utf8(bytes).unwrap());
    }
    request
}

#[test]
fn a_bundle_that_travels_along_is_hashed_and_its_files_compared_with_what_was_signed_last() {
    let place = Place::new();
    let (first, _) = with_bundle(
        &place,
        7,
        &[
            ("index.html", "<p>one"),
            ("gone.js", "x"),
            ("same.css", "a"),
        ],
    );
    let request = asks_for(
        &place,
        3,
        &[manifest(5), manifest(6), first.clone()],
        &place.world.approvals,
    );
    let look = place
        .station
        .look(&request.to_bytes().unwrap(), Some(place.drive.path()))
        .unwrap();
    assert!(
        matches!(
            look.bundles[0],
            (7, BundleVerdict::Matches { files: 3, .. })
        ),
        "{:?}",
        look.bundles
    );
    assert!(look.changes.is_none(), "nothing was signed here before");
    place.sign(&request, &[]).unwrap();

    let before = file(
        &approvals_of(
            "production",
            3,
            &[manifest(5), manifest(6), first.clone()],
            Some(&place.world.approvals),
        ),
        &[1, 3],
    );
    let (second, _) = with_bundle(
        &place,
        8,
        &[
            ("index.html", "<p>two"),
            ("same.css", "a"),
            ("new.js", "yy"),
        ],
    );
    let request = asks_for(&place, 4, &[manifest(6), first, second.clone()], &before);
    let look = place
        .station
        .look(&request.to_bytes().unwrap(), Some(place.drive.path()))
        .unwrap();
    let changes = look.changes.unwrap();
    assert_eq!((changes.build, changes.signed_here), (7, Some(now())));
    let d = changes.difference;
    assert_eq!(
        (d.added.len(), d.removed.len(), d.changed.len(), d.unchanged),
        (1, 1, 1, 1)
    );

    // Another file under the name, of the same length.
    let path = place
        .drive
        .path()
        .join(format!("{}.zip", second.bundle.sha256));
    let mut bytes = fs::read(&path).unwrap();
    let at = bytes.len() / 2;
    bytes[at] ^= 1;
    fs::write(&path, &bytes).unwrap();
    let look = place
        .station
        .look(&request.to_bytes().unwrap(), Some(place.drive.path()))
        .unwrap();
    assert!(matches!(look.bundles[0].1, BundleVerdict::Differs { .. }));
    assert_eq!(kinds(&look.review), ["bundle"]);
    assert_eq!(
        place.sign(&request, &[]).unwrap_err().code,
        Code::SigningAlarm
    );
}

#[test]
fn a_bundle_whose_files_are_not_those_of_the_signed_inventory_differs() {
    let place = Place::new();
    let (mut release, _) = with_bundle(&place, 7, &[("index.html", "<p>one")]);
    release.inventory.sha256 = sha256_hex(b"another inventory");
    let request = asks_for(
        &place,
        3,
        &[manifest(5), manifest(6), release],
        &place.world.approvals,
    );
    let look = place
        .station
        .look(&request.to_bytes().unwrap(), Some(place.drive.path()))
        .unwrap();
    let (_, BundleVerdict::Differs { why }) = &look.bundles[0] else {
        panic!("{:?}", look.bundles)
    };
    assert!(why.contains("inventory"), "{why}");
}

#[test]
fn a_hostile_zip_of_the_right_hash_is_looked_at_safely_and_differs() {
    let place = Place::new();
    let hostile: Vec<u8> = b"PK\x03\x04 not a zip at all".to_vec();
    let mut release = manifest(7);
    release.bundle.sha256 = sha256_hex(&hostile);
    release.bundle.size = hostile.len() as u64;
    fs::write(
        place
            .drive
            .path()
            .join(format!("{}.zip", release.bundle.sha256)),
        &hostile,
    )
    .unwrap();
    let request = asks_for(
        &place,
        3,
        &[manifest(5), manifest(6), release],
        &place.world.approvals,
    );
    let look = place
        .station
        .look(&request.to_bytes().unwrap(), Some(place.drive.path()))
        .unwrap();
    assert!(matches!(look.bundles[0].1, BundleVerdict::Differs { .. }));
    let left: Vec<_> = fs::read_dir(place.station.path())
        .unwrap()
        .flatten()
        .collect();
    assert!(
        left.iter()
            .all(|e| !e.file_name().to_string_lossy().ends_with(".zip")),
        "the copy is gone"
    );
}
