//! Running a publish as a job: read, derive, sign, write, commit, read back.

use std::sync::Arc;

use headgate_core::{Code, Problem, Result};
use headgate_registry::{Expiry, HighWater, Store, View, documents};
use headgate_tuf::{Name, RoleName};

use super::finish::finish;
use super::jobs;
use super::write::{apply, committed, first, targets};
use crate::clients::{Hand, Made};
use crate::console::Inner;
use crate::db::{JobState, ObjectState, Phase, StepKind};
use crate::publish::{
    Action, Applied, Draft, Intent, Receipt, check_keys, draft, first_draft, sign_steps,
};
use crate::upload::Control;
use crate::{Console, Workspace};

/// Lost races that are taken up again by themselves.
const ATTEMPTS: usize = 8;

impl Console {
    /// Starts a publish as a job.
    pub(crate) async fn start_publish(
        &self,
        workspace: Workspace,
        intent: Intent,
    ) -> Result<String> {
        let (unit, channel) = jobs::place(&intent, &workspace);
        let job = self.inner.new_job(
            jobs::kind(&intent),
            &workspace.id,
            &unit,
            channel.as_deref(),
            jobs::title(&intent),
            Some(intent),
        )?;
        let id = job.id.clone();
        // Taken before it is recorded: another start on this home must not take it up as left behind.
        let control = self.inner.adopt(job.clone())?.ok_or_else(busy)?;
        if let Err(problem) = self.inner.journal.save_job(&job).await {
            self.inner.release(&id);
            return Err(problem);
        }
        self.spawn(workspace, id.clone(), control);
        Ok(id)
    }

    /// Takes up a job that an earlier run left. Says whether it was still to be done.
    ///
    /// # Errors
    /// `local.busy` when another Headgate works on it.
    pub(crate) async fn take_up(&self, workspace: Workspace, id: &str) -> Result<bool> {
        let job = self.job(id).await?;
        let control = self.inner.adopt(job)?.ok_or_else(busy)?;
        // Only now nobody else changes it: what was read before the lock may have been ended meanwhile.
        let now = self.inner.journal.job(id).await?.map(|job| job.state);
        if now != Some(JobState::Running) {
            self.inner.release(id);
            return Ok(false);
        }
        self.spawn(workspace, id.to_owned(), control);
        Ok(true)
    }

