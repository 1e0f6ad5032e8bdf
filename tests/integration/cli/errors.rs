//! Every refusal has its code and its exit code, and changes nothing.

use std::fs;

use crate::harness::{APP, Computer};

#[test]
fn a_web_build_that_is_none_is_input_and_exits_3() {
    let c = Computer::new("mara");
    c.init();
    fs::create_dir(c.path("empty")).unwrap();
    fs::create_dir(c.path("docs")).unwrap();
    fs::write(c.path("docs/readme.txt"), "no page").unwrap();
    fs::write(c.path("notes.zip"), "not a zip").unwrap();
    let ship = |build: &str| {
        c.fails(
            3,
            &[
                "ship",
                build,
                "--version",
                "1.0.0",
                "--channel",
                "development",
            ],
        )["code"]
            .clone()
    };
    assert_eq!(ship("nowhere"), "build.missing");
    assert_eq!(ship("empty"), "build.empty");
    assert_eq!(ship("docs"), "build.no_index");
    assert_eq!(ship("notes.zip"), "zip.malformed");
    assert_eq!(c.fails(3, &["inspect", "nowhere"])["code"], "build.missing");
    assert_eq!(
        c.fails(3, &["pack", "empty", "-o", "x.zip"])["code"],
        "build.empty"
    );
    assert_eq!(c.channel("development")["state"], "empty");
}

#[test]
fn errors_of_a_build_block_until_each_is_allowed_with_a_reason() {
    let c = Computer::new("mara");
    c.init();
    let www = c.build("x");
    fs::write(c.path("www x/.env"), "API_URL=https://example.test\n").unwrap();
    let base = [
        "ship",
        www.as_str(),
        "--version",
        "1.0.0",
        "--channel",
        "development",
    ];
    let blocked = c.fails(3, &base);
    assert_eq!(blocked["code"], "build.findings");
    let findings = blocked["findings"].as_array().unwrap();
    let code = findings[0]["code"].as_str().unwrap().to_owned();
    assert!(
        findings.iter().all(|f| f["severity"] == "error") && findings[0]["path"] == ".env",
        "{blocked}"
    );
    let left = fs::read_dir(c.path("home/work")).unwrap().count();
    assert_eq!(left, 0, "what was packed for a refused release is removed");
    let text = c.run(&base);
    assert!(
        text.err.contains(&code) && text.out.is_empty(),
        "{}",
        text.err
    );
    let lines: Vec<&str> = text.err.lines().rev().take(4).collect();
    let starts = ["code: build.findings", "way out: ", "holds: ", "error: "];
    assert!(
        lines
            .iter()
            .zip(starts)
            .all(|(line, start)| line.starts_with(start)),
        "{}",
        text.err
    );
    let seen = c.run(&["inspect", &www, "--json"]);
    assert!(
        seen.code == 3 && seen.out.contains(&code),
        "the report is printed, and the pipeline stops"
    );

    assert_eq!(
        c.run(&[&base[..], &["--allow", &code]].concat()).code,
        2,
        "a reason is required"
    );
    assert_eq!(
        c.fails(
            3,
            &[&base[..], &["--allow", "other.code", "--reason", "x"]].concat()
        )["code"],
        "build.findings"
    );
    let shipped = c.json(
        &[
            &base[..],
            &["--allow", &code, "--reason", "holds nothing secret"],
        ]
        .concat(),
    );
    let manifests = fs::read_dir(c.storage().join("targets"))
        .unwrap()
        .flatten()
        .map(|e| fs::read_to_string(e.path()).unwrap());
    let recorded = manifests
        .filter(|m| m.contains("holds nothing secret") && m.contains(&code))
        .count();
    assert_eq!(recorded, 1, "the reason is signed with the release");
    assert_eq!(shipped["verified"], true);
    let all = ["--allow", "all", "--reason", "holds nothing secret"];
    c.json(
        &[
            &[
                "ship",
                www.as_str(),
                "--version",
                "1.0.1",
                "--channel",
                "development",
            ],
            &all[..],
        ]
        .concat(),
    );
}

