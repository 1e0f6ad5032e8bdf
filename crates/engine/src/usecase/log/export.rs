//! The log as a file: JSON lines with the exact signed bytes, or a table for people.

use std::path::Path;

use headgate_core::{Code, Problem, Result};
use serde_json::{Value, json};

use super::{AuditLog, EntryState, LogEntry, LogFile, LogVerdict};

/// Form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LogFormat {
    /// A line of JSON for each entry, with its files.
    JsonLines,
    /// Comma-separated values (RFC 4180), for spreadsheets. Proves nothing by itself.
    Csv,
}

impl LogFormat {
    /// By the ending of a file name.
    ///
    /// # Errors
    /// `usage.argument` for another ending than `.jsonl` or `.csv`.
    pub fn of(path: &Path) -> Result<Self> {
        let ending = path
            .extension()
            .map(|e| e.to_string_lossy().to_ascii_lowercase());
        match ending.as_deref() {
            Some("jsonl") => Ok(Self::JsonLines),
            Some("csv") => Ok(Self::Csv),
            _ => {
                let what = format!("{} ends neither in .jsonl nor in .csv.", path.display());
                Err(Problem::new(Code::UsageArgument, what).field("export"))
            }
        }
    }
}

/// The whole log, oldest entry first.
pub fn export(log: &AuditLog, format: LogFormat) -> String {
    match format {
        LogFormat::JsonLines => json_lines(log),
        LogFormat::Csv => csv(log),
    }
}

fn json_lines(log: &AuditLog) -> String {
    let verdict = match &log.verdict {
        LogVerdict::Verified { entries, head } => {
            json!({ "state": "verified", "entries": entries, "head": head })
        }
        LogVerdict::Broken { entry, fault } => json!({
            "state": "broken", "entry": entry, "role": fault.role, "version": fault.version, "why": fault.why,
        }),
    };
    // The first line is about the rest: an export of a broken log says so.
    let head = json!({
        "headgate_log": 1, "app": log.app, "read_at": log.read_at, "read_from_storage_at": log.proven_at, "verdict": verdict,
    });
    let next = log.entries.iter().skip(1).map(|e| Some(e.hash.as_str()));
    let lines = log.entries.iter().zip(next.chain([None]));
    let lines = lines.map(|(entry, next)| line(entry, next));
    std::iter::once(head)
        .chain(lines)
        .map(|value| format!("{value}\n"))
        .collect()
}

fn line(entry: &LogEntry, next: Option<&str>) -> Value {
    let words = &entry.words;
    let role = |r: &super::LogRole| {
        json!({
            "role": r.role, "version": r.version, "was": r.was, "by": r.by, "signed_by": r.signed_by, "keys": r.keys,
        })
    };
    let (state, why) = state(entry);
    json!({
        "entry": entry.number,
        "state": state,
        "why": why,
        "at": entry.at,
        "by": entry.by,
        "action": entry.action,
        "kind": words.kind.text(),
        "says": words.text(),
        "detail": words.detail,
        "changes": words.changes.iter().map(|c| json!({ "what": c.what, "from": c.from, "to": c.to })).collect::<Vec<_>>(),
        "reason": entry.reason,
        "unit": words.place.as_ref().map(|p| &p.0),
        "channel": words.place.as_ref().map(|p| &p.1),
        "version": words.release.as_ref().map(|r| &r.0),
        "build": words.release.as_ref().map(|r| r.1),
        "signed_by": entry.signed_by,
        "roles": entry.roles.iter().map(role).collect::<Vec<_>>(),
        "hash": entry.hash,
        "prev": entry.prev,
        "next": next,
        "files": entry.files.iter().map(file).collect::<Vec<_>>(),
    })
}

/// Metadata is JSON in UTF-8, so a JSON string holds exactly its bytes.
fn file(file: &LogFile) -> Value {
    json!({ "name": file.name, "sha256": file.sha256, "text": String::from_utf8_lossy(&file.bytes) })
}

fn state(entry: &LogEntry) -> (&'static str, Option<String>) {
    match &entry.state {
        EntryState::Proven => ("verified", None),
        EntryState::Unlinked => ("unlinked", None),
        EntryState::Bad(fault) => ("bad", Some(fault.text())),
    }
}

const COLUMNS: [&str; 17] = [
    "entry",
    "at",
    "by",
    "what",
    "detail",
    "reason",
    "unit",
    "channel",
    "version",
    "build",
    "kind",
    "roles",
    "signed_by",
    "state",
    "why",
    "hash",
    "prev",
];

fn csv(log: &AuditLog) -> String {
    let mut text = COLUMNS.join(",");
    text.push_str("\r\n");
    for entry in &log.entries {
        let words = &entry.words;
        let (state, why) = state(entry);
        let roles = entry
            .roles
            .iter()
            .map(|r| format!("{} {}", r.role, r.version));
        let mut signers: Vec<&str> = entry.signed_by.iter().map(String::as_str).collect();
        signers.extend(
            entry
                .roles
                .iter()
                .flat_map(|r| r.signed_by.iter().map(String::as_str)),
        );
        signers.sort_unstable();
        signers.dedup();
        let place = words.place.clone().unwrap_or_default();
        let release = words.release.clone();
        let cells: [String; 17] = [
            entry.number.to_string(),
            entry.at.to_string(),
            entry.by.clone(),
            words.text(),
            words.detail.clone().unwrap_or_default(),
            entry.reason.clone(),
            place.0,
            place.1,
            release.as_ref().map(|r| r.0.clone()).unwrap_or_default(),
            release.map(|r| r.1.to_string()).unwrap_or_default(),
            words.kind.text().into(),
            roles.collect::<Vec<_>>().join("; "),
            signers.join("; "),
            state.into(),
            why.unwrap_or_default(),
            entry.hash.clone(),
            entry.prev.clone().unwrap_or_default(),
        ];
        let row: Vec<String> = cells.iter().map(|c| cell(c)).collect();
        text.push_str(&row.join(","));
        text.push_str("\r\n");
    }
    text
}

/// A cell in quotes. Names and reasons come from others: what a spreadsheet would take for a formula becomes text.
fn cell(text: &str) -> String {
    let formula = text
        .trim_start_matches([' ', '\u{a0}', '\u{feff}'])
        .starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let guard = if formula { "'" } else { "" };
    format!("\"{guard}{}\"", text.replace('"', "\"\""))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_never_a_formula_and_never_ends_early() {
        assert_eq!(cell("4.2.5"), "\"4.2.5\"");
        assert_eq!(cell("say \"hi\", twice\n"), "\"say \"\"hi\"\", twice\n\"");
        for bad in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\tx",
            "\r=1",
            " =1",
            "\u{feff}=1",
        ] {
            assert!(cell(bad).starts_with("\"'"), "{bad:?}");
        }
    }

    #[test]
    fn the_form_follows_from_the_ending() {
        assert_eq!(
            LogFormat::of(Path::new("a/log.JSONL")).ok(),
            Some(LogFormat::JsonLines)
        );
        assert_eq!(
            LogFormat::of(Path::new("log.csv")).ok(),
            Some(LogFormat::Csv)
        );
        for bad in ["log", "log.json", "csv"] {
            assert!(LogFormat::of(Path::new(bad)).is_err(), "{bad}");
        }
    }
}
