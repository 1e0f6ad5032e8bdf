//! Rollouts in the window: one goes from 1 % to everyone, one stops itself, is halted and rolled back.

use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::driver::Desk;
use crate::main_job::theme;
use crate::window::{Window, text};

/// Longest wait for something that simulated devices do, which ask every few seconds.
const DEVICES: Duration = Duration::from_secs(120);

/// After which every simulated device has asked again and its report is counted: they ask every 20 s, a little spread.
const ALL_ASKED: Duration = Duration::from_secs(45);

/// Commands of the console for what other journeys click through.
pub(crate) struct Hands<'a> {
    window: &'a Window,
    pub(crate) workspace: String,
}

impl<'a> Hands<'a> {
    pub(crate) async fn new(window: &'a Window) -> Self {
        let state = window.invoke("app_state", json!({})).await.unwrap();
        Self {
            window,
            workspace: text(&state["active"]),
        }
    }

    /// Waits until a job failed.
    pub(crate) async fn ended(&self, job: &Value) -> Value {
        let begun = Instant::now();
        loop {
            let now = self.window.invoke("job", job.clone()).await.unwrap();
            if text(&now["state"]) == "failed" {
                return now;
            }
            assert!(begun.elapsed() < DEVICES, "{now}");
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    pub(crate) async fn done(&self, job: &Value) -> Value {
        let begun = Instant::now();
        loop {
            let now = self.window.invoke("job", job.clone()).await.unwrap();
            match text(&now["state"]).as_str() {
                "done" => return now,
                "failed" => panic!("{now}"),
                _ => assert!(begun.elapsed() < DEVICES, "{now}"),
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    }

    /// Ships the sample as this version to development and promotes it to production at 1 %. Gives its build number.
    pub(crate) async fn release(&self, version: &str) -> u64 {
        let build = self.to_staging(version).await;
        self.promote(build, "staging", "production").await;
        build
    }

    /// Ships the sample as this version to development and promotes it to staging. Gives its build number.
    pub(crate) async fn to_staging(&self, version: &str) -> u64 {
        let (window, workspace) = (self.window, &self.workspace);
        let picked = window.invoke("build_sample", json!({ "workspace": workspace }));
        let picked = picked.await.unwrap();
        let handle = &picked["item"]["handle"];
        let inspect = json!({ "workspace": workspace, "unit": "main", "handle": handle, "excludeSourceMaps": false });
        let job = window.invoke("inspect_start", inspect).await.unwrap();
        self.done(&job).await;
        let none = json!({ "min": null, "max": null, "exclude": [] });
        let ship = json!({
            "workspace": workspace, "unit": "main", "handle": handle, "version": version, "build": null,
            "channel": "development", "permille": null, "ios": none, "android": none, "uploadFiles": false,
            "allow": [], "message": "Rollout journey", "commit": null, "author": null,
        });
        let plan = window.invoke("ship_prepare", ship).await.unwrap();
        let start = json!({ "plan": plan["plan"], "typed": plan["typeToConfirm"] });
        let job = window.invoke("ship_start", start).await.unwrap();
        self.done(&job).await;
        let build = plan["build"].as_u64().unwrap();
        self.promote(build, "development", "staging").await;
        build
    }

    async fn promote(&self, build: u64, from: &str, to: &str) {
        let (window, workspace) = (self.window, &self.workspace);
        let promote = json!({
            "workspace": workspace, "unit": "main", "build": build, "from": from, "to": to, "permille": null,
        });
        let plan = window.invoke("promote_prepare", promote).await.unwrap();
        let start = json!({ "plan": plan["plan"], "typed": plan["typeToConfirm"] });
        let job = window.invoke("promote_start", start).await.unwrap();
        self.done(&job).await;
    }

    async fn rollout(&self) -> Value {
        let ask = json!({ "workspace": self.workspace, "unit": "main", "channel": "production" });
        self.window.invoke("rollout", ask).await.unwrap()
    }

    /// Advances production until the gate has its sample and stops it. Which devices a share reaches, and how many of
    /// them can report failures, depends on the release's random seed: one step more may be needed.
    async fn until_the_gate_stops(&self) -> Value {
        let stopped = |view: &Value| view["row"]["state"] == json!("stopped_by_gate");
        for _ in 0..3 {
            change(
                self.window,
                "act-advance",
                "More devices for the gate",
                None,
            )
            .await;
            let begun = Instant::now();
            while begun.elapsed() < ALL_ASKED {
                let view = self.rollout().await;
                if stopped(&view) {
                    return view;
                }
                tokio::time::sleep(Duration::from_millis(250)).await;
            }
        }
        self.until("the gate stops it", stopped).await
    }

    /// Waits until the rollout on production is so.
    async fn until(&self, what: &str, holds: impl Fn(&Value) -> bool) -> Value {
        let begun = Instant::now();
        loop {
            let view = self.rollout().await;
            if holds(&view) {
                return view;
            }
            assert!(
                begun.elapsed() < DEVICES,
                "it never came that {what}: {view:#}"
            );
            tokio::time::sleep(Duration::from_millis(250)).await;
        }
    }
}

/// Presses an action of the rollout, gives the reason and types what is asked for, up to the receipt.
async fn change(window: &Window, act: &str, reason: &str, shot: Option<&str>) {
    window.click(act).await;
    window.see("change-start").await;
    window.fill("change-reason", reason).await;
    window.see("change-affected").await;
    if window.has("typed-confirm").await {
        window.fill("typed-confirm", "production").await;
    }
    if let Some(name) = shot {
        window.shot(name).await;
    }
    window
        .until(
            "the change may be signed",
            "document.querySelector('[data-testid=change-start]').getAttribute('aria-disabled') !== 'true'",
        )
        .await;
    window.click("change-start").await;
    window.see("receipt-done").await;
    window.click("receipt-done").await;
    window.gone("rollout-sheet").await;
}

fn confirmed(view: &Value) -> u64 {
    let funnel = view["funnel"].as_array().unwrap();
    let step = funnel.iter().find(|s| s["state"] == json!("confirmed"));
    step.and_then(|s| s["devices"].as_u64()).unwrap_or(0)
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "needs a screen and a keyring: cargo xtask test desktop"]
async fn one_rollout_goes_to_everyone_and_a_bad_one_stops_itself() {
    let desk = Desk::new();
    let window = desk.open().await;
    window.click("start-sandbox").await;
    window.see("empty-development").await;
    let hands = Hands::new(&window).await;

    // Devices that were there before a release are what its gate judges by.
    window.click("nav-rollouts").await;
    window.see("fleet").await;
    window.shot("80-rollouts-empty").await;
    window.click("fleet-start").await;
    window.says("fleet-running", "2,000").await;
    hands
        .until("devices check in", |view| {
            view["devices"].as_u64() >= Some(1_900)
        })
        .await;

    hands.release("4.2.6").await;
    window.says("row-state-production", "Rolling out").await;
    window.click("open-rollout-production").await;
    window.says("rollout-title", "4.2.6").await;
    hands
        .until("devices confirm", |view| confirmed(view) >= 5)
        .await;
    window.shot("81-rollout-1").await;
    for round in 0.. {
        let view = hands.rollout().await;
        let act = |name: &str| {
            view["actions"]
                .as_array()
                .unwrap()
                .iter()
                .any(|a| a["action"] == json!(name) && a["disabled"].is_null())
        };
        if view["row"]["state"] == json!("complete") {
            break;
        }
        assert!(round < 8, "the rollout never completes: {view:#}");
        let before = confirmed(&view);
        let (name, shot) = if act("advance") {
            ("act-advance", "82-advance")
        } else {
            ("act-complete", "83-complete")
        };
        change(&window, name, "Looks good so far", Some(shot)).await;
        hands
            .until("more devices confirm", |now| confirmed(now) > before)
            .await;
    }
    hands
        .until("most devices run it", |view| {
            view["row"]["active"]["devices"].as_u64() >= Some(1_500)
        })
        .await;
    window.says("rollout-state", "Complete").await;
    window.shot("84-rollout-complete").await;

    let bad = hands.release("4.2.7-bad").await;
    window.says("rollout-title", "4.2.7-bad").await;
    let view = hands.rollout().await;
    assert_eq!(view["row"]["release"]["build"].as_u64(), Some(bad));
    let stopped = hands.until_the_gate_stops().await;
    assert_eq!(stopped["gate"]["state"], json!("stopped"), "{stopped:#}");
    window.see("stopped-by-gate").await;
    window.shot("85-stopped-by-gate").await;
    theme(&window, "dark").await;
    window.shot("85-stopped-by-gate-dark").await;
    theme(&window, "light").await;
    change(&window, "sign-halt", "The gate stopped it", Some("86-halt")).await;
    hands
        .until("it is halted", |view| {
            view["row"]["state"] == json!("halted")
        })
        .await;
    change(
        &window,
        "act-roll_back",
        "4.2.7 does not start",
        Some("87-roll-back"),
    )
    .await;
    let view = hands
        .until("4.2.6 is served to all", |view| {
            view["row"]["state"] == json!("complete")
        })
        .await;
    assert_eq!(view["row"]["release"]["version"], json!("4.2.6"));
    window.shot("88-rolled-back").await;

    // Nothing goes forward while people look for the cause.
    window.click("act-more").await;
    change(
        &window,
        "act-freeze",
        "Looking for the cause",
        Some("88-freeze"),
    )
    .await;
    window.says("frozen-banner", "Looking for the cause").await;
    window.shot("88-frozen").await;
    window.click("nav-pipeline").await;
    window.says("frozen-production", "Frozen by").await;
    window.shot("88-frozen-board").await;
    window.fits_small("88-frozen-board-small").await;
    window.click("nav-rollouts").await;
    window.click("open-rollout-production").await;
    change(&window, "banner-unfreeze", "The cause was found", None).await;
    hands
        .until("it is not frozen", |view| view["row"]["frozen"].is_null())
        .await;

    window.click("nav-devices").await;
    window.see("share").await;
    window.shot("89-devices").await;
    window.click("nav-pipeline").await;
    window.see("version-production").await;
    window.shot("90-board-with-devices").await;
    window.quit().await;
}
