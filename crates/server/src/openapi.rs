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

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::sync::Arc;

    use axum::body::Body;
    use axum::http::{Method, Request, StatusCode, header};
    use headgate_tuf::UtcTime;
    use tower::ServiceExt as _;

    use super::*;
    use crate::serve::{device_router, operator_router};
    use crate::source::{Pace, Sources};
    use crate::state::AppState;
    use crate::telemetry::NoTelemetry;

    const TOKEN: &str = "0123456789abcdef";
    const METHODS: [Method; 4] = [Method::GET, Method::POST, Method::PUT, Method::DELETE];

    fn routers() -> [Router; 2] {
        let clock = Arc::new(|| UtcTime::from_unix(1_780_300_800));
        let state = AppState::new(Arc::new(NoTelemetry::default()), "https://ota.test", clock);
        let sources = Sources::new(state.clone(), Vec::new(), Pace::default()).unwrap();
        let operators = operator_router(&state, &sources, TOKEN);
        [device_router(&state, &sources), operators]
    }

    /// Paths of a router, which it names when it is printed and nowhere else.
    fn paths(router: &Router) -> BTreeSet<String> {
        let printed = format!("{router:?}");
        let quoted = printed.split('"').skip(1).step_by(2);
        quoted
            .filter(|text| text.starts_with('/'))
            // Routes of axum's own, for what no route of ours takes.
            .filter(|text| *text != "/" && !text.contains("__private__"))
            .map(|path| path.replace("{*", "{"))
            .collect()
    }

    /// The path with something in place of its parameters.
    fn sample(path: &str) -> String {
        let parts = path.split('/');
        let parts = parts.map(|part| if part.starts_with('{') { "x" } else { part });
        parts.collect::<Vec<_>>().join("/")
    }

    async fn served(router: &Router) -> BTreeSet<(String, Method)> {
        let mut served = BTreeSet::new();
        for path in paths(router) {
            for method in METHODS {
                let request = Request::builder()
                    .method(method.clone())
                    .uri(sample(&path))
                    .header(header::AUTHORIZATION, format!("Bearer {TOKEN}"))
                    .body(Body::empty())
                    .unwrap();
                let response = router.clone().oneshot(request).await.unwrap();
                if response.status() != StatusCode::METHOD_NOT_ALLOWED {
                    served.insert((path.clone(), method));
                }
            }
        }
        served
    }

    #[tokio::test]
    async fn every_route_is_described_and_nothing_else() {
        let mut routes = BTreeSet::new();
        for router in routers() {
            let served = served(&router).await;
            assert!(served.len() > 5, "{served:?}");
            routes.extend(served);
        }
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        let mut described = BTreeSet::new();
        for (path, methods) in document["paths"].as_object().unwrap() {
            for method in methods.as_object().unwrap().keys() {
                let method = method.to_uppercase().parse::<Method>().unwrap();
                described.insert((path.clone(), method));
            }
        }
        assert_eq!(routes, described);
    }

    #[test]
    fn every_reference_leads_somewhere_and_ids_are_unique() {
        let document: Value = serde_json::from_str(DOCUMENT).unwrap();
        for part in DOCUMENT.split("\"#/").skip(1) {
            let pointer = format!("/{}", part.split('"').next().unwrap());
            assert!(document.pointer(&pointer).is_some(), "{pointer}");
        }
        let mut ids = BTreeSet::new();
        for methods in document["paths"].as_object().unwrap().values() {
            for operation in methods.as_object().unwrap().values() {
                let id = operation["operationId"].as_str().unwrap();
                assert!(ids.insert(id.to_owned()), "{id}");
                assert!(
                    !operation["responses"].as_object().unwrap().is_empty(),
                    "{id}"
                );
            }
        }
    }

    #[test]
    fn the_address_is_the_servers_own() {
        let document: Value = serde_json::from_str(&super::document("https://ota.test")).unwrap();
        assert_eq!(document["servers"][0]["url"], "https://ota.test");
    }
}
