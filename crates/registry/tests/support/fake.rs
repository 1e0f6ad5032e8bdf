//! A server that answers what a test tells it to, and remembers what it was asked.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::allow_attributes,
    reason = "every test file uses a part of it; a test that cannot set up has failed"
)]

use std::sync::{Arc, Mutex};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State;
use axum::http::{HeaderMap, Method, Uri};
use axum::response::Response;

/// One request.
#[derive(Debug, Clone)]
pub struct Asked {
    pub method: Method,
    pub uri: Uri,
    pub headers: HeaderMap,
    pub body: Bytes,
}

type Reply = Arc<dyn Fn(&Asked) -> Response + Send + Sync>;

/// A running server.
#[derive(Clone)]
pub struct Fake {
    pub url: String,
    asked: Arc<Mutex<Vec<Asked>>>,
    reply: Reply,
}

impl Fake {
    /// Starts one.
    pub async fn start(reply: impl Fn(&Asked) -> Response + Send + Sync + 'static) -> Self {
        async fn answer(
            State(fake): State<Fake>,
            method: Method,
            uri: Uri,
            headers: HeaderMap,
            body: Bytes,
        ) -> Response {
            let asked = Asked {
                method,
                uri,
                headers,
                body,
            };
            fake.asked.lock().unwrap().push(asked.clone());
            (fake.reply)(&asked)
        }
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.unwrap();
        let fake = Self {
            url: format!("http://{}", listener.local_addr().unwrap()),
            asked: Arc::default(),
            reply: Arc::new(reply),
        };
        let router = Router::new()
            .fallback(answer)
            .layer(axum::extract::DefaultBodyLimit::disable())
            .with_state(fake.clone());
        tokio::spawn(async move { axum::serve(listener, router).await });
        fake
    }

    /// What was asked so far.
    pub fn asked(&self) -> Vec<Asked> {
        self.asked.lock().unwrap().clone()
    }

    /// `s3://bkt/ota` there.
    pub fn address(&self) -> String {
        format!("s3://bkt/ota?endpoint={}", self.url)
    }
}

/// An answer with this status, headers and body.
pub fn reply(status: u16, headers: &[(&str, &str)], body: impl Into<axum::body::Body>) -> Response {
    let mut response = Response::builder().status(status);
    for (name, value) in headers {
        response = response.header(*name, *value);
    }
    response.body(body.into()).unwrap()
}

/// An S3 error as AWS writes it; `more` is put into the body.
pub fn refusal(status: u16, code: &str, more: &str) -> Response {
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code>{more}<RequestId>4442587FB7D0A2F9</RequestId><HostId>x</HostId></Error>"
    );
    reply(status, &[("content-type", "application/xml")], body)
}
