//! Addresses of artifacts that do not end, do not answer, or answer something else.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use headgate_core::manifest::BundleRef;
use headgate_core::{Code, Problem};
use headgate_registry::{ArtifactUrl, Artifacts, HttpLimits, silent};
use headgate_tuf::sha256_hex;
use tempfile::TempDir;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};

/// Answers every request of a connection by this function, then closes it.
async fn serve<F, A>(answer: F) -> (String, Arc<AtomicUsize>)
where
    F: Fn(String, TcpStream) -> A + Send + Sync + 'static,
    A: Future<Output = ()> + Send + 'static,
{
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
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
            let request = String::from_utf8_lossy(&request).into_owned();
            tokio::spawn(answer(request, stream));
        }
    });
    (base, asked)
}

async fn serve_text(answer: impl Into<String>) -> String {
    let answer = Arc::new(answer.into());
    let send = move |_, mut stream: TcpStream| {
        let answer = Arc::clone(&answer);
        async move {
            let _ = stream.write_all(answer.as_bytes()).await;
        }
    };
    serve(send).await.0
}

fn quick() -> Artifacts {
    let limits = HttpLimits {
        connect: Duration::from_secs(2),
        idle: Duration::from_millis(400),
        metadata: Duration::from_millis(1200),
        slow_span: Duration::from_millis(500),
        slow_bytes: 1000,
    };
    Artifacts::new(limits, 100_000)
}

fn url(base: &str) -> ArtifactUrl {
    ArtifactUrl::parse(&format!("{base}/app/my build 1.zip")).unwrap()
}

/// Downloads and hashes, both of which must fail alike and leave no file.
async fn fails(base: &str, code: Code) -> Problem {
    let dir = TempDir::new().unwrap();
    let to = dir.path().join("part.zip");
    let at = url(base);
    let saved = quick().download(&at, &to, silent()).await.unwrap_err();
    assert_eq!(saved.code, code, "{saved:?}");
    assert!(saved.message.contains(at.as_str()), "{}", saved.message);
    assert_eq!(std::fs::read_dir(&dir).unwrap().count(), 0, "nothing stays");
    let hashed = quick().hash(&at, silent()).await.unwrap_err();
    assert_eq!(hashed.code, code, "{hashed:?}");
    saved
}

fn ok(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\ncontent-length: {}\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn an_artifact_is_hashed_while_it_is_written() {
    let (base, _) = serve(|request, mut stream| async move {
        // The address goes out as it was normalised, and nothing asks for compression.
        assert!(
            request.starts_with("GET /app/my%20build%201.zip HTTP/1.1"),
            "{request}"
        );
        assert!(
            request.to_lowercase().contains("accept-encoding: identity"),
            "{request}"
        );
        let _ = stream.write_all(ok("the bytes").as_bytes()).await;
    })
    .await;
    let dir = TempDir::new().unwrap();
    let to = dir.path().join("part.zip");
    let told = AtomicUsize::new(0);
    let progress = |n: u64| told.store(usize::try_from(n).unwrap(), Ordering::SeqCst);
    let found = quick().download(&url(&base), &to, &progress).await.unwrap();
    assert_eq!(found.sha256, sha256_hex(b"the bytes"));
    assert_eq!((found.size, found.page), (9, false));
    assert_eq!(told.load(Ordering::SeqCst), 9);
    assert_eq!(std::fs::read(&to).unwrap(), b"the bytes");
    let again = quick().download(&url(&base), &to, silent()).await;
    assert_eq!(
        again.unwrap_err().code,
        Code::LocalDisk,
        "no file is replaced"
    );
    assert_eq!(std::fs::read(&to).unwrap(), b"the bytes");
}

#[tokio::test]
async fn what_is_not_there_for_everyone_is_missing() {
    for status in [
        "404 Not Found",
        "403 Forbidden",
        "410 Gone",
        "401 Unauthorized",
        "500 Oh",
        "206 Partial Content",
        "204 No Content",
    ] {
        let base = serve_text(format!("HTTP/1.1 {status}\r\ncontent-length: 0\r\n\r\n")).await;
        let problem = fails(&base, Code::ArtifactMissing).await;
        assert!(
            problem.message.contains(&status[..3]),
            "{}",
            problem.message
        );
    }
    // Nobody listens there any more.
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let base = format!("http://{}", listener.local_addr().unwrap());
    drop(listener);
    let problem = fails(&base, Code::ArtifactMissing).await;
    assert!(problem.retryable() && problem.message.contains("cannot be reached"));
}

#[tokio::test]
async fn an_endless_or_oversized_answer_ends_at_the_limit() {
    let (base, _) = serve(|_, mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(&[b'x'; 8192]).await.is_ok() {}
    })
    .await;
    fails(&base, Code::BuildTooLarge).await;
    let base = serve_text("HTTP/1.1 200 OK\r\ncontent-length: 100001\r\n\r\nx").await;
    let problem = fails(&base, Code::BuildTooLarge).await;
    assert!(
        problem.message.contains("100000 bytes"),
        "{}",
        problem.message
    );
}

