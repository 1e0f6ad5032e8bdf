//! Sending immutable objects: several at once, to several places at once, in parts where they are large.
//!
//! Nothing here is visible to a device. Whatever stops it, what was acknowledged stays and is not sent again.

mod control;
mod looks;
mod meter;
mod object;
mod parts;
mod retry;

use std::sync::{Arc, Mutex};

use futures::{StreamExt as _, TryStreamExt as _, stream, stream::FuturesUnordered};
use headgate_core::{Code, Problem, Result};
use headgate_registry::Store;
use tokio::sync::Semaphore;

use crate::World;
use crate::console::lock;
use crate::db::{Journal, ObjectState, Retry, Step};
pub(crate) use control::Control;
use looks::Looks;
pub(crate) use meter::{Meter, seconds_left};
use object::Sent;
pub(crate) use object::hash_file;
pub(crate) use retry::passes;

/// Small objects in flight to one target; a large one, or a part of it, takes the place of [`LARGE`] small ones.
const IN_FLIGHT: usize = 32;

/// See [`IN_FLIGHT`]: 4 large ones in flight.
const LARGE: u32 = 8;

/// From here an object counts as large, bytes.
const SMALL: u64 = 1024 * 1024;

/// Marks that may wait until they are written to the journal together. A crash only costs another look at these objects.
const TOGETHER: usize = 64;

/// One place that objects are sent to.
#[derive(Clone)]
pub(crate) struct Target {
    pub(crate) store: Arc<dyn Store>,
    /// As it stands in the job: names uploads in parts in the journal.
    pub(crate) address: String,
    lanes: Arc<Semaphore>,
}

impl Target {
    pub(crate) fn new(store: Arc<dyn Store>, address: String) -> Self {
        Self {
            store,
            address,
            lanes: Arc::new(Semaphore::new(IN_FLIGHT)),
        }
    }

    /// Waits until there is room for this many bytes.
    async fn lane(&self, size: u64) -> Result<tokio::sync::SemaphorePermit<'_>> {
        let places = if size > SMALL { LARGE } else { 1 };
        let lane = self.lanes.acquire_many(places).await;
        lane.map_err(|e| Problem::new(Code::Internal, "The lanes were closed.").detail(e))
    }
}

/// Told what happens to a job's steps and targets.
pub(crate) trait Watch: Send + Sync {
    /// A step moved: its index, bytes acknowledged if they changed, its state.
    fn step(&self, index: usize, sent: Option<u64>, state: ObjectState);
    /// A target waits before its next try, or goes on.
    fn retry(&self, target: u32, retry: Option<Retry>);
    /// A mirror was given up; the job goes on without it.
    fn given_up(&self, target: u32, problem: &Problem);
}

/// Sends the objects of one job.
pub(crate) struct Uploads<'a> {
    /// The registry first. Nothing for a mirror that could not be opened.
    pub(crate) targets: &'a [Option<Target>],
    pub(crate) journal: &'a Journal,
    pub(crate) job: &'a str,
    pub(crate) control: &'a Control,
    pub(crate) watch: &'a dyn Watch,
    pub(crate) world: &'a World,
    pub(crate) bundles: Arc<object::Bundles>,
}

