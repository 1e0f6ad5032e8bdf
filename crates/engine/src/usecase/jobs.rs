//! Jobs: long work that outlives the sheet that started it.

use std::collections::HashMap;
use std::fs::File;
use std::sync::Arc;

use headgate_core::{Code, Problem, Result};

use crate::console::{Happened, Inner, lock};
use crate::db::{Job, JobKind, JobState, ObjectState, Phase, Retry, Step};
use crate::upload::{Control, Meter, Watch};
use crate::{Console, Intent, Workspace};

/// Progress is told at most this often, milliseconds.
const TELL_EVERY: u64 = 100;

/// A job of this process.
pub(crate) struct Live {
    pub(crate) job: Job,
    pub(crate) control: Arc<Control>,
    told: u64,
    /// One for each target.
    meters: Vec<Meter>,
    /// Held while the job runs, so another Headgate on this home does not resume it.
    _lock: Option<File>,
}

impl Live {
    /// Works out targets, speed and time left; ticks are milliseconds.
    fn sum_up(&mut self, now: u64) {
        self.meters
            .resize_with(self.job.targets.len(), Meter::default);
        let meters = &mut self.meters;
        let running = self.job.state == JobState::Running;
        self.job.sum_up(|index, total| {
            meters.get_mut(index).map_or(0, |meter| {
                meter.at(now, total);
                if running { meter.speed(now, total) } else { 0 }
            })
        });
    }
}

impl Inner {
    /// Registers a new job and takes its lock.
    pub(crate) fn new_job(
        &self,
        kind: JobKind,
        workspace: &str,
        unit: &str,
        channel: Option<&str>,
        title: String,
        intent: Option<Intent>,
    ) -> Result<Job> {
        let now = self.world.now();
        Ok(Job {
            id: format!("{}-{}", now.unix(), self.world.id(6)?),
            kind,
            workspace: workspace.into(),
            unit: unit.into(),
            channel: channel.map(str::to_owned),
            title,
            state: JobState::Running,
            phase: Phase::Read,
            done: 0,
            total: 0,
            speed: 0,
            steps: Vec::new(),
            targets: Vec::new(),
            started: now,
            touched: now,
            finished: None,
            error: None,
            receipt: None,
            handle: None,
            undo_until: None,
            intent,
        })
    }

    /// Takes a job into this process. Nothing when another process works on it.
    pub(crate) fn adopt(&self, job: Job) -> Result<Option<Arc<Control>>> {
        let path = self.home.work().join(format!("{}.lock", job.id));
        let io = |e: std::io::Error| {
            Problem::new(
                Code::LocalDisk,
                format!("{} cannot be written: {e}.", path.display()),
            )
        };
        let file = File::create(&path).map_err(io)?;
        if file.try_lock().is_err() {
            return Ok(None);
        }
        let control = Control::new();
        let live = Live {
            job,
            control: Arc::clone(&control),
            told: 0,
            meters: Vec::new(),
            _lock: Some(file),
        };
        lock(&self.live).insert(live.job.id.clone(), live);
        Ok(Some(control))
    }

    /// Gives a job back that this process took but does not run.
    pub(crate) fn release(&self, id: &str) {
        lock(&self.live).remove(id);
    }

    /// Changes a job of this process and tells it; small progress is throttled.
    pub(crate) fn update(&self, id: &str, always: bool, change: impl FnOnce(&mut Job)) {
        let now = self.world.clock.ticks();
        let mut live = lock(&self.live);
        let Some(entry) = live.get_mut(id) else {
            return;
        };
        change(&mut entry.job);
        if always || now >= entry.told + TELL_EVERY {
            entry.told = now;
            entry.sum_up(now);
            let job = Box::new(entry.job.clone());
            drop(live);
            self.tell(Happened::Job(job));
        }
    }

    /// A new phase, recorded before it begins.
    pub(crate) async fn phase(&self, id: &str, phase: Phase) -> Result<()> {
        self.update(id, true, |job| {
            job.phase = phase;
            job.done = 0;
            job.total = 0;
        });
        self.save(id).await
    }

