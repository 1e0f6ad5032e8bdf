//! The description of every endpoint, as OpenAPI 3.1. It is written by hand, since plugins of others decided half of it;
//! a test holds it to the routes.

use axum::Router;
use axum::http::{HeaderValue, header};
use axum::response::IntoResponse as _;
use axum::routing::get;
use bytes::Bytes;
use serde_json::{Value, json};

/// The document without an address.
pub const DOCUMENT: &str = include_str!("openapi.json");

/// `GET /openapi.json`, with the address of this server in it.
pub(crate) fn router(public_url: &str) -> Router {
    let body = Bytes::from(document(public_url));
    let answer = move || {
        let body = body.clone();
        async move {
            let json = HeaderValue::from_static("application/json");
            ([(header::CONTENT_TYPE, json)], body).into_response()
        }
    };
    Router::new().route("/openapi.json", get(answer))
}

fn document(public_url: &str) -> String {
    let mut document: Value = serde_json::from_str(DOCUMENT).unwrap_or_default();
    document["servers"] = json!([{ "url": public_url }]);
    document.to_string()
}
