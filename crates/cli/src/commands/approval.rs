//! `headgate request` and `headgate response`: signatures of several people.

use std::fs::OpenOptions;
use std::io::Write;
use std::path::Path;

use headgate_core::signing::MAX_CLIENTS_RESPONSE;
use headgate_core::{Code, Kind, Problem, Result};
use headgate_engine::{ApprovalInfo, ApprovalState, PromoteRequest, Workspace};
use serde_json::{Value, json};

use super::{offline, receipt};
use crate::args::{RequestCommand, ResponseCommand};
use crate::context::Context;
use crate::output::{Answer, Outcome, harmless, pairs, short, table};

pub(crate) async fn request(context: &Context, command: RequestCommand) -> Outcome {
    if let RequestCommand::Show { request } = command {
        return offline::show(context, &request).await;
    }
    let workspace = context.workspace().await?;
    let (console, id) = (&context.console, &workspace.id);
    match command {
        RequestCommand::Show { request } => offline::show(context, &request).await,
        RequestCommand::Create {
            channel,
            from,
            build,
            percent,
            output,
            bundle,
            reason,
        } => {
            let from = match from {
                Some(from) => from,
                None => before(context, &workspace, &channel).await?,
            };
            let wish = PromoteRequest {
                workspace: id.clone(),
                unit: context.unit.clone(),
                build,
                from,
                to: channel,
                permille: percent,
            };
            free(&output)?;
            let plan = Box::pin(console.promote_prepare(wish)).await?;
            if let (Some(problem), false) = (&plan.planned.problem, plan.planned.can_ask) {
                return Err(problem.clone().into());
            }
            let (job, asked) = console.ask_plan(&plan.plan, &reason).await?;
            context.wait(&job).await?;
            saved(context, &workspace, &asked, &output, bundle).await
        }
        RequestCommand::List => list(context, &workspace).await,
        RequestCommand::Save {
            id: asked,
            output,
            bundle,
        } => {
            let found = console.approval(id, &asked).await?.info.id;
            free(&output)?;
            saved(context, &workspace, &found, &output, bundle).await
        }
        RequestCommand::Approve { id: asked } => {
            let done = Box::pin(console.approval_sign(id, &asked)).await?;
            Ok(state(&done))
        }
        RequestCommand::Refuse { id: asked, reason } => {
            console.approval_refuse(id, &asked, &reason).await?;
            Ok(Answer::new(
                json!({ "id": asked, "state": "refused" }),
                "Refused.\n",
            ))
        }
        RequestCommand::Withdraw { id: asked } => {
            console.approval_withdraw(id, &asked, "").await?;
            Ok(Answer::new(
                json!({ "id": asked, "state": "withdrawn" }),
                "Withdrawn.\n",
            ))
        }
        RequestCommand::Publish { id: asked } => publish(context, &workspace, &asked).await,
        RequestCommand::Again { id: asked, output } => {
            output.as_deref().map(free).transpose()?;
            let (job, again) = Box::pin(console.approval_again(id, &asked)).await?;
            context.wait(&job).await?;
            match output {
                Some(output) => saved(context, &workspace, &again, &output, false).await,
                None => waiting(context, &workspace, &again, None).await,
            }
        }
        RequestCommand::Read { location, none } => {
            if none || location.is_some() {
                let set = console.set_proposals_location(id, location.as_deref().filter(|_| !none));
                set.await?;
            }
            let read = Box::pin(console.proposals_read(id)).await?;
            let at = console.proposals_location(id).await?;
            let ignored: Vec<Value> = read
                .ignored
                .iter()
                .map(|(file, why)| json!({ "file": file, "why": why }))
                .collect();
            let mut text = pairs(&[
                ("location", at.clone().unwrap_or_else(|| "none".into())),
                ("new proposals", read.proposals.to_string()),
                ("new answers", read.answers.to_string()),
            ]);
            for (file, why) in &read.ignored {
                text.push_str(&harmless(&format!("ignored {file}: {why}\n")));
            }
            let document = json!({ "location": at, "proposals": read.proposals, "answers": read.answers, "ignored": ignored });
            Ok(Answer::new(document, text))
        }
    }
}

