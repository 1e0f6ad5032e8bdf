//! Keys move between computers in sealed files; a second computer connects by the root's fingerprint.

use serde_json::{Value, json};

use crate::harness::{Computer, names};

fn id(keys: &Value, name: &str) -> String {
    let found = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|k| k["name"] == name);
    found.unwrap_or_else(|| panic!("{name} in {keys}"))["id"]
        .as_str()
        .unwrap()
        .to_owned()
}

fn connect(second: &Computer, first: &Computer, fingerprint: &str) -> Value {
    let storage = first.storage().display().to_string();
    let vault = format!("file:{}", second.text("keys.age"));
    let root = first.root();
    second.json(&[
        "connect",
        "--storage",
        &storage,
        "--root",
        &root,
        "--fingerprint",
        fingerprint,
        "--vault",
        &vault,
    ])
}

#[test]
fn a_second_computer_connects_imports_keys_and_ships() {
    let mara = Computer::new("mara");
    let made = mara.init();
    mara.ship("4.2.5", "1308", "development");
    let tom = Computer {
        passphrase: Some("another passphrase"),
        ..Computer::new("tom")
    };
    let connected = connect(&tom, &mara, made["fingerprint"].as_str().unwrap());
    assert_eq!(
        (&connected["app"], &connected["fingerprint"]),
        (&made["app"], &made["fingerprint"])
    );
    assert!(
        connected["checks"]
            .as_array()
            .unwrap()
            .iter()
            .all(|c| c["ok"] == true),
        "{connected}"
    );
    assert_eq!(
        tom.json(&["keys", "list"])["keys"],
        json!([]),
        "no key came with it"
    );
    assert_eq!(tom.channel("development")["build"], 1308);

    let www = tom.build("4.2.6");
    let ship = [
        "ship",
        www.as_str(),
        "--version",
        "4.2.6",
        "--channel",
        "development",
    ];
    let refused = tom.fails(7, &ship);
    assert_eq!(
        refused["code"], "key.not_a_signer",
        "not: a vault file is missing"
    );
    let embedded = ["rollout", "embedded", "--channel", "development"];
    assert_eq!(tom.fails(7, &embedded)["code"], "key.not_a_signer");

    let keys = mara.json(&["keys", "list"]);
    for name in ["Acme Field release", "Acme Field online"] {
        let file = tom.text(&format!("{name}.age"));
        let exported = mara.json(&["keys", "export", &id(&keys, name), "-o", &file]);
        assert_eq!(exported["path"], file.as_str());
        let imported = tom.json(&["keys", "import", &file, "--name", name]);
        assert_eq!(
            (&imported["id"], &imported["here"]),
            (&json!(id(&keys, name)), &json!(true))
        );
        assert!(!imported["roles"].as_array().unwrap().is_empty());
        assert!(
            !std::fs::read_to_string(&file)
                .unwrap_or_default()
                .contains("seed"),
            "sealed"
        );
    }
    let shipped = tom.json(&ship);
    assert_eq!(
        (&shipped["build"], &shipped["verified"]),
        (&json!(1309), &json!(true)),
        "the next free number"
    );
    let log = mara.json(&["log", "--limit", "1"]);
    assert_eq!(
        (&log["entries"][0]["by"], &log["verified_to"]),
        (&json!("tom"), &json!(1))
    );
}

