//! Headgate's own dialect: plain TUF in one request, and reports ([`headgate_core::pack`]).
//!
//! A device decides by itself from the pack, so what the server withholds, it withholds by not handing the pack out: the
//! answer is 404 with the reason, and the device keeps what it runs. That holds for a rollout that the health gate stopped
//! as well, for every device of the channel: a pack that says something else than was signed would not be believed.

use axum::Router;
use axum::body::{Body, to_bytes};
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use headgate_core::pack::{DeviceEvent, EventReport, MAX_REPORT};
use headgate_core::status::{Dialect, Place};
use headgate_core::{Code, Problem};
use serde_json::json;

use crate::asker::asker;
use crate::catalog::{ChannelServing, UnitServing};
use crate::check::{CheckIn, Running};
use crate::dialect::reply;
use crate::dialect::request::old_build;
use crate::state::AppState;
use crate::telemetry::Report;

/// How long a pack may be kept by a cache: as `timestamp.json`.
const KEPT: HeaderValue = HeaderValue::from_static("public, max-age=5");
/// Reason of a pack that the health gate holds back.
pub const STOPPED: &str = "stopped_by_gate";

/// The routes.
pub fn router(state: AppState) -> Router {
    Router::new()
        .route("/headgate/{id}/packs/{file}", get(pack))
        .route("/headgate/{id}/events", post(events))
        .with_state(state)
}

fn nothing(error: &str, why: Option<&str>) -> Response {
    let body = json!({ "error": error, "why": why }).to_string();
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (header::CACHE_CONTROL, KEPT),
    ];
    (StatusCode::NOT_FOUND, headers, body).into_response()
}

async fn pack(
    State(state): State<AppState>,
    Path((id, file)): Path<(String, String)>,
    headers: HeaderMap,
) -> Response {
    let catalog = state.catalog();
    let Some(unit) = catalog.any_unit(&id) else {
        return nothing("unknown_app", None);
    };
    let name = file.strip_suffix(".json").filter(|name| !name.is_empty());
    let Some(channel) = name.and_then(|name| unit.channel(name)) else {
        return nothing("unknown_channel", None);
    };
    if let Some(why) = channel.withheld((state.clock)()) {
        return nothing("withheld", Some(why));
    }
    if channel.stopped {
        return nothing("withheld", Some(STOPPED));
    }
    let Some(pack) = &channel.pack else {
        return nothing("withheld", Some("nothing_served"));
    };
    let Ok(etag) = HeaderValue::from_str(&pack.etag) else {
        return StatusCode::INTERNAL_SERVER_ERROR.into_response();
    };
    let same = headers
        .get(header::IF_NONE_MATCH)
        .and_then(|tags| tags.to_str().ok())
        .is_some_and(|tags| matches(tags, &pack.etag));
    let about = [(header::ETAG, etag), (header::CACHE_CONTROL, KEPT)];
    if same {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    let json = [(
        header::CONTENT_TYPE,
        HeaderValue::from_static("application/json"),
    )];
    (about, json, pack.bytes.clone()).into_response()
}

/// Whether `If-None-Match` names a tag; weakly, as RFC 9110 §13.1.2 says. A cache that compresses makes tags weak.
pub(crate) fn matches(tags: &str, etag: &str) -> bool {
    let mut tags = tags.split(',').map(str::trim);
    tags.any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
}

async fn events(State(state): State<AppState>, Path(id): Path<String>, body: Body) -> Response {
    if asker().is_some_and(|asker| asker.shed) {
        return later("Too many requests of this network.");
    }
    let Ok(bytes) = to_bytes(body, MAX_REPORT).await else {
        let what = format!("A report has at most {MAX_REPORT} bytes.");
        return refused(
            StatusCode::PAYLOAD_TOO_LARGE,
            &Problem::new(Code::UsageArgument, what),
        );
    };
    let report = match EventReport::parse(&bytes) {
        Ok(report) => report,
        Err(problem) => return refused(StatusCode::BAD_REQUEST, &problem),
    };
    let catalog = state.catalog();
    let Some(unit) = catalog.any_unit(&id) else {
        return nothing("unknown_app", None);
    };
    let Some(channel) = unit.channel(&report.channel) else {
        return nothing("unknown_channel", None);
    };
    let running = report
        .running
        .map_or(Running::Embedded, |build| old_build(unit, build));
    let of_now = |event: &DeviceEvent| channel.attempt.as_ref() == Some(&event.attempt);
    let earlier = report
        .events
        .iter()
        .any(of_now)
        .then_some(Running::Embedded);
    // Noted before the report: the database takes them in this order, and a report needs an offer.
    state.check(
        unit,
        channel,
        &CheckIn {
            dialect: Dialect::Headgate,
            install: Some(&report.install),
            platform: report.platform,
            native: &report.native,
            plugin: Some(&report.client),
            running,
            earlier,
            network: None,
        },
    );
    let reports = reports(&state, unit, channel, &report);
    let stored = reports.len();
    match state.telemetry.report(reports).await {
        Ok(()) => reply::json(StatusCode::OK, &json!({ "accepted": stored })),
        Err(problem) => {
            tracing::error!(%problem, "a report could not be stored");
            later("The report could not be stored. Send it again.")
        }
    }
}

fn reports(
    state: &AppState,
    unit: &UnitServing,
    channel: &ChannelServing,
    report: &EventReport,
) -> Vec<Report> {
    let place = Place {
        unit: channel.unit.clone(),
        channel: channel.channel.clone(),
        dialect: Dialect::Headgate,
        platform: report.platform,
        native: report.native.clone(),
    };
    let at = (state.clock)();
    let events = report.events.iter().map(|event| Report {
        workspace: unit.registry.workspace.clone(),
        place: place.clone(),
        install: report.install.to_ascii_lowercase(),
        plugin: Some(report.client.clone()),
        build: event.build,
        attempt: Some(event.attempt.clone()),
        state: event.state,
        reason: event.reason.clone(),
        device_time: Some(event.at),
        network: None,
        at,
    });
    events.collect()
}

fn refused(status: StatusCode, problem: &Problem) -> Response {
    let body = json!({
        "error": problem.code.text(),
        "message": problem.message,
        "field": problem.field,
    });
    reply::json(status, &body)
}

/// The device keeps its report.
fn later(message: &str) -> Response {
    let body = json!({ "error": "later", "message": message });
    let mut response = reply::json(StatusCode::SERVICE_UNAVAILABLE, &body);
    let seconds = HeaderValue::from_static("60");
    response.headers_mut().insert(header::RETRY_AFTER, seconds);
    response
}
