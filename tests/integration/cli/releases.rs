//! The main job: from an empty folder to what a device gets.

use serde_json::json;

use crate::harness::{APP, Computer, names, serve, sha256};

#[test]
fn a_release_goes_from_ship_to_complete_and_back_again() {
    let c = Computer::new("mara");
    let made = c.init();
    assert_eq!(made["app"], APP);
    assert_eq!(
        made["fingerprint"],
        sha256(&std::fs::read(c.root()).unwrap())
    );
    assert_eq!(made["words"].as_array().unwrap().len(), 12);

    let first = c.ship("4.2.5", "1308", "development");
    for (name, value) in [
        ("app", json!(APP)),
        ("unit", json!("main")),
        ("release", json!("main/4.2.5+1308")),
        ("version", json!("4.2.5")),
        ("build", json!(1308)),
        ("channel", json!("development")),
        ("permille", json!(1000)),
        ("verified", json!(true)),
        ("public", json!(false)),
    ] {
        assert_eq!(first[name], value, "{name} of {first}");
    }
    let bundle = c
        .storage()
        .join(format!("bundles/{}.zip", first["sha256"].as_str().unwrap()));
    let bytes = std::fs::read(&bundle).unwrap();
    assert_eq!(
        first["sha256"],
        sha256(&bytes),
        "the name is the hash of what storage holds"
    );
    assert_eq!(first["size"], bytes.len());
    assert!(
        first["files"].as_u64().unwrap() > 5
            && first["uploaded_bytes"].as_u64().unwrap() > bytes.len() as u64
    );
    assert_eq!(first["skipped_bytes"], 0);
    let roles = names(&first["metadata"]);
    assert_eq!(
        roles,
        [
            "main.development",
            "main.development.rollout",
            "snapshot",
            "timestamp"
        ]
    );
    for name in ["manifest", "entry", "address", "fresh_until"] {
        assert!(first[name].is_string(), "{name}");
    }
    assert!(first["took_ms"].is_u64());

    let promote = |from: &str, to: &str, build: &str| {
        c.json(&["promote", "--build", build, "--from", from, "--to", to])
    };
    let staging = promote("development", "staging", "1308");
    assert_eq!(
        (&staging["sha256"], &staging["manifest"]),
        (&first["sha256"], &first["manifest"]),
        "the same bytes"
    );
    assert_eq!(
        (&staging["permille"], &staging["same_bytes"]),
        (&json!(1000), &json!(true))
    );
    // The arguments are the confirmation: nothing is typed for the last channel, which starts at 1 %.
    let production = promote("staging", "production", "1308");
    assert_eq!(
        (&production["permille"], &production["verified"]),
        (&json!(10), &json!(true))
    );

    let rollout =
        |args: &[&str]| c.json(&[&["rollout"], args, &["--channel", "production"]].concat());
    let set = rollout(&[
        "set",
        "--build",
        "1308",
        "--percent",
        "25",
        "--reason",
        "quiet night",
    ]);
    assert_eq!(
        (&set["permille"], &set["action"]),
        (&json!(250), &json!("roll_out"))
    );
    let lower = c.fails(
        5,
        &[
            "rollout",
            "set",
            "--channel",
            "production",
            "--build",
            "1308",
            "--percent",
            "10",
        ],
    );
    assert_eq!(lower["code"], "rollout.share_lowered");
    assert_eq!(
        c.channel("production")["permille"],
        250,
        "refused is unchanged"
    );
    rollout(&["halt", "--reason", "a crash report"]);
    assert_eq!(c.channel("production")["state"], "halted");
    rollout(&["resume"]);
    rollout(&["complete"]);
    let now = c.channel("production");
    assert_eq!(
        (&now["state"], &now["permille"], &now["build"]),
        (&json!("complete"), &json!(1000), &json!(1308))
    );

    let second = c.ship("4.2.6", "1309", "development");
    assert_ne!(second["sha256"], first["sha256"]);
    assert_eq!(
        second["replaces"],
        json!({ "version": "4.2.5", "build": 1308 })
    );
    let differ = c.run(&["compare", "--build", "1308", "--with", "1309", "--json"]);
    assert_eq!(differ.code, 10, "files differ: an answer, not an error");
    let differ: serde_json::Value = serde_json::from_str(&differ.out).unwrap();
    assert_eq!(
        (
            &differ["build"],
            &differ["own"]["build"],
            &differ["own"]["sha256"]
        ),
        (&json!(1308), &json!(1309), &second["sha256"])
    );
    assert!(!differ["changed"].as_array().unwrap().is_empty());
    promote("development", "staging", "1309");
    promote("staging", "production", "1309");
    let now = c.channel("production");
    assert_eq!(
        (&now["build"], &now["base"]["build"]),
        (&json!(1309), &json!(1308)),
        "others keep what they have"
    );
    let back = rollout(&["roll-back", "--to", "1308"]);
    assert_eq!(
        (&back["build"], &back["permille"]),
        (&json!(1308), &json!(1000))
    );
    let embedded = rollout(&["embedded"]);
    assert_eq!(
        (&embedded["release"], &embedded["verified"]),
        (&json!(null), &json!(null)),
        "no bundle, nothing to compare"
    );
    assert_eq!(c.channel("production")["state"], "embedded");

    let refreshed = c.json(&["refresh"]);
    assert_eq!(names(&refreshed["metadata"]), ["snapshot", "timestamp"]);

    let log = c.json(&["log"]);
    assert_eq!(
        (&log["verified_to"], &log["verified"]),
        (&json!(1), &json!(true))
    );
    let entries = log["entries"].as_array().unwrap();
    let actions: Vec<&str> = entries
        .iter()
        .map(|e| e["action"].as_str().unwrap())
        .collect();
    let newest_first = [
        "refresh",
        "embedded",
        "roll_back",
        "promote",
        "promote",
        "ship",
        "complete",
        "resume",
        "halt",
        "roll_out",
        "promote",
        "promote",
        "ship",
        "init",
    ];
    assert_eq!(actions, newest_first);
    assert!(entries.iter().all(|e| e["by"] == "mara"));
    assert_eq!(entries[8]["reason"], "a crash report");
    let text = c.run(&["log", "--limit", "2"]);
    assert!(
        text.out
            .ends_with("14 entries, chain verified to entry 1\n"),
        "{}",
        text.out
    );
    assert_eq!(
        text.out.lines().count(),
        4,
        "a head, two entries, one verdict"
    );
}

