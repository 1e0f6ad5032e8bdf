//! Uploads in parts, large files, and what the storage says of its own checksums.

#[path = "support/fake.rs"]
mod fake;
#[path = "support/s3.rs"]
mod s3;

use std::sync::Mutex;

use axum::body::Bytes;
use fake::{Fake, refusal, reply};
use headgate_core::Code;
use headgate_registry::{Body, Created, ETag, SentPart, Store, Stored, silent, sweep_uploads};
use s3::S3;
use sha2::{Digest, Sha256};

const MIB: usize = 1024 * 1024;

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 31 % 251) as u8).collect()
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

#[tokio::test]
async fn parts_become_one_object_also_after_a_restart_and_out_of_order() {
    let server = S3::start().await;
    let (key, bytes) = ("bundles/a.zip", pattern(5 * MIB + 9));
    let upload = {
        let store = server.store("ota", "");
        let parts = store.parts().unwrap();
        let upload = parts.begin(key).await.unwrap();
        let last = Bytes::copy_from_slice(&bytes[5 * MIB..]);
        parts.put_part(key, &upload, 1, last).await.unwrap();
        assert!(
            store.head(key).await.unwrap().is_none(),
            "nothing is visible"
        );
        upload
    };
    let store = server.store("ota", "");
    let parts = store.parts().unwrap();
    let sent = parts.sent_parts(key, &upload).await.unwrap().unwrap();
    assert_eq!(
        sent.iter().map(|p| (p.number, p.size)).collect::<Vec<_>>(),
        [(1, 9)]
    );
    let first = Bytes::copy_from_slice(&bytes[..5 * MIB]);
    // Sent again it replaces itself.
    parts
        .put_part(key, &upload, 0, Bytes::from_static(b"wrong"))
        .await
        .unwrap();
    parts.put_part(key, &upload, 0, first).await.unwrap();
    let sent = parts.sent_parts(key, &upload).await.unwrap().unwrap();
    assert_eq!(sent.iter().map(|p| p.number).collect::<Vec<_>>(), [0, 1]);
    assert_eq!(
        parts.finish(key, &upload, &sent).await.unwrap(),
        Created::Created
    );
    assert_eq!(
        store
            .compare(key, &sha256(&bytes), bytes.len() as u64)
            .await
            .unwrap(),
        Stored::Same
    );

    // What is there is never replaced.
    let again = parts.begin(key).await.unwrap();
    let part = parts
        .put_part(key, &again, 0, Bytes::from_static(b"other"))
        .await
        .unwrap();
    assert_eq!(
        parts.finish(key, &again, &[part]).await.unwrap(),
        Created::Exists
    );
    assert_eq!(
        store
            .compare(key, &sha256(&bytes), bytes.len() as u64)
            .await
            .unwrap(),
        Stored::Same
    );
    // Given up, nothing of it is there. (What becomes of one that is gone: this server has no error of its own for it.)
    let third = parts.begin("bundles/b.zip").await.unwrap();
    let bytes = Bytes::from_static(b"x");
    parts
        .put_part("bundles/b.zip", &third, 0, bytes)
        .await
        .unwrap();
    parts.abort("bundles/b.zip", &third).await.unwrap();
    let left = parts.sent_parts("bundles/b.zip", &third).await.unwrap();
    assert!(left.unwrap_or_default().is_empty());
    assert!(store.head("bundles/b.zip").await.unwrap().is_none());
    // This server has no such listing.
    assert_eq!(parts.unfinished("bundles").await.unwrap(), None);
}