    pub(crate) async fn save(&self, id: &str) -> Result<()> {
        let job = {
            let mut live = lock(&self.live);
            let Some(entry) = live.get_mut(id) else {
                return Ok(());
            };
            entry.job.touched = self.world.now();
            entry.job.clone()
        };
        if job.intent.is_some() {
            self.journal.save_job(&job).await
        } else {
            Ok(())
        }
    }

    /// Shows the steps of a publish.
    pub(crate) fn show_steps(&self, id: &str, steps: &[Step]) {
        self.update(id, true, |job| {
            job.steps = steps.iter().map(Step::view).collect();
        });
    }

    /// Ends a job, whatever its result.
    ///
    /// The journal learns it first: whoever waits may end this process at once, and the next start would
    /// take up a job that had ended.
    pub(crate) async fn end(&self, id: &str, result: Result<Option<crate::Receipt>>) {
        let Some(mut job) = lock(&self.live).get(id).map(|live| live.job.clone()) else {
            return;
        };
        job.touched = self.world.now();
        job.finished = Some(job.touched);
        match result {
            Ok(receipt) => {
                job.state = JobState::Done;
                job.phase = Phase::Done;
                job.receipt = receipt;
                job.error = None;
            }
            Err(problem) if problem.code == Code::JobPaused => {
                job.state = JobState::Paused;
                job.finished = None;
            }
            Err(problem) => {
                let cancelled = problem.code == Code::JobCancelled;
                job.state = if cancelled {
                    JobState::Cancelled
                } else {
                    JobState::Failed
                };
                job.error = Some(problem);
            }
        }
        for target in &mut job.targets {
            target.retry = None;
        }
        job.sum_up(|_, _| 0);
        if job.intent.is_some()
            && let Err(problem) = self.journal.save_job(&job).await
        {
            tracing::error!(job = id, %problem, "the end of a job could not be recorded");
        }
        if job.state == JobState::Done {
            job.steps.retain(|step| step.path.is_none());
            if let Err(problem) = self.journal.forget_files(id).await {
                tracing::warn!(%problem, "the single files of a job stay in the journal");
            }
        }
        self.journal.back_up_if_old().await;
        let _ = std::fs::remove_file(self.home.work().join(format!("{id}.lock")));
        if let Some(live) = lock(&self.live).get_mut(id) {
            live._lock = None;
            live.job = job.clone();
        }
        self.tell(Happened::Job(Box::new(job)));
    }
}

/// Tells the steps of one job.
pub(crate) struct JobWatch<'a> {
    pub(crate) inner: &'a Inner,
    pub(crate) job: &'a str,
}

impl Watch for JobWatch<'_> {
    fn step(&self, index: usize, sent: Option<u64>, state: ObjectState) {
        // Thousands of single files end one after the other: only the last of a span is told.
        self.inner.update(self.job, false, |job| {
            if let Some(step) = job.steps.get_mut(index) {
                step.state = state;
                step.sent = sent.unwrap_or(step.sent);
                if step.key.starts_with("metadata/") {
                    job.phase = Phase::Publish;
                }
            }
        });
    }

    fn retry(&self, target: u32, retry: Option<Retry>) {
        self.inner.update(self.job, true, |job| {
            if let Some(target) = job.targets.get_mut(target as usize) {
                target.retry = retry;
            }
        });
    }

    fn given_up(&self, target: u32, problem: &Problem) {
        self.inner.update(self.job, true, |job| {
            if let Some(target) = job.targets.get_mut(target as usize) {
                target.retry = None;
                target.error = Some(problem.clone());
            }
        });
    }
}

impl Console {
    /// Jobs that are not dismissed, newest first.
    ///
    /// # Errors
    /// `local.journal`.
    pub async fn jobs(&self) -> Result<Vec<Job>> {
        let mut jobs: HashMap<String, Job> = self
            .inner
            .journal
            .jobs()
            .await?
            .into_iter()
            .map(|j| (j.id.clone(), j))
            .collect();
        for live in lock(&self.inner.live).values() {
            if jobs.contains_key(&live.job.id) || live.job.intent.is_none() {
                jobs.insert(live.job.id.clone(), live.job.clone());
            }
        }
        let mut jobs: Vec<Job> = jobs.into_values().collect();
        jobs.sort_by(|a, b| (b.started, &b.id).cmp(&(a.started, &a.id)));
        Ok(jobs)
    }

