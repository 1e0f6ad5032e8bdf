//! `headgate-sign keys`.

use std::path::Path;

use headgate_core::Result;
use headgate_offline::cli::{self, Said};
use headgate_offline::{AnyOwn, OwnKey, OwnRsa, Workstation, inbox, keys::MAX_KEY};
use headgate_signer::{KeyFileKind, Passphrase, key_file_kind};
use serde_json::json;
use zeroize::Zeroizing;

use crate::args::Keys;
use crate::ask::{EXPORT, ask, open, write_private, write_public};

pub(crate) fn run(workstation: &Workstation, command: &Keys) -> Result<Said> {
    match command {
        Keys::List => list(workstation),
        Keys::Create { name, rsa, vault } => {
            let place = vault.clone().unwrap_or_else(|| workstation.own_vault());
            let vault = open(&place, true)?;
            let key = match rsa {
                true => AnyOwn::Rsa(workstation.create_rsa(name, &place, vault.as_ref())?),
                false => AnyOwn::Role(workstation.create_key(name, &place, vault.as_ref())?),
            };
            Ok(made(&key))
        }
        Keys::Import { file, name, vault } => {
            let bytes = Zeroizing::new(inbox::read_chosen(file, MAX_KEY)?);
            let passphrase = match key_file_kind(&bytes)? {
                KeyFileKind::Pem => None,
                KeyFileKind::Sealed => {
                    let what = format!("Passphrase of {}", file.display());
                    Some(Passphrase::new(ask(&what, EXPORT, false)?)?)
                }
            };
            let place = vault.clone().unwrap_or_else(|| workstation.own_vault());
            let vault = open(&place, true)?;
            let key = workstation.import_key(
                &bytes,
                passphrase.as_ref(),
                name,
                &place,
                vault.as_ref(),
            )?;
            Ok(made(&key))
        }
        Keys::ExportPublic { key, output } => {
            let (id, text) = match find(workstation, key)? {
                AnyOwn::Role(key) => (
                    key.id.to_string(),
                    format!("{}  {}\n", key.public.hex(), key.name),
                ),
                AnyOwn::Rsa(key) => (key.public.sha256(), key.public.spki_pem()),
            };
            write_public(output, text.as_bytes())?;
            Ok(Said {
                json: json!({ "path": output, "key": id }),
                text: format!("{} is written. Compare it by voice.", output.display()),
            })
        }
        Keys::Export { key, output } => export(workstation, key, output),
    }
}

/// An RSA key by its name or SHA-256, else another one.
fn find(workstation: &Workstation, wanted: &str) -> Result<AnyOwn> {
    match workstation.rsa_key(wanted)? {
        Some(key) => Ok(AnyOwn::Rsa(key)),
        None => workstation.key(wanted).map(AnyOwn::Role),
    }
}

fn list(workstation: &Workstation) -> Result<Said> {
    let (keys, rsa) = (workstation.keys()?, workstation.rsa_keys()?);
    let role = |k: &OwnKey| format!("{}  {}  {}\n", &k.id.as_str()[..8], k.public.hex(), k.name);
    let plugin = |k: &OwnRsa| {
        let sha256 = k.public.sha256();
        format!("{}  RSA-2048 {sha256}  {}\n", &sha256[..8], k.name)
    };
    let text: String = keys
        .iter()
        .map(role)
        .chain(rsa.iter().map(plugin))
        .collect();
    Ok(Said {
        json: json!({
            "keys": keys.iter().map(cli::key_json).collect::<Vec<_>>(),
            "rsa": rsa.iter().map(cli::rsa_json).collect::<Vec<_>>(),
        }),
        text: if text.is_empty() {
            "This workstation has no key.".into()
        } else {
            text
        },
    })
}

fn made(key: &AnyOwn) -> Said {
    match key {
        AnyOwn::Role(key) => Said {
            text: format!(
                "id      {}\npublic  {}\nname    {}\nGive the public half to an owner, and compare it by voice.",
                key.id,
                key.public.hex(),
                key.name
            ),
            json: cli::key_json(key),
        },
        AnyOwn::Rsa(key) => Said {
            text: format!(
                "SHA-256 {}\nname    {}\n\n{}\nGive the public half to an owner (headgate-sign keys export-public), who signs it into the channel\nwith headgate clients key public. Nothing takes the place of this key in apps that pin it: back it up\nwith headgate-sign keys export.",
                key.public.sha256(),
                key.name,
                key.public.spki_pem()
            ),
            json: cli::rsa_json(key),
        },
    }
}

fn export(workstation: &Workstation, wanted: &str, output: &Path) -> Result<Said> {
    let key = find(workstation, wanted)?;
    let place = match &key {
        AnyOwn::Role(key) => &key.vault,
        AnyOwn::Rsa(key) => &key.vault,
    };
    let vault = open(place, false)?;
    let what = format!("New passphrase for {}", output.display());
    let passphrase = Passphrase::new(ask(&what, EXPORT, true)?)?;
    let (id, sealed) = match &key {
        AnyOwn::Role(key) => (
            key.id.to_string(),
            workstation.export_key(key, &passphrase, vault.as_ref())?,
        ),
        AnyOwn::Rsa(key) => (
            key.public.sha256(),
            workstation.export_rsa(key, &passphrase, vault.as_ref())?,
        ),
    };
    write_private(output, &sealed)?;
    Ok(Said {
        json: json!({ "path": output, "size": sealed.len(), "key": id }),
        text: format!(
            "{} is written. Whoever has it and its passphrase has the key.",
            output.display()
        ),
    })
}