#[tokio::test]
async fn a_large_file_goes_in_parts_and_a_changed_one_leaves_nothing() {
    let server = S3::start().await;
    let dir = tempfile::TempDir::new().unwrap();
    for more in ["", "&lock=1"] {
        let store = server.store(if more.is_empty() { "a" } else { "b" }, more);
        let (file, bytes) = (dir.path().join("file"), pattern(9 * MIB + 1));
        std::fs::write(&file, &bytes).unwrap();
        let size = bytes.len() as u64;
        let seen = Mutex::new(Vec::new());
        let tell = |n| seen.lock().unwrap().push(n);
        let body = || Body::File(file.clone(), size);
        assert_eq!(
            store.create("bundles/a.zip", body(), &tell).await.unwrap(),
            Created::Created
        );
        assert_eq!(
            store
                .create("bundles/a.zip", body(), silent())
                .await
                .unwrap(),
            Created::Exists
        );
        let seen = seen.into_inner().unwrap();
        assert!(seen.is_sorted() && seen.last() == Some(&size) && seen.len() > 100);
        assert_eq!(
            store
                .compare("bundles/a.zip", &sha256(&bytes), size)
                .await
                .unwrap(),
            Stored::Same
        );
        for wrong in [size - 1, size + 1, 3] {
            let body = Body::File(file.clone(), wrong);
            let problem = store
                .create("bundles/b.zip", body, silent())
                .await
                .unwrap_err();
            assert_eq!(problem.code, Code::LocalDisk);
            assert!(store.head("bundles/b.zip").await.unwrap().is_none());
        }
        let missing = Body::File(dir.path().join("none"), size);
        assert_eq!(
            store.create("c", missing, silent()).await.unwrap_err().code,
            Code::LocalDisk
        );
    }
    let left: Vec<_> = std::fs::read_dir(server.root.path())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.contains("upload"))
        .collect();
    assert!(
        left.is_empty(),
        "uploads that failed were aborted: {left:?}"
    );
}

#[tokio::test]
async fn comparing_uses_a_stored_checksum_of_the_whole_object_alone() {
    let bytes = b"the object";
    let size = bytes.len() as u64;
    for (checksum, kind, reads, expected) in [
        (Some("whole"), None, 0, Stored::Same),
        (Some("whole"), Some("FULL_OBJECT"), 0, Stored::Same),
        (Some("whole"), Some("COMPOSITE"), 1, Stored::Same),
        (Some("other"), None, 0, Stored::Different),
        (Some("parts"), None, 1, Stored::Same),
        (Some("AAAA"), None, 1, Stored::Same),
        (None, None, 1, Stored::Same),
    ] {
        let server = Fake::start(move |asked| {
            use base64::Engine as _;
            let encode = |bytes: &[u8]| {
                base64::engine::general_purpose::STANDARD.encode(Sha256::digest(bytes))
            };
            let value = match checksum {
                Some("whole") => encode(bytes),
                Some("other") => encode(b"else"),
                Some("parts") => encode(b"else") + "-2",
                other => other.unwrap_or_default().to_owned(),
            };
            let size = size.to_string();
            let mut headers = vec![("etag", "\"e\"")];
            if asked.method == "HEAD" {
                assert_eq!(asked.headers["x-amz-checksum-mode"], "ENABLED");
                headers.push(("content-length", size.as_str()));
                if checksum.is_some() {
                    headers.push(("x-amz-checksum-sha256", value.as_str()));
                }
                if let Some(kind) = kind {
                    headers.push(("x-amz-checksum-type", kind));
                }
                return reply(200, &headers, "");
            }
            reply(200, &headers, &bytes[..])
        })
        .await;
        let store = s3::store(&server.address(), "AK", "SK");
        assert_eq!(
            store
                .compare("bundles/a.zip", &sha256(bytes), size)
                .await
                .unwrap(),
            expected
        );
        assert_eq!(server.asked().len(), 1 + reads, "{checksum:?} {kind:?}");
        assert_eq!(
            store.compare("a", &sha256(bytes), size + 1).await.unwrap(),
            Stored::Different
        );
    }
    let server = S3::start().await;
    let store = server.store("", "");
    assert_eq!(
        store.compare("a", &sha256(b"a"), 1).await.unwrap(),
        Stored::Missing
    );
    store
        .create("a", Body::Bytes(Bytes::from_static(b"a")), silent())
        .await
        .unwrap();
    assert_eq!(
        store.compare("a", &sha256(b"a"), 1).await.unwrap(),
        Stored::Same
    );
    assert_eq!(
        store.compare("a", &sha256(b"b"), 1).await.unwrap(),
        Stored::Different
    );
}

