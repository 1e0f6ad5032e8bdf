//! The end of a publish: read it back as a device would, and write the receipt.

use std::collections::HashSet;
use std::time::Duration;

use headgate_core::{
    Base, Code, Offer, Platform, Problem, ReleaseManifest, Result, RolloutState, percent,
};
use headgate_registry::{Expiry, Store, View, documents, silent};
use headgate_tuf::{RoleName, UtcTime};

use super::publish::Before;
use crate::Workspace;
use crate::console::Inner;
use crate::db::{ObjectState, Phase, Step, StepKind};
use crate::publish::{
    Action, DeviceQuestion, Intent, Proof, Receipt, ReceiptRole, RolloutChange, prove,
};

/// Readings until the public URL shows what was committed, each after a longer pause, at most [`LONGEST_PAUSE`]: two
/// and a half minutes in all. A CDN may keep the timestamp for longer than it is told to.
const READ_BACKS: u32 = 36;

/// Longest pause between two readings.
const LONGEST_PAUSE: Duration = Duration::from_secs(5);

#[expect(clippy::too_many_arguments, reason = "the whole story of one publish")]
pub(super) async fn finish(
    inner: &Inner,
    workspace: &Workspace,
    id: &str,
    intent: &Intent,
    before: &Before,
    started: UtcTime,
    ticks: u64,
    recovered: Option<String>,
) -> Result<Receipt> {
    let committed = inner.world.now();
    inner.journal.set_ready(&workspace.id).await?;
    inner.phase(id, Phase::ReadBack).await?;
    let steps = inner.journal.steps(id).await?;
    let ours = steps
        .iter()
        .find(|s| s.kind == StepKind::Commit)
        .map(|s| s.sha256.clone())
        .unwrap_or_default();
    let (store, public) = match inner.public_url(workspace) {
        Some(url) => (inner.stores.open_public(&url)?, true),
        None => (inner.store(workspace)?, false),
    };
    let written_at = inner.world.clock.ticks();
    let written: HashSet<String> = steps
        .iter()
        .filter(|s| s.source.is_some() && s.state == ObjectState::Done)
        .map(|s| s.key.clone())
        .collect();
    let mut receipt = None;
    for attempt in 0..READ_BACKS {
        if attempt > 0 {
            let pause = Duration::from_millis(200 << attempt.min(10)).min(LONGEST_PAUSE);
            tokio::time::sleep(inner.world.clock.pause(pause)).await;
        }
        let fetched = inner.world.clock.ticks();
        match read_back(inner, workspace, store.as_ref(), intent, &written).await {
            Ok((view, proof))
                if view.timestamp.sha256 == ours
                    || view.timestamp.meta.version >= own_timestamp(&steps) =>
            {
                if view.timestamp.sha256 == ours {
                    same_rollout(&steps, proof.as_ref())?;
                } else {
                    not_written_over(inner, workspace, &steps).await?;
                }
                let mut r = build_receipt(
                    inner, workspace, intent, before, &steps, &view, proof, public,
                )
                .await?;
                r.fetch_ms = inner.world.clock.ticks().saturating_sub(fetched);
                r.visible_after_ms =
                    (public && attempt > 0).then(|| fetched.saturating_sub(written_at));
                receipt = Some(r);
                break;
            }
            Ok(_) => {}
            // Other bytes at an artifact's address do not become the signed ones by waiting.
            Err(problem)
                if attempt + 1 == READ_BACKS
                    || matches!(problem.code, Code::ArtifactChanged | Code::UsageArgument)
                    || (attempt >= FEW && !waits(&problem)) =>
            {
                let what = format!(
                    "The publish is committed, but reading it back from {} failed: {}",
                    store.address(),
                    problem.message
                );
                return Err(Problem::new(Code::PublishReadBack, what).detail(problem));
            }
            Err(_) => {}
        }
    }
    let mut receipt = receipt.ok_or_else(|| {
        Problem::new(
            Code::PublishReadBack,
            format!(
                "{} still shows the state before this publish.",
                store.address()
            ),
        )
    })?;
    receipt.started = started;
    receipt.committed = committed;
    receipt.finished = inner.world.now();
    receipt.took_ms = inner.world.clock.ticks().saturating_sub(ticks);
    receipt.recovered = recovered;
    forget_work(inner, intent, &steps);
    let _ = std::fs::remove_dir_all(inner.home.clients(id));
    Ok(receipt)
}

/// Others have published since. Theirs must stand on ours, or the storage let one write over the other.
async fn not_written_over(inner: &Inner, workspace: &Workspace, steps: &[Step]) -> Result<()> {
    let store = inner.store(workspace)?;
    if super::write::in_history(inner, workspace, store.as_ref(), steps).await? {
        return Ok(());
    }
    let what = "Another publish was written over this one: the storage does not honour conditional writes.";
    Err(Problem::new(Code::StorageSloppy, what)
        .holds("Nothing of this publish is live. What the other one published is, whole."))
}

