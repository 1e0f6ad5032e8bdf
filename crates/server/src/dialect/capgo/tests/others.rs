use serde_json::json;

use super::super::super::testing::{APP, Setup, release, with_files};
use super::{check, info, with};

#[tokio::test]
async fn devices_move_themselves_only_where_the_channel_allows_it() {
    let server = Setup::default().start();
    let path = "/capgo/channel_self";
    let list = server
        .ask("GET", &format!("{path}?is_prod=true&app_id={APP}"), "")
        .await;
    assert_eq!(
        list.json(),
        json!([
            {"id": 1, "name": "beta", "public": false, "allow_self_set": true},
            {"id": 2, "name": "production", "public": true, "allow_self_set": false},
        ])
    );
    for (channel, answer) in [
        ("beta", json!({"status": "ok", "allowSet": true})),
        (
            "production",
            json!({"error": "channel_self_set_not_allowed", "message": "Devices may not move themselves to this channel."}),
        ),
        (
            "nightly",
            json!({"error": "channel_not_found", "message": "This app has no channel of this name."}),
        ),
        (
            "",
            json!({"error": "channel_not_found", "message": "This app has no channel of this name."}),
        ),
    ] {
        let got = server
            .post(path, &with("builtin", json!({"channel": channel})))
            .await;
        assert_eq!(
            (got.status.as_u16(), got.json()),
            (200, answer),
            "{channel}"
        );
    }
    for (channel, status, answer) in [
        (
            "Production",
            200,
            json!({"channel": "Production", "status": "default", "allowSet": false}),
        ),
        (
            "",
            200,
            json!({"channel": "production", "status": "default", "allowSet": false}),
        ),
        (
            "beta",
            200,
            json!({"channel": "beta", "status": "default", "allowSet": true}),
        ),
        (
            "nightly",
            400,
            json!({"error": "channel_not_found", "message": "This app has no channel of this name."}),
        ),
    ] {
        let body = with("builtin", json!({"defaultChannel": channel}));
        let got = server.ask("PUT", path, body.to_string()).await;
        assert_eq!(
            (got.status.as_u16(), got.json()),
            (status, answer),
            "{channel}"
        );
    }
    let got = server
        .ask("DELETE", &format!("{path}?app_id={APP}"), "")
        .await;
    assert_eq!(
        (got.status.as_u16(), got.json()),
        (200, json!({"status": "ok"}))
    );
    let got = server.ask("GET", path, "").await;
    assert_eq!(got.json()["error"], "app_not_found");
}

#[tokio::test]
async fn the_size_of_an_update_is_what_the_device_downloads() {
    let stored: [(&str, &[u8], Option<&[u8]>); 2] = [
        ("app.js", b"var a = 1;", Some(b"BR")),
        ("index.html", b"<html>", None),
    ];
    let both = with_files(release(1308, "4.2.5"), true, &stored);
    let server = Setup {
        releases: vec![both],
        ..Setup::default()
    }
    .start();
    let mut manifest = check(&server, &info("builtin")).await["manifest"].clone();
    manifest
        .as_array_mut()
        .unwrap()
        .push(json!({"file_name": "x", "file_hash": "y", "download_url": "z"}));
    let body = with(
        "builtin",
        json!({"version": "4.2.5+1308", "manifest": manifest}),
    );
    let answer = server
        .post("/capgo/updates/manifest_size", &body)
        .await
        .json();
    assert_eq!(
        (
            &answer["totalSize"],
            &answer["knownFiles"],
            &answer["unknownFiles"]
        ),
        (&json!(8), &json!(2), &json!(1))
    );
    assert_eq!(
        (&answer["files"][0]["size"], &answer["files"][1]["size"]),
        (&json!(2), &json!(6))
    );
    let answer = server
        .post("/capgo/updates/manifest_size", &json!(5))
        .await
        .json();
    assert_eq!(
        answer,
        json!({"totalSize": 0, "knownFiles": 0, "unknownFiles": 0, "files": []})
    );
}