#[tokio::test]
async fn a_silent_dripping_or_breaking_server_ends() {
    let begun = Instant::now();
    let (silent_base, _) = serve(|_, stream| async move {
        tokio::time::sleep(Duration::from_secs(30)).await;
        drop(stream);
    })
    .await;
    fails(&silent_base, Code::ArtifactMissing).await;
    let (drips, _) = serve(|_, mut stream| async move {
        let _ = stream.write_all(b"HTTP/1.1 200 OK\r\n\r\n").await;
        while stream.write_all(b"x").await.is_ok() {
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
    })
    .await;
    let problem = fails(&drips, Code::ArtifactMissing).await;
    assert!(
        problem.message.contains("too slowly"),
        "{}",
        problem.message
    );
    let breaks = serve_text("HTTP/1.1 200 OK\r\ncontent-length: 500\r\n\r\nhalf").await;
    fails(&breaks, Code::ArtifactMissing).await;
    assert!(begun.elapsed() < Duration::from_secs(10), "limits end it");
}

#[tokio::test]
async fn a_compressed_answer_is_refused_and_never_unpacked() {
    for coding in ["gzip", "br", "deflate", "zstd", "unheard-of"] {
        let base = serve_text(format!(
            "HTTP/1.1 200 OK\r\ncontent-encoding: {coding}\r\ncontent-length: 2\r\n\r\n\x1f\x0b"
        ))
        .await;
        let problem = fails(&base, Code::ArtifactMissing).await;
        assert!(
            problem.message.contains("compresses") && problem.remedy.contains("compression off")
        );
    }
}

#[tokio::test]
async fn a_redirect_to_another_host_is_not_followed_and_its_secret_not_repeated() {
    let (other, asked) = serve(|_, mut stream| async move {
        let _ = stream.write_all(ok("elsewhere").as_bytes()).await;
    })
    .await;
    let to = format!("{other}/a.zip?X-Amz-Signature=hunter2");
    let base = serve_text(format!(
        "HTTP/1.1 302 Found\r\nlocation: {to}\r\ncontent-length: 0\r\n\r\n"
    ))
    .await;
    let problem = fails(&base, Code::ArtifactMissing).await;
    assert!(problem.message.contains("elsewhere"), "{}", problem.message);
    assert!(problem.remedy.contains("address"), "{}", problem.remedy);
    assert!(!format!("{problem:?}").contains("hunter2"), "{problem:?}");
    assert_eq!(asked.load(Ordering::SeqCst), 0, "nobody asked there");
}

#[tokio::test]
async fn a_redirect_within_the_host_is_followed() {
    let (base, _) = serve(|request, mut stream| async move {
        let answer = if request.starts_with("GET /kept") {
            ok("moved")
        } else {
            "HTTP/1.1 301 Moved\r\nlocation: /kept.zip\r\ncontent-length: 0\r\n\r\n".into()
        };
        let _ = stream.write_all(answer.as_bytes()).await;
    })
    .await;
    let found = quick().hash(&url(&base), silent()).await.unwrap();
    assert_eq!(found.sha256, sha256_hex(b"moved"));
}

#[tokio::test]
async fn other_bytes_than_the_signed_ones_are_named_with_both_hashes() {
    let base = serve_text(
        "HTTP/1.1 200 OK\r\ncontent-type: Text/HTML; charset=utf-8\r\ncontent-length: 5\r\n\r\nlogin",
    )
    .await;
    let (artifacts, at) = (quick(), url(&base));
    let signed = BundleRef {
        sha256: sha256_hex(b"right"),
        size: 5,
        url: Some(at.to_string()),
    };
    let dir = TempDir::new().unwrap();
    let to = dir.path().join("part.zip");
    let check = artifacts.check(at.as_str(), &signed, Some(&to), silent());
    let problem = check.await.unwrap_err();
    assert_eq!(problem.code, Code::ArtifactChanged);
    for words in [
        at.as_str(),
        &sha256_hex(b"right"),
        &sha256_hex(b"login"),
        "a web page",
    ] {
        assert!(
            problem.message.contains(words),
            "{words}: {}",
            problem.message
        );
    }
    assert!(!to.exists(), "other bytes are not kept");

    // The same bytes with another size recorded are another artifact, too; and the right ones are taken.
    let mut right = signed.clone();
    right.sha256 = sha256_hex(b"login");
    let check = artifacts.check(at.as_str(), &right, Some(&to), silent());
    assert_eq!(check.await.unwrap(), right.sha256);
    assert_eq!(std::fs::read(&to).unwrap(), b"login");
    right.size = 6;
    let check = artifacts.check(at.as_str(), &right, None, silent());
    assert_eq!(check.await.unwrap_err().code, Code::ArtifactChanged);

    // An address that somebody signed is no more trusted than one that is typed.
    let check = artifacts.check(
        "https://me:hunter2@abc.example/a.zip",
        &right,
        None,
        silent(),
    );
    let problem = check.await.unwrap_err();
    assert_eq!(problem.code, Code::ArtifactUrl);
    assert!(!format!("{problem:?}").contains("hunter2"));

    let endless = serve_text("HTTP/1.1 200 OK\r\ncontent-length: 100001\r\n\r\nx").await;
    let endless = url(&endless);
    let check = artifacts.check(endless.as_str(), &signed, None, silent());
    let problem = check.await.unwrap_err();
    assert_eq!(problem.code, Code::ArtifactChanged);
    assert!(problem.message.contains("more than 100000 bytes"));
}
