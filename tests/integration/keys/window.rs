//! The commands of the window: secrets go in and nothing of them comes out.

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use headgate_ipc::{App, Host};
use headgate_tests::PASSPHRASE;
use serde_json::{Value, json};

use crate::{Setting, setting};

const RSA_PEM: &str = include_str!("../../../crates/signer/src/rsa/keys/pkcs1.pem");

/// A person at the dialogs.
#[derive(Clone, Default)]
struct Hands(Arc<Mutex<(Option<PathBuf>, Option<PathBuf>)>>);

#[async_trait::async_trait]
impl Host for Hands {
    async fn pick_folder(&self, _: &str) -> Option<PathBuf> {
        None
    }
    async fn pick_file(&self, _: &str, _: &str, _: &[&str]) -> Option<PathBuf> {
        self.0.lock().unwrap().0.clone()
    }
    async fn save_file(&self, _: &str, _: &str, _: &str, _: &str) -> Option<PathBuf> {
        self.0.lock().unwrap().1.clone()
    }
    fn quit(&self) {}
}

async fn app() -> (Setting, App, Hands) {
    let s = setting().await;
    let hands = Hands::default();
    let app = App::new(s.anna.console.clone(), Box::new(hands.clone()));
    (s, app, hands)
}

async fn ok(app: &App, command: &str, request: Value) -> Value {
    let answer = app.dispatch(command, request).await;
    answer.unwrap_or_else(|e| panic!("{command}: {e:?}"))
}

async fn fails(app: &App, command: &str, request: Value) -> Value {
    let answer = app.dispatch(command, request).await;
    serde_json::to_value(answer.unwrap_err()).unwrap()
}

