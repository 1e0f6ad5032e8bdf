//! Several processes on one folder, and processes that are killed.
//!
//! The children are this same program, started with the name of one ignored test and a variable.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::collections::{HashMap, HashSet};
use std::hash::{BuildHasher, RandomState};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use headgate_registry::{Body, Created, FolderStore, Store, Swapped, silent};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const CHILDREN: usize = 4;
const KEYS: usize = 200;
const INCREMENTS: usize = 200;
const OBJECTS: usize = 2_000;
const KILLS: usize = 15;
const COUNTER: &str = "metadata/timestamp.json";
const CHILD: &str = "HEADGATE_TEST_CHILD";

fn spawn(job: &str, dir: &Path) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "child", "--ignored", "--nocapture"])
        .env(CHILD, job)
        .env("HEADGATE_TEST_DIR", dir)
        .stdout(Stdio::null())
        .spawn()
        .unwrap()
}

#[tokio::test(flavor = "multi_thread")]
#[ignore = "started as a child by the other tests"]
async fn child() {
    let Ok(job) = std::env::var(CHILD) else {
        return;
    };
    let dir = PathBuf::from(std::env::var_os("HEADGATE_TEST_DIR").unwrap());
    let store = FolderStore::open(&dir.join("registry")).unwrap();
    match job.split_once('-') {
        Some(("race", me)) => race(&store, &dir, me).await,
        _ => write_until_killed(&store, &dir).await,
    }
}

