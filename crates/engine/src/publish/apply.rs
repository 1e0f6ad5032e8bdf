//! Writing signed steps in order, each recorded before it is done.

use bytes::Bytes;
use headgate_core::{Code, Problem, Result};
use headgate_registry::{Body, Created, Store, Stored, Swapped, layout, silent};
use headgate_tuf::{MAX_METADATA, sha256_hex};

use crate::db::{ObjectState, Step, StepKind};
use crate::upload::{Target, Uploads, passes};

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

/// Writes the steps of one job.
pub(crate) struct Applier<'a> {
    pub(crate) uploads: Uploads<'a>,
    /// The first of the targets.
    pub(crate) registry: &'a Target,
}

impl Applier<'_> {
    /// Runs all steps that are not done. Safe to run again after a crash at any point.
    ///
    /// # Errors
    /// `storage.*`, `job.cancelled` and `job.paused` before the commit, `storage.poisoned_object`.
    pub(crate) async fn run(&self, steps: &[Step]) -> Result<Applied> {
        let committed = steps.iter().any(|s| {
            s.kind == StepKind::Commit
                && matches!(s.state, ObjectState::Done | ObjectState::Skipped)
        });
        // After the commit an object that is not there yet can only be one of a mirror, which is brought up to date
        // from the registry.
        if !committed {
            self.uploads.run(steps).await?;
        }
        let left = steps
            .iter()
            .enumerate()
            .filter(|(_, step)| !step.is_object())
            .filter(|(_, step)| !matches!(step.state, ObjectState::Done | ObjectState::Skipped));
        for (index, step) in left {
            let wish = self.uploads.control.stopped();
            match step.kind {
                StepKind::Create | StepKind::Commit if wish.is_some() => {
                    return Err(wish.unwrap_or_else(|| {
                        Problem::new(Code::Internal, "The job stopped without a wish.")
                    }));
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

    fn store(&self) -> &dyn Store {
        self.registry.store.as_ref()
    }

    async fn mark(&self, index: usize, step: &Step, state: ObjectState) -> Result<()> {
        let (journal, job) = (self.uploads.journal, self.uploads.job);
        journal.set_step(job, step.seq, state).await?;
        let sent = if state == ObjectState::Done {
            step.size
        } else {
            0
        };
        self.uploads.watch.step(index, Some(sent), state);
        Ok(())
    }

    /// Creates a metadata file. The inner error names one that exists with other content.
    async fn create(
        &self,
        index: usize,
        step: &Step,
    ) -> Result<std::result::Result<ObjectState, String>> {
        let write = || async {
            self.uploads
                .watch
                .step(index, Some(0), ObjectState::Sending);
            // Before an object is skipped it is proven to be the right one.
            match self.compare(step).await? {
                Stored::Missing => {}
                Stored::Same => return Ok(Ok(ObjectState::Skipped)),
                Stored::Different => return Ok(Err(step.key.clone())),
            }
            let body = Body::Bytes(Bytes::from(step.body.clone().unwrap_or_default()));
            let created = self.store().create(&step.key, body, silent()).await;
            if matches!(created, Ok(Created::Created)) {
                return Ok(Ok(ObjectState::Done));
            }
            // The write may have happened although its answer was lost: our own bytes there = success.
            match (self.compare(step).await, created) {
                (Ok(Stored::Same), _) => Ok(Ok(ObjectState::Done)),
                (Ok(Stored::Different), _) => Ok(Err(step.key.clone())),
                (_, Err(problem)) => Err(problem),
                (Err(problem), _) => Err(problem),
                (Ok(Stored::Missing), _) => Err(Problem::new(
                    Code::StorageIo,
                    format!("{} was there and is not any more.", step.key),
                )),
            }
        };
        self.uploads.tried(index, step, write).await
    }

    async fn compare(&self, step: &Step) -> Result<Stored> {
        let store = self.store();
        store.compare(&step.key, &step.sha256, step.size).await
    }

    /// The commit point. After any doubt the timestamp is read back: our own bytes there = success.
    async fn commit(&self, index: usize, step: &Step) -> Result<bool> {
        let mut last = None;
        // No wish of a person ends it from here on: whether it happened must be known.
        for attempt in 1..=COMMITS {
            if attempt > 1 {
                let clock = &self.uploads.world.clock;
                tokio::time::sleep(clock.pause(std::time::Duration::from_secs(attempt))).await;
            }
            match self.commit_once(index, step).await {
                Err(problem) if passes(&problem) => last = Some(problem),
                other => return other,
            }
        }
        Err(last.unwrap_or_else(|| Problem::new(Code::Internal, "The commit was not tried.")))
    }

    async fn commit_once(&self, index: usize, step: &Step) -> Result<bool> {
        self.uploads
            .watch
            .step(index, Some(0), ObjectState::Sending);
        let body = Bytes::from(step.body.clone().unwrap_or_default());
        let current = self
            .store()
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
            .store()
            .swap(layout::TIMESTAMP, body, current.as_ref().map(|o| &o.etag))
            .await;
        match swapped {
            Ok(Swapped::Swapped(_)) => Ok(true),
            Ok(Swapped::Changed) => recover_commit(self.store(), step).await,
            Err(problem) => match recover_commit(self.store(), step).await {
                Ok(true) => Ok(true),
                _ => Err(problem),
            },
        }
    }
}

/// Tries of the commit.
const COMMITS: u64 = 4;

/// Whether the stored timestamp is this step's.
pub(crate) async fn recover_commit(store: &dyn Store, step: &Step) -> Result<bool> {
    let object = store.get(layout::TIMESTAMP, MAX_METADATA as u64).await?;
    Ok(object.is_some_and(|o| sha256_hex(&o.bytes) == step.sha256))
}