#[tokio::test]
async fn the_end_of_an_upload_may_fail_after_its_status() {
    for (status, body, expected) in [
        (
            200,
            "<Error><Code>InternalError</Code></Error>",
            Err(Code::StorageBusy),
        ),
        (
            200,
            "<Error><Code>NoSuchUpload</Code></Error>",
            Err(Code::StorageMissing),
        ),
        (
            200,
            "\n \n<Error><Code>PreconditionFailed</Code></Error>",
            Ok(Created::Exists),
        ),
        (200, "", Err(Code::StorageIo)),
        (200, "<html/>", Err(Code::StorageIo)),
        (
            404,
            "<Error><Code>NoSuchUpload</Code></Error>",
            Err(Code::StorageMissing),
        ),
        (
            409,
            "<Error><Code>ConditionalRequestConflict</Code></Error>",
            Ok(Created::Exists),
        ),
        (
            200,
            "  \n<CompleteMultipartUploadResult><ETag>\"a-1\"</ETag></CompleteMultipartUploadResult>",
            Ok(Created::Created),
        ),
    ] {
        let server = Fake::start(move |_| reply(status, &[], body)).await;
        let store = s3::store(&server.address(), "AK", "SK");
        let part = SentPart {
            number: 0,
            size: 1,
            tag: "\"<&\"".into(),
        };
        let done = store
            .parts()
            .unwrap()
            .finish("a.zip", "id&?/=", &[part])
            .await;
        assert_eq!(done.map_err(|p| p.code), expected, "{body}");
        let asked = &server.asked()[0];
        assert_eq!(asked.uri.query(), Some("uploadId=id%26%3F%2F%3D"));
        let text = String::from_utf8(asked.body.to_vec()).unwrap();
        assert!(
            text.contains("<PartNumber>1</PartNumber><ETag>&quot;&lt;&amp;&quot;</ETag>"),
            "{text}"
        );
    }
}

#[tokio::test]
async fn an_upload_that_is_gone_is_known_to_be() {
    let server = Fake::start(|_| refusal(404, "NoSuchUpload", "")).await;
    let store = s3::store(&server.address(), "AK", "SK");
    let parts = store.parts().unwrap();
    let bytes = Bytes::from_static(b"x");
    let problem = parts.put_part("a.zip", "id", 0, bytes).await.unwrap_err();
    assert_eq!(problem.code, Code::StorageMissing);
    assert!(problem.message.contains("upload"));
    assert_eq!(parts.sent_parts("a.zip", "id").await.unwrap(), None);
    parts.abort("a.zip", "id").await.unwrap();
}

#[tokio::test]
async fn a_server_without_that_condition_is_asked_for_the_object_first() {
    for there in [false, true] {
        let server = Fake::start(move |asked| match asked.method.as_str() {
            "POST" if asked.headers.contains_key("if-none-match") => {
                refusal(501, "NotImplemented", "")
            }
            "POST" => reply(200, &[], "<CompleteMultipartUploadResult/>"),
            _ if there => reply(200, &[("content-length", "1")], ""),
            _ => reply(404, &[], ""),
        })
        .await;
        let store = s3::store(&server.address(), "AK", "SK");
        let done = store
            .parts()
            .unwrap()
            .finish("a.zip", "id", &[])
            .await
            .unwrap();
        assert_eq!(
            done,
            if there {
                Created::Exists
            } else {
                Created::Created
            }
        );
    }
}

