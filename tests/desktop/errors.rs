//! What cannot be shipped, what must be decided first, and a key that is gone.

use std::fs;
use std::path::Path;
use std::process::Command;

use headgate_signer::{KeyVault as _, OsKeychain};
use headgate_tests::copy_tree;
use headgate_tuf::{Envelope, metadata::Root};

use crate::drag::Drag;
use crate::driver::Desk;
use crate::window::Window;

/// Drags over the window, looks at the overlay, lets go.
async fn drop_on(window: &Window, path: &Path, picture: Option<&str>) -> String {
    let drag = tokio::task::block_in_place(|| Drag::over(&[path]));
    window.see("drop-overlay").await;
    let ok = window.attr("drop-overlay", "data-ok").await.unwrap();
    if let Some(name) = picture {
        window.shot(name).await;
    }
    tokio::task::block_in_place(|| drag.release());
    window.gone("drop-overlay").await;
    ok
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn what_is_no_web_build_is_refused_and_findings_wait_for_a_person() {
    let desk = Desk::new();
    let window = desk.open().await;
    window.click("start-sandbox").await;
    window.see("empty-development").await;

    let photos = desk.path().join("Holiday photos");
    fs::create_dir(&photos).unwrap();
    fs::write(photos.join("beach.jpg"), b"no web build").unwrap();
    let ok = drop_on(&window, &photos, Some("20-drop-refused")).await;
    assert_eq!(ok, "false");
    window.says("toast", "‘Holiday photos’ was not taken").await;
    window.says("toast", "no index.html").await;
    window.click("toast-close").await;
    window.gone("toast").await;

    a_zip_is_taken(&desk, &window).await;
    a_secret_blocks_until_it_is_allowed(&desk, &window).await;
    source_maps_can_be_left_out(&desk, &window).await;
    a_key_that_is_gone_is_said(&desk, &window).await;
    window.quit().await;
}

async fn a_zip_is_taken(desk: &Desk, window: &Window) {
    let zip = desk.path().join("Field 4.2.zip");
    let packed = Command::new("/usr/bin/python3")
        .args(["-m", "zipfile", "-c"])
        .arg(&zip)
        .arg(desk.sample())
        .status();
    assert!(packed.unwrap().success());
    let ok = drop_on(window, &zip, Some("21-drop-zip")).await;
    assert_eq!(ok, "true");
    window.see("findings").await;
    window.says("ship-sheet", "Field 4.2.zip").await;
    window.click("sheet-close").await;
    window.gone("ship-sheet").await;
}

async fn a_secret_blocks_until_it_is_allowed(desk: &Desk, window: &Window) {
    let build = desk.path().join("www");
    copy_tree(&desk.sample(), &build);
    // Put together here, so that no scanner takes this file for a leak.
    let token = ["sk_", "live_", "4eC39HqLyjWDarjtT1zdp7dc"].concat();
    fs::write(build.join("pay.js"), format!("const key = '{token}';\n")).unwrap();
    fs::write(
        build.join("pay.js.map"),
        "{\"version\":3,\"sources\":[\"pay.ts\"],\"mappings\":\"AAAA\"}",
    )
    .unwrap();
    drop_on(window, &build, None).await;
    window.see("finding-secret-token").await;
    let closed = async || window.attr("ship-next", "aria-disabled").await.unwrap();
    assert_eq!(closed().await, "true");
    window.says("ship-why", "1 error to fix or to allow").await;
    window.shot("22-ship-finding").await;
    window.click("ship-next").await;
    assert!(window.has("findings").await, "an open error blocks");

    window.click("allow-secret-token").await;
    window
        .fill(
            "allow-reason-secret-token",
            "Test key of the payment sandbox, worth nothing",
        )
        .await;
    window.shot("23-ship-allow").await;
    window.click("allow-confirm-secret-token").await;
    window.see("allowed-secret-token").await;
    assert_eq!(closed().await, "false");
    window.shot("24-ship-allowed").await;
}

async fn source_maps_can_be_left_out(_: &Desk, window: &Window) {
    let exclude = "exclude-source-maps";
    assert_eq!(
        window.attr(exclude, "aria-checked").await.as_deref(),
        Some("false")
    );
    window.click(exclude).await;
    window
        .until(
            "source maps are left out",
            "document.querySelector('[data-testid=exclude-source-maps]')?.getAttribute('aria-checked') === 'true' \
             && document.querySelector('[data-testid=ship-next]')?.getAttribute('aria-disabled') === 'false'",
        )
        .await;
    window
        .says("ship-sheet", "1 source map (52 bytes) left out")
        .await;
    assert!(
        window.has("allowed-secret-token").await,
        "what was allowed stays allowed"
    );
    window.shot("25-ship-maps-excluded").await;
    window.fill("ship-version", "4.2.8").await;
    window.click("ship-next").await;
    window.see("allowed-findings").await;
    window.says("allowed-findings", "worth nothing").await;
    window.shot("26-sign-allowed").await;
    window.click("sign-start").await;
    window.see("receipt").await;
    window.click("receipt-done").await;
    window.gone("ship-sheet").await;
}

async fn a_key_that_is_gone_is_said(desk: &Desk, window: &Window) {
    let root = fs::read(desk.storage().join("metadata/1.root.json")).unwrap();
    let root: Root = Envelope::parse(&root).unwrap().signed().parse().unwrap();
    let keychain = OsKeychain::new(OsKeychain::SERVICE);
    tokio::task::block_in_place(|| {
        for key in root.keys.values() {
            keychain.delete(key).unwrap();
        }
    });
    window.click("ship-build").await;
    window.click("ship-sample").await;
    window.see("findings").await;
    window.fill("ship-version", "4.2.9").await;
    window.click("ship-next").await;
    window.see("sign-problem").await;
    assert_eq!(window.text("sign-problem-code").await, "key.not_here");
    assert_eq!(
        window.attr("sign-start", "aria-disabled").await.as_deref(),
        Some("true")
    );
    window.shot("27-sign-key-gone").await;
}
