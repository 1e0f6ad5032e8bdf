//! The connection test, on storage that works, that works in part, and that does not.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

#[path = "support/s3.rs"]
mod s3;
#[path = "support/sloppy.rs"]
mod sloppy;

use std::time::{Duration, UNIX_EPOCH};

use bytes::Bytes;
use headgate_core::Code;
use headgate_registry::{
    Body, Created, FolderStore, HttpStore, ProbeLine, ProbeOutcome, Store, Swapped, probe_storage,
    silent,
};
use s3::S3;
use sloppy::Sloppy;
use tempfile::TempDir;

fn now() -> i64 {
    jiff::Timestamp::now().as_second()
}

async fn probe(store: &dyn Store, public: Option<&HttpStore>) -> Vec<ProbeLine> {
    probe_storage(store, "a1b2", public, &now).await
}

fn titles(lines: &[ProbeLine]) -> Vec<&str> {
    lines.iter().map(|line| line.title).collect()
}

fn line<'a>(lines: &'a [ProbeLine], title: &str) -> &'a ProbeOutcome {
    &lines
        .iter()
        .find(|line| line.title == title)
        .unwrap()
        .outcome
}

fn failed(lines: &[ProbeLine], title: &str) -> Code {
    match line(lines, title) {
        ProbeOutcome::Failed(problem) => problem.code,
        other => panic!("{title}: {other:?}"),
    }
}

fn warned(lines: &[ProbeLine], title: &str) -> String {
    match line(lines, title) {
        ProbeOutcome::Warning(text) => text.clone(),
        other => panic!("{title}: {other:?}"),
    }
}

/// Files below the bucket, without the server's own.
fn files(server: &S3) -> Vec<String> {
    fn walk(folder: &std::path::Path, found: &mut Vec<String>) {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                walk(&path, found);
            } else {
                found.push(path.display().to_string());
            }
        }
    }
    let mut found = Vec::new();
    walk(&server.root.path().join(s3::BUCKET), &mut found);
    found
}

#[tokio::test]
async fn a_bucket_that_works_passes_every_step_and_keeps_nothing() {
    let server = S3::start().await;
    let lines = probe(&server.store("ota", ""), None).await;
    assert_eq!(
        titles(&lines),
        [
            "Reads",
            "Writes",
            "Create-only",
            "Compare-and-swap",
            "Cache-Control kept",
            "Uploads in parts",
            "Clock"
        ]
    );
    for line in &lines {
        let fine = matches!(line.outcome, ProbeOutcome::Fine(_));
        assert!(fine || line.title == "Cache-Control kept", "{line:?}");
    }
    assert!(files(&server).is_empty(), "{:?}", files(&server));
}

#[tokio::test]
async fn a_folder_passes_what_a_folder_has() {
    let root = TempDir::new().unwrap();
    let lines = probe(&FolderStore::open(root.path()).unwrap(), None).await;
    assert_eq!(
        titles(&lines),
        ["Reads", "Writes", "Create-only", "Compare-and-swap"]
    );
    assert!(
        lines
            .iter()
            .all(|line| matches!(line.outcome, ProbeOutcome::Fine(_)))
    );
    assert_eq!(
        std::fs::read_dir(root.path().join("probe"))
            .unwrap()
            .count(),
        0
    );
}

#[tokio::test]
async fn wrong_credentials_end_the_test_at_once() {
    let server = S3::start().await;
    let store = s3::store(&server.address("ota", ""), "AK", "wrong");
    let lines = probe(&store, None).await;
    assert_eq!(titles(&lines), ["Reads"]);
    assert_eq!(failed(&lines, "Reads"), Code::StorageCredentials);
}

#[tokio::test]
async fn storage_that_ignores_conditions_is_found_out_and_a_lock_is_offered() {
    let server = Sloppy::start(true).await;
    let store = s3::store(&server.address(""), "AK", "SK");
    let lines = probe(&store, None).await;
    for title in ["Create-only", "Compare-and-swap"] {
        assert_eq!(failed(&lines, title), Code::StorageSloppy);
    }
    let ProbeOutcome::Failed(problem) = line(&lines, "Create-only") else {
        panic!()
    };
    assert!(problem.remedy.contains("lock=1"));
    assert!(files(&server.behind).is_empty());

    let store = s3::store(&server.address("&lock=1"), "AK", "SK");
    let lines = probe(&store, None).await;
    for title in ["Create-only", "Compare-and-swap"] {
        assert!(warned(&lines, title).contains("lock object"));
    }
    assert!(lines.iter().all(ProbeLine::works), "{lines:?}");
    assert!(
        files(&server.behind).is_empty(),
        "{:?}",
        files(&server.behind)
    );
}

#[tokio::test]
async fn storage_that_does_not_delete_keeps_one_small_object_and_the_test_says_so() {
    let server = Sloppy::start(false).await;
    let store = s3::store(&server.address("&lock=1"), "AK", "SK");
    let lines = probe(&store, None).await;
    assert!(warned(&lines, "Writes").contains("probe/a1b2"));
    assert!(
        matches!(line(&lines, "Uploads in parts"), ProbeOutcome::Fine(text) if text.contains("given up"))
    );
    let files = files(&server.behind);
    assert!(
        files
            .iter()
            .all(|f| f.ends_with("probe/a1b2") || f.ends_with("lock/publish.json")),
        "{files:?}"
    );
}

#[tokio::test]
async fn storage_that_takes_one_write_a_second_to_an_object_is_waited_for() {
    let server = Sloppy::paced().await;
    let store = s3::store(&server.address(""), "AK", "SK");
    let lines = probe(&store, None).await;
    assert!(lines.iter().all(ProbeLine::works), "{lines:?}");
    assert_eq!(titles(&lines).len(), 7, "{lines:?}");
    assert!(files(&server.behind).is_empty());
}

