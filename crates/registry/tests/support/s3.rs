//! A real S3 server inside the test process (s3s-fs: signatures are checked), each on a port of its own.
//!
//! Objects of `bkt` lie as files below `root/bkt`.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "every test file uses a part of it; a test that cannot set up has failed"
)]

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use headgate_registry::{
    BucketAddress, BucketKeys, BucketLimits, BucketStore, FixedCredentials, StorageAddress,
};
use hyper_util::rt::{TokioExecutor, TokioIo};
use hyper_util::server::conn::auto::Builder;
use s3s::auth::SimpleAuth;
use s3s::host::SingleDomain;
use s3s::service::S3ServiceBuilder;
use tempfile::TempDir;

/// The bucket of every server here.
pub const BUCKET: &str = "bkt";

/// A running server; its files go with it.
pub struct S3 {
    pub root: TempDir,
    pub port: u16,
}

impl S3 {
    /// Starts one that knows the access key `AK` with the secret `SK`.
    pub async fn start() -> Self {
        Self::start_with(true).await
    }

    /// Starts one that takes whatever comes, signed or not: for a server in front of it.
    pub async fn open() -> Self {
        Self::start_with(false).await
    }

    async fn start_with(signed: bool) -> Self {
        let root = TempDir::new().unwrap();
        std::fs::create_dir(root.path().join(BUCKET)).unwrap();
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let fs = s3s_fs::FileSystem::new(root.path()).unwrap();
        let mut builder = S3ServiceBuilder::new(fs);
        if signed {
            builder.set_auth(SimpleAuth::from_single("AK", "SK"));
        }
        builder.set_host(SingleDomain::new(&format!("localhost:{port}")).unwrap());
        let service = builder.build();
        tokio::spawn(async move {
            while let Ok((socket, _)) = listener.accept().await {
                let service = service.clone();
                tokio::spawn(async move {
                    let server = Builder::new(TokioExecutor::new());
                    let _ = server.serve_connection(TokioIo::new(socket), service).await;
                });
            }
        });
        Self { root, port }
    }

    /// `s3://…` of a folder in the bucket; `more` is appended to the query.
    pub fn address(&self, prefix: &str, more: &str) -> String {
        format!(
            "s3://{BUCKET}/{prefix}?endpoint=http://localhost:{}{more}",
            self.port
        )
    }

    /// The store there, with quick limits.
    pub fn store(&self, prefix: &str, more: &str) -> BucketStore {
        store(&self.address(prefix, more), "AK", "SK")
    }

    /// Where an object's file lies.
    pub fn file(&self, key: &str) -> std::path::PathBuf {
        self.root.path().join(BUCKET).join(Path::new(key))
    }
}

/// Limits that let a test of silence end.
pub fn quick() -> BucketLimits {
    BucketLimits {
        connect: Duration::from_secs(5),
        idle: Duration::from_secs(5),
        metadata: Duration::from_secs(5),
        slow_span: Duration::from_secs(5),
        slow_bytes: 1_024,
        read_tries: 3,
        retry_pause: Duration::from_millis(5),
        settle: Duration::from_millis(40),
        lock_wait: Duration::from_millis(600),
    }
}

/// An access key.
pub fn keys(id: &str, secret: &str, token: Option<&str>) -> BucketKeys {
    let text = |text: &str| text.to_owned().into();
    BucketKeys::new(text(id), text(secret), token.map(text)).unwrap()
}

/// A parsed address.
pub fn parse(address: &str) -> BucketAddress {
    match StorageAddress::parse(address).unwrap() {
        StorageAddress::Bucket(bucket) => bucket,
        other => panic!("{other} is no bucket"),
    }
}

/// A store with this access key.
pub fn store(address: &str, id: &str, secret: &str) -> BucketStore {
    let credentials = Arc::new(FixedCredentials::new(keys(id, secret, None)));
    BucketStore::with_limits(parse(address), credentials, quick()).unwrap()
}
