//! `headgate inspect` and `headgate pack`.

use std::path::Path;
use std::sync::Arc;

use headgate_bundle::Severity;
use headgate_core::{Code, Problem, Result};
use headgate_engine::{InspectOptions, InspectionReport, Workspace};
use serde_json::{Value, json};

use crate::args::{InspectArgs, PackArgs};
use crate::context::{Context, absolute};
use crate::output::{
    Answer, Outcome, bytes, findings_json, findings_table, note, pairs, short, table,
};
use crate::progress;

/// Packs and inspects a web build.
///
/// # Errors
/// `build.*`, `zip.*`, `artifact.*`, `local.*`.
pub(crate) async fn inspected(
    context: &Context,
    workspace: Option<&Workspace>,
    build: &Path,
    exclude_source_maps: bool,
) -> Result<Arc<InspectionReport>> {
    let picked = match build.to_str().filter(|text| text.contains("://")) {
        Some(address) => context.console.pick_url(address)?,
        None => context.console.pick(&absolute(build)?)?,
    };
    let options = InspectOptions {
        exclude_source_maps,
    };
    let job = match workspace {
        Some(workspace) => {
            context
                .console
                .inspect(&workspace.id, &context.unit, &picked.handle, options)
                .await?
        }
        None => context
            .console
            .inspect_alone(&context.unit, &picked.handle, options)?,
    };
    context.wait(&job).await?;
    context.console.inspection(&picked.handle)
}

/// Errors make the exit code that of `build.findings`, so that a pipeline stops; the report is printed all the same.
pub(crate) async fn run(context: &Context, args: InspectArgs) -> Outcome {
    let workspace = context.maybe_workspace().await?;
    if let Some(workspace) = &workspace
        && let Err(problem) = context.console.sync(&workspace.id).await
    {
        note(&format!(
            "note: {} Changes are shown against what was read last.",
            problem.message
        ));
    }
    let report = inspected(
        context,
        workspace.as_ref(),
        &args.build,
        args.exclude_source_maps,
    )
    .await?;
    let answer = Answer::new(document(&report), text(&report));
    let errors: Vec<_> = report
        .findings
        .iter()
        .filter(|f| f.severity == Severity::Error)
        .collect();
    // The bundle was packed to look at it; shipping packs again.
    context.console.discard(&report.handle).await?;
    if errors.is_empty() {
        return Ok(answer);
    }
    let names: Vec<&str> = errors.iter().map(|f| f.code).collect();
    let problem = Problem::new(
        Code::BuildFindings,
        format!("The web build has {} error(s).", errors.len()),
    )
    .detail(names.join(", "));
    Err(crate::output::Failure::from(problem).with_answer(answer))
}

pub(crate) async fn pack(context: &Context, args: PackArgs) -> Outcome {
    let options = InspectOptions {
        exclude_source_maps: args.exclude_source_maps,
    };
    let (from, to) = (absolute(&args.build)?, absolute(&args.output)?);
    let pack = context.console.pack_to(&from, &to, options);
    let packed = progress::during(context, Box::pin(pack)).await?;
    let document = json!({
        "path": to,
        "sha256": packed.sha256,
        "size": packed.size,
        "files": packed.inventory.files.len(),
        "excluded": packed.excluded.len(),
        "inventory": packed.inventory_sha256,
        "packer": { "name": packed.packer.name, "version": packed.packer.version, "level": packed.packer.level },
    });
    let rows = [
        ("bundle", to.display().to_string()),
        ("sha256", packed.sha256.clone()),
        (
            "size",
            format!(
                "{}, {} files, {} left out",
                bytes(packed.size),
                packed.inventory.files.len(),
                packed.excluded.len()
            ),
        ),
    ];
    Ok(Answer::new(document, pairs(&rows)))
}

fn document(report: &InspectionReport) -> Value {
    let changes = report.changes.iter().map(|c| {
        let against = c.against.as_ref().map(|(version, build)| json!({ "version": version, "build": build }));
        json!({ "channel": c.channel, "against": against, "added": c.added, "removed": c.removed, "changed": c.changed })
    });
    let git = report
        .git
        .as_ref()
        .map(|g| json!({ "commit": g.commit, "ref": g.reference, "message": g.message }));
    json!({
        "name": report.name,
        "kind": report.kind,
        "location": report.location,
        "sha256": report.packed.sha256,
        "size": report.packed.size,
        "files": report.packed.inventory.files.len(),
        "findings": findings_json(&report.findings),
        "passed": report.passed,
        "biggest": report.biggest.iter().map(|(path, size)| json!({ "path": path, "size": size })).collect::<Vec<_>>(),
        "source_maps": { "files": report.source_maps.0, "bytes": report.source_maps.1, "excluded": report.source_maps_excluded },
        "changes": changes.collect::<Vec<_>>(),
        "to_upload": report.to_upload,
        "next": { "version": report.version, "build": report.build },
        "git": git,
        "took_ms": report.took_ms,
    })
}

fn text(report: &InspectionReport) -> String {
    let maps = match report.source_maps {
        (0, _) => "none".to_owned(),
        (n, size) => format!(
            "{n}, {}{}",
            bytes(size),
            if report.source_maps_excluded {
                ", left out"
            } else {
                ""
            }
        ),
    };
    let mut rows = vec![
        ("web build", format!("{} ({})", report.name, report.kind)),
        (
            "bundle",
            format!(
                "{} files, {}, {}",
                report.packed.inventory.files.len(),
                bytes(report.packed.size),
                short(&report.packed.sha256)
            ),
        ),
        ("to upload", bytes(report.to_upload)),
        ("source maps", maps),
        ("checks", format!("{} passed", report.passed)),
    ];
    if let Some(location) = &report.location {
        rows.insert(1, ("stays at", location.clone()));
    }
    for change in &report.changes {
        let said = match &change.against {
            Some((version, build)) => {
                format!(
                    "{} added, {} changed, {} removed against {version} ({build})",
                    change.added, change.changed, change.removed
                )
            }
            None => "serves nothing yet".into(),
        };
        rows.push((&change.channel, said));
    }
    let biggest: Vec<Vec<String>> = report
        .biggest
        .iter()
        .take(5)
        .map(|(path, size)| vec![path.clone(), bytes(*size)])
        .collect();
    let findings = if report.findings.is_empty() {
        String::new()
    } else {
        format!("\n{}", findings_table(&report.findings))
    };
    format!(
        "{}\n{}{findings}",
        pairs(&rows),
        table(&["biggest files", "size"], &biggest)
    )
}
