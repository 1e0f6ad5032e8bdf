//! Around the commit: what others left behind, and a CDN that does not show it yet.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use axum::extract::State;
use axum::http::{StatusCode, Uri};
use headgate_tests::BUCKET;

use super::bench::{bucket, ship};

#[tokio::test(flavor = "multi_thread")]
async fn a_publisher_that_died_and_left_versions_behind_is_stepped_over() {
    let bucket = bucket().await;
    let anna = bucket.first("anna").await;
    ship(&anna, &bucket.build("one")).await.unwrap();
    let metadata = bucket.s3.folder.join(BUCKET).join("ota/metadata");
    for name in [
        "3.snapshot.json",
        "3.main.development.json",
        "3.main.development.rollout.json",
    ] {
        assert!(!metadata.join(name).exists(), "{name}");
        std::fs::write(metadata.join(name), "left by somebody who died").unwrap();
    }
    ship(&anna, &bucket.build("two")).await.unwrap();
    assert_eq!(bucket.device(&anna).await.build("development"), Some(2));
    assert!(metadata.join("4.snapshot.json").exists());
}

/// A CDN: serves the bucket's folder, and an old timestamp for some requests after it changed.
#[derive(Clone)]
struct Cdn {
    folder: PathBuf,
    kept: Arc<std::sync::Mutex<Option<Vec<u8>>>>,
    stale: Arc<AtomicUsize>,
}

impl Cdn {
    async fn start(folder: PathBuf) -> (Self, String) {
        async fn answer(State(cdn): State<Cdn>, uri: Uri) -> (StatusCode, Vec<u8>) {
            let key = uri.path().trim_start_matches('/').to_owned();
            let now = std::fs::read(cdn.folder.join(&key)).ok();
            if key.ends_with("timestamp.json") {
                let stale = |n: usize| n.checked_sub(1);
                let old = cdn.kept.lock().unwrap().clone();
                if let Some(old) = old
                    && cdn
                        .stale
                        .fetch_update(Ordering::SeqCst, Ordering::SeqCst, stale)
                        .is_ok()
                {
                    return (StatusCode::OK, old);
                }
                cdn.kept.lock().unwrap().clone_from(&now);
            }
            now.map_or((StatusCode::NOT_FOUND, Vec::new()), |bytes| {
                (StatusCode::OK, bytes)
            })
        }
        let cdn = Self {
            folder,
            kept: Arc::default(),
            stale: Arc::default(),
        };
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let router = axum::Router::new().fallback(answer).with_state(cdn.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        (cdn, url)
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_cdn_with_an_old_timestamp_is_waited_for_and_the_receipt_says_how_long() {
    let bucket = bucket().await;
    let (cdn, url) = Cdn::start(bucket.s3.folder.join(BUCKET).join("ota")).await;
    let anna = bucket.first_at("anna", Some(url)).await;
    let at_once = ship(&anna, &bucket.build("one")).await.unwrap();
    assert_eq!(at_once.visible_after_ms, None);
    assert!(at_once.public);
    // A minute of readings every few seconds; the test's clock makes the pauses short.
    cdn.stale.store(14, Ordering::SeqCst);
    let late = ship(&anna, &bucket.build("two")).await.unwrap();
    assert!(late.visible_after_ms.is_some());
    assert_eq!(late.release.unwrap().1, 2);
    // For good: the release is committed, and that is what the error says.
    cdn.stale.store(1_000_000, Ordering::SeqCst);
    let problem = ship(&anna, &bucket.build("three")).await.unwrap_err();
    assert_eq!(problem.code, headgate_core::Code::PublishReadBack);
    assert_eq!(bucket.device(&anna).await.build("development"), Some(3));
}
