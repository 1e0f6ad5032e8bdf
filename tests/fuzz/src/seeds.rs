//! Valid inputs to start from, made by code.

#[path = "../../../crates/bundle/tests/support/mod.rs"]
pub(crate) mod support;

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::files::{Encoding, FilesMap, StoredBytes, StoredFile};
use headgate_core::inventory::{Inventory, InventoryFile};
use headgate_tuf::metadata::{
    Delegation, Delegations, Hashes, Header, MetaVersion, RoleKeys, Root, RootHeader, Snapshot,
    TargetFile, Targets, Timestamp,
};
use headgate_tuf::{Envelope, Metadata, PublicKey, RoleBytes, RoleName, UtcTime};
use support::{Around, Entry, deflated, stored, zip, zip_with};

/// Valid inputs of a reader, by the name of its fuzz target.
pub fn seeds(target: &str) -> Vec<Vec<u8>> {
    match target {
        "zip" => zips(),
        "inventory" => inventories(),
        "files_map" => maps(),
        "manifest" => vectors(
            include_str!("../../fixtures/vectors/manifest.json"),
            "cases",
        ),
        "rollout" => vectors(include_str!("../../fixtures/vectors/rollout.json"), "read"),
        "metadata" => metadata(),
        "json" => [
            metadata(),
            maps(),
            vec![b"[null,true,-1,\"\\u00e9\"]".to_vec()],
        ]
        .concat(),
        "stored" => brotli(),
        other => panic!("no target {other}"),
    }
}

/// An `index.html`, without which nothing packs.
pub(crate) fn index() -> Entry {
    deflated("index.html", b"<!doctype html><script src=a.js></script>")
}

fn zips() -> Vec<Vec<u8>> {
    let script = deflated("a.js", &b"let a = 1;\n".repeat(50));
    let folder = Entry {
        attributes: 0x10,
        ..stored("d/", b"")
    };
    let mut descriptor = b"PK\x07\x08".to_vec();
    for word in [script.crc, script.compressed, script.size] {
        descriptor.extend(word.to_le_bytes());
    }
    let streamed = Entry {
        flags: script.flags | 8,
        local_crc: Some(0),
        local_sizes: Some((0, 0)),
        descriptor,
        ..script.clone()
    };
    let commented = Around {
        comment: b"made by a builder".to_vec(),
        ..Around::default()
    };
    vec![
        zip(&[index(), script.clone(), stored("e", b"")]),
        zip(&[folder, index(), stored("d/b.bin", b"\0\x01\x02")]),
        zip(&[index(), streamed]),
        zip_with(&[index()], &commented),
        zip(&[
            deflated("app/index.html", b"x"),
            stored("app/caf\u{e9}.js", b"y"),
        ]),
    ]
}

fn hash(n: u8) -> String {
    format!("{n:02x}").repeat(32)
}

fn stored_file(path: &str, n: u8, size: u64, brotli: Option<u64>) -> StoredFile {
    let stored = match brotli {
        None => StoredBytes::plain(hash(n), size),
        Some(size) => StoredBytes {
            sha256: hash(n + 100),
            size,
            encoding: Encoding::Brotli,
        },
    };
    StoredFile {
        path: path.to_owned(),
        sha256: hash(n),
        size,
        stored,
    }
}

fn maps() -> Vec<Vec<u8>> {
    let files = vec![
        stored_file("a.js", 1, 900, Some(300)),
        stored_file("copy/a.js", 1, 900, Some(300)),
        stored_file("index.html", 2, 40, None),
        stored_file("vide\u{301}o \"x\".mp4", 3, 1 << 40, None),
    ];
    let nfc = |mut file: StoredFile| {
        file.path = file.path.replace("e\u{301}", "\u{e9}");
        file
    };
    let files: Vec<StoredFile> = files.into_iter().map(nfc).collect();
    let some = |n: usize| FilesMap {
        files: files[..n].to_vec(),
    };
    [0, 1, 4].map(|n| some(n).to_bytes().unwrap()).to_vec()
}

fn inventories() -> Vec<Vec<u8>> {
    let file = |n: u8| InventoryFile {
        path: format!("js/{n:02}.js"),
        size: u64::from(n) * 1000,
        sha256: hash(n),
    };
    let make = |n: u8| Inventory {
        files: (0..n).map(file).collect(),
    };
    [0, 1, 5].map(|n| make(n).to_bytes().unwrap()).to_vec()
}

