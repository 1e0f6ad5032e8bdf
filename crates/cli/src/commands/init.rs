//! `headgate init`.

use headgate_core::{Code, Problem, words};
use headgate_engine::{InitRequest, RootInfo, Started, Team};
use serde_json::json;

use super::approval;
use crate::args::{InitArgs, Profile};
use crate::context::Context;
use crate::output::{Answer, Outcome, pairs};
use crate::progress;

pub(crate) async fn run(context: &Context, args: InitArgs) -> Outcome {
    let app = context.app.clone().ok_or_else(|| {
        Problem::new(Code::UsageArgument, "The app has no identifier.")
            .remedy("Name it with --app com.acme.field.")
            .field("app")
    })?;
    context.recover().await?;
    context.expect_new(&args.vault);
    let request = InitRequest {
        app,
        name: args.name,
        storage: args.storage,
        public_url: args.public_url.filter(|u| !u.trim().is_empty()),
        channels: args.channels,
        vault: args.vault,
        vault_why: None,
        sandbox: false,
        credentials: None,
    };
    let (workspace, job) = if args.profile == Profile::Team {
        let team = Team {
            members: args.key,
            root_threshold: args.threshold,
            last_threshold: args.threshold,
        };
        let init = Box::pin(context.console.init_team(request, team));
        match progress::during(context, init).await? {
            (workspace, Started::Publish(job)) => (workspace, job),
            (workspace, Started::Ask(_, id)) => {
                return match &args.request {
                    Some(file) => approval::saved(context, &workspace, &id, file, false).await,
                    None => approval::waiting(context, &workspace, &id, None).await,
                };
            }
        }
    } else {
        if let Some(extra) = args.key.first() {
            let what = format!("The key ‘{}’ makes a team.", extra.name);
            let problem = Problem::new(Code::UsageArgument, what).field("key");
            return Err(problem.remedy("Say --profile team.").into());
        }
        let init = Box::pin(context.console.init(request));
        progress::during(context, init).await?
    };
    let (_, receipt) = context.receipt(&job).await?;
    let root = RootInfo::of(&workspace.root)?;
    let vault = context.console.vault_info(&workspace);
    let document = json!({
        "app": workspace.app,
        "name": workspace.name,
        "storage": workspace.storage,
        "public_url": workspace.public_url,
        "vault": workspace.vault.to_text(),
        "root": "metadata/1.root.json",
        "fingerprint": root.fingerprint,
        "words": root.words,
        "fresh_until": receipt.fresh_until,
        "entry": receipt.entry,
    });
    let rows = [
        ("app", format!("{} ({})", workspace.app, workspace.name)),
        ("storage", workspace.storage.clone()),
        (
            "public url",
            workspace
                .public_url
                .clone()
                .unwrap_or_else(|| "none".into()),
        ),
        (
            "keys",
            format!("{}: {}", vault.label, workspace.vault.to_text()),
        ),
        ("root", "metadata/1.root.json in the storage".into()),
        ("fingerprint", words::groups(&root.fingerprint)),
        ("words", root.words.join(" ")),
        ("fresh until", receipt.fresh_until.to_string()),
    ];
    let text = format!(
        "{}\nPut 1.root.json into the app: it is all that a device needs to verify everything else.\n",
        pairs(&rows)
    );
    Ok(Answer::new(document, text))
}
