//! Running a publish as a job: read, derive, sign, write, commit, read back.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use headgate_core::{Code, Offer, Platform, Problem, Result, percent};
use headgate_registry::{Expiry, HighWater, Store, View, documents, silent};
use headgate_tuf::{Name, RoleName, UtcTime};

use super::jobs;
use crate::console::Inner;
use crate::db::{Job, JobState, ObjectState, Phase, Step, StepKind};
use crate::publish::{
    Action, Applied, Applier, DeviceQuestion, Draft, Intent, Proof, Receipt, ReceiptRole, draft, first_draft, prove,
    recover_commit, sign_steps,
};
use crate::{Console, Workspace};

/// Lost races that are taken up again by themselves.
const ATTEMPTS: usize = 8;
/// Readings until the public URL shows what was committed.
const READ_BACKS: usize = 5;

impl Console {
    /// Starts a publish as a job.
    pub(crate) async fn start_publish(&self, workspace: Workspace, intent: Intent) -> Result<String> {
        let (unit, channel) = jobs::place(&intent, &workspace);
        let job = self.inner.new_job(jobs::kind(&intent), &workspace.id, &unit, channel.as_deref(), jobs::title(&intent), Some(intent))?;
        self.inner.journal.save_job(&job).await?;
        let id = job.id.clone();
        self.run_job(workspace, job)?;
        Ok(id)
    }

    /// Runs a recorded job in the background.
    pub(crate) fn run_job(&self, workspace: Workspace, job: Job) -> Result<()> {
        let id = job.id.clone();
        let Some(cancel) = self.inner.adopt(job)? else {
            return Err(Problem::new(Code::LocalBusy, "Another Headgate works on this job."));
        };
        let inner = Arc::clone(&self.inner);
        tokio::spawn(async move {
            let result = Box::pin(run(&inner, &workspace, &id, &cancel)).await;
            if result.is_ok() {
                Console { inner: Arc::clone(&inner) }.sync_quietly(&workspace).await;
            }
            inner.end(&id, result.map(Some)).await;
        });
        Ok(())
    }

    /// Goes on with a job that failed, waits or was cancelled. The decision is based on what is there now.
    ///
    /// # Errors
    /// `job.unknown`, `release.*` when it cannot be taken up.
    pub async fn resume_job(&self, id: &str) -> Result<()> {
        let mut job = self.job(id).await?;
        if matches!(job.state, JobState::Running | JobState::Done) {
            return Ok(());
        }
        let workspace = self.workspace(&job.workspace).await?;
        // A person looked at what happened meanwhile and wants it on top of that.
        if job.error.as_ref().is_some_and(|e| e.code == Code::PublishConflict)
            && let Some(intent) = &mut job.intent
        {
            intent.base.clear();
        }
        job.state = JobState::Running;
        job.error = None;
        job.finished = None;
        self.inner.journal.save_job(&job).await?;
        self.run_job(workspace, job)
    }

    /// Versions that a decision about a channel is based on.
    pub(crate) fn base(view: &View, action: &Action) -> std::collections::BTreeMap<String, u64> {
        let Some((unit, channel)) = action.place() else { return Default::default() };
        [RoleName::Channel(unit.clone(), channel.clone()), RoleName::Rollout(unit.clone(), channel.clone())]
            .into_iter()
            .filter_map(|role| view.version_of(&role).map(|v| (role.to_string(), v)))
            .collect()
    }
}

/// What the receipt needs to know of the time before.
struct Before {
    versions: HighWater,
    replaces: Option<(String, u32)>,
}

