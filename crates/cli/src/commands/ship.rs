//! `headgate ship`.

use headgate_bundle::Severity;
use headgate_core::{Code, Native, NativeRange, Problem, Result, manifest::Allowed};
use headgate_engine::{InspectionReport, ShipRequest};

use super::{inspect::inspected, receipt};
use crate::args::ShipArgs;
use crate::context::Context;
use crate::output::{Failure, Outcome, note};

/// `--allow all`.
const ALL: &str = "all";

pub(crate) async fn run(context: &Context, args: ShipArgs) -> Outcome {
    let workspace = context.workspace().await?;
    let native = native(&args)?;
    let (allow, allow_all) = allowed(&args)?;
    let upload_files = args.upload_files;
    let report = inspected(
        context,
        Some(&workspace),
        &args.web_build,
        args.exclude_source_maps,
    )
    .await?;
    let request = ShipRequest {
        workspace: workspace.id.clone(),
        unit: context.unit.clone(),
        handle: report.handle.clone(),
        version: args.version,
        build: args.build,
        channel: args.channel,
        permille: args.percent,
        native,
        upload_files,
        allow,
        allow_all,
        message: args.message,
        commit: args.commit,
        author: args.author,
    };
    let plan = match Box::pin(context.console.ship_prepare(request)).await {
        Ok(plan) => plan,
        Err(problem) => return Err(refused(context, &report, problem).await),
    };
    if let Some(problem) = plan.planned.problem {
        return Err(refused(context, &report, problem).await);
    }
    if !context.json {
        for (finding, reason) in &plan.findings {
            let place = finding
                .path
                .as_ref()
                .map(|p| format!(" ({p})"))
                .unwrap_or_default();
            let said = reason
                .as_ref()
                .map_or_else(|| "warning".into(), |r| format!("allowed, ‘{r}’"));
            note(&format!(
                "{said}: {}{place} [{}]",
                finding.title, finding.code
            ));
        }
    }
    if !context.json && report.location.is_some() && !upload_files {
        note(
            "note: clients that fetch single files do not get this release; --upload-files uploads its files for them",
        );
    }
    if let (Some(clients), false) = (&plan.planned.clients, context.json) {
        note(&format!("for plugins: {}", clients.says));
    }
    // The arguments are the confirmation.
    let job = context
        .console
        .start_plan(&plan.plan, plan.type_to_confirm.as_deref())
        .await?;
    receipt::answer(context, &job).await
}

/// Nothing was signed, so what was packed for it goes too. Findings that block are shown.
async fn refused(context: &Context, report: &InspectionReport, problem: Problem) -> Failure {
    if let Err(problem) = context.console.discard(&report.handle).await {
        note(&format!("note: {}", problem.message));
    }
    let blocked = problem.code == Code::BuildFindings;
    let errors = report
        .findings
        .iter()
        .filter(|f| blocked && f.severity == Severity::Error);
    let errors = errors.cloned().collect();
    Failure::from(problem).with_findings(errors)
}

fn native(args: &ShipArgs) -> Result<Native> {
    let range = |min: &Option<String>, max: &Option<String>| NativeRange {
        min: min.clone(),
        max: max.clone(),
        exclude: Vec::new(),
    };
    Native::new(
        range(&args.native_ios_min, &args.native_ios_max),
        range(&args.native_android_min, &args.native_android_max),
    )
}

/// Findings that are allowed, by code or all of them.
fn allowed(args: &ShipArgs) -> Result<(Vec<Allowed>, Option<String>)> {
    let Some(reason) = args
        .reason
        .as_ref()
        .map(|r| r.trim())
        .filter(|r| !r.is_empty())
    else {
        if args.allow.is_empty() {
            return Ok((Vec::new(), None));
        }
        return Err(Problem::new(
            Code::UsageArgument,
            "A finding is allowed with a reason only.",
        )
        .field("reason"));
    };
    let codes = args.allow.iter().filter(|code| *code != ALL);
    let allow = codes
        .map(|code| Allowed {
            code: code.clone(),
            path: None,
            reason: reason.to_owned(),
        })
        .collect();
    Ok((
        allow,
        args.allow
            .iter()
            .any(|code| code == ALL)
            .then(|| reason.to_owned()),
    ))
}
