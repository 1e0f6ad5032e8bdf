//! Clients and zip readers that others wrote accept what we publish, and refuse what was tampered with. Ignored by
//! default, since they are installed first; `cargo xtask test interop` does that.
#![expect(clippy::unwrap_used, reason = "helpers of tests")]

#[path = "interop/bench.rs"]
mod bench;
#[path = "interop/builds.rs"]
mod builds;
#[path = "interop/clients.rs"]
mod clients;
#[path = "interop/team.rs"]
mod team;

use std::fs;
use std::path::Path;

use bench::Bench;
use clients::{Clients, read_zip};
use headgate_core::inventory::Inventory;
use headgate_engine::{Ceremony, ConnectRequest, Member, Receipt, RolloutChange, VaultChoice};
use headgate_tests::{Found, LAST_NUMBER, Thief};
use sha2::{Digest, Sha256};

/// What the clients found is what the console showed.
#[track_caller]
fn same(found: &Found, receipt: &Receipt) {
    assert_eq!(
        Some(found.build),
        receipt.release.as_ref().map(|(_, build)| *build)
    );
    assert_eq!(Some(&found.manifest), receipt.manifest.as_ref());
    assert_eq!(Some(&found.bundle), receipt.signed_sha256.as_ref());
    assert_eq!(Some(&found.bundle), receipt.read_back_sha256.as_ref());
    current(found, receipt);
}

