//! `headgate clients`.

use std::io::Read as _;
use std::path::Path;

use headgate_core::rollout::Gate;
use headgate_core::settings::{ChannelSettings, UnitSettings};
use headgate_core::{Code, Platform, Problem, Result, RsaPublic, percent};
use headgate_engine::{ChannelDefaults, GateChoice, RsaInfo, RsaOrigin};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::args::{ChannelKeyArgs, ClientKeyCommand, ClientsCommand, IdCommand, PlatformArg};
use crate::context::{Context, absolute};
use crate::output::{Answer, Outcome};

/// A PEM file of an RSA key of 2048 bits has less than 2 KB.
const MAX_PEM: u64 = 16 * 1024;

pub(crate) async fn run(context: &Context, command: ClientsCommand) -> Outcome {
    let workspace = context.workspace().await?;
    let (console, id, unit) = (&context.console, workspace.id.as_str(), &context.unit);
    let (job, document, said) = match command {
        ClientsCommand::Show { channel } => return show(context, id, channel.as_deref()).await,
        ClientsCommand::Key(ClientKeyCommand::Create(place)) => {
            return key(context, id, place, RsaOrigin::New).await;
        }
        ClientsCommand::Key(ClientKeyCommand::Import { place, file }) => {
            let pem = read_pem(&file)?;
            return key(context, id, place, RsaOrigin::Pem(pem)).await;
        }
        ClientsCommand::Key(ClientKeyCommand::Public { place, file }) => {
            let public = RsaPublic::from_pem(&read_pem(&file)?)?;
            return key(context, id, place, RsaOrigin::Elsewhere(public)).await;
        }
        ClientsCommand::Id(IdCommand::Set { kind, id: device }) => {
            let job = console.set_device_id(id, unit, &kind, Some(&device));
            let said = format!("{kind} devices call {unit} {device} from now on.\n");
            let document = json!({ "unit": unit, "kind": kind, "id": device });
            (Box::pin(job).await?, document, said)
        }
        ClientsCommand::Id(IdCommand::Remove { kind }) => {
            let job = console.set_device_id(id, unit, &kind, None);
            let said = format!("{kind} devices have no name for {unit} any more.\n");
            let document = json!({ "unit": unit, "kind": kind, "id": null });
            (Box::pin(job).await?, document, said)
        }
        ClientsCommand::SelfAssign { channel, off } => {
            let job = console.set_self_assign(id, &channel, !off);
            let may = if off { "may not" } else { "may" };
            let said = format!("Devices {may} move themselves to {channel}.\n");
            let document = json!({ "channel": channel, "self_assign": !off });
            (Box::pin(job).await?, document, said)
        }
        ClientsCommand::Gate {
            channel,
            min_sample,
            max_failure,
            ..
        } => {
            let gate = min_sample.zip(max_failure).map(|(sample, failure)| Gate {
                min_sample: sample,
                max_failure_permille: failure,
            });
            let document = json!({ "channel": channel, "gate": gate_json(gate.as_ref()) });
            let said = format!(
                "New rollouts in {channel}: {}.\n",
                gate_words(gate.as_ref())
            );
            let set = ChannelDefaults {
                gate: Some(gate.map_or(GateChoice::Off, GateChoice::On)),
                ..ChannelDefaults::default()
            };
            let job = console.set_channel(id, &channel, set);
            (Box::pin(job).await?, document, said)
        }
        ClientsCommand::Embedded {
            platform,
            native,
            build,
            ..
        } => {
            let (platform, name) = match platform {
                PlatformArg::Ios => (Platform::Ios, "ios"),
                PlatformArg::Android => (Platform::Android, "android"),
            };
            let job = console.set_embedded(id, unit, platform, &native, build);
            let document =
                json!({ "unit": unit, "platform": name, "native": native, "build": build });
            let said = match build {
                Some(build) => format!("{native} on {name} embeds build {build} of {unit}.\n"),
                None => format!("{native} on {name} embeds no known build of {unit}.\n"),
            };
            (Box::pin(job).await?, document, said)
        }
    };
    context.receipt(&job).await?;
    Ok(Answer::new(document, said))
}

async fn key(
    context: &Context,
    workspace: &str,
    place: ChannelKeyArgs,
    origin: RsaOrigin,
) -> Outcome {
    let (console, channel) = (&context.console, &place.channel);
    let label = place.name.unwrap_or_else(|| format!("{channel} apps"));
    let set = console.set_channel_rsa(workspace, channel, &label, origin, place.replace);
    let job = Box::pin(set).await?;
    context.receipt(&job).await?;
    let rsa = Box::pin(console.channel_rsa(workspace, channel)).await?;
    let rsa = rsa.ok_or_else(|| {
        let what = format!("{channel} has another key already again.");
        Problem::new(Code::UsageUnknown, what)
    })?;
    let backup = match rsa.here {
        Some(false) => "back it up where it is",
        _ => "export it with headgate keys export and prove the file",
    };
    let text = format!(
        "{}\nReleases that {channel} approves from now on are signed with it. Those before are not: ship or promote them again.\nNothing can take the place of this key in apps that pin it: {backup}.\n",
        rsa_text(&rsa)
    );
    Ok(Answer::new(
        json!({ "channel": channel, "rsa": rsa_json(&rsa) }),
        text,
    ))
}

