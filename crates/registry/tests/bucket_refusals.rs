//! What a bucket's refusals, silence and nonsense become.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

#[path = "support/fake.rs"]
mod fake;
#[path = "support/s3.rs"]
mod s3;

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use async_trait::async_trait;
use axum::body::Bytes;
use headgate_core::{Code, Problem, Result};
use headgate_registry::{Body, BucketCredentials, BucketKeys, BucketStore, Created, Store, silent};
use s3::{keys, parse, quick, store};

use fake::{Fake, refusal, reply};

const KEY: &str = "metadata/timestamp.json";
const SECRET: &str = "hunter2SecretAccessKey";

fn body(text: &'static str) -> Body {
    Body::Bytes(Bytes::from_static(text.as_bytes()))
}

async fn create(store: &BucketStore) -> Result<Created> {
    store.create(KEY, body("x"), silent()).await
}

async fn get_error(store: &BucketStore) -> Problem {
    store.get(KEY, 1_000).await.unwrap_err()
}

#[tokio::test]
async fn a_real_server_tells_a_wrong_secret_from_an_unknown_key() {
    let server = s3::S3::start().await;
    let address = server.address("ota", "");
    for (id, secret, words) in [
        ("AK", "wrong", "secret access key"),
        ("who", "SK", "does not know this access key id"),
    ] {
        let store = store(&address, id, secret);
        for problem in [
            get_error(&store).await,
            store.head(KEY).await.unwrap_err(),
            store.list("metadata").await.unwrap_err(),
            store.hash(KEY, silent()).await.unwrap_err(),
            create(&store).await.unwrap_err(),
            store.swap(KEY, Bytes::new(), None).await.unwrap_err(),
            store.parts().unwrap().begin("a.zip").await.unwrap_err(),
        ] {
            assert_eq!(problem.code, Code::StorageCredentials, "{problem:?}");
            assert!(
                problem.message.contains(words) || problem.message.contains("localhost"),
                "{problem:?}"
            );
            assert!(!format!("{problem:?}").contains("wrong"), "{problem:?}");
        }
    }
}

