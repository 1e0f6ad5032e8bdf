//! Sending one object in one request.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};

use bytes::Bytes;
use headgate_bundle::single::BundleFiles;
use headgate_core::{Code, Problem, Result, files::StoredBytes};
use headgate_registry::{Body, Created, Store, Stored, silent};

use super::{Target, Uploads, passes, poisoned};
use crate::console::lock;
use crate::db::{ObjectState, Step};

/// Up to here an object is sent on a thread of its own, bytes; larger ones show their progress instead.
const ASIDE: u64 = 8 * 1024 * 1024;

impl Uploads<'_> {
    /// Sends an object whole.
    pub(super) async fn whole(&self, target: &Target, index: usize, step: &Step) -> Result<Sent> {
        if let Some(path) = &step.path {
            unchanged(path, step).await?;
        }
        self.tried(index, step, || async {
            let _lane = target.lane(step.size).await?;
            self.watch.step(index, Some(0), ObjectState::Sending);
            let body = self.body(step).await?;
            let created = if step.size <= ASIDE {
                let (store, key) = (target.store.clone(), step.key.clone());
                aside(async move { store.create(&key, body, silent()).await }).await
            } else {
                let progress = |sent| self.watch.step(index, Some(sent), ObjectState::Sending);
                target.store.create(&step.key, body, &progress).await
            };
            settled(target.store.as_ref(), step, created).await
        })
        .await
    }
}

/// How an object came to be in storage.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Sent {
    /// By us.
    Written,
    /// Somebody wrote the same bytes before.
    WasThere,
}

/// After any doubt the storage is asked: our own bytes there = success, whoever's answer was lost.
pub(super) async fn settled(
    store: &dyn Store,
    step: &Step,
    created: Result<Created>,
) -> Result<Sent> {
    let (problem, same) = match created {
        Ok(Created::Created) => return Ok(Sent::Written),
        Ok(Created::Exists) => {
            let what = format!("{} was there and is not any more.", step.key);
            (Problem::new(Code::StorageIo, what), Sent::WasThere)
        }
        Err(problem) if passes(&problem) || problem.code == Code::StorageMissing => {
            (problem, Sent::Written)
        }
        Err(problem) => return Err(problem),
    };
    match store.compare(&step.key, &step.sha256, step.size).await {
        Ok(Stored::Same) => Ok(same),
        Ok(Stored::Different) => Err(poisoned(step)),
        Ok(Stored::Missing) | Err(_) => Err(problem),
    }
}

/// Runs a request on the runtime's threads, so that hashing uses all cores; dropped, it stops.
pub(super) async fn aside<T: Send + 'static>(
    request: impl Future<Output = Result<T>> + Send + 'static,
) -> Result<T> {
    let mut set = tokio::task::JoinSet::new();
    set.spawn(request);
    match set.join_next().await {
        Some(Ok(result)) => result,
        other => {
            let problem = Problem::new(Code::Internal, "A transfer ended without an answer.");
            Err(match other {
                Some(Err(error)) => problem.detail(error),
                _ => problem,
            })
        }
    }
}

/// The files of a bundle, opened once for thousands of them.
pub(super) type Bundles = Mutex<HashMap<PathBuf, Arc<BundleFiles>>>;

impl Uploads<'_> {
    /// What is sent.
    async fn body(&self, step: &Step) -> Result<Body> {
        if let Some(bytes) = &step.body {
            return Ok(Body::Bytes(Bytes::from(bytes.clone())));
        }
        if let Some(path) = &step.path {
            return Ok(Body::File(path.into(), step.size));
        }
        let Some(source) = step.source.clone() else {
            let what = format!("The journal lost the content of {}.", step.key);
            return Err(Problem::new(Code::LocalJournal, what));
        };
        let stored = StoredBytes {
            sha256: step.sha256.clone(),
            size: step.size,
            encoding: source.encoding,
        };
        let bundles = Arc::clone(&self.bundles);
        let single = move || {
            let known = lock(&bundles).get(&source.bundle).cloned();
            let files = match known {
                Some(files) => files,
                None => {
                    let opened = Arc::new(BundleFiles::open(&source.bundle)?);
                    lock(&bundles).insert(source.bundle.clone(), Arc::clone(&opened));
                    opened
                }
            };
            files.stored_bytes(&source.path, &stored)
        };
        Ok(Body::Bytes(blocking(single).await?.into()))
    }
}

/// The packed bundle must still be what was signed.
pub(super) async fn unchanged(path: &str, step: &Step) -> Result<()> {
    let (file, expected) = (path.to_owned(), step.sha256.clone());
    blocking(move || match hash_file(Path::new(&file)) {
        Ok(sha256) if sha256 == expected => Ok(()),
        Ok(_) => Err(Problem::new(
            Code::BuildChanged,
            format!("{file} is not the file that was signed any more."),
        )),
        Err(e) => Err(unreadable(&file, &e)),
    })
    .await
}

pub(super) fn unreadable(path: &str, error: &std::io::Error) -> Problem {
    Problem::new(Code::LocalDisk, format!("{path} cannot be read: {error}."))
        .holds("Nothing of this release is live.")
        .remedy("Ship the web build again.")
}

pub(super) async fn blocking<T: Send + 'static>(
    work: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    tokio::task::spawn_blocking(work)
        .await
        .map_err(|e| Problem::new(Code::Internal, e.to_string()))?
}

pub(crate) fn hash_file(path: &Path) -> std::io::Result<String> {
    use sha2::Digest;
    use std::io::Read;
    let mut file = std::fs::File::open(path)?;
    let mut hasher = sha2::Sha256::new();
    let mut buffer = vec![0; 256 * 1024];
    loop {
        let n = file.read(&mut buffer)?;
        if n == 0 {
            return Ok(hex::encode(hasher.finalize()));
        }
        hasher.update(&buffer[..n]);
    }
}