    /// One job.
    ///
    /// # Errors
    /// `job.unknown`.
    pub async fn job(&self, id: &str) -> Result<Job> {
        if let Some(live) = lock(&self.inner.live).get(id) {
            return Ok(live.job.clone());
        }
        let missing = || Problem::new(Code::JobUnknown, format!("There is no job {id}."));
        self.inner.journal.job(id).await?.ok_or_else(missing)
    }

    /// Waits until a job has ended.
    ///
    /// # Errors
    /// The job's own error.
    pub async fn wait(&self, id: &str) -> Result<Job> {
        let mut events = self.events();
        loop {
            let job = self.job(id).await?;
            match (job.state, &job.error) {
                (JobState::Running, _) => {}
                (JobState::Failed | JobState::Cancelled, Some(problem)) => {
                    return Err(problem.clone());
                }
                _ => return Ok(job),
            }
            // A missed event only costs this pause.
            let _ =
                tokio::time::timeout(std::time::Duration::from_millis(200), events.recv()).await;
        }
    }

    /// Stops a job before its commit.
    ///
    /// # Errors
    /// `job.committed` after it, `job.unknown`; `storage.*` when it cannot be told whether it is committed.
    pub async fn cancel_job(&self, id: &str) -> Result<()> {
        let mut job = self.job(id).await?;
        if job.phase == Phase::ReadBack || job.state == JobState::Done {
            return Err(Problem::new(
                Code::JobCommitted,
                format!("{} is committed.", job.title),
            ));
        }
        if let Some(live) = lock(&self.inner.live).get(id)
            && live.job.state == JobState::Running
        {
            live.control.cancel();
            return Ok(());
        }
        let steps = self.inner.journal.steps(id).await?;
        if !steps.is_empty() {
            // A process that died may have committed without recording it.
            let workspace = self.workspace(&job.workspace).await?;
            let store = self.inner.store(&workspace)?;
            if super::write::committed(&self.inner, &workspace, store.as_ref(), &steps).await? {
                let what = format!("{} is committed.", job.title);
                return Err(Problem::new(Code::JobCommitted, what));
            }
        }
        // Another Headgate on this home may be at it: then it is not ours to end.
        if self.inner.adopt(job.clone())?.is_none() {
            let what = format!("Another Headgate works on this: {}.", job.title);
            return Err(Problem::new(Code::LocalBusy, what).remedy("Cancel it where it runs."));
        }
        self.abort_uploads(&job, &steps).await;
        job.state = JobState::Cancelled;
        job.finished = Some(self.inner.world.now());
        let saved = self.inner.journal.save_job(&job).await;
        self.inner.release(id);
        saved?;
        self.inner.tell(Happened::Job(Box::new(job)));
        Ok(())
    }

    /// Holds a job that runs. What was acknowledged stays; [`Self::resume_job`] goes on.
    ///
    /// # Errors
    /// `job.committed` after the commit, `job.unknown`; `local.busy` when it runs in another process;
    /// `usage.argument` for an inspection, which starts anew quickly.
    pub async fn pause_job(&self, id: &str) -> Result<()> {
        let job = self.job(id).await?;
        if job.intent.is_none() {
            let what = "An inspection can be cancelled, not paused.";
            return Err(Problem::new(Code::UsageArgument, what));
        }
        if job.phase == Phase::ReadBack || job.state == JobState::Done {
            let what = format!("{} is committed.", job.title);
            return Err(Problem::new(Code::JobCommitted, what));
        }
        match (job.state, lock(&self.inner.live).get(id)) {
            (JobState::Running, Some(live)) => live.control.pause(),
            (JobState::Running, None) => {
                let what = format!("Another Headgate works on this: {}.", job.title);
                return Err(Problem::new(Code::LocalBusy, what).remedy("Pause it where it runs."));
            }
            _ => {}
        }
        Ok(())
    }

    /// Ends the present pauses before further tries.
    ///
    /// # Errors
    /// `job.unknown`.
    pub async fn retry_job_now(&self, id: &str) -> Result<()> {
        self.job(id).await?;
        if let Some(live) = lock(&self.inner.live).get(id) {
            live.control.hurry();
        }
        Ok(())
    }