/// Creates the common keys and counts up; leaves behind which keys it was told it had created.
async fn race(store: &FolderStore, dir: &Path, me: &str) {
    std::fs::write(dir.join(format!("ready-{me}")), "").unwrap();
    while !dir.join("go").exists() {
        assert!(dir.exists(), "the parent ended without us");
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    let mut mine = Vec::new();
    for n in 0..KEYS {
        let body = Body::Bytes(Bytes::from(format!("{me} made {n}")));
        let created = store.create(&format!("files/{n}"), body, silent()).await;
        if created.unwrap() == Created::Created {
            mine.push(n.to_string());
        }
    }
    for _ in 0..INCREMENTS {
        loop {
            let now = store.get(COUNTER, 100).await.unwrap();
            let count: u64 = now.as_ref().map_or(0, |object| {
                std::str::from_utf8(&object.bytes).unwrap().parse().unwrap()
            });
            let next = Bytes::from((count + 1).to_string());
            match store
                .swap(COUNTER, next, now.as_ref().map(|o| &o.etag))
                .await
            {
                Ok(Swapped::Swapped(_)) => break,
                Ok(Swapped::Changed) => {}
                Err(problem) => panic!("{problem:?}"),
            }
        }
    }
    std::fs::write(dir.join(format!("made-{me}")), mine.join("\n")).unwrap();
}

#[tokio::test]
async fn of_four_processes_one_creates_each_key_and_no_increment_is_lost() {
    let dir = TempDir::new().unwrap();
    let store = FolderStore::create(&dir.path().join("registry")).unwrap();
    let children: Vec<Child> = (0..CHILDREN)
        .map(|n| spawn(&format!("race-{n}"), dir.path()))
        .collect();
    while !(0..CHILDREN).all(|n| dir.path().join(format!("ready-{n}")).exists()) {
        tokio::time::sleep(Duration::from_millis(1)).await;
    }
    std::fs::write(dir.path().join("go"), "").unwrap();
    for mut child in children {
        assert!(child.wait().unwrap().success());
    }

    let mut makers: HashMap<String, Vec<usize>> = HashMap::new();
    for me in 0..CHILDREN {
        let made = std::fs::read_to_string(dir.path().join(format!("made-{me}"))).unwrap();
        for key in made.lines() {
            makers.entry(key.to_owned()).or_default().push(me);
        }
    }
    for n in 0..KEYS {
        let [maker] = makers[&n.to_string()][..] else {
            panic!("{n} was created by {:?}", makers[&n.to_string()]);
        };
        let object = store
            .get(&format!("files/{n}"), 100)
            .await
            .unwrap()
            .unwrap();
        assert_eq!(
            object.bytes,
            format!("{maker} made {n}"),
            "the maker's bytes"
        );
    }
    let count = store.get(COUNTER, 100).await.unwrap().unwrap().bytes;
    assert_eq!(count, (CHILDREN * INCREMENTS).to_string());
}

fn content(n: usize) -> Vec<u8> {
    // From a few bytes to a few pieces.
    let len = if n.is_multiple_of(40) {
        600_000
    } else {
        n * 37 % 60_000
    };
    (0..len).map(|i| (i * 31 + n) as u8).collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

async fn write_until_killed(store: &FolderStore, dir: &Path) {
    let source = dir.join(format!("source-{}", std::process::id()));
    // One after the other, so what is there tells where the killed one stopped.
    for n in store.list("files").await.unwrap().len()..OBJECTS {
        let bytes = content(n);
        let key = format!("files/{}", sha256(&bytes));
        let body = if n.is_multiple_of(2) {
            std::fs::write(&source, &bytes).unwrap();
            Body::File(source.clone(), bytes.len() as u64)
        } else {
            Body::Bytes(bytes.into())
        };
        store.create(&key, body, silent()).await.unwrap();
        if n.is_multiple_of(4) {
            let tag = store.head(COUNTER).await.unwrap().map(|head| head.etag);
            let body = vec![(n / 4) as u8; 500_000];
            let swapped = store
                .swap(COUNTER, body.into(), tag.as_ref())
                .await
                .unwrap();
            assert!(matches!(swapped, Swapped::Swapped(_)));
        }
    }
}

/// Every visible object is whole; gives how many there are.
async fn check_whole(store: &FolderStore, round: usize) -> usize {
    let names = store.list("files").await.unwrap();
    for name in &names {
        let key = format!("files/{name}");
        let (hash, _) = store.hash(&key, silent()).await.unwrap().unwrap();
        assert_eq!(&hash, name, "round {round}: not whole");
    }
    if let Some(object) = store.get(COUNTER, 500_000).await.unwrap() {
        assert_eq!(object.bytes.len(), 500_000, "round {round}");
        let first = [object.bytes[0]].repeat(500_000);
        assert!(object.bytes == first, "round {round}: two writes mixed");
    }
    names.len()
}

fn leftovers(store: &FolderStore) -> usize {
    std::fs::read_dir(store.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".tmp-"))
        .count()
}

#[tokio::test]
async fn a_killed_writer_leaves_only_whole_objects_and_the_next_one_goes_on() {
    let dir = TempDir::new().unwrap();
    let store = FolderStore::create(&dir.path().join("registry")).unwrap();
    let (mut killed, mut before) = (0, 0);
    for round in 0..KILLS {
        let mut child = spawn("write", dir.path());
        let random = RandomState::new().hash_one(round);
        tokio::time::sleep(Duration::from_millis(40 + random % 500)).await;
        if child.try_wait().unwrap().is_none() {
            killed += 1;
            child.kill().unwrap();
        }
        child.wait().unwrap();
        let now = check_whole(&store, round).await;
        assert!(now >= before, "an object vanished");
        before = now;
    }
    let left = leftovers(&store);
    eprintln!("{killed} killed, {before} objects written by then, {left} leftovers");
    assert!(left > 0, "no kill hit a write, so nothing was proven");

    assert!(spawn("write", dir.path()).wait().unwrap().success());
    check_whole(&store, KILLS).await;
    let expected: HashSet<String> = (0..OBJECTS).map(|n| sha256(&content(n))).collect();
    let names = store.list("files").await.unwrap();
    assert_eq!(names.into_iter().collect::<HashSet<_>>(), expected);
}
