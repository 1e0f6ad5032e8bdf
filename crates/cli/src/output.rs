//! The only place that prints: results on stdout, everything else on stderr.

use std::io::Write;

use headgate_bundle::{Finding, Severity};
use headgate_core::Problem;
use serde_json::{Value, json};

/// The result of a command, for programs and for people.
pub(crate) struct Answer {
    /// One document.
    pub(crate) json: Value,
    /// Lines.
    pub(crate) text: String,
    /// Exit code; not 0 where the answer itself is one that scripts ask for.
    pub(crate) exit: u8,
}

impl Answer {
    pub(crate) fn new(json: Value, text: impl Into<String>) -> Self {
        Self {
            json,
            text: text.into(),
            exit: 0,
        }
    }

    pub(crate) fn with_exit(mut self, exit: u8) -> Self {
        self.exit = exit;
        self
    }
}

/// Why a command failed, with what it has to show nevertheless.
pub(crate) struct Failure {
    pub(crate) problem: Box<Problem>,
    /// Result that is worth printing although the command failed.
    pub(crate) answer: Option<Box<Answer>>,
    /// Findings that block.
    pub(crate) findings: Vec<Finding>,
}

impl From<Problem> for Failure {
    fn from(problem: Problem) -> Self {
        Self {
            problem: Box::new(problem),
            answer: None,
            findings: Vec::new(),
        }
    }
}

impl Failure {
    pub(crate) fn with_answer(mut self, answer: Answer) -> Self {
        self.answer = Some(Box::new(answer));
        self
    }

    pub(crate) fn with_findings(mut self, findings: Vec<Finding>) -> Self {
        self.findings = findings;
        self
    }
}

pub(crate) type Outcome = Result<Answer, Failure>;

/// Where results and errors go.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Output {
    json: bool,
}

impl Output {
    pub(crate) fn new(json: bool) -> Self {
        Self { json }
    }

    /// The result of a command. A reader that has gone away is not an error of ours.
    pub(crate) fn answer(self, answer: &Answer) {
        let mut out = std::io::stdout().lock();
        let _ = if self.json {
            writeln!(out, "{:#}", answer.json)
        } else {
            writeln!(out, "{}", answer.text.trim_end_matches('\n'))
        };
        let _ = out.flush();
    }

    /// An error: what failed, what still holds, the way out, the code.
    pub(crate) fn failure(self, failure: &Failure) {
        let p = &failure.problem;
        if self.json {
            let mut document = json!({
                "code": p.code.text(),
                "message": p.message,
                "holds": p.holds,
                "remedy": p.remedy,
                "detail": p.detail,
                "field": p.field,
                "retryable": p.retryable(),
            });
            if !failure.findings.is_empty() {
                document["findings"] = findings_json(&failure.findings);
            }
            return note(&document.to_string());
        }
        if !failure.findings.is_empty() {
            note(&findings_table(&failure.findings));
        }
        let field = p
            .field
            .as_ref()
            .map(|f| format!(" ({f})"))
            .unwrap_or_default();
        note(&format!(
            "error: {}\nholds: {}\nway out: {}\ncode: {}{field}",
            p.message, p.holds, p.remedy, p.code
        ));
    }
}

/// Something for the person, on stderr.
pub(crate) fn note(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = writeln!(err, "{}", harmless(text.trim_end_matches('\n')));
}

/// Writes over the current line of a terminal.
pub(crate) fn redraw(text: &str) {
    let mut err = std::io::stderr().lock();
    let _ = write!(err, "\r\x1b[2K{}", harmless(text));
    let _ = err.flush();
}

