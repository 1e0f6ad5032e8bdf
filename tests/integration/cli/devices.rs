//! `headgate device`: one device in a folder, a fleet, a client of plain TUF. None of them has a home folder.

use headgate_tests::PackHost;
use serde_json::json;

use super::harness::{APP, Computer};

/// An update server on a runtime of its own, as the command line runs in another process.
fn host(c: &Computer) -> (tokio::runtime::Runtime, PackHost) {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let host = runtime.block_on(PackHost::start(&c.storage()));
    (runtime, host)
}

/// The harness' registry lives on this computer's clock, as the devices do.
fn shipped() -> Computer {
    let c = Computer::new("mara");
    c.init();
    c.ship("4.2.5", "1308", "development");
    c
}

#[test]
fn a_device_in_a_folder_stages_applies_confirms_and_rolls_back() {
    let c = shipped();
    let (_runtime, host) = host(&c);
    let device = Computer::new("device");
    let root = c.root();
    let base = [
        "device",
        "run",
        "--app",
        APP,
        "--server",
        &host.url,
        "--root",
        &root,
        "--channel",
        "development",
        "--dir",
        "phone",
    ];
    let run = |more: &[&str]| device.json(&[&base[..], more].concat());
    let first = run(&[]);
    assert_eq!(
        (&first["running"], &first["check"], &first["staged"]),
        (&json!(null), &json!("staged"), &json!(1308))
    );
    let second = run(&[]);
    assert_eq!(
        (&second["running"], &second["trial"], &second["check"]),
        (&json!(1308), &json!("confirmed"), &json!("up_to_date"))
    );
    assert_eq!(second["install_id"], first["install_id"]);
    let folder = std::path::Path::new(second["folder"].as_str().unwrap());
    assert!(device.path("").join(folder).join("index.html").exists());
    c.ship("4.2.6", "1309", "development");
    assert_eq!(run(&[])["staged"], 1309);
    let crashed = run(&["--crash"]);
    assert_eq!(
        (&crashed["running"], &crashed["trial"], &crashed["why"]),
        (&json!(1308), &json!("rolled_back"), &json!("failed_here"))
    );
    let states: Vec<String> = host
        .reports()
        .iter()
        .flat_map(|r| &r.events)
        .map(|e| format!("{} {}", e.build, e.state.text()))
        .collect();
    assert_eq!(
        states,
        [
            "1308 downloaded",
            "1308 applied",
            "1308 confirmed",
            "1309 downloaded",
            "1309 applied",
            "1309 rolled_back",
        ]
    );
    assert!(!device.path("home").exists());
    // Nobody answers: it says so, and what it ran is there.
    let gone = [
        "device",
        "run",
        "--app",
        APP,
        "--server",
        "http://127.0.0.1:9",
    ];
    let gone = [&gone[..], &base[6..]].concat();
    let ran = device.run(&[&gone[..], &["--json"]].concat());
    assert_eq!(ran.code, 6, "{}{}", ran.out, ran.err);
    let told: serde_json::Value = serde_json::from_str(&ran.out).unwrap();
    assert_eq!(
        (&told["running"], &told["why"]),
        (&json!(1308), &json!("storage.io"))
    );
}

#[test]
fn a_small_fleet_ends_on_what_is_served() {
    let c = shipped();
    let (_runtime, host) = host(&c);
    let device = Computer::new("device");
    let root = c.root();
    let base = [
        "device",
        "fleet",
        "--app",
        APP,
        "--server",
        &host.url,
        "--channel",
        "development",
        "--devices",
        "6",
        "--every",
        "0",
        "--ramp",
        "0",
        "--rounds",
        "3",
    ];
    fn with<'a>(base: &[&'a str], more: &[&'a str]) -> Vec<&'a str> {
        [base, more].concat()
    }
    let stats = device.json(&with(&base, &["--dialects", "headgate", "--root", &root]));
    assert_eq!(stats["running"], json!({"1308": 6}), "{stats}");
    assert_eq!(stats["total"]["confirmed"], 6, "{stats}");
    let stats = device.json(&with(
        &base,
        &[
            "--dialects",
            "headgate",
            "--root",
            &root,
            "--failing-build",
            "1308",
            "--failure-rate",
            "100%",
        ],
    ));
    assert_eq!(stats["running"], json!({"embedded": 6}), "{stats}");
    assert_eq!(stats["total"]["rolled_back"], 6, "{stats}");
    // Where the workspace is, it gives the root.
    let stats = c.json(&with(&base, &["--dialects", "headgate"]));
    assert_eq!(stats["running"], json!({"1308": 6}), "{stats}");
    // Elsewhere it must be named; there is no such dialect; a device belongs to an app.
    device.fails(2, &with(&base, &["--dialects", "headgate"]));
    device.fails(2, &with(&base, &["--dialects", "appflow"]));
    let without = [
        "device",
        "fleet",
        "--server",
        &host.url,
        "--channel",
        "development",
        "--dialects",
        "capgo",
    ];
    assert_eq!(device.fails(2, &without)["field"], "app");
}

#[test]
fn a_client_of_plain_tuf_reads_our_registry() {
    let c = shipped();
    let (_runtime, host) = host(&c);
    let device = Computer::new("device");
    let (metadata, targets) = (
        format!("{}/objects/metadata", host.url),
        format!("{}/objects/targets", host.url),
    );
    let client = ["device", "tuf-client", "--metadata-dir", "trusted"];
    let run = |more: &[&str]| device.run(&[&client[..], more].concat());
    assert_eq!(run(&["--metadata-url", &metadata, "refresh"]).code, 1);
    let init = run(&["init", &c.root()]);
    assert_eq!(init.code, 0, "{}", init.err);
    let refresh = run(&["--metadata-url", &metadata, "refresh"]);
    assert_eq!(refresh.code, 0, "{}", refresh.err);
    let target = "main.development.rollout.json";
    let download = [
        "--metadata-url",
        &metadata,
        "--target-base-url",
        &targets,
        "--target-dir",
        "got",
        "--target-name",
        target,
        "download",
    ];
    let got = run(&download);
    assert_eq!(got.code, 0, "{}", got.err);
    let got = std::fs::read(device.path("got").join(target)).unwrap();
    headgate_core::RolloutDocument::parse(&got).unwrap();
    // An unknown target, and metadata of somebody else.
    let mut unknown = download;
    unknown[7] = "main.development.release-9.json";
    assert_eq!(run(&unknown).code, 1);
    std::fs::write(c.storage().join("metadata/timestamp.json"), b"{}").unwrap();
    assert_eq!(run(&["--metadata-url", &metadata, "refresh"]).code, 1);
}
