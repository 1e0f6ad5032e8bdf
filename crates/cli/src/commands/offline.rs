//! `headgate request show` and `headgate sign`: the same functions as `headgate-sign`.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use headgate_core::signing::AlarmKind;
use headgate_core::{Code, Problem, Result};
use headgate_engine::VaultChoice;
use headgate_offline::cli::{self, Said};
use headgate_offline::{Passphrase, SignOptions, VaultPlace, Workstation};
use zeroize::Zeroizing;

use crate::args::SignArgs;
use crate::context::Context;
use crate::output::{Answer, Outcome};
use crate::secrets;

pub(crate) async fn show(context: &Context, request: &std::path::Path) -> Outcome {
    let station = workstation(context).await?;
    Ok(answer(cli::show(&station, request)?))
}

pub(crate) async fn sign(context: &Context, args: SignArgs) -> Outcome {
    let known: Vec<&str> = AlarmKind::ALL.iter().map(|k| k.text()).collect();
    if let Some(other) = args.accept.iter().find(|a| !known.contains(&a.as_str())) {
        let what = format!("{other:?} is no alarm. Alarms are {}.", known.join(", "));
        return Err(Problem::new(Code::UsageArgument, what)
            .field("accept")
            .into());
    }
    let station = workstation(context).await?;
    let place = match &args.vault {
        VaultChoice::Os => VaultPlace::Os,
        VaultChoice::File(path) => VaultPlace::File(path.clone()),
    };
    let passphrase = match &place {
        VaultPlace::Os => None,
        VaultPlace::File(path) => Some(passphrase(&path.display().to_string())?),
    };
    let vault = place.open(passphrase, false)?;
    if place == VaultPlace::Os {
        // A keychain does not list its items: the console recorded which keys are in it.
        for workspace in context.console.workspaces().await? {
            for key in Box::pin(context.console.keys(&workspace.id)).await? {
                if key.here {
                    station.adopt_key(&key.public, &key.name, &place)?;
                }
            }
        }
    }
    let options = SignOptions {
        shown: None,
        accept: args.accept.into_iter().collect(),
        key: args.key,
        by: args.by,
    };
    let said = cli::sign(
        &station,
        &args.request,
        &options,
        &place,
        vault.as_ref(),
        args.output.as_deref(),
    )?;
    Ok(answer(said))
}

/// The workstation of this home folder. Roots that the console pinned were compared when they were.
async fn workstation(context: &Context) -> Result<Workstation> {
    let station = Workstation::open(context.console.home().path())?;
    for workspace in context.console.workspaces().await? {
        station.pin_root(&workspace.root, &workspace.app)?;
    }
    Ok(station)
}

fn passphrase(path: &str) -> Result<Passphrase> {
    let variable = std::env::var("HEADGATE_VAULT_PASSPHRASE");
    let text = match variable {
        Ok(text) if !text.is_empty() => Zeroizing::new(text),
        _ => secrets::vault(Arc::new(AtomicBool::new(false)))(&format!(
            "Passphrase of the vault {path}"
        ))?,
    };
    Passphrase::new(text)
}

fn answer(said: Said) -> Answer {
    Answer::new(said.json, crate::output::harmless(&said.text))
}
