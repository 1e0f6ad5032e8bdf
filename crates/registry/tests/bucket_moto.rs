//! What the in-process server lacks, on moto (PyPI `moto[server,s3]`): `HEADGATE_MOTO` is the path of `moto_server`.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

#[path = "support/s3.rs"]
mod s3;

use std::process::{Child, Command, Stdio};
use std::time::Duration;

use bytes::Bytes;
use headgate_core::Code;
use headgate_registry::{
    Body, Created, ProbeLine, ProbeOutcome, Store, Stored, Swapped, UnfinishedUpload,
    probe_storage, silent, sweep_uploads,
};
use sha2::{Digest, Sha256};

struct Moto {
    child: Child,
    url: String,
}

impl Drop for Moto {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

impl Moto {
    /// Starts it with the bucket `bkt`, versioned.
    async fn start() -> Self {
        let program = std::env::var("HEADGATE_MOTO").unwrap();
        let free = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let child = Command::new(program)
            .args(["-H", "127.0.0.1", "-p", &port.to_string()])
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let moto = Self {
            child,
            url: format!("http://127.0.0.1:{port}"),
        };
        let client = reqwest::Client::builder().no_proxy().build().unwrap();
        for _ in 0..300 {
            let made = client
                .put(format!("{}/bkt", moto.url))
                .header(
                    "authorization",
                    "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/s3/aws4_request",
                )
                .send()
                .await;
            if made.is_ok_and(|answer| answer.status().is_success()) {
                let versioned =
                    "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
                let answer = client
                    .put(format!("{}/bkt?versioning", moto.url))
                    .header(
                        "authorization",
                        "AWS4-HMAC-SHA256 Credential=AK/20260101/us-east-1/s3/aws4_request",
                    )
                    .body(versioned)
                    .send()
                    .await
                    .unwrap();
                assert!(answer.status().is_success());
                return moto;
            }
            tokio::time::sleep(Duration::from_millis(100)).await;
        }
        panic!("moto did not start");
    }

    fn store(&self, bucket: &str) -> headgate_registry::BucketStore {
        s3::store(
            &format!("s3://{bucket}/ota?endpoint={}", self.url),
            "AK",
            "SK",
        )
    }
}

#[tokio::test]
#[ignore = "needs HEADGATE_MOTO"]
async fn a_server_with_versions_and_upload_lists() {
    let moto = Moto::start().await;
    let missing = moto.store("other");
    for problem in [
        missing.get("a", 10).await.unwrap_err(),
        missing.list("metadata").await.unwrap_err(),
        missing
            .create("a", Body::Bytes(Bytes::new()), silent())
            .await
            .unwrap_err(),
        missing.parts().unwrap().begin("a").await.unwrap_err(),
        missing
            .parts()
            .unwrap()
            .unfinished("bundles")
            .await
            .unwrap_err(),
    ] {
        assert_eq!(problem.code, Code::StorageMissing, "{problem:?}");
        assert!(problem.message.contains("bucket"), "{problem:?}");
    }

    // Versions change nothing about conditions.
    let store = moto.store("bkt");
    let key = "metadata/timestamp.json";
    let text = |text: &'static str| Bytes::from_static(text.as_bytes());
    let Swapped::Swapped(one) = store.swap(key, text("1"), None).await.unwrap() else {
        panic!()
    };
    assert_eq!(
        store.swap(key, text("x"), None).await.unwrap(),
        Swapped::Changed
    );
    let Swapped::Swapped(_) = store.swap(key, text("2"), Some(&one)).await.unwrap() else {
        panic!()
    };
    assert_eq!(
        store.swap(key, text("x"), Some(&one)).await.unwrap(),
        Swapped::Changed
    );
    assert_eq!(store.get(key, 10).await.unwrap().unwrap().bytes, "2");
    let sha = |bytes: &[u8]| hex::encode(Sha256::digest(bytes));
    assert_eq!(
        store.compare(key, &sha(b"2"), 1).await.unwrap(),
        Stored::Same
    );
    assert_eq!(
        store.compare(key, &sha(b"3"), 1).await.unwrap(),
        Stored::Different
    );

    // Uploads are listed, wrong parts refused.
    let parts = store.parts().unwrap();
    let upload = parts.begin("bundles/a.zip").await.unwrap();
    let found = parts.unfinished("bundles").await.unwrap().unwrap();
    assert_eq!(
        (found[0].key.as_str(), found[0].upload == upload),
        ("bundles/a.zip", true),
        "{found:?}"
    );
    assert!(
        parts
            .unfinished("metadata")
            .await
            .unwrap()
            .unwrap()
            .is_empty()
    );
    let mut part = parts
        .put_part("bundles/a.zip", &upload, 0, text("bytes"))
        .await
        .unwrap();
    let right = part.clone();
    part.tag = "\"00000000000000000000000000000000\"".into();
    let wrong = parts
        .finish("bundles/a.zip", &upload, &[part])
        .await
        .unwrap_err();
    assert_eq!(wrong.code, Code::StorageIo, "{wrong:?}");
    assert_eq!(
        parts
            .finish("bundles/a.zip", &upload, &[right])
            .await
            .unwrap(),
        Created::Created
    );
    assert!(
        parts
            .unfinished("bundles")
            .await
            .unwrap()
            .unwrap()
            .is_empty()
    );

    // An upload that is gone is known to be. (To write to it is status 500 here; bucket_parts.rs has the genuine error.)
    let gone = parts.begin("bundles/b.zip").await.unwrap();
    let part = parts
        .put_part("bundles/b.zip", &gone, 0, text("x"))
        .await
        .unwrap();
    let sent = parts.sent_parts("bundles/b.zip", &gone).await.unwrap();
    assert_eq!(sent, Some(vec![part]), "with its tag");
    parts.abort("bundles/b.zip", &gone).await.unwrap();
    parts.abort("bundles/b.zip", &gone).await.unwrap();
    assert_eq!(
        parts.sent_parts("bundles/b.zip", &gone).await.unwrap(),
        None
    );

    // Old ones are given up, but for those that somebody goes on with.
    let (own, other) = ("bundles/c.zip", "bundles/d.zip");
    let going_on = parts.begin(own).await.unwrap();
    parts.begin(other).await.unwrap();
    // moto says the same for every upload.
    let begun = parts.unfinished("bundles").await.unwrap().unwrap()[0].begun;
    let keep = |upload: &UnfinishedUpload| upload.upload == going_on;
    let sweep = async |age, now| {
        let swept = sweep_uploads(&store, age, now, &keep).await;
        let swept = swept.unwrap().unwrap();
        let keys =
            |uploads: Vec<UnfinishedUpload>| uploads.into_iter().map(|u| u.key).collect::<Vec<_>>();
        (keys(swept.aborted), keys(swept.kept))
    };
    let all = (vec![], vec![own.to_owned(), other.to_owned()]);
    assert_eq!(sweep(60, begun + 60).await, all);
    let expected = (vec![other.to_owned()], vec![own.to_owned()]);
    assert_eq!(sweep(60, begun + 61).await, expected);
    parts.abort(own, &going_on).await.unwrap();

    let lines = probe_storage(&store, "m1", None, &|| jiff::Timestamp::now().as_second()).await;
    assert!(lines.iter().all(ProbeLine::works), "{lines:?}");
    let kept = lines
        .iter()
        .find(|line| line.title == "Cache-Control kept")
        .unwrap();
    assert!(matches!(kept.outcome, ProbeOutcome::Fine(_)), "{kept:?}");
    assert!(store.list("probe").await.unwrap().is_empty());
    assert!(parts.unfinished("probe").await.unwrap().unwrap().is_empty());
}
