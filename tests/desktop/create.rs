//! A workspace of two owners is made in the window, and is there once both have signed.

use headgate_signer::{KeyVault, MemoryVault};
use thirtyfour::Key;

use crate::driver::Desk;
use crate::main_job::theme;
use crate::team::answer_elsewhere;

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn a_workspace_of_two_owners_is_made_in_the_window() {
    let desk = Desk::new();
    let window = desk.open().await;
    let vault = MemoryVault::new();
    let key = vault.create("Ines vault").unwrap();
    window.see("create").await;
    window.click("create").await;
    window.fill("create-app", "com.acme.team").await;
    window.fill("create-name", "Acme Team").await;
    let storage = desk.path().join("team storage");
    window
        .fill("connect-storage", &storage.display().to_string())
        .await;
    window.shot("105-create-solo").await;
    window.choose("create-team").await;
    window.says("create-reason", "Each owner needs").await;
    window.fill("member-public-0", key.hex()).await;
    window.fill("member-name-0", "Ines vault").await;
    window.fill("member-holder-0", "Ines").await;
    window.shot("106-create-team").await;
    window.fits_small("106-create-team-small").await;
    theme(&window, "dark").await;
    window.shot("106-create-team-dark").await;
    theme(&window, "light").await;
    window.click("create-confirm").await;
    window.says("request-signed", "1 of 2").await;
    assert!(!storage.join("metadata").exists(), "nothing is published");
    window.not_clipped(&["main"]).await;
    window.shot("107-first-request").await;
    window.fits_small("107-first-request-small").await;
    window.click("request-save").await;
    window.see("save-go").await;
    window.shot("108-save-request").await;
    window.keys(Key::Escape + "").await;
    window.gone("save-go").await;
    window.click("nav-pipeline").await;
    window
        .says("workspace-waiting", "waits for its owners")
        .await;
    window.says("sync-state", "Not published yet").await;
    window.shot("109-workspace-waiting").await;
    window.click("waiting-open").await;
    let id = window
        .invoke("app_state", serde_json::json!({}))
        .await
        .unwrap();
    let id = id["workspaces"][0]["waiting"].as_str().unwrap().to_owned();
    answer_elsewhere(&desk.home(), desk.path(), &id, &vault, &key);
    window.click("nav-requests").await;
    window.click(&format!("request-{id}")).await;
    window.says("request-signed", "2 of 2").await;
    window.click("request-publish").await;
    window.click("publish-go").await;
    window.see("empty-development").await;
    window.click("nav-keys").await;
    window.says("roles", "2 of 2").await;
    window.quit().await;
}
