use std::sync::Arc;

use headgate_core::clients::{
    CapgoClients, CapgoFile, CapgoFiles, CapgoZip, ClientKey, ClientsDocument, ObjectRef,
};
use headgate_core::settings::ChannelRsa;
use serde_json::json;

use super::super::super::testing::{OBJECTS, Setup, name, release};
use super::{check, with};
use crate::ReleaseServing;

const KEY: &str = "MIIBCgKCAQEAabcdefgh";

fn object(word: char, size: u64) -> ObjectRef {
    ObjectRef {
        sha256: word.to_string().repeat(64),
        size,
    }
}

fn signed(files: bool) -> ReleaseServing {
    let mut release = release(1308, "4.2.5");
    release.clients = Some(ClientsDocument {
        unit: name("main"),
        channel: name("production"),
        build: 1308,
        manifest: release.sha256.clone(),
        key: Some(ClientKey {
            capgo_id: KEY.into(),
            sha256: "0".repeat(64),
        }),
        capgo: Some(CapgoClients {
            session_key: "aXY=:a2V5".into(),
            zip: Some(CapgoZip {
                object: object('a', 10),
                checksum: "5".repeat(512),
            }),
            files: files.then(|| object('b', 10)),
        }),
        ionic: None,
    });
    release.capgo_files = files.then(|| {
        let file = |path: &str, brotli, word: char| CapgoFile {
            path: path.into(),
            brotli,
            file_hash: word.to_string().repeat(512),
            object: object(word, 7),
        };
        let files = vec![file("app.js", true, 'c'), file("index.html", false, 'd')];
        Arc::new(CapgoFiles { files })
    });
    release
}

fn rsa() -> Option<ChannelRsa> {
    Some(ChannelRsa {
        name: "field".into(),
        public: "AAAA".into(),
    })
}

#[tokio::test]
async fn a_channel_with_a_key_sends_what_was_signed() {
    let server = Setup {
        releases: vec![signed(true)],
        rsa: rsa(),
        ..Setup::default()
    }
    .start();
    let answer = check(&server, &with("builtin", json!({"key_id": KEY}))).await;
    assert_eq!(
        answer,
        json!({
            "version": "4.2.5+1308",
            "url": format!("{OBJECTS}/variants/{}", "a".repeat(64)),
            "checksum": "5".repeat(512),
            "session_key": "aXY=:a2V5",
            "manifest": [
                {"file_name": "app.js.br", "file_hash": "c".repeat(512),
                 "download_url": format!("{OBJECTS}/variants/{}", "c".repeat(64))},
                {"file_name": "index.html", "file_hash": "d".repeat(512),
                 "download_url": format!("{OBJECTS}/variants/{}", "d".repeat(64))},
            ],
        })
    );
}

#[tokio::test]
async fn a_channel_with_a_key_never_sends_anything_else() {
    let offers = |r: ReleaseServing, rsa| {
        Setup {
            releases: vec![r],
            rsa,
            ..Setup::default()
        }
        .start()
    };
    let pinned = json!({"key_id": KEY});
    let old = |v: &str| json!({"key_id": KEY, "plugin_version": v});
    let mut no_key = signed(true);
    no_key.clients.as_mut().unwrap().capgo = None;
    for (server, changes, error) in [
        (
            offers(release(1308, "4.2.5"), rsa()),
            pinned.clone(),
            "not_signed",
        ),
        (offers(no_key, rsa()), pinned.clone(), "not_signed"),
        (
            offers(signed(true), rsa()),
            json!({"key_id": "MIIBCgKCAQEAzzzzzzzz"}),
            "key_id_mismatch",
        ),
        // Newer plugins say when an app pins a key, so this one pins none.
        (offers(signed(true), rsa()), json!({}), "key_id_mismatch"),
        (
            offers(signed(true), rsa()),
            old("7.29.0"),
            "unsupported_plugin_version",
        ),
        (
            offers(signed(true), rsa()),
            old("10.0.0"),
            "unsupported_plugin_version",
        ),
        (
            offers(signed(true), rsa()),
            old("newest"),
            "unsupported_plugin_version",
        ),
        // The app pins a key and the channel has none.
        (
            offers(release(1308, "4.2.5"), None),
            pinned.clone(),
            "key_id_mismatch",
        ),
    ] {
        let answer = check(&server, &with("builtin", changes.clone())).await;
        assert_eq!(
            (answer["error"].as_str(), answer["kind"].as_str()),
            (Some(error), Some("blocked")),
            "{changes}"
        );
        assert!(answer.get("url").is_none());
        assert!(
            server.told.seen.lock().unwrap()[0].offered.is_none(),
            "counts as offered"
        );
    }
    // Older plugins do not say whether the app pins a key.
    let server = offers(signed(false), rsa());
    let answer = check(
        &server,
        &with("builtin", json!({"plugin_version": "7.40.0"})),
    )
    .await;
    assert_eq!(answer["checksum"], "5".repeat(512));
    assert!(answer.get("manifest").is_none());
}
