//! The audit log under attack: whoever writes the storage without a key is noticed, and the first bad entry is named.

use std::collections::BTreeMap;

use headgate_engine::{AuditLog, EntryState, Fault, LogFormat, LogRead, LogVerdict, export};
use headgate_tests::{code, settle};
use headgate_tuf::metadata::Snapshot;

use super::log_words::history;
use super::registry::Registry;
use headgate_core::Code;

async fn read(r: &Registry, how: LogRead) -> AuditLog {
    let id = &r.anna.workspace.id;
    r.anna.console.audit(id, how).await.unwrap()
}

/// The first bad entry, as the log read anew names it.
async fn broken(r: &Registry) -> (u64, Fault, AuditLog) {
    let log = read(r, LogRead::Anew).await;
    match log.verdict.clone() {
        LogVerdict::Broken { entry, fault } => (entry, fault, log),
        LogVerdict::Verified { .. } => panic!("this log is broken"),
    }
}

async fn whole(r: &Registry, entries: usize) {
    let log = read(r, LogRead::Anew).await;
    let head = log.entries.last().unwrap().hash.clone();
    assert_eq!(log.verdict, LogVerdict::Verified { entries, head });
}

/// Entry that committed a version of a role.
fn committed(log: &AuditLog, role: &str, version: u64) -> u64 {
    let of = |r: &headgate_engine::LogRole| r.role == role && r.version == version;
    log.entries
        .iter()
        .find(|e| e.roles.iter().any(of))
        .unwrap()
        .number
}

#[tokio::test]
async fn every_changed_or_missing_file_names_the_entry_that_committed_it() {
    let r = history().await;
    let good = read(&r, LogRead::Anew).await;
    let count = good.entries.len();
    let files: Vec<(u64, String)> = good
        .entries
        .iter()
        .flat_map(|e| e.files.iter().map(|f| (e.number, f.name.clone())))
        .collect();
    assert!(files.len() > count);
    for (entry, key) in files {
        let bytes = r.bytes(&key);
        let text = String::from_utf8(bytes.clone()).unwrap();
        // Another time inside what is signed: still canonical, and no signature fits it any more.
        let changed = text.replacen("\"at\":\"2026-06-01T", "\"at\":\"2026-06-02T", 1);
        assert_ne!(changed, text, "{key}");
        r.put(&key, changed.as_bytes());
        let (bad, fault, log) = broken(&r).await;
        // A root that cannot be believed says nothing: the entry after it is the first that needs it.
        let root = u64::from(key == "metadata/2.root.json");
        assert_eq!(bad, entry + root, "{key} changed: {}", fault.text());
        assert!(root == 0 || fault.role == "root", "{key}: {}", fault.text());
        let shown = log.entries.iter().filter(|e| e.number < entry).count();
        let older = good.entries.iter().filter(|e| e.number < entry).count();
        assert_eq!(shown, older, "{key}: entries before the break are shown");
        std::fs::remove_file(r.path(&key)).unwrap();
        let (bad, fault, _) = broken(&r).await;
        assert_eq!(bad, entry + root, "{key} missing: {}", fault.text());
        assert!(root == 0 || fault.role == "root", "{key}: {}", fault.text());
        r.put(&key, &bytes);
    }
    whole(&r, count).await;
}

#[tokio::test]
async fn a_file_whose_signatures_still_hold_is_given_away_by_the_next_version() {
    let r = history().await;
    let good = read(&r, LogRead::Anew).await;
    let stranger = serde_json::json!({"keyid": "ab".repeat(32), "sig": "cd".repeat(64)});
    for (key, entry) in [
        ("metadata/2.snapshot.json", 2),
        ("metadata/1.main.production.rollout.json", 1),
        (
            "metadata/2.main.production.rollout.json",
            committed(&good, "main.production.rollout", 2),
        ),
        ("metadata/1.targets.json", 1),
    ] {
        let bytes = r.bytes(key);
        let text = String::from_utf8(bytes.clone()).unwrap();
        let forged = text.replacen(
            "\"signatures\":[",
            &format!("\"signatures\":[{stranger},"),
            1,
        );
        r.put(key, forged.as_bytes());
        let (bad, fault, _) = broken(&r).await;
        assert_eq!(bad, entry, "{key}: {}", fault.text());
        assert!(fault.why.contains("names"), "{key}: {}", fault.text());
        r.put(key, &bytes);
    }
}

