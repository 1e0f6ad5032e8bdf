//! Capgo's updater, `@capgo/capacitor-updater`, read in its sources 8.51.23 and 7.51.21.
//!
//! What the plugin makes hard, and what follows for every answer here:
//! - The mere presence of `error` or `kind` means "no update", whatever they hold; a missing or unknown `kind` counts as
//!   failed and is reported as a failure at every foreground. So the two come together or not at all.
//! - iOS decodes a strict structure: one wrong type and the answer is lost. No `null` is ever sent.
//! - `manifest` is left out unless it has entries; `url` must be an address even where the manifest is used.
//! - Versions earlier than 8.51.5 stop asking until the app restarts after one 429. None is ever sent.
//! - The device finds bundles by their name, so a name must never stand for two builds: it is `<version>+<build>`.

mod answer;
mod channels;
mod delivery;
mod info;
mod size;
mod stats;
#[cfg(test)]
pub(super) mod tests;
mod updates;

use axum::Router;
use axum::http::StatusCode;
use axum::routing::{get, post};

use super::reply::{self, IMMUTABLE};
use crate::AppState;
use crate::catalog::ReleaseServing;

/// Largest body of a check or a channel call, bytes. The plugin sends under 1 KiB.
const MAX_BODY: usize = 64 * 1024;

/// A Brotli stream of nothing, as the plugin knows it by heart (Android and iOS compare these three bytes). An empty
/// body instead would be refused by the HTTP client on iOS.
const EMPTY_BROTLI: &[u8] = &[0x1b, 0x00, 0x06];

/// Routes under `/capgo`.
pub fn router(state: AppState) -> Router {
    Router::new()
        .route("/capgo/updates", post(updates::check))
        .route("/capgo/updates/manifest_size", post(size::sizes))
        .route("/capgo/stats", post(stats::report))
        .route(
            "/capgo/channel_self",
            get(channels::list)
                .post(channels::set)
                .put(channels::current)
                .delete(channels::unset),
        )
        .route("/capgo/empty-file", get(empty_file))
        .with_state(state)
}

async fn empty_file() -> axum::response::Response {
    let kind = "application/octet-stream";
    reply::bytes_of(StatusCode::OK, kind, IMMUTABLE, EMPTY_BROTLI)
}

/// What a release is called on devices: its version with the build number as build metadata, so that it stays a version
/// (Semantic Versioning 2.0.0 §10).
pub(crate) fn name(release: &ReleaseServing) -> String {
    let manifest = &release.manifest;
    let mark = if manifest.version.contains('+') { '.' } else { '+' };
    format!("{}{mark}{}", manifest.version, manifest.build)
}
