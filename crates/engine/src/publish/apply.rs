//! Writing signed steps in order, each recorded before it is done.

use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use headgate_registry::{Body, Created, Store, Swapped, layout, silent};
use headgate_tuf::{MAX_METADATA, sha256_hex};

use crate::db::{Journal, ObjectState, Step, StepKind};

/// How a publish ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Applied {
    /// The timestamp is ours.
    Committed,
    /// Somebody else committed meanwhile; nothing of ours is live.
    Overtaken,
    /// Another console took a version number that we wanted; sign again with the next one.
    VersionTaken(String),
}

/// Told about every step: its index, bytes acknowledged, and its state.
pub(crate) type OnStep<'a> = &'a (dyn Fn(usize, u64, ObjectState) + Send + Sync);

/// Writes the steps of one job.
pub(crate) struct Applier<'a> {
    pub(crate) store: &'a dyn Store,
    pub(crate) journal: &'a Journal,
    pub(crate) job: &'a str,
    pub(crate) cancel: &'a AtomicBool,
    pub(crate) on_step: OnStep<'a>,
}

impl Applier<'_> {
    /// Runs all steps that are not done. Safe to run again after a crash at any point.
    ///
    /// # Errors
    /// `storage.*`, `job.cancelled` before the commit, `storage.poisoned_object`.
    pub(crate) async fn run(&self, steps: &[Step]) -> Result<Applied> {
        for (index, step) in steps.iter().enumerate() {
            if matches!(step.state, ObjectState::Done | ObjectState::Skipped) {
                continue;
            }
            let cancelled = self.cancel.load(Ordering::SeqCst);
            match step.kind {
                StepKind::Create | StepKind::Commit if cancelled => {
                    return Err(Problem::new(
                        Code::JobCancelled,
                        "The job was cancelled before it was committed.",
                    ));
                }
                StepKind::Create | StepKind::Root => match self.create(index, step).await? {
                    Ok(state) => self.mark(index, step, state).await?,
                    // After the commit this is a new root: what is committed carries the signatures of the old
                    // root's keys too, so every client still verifies.
                    Err(taken) => return Ok(Applied::VersionTaken(taken)),
                },
                StepKind::Commit => {
                    if !self.commit(index, step).await? {
                        return Ok(Applied::Overtaken);
                    }
                    self.mark(index, step, ObjectState::Done).await?;
                }
            }
        }
        Ok(Applied::Committed)
    }

    async fn mark(&self, index: usize, step: &Step, state: ObjectState) -> Result<()> {
        self.journal.set_step(self.job, step.seq, state).await?;
        (self.on_step)(index, step.size, state);
        Ok(())
    }

    /// Creates an object. The inner error names a metadata file that exists with other content.
    async fn create(
        &self,
        index: usize,
        step: &Step,
    ) -> Result<std::result::Result<ObjectState, String>> {
        (self.on_step)(index, 0, ObjectState::Sending);
        let body = match (&step.body, &step.path) {
            (Some(bytes), _) => Body::Bytes(Bytes::from(bytes.clone())),
            (None, Some(path)) => Body::File(path.into(), step.size),
            (None, None) => {
                return Err(Problem::new(
                    Code::LocalJournal,
                    format!("The journal lost the content of {}.", step.key),
                ));
            }
        };
        // Before an object is skipped it is proven to be the right one.
        if let Some(meta) = self.store.head(&step.key).await? {
            return self.existing(step, meta.size).await;
        }
        if let Some(path) = &step.path {
            self.unchanged(path, step).await?;
        }
        let progress = |sent| (self.on_step)(index, sent, ObjectState::Sending);
        match self.store.create(&step.key, body, &progress).await {
            Ok(Created::Created) => Ok(Ok(ObjectState::Done)),
            Ok(Created::Exists) => self.existing(step, step.size).await,
            // The write may have happened although its answer was lost.
            Err(problem) => match self.store.head(&step.key).await {
                Ok(Some(meta)) => self.existing(step, meta.size).await,
                _ => Err(problem),
            },
        }
    }

    async fn existing(
        &self,
        step: &Step,
        size: u64,
    ) -> Result<std::result::Result<ObjectState, String>> {
        let same = size == step.size
            && self
                .store
                .hash(&step.key, silent())
                .await?
                .is_some_and(|(sha256, _)| sha256 == step.sha256);
        if same {
            return Ok(Ok(ObjectState::Skipped));
        }
        if step.key.starts_with("metadata/") {
            return Ok(Err(step.key.clone()));
        }
        let what = format!(
            "{} exists in storage with other bytes than its name says.",
            step.key
        );
        Err(Problem::new(Code::StoragePoisoned, what)
            .detail(format!("expected SHA-256 {}", step.sha256)))
    }

    /// The packed bundle must still be what was signed.
    async fn unchanged(&self, path: &str, step: &Step) -> Result<()> {
        let (file, expected) = (path.to_owned(), step.sha256.clone());
        let hash = tokio::task::spawn_blocking(move || hash_file(std::path::Path::new(&file)));
        let found = hash
            .await
            .map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
        match found {
            Ok(sha256) if sha256 == expected => Ok(()),
            Ok(_) => Err(Problem::new(
                Code::BuildChanged,
                format!("{path} is not the file that was signed any more."),
            )),
            Err(e) => Err(
                Problem::new(Code::LocalDisk, format!("{path} cannot be read: {e}."))
                    .holds("Nothing of this release is live.")
                    .remedy("Ship the web build again."),
            ),
        }
    }

    /// The commit point. After any doubt the timestamp is read back: our own bytes there = success.
    async fn commit(&self, index: usize, step: &Step) -> Result<bool> {
        (self.on_step)(index, 0, ObjectState::Sending);
        let body = Bytes::from(step.body.clone().unwrap_or_default());
        let current = self
            .store
            .get(layout::TIMESTAMP, MAX_METADATA as u64)
            .await?;
        let found = current.as_ref().map(|o| sha256_hex(&o.bytes));
        if found.as_deref() == Some(step.sha256.as_str()) {
            return Ok(true);
        }
        if found != step.expected {
            return Ok(false);
        }
        let swapped = self
            .store
            .swap(layout::TIMESTAMP, body, current.as_ref().map(|o| &o.etag))
            .await;
        match swapped {
            Ok(Swapped::Swapped(_)) => Ok(true),
            Ok(Swapped::Changed) => recover_commit(self.store, step).await,
            Err(problem) => match recover_commit(self.store, step).await {
                Ok(true) => Ok(true),
                _ => Err(problem),
            },
        }
    }
}

/// Whether the stored timestamp is this step's.
pub(crate) async fn recover_commit(store: &dyn Store, step: &Step) -> Result<bool> {
    let object = store.get(layout::TIMESTAMP, MAX_METADATA as u64).await?;
    Ok(object.is_some_and(|o| sha256_hex(&o.bytes) == step.sha256))
}

pub(crate) fn hash_file(path: &std::path::Path) -> std::io::Result<String> {
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
