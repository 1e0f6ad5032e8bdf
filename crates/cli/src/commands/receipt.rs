//! What a publish proved, for people and programs: shared by every command that publishes.

use headgate_core::percent;
use headgate_engine::{Action, Job, Receipt};
use serde_json::{Map, Value, json};

use crate::context::Context;
use crate::output::{Answer, Outcome, bytes, pairs, short};

/// The release as a stable text: `main/4.2.5+1308`.
pub(crate) fn release_text(unit: &str, version: &str, build: u32) -> String {
    format!("{unit}/{version}+{build}")
}

/// Whether the bundle that was read back is the one that was signed; nothing when the channel serves no bundle now.
fn verified(job: &Job, receipt: &Receipt) -> Option<bool> {
    let signed = receipt.signed_sha256.as_ref();
    let equal = signed.is_some() && signed == receipt.read_back_sha256.as_ref();
    match job.intent.as_ref().map(|i| &i.action) {
        // Ours must be what is served, not what somebody else published meanwhile.
        Some(Action::Ship { manifest, .. }) => {
            Some(equal && signed == Some(&manifest.bundle.sha256))
        }
        Some(Action::Promote { build, .. }) => {
            Some(equal && receipt.release.as_ref().is_some_and(|(_, b)| b == build))
        }
        _ => signed.map(|_| equal),
    }
}

/// Waits for a publish and says what it proved.
pub(crate) async fn answer(context: &Context, job: &str) -> Outcome {
    let (job, proof) = context.receipt(job).await?;
    Ok(Answer::new(document(&job, &proof), text(&job, &proof)))
}

/// The document of a publish on a channel.
pub(crate) fn document(job: &Job, receipt: &Receipt) -> Value {
    // What was signed last: with another build number, if the first one was taken meanwhile.
    let shipped = job.intent.as_ref().and_then(|i| match &i.action {
        Action::Ship { manifest, .. } => Some((manifest.version.clone(), manifest.build)),
        _ => None,
    });
    let release = shipped.or_else(|| receipt.release.clone());
    let metadata: Map<String, Value> = receipt
        .metadata
        .iter()
        .map(|r| (r.role.clone(), r.now.into()))
        .collect();
    let text = release
        .as_ref()
        .zip(receipt.unit.as_ref())
        .map(|((version, build), unit)| release_text(unit, version, *build));
    json!({
        "app": receipt.app,
        "unit": receipt.unit,
        "channel": receipt.channel,
        "release": text,
        "version": release.as_ref().map(|(version, _)| version),
        "build": release.as_ref().map(|(_, build)| build),
        "sha256": receipt.signed_sha256,
        "size": receipt.size,
        "files": receipt.files,
        "permille": receipt.permille,
        "manifest": receipt.manifest,
        "uploaded_bytes": receipt.uploaded_bytes,
        "skipped_bytes": receipt.skipped_bytes,
        "metadata": metadata,
        "verified": verified(job, receipt),
        "headline": receipt.headline,
        "replaces": receipt.replaces.as_ref().map(|(version, build)| json!({ "version": version, "build": build })),
        "entry": receipt.entry,
        "public": receipt.public,
        "address": receipt.address,
        "fresh_until": receipt.fresh_until,
        "took_ms": receipt.took_ms,
        "recovered": receipt.recovered,
    })
}

/// The same in lines.
pub(crate) fn text(job: &Job, receipt: &Receipt) -> String {
    let mut rows = Vec::new();
    if let (Some((version, build)), Some(unit)) = (&receipt.release, &receipt.unit) {
        rows.push(("release", release_text(unit, version, *build)));
        rows.push(("share", percent(receipt.permille)));
        rows.push((
            "bundle",
            format!("{}, {} files", bytes(receipt.size), receipt.files),
        ));
    }
    if let Some(signed) = &receipt.signed_sha256 {
        rows.push(("signed", signed.clone()));
        rows.push((
            "read back",
            receipt
                .read_back_sha256
                .clone()
                .unwrap_or_else(|| "nothing".into()),
        ));
    }
    if let Some((version, build)) = &receipt.replaces {
        rows.push(("replaces", format!("{version} ({build})")));
    }
    let from = if receipt.public {
        "the public URL"
    } else {
        "storage"
    };
    let sent = format!(
        "{} sent, {} were there",
        bytes(receipt.uploaded_bytes),
        bytes(receipt.skipped_bytes)
    );
    let roles: Vec<String> = receipt
        .metadata
        .iter()
        .map(|r| format!("{} {}", r.role, r.now))
        .collect();
    rows.extend([
        ("storage", sent),
        ("metadata", roles.join(", ")),
        ("read from", format!("{from}: {}", receipt.address)),
        ("fresh until", receipt.fresh_until.to_string()),
        (
            "log entry",
            format!("{} ({})", receipt.entry_number, short(&receipt.entry)),
        ),
    ]);
    #[expect(clippy::cast_precision_loss, reason = "seconds for people")]
    let took = receipt.took_ms as f64 / 1000.0;
    let doubt = if verified(job, receipt) == Some(false) {
        "\nWhat was read back is not what was signed."
    } else {
        ""
    };
    format!(
        "{}.\n\n{}took         {took:.1} s{doubt}\n",
        receipt.headline,
        pairs(&rows)
    )
}
