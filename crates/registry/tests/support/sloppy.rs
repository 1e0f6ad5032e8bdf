//! A server with the manners of some real ones, in front of one that has none: it ignores conditions, or takes one
//! write a second to an object.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "every test file uses a part of it; a test that cannot set up has failed"
)]

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;

use crate::s3::S3;

/// A running one.
pub struct Sloppy {
    pub behind: S3,
    port: u16,
}

#[derive(Clone)]
struct Pass {
    to: String,
    may_delete: bool,
    /// When each object was last written, where it may be written once a second and conditions are kept.
    paced: Option<Arc<Mutex<HashMap<String, Instant>>>>,
}

impl Pass {
    /// Whether this write comes too soon after the one before.
    fn too_soon(&self, key: &str) -> bool {
        let Some(written) = &self.paced else {
            return false;
        };
        let mut written = written.lock().unwrap();
        let soon = written
            .get(key)
            .is_some_and(|last| last.elapsed() < Duration::from_secs(1));
        if !soon {
            written.insert(key.to_owned(), Instant::now());
        }
        soon
    }
}

impl Sloppy {
    /// Starts one; without `may_delete` it answers every DELETE of an object with AccessDenied.
    pub async fn start(may_delete: bool) -> Self {
        Self::with(may_delete, None).await
    }

    /// Starts one that keeps conditions and takes one write a second to an object, as Cloudflare R2 does.
    pub async fn paced() -> Self {
        Self::with(true, Some(Arc::default())).await
    }

    async fn with(may_delete: bool, paced: Option<Arc<Mutex<HashMap<String, Instant>>>>) -> Self {
        let behind = S3::open().await;
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let pass = Pass {
            to: format!("http://127.0.0.1:{}", behind.port),
            may_delete,
            paced,
        };
        let router = Router::new()
            .fallback(forward)
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(pass);
        tokio::spawn(async move { axum::serve(listener, router).await });
        Self { behind, port }
    }

    /// `s3://bkt/ota` there.
    pub fn address(&self, more: &str) -> String {
        format!("s3://bkt/ota?endpoint=http://127.0.0.1:{}{more}", self.port)
    }
}

async fn forward(
    State(pass): State<Pass>,
    method: Method,
    uri: Uri,
    mut headers: HeaderMap,
    body: Bytes,
) -> Response {
    if method == Method::DELETE && uri.query().is_none() && !pass.may_delete {
        let denied = "<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>";
        return Response::builder().status(403).body(denied.into()).unwrap();
    }
    let writes = matches!(method, Method::PUT | Method::DELETE);
    if writes && pass.too_soon(&uri.to_string()) {
        let busy = "<Error><Code>TooManyRequests</Code><Message>Reduce your concurrent request rate for the same object.</Message></Error>";
        return Response::builder().status(429).body(busy.into()).unwrap();
    }
    // The signature covers the conditions, so it has to go with them.
    for name in ["authorization", "host", "content-length"] {
        headers.remove(name);
    }
    if pass.paced.is_none() {
        headers.remove("if-none-match");
        headers.remove("if-match");
    }
    let answer = reqwest::Client::builder()
        .no_proxy()
        .build()
        .unwrap()
        .request(method, format!("{}{uri}", pass.to))
        .headers(headers)
        .header("content-length", body.len())
        .body(body)
        .send()
        .await
        .unwrap();
    let mut response = Response::builder().status(answer.status());
    for (name, value) in answer.headers() {
        if name != "transfer-encoding" && name != "connection" {
            response = response.header(name, value);
        }
    }
    response.body(answer.bytes().await.unwrap().into()).unwrap()
}