async fn web(root: std::path::PathBuf, cache: Option<&'static str>, other: bool) -> HttpStore {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/", listener.local_addr().unwrap());
    let router = axum::Router::new().fallback(move |uri: axum::http::Uri| {
        let root = root.clone();
        async move {
            let Ok(bytes) = std::fs::read(root.join(uri.path().trim_start_matches('/'))) else {
                return axum::response::Response::builder()
                    .status(404)
                    .body(axum::body::Body::empty())
                    .unwrap();
            };
            let mut response = axum::response::Response::builder();
            if let Some(cache) = cache {
                response = response.header("cache-control", cache);
            }
            response
                .body(if other { "else".into() } else { bytes.into() })
                .unwrap()
        }
    });
    tokio::spawn(async move { axum::serve(listener, router).await });
    HttpStore::new(&url).unwrap()
}

#[tokio::test]
async fn the_public_url_is_held_against_the_storage() {
    let (root, elsewhere) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let store = FolderStore::open(root.path()).unwrap();
    let title = "Public URL serves the same bytes";
    let at = root.path().to_path_buf();
    let good = web(
        at.clone(),
        Some("public, max-age=31536000, immutable"),
        false,
    )
    .await;
    let lines = probe(&store, Some(&good)).await;
    assert!(
        lines
            .iter()
            .all(|line| matches!(line.outcome, ProbeOutcome::Fine(_))),
        "{lines:?}"
    );
    let lines = probe(&store, Some(&web(at.clone(), None, false).await)).await;
    assert!(warned(&lines, "Cache-Control kept").contains("immutable"));
    let lines = probe(
        &store,
        Some(&web(elsewhere.path().into(), None, false).await),
    )
    .await;
    assert_eq!(failed(&lines, title), Code::StorageMissing);
    let lines = probe(&store, Some(&web(at.clone(), None, true).await)).await;
    assert_eq!(failed(&lines, title), Code::TrustHash);

    let bytes = Bytes::from_static(b"{}");
    store
        .swap("metadata/timestamp.json", bytes, None)
        .await
        .unwrap();
    for (cache, words) in [
        ("public, max-age=31536000, immutable", "31536000 s"),
        ("public", "own choice"),
        ("max-age=86400, s-maxage=300", "300 s"),
    ] {
        let lines = probe(&store, Some(&web(at.clone(), Some(cache), false).await)).await;
        assert!(
            warned(&lines, "Cache-Control kept").contains(words),
            "{cache}"
        );
    }
}

#[tokio::test]
async fn a_clock_that_differs_is_named() {
    let server = S3::start().await;
    let store = server.store("ota", "");
    let lines = probe_storage(&store, "x", None, &|| now() - 400).await;
    assert!(warned(&lines, "Clock").contains("s behind"), "{lines:?}");
}

#[tokio::test]
async fn under_a_lock_writers_that_come_one_after_the_other_never_replace_each_other() {
    let server = Sloppy::start(true).await;
    let key = "metadata/timestamp.json";
    let open = || s3::store(&server.address("&lock=1"), "AK", "SK");
    let (a, b) = (open(), open());
    let write = |text: &'static str| Bytes::from_static(text.as_bytes());
    let Swapped::Swapped(first) = a.swap(key, write("a1"), None).await.unwrap() else {
        panic!()
    };
    assert_eq!(
        b.swap(key, write("b1"), None).await.unwrap(),
        Swapped::Changed
    );
    let Swapped::Swapped(_) = b.swap(key, write("b1"), Some(&first)).await.unwrap() else {
        panic!()
    };
    assert_eq!(
        a.swap(key, write("a2"), Some(&first)).await.unwrap(),
        Swapped::Changed
    );
    let body = || Body::Bytes(write("x"));
    assert_eq!(
        a.create("metadata/1.root.json", body(), silent())
            .await
            .unwrap(),
        Created::Created
    );
    assert_eq!(
        b.create("metadata/1.root.json", body(), silent())
            .await
            .unwrap(),
        Created::Exists
    );
    assert!(
        !server.behind.file("ota/lock/publish.json").exists(),
        "given back"
    );
}

#[tokio::test]
async fn a_lock_of_another_writer_is_waited_for_and_a_stale_one_is_broken() {
    let server = Sloppy::start(true).await;
    let store = s3::store(&server.address("&lock=1"), "AK", "SK");
    let lock = server.behind.file("ota/lock/publish.json");
    std::fs::create_dir_all(lock.parent().unwrap()).unwrap();
    let key = "metadata/timestamp.json";
    for content in [
        r#"{"who":"x","token":"theirs","expires":60}"#,
        "not a lock",
        "",
    ] {
        std::fs::write(&lock, content).unwrap();
        let problem = store.swap(key, Bytes::new(), None).await.unwrap_err();
        assert_eq!(problem.code, Code::StorageLocked);
        assert_eq!(
            std::fs::read_to_string(&lock).unwrap(),
            content,
            "untouched"
        );
    }
    // What is named by its hash needs no lock.
    let body = Body::Bytes(Bytes::from_static(b"x"));
    assert_eq!(
        store.create("files/ab", body, silent()).await.unwrap(),
        Created::Created
    );
    let old = UNIX_EPOCH + Duration::from_secs(u64::try_from(now() - 61).unwrap());
    std::fs::File::options()
        .write(true)
        .open(&lock)
        .unwrap()
        .set_modified(old)
        .unwrap();
    assert!(matches!(
        store.swap(key, Bytes::new(), None).await.unwrap(),
        Swapped::Swapped(_)
    ));
    assert!(!lock.exists());
}