#[test]
fn verify_asks_as_a_device_from_folder_and_http_without_a_home() {
    let c = Computer::new("mara");
    c.init();
    let shipped = c.ship("4.2.5", "1308", "development");
    let url = serve(c.storage());
    let stranger = Computer {
        passphrase: None,
        ..Computer::new("device")
    };
    let root = c.root();
    let folder = format!("file://{}", c.storage().display()).replace(' ', "%20");
    for url in [&url, &folder] {
        let got = stranger.json(&[
            "verify",
            "--url",
            url,
            "--root",
            &root,
            "--channel",
            "development",
            "--download",
            "got",
        ]);
        assert_eq!(
            (&got["offer"], &got["release"]),
            (&json!("release"), &json!("main/4.2.5+1308")),
            "{url}"
        );
        assert_eq!(got["sha256"], shipped["sha256"]);
        let saved = std::fs::read(got["saved"].as_str().unwrap()).unwrap();
        assert_eq!(
            sha256(&saved),
            shipped["sha256"].as_str().unwrap(),
            "the saved bytes are the signed ones"
        );
    }
    assert!(
        !stranger.path("home").exists(),
        "a device has no home folder"
    );

    let ask = |more: &[&str]| {
        let base = [
            "verify",
            "--url",
            &url,
            "--root",
            &root,
            "--channel",
            "production",
        ];
        stranger.json(&[&base[..], more].concat())
    };
    c.json(&[
        "promote",
        "--build",
        "1308",
        "--from",
        "development",
        "--to",
        "production",
        "--percent",
        "0.1",
    ]);
    assert_eq!(
        ask(&[])["offer"],
        "release",
        "asked with an install id that the share reaches"
    );
    let share: Vec<_> = (0..20)
        .map(|n| ask(&["--install-id", &format!("phone-{n}")])["offer"] == "release")
        .collect();
    assert!(
        share.iter().filter(|got| **got).count() < 5,
        "0.1 % of the devices, not all: {share:?}"
    );

    // The reasons, line by line; the last one decided.
    let outside = (0..50)
        .map(|n| ask(&["--install-id", &format!("phone-{n}")]))
        .find(|got| got["offer"] != "release");
    let trace = &outside.unwrap()["trace"];
    assert_eq!(trace[0]["finding"], "not_in_share", "{trace}");
    assert_eq!(
        (&trace[0]["part"], &trace[0]["build"]),
        (&json!("entry"), &json!(1308))
    );
    let holder = ask(&["--running", "1308"]);
    assert_eq!(holder["offer"], "up_to_date");
    assert_eq!(holder["trace"][0]["finding"], "runs");

    // One flipped byte in storage, and nothing is believed.
    let bundle = c.storage().join(format!(
        "bundles/{}.zip",
        shipped["sha256"].as_str().unwrap()
    ));
    let mut bytes = std::fs::read(&bundle).unwrap();
    bytes[100] ^= 1;
    #[cfg(unix)]
    std::fs::set_permissions(&bundle, std::os::unix::fs::PermissionsExt::from_mode(0o600)).unwrap();
    std::fs::write(&bundle, bytes).unwrap();
    let wrong = stranger.fails(
        4,
        &[
            "verify",
            "--url",
            &url,
            "--root",
            &root,
            "--channel",
            "development",
            "--download",
            "bad",
        ],
    );
    assert_eq!(wrong["code"], "trust.hash");
    let left = std::fs::read_dir(stranger.path("bad")).unwrap().count();
    assert_eq!(left, 0, "bytes that are not as signed are thrown away");
}