async fn run(inner: &Inner, workspace: &Workspace, id: &str, cancel: &AtomicBool) -> Result<Receipt> {
    let ticks = inner.world.clock.ticks();
    let job = inner.journal.job(id).await?.ok_or_else(|| Problem::new(Code::JobUnknown, "The job is gone."))?;
    let intent = job.intent.clone().ok_or_else(|| Problem::new(Code::LocalJournal, "The job lost what it was asked for."))?;
    let store = match &intent.action {
        Action::Init { .. } => inner.stores.create(&workspace.storage)?,
        _ => inner.store(workspace)?,
    };
    let recorded = inner.journal.steps(id).await?;
    let mut recovered = None;
    if !recorded.is_empty() {
        inner.phase(id, Phase::Publish).await?;
        let committed_before = committed(store.as_ref(), &recorded).await?;
        match apply(inner, store.as_ref(), id, cancel, &recorded).await? {
            Applied::Committed => {
                recovered = Some(if committed_before {
                    format!("{}: it was committed already; this start proved it.", job.title)
                } else {
                    format!("{}: this start wrote what was left and committed it.", job.title)
                });
                let before = Before { versions: inner.journal.marks(&workspace.id).await?, replaces: None };
                return finish(inner, workspace, id, &intent, &before, job.started, ticks, recovered).await;
            }
            Applied::Overtaken | Applied::VersionTaken(_) => {
                inner.journal.set_steps(id, &[]).await?;
                recovered.replace(format!("{}: others published meanwhile, so it was signed again on top of theirs.", job.title));
            }
        }
    }
    let own = inner.own_keys(&workspace.id).await?;
    for _ in 0..ATTEMPTS {
        inner.phase(id, Phase::Read).await?;
        let (draft, expected, before) = derive(inner, workspace, store.as_ref(), &intent).await?;
        inner.phase(id, Phase::Sign).await?;
        let vault = inner.vault(workspace).await?;
        let steps = sign_steps(&draft, expected.as_deref(), &vault, &own).await?;
        inner.journal.set_steps(id, &steps).await?;
        inner.update(id, true, |job| {
            job.title = jobs::title(&draft.intent);
            job.intent = Some(draft.intent.clone());
        });
        inner.phase(id, Phase::Upload).await?;
        match apply(inner, store.as_ref(), id, cancel, &steps).await? {
            Applied::Committed => {
                return finish(inner, workspace, id, &draft.intent, &before, job.started, ticks, recovered).await;
            }
            Applied::Overtaken if matches!(intent.action, Action::Init { .. }) => {
                return Err(Problem::new(Code::UsageExists, "The storage holds a registry already."));
            }
            Applied::VersionTaken(name) if matches!(intent.action, Action::Init { .. }) => {
                return Err(Problem::new(Code::UsageExists, format!("The storage holds a registry already: {name}.")));
            }
            Applied::Overtaken | Applied::VersionTaken(_) => {}
        }
    }
    Err(Problem::new(Code::PublishConflict, format!("Others published {ATTEMPTS} times while this was being written.")))
}

/// Whether the commit of these steps is in storage.
async fn committed(store: &dyn Store, steps: &[Step]) -> Result<bool> {
    match steps.iter().find(|s| s.kind == StepKind::Commit) {
        Some(step) if step.state == ObjectState::Done => Ok(true),
        Some(step) => recover_commit(store, step).await,
        None => Ok(false),
    }
}

async fn apply(inner: &Inner, store: &dyn Store, id: &str, cancel: &AtomicBool, steps: &[Step]) -> Result<Applied> {
    inner.show_steps(id, steps);
    let on_step = |index, sent, state| inner.step(id, index, sent, state);
    Applier { store, journal: &inner.journal, job: id, cancel, on_step: &on_step }.run(steps).await
}

/// Reads the newest state and derives what to sign on top of it.
async fn derive(inner: &Inner, workspace: &Workspace, store: &dyn Store, intent: &Intent) -> Result<(Draft, Option<String>, Before)> {
    if matches!(intent.action, Action::Init { .. }) {
        let before = Before { versions: HighWater::default(), replaces: None };
        return Ok((first_draft(intent)?, None, before));
    }
    let view = inner.read(workspace, store).await?;
    unmoved(&view, intent)?;
    let draft = draft(store, &view, intent, &inner.world).await?;
    let mut replaces = None;
    if let Some((unit, channel)) = intent.action.place() {
        let docs = documents::channel(store, &view, unit, channel).await?;
        let build = docs.rollout.as_ref().and_then(|r| r.serving().release);
        replaces = build.and_then(|b| docs.approved.get(&b)).map(|a| (a.manifest.version.clone(), a.manifest.build));
    }
    let before = Before { versions: view.marks(), replaces };
    Ok((draft, Some(view.timestamp.sha256.clone()), before))
}

/// Refuses when somebody else decided about the same channel after this decision was made.
fn unmoved(view: &View, intent: &Intent) -> Result<()> {
    for (role, version) in &intent.base {
        let name = RoleName::parse(role)?;
        let Some(now) = view.channels.get(&name) else { continue };
        if now.meta.version == *version {
            continue;
        }
        let x = &now.meta.x;
        let why = if x.reason.is_empty() { String::new() } else { format!(" (‘{}’)", x.reason) };
        let what = format!(
            "{} published meanwhile at {}: {}{why}; {role} is at version {}, yours was made on {version}.",
            x.by, x.at, x.action.replace('_', " "), now.meta.version
        );
        return Err(Problem::new(Code::PublishConflict, what).detail(format!("{role} {version} -> {}", now.meta.version)));
    }
    Ok(())
}

impl Inner {
    /// Reads the verified state as a console does, and remembers what was seen.
    pub(crate) async fn read(&self, workspace: &Workspace, store: &dyn Store) -> Result<View> {
        let marks = self.journal.marks(&workspace.id).await?;
        let view = View::read(store, &workspace.root, &marks, self.world.now(), Expiry::Show).await?;
        self.journal.set_marks(&workspace.id, &view.marks()).await?;
        Ok(view)
    }
}

