//! `headgate keys`.

mod print;

use std::path::Path;

use headgate_core::{Code, Problem};
use headgate_engine::{AnyKey, Asking, KeyCard, RsaOrigin, Workspace, read_key_file};
use serde_json::json;

use crate::args::{KeyChannelArgs, KeysCommand};
use crate::context::{Context, absolute};
use crate::output::{Answer, Outcome, pairs};
use crate::{progress, secrets};

pub(crate) async fn run(context: &Context, command: KeysCommand) -> Outcome {
    let workspace = context.workspace().await?;
    match command {
        KeysCommand::List => {
            let ring = Box::pin(context.console.key_ring_now(&workspace.id)).await?;
            Ok(print::ring(&workspace, &ring))
        }
        KeysCommand::Show { key } => {
            let ring = Box::pin(context.console.key_ring_now(&workspace.id)).await?;
            print::one(&ring, &key)
        }
        KeysCommand::Create {
            name,
            rsa: true,
            place,
            ..
        } => {
            context.expect_new(&workspace.vault);
            pin(context, &workspace, &name, place, RsaOrigin::New).await
        }
        KeysCommand::Create {
            name, role: true, ..
        } => make(context, &workspace, &name).await,
        KeysCommand::Create { name, .. } => create(context, &workspace, &name).await,
        KeysCommand::ExportPublic { key } => {
            export_public(context, &workspace, key.as_deref()).await
        }
        KeysCommand::Import {
            file: Some(file),
            name,
            place,
            ..
        } => import(context, &workspace, &file, &name, place).await,
        KeysCommand::Import { public, name, .. } => {
            accept(context, &workspace, &public.unwrap_or_default(), &name).await
        }
        KeysCommand::Export { key, output } => export(context, &workspace, &key, &output).await,
        KeysCommand::Drill { key, file } => drill(context, &workspace, &key, &file).await,
        KeysCommand::Retire { key } => {
            Box::pin(context.console.retire_key(&workspace.id, &key)).await?;
            let text = "The key is not used on this computer any more. It stays in the vault until it is deleted.\n";
            Ok(Answer::new(json!({ "key": key, "retired": true }), text))
        }
        KeysCommand::Delete { key, confirm } => {
            Box::pin(context.console.delete_key(&workspace.id, &key, &confirm)).await?;
            let text = format!("{confirm} is deleted from this computer.\n");
            Ok(Answer::new(json!({ "key": key, "deleted": true }), text))
        }
    }
}

async fn make(context: &Context, workspace: &Workspace, name: &str) -> Outcome {
    context.expect_new(&workspace.vault);
    let key = Box::pin(context.console.make_key(&workspace.id, name)).await?;
    let document = json!({
        "id": key.id.as_str(), "name": key.name, "public": key.public.hex(),
        "roles": key.roles, "here": key.here, "created": key.created, "accepted": false,
    });
    let rows = [
        ("id", key.id.to_string()),
        ("public", key.public.hex().to_owned()),
        ("name", name.to_owned()),
    ];
    let next = "No role accepts it yet: an owner adds its public part to one.\n";
    Ok(Answer::new(document, format!("{}{next}", pairs(&rows))))
}

async fn create(context: &Context, workspace: &Workspace, name: &str) -> Outcome {
    context.expect_new(&workspace.vault);
    let create = Box::pin(context.console.create_key(&workspace.id, name));
    let made = progress::during(context, create).await?;
    let root = match &made.job {
        Some(job) => Some(context.receipt(job).await?.1.root_now),
        None => None,
    };
    let key = &made.key;
    let document = json!({
        "id": key.id.as_str(), "name": key.name, "public": key.public.hex(),
        "roles": key.roles, "here": key.here, "created": key.created,
        "accepted": root.is_some(), "root": root,
    });
    let next = match root {
        Some(version) => format!("It may sign freshness from root {version} on."),
        None => format!(
            "An owner must accept it: headgate keys import --public {} --name {name:?}",
            key.public.hex()
        ),
    };
    let rows = [
        ("id", key.id.to_string()),
        ("public", key.public.hex().to_owned()),
        ("name", name.to_owned()),
    ];
    Ok(Answer::new(document, format!("{}{next}\n", pairs(&rows))))
}

