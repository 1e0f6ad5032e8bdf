//! Reading what devices send: bounded, tolerant, and nothing of it believed.

use std::convert::Infallible;
use std::net::{IpAddr, SocketAddr};

use axum::body::{Body, to_bytes};
use axum::extract::{ConnectInfo, FromRequestParts};
use axum::http::request::Parts;
use headgate_core::Platform;
use serde_json::Value;

use crate::UnitServing;
use crate::check::Running;

/// Longest id, version or channel name that is looked at.
const MAX_TEXT: usize = 128;
/// Longest install id that is kept.
const MAX_INSTALL: usize = 64;
/// Longest native version that is looked at, as in [`headgate_core::native`].
const MAX_NATIVE: usize = 64;

/// Where a request comes from, as far as the listener says.
pub(crate) struct Network(pub(crate) Option<IpAddr>);

impl<S: Send + Sync> FromRequestParts<S> for Network {
    type Rejection = Infallible;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Self, Infallible> {
        let info = parts.extensions.get::<ConnectInfo<SocketAddr>>();
        Ok(Self(info.map(|ConnectInfo(address)| address.ip())))
    }
}

/// A JSON body of at most `max` bytes; nothing when it is longer, cut, no JSON or nested too deeply.
pub(crate) async fn json(body: Body, max: usize) -> Option<Value> {
    let bytes = to_bytes(body, max).await.ok()?;
    serde_json::from_slice(&bytes).ok()
}

/// A text of an object; empty when it is missing, no text, or longer than anything that is of use.
pub(crate) fn text<'a>(object: &'a Value, key: &str) -> &'a str {
    let text = object.get(key).and_then(Value::as_str).unwrap_or_default();
    if text.len() > MAX_TEXT { "" } else { text }
}

/// An install id that may be kept: visible ASCII, of some length.
pub(crate) fn install(id: &str) -> Option<&str> {
    let fits = (1..=MAX_INSTALL).contains(&id.len());
    (fits && id.bytes().all(|b| b.is_ascii_graphic())).then_some(id)
}

/// A native version that may be kept. What is none is in no range, but counts would be made for it.
pub(crate) fn native(version: &str) -> Option<&str> {
    let fits = (1..=MAX_NATIVE).contains(&version.len());
    let visible = |b: u8| b.is_ascii_graphic() || b == b' ';
    (fits && version.bytes().all(visible)).then_some(version)
}

/// The operating system.
pub(crate) fn platform(name: &str) -> Option<Platform> {
    match name {
        "ios" => Some(Platform::Ios),
        "android" => Some(Platform::Android),
        _ => None,
    }
}

/// A build that a device says it runs: one that exists, or one that existed before the newest. Other numbers are
/// nothing that this unit ever served, and would be counted for nothing.
pub(crate) fn old_build(unit: &UnitServing, build: u32) -> Running {
    let newest = unit
        .channels
        .values()
        .filter_map(|c| c.releases.keys().next_back())
        .max();
    match newest {
        Some(newest) if build >= 1 && build <= *newest => Running::Build(build),
        _ => Running::Unknown,
    }
}
