//! Objects of registries in a folder, for the sandbox and for servers without a CDN. Only names that a hash makes are
//! answered, so whatever a client asks for is what was signed or nothing.

use std::fs::File;
use std::io::SeekFrom;

use axum::Router;
use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use bytes::Bytes;
use futures::stream;
use tokio::io::{AsyncReadExt as _, AsyncSeekExt as _};

use crate::dialect::headgate::matches;
use crate::state::AppState;

/// Bytes that are read at once.
const PIECE: u64 = 64 * 1024;
const FOREVER: HeaderValue = HeaderValue::from_static("public, max-age=31536000, immutable");

/// The route.
pub(crate) fn router(state: AppState) -> Router {
    Router::new()
        .route("/objects/{registry}/{folder}/{name}", get(object))
        .with_state(state)
}

async fn object(
    State(state): State<AppState>,
    Path((registry, folder, name)): Path<(String, String, String)>,
    headers: HeaderMap,
) -> Response {
    let Some(kind) = content_type(&folder, &name) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let Some(store) = state.catalog().objects(&registry).cloned() else {
        return StatusCode::NOT_FOUND.into_response();
    };
    match store.open_file(&format!("{folder}/{name}")).await {
        Ok(Some((file, size))) => send(file, size, kind, &name, &headers).await,
        Ok(None) => StatusCode::NOT_FOUND.into_response(),
        Err(problem) => {
            tracing::error!(%problem, "an object cannot be read");
            StatusCode::SERVICE_UNAVAILABLE.into_response()
        }
    }
}

/// Media type of an object that may be asked for; nothing for any other name.
fn content_type(folder: &str, name: &str) -> Option<&'static str> {
    let (hash, rest) = name.split_at_checked(64)?;
    if !hash
        .bytes()
        .all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b))
    {
        return None;
    }
    let plain = |b: u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_');
    match (folder, rest) {
        ("bundles", ".zip") => Some("application/zip"),
        ("inventories", ".json") => Some("application/json"),
        ("files" | "variants", "") => Some("application/octet-stream"),
        ("targets", _) if rest.len() <= 200 && rest.starts_with('.') && rest.bytes().all(plain) => {
            Some("application/json")
        }
        _ => None,
    }
}

async fn send(
    file: File,
    size: u64,
    kind: &'static str,
    name: &str,
    headers: &HeaderMap,
) -> Response {
    let text = |name: header::HeaderName| headers.get(name).and_then(|v| v.to_str().ok());
    let etag = format!("\"{}\"", &name[..64]);
    let Ok(tag) = HeaderValue::from_str(&etag) else {
        return StatusCode::NOT_FOUND.into_response();
    };
    let about = [
        (header::ETAG, tag),
        (header::CACHE_CONTROL, FOREVER),
        (header::ACCEPT_RANGES, HeaderValue::from_static("bytes")),
        (
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        ),
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (
            header::X_CONTENT_TYPE_OPTIONS,
            HeaderValue::from_static("nosniff"),
        ),
    ];
    if text(header::IF_NONE_MATCH).is_some_and(|tags| matches(tags, &etag)) {
        return (StatusCode::NOT_MODIFIED, about).into_response();
    }
    let whole = text(header::IF_RANGE).is_some_and(|tag| tag != etag);
    let wanted = text(header::RANGE).filter(|_| !whole);
    let (status, from, length) = match wanted.map_or(Wanted::All, |r| wanted_range(r, size)) {
        Wanted::All => (StatusCode::OK, 0, size),
        Wanted::Part(from, length) => (StatusCode::PARTIAL_CONTENT, from, length),
        Wanted::None => {
            let range = [(header::CONTENT_RANGE, format!("bytes */{size}"))];
            return (StatusCode::RANGE_NOT_SATISFIABLE, about, range).into_response();
        }
    };
    let mut file = tokio::fs::File::from_std(file);
    if from > 0 && file.seek(SeekFrom::Start(from)).await.is_err() {
        return StatusCode::SERVICE_UNAVAILABLE.into_response();
    }
    let mut response = (
        status,
        about,
        [(header::CONTENT_LENGTH, length.to_string())],
        Body::from_stream(pieces(file, length)),
    )
        .into_response();
    if status == StatusCode::PARTIAL_CONTENT {
        let range = format!("bytes {from}-{}/{size}", from + length - 1);
        if let Ok(range) = HeaderValue::from_str(&range) {
            response.headers_mut().insert(header::CONTENT_RANGE, range);
        }
    }
    response
}

