//! A workstation from an empty folder to the answer that a console merges.
#![allow(clippy::unwrap_used, reason = "a failed expectation is the test")]

#[path = "../../core/tests/signing/world.rs"]
mod world;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use headgate_bundle::{Limits, WebBuild, take_over};
use headgate_core::signing::{SigningRequest, SigningResponse, merge, signers};
use headgate_core::{Code, ReleaseManifest};
use headgate_offline::{
    BundleVerdict, OwnKey, SignOptions, Standing, VaultPlace, Workstation, cli, inbox, qr,
};
use headgate_signer::{FileVault, KeyVault, MemoryVault, Passphrase};
use headgate_tuf::metadata::Metadata;
use headgate_tuf::{Envelope, RoleBytes, sha256_hex};
use world::*;

/// A workstation with a key, and a registry that accepts it for production.
struct Place {
    _home: tempfile::TempDir,
    drive: tempfile::TempDir,
    station: Workstation,
    vault: MemoryVault,
    key: OwnKey,
    world: World,
}

impl Place {
    fn new() -> Self {
        let home = tempfile::tempdir().unwrap();
        let station = Workstation::open(home.path()).unwrap().at(now());
        let vault = MemoryVault::default();
        let key = station
            .create_key("Ines 2026", &VaultPlace::Os, &vault)
            .unwrap();
        let place = Self {
            _home: home,
            drive: tempfile::tempdir().unwrap(),
            world: World::with_key(&key.public),
            station,
            vault,
            key,
        };
        place.station.pin_root(&place.world.root, APP).unwrap();
        place
    }

    fn put(&self, name: &str, request: &SigningRequest) -> PathBuf {
        let path = self.drive.path().join(name);
        fs::write(&path, request.to_bytes().unwrap()).unwrap();
        path
    }

    fn sign(
        &self,
        request: &SigningRequest,
        accept: &[&str],
    ) -> headgate_core::Result<headgate_offline::HandedBack> {
        let options = SignOptions {
            accept: accept.iter().map(|a| (*a).to_owned()).collect(),
            by: "Ines".into(),
            ..SignOptions::default()
        };
        let bytes = request.to_bytes().unwrap();
        self.station
            .sign(&bytes, Some(self.drive.path()), &options, &self.vault)
    }

    fn merged(&self, request: &SigningRequest, answer: &[u8]) -> headgate_core::Result<bool> {
        let response = SigningResponse::parse(answer)?;
        let root = Envelope::parse(&self.world.root)?.signed().parse()?;
        let top = Envelope::parse(&self.world.top)?.signed().parse()?;
        let roles = request.signed_roles()?;
        let needed = roles
            .iter()
            .map(|r| signers(r, Some(&root), Some(&top), &roles))
            .collect::<headgate_core::Result<Vec<_>>>()?;
        let mut envelopes = request
            .roles
            .iter()
            .map(|r| r.envelope())
            .collect::<headgate_core::Result<Vec<_>>>()?;
        merge(request, &response, &mut envelopes, &needed)?;
        Ok(needed[0].complete(&envelopes[0]))
    }
}

#[test]
fn a_request_is_looked_at_signed_and_merged() {
    let place = Place::new();
    let request = place.world.request();
    let path = place.put("r.hgrequest", &request);
    let found = place.station.requests(place.drive.path()).unwrap();
    assert_eq!(found.len(), 1);
    assert_eq!(found[0].standing, Standing::ToSign);
    assert_eq!(found[0].title, "Approve 4.2.7 for production");
    assert_eq!((&*found[0].app, &*found[0].by), ("Acme Field", "Mara"));

    let look = place
        .station
        .look(&fs::read(&path).unwrap(), Some(place.drive.path()))
        .unwrap();
    assert_eq!(look.keys, std::slice::from_ref(&place.key));
    assert_eq!(look.bundles, [(7, BundleVerdict::Absent)]);
    assert!(!look.signed);

    let handed = place.sign(&request, &[]).unwrap();
    assert_eq!(handed.name, "00000000-ines-2026.hgresponse");
    assert!(place.merged(&request, &handed.bytes).unwrap(), "2 of 2");
    let saved = handed.save(place.drive.path()).unwrap();
    assert_eq!(fs::read(&saved).unwrap(), handed.bytes);
    // Once more is the same file; another answer gets another name.
    assert_eq!(handed.save(place.drive.path()).unwrap(), saved);
    let refused = place
        .station
        .refuse(&request.to_bytes().unwrap(), "Not now", "")
        .unwrap();
    assert_ne!(refused.save(place.drive.path()).unwrap(), saved);

    let history = place.station.history().unwrap();
    let did: Vec<&str> = history.iter().map(|e| e.did.as_str()).collect();
    assert_eq!(did, ["key_created", "pinned", "signed", "refused"]);
    assert_eq!(history[2].roles[0].sha256, request.roles[0].sha256());
    assert_eq!(history[2].title, "Approve 4.2.7 for production");
    assert_eq!(history[3].reason, "Not now");
    let kept = place.station.answered(&request.id).unwrap().unwrap();
    assert_eq!(kept.bytes, refused.bytes);
}

