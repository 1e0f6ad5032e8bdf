//! Writing answers.

use axum::body::Body;
use axum::http::{HeaderValue, Response, StatusCode, header};
use serde::Serialize;

/// For what never changes under its address.
pub(crate) const IMMUTABLE: &str = "public, max-age=31536000, immutable";
/// For what was decided for one device.
const PRIVATE: &str = "private, no-store";

/// JSON for one device.
pub(crate) fn json(status: StatusCode, value: &impl Serialize) -> Response<Body> {
    // Nothing here has keys that are no texts, so it can be written.
    let bytes = serde_json::to_vec(value).unwrap_or_else(|_| b"{}".to_vec());
    bytes_of(status, "application/json", PRIVATE, bytes)
}

/// Bytes with their type and how long they may be kept.
pub(crate) fn bytes_of(
    status: StatusCode,
    kind: &'static str,
    cache: &'static str,
    bytes: impl Into<Body>,
) -> Response<Body> {
    let mut response = Response::new(bytes.into());
    *response.status_mut() = status;
    let headers = response.headers_mut();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static(kind));
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static(cache));
    response
}

/// A redirect that may be kept as long as `cache` says. Nothing when the address is none.
pub(crate) fn redirect(to: &str, cache: &'static str) -> Option<Response<Body>> {
    let location = HeaderValue::from_str(to).ok()?;
    let mut response = bytes_of(StatusCode::FOUND, "text/plain", cache, Body::empty());
    response.headers_mut().insert(header::LOCATION, location);
    Some(response)
}

/// `base` with the query of a request, so that what a client's address carries reaches where it is sent.
pub(crate) fn with_query(base: String, query: Option<&str>) -> String {
    match query.filter(|q| !q.is_empty()) {
        None => base,
        Some(query) if base.contains('?') => format!("{base}&{query}"),
        Some(query) => format!("{base}?{query}"),
    }
}
