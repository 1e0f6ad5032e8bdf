use serde_json::json;

use super::super::super::testing::{OBJECTS, PUBLIC, Setup, release, with_files};
use super::{check, info, with};

#[tokio::test]
async fn single_files_come_with_their_hashes_and_nothing_comes_empty() {
    let stored: [(&str, &[u8], Option<&[u8]>); 3] = [
        ("assets/app.js", b"var a = 1;", Some(b"BR")),
        ("assets/empty.css", b"", None),
        ("index.html", b"<html>", None),
    ];
    let both = with_files(release(1308, "4.2.5"), true, &stored);
    let files = both.files.clone().unwrap();
    let server = Setup {
        releases: vec![both],
        ..Setup::default()
    }
    .start();
    let answer = check(&server, &info("builtin")).await;
    assert!(answer["url"].as_str().unwrap().ends_with(".zip"));
    assert_eq!(
        answer["manifest"],
        json!([
            {"file_name": "assets/app.js.br", "file_hash": files.files[0].sha256,
             "download_url": format!("{OBJECTS}/files/{}", files.files[0].stored.sha256)},
            {"file_name": "assets/empty.css.br", "file_hash": files.files[1].sha256,
             "download_url": format!("{PUBLIC}/capgo/empty-file")},
            {"file_name": "index.html", "file_hash": files.files[2].sha256,
             "download_url": format!("{OBJECTS}/files/{}", files.files[2].sha256)},
        ])
    );
    let empty = server.ask("GET", "/capgo/empty-file", "").await;
    assert_eq!(empty.bytes, [0x1b, 0x00, 0x06]);

    let alone = with_files(release(1308, "4.2.5"), false, &stored);
    let server = Setup {
        releases: vec![alone],
        ..Setup::default()
    }
    .start();
    let answer = check(&server, &info("builtin")).await;
    assert_eq!(answer["url"], format!("{PUBLIC}/capgo/no-zip"));
    assert_eq!(answer["manifest"].as_array().unwrap().len(), 3);
    assert!(answer.get("checksum").is_none());
    // A plugin that knows no manifests would go to that address.
    let answer = check(
        &server,
        &with("builtin", json!({"plugin_version": "5.9.0"})),
    )
    .await;
    assert_eq!(answer["error"], "unsupported_plugin_version");
    assert!(server.told.seen.lock().unwrap()[1].offered.is_none());
}

#[tokio::test]
async fn files_that_a_device_would_unpack_wrongly_come_as_a_zip_alone() {
    for path in ["index.html.br", "zz/lone.br"] {
        let stored: [(&str, &[u8], Option<&[u8]>); 2] =
            [("index.html", b"<html>", None), (path, b"x", None)];
        let twins = with_files(release(1308, "4.2.5"), true, &stored);
        let server = Setup {
            releases: vec![twins],
            ..Setup::default()
        }
        .start();
        let answer = check(&server, &info("builtin")).await;
        assert!(answer.get("manifest").is_none());
        assert!(answer["url"].as_str().unwrap().ends_with(".zip"));
    }
}

#[tokio::test]
async fn an_artifact_that_lies_elsewhere_is_fetched_there() {
    let mut elsewhere = release(1308, "4.2.5");
    let url = "https://artifacts.example.test/field-1308.zip";
    elsewhere.manifest.bundle.url = Some(url.into());
    elsewhere.sha256 = elsewhere.manifest.sha256().unwrap();
    let server = Setup {
        releases: vec![elsewhere],
        ..Setup::default()
    }
    .start();
    assert_eq!(check(&server, &info("builtin")).await["url"], url);
}