#[test]
fn what_does_not_exist_or_is_taken_is_named() {
    let c = Computer::new("mara");
    c.init();
    c.ship("4.2.5", "1308", "development");
    let www = c.build("other");
    let ship = |exit: i32, version: &str, more: &[&str]| {
        let error = c.fails(
            exit,
            &[&["ship", &www, "--version", version], more].concat(),
        );
        error["code"].as_str().unwrap().to_owned()
    };
    assert_eq!(ship(2, "4.2.6", &["--channel", "nightly"]), "usage.unknown");
    assert_eq!(
        ship(2, "4.2.6", &["--channel", "Not A Name"]),
        "usage.argument"
    );
    assert_eq!(
        ship(2, "four", &["--channel", "development"]),
        "usage.argument"
    );
    assert_eq!(
        ship(5, "4.2.6", &["--channel", "development", "--build", "1308"]),
        "release.build_taken"
    );
    assert_eq!(
        ship(
            2,
            "4.2.6",
            &["--channel", "development", "--app", "com.acme.other"]
        ),
        "usage.no_workspace"
    );
    assert_eq!(
        ship(
            2,
            "4.2.6",
            &["--channel", "development", "--unit", "portal"]
        ),
        "usage.unknown"
    );
    assert_eq!(
        ship(
            2,
            "4.2.6",
            &["--channel", "development", "--percent", "0.05"]
        ),
        "usage.argument"
    );
    let promote = |exit: i32, build: &str, from: &str, to: &str| {
        c.fails(
            exit,
            &["promote", "--build", build, "--from", from, "--to", to],
        )["code"]
            .as_str()
            .unwrap()
            .to_owned()
    };
    assert_eq!(
        promote(5, "1309", "development", "staging"),
        "release.not_on_channel"
    );
    assert_eq!(
        promote(5, "1308", "staging", "production"),
        "release.not_on_channel"
    );
    assert_eq!(
        promote(2, "1308", "development", "nightly"),
        "usage.unknown"
    );
    let nothing = c.fails(5, &["rollout", "halt", "--channel", "staging"]);
    assert_eq!(nothing["code"], "rollout.state");
    assert_eq!(nothing["retryable"], false, "waiting changes nothing");
    assert_eq!(
        c.fails(
            5,
            &[
                "rollout",
                "roll-back",
                "--channel",
                "development",
                "--to",
                "7"
            ]
        )["code"],
        "release.not_approved"
    );
    assert_eq!(
        c.fails(2, &["rollout", "halt", "--channel", "nightly"])["code"],
        "usage.unknown"
    );
    assert_eq!(
        c.fails(2, &["keys", "export", "00000000", "-o", "k.age"])["code"],
        "usage.unknown"
    );
    assert_eq!(
        c.fails(2, &["jobs", "resume", "none"])["code"],
        "job.unknown"
    );
    assert_eq!(
        c.fails(
            2,
            &[
                "init",
                "--app",
                APP,
                "--name",
                "Again",
                "--storage",
                &c.text("new")
            ]
        )["code"],
        "usage.exists"
    );
    assert_eq!(
        c.fails(2, &["ship"])["code"],
        "usage.argument",
        "what clap refuses is JSON too"
    );
    c.init_as("com.acme.second", "Second");
    assert_eq!(c.fails(2, &["status"])["code"], "usage.which_workspace");
    let two = c.json(&["status", "--app", APP]);
    assert_eq!(
        two["channels"][0]["build"], 1308,
        "unchanged by all of the above"
    );
}

#[test]
fn a_vault_opens_with_its_passphrase_alone() {
    let mut c = Computer::new("mara");
    c.init();
    let www = c.build("x");
    let ship = [
        "ship",
        www.as_str(),
        "--version",
        "4.2.5",
        "--channel",
        "development",
    ];
    c.passphrase = Some("wrong");
    let wrong = c.fails(7, &ship);
    assert_eq!(wrong["code"], "key.wrong_password");
    assert!(
        !wrong.to_string().contains("wrong\""),
        "the passphrase is not repeated: {wrong}"
    );
    c.passphrase = None;
    let none = c.fails(7, &ship);
    assert_eq!(none["code"], "key.passphrase_needed");
    assert!(
        none["remedy"]
            .as_str()
            .unwrap()
            .contains("HEADGATE_VAULT_PASSPHRASE")
    );
    assert_eq!(
        c.channel("development")["state"],
        "empty",
        "looking needs no key"
    );
}

#[test]
fn storage_that_is_gone_exits_6_and_the_last_known_state_is_still_shown() {
    let c = Computer::new("mara");
    c.init();
    c.ship("4.2.5", "1308", "development");
    fs::rename(c.storage(), c.path("moved")).unwrap();
    let www = c.build("y");
    let gone = c.fails(
        6,
        &[
            "ship",
            &www,
            "--version",
            "4.2.6",
            "--channel",
            "development",
        ],
    );
    assert_eq!(gone["code"], "storage.missing");
    let status = c.run(&["status", "--json"]);
    assert_eq!(status.code, 6);
    let shown: serde_json::Value = serde_json::from_str(&status.out).unwrap();
    assert_eq!(
        (&shown["channels"][0]["build"], &shown["offline"]["code"]),
        (&1308.into(), &"storage.missing".into())
    );
    assert!(shown["as_of"].is_string(), "with its age");
    fs::rename(c.path("moved"), c.storage()).unwrap();
    c.json(&[
        "ship",
        &www,
        "--version",
        "4.2.6",
        "--channel",
        "development",
    ]);
}

#[test]
fn the_registry_of_another_app_is_not_believed() {
    let c = Computer::new("mara");
    c.init();
    let other = Computer::new("eve");
    let theirs = other.init_as("com.evil.app", "Evil");
    let root = other
        .path("ota com.evil.app/metadata/1.root.json")
        .display()
        .to_string();
    let storage = c.storage().display().to_string();
    let fingerprint = theirs["fingerprint"].as_str().unwrap();
    let tom = Computer::new("tom");
    let foreign = tom.fails(
        4,
        &[
            "connect",
            "--storage",
            &storage,
            "--root",
            &root,
            "--fingerprint",
            fingerprint,
        ],
    );
    assert_eq!(foreign["code"], "trust.other_workspace");
    let foreign = tom.fails(
        4,
        &[
            "verify",
            "--url",
            &storage,
            "--root",
            &root,
            "--channel",
            "development",
        ],
    );
    assert_eq!(foreign["code"], "trust.other_workspace");
    // A folder that was swapped under a workspace is noticed too.
    fs::remove_dir_all(c.storage()).unwrap();
    headgate_tests::copy_tree(&other.path("ota com.evil.app"), &c.storage());
    assert_eq!(c.fails(4, &["status"])["code"], "trust.other_workspace");
}
