//! Keys in the window: made, backed up through native dialogs, proven, lost in the real keyring, restored from the card,
//! and deleted by name.

use std::path::PathBuf;
use std::time::Duration;

use headgate_core::RsaPublic;
use headgate_signer::{KeyVault as _, OsKeychain};
use serde_json::{Value, json};

use crate::driver::Desk;
use crate::hand;
use crate::main_job::theme;
use crate::window::{Window, text};

const NAME: &str = "Sandbox apps";
const PASSPHRASE: &str = "a passphrase for the stick";

/// Clicks something on the card of a key.
async fn on_card(window: &Window, name: &str, id: &str) {
    let selector = format!("[data-testid=\"{id}\"]");
    let find = "[...document.querySelectorAll('article')].find((card) => card.querySelector('h2').textContent === NAME)";
    let find = find.replace("NAME", &json!(name).to_string());
    let there = format!("{find}?.querySelector({})", json!(selector));
    window.until(&format!("{name} has `{id}`"), &there).await;
    window.settled().await;
    // A menu opens on the press, a button on the click.
    let press = format!(
        "const e = {there}; e.dispatchEvent(new PointerEvent('pointerdown', {{ bubbles: true, button: 0, pointerType: 'mouse' }})); \
         e.dispatchEvent(new PointerEvent('pointerup', {{ bubbles: true, button: 0, pointerType: 'mouse' }})); \
         if (e.getAttribute('aria-haspopup') !== 'menu') e.click();"
    );
    window.js(&press, vec![]).await;
}

async fn card(window: &Window, workspace: &str) -> Value {
    let ring = window.invoke("keys", json!({ "workspace": workspace }));
    let ring = ring.await.unwrap();
    let all = ring["keys"].as_array().unwrap();
    let found = all.iter().find(|k| k["name"] == NAME);
    found.unwrap_or_else(|| panic!("{ring:#}")).clone()
}

pub(crate) async fn pick(window: &Window, select: &str, value: &str) {
    window.see(select).await;
    let script = "const e = document.querySelector(arguments[0]); e.value = arguments[1]; \
                  e.dispatchEvent(new Event('change', { bubbles: true }));";
    let selector = format!("[data-testid=\"{select}\"]");
    window.js(script, vec![json!(selector), json!(value)]).await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn a_key_is_made_backed_up_proven_lost_restored_and_deleted() {
    let desk = Desk::new();
    let window = desk.open().await;
    window.click("start-sandbox").await;
    window.see("empty-development").await;
    let state = window.invoke("app_state", json!({})).await.unwrap();
    let workspace = text(&state["active"]);
    window.click("nav-keys").await;
    window.see("roles").await;
    window
        .says("keys-count", "2 keys, 2 on this computer")
        .await;

    // A key for the apps of production.
    window.click("new-key-open").await;
    pick(&window, "new-key-kind", "rsa").await;
    window.fill("new-key-name", NAME).await;
    window.shot("90-new-key").await;
    window.click("new-key-make").await;
    window.gone("new-key").await;
    window.says("keys-count", "3 keys").await;
    window.see("key-pem-save").await;
    // The engine may hand out the frame from before the dialog closed.
    tokio::time::sleep(Duration::from_millis(300)).await;
    window.shot("91-keys").await;
    theme(&window, "dark").await;
    window.shot("91-keys-dark").await;
    theme(&window, "light").await;

    // Written through the native dialog, then proven.
    on_card(&window, NAME, "key-fix").await;
    window.fill("export-passphrase", PASSPHRASE).await;
    window.fill("export-again", PASSPHRASE).await;
    window.shot("92-back-up").await;
    window.click("export-write").await;
    hand::choose("Back up the key", &desk.path().join("apps"));
    // The dialog keeps the ending of the name that it proposed.
    let file = PathBuf::from(window.text("export-path").await);
    assert!(file.starts_with(desk.path()), "{}", file.display());
    assert!(std::fs::read(&file).unwrap().starts_with(b"age-encryption"));
    window.click("export-drill").await;
    window.click("drill-choose").await;
    hand::choose("Choose a key file", &file);
    window.says("drill-file", "apps").await;
    window.fill("drill-passphrase", PASSPHRASE).await;
    window.click("drill-prove").await;
    window.see("drill-passed").await;
    window.shot("93-restore-drill").await;
    window.click("drill-done").await;
    window.gone("drill-key").await;

    // Somebody empties the keyring: the card says so, and restores it.
    let id = text(&card(&window, &workspace).await["id"]);
    let public = text(&card(&window, &workspace).await["public"]);
    let body: String = public.lines().filter(|l| !l.starts_with('-')).collect();
    tokio::task::block_in_place(|| {
        let key = RsaPublic::from_base64(&body).unwrap();
        OsKeychain::new(OsKeychain::SERVICE)
            .delete_rsa(&key)
            .unwrap();
    });
    window.click("nav-pipeline").await;
    window.see("board").await;
    window.click("nav-keys").await;
    window.says("key-trouble", "Not in this keychain").await;
    window.shot("94-key-missing").await;
    theme(&window, "dark").await;
    window.shot("94-key-missing-dark").await;
    theme(&window, "light").await;
    on_card(&window, NAME, "key-remedy").await;
    window.click("import-choose").await;
    hand::choose("Choose a key file", &file);
    window.fill("import-passphrase", PASSPHRASE).await;
    window.shot("95-import-key").await;
    window.click("import-take").await;
    window.gone("import-key").await;
    window.gone("key-trouble").await;
    assert_eq!(card(&window, &workspace).await["here"], json!(true));

    // Rust refuses what was not typed, whatever the page does.
    let delete = json!({ "workspace": workspace, "key": id, "typed": "sandbox apps" });
    let refused = window.invoke("key_delete", delete).await.unwrap_err();
    assert_eq!(refused["code"], "usage.confirmation");
    on_card(&window, NAME, "key-menu").await;
    window.click("key-delete").await;
    window.fill("typed-confirm", NAME).await;
    window.shot("96-delete-key").await;
    window.click("remove-go").await;
    window.gone("delete-key").await;
    // Apps still pin it, so it is known as a channel's key that is elsewhere.
    window
        .says("keys-count", "3 keys, 2 on this computer")
        .await;
    window.quit().await;
}
