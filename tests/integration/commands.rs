//! The one list of commands: permitted by name, and safe against requests of any shape.
#![expect(clippy::unwrap_used, reason = "helpers of a test")]

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use headgate_engine::{Console, Options};
use headgate_ipc::{App, Host, commands::COMMANDS, dto};
use serde_json::{Value, json};

struct Nobody;

#[async_trait::async_trait]
impl Host for Nobody {
    async fn pick_folder(&self, _: &str) -> Option<PathBuf> {
        None
    }
    async fn pick_file(&self, _: &str, _: &str, _: &[&str]) -> Option<PathBuf> {
        None
    }
    async fn save_file(&self, _: &str, _: &str, _: &str, _: &str) -> Option<PathBuf> {
        None
    }
    fn quit(&self) {}
}

async fn app(home: &Path) -> App {
    let console = Console::open(Options::new(home.to_owned())).await.unwrap();
    App::new(console, Box::new(Nobody))
}

#[test]
fn the_window_is_granted_exactly_the_commands_of_the_list() {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("../src-tauri/capabilities/main.json");
    let granted: Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let granted: BTreeSet<String> = granted["permissions"]
        .as_array()
        .unwrap()
        .iter()
        .map(|p| p.as_str().unwrap().to_owned())
        .collect();
    let listed: BTreeSet<String> = COMMANDS
        .iter()
        .chain(&["subscribe"])
        .map(|c| format!("allow-{}", c.replace('_', "-")))
        .collect();
    assert_eq!(
        granted, listed,
        "src-tauri/capabilities/main.json and crates/ipc/src/commands.rs differ"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn requests_of_any_shape_get_an_error_with_all_its_words() {
    let home = tempfile::tempdir().unwrap();
    let app = app(home.path()).await;
    let deep = (0..200).fold(json!(1), |inner, _| json!([inner]));
    for request in [
        json!(null),
        json!(7),
        json!([]),
        json!({"workspace": 7}),
        json!({"typed": {}, "plan": []}),
        deep,
    ] {
        for command in COMMANDS {
            let Err(error) = app.dispatch(command, request.clone()).await else {
                continue;
            };
            assert!(
                !error.code.is_empty() && error.holds.ends_with('.') && error.remedy.ends_with('.'),
                "{command}: {error:?}"
            );
        }
    }
    let error = app.dispatch("format_disk", json!({})).await.unwrap_err();
    assert_eq!(error.code, "usage.unknown");
}

#[tokio::test(flavor = "multi_thread")]
async fn hostile_names_reach_no_path() {
    let home = tempfile::tempdir().unwrap();
    let app = app(home.path()).await;
    for name in ["../../etc/passwd", "sandbox/../..", "", "\u{0}", "a\nb"] {
        let error = app
            .dispatch("board", json!({"workspace": name, "unit": name}))
            .await
            .unwrap_err();
        assert_eq!(error.code, "usage.no_workspace");
        let error = app
            .dispatch("inspection", json!({"handle": name}))
            .await
            .unwrap_err();
        assert_eq!(error.code, "usage.unknown");
        let error = app
            .dispatch("ship_start", json!({"plan": name, "typed": name}))
            .await
            .unwrap_err();
        assert_eq!(error.code, "usage.unknown");
        let error = app.dispatch("job", json!({"job": name})).await.unwrap_err();
        assert_eq!(error.code, "job.unknown");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn settings_of_a_channel_that_mean_nothing_are_refused_before_storage_is_asked() {
    let home = tempfile::tempdir().unwrap();
    let app = app(home.path()).await;
    let gate = |limit: Value| json!({ "limit": limit });
    for (field, value, code) in [
        ("confirm", json!("later"), "usage.argument"),
        ("startPermille", json!(70_000), "usage.argument"),
        ("startPermille", json!(-1), "usage.argument"),
        ("minHours", json!(1e12), "usage.argument"),
        (
            "gate",
            gate(json!({ "minSample": 1, "maxFailurePermille": 70_000 })),
            "usage.argument",
        ),
        (
            "gate",
            gate(json!({ "minSample": "many", "maxFailurePermille": 1 })),
            "usage.argument",
        ),
        // What is in order is asked of the workspace, which there is not.
        ("confirm", json!("typed"), "usage.no_workspace"),
    ] {
        let mut request = json!({
            "workspace": "nowhere", "channel": "production",
            "confirm": null, "startPermille": null, "minHours": null, "gate": null,
        });
        request[field] = value.clone();
        let error = app.dispatch("channel_prepare", request).await.unwrap_err();
        assert_eq!(error.code, code, "{field} {value}: {error:?}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn connecting_without_having_compared_is_refused_below_the_window() {
    let home = tempfile::tempdir().unwrap();
    let app = app(home.path()).await;
    let request = dto::ConnectRequest {
        name: "x".into(),
        storage: home.path().display().to_string(),
        public_url: None,
        root: "root-of-nobody".into(),
        compared: false,
        credentials: None,
    };
    assert_eq!(
        app.connect(request).await.unwrap_err().code,
        "usage.confirmation"
    );
}
