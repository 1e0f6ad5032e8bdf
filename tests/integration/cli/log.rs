//! `headgate log --verify` and `--export`: what a scheduler and an auditor run.

use serde_json::{Value, json};

use crate::harness::Computer;

#[test]
fn a_whole_log_is_verified_and_exported_and_a_broken_one_names_its_first_bad_entry() {
    let mara = Computer::new("mara");
    mara.init();
    mara.ship("4.2.5", "1308", "development");
    let verified = mara.json(&["log", "--verify"]);
    assert_eq!(verified["verified"], true);
    assert_eq!(
        (&verified["total"], &verified["entries"]),
        (&json!(2), &json!([]))
    );
    assert_eq!(verified["head"].as_str().unwrap().len(), 64);
    let text = mara.run(&["log", "--verify"]);
    assert!(
        text.out.ends_with("2 entries, chain verified to entry 1\n"),
        "{}",
        text.out
    );
    assert_eq!(text.out.lines().count(), 2, "the head and the verdict");
    let all = mara.json(&["log"]);
    assert_eq!(
        all["entries"][0]["says"],
        "released 4.2.5, build 1308, to development"
    );
    assert_eq!(all["entries"][0]["state"], "verified");

    let (lines, table) = (mara.text("log.jsonl"), mara.text("log.csv"));
    let exported = mara.json(&["log", "--verify", "--export", &lines]);
    assert_eq!(exported["exported"], lines.as_str());
    mara.json(&["log", "--export", &table]);
    let written = std::fs::read_to_string(&lines).unwrap();
    let second: Value = serde_json::from_str(written.lines().nth(2).unwrap()).unwrap();
    let snapshot = std::fs::read_to_string(mara.storage().join("metadata/2.snapshot.json"));
    assert_eq!(second["files"][0]["text"], snapshot.unwrap().as_str());
    assert!(
        std::fs::read_to_string(&table)
            .unwrap()
            .starts_with("entry,at,by,")
    );
    assert_eq!(
        mara.fails(2, &["log", "--export", &table])["code"],
        "usage.exists"
    );
    assert_eq!(
        mara.fails(2, &["log", "--export", "log.txt"])["code"],
        "usage.argument"
    );

    std::fs::remove_file(mara.storage().join("metadata/1.main.production.json")).unwrap();
    // It is still the current version of its channel, so nothing else of this registry is believed either.
    let broken = mara.fails(4, &["log", "--verify"]);
    assert_eq!(broken["code"], "trust.log_broken");
    let says = broken["message"].as_str().unwrap();
    assert!(
        says.starts_with("Entry 1 is the first bad one: main.production version 1"),
        "{says}"
    );
    let shown = mara.run(&["log", "--verify", "--json"]);
    let answer: Value = serde_json::from_str(&shown.out).unwrap();
    assert_eq!(
        (&answer["verified"], &answer["first_bad"]["entry"]),
        (&json!(false), &json!(1))
    );
    let evidence = mara.text("broken.jsonl");
    mara.fails(4, &["log", "--export", &evidence]);
    let head: Value = serde_json::from_str(
        std::fs::read_to_string(&evidence)
            .unwrap()
            .lines()
            .next()
            .unwrap(),
    )
    .unwrap();
    assert_eq!(head["verdict"]["state"], "broken");
}
