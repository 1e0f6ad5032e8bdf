//! The audit log in the shape that the window reads.

use headgate_core::{Code, Problem};
use headgate_engine::{
    AuditLog, EntryState, LocalEvent, LogEntry, LogFormat, LogRead, LogVerdict, export,
};

use crate::app::App;
use crate::dto::{self, IpcError};

impl App {
    /// The audit log, verified on this computer.
    pub async fn activity(&self, request: dto::ActivityRequest) -> Result<dto::Activity, IpcError> {
        let how = match request.read.as_str() {
            "cached" => LogRead::Cached,
            "new" => LogRead::New,
            "anew" => LogRead::Anew,
            other => {
                let what = format!("{other:?} is no way to read the log.");
                return Err(Problem::new(Code::UsageArgument, what).field("read").into());
            }
        };
        let log = Box::pin(self.console.audit(&request.workspace, how)).await?;
        let local = self.console.local_events(&request.workspace).await?;
        Ok(activity(log, local))
    }

    /// Opens a native dialog and saves the log there, with what is new in storage.
    pub async fn activity_export(
        &self,
        request: dto::ActivityExport,
    ) -> Result<dto::ActivitySaved, IpcError> {
        let workspace = self.console.workspace(&request.workspace).await?;
        let (format, filter) = match request.format.as_str() {
            "csv" => (LogFormat::Csv, "Comma-separated values"),
            "jsonl" => (LogFormat::JsonLines, "JSON lines"),
            other => {
                let what = format!("{other:?} is no form of the log.");
                return Err(Problem::new(Code::UsageArgument, what)
                    .field("format")
                    .into());
            }
        };
        let now = self.console.now().to_string();
        let day = now.split('T').next().unwrap_or_default();
        let name = format!("{}-log-{day}.{}", workspace.app, request.format);
        let picked = self
            .host
            .save_file("Export the log", &name, filter, &request.format)
            .await;
        let Some(path) = picked else {
            return Ok(dto::ActivitySaved {
                path: None,
                entries: 0,
            });
        };
        let log = Box::pin(self.console.audit(&workspace.id, LogRead::New)).await?;
        let text = export(&log, format);
        let to = path.clone();
        let written = tokio::task::spawn_blocking(move || std::fs::write(&to, text)).await;
        let failed = |e: String| {
            let what = format!("{} cannot be written: {e}.", path.display());
            IpcError::from(Problem::new(Code::LocalDisk, what))
        };
        written
            .map_err(|e| failed(e.to_string()))?
            .map_err(|e| failed(e.to_string()))?;
        Ok(dto::ActivitySaved {
            path: Some(path.display().to_string()),
            entries: number(log.entries.len() as u64),
        })
    }
}

fn activity(log: AuditLog, local: Vec<LocalEvent>) -> dto::Activity {
    let verdict = match &log.verdict {
        LogVerdict::Verified { head, .. } => dto::ActivityVerdict {
            state: "verified".into(),
            head: Some(head.clone()),
            entry: None,
            role: None,
            why: None,
        },
        LogVerdict::Broken { entry, fault } => dto::ActivityVerdict {
            state: "broken".into(),
            head: log.entries.last().map(|e| e.hash.clone()),
            entry: Some(number(*entry)),
            role: Some(format!("{} version {}", fault.role, fault.version)),
            why: Some(fault.why.clone()),
        },
    };
    dto::Activity {
        verdict,
        entries: log.entries.into_iter().rev().map(entry).collect(),
        local: local.into_iter().map(event).collect(),
        read_at: log.read_at.map(|t| t.to_string()),
        proven_at: log.proven_at.map(|t| t.to_string()),
        cached: number(log.cached as u64),
        offline: log.offline.map(IpcError::from),
    }
}

fn entry(e: LogEntry) -> dto::ActivityEntry {
    let (state, why) = match &e.state {
        EntryState::Proven => ("verified", None),
        EntryState::Unlinked => ("unlinked", None),
        EntryState::Bad(fault) => ("bad", Some(fault.text())),
    };
    // The keys that decided come before the one that says what is current.
    let decided = e.roles.iter().flat_map(|r| &r.signed_by);
    let mut keys: Vec<String> = Vec::new();
    for key in decided.chain(&e.signed_by) {
        if !keys.contains(key) {
            keys.push(key.clone());
        }
    }
    let (unit, channel) = e.words.place.unzip();
    let (version, build) = e.words.release.unzip();
    dto::ActivityEntry {
        number: number(e.number),
        hash: e.hash,
        prev: e.prev,
        at: e.at.to_string(),
        by: e.by,
        reason: e.reason,
        kind: e.words.kind.text().into(),
        group: e.words.kind.group().text().into(),
        says: e
            .words
            .says
            .into_iter()
            .map(|s| dto::SaidPart {
                text: s.text,
                strong: s.strong,
            })
            .collect(),
        detail: e.words.detail,
        changes: e
            .words
            .changes
            .into_iter()
            .map(|c| dto::ActivityChange {
                what: c.what,
                from: c.from,
                to: c.to,
            })
            .collect(),
        unit,
        channel,
        version,
        build,
        keys,
        roles: e
            .roles
            .into_iter()
            .map(|r| dto::ActivityRole {
                role: r.role,
                version: number(r.version),
                was: r.was.map(number),
                signed_by: r.signed_by,
            })
            .collect(),
        state: state.into(),
        why,
    }
}

fn event(event: LocalEvent) -> dto::LocalEvent {
    let (unit, channel) = event.place.unzip();
    dto::LocalEvent {
        at: event.at.to_string(),
        kind: event.kind.text().into(),
        title: event.title,
        detail: event.detail,
        unit,
        channel,
    }
}

/// Versions are small; one that is not is shown as the largest that can be.
fn number(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
