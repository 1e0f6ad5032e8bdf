//! Jobs and receipts in words, and what streams to the window.

use headgate_engine::{Happened, Job, JobState, ObjectState, Phase, Receipt};
use tokio::sync::broadcast::error::RecvError;

use crate::app::App;
use crate::board::gate;
use crate::dto::{self, IpcError, Said};
use crate::ship::version;

impl App {
    /// Passes everything that happens on to `send` until it refuses.
    pub async fn stream(&self, send: impl Fn(dto::Event) -> bool) {
        let mut events = self.console.events();
        loop {
            let event = match events.recv().await {
                Ok(Happened::Job(job)) => dto::Event::Job(Box::new(self.job_dto(*job).await)),
                Ok(Happened::Recovered(said)) => dto::Event::Recovered(dto::Recovered { said }),
                Ok(Happened::Board(workspace)) => {
                    dto::Event::Board(dto::WorkspaceRef { workspace })
                }
                Ok(Happened::Notice(notice)) => dto::Event::Notice(dto::Notice {
                    workspace: notice.workspace,
                    unit: notice.unit,
                    channel: notice.channel,
                    kind: notice.kind.text().into(),
                    title: notice.title,
                    text: notice.text,
                }),
                // Missed some: the window reads its jobs again with the next one.
                Err(RecvError::Lagged(_)) => continue,
                Err(RecvError::Closed) => return,
            };
            if !send(event) {
                return;
            }
        }
    }

    pub(crate) async fn job_dto(&self, job: Job) -> dto::Job {
        let receipt = match &job.receipt {
            Some(r) => Some(self.receipt(&job.workspace, r).await),
            None => None,
        };
        let (skipped_objects, skipped_bytes) = skipped(&job);
        let registry = job.targets.first();
        let waits = job.state == JobState::Running && job.phase == Phase::Wait;
        let until = job.undo_until.filter(|_| waits);
        let left = until.map(|until| until.unix() - self.console.now().unix());
        let undo = left.map(|seconds| u32::try_from(seconds).unwrap_or(0));
        dto::Job {
            skipped_objects,
            skipped_bytes,
            objects_total: registry.map_or(0, |t| t.objects_total),
            objects_done: registry.map_or(0, |t| t.objects_done),
            objects: crate::upload::objects(&job.steps),
            targets: job.targets.iter().map(crate::upload::target).collect(),
            kind: job.kind.text().into(),
            state: job.state.text().into(),
            phase: job.phase.text().into(),
            id: job.id,
            workspace: job.workspace,
            unit: job.unit,
            title: job.title,
            bytes_done: job.done,
            bytes_total: job.total,
            speed: job.speed,
            started: job.started.to_string(),
            finished: job.finished.map(|t| t.to_string()),
            error: job.error.map(IpcError::from),
            receipt,
            handle: job.handle,
            channel: job.channel,
            undo,
        }
    }

    async fn receipt(&self, workspace: &str, r: &Receipt) -> dto::Receipt {
        let unit = r.unit.clone().unwrap_or_default();
        let board = self.console.board(workspace, &unit).await.ok();
        let next_gate = board
            .as_ref()
            .and_then(|b| b.gates.iter().find(|g| Some(&g.from) == r.channel.as_ref()))
            .map(gate);
        let (release_version, build) = r.release.clone().unwrap_or_default();
        dto::Receipt {
            app: r.app.clone(),
            unit,
            channel: r.channel.clone().unwrap_or_default(),
            version: release_version,
            build,
            permille: r.permille.into(),
            headline: r.headline.clone(),
            replaces: r
                .replaces
                .as_ref()
                .map(|(v, b)| format!("{v}, build {b}"))
                // A restart in between forgets it; to say "the first release" would be wrong.
                .or_else(|| {
                    r.recovered
                        .as_ref()
                        .map(|_| "not known after the restart".into())
                }),
            signed_sha256: r.signed_sha256.clone().unwrap_or_default(),
            read_back_sha256: r.read_back_sha256.clone().unwrap_or_default(),
            manifest: r.manifest.clone().unwrap_or_default(),
            size: r.size,
            files: r.files,
            uploaded_bytes: r.uploaded_bytes,
            uploaded_objects: r.uploaded_objects,
            skipped_bytes: r.skipped_bytes,
            skipped_objects: r.skipped_objects,
            started: r.started.to_string(),
            committed: r.committed.to_string(),
            finished: r.finished.to_string(),
            took_ms: r.took_ms,
            visible_after_ms: r.visible_after_ms,
            fetch_ms: r.fetch_ms,
            metadata: r.metadata.iter().map(role).collect(),
            read_from: if r.public { "public_url" } else { "storage" }.into(),
            address: r.address.clone(),
            root_pinned: version(r.root_pinned),
            root_now: version(r.root_now),
            fresh_until: r.fresh_until.to_string(),
            entry: r.entry.clone(),
            next: next(r),
            gate: next_gate,
        }
    }
}

/// What was there already, proven. A finished job keeps the count in its receipt.
fn skipped(job: &Job) -> (u32, u64) {
    if let Some(receipt) = &job.receipt {
        return (receipt.skipped_objects, receipt.skipped_bytes);
    }
    let skipped = job
        .steps
        .iter()
        .filter(|s| s.target == 0 && s.state == ObjectState::Skipped);
    let bytes = skipped.clone().map(|s| s.size).sum();
    (crate::ship::count(skipped.count()), bytes)
}

fn role(r: &headgate_engine::ReceiptRole) -> dto::ReceiptRole {
    dto::ReceiptRole {
        role: r.role.clone(),
        before: r.before.map(version),
        now: version(r.now),
        signed_by: r.signed_by.clone(),
        read_back: r.read_back,
    }
}

fn next(r: &Receipt) -> Vec<Said> {
    let mut list = Vec::new();
    let (Some(channel), Some((new, _))) = (&r.channel, &r.release) else {
        return list;
    };
    let share = headgate_core::percent(r.permille);
    let text = if r.permille >= 1000 {
        format!("get {new} at their next check")
    } else {
        format!("in a fixed random group of {share} get {new} at their next check")
    };
    list.push(Said {
        title: format!("Devices on {channel}"),
        text,
    });
    if let Some((old, _)) = &r.replaces {
        list.push(Said {
            title: format!("{old} stays approved"),
            text: "roll back to it at any time".into(),
        });
    } else {
        list.push(Said {
            title: "The embedded build".into(),
            text: "stays the way back at any time".into(),
        });
    }
    list
}
