//! Requests in the window: its commands over real consoles, with dialogs that choose files.

use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use headgate_core::signing::SigningRequest;
use headgate_engine::Console;
use headgate_ipc::{App, Host};
use serde_json::{Value, json};

use headgate_tests::{Crew, answer, signed_by};

/// Dialogs give the file that was laid here.
#[derive(Clone, Default)]
struct Dialogs(Arc<Mutex<Option<PathBuf>>>);

impl Dialogs {
    fn lay(&self, path: &Path, bytes: &[u8]) {
        std::fs::write(path, bytes).unwrap();
        *self.0.lock().unwrap() = Some(path.to_owned());
    }
}

#[async_trait::async_trait]
impl Host for Dialogs {
    async fn pick_folder(&self, _: &str) -> Option<PathBuf> {
        None
    }
    async fn pick_file(&self, _: &str, _: &str, _: &[&str]) -> Option<PathBuf> {
        self.0.lock().unwrap().take()
    }
    async fn save_file(&self, _: &str, _: &str, _: &str, _: &str) -> Option<PathBuf> {
        None
    }
    fn quit(&self) {}
}

fn window(console: &Console) -> (App, Dialogs) {
    let dialogs = Dialogs::default();
    let app = App::new(console.clone(), Box::new(dialogs.clone()));
    (app, dialogs)
}

async fn call(app: &App, name: &str, request: Value) -> Value {
    let answer = app.dispatch(name, request).await;
    answer.unwrap_or_else(|e| panic!("{name}: {e:?}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_request_is_shown_as_a_qr_code_and_its_answer_comes_in_as_a_picture() {
    let (crew, _, id) = Crew::asking().await;
    let (app, dialogs) = window(&crew.anna.console);
    let workspace = &crew.anna.workspace.id;
    let this = json!({ "workspace": workspace, "id": id });
    let shown = call(&app, "approval_qr", this).await;
    assert!(shown["code"]["side"].as_u64().unwrap() >= 21, "{shown}");
    // The whole request carries roots, settings and documents: too much for a code.
    assert_eq!(shown["light"], json!(true));
    assert_eq!(shown["problem"], json!(null));

    let request = crew.anna.request(&id).await;
    // What is in the picture is enough to sign, as it is for a console that has the registry.
    let light = request.light().to_bytes().unwrap();
    let scanned = headgate_offline::qr::read_png(&headgate_offline::qr::write_png(&light).unwrap());
    let scanned = SigningRequest::parse(&scanned.unwrap()).unwrap();
    let response = answer(&crew.mara, &scanned).to_bytes().unwrap();
    let picture = headgate_offline::qr::write_png(&response).unwrap();

    let here = json!({ "workspace": workspace });
    let cancelled = call(&app, "approval_scan", here.clone()).await;
    assert_eq!(cancelled["id"], json!(null));
    let file = crew.bench.dir.path().join("answer.png");
    dialogs.lay(&file, b"no picture");
    let bad = app.dispatch("approval_scan", here.clone()).await;
    assert_eq!(bad.unwrap_err().code, "signing.format");
    dialogs.lay(&file, &picture);
    let taken = call(&app, "approval_scan", here).await;
    assert_eq!(taken["added"], json!(["mara 2026"]));
    assert_eq!(taken["complete"], json!(true));
    crew.anna.publish(&id).await.unwrap();
}

#[tokio::test(flavor = "multi_thread")]
async fn a_team_is_made_in_the_window_and_waits_there_for_its_owners() {
    let (crew, _) = Crew::solo().await;
    let (app, dialogs) = window(&crew.anna.console);
    let storage = crew.bench.dir.path().join("team storage");
    let member =
        json!({ "public": crew.mara.member.public.hex(), "name": "mara 2026", "holder": "mara" });
    let wish = |members: Value| {
        json!({
            "app": "com.acme.team", "name": "Acme Team", "storage": storage, "publicUrl": null,
            "channels": ["beta", "production"], "credentials": null,
            "team": { "members": members, "root": 2, "last": 2 },
        })
    };
    let odd = json!([{ "public": "00", "name": "x", "holder": "x" }]);
    app.dispatch("workspace_create", wish(odd))
        .await
        .unwrap_err();
    let made = call(&app, "workspace_create", wish(json!([member]))).await;
    let id = made["workspace"]["waiting"].as_str().unwrap().to_owned();
    let workspace = made["workspace"]["id"].as_str().unwrap().to_owned();
    let state = call(&app, "app_state", json!({})).await;
    assert_eq!(state["active"], json!(workspace));
    assert!(waits(&state, &workspace), "{state}");
    assert!(!storage.join("metadata").exists(), "nothing is published");

    // Taken back, it is gone, and can be made anew in the same place.
    let this = json!({ "workspace": workspace, "id": id, "reason": "another key" });
    call(&app, "approval_withdraw", this).await;
    let state = call(&app, "app_state", json!({})).await;
    assert!(!listed(&state, &workspace));
    let made = call(&app, "workspace_create", wish(json!([member]))).await;
    let id = made["workspace"]["waiting"].as_str().unwrap().to_owned();
    let workspace = made["workspace"]["id"].as_str().unwrap().to_owned();
    let again = app
        .dispatch("workspace_create", wish(json!([member])))
        .await;
    assert_eq!(again.unwrap_err().code, "usage.exists");

    let this = json!({ "workspace": workspace, "id": id });
    let shown = call(&app, "approval", this.clone()).await;
    assert_eq!(shown["alarms"], json!([]), "its maker needs no warning");
    assert_eq!(shown["approval"]["have"], json!(1));
    let file = crew.anna.console.approval_request(&workspace, &id).await;
    let response = signed_by(&crew.mara, &file.unwrap());
    dialogs.lay(&crew.bench.dir.path().join("r.hgresponse"), &response);
    let here = json!({ "workspace": workspace });
    let taken = call(&app, "approval_import", here).await;
    assert_eq!(taken["complete"], json!(true));
    let publish = json!({ "workspace": workspace, "id": id, "typed": null });
    let job = call(&app, "approval_publish", publish).await;
    let job = job["job"].as_str().unwrap();
    crew.anna.console.wait(job).await.unwrap();
    let state = call(&app, "app_state", json!({})).await;
    assert!(listed(&state, &workspace) && !waits(&state, &workspace));
}

fn of<'a>(state: &'a Value, workspace: &str) -> Option<&'a Value> {
    let all = state["workspaces"].as_array()?;
    all.iter().find(|w| w["id"] == *workspace)
}

fn listed(state: &Value, workspace: &str) -> bool {
    of(state, workspace).is_some()
}

fn waits(state: &Value, workspace: &str) -> bool {
    of(state, workspace).is_some_and(|w| !w["waiting"].is_null())
}