impl Uploads<'_> {
    /// Sends every object that is not there. A mirror that fails is told and left behind: it
    /// never makes a release fail, and delays it by its tries at most.
    ///
    /// # Errors
    /// `storage.*` of the registry, `storage.poisoned_object`, `job.cancelled`, `job.paused`.
    pub(crate) async fn run(&self, steps: &[Step]) -> Result<()> {
        let mut all = FuturesUnordered::new();
        for (number, target) in self.targets.iter().enumerate() {
            if let Some(target) = target {
                all.push(self.numbered(number, target, steps));
            }
        }
        while let Some((number, result)) = all.next().await {
            match result {
                Ok(()) => {}
                Err(problem) if number == 0 || is_wish(&problem) => return Err(problem),
                Err(problem) => {
                    tracing::warn!(%problem, "a mirror was given up");
                    self.watch
                        .given_up(u32::try_from(number).unwrap_or(u32::MAX), &problem);
                }
            }
        }
        Ok(())
    }

    async fn numbered(
        &self,
        number: usize,
        target: &Target,
        steps: &[Step],
    ) -> (usize, Result<()>) {
        (number, self.target(number, target, steps).await)
    }

    async fn target(&self, number: usize, target: &Target, steps: &[Step]) -> Result<()> {
        let open = steps.iter().enumerate().filter(|(_, step)| {
            step.is_object()
                && step.target as usize == number
                && !matches!(step.state, ObjectState::Done | ObjectState::Skipped)
        });
        let open: Vec<usize> = open.map(|(index, _)| index).collect();
        let marks = Marks {
            uploads: self,
            open: Mutex::default(),
        };
        let looks = self.looks(target, steps, open, &marks).await?;
        let sends: Vec<_> = looks
            .missing
            .iter()
            .map(|index| (*index, None))
            .chain(looks.likely.iter().map(|index| (*index, Some(&looks))))
            .map(|(index, likely)| self.send(target, index, &steps[index], likely, &marks))
            .collect();
        let sent = stream::iter(sends)
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<()>()
            .await;
        marks.flush_after(sent).await
    }

    /// Sends one object. `likely`: nobody asked for it, because it is likely missing.
    async fn send(
        &self,
        target: &Target,
        index: usize,
        step: &Step,
        likely: Option<&Looks>,
        marks: &Marks<'_>,
    ) -> Result<()> {
        if likely.is_some_and(Looks::is_wrong)
            && !self.is_missing(target, index, step, marks).await?
        {
            return Ok(());
        }
        let in_parts = step.size > parts::PART && target.store.parts().is_some();
        let sent = match &step.path {
            Some(path) if in_parts => self.in_parts(target, index, step, path).await,
            _ => self.whole(target, index, step).await,
        };
        let problem = match sent {
            Ok(Sent::Written) => {
                self.watch.step(index, Some(step.size), ObjectState::Done);
                return marks.add(step, ObjectState::Done).await;
            }
            Ok(Sent::WasThere) => {
                if let Some(looks) = likely {
                    looks.was_wrong();
                }
                self.watch.step(index, Some(0), ObjectState::Skipped);
                return marks.add(step, ObjectState::Skipped).await;
            }
            Err(problem) => problem,
        };
        if !is_wish(&problem) {
            // Acknowledged parts stay and are not sent again.
            let kept = (!in_parts || step.path.is_none()).then_some(0);
            self.watch.step(index, kept, ObjectState::Failed);
        }
        Err(problem)
    }

    /// Runs a request, and again when it failed for the moment. A person's wish ends it at once.
    pub(crate) async fn tried<T, F>(
        &self,
        index: usize,
        step: &Step,
        request: impl Fn() -> F + Sync,
    ) -> Result<T>
    where
        F: Future<Output = Result<T>> + Send,
        T: Send,
    {
        let mut attempt = 1;
        loop {
            let result = tokio::select! {
                biased;
                problem = self.control.until_stopped() => return Err(problem),
                result = request() => result,
            };
            let problem = match result {
                Err(problem) if attempt < retry::TRIES && passes(&problem) => problem,
                other => return other,
            };
            attempt += 1;
            let pause = retry::pause(attempt, self.world.dice());
            self.watch.step(index, None, ObjectState::Retrying);
            let told = Retry {
                why: problem.message,
                attempt,
                of: retry::TRIES,
                in_ms: u64::try_from(pause.as_millis()).unwrap_or(u64::MAX),
            };
            self.watch.retry(step.target, Some(told));
            tokio::select! {
                problem = self.control.until_stopped() => return Err(problem),
                () = self.control.hurried() => {}
                () = tokio::time::sleep(self.world.clock.pause(pause)) => {}
            }
            self.watch.retry(step.target, None);
            self.watch.step(index, None, ObjectState::Sending);
        }
    }
}

/// Steps whose new state is not in the journal yet.
struct Marks<'a> {
    uploads: &'a Uploads<'a>,
    open: Mutex<Vec<(i64, ObjectState)>>,
}

impl Marks<'_> {
    async fn add(&self, step: &Step, state: ObjectState) -> Result<()> {
        let full = {
            let mut open = lock(&self.open);
            open.push((step.seq, state));
            (open.len() >= TOGETHER || step.size > SMALL).then(|| std::mem::take(&mut *open))
        };
        match full {
            Some(marks) => self.write(&marks).await,
            None => Ok(()),
        }
    }

    /// Writes the rest, whatever the result was, and gives the result.
    async fn flush_after<T>(&self, result: Result<T>) -> Result<T> {
        let rest = std::mem::take(&mut *lock(&self.open));
        let written = self.write(&rest).await;
        let value = result?;
        written.map(|()| value)
    }

    async fn write(&self, marks: &[(i64, ObjectState)]) -> Result<()> {
        if marks.is_empty() {
            return Ok(());
        }
        self.uploads
            .journal
            .mark_steps(self.uploads.job, marks)
            .await
    }
}

/// A person stopped it, nothing failed.
fn is_wish(problem: &Problem) -> bool {
    matches!(problem.code, Code::JobCancelled | Code::JobPaused)
}

pub(crate) fn poisoned(step: &Step) -> Problem {
    let what = format!(
        "{} exists in storage with other bytes than its name says.",
        step.key
    );
    Problem::new(Code::StoragePoisoned, what).detail(format!("expected SHA-256 {}", step.sha256))
}