#[tokio::test]
async fn a_reordered_log_names_the_older_of_the_two() {
    let r = history().await;
    let [three, four] = ["metadata/3.snapshot.json", "metadata/4.snapshot.json"];
    let (a, b) = (r.bytes(three), r.bytes(four));
    r.put(three, &b);
    r.put(four, &a);
    let (entry, fault, log) = broken(&r).await;
    assert_eq!((entry, fault.role.as_str()), (3, "snapshot"));
    assert!(fault.why.contains("holds entry 4"), "{}", fault.why);
    let state = |n: u64| {
        log.entries
            .iter()
            .find(|e| e.number == n)
            .map(|e| e.state.clone())
    };
    assert_eq!(state(2), Some(EntryState::Unlinked));
    assert_eq!(state(5), Some(EntryState::Proven));
}

#[tokio::test]
async fn a_log_that_was_cut_at_either_end_is_broken() {
    let r = history().await;
    let good = read(&r, LogRead::Anew).await;
    let head = good.entries.last().unwrap().number;
    // The oldest entries are gone.
    let (one, two) = (
        r.bytes("metadata/1.snapshot.json"),
        r.bytes("metadata/2.snapshot.json"),
    );
    for file in ["metadata/1.snapshot.json", "metadata/2.snapshot.json"] {
        std::fs::remove_file(r.path(file)).unwrap();
    }
    let (entry, fault, log) = broken(&r).await;
    assert_eq!(entry, 1, "{}", fault.text());
    assert_eq!(log.entries.len(), good.entries.len() - 2);
    r.put("metadata/1.snapshot.json", &one);
    r.put("metadata/2.snapshot.json", &two);
    // The newest entries are gone: storage was put back to an older timestamp, signed and whole.
    let before = r.bytes("metadata/timestamp.json");
    let job = r
        .anna
        .console
        .set_device_id(&r.anna.workspace.id, "main", "ionic", None)
        .await;
    settle(&r.anna, job).await;
    r.put("metadata/timestamp.json", &before);
    let (entry, fault, log) = broken(&r).await;
    assert_eq!(entry, head + 1);
    assert!(fault.why.contains("was seen before"), "{}", fault.why);
    assert_eq!(log.entries.len(), good.entries.len());
}

#[tokio::test]
async fn a_wrong_key_names_its_entry() {
    let r = history().await;
    let good = read(&r, LogRead::Anew).await;
    // The holder of the online key alone signs an approval of an old version anew.
    let role = r.role("main.staging");
    let bytes = r.bytes("metadata/2.main.staging.json");
    r.sign("2.main.staging.json", &role, &[&r.online]);
    let (entry, fault, _) = broken(&r).await;
    assert_eq!(entry, committed(&good, "main.staging", 2));
    assert_eq!((fault.role.as_str(), fault.version), ("main.staging", 2));
    assert!(fault.why.contains("0 of 1 signatures"), "{}", fault.why);
    r.put("metadata/2.main.staging.json", &bytes);
    // The release key signs an entry, which it may not.
    let snapshot: Snapshot = r.meta("2.snapshot.json");
    r.sign("2.snapshot.json", &snapshot, &[&r.release]);
    let (entry, _, _) = broken(&r).await;
    assert_eq!(entry, 2);
    let refused = r.anna.log().await;
    assert!(
        refused
            .as_ref()
            .is_err_and(|p| p.message.contains("Entry 2 ")),
        "{refused:?}"
    );
    assert_eq!(code(refused), Code::TrustLog);
}

#[tokio::test]
async fn a_key_that_an_entry_left_behind_signs_nothing_after_it() {
    use headgate_tuf::metadata::{Header, Root};
    let r = history().await;
    let root: Root = r.meta("2.root.json");
    let fresh = root.roles["timestamp"]
        .keyids
        .iter()
        .find(|id| **id != r.online.id().unwrap());
    let fresh = root.keys[fresh.unwrap()].clone();
    // A root that takes the first freshness key out, by its owners, as a rotation would end.
    let mut roles = root.roles.clone();
    for role in ["snapshot", "timestamp"] {
        roles
            .get_mut(role)
            .unwrap()
            .keyids
            .remove(&r.online.id().unwrap());
    }
    let header = |action: &str, prev: &[u8]| Header {
        action: action.into(),
        prev: Some(headgate_tuf::sha256_hex(prev)),
        ..root.x.header.clone()
    };
    let x = headgate_tuf::metadata::RootHeader {
        header: header("rotate", &r.bytes("metadata/2.root.json")),
        ..root.x.clone()
    };
    let keys = root.keys.clone();
    let next = Root::new(3, root.expires, keys, roles, x);
    let timestamp: headgate_tuf::metadata::Timestamp = r.meta("timestamp.json");
    let commit = |action: &str, keys: &[&headgate_tuf::PublicKey]| {
        let timestamp: headgate_tuf::metadata::Timestamp = r.meta("timestamp.json");
        let newest = timestamp.snapshot();
        let file = format!("{newest}.snapshot.json");
        let mut snapshot: Snapshot = r.meta(&file);
        snapshot.version += 1;
        snapshot.x = header(action, &r.bytes(&format!("metadata/{file}")));
        r.sign(&format!("{}.snapshot.json", newest + 1), &snapshot, keys);
        let next = headgate_tuf::metadata::Timestamp::new(
            timestamp.version + 1,
            timestamp.expires,
            newest + 1,
        );
        r.sign("timestamp.json", &next, &[&r.online, &fresh]);
        newest + 1
    };
    commit("rotate", &[&r.online, &fresh]);
    r.sign("3.root.json", &next, &[&r.release]);
    let count = usize::try_from(timestamp.snapshot()).unwrap() + 1;
    whole(&r, count).await;
    // The old key signs on top of it; then the new one signs on top of that, as if nothing were wrong.
    let bad = commit("refresh", &[&r.online]);
    commit("refresh", &[&fresh]);
    let (entry, fault, _) = broken(&r).await;
    assert_eq!(entry, bad);
    assert!(fault.why.contains("names no more"), "{}", fault.why);
}