pub(crate) async fn response(context: &Context, command: ResponseCommand) -> Outcome {
    let ResponseCommand::Import { file, only } = command;
    let workspace = context.workspace().await?;
    let bytes = read(&file)?;
    let done = Box::pin(context.console.approval_import(&workspace.id, &bytes)).await?;
    if done.complete && !only {
        return publish(context, &workspace, &done.id).await;
    }
    Ok(state(&done))
}

fn state(done: &headgate_engine::Imported) -> Answer {
    let says = match (done.complete, done.mine) {
        (true, _) => "It is complete: publish it with headgate request publish.".to_owned(),
        (false, true) => format!(
            "{} of {} signatures. Sign it here with headgate request approve {}.",
            done.have,
            done.need,
            short(&done.id)
        ),
        (false, false) => format!("{} of {} signatures.", done.have, done.need),
    };
    let document = json!({
        "id": done.id, "added": done.added, "known": done.known,
        "have": done.have, "need": done.need, "complete": done.complete, "made": done.made, "mine": done.mine,
    });
    let made = match done.made {
        true => "signed with the channel's RSA key; made again here, and the same came out",
        false => "nothing new",
    };
    let rows = [
        ("request", done.id.clone()),
        ("for plugins", made.to_owned()),
        ("new signatures", done.added.join(", ")),
        ("known already", done.known.join(", ")),
        ("now", says),
    ];
    Answer::new(document, harmless(&pairs(&rows)))
}

async fn publish(context: &Context, workspace: &Workspace, id: &str) -> Outcome {
    let job = Box::pin(
        context
            .console
            .approval_publish_confirmed(&workspace.id, id),
    )
    .await?;
    receipt::answer(context, &job).await
}

/// Writes the request and says what it waits for.
pub(super) async fn saved(
    context: &Context,
    workspace: &Workspace,
    id: &str,
    output: &Path,
    bundle: bool,
) -> Outcome {
    let bytes = context.console.approval_request(&workspace.id, id).await?;
    write(output, &bytes)?;
    let view = Box::pin(context.console.approval(&workspace.id, id)).await?;
    // What is signed for plugins is hashed where the key is.
    if bundle || !view.review.clients.is_empty() {
        let folder = output.parent().filter(|p| !p.as_os_str().is_empty());
        let folder = folder.unwrap_or(Path::new("."));
        Box::pin(context.console.approval_bundle(&workspace.id, id, folder)).await?;
    }
    waiting(context, workspace, id, Some(output)).await
}

pub(super) async fn waiting(
    context: &Context,
    workspace: &Workspace,
    id: &str,
    file: Option<&Path>,
) -> Outcome {
    let view = Box::pin(context.console.approval(&workspace.id, id)).await?;
    let info = &view.info;
    let mut document = info_json(info);
    document["file"] = json!(file.map(|f| f.display().to_string()));
    let rows = [
        ("request", info.id.clone()),
        ("what", info.title.clone()),
        ("signatures", format!("{} of {}", info.have, info.need)),
        ("for plugins", plugins(info)),
        ("wanted until", info.expires.to_string()),
        (
            "file",
            file.map_or_else(|| "none".into(), |f| f.display().to_string()),
        ),
    ];
    let next = "Nothing of it is live. Take in answers with headgate response import FILE.\n";
    Ok(Answer::new(
        document,
        harmless(&format!("{}{next}", pairs(&rows))),
    ))
}

