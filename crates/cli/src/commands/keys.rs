//! `headgate keys`.

use std::io::Write;
use std::path::Path;

use headgate_core::{Code, Problem, Result};
use headgate_engine::{KeyInfo, Workspace};
use serde_json::{Value, json};

use crate::args::KeysCommand;
use crate::context::{Context, absolute};
use crate::output::{Answer, Outcome, pairs, short, table};
use crate::{progress, secrets};

/// An exported key is less than 2 KB.
const MAX_KEY_FILE: u64 = 64 * 1024;

pub(crate) async fn run(context: &Context, command: KeysCommand) -> Outcome {
    let workspace = context.workspace().await?;
    match command {
        KeysCommand::List => list(context, &workspace).await,
        KeysCommand::Create { name } => create(context, &workspace, &name).await,
        KeysCommand::ExportPublic { key } => {
            export_public(context, &workspace, key.as_deref()).await
        }
        KeysCommand::Import {
            file: Some(file),
            name,
            ..
        } => import(context, &workspace, &file, &name).await,
        KeysCommand::Import { public, name, .. } => {
            accept(context, &workspace, &public.unwrap_or_default(), &name).await
        }
        KeysCommand::Export { key, output } => export(context, &workspace, &key, &output).await,
    }
}

async fn list(context: &Context, workspace: &Workspace) -> Outcome {
    let keys = Box::pin(context.console.keys(&workspace.id)).await?;
    let row = |k: &KeyInfo| {
        let here = if k.here { "yes" } else { "no" };
        vec![
            short(k.id.as_str()).into(),
            k.name.clone(),
            here.into(),
            k.created.to_string(),
            k.roles.join(", "),
        ]
    };
    let rows: Vec<Vec<String>> = keys.iter().map(row).collect();
    let text = if rows.is_empty() {
        "This computer has no key of this workspace.\n".into()
    } else {
        table(&["id", "name", "here", "since", "accepted for"], &rows)
    };
    Ok(Answer::new(
        json!({ "app": workspace.app, "vault": workspace.vault.to_text(), "keys": keys.iter().map(key_json).collect::<Vec<_>>() }),
        text,
    ))
}

async fn create(context: &Context, workspace: &Workspace, name: &str) -> Outcome {
    context.expect_new(&workspace.vault);
    let create = Box::pin(context.console.create_key(&workspace.id, name));
    let made = progress::during(context, create).await?;
    let root = match &made.job {
        Some(job) => Some(context.receipt(job).await?.1.root_now),
        None => None,
    };
    let mut document = key_json(&made.key);
    document["accepted"] = json!(root.is_some());
    document["root"] = json!(root);
    let next = match root {
        Some(version) => format!("It may sign freshness from root {version} on."),
        None => format!(
            "An owner must accept it: headgate keys import --public {} --name {name:?}",
            made.key.public.hex()
        ),
    };
    let rows = [
        ("id", made.key.id.to_string()),
        ("public", made.key.public.hex().to_owned()),
        ("name", name.to_owned()),
    ];
    Ok(Answer::new(document, format!("{}{next}\n", pairs(&rows))))
}

async fn export_public(context: &Context, workspace: &Workspace, key: Option<&str>) -> Outcome {
    let all = Box::pin(context.console.keys(&workspace.id)).await?;
    let fits = |k: &KeyInfo| {
        key.is_none_or(|wanted| wanted.len() >= 8 && k.id.as_str().starts_with(wanted))
    };
    let keys: Vec<KeyInfo> = all.into_iter().filter(fits).collect();
    if let (Some(wanted), true) = (key, keys.is_empty()) {
        let problem = Problem::new(
            Code::UsageUnknown,
            format!("This computer recorded no key {wanted}."),
        );
        return Err(problem
            .remedy("Give at least 8 digits of an id from headgate keys list.")
            .field("key")
            .into());
    }
    let one = |k: &KeyInfo| json!({ "id": k.id.as_str(), "name": k.name, "public": k.public.hex(), "keytype": "ed25519" });
    let text: String = keys
        .iter()
        .map(|k| format!("{}  {}\n", k.public.hex(), k.name))
        .collect();
    Ok(Answer::new(
        json!({ "app": workspace.app, "keys": keys.iter().map(one).collect::<Vec<_>>() }),
        text,
    ))
}

