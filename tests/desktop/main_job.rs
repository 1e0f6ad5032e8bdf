//! The main job: from the first start to a release that rolls out on the last channel.

use std::fs::File;
use std::time::Duration;

use serde_json::{Value, json};

use crate::device::Device;
use crate::drag::Drag;
use crate::driver::Desk;
use crate::window::{Window, text};

/// Sandbox, drop, inspect, sign and release; then promote twice. The theme's word ends each picture's name.
async fn main_job(desk: &Desk, window: &Window, theme: &str) {
    let shot = async |name: &str| window.shot(&format!("{name}{theme}")).await;
    window.see("start-sandbox").await;
    shot("01-welcome").await;
    window.click("start-sandbox").await;
    window.see("empty-development").await;
    window.says("sync-state", "Read from storage").await;
    shot("02-board-empty").await;

    let sample = desk.sample();
    let drag = tokio::task::block_in_place(|| Drag::over(&[&sample]));
    window.see("drop-overlay").await;
    window.says("drop-overlay", "Drop to inspect ‘www’").await;
    assert_eq!(
        window.attr("drop-overlay", "data-ok").await.as_deref(),
        Some("true")
    );
    shot("03-drop").await;
    tokio::task::block_in_place(|| drag.release());
    window.gone("drop-overlay").await;

    window.see("findings").await;
    window.fill("ship-version", "4.2.7").await;
    shot("04-ship-inspect").await;
    window.click("ship-next").await;
    window.see("manifest-hash").await;
    window
        .fill("sign-message", "Offline map tiles, larger photo uploads")
        .await;
    window
        .fill("sign-commit", "9f31c07b5a1e0c44d2f86a17be90d3c5e7712a08")
        .await;
    window.signing_is_open().await;
    shot("05-ship-sign").await;

    // While another program holds the storage folder, the job stands before its commit.
    let held = hold(desk);
    window.click("sign-start").await;
    window.says("objects", "timestamp").await;
    window.says("upload-state", "Publishing").await;
    shot("06-ship-upload").await;
    drop(held);

    window.see("receipt").await;
    let headline = window.text("receipt-headline").await;
    assert_eq!(headline, "A device in development now gets 4.2.7, build 1");
    assert_eq!(
        window.attr("same-bytes", "data-equal").await.as_deref(),
        Some("true")
    );
    shot("07-released").await;
    let bundle = bundle(window).await;
    let rows = rows(window).await;
    assert_eq!(
        rows,
        [bundle.clone(), bundle.clone()],
        "signed and read back"
    );

    promote_to_staging(window, &bundle, theme).await;
    promote_to_production(window, &bundle, theme).await;

    window.says("rollout-production", "Rolling out").await;
    window
        .says("gate-state-staging-production", "Same release")
        .await;
    assert_eq!(window.text("percent-production").await, "1 %");
    assert_eq!(window.text("percent-staging").await, "100 %");
    for channel in ["development", "staging", "production"] {
        assert_eq!(
            window.text(&format!("version-{channel}")).await,
            "4.2.7",
            "{channel}"
        );
    }
    shot("12-board").await;

    let device = Device::new(&desk.storage()).await;
    for channel in ["development", "staging"] {
        let offered = device.asks(channel, None).await;
        assert_eq!(offered, ("release", Some(bundle.clone())), "{channel}");
    }
    let share = device.share("production").await;
    assert_eq!(
        share,
        (true, true, Some(bundle)),
        "(some get it, some do not, which bytes)"
    );
}

async fn promote_to_staging(window: &Window, bundle: &str, theme: &str) {
    assert_eq!(
        window.text("receipt-promote").await.trim(),
        "Promote to staging…"
    );
    window.click("receipt-promote").await;
    window.see("promote-affected").await;
    assert_eq!(rows(window).await, [bundle, bundle]);
    window.shot(&format!("08-promote-staging{theme}")).await;
    window.click("promote-start").await;
    window.see("receipt").await;
    assert_eq!(
        window.text("receipt-headline").await,
        "A device in staging now gets 4.2.7, build 1"
    );
    window.shot(&format!("09-promoted-staging{theme}")).await;
}

