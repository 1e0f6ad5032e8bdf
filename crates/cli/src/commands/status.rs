//! `headgate status`.

use headgate_core::percent;
use headgate_engine::{Board, ChannelBoard, World};
use headgate_tuf::UtcTime;
use serde_json::{Value, json};

use super::server::{counted, counts_json};
use crate::context::Context;
use crate::output::{Answer, Failure, Outcome, duration, short, table};
use crate::progress;

/// When storage cannot be read, what was read last is printed with its age, and the exit code is the error's.
pub(crate) async fn run(context: &Context) -> Outcome {
    let workspace = context.workspace().await?;
    let sync = Box::pin(context.console.sync(&workspace.id));
    let read = progress::during(context, sync).await;
    let board = context.console.board(&workspace.id, &context.unit).await?;
    let now = World::default().now();
    // Without a server there is nothing to count; one that does not answer is told by the age of the counts.
    let _ = Box::pin(context.console.sync_counts(&workspace.id)).await;
    let reading = context.console.server_reading(&workspace.id).await?;
    let (mut channels, mut rows) = (Vec::<Value>::new(), Vec::new());
    for c in &board.channels {
        let mut document = channel_json(&board, c, now);
        let mut cells = row(&board, c, now);
        if reading.linked {
            let read = context.console.summary(&workspace.id, &context.unit, &c.id);
            let (facts, summary) = Box::pin(read).await?;
            let (devices, failed) = counted(summary.as_ref());
            cells.extend([devices, failed]);
            document["counts"] = counts_json(summary.as_ref());
            document["stopped_by_gate"] = json!(facts.stopped());
        }
        channels.push(document);
        rows.push(cells);
    }
    let offline = board
        .offline
        .as_ref()
        .map(|p| json!({ "code": p.code.text(), "message": p.message }));
    let document = json!({
        "app": workspace.app,
        "name": workspace.name,
        "unit": board.unit.0,
        "storage": workspace.storage,
        "public_url": workspace.public_url,
        "as_of": board.as_of,
        "offline": offline,
        "freshness": board.freshness.map(|f| json!({ "signed": f.signed, "expires": f.expires, "left_seconds": left(f.expires, now) })),
        "counts_as_of": reading.as_of,
        "channels": channels,
    });
    let mut head = vec![
        "channel",
        "version",
        "build",
        "state",
        "share",
        "hash",
        "others get",
        "fresh for",
    ];
    if reading.linked {
        head.extend(["devices", "failed"]);
    }
    let age = match board.as_of {
        Some(at) => format!("as of {at}"),
        None => "storage was never read".into(),
    };
    let counts = if reading.linked {
        format!("{}\n", super::server::age(&reading))
    } else {
        String::new()
    };
    let text = format!(
        "{}\n{} · {} · {} · {age}\n{counts}",
        table(&head, &rows).trim_end(),
        workspace.app,
        board.unit.0,
        workspace.storage
    );
    let answer = Answer::new(document, text);
    match read {
        Ok(()) => Ok(answer),
        Err(problem) => Err(Failure::from(problem).with_answer(answer)),
    }
}

fn left(until: UtcTime, now: UtcTime) -> i64 {
    until.unix() - now.unix()
}

/// The signature that ends first: the channel's own, or freshness.
fn until(board: &Board, channel: &ChannelBoard) -> UtcTime {
    let own = channel.validity.expires;
    board.freshness.map_or(own, |f| own.min(f.expires))
}

fn state(channel: &ChannelBoard) -> &'static str {
    match &channel.serving {
        Some(serving) => serving.state.text(),
        None if channel.embedded => "embedded",
        None => "empty",
    }
}

fn words(channel: &ChannelBoard) -> String {
    let state = state(channel).replace('_', " ");
    match &channel.frozen {
        Some(_) => format!("{state}, frozen"),
        None => state,
    }
}

fn row(board: &Board, channel: &ChannelBoard, now: UtcTime) -> Vec<String> {
    let dash = || "–".to_owned();
    let serving = channel.serving.as_ref();
    let manifest = serving.map(|s| &s.release.manifest);
    vec![
        channel.id.clone(),
        manifest.map_or_else(dash, |m| m.version.clone()),
        manifest.map_or_else(dash, |m| m.build.to_string()),
        words(channel),
        serving.map_or_else(dash, |s| percent(s.permille)),
        manifest.map_or_else(dash, |m| short(&m.bundle.sha256).into()),
        serving
            .and_then(|s| s.base.as_ref())
            .map_or_else(dash, |b| format!("{} ({})", b.version, b.build)),
        duration(left(until(board, channel), now)),
    ]
}

fn channel_json(board: &Board, channel: &ChannelBoard, now: UtcTime) -> Value {
    let until = until(board, channel);
    let serving = channel.serving.as_ref();
    let manifest = serving.map(|s| &s.release.manifest);
    let base = serving.and_then(|s| s.base.as_ref());
    json!({
        "channel": channel.id,
        "label": channel.label,
        "state": state(channel),
        "frozen": channel.frozen.as_ref().map(|f| json!({ "by": f.by, "why": f.why })),
        "version": manifest.map(|m| &m.version),
        "build": manifest.map(|m| m.build),
        "release": manifest.map(|m| super::receipt::release_text(&board.unit.0, &m.version, m.build)),
        "permille": serving.map(|s| s.permille),
        "sha256": manifest.map(|m| &m.bundle.sha256),
        "manifest": serving.map(|s| &s.release.sha256),
        "native": serving.map(|s| &s.release.native),
        "base": base.map(|b| json!({ "version": b.version, "build": b.build, "sha256": b.sha256 })),
        "since": serving.map(|s| s.since),
        "by": serving.map(|s| &s.by),
        "previous": channel.previous.iter().map(|p| json!({ "version": p.version, "build": p.build, "sha256": p.sha256 })).collect::<Vec<_>>(),
        "fresh_until": until,
        "fresh_seconds": left(until, now),
    })
}
