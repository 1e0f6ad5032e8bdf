//! `headgate log`: the audit log, read back and verified.

use headgate_engine::{LogEntry, LogRole};
use serde_json::{Value, json};

use crate::args::LogArgs;
use crate::context::Context;
use crate::output::{Answer, Outcome, short, table};
use crate::progress;

pub(crate) async fn run(context: &Context, args: LogArgs) -> Outcome {
    let workspace = context.workspace().await?;
    // All of it is verified, whatever is shown: a chain holds only down to its first entry.
    let read = Box::pin(context.console.log(&workspace.id, usize::MAX));
    let entries = progress::during(context, read).await?;
    let shown = &entries[..entries.len().min(args.limit.unwrap_or(usize::MAX))];
    let first = entries.last().map_or(0, |e| e.number);
    let document = json!({
        "app": workspace.app,
        "verified": true,
        "verified_to": first,
        "total": entries.len(),
        "entries": shown.iter().map(entry_json).collect::<Vec<_>>(),
    });
    let rows: Vec<Vec<String>> = shown.iter().map(row).collect();
    let head = ["entry", "at", "by", "action", "reason", "roles", "hash"];
    let text = format!(
        "{}{} entries, chain verified to entry {first}\n",
        table(&head, &rows),
        entries.len()
    );
    Ok(Answer::new(document, text))
}

fn row(entry: &LogEntry) -> Vec<String> {
    let roles: Vec<String> = entry
        .roles
        .iter()
        .map(|r| format!("{} {}", r.role, r.version))
        .collect();
    vec![
        entry.number.to_string(),
        entry.at.to_string(),
        entry.by.clone(),
        entry.action.replace('_', " "),
        entry.reason.clone(),
        roles.join(", "),
        short(&entry.hash).into(),
    ]
}

fn entry_json(entry: &LogEntry) -> Value {
    let role = |r: &LogRole| json!({ "role": r.role, "version": r.version, "action": r.action, "by": r.by, "signed_by": r.signed_by });
    json!({
        "entry": entry.number, "at": entry.at, "by": entry.by, "action": entry.action, "reason": entry.reason,
        "hash": entry.hash, "signed_by": entry.signed_by, "roles": entry.roles.iter().map(role).collect::<Vec<_>>(),
    })
}