#[test]
fn a_freshness_key_is_made_here_or_accepted_from_elsewhere_by_a_root_change() {
    let mara = Computer::new("mara");
    let made = mara.init();
    mara.ship("4.2.5", "1308", "development");
    let own = mara.json(&["keys", "create", "--name", "CI of Acme"]);
    assert_eq!((&own["accepted"], &own["root"]), (&json!(true), &json!(2)));
    let keys = mara.json(&["keys", "list"]);
    let row = keys["keys"]
        .as_array()
        .unwrap()
        .iter()
        .find(|k| k["id"] == own["id"])
        .unwrap()
        .clone();
    assert_eq!(row["roles"], json!(["snapshot", "timestamp"]));

    let tom = Computer::new("tom");
    connect(&tom, &mara, made["fingerprint"].as_str().unwrap());
    let theirs = tom.json(&["keys", "create", "--name", "Scheduler"]);
    assert_eq!(
        theirs["accepted"],
        json!(false),
        "only an owner changes the root"
    );
    assert_eq!(tom.fails(7, &["refresh"])["code"], "key.not_a_signer");
    let public = tom.json(&[
        "keys",
        "export-public",
        &theirs["id"].as_str().unwrap()[..8],
    ]);
    let hex = public["keys"][0]["public"].as_str().unwrap();
    let accepted = mara.json(&["keys", "import", "--public", hex, "--name", "Scheduler"]);
    assert_eq!(
        (&accepted["root"], &accepted["id"]),
        (&json!(3), &theirs["id"])
    );
    let refreshed = tom.json(&["refresh"]);
    assert_eq!(names(&refreshed["metadata"]), ["snapshot", "timestamp"]);
    // A device that knows the first root alone still gets there.
    let storage = mara.storage().display().to_string();
    let got = tom.json(&[
        "verify",
        "--url",
        &storage,
        "--root",
        &mara.root(),
        "--channel",
        "development",
    ]);
    assert_eq!((&got["root"], &got["build"]), (&json!(3), &json!(1308)));
    assert_eq!(
        mara.json(&["log"])["verified_to"],
        1,
        "the log verifies over root changes"
    );
}

#[test]
fn a_root_is_believed_only_when_its_fingerprint_is_given() {
    let mara = Computer::new("mara");
    let made = mara.init();
    let tom = Computer::new("tom");
    let (storage, root) = (mara.storage().display().to_string(), mara.root());
    let base = [
        "connect",
        "--storage",
        storage.as_str(),
        "--root",
        root.as_str(),
    ];
    let unasked = tom.fails(2, &base);
    assert_eq!(unasked["code"], "usage.confirmation");
    assert!(
        unasked["remedy"]
            .as_str()
            .unwrap()
            .contains("--fingerprint"),
        "{unasked}"
    );
    let wrong = tom.fails(
        4,
        &[&base[..], &["--fingerprint", &"0".repeat(64)]].concat(),
    );
    assert_eq!(wrong["code"], "trust.root");
    assert_eq!(
        tom.fails(2, &["status"])["code"],
        "usage.no_workspace",
        "nothing was added"
    );
    let groups: String = made["fingerprint"]
        .as_str()
        .unwrap()
        .as_bytes()
        .chunks(4)
        .map(|c| format!("{} ", String::from_utf8_lossy(c)))
        .collect();
    tom.json(&[&base[..], &["--fingerprint", groups.to_uppercase().trim()]].concat());
    let twice = tom.fails(2, &[&base[..], &["--fingerprint", &groups]].concat());
    assert_eq!(twice["code"], "usage.exists");
}