async fn import(context: &Context, workspace: &Workspace, file: &Path, name: &str) -> Outcome {
    let unreadable = |why: String| {
        Problem::new(Code::KeyFile, format!("{}: {why}", file.display())).field("file")
    };
    let size = std::fs::metadata(file)
        .map_err(|e| unreadable(format!("{e}.")))?
        .len();
    if size > MAX_KEY_FILE {
        return Err(unreadable("it is too large to be a key.".into()).into());
    }
    let sealed = std::fs::read(file).map_err(|e| unreadable(format!("{e}.")))?;
    let passphrase = secrets::export(&format!("Passphrase of {}", file.display()), false)?;
    context.expect_new(&workspace.vault);
    let public = Box::pin(
        context
            .console
            .import_key(&workspace.id, sealed, passphrase, name),
    )
    .await?;
    let id = public.id().map_err(Problem::from)?;
    let all = Box::pin(context.console.keys(&workspace.id)).await?;
    let document = all.iter().find(|k| k.id == id).map_or_else(
        || json!({ "id": id.as_str(), "public": public.hex() }),
        key_json,
    );
    let roles = all
        .iter()
        .find(|k| k.id == id)
        .map(|k| k.roles.join(", "))
        .unwrap_or_default();
    let said = if roles.is_empty() {
        "no role yet".to_owned()
    } else {
        roles
    };
    Ok(Answer::new(
        document,
        pairs(&[
            ("id", id.to_string()),
            ("public", public.hex().to_owned()),
            ("accepted for", said),
        ]),
    ))
}

/// An owner lets somebody else's key sign freshness: a root change.
async fn accept(context: &Context, workspace: &Workspace, public: &str, name: &str) -> Outcome {
    let key = headgate_engine::public_key(public)
        .map_err(|p| Problem::new(Code::UsageArgument, p.message).field("public"))?;
    let add = Box::pin(context.console.add_freshness_key(&workspace.id, &key, name));
    let job = progress::during(context, add).await?;
    let (_, receipt) = context.receipt(&job).await?;
    let id = key.id().map_err(Problem::from)?;
    let document = json!({ "id": id.as_str(), "public": key.hex(), "name": name, "accepted": true, "root": receipt.root_now });
    Ok(Answer::new(
        document,
        format!(
            "{name} may sign freshness from root {} on.\n",
            receipt.root_now
        ),
    ))
}

async fn export(context: &Context, workspace: &Workspace, key: &str, output: &Path) -> Outcome {
    let to = absolute(output)?;
    if to.exists() {
        return Err(Problem::new(
            Code::UsageExists,
            format!("{} exists already.", to.display()),
        )
        .remedy("Choose another file.")
        .field("output")
        .into());
    }
    let passphrase = secrets::export(&format!("New passphrase for {}", to.display()), true)?;
    let sealed = Box::pin(context.console.export_key(&workspace.id, key, passphrase)).await?;
    write_private(&to, &sealed)?;
    let text = format!(
        "{} is written. Whoever has it and its passphrase has the key.\n",
        to.display()
    );
    Ok(Answer::new(
        json!({ "path": to, "size": sealed.len(), "key": key }),
        text,
    ))
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|e| {
        Problem::new(
            Code::LocalDisk,
            format!("{} cannot be written: {e}.", path.display()),
        )
    })
}

fn key_json(key: &KeyInfo) -> Value {
    json!({
        "id": key.id.as_str(), "name": key.name, "public": key.public.hex(),
        "roles": key.roles, "here": key.here, "created": key.created,
    })
}