#[tokio::test]
async fn a_second_opening_asks_storage_for_new_files_alone_and_offline_for_none() {
    let r = history().await;
    let first = read(&r, LogRead::New).await;
    assert_eq!(first.cached, 0);
    let second = read(&r, LogRead::New).await;
    assert_eq!(second.verdict, first.verdict);
    assert!(second.cached > second.entries.len());
    assert_eq!(second.proven_at, None);
    // A file that somebody changes later is noticed when everything is read again, and not from the copy.
    let key = "metadata/2.main.staging.json";
    let bytes = r.bytes(key);
    r.put(key, b"{}");
    let copy = read(&r, LogRead::New).await;
    assert!(
        matches!(copy.verdict, LogVerdict::Broken { .. }),
        "it is still the current version"
    );
    let old = "metadata/1.main.staging.json";
    r.put(key, &bytes);
    let kept = r.bytes(old);
    r.put(old, b"{}");
    assert_eq!(read(&r, LogRead::New).await.verdict, first.verdict);
    assert_eq!(broken(&r).await.0, 1);
    r.put(old, &kept);
    let anew = read(&r, LogRead::Anew).await;
    assert_eq!(anew.proven_at, anew.read_at);
    // Storage is away.
    let away = r.bench.dir.path().join("away");
    std::fs::rename(r.bench.storage(), &away).unwrap();
    let offline = read(&r, LogRead::New).await;
    assert_eq!(offline.verdict, first.verdict);
    assert!(offline.offline.is_some());
    let id = &r.anna.workspace.id;
    assert!(r.anna.console.audit(id, LogRead::Anew).await.is_err());
    std::fs::rename(away, r.bench.storage()).unwrap();
}

#[tokio::test]
async fn an_export_holds_the_exact_signed_bytes_and_no_formula() {
    let r = history().await;
    let job = r.anna.console.rollout(
        &r.anna.workspace.id,
        "main",
        "staging",
        headgate_engine::RolloutChange::Embedded,
        "=HYPERLINK(\"http://evil\")",
    );
    settle(&r.anna, job.await).await;
    let log = read(&r, LogRead::Anew).await;
    let lines = export(&log, LogFormat::JsonLines);
    let mut files = BTreeMap::new();
    let mut hashes = Vec::new();
    for (index, line) in lines.lines().enumerate() {
        let value: serde_json::Value = serde_json::from_str(line).unwrap();
        if index == 0 {
            assert_eq!(value["verdict"]["state"], "verified");
            continue;
        }
        hashes.push((
            value["prev"].clone(),
            value["hash"].clone(),
            value["next"].clone(),
        ));
        for file in value["files"].as_array().unwrap() {
            let name = file["name"].as_str().unwrap().to_owned();
            files.insert(name, file["text"].as_str().unwrap().to_owned());
        }
    }
    for (name, text) in &files {
        assert_eq!(text.as_bytes(), r.bytes(name), "{name}");
    }
    assert!(files.contains_key("metadata/2.root.json"));
    assert_eq!(hashes.len(), log.entries.len());
    for pair in hashes.windows(2) {
        assert_eq!((&pair[0].1, &pair[0].2), (&pair[1].0, &pair[1].1));
    }
    let table = export(&log, LogFormat::Csv);
    assert_eq!(table.matches("\r\n").count(), log.entries.len() + 1);
    assert!(
        table.contains("\"'=HYPERLINK(\"\"http://evil\"\")\""),
        "{table}"
    );
}