/// Texts of the golden vectors that others made.
fn vectors(json: &str, list: &str) -> Vec<Vec<u8>> {
    let vectors: serde_json::Value = serde_json::from_str(json).unwrap();
    let cases = vectors[list].as_array().unwrap().iter();
    let refused = vectors["refused"].as_array().unwrap().iter();
    let text = |case: &serde_json::Value| {
        let text = case.as_str().or_else(|| case["text"].as_str());
        text.map(|t| t.as_bytes().to_vec())
    };
    cases.chain(refused).filter_map(text).collect()
}

fn metadata() -> Vec<Vec<u8>> {
    let at = UtcTime::from_unix(1_800_000_000);
    // The first test key of RFC 8032, 7.1.
    let key = PublicKey::from_bytes(&[
        0xd7, 0x5a, 0x98, 0x01, 0x82, 0xb1, 0x0a, 0xb7, 0xd5, 0x4b, 0xfe, 0xd3, 0xc9, 0x64, 0x07,
        0x3a, 0x0e, 0xe1, 0x72, 0xf3, 0xda, 0xa6, 0x23, 0x25, 0xaf, 0x02, 0x1a, 0x68, 0xf7, 0x07,
        0x51, 0x1a,
    ]);
    let id = key.id().unwrap();
    let keys = BTreeMap::from([(id.clone(), key)]);
    let role = RoleKeys {
        keyids: BTreeSet::from([id.clone()]),
        threshold: 1,
    };
    let x = Header {
        workspace: "com.acme.field#0123456789abcdef".into(),
        unit: None,
        channel: None,
        action: "init".into(),
        at,
        by: "Jonas Weber".into(),
        reason: "First".into(),
        prev: None,
    };
    let channel = Header {
        unit: Some("main".into()),
        channel: Some("production".into()),
        prev: Some(hash(9)),
        ..x.clone()
    };
    let file = TargetFile {
        length: 700,
        hashes: Hashes { sha256: hash(4) },
    };
    let name = RoleName::parse("main.production").unwrap();
    let delegation = Delegation {
        name: name.to_string(),
        keyids: role.keyids.clone(),
        threshold: 1,
        terminating: true,
        paths: name.paths(),
    };
    let roles = ["root", "snapshot", "targets", "timestamp"];
    let root = Root::new(
        1,
        at,
        keys.clone(),
        roles.map(|r| (r.to_owned(), role.clone())).into(),
        RootHeader {
            header: x.clone(),
            app: "com.acme.field".into(),
            name: "Field".into(),
            profile: "solo".into(),
            keys: BTreeMap::new(),
        },
    );
    let snapshot = Snapshot::new(
        3,
        at,
        BTreeMap::from([("targets.json".to_owned(), MetaVersion { version: 2 })]),
        x.clone(),
    );
    let targets = |delegations, x| {
        let listed =
            BTreeMap::from([("main.production.release-1308.json".to_owned(), file.clone())]);
        Targets::new(2, at, listed, delegations, x)
    };
    let delegations = Delegations {
        keys,
        roles: vec![delegation],
    };
    let all = [
        signed(&root),
        signed(&snapshot),
        signed(&Timestamp::new(4, at, 3)),
        signed(&targets(None, channel)),
        signed(&targets(Some(delegations), x)),
    ];
    let signature = format!("{{\"keyid\":\"{id}\",\"sig\":\"{}\"}}", "ab".repeat(64));
    let with = |file: &Vec<u8>| {
        let text = String::from_utf8(file.clone()).unwrap();
        text.replacen("[]", &format!("[{signature}]"), 1)
            .into_bytes()
    };
    all.iter().map(with).chain(all.iter().cloned()).collect()
}

fn signed<M: Metadata>(role: &M) -> Vec<u8> {
    Envelope::new(RoleBytes::new(role).unwrap())
        .to_bytes()
        .unwrap()
}

/// Brotli streams as RFC 7932 builds them, so that no encoder is needed here: an empty one, and
/// meta-blocks that are not compressed. The bundle's own seeds come out of the zip target.
fn brotli() -> Vec<Vec<u8>> {
    let plain = |bytes: &[u8]| {
        // WBITS 16 (one bit 0), not last, 4 nibbles, MLEN − 1, uncompressed; then last and empty.
        let len = bytes.len() as u32 - 1;
        let header = (len << 4) | (1 << 20);
        let mut out = header.to_le_bytes()[..3].to_vec();
        out.extend(bytes);
        out.push(3);
        out
    };
    vec![vec![0x06], plain(b"let a = 1;"), plain(&[b'x'; 300])]
}
