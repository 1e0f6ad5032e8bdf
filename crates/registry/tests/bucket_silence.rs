//! A bucket out of reach, silent, dripping, endless, or in another time.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

#[path = "support/fake.rs"]
mod fake;
#[path = "support/s3.rs"]
mod s3;

use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::body::{Body as AxumBody, Bytes};
use futures::stream;
use headgate_core::{Code, Problem, Result};
use headgate_registry::{Body, BucketLimits, BucketStore, Created, Store, silent};
use s3::{keys, parse, quick, store};

use fake::{Fake, refusal, reply};

const KEY: &str = "metadata/timestamp.json";
const SECRET: &str = "hunter2SecretAccessKey";

async fn create(store: &BucketStore) -> Result<Created> {
    let body = Body::Bytes(Bytes::from_static(b"x"));
    store.create(KEY, body, silent()).await
}

async fn get_error(store: &BucketStore) -> Problem {
    store.get(KEY, 1_000).await.unwrap_err()
}

#[tokio::test]
async fn a_wrong_clock_is_named_with_how_far_it_is_off() {
    let now = jiff::Timestamp::now().as_second();
    let at = |seconds| jiff::Timestamp::from_second(seconds).unwrap().to_string();
    for (server_time, words) in [
        (now - 20 * 60, "off by 20 min: it is ahead"),
        (now + 5 * 3600, "off by 5 h: it is behind"),
    ] {
        let more = format!(
            "<ServerTime>{}</ServerTime><MaxAllowedSkewMilliseconds>900000</MaxAllowedSkewMilliseconds>",
            at(server_time)
        );
        let server = Fake::start(move |_| refusal(403, "RequestTimeTooSkewed", &more)).await;
        let problem = get_error(&store(&server.address(), "AK", "SK")).await;
        assert_eq!(problem.code, Code::StorageClock);
        assert!(problem.message.contains(words), "{problem:?}");
    }
    // Others only say that the request is invalid; their Date tells.
    let server = Fake::start(|_| {
        reply(
            400,
            &[("date", "Sun, 06 Nov 1994 08:49:37 GMT")],
            "<Error><Code>InvalidRequest</Code></Error>",
        )
    })
    .await;
    let problem = get_error(&store(&server.address(), "AK", "SK")).await;
    assert_eq!(problem.code, Code::StorageClock);
    assert!(problem.message.contains("days"), "{problem:?}");
}

#[tokio::test]
async fn out_of_reach_is_unavailable() {
    let free = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = free.local_addr().unwrap().port();
    drop(free);
    for (endpoint, words) in [
        (format!("http://127.0.0.1:{port}"), "cannot be reached"),
        (
            "http://headgate-test.invalid".to_owned(),
            "headgate-test.invalid",
        ),
    ] {
        let store = store(&format!("s3://bkt/ota?endpoint={endpoint}"), "AK", SECRET);
        for problem in [get_error(&store).await, create(&store).await.unwrap_err()] {
            assert_eq!(problem.code, Code::StorageUnavailable, "{problem:?}");
            assert!(problem.message.contains(words), "{problem:?}");
            assert!(!format!("{problem:?}").contains(SECRET));
        }
    }
}

#[tokio::test]
async fn cut_silent_dripping_and_endless_answers_come_to_an_end() {
    let dir = tempfile::TempDir::new().unwrap();
    let server = Fake::start(|asked| match asked.uri.path() {
        "/bkt/ota/cut" => reply(200, &[("content-length", "100")], "half"),
        "/bkt/ota/drip" => reply(
            200,
            &[],
            AxumBody::from_stream(stream::unfold((), |()| async {
                tokio::time::sleep(Duration::from_millis(30)).await;
                Some((Ok::<_, std::io::Error>("x"), ()))
            })),
        ),
        "/bkt/ota/stops" => reply(
            200,
            &[],
            AxumBody::from_stream(stream::unfold(true, |first| async move {
                if !first {
                    std::future::pending::<()>().await;
                }
                Some((Ok::<_, std::io::Error>("x"), false))
            })),
        ),
        _ => reply(
            if asked.uri.path().ends_with("error") {
                403
            } else {
                200
            },
            &[],
            AxumBody::from_stream(stream::repeat_with(|| {
                Ok::<_, std::io::Error>(vec![b'<'; 64 * 1024])
            })),
        ),
    })
    .await;
    let limits = BucketLimits {
        idle: Duration::from_millis(400),
        metadata: Duration::from_millis(600),
        slow_span: Duration::from_millis(300),
        ..quick()
    };
    let credentials = Arc::new(headgate_registry::FixedCredentials::new(keys(
        "AK", "SK", None,
    )));
    let store = BucketStore::with_limits(parse(&server.address()), credentials, limits).unwrap();
    let begun = Instant::now();
    let code =
        |result: Result<_>| -> Code { result.map(|_: Option<(String, u64)>| ()).unwrap_err().code };
    let got = |result: Result<Option<headgate_registry::Object>>| result.unwrap_err().code;
    for key in ["cut", "drip", "stops"] {
        let problem = got(store.get(key, 100_000).await);
        assert_eq!(problem, Code::StorageUnavailable, "{key}");
        assert_eq!(
            code(store.hash(key, silent()).await),
            Code::StorageUnavailable,
            "{key}"
        );
        let to = dir.path().join(key);
        assert_eq!(
            code(store.download(key, &to, 1_000, silent()).await),
            Code::StorageUnavailable
        );
        assert!(!to.exists());
    }
    let to = dir.path().join("endless");
    assert_eq!(
        got(store.get("endless", 1_000_000).await),
        Code::TrustFormat
    );
    assert_eq!(
        code(store.download("endless", &to, 1_000_000, silent()).await),
        Code::TrustFormat
    );
    assert_eq!(got(store.get("error", 1_000).await), Code::StorageAccess);
    assert_eq!(
        store.list("metadata").await.unwrap_err().code,
        Code::TrustFormat
    );
    assert!(
        begun.elapsed() < Duration::from_secs(20),
        "{:?}",
        begun.elapsed()
    );
}

#[tokio::test]
async fn a_server_that_never_answers_is_given_up() {
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        let mut open = Vec::new();
        while let Ok((socket, _)) = listener.accept().await {
            open.push(socket);
        }
    });
    let limits = BucketLimits {
        idle: Duration::from_millis(200),
        ..quick()
    };
    let credentials = Arc::new(headgate_registry::FixedCredentials::new(keys(
        "AK", "SK", None,
    )));
    let address = parse(&format!("s3://bkt?endpoint=http://127.0.0.1:{port}"));
    let store = BucketStore::with_limits(address, credentials, limits).unwrap();
    let large = Body::Bytes(vec![7; 20_000_000].into());
    for problem in [
        get_error(&store).await,
        store.create("a", large, silent()).await.unwrap_err(),
    ] {
        assert_eq!(problem.code, Code::StorageUnavailable);
        assert!(problem.message.contains("in time"), "{problem:?}");
    }
}