    fn spawn(&self, workspace: Workspace, id: String, control: Arc<Control>) {
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move {
            // Small progress is throttled: what came last, and that nothing comes, is told all the same.
            let (beat, own) = (Arc::clone(&inner), id.clone());
            let beating = tokio::spawn(async move {
                loop {
                    tokio::time::sleep(std::time::Duration::from_secs(1)).await;
                    beat.update(&own, true, |_| {});
                }
            });
            let result = Box::pin(run(&inner, &workspace, &id, &control)).await;
            beating.abort();
            let console = Self {
                inner: Arc::clone(&inner),
            };
            match &result {
                Ok(_) => console.sync_quietly(&workspace).await,
                Err(problem) if problem.code == Code::JobCancelled => {
                    console.abort_uploads_of(&id).await;
                }
                Err(_) => {}
            }
            inner.end(&id, result).await;
        });
    }

    /// Goes on with a job that failed, waits or was cancelled. The decision is based on what is there now.
    ///
    /// # Errors
    /// `job.unknown`; `usage.confirmation` after somebody else decided about a channel whose name must be
    /// typed, and for every change of a rollout: that is a new decision; `local.busy`.
    pub async fn resume_job(&self, id: &str) -> Result<()> {
        let known = self.job(id).await?;
        if known.state == JobState::Done {
            // What is left of a finished job can only be mirrors that could not follow.
            for target in known.targets.iter().filter(|t| t.error.is_some()) {
                self.sync_mirror(&known.workspace, &target.address).await?;
            }
            return Ok(());
        }
        if known.state == JobState::Running {
            return Ok(());
        }
        let workspace = self.workspace(&known.workspace).await?;
        let failed_with = |code| known.error.as_ref().is_some_and(|e| e.code == code);
        // What was signed stood on a state that is not there any more: it is signed anew, not written again.
        let overwritten = failed_with(Code::StorageSloppy) && self.was_committed(id).await?;
        let conflict = failed_with(Code::PublishConflict) || overwritten;
        let mut intent = known.intent.clone();
        if conflict && let Some(intent) = &mut intent {
            let (_, view) = self.fresh(&workspace).await?;
            again_allowed(&view, intent)?;
            // A person looked at what happened meanwhile and wants it on top of that, and of that alone.
            intent.base = Self::base(&view, &intent.action);
        }
        let control = self.inner.adopt(known)?.ok_or_else(busy)?;
        let Some(mut job) = self.inner.journal.job(id).await? else {
            self.inner.release(id);
            return Err(Problem::new(Code::JobUnknown, "The job is gone."));
        };
        if matches!(job.state, JobState::Running | JobState::Done) {
            self.inner.release(id);
            return Ok(());
        }
        if overwritten && let Err(problem) = self.inner.journal.set_steps(id, &[]).await {
            self.inner.release(id);
            return Err(problem);
        }
        job.intent = intent;
        job.state = JobState::Running;
        job.error = None;
        job.finished = None;
        self.inner.update(id, true, |live| live.clone_from(&job));
        if let Err(problem) = self.inner.journal.save_job(&job).await {
            self.inner.release(id);
            return Err(problem);
        }
        self.spawn(workspace, id.to_owned(), control);
        Ok(())
    }

    async fn was_committed(&self, id: &str) -> Result<bool> {
        let steps = self.inner.journal.steps(id).await?;
        let commit = steps.iter().find(|step| step.kind == StepKind::Commit);
        Ok(commit.is_some_and(|step| step.state == ObjectState::Done))
    }

    /// Versions that a decision about a channel is based on.
    pub(crate) fn base(view: &View, action: &Action) -> std::collections::BTreeMap<String, u64> {
        let Some((unit, channel)) = action.place() else {
            return Default::default();
        };
        [
            RoleName::Channel(unit.clone(), channel.clone()),
            RoleName::Rollout(unit.clone(), channel.clone()),
        ]
        .into_iter()
        .filter_map(|role| view.version_of(&role).map(|v| (role.to_string(), v)))
        .collect()
    }
}

fn busy() -> Problem {
    Problem::new(Code::LocalBusy, "Another Headgate works on this job.")
}

/// Whether a lost race may be repeated with one click. Where a name must be typed, and where a change is
/// about whatever the channel serves, somebody else's decision in between asks for a new one.
fn again_allowed(view: &View, intent: &Intent) -> Result<()> {
    let Some((_, channel)) = intent.action.place() else {
        return Ok(());
    };
    let settings = view
        .targets
        .meta
        .x
        .channels
        .iter()
        .find(|c| c.id == *channel);
    let typed = settings.is_none_or(|c| c.confirm.typed());
    if typed || matches!(intent.action, Action::Rollout { .. }) {
        let what = format!("{channel} was changed by somebody else since this was decided.");
        return Err(Problem::new(Code::UsageConfirm, what)
            .holds("Nothing of this job is live.")
            .remedy("Look at the channel, then start again from there."));
    }
    Ok(())
}

/// What the receipt needs to know of the time before.
pub(super) struct Before {
    pub(super) versions: HighWater,
    pub(super) replaces: Option<(String, u32)>,
}