#[expect(clippy::too_many_arguments, reason = "the whole story of one publish")]
async fn finish(
    inner: &Inner, workspace: &Workspace, id: &str, intent: &Intent, before: &Before, started: UtcTime, ticks: u64, recovered: Option<String>,
) -> Result<Receipt> {
    let committed = inner.world.now();
    inner.journal.set_ready(&workspace.id).await?;
    inner.phase(id, Phase::ReadBack).await?;
    let steps = inner.journal.steps(id).await?;
    let ours = steps.iter().find(|s| s.kind == StepKind::Commit).map(|s| s.sha256.clone()).unwrap_or_default();
    let (store, public) = match inner.public_url(workspace) {
        Some(url) => (inner.stores.open_public(&url)?, true),
        None => (inner.store(workspace)?, false),
    };
    let mut receipt = None;
    for attempt in 0..READ_BACKS {
        if attempt > 0 {
            tokio::time::sleep(std::time::Duration::from_millis(400)).await;
        }
        let fetched = inner.world.clock.ticks();
        match read_back(inner, workspace, store.as_ref(), intent).await {
            Ok((view, proof)) if view.timestamp.sha256 == ours || view.timestamp.meta.version >= own_timestamp(&steps) => {
                let mut r = build_receipt(inner, workspace, intent, before, &steps, &view, proof, public).await?;
                r.fetch_ms = inner.world.clock.ticks().saturating_sub(fetched);
                receipt = Some(r);
                break;
            }
            Ok(_) => {}
            Err(problem) if attempt + 1 == READ_BACKS => {
                let what = format!("The release is committed, but reading it back from {} failed: {}", store.address(), problem.message);
                return Err(Problem::new(Code::PublishReadBack, what).detail(problem));
            }
            Err(_) => {}
        }
    }
    let mut receipt = receipt.ok_or_else(|| {
        Problem::new(Code::PublishReadBack, format!("{} still shows the state before this publish.", store.address()))
    })?;
    receipt.started = started;
    receipt.committed = committed;
    receipt.finished = inner.world.now();
    receipt.took_ms = inner.world.clock.ticks().saturating_sub(ticks);
    receipt.recovered = recovered;
    forget_work(inner, &steps);
    Ok(receipt)
}

/// Version of the timestamp in the steps.
fn own_timestamp(steps: &[Step]) -> u64 {
    let file = steps.iter().find(|s| s.kind == StepKind::Commit).and_then(|s| s.body.as_deref());
    let envelope = file.and_then(|f| headgate_tuf::Envelope::parse(f).ok());
    let meta = envelope.and_then(|e| e.signed().parse::<headgate_tuf::metadata::Timestamp>().ok());
    meta.map_or(u64::MAX, |m| m.version)
}

async fn read_back(inner: &Inner, workspace: &Workspace, store: &dyn Store, intent: &Intent) -> Result<(View, Option<Proof>)> {
    let marks = inner.journal.marks(&workspace.id).await?;
    let now = inner.world.now();
    let Some((unit, channel)) = intent.action.place() else {
        let view = View::read(store, &workspace.root, &marks, now, Expiry::Enforce).await?;
        return Ok((view, None));
    };
    let question = DeviceQuestion {
        unit: unit.clone(),
        channel: channel.clone(),
        platform: Platform::Ios,
        native: None,
        install_id: None,
    };
    let proof = prove(store, &workspace.root, &marks, now, &question, None, silent()).await?;
    Ok(((*proof.view).clone(), Some(proof)))
}