fn key<'a>(ring: &'a Value, name: &str) -> &'a Value {
    let all = ring["keys"].as_array().unwrap();
    let found = all
        .iter()
        .find(|k| k["name"].as_str().unwrap().contains(name));
    found.unwrap_or_else(|| panic!("{name} in {ring}"))
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_backed_up_proven_deleted_and_restored_from_the_window() {
    let (s, app, hands) = app().await;
    let id = s.anna.workspace.id.clone();
    let of = json!({ "workspace": id });
    let ring = ok(&app, "keys", of.clone()).await;
    assert_eq!(ring["wordBits"], 132);
    let release = key(&ring, "release").clone();
    let name = release["name"].as_str().unwrap();
    let place = json!({ "workspace": id, "key": release["id"] });

    let export = json!({ "workspace": id, "key": release["id"], "passphrase": PASSPHRASE });
    let cancelled = ok(&app, "key_export", export.clone()).await;
    assert_eq!(cancelled["path"], Value::Null, "the dialog was cancelled");
    let file = s.bench.dir.path().join("backup.age");
    hands.0.lock().unwrap().1 = Some(file.clone());
    let written = ok(&app, "key_export", export).await;
    assert_eq!(written["path"], file.display().to_string());

    hands.0.lock().unwrap().0 = Some(file);
    let picked = ok(&app, "key_file_choose", json!({})).await;
    assert_eq!(
        (&picked["item"]["kind"], &picked["item"]["name"]),
        (&json!("sealed"), &json!("backup.age"))
    );
    let drill = |passphrase: &str| json!({ "workspace": id, "key": release["id"], "handle": picked["item"]["handle"], "passphrase": passphrase });
    let wrong = fails(&app, "key_drill", drill("hunter2-hunter2")).await;
    assert_eq!(wrong["code"], "key.wrong_password");
    assert!(!wrong.to_string().contains("hunter2"));
    ok(&app, "key_drill", drill(PASSPHRASE)).await;
    assert_eq!(fails(&app, "key_retire", place).await["code"], "key.in_use");

    let delete = |typed: &str| json!({ "workspace": id, "key": release["id"], "typed": typed });
    assert_eq!(
        fails(&app, "key_delete", delete("x")).await["code"],
        "usage.confirmation"
    );
    ok(&app, "key_delete", delete(name)).await;
    let ring = ok(&app, "keys", of.clone()).await;
    assert_eq!(key(&ring, "release")["own"], false);

    let picked = ok(&app, "key_file_choose", json!({})).await;
    let import = json!({
        "workspace": id, "handle": picked["item"]["handle"], "pem": null, "passphrase": PASSPHRASE,
        "name": name, "channel": null, "replace": false,
    });
    let made = ok(&app, "key_import", import.clone()).await;
    assert_eq!(made["id"], release["id"]);
    let ring = ok(&app, "keys_check", of).await;
    assert_eq!(key(&ring, "release")["here"], true);
    // The content is dropped as soon as it was used.
    assert_eq!(fails(&app, "key_import", import).await["field"], "file");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pasted_rsa_key_goes_to_its_channel_and_nothing_of_it_comes_back() {
    let (s, app, hands) = app().await;
    let id = s.anna.workspace.id.clone();
    let import = |pem: &str| {
        json!({
            "workspace": id, "handle": null, "pem": pem, "passphrase": null,
            "name": "Acme apps", "channel": "production", "replace": false,
        })
    };
    let secret = "MIIEpAIBAAKCAQEA";
    let public = RSA_PEM.replace("RSA PRIVATE KEY", "RSA PUBLIC KEY");
    for bad in ["", "no key", &public, &RSA_PEM[..700]] {
        let refused = fails(&app, "key_import", import(bad)).await;
        assert_eq!(refused["code"], "key.file", "{refused}");
        assert!(!refused.to_string().contains("MII"), "{refused}");
    }
    let made = ok(&app, "key_import", import(RSA_PEM)).await;
    assert_eq!(made["accepted"], true);
    let ring = ok(&app, "keys", json!({ "workspace": id })).await;
    assert_eq!(key(&ring, "Acme apps")["channels"], json!(["production"]));
    assert!(!ring.to_string().contains(secret) && !ring.to_string().contains("PRIVATE"));

    let place = json!({ "workspace": id, "unit": "main", "channel": "production" });
    let setups = ok(&app, "key_setups", place).await;
    let dialects: Vec<&str> = setups["setups"]
        .as_array()
        .unwrap()
        .iter()
        .map(|s| s["dialect"].as_str().unwrap())
        .collect();
    assert_eq!(
        dialects,
        ["ionic", "capgo", "capawesome"],
        "no plugin speaks Headgate's own"
    );
    assert!(!setups.to_string().contains("PRIVATE"));
    let capawesome = setups["setups"][2]["config"].as_str().unwrap();
    assert!(
        capawesome.contains("-----BEGIN PUBLIC KEY-----MII"),
        "one line: {capawesome}"
    );
    let file = s.bench.dir.path().join("public.pem");
    hands.0.lock().unwrap().1 = Some(file.clone());
    let save =
        json!({ "workspace": id, "unit": "main", "channel": "production", "dialect": "ionic" });
    ok(&app, "public_key_save", save.clone()).await;
    assert!(
        std::fs::read_to_string(file)
            .unwrap()
            .starts_with("-----BEGIN PUBLIC KEY-----")
    );
    let mut none = save;
    none["channel"] = json!("staging");
    assert_eq!(
        fails(&app, "public_key_save", none).await["code"],
        "usage.unknown"
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn a_key_is_made_for_a_role_for_freshness_and_for_apps() {
    let (s, app, _) = app().await;
    let id = s.anna.workspace.id.clone();
    let create = |kind: &str, name: &str, channel: Option<&str>| json!({ "workspace": id, "kind": kind, "name": name, "channel": channel, "replace": false });
    let made = ok(&app, "key_create", create("role", "Ines", None)).await;
    assert_eq!(made["accepted"], false);
    let made = ok(&app, "key_create", create("freshness", " CI ", None)).await;
    assert_eq!(made["accepted"], true, "the owner's key is here");
    let made = ok(&app, "key_create", create("rsa", "Apps", Some("staging"))).await;
    assert_eq!(made["accepted"], true);
    s.anna.console.sync(&id).await.unwrap();
    let ring = ok(&app, "keys", json!({ "workspace": id })).await;
    assert_eq!(key(&ring, "CI")["purpose"], "Signs freshness");
    assert_eq!(key(&ring, "Apps")["id"], made["id"]);
    for (kind, name, code) in [
        ("dsa", "x", "usage.argument"),
        ("role", "", "usage.argument"),
        ("rsa", "x", "usage.argument"),
    ] {
        let refused = fails(&app, "key_create", create(kind, name, None)).await;
        assert_eq!(refused["code"], code, "{kind}: {refused}");
    }
    let huge = s.bench.dir.path().join("huge.pem");
    std::fs::write(&huge, vec![b'x'; 70_000]).unwrap();
    let hands = Hands(Arc::new(Mutex::new((Some(huge), None))));
    let app = App::new(s.anna.console.clone(), Box::new(hands));
    let refused = fails(&app, "key_file_choose", json!({})).await;
    assert_eq!(
        (&refused["code"], &refused["field"]),
        (&json!("key.file"), &json!("file"))
    );
}

#[tokio::test(flavor = "multi_thread")]
async fn the_root_of_trust_is_shown_in_words_and_handed_on_byte_for_byte() {
    let (s, app, hands) = app().await;
    let of = json!({ "workspace": s.anna.workspace.id });
    let shown = ok(&app, "root_pinned", of.clone()).await;
    assert_eq!(shown["file"], "1.root.json");
    assert_eq!(shown["app"], s.anna.workspace.app.as_str());
    let saved = ok(&app, "root_save", of.clone()).await;
    assert_eq!(saved["path"], Value::Null, "the dialog was cancelled");

    let file = s.bench.dir.path().join("1.root.json");
    hands.0.lock().unwrap().1 = Some(file.clone());
    ok(&app, "root_save", of.clone()).await;
    assert_eq!(std::fs::read(&file).unwrap(), s.anna.workspace.root);
    // Whoever gets the file sees the same words.
    hands.0.lock().unwrap().0 = Some(file);
    let there = ok(&app, "root_choose", json!({})).await;
    assert_eq!(there["root"]["words"], shown["words"]);
    assert_eq!(shown["words"].as_array().map(Vec::len), Some(12));

    hands.0.lock().unwrap().1 = Some(s.bench.dir.path().join("no such folder/1.root.json"));
    assert_eq!(fails(&app, "root_save", of).await["code"], "local.disk");
}
