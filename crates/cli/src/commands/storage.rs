//! `headgate storage`.

use headgate_core::{Code, Problem, settings::Delivers};
use headgate_engine::{Check, StorageKeys};
use headgate_registry::UnfinishedUpload;
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::args::{CredentialsCommand, MirrorCommand, StorageCommand};
use crate::context::Context;
use crate::output::{Answer, Failure, Outcome, note};
use crate::progress;

pub(crate) async fn run(context: &Context, command: StorageCommand) -> Outcome {
    let workspace = context.workspace().await?;
    match command {
        StorageCommand::Check => {
            let check = Box::pin(context.console.storage_check(&workspace.id));
            let checks = progress::during(context, check).await?;
            let text: String = checks.iter().map(check_line).collect();
            let document = json!({ "storage": workspace.storage, "checks": checks.iter().map(check_json).collect::<Vec<_>>() });
            match checks.into_iter().find_map(|check| check.result.err()) {
                None => Ok(Answer::new(document, text)),
                Some(problem) => {
                    // The lines that passed say how far it works.
                    if !context.json {
                        note(text.trim_end());
                    }
                    Err(Failure::from(problem))
                }
            }
        }
        StorageCommand::Credentials(CredentialsCommand::Save { mirror }) => {
            let keys = from_environment()?;
            context
                .console
                .set_credentials(&workspace.id, mirror.as_deref(), &keys)
                .await?;
            let place = workspace.vault.to_text();
            Ok(Answer::new(
                json!({ "vault": place }),
                format!("The credentials are in the vault now: {place}.\n"),
            ))
        }
        StorageCommand::Credentials(CredentialsCommand::Forget { mirror }) => {
            context
                .console
                .forget_credentials(&workspace.id, mirror.as_deref())
                .await?;
            Ok(Answer::new(
                json!({ "vault": null }),
                "The vault has no credentials for this storage any more; AWS_* variables count.\n",
            ))
        }
        StorageCommand::Deliver { what } => {
            let delivers = Delivers::parse(&what)?;
            let job = context
                .console
                .set_delivers(&workspace.id, delivers)
                .await?;
            context.receipt(&job).await?;
            Ok(Answer::new(
                json!({ "zip": delivers.zip, "files": delivers.files }),
                format!("Releases from now on put into storage: {what}.\n"),
            ))
        }
        StorageCommand::Sweep { older_than, mirror } => {
            let swept = context
                .console
                .sweep_uploads(&workspace.id, mirror.as_deref(), older_than)
                .await?;
            let keys = |uploads: &[UnfinishedUpload]| -> Vec<String> {
                uploads.iter().map(|u| u.key.clone()).collect()
            };
            let (given_up, kept) = (keys(&swept.aborted), keys(&swept.kept));
            let mut text: String = given_up.iter().map(|k| format!("gave up {k}\n")).collect();
            text += &format!(
                "{} given up, {} kept: younger, or a job of this computer goes on with them.\n",
                given_up.len(),
                kept.len()
            );
            Ok(Answer::new(
                json!({ "given_up": given_up, "kept": kept }),
                text,
            ))
        }
        StorageCommand::PutBack => {
            let expires = Box::pin(context.console.put_back(&workspace.id)).await?;
            Ok(Answer::new(
                json!({ "expires": expires.to_string() }),
                format!(
                    "The state before is in storage again, current until {expires}. Replace the key that signed the other.\n"
                ),
            ))
        }
        StorageCommand::Mirror(command) => mirror(context, &workspace.id, command).await,
    }
}

async fn mirror(context: &Context, workspace: &str, command: MirrorCommand) -> Outcome {
    let console = &context.console;
    let (address, job) = match command {
        MirrorCommand::List => {
            let mirrors = console.mirrors(workspace).await?;
            let text: String = if mirrors.is_empty() {
                "No mirrors.\n".into()
            } else {
                mirrors.iter().map(|m| format!("{m}\n")).collect()
            };
            return Ok(Answer::new(json!({ "mirrors": mirrors }), text));
        }
        MirrorCommand::Remove { address } => {
            console.remove_mirror(workspace, &address).await?;
            let text = format!(
                "{address} gets nothing any more, and its credentials are out of the vault. What lies there stays there.\n"
            );
            return Ok(Answer::new(json!({ "removed": address }), text));
        }
        MirrorCommand::Add { address } => {
            let job = console.add_mirror(workspace, &address, None).await?;
            (address, job)
        }
        MirrorCommand::Sync { address } => {
            let job = console.sync_mirror(workspace, &address).await?;
            (address, job)
        }
    };
    context.wait(&job).await?;
    Ok(Answer::new(
        json!({ "mirror": address, "job": job }),
        format!("{address} holds what the registry holds.\n"),
    ))
}

/// `AWS_*` variables, read here alone: from now on the vault has them.
fn from_environment() -> Result<StorageKeys, Problem> {
    let read = |name: &str| {
        let value = std::env::var(name).ok().filter(|v| !v.trim().is_empty());
        value.map(Zeroizing::new)
    };
    let needed = |name: &str| {
        read(name).ok_or_else(|| {
            Problem::new(Code::StorageCredentials, format!("{name} is not set."))
                .holds("The vault is unchanged.")
                .remedy("Set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY for this one command.")
        })
    };
    Ok(StorageKeys {
        access_key_id: needed("AWS_ACCESS_KEY_ID")?,
        secret: needed("AWS_SECRET_ACCESS_KEY")?,
        session_token: read("AWS_SESSION_TOKEN"),
    })
}

pub(super) fn check_json(check: &Check) -> Value {
    let (ok, warning, says) = match &check.result {
        Ok(found) => (true, found.warning, &found.says),
        Err(problem) => (false, false, &problem.message),
    };
    json!({ "title": check.title, "ok": ok, "warning": warning, "says": says, "ms": check.ms })
}

pub(super) fn check_line(check: &Check) -> String {
    match &check.result {
        Ok(found) if found.warning => format!("{}: warning. {}\n", check.title, found.says),
        Ok(found) => format!("{}: {}\n", check.title, found.says),
        Err(problem) => format!("{}: no. {}\n", check.title, problem.message),
    }
}
