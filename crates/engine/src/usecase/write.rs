//! Writing the signed steps of a job to its targets.

use std::sync::Arc;

use headgate_core::{Code, Problem, Result};
use headgate_registry::{Store, layout};

use super::jobs::JobWatch;
use crate::Workspace;
use crate::console::Inner;
use crate::db::{ObjectState, Step, StepKind, TargetView};
use crate::publish::{Applied, Applier, recover_commit};
use crate::upload::{Control, Target, Uploads};

/// Whether the commit of these steps is in storage, also below what others have built on it since.
pub(super) async fn committed(
    inner: &Inner,
    workspace: &Workspace,
    store: &dyn Store,
    steps: &[Step],
) -> Result<bool> {
    let Some(commit) = steps.iter().find(|s| s.kind == StepKind::Commit) else {
        return Ok(false);
    };
    if commit.state == ObjectState::Done || recover_commit(store, commit).await? {
        return Ok(true);
    }
    in_history(inner, workspace, store, steps).await
}

/// Whether the snapshot of these steps is the current one, or one that it was built on.
pub(super) async fn in_history(
    inner: &Inner,
    workspace: &Workspace,
    store: &dyn Store,
    steps: &[Step],
) -> Result<bool> {
    let snapshot = |s: &Step| {
        let name = s.key.strip_prefix("metadata/")?;
        let version = name.strip_suffix(".snapshot.json")?.parse::<u64>().ok()?;
        Some((version, s.sha256.clone()))
    };
    let Some((version, sha256)) = steps.iter().find_map(snapshot) else {
        return Ok(false);
    };
    // Without a timestamp nothing was ever committed there.
    if store.head(layout::TIMESTAMP).await?.is_none() {
        return Ok(false);
    }
    let mut at = inner.read(workspace, store).await?.snapshot;
    // Versions only fall on the way back, so the history before ours need not be read.
    while at.meta.version > version {
        match super::log::before(store, &at).await? {
            Some(older) => at = older,
            None => return Ok(false),
        }
    }
    Ok(at.sha256 == sha256)
}

/// Where a job writes: the registry, then the mirrors that the workspace has now, or had when its steps were signed.
/// A mirror that cannot be opened is told and left out.
pub(super) async fn targets(
    inner: &Inner,
    workspace: &Workspace,
    id: &str,
    registry: Arc<dyn Store>,
) -> Result<Vec<Option<Target>>> {
    let signed = inner.journal.job(id).await?.map(|job| job.targets);
    let mirrors: Vec<String> = match signed {
        Some(targets) if !targets.is_empty() => {
            targets.into_iter().skip(1).map(|t| t.address).collect()
        }
        _ => inner.journal.mirrors(&workspace.id).await?,
    };
    let mut targets = vec![Some(Target::new(registry, workspace.storage.clone()))];
    let mut views = vec![TargetView::new(0, workspace.storage.clone(), None)];
    for (index, address) in mirrors.into_iter().enumerate() {
        let opened = inner.open(workspace, &address);
        let error = opened.as_ref().err().cloned();
        views.push(TargetView::new(index + 1, address.clone(), error));
        targets.push(opened.ok().map(|store| Target::new(store, address)));
    }
    inner.update(id, true, |job| job.targets = views);
    Ok(targets)
}

pub(super) fn first(targets: &[Option<Target>]) -> Result<&Target> {
    targets
        .first()
        .and_then(Option::as_ref)
        .ok_or_else(|| Problem::new(Code::Internal, "The job has no registry to write to."))
}

pub(super) async fn apply(
    inner: &Inner,
    workspace: &Workspace,
    targets: &[Option<Target>],
    id: &str,
    control: &Control,
    steps: &[Step],
) -> Result<Applied> {
    let applied = write(inner, targets, id, control, steps).await?;
    let commit = steps.iter().find(|s| s.kind == StepKind::Commit);
    let (Applied::Overtaken, Some(commit)) = (&applied, commit) else {
        return Ok(applied);
    };
    // The answer to our commit may have been lost, on the way or with the process, and others may have
    // published on top of it since. It must not be published twice.
    let store = &first(targets)?.store;
    if !committed(inner, workspace, store.as_ref(), steps).await? {
        return Ok(applied);
    }
    inner
        .journal
        .set_step(id, commit.seq, ObjectState::Done)
        .await?;
    write(inner, targets, id, control, &inner.journal.steps(id).await?).await
}

async fn write(
    inner: &Inner,
    targets: &[Option<Target>],
    id: &str,
    control: &Control,
    steps: &[Step],
) -> Result<Applied> {
    inner.show_steps(id, steps);
    Applier {
        registry: first(targets)?,
        uploads: Uploads {
            targets,
            journal: &inner.journal,
            job: id,
            control,
            watch: &JobWatch { inner, job: id },
            world: &inner.world,
            bundles: Arc::default(),
        },
    }
    .run(steps)
    .await
}