    /// Hides an ended job.
    ///
    /// # Errors
    /// `local.journal`.
    pub async fn dismiss_job(&self, id: &str) -> Result<()> {
        self.inner.journal.dismiss(id).await?;
        lock(&self.inner.live).retain(|key, live| key != id || live.job.state == JobState::Running);
        Ok(())
    }

    /// Whether work is under way that quitting would interrupt.
    pub fn running_jobs(&self) -> Vec<Job> {
        let live = lock(&self.inner.live);
        live.values()
            .filter(|l| l.job.state == JobState::Running)
            .map(|l| l.job.clone())
            .collect()
    }
}

/// "Ship 4.2.7 to development".
pub(crate) fn title(intent: &Intent) -> String {
    use crate::{Action, RolloutChange as C, SettingsChange as S};
    match &intent.action {
        Action::Init { app, .. } => format!("Make the registry of {app}"),
        Action::Ship {
            manifest, channel, ..
        } => format!("Ship {} to {channel}", manifest.version),
        Action::Promote { build, to, .. } => format!("Promote build {build} to {to}"),
        Action::Rollout {
            channel, change, ..
        } => match change {
            C::Share { build, permille } => format!(
                "Serve build {build} to {} on {channel}",
                headgate_core::percent(*permille)
            ),
            C::Halt => format!("Halt {channel}"),
            C::Resume => format!("Resume {channel}"),
            C::Complete => format!("Complete {channel}"),
            C::RollBack { to } => format!("Roll {channel} back to build {to}"),
            C::Embedded => format!("Return {channel} to the embedded build"),
            C::Freeze => format!("Freeze {channel}"),
            C::Unfreeze => format!("Unfreeze {channel}"),
        },
        Action::Refresh { leave } if leave.is_empty() => "Refresh freshness".into(),
        Action::Refresh { leave } => {
            let roles: Vec<&str> = leave.iter().map(String::as_str).collect();
            format!(
                "Refresh freshness; {} not renewed: a request waits for signatures",
                roles.join(", ")
            )
        }
        Action::Trust { title, .. } => title.clone(),
        Action::Renew { roles } => format!("Renew {}", roles.join(", ")),
        Action::AddFreshnessKey { name, .. } => format!("Add the key ‘{name}’ to the root"),
        Action::Deliver { .. } => "Change what releases put into storage".into(),
        Action::Settings { change } => match change {
            S::DeviceId { unit, id_kind, .. } => format!("Set the {id_kind} id of {unit}"),
            S::Rsa { channel, .. } => format!("Set the RSA key of {channel}"),
            S::SelfAssign { channel, .. } => format!("Set who may join {channel}"),
            S::Channel { channel, .. } | S::Gate { channel, .. } | S::Confirm { channel, .. } => {
                format!("Change the settings of {channel}")
            }
            S::Embedded {
                unit,
                native,
                build,
                ..
            } => match build {
                Some(build) => format!("Record build {build} of {unit} in {native}"),
                None => format!("Forget the build of {unit} in {native}"),
            },
        },
        Action::Mirror { address } => format!("Bring the mirror {address} up to date"),
    }
}

/// Kind of job that an intent needs.
pub(crate) fn kind(intent: &Intent) -> JobKind {
    use crate::Action;
    match &intent.action {
        Action::Init { .. } => JobKind::Init,
        Action::Ship { .. } => JobKind::Ship,
        Action::Promote { .. } => JobKind::Promote,
        Action::Rollout { .. } => JobKind::Rollout,
        Action::Refresh { .. } => JobKind::Refresh,
        Action::AddFreshnessKey { .. } | Action::Trust { .. } | Action::Renew { .. } => {
            JobKind::Root
        }
        Action::Deliver { .. } | Action::Settings { .. } => JobKind::Settings,
        Action::Mirror { .. } => JobKind::Mirror,
    }
}

/// Unit and channel words of a job.
pub(crate) fn place(intent: &Intent, _workspace: &Workspace) -> (String, Option<String>) {
    match intent.action.place() {
        Some((unit, channel)) => (unit.to_string(), Some(channel.to_string())),
        None => (crate::publish::FIRST_UNIT.to_owned(), None),
    }
}