async fn show(context: &Context, workspace: &str, channel: Option<&str>) -> Outcome {
    let console = &context.console;
    let settings = Box::pin(console.settings(workspace)).await?;
    let wanted = |c: &&ChannelSettings| channel.is_none_or(|name| c.id.as_str() == name);
    let channels: Vec<&ChannelSettings> = settings.channels.iter().filter(wanted).collect();
    if let (Some(name), true) = (channel, channels.is_empty()) {
        let what = format!("There is no channel {name}.");
        return Err(Problem::new(Code::UsageUnknown, what)
            .field("channel")
            .into());
    }
    let mut text: String = settings.units.iter().map(unit_text).collect();
    let mut list = Vec::new();
    for channel in channels {
        let rsa = Box::pin(console.channel_rsa(workspace, channel.id.as_str())).await?;
        text += &format!("\nchannel {}\n", channel.id);
        if !channel.aliases.is_empty() {
            text += &format!("  also called {}\n", channel.aliases.join(", "));
        }
        if channel.self_assign {
            text += "  devices may move themselves to it\n";
        }
        text += &format!("  {}\n", gate_words(channel.gate.as_ref()));
        text += &match &rsa {
            Some(rsa) => rsa_text(rsa),
            None => "  no RSA key: plain bundles, and manifests without a signature\n".into(),
        };
        list.push(json!({
            "channel": channel.id.as_str(),
            "aliases": channel.aliases,
            "self_assign": channel.self_assign,
            "gate": gate_json(channel.gate.as_ref()),
            "rsa": rsa.as_ref().map(rsa_json),
        }));
    }
    let units: Vec<Value> = settings
        .units
        .iter()
        .map(|u| json!({ "unit": u.id.as_str(), "ids": u.device_ids, "embedded": { "ios": u.embedded.ios, "android": u.embedded.android } }))
        .collect();
    Ok(Answer::new(
        json!({ "app": settings.app, "units": units, "channels": list }),
        text,
    ))
}

fn unit_text(unit: &UnitSettings) -> String {
    let mut text = format!("unit {}\n", unit.id);
    for (kind, id) in &unit.device_ids {
        text += &format!("  {kind} id {id}\n");
    }
    let platforms = [
        ("ios", &unit.embedded.ios),
        ("android", &unit.embedded.android),
    ];
    for (platform, builds) in platforms {
        for (native, build) in builds {
            text += &format!("  {native} on {platform} embeds build {build}\n");
        }
    }
    text
}

fn rsa_text(rsa: &RsaInfo) -> String {
    let here = match rsa.here {
        Some(true) => "on this computer",
        Some(false) => "not on this computer",
        None => "the vault could not be asked for it",
    };
    format!(
        "  RSA key ‘{}’, {here}\n  key_id {}\n  SHA-256 {}\n\npublicKey of Capgo's plugin:\n{}\npublic key file of Ionic's SDK:\n{}",
        rsa.name,
        rsa.public.capgo_id(),
        rsa.public.sha256(),
        rsa.public.pkcs1_pem(),
        rsa.public.spki_pem()
    )
}

fn rsa_json(rsa: &RsaInfo) -> Value {
    json!({
        "name": rsa.name,
        "here": rsa.here,
        "key_id": rsa.public.capgo_id(),
        "sha256": rsa.public.sha256(),
        "pkcs1_pem": rsa.public.pkcs1_pem(),
        "spki_pem": rsa.public.spki_pem(),
    })
}

fn gate_words(gate: Option<&Gate>) -> String {
    match gate {
        Some(gate) => format!(
            "the gate stops them above {} failed of {} attempts or more",
            percent(gate.max_failure_permille),
            gate.min_sample
        ),
        None => "no gate".into(),
    }
}

fn gate_json(gate: Option<&Gate>) -> Value {
    match gate {
        Some(gate) => json!({
            "min_sample": gate.min_sample,
            "max_failure_permille": gate.max_failure_permille,
        }),
        None => Value::Null,
    }
}

/// The private key is read into memory that is wiped; a file that is no text says so without its bytes.
fn read_pem(path: &Path) -> Result<Zeroizing<String>> {
    let path = absolute(path)?;
    let bad = |why: String| {
        let what = format!("{} {why}.", path.display());
        Problem::new(Code::KeyFile, what).field("file")
    };
    let file = std::fs::File::open(&path).map_err(|e| bad(format!("cannot be opened: {e}")))?;
    let room = usize::try_from(MAX_PEM + 1).unwrap_or(usize::MAX);
    let mut text = Zeroizing::new(String::with_capacity(room));
    file.take(MAX_PEM + 1)
        .read_to_string(&mut text)
        .map_err(|_| bad("is no PEM file".into()))?;
    if text.len() as u64 > MAX_PEM {
        return Err(bad("is larger than a key can be".into()));
    }
    Ok(text)
}