async fn promote_to_production(window: &Window, bundle: &str, theme: &str) {
    assert_eq!(
        window.text("receipt-promote").await.trim(),
        "Promote to production…"
    );
    window.click("receipt-promote").await;
    window.see("typed-confirm").await;
    assert_eq!(rows(window).await, [bundle, bundle]);
    let closed = async || window.attr("promote-start", "aria-disabled").await.unwrap();
    assert_eq!(closed().await, "true");
    assert_eq!(
        window.text("promote-why").await.trim(),
        "Needs the channel's name"
    );
    window.fill("typed-confirm", "staging").await;
    assert_eq!(closed().await, "true");
    window.click("promote-start").await;
    rust_refuses_without_the_typed_name(window).await;
    assert!(
        window.has("typed-confirm").await,
        "a closed button starts nothing"
    );
    window.fill("typed-confirm", "production").await;
    assert_eq!(closed().await, "false");
    window.shot(&format!("10-promote-production{theme}")).await;
    window.click("promote-start").await;
    window.see("receipt").await;
    assert_eq!(
        window.text("receipt-headline").await,
        "1 % of the devices in production now get 4.2.7, build 1"
    );
    window.shot(&format!("11-promoted-production{theme}")).await;
    window.click("receipt-done").await;
    window.gone("promote-sheet").await;
}

/// Past the page's own button: what decides is behind the IPC.
async fn rust_refuses_without_the_typed_name(window: &Window) {
    let state = window.invoke("app_state", json!({})).await.unwrap();
    let workspace = &state["active"];
    let board = window
        .invoke("board", json!({ "workspace": workspace, "unit": "main" }))
        .await
        .unwrap();
    let request = json!({
        "workspace": workspace, "unit": "main", "build": board["channels"][1]["current"]["release"]["build"],
        "from": "staging", "to": "production", "permille": null,
    });
    let plan = window.invoke("promote_prepare", request).await.unwrap();
    assert_eq!(plan["typeToConfirm"], json!("production"));
    for typed in [json!("x"), json!("Production"), Value::Null] {
        let start = json!({ "plan": plan["plan"], "typed": typed });
        let error = window.invoke("promote_start", start).await.unwrap_err();
        assert_eq!(error["code"], json!("usage.confirmation"), "{error}");
    }
}

/// Takes the lock of the storage folder, which every commit needs.
pub(crate) fn hold(desk: &Desk) -> File {
    let lock = File::options()
        .create(true)
        .truncate(false)
        .write(true)
        .open(desk.storage().join(".headgate.lock"))
        .unwrap();
    lock.lock().unwrap();
    lock
}

/// Hash of the released bundle, as the engine tells it.
async fn bundle(window: &Window) -> String {
    let jobs = window.invoke("jobs", json!({})).await.unwrap();
    text(&jobs["jobs"][0]["receipt"]["signedSha256"])
}

/// The hashes of the same-bytes rows as they are shown.
async fn rows(window: &Window) -> Vec<String> {
    window.see("same-bytes").await;
    let script = "return [...document.querySelectorAll('[data-testid=same-bytes] dd')].map((e) => e.textContent.replace(/\\s/g, ''))";
    let found = window.js(script, vec![]).await;
    found.as_array().unwrap().iter().map(text).collect()
}

/// Presses the theme button until the page has this theme.
pub(crate) async fn theme(window: &Window, wanted: &str) {
    for _ in 0..4 {
        if window
            .js("return document.documentElement.dataset.theme", vec![])
            .await
            == json!(wanted)
        {
            return;
        }
        window.click("theme").await;
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    panic!("no theme {wanted}");
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn a_dropped_build_is_signed_released_and_promoted_to_production() {
    let desk = Desk::new();
    let window = desk.open().await;
    main_job(&desk, &window, "").await;
    window.quit().await;
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn the_main_job_in_the_dark_theme_then_the_board_in_high_contrast() {
    let desk = Desk::new();
    let window = desk.open().await;
    theme(&window, "dark").await;
    main_job(&desk, &window, "-dark").await;
    theme(&window, "contrast").await;
    window.shot("12-board-contrast").await;
    window.quit().await;

    let again = desk.open().await;
    again
        .until(
            "the chosen theme is remembered",
            "document.documentElement.dataset.theme === 'contrast'",
        )
        .await;
    again.quit().await;
}
