//! Searching all text files for keys, tokens and source maps, on all cores, block after block.

use std::collections::HashSet;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use headgate_core::{Code, Problem, Result};

use super::Finding;
use super::findings::{MAPS_INLINE, MAPS_MISSING, MAPS_OTHER, SCAN_PARTIAL};
use super::references::{Target, beside};
use super::scanner::{Hit, Scanner, What};
use super::secrets::LOOKAHEAD;
use crate::names::show;
use crate::pack::{check_cancel, is_incompressible, is_source_map};
use crate::{SourceFile, WebBuild};

const BLOCK: usize = 256 * 1024;
/// More of one file is not searched.
const MAX_SCAN: u64 = 16 << 20;
/// More findings in one file are not kept: a list of tokens needs one look, not thousands.
const PER_FILE: usize = 50;

/// Searches all files. Findings come in no particular order.
pub(super) fn run(
    build: &WebBuild,
    files: &[&SourceFile],
    cancel: &AtomicBool,
) -> Result<Vec<Finding>> {
    let next = AtomicUsize::new(0);
    // Also what is left out of the bundle: a reference to it is no mistake.
    let paths: HashSet<&str> = build.files().iter().map(|f| f.path.as_str()).collect();
    let threads = std::thread::available_parallelism().map_or(2, std::num::NonZero::get);
    let work = || -> Result<Vec<Finding>> {
        let mut buffer = vec![0; BLOCK + LOOKAHEAD];
        let mut findings = Vec::new();
        while let Some(file) = files.get(next.fetch_add(1, Ordering::Relaxed)) {
            check_cancel(cancel)?;
            if !is_incompressible(&file.path) {
                scan(build, file, &paths, &mut buffer, cancel, &mut findings)?;
            }
        }
        Ok(findings)
    };
    std::thread::scope(|scope| {
        let workers: Vec<_> = (0..threads).map(|_| scope.spawn(work)).collect();
        let mut all = Vec::new();
        for worker in workers {
            let found = worker
                .join()
                .map_err(|_| Problem::new(Code::Internal, "An inspection thread ended early."))?;
            all.extend(found?);
        }
        Ok(all)
    })
}

fn scan(
    build: &WebBuild,
    file: &SourceFile,
    paths: &HashSet<&str>,
    buffer: &mut [u8],
    cancel: &AtomicBool,
    findings: &mut Vec<Finding>,
) -> Result<()> {
    let mut stream = build.stream(file)?;
    let mut scanner = Scanner::default();
    let mut hits = Vec::new();
    let (mut held, mut read) = (0, 0_u64);
    loop {
        check_cancel(cancel)?;
        let got = stream.fill(&mut buffer[held..])?;
        let end = held + got;
        // A zero byte in the first block: no text.
        if read == 0 && buffer[..end].contains(&0) {
            return Ok(());
        }
        read += got as u64;
        let last = end < buffer.len() || read >= file.size.min(MAX_SCAN);
        let done = scanner.scan(&buffer[..end], last, &mut hits);
        if last {
            break;
        }
        buffer.copy_within(done..end, 0);
        held = end - done;
        hits.truncate(PER_FILE);
    }
    hits.truncate(PER_FILE);
    if read < file.size {
        findings.push(SCAN_PARTIAL.finding().path(&file.path));
    }
    let found = hits.into_iter();
    findings.extend(found.filter_map(|hit| finding(file, paths, hit)));
    Ok(())
}

fn finding(file: &SourceFile, paths: &HashSet<&str>, hit: Hit) -> Option<Finding> {
    let finding = match hit.what {
        What::Secret(rule, title) => rule.finding().title(title),
        What::InlineMap => MAPS_INLINE.finding(),
        What::MapAt(address) => {
            let Some(Target::Local(path)) = beside(&file.path, &address) else {
                return None;
            };
            match paths.contains(path.as_str()) {
                // These are counted by their name.
                true if is_source_map(&path) => return None,
                true => MAPS_OTHER
                    .finding()
                    .title(format!("{} is a source map", show(&path))),
                false => MAPS_MISSING
                    .finding()
                    .title(format!("The source map {} is not there", show(&path))),
            }
        }
    };
    Some(finding.path(&file.path).line(hit.line))
}
