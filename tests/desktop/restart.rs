//! Quit and start again: everything is found at once, also without storage.

use std::fs;

use crate::driver::Desk;
use crate::window::Window;

/// Ships the sandbox's sample through the menu and comes back to the board.
pub(crate) async fn ship_sample(window: &Window, version: &str) {
    window.click("ship-build").await;
    window.click("ship-sample").await;
    window.see("findings").await;
    window.fill("ship-version", version).await;
    window.click("ship-next").await;
    window.click("sign-start").await;
    window.see("receipt").await;
    window.click("receipt-done").await;
    window.gone("ship-sheet").await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn a_restart_finds_everything_at_once_and_says_when_storage_is_away() {
    let desk = Desk::new();
    let window = desk.open().await;
    window.click("start-sandbox").await;
    window.see("empty-development").await;
    ship_sample(&window, "1.4.0").await;
    window.says("version-development", "1.4.0").await;
    window.quit().await;

    let window = desk.open().await;
    assert_eq!(window.text("version-development").await, "1.4.0");
    window.says("sync-state", "Read from storage").await;
    assert!(!window.has("start-sandbox").await);
    window.quit().await;

    let (storage, away) = (desk.storage(), desk.home().join("sandbox/elsewhere"));
    fs::rename(&storage, &away).unwrap();
    let window = desk.open().await;
    assert_eq!(
        window.text("version-development").await,
        "1.4.0",
        "the board is painted from the cache"
    );
    window.see("offline-banner").await;
    window.says("offline-banner", "cached").await;
    window.says("sync-state", "Cached").await;
    window.shot("30-board-offline").await;
    window.click("sync-retry").await;
    window.see("toast").await;
    window.shot("31-board-still-offline").await;

    fs::rename(&away, &storage).unwrap();
    window.click("sync-retry").await;
    window.gone("offline-banner").await;
    window.says("sync-state", "Read from storage").await;
    window.quit().await;
}
