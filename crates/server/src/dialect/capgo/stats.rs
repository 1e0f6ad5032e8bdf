//! `POST /capgo/stats`: what happened on devices.
//!
//! One object, or an array of them since 8.42.0. Whatever can be read is acknowledged, so that a device does not keep
//! sending it; only when reports could not be stored is the answer 503, and the device sends them again.

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use headgate_core::Platform;
use headgate_core::status::{DeviceState, Dialect, Place};
use serde_json::{Value, json};

use super::super::request::Network;
use super::super::{reply, request};
use super::info::{BUILTIN, Info, release};
use crate::state::AppState;
use crate::telemetry::Report;

/// Largest body, bytes: 200 events with what the plugin attaches to them.
const MAX_BODY: usize = 1 << 20;
/// Most events that are looked at in one request; the plugin keeps 200.
const MAX_EVENTS: usize = 500;

pub(super) async fn report(
    State(state): State<AppState>,
    network: Network,
    body: Body,
) -> Response {
    let body = request::json(body, MAX_BODY).await.unwrap_or_default();
    let events = match &body {
        Value::Array(events) => events.iter().take(MAX_EVENTS).collect(),
        other => vec![other],
    };
    let reports: Vec<_> = events
        .iter()
        .filter_map(|event| read(&state, &network, event))
        .collect();
    if !reports.is_empty()
        && let Err(problem) = state.telemetry.report(reports).await
    {
        tracing::warn!(%problem, "reports of devices could not be stored");
        let answer = json!({"status": "error", "error": problem.code.text()});
        return reply::json(StatusCode::SERVICE_UNAVAILABLE, &answer);
    }
    // Never empty: iOS takes an empty 200 for a failure and sends the events for ever.
    let answer = match &body {
        Value::Array(events) => {
            let results = (0..events.len().min(MAX_EVENTS))
                .map(|index| json!({"status": "ok", "index": index}));
            json!({"status": "ok", "results": results.collect::<Vec<_>>()})
        }
        _ => json!({"status": "ok"}),
    };
    reply::json(StatusCode::OK, &answer)
}

/// A report of an event, if it says something of a release that this channel serves.
fn read(state: &AppState, network: &Network, event: &Value) -> Option<Report> {
    let info = Info::read(event);
    let platform = info.platform?;
    let action = request::text(event, "action");
    let (state_of, reason) = meaning(action, platform)?;
    let false_alarm = info.version().is_none_or(|v| v.reports_false_failures());
    if action == "download_fail" && false_alarm {
        return None;
    }
    let catalog = state.catalog();
    let unit = catalog.any_unit(info.app)?;
    let channel = unit.channel(info.channel)?;
    // Reports of a single file are about `<version>:<path>`; a version holds no colon.
    let subject = event.get("version_name").and_then(Value::as_str)?;
    let subject = subject.split_once(':').map_or(subject, |(v, _)| v);
    if subject == BUILTIN || Some(subject) == info.native {
        return None;
    }
    let build = release(unit, channel, subject).filter(|b| channel.releases.contains_key(b))?;
    Some(Report {
        workspace: unit.registry.workspace.clone(),
        place: Place {
            unit: channel.unit.clone(),
            channel: channel.channel.clone(),
            dialect: Dialect::Capgo,
            platform,
            native: info.native?.to_owned(),
        },
        install: info.install?.to_ascii_lowercase(),
        plugin: info.known_plugin().map(str::to_owned),
        build,
        attempt: None,
        state: state_of,
        reason: reason.map(str::to_owned),
        device_time: event
            .get("timestamp")
            .and_then(Value::as_i64)
            .map(|ms| ms.div_euclid(1000)),
        network: network.0,
        at: (state.clock)(),
    })
}

/// What an action says of the release that the event names; nothing for noise, and for actions that name what the
/// device *runs* although something else went wrong (read in the sources of 8.51.23): they say nothing of it.
///
/// `session_key_required`, `checksum_required` and, on Android, `download_fail` name the one or the other. A failure is
/// less than a confirmed start (see [`DeviceState`]), so one that names what runs changes nothing.
fn meaning(action: &str, platform: Platform) -> Option<(DeviceState, Option<&'static str>)> {
    use DeviceState::{Applied, Confirmed, Downloaded, Failed, RolledBack};
    let android = platform == Platform::Android;
    let (state, reason) = match action {
        "download_complete" => (Downloaded, None),
        // Sent before the app proves that it starts.
        "set" => (Applied, None),
        "app_launch_ready" => (Confirmed, None),
        "update_fail" => (RolledBack, Some("update_fail")),
        "app_launch_timeout" => (RolledBack, Some("app_launch_timeout")),
        "set_fail" => (Failed, Some("set_fail")),
        "finish_download_fail" => (Failed, Some("finish_download_fail")),
        "download_manifest_file_fail" => (Failed, Some("download_manifest_file_fail")),
        "download_manifest_checksum_fail" => (Failed, Some("download_manifest_checksum_fail")),
        "download_manifest_brotli_fail" => (Failed, Some("download_manifest_brotli_fail")),
        "manifest_path_fail" => (Failed, Some("manifest_path_fail")),
        "decrypt_fail" => (Failed, Some("decrypt_fail")),
        "low_mem_fail" => (Failed, Some("low_mem_fail")),
        "session_key_required" => (Failed, Some("session_key_required")),
        "checksum_required" => (Failed, Some("checksum_required")),
        // Android says finish_download_fail of the release as well.
        "checksum_fail" if !android => (Failed, Some("checksum_fail")),
        "insufficient_disk_space" if android => (Failed, Some("insufficient_disk_space")),
        "download_fail" if android => (Failed, Some("download_fail")),
        _ => return None,
    };
    Some((state, reason))
}
