//! Serves a folder on 127.0.0.1, read only: the sandbox's public URL.

use std::net::SocketAddr;
use std::path::Path;

use axum::{
    Router,
    extract::Request,
    http::{HeaderValue, StatusCode, header},
    middleware::{self, Next},
    response::{IntoResponse, Response},
};
use headgate_core::{Code, Problem, Result};
use tower_http::services::ServeDir;

/// Serves a folder until the process ends; gives its address.
///
/// # Errors
/// `storage.io` when no port can be had.
pub(crate) async fn folder(root: &Path) -> Result<String> {
    let io = |e: std::io::Error| {
        Problem::new(
            Code::StorageIo,
            format!("The sandbox cannot be served on 127.0.0.1: {e}."),
        )
    };
    let listener = tokio::net::TcpListener::bind(SocketAddr::from(([127, 0, 0, 1], 0)))
        .await
        .map_err(io)?;
    let address = listener.local_addr().map_err(io)?;
    let host = address.to_string();
    let guard = move |request: Request, next: Next| {
        let host = host.clone();
        async move { checked(&host, request, next).await }
    };
    let app = Router::new()
        .fallback_service(ServeDir::new(root).append_index_html_on_directories(false))
        .layer(middleware::from_fn(guard));
    tokio::spawn(async move {
        if let Err(error) = axum::serve(listener, app).await {
            tracing::error!(%error, "the sandbox is no longer served");
        }
    });
    Ok(format!("http://{address}"))
}

/// Refuses requests that a foreign web page makes through a rebound host name, and hidden files.
async fn checked(host: &str, request: Request, next: Next) -> Response {
    let named = request
        .headers()
        .get(header::HOST)
        .and_then(|h| h.to_str().ok());
    let hidden = request
        .uri()
        .path()
        .split('/')
        .any(|part| part.starts_with('.') || part.starts_with("%2"));
    if named != Some(host) || request.headers().contains_key(header::ORIGIN) {
        return StatusCode::FORBIDDEN.into_response();
    }
    if hidden {
        return StatusCode::NOT_FOUND.into_response();
    }
    let timestamp = request.uri().path().ends_with("/timestamp.json");
    let mut response = next.run(request).await;
    let policy = if timestamp {
        "public, max-age=5"
    } else {
        "public, max-age=31536000, immutable"
    };
    if response.status().is_success() {
        response
            .headers_mut()
            .insert(header::CACHE_CONTROL, HeaderValue::from_static(policy));
    }
    response
}
