//! Inspection: what a person should know before signing a web build.

mod findings;
mod names;
mod page;
mod references;
mod scan;
mod scanner;
mod secrets;

use std::sync::atomic::AtomicBool;

use headgate_core::Result;
use serde::Serialize;

use crate::look::megabytes;
use crate::names::show;
use crate::pack::is_source_map;
use crate::{Packed, SourceFile, WebBuild};
use findings as rules;
pub use findings::{RULES, Rule};

/// What iOS gives a download in the background, and a slow mobile connection.
const IOS_SECONDS: u64 = 25;
const IOS_BITS_PER_SECOND: u64 = 3_000_000;
const BIGGEST: usize = 10;
/// More findings of one code are counted instead of listed.
const PER_CODE: usize = 20;

/// How much a finding weighs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Severity {
    /// Blocks until it is fixed or, if allowable, allowed with a reason.
    Error,
    /// Informs; does not block.
    Warning,
    /// Worth knowing.
    Info,
    /// A check that passed and has something to show.
    Ok,
}

/// One thing that inspection found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Finding {
    /// Stable code, `area.reason`.
    pub code: &'static str,
    /// How much it weighs.
    pub severity: Severity,
    /// One line. Never a whole secret.
    pub title: String,
    /// What it means.
    pub text: String,
    /// The file.
    pub path: Option<String>,
    /// The line in it, from 1.
    pub line: Option<u32>,
    /// What to do about it.
    pub fix: String,
    /// Whether a person may allow this error with a reason.
    pub allowable: bool,
}

/// Where a zip stays that is not uploaded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Location {
    /// Its address is http.
    pub plain: bool,
    /// Only this computer reaches it.
    pub local: bool,
}

/// What inspection knows beside the build itself.
#[derive(Debug, Clone, Default)]
pub struct InspectContext<'a> {
    /// Whether source maps will be left out of the bundle.
    pub exclude_source_maps: bool,
    /// The bundle, when it is packed already: the size check needs it.
    pub packed: Option<&'a Packed>,
    /// Set for a zip that stays where it lies.
    pub location: Option<Location>,
}

/// The result of an inspection.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Inspection {
    /// Findings, the gravest first, then by code and path.
    pub findings: Vec<Finding>,
    /// Checks that found nothing.
    pub passed: u32,
    /// The biggest files: path and bytes, the biggest first, at most ten.
    pub biggest: Vec<(String, u64)>,
    /// Source maps in the build: how many, and their bytes.
    pub source_maps: (u32, u64),
}

/// Inspects a web build. Reads text files; memory is bounded.
///
/// # Errors
/// `build.changed`, `build.unreadable`, `zip.*` when a file cannot be read as it was listed;
/// `job.cancelled` when `cancel` becomes true.
pub fn inspect(
    build: &WebBuild,
    context: &InspectContext<'_>,
    cancel: &AtomicBool,
) -> Result<Inspection> {
    let maps: Vec<&SourceFile> = build.files().iter().filter(|f| is_map(f)).collect();
    let source_maps = (maps.len() as u32, maps.iter().map(|f| f.size).sum());
    let leave_out = |f: &&SourceFile| context.exclude_source_maps && is_map(f);
    let files: Vec<&SourceFile> = build.files().iter().filter(|f| !leave_out(f)).collect();

    let mut report = Report::default();
    names::check(&files, &mut report);
    report.add_all(scan::run(build, &files, cancel)?);
    page::check(build, &files, &mut report)?;
    check_maps(source_maps, context, &mut report);
    check_release(context, &mut report);
    check_location(context, &mut report);
    check_source(build, &mut report);

    let mut biggest: Vec<(String, u64)> = files.iter().map(|f| (f.path.clone(), f.size)).collect();
    biggest.sort_by(|a, b| b.1.cmp(&a.1).then_with(|| a.0.cmp(&b.0)));
    biggest.truncate(BIGGEST);
    Ok(Inspection {
        passed: report.passed(context),
        findings: report.finish(),
        biggest,
        source_maps,
    })
}

fn is_map(file: &SourceFile) -> bool {
    is_source_map(&file.path)
}

