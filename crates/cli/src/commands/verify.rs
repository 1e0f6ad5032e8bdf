//! `headgate verify`: as a device would, from the public URL and the root alone. Needs no home folder.

use headgate_core::Platform;
use headgate_core::offer::{Finding, Look};
use headgate_engine::{RootInfo, StandardStores, VerifyRequest, World};
use serde_json::{Value, json};

use super::receipt::release_text;
use crate::args::{PlatformArg, VerifyArgs};
use crate::context::absolute;
use crate::output::{Answer, Outcome, bytes, note, pairs};

pub(crate) async fn run(args: VerifyArgs, unit: &str, json: bool) -> Outcome {
    let root = RootInfo::read(&args.root)?;
    if !json {
        note(&format!("asking {}", args.url));
    }
    let request = VerifyRequest {
        url: args.url.clone(),
        root: root.bytes,
        unit: unit.to_owned(),
        channel: args.channel.clone(),
        platform: match args.platform {
            PlatformArg::Ios => Platform::Ios,
            PlatformArg::Android => Platform::Android,
        },
        native: args.native,
        install_id: args.install_id,
        running: args.running,
        download: args.download.as_deref().map(absolute).transpose()?,
    };
    let got = Box::pin(headgate_engine::verify(
        &StandardStores,
        &World::default(),
        request,
    ))
    .await?;
    let release = got
        .release
        .as_ref()
        .map(|(version, build)| release_text(unit, version, *build));
    let document = json!({
        "app": root.app,
        "unit": unit,
        "channel": args.channel,
        "url": args.url,
        "offer": got.offer,
        "why": got.why,
        "trace": got.trace.iter().map(line).collect::<Vec<_>>(),
        "release": release,
        "version": got.release.as_ref().map(|(version, _)| version),
        "build": got.release.as_ref().map(|(_, build)| build),
        "manifest": got.manifest,
        "sha256": got.bundle,
        "size": got.size,
        "root": got.root,
        "timestamp": got.timestamp,
        "snapshot": got.snapshot,
        "fresh_until": got.fresh_until,
        "install_id": got.install_id,
        "native": got.native,
        "saved": got.saved,
    });
    let offer = match (&release, got.why) {
        (Some(release), _) => format!("{release}, {}", bytes(got.size)),
        (None, Some(why)) => format!("nothing: {why}"),
        (None, None) => got.offer.replace('_', " "),
    };
    let mut rows = vec![("a device gets", offer)];
    rows.extend(
        got.bundle
            .map(|sha256| ("sha256", format!("{sha256}, as signed"))),
    );
    rows.extend(got.saved.map(|path| ("saved", path.display().to_string())));
    rows.extend([
        (
            "asked as",
            format!(
                "install {}, native {}, running {}",
                got.install_id,
                got.native,
                args.running
                    .map_or_else(|| "the embedded build".into(), |b| format!("build {b}"))
            ),
        ),
        (
            "verified",
            format!(
                "root {}, timestamp {}, snapshot {}",
                got.root, got.timestamp, got.snapshot
            ),
        ),
        ("fresh until", got.fresh_until.to_string()),
    ]);
    let because = got.trace.iter().map(|look| ("because", look.text()));
    rows.splice(1..1, because);
    Ok(Answer::new(document, pairs(&rows)))
}

/// A line of the trace, with codes for programs.
fn line(look: &Look) -> Value {
    let finding = match look.finding {
        Finding::Offered => "offered",
        Finding::Runs => "runs",
        Finding::Passed(why) => why.code(),
    };
    json!({"part": look.part, "build": look.build, "finding": finding, "text": look.text()})
}
