//! `index.html` itself.

use std::collections::{BTreeSet, HashSet};

use headgate_core::Result;

use super::findings::{BROKEN_REFERENCE, INDEX_EMPTY, INDEX_EXTERNAL, INDEX_PRESENT};
use super::references::{self, Target};
use super::{Report, counted};
use crate::look::megabytes;
use crate::names::show;
use crate::source::INDEX;
use crate::{SourceFile, WebBuild};

/// More of the page is not searched for references.
const MAX_PAGE: u64 = 2 << 20;

pub(super) fn check(build: &WebBuild, files: &[&SourceFile], report: &mut Report) -> Result<()> {
    let Some(file) = files.iter().find(|f| f.path == INDEX) else {
        return Ok(());
    };
    let mut bytes = vec![0; file.size.min(MAX_PAGE) as usize];
    build.stream(file)?.fill(&mut bytes)?;
    let html = String::from_utf8_lossy(&bytes);
    if html.trim().is_empty() {
        report.add(INDEX_EMPTY.finding().path(INDEX));
        return Ok(());
    }
    let paths: HashSet<&str> = files.iter().map(|f| f.path.as_str()).collect();
    let mut hosts = BTreeSet::new();
    let (mut good, mut broken) = (0, 0);
    for reference in references::find(&html) {
        match reference.target {
            Target::External(host) => {
                hosts.insert(host);
            }
            Target::Local(path) if paths.contains(crate::names::normalise(&path).as_str()) => {
                good += 1;
            }
            Target::Local(path) => {
                broken += 1;
                let title = format!("index.html refers to {}, which is not there", show(&path));
                let finding = BROKEN_REFERENCE.finding().title(title);
                report.add(finding.path(INDEX).line(reference.line));
            }
        }
    }
    if let Some(host) = hosts.first() {
        let title = match hosts.len() {
            1 => format!("index.html loads from {}", show(host)),
            n => format!(
                "index.html loads from {} and {} more servers",
                show(host),
                n - 1
            ),
        };
        report.add(INDEX_EXTERNAL.finding().title(title).path(INDEX));
    }
    let size = megabytes(file.size);
    let mut finding = INDEX_PRESENT.finding().path(INDEX).title(format!(
        "index.html, {size}, {} resolved",
        counted(good, "reference")
    ));
    if broken > 0 {
        finding.text = format!("{} lead nowhere.", counted(broken, "other"));
    }
    report.add(finding);
    Ok(())
}
