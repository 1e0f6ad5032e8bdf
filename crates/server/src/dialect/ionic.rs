//! Ionic's clients: the Live Updates SDK (`@capacitor/live-updates`, Portals) and cordova-plugin-ionic 5.5.3.
//!
//! Both ask with the same request. What differs: the SDK says whether it is Portals (`is_portals`) and wants the
//! manifest wrapped, with or without signatures; cordova-plugin-ionic sends its own version instead and wants the plain
//! array. An answer therefore names an address that says which of the two is meant, and of which channel, because each
//! channel signs with its own key. Clients carry that query on to every file.
//!
//! The SDK takes another server than Ionic's only with a token from Ionic, and how it checks signed manifests is not
//! published: what is here follows the published request, answer and file formats, and was not run against it.
//! None of these clients can be told to return to the web build in the native app.

mod check;
mod files;
mod snapshot;
#[cfg(test)]
mod tests;

use std::hash::{BuildHasher as _, RandomState};
use std::sync::LazyLock;
use std::sync::atomic::{AtomicU64, Ordering};

use axum::Router;
use axum::http::{Method, StatusCode, header};
use axum::response::Response;
use axum::routing::{get, post};
use serde::Serialize;
use serde_json::json;
use tower_http::cors::{AllowOrigin, CorsLayer};

use super::reply;
use crate::AppState;

/// Largest body of a check, bytes.
const MAX_BODY: usize = 64 * 1024;

/// Routes under `/apps`. cordova-plugin-ionic asks from the web view, so it needs CORS and its preflight.
pub fn router(state: AppState) -> Router {
    let cors = CorsLayer::new()
        .allow_origin(AllowOrigin::any())
        .allow_methods([Method::GET, Method::POST])
        .allow_headers([header::CONTENT_TYPE])
        .max_age(std::time::Duration::from_secs(3600));
    Router::new()
        .route("/apps/{app}/channels/check-device", post(check::check))
        .route(
            "/apps/{app}/snapshots/{snapshot}/manifest_v2",
            get(snapshot::manifest),
        )
        .route(
            "/apps/{app}/snapshots/{snapshot}/download",
            get(snapshot::zip),
        )
        .route(
            "/apps/{app}/snapshots/{snapshot}/files/{*href}",
            get(files::file),
        )
        .route_layer(cors)
        .with_state(state)
}

/// `meta` of every answer: without it the SDK cannot read one.
#[derive(Serialize)]
struct Meta {
    status: u16,
    version: &'static str,
    request_id: String,
}

fn meta(status: StatusCode) -> Meta {
    Meta {
        status: status.as_u16(),
        version: env!("CARGO_PKG_VERSION"),
        request_id: request_id(),
    }
}

/// A UUID of version 4 that no other request has. Nothing depends on it but what people find in logs, so it is a keyed
/// hash of a count: the operating system is asked for randomness once and not by every request.
fn request_id() -> String {
    static KEYS: LazyLock<RandomState> = LazyLock::new(RandomState::new);
    static COUNT: AtomicU64 = AtomicU64::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let (high, low) = (KEYS.hash_one((count, 0_u8)), KEYS.hash_one((count, 1_u8)));
    let (high, low) = (high & !0xf000 | 0x4000, low & !(0b11 << 62) | 0b10 << 62);
    format!(
        "{:08x}-{:04x}-{:04x}-{:04x}-{:012x}",
        high >> 32,
        high >> 16 & 0xffff,
        high & 0xffff,
        low >> 48,
        low & 0xffff_ffff_ffff
    )
}

/// An error as both clients read it.
fn refuse(status: StatusCode, kind: &str, message: &str) -> Response {
    let answer = json!({
        "error": {"message": message, "type": kind},
        "meta": meta(status),
    });
    reply::json(status, &answer)
}

fn not_found(message: &str) -> Response {
    refuse(StatusCode::NOT_FOUND, "not_found", message)
}