/// So many bytes of a file. One that became shorter breaks the connection rather than ending early.
fn pieces(
    file: tokio::fs::File,
    length: u64,
) -> impl futures::Stream<Item = std::io::Result<Bytes>> + Send {
    stream::try_unfold((file, length), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let size = usize::try_from(left.min(PIECE)).unwrap_or(0);
        let mut piece = vec![0; size];
        let read = file.read(&mut piece).await?;
        if read == 0 {
            return Err(std::io::ErrorKind::UnexpectedEof.into());
        }
        piece.truncate(read);
        Ok(Some((Bytes::from(piece), (file, left - read as u64))))
    })
}

#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    All,
    /// From, length.
    Part(u64, u64),
    None,
}

/// `Range` of one part (RFC 9110 §14.2). What cannot be read or has several parts is answered whole.
fn wanted_range(text: &str, size: u64) -> Wanted {
    let Some((from, to)) = text.strip_prefix("bytes=").and_then(|t| t.split_once('-')) else {
        return Wanted::All;
    };
    let number = |text: &str| {
        let digits = !text.is_empty() && text.bytes().all(|b| b.is_ascii_digit());
        digits.then(|| text.parse::<u64>().unwrap_or(u64::MAX))
    };
    let (from, to) = match (number(from), number(to)) {
        (Some(from), Some(to)) if from <= to => (from, to),
        (Some(from), None) if to.is_empty() => (from, u64::MAX),
        (None, Some(0)) if from.is_empty() => return Wanted::None,
        (None, Some(last)) if from.is_empty() => (size.saturating_sub(last), u64::MAX),
        _ => return Wanted::All,
    };
    if from >= size {
        return Wanted::None;
    }
    Wanted::Part(from, to.min(size - 1) - from + 1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_names_that_a_hash_makes_are_answered() {
        let hash = "0".repeat(64);
        for (folder, name) in [
            ("bundles", format!("{hash}.zip")),
            ("inventories", format!("{hash}.json")),
            ("files", hash.clone()),
            ("variants", hash.clone()),
            ("targets", format!("{hash}.main.production.release-1.json")),
        ] {
            assert!(content_type(folder, &name).is_some(), "{folder}/{name}");
        }
        for (folder, name) in [
            ("metadata", "timestamp.json".to_owned()),
            ("bundles", hash.clone()),
            ("bundles", format!("{hash}.zip.bak")),
            ("files", format!("{hash}/..")),
            ("files", hash.to_uppercase().replace('0', "A")),
            ("..", hash.clone()),
            ("targets", format!("{hash}./../x")),
            ("targets", format!("{hash}\\x")),
            ("targets", hash.clone()),
            ("files", "é".repeat(40)),
            ("files", String::new()),
        ] {
            assert!(content_type(folder, &name).is_none(), "{folder}/{name}");
        }
    }

    #[test]
    fn ranges_are_those_of_the_rfc() {
        for (text, wanted) in [
            ("bytes=0-99", Wanted::Part(0, 100)),
            ("bytes=900-", Wanted::Part(900, 100)),
            ("bytes=-1", Wanted::Part(999, 1)),
            ("bytes=-5000", Wanted::Part(0, 1000)),
            ("bytes=990-5000", Wanted::Part(990, 10)),
            ("bytes=1000-", Wanted::None),
            ("bytes=-0", Wanted::None),
            ("bytes=99999999999999999999-", Wanted::None),
            ("bytes=5-1", Wanted::All),
            ("bytes=0-1,5-6", Wanted::All),
            ("bytes=+1-2", Wanted::All),
            ("lines=1-2", Wanted::All),
        ] {
            assert_eq!(wanted_range(text, 1000), wanted, "{text}");
        }
        assert_eq!(wanted_range("bytes=0-", 0), Wanted::None);
    }
}
