//! `headgate jobs`.

use headgate_core::Problem;
use headgate_engine::Job;
use serde_json::{Value, json};

use super::receipt;
use crate::args::JobsCommand;
use crate::context::Context;
use crate::output::{Answer, Outcome, table};

pub(crate) async fn run(context: &Context, command: JobsCommand) -> Outcome {
    match command {
        JobsCommand::List => {
            let jobs = context.console.jobs().await?;
            let row = |j: &Job| {
                let error = j
                    .error
                    .as_ref()
                    .map(|p| p.code.text().to_owned())
                    .unwrap_or_default();
                vec![
                    j.id.clone(),
                    j.state.text().into(),
                    j.started.to_string(),
                    j.title.clone(),
                    error,
                ]
            };
            let rows: Vec<Vec<String>> = jobs.iter().map(row).collect();
            let text = if rows.is_empty() {
                "No jobs.\n".into()
            } else {
                table(&["job", "state", "started", "what", "error"], &rows)
            };
            Ok(Answer::new(
                json!({ "jobs": jobs.iter().map(job_json).collect::<Vec<_>>() }),
                text,
            ))
        }
        JobsCommand::Resume { id } => {
            context.console.resume_job(&id).await?;
            let job = context.wait(&id).await?;
            let Some(proof) = job.receipt.clone() else {
                let text = format!("{}: {}.\n", job.title, job.state.text());
                return Ok(Answer::new(job_json(&job), text));
            };
            let mut document = receipt::document(&job, &proof);
            document["job"] = job_json(&job);
            Ok(Answer::new(document, receipt::text(&job, &proof)))
        }
        JobsCommand::Cancel { id } => {
            context.console.cancel_job(&id).await?;
            let job = context.console.job(&id).await?;
            let text = format!(
                "{}: {}. Devices get what they got before.\n",
                job.title,
                job.state.text()
            );
            Ok(Answer::new(job_json(&job), text))
        }
    }
}

fn job_json(job: &Job) -> Value {
    let error = |p: &Problem| json!({ "code": p.code.text(), "message": p.message, "holds": p.holds, "remedy": p.remedy });
    json!({
        "job": job.id, "kind": job.kind.text(), "title": job.title, "state": job.state.text(), "phase": job.phase.text(),
        "unit": job.unit, "channel": job.channel, "started": job.started, "finished": job.finished,
        "error": job.error.as_ref().map(error),
    })
}
