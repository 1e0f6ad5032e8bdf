//! `headgate server`, `headgate devices`, `headgate who-gets`, `headgate rollouts`.

use std::path::Path;

use headgate_core::{Code, Device, Platform, Problem, Result, percent};
use headgate_engine::{
    ChannelFacts, ServerReading, SimulateRequest, Simulated, Summary, WINDOW_DAYS, day_text,
    grouped, reported,
};
use serde_json::{Value, json};
use zeroize::Zeroizing;

use crate::args::{DevicesCommand, PlatformArg, ServerCommand, WhoGetsArgs};
use crate::context::Context;
use crate::output::{Answer, Failure, Outcome, harmless, pairs, table};

/// Longest token file that is read, bytes.
const MAX_TOKEN_FILE: u64 = 4096;

pub(crate) async fn run(context: &Context, command: ServerCommand) -> Outcome {
    let workspace = context.workspace().await?;
    match command {
        ServerCommand::Connect {
            url,
            token_file,
            public_url,
        } => {
            let token = token_file.as_deref().map(token).transpose()?;
            let connect = context
                .console
                .server_connect(&workspace.id, &url, token, public_url);
            let link = Box::pin(connect).await?;
            let document = json!({ "url": link.url, "public_url": link.public_url });
            let rows = [
                ("connected", link.url.unwrap_or_default()),
                (
                    "devices ask",
                    link.public_url.unwrap_or_else(|| "not known".into()),
                ),
            ];
            Ok(Answer::new(document, pairs(&rows)))
        }
        ServerCommand::Status => rollouts(context).await,
    }
}

fn token(path: &Path) -> Result<Zeroizing<String>> {
    let bad = |why: String| {
        let what = format!("The token file {} {why}.", path.display());
        Problem::new(Code::UsageArgument, what).field("token-file")
    };
    let size = std::fs::metadata(path)
        .map_err(|e| bad(format!("cannot be read: {e}")))?
        .len();
    if size > MAX_TOKEN_FILE {
        return Err(bad("is too large".into()));
    }
    let text = std::fs::read_to_string(path)
        .map(Zeroizing::new)
        .map_err(|e| bad(format!("cannot be read: {e}")))?;
    let token = text.trim();
    if token.is_empty() {
        return Err(bad("is empty".into()));
    }
    Ok(Zeroizing::new(token.to_owned()))
}

/// What channels serve, and what devices make of it. When the server cannot be read, what is known is printed with its
/// age, and the exit code is the error's.
pub(crate) async fn rollouts(context: &Context) -> Outcome {
    let workspace = context.workspace().await?;
    let console = &context.console;
    let storage = Box::pin(console.sync(&workspace.id)).await;
    let counts = Box::pin(console.sync_counts(&workspace.id)).await;
    let link = console.server_link(&workspace.id).await?;
    let reading = console.server_reading(&workspace.id).await?;
    let (mut rows, mut channels) = (Vec::new(), Vec::new());
    for channel in console.channel_names(&workspace.id).await? {
        let read = console.summary(&workspace.id, &context.unit, &channel);
        let (facts, summary) = Box::pin(read).await?;
        rows.push(row(&facts, summary.as_ref()));
        channels.push(channel_json(&facts, summary.as_ref()));
    }
    let document = json!({
        "app": workspace.app,
        "unit": context.unit,
        "server": link.url,
        "public_url": link.public_url,
        "as_of": reading.as_of,
        "window_days": WINDOW_DAYS,
        "channels": channels,
    });
    let head = [
        "channel", "release", "state", "share", "devices", "failed", "gate",
    ];
    let text = format!("{}\n{}\n", table(&head, &rows).trim_end(), age(&reading));
    let answer = Answer::new(document, text);
    match storage.and(counts) {
        Ok(()) => Ok(answer),
        Err(problem) => Err(Failure::from(problem).with_answer(answer)),
    }
}

/// How old the counts are, in words.
pub(crate) fn age(reading: &ServerReading) -> String {
    match (reading.linked, reading.as_of) {
        (false, _) => "no update server is connected, so nothing is counted".into(),
        (true, None) => "the update server was never read".into(),
        (true, Some(at)) => format!("devices of {WINDOW_DAYS} days, as counted at {at}"),
    }
}

/// "120 of 4,000" devices, and failures with their denominator.
pub(crate) fn counted(summary: Option<&Summary>) -> (String, String) {
    let Some(s) = summary else {
        return ("–".into(), "–".into());
    };
    let devices = format!("{} of {}", grouped(s.active.devices), grouped(s.active.of));
    (devices, s.failures.text())
}

/// Counts as one JSON document; nothing where nothing is known.
pub(crate) fn counts_json(summary: Option<&Summary>) -> Value {
    summary.map_or(Value::Null, |s| {
        json!({
            "devices": s.active.devices,
            "devices_of": s.active.of,
            "failures": s.failures.failures,
            "attempts": s.failures.attempts,
            "failure_rate_95": s.failures.interval.map(|(low, high)| json!([low, high])),
            "without_failure_signal": s.failures.silent,
            "stopped_by_gate": s.stopped,
        })
    })
}

