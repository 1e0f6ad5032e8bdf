//! An offline workstation from its first start to the answer that completes two of three.

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use headgate_bundle::{Limits, WebBuild, take_over};
use headgate_core::ReleaseManifest;
use headgate_core::signing::{SigningRequest, SigningResponse, merge, signers};
use headgate_tuf::{Envelope, PublicKey, sha256_hex};
use serde_json::json;

use crate::driver::Desk;
use crate::hand;
use crate::window::{Window, text};
use crate::world::*;

/// A release whose bundle lies on the drive, with its inventory.
fn release(drive: &Path, build: u32, files: &[(&str, &str)]) -> (ReleaseManifest, Vec<u8>) {
    use std::io::Write as _;
    let path = drive.join("made.zip");
    let mut zip = zip::ZipWriter::new(fs::File::create(&path).unwrap());
    for (name, text) in files {
        zip.start_file(*name, zip::write::SimpleFileOptions::default())
            .unwrap();
        zip.write_all(text.as_bytes()).unwrap();
    }
    zip.finish().unwrap();
    let bytes = fs::read(&path).unwrap();
    let (sha256, size) = (sha256_hex(&bytes), bytes.len() as u64);
    let opened = WebBuild::open_artifact(&path, "bundle", &Limits::default()).unwrap();
    let packed = take_over(&opened, &sha256, size, &|_, _| {}, &AtomicBool::new(false)).unwrap();
    let mut release = manifest(build);
    release.bundle.size = size;
    release.inventory.sha256 = packed.inventory_sha256;
    release.inventory.size = packed.inventory_bytes.len() as u64;
    fs::rename(&path, drive.join(format!("{sha256}.zip"))).unwrap();
    release.bundle.sha256 = sha256;
    (release, packed.inventory_bytes)
}

fn add(request: &mut SigningRequest, document: &[u8]) {
    let text = String::from_utf8(document.to_vec()).unwrap();
    request.documents.insert(sha256_hex(document), text);
}

/// "Promote 4.2.7 to production", on top of 4.2.6.
fn promotion(world: &mut World, drive: &Path) -> SigningRequest {
    let (old, old_files) = release(
        drive,
        6,
        &[
            ("index.html", "<p>one"),
            ("assets/spinner.gif", "GIF"),
            ("main.js", "1"),
            ("same.css", "a{}"),
        ],
    );
    let (new, _) = release(
        drive,
        7,
        &[
            ("index.html", "<p>two"),
            ("assets/i18n/ja.json", "{\"hello\":\"konnichiwa\"}"),
            ("main.js", "22222"),
            ("same.css", "a{}"),
        ],
    );
    world.approvals = file(
        &approvals_of("production", 2, std::slice::from_ref(&old), Some(b"x")),
        &[1, 3],
    );
    let mut role = approvals_of(
        "production",
        3,
        &[old.clone(), new.clone()],
        Some(&world.approvals),
    );
    role.x.action = "promote".into();
    role.x.reason = "Fixes the photo queue".into();
    let mut request = world.asks(&signed(&role, &[1]), Some(&world.approvals));
    request.id = "1f0a9c3e".repeat(4);
    request.by = "Mara Lindqvist".into();
    add(&mut request, &old.to_bytes().unwrap());
    add(&mut request, &new.to_bytes().unwrap());
    add(&mut request, &old_files);
    request
}

/// Lowers the threshold of production, on top of something that nobody knows.
fn hostile(world: &World, key: &PublicKey) -> SigningRequest {
    let mut next: headgate_core::TopTargets = Envelope::parse(&world.top)
        .unwrap()
        .signed()
        .parse()
        .unwrap();
    next.version = 2;
    next.x.header.prev = Some(sha256_hex(b"something else"));
    next.x.header.by = "Mara\u{202e}".into();
    if let Some(delegations) = &mut next.delegations {
        for role in &mut delegations.roles {
            role.threshold = 1;
        }
        assert!(delegations.keys.contains_key(&key.id().unwrap()));
    }
    let mut request = world.asks(&signed(&next, &[1]), Some(&world.top));
    request.id = "badbadba".repeat(4);
    request.by = "Mara Lindqvist".into();
    request.reason = "Routine".into();
    request
}

