//! The smallest window: everything has room.

use crate::driver::Desk;
use crate::main_job::theme;

/// Regions whose content must fit their width.
const BOARD: &[&str] = &[
    "html", "body", ".app", ".sidebar", ".topbar", ".content", ".board", ".strip", ".rel", ".gate",
];
const SHEET: &[&str] = &[
    "html",
    "body",
    ".sheet",
    ".sheet__head",
    ".sheet__body",
    ".sheet__foot",
    ".pane",
    ".totals",
];
const DIALOG: &[&str] = &[
    "html",
    "body",
    ".dialog",
    ".sheet__head",
    ".sheet__body",
    ".sheet__foot",
    ".same",
    ".cols",
];

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn nothing_is_clipped_in_the_smallest_window() {
    let desk = Desk::new();
    let window = desk.open_home(&desk.home(), 1024, 700).await;
    window.see("start-sandbox").await;
    window.not_clipped(&["html", "body", "main"]).await;
    window.shot("70-small-welcome").await;
    window.click("start-sandbox").await;
    window.see("empty-development").await;
    window.not_clipped(&BOARD[..8]).await;
    window.not_clipped(&[".em"]).await;
    window.click("ship-build-empty").await;
    window.click("ship-sample").await;
    window.see("findings").await;
    window.fill("ship-version", "10.20.30-beta.4").await;
    window.not_clipped(SHEET).await;
    window.no_cut_words().await;
    window.shot("71-small-inspect").await;
    window.click("ship-next").await;
    window.see("manifest-hash").await;
    window
        .fill("sign-message", "Offline map tiles, larger photo uploads")
        .await;
    window.signing_is_open().await;
    window.not_clipped(&SHEET[..7]).await;
    window.no_cut_words().await;
    window.shot("72-small-sign").await;
    window.click("sign-start").await;
    window.see("receipt").await;
    window.not_clipped(SHEET).await;
    window.no_cut_words().await;
    window.shot("73-small-released").await;
    window.click("receipt-promote").await;
    window.see("promote-affected").await;
    window.not_clipped(DIALOG).await;
    window.no_cut_words().await;
    window.shot("74-small-promote").await;
    window.click("promote-start").await;
    window.see("receipt").await;
    window.click("receipt-promote").await;
    window.see("typed-confirm").await;
    window.not_clipped(DIALOG).await;
    window.shot("75-small-promote-production").await;
    window.fill("typed-confirm", "production").await;
    window.click("promote-start").await;
    window.see("receipt").await;
    window.click("receipt-done").await;
    window.gone("promote-sheet").await;
    window.says("percent-production", "1 %").await;
    window.not_clipped(BOARD).await;
    window.no_cut_words().await;
    window.shot("76-small-board").await;
    theme(&window, "dark").await;
    window.shot("76-small-board-dark").await;
    window.quit().await;
}
