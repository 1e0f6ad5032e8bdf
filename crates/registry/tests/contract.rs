//! What every store promises, held against each of them.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

#[path = "support/s3.rs"]
mod s3;

use std::path::{Path, PathBuf};
use std::sync::Mutex;

use axum::Router;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use bytes::Bytes;
use headgate_core::Code;
use headgate_registry::{
    Body, Created, ETag, FolderStore, HttpStore, StorageAddress, Store, Swapped, silent,
};
use sha2::{Digest, Sha256};
use tempfile::TempDir;

const BIG: usize = 3 * 1024 * 1024 + 7;

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn pattern(len: usize) -> Vec<u8> {
    (0..len).map(|n| (n * 31 % 251) as u8).collect()
}

/// Writes what [`reading`] expects, and checks every promise about writing on the way.
async fn writing(store: &dyn Store, scratch: &Path) {
    // Create-only.
    let first = Body::Bytes(Bytes::from_static(b"one"));
    let key = "metadata/1.root.json";
    assert_eq!(
        store.create(key, first, silent()).await.unwrap(),
        Created::Created
    );
    let second = Body::Bytes(Bytes::from_static(b"two"));
    assert_eq!(
        store.create(key, second, silent()).await.unwrap(),
        Created::Exists
    );
    assert_eq!(
        store.get(key, 100).await.unwrap().unwrap().bytes,
        "one",
        "unchanged"
    );

    // A file is sent in pieces, and progress ends at its size.
    let source = scratch.join("source");
    std::fs::write(&source, pattern(BIG)).unwrap();
    let seen = Mutex::new(Vec::new());
    let created = store
        .create("bundles/big.zip", Body::File(source, BIG as u64), &|n| {
            seen.lock().unwrap().push(n);
        })
        .await
        .unwrap();
    assert_eq!(created, Created::Created);
    let seen = seen.into_inner().unwrap();
    assert!(
        seen.len() > 3 && seen.is_sorted() && seen.last() == Some(&(BIG as u64)),
        "{seen:?}"
    );

    // Compare-and-swap.
    let key = "metadata/timestamp.json";
    let wrong = ETag("sha256-00".into());
    let put = |text: &'static str| Bytes::from_static(text.as_bytes());
    assert_eq!(
        store.swap(key, put("x"), Some(&wrong)).await.unwrap(),
        Swapped::Changed
    );
    assert!(
        store.get(key, 100).await.unwrap().is_none(),
        "a swap of nothing makes nothing"
    );
    let Swapped::Swapped(v1) = store.swap(key, put("v1"), None).await.unwrap() else {
        panic!("the first write was refused");
    };
    assert_eq!(
        store.swap(key, put("x"), None).await.unwrap(),
        Swapped::Changed
    );
    let Swapped::Swapped(v2) = store.swap(key, put("v2"), Some(&v1)).await.unwrap() else {
        panic!("the right tag was refused");
    };
    assert_ne!(v1, v2);
    assert_eq!(
        store.swap(key, put("x"), Some(&v1)).await.unwrap(),
        Swapped::Changed
    );
    let now = store.get(key, 100).await.unwrap().unwrap();
    assert_eq!((now.bytes, now.etag), (put("v2"), v2), "the tag is stable");

    // Names directly below a folder, without what the store keeps for itself.
    assert_eq!(
        store.list("metadata").await.unwrap(),
        ["1.root.json", "timestamp.json"]
    );
    assert!(store.list("nothing").await.unwrap().is_empty());
}

