//! Where a case's storage lies.

use std::path::Path;
use std::sync::Arc;

use headgate_engine::OpenStore;
use headgate_tests::{BUCKET, Hook, S3, Stores};

/// The storage of a case: a folder, or a bucket of the server that listens there.
pub(crate) fn stores(
    dir: &Path,
    server: Option<&str>,
    hook: Option<Arc<dyn Hook>>,
) -> Arc<dyn OpenStore> {
    match (server, hook) {
        (None, None) => Arc::new(Stores::folder(&dir.join("storage"))),
        (None, Some(hook)) => Arc::new(Stores::folder(&dir.join("storage")).hooked(hook)),
        (Some(url), hook) => {
            let buckets =
                S3::stores_of().at(format!("s3://{BUCKET}/ota?endpoint={url}&region=us-east-1"));
            match hook {
                Some(hook) => Arc::new(buckets.hooked(hook)),
                None => Arc::new(buckets),
            }
        }
    }
}

/// Where the objects lie as files.
pub(crate) fn objects(dir: &Path) -> std::path::PathBuf {
    let bucket = dir.join("s3").join(BUCKET).join("ota");
    if bucket.exists() {
        bucket
    } else {
        dir.join("storage")
    }
}

/// Serves the bucket of a case.
pub(crate) async fn server(dir: &Path, in_bucket: bool) -> Option<String> {
    match in_bucket {
        true => Some(S3::start(&dir.join("s3")).await.url),
        false => None,
    }
}

/// A ship that was killed at its commit.
pub(crate) async fn killed_ship(when: &str) -> tempfile::TempDir {
    let dir = crate::base(&["init"], false).await;
    headgate_tests::copy_tree(&dir.path().join("anna"), &dir.path().join("berta"));
    let key = crate::killed_at(dir.path(), "ship", 7, when, None);
    assert_eq!(key.as_deref(), Some(crate::COMMIT));
    dir
}