async fn list(context: &Context, workspace: &Workspace) -> Outcome {
    let offline = match Box::pin(context.console.sync(&workspace.id)).await {
        Err(problem) if problem.code.kind() == Kind::Storage => Some(problem.message),
        read => read.map(|()| None)?,
    };
    let all = Box::pin(context.console.approvals(&workspace.id)).await?;
    let row = |a: &ApprovalInfo| {
        let now = match (a.state, a.expired, &a.stale) {
            (ApprovalState::Open, true, _) => "expired".to_owned(),
            (ApprovalState::Open, _, Some(_)) => "stale".to_owned(),
            (ApprovalState::Open, ..) if a.complete => "complete".to_owned(),
            (state, ..) => state.text().to_owned(),
        };
        vec![
            short(&a.id).to_owned(),
            harmless(&a.title),
            format!("{} of {}", a.have, a.need),
            now,
            harmless(&a.by),
            a.created.to_string(),
        ]
    };
    let rows: Vec<Vec<String>> = all.iter().map(row).collect();
    let mut text = match rows.is_empty() {
        true => "Nothing waits for signatures.\n".to_owned(),
        false => table(&["id", "what", "signed", "state", "asked by", "at"], &rows),
    };
    if let Some(why) = &offline {
        text.push_str(&harmless(&format!(
            "As of the last reading of storage. {why}\n"
        )));
    }
    let list: Vec<Value> = all.iter().map(info_json).collect();
    Ok(Answer::new(
        json!({ "app": workspace.app, "requests": list, "offline": offline }),
        text,
    ))
}

fn info_json(a: &ApprovalInfo) -> Value {
    json!({
        "id": a.id, "title": a.title, "own": a.own, "state": a.state.text(), "by": a.by, "reason": a.reason,
        "created": a.created.to_string(), "expires": a.expires.to_string(), "expired": a.expired,
        "have": a.have, "need": a.need, "complete": a.complete, "mine": a.mine, "stale": a.stale,
        "rsa": a.rsa.as_ref().map(|r| json!({ "key": r.key, "there": r.there })),
    })
}

/// Where the signatures stand that plugins verify.
fn plugins(a: &ApprovalInfo) -> String {
    match &a.rsa {
        None => "no RSA signature is needed".into(),
        Some(rsa) if rsa.there => format!("signed with the RSA key ‘{}’", rsa.key),
        Some(rsa) => format!(
            "not signed yet: take request and bundle to who holds the RSA key ‘{}’",
            rsa.key
        ),
    }
}

/// The channel before another, as the settings order them.
async fn before(context: &Context, workspace: &Workspace, channel: &str) -> Result<String> {
    let settings = Box::pin(context.console.settings(&workspace.id)).await?;
    let at = settings
        .channels
        .iter()
        .position(|c| c.id.as_str() == channel);
    let found = at.and_then(|at| settings.channels.get(at.checked_sub(1)?));
    found.map(|c| c.id.to_string()).ok_or_else(|| {
        let what = format!("There is no channel before {channel}.");
        Problem::new(Code::UsageUnknown, what)
            .remedy("Name it with --from.")
            .field("from")
    })
}

fn free(path: &Path) -> Result<()> {
    if !path.exists() {
        return Ok(());
    }
    let what = format!("{} exists already.", path.display());
    Err(Problem::new(Code::UsageExists, what)
        .remedy("Choose another name.")
        .field("output"))
}

fn write(path: &Path, bytes: &[u8]) -> Result<()> {
    let failed = |e: std::io::Error| {
        Problem::new(
            Code::LocalDisk,
            format!("{} cannot be written: {e}.", path.display()),
        )
    };
    let mut file = OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(path)
        .map_err(failed)?;
    file.write_all(bytes).map_err(failed)
}

fn read(path: &Path) -> Result<Vec<u8>> {
    let bad = |why: String| {
        Problem::new(Code::SigningFormat, format!("{}: {why}", path.display())).field("file")
    };
    let size = std::fs::metadata(path)
        .map_err(|e| bad(format!("{e}.")))?
        .len();
    if size > MAX_CLIENTS_RESPONSE as u64 {
        return Err(bad(format!("{size} bytes are too many for a response.")));
    }
    std::fs::read(path).map_err(|e| bad(format!("{e}.")))
}