#[test]
fn a_public_url_is_read_back_and_native_ranges_are_signed() {
    let c = Computer::new("mara");
    // Here init makes the vault itself.
    std::fs::create_dir(c.storage()).unwrap();
    let url = serve(c.storage());
    let (storage, vault) = (
        c.storage().display().to_string(),
        format!("file:{}", c.text("keys.age")),
    );
    let init = [
        "init",
        "--app",
        APP,
        "--name",
        "Acme Field",
        "--storage",
        &storage,
        "--public-url",
        &url,
        "--vault",
        &vault,
    ];
    c.json(&[&init[..], &["--channels", "beta,live"]].concat());
    let www = c.build("x");
    let native = [
        "--native-ios-min",
        "4.1.0",
        "--native-ios-max",
        "4.x",
        "--native-android-min",
        "5",
    ];
    let shipped = c.json(
        &[
            &[
                "ship",
                &www,
                "--version",
                "1.0.0",
                "--channel",
                "beta",
                "--percent",
                "12.5",
            ],
            &native[..],
        ]
        .concat(),
    );
    assert_eq!(
        (
            &shipped["public"],
            &shipped["address"],
            &shipped["verified"]
        ),
        (&json!(true), &json!(url), &json!(true))
    );
    assert_eq!(
        (&shipped["build"], &shipped["permille"]),
        (&json!(1), &json!(125))
    );
    let ask = |more: &[&str]| {
        c.json(
            &[
                &[
                    "verify",
                    "--url",
                    &url,
                    "--root",
                    &c.root(),
                    "--channel",
                    "beta",
                ],
                more,
            ]
            .concat(),
        )
    };
    assert_eq!(
        ask(&[])["native"],
        "4.1.0",
        "asked with a native version that the release runs on"
    );
    assert_eq!(ask(&["--native", "4.0.9"])["offer"], "nothing");
    assert_eq!(ask(&["--native", "4.9.1"])["offer"], "release");
    assert_eq!(
        ask(&["--platform", "android", "--native", "4.9.1"])["offer"],
        "nothing"
    );
}
