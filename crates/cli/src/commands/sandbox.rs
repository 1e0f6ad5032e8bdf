//! `headgate sandbox`: the sandbox's folder is served only while the console runs, so no URL is printed here.

use serde_json::json;

use crate::context::Context;
use crate::output::{Answer, Outcome, pairs};
use crate::progress;

pub(crate) async fn run(context: &Context) -> Outcome {
    context.recover().await?;
    let open = Box::pin(context.console.sandbox());
    let sandbox = progress::during(context, open).await?;
    let vault = context.console.vault_info(&sandbox.workspace);
    let document = json!({
        "app": sandbox.workspace.app,
        "storage": sandbox.workspace.storage,
        "sample": sandbox.sample,
        "vault": sandbox.workspace.vault.to_text(),
        "why": vault.why,
    });
    let rows = [
        ("app", sandbox.workspace.app.clone()),
        ("storage", sandbox.workspace.storage.clone()),
        ("sample", sandbox.sample.display().to_string()),
        (
            "keys",
            format!("{}: {}", vault.label, sandbox.workspace.vault.to_text()),
        ),
    ];
    let why = vault.why.map(|w| w + "\n").unwrap_or_default();
    Ok(Answer::new(document, format!("{}{why}", pairs(&rows))))
}