#[tokio::test]
async fn hostile_lists_do_no_harm_and_come_to_an_end() {
    let endless = |root: &'static str, line: &'static str, next: &'static str| {
        move |_: &fake::Asked| {
            reply(
                200,
                &[],
                format!("<{root}><IsTruncated>true</IsTruncated>{next}{line}</{root}>"),
            )
        }
    };
    let part = "<Part><PartNumber>1</PartNumber><Size>5</Size><ETag>a</ETag></Part>";
    let server = Fake::start(endless(
        "ListPartsResult",
        part,
        "<NextPartNumberMarker>0</NextPartNumberMarker>",
    ))
    .await;
    let store = s3::store(&server.address(), "AK", "SK");
    let parts = store.parts().unwrap();
    assert_eq!(parts.sent_parts("a", "id").await.unwrap().unwrap().len(), 1);
    for line in [
        "<Part><PartNumber>0</PartNumber><ETag>a</ETag></Part>",
        "<Part><PartNumber>10001</PartNumber><ETag>a</ETag></Part>",
        "<Part><PartNumber>x</PartNumber><ETag>a</ETag></Part>",
    ] {
        let server = Fake::start(endless("ListPartsResult", line, "")).await;
        let store = s3::store(&server.address(), "AK", "SK");
        let problem = store
            .parts()
            .unwrap()
            .sent_parts("a", "id")
            .await
            .unwrap_err();
        assert_eq!(problem.code, Code::StorageIo, "{line}");
    }

    let upload = "<Upload><Key>ota/bundles/../../x</Key><UploadId>1</UploadId><Initiated>2026-01-02T03:04:05.000Z</Initiated></Upload><Upload><Key>other/bundles/y</Key><UploadId>2</UploadId><Initiated>2026-01-02T03:04:05Z</Initiated></Upload><Upload><Key>ota/bundles/z</Key><UploadId>3</UploadId><Initiated>yesterday</Initiated></Upload><Upload><Key>ota/bundles/a.zip</Key><UploadId>4</UploadId><Initiated>2026-01-02T03:04:05Z</Initiated></Upload>";
    let next = "<NextKeyMarker>k</NextKeyMarker>";
    let server = Fake::start(endless("ListMultipartUploadsResult", upload, next)).await;
    let store = s3::store(&server.address(), "AK", "SK");
    let found = store
        .parts()
        .unwrap()
        .unfinished("bundles")
        .await
        .unwrap()
        .unwrap();
    assert!(
        found
            .iter()
            .all(|u| (u.key.as_str(), u.upload.as_str(), u.begun)
                == ("bundles/a.zip", "4", 1_767_323_045)),
        "{found:?}"
    );
    assert_eq!(server.asked().len(), 2);

    let name = "<Contents><Key>ota/metadata/1.root.json</Key></Contents><Contents><Key>ota/metadata/../../etc</Key></Contents><Contents><Key>ota/metadata/sub/x</Key></Contents><Contents><Key>elsewhere/2.root.json</Key></Contents><Contents><Key>ota/metadata/</Key></Contents>";
    let next = "<NextContinuationToken>t</NextContinuationToken>";
    let server = Fake::start(endless("ListBucketResult", name, next)).await;
    let store = s3::store(&server.address(), "AK", "SK");
    assert_eq!(store.list("metadata").await.unwrap(), ["1.root.json"]);
}

#[tokio::test]
async fn a_tag_of_another_storage_never_matches() {
    let server = S3::start().await;
    let store = server.store("", "");
    let bytes = Bytes::from_static(b"1");
    store
        .swap("metadata/timestamp.json", bytes.clone(), None)
        .await
        .unwrap();
    for tag in [
        "*",
        "",
        "\"a\", \"b\"",
        "sha256-00",
        "\r\nx: y",
        "\u{e4}",
        "W/",
    ] {
        let swapped = store
            .swap(
                "metadata/timestamp.json",
                bytes.clone(),
                Some(&ETag(tag.into())),
            )
            .await;
        assert_eq!(
            swapped.unwrap(),
            headgate_registry::Swapped::Changed,
            "{tag:?}"
        );
    }
}

#[tokio::test]
async fn long_folders_are_listed_whole() {
    let server = S3::start().await;
    std::fs::create_dir_all(server.file("ota/metadata/sub")).unwrap();
    for n in 0..1_203 {
        std::fs::write(server.file(&format!("ota/metadata/{n}.root.json")), "x").unwrap();
    }
    std::fs::write(server.file("ota/metadata/sub/x"), "x").unwrap();
    assert_eq!(
        server
            .store("ota", "")
            .list("metadata")
            .await
            .unwrap()
            .len(),
        1_203
    );
}

#[tokio::test]
async fn a_computer_whose_clock_is_years_ahead_ends_no_upload_that_was_just_begun() {
    let now = jiff::Timestamp::now();
    let list = format!(
        "<ListMultipartUploadsResult><Upload><Key>ota/bundles/a.zip</Key><UploadId>1</UploadId><Initiated>{now}</Initiated></Upload></ListMultipartUploadsResult>"
    );
    let server = Fake::start(move |_| reply(200, &[], list.clone())).await;
    let store = s3::store(&server.address(), "AK", "SK");
    let (day, years) = (86_400, 10 * 365 * 86_400);
    let sweep = async |ahead| {
        let now = now.as_second() + ahead;
        let swept = sweep_uploads(&store, day, now, &|_| false).await;
        swept.unwrap().unwrap().aborted.len()
    };
    assert_eq!(sweep(years).await, 0);
    let deletes = |a: &fake::Asked| a.method == axum::http::Method::DELETE;
    assert!(!server.asked().iter().any(deletes));
}
