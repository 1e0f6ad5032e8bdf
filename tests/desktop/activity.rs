//! The audit log in the window: what was done stands in it, and the chain is verified in front of the person.

use serde_json::json;

use crate::driver::Desk;
use crate::main_job::theme;
use crate::rollout::Hands;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn activity_shows_what_happened_and_names_the_first_bad_entry() {
    let desk = Desk::new();
    let window = desk.open().await;
    window.click("start-sandbox").await;
    window.see("empty-development").await;
    let hands = Hands::new(&window).await;
    hands.release("4.2.6").await;

    window.click("nav-activity").await;
    window.says("verdict", "Chain verified").await;
    window
        .says("timeline", "promoted 4.2.6 from staging to production")
        .await;
    window.says("timeline", "made the workspace").await;
    window.says("entry-card", "Entry #4").await;
    window.click("entry-2").await;
    window.says("entry-card", "4.2.6, build").await;
    window.says("entry-state", "Verified").await;
    window.shot("91-activity").await;
    theme(&window, "dark").await;
    window.shot("91-activity-dark").await;
    theme(&window, "light").await;
    window.fill("activity-search", "staging").await;
    window.says("activity-hidden", "hidden by the filter").await;
    window.shot("92-activity-search").await;
    window.click("verify-again").await;
    window
        .says("verdict", "Every file was read from storage")
        .await;

    // Somebody changes an old file. Everything is read again when a person asks for it.
    let state = window.invoke("app_state", json!({})).await.unwrap();
    let storage = state["workspaces"][0]["storage"]
        .as_str()
        .unwrap()
        .to_owned();
    let file = std::path::Path::new(storage.trim_start_matches("file://"))
        .join("metadata/1.main.staging.json");
    std::fs::write(&file, b"{}").unwrap();
    window.click("verify-again").await;
    window.says("verdict", "Chain broken: entry #1").await;
    window.fill("activity-search", "").await;
    window.click("entry-1").await;
    window.says("entry-state", "Not verified").await;
    window.shot("93-activity-broken").await;
    window.quit().await;
}
