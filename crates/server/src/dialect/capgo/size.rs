//! `POST /capgo/updates/manifest_size`: how many bytes an update by single files is.

use std::collections::HashMap;

use axum::body::Body;
use axum::extract::State;
use axum::http::StatusCode;
use axum::response::Response;
use serde_json::{Value, json};

use super::super::{reply, request};
use super::delivery::Delivery;
use super::info::{Info, release};
use crate::state::AppState;

/// Largest body, bytes: it carries the manifest that the device got, some 300 bytes a file.
const MAX_BODY: usize = 8 << 20;
/// Most files that are answered for.
const MAX_FILES: usize = 20_000;

pub(super) async fn sizes(State(state): State<AppState>, body: Body) -> Response {
    let body = request::json(body, MAX_BODY).await.unwrap_or_default();
    let asked = body.get("manifest").and_then(Value::as_array);
    let known = known(&state, &body).unwrap_or_default();
    let (mut total, mut found) = (0_u64, 0_usize);
    let files = asked.into_iter().flatten().take(MAX_FILES).map(|entry| {
        let part = |key| entry.get(key).and_then(Value::as_str).unwrap_or_default();
        let (name, hash, url) = (part("file_name"), part("file_hash"), part("download_url"));
        let mut file = json!({"file_name": name, "file_hash": hash, "download_url": url});
        match known.get(&(name.to_owned(), hash.to_owned())) {
            Some(size) => {
                total = total.saturating_add(*size);
                found += 1;
                file["size"] = json!(size);
            }
            None => file["error"] = json!("unknown_file"),
        }
        file
    });
    let files: Vec<Value> = files.collect();
    let answer = json!({
        "totalSize": total,
        "knownFiles": found,
        "unknownFiles": files.len() - found,
        "files": files,
    });
    reply::json(StatusCode::OK, &answer)
}

/// Bytes to download by name and hash, of the release that the device names.
fn known(state: &AppState, body: &Value) -> Option<HashMap<(String, String), u64>> {
    let info = Info::read(body);
    let catalog = state.catalog();
    let unit = catalog.any_unit(info.app)?;
    let channel = unit.channel(info.channel)?;
    let build = release(unit, channel, request::text(body, "version"))?;
    let release = channel.releases.get(&build)?;
    let delivery = Delivery::find(channel, release, &info).ok()?;
    let entries = delivery.entries(&unit.registry, &state.public_url);
    Some(
        entries
            .map(|(entry, size)| ((entry.file_name, entry.file_hash), size))
            .collect(),
    )
}