#[test]
fn what_was_signed_is_remembered_and_an_older_version_is_an_alarm() {
    let place = Place::new();
    let request = place.world.request();
    place.sign(&request, &[]).unwrap();
    // The same once more, for a response that was lost, raises nothing.
    place.sign(&request, &[]).unwrap();

    let other = approvals(3, &[5, 6, 8], Some(&place.world.approvals));
    let mut other = place
        .world
        .asks(&signed(&other, &[1]), Some(&place.world.approvals));
    other.id = "ab".repeat(16);
    let problem = place.sign(&other, &[]).unwrap_err();
    assert_eq!(problem.code, Code::SigningAlarm);
    let problem = place.sign(&other, &["prev"]).unwrap_err();
    assert_eq!(problem.detail.as_deref(), Some("version"));
    place.sign(&other, &["prev", "version"]).unwrap();
    let last = place.station.history().unwrap().pop().unwrap();
    assert!(
        last.accepted
            .iter()
            .any(|a| a.starts_with("version: main.production: version 3"))
    );
}

#[test]
fn every_alarm_is_confirmed_by_itself() {
    let place = Place::new();
    let mut role = approvals(3, &[5, 6, 7], Some(b"another one"));
    role.expires = role.expires.plus(86_400);
    let mut request = place
        .world
        .asks(&signed(&role, &[1]), Some(&place.world.approvals));
    request.expires = now();
    let look = place
        .station
        .look(&request.to_bytes().unwrap(), None)
        .unwrap();
    let texts: Vec<String> = look.review.alarms.iter().map(|a| a.text.clone()).collect();
    assert_eq!(texts.len(), 3);
    for missing in 0..3 {
        let accept: Vec<&str> = texts
            .iter()
            .enumerate()
            .filter(|(n, _)| *n != missing)
            .map(|(_, t)| t.as_str())
            .collect();
        assert_eq!(
            place.sign(&request, &accept).unwrap_err().code,
            Code::SigningAlarm
        );
    }
    let all: Vec<&str> = texts.iter().map(String::as_str).collect();
    place.sign(&request, &all).unwrap();
    assert_eq!(
        place
            .station
            .history()
            .unwrap()
            .pop()
            .unwrap()
            .accepted
            .len(),
        3
    );
}

#[test]
fn only_what_was_shown_is_signed() {
    let place = Place::new();
    let request = place.world.request();
    let shown = place
        .station
        .look(&request.to_bytes().unwrap(), None)
        .unwrap()
        .sha256;
    let role = approvals(3, &[5, 6, 7, 8], Some(&place.world.approvals));
    let swapped = place
        .world
        .asks(&signed(&role, &[1]), Some(&place.world.approvals));
    let options = SignOptions {
        shown: Some(shown),
        ..SignOptions::default()
    };
    let signed = place
        .station
        .sign(&swapped.to_bytes().unwrap(), None, &options, &place.vault);
    assert_eq!(signed.unwrap_err().code, Code::SigningAltered);
    assert_eq!(
        place.station.history().unwrap().len(),
        2,
        "nothing was signed"
    );
}

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