/// Readings after which only what a cache explains is waited for.
const FEW: u32 = 6;

/// Whether a CDN between an old and a new state explains it: it shows an older state, or a mixture of both.
fn waits(problem: &Problem) -> bool {
    problem.code == Code::TrustRollback || problem.code == Code::TrustHash || problem.retryable()
}

/// What stands for a release's content: the hash of its bundle, or of its files map where single files lie alone.
fn signed(manifest: &ReleaseManifest) -> String {
    match &manifest.files {
        Some(files) if !files.zip && manifest.bundle.url.is_none() => files.sha256.clone(),
        _ => manifest.bundle.sha256.clone(),
    }
}

/// What was read back must be the rollout document that was written, not merely a valid one.
fn same_rollout(steps: &[Step], proof: Option<&Proof>) -> Result<()> {
    let Some(proof) = proof else { return Ok(()) };
    let key = format!("targets/{}.", proof.rollout_sha256);
    if steps.iter().any(|s| s.key.starts_with(&key)) {
        return Ok(());
    }
    let what = "The rollout document that was read back is not the one that was signed.";
    Err(Problem::new(Code::PublishReadBack, what))
}

/// The snapshot that this job committed: its entry of the audit log, also when others have published since.
fn own_snapshot(steps: &[Step]) -> Option<(String, u64)> {
    steps.iter().find_map(|step| {
        let name = step.key.strip_prefix("metadata/")?;
        let version = name.strip_suffix(".snapshot.json")?.parse().ok()?;
        Some((step.sha256.clone(), version))
    })
}

/// Version of the timestamp in the steps.
fn own_timestamp(steps: &[Step]) -> u64 {
    let file = steps
        .iter()
        .find(|s| s.kind == StepKind::Commit)
        .and_then(|s| s.body.as_deref());
    let envelope = file.and_then(|f| headgate_tuf::Envelope::parse(f).ok());
    let meta = envelope.and_then(|e| e.signed().parse::<headgate_tuf::metadata::Timestamp>().ok());
    meta.map_or(u64::MAX, |m| m.version)
}

async fn read_back(
    inner: &Inner,
    workspace: &Workspace,
    store: &dyn Store,
    intent: &Intent,
    written: &HashSet<String>,
) -> Result<(View, Option<Proof>)> {
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
        // Only what this job wrote is read again: the rest was proven when it was skipped.
        running: None,
        only: matches!(intent.action, Action::Ship { .. }).then(|| written.clone()),
    };
    let mut proof = prove(
        store,
        &workspace.root,
        &marks,
        now,
        &question,
        None,
        silent(),
    )
    .await?;
    own_release(store, intent, question.only.as_ref(), &mut proof).await?;
    Ok(((*proof.view).clone(), Some(proof)))
}

/// A new release is always read back itself, also when the device that asked is outside its native range.
async fn own_release(
    store: &dyn Store,
    intent: &Intent,
    written: Option<&HashSet<String>>,
    proof: &mut Proof,
) -> Result<()> {
    let build = match &intent.action {
        Action::Ship { manifest, .. } => manifest.build,
        Action::Promote { build, .. } => *build,
        _ => return Ok(()),
    };
    if let Some(document) = proof.clients.get(&build) {
        documents::variants(store, document).await?;
    }
    if proof
        .release
        .as_ref()
        .is_some_and(|a| a.manifest.build == build)
    {
        return Ok(());
    }
    let Some(approved) = proof.approved.get(&build).cloned() else {
        return Ok(());
    };
    let manifest = &approved.manifest;
    let sha256 = documents::content(store, manifest, written, None, silent()).await?;
    proof.bundle_sha256 = Some(sha256);
    proof.offer = Offer::Release(build);
    proof.release = Some(approved);
    Ok(())
}

#[expect(clippy::too_many_arguments, reason = "the whole story of one publish")]
async fn build_receipt(
    inner: &Inner,
    workspace: &Workspace,
    intent: &Intent,
    before: &Before,
    steps: &[Step],
    view: &View,
    proof: Option<Proof>,
    public: bool,
) -> Result<Receipt> {
    inner
        .journal
        .set_marks(&workspace.id, &view.marks())
        .await?;
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
        inner
            .cache
            .put_inventory(&approved.manifest.inventory.sha256, &inventory.to_bytes()?)
            .await?;
        files = u32::try_from(inventory.files.len()).unwrap_or(u32::MAX);
    }
    let (entry, entry_number) = own_snapshot(steps)
        .unwrap_or_else(|| (view.snapshot.sha256.clone(), view.snapshot.meta.version));
    let count = |state| {
        let ours = steps.iter().filter(|s| s.target == 0 && s.state == state);
        let of: Vec<&Step> = ours.collect();
        (
            of.iter().map(|s| s.size).sum::<u64>(),
            u32::try_from(of.len()).unwrap_or(u32::MAX),
        )
    };
    let ((uploaded_bytes, uploaded_objects), (skipped_bytes, skipped_objects)) =
        (count(ObjectState::Done), count(ObjectState::Skipped));
    Ok(Receipt {
        app: workspace.app.clone(),
        release: shown.map(|a| (a.manifest.version.clone(), a.manifest.build)),
        permille: serving.as_ref().map_or(0, |s| s.permille),
        headline: headline(intent, channel.as_deref(), proof.as_ref()),
        unit,
        channel,
        replaces: before.replaces.clone(),
        signed_sha256: shown.map(|a| signed(&a.manifest)),
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
        visible_after_ms: None,
        fetch_ms: 0,
        metadata: roles(view, before, steps),
        public,
        address: if public {
            inner.public_url(workspace).unwrap_or_default()
        } else {
            workspace.storage.clone()
        },
        root_pinned: view.pinned,
        root_now: view.root.meta.version,
        fresh_until: view.timestamp.meta.expires.min(view.snapshot.meta.expires),
        entry,
        entry_number,
        recovered: None,
    })
}