#[expect(clippy::too_many_arguments, reason = "the whole story of one publish")]
async fn build_receipt(
    inner: &Inner, workspace: &Workspace, intent: &Intent, before: &Before, steps: &[Step], view: &View, proof: Option<Proof>, public: bool,
) -> Result<Receipt> {
    inner.journal.set_marks(&workspace.id, &view.marks()).await?;
    let (unit, channel) = match intent.action.place() {
        Some((u, c)) => (Some(u.to_string()), Some(c.to_string())),
        None => (None, None),
    };
    let serving = proof.as_ref().map(|p| p.rollout.serving());
    let shown = proof.as_ref().and_then(|p| p.release.as_ref());
    let mut files = 0;
    if let Some(approved) = shown {
        let store = inner.store(workspace)?;
        let inventory = documents::inventory(store.as_ref(), &approved.manifest).await?;
        inner.cache.put_inventory(&approved.manifest.inventory.sha256, &inventory.to_bytes()?).await?;
        files = u32::try_from(inventory.files.len()).unwrap_or(u32::MAX);
    }
    let count = |state| {
        let of: Vec<&Step> = steps.iter().filter(|s| s.state == state).collect();
        (of.iter().map(|s| s.size).sum::<u64>(), u32::try_from(of.len()).unwrap_or(u32::MAX))
    };
    let ((uploaded_bytes, uploaded_objects), (skipped_bytes, skipped_objects)) = (count(ObjectState::Done), count(ObjectState::Skipped));
    Ok(Receipt {
        app: workspace.app.clone(),
        release: shown.map(|a| (a.manifest.version.clone(), a.manifest.build)),
        permille: serving.as_ref().map_or(0, |s| s.permille),
        headline: headline(intent, channel.as_deref(), proof.as_ref()),
        unit,
        channel,
        replaces: before.replaces.clone(),
        signed_sha256: shown.map(|a| a.manifest.bundle.sha256.clone()),
        read_back_sha256: proof.as_ref().and_then(|p| p.bundle_sha256.clone()),
        manifest: shown.map(|a| a.sha256.clone()),
        size: shown.map_or(0, |a| a.manifest.bundle.size),
        files,
        uploaded_bytes,
        uploaded_objects,
        skipped_bytes,
        skipped_objects,
        started: inner.world.now(),
        committed: inner.world.now(),
        finished: inner.world.now(),
        took_ms: 0,
        fetch_ms: 0,
        metadata: roles(view, before, steps),
        public,
        address: if public { inner.public_url(workspace).unwrap_or_default() } else { workspace.storage.clone() },
        root_pinned: view.pinned,
        root_now: view.root.meta.version,
        fresh_until: view.timestamp.meta.expires.min(view.snapshot.meta.expires),
        entry: view.snapshot.sha256.clone(),
        entry_number: view.snapshot.meta.version,
        recovered: None,
    })
}

fn headline(intent: &Intent, channel: Option<&str>, proof: Option<&Proof>) -> String {
    let (Some(channel), Some(proof)) = (channel, proof) else {
        return match &intent.action {
            Action::Init { app, .. } => format!("The registry of {app} is there"),
            Action::AddFreshnessKey { name, .. } => format!("‘{name}’ may sign freshness"),
            _ => "Freshness is signed again".into(),
        };
    };
    let serving = proof.rollout.serving();
    match (&proof.offer, &proof.release) {
        (Offer::Release(_), Some(a)) => {
            let share = if serving.permille < 1000 && !proof.rollout.entries.is_empty() && serving.release == Some(a.manifest.build) {
                format!(" if it is among {}", percent(serving.permille))
            } else {
                String::new()
            };
            format!("A device in {channel} now gets {}, build {}{share}", a.manifest.version, a.manifest.build)
        }
        (Offer::Embedded, _) => format!("A device in {channel} now returns to its embedded build"),
        (Offer::Nothing(why), _) => format!("A device in {channel} now gets nothing: {}", why.text()),
        _ => format!("A device in {channel} is up to date"),
    }
}

fn roles(view: &View, before: &Before, steps: &[Step]) -> Vec<ReceiptRole> {
    let mut roles = Vec::new();
    let written: Vec<&str> = steps.iter().filter_map(|s| s.key.strip_prefix("metadata/")).collect();
    let named = |signers: &std::collections::BTreeSet<headgate_tuf::KeyId>| {
        signers.iter().map(|id| view.key_name(id)).collect::<Vec<_>>().join(", ")
    };
    let mut push = |role: &RoleName, version: u64, signed_by: String| {
        let before = before.versions.versions.get(&role.to_string()).copied().filter(|b| *b != version);
        if written.iter().any(|w| *w == role.file(version)) {
            roles.push(ReceiptRole { role: role.to_string(), before, now: version, signed_by, read_back: true });
        }
    };
    push(&RoleName::Timestamp, view.timestamp.meta.version, named(&view.timestamp.signers));
    push(&RoleName::Snapshot, view.snapshot.meta.version, named(&view.snapshot.signers));
    push(&RoleName::Targets, view.targets.meta.version, named(&view.targets.signers));
    for (role, loaded) in &view.channels {
        push(role, loaded.meta.version, named(&loaded.signers));
    }
    push(&RoleName::Root, view.root.meta.version, named(&view.root.signers));
    roles
}

/// The packed bundle is in storage now.
fn forget_work(inner: &Inner, steps: &[Step]) {
    for path in steps.iter().filter_map(|s| s.path.as_deref()).map(std::path::Path::new) {
        if path.starts_with(inner.home.work()) {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A unit or channel name from a person.
pub(crate) fn name(field: &str, text: &str) -> Result<Name> {
    Name::new(text).map_err(|_| {
        let what = format!("{text:?} is not a {field} name: 1 to 32 of a-z, 0-9 and -.");
        Problem::new(Code::UsageArgument, what).field(field)
    })
}
