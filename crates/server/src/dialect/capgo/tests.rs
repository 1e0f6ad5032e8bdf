//! Requests as the plugin sends them, and what answers it tolerates.

mod bundles;
mod checks;
pub(crate) mod hostile;
mod others;
mod signed;
mod stats;

use serde_json::{Value, json};

use super::super::testing::{APP, INSTALL, Server};

/// What the plugin sends, as [`super::info`] lists it.
fn info(version_name: &str) -> Value {
    json!({
        "platform": "android",
        "device_id": INSTALL.to_uppercase(),
        "app_id": APP,
        "custom_id": "",
        "version_build": "4.2.0",
        "version_code": "420",
        "version_os": "14",
        "version_name": version_name,
        "plugin_version": "8.51.23",
        "is_emulator": false,
        "is_prod": true,
        "install_source": "google_play",
        "defaultChannel": "Production",
    })
}

fn with(version_name: &str, changes: Value) -> Value {
    let mut info = info(version_name);
    for (key, value) in changes.as_object().unwrap() {
        info[key] = value.clone();
    }
    info
}

/// Everything that the plugin's two native sides can read without losing the answer (see the head of [`super`]).
fn tolerable(answer: &Value) -> bool {
    let Some(object) = answer.as_object() else {
        return false;
    };
    let texts = object
        .iter()
        .filter(|(key, _)| *key != "manifest")
        .all(|(_, value)| value.is_string());
    let no = object.contains_key("error") || object.contains_key("kind");
    let said = |key: &str| !answer[key].as_str().unwrap_or_default().is_empty();
    let refusal = said("error")
        && said("message")
        && matches!(
            answer["kind"].as_str(),
            Some("up_to_date" | "blocked" | "failed")
        );
    let offer = answer["version"] == "builtin"
        || (answer["url"]
            .as_str()
            .is_some_and(|u| u.starts_with("https://"))
            && (said("checksum") || object.contains_key("manifest")));
    let manifest = object.get("manifest").is_none_or(|m| {
        m.as_array().is_some_and(|entries| {
            !entries.is_empty()
                && entries.iter().all(|entry| {
                    ["file_name", "file_hash", "download_url"]
                        .iter()
                        .all(|key| !entry[key].as_str().unwrap_or_default().is_empty())
                })
        })
    });
    texts && said("version") && manifest && if no { refusal } else { offer }
}

async fn check(server: &Server, body: &Value) -> Value {
    let got = server.post("/capgo/updates", body).await;
    assert_eq!(got.status, 200);
    assert_eq!(got.header("cache-control"), "private, no-store");
    let answer = got.json();
    assert!(tolerable(&answer), "{answer}");
    answer
}