async fn set_up(window: &Window, dir: &Path) -> (World, PublicKey) {
    let drive = dir.join("HEADGATE-2");
    fs::create_dir_all(&drive).unwrap();
    window.see("offline-setup-view").await;
    window.shot("95-offline-setup-empty").await;
    window.fill("offline-key-name", "Acme vault 2026").await;
    window.click("offline-key-make").await;
    let public = window.text("offline-public").await;
    let public: String = public.split_whitespace().collect();
    let key = headgate_offline::public_key(&public).unwrap();

    let world = World::with_key(&key);
    let root = dir.join("1.root.json");
    fs::write(&root, &world.root).unwrap();
    window.click("offline-root-pick").await;
    tokio::task::block_in_place(|| hand::choose("Choose 1.root.json", &root));
    window.see("offline-root-words").await;
    window.shot("96-offline-setup-words").await;
    // Only after the app was typed.
    assert_eq!(
        window.attr("offline-pin", "aria-disabled").await.as_deref(),
        Some("true")
    );
    window.fill("typed-confirm", APP).await;
    window.click("offline-pin").await;
    window.see("offline-pinned").await;
    window.click("offline-drive").await;
    tokio::task::block_in_place(|| {
        hand::choose("Choose the folder with signing requests", &drive);
    });
    (world, key)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn an_offline_workstation_signs_what_it_shows_and_names_what_speaks_against_it() {
    let desk = Desk::new();
    let home = desk.path().join("station");
    let clock = headgate_offline::Workstation::open(&home).unwrap();
    set_now(clock.now().unix() - 60);
    let drive = desk.path().join("HEADGATE-2");
    let window = desk.open_with(&home, &["--offline"], 1280, 800).await;
    let (mut world, key) = set_up(&window, desk.path()).await;

    let request = promotion(&mut world, &drive);
    fs::write(drive.join("promote.hgrequest"), request.to_bytes().unwrap()).unwrap();
    fs::write(drive.join("broken.hgrequest"), b"{").unwrap();
    // Seen by itself: the folder is looked at every two seconds.
    window
        .says("offline-title", "Promote 4.2.7 to production")
        .await;
    window
        .says("offline-verdict", "Matches the bundle on the drive")
        .await;
    window.says("offline-changes", "the release before").await;
    window.not_clipped(&[".scroll", ".inbox", ".resp"]).await;
    window.shot("97-offline").await;
    for (theme, name) in [
        ("dark", "97-offline-dark"),
        ("contrast", "97-offline-contrast"),
    ] {
        window
            .js(
                "document.documentElement.dataset.theme = arguments[0]",
                vec![json!(theme)],
            )
            .await;
        window.shot(name).await;
    }
    window
        .js("document.documentElement.dataset.theme = 'light'", vec![])
        .await;

    // No command of the console works here.
    let refused = window.invoke("sandbox_start", json!({})).await.unwrap_err();
    assert_eq!(text(&refused["code"]), "usage.unknown");
    assert!(
        !home.join("journal.sqlite").exists(),
        "no engine was opened"
    );

    window.click("offline-sign").await;
    window.see("offline-qr").await;
    window.says("offline-last", "Signed").await;
    window.shot("98-offline-signed").await;
    let answer = drive.join("1f0a9c3e-acme-vault-2026.hgresponse");
    let response = SigningResponse::parse(&fs::read(answer).unwrap()).unwrap();
    assert!(completes(&world, &request, &response), "two of three");

    let request = hostile(&world, &key);
    fs::write(drive.join("hostile.hgrequest"), request.to_bytes().unwrap()).unwrap();
    window.says("offline-request", "Change channels").await;
    let entry = "[...document.querySelectorAll('[data-testid=offline-request]')].find((e) => e.innerText.includes('Change channels')).click()";
    window.js(entry, vec![]).await;
    window.see("offline-alarms").await;
    window.says("offline-review", "Mara‹U+202E›").await;
    window.shot("99-offline-alarms").await;
    let off = "document.querySelector('[data-testid=offline-sign]').getAttribute('aria-disabled') === 'true'";
    window.until("signing is closed", off).await;
    window.click("offline-refuse").await;
    window
        .fill("offline-reason", "Nobody told me about this")
        .await;
    window.click("offline-refuse-confirm").await;
    window.says("offline-last", "Refused").await;

    window.click("offline-history").await;
    window
        .says("offline-history-sheet", "Nobody told me about this")
        .await;
    window.shot("99-offline-history").await;
    window.quit().await;

    // The next start needs no argument only when a person chose the mode: here it was given by hand.
    assert!(!headgate_offline::Workstation::is_chosen(&home));
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn a_home_folder_that_chose_to_be_a_workstation_starts_as_one() {
    let desk = Desk::new();
    let home = desk.path().join("station");
    let station = headgate_offline::Workstation::open(&home).unwrap();
    station.change_settings(|s| s.chosen = true).unwrap();
    let window = desk.open_home(&home, 1280, 800).await;
    window.see("offline-setup-view").await;
    window.quit().await;
}

fn completes(world: &World, request: &SigningRequest, response: &SigningResponse) -> bool {
    let root = Envelope::parse(&world.root)
        .unwrap()
        .signed()
        .parse()
        .unwrap();
    let top = Envelope::parse(&world.top)
        .unwrap()
        .signed()
        .parse()
        .unwrap();
    let roles = request.signed_roles().unwrap();
    let needed: Vec<_> = roles
        .iter()
        .map(|r| signers(r, Some(&root), Some(&top), &roles).unwrap())
        .collect();
    let mut envelopes: Vec<_> = request
        .roles
        .iter()
        .map(|r| r.envelope().unwrap())
        .collect();
    merge(request, response, &mut envelopes, &needed).unwrap();
    needed[0].complete(&envelopes[0])
}