#[tokio::test]
async fn each_error_code_has_its_meaning_and_nothing_secret_is_repeated() {
    let secretive = format!(
        "<Message>The request signature we calculated for {SECRET} does not match</Message><AWSAccessKeyId>AKexample</AWSAccessKeyId><StringToSign>AWS4-HMAC-SHA256 {SECRET}</StringToSign><SignatureProvided>fe5f80f77d5fa3beca038a248ff027d0</SignatureProvided>"
    );
    for (status, code, more, expected, words) in [
        (
            403,
            "InvalidAccessKeyId",
            secretive.as_str(),
            Code::StorageCredentials,
            "does not know this access key id",
        ),
        (
            403,
            "SignatureDoesNotMatch",
            secretive.as_str(),
            Code::StorageCredentials,
            "secret access key",
        ),
        (
            400,
            "ExpiredToken",
            "<Token-0>hunter2SecretAccessKey</Token-0>",
            Code::StorageCredentials,
            "expired",
        ),
        (
            400,
            "TokenRefreshRequired",
            "",
            Code::StorageCredentials,
            "expired",
        ),
        (
            400,
            "InvalidToken",
            "",
            Code::StorageCredentials,
            "session token",
        ),
        (
            401,
            "Unauthorized",
            "",
            Code::StorageCredentials,
            "credentials",
        ),
        (
            403,
            "AccessDenied",
            "<Message>Access Denied</Message>",
            Code::StorageAccess,
            "write there",
        ),
        (
            400,
            "AuthorizationHeaderMalformed",
            "<Message>the region 'us-east-1' is wrong; expecting 'eu-central-1'</Message><Region>eu-central-1</Region>",
            Code::StorageRegion,
            "eu-central-1",
        ),
        (
            301,
            "PermanentRedirect",
            "<Endpoint>bkt.s3.eu-central-1.amazonaws.com</Endpoint>",
            Code::StorageRegion,
            "region",
        ),
        (
            400,
            "AuthorizationHeaderMalformed",
            "<Region>hunter2SecretAccessKey/../x</Region>",
            Code::StorageRegion,
            "not in which",
        ),
        (
            404,
            "NoSuchBucket",
            "<BucketName>bkt</BucketName>",
            Code::StorageMissing,
            "no bucket",
        ),
        (503, "SlowDown", "", Code::StorageBusy, "503"),
        (500, "InternalError", "", Code::StorageBusy, "500"),
        (429, "TooManyRequests", "", Code::StorageBusy, "busy"),
        (502, "", "", Code::StorageBusy, "busy"),
        (504, "", "", Code::StorageBusy, "busy"),
        (
            400,
            "RequestTimeout",
            "",
            Code::StorageUnavailable,
            "too slow",
        ),
        (400, "EntityTooLarge", "", Code::StorageFull, "no more"),
        (403, "QuotaExceeded", "", Code::StorageFull, "quota"),
        (507, "XMinioStorageFull", "", Code::StorageFull, "space"),
        (
            400,
            "ObjectLocked",
            "<Message>Object is WORM protected and cannot be overwritten</Message>",
            Code::StorageRetention,
            "object lock",
        ),
        (
            403,
            "AccessDenied",
            "<Message>Access Denied because object protected by object lock.</Message>",
            Code::StorageRetention,
            "retention",
        ),
        (
            409,
            "ObjectLockedByBucketPolicy",
            "",
            Code::StorageRetention,
            "object lock",
        ),
        (
            403,
            "InvalidObjectState",
            "",
            Code::StorageRetention,
            "object lock",
        ),
        (
            501,
            "NotImplemented",
            "",
            Code::StorageSloppy,
            "conditional",
        ),
        (400, "BadDigest", "", Code::StorageIo, "other bytes"),
        (418, "Teapot", "", Code::StorageIo, "418"),
    ] {
        let more = more.to_owned();
        let server = Fake::start(move |_| refusal(status, code, &more)).await;
        let store = store(&server.address(), "AKexample", SECRET);
        let problem = create(&store).await.unwrap_err();
        assert_eq!(problem.code, expected, "{code}: {problem:?}");
        assert!(problem.message.contains(words), "{code}: {problem:?}");
        let all = format!("{problem:?}");
        for hidden in [SECRET, "AKexample", "fe5f80", "StringToSign", "Signature="] {
            assert!(!all.contains(hidden), "{all}");
        }
        let tries = if matches!(expected, Code::StorageSloppy) {
            2
        } else {
            1
        };
        assert_eq!(server.asked().len(), tries, "a write is tried once");
    }
}

#[tokio::test]
async fn reads_tell_an_archive_and_a_redirect_and_are_tried_three_times() {
    let server = Fake::start(|_| refusal(403, "InvalidObjectState", "")).await;
    let problem = get_error(&store(&server.address(), "AK", "SK")).await;
    assert_eq!(problem.code, Code::StorageIo);
    assert!(problem.message.contains("archive"));

    let server = Fake::start(|_| {
        reply(
            301,
            &[
                ("x-amz-bucket-region", "ap-south-1"),
                ("location", "http://127.0.0.1:1/"),
            ],
            "",
        )
    })
    .await;
    let store_ = store(&server.address(), "AK", "SK");
    for problem in [
        get_error(&store_).await,
        store_.head(KEY).await.unwrap_err(),
    ] {
        assert_eq!(problem.code, Code::StorageRegion);
        assert!(problem.remedy.contains("?region=ap-south-1"), "{problem:?}");
    }

    let count = AtomicU32::new(0);
    let server = Fake::start(move |_| match count.fetch_add(1, Ordering::SeqCst) {
        0 | 1 => refusal(503, "SlowDown", ""),
        2 => reply(200, &[("etag", "\"a\"")], "fine"),
        _ => refusal(503, "SlowDown", ""),
    })
    .await;
    let store = store(&server.address(), "AK", "SK");
    assert_eq!(store.get(KEY, 100).await.unwrap().unwrap().bytes, "fine");
    assert_eq!(get_error(&store).await.code, Code::StorageBusy);
    assert_eq!(server.asked().len(), 6);
}

