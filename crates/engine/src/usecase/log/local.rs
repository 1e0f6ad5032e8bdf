//! What happened on this computer alone: not part of the log, unsigned and unnumbered.

use headgate_core::Result;
use headgate_tuf::UtcTime;

use crate::console::Console;
use crate::db::{ApprovalNote, StoredApproval};
use crate::{Job, JobState};

/// Kind of a local event. Add one here and where it comes from in [`Console::local_events`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LocalKind {
    /// Storage was read.
    Synced,
    /// The update server's counts were read.
    Counted,
    /// A job failed.
    JobFailed,
    /// A person cancelled a job.
    JobCancelled,
    /// A job of an earlier run was taken up again.
    JobRecovered,
    /// Signatures were asked for, given, refused, or not wanted any more. Nothing of it is committed.
    Request,
}

impl LocalKind {
    /// For programs.
    pub fn text(self) -> &'static str {
        match self {
            Self::Synced => "synced",
            Self::Counted => "counted",
            Self::JobFailed => "job_failed",
            Self::JobCancelled => "job_cancelled",
            Self::JobRecovered => "job_recovered",
            Self::Request => "request",
        }
    }
}

/// Something that happened on this computer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LocalEvent {
    /// When.
    pub at: UtcTime,
    /// What.
    pub kind: LocalKind,
    /// In a few words.
    pub title: String,
    /// More about it.
    pub detail: Option<String>,
    /// Unit and channel, where it is about one.
    pub place: Option<(String, String)>,
}

impl Console {
    /// What happened on this computer, newest first: the last readings, and jobs that did not simply end well.
    ///
    /// # Errors
    /// `local.*`.
    pub async fn local_events(&self, workspace: &str) -> Result<Vec<LocalEvent>> {
        let workspace = self.workspace(workspace).await?;
        let mut events = Vec::new();
        let reading = self.inner.cache.reading(&workspace.id).await?;
        events.extend(reading.read_at.map(|at| LocalEvent {
            at,
            kind: LocalKind::Synced,
            title: "Storage was read and verified".into(),
            detail: Some(workspace.storage.clone()),
            place: None,
        }));
        let counts = self.server_reading(&workspace.id).await?;
        events.extend(counts.as_of.filter(|_| counts.linked).map(|at| LocalEvent {
            at,
            kind: LocalKind::Counted,
            title: "The counts of the update server were read".into(),
            detail: None,
            place: None,
        }));
        let jobs = self.inner.journal.past_jobs(&workspace.id).await?;
        events.extend(jobs.into_iter().filter_map(job));
        for request in self.inner.journal.approvals(&workspace.id).await? {
            events.extend(request.notes.iter().map(|note| said(&request, note)));
        }
        events.sort_by_key(|event| std::cmp::Reverse(event.at));
        Ok(events)
    }
}

/// What happened to a request for signatures.
fn said(request: &StoredApproval, note: &ApprovalNote) -> LocalEvent {
    let title = &request.title;
    let says = match note.what.as_str() {
        "asked" => format!("{} asked for signatures: {title}", note.by),
        "signed" => format!("{} signed in part: {title}", note.text),
        "refused" => format!("{} refused: {title}", note.by),
        _ => format!("{} withdrew: {title}", note.by),
    };
    LocalEvent {
        at: note.at,
        kind: LocalKind::Request,
        title: says,
        detail: Some(note.text.clone()).filter(|t| note.what != "signed" && !t.is_empty()),
        place: request.unit.clone().zip(request.channel.clone()),
    }
}

fn job(job: Job) -> Option<LocalEvent> {
    let recovered = job.receipt.as_ref().and_then(|r| r.recovered.clone());
    let (kind, title, detail) = match job.state {
        JobState::Failed => (
            LocalKind::JobFailed,
            format!("{} failed", job.title),
            job.error
                .as_ref()
                .map(|e| format!("{} ({})", e.message, e.code)),
        ),
        JobState::Cancelled => (
            LocalKind::JobCancelled,
            format!("{} was cancelled", job.title),
            None,
        ),
        JobState::Done if recovered.is_some() => (
            LocalKind::JobRecovered,
            format!("{} was taken up again", job.title),
            recovered,
        ),
        _ => return None,
    };
    Some(LocalEvent {
        at: job.finished.unwrap_or(job.touched),
        kind,
        title,
        detail,
        place: job
            .channel
            .clone()
            .map(|channel| (job.unit.clone(), channel)),
    })
}