fn headline(intent: &Intent, channel: Option<&str>, proof: Option<&Proof>) -> String {
    let (Some(channel), Some(proof)) = (channel, proof) else {
        return match &intent.action {
            Action::Init { app, .. } => format!("The registry of {app} is there"),
            Action::Renew { .. } => format!("{}: signed", super::jobs::title(intent)),
            Action::Trust { title, .. } => format!("{title}: signed"),
            Action::AddFreshnessKey { name, .. } => format!("‘{name}’ may sign freshness"),
            Action::Deliver { .. } | Action::Settings { .. } => {
                format!("{}: signed", super::jobs::title(intent))
            }
            _ => "Freshness is signed again".into(),
        };
    };
    if let Action::Rollout { change, .. } = &intent.action {
        match change {
            RolloutChange::Freeze => {
                return format!("{channel} is frozen; its devices go on as they are");
            }
            RolloutChange::Unfreeze => return format!("{channel} is not frozen any more"),
            _ => {}
        }
    }
    let serving = proof.rollout.serving();
    if let (RolloutState::Halted, Some(build)) = (serving.state, serving.release) {
        return format!("{channel} is halted: build {build} is offered to no new device");
    }
    if serving.release.is_none() && serving.base == Base::Embedded {
        return format!("Devices in {channel} now return to their embedded build");
    }
    match (&proof.offer, &proof.release) {
        (Offer::Release(build), Some(a)) => {
            let (version, partial) = (&a.manifest.version, serving.permille < 1000);
            if partial && serving.release == Some(*build) {
                let share = percent(serving.permille);
                return format!(
                    "{share} of the devices in {channel} now get {version}, build {build}"
                );
            }
            format!("A device in {channel} now gets {version}, build {build}")
        }
        (Offer::Nothing(why), _) => {
            let why = why.text().trim_end_matches('.');
            format!("A device in {channel} now gets nothing: {why}")
        }
        _ => format!("A device in {channel} is up to date"),
    }
}

fn roles(view: &View, before: &Before, steps: &[Step]) -> Vec<ReceiptRole> {
    let mut roles = Vec::new();
    let written: Vec<&str> = steps
        .iter()
        .filter_map(|s| s.key.strip_prefix("metadata/"))
        .collect();
    let named = |signers: &std::collections::BTreeSet<headgate_tuf::KeyId>| {
        signers
            .iter()
            .map(|id| view.key_name(id))
            .collect::<Vec<_>>()
            .join(", ")
    };
    let mut push = |role: &RoleName, version: u64, signed_by: String| {
        let before = before
            .versions
            .versions
            .get(&role.to_string())
            .copied()
            .filter(|b| *b != version);
        if written.iter().any(|w| *w == role.file(version)) {
            roles.push(ReceiptRole {
                role: role.to_string(),
                before,
                now: version,
                signed_by,
                read_back: true,
            });
        }
    };
    push(
        &RoleName::Timestamp,
        view.timestamp.meta.version,
        named(&view.timestamp.signers),
    );
    push(
        &RoleName::Snapshot,
        view.snapshot.meta.version,
        named(&view.snapshot.signers),
    );
    push(
        &RoleName::Targets,
        view.targets.meta.version,
        named(&view.targets.signers),
    );
    for (role, loaded) in &view.channels {
        push(role, loaded.meta.version, named(&loaded.signers));
    }
    push(
        &RoleName::Root,
        view.root.meta.version,
        named(&view.root.signers),
    );
    roles
}

/// The packed bundle is in storage now, or stays where it lies: then no step has its path.
fn forget_work(inner: &Inner, intent: &Intent, steps: &[Step]) {
    let (shipped, map) = match &intent.action {
        Action::Ship { bundle, files, .. } => (Some(bundle.as_path()), files.as_deref()),
        _ => (None, None),
    };
    let sent = steps.iter().filter_map(|s| s.path.as_deref());
    for path in sent.map(std::path::Path::new).chain(shipped).chain(map) {
        if path.starts_with(inner.home.work()) {
            let _ = std::fs::remove_file(path);
        }
    }
}
