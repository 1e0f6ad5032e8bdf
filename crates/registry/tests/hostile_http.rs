//! Servers that do not end, do not answer, or answer something else.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use headgate_core::Code;
use headgate_registry::{HttpLimits, HttpStore, Store, silent};
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

const KEY: &str = "metadata/timestamp.json";

/// Answers every request of a connection by this function, then closes it.
async fn serve<F, A>(answer: F) -> (String, Arc<AtomicUsize>)
where
    F: Fn(String, TcpStream) -> A + Send + Sync + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    let asked = Arc::new(AtomicUsize::new(0));
    let counter = Arc::clone(&asked);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            counter.fetch_add(1, Ordering::SeqCst);
            let mut request = Vec::new();
            while !request.ends_with(b"\r\n\r\n") {
                match stream.read_u8().await {
                    Ok(byte) => request.push(byte),
                    Err(_) => break,
                }
            }
            let request = String::from_utf8_lossy(&request).to_ascii_lowercase();
            tokio::spawn(answer(request, stream));
        }
    });
    (base, asked)
}

async fn serve_text(answer: impl Into<String>) -> (String, Arc<AtomicUsize>) {
    let answer = Arc::new(answer.into());
    serve(move |_, mut stream| {
        let answer = Arc::clone(&answer);
        async move {
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    })
    .await
}

fn quick() -> HttpLimits {
    HttpLimits {
        connect: Duration::from_secs(2),
        idle: Duration::from_millis(400),
        metadata: Duration::from_millis(1200),
        slow_span: Duration::from_millis(500),
        slow_bytes: 1000,
    }
}

fn store(base: &str) -> HttpStore {
    HttpStore::with_limits(base, quick()).unwrap()
}

#[tokio::test]
async fn an_endless_body_without_a_length_ends_at_the_largest_size() {
    let (base, _) = serve(|_, mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
    })
    .await;
    let problem = store(&base).get(KEY, 100_000).await.unwrap_err();
    assert_eq!(problem.code, Code::TrustFormat);

    let dir = TempDir::new().unwrap();
    let to = dir.path().join("part");
    let problem = store(&base)
        .download(KEY, &to, 100_000, silent())
        .await
        .unwrap_err();
    assert_eq!(problem.code, Code::TrustFormat);
    assert!(!to.exists());
}

#[tokio::test]
async fn a_length_above_the_largest_size_is_refused_before_the_body() {
    let (base, _) = serve(|_, mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100001\r\n\r\n";
        let _ = stream.write_all(head).await;
        std::future::pending::<()>().await;
    })
    .await;
    let begun = Instant::now();
    let problem = store(&base).get(KEY, 100_000).await.unwrap_err();
    assert_eq!(problem.code, Code::TrustFormat);
    assert!(begun.elapsed() < quick().idle, "it waited for the body");
}

/// A byte each 50 ms: never idle, never done.
async fn drip() -> String {
    let (base, _) = serve(|_, mut stream| async move {
        let head = b"HTTP/1.1 200 OK\r\ncontent-length: 100000\r\n\r\n";
        let _ = stream.write_all(head).await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(50)).await;
        }
    })
    .await;
    base
}

#[tokio::test]
async fn a_dripping_server_ends_at_the_total_time_or_the_lowest_speed() {
    let base = drip().await;
    let begun = Instant::now();
    let problem = store(&base).get(KEY, 100_000).await.unwrap_err();
    assert_eq!(problem.code, Code::StorageIo);
    assert!(problem.retryable());
    let took = begun.elapsed();
    assert!(took < Duration::from_secs(5), "{took:?}");

    let begun = Instant::now();
    let problem = store(&base).hash(KEY, silent()).await.unwrap_err();
    assert_eq!(problem.code, Code::StorageIo);
    assert!(problem.message.contains("slowly"), "{problem}");
    assert!(begun.elapsed() < Duration::from_secs(5));
}

#[tokio::test]
async fn a_metadata_file_has_a_total_time_even_when_it_is_not_slow() {
    let mut limits = quick();
    limits.slow_bytes = 0;
    let store = HttpStore::with_limits(&drip().await, limits).unwrap();
    let begun = Instant::now();
    let problem = store.get(KEY, 100_000).await.unwrap_err();
    assert!(problem.message.contains("in time"), "{problem}");
    assert!(begun.elapsed() >= limits.metadata);
}

#[tokio::test]
async fn a_silent_server_ends_at_the_idle_time() {
    let (base, _) = serve(|_, stream| async move {
        std::future::pending::<()>().await;
        drop(stream);
    })
    .await;
    let problem = store(&base).hash(KEY, silent()).await.unwrap_err();
    assert_eq!(problem.code, Code::StorageIo);
    assert!(problem.message.contains("in time"), "{problem}");
}

