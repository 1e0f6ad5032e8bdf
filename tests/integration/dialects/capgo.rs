//! @capgo/capacitor-updater 8.51.23 and @capgo/cli 8.68.1: what their sources and their command line say.

use std::fs;
use std::path::PathBuf;
use std::process::Command;

use headgate_core::status::DeviceState;
use headgate_tests::APP;
use serde_json::{Value, json};

use super::served::{CHANNEL, Served, node, run, served};

fn info(device: &str, version_name: &str) -> Value {
    json!({
        "platform": "android", "device_id": device, "app_id": APP, "custom_id": "",
        "version_build": "4.2.0", "version_code": "420", "version_os": "14",
        "version_name": version_name, "plugin_version": "8.51.23",
        "is_emulator": false, "is_prod": true, "defaultChannel": CHANNEL,
    })
}

/// Asks over HTTP.
async fn ask(served: &Served, method: &str, path: &str, body: &Value) -> Value {
    let script = "const [m, u, b] = process.argv.slice(1);\
        const r = await fetch(u, {method: m, body: m === 'GET' ? undefined : b, headers: {'content-type': 'application/json'}});\
        process.stdout.write(JSON.stringify({status: r.status, body: await r.json()}));";
    let url = format!("{}{path}", served.url);
    let mut command = Command::new("node");
    command.args([
        "--input-type=module",
        "-e",
        script,
        method,
        &url,
        &body.to_string(),
    ]);
    let output = tokio::task::spawn_blocking(move || run(command))
        .await
        .unwrap();
    let got: Value = serde_json::from_slice(&output).unwrap();
    assert_eq!(got["status"], 200, "{path}: {got}");
    got["body"].clone()
}

/// Whether Swift's `Decodable` takes a value for a type as it stands in the plugin's source.
fn decodes(value: &Value, of: &str, structures: &Value) -> bool {
    let of = of.strip_suffix('?').unwrap_or(of);
    match of {
        "String" => value.is_string(),
        "Bool" => value.is_boolean(),
        "Int" => value.is_i64(),
        "[String: String]" => value
            .as_object()
            .is_some_and(|o| o.values().all(Value::is_string)),
        _ if of.starts_with('[') => {
            let item = of.trim_matches(['[', ']']);
            value
                .as_array()
                .is_some_and(|all| all.iter().all(|v| structure(v, item, structures)))
        }
        _ => false,
    }
}