async fn run(
    inner: &Arc<Inner>,
    workspace: &Workspace,
    id: &str,
    control: &Control,
) -> Result<Option<Receipt>> {
    let ticks = inner.world.clock.ticks();
    let job = inner
        .journal
        .job(id)
        .await?
        .ok_or_else(|| Problem::new(Code::JobUnknown, "The job is gone."))?;
    let intent = job
        .intent
        .clone()
        .ok_or_else(|| Problem::new(Code::LocalJournal, "The job lost what it was asked for."))?;
    let store = match &intent.action {
        Action::Init { .. } => inner.create_at(workspace, &workspace.storage)?,
        _ => inner.store(workspace)?,
    };
    if let Action::Mirror { address } = &intent.action {
        return super::mirror::job(inner, workspace, id, control, address).await;
    }
    let targets = targets(inner, workspace, id, store).await?;
    if let Some(request) = &intent.collected.ask {
        let asked =
            super::approvals::ask(inner, workspace, &targets, id, control, &intent, request);
        return asked.await.map(|()| None);
    }
    let registry = first(&targets)?;
    let store = &registry.store;
    let recorded = inner.journal.steps(id).await?;
    let mut recovered = None;
    if !recorded.is_empty() {
        inner.phase(id, Phase::Publish).await?;
        let committed_before = committed(inner, workspace, store.as_ref(), &recorded).await?;
        if committed_before && let Some(step) = recorded.iter().find(|s| s.kind == StepKind::Commit)
        {
            // A cancel that comes now must not call a live release cancelled.
            inner
                .journal
                .set_step(id, step.seq, ObjectState::Done)
                .await?;
        }
        let steps = inner.journal.steps(id).await?;
        // What was made for plugins is gone or cut: nothing of these steps is live, so it is made again.
        let lost = !committed_before && super::clients::lost(inner, id, &steps);
        let applied = if lost {
            Applied::Overtaken
        } else {
            apply(inner, workspace, &targets, id, control, &steps).await?
        };
        match applied {
            Applied::Committed => {
                let root_left = recorded
                    .iter()
                    .any(|s| s.kind == StepKind::Root && s.state == ObjectState::Pending);
                let said = match (committed_before, root_left) {
                    (true, false) => "it was committed already; this start proved it",
                    (true, true) => "it was committed already; this start wrote the new root",
                    (false, _) => "this start wrote what was left and committed it",
                };
                recovered = Some(format!("{}: {said}.", job.title));
                let before = Before {
                    versions: inner.journal.marks(&workspace.id).await?,
                    replaces: None,
                };
                inner.signed_off(workspace, &intent).await;
                let receipt = finish(
                    inner,
                    workspace,
                    id,
                    &intent,
                    &before,
                    job.started,
                    ticks,
                    recovered,
                )
                .await?;
                super::mirror::after(inner, workspace, id, &targets).await;
                return Ok(Some(receipt));
            }
            Applied::Overtaken | Applied::VersionTaken(_) => {
                inner.journal.set_steps(id, &[]).await?;
                let why = match lost {
                    true => "what was made for plugins was lost, so it was made and signed again",
                    false => "others published meanwhile, so it was signed again on top of theirs",
                };
                recovered.replace(format!("{}: {why}.", job.title));
            }
        }
    }
    undo(inner, id, control, &intent).await?;
    let own = inner.own_keys(&workspace.id).await?;
    let mut made: Option<Made> = None;
    for _ in 0..ATTEMPTS {
        inner.phase(id, Phase::Read).await?;
        let (mut draft, view, before) = derive(inner, workspace, store.as_ref(), &intent).await?;
        inner.unchanged(id, control, &draft).await?;
        inner.phase(id, Phase::Sign).await?;
        check_keys(&draft, &own)?;
        let vault = inner.vault(workspace).await?;
        if let (Some(_), Some(view)) = (&draft.wanted, &view) {
            let elsewhere = super::approvals::made_elsewhere(inner, workspace, &intent).await?;
            let job = super::clients::Making {
                inner,
                store: store.as_ref(),
                id,
                control,
                hand: match elsewhere {
                    Some(made) => Hand::Elsewhere(made),
                    None => Hand::Vault(Arc::clone(&vault)),
                },
            };
            draft = job.complete(draft, view, &intent, &own, &mut made).await?;
        }
        let expected = view.map(|v| v.timestamp.sha256.clone());
        let mirrors = targets.len() - 1;
        let steps = sign_steps(&draft, expected.as_deref(), &vault, &own, mirrors).await?;
        inner.journal.set_steps(id, &steps).await?;
        inner.update(id, true, |job| {
            job.title = jobs::title(&draft.intent);
            job.intent = Some(draft.intent.clone());
        });
        inner.phase(id, Phase::Upload).await?;
        match apply(inner, workspace, &targets, id, control, &steps).await? {
            Applied::Committed => {
                inner.signed_off(workspace, &intent).await;
                let receipt = finish(
                    inner,
                    workspace,
                    id,
                    &draft.intent,
                    &before,
                    job.started,
                    ticks,
                    recovered,
                )
                .await?;
                super::mirror::after(inner, workspace, id, &targets).await;
                return Ok(Some(receipt));
            }
            Applied::Overtaken if matches!(intent.action, Action::Init { .. }) => {
                return Err(Problem::new(
                    Code::UsageExists,
                    "The storage holds a registry already.",
                ));
            }
            Applied::VersionTaken(name) if matches!(intent.action, Action::Init { .. }) => {
                return Err(Problem::new(
                    Code::UsageExists,
                    format!("The storage holds a registry already: {name}."),
                ));
            }
            Applied::Overtaken | Applied::VersionTaken(_) => {}
        }
    }
    Err(Problem::new(
        Code::PublishConflict,
        format!("Others published {ATTEMPTS} times while this was being written."),
    ))
}

