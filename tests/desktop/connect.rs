//! A second computer connects to storage that the first one made.

use std::fs;

use crate::driver::Desk;
use crate::hand;
use crate::restart::ship_sample;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn a_second_console_connects_once_the_words_are_compared_and_storage_is_tested() {
    let desk = Desk::new();
    let first = desk.open().await;
    first.click("start-sandbox").await;
    first.see("empty-development").await;
    ship_sample(&first, "3.1.0").await;
    first.quit().await;
    let root = desk.path().join("1.root.json");
    fs::copy(desk.storage().join("metadata/1.root.json"), &root).unwrap();

    let home = desk.path().join("second");
    let window = desk.open_home(&home, 1280, 800).await;
    window.click("connect").await;
    window.see("connect-confirm").await;
    window.shot("50-connect-empty").await;
    let storage = desk.storage().display().to_string();
    window.fill("connect-storage", &storage).await;

    window.click("root-choose").await;
    tokio::task::block_in_place(|| hand::choose("Choose 1.root.json", &root));
    window.see("root-words").await;
    let words = window
        .js(
            "return document.querySelectorAll('[data-testid=root-words] li').length",
            vec![],
        )
        .await;
    assert_eq!(words, 12);
    window.fill("connect-name", "Field, second desk").await;

    let closed = async || {
        window
            .attr("connect-confirm", "aria-disabled")
            .await
            .as_deref()
            == Some("true")
    };
    assert!(closed().await);
    window.says("connect-reason", "Compare the 12 words").await;
    window.click("root-compared").await;
    window
        .says("connect-reason", "Run the connection test")
        .await;
    assert!(closed().await, "not without the test");
    window.shot("51-connect-compared").await;
    window.click("connect-test").await;
    window.says("connect-result", "passed").await;
    window
        .until(
            "every check passed",
            "[...document.querySelectorAll('[data-testid=connect-check]')].every((e) => e.dataset.ok === 'true')",
        )
        .await;
    assert!(!closed().await);
    window.shot("52-connect-tested").await;

    // Another address: the test proves nothing about it.
    window.fill("connect-storage", "/nowhere/at/all").await;
    assert!(closed().await);
    window.click("connect-test").await;
    window.says("connect-result", "passed").await;
    assert!(closed().await, "a test that failed opens nothing");
    window.shot("53-connect-failed").await;
    window.fill("connect-storage", &storage).await;
    window.click("connect-test").await;
    window
        .until(
            "connecting is open",
            "document.querySelector('[data-testid=connect-reason]') === null",
        )
        .await;
    window.click("connect-confirm").await;
    window.says("version-development", "3.1.0").await;
    window.says("workspace-menu", "Field, second desk").await;
    window.says("sync-state", "Read from storage").await;
    window.shot("54-board-connected").await;
    window.quit().await;
}