#[test]
fn a_key_is_listed_shown_backed_up_proven_retired_and_deleted() {
    let mara = Computer::new("mara");
    mara.init();
    let list = mara.json(&["keys", "list"]);
    let release = id(&list, "Acme Field release");
    assert_eq!(list["others"], json!([]));
    assert_eq!(list["roles"][0]["role"], "root");
    assert_eq!(list["expiry"][0]["role"], "freshness");
    assert_eq!(list["expiry"][0]["level"], "fine");
    let shown = mara.json(&["keys", "show", &release[..8]]);
    assert_eq!(shown["purpose"], "Owns the root; approves every channel");
    assert_eq!(
        (
            shown["words"].as_array().unwrap().len(),
            &shown["word_bits"]
        ),
        (12, &json!(132))
    );
    let text = mara.run(&["keys", "show", &release]).out;
    assert!(text.contains(&format!("{} {}", &release[..4], &release[4..8])));
    assert!(text.contains("first 132 bits") && text.contains("backup"));

    let spare = mara.json(&["keys", "create", "--name", "Spare", "--role"]);
    assert_eq!(spare["accepted"], false);
    let spare = spare["id"].as_str().unwrap().to_owned();
    let file = mara.text("spare.age");
    mara.json(&["keys", "export", &spare, "-o", &file]);
    let again = mara.fails(2, &["keys", "export", &spare, "-o", &file]);
    assert_eq!(again["code"], "usage.exists");
    let other = mara.fails(7, &["keys", "drill", &release, &file]);
    assert_eq!(other["code"], "key.file");
    mara.json(&["keys", "drill", &spare, &file]);
    assert!(mara.json(&["keys", "show", &spare])["drilled"].is_string());

    let needed = mara.fails(7, &["keys", "retire", &release]);
    assert_eq!(needed["code"], "key.in_use");
    let needed = mara.fails(
        7,
        &[
            "keys",
            "delete",
            &release,
            "--confirm",
            "Acme Field release",
        ],
    );
    assert_eq!(needed["code"], "key.in_use", "no backup of it is proven");
    mara.json(&["keys", "retire", &spare]);
    assert!(mara.json(&["keys", "show", &spare])["retired"].is_string());
    let wrong = mara.fails(2, &["keys", "delete", &spare, "--confirm", "spare"]);
    assert_eq!(wrong["code"], "usage.confirmation");
    mara.json(&["keys", "delete", &spare, "--confirm", "Spare"]);
    assert_eq!(
        mara.fails(2, &["keys", "show", &spare])["code"],
        "usage.unknown"
    );
    mara.json(&["keys", "import", &file, "--name", "Spare"]);
    assert_eq!(mara.json(&["keys", "show", &spare])["here"], true);
}

#[test]
fn key_files_of_other_tools_are_taken_for_a_channels_apps() {
    const PEM: &str = include_str!("../../../crates/signer/src/rsa/keys/pkcs1.pem");
    let mara = Computer::new("mara");
    mara.init();
    // Capgo's name for it.
    let file = mara.text(".capgo_key_v2");
    std::fs::write(&file, PEM).unwrap();
    let import = |file: &str| -> Vec<String> {
        [
            "keys",
            "import",
            file,
            "--name",
            "Acme apps",
            "--channel",
            "production",
        ]
        .map(str::to_owned)
        .to_vec()
    };
    let args = import(&file);
    let args: Vec<&str> = args.iter().map(String::as_str).collect();
    let made = mara.json(&args);
    assert_eq!(
        (&made["channel"], &made["accepted"]),
        (&json!("production"), &json!(true))
    );
    let key = made["id"].as_str().unwrap();
    let shown = mara.json(&["keys", "show", key]);
    assert_eq!(
        (&shown["algorithm"], &shown["channels"]),
        (&json!("RSA-2048"), &json!(["production"]))
    );
    let backup = mara.text("apps.age");
    mara.json(&["keys", "export", key, "-o", &backup]);
    mara.json(&["keys", "drill", key, &backup]);
    for (name, content) in [
        (
            ".capgo_key_v2.pub",
            "-----BEGIN RSA PUBLIC KEY-----\nMIIB\n-----END RSA PUBLIC KEY-----\n",
        ),
        ("key.p12", "PK\u{3}\u{4}"),
        ("empty.pem", ""),
    ] {
        let file = mara.text(name);
        std::fs::write(&file, content).unwrap();
        let refused = mara.fails(7, &["keys", "import", &file, "--name", "x"]);
        assert_eq!(refused["code"], "key.file", "{name}");
    }
    let made = mara.json(&[
        "keys",
        "create",
        "--rsa",
        "--channel",
        "staging",
        "--name",
        "Staging apps",
    ]);
    assert_eq!(made["channel"], "staging");
}
