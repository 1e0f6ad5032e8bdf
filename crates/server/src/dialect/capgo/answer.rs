//! Answers to an update check.

use axum::http::StatusCode;
use axum::response::Response;
use serde::Serialize;

use super::super::reply;
use super::info::BUILTIN;

/// Longest name that is sent back to a device.
const MAX_ECHO: usize = 128;

/// An answer. Fields that do not apply are left out, never `null`.
#[derive(Debug, Default, Serialize)]
pub(super) struct Answer {
    version: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    url: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    checksum: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    session_key: Option<String>,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    manifest: Vec<ManifestEntry>,
    #[serde(skip_serializing_if = "Option::is_none")]
    comment: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    message: Option<String>,
}

/// A file of a delta manifest.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub(super) struct ManifestEntry {
    /// Path; `.br` after it says that the bytes are a Brotli stream.
    pub(super) file_name: String,
    /// SHA-256 of the plain file in hex, or its signature.
    pub(super) file_hash: String,
    /// Where its bytes lie.
    pub(super) download_url: String,
}

/// A release with where it lies.
#[derive(Debug)]
pub(super) struct Offered {
    /// Its name.
    pub(super) version: String,
    /// The zip, or an address under which there is none.
    pub(super) url: String,
    /// Of the zip; empty where there is none.
    pub(super) checksum: String,
    /// Of a signed release.
    pub(super) session_key: Option<String>,
    /// Single files.
    pub(super) manifest: Vec<ManifestEntry>,
    /// What changed.
    pub(super) comment: Option<String>,
}

/// Whether the plugin takes a "no" as a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Kind {
    /// It has what it is meant to have.
    UpToDate,
    /// It may not have what there is.
    Blocked,
    /// The request cannot be answered; the plugin reports a failed download.
    Failed,
}

impl Answer {
    /// A release.
    pub(super) fn release(offered: Offered) -> Response {
        send(&Self {
            version: offered.version,
            url: Some(offered.url),
            checksum: Some(offered.checksum).filter(|c| !c.is_empty()),
            // Android hands it on as it is, iOS wants a text: empty means unsigned.
            session_key: Some(offered.session_key.unwrap_or_default()),
            manifest: offered.manifest,
            comment: offered.comment,
            ..Self::default()
        })
    }

    /// Back to the bundle in the native app. Neither `error` nor `kind`: current plugins take those for up to date.
    pub(super) fn embedded() -> Response {
        send(&Self {
            version: BUILTIN.to_owned(),
            ..Self::default()
        })
    }

    /// No update. `running` is sent back: without it, or with another name, iOS checks twice in every period.
    pub(super) fn no(kind: Kind, error: &'static str, message: &str, running: &str) -> Response {
        let echo = !running.is_empty() && running.len() <= MAX_ECHO;
        send(&Self {
            version: if echo { running } else { "unknown" }.to_owned(),
            error: Some(error),
            kind: Some(match kind {
                Kind::UpToDate => "up_to_date",
                Kind::Blocked => "blocked",
                Kind::Failed => "failed",
            }),
            message: Some(message.to_owned()),
            ..Self::default()
        })
    }
}

/// Always 200: the plugin takes everything else for a failure of the network.
fn send(answer: &Answer) -> Response {
    reply::json(StatusCode::OK, answer)
}
