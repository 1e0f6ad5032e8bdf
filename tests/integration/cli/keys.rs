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
