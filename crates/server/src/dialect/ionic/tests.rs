//! Requests as the clients send them.

mod checks;
mod delivered;
mod hostile;

use headgate_core::clients::{ClientsDocument, IonicClients, ObjectRef};
use serde_json::{Value, json};

use super::super::testing::{APPFLOW, INSTALL, PUBLIC, Server, Setup, name, release, with_files};
use crate::ReleaseServing;

const CHECK: &str = "/apps/abcd1234/channels/check-device";

/// What the Live Updates SDK sends.
fn sdk(snapshot: Value, manifest: bool) -> Value {
    json!({
        "device": {
            "binary_version": "4.2.0",
            "device_id": INSTALL,
            "platform": "android",
            "platform_version": "35",
            "snapshot": snapshot,
            "build": null,
        },
        "app_id": APPFLOW,
        "channel_name": "Production",
        "is_portals": false,
        "plugin_version": "6",
        "manifest": manifest,
    })
}

/// What cordova-plugin-ionic 5.5.3 sends.
fn cordova() -> Value {
    let mut body = sdk(Value::Null, true);
    body.as_object_mut().unwrap().remove("is_portals");
    body["plugin_version"] = json!("5.5.3");
    body["device"]["device_id"] = Value::Null;
    body
}

type Stored<'a> = [(&'a str, &'a [u8], Option<&'a [u8]>)];

fn files() -> ReleaseServing {
    let stored: &Stored<'_> = &[
        ("assets/a b.js", b"var a", None),
        ("index.html", b"<html>", None),
    ];
    with_files(release(1308, "4.2.5"), true, stored)
}

fn object(word: char) -> ObjectRef {
    ObjectRef {
        sha256: word.to_string().repeat(64),
        size: 5,
    }
}

fn made(mut release: ReleaseServing, manifest: Option<&'static [u8]>, zip: bool) -> ReleaseServing {
    release.clients = Some(ClientsDocument {
        unit: name("main"),
        channel: name("production"),
        build: release.manifest.build,
        manifest: release.sha256.clone(),
        key: None,
        capgo: None,
        ionic: Some(IonicClients {
            manifest: object('e'),
            zip: zip.then(|| object('f')),
        }),
    });
    release.ionic_manifest = manifest.map(Into::into);
    release
}

fn serve(release: ReleaseServing) -> Server {
    Setup {
        releases: vec![release],
        ..Setup::default()
    }
    .start()
}

async fn data(server: &Server, body: &Value) -> Value {
    let got = server.post(CHECK, body).await;
    assert_eq!(got.status, 200);
    assert_eq!(got.header("cache-control"), "private, no-store");
    let answer = got.json();
    assert_eq!(answer["meta"]["status"], 200);
    assert_eq!(answer["meta"]["request_id"].as_str().unwrap().len(), 36);
    answer["data"].clone()
}

fn path(url: &Value) -> String {
    let url = url.as_str().unwrap();
    url.strip_prefix(PUBLIC).unwrap().to_owned()
}
