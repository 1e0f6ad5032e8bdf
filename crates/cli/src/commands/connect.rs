//! `headgate connect`.

use headgate_core::{Code, Problem, Result, words};
use headgate_engine::{ConnectRequest, RootInfo};
use serde_json::json;

use super::storage::{check_json, check_line};
use crate::args::ConnectArgs;
use crate::context::Context;
use crate::output::{Answer, Outcome, note, pairs};
use crate::{progress, secrets};

pub(crate) async fn run(context: &Context, args: ConnectArgs) -> Outcome {
    context.recover().await?;
    let root = RootInfo::read(&args.root)?;
    let rows = [
        ("app", format!("{} ({})", root.app, root.name)),
        ("made", root.made.to_string()),
        (
            "owners",
            format!(
                "{} ({} of {} sign a change)",
                root.owners.join("; "),
                root.threshold,
                root.owners.len()
            ),
        ),
        ("fingerprint", words::groups(&root.fingerprint)),
        ("words", root.words.join(" ")),
    ];
    let shown = pairs(&rows);
    let watched = secrets::terminal();
    if watched {
        note(&shown);
    }
    believe(&root, args.fingerprint.as_deref(), watched)?;
    let request = ConnectRequest {
        name: args.name,
        storage: args.storage,
        public_url: args.public_url,
        root: root.bytes.clone(),
        vault: args.vault,
        credentials: None,
    };
    let test = context.console.connect_test(&request);
    let checks = progress::during(context, Box::pin(test)).await;
    for check in &checks {
        match &check.result {
            // Storage that can only be read is enough to watch and verify.
            Err(problem) if check.title == "Writes" => note(&format!(
                "note: {} This computer can read it only.",
                problem.message
            )),
            Err(problem) => return Err(problem.clone().into()),
            Ok(_) => {}
        }
    }
    let connect = context.console.connect(request);
    let workspace = progress::during(context, Box::pin(connect)).await?;
    let document = json!({
        "app": workspace.app,
        "name": workspace.name,
        "storage": workspace.storage,
        "public_url": workspace.public_url,
        "vault": workspace.vault.to_text(),
        "owners": root.owners,
        "threshold": root.threshold,
        "made": root.made,
        "fingerprint": root.fingerprint,
        "words": root.words,
        "checks": checks.iter().map(check_json).collect::<Vec<_>>(),
    });
    let lines: String = checks.iter().map(check_line).collect();
    let head = if watched { "" } else { &shown };
    let text = format!(
        "{head}{lines}{} is connected. Its keys will be kept in {}.\n",
        workspace.app,
        workspace.vault.to_text()
    );
    Ok(Answer::new(document, text))
}

/// The root is believed only after a person, or a script that a person wrote, has compared it.
fn believe(root: &RootInfo, fingerprint: Option<&str>, watched: bool) -> Result<()> {
    if let Some(given) = fingerprint {
        let plain: String = given
            .chars()
            .filter(|c| !c.is_whitespace() && *c != ':')
            .collect();
        if plain.to_lowercase() == root.fingerprint {
            return Ok(());
        }
        let what = format!(
            "The root has the fingerprint {}, not the one that was given.",
            root.fingerprint
        );
        return Err(Problem::new(Code::TrustRoot, what).field("fingerprint"));
    }
    let refused = |what: &str| {
        Problem::new(Code::UsageConfirm, what)
            .holds("Nothing from this storage was believed.")
            .remedy("Compare the fingerprint with its owner, then give it with --fingerprint.")
            .detail(words::groups(&root.fingerprint))
            .field("fingerprint")
    };
    if !watched {
        return Err(refused(
            "The root was not confirmed: there is no terminal to ask on, and no --fingerprint was given.",
        ));
    }
    note(
        "Compare the words with the owner of this app, over another way than the file came. Type yes if they are the same:",
    );
    let mut answer = String::new();
    let read = std::io::stdin().read_line(&mut answer);
    if read.is_ok() && answer.trim() == "yes" {
        return Ok(());
    }
    Err(refused("The root was not confirmed."))
}
