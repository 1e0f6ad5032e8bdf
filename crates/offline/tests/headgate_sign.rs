//! `headgate-sign` as a person or a script runs it.
#![allow(clippy::unwrap_used, reason = "a failed expectation is the test")]

#[path = "../../core/tests/signing/world.rs"]
mod world;

use std::fs;
use std::path::Path;
use std::process::{Command, Output};

use headgate_core::signing::SigningResponse;
use headgate_tuf::sha256_hex;
use serde_json::Value;
use world::*;

fn run(home: &Path, args: &[&str]) -> Output {
    Command::new(env!("CARGO_BIN_EXE_headgate-sign"))
        .args(["--json", "--home"])
        .arg(home)
        .args(args)
        .current_dir(home)
        .env("HEADGATE_VAULT_PASSPHRASE", "one two three")
        .env("HEADGATE_EXPORT_PASSPHRASE", "four five six")
        .env_remove("HEADGATE_HOME")
        .output()
        .unwrap()
}

fn good(home: &Path, args: &[&str]) -> Value {
    let output = run(home, args);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{args:?}: {said}");
    serde_json::from_slice(&output.stdout).unwrap()
}

fn bad(home: &Path, args: &[&str]) -> (i32, Value) {
    let output = run(home, args);
    assert!(!output.status.success(), "{args:?} succeeded");
    (
        output.status.code().unwrap(),
        serde_json::from_slice(&output.stderr).unwrap(),
    )
}

#[test]
fn from_set_up_to_the_answer() {
    let dir = tempfile::tempdir().unwrap();
    let home = dir.path();
    let station = headgate_offline::Workstation::open(home).unwrap();
    set_now(station.now().unix() - 60);
    let key = good(
        home,
        &["keys", "create", "--name", "Ines 2026", "--vault", "file:v"],
    );
    let public = headgate_offline::public_key(key["public"].as_str().unwrap()).unwrap();
    let world = World::with_key(&public);
    fs::write(home.join("1.root.json"), &world.root).unwrap();

    // Nothing is believed before the words were compared.
    let (code, problem) = bad(home, &["setup", "1.root.json"]);
    assert_eq!(
        (code, problem["code"].as_str()),
        (2, Some("usage.confirmation"))
    );
    let other = "ab".repeat(32);
    let (code, _) = bad(home, &["setup", "1.root.json", "--fingerprint", &other]);
    assert_eq!(code, 4);
    let print = sha256_hex(&world.root);
    let pinned = good(home, &["setup", "1.root.json", "--fingerprint", &print]);
    assert_eq!(pinned["app"], APP);

    let request = world.request();
    fs::write(home.join("r.hgrequest"), request.to_bytes().unwrap()).unwrap();
    let shown = good(home, &["show", "r.hgrequest"]);
    assert_eq!(shown["title"], "Approve 4.2.7 for production");
    assert_eq!(shown["alarms"].as_array().unwrap().len(), 0);
    let listed = good(home, &["list", "."]);
    assert_eq!(listed["requests"][0]["standing"], "to_sign");

    let signed = good(
        home,
        &[
            "sign",
            "r.hgrequest",
            "--vault",
            "file:v",
            "-o",
            "r.hgresponse",
        ],
    );
    assert_eq!(signed["response"]["request"], request.id.as_str());
    let response = SigningResponse::parse(&fs::read(home.join("r.hgresponse")).unwrap()).unwrap();
    assert_eq!(response.request, request.id);
    let (code, problem) = bad(home, &["sign", "r.hgrequest", "-o", "r.hgresponse"]);
    assert_eq!((code, problem["code"].as_str()), (2, Some("usage.exists")));

    // An alarm is named, and accepted by its kind.
    let mut late = request.clone();
    late.id = "22".repeat(16);
    late.expires = now();
    fs::write(home.join("late.hgrequest"), late.to_bytes().unwrap()).unwrap();
    let (code, problem) = bad(home, &["sign", "late.hgrequest"]);
    assert_eq!((code, problem["code"].as_str()), (4, Some("signing.alarm")));
    assert_eq!(problem["detail"], "request");
    good(home, &["sign", "late.hgrequest", "--accept", "request"]);
    assert!(home.join("22222222-ines-2026.hgresponse").exists());
    assert!(
        !run(home, &["sign", "late.hgrequest", "--accept", "everything"])
            .status
            .success()
    );

    good(
        home,
        &[
            "refuse",
            "late.hgrequest",
            "--reason",
            "Too late",
            "-o",
            "no.hgresponse",
        ],
    );
    good(home, &["qr", "r.hgresponse", "-o", "r.png"]);
    let exported = good(home, &["keys", "export", "Ines 2026", "-o", "ines.age"]);
    assert!(exported["size"].as_u64().unwrap() > 100);

    let history = good(home, &["history"]);
    let did: Vec<&str> = history["history"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["did"].as_str().unwrap())
        .collect();
    assert_eq!(
        did,
        [
            "key_created",
            "pinned",
            "signed",
            "signed",
            "refused",
            "key_exported"
        ]
    );
    assert!(
        history["history"][3]["accepted"][0]
            .as_str()
            .unwrap()
            .starts_with("request: ")
    );
    good(home, &["history", "--export", "h.jsonl"]);
    assert_eq!(
        fs::read_to_string(home.join("h.jsonl"))
            .unwrap()
            .lines()
            .count(),
        6
    );

    // The key is back on another workstation.
    let second = tempfile::tempdir().unwrap();
    let from = home.join("ines.age");
    let again = good(
        second.path(),
        &[
            "keys",
            "import",
            from.to_str().unwrap(),
            "--name",
            "Ines",
            "--vault",
            "file:w",
        ],
    );
    assert_eq!(again["id"], key["id"]);
}

#[test]
fn a_file_that_is_no_request_is_refused_with_its_code() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("x.hgrequest"), b"{}").unwrap();
    let (code, problem) = bad(dir.path(), &["show", "x.hgrequest"]);
    assert_eq!(
        (code, problem["code"].as_str()),
        (3, Some("signing.format"))
    );
}