/// Checks every promise about reading on what [`writing`] left.
async fn reading(store: &dyn Store, scratch: &Path) {
    let max = 1_000;
    let one = store
        .get("metadata/1.root.json", max)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(one.bytes, "one");
    let head = store.head("metadata/1.root.json").await.unwrap().unwrap();
    assert_eq!((head.size, head.etag), (3, one.etag));
    let big = store.head("bundles/big.zip").await.unwrap().unwrap();
    assert_eq!(big.size, BIG as u64);
    let object = store
        .get("bundles/big.zip", BIG as u64)
        .await
        .unwrap()
        .unwrap();
    assert_eq!(object.etag, big.etag);

    // Not found is not an error.
    let to = scratch.join("download");
    assert!(
        store
            .get("metadata/2.root.json", max)
            .await
            .unwrap()
            .is_none()
    );
    assert!(store.head("no/such").await.unwrap().is_none());
    assert!(store.hash("no/such", silent()).await.unwrap().is_none());
    assert!(
        store
            .download("no/such", &to, max, silent())
            .await
            .unwrap()
            .is_none()
    );
    assert!(!to.exists(), "nothing downloaded, no file");

    // The largest size is exact.
    assert!(store.get("metadata/1.root.json", 3).await.is_ok());
    let code = store.get("metadata/1.root.json", 2).await.unwrap_err().code;
    assert_eq!(code, Code::TrustFormat);

    // Streams.
    let last = Mutex::new(0);
    let expected = Some((sha256(&pattern(BIG)), BIG as u64));
    let hashed = store
        .hash("bundles/big.zip", &|n| *last.lock().unwrap() = n)
        .await
        .unwrap();
    assert_eq!(hashed, expected);
    assert_eq!(*last.lock().unwrap(), BIG as u64);
    let code = store
        .download("bundles/big.zip", &to, BIG as u64 - 1, silent())
        .await
        .unwrap_err()
        .code;
    assert_eq!(code, Code::TrustFormat);
    assert!(!to.exists(), "a refused download leaves no file");
    let read = store
        .download("bundles/big.zip", &to, BIG as u64, silent())
        .await
        .unwrap();
    assert_eq!(read, expected);
    assert_eq!(std::fs::read(&to).unwrap(), pattern(BIG));
    let code = store
        .download("metadata/1.root.json", &to, max, silent())
        .await
        .unwrap_err()
        .code;
    assert_eq!(code, Code::LocalDisk, "an existing file is not overwritten");
    assert_eq!(std::fs::read(&to).unwrap(), pattern(BIG));
    std::fs::remove_file(&to).unwrap();

    // Keys lead nowhere else.
    for key in [
        "../secret",
        "/etc/passwd",
        "metadata/../../x",
        "",
        ".headgate.lock",
    ] {
        assert_eq!(
            store.get(key, max).await.unwrap_err().code,
            Code::Internal,
            "{key}"
        );
    }
}

async fn serve(root: PathBuf) -> String {
    async fn file(State(root): State<PathBuf>, uri: Uri, headers: HeaderMap) -> Response {
        assert_eq!(headers["accept-encoding"], "identity");
        match std::fs::read(root.join(uri.path().trim_start_matches("/app/"))) {
            Ok(bytes) => ([("etag", format!("\"{}\"", sha256(&bytes)))], bytes).into_response(),
            Err(_) => StatusCode::NOT_FOUND.into_response(),
        }
    }
    let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
    let address = listener.local_addr().unwrap();
    let router = Router::new().fallback(file).with_state(root);
    tokio::spawn(async move { axum::serve(listener, router).await });
    format!("http://{address}/app")
}

#[tokio::test]
async fn a_folder_keeps_every_promise_of_a_store() {
    let (root, scratch) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    let store = FolderStore::create(&root.path().join("a/registry")).unwrap();
    writing(&store, scratch.path()).await;
    reading(&store, scratch.path()).await;

    let address = StorageAddress::parse(&store.address()).unwrap();
    reading(&*address.open().unwrap(), scratch.path()).await;
    let names: Vec<_> = std::fs::read_dir(store.root())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with('.'))
        .collect();
    assert_eq!(names, [".headgate.lock"], "no temporary file is left");
}

#[tokio::test]
async fn a_public_url_keeps_every_promise_about_reading_and_refuses_to_write() {
    let (root, scratch) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    writing(&FolderStore::open(root.path()).unwrap(), scratch.path()).await;
    let base = serve(root.path().to_path_buf()).await;
    let store = HttpStore::new(&base).unwrap();
    assert_eq!(store.address(), format!("{base}/"));
    reading(&store, scratch.path()).await;

    let body = Body::Bytes(Bytes::from_static(b"x"));
    let refused = [
        store.create("a", body, silent()).await.unwrap_err().code,
        store.swap("a", Bytes::new(), None).await.unwrap_err().code,
        store.list("metadata").await.unwrap_err().code,
    ];
    assert_eq!(refused, [Code::StorageReadOnly; 3]);
}

#[tokio::test]
async fn a_bucket_keeps_every_promise_of_a_store_in_both_styles_and_at_its_root() {
    let scratch = TempDir::new().unwrap();
    for (prefix, more) in [
        ("ota/app", ""),
        ("", ""),
        ("my%20ota/%C3%A4%2B", "&style=virtual"),
        ("ota", "&lock=1"),
    ] {
        let server = s3::S3::start().await;
        let store = server.store(prefix, more);
        writing(&store, scratch.path()).await;
        reading(&store, scratch.path()).await;
        assert_eq!(
            StorageAddress::parse(&store.address()).unwrap(),
            StorageAddress::parse(&server.address(prefix, more)).unwrap()
        );
    }
}
