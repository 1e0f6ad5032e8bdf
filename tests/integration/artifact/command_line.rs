//! The same through the real binary: what a pipeline sees.

use headgate_tests::files_below;
use headgate_tuf::sha256_hex;
use serde_json::Value;

use crate::harness::Computer;
use crate::server::{Answer, Host, zip_folder};

fn code(error: &Value) -> &str {
    error["code"].as_str().unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_pipeline_ships_by_address_and_is_told_when_the_artifact_changes() {
    let computer = Computer::new("ci");
    computer.init();
    let www = computer.build("one");
    let zip = zip_folder(www.as_ref());
    let host = Host::zip(zip.clone()).await;
    let url = host.url.as_str();

    let seen = computer.json(&["inspect", url]);
    assert_eq!(
        (&seen["kind"], &seen["location"]),
        (&"location".into(), &url.into())
    );
    assert_eq!(seen["sha256"], sha256_hex(&zip));
    let lines = computer.run(&["inspect", url]).out;
    assert!(lines.contains("stays at") && lines.contains(url), "{lines}");

    let ship = [
        "ship",
        url,
        "--version",
        "4.2.5",
        "--channel",
        "development",
    ];
    let ran = computer.run(&ship);
    assert_eq!(ran.code, 0, "{}", ran.err);
    assert!(ran.err.contains("--upload-files"), "{}", ran.err);
    let shipped = computer.json(&[
        "ship",
        url,
        "--version",
        "4.2.6",
        "--channel",
        "development",
        "--upload-files",
    ]);
    assert_eq!(
        (&shipped["verified"], &shipped["build"]),
        (&true.into(), &2.into())
    );
    assert_eq!(shipped["sha256"], sha256_hex(&zip));
    let zips = files_below(&computer.storage());
    assert!(
        zips.iter()
            .all(|p| p.extension().is_none_or(|e| e != "zip")),
        "not uploaded"
    );
    assert_eq!(
        files_below(&computer.path("home/work")).len(),
        0,
        "nothing stays here"
    );

    let (storage, root) = (computer.storage(), computer.root());
    let storage = storage.to_str().unwrap();
    let verify = [
        "verify",
        "--url",
        storage,
        "--root",
        &root,
        "--channel",
        "development",
    ];
    assert_eq!(computer.json(&verify)["sha256"], sha256_hex(&zip));
    let promote = [
        "promote",
        "--build",
        "2",
        "--from",
        "development",
        "--to",
        "staging",
    ];
    assert_eq!(computer.json(&promote)["verified"], true);

    let other = zip_folder(computer.build("two").as_ref());
    host.answers(Answer::Zip(other.clone()));
    let promote = [
        "promote",
        "--build",
        "2",
        "--from",
        "staging",
        "--to",
        "production",
    ];
    for args in [&verify[..], &promote] {
        let error = computer.fails(4, args);
        assert_eq!(code(&error), "artifact.changed");
        let said = error["message"].as_str().unwrap();
        for words in [url, &sha256_hex(&zip), &sha256_hex(&other)] {
            assert!(said.contains(words), "{words}: {said}");
        }
    }
    host.answers(Answer::Status(404));
    for args in [&verify[..], &promote, &["inspect", url], &ship] {
        let error = computer.fails(6, args);
        assert_eq!(
            (code(&error), &error["retryable"]),
            ("artifact.missing", &true.into())
        );
    }
}

#[test]
fn a_secret_in_an_address_is_refused_and_not_repeated() {
    let computer = Computer::new("ci");
    computer.init();
    for url in [
        "https://me:hunter2@abc.example/a.zip",
        "https://abc.example/a.zip?sig=hunter2",
        "s3://hunter2/a.zip",
    ] {
        for args in [
            &["inspect", url][..],
            &[
                "ship",
                url,
                "--version",
                "1.0.0",
                "--channel",
                "development",
            ],
        ] {
            let error = computer.fails(2, args);
            assert_eq!(
                (code(&error), &error["field"]),
                ("artifact.address", &"url".into())
            );
            assert!(!error.to_string().contains("hunter2"), "{error}");
        }
    }
    let args = [
        "inspect",
        "https://abc.example/a.zip",
        "--exclude-source-maps",
    ];
    assert_eq!(code(&computer.fails(2, &args)), "usage.argument");
}

#[test]
fn compare_answers_by_its_exit_code() {
    let computer = Computer::new("ci");
    computer.init();
    computer.ship("4.2.5", "1308", "development");
    let www = computer.build("4.2.5");
    let same = computer.json(&["compare", &www, "--build", "1308"]);
    assert_eq!(
        (&same["same_bytes"], &same["same_files"]),
        (&true.into(), &true.into())
    );
    assert_eq!(same["signed"], same["own"]);

    let other = computer.build("4.2.6");
    let ran = computer.run(&["compare", &other, "--build", "1308", "--json"]);
    assert_eq!((ran.code, ran.err.as_str()), (10, ""));
    let found: Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&found["same_files"], &found["changed"][0]["path"]),
        (&false.into(), &"data/build.json".into())
    );
    let ran = computer.run(&["compare", &other, "--build", "1308"]);
    assert_eq!(ran.code, 10);
    assert!(
        ran.out
            .starts_with("Other files: 0 added, 1 changed, 0 removed"),
        "{}",
        ran.out
    );
    assert!(ran.out.contains("data/build.json"), "{}", ran.out);

    assert_eq!(
        code(&computer.fails(2, &["compare", &www, "--build", "7"])),
        "usage.unknown"
    );
    assert_eq!(
        files_below(&computer.path("home/work")).len(),
        0,
        "nothing stays here"
    );
}