/// Leaves a few seconds to undo what was confirmed, before anything is signed.
async fn undo(inner: &Inner, id: &str, control: &Control, intent: &Intent) -> Result<()> {
    if intent.wait == 0 {
        return Ok(());
    }
    let until = inner.world.now().plus(intent.wait.into());
    inner.update(id, true, |job| job.undo_until = Some(until));
    inner.phase(id, Phase::Wait).await?;
    let pause = std::time::Duration::from_secs(intent.wait.into());
    tokio::select! {
        () = tokio::time::sleep(inner.world.clock.pause(pause)) => Ok(()),
        problem = control.until_stopped() => Err(problem),
    }
}

/// Reads the newest state and derives what to sign on top of it.
pub(super) async fn derive(
    inner: &Inner,
    workspace: &Workspace,
    store: &dyn Store,
    intent: &Intent,
) -> Result<(Draft, Option<View>, Before)> {
    if matches!(intent.action, Action::Init { .. }) {
        let before = Before {
            versions: HighWater::default(),
            replaces: None,
        };
        return Ok((first_draft(intent)?, None, before));
    }
    let view = inner.read(workspace, store).await?;
    if view.stale(inner.world.now()) && !matches!(intent.action, Action::Refresh { .. }) {
        let what = format!("Freshness ended at {}.", view.timestamp.meta.expires);
        return Err(Problem::new(Code::TrustExpired, what));
    }
    unmoved(&view, intent)?;
    let own = inner.own_keys(&workspace.id).await?;
    let draft = draft(store, &view, intent, &own, &inner.world, None).await?;
    let mut replaces = None;
    if let Some((unit, channel)) = intent.action.place() {
        let docs = documents::channel(store, &view, unit, channel).await?;
        let own = draft.intent.action.build();
        let build = docs.rollout.as_ref().and_then(|r| r.serving().release);
        // Raising a share replaces nothing.
        replaces = build
            .filter(|b| Some(*b) != own)
            .and_then(|b| docs.approved.get(&b))
            .map(|a| (a.manifest.version.clone(), a.manifest.build));
    }
    let before = Before {
        versions: view.marks(),
        replaces,
    };
    Ok((draft, Some(view), before))
}

/// Refuses when somebody else decided about the same channel after this decision was made.
fn unmoved(view: &View, intent: &Intent) -> Result<()> {
    for (role, version) in &intent.base {
        let name = RoleName::parse(role)?;
        let Some(now) = view.channels.get(&name) else {
            continue;
        };
        if now.meta.version == *version {
            continue;
        }
        let x = &now.meta.x;
        let why = if x.reason.is_empty() {
            String::new()
        } else {
            format!(" (‘{}’)", x.reason)
        };
        let what = format!(
            "{} published meanwhile at {}: {}{why}; {role} is at version {}, yours was made on {version}.",
            x.by,
            x.at,
            x.action.replace('_', " "),
            now.meta.version
        );
        return Err(Problem::new(Code::PublishConflict, what)
            .detail(format!("{role} {version} -> {}", now.meta.version)));
    }
    Ok(())
}

impl Inner {
    /// Reads the verified state as a console does, and remembers what was seen.
    pub(crate) async fn read(&self, workspace: &Workspace, store: &dyn Store) -> Result<View> {
        let marks = self.journal.marks(&workspace.id).await?;
        let view = View::read(
            store,
            &workspace.root,
            &marks,
            self.world.now(),
            Expiry::Show,
        )
        .await?;
        self.journal.set_marks(&workspace.id, &view.marks()).await?;
        Ok(view)
    }
}

/// A unit or channel name from a person.
pub(crate) fn name(field: &str, text: &str) -> Result<Name> {
    Name::new(text).map_err(|_| {
        let what = format!("{text:?} is not a {field} name: 1 to 32 of a-z, 0-9 and -.");
        Problem::new(Code::UsageArgument, what).field(field)
    })
}