fn check_maps(maps: (u32, u64), context: &InspectContext<'_>, report: &mut Report) {
    let (count, bytes) = maps;
    if count == 0 {
        return;
    }
    let what = format!(
        "{} ({})",
        counted(count as usize, "source map"),
        megabytes(bytes)
    );
    let mut finding = if context.exclude_source_maps {
        rules::MAPS_EXCLUDED
            .finding()
            .title(format!("{what} left out"))
    } else {
        rules::MAPS_INCLUDED
            .finding()
            .title(format!("{what} in the build"))
    };
    if context.location.is_some() {
        finding.fix = "Build again without source maps: this zip is served as it is.".into();
    }
    report.add(finding);
}

fn check_location(context: &InspectContext<'_>, report: &mut Report) {
    let Some(location) = context.location else {
        return;
    };
    report.add(rules::LOCATION.finding());
    if location.local {
        report.add(rules::LOCATION_LOCAL.finding());
    } else if location.plain {
        report.add(rules::LOCATION_PLAIN.finding());
    }
}

fn check_release(context: &InspectContext<'_>, report: &mut Report) {
    if let Some(packed) = context.packed {
        let seconds = (packed.size * 8).div_ceil(IOS_BITS_PER_SECOND);
        if seconds > IOS_SECONDS {
            report.add(rules::SIZE_IOS.finding().title(format!(
                "{} take {seconds} s at 3 Mbit/s; iOS gives {IOS_SECONDS} s in the background",
                megabytes(packed.size)
            )));
        }
    }
}

/// What is wrong with a version that an app in the store has too. The version of a release is chosen after its web
/// build was inspected, so this is asked when the release is prepared.
pub fn version_of_a_native_app(version: &str, native: &[String]) -> Option<Finding> {
    native.iter().any(|n| n == version).then(|| {
        let title = format!("Version {version} is also a version of the native app");
        rules::VERSION_NATIVE.finding().title(title)
    })
}

fn check_source(build: &WebBuild, report: &mut Report) {
    if let Some(folder) = build.lifted() {
        let title = format!("The folder {} is taken as the root", show(folder));
        report.add(rules::LIFTED.finding().title(title));
    }
    if let Some(first) = build.left_out().first() {
        let title = format!("{} left out", counted(build.left_out().len(), "file"));
        report.add(rules::LEFT_OUT.finding().title(title).path(first));
    }
}

/// "1 file", "2 files".
fn counted(n: usize, what: &str) -> String {
    format!("{n} {what}{}", if n == 1 { "" } else { "s" })
}

/// Findings while they are collected.
#[derive(Debug, Default)]
struct Report {
    findings: Vec<Finding>,
}

impl Report {
    fn add(&mut self, finding: Finding) {
        self.findings.push(finding);
    }

    fn add_all(&mut self, findings: Vec<Finding>) {
        self.findings.extend(findings);
    }

    /// One finding for any number of files that one rule holds for.
    fn add_group(&mut self, rule: &Rule, what: &str, paths: &[&str]) {
        if let Some(first) = paths.first() {
            let title = format!("{} {what}", counted(paths.len(), "file"));
            self.add(rule.finding().title(title).path(first));
        }
    }

    /// Checks that could have found something to fix, and did not.
    fn passed(&self, context: &InspectContext<'_>) -> u32 {
        let asked = |code: &str| match code {
            "location.plain" | "location.local" => context.location.is_some(),
            "size.ios" => context.packed.is_some(),
            // Asked later: [`version_of_a_native_app`].
            "version.native" => false,
            _ => true,
        };
        let checks = rules::RULES
            .iter()
            .filter(|r| matches!(r.severity, Severity::Error | Severity::Warning))
            .filter(|r| asked(r.code))
            .filter(|r| self.findings.iter().all(|f| f.code != r.code));
        u32::try_from(checks.count()).unwrap_or(u32::MAX)
    }

    fn finish(mut self) -> Vec<Finding> {
        self.findings.sort_by(|a, b| {
            (a.severity, a.code, &a.path, a.line, &a.title)
                .cmp(&(b.severity, b.code, &b.path, b.line, &b.title))
        });
        let mut kept: Vec<Finding> = Vec::new();
        let mut more = 0;
        let mut findings = self.findings.into_iter().peekable();
        while let Some(finding) = findings.next() {
            let (code, ends) = (finding.code, findings.peek().map(|f| f.code));
            if kept.iter().rev().take_while(|f| f.code == code).count() < PER_CODE {
                kept.push(finding);
            } else {
                more += 1;
            }
            if ends != Some(code) && more > 0 {
                if let Some(last) = kept.last_mut() {
                    last.text = format!("{} There are {more} more of this kind.", last.text);
                }
                more = 0;
            }
        }
        kept
    }
}
