//! `/capgo/channel_self`: which channel a device is on, and moving between those that allow it.
//!
//! The choice is kept on the device, which sends it as `defaultChannel`; nothing is stored here.

use axum::body::Body;
use axum::extract::State;
use axum::http::{StatusCode, Uri};
use axum::response::Response;
use serde_json::json;

use super::super::{reply, request};
use super::MAX_BODY;
use super::info::Info;
use crate::state::AppState;

/// GET, with the info object as query: the channels that devices may name. A bare array, `id` a number.
pub(super) async fn list(State(state): State<AppState>, uri: Uri) -> Response {
    let query = uri.query().unwrap_or_default();
    let app = url::form_urlencoded::parse(query.as_bytes()).find(|(key, _)| key == "app_id");
    let catalog = state.catalog();
    let Some(unit) = app.and_then(|(_, id)| catalog.any_unit(&id)) else {
        return no_app();
    };
    let last = unit.order.last();
    let channels = unit.order.iter().zip(1_u32..).filter_map(|(name, id)| {
        let channel = unit.channels.get(name.as_str())?;
        let public = Some(name) == last;
        (public || channel.self_assign).then(|| {
            json!({
                "id": id,
                "name": name.as_str(),
                "public": public,
                "allow_self_set": channel.self_assign,
            })
        })
    });
    reply::json(StatusCode::OK, &channels.collect::<Vec<_>>())
}

/// POST: the device asks whether it may move to `channel`.
pub(super) async fn set(State(state): State<AppState>, body: Body) -> Response {
    let Some(body) = request::json(body, MAX_BODY).await else {
        return malformed();
    };
    let info = Info::read(&body);
    let catalog = state.catalog();
    let Some(unit) = catalog.any_unit(info.app) else {
        return no_app();
    };
    let asked = request::text(&body, "channel");
    match unit.channel(asked).filter(|_| !asked.is_empty()) {
        None => refuse("channel_not_found", "This app has no channel of this name."),
        Some(channel) if channel.self_assign => {
            reply::json(StatusCode::OK, &json!({"status": "ok", "allowSet": true}))
        }
        Some(_) => refuse(
            "channel_self_set_not_allowed",
            "Devices may not move themselves to this channel.",
        ),
    }
}

/// PUT: the channel that the device is on. Since 8.47.9 the plugin keeps it as its own, so an alias is sent back as it
/// came. 400 with `channel_not_found` makes the plugin fall back to what it has.
pub(super) async fn current(State(state): State<AppState>, body: Body) -> Response {
    let Some(body) = request::json(body, MAX_BODY).await else {
        return malformed();
    };
    let info = Info::read(&body);
    let catalog = state.catalog();
    let Some(unit) = catalog.any_unit(info.app) else {
        return no_app();
    };
    let Some(channel) = unit.channel(info.channel) else {
        let answer = json!({
            "error": "channel_not_found",
            "message": "This app has no channel of this name.",
        });
        return reply::json(StatusCode::BAD_REQUEST, &answer);
    };
    let name = if info.channel.is_empty() {
        channel.channel.as_str()
    } else {
        info.channel
    };
    let answer = json!({"channel": name, "status": "default", "allowSet": channel.self_assign});
    reply::json(StatusCode::OK, &answer)
}

/// DELETE, of plugins before x.34: there is nothing to forget.
pub(super) async fn unset() -> Response {
    reply::json(StatusCode::OK, &json!({"status": "ok"}))
}

fn refuse(error: &str, message: &str) -> Response {
    let answer = json!({"error": error, "message": message});
    reply::json(StatusCode::OK, &answer)
}

fn no_app() -> Response {
    refuse("app_not_found", "This server has no app with this app_id.")
}

fn malformed() -> Response {
    refuse("missing_info", "The request is no JSON object of a device.")
}