/// Whether an answer decodes as a structure: fields that it does not name are ignored.
#[track_caller]
fn structure(value: &Value, name: &str, structures: &Value) -> bool {
    let fields = structures[name].as_object().unwrap();
    let known = fields
        .iter()
        .filter_map(|(key, of)| Some((value.get(key)?, of.as_str().unwrap())));
    let mut known = known.peekable();
    known.peek().is_some() && known.all(|(value, of)| decodes(value, of, structures))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs @capgo/capacitor-updater and @capgo/cli from npm"]
async fn answers_decode_and_reports_mean_what_the_plugins_sources_say() {
    let sources = node("capgo.mjs", &[]).await;
    let structures = &sources["structures"];
    let served = served().await;
    let build = served.bench.build("one");
    fs::write(build.join("empty.css"), "").unwrap();
    fs::write(build.join("long.js"), "// again and again\n".repeat(3000)).unwrap();

    let device = "6f0e3b0a-5c1c-4b53-8d0f-2b9f3f6a7c11";
    let nothing = ask(&served, "POST", "/capgo/updates", &info(device, "builtin")).await;
    assert!(
        structure(&nothing, "AppVersionDec", structures),
        "{nothing}"
    );
    served.ship(&build).await;
    let offer = ask(&served, "POST", "/capgo/updates", &info(device, "builtin")).await;
    assert!(structure(&offer, "AppVersionDec", structures), "{offer}");
    assert!(
        offer["manifest"].as_array().is_some_and(|m| m.len() > 10),
        "{offer}"
    );
    let name = offer["version"].as_str().unwrap().to_owned();
    let current = ask(&served, "POST", "/capgo/updates", &info(device, &name)).await;
    assert_eq!(
        (&current["kind"], &current["version"]),
        (&json!("up_to_date"), &json!(name))
    );
    assert!(
        structure(&current, "AppVersionDec", structures),
        "{current}"
    );

    let path = "/capgo/channel_self";
    let list = ask(&served, "GET", &format!("{path}?app_id={APP}"), &json!({})).await;
    assert!(decodes(&list, "[ChannelInfo]", structures), "{list}");
    let mut moving = info(device, "builtin");
    moving["channel"] = json!("staging");
    let set = ask(&served, "POST", path, &moving).await;
    assert!(structure(&set, "SetChannelDec", structures), "{set}");
    let get = ask(&served, "PUT", path, &info(device, "builtin")).await;
    assert!(structure(&get, "GetChannelDec", structures), "{get}");

    command_line_takes(&served, &name);
    every_action(&served, &name, sources["actions"].as_array().unwrap()).await;
}

/// The vendor's command line packs a bundle under a name of ours, and refuses one that is no version.
fn command_line_takes(served: &Served, name: &str) {
    let modules =
        PathBuf::from(std::env::var_os("HEADGATE_DIALECTS").unwrap()).join("node_modules");
    let app = served.bench.dir.path().join("capgo");
    fs::create_dir_all(app.join("dist")).unwrap();
    fs::write(app.join("dist/index.html"), "<html></html>").unwrap();
    fs::write(app.join("dist/app.js"), "notifyAppReady()").unwrap();
    let package = json!({"name": "app", "version": "1.0.0", "dependencies": {"@capgo/capacitor-updater": "8.51.23"}});
    fs::write(app.join("package.json"), package.to_string()).unwrap();
    let config = json!({"appId": APP, "webDir": "dist", "plugins": {"CapacitorUpdater": {}}});
    fs::write(app.join("capacitor.config.json"), config.to_string()).unwrap();
    std::os::unix::fs::symlink(&modules, app.join("node_modules")).unwrap();
    let zip = |name: &str| {
        let mut command = Command::new("node");
        command
            .arg(modules.join("@capgo/cli/dist/index.js"))
            .args(["bundle", "zip", APP, "--path", "dist", "--bundle", name])
            .args(["--name", "out.zip", "--json"])
            .current_dir(&app)
            .env("CAPGO_DISABLE_TELEMETRY", "true");
        command
    };
    assert!(name.contains('+'), "{name}");
    let packed: Value = serde_json::from_slice(&run(zip(name))).unwrap();
    assert_eq!(packed["bundle"], name);
    let refused = zip("4.2.5_1")
        .stdin(std::process::Stdio::null())
        .output()
        .unwrap();
    assert!(!refused.status.success(), "it looks at names at all");
}

/// What the server makes of each action that the plugin can send, each on a device of its own that was offered the
/// release first.
async fn every_action(served: &Served, name: &str, actions: &[Value]) {
    let mut checks = Vec::new();
    let mut events = Vec::new();
    for (n, action) in actions.iter().enumerate() {
        let device = format!("00000000-0000-4000-8000-{n:012}");
        checks.push((device.clone(), action.as_str().unwrap()));
        ask(served, "POST", "/capgo/updates", &info(&device, "builtin")).await;
        let mut event = info(&device, name);
        event["action"] = action.clone();
        event["timestamp"] = json!(1_790_000_000_000_i64);
        events.push(event);
    }
    served.telemetry.flush().await.unwrap();
    let acknowledged = ask(served, "POST", "/capgo/stats", &Value::Array(events)).await;
    assert_eq!(
        acknowledged["results"].as_array().unwrap().len(),
        actions.len()
    );

    let mut meant: Vec<(String, &str)> = Vec::new();
    for (device, action) in checks {
        let installs = served.telemetry.install(&device).await.unwrap();
        let events = installs.iter().flat_map(|install| &install.events);
        let state = events
            .map(|e| e.state)
            .filter(|s| *s > DeviceState::Offered)
            .max();
        if let Some(state) = state {
            meant.push((action.to_owned(), state.text()));
        }
    }
    let meant: Vec<(&str, &str)> = meant.iter().map(|(a, s)| (a.as_str(), *s)).collect();
    assert_eq!(
        meant,
        [
            ("app_launch_ready", "confirmed"),
            ("app_launch_timeout", "rolled_back"),
            ("checksum_required", "failed"),
            ("decrypt_fail", "failed"),
            ("download_complete", "downloaded"),
            ("download_fail", "failed"),
            ("download_manifest_brotli_fail", "failed"),
            ("download_manifest_checksum_fail", "failed"),
            ("download_manifest_file_fail", "failed"),
            ("finish_download_fail", "failed"),
            ("insufficient_disk_space", "failed"),
            ("low_mem_fail", "failed"),
            ("manifest_path_fail", "failed"),
            ("session_key_required", "failed"),
            ("set", "applied"),
            ("set_fail", "failed"),
            ("update_fail", "rolled_back"),
        ],
        "the plugin sends other actions than this server knows, or means others"
    );
}
