//! `headgate promote`.

use headgate_core::{Code, Problem};
use headgate_engine::PromoteRequest;
use serde_json::json;

use super::receipt;
use crate::args::PromoteArgs;
use crate::context::Context;
use crate::output::{Answer, Outcome, note};

pub(crate) async fn run(context: &Context, args: PromoteArgs) -> Outcome {
    let workspace = context.workspace().await?;
    if args.from == args.to {
        let problem = Problem::new(Code::UsageArgument, "Both channels are the same.").field("to");
        return Err(problem.into());
    }
    let request = PromoteRequest {
        workspace: workspace.id.clone(),
        unit: context.unit.clone(),
        build: args.build,
        from: args.from.clone(),
        to: args.to,
        permille: args.percent,
    };
    let plan = Box::pin(context.console.promote_prepare(request)).await?;
    if plan.planned.can_ask
        && let Some(file) = &args.ask.request
    {
        let (job, id) = context
            .console
            .ask_plan(&plan.plan, &args.ask.reason)
            .await?;
        context.wait(&job).await?;
        return super::approval::saved(context, &workspace, &id, file, false).await;
    }
    if let Some(problem) = plan.planned.problem {
        let remedy = "Ask for the missing signatures with --request FILE.";
        let problem = match plan.planned.can_ask {
            true => problem.remedy(remedy),
            false => problem,
        };
        return Err(problem.into());
    }
    if !context.json {
        note(&format!(
            "the same bytes: storage holds {}, as was signed on {}",
            plan.recomputed, args.from
        ));
    }
    if let (Some(clients), false) = (&plan.planned.clients, context.json) {
        note(&format!("for plugins: {}", clients.says));
    }
    let job = context
        .console
        .start_plan(&plan.plan, plan.type_to_confirm.as_deref())
        .await?;
    let (job, proof) = context.receipt(&job).await?;
    let mut document = receipt::document(&job, &proof);
    document["from"] = json!(args.from);
    document["same_bytes"] = json!(plan.recomputed == plan.manifest.bundle.sha256);
    Ok(Answer::new(document, receipt::text(&job, &proof)))
}