#[tokio::test]
async fn a_compressed_answer_is_refused_and_never_unpacked() {
    let (base, _) =
        serve_text("HTTP/1.1 200 OK\r\ncontent-encoding: gzip\r\ncontent-length: 5\r\n\r\nbytes")
            .await;
    let problem = store(&base).get(KEY, 100).await.unwrap_err();
    assert_eq!(problem.code, Code::TrustFormat);
    assert!(problem.message.contains("compresses"), "{problem}");
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed() {
    let (other, asked) = serve_text("HTTP/1.1 200 OK\r\ncontent-length: 2\r\n\r\n{}").await;
    let localhost = other.replace("127.0.0.1", "localhost");
    for target in [other, localhost] {
        let (base, _) = serve_text(format!(
            "HTTP/1.1 302 Found\r\nlocation: {target}{KEY}\r\ncontent-length: 0\r\n\r\n"
        ))
        .await;
        let problem = store(&base).get(KEY, 100).await.unwrap_err();
        assert_eq!(problem.code, Code::StorageMissing);
        assert!(!problem.retryable());
        assert_eq!(asked.load(Ordering::SeqCst), 0, "{target} was asked");
    }
}

#[tokio::test]
async fn redirects_within_the_host_are_followed_a_few_times() {
    let (base, _) = serve(|request, mut stream| async move {
        let answer = if request.starts_with("get /metadata/") {
            "HTTP/1.1 302 Found\r\nlocation: /v2/t\r\ncontent-length: 0\r\nconnection: close\r\n\r\n"
        } else {
            "HTTP/1.1 200 OK\r\ncontent-length: 2\r\nconnection: close\r\n\r\n{}"
        };
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await;
    let object = store(&base).get(KEY, 100).await.unwrap().unwrap();
    assert_eq!(object.bytes, "{}");

    let (base, asked) = serve_text(
        "HTTP/1.1 302 Found\r\nlocation: /again\r\ncontent-length: 0\r\nconnection: close\r\n\r\n",
    )
    .await;
    assert!(store(&base).get(KEY, 100).await.is_err());
    assert_eq!(
        asked.load(Ordering::SeqCst),
        4,
        "the request and three redirects"
    );
}

#[tokio::test]
async fn statuses_become_absence_or_codes() {
    for (status, expected) in [
        ("403 Forbidden", None),
        ("404 Not Found", None),
        ("410 Gone", None),
        ("401 Unauthorized", Some(Code::StorageAccess)),
        ("429 Too Many Requests", Some(Code::StorageIo)),
        ("500 Internal Server Error", Some(Code::StorageIo)),
        ("503 Service Unavailable", Some(Code::StorageIo)),
        ("204 No Content", Some(Code::StorageIo)),
    ] {
        let (base, _) = serve_text(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")).await;
        match (store(&base).get(KEY, 100).await, expected) {
            (Ok(None), None) => {}
            (Err(problem), Some(code)) => assert_eq!(problem.code, code, "{status}"),
            (other, _) => panic!("{status}: {other:?}"),
        }
    }
}

#[tokio::test]
async fn a_truncated_body_is_an_error_and_leaves_no_file() {
    let dir = TempDir::new().unwrap();
    let to = dir.path().join("part");
    for answer in [
        "HTTP/1.1 200 OK\r\ncontent-length: 100\r\n\r\nshort",
        "HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n5\r\nshort\r\n",
    ] {
        let (base, _) = serve_text(answer).await;
        let problem = store(&base).get(KEY, 1000).await.unwrap_err();
        assert_eq!(problem.code, Code::StorageIo);
        let problem = store(&base)
            .download(KEY, &to, 1000, silent())
            .await
            .unwrap_err();
        assert_eq!(problem.code, Code::StorageIo);
        assert!(!to.exists());
    }
}

#[tokio::test]
async fn a_server_that_cannot_be_reached_may_be_tried_again() {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}/", listener.local_addr().unwrap());
    drop(listener);
    let problem = store(&base).get(KEY, 100).await.unwrap_err();
    assert_eq!(problem.code, Code::StorageIo);
    assert!(problem.retryable());
}

#[tokio::test]
async fn the_origin_is_asked_when_a_fresh_answer_is_needed() {
    let (base, _) = serve(|request, mut stream| async move {
        let fresh = request.contains("cache-control: no-cache");
        let answer = format!("HTTP/1.1 200 OK\r\nconnection: close\r\n\r\n{fresh}");
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await;
    let store = store(&base);
    assert_eq!(store.get(KEY, 100).await.unwrap().unwrap().bytes, "false");
    let fresh = store.no_cache();
    assert_eq!(fresh.get(KEY, 100).await.unwrap().unwrap().bytes, "true");
}

#[test]
fn credentials_and_other_schemes_are_no_public_url() {
    for base in [
        "https://a:hunter2@h/",
        "https://h/?s=hunter2",
        "file:///hunter2",
        "hunter2",
    ] {
        let problem = HttpStore::new(base).unwrap_err();
        assert_eq!(problem.code, Code::StorageAddress);
        assert!(!format!("{problem:?}").contains("hunter2"));
    }
}
