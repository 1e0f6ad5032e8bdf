//! Around every request: who asks, how long it may take, and what is answered when a handler fails.

use std::net::{IpAddr, SocketAddr};
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::{Duration, Instant};

use axum::extract::{ConnectInfo, MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use futures::FutureExt as _;
use serde_json::json;

use crate::asker::{ASKER, Asker, Limiter};
use crate::metrics::Metrics;

/// Address of the other end of the connection.
#[derive(Debug, Clone, Copy)]
pub(super) struct Peer(pub(super) SocketAddr);

/// What the guard of a listener knows.
#[derive(Debug)]
pub(super) struct Guard {
    /// Name in metrics and logs.
    pub(super) listener: &'static str,
    pub(super) metrics: Arc<Metrics>,
    /// Longest time until a response begins.
    pub(super) patience: Duration,
    /// Proxies in front of this server that are trusted to name who asked them.
    pub(super) proxies: usize,
    /// Nothing where requests are not counted.
    pub(super) limiter: Option<Limiter>,
    /// The only hosts that are answered, `127.0.0.1:4711`; nothing = any.
    pub(super) hosts: Option<Vec<String>>,
}

pub(super) async fn guarded(
    State(guard): State<Arc<Guard>>,
    mut request: Request,
    next: Next,
) -> Response {
    let begun = Instant::now();
    let route = request.extensions().get::<MatchedPath>();
    let route = route.map_or("none", |path| path.as_str()).to_owned();
    let method = request.method().clone();
    let response = if guard.foreign(request.headers()) {
        StatusCode::FORBIDDEN.into_response()
    } else {
        let asker = guard.asker(&request, begun);
        if let Some(address) = asker.address {
            // Handlers see who asked, not the proxy in front.
            let info = ConnectInfo(SocketAddr::new(address, 0));
            request.extensions_mut().insert(info);
        }
        let work = AssertUnwindSafe(ASKER.scope(asker, next.run(request))).catch_unwind();
        match tokio::time::timeout(guard.patience, work).await {
            Ok(Ok(response)) => response,
            Ok(Err(_)) => {
                guard.metrics.panicked();
                tracing::error!(
                    listener = guard.listener,
                    route,
                    "a handler failed by a defect"
                );
                unavailable(&route)
            }
            Err(_) => {
                tracing::warn!(listener = guard.listener, route, "a request took too long");
                unavailable(&route)
            }
        }
    };
    let (took, status) = (begun.elapsed(), response.status().as_u16());
    guard.metrics.answered(guard.listener, &route, status, took);
    // The route is a pattern: neither an install id nor anything else that a client chose is logged.
    tracing::debug!(listener = guard.listener, %method, route, status, micros = took.as_micros(), "answered");
    response
}

impl Guard {
    /// A page of another site that reached this computer through a rebound host name, or any page at all.
    fn foreign(&self, headers: &HeaderMap) -> bool {
        let Some(hosts) = &self.hosts else {
            return false;
        };
        let host = headers.get(header::HOST).and_then(|h| h.to_str().ok());
        headers.contains_key(header::ORIGIN) || !host.is_some_and(|h| hosts.iter().any(|k| k == h))
    }

    fn asker(&self, request: &Request, now: Instant) -> Asker {
        let peer = request.extensions().get::<Peer>();
        let address = peer.and_then(|Peer(peer)| self.address(peer.ip(), request.headers()));
        let over = |address| self.limiter.as_ref().is_some_and(|l| l.over(address, now));
        Asker {
            address,
            shed: address.is_some_and(over),
        }
    }

    /// The socket's address, or what the outermost trusted proxy says of who asked it. Each proxy appends one address, so
    /// it is counted from the end; what stands before it is whatever the client wrote.
    fn address(&self, peer: IpAddr, headers: &HeaderMap) -> Option<IpAddr> {
        if self.proxies == 0 {
            return Some(peer);
        }
        let lines = headers.get_all("x-forwarded-for").iter();
        let named: Vec<&str> = lines
            .filter_map(|line| line.to_str().ok())
            .flat_map(|line| line.split(','))
            .map(str::trim)
            .collect();
        let named = named.get(named.len().checked_sub(self.proxies)?)?;
        named.parse().ok()
    }
}

/// What a client gets when no handler answers, in the form that its plugin tolerates (protocols/capgo.md §1.3, §1.5: a
/// `failed` or an unknown status is counted as a failed download; reports are sent again after a 503).
fn unavailable(route: &str) -> Response {
    let capgo = route.starts_with("/capgo/") && !route.ends_with("/stats");
    let (status, body) = if capgo {
        let message = "The update server cannot answer now.";
        let body = json!({ "error": "server_unavailable", "kind": "blocked", "message": message });
        (StatusCode::OK, body)
    } else {
        (
            StatusCode::SERVICE_UNAVAILABLE,
            json!({ "error": "unavailable" }),
        )
    };
    let headers = [
        (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/json"),
        ),
        (
            header::CACHE_CONTROL,
            HeaderValue::from_static("private, no-store"),
        ),
    ];
    (status, headers, body.to_string()).into_response()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn guard(proxies: usize) -> Guard {
        Guard {
            listener: "devices",
            metrics: Arc::default(),
            patience: Duration::from_secs(1),
            proxies,
            limiter: None,
            hosts: Some(vec!["127.0.0.1:4711".into()]),
        }
    }

    #[test]
    fn a_client_cannot_choose_its_address() {
        let peer: IpAddr = "10.0.0.9".parse().unwrap();
        let mut headers = HeaderMap::new();
        for line in ["1.1.1.1, 2.2.2.2", "3.3.3.3"] {
            headers.append("x-forwarded-for", HeaderValue::from_static(line));
        }
        let of = |proxies| {
            guard(proxies)
                .address(peer, &headers)
                .map(|a| a.to_string())
        };
        assert_eq!(of(0).as_deref(), Some("10.0.0.9"));
        assert_eq!(of(1).as_deref(), Some("3.3.3.3"));
        assert_eq!(of(2).as_deref(), Some("2.2.2.2"));
        assert_eq!(of(4), None);
        assert_eq!(guard(1).address(peer, &HeaderMap::new()), None);
    }

    #[test]
    fn a_sandbox_answers_its_own_host_and_no_page() {
        let guard = guard(0);
        let mut headers = HeaderMap::new();
        assert!(guard.foreign(&headers));
        headers.insert(header::HOST, HeaderValue::from_static("127.0.0.1:4711"));
        assert!(!guard.foreign(&headers));
        headers.insert(header::ORIGIN, HeaderValue::from_static("http://evil.test"));
        assert!(guard.foreign(&headers));
    }
}