#[tokio::test]
async fn a_page_that_is_no_s3_is_not_read_as_one() {
    let server = Fake::start(|_| reply(200, &[], "<html><body>Welcome</body></html>")).await;
    let store = store(&server.address(), "AK", "SK");
    assert_eq!(
        store.list("metadata").await.unwrap_err().code,
        Code::StorageIo
    );
    let parts = store.parts().unwrap();
    assert_eq!(
        parts.begin("a.zip").await.unwrap_err().code,
        Code::StorageIo
    );
    assert_eq!(
        parts.unfinished("bundles").await.unwrap_err().code,
        Code::StorageIo
    );
}

#[tokio::test]
async fn what_a_write_says_about_its_object_and_an_old_server_without_checksums() {
    let server = Fake::start(|asked| {
        if asked.headers.contains_key("x-amz-checksum-sha256") {
            return refusal(
                400,
                "InvalidArgument",
                "<Message>checksum headers are not supported</Message>",
            );
        }
        reply(200, &[("etag", "\"e\"")], "")
    })
    .await;
    let store = store(&server.address(), "AK", "SK");
    for key in [
        "metadata/1.root.json",
        "metadata/timestamp.json",
        "bundles/a.zip",
        "files/ab",
    ] {
        store.create(key, body("{}"), silent()).await.unwrap();
    }
    let asked = server.asked();
    assert_eq!(asked.len(), 5, "tried with a checksum once");
    let header = |n: usize, name: &str| asked[n].headers[name].to_str().unwrap().to_owned();
    let long = "public, max-age=31536000, immutable";
    for (n, kind, cache) in [
        (1, "application/json", long),
        (2, "application/json", "public, max-age=5"),
        (3, "application/zip", long),
        (4, "application/octet-stream", long),
    ] {
        assert_eq!(
            (
                header(n, "content-type").as_str(),
                header(n, "cache-control").as_str()
            ),
            (kind, cache)
        );
        assert_eq!(header(n, "if-none-match"), "*");
        assert_eq!(header(n, "content-length"), "2");
        assert!(!asked[n].headers.contains_key("content-encoding"));
        assert!(!asked[n].headers.contains_key("transfer-encoding"));
        assert_eq!(asked[n].body, "{}");
    }
}

/// Gives an expired token first, then a new one.
struct Rotated(AtomicU32);

#[async_trait]
impl BucketCredentials for Rotated {
    async fn keys(&self) -> Result<Arc<BucketKeys>> {
        let token = if self.0.fetch_add(1, Ordering::SeqCst) == 0 {
            "old"
        } else {
            "new"
        };
        Ok(Arc::new(keys("AK", "SK", Some(token))))
    }
}

#[tokio::test]
async fn the_next_try_uses_credentials_that_were_renewed_meanwhile() {
    let server =
        Fake::start(
            |asked| match asked.headers["x-amz-security-token"].to_str().unwrap() {
                "old" => refusal(400, "ExpiredToken", ""),
                _ => reply(200, &[("etag", "\"e\"")], ""),
            },
        )
        .await;
    let credentials = Arc::new(Rotated(AtomicU32::new(0)));
    let store = BucketStore::with_limits(parse(&server.address()), credentials, quick()).unwrap();
    assert_eq!(
        create(&store).await.unwrap_err().code,
        Code::StorageCredentials
    );
    assert_eq!(create(&store).await.unwrap(), Created::Created);
}