/// Signs an RSA key into a channel's settings, as `headgate clients key` does.
async fn pin(
    context: &Context,
    workspace: &Workspace,
    name: &str,
    place: KeyChannelArgs,
    origin: RsaOrigin,
) -> Outcome {
    let channel = place.channel.unwrap_or_default();
    let set = context
        .console
        .set_channel_rsa(&workspace.id, &channel, name, origin, place.replace);
    let job = Box::pin(set).await?;
    context.receipt(&job).await?;
    let rsa = Box::pin(context.console.channel_rsa(&workspace.id, &channel)).await?;
    let id = rsa.map(|rsa| rsa.public.sha256()).unwrap_or_default();
    let document = json!({ "id": id, "name": name, "algorithm": "RSA-2048", "channel": channel, "accepted": true });
    let text = format!(
        "{}Releases that {channel} approves from now on are signed with it.\nNothing can take its place in apps that pin it: export it and pass the restore drill.\n",
        pairs(&[("id", id.clone()), ("name", name.to_owned())])
    );
    Ok(Answer::new(document, text))
}

async fn export_public(context: &Context, workspace: &Workspace, key: Option<&str>) -> Outcome {
    let ring = Box::pin(context.console.key_ring_now(&workspace.id)).await?;
    let fits = |k: &KeyCard| {
        k.own && key.is_none_or(|wanted| wanted.len() >= 8 && k.id.starts_with(wanted))
    };
    let keys: Vec<&KeyCard> = ring.keys.iter().filter(|k| fits(k)).collect();
    if let (Some(wanted), true) = (key, keys.is_empty()) {
        return Err(print::unknown(wanted).into());
    }
    let public = |k: &KeyCard| k.public.as_ref().map(print::public).unwrap_or_default();
    let kind = |k: &KeyCard| match k.public {
        Some(AnyKey::Rsa(_)) => "rsa",
        _ => "ed25519",
    };
    let one = |k: &&KeyCard| json!({ "id": k.id, "name": k.name, "public": public(k), "keytype": kind(k) });
    let text: String = keys
        .iter()
        .map(|k| format!("{}  {}\n", public(k).trim_end(), k.name))
        .collect();
    Ok(Answer::new(
        json!({ "app": workspace.app, "keys": keys.iter().map(one).collect::<Vec<_>>() }),
        text,
    ))
}

async fn import(
    context: &Context,
    workspace: &Workspace,
    file: &Path,
    name: &str,
    place: KeyChannelArgs,
) -> Outcome {
    let (bytes, kind) = read_key_file(file)?;
    let passphrase = match kind {
        "sealed" => Some(secrets::export(
            &format!("Passphrase of {}", file.display()),
            false,
        )?),
        _ => None,
    };
    context.expect_new(&workspace.vault);
    let imported = Box::pin(
        context
            .console
            .import_key(&workspace.id, bytes, passphrase, name),
    )
    .await?;
    match (imported.key, place.channel.is_some()) {
        (AnyKey::Rsa(public), true) => {
            return pin(context, workspace, name, place, RsaOrigin::Here(public)).await;
        }
        (AnyKey::Ed25519(_), true) => {
            let what = "The file holds an Ed25519 key, and a channel's apps pin an RSA key.";
            return Err(Problem::new(Code::KeyFile, what)
                .holds("The key is in the vault. No channel was changed.")
                .remedy("Import it without --channel.")
                .field("channel")
                .into());
        }
        _ => {}
    }
    let ring = context.console.key_ring(&workspace.id, Asking::Person);
    let ring = Box::pin(ring).await?;
    print::imported(&ring, &imported.id)
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
        // Before a passphrase is asked for in vain.
        return Err(Problem::new(
            Code::UsageExists,
            format!("{} exists already.", to.display()),
        )
        .remedy("Choose another file.")
        .field("output")
        .into());
    }
    let passphrase = secrets::export(&format!("New passphrase for {}", to.display()), true)?;
    let export = context
        .console
        .export_key_to(&workspace.id, key, passphrase, &to);
    let size = Box::pin(export).await?;
    let text = format!(
        "{0} is written. Whoever has it and its passphrase has the key.\nProve that it opens: headgate keys drill {key} {0}\n",
        to.display()
    );
    Ok(Answer::new(
        json!({ "path": to, "size": size, "key": key }),
        text,
    ))
}

async fn drill(context: &Context, workspace: &Workspace, key: &str, file: &Path) -> Outcome {
    let (bytes, kind) = read_key_file(file)?;
    if kind != "sealed" {
        let what = format!("{} is no exported key.", file.display());
        return Err(Problem::new(Code::KeyFile, what)
            .remedy("Choose the file that headgate keys export wrote.")
            .field("file")
            .into());
    }
    let passphrase = secrets::export(&format!("Passphrase of {}", file.display()), false)?;
    let drill = context
        .console
        .drill_key(&workspace.id, key, bytes, passphrase);
    let at = Box::pin(drill).await?;
    let text = format!(
        "{} opens and holds exactly this key. Nothing of it was kept.\n",
        file.display()
    );
    Ok(Answer::new(json!({ "key": key, "drilled": at }), text))
}