#[track_caller]
fn current(found: &Found, receipt: &Receipt) {
    assert_eq!(
        (found.root_version, found.snapshot_version),
        (receipt.root_now, receipt.entry_number)
    );
    let timestamp = receipt
        .metadata
        .iter()
        .find(|role| role.role == "timestamp")
        .unwrap();
    assert_eq!(found.timestamp_version, timestamp.now);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs python-tuf and tuf-js"]
async fn both_clients_follow_every_change_of_a_channel_from_the_first_root() {
    let bench = Bench::new().await;
    let url = format!("{}/storage", bench.url);
    let mut clients = Clients::new(&bench.root(), &bench.temp.path().join("states"));
    for reason in clients.refuse(&url, "development") {
        assert!(
            reason.contains("no role lists the target main.development.rollout.json"),
            "{reason}"
        );
    }

    let shipped = bench.ship(&builds::sample(), "1.0.0").await;
    let first = shipped.release.clone().unwrap().1;
    same(&clients.agree(&url, "development"), &shipped);
    let promoted = bench.promote(first, "development", "staging").await;
    same(&clients.agree(&url, "staging"), &promoted);
    let promoted = bench.promote(first, "staging", "production").await;
    assert_eq!(promoted.permille, 10, "the last channel starts at 1 %");
    let at_one_percent = clients.agree(&url, "production");
    same_release(&at_one_percent, &shipped);
    current(&at_one_percent, &promoted);
    let complete = bench.rollout("production", RolloutChange::Complete).await;
    let served_first = clients.agree(&url, "production");
    same(&served_first, &complete);
    assert!(served_first.rollout_version > at_one_percent.rollout_version);

    let build = builds::changed_sample(&bench.temp.path().join("www"));
    let shipped_again = bench.ship(&build, "1.1.0").await;
    let second = shipped_again.release.clone().unwrap().1;
    same(&clients.agree(&url, "development"), &shipped_again);
    same_release(&clients.update(&url, "production"), &complete);
    bench.promote(second, "development", "staging").await;
    let promoted = bench.promote(second, "staging", "production").await;
    let served_second = clients.agree(&url, "production");
    same_release(&served_second, &shipped_again);
    current(&served_second, &promoted);

    let rolled_back = bench
        .rollout("production", RolloutChange::RollBack { to: first })
        .await;
    let back = clients.agree(&url, "production");
    same(&back, &rolled_back);
    same_release(&back, &shipped);
    assert!(
        back.rollout_version > served_second.rollout_version,
        "a roll back is newer metadata"
    );

    let refreshed = bench.refresh().await;
    let fresh = clients.agree(&url, "production");
    same_release(&fresh, &shipped);
    current(&fresh, &refreshed);
    assert!(fresh.timestamp_version > back.timestamp_version);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs python-tuf and tuf-js"]
async fn both_clients_recover_from_a_version_at_the_end_of_numbers() {
    let bench = Bench::new().await;
    let shipped = bench.ship(&builds::sample(), "1.0.0").await;
    let url = format!("{}/storage", bench.url);
    let mut clients = Clients::new(&bench.root(), &bench.temp.path().join("states"));
    same(&clients.agree(&url, "development"), &shipped);
    let id = bench.workspace.id.as_str();
    let keys = bench.console.keys(id).await.unwrap();
    let online = keys.iter().find(|k| k.name.ends_with("online")).unwrap();
    let thief = Thief::in_folder(bench.storage()).with(&bench.vault, &online.public);
    let mut meta = thief.next("main.development.rollout");
    meta.version = LAST_NUMBER;
    thief.publish("main.development.rollout", &meta);
    // They believe it, unlike a reader of Headgate: what is put back is older for them.
    let ahead = clients.update(&url, "development");
    assert_eq!(ahead.rollout_version, LAST_NUMBER);
    bench.console.put_back(id).await.unwrap();
    clients.refuse_to_go_back(&url, "development");
    // Once its freshness key is replaced they forget it (TUF specification §5.3.11).
    let made = bench.console.make_key(id, "online 2").await.unwrap();
    let rotate = Ceremony::Rotate {
        old: online.name.clone(),
        new: Member {
            public: made.public,
            name: "online 2".into(),
            holder: "owner".into(),
        },
    };
    let started = bench.console.change_trust(id, &rotate, "stolen").await;
    bench.receipt(started.unwrap().job()).await;
    let build = builds::changed_sample(&bench.temp.path().join("www"));
    let shipped = bench.ship(&build, "1.1.0").await;
    same(&clients.agree(&url, "development"), &shipped);
}

#[track_caller]
fn same_release(found: &Found, receipt: &Receipt) {
    assert_eq!(
        Some(found.build),
        receipt.release.as_ref().map(|(_, build)| *build)
    );
    assert_eq!(Some(&found.manifest), receipt.manifest.as_ref());
    assert_eq!(Some(&found.bundle), receipt.signed_sha256.as_ref());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs python-tuf and tuf-js"]
async fn both_clients_verify_at_every_point_of_a_root_change() {
    let bench = Bench::new().await;
    let shipped = bench.ship(&builds::sample(), "1.0.0").await;
    let url = format!("{}/storage", bench.url);
    let mut clients = Clients::new(&bench.root(), &bench.temp.path().join("states"));
    same(&clients.agree(&url, "development"), &shipped);
    let before = clients.fork(&bench.temp.path().join("before"));

    // A key of this console, then that of another console which holds nothing else.
    bench.copies.arm();
    let created = bench
        .console
        .create_key(&bench.workspace.id, "Second key")
        .await
        .unwrap();
    bench.receipt(&created.job.unwrap()).await;
    let other = bench::console(
        &bench.temp.path().join("other home"),
        "pipeline",
        &bench.copies,
    )
    .await;
    let request = ConnectRequest {
        name: "Acme Field".into(),
        storage: bench.workspace.storage.clone(),
        public_url: bench.workspace.public_url.clone(),
        root: fs::read(bench.root()).unwrap(),
        vault: VaultChoice::Os,
        credentials: None,
    };
    let there = other.connect(request).await.unwrap();
    let own = other.create_key(&there.id, "Pipeline").await.unwrap();
    assert!(
        own.job.is_none(),
        "who does not hold the root key cannot change the root"
    );
    let job = bench
        .console
        .add_freshness_key(&bench.workspace.id, &own.key.public, "Pipeline")
        .await
        .unwrap();
    let changed = bench.receipt(&job).await;
    assert_eq!(changed.root_now, 3);
    // From here on the signatures of the old freshness keys are gone.
    let job = other.refresh(&there.id).await.unwrap();
    let refreshed = other.wait(&job).await.unwrap().receipt.unwrap();
    let copies = bench.copies.disarm();
    let signed_by = signers(&bench.storage().join("metadata/timestamp.json"));
    assert_eq!(
        signed_by,
        [own.key.id.as_str()],
        "the newest timestamp rests on the newest root alone"
    );

    let roots = copies
        .iter()
        .filter(|(_, key)| key.ends_with(".root.json"))
        .count();
    assert_eq!(
        (copies.len(), roots),
        (8, 2),
        "two root changes of three writes and a refresh of two: {copies:?}"
    );
    let mut last = None;
    for (index, (copy, key)) in copies.iter().enumerate() {
        let url = format!("{}/{copy}", bench.url);
        println!("after {key}");
        let found = clients.agree(&url, "development");
        same_release(&found, &shipped);
        let roots = copies[..=index]
            .iter()
            .filter(|(_, key)| key.ends_with(".root.json"))
            .count();
        assert_eq!(found.root_version, 1 + roots as u64, "after {key}");
        let mut waited = before.fork(&bench.temp.path().join(format!("waited-{index}")));
        assert_eq!(
            waited.update(&url, "development"),
            found,
            "after {key}: from the state before the change"
        );
        last = Some(found);
    }
    current(&last.unwrap(), &refreshed);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs python-tuf and tuf-js"]
async fn both_clients_refuse_flipped_bytes_and_older_states() {
    let bench = Bench::new().await;
    let older = bench.ship(&builds::sample(), "1.0.0").await;
    let older_copy = bench.copies.copy_now();
    let build = builds::changed_sample(&bench.temp.path().join("www"));
    let receipt = bench.ship(&build, "1.1.0").await;
    let mut clients = Clients::new(&bench.root(), &bench.temp.path().join("states"));
    same(
        &clients.agree(
            &format!("{}/{}", bench.url, bench.copies.copy_now()),
            "development",
        ),
        &receipt,
    );

    let bundle = format!("bundles/{}.zip", receipt.signed_sha256.unwrap());
    let snapshot = format!("metadata/{}.snapshot.json", receipt.entry_number);
    let rollout = rollout_document(
        &bench.storage(),
        receipt
            .metadata
            .iter()
            .find(|r| r.role.ends_with(".rollout"))
            .unwrap()
            .now,
    );
    // Each change keeps the length and leaves valid JSON: only hash or signature can tell.
    for (key, at, reason) in [
        (bundle, "index.html", "the bundle is"),
        (rollout, "\"reason\":\"", "LengthOrHashMismatchError"),
        (snapshot, "\"by\":\"", "snapshot was signed by 0/1 keys"),
    ] {
        let copy = bench.copies.copy_now();
        flip(&bench.served.join(&copy).join(&key), at.as_bytes());
        for said in clients.refuse(&format!("{}/{copy}", bench.url), "development") {
            println!("{key}: {}", said.trim());
            assert!(said.contains(reason), "{key}: {said}");
        }
    }

    // What was valid once is refused by who has seen more; a new client cannot know.
    let old = format!("{}/{older_copy}", bench.url);
    for said in clients.refuse_to_go_back(&old, "development") {
        println!("older state: {}", said.trim());
        assert!(said.contains("version"), "{said}");
    }
    same(
        &Clients::new(&bench.root(), &bench.temp.path().join("new")).agree(&old, "development"),
        &older,
    );
}

/// Key of the rollout document that version `version` of development's rollout role lists.
fn rollout_document(storage: &Path, version: u64) -> String {
    let role = fs::read(storage.join(format!("metadata/{version}.main.development.rollout.json")))
        .unwrap();
    let role: serde_json::Value = serde_json::from_slice(&role).unwrap();
    let sha256 = &role["signed"]["targets"]["main.development.rollout.json"]["hashes"]["sha256"];
    format!(
        "targets/{}.main.development.rollout.json",
        sha256.as_str().unwrap()
    )
}

/// Key ids of the signatures of a metadata file.
fn signers(file: &Path) -> Vec<String> {
    let envelope: serde_json::Value = serde_json::from_slice(&fs::read(file).unwrap()).unwrap();
    let signatures = envelope["signatures"].as_array().unwrap();
    signatures
        .iter()
        .map(|s| s["keyid"].as_str().unwrap().to_owned())
        .collect()
}

/// Changes one bit of the byte after the first `mark`.
fn flip(file: &Path, mark: &[u8]) {
    let mut bytes = fs::read(file).unwrap();
    let at = bytes
        .windows(mark.len())
        .position(|window| window == mark)
        .unwrap()
        + mark.len();
    bytes[at] ^= 1;
    fs::write(file, bytes).unwrap();
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs Java and Python"]
async fn java_and_python_read_every_bundle_completely() {
    let bench = Bench::new().await;
    let (names, expected) = builds::names(&bench.temp.path().join("names"));
    let noise = builds::incompressible(&bench.temp.path().join("noise"));
    for (build, version) in [
        (&builds::sample(), "1.0.0"),
        (&names, "1.1.0"),
        (&noise, "1.2.0"),
    ] {
        let receipt = bench.ship(build, version).await;
        let manifest = format!(
            "targets/{}.main.development.release-{}.json",
            receipt.manifest.unwrap(),
            receipt.release.unwrap().1
        );
        let manifest = headgate_core::ReleaseManifest::parse(
            &fs::read(bench.storage().join(manifest)).unwrap(),
        )
        .unwrap();
        let inventory = bench
            .storage()
            .join(format!("inventories/{}.json", manifest.inventory.sha256));
        let inventory = Inventory::parse(&fs::read(inventory).unwrap()).unwrap();
        if build == &names {
            let found: Vec<&str> = inventory
                .files
                .iter()
                .map(|file| file.path.as_str())
                .collect();
            assert_eq!(found, expected);
        }
        let mut lines: Vec<String> = inventory
            .files
            .iter()
            .map(|f| format!("{} {}\n", f.sha256, f.path))
            .collect();
        lines.sort();
        let expected = clients::Read {
            entries: inventory.files.len() as u64,
            bytes: inventory.size(),
            digest: hex::encode(Sha256::digest(lines.concat())),
        };
        for (reader, read) in read_zip(
            &bench
                .storage()
                .join(format!("bundles/{}.zip", manifest.bundle.sha256)),
        ) {
            assert_eq!(read, expected, "{reader} reads {}", build.display());
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "needs python-tuf and tuf-js"]
async fn both_clients_follow_a_team_and_refuse_production_with_one_signature() {
    let bench = Bench::new().await;
    let url = format!("{}/storage", bench.url);
    let mut clients = Clients::new(&bench.root(), &bench.temp.path().join("states"));
    let shipped = bench.ship(&builds::sample(), "1.0.0").await;
    let build = shipped.release.clone().unwrap().1;
    bench.promote(build, "development", "staging").await;
    let owner = team::Owner::new("Ines vault");
    bench.copies.arm();
    bench.team(&owner).await;
    // At every write of the change the clients verify, from the first root on.
    for (copy, key) in bench.copies.disarm() {
        println!("after {key}");
        same_release(
            &clients.agree(&format!("{}/{copy}", bench.url), "development"),
            &shipped,
        );
    }
    let id = bench.ask_production(build).await;
    for reason in clients.refuse(&url, "production") {
        assert!(reason.contains("no role lists the target"), "{reason}");
    }
    bench.signed_by(&owner, &id).await;
    let found = clients.agree(&url, "production");
    same_release(&found, &shipped);
    assert_eq!(found.root_version, 2);
    let half = format!("{}/{}", bench.url, bench.half_signed());
    for reason in clients.refuse(&half, "production") {
        println!("{reason}");
    }
}
