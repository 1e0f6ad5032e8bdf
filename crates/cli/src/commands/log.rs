//! `headgate log`: the audit log, read back and verified.

use std::io::Write as _;
use std::path::Path;

use headgate_core::{Code, Problem, Result};
use headgate_engine::{
    AuditLog, EntryState, LogEntry, LogFormat, LogRead, LogRole, LogVerdict, export,
};
use serde_json::{Value, json};

use crate::args::LogArgs;
use crate::context::{Context, absolute};
use crate::output::{Answer, Failure, Outcome, short, table};
use crate::progress;

pub(crate) async fn run(context: &Context, args: LogArgs) -> Outcome {
    let file = args.export.as_deref().map(absolute).transpose()?;
    let format = file.as_deref().map(LogFormat::of).transpose()?;
    let workspace = context.workspace().await?;
    // All of it is read and verified, whatever is shown: a chain holds only down to its first entry.
    let read = Box::pin(context.console.audit(&workspace.id, LogRead::Anew));
    let log = progress::during(context, read).await?;
    if let (Some(file), Some(format)) = (&file, format) {
        write_new(file, &export(&log, format))?;
    }
    let answer = answer(&log, &args, file.as_deref());
    match log.proven() {
        Ok(()) => Ok(answer),
        Err(problem) => Err(Failure::from(problem).with_answer(answer)),
    }
}

fn answer(log: &AuditLog, args: &LogArgs, file: Option<&Path>) -> Answer {
    let entries = &log.entries;
    let limit = if args.verify && args.limit.is_none() {
        0
    } else {
        args.limit.unwrap_or(usize::MAX)
    };
    let shown: Vec<&LogEntry> = entries.iter().rev().take(limit).collect();
    let first = entries.first().map_or(0, |e| e.number);
    let mut document = json!({
        "app": log.app,
        "verified": log.proven().is_ok(),
        "verified_to": first,
        "total": entries.len(),
        "entries": shown.iter().map(|e| entry_json(e)).collect::<Vec<_>>(),
    });
    let rows: Vec<Vec<String>> = shown.iter().map(|e| row(e)).collect();
    let head = [
        "entry", "at", "by", "action", "reason", "roles", "hash", "what",
    ];
    let mut list = if rows.is_empty() {
        String::new()
    } else {
        table(&head, &rows)
    };
    if let Some(file) = file {
        document["exported"] = json!(file.display().to_string());
        list.push_str(&format!("written to {}\n", file.display()));
    }
    let says = match &log.verdict {
        LogVerdict::Verified { entries, head } => {
            document["head"] = json!(head);
            if args.verify {
                list.push_str(&format!("head {head}\n"));
            }
            format!("{entries} entries, chain verified to entry {first}\n")
        }
        LogVerdict::Broken { entry, fault } => {
            document["first_bad"] = json!({
                "entry": entry, "role": fault.role, "version": fault.version, "why": fault.why,
            });
            format!(
                "{} entries can be read, the chain is broken at entry {entry}\n",
                entries.len()
            )
        }
    };
    Answer::new(document, format!("{list}{says}"))
}

fn row(entry: &LogEntry) -> Vec<String> {
    let roles: Vec<String> = entry
        .roles
        .iter()
        .map(|r| format!("{} {}", r.role, r.version))
        .collect();
    let words = match &entry.state {
        EntryState::Proven => entry.words.text(),
        EntryState::Unlinked => format!("(no newer entry leads here) {}", entry.words.text()),
        EntryState::Bad(fault) => format!("BAD: {}", fault.text()),
    };
    vec![
        entry.number.to_string(),
        entry.at.to_string(),
        entry.by.clone(),
        entry.action.replace('_', " "),
        entry.reason.clone(),
        roles.join(", "),
        short(&entry.hash).into(),
        words,
    ]
}

fn entry_json(entry: &LogEntry) -> Value {
    let role = |r: &LogRole| json!({ "role": r.role, "version": r.version, "action": r.action, "by": r.by, "signed_by": r.signed_by });
    let (state, why) = match &entry.state {
        EntryState::Proven => ("verified", None),
        EntryState::Unlinked => ("unlinked", None),
        EntryState::Bad(fault) => ("bad", Some(fault.text())),
    };
    let words = &entry.words;
    json!({
        "entry": entry.number, "at": entry.at, "by": entry.by, "action": entry.action, "reason": entry.reason,
        "hash": entry.hash, "signed_by": entry.signed_by, "roles": entry.roles.iter().map(role).collect::<Vec<_>>(),
        "prev": entry.prev, "state": state, "why": why, "kind": words.kind.text(), "says": words.text(), "detail": words.detail,
        "changes": words.changes.iter().map(|c| json!({ "what": c.what, "from": c.from, "to": c.to })).collect::<Vec<_>>(),
    })
}

/// Writes a file that was not there before: an export is evidence and replaces nothing.
fn write_new(path: &Path, text: &str) -> Result<()> {
    let failed = |e: std::io::Error| {
        if e.kind() == std::io::ErrorKind::AlreadyExists {
            let what = format!("{} is there already.", path.display());
            return Problem::new(Code::UsageExists, what)
                .remedy("Name a new file.")
                .field("export");
        }
        let what = format!("{} cannot be written: {e}.", path.display());
        Problem::new(Code::LocalDisk, what)
    };
    let mut file = std::fs::File::create_new(path).map_err(failed)?;
    file.write_all(text.as_bytes()).map_err(failed)?;
    file.sync_all().map_err(failed)
}