fn row(facts: &ChannelFacts, summary: Option<&Summary>) -> Vec<String> {
    let serving = facts.rollout.as_ref().map(|r| r.serving());
    let (devices, failed) = counted(summary);
    let gate = facts.status.as_ref().and_then(|s| s.gate.as_ref());
    vec![
        facts.channel.id.to_string(),
        facts.serves().map_or_else(|| "–".into(), |b| facts.name(b)),
        facts.state_text().replace('_', " "),
        serving.map_or_else(|| "–".into(), |s| percent(s.permille)),
        devices,
        failed,
        match gate {
            None => "–".into(),
            Some(g) if g.tripped.is_some() => "stopped".into(),
            Some(g) if g.sample < u64::from(g.gate.min_sample) => {
                format!("waits, {} of {}", grouped(g.sample), g.gate.min_sample)
            }
            Some(_) => "open".into(),
        },
    ]
}

fn channel_json(facts: &ChannelFacts, summary: Option<&Summary>) -> Value {
    let build = facts.serves();
    json!({
        "channel": facts.channel.id,
        "build": build,
        "version": build.map(|b| facts.version(b)),
        "state": facts.state_text(),
        "permille": facts.rollout.as_ref().map(|r| r.serving().permille),
        "withheld": facts.withheld(),
        "gate": facts.status.as_ref().and_then(|s| s.gate.as_ref()),
        "counts": counts_json(summary),
    })
}

pub(crate) async fn devices(context: &Context, command: DevicesCommand) -> Outcome {
    let workspace = context.workspace().await?;
    let DevicesCommand::LookUp { id } = command;
    let console = &context.console;
    let reports = console.install(&workspace.id, &context.unit, &id).await?;
    let (mut text, mut list) = (String::new(), Vec::new());
    for report in &reports {
        let channel = report.place.channel.as_str();
        let facts = console.facts(&workspace.id, &context.unit, channel);
        let facts = match Box::pin(facts).await {
            Ok(facts) => facts,
            Err(problem) if problem.code == Code::UsageUnknown => continue,
            Err(problem) => return Err(problem.into()),
        };
        let simulated = reported(&facts, report);
        let running = match report.running {
            Some(build) => facts.name(build),
            None => "the embedded build".into(),
        };
        let place = &report.place;
        let plugin = report.plugin.as_deref().unwrap_or_default();
        text += &pairs(&[
            ("channel", channel.to_owned()),
            (
                "client",
                harmless(&format!("{} {plugin}", place.dialect.text())),
            ),
            (
                "native",
                harmless(&format!("{} on {}", place.native, place.platform.label())),
            ),
            ("runs", running),
            (
                "seen",
                format!("{} to {}", report.first_seen, day_text(report.last_day)),
            ),
        ]);
        text += &trace(&simulated);
        for event in &report.events {
            let why = event.reason.as_deref().map(|r| format!(" ({r})"));
            let name = facts.name(event.build);
            let line = format!(
                "{}  {name} {}{}",
                event.at,
                event.state.text().replace('_', " "),
                why.unwrap_or_default()
            );
            text += &harmless(&line);
            text.push('\n');
        }
        list.push(json!({
            "channel": channel,
            "dialect": place.dialect,
            "plugin": report.plugin,
            "platform": place.platform,
            "native": place.native,
            "running": report.running,
            "first_seen": report.first_seen,
            "last_seen": day_text(report.last_day),
            "offer": simulated_json(&simulated),
            "events": report.events,
        }));
    }
    if list.is_empty() {
        text = format!("The update server has not seen {}.\n", harmless(&id));
    }
    Ok(Answer::new(
        json!({ "install": id, "installs": list }),
        text,
    ))
}

/// What a device would get, by the rule that server and devices use. Storage is read first where that works.
pub(crate) async fn who_gets(context: &Context, args: WhoGetsArgs) -> Outcome {
    let workspace = context.workspace().await?;
    let read = Box::pin(context.console.sync(&workspace.id)).await;
    // Without a server, or when it does not answer, what was signed decides alone.
    let _ = Box::pin(context.console.sync_counts(&workspace.id)).await;
    let request = SimulateRequest {
        workspace: workspace.id,
        unit: context.unit.clone(),
        channel: args.channel,
        device: Device {
            install_id: args.install,
            platform: match args.platform {
                PlatformArg::Ios => Platform::Ios,
                PlatformArg::Android => Platform::Android,
            },
            native: args.native,
            running: args.running,
            failed: Vec::new(),
        },
    };
    let simulated = Box::pin(context.console.simulate(request)).await?;
    let answer = Answer::new(simulated_json(&simulated), trace(&simulated));
    match read {
        Ok(()) => Ok(answer),
        Err(problem) => Err(Failure::from(problem).with_answer(answer)),
    }
}

fn trace(s: &Simulated) -> String {
    let mut text = format!("{}, {}\n", s.says, s.because);
    for line in &s.trace {
        let mark = match line.state {
            "yes" => "+",
            "no" => "-",
            _ => " ",
        };
        text += &format!("  {mark} {}\n", harmless(&line.says));
    }
    text
}

fn simulated_json(s: &Simulated) -> Value {
    let lines = s.trace.iter();
    json!({
        "offer": s.offer,
        "build": s.build,
        "why": s.why,
        "says": s.says,
        "because": s.because,
        "trace": lines.map(|l| json!({ "state": l.state, "says": l.says })).collect::<Vec<_>>(),
    })
}