#[test]
fn a_folder_of_strange_files_is_listed_without_harm() {
    let place = Place::new();
    let drive = place.drive.path();
    place.put("good.hgrequest", &place.world.request());
    let mut late = place.world.request();
    late.id = "11".repeat(16);
    late.expires = now();
    place.put("late.HGREQUEST", &late);
    fs::write(drive.join("broken.hgrequest"), b"{").unwrap();
    fs::write(drive.join("empty.hgrequest"), b"").unwrap();
    fs::write(drive.join("notes.txt"), b"x").unwrap();
    fs::create_dir(drive.join("folder.hgrequest")).unwrap();
    fs::File::create(drive.join("huge.hgrequest"))
        .unwrap()
        .set_len(60 << 20)
        .unwrap();
    #[cfg(unix)]
    {
        std::os::unix::fs::symlink("/etc/passwd", drive.join("link.hgrequest")).unwrap();
        assert!(inbox::read_request(&drive.join("link.hgrequest")).is_err());
        let pipe = std::ffi::CString::new(drive.join("pipe.hgrequest").to_str().unwrap()).unwrap();
        let made = std::process::Command::new("mkfifo")
            .arg(pipe.to_str().unwrap())
            .status();
        if made.is_ok_and(|s| s.success()) {
            assert!(inbox::read_request(&drive.join("pipe.hgrequest")).is_err());
        }
    }
    let found = place.station.requests(drive).unwrap();
    let list: BTreeSet<(&str, &str)> = found
        .iter()
        .map(|f| (f.file.as_str(), f.standing.text()))
        .collect();
    assert_eq!(
        list,
        BTreeSet::from([
            ("good.hgrequest", "to_sign"),
            ("late.HGREQUEST", "expired"),
            ("broken.hgrequest", "unreadable"),
            ("empty.hgrequest", "unreadable"),
            ("huge.hgrequest", "unreadable"),
        ])
    );
    assert_eq!(found[0].file, "good.hgrequest");
    place.sign(&place.world.request(), &[]).unwrap();
    let found = place.station.requests(drive).unwrap();
    assert!(
        found
            .iter()
            .any(|f| f.file == "good.hgrequest" && f.standing == Standing::Signed)
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
        .import_key(&sealed, &pass("two"), "Ines", &VaultPlace::Os, &memory)
        .unwrap();
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
fn small_files_travel_as_pictures_of_a_qr_code() {
    let place = Place::new();
    let request = place.world.request().light();
    let bytes = request.to_bytes().unwrap();
    let picture = qr::write_png(&bytes).unwrap();
    assert_eq!(qr::read_png(&picture).unwrap(), bytes);

    let mut light = place.world.request();
    light.documents.clear();
    let path = place.drive.path().join("r.png");
    if let Ok(picture) = qr::write_png(&light.to_bytes().unwrap()) {
        fs::write(&path, picture).unwrap();
        let said = cli::show(&place.station, &path).unwrap();
        assert!(said.text.contains("not in the request"), "{}", said.text);
    }
    let handed = place.sign(&place.world.request(), &[]).unwrap();
    let squares = qr::squares(&handed.bytes).unwrap();
    assert_eq!(squares.dark.len(), squares.side * squares.side);
    assert!(squares.path().starts_with("M0 0h7"));
    assert_eq!(
        qr::read_png(&qr::write_png(&handed.bytes).unwrap()).unwrap(),
        handed.bytes
    );

    let noise: Vec<u8> = (0..6_000_u32)
        .flat_map(|n| sha256_hex(&n.to_le_bytes()).into_bytes())
        .collect();
    assert!(qr::payload(&noise).is_err(), "too much for a code");
    for bad in [
        &b""[..],
        b"HGQ1",
        b"HGQ1xxxx",
        b"https://example.com",
        &picture[..100],
    ] {
        assert!(qr::file(bad).is_err());
        assert!(qr::read_png(bad).is_err());
    }
    let bomb = {
        let mut deflate =
            flate2::write::ZlibEncoder::new(b"HGQ1".to_vec(), flate2::Compression::best());
        deflate.write_all(&vec![0; 10 << 20]).unwrap();
        deflate.finish().unwrap()
    };
    assert!(qr::file(&bomb).is_err());
}

#[test]
fn names_of_files_are_plain() {
    use headgate_offline::answer::slug;
    for (name, expected) in [
        ("Acme vault 2026", "acme-vault-2026"),
        ("../../etc/passwd", "etc-passwd"),
        ("Inés\u{202e}", "in-s"),
        ("…", "key"),
        ("CON", "con"),
    ] {
        assert_eq!(slug(name), expected);
    }
}
