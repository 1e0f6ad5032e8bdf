use headgate_bundle::single;
use headgate_core::ionic::{plain_manifest, unsigned_manifest};
use headgate_core::status::Dialect;
use headgate_registry::FolderStore;
use headgate_tuf::sha256_hex;
use serde_json::{Value, json};

use super::super::super::reply::IMMUTABLE;
use super::super::super::testing::{APPFLOW, INSTALL, OBJECTS, PUBLIC, Setup, release, with_files};
use super::{Stored, cordova, data, files, path, sdk, serve};

#[tokio::test]
async fn the_sdk_gets_a_manifest_beside_which_every_file_lies() {
    let release = files();
    let (list, map) = (release.inventory.clone(), release.files.clone().unwrap());
    let server = serve(release);
    let data = data(&server, &sdk(Value::Null, true)).await;
    let snapshot = &server.snapshots[&1308];
    assert_eq!(
        data,
        json!({
            "available": true, "compatible": true, "partial": false,
            "snapshot": snapshot, "build": 1308,
            "url": format!("{PUBLIC}/apps/abcd1234/snapshots/{snapshot}/manifest_v2?channel=production"),
            "incompatibleUpdateAvailable": false,
        })
    );
    let got = server.ask("GET", &path(&data["url"]), "").await;
    assert_eq!(got.status, 302);
    let base = url::Url::parse(got.header("location")).unwrap();
    let got = server.ask("GET", &path(&json!(base.as_str())), "").await;
    assert_eq!(
        (got.status.as_u16(), got.header("cache-control")),
        (200, IMMUTABLE)
    );
    assert_eq!(got.bytes, unsigned_manifest(&list).unwrap());
    for file in &map.files {
        let mut address = base.join(&file.path).unwrap();
        address.set_query(Some("channel=production&sig=a%2Fb"));
        let got = server.ask("GET", &path(&json!(address.as_str())), "").await;
        assert_eq!(
            (got.status.as_u16(), got.header("cache-control")),
            (302, IMMUTABLE)
        );
        let to = format!(
            "{OBJECTS}/files/{}?channel=production&sig=a%2Fb",
            file.stored.sha256
        );
        assert_eq!(got.header("location"), to);
    }
    let seen = server.told.seen.lock().unwrap();
    assert_eq!(
        (seen[0].place.dialect, seen[0].install.as_str()),
        (Dialect::Ionic, INSTALL)
    );
}

#[tokio::test]
async fn the_cordova_plugin_gets_the_plain_array() {
    let release = files();
    let list = release.inventory.clone();
    let server = serve(release);
    let data = data(&server, &cordova()).await;
    let got = server.ask("GET", &path(&data["url"]), "").await;
    let to = got.header("location").to_owned();
    assert!(
        to.contains("/files/pro-manifest.json?channel=production&plugin=cordova"),
        "{to}"
    );
    let got = server.ask("GET", &path(&json!(to)), "").await;
    assert_eq!(got.bytes, plain_manifest(&list).unwrap());
    assert!(
        server.told.seen.lock().unwrap().is_empty(),
        "it sent no install id"
    );
}

#[tokio::test]
async fn files_that_are_stored_compressed_come_unpacked() {
    let dir = tempfile::tempdir().unwrap();
    let plain = "const words = 'again and again';\n"
        .repeat(2000)
        .into_bytes();
    let packed = {
        let mut out = Vec::new();
        let mut input = plain.as_slice();
        brotli::BrotliCompress(&mut input, &mut out, &Default::default()).unwrap();
        out
    };
    assert_eq!(
        single::unstore(&packed, headgate_core::files::Encoding::Brotli, 1 << 20).unwrap(),
        plain
    );
    let objects = dir.path().join("files");
    std::fs::create_dir_all(&objects).unwrap();
    std::fs::write(objects.join(sha256_hex(&packed)), &packed).unwrap();
    let stored: &Stored<'_> = &[
        ("app.js", &plain, Some(&packed)),
        ("index.html", b"<html>", None),
        ("lost.js", b"a file that storage lost", Some(b"lost")),
    ];
    let server = Setup {
        releases: vec![with_files(release(1308, "4.2.5"), true, stored)],
        folder: Some(FolderStore::open(dir.path()).unwrap()),
        ..Setup::default()
    }
    .start();
    let base = format!(
        "/apps/{APPFLOW}/snapshots/{}/files",
        server.snapshots[&1308]
    );
    let got = server.ask("GET", &format!("{base}/app.js"), "").await;
    assert_eq!(
        (got.status.as_u16(), got.header("cache-control")),
        (200, IMMUTABLE)
    );
    assert!(got.bytes == plain);
    assert!(got.headers.get("content-encoding").is_none());
    let got = server.ask("GET", &format!("{base}/lost.js"), "").await;
    assert_eq!(
        (got.status.as_u16(), got.header("cache-control")),
        (503, "private, no-store")
    );
    // Other bytes under the name are not handed on.
    std::fs::write(objects.join(sha256_hex(&packed)), b"poison").unwrap();
    assert_eq!(
        server
            .ask("GET", &format!("{base}/app.js"), "")
            .await
            .status,
        503
    );
}
