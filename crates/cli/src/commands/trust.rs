//! `headgate trust`: who may sign what.

use headgate_engine::{Ceremony, ChannelDefaults, Member, Started, public_key};
use serde_json::{Value, json};

use super::{approval, receipt};
use crate::args::{AskArgs, NewKeyArgs, TrustCommand};
use crate::context::Context;
use crate::output::{Answer, Outcome, harmless, table};

pub(crate) async fn run(context: &Context, command: TrustCommand) -> Outcome {
    let workspace = context.workspace().await?;
    let (ceremony, ask) = match command {
        TrustCommand::Show => return show(context, &workspace.id).await,
        TrustCommand::Confirm { channel, how } => {
            let set = ChannelDefaults {
                confirm: Some(how),
                ..ChannelDefaults::default()
            };
            let job = Box::pin(context.console.set_channel(&workspace.id, &channel, set)).await?;
            return receipt::answer(context, &job).await;
        }
        TrustCommand::Team {
            member,
            root,
            last,
            ask,
        } => (
            Ceremony::Team {
                members: member,
                root_threshold: root,
                last_threshold: last,
            },
            ask,
        ),
        TrustCommand::Add { key, role, ask } => (
            Ceremony::AddPerson {
                member: member(key)?,
                roles: role,
            },
            ask,
        ),
        TrustCommand::Remove { key, ask } => (Ceremony::RemoveKey { key }, ask),
        TrustCommand::Threshold {
            role,
            threshold,
            ask,
        } => (Ceremony::Threshold { role, threshold }, ask),
        TrustCommand::Rotate { old, key, ask } => (
            Ceremony::Rotate {
                old,
                new: member(key)?,
            },
            ask,
        ),
        TrustCommand::Renew { roles, ask } => (Ceremony::Renew { roles }, ask),
        TrustCommand::Grant { role, key, ask } => (Ceremony::Grant { role, key }, ask),
        TrustCommand::Revoke { role, key, ask } => (Ceremony::Revoke { role, key }, ask),
    };
    change(context, &workspace, &ceremony, ask).await
}

fn member(key: NewKeyArgs) -> headgate_core::Result<Member> {
    Ok(Member {
        public: public_key(key.public.trim())?,
        name: key.name,
        holder: key.holder,
    })
}

async fn change(
    context: &Context,
    workspace: &headgate_engine::Workspace,
    ceremony: &Ceremony,
    ask: AskArgs,
) -> Outcome {
    let started = context
        .console
        .change_trust(&workspace.id, ceremony, &ask.reason);
    match Box::pin(started).await? {
        Started::Publish(job) => receipt::answer(context, &job).await,
        Started::Ask(job, id) => {
            context.wait(&job).await?;
            match &ask.request {
                Some(file) => approval::saved(context, workspace, &id, file, false).await,
                None => approval::waiting(context, workspace, &id, None).await,
            }
        }
    }
}

async fn show(context: &Context, workspace: &str) -> Outcome {
    let table_of = Box::pin(context.console.trust_table(workspace)).await?;
    let rows: Vec<Vec<String>> = table_of
        .roles
        .iter()
        .map(|(name, role)| {
            let keys: Vec<String> = role.keyids.iter().map(|id| table_of.name(id)).collect();
            let needs = format!("{} of {}", role.threshold, role.keyids.len());
            vec![name.clone(), needs, harmless(&keys.join(", "))]
        })
        .collect();
    let roles: serde_json::Map<String, Value> = table_of
        .roles
        .iter()
        .map(|(name, role)| {
            let keys: Vec<Value> = role
                .keyids
                .iter()
                .map(|id| json!({ "id": id.as_str(), "name": table_of.name(id) }))
                .collect();
            (
                name.clone(),
                json!({ "threshold": role.threshold, "keys": keys }),
            )
        })
        .collect();
    let document = json!({ "profile": table_of.profile, "roles": roles });
    Ok(Answer::new(
        document,
        table(&["role", "signatures", "keys"], &rows),
    ))
}
