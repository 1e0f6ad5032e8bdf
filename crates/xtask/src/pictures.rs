//! `cargo xtask pictures`: the pictures of the documents, taken from the screenshots that the desktop journeys save.

use crate::workspace::Workspace;
use crate::{apt, process};
use anyhow::{Result, bail};
use std::fs;
use std::path::PathBuf;
use std::process::Command;

/// Screenshot of a journey, picture of `docs/images`.
const PICTURES: &[(&str, &str)] = &[
    ("12-board", "board"),
    ("12-board-dark", "board-dark"),
    ("04-ship-inspect", "ship"),
    ("07-released", "released"),
    ("10-promote-production", "promote"),
    ("85-stopped-by-gate", "rollout"),
    ("89-devices", "devices"),
    ("125-activity-of-a-team", "activity"),
    ("120-keys-of-three", "keys"),
    ("114-requests", "requests"),
    ("110-root-of-trust", "root-of-trust"),
    ("111-workstation-setup", "workstation-setup"),
    ("112-team", "team"),
    ("113-team-review", "team-review"),
    ("115-promote-needs-more", "promote-needs-more"),
    ("116-request", "request"),
    ("117-save-request", "save-request"),
    ("121-workstation-request", "workstation-request"),
    ("122-workstation-signed", "workstation-signed"),
    ("99-offline-alarms", "workstation-alarms"),
    ("123-published", "published"),
];

/// Replaces the pictures. Nothing is written when a screenshot is missing.
pub(crate) fn take(workspace: &Workspace) -> Result<()> {
    let (from, to) = (workspace.screenshots(), workspace.root.join("docs/images"));
    let missing: Vec<&str> = PICTURES
        .iter()
        .filter(|(shot, _)| !from.join(format!("{shot}.png")).is_file())
        .map(|(shot, _)| *shot)
        .collect();
    if !missing.is_empty() {
        bail!(
            "{} has no screenshot {}: run `cargo xtask test desktop` first",
            from.display(),
            missing.join(", ")
        );
    }
    apt::install(apt::Purpose::Test)?;
    fs::create_dir_all(&to)?;
    for (shot, picture) in PICTURES {
        let source: PathBuf = from.join(format!("{shot}.png"));
        // Screens have few colours: a palette of them takes a third of the bytes and shows no difference.
        let mut shrink = Command::new("convert");
        shrink
            .arg(&source)
            .args(["-strip", "+dither", "-colors", "256"])
            .args(["-define", "png:compression-level=9"])
            .arg(format!(
                "PNG8:{}",
                to.join(format!("{picture}.png")).display()
            ));
        process::run(&mut shrink)?;
    }
    println!("{} pictures in {}", PICTURES.len(), to.display());
    Ok(())
}