/// Names and reasons come from others: no control character of theirs reaches a terminal.
pub(crate) fn harmless(text: &str) -> String {
    text.chars()
        .map(|c| {
            if c.is_control() && c != '\n' {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}

/// Columns as wide as their widest cell, two spaces between them.
pub(crate) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let head: Vec<String> = head.iter().map(|h| (*h).to_owned()).collect();
    let all: Vec<&Vec<String>> = std::iter::once(&head).chain(rows).collect();
    let width = |column: usize| {
        all.iter()
            .filter_map(|r| r.get(column))
            .map(|c| c.chars().count())
            .max()
            .unwrap_or(0)
    };
    let widths: Vec<usize> = (0..head.len()).map(width).collect();
    let line = |row: &&Vec<String>| {
        let cells = row
            .iter()
            .zip(&widths)
            .map(|(cell, width)| format!("{:width$}", harmless(cell).replace('\n', " ")));
        cells.collect::<Vec<_>>().join("  ").trim_end().to_owned() + "\n"
    };
    all.iter().map(line).collect()
}

/// Name and value on each line.
pub(crate) fn pairs(rows: &[(&str, String)]) -> String {
    let width = rows
        .iter()
        .map(|(name, _)| name.chars().count())
        .max()
        .unwrap_or(0);
    rows.iter()
        .map(|(name, value)| format!("{name:width$}  {}\n", harmless(value).replace('\n', " ")))
        .collect()
}

pub(crate) fn severity(severity: Severity) -> &'static str {
    match severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
        Severity::Ok => "ok",
    }
}

pub(crate) fn findings_table(findings: &[Finding]) -> String {
    let place = |f: &Finding| match (&f.path, f.line) {
        (Some(path), Some(line)) => format!("{path}:{line}"),
        (Some(path), None) => path.clone(),
        _ => String::new(),
    };
    let row = |f: &Finding| {
        vec![
            severity(f.severity).into(),
            f.code.into(),
            f.title.clone(),
            place(f),
            f.fix.clone(),
        ]
    };
    let rows: Vec<Vec<String>> = findings.iter().map(row).collect();
    table(&["", "code", "finding", "place", "fix"], &rows)
}

pub(crate) fn findings_json(findings: &[Finding]) -> Value {
    let one = |f: &Finding| {
        json!({
            "code": f.code, "severity": severity(f.severity), "title": f.title, "text": f.text,
            "path": f.path, "line": f.line, "fix": f.fix, "allowable": f.allowable,
        })
    };
    findings.iter().map(one).collect()
}

/// Bytes for people, in decimal units.
pub(crate) fn bytes(n: u64) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a size for people")]
    let of = |unit: f64| n as f64 / unit;
    match n {
        0..1_000 => format!("{n} bytes"),
        1_000..1_000_000 => format!("{:.1} kB", of(1e3)),
        1_000_000..1_000_000_000 => format!("{:.1} MB", of(1e6)),
        _ => format!("{:.2} GB", of(1e9)),
    }
}

/// Seconds for people: the two largest units.
pub(crate) fn duration(seconds: i64) -> String {
    match seconds {
        ..=0 => "expired".into(),
        1..60 => format!("{seconds} s"),
        60..3_600 => format!("{} min", seconds / 60),
        3_600..86_400 => format!("{} h {} min", seconds / 3_600, seconds % 3_600 / 60),
        _ => format!("{} d {} h", seconds / 86_400, seconds % 86_400 / 3_600),
    }
}

/// The first eight digits of a hash.
pub(crate) fn short(hash: &str) -> &str {
    hash.get(..8).unwrap_or(hash)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_line_up_and_control_characters_of_others_are_shown_as_such() {
        let rows = vec![
            vec!["a".into(), "long one".into()],
            vec!["\x1b[2Jbb".into(), "x\ny".into()],
        ];
        assert_eq!(
            table(&["n", "what"], &rows),
            "n       what\na       long one\n\u{fffd}[2Jbb  x y\n"
        );
    }

    #[test]
    fn sizes_and_durations_are_for_people() {
        assert_eq!(
            [bytes(999), bytes(1_500), bytes(2_000_000)],
            ["999 bytes", "1.5 kB", "2.0 MB"]
        );
        assert_eq!(
            [duration(0), duration(59), duration(3_660), duration(90_000)],
            ["expired", "59 s", "1 h 1 min", "1 d 1 h"]
        );
    }
}
