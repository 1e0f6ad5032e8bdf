//! `headgate compare`.

use headgate_core::manifest::Packer;
use headgate_core::{Code, Problem};
use headgate_engine::{Comparison, packer_text};
use serde_json::{Value, json};

use super::inspect::inspected;
use crate::args::CompareArgs;
use crate::context::Context;
use crate::output::{Answer, Outcome, bytes, note, pairs, table};

/// Exit code when files differ: an answer, not an error, so none of the kinds of problem.
const DIFFERENT: u8 = 10;

/// Files of each kind that are shown to people; programs get all.
const SHOWN: usize = 20;

pub(crate) async fn run(context: &Context, args: CompareArgs) -> Outcome {
    let workspace = context.workspace().await?;
    if let Err(problem) = context.console.sync(&workspace.id).await {
        note(&format!(
            "note: {} It is compared with what was read last.",
            problem.message
        ));
    }
    let (console, id, unit) = (&context.console, &workspace.id, &context.unit);
    let compared = match (&args.web_build, args.with) {
        (Some(build), _) => {
            let maps = args.exclude_source_maps;
            let report = inspected(context, Some(&workspace), build, maps).await?;
            let compared = console.compare(id, unit, &report.handle, args.build).await;
            console.discard(&report.handle).await?;
            compared?
        }
        (None, Some(other)) => {
            console
                .compare_releases(id, unit, args.build, other)
                .await?
        }
        (None, None) => {
            let what = "Give a web build, or --with the number of another release.";
            return Err(Problem::new(Code::UsageArgument, what).into());
        }
    };
    let answer = Answer::new(document(&compared), text(&compared));
    Ok(answer.with_exit(if compared.same_files() { 0 } else { DIFFERENT }))
}

fn document(c: &Comparison) -> Value {
    let packer = |p: &Packer| json!({ "name": p.name, "version": p.version, "level": p.level });
    let mut own = json!({
        "sha256": c.own.sha256,
        "size": c.own.size,
        "packer": packer(&c.own.packer),
    });
    if let Some(other) = &c.own.release {
        own["version"] = json!(other.version);
        own["build"] = json!(other.build);
    }
    json!({
        "unit": c.release.unit,
        "version": c.release.version,
        "build": c.release.build,
        "channels": c.channels,
        "same_bytes": c.same_bytes,
        "same_files": c.same_files(),
        "says": c.says,
        "signed": { "sha256": c.release.bundle.sha256, "size": c.release.bundle.size, "packer": packer(&c.release.packer) },
        "own": own,
        "added": c.difference.added,
        "removed": c.difference.removed,
        "changed": c.difference.changed,
        "unchanged": c.difference.unchanged,
    })
}

fn text(c: &Comparison) -> String {
    let release = &c.release;
    let zip = |sha256: &str, size: u64, packer: &Packer| {
        format!("{sha256}, {}, {}", bytes(size), packer_text(packer))
    };
    let own = zip(&c.own.sha256, c.own.size, &c.own.packer);
    let (beside, own) = match &c.own.release {
        Some(other) => (
            "other",
            format!("{} ({}), {own}", other.version, other.build),
        ),
        None => ("this build", own),
    };
    let rows = [
        (
            "release",
            format!(
                "{} ({}), on {}",
                release.version,
                release.build,
                c.channels.join(", ")
            ),
        ),
        (
            "signed",
            zip(&release.bundle.sha256, release.bundle.size, &release.packer),
        ),
        (beside, own),
    ];
    let d = &c.difference;
    let mut files: Vec<Vec<String>> = Vec::new();
    for (word, list) in [("added", &d.added), ("removed", &d.removed)] {
        let row =
            |f: &headgate_core::compare::PathSize| vec![word.into(), f.path.clone(), bytes(f.size)];
        files.extend(list.iter().take(SHOWN).map(row));
    }
    let changed = d.changed.iter().take(SHOWN).map(|f| {
        let sizes = format!("{} -> {}", bytes(f.old_size), bytes(f.new_size));
        vec!["changed".into(), f.path.clone(), sizes]
    });
    files.extend(changed);
    let all = d.added.len() + d.removed.len() + d.changed.len();
    let mut out = format!("{}\n\n{}", c.says, pairs(&rows));
    if !files.is_empty() {
        out += &format!("\n{}", table(&["", "file", "size"], &files));
    }
    if all > files.len() {
        out += &format!("and {} more; --json lists all\n", all - files.len());
    }
    out
}
