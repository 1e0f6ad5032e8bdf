//! The main job with keys alone.

use std::path::Path;

use thirtyfour::prelude::*;

use crate::driver::Desk;
use crate::hand;
use crate::window::Window;

/// Tabs on until the control with this test id has the focus.
async fn tab_to(window: &Window, id: &str) {
    let mut passed = Vec::new();
    for _ in 0..60 {
        let at = window.focus().await;
        if at == id {
            return;
        }
        passed.push(at);
        window.keys(Key::Tab + "").await;
    }
    panic!("Tab never reached `{id}`, only {passed:?}");
}

async fn press(window: &Window, id: &str) {
    tab_to(window, id).await;
    window.keys(Key::Enter + "").await;
}

/// Replaces what the focused field holds.
async fn retype(window: &Window, text: &str) {
    window.keys(Key::Control + "a").await;
    window.keys(text).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn from_the_first_start_to_staging_without_a_mouse() {
    let desk = Desk::new();
    let window = desk.open().await;
    window.see("start-sandbox").await;
    press(&window, "start-sandbox").await;
    window.see("empty-development").await;

    window.keys("?").await;
    window.see("shortcuts-sheet").await;
    window.shot("40-keys").await;
    window.keys(Key::Escape + "").await;
    window.gone("shortcuts-sheet").await;

    // The native dialog: cancelled once, then a folder is typed.
    window.keys(Key::Control + "o").await;
    tokio::task::block_in_place(|| hand::cancel("Choose a web build"));
    assert!(!window.has("ship-sheet").await, "cancelled is cancelled");
    choose_folder(&window, &desk.sample()).await;
    window.see("findings").await;

    tab_to(&window, "ship-version").await;
    retype(&window, "2.0.0").await;
    esc_closes_one_layer(&window).await;
    press(&window, "ship-next").await;
    window.see("manifest-hash").await;
    tab_to(&window, "sign-message").await;
    retype(&window, "Without a mouse").await;
    window.signing_is_open().await;
    press(&window, "sign-start").await;
    window.see("receipt").await;
    window
        .until(
            "the focus is on the next step",
            "document.activeElement.dataset.testid === 'receipt-done'",
        )
        .await;
    window.keys(Key::Enter + "").await;
    window.gone("ship-sheet").await;

    tab_to(&window, "release-development").await;
    window.keys("p").await;
    window.see("promote-affected").await;
    press(&window, "promote-start").await;
    window.see("receipt").await;
    window.keys(Key::Enter + "").await;
    window.gone("promote-sheet").await;
    assert_eq!(window.text("version-staging").await, "2.0.0");

    // Arrows walk from card to card.
    tab_to(&window, "release-development").await;
    window.keys(Key::Right + "").await;
    assert_eq!(window.focus().await, "release-staging");
    window.keys(Key::End + "").await;
    assert_eq!(window.focus().await, "empty-production");
    window.quit().await;
}

/// Ctrl+O, then the path typed into the native dialog.
async fn choose_folder(window: &Window, folder: &Path) {
    window.keys(Key::Control + "o").await;
    tokio::task::block_in_place(|| hand::choose("Choose a web build", folder));
}

/// Esc in the range of native versions closes that, not the sheet.
async fn esc_closes_one_layer(window: &Window) {
    press(window, "ship-native").await;
    window.see("native-pop").await;
    window.keys(Key::Escape + "").await;
    window.gone("native-pop").await;
    assert!(window.has("ship-sheet").await, "only one layer closes");
}
