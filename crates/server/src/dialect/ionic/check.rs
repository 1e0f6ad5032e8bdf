//! `POST /apps/{id}/channels/check-device`.

use std::sync::Arc;

use axum::body::Body;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use axum::response::Response;
use headgate_core::status::Dialect;
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};
use serde::Serialize;
use serde_json::Value;

use super::super::reply;
use super::super::request::{
    Network, install, json as read_json, native, old_build, platform, text,
};
use super::snapshot::{CHANNEL, PLUGIN, deliverable};
use super::{MAX_BODY, Meta, meta, not_found, refuse};
use crate::catalog::{ReleaseServing, UnitServing};
use crate::check::{CheckIn, Reply, Running};
use crate::state::AppState;

/// What the client takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Flavour {
    /// One zip with its manifest inside.
    Zip,
    /// The manifest with its files beside it.
    Differential,
    /// The plain array of cordova-plugin-ionic.
    Cordova,
}

impl Flavour {
    fn of(body: &Value) -> Self {
        let portals = body.get("is_portals").is_some_and(Value::is_boolean);
        let manifest = body.get("manifest").and_then(Value::as_bool);
        match (portals, manifest) {
            (false, _) => Self::Cordova,
            (true, Some(false)) => Self::Zip,
            (true, _) => Self::Differential,
        }
    }

    fn dialect(self) -> Dialect {
        match self {
            Self::Cordova => Dialect::Cordova,
            Self::Zip | Self::Differential => Dialect::Ionic,
        }
    }
}

pub(super) async fn check(
    State(state): State<AppState>,
    Path(app): Path<String>,
    Network(network): Network,
    body: Body,
) -> Response {
    let bad = |message: &str| refuse(StatusCode::BAD_REQUEST, "invalid_request", message);
    let Some(body) = read_json(body, MAX_BODY).await else {
        return bad("The request is no JSON object of a device.");
    };
    let catalog = state.catalog();
    let Some(unit) = catalog.any_unit(&app) else {
        return not_found("This server has no app with this id.");
    };
    let name = text(&body, "channel_name");
    let Some(channel) = unit.channel(name) else {
        return not_found("This app has no channel of this name. Names are read in exact case.");
    };
    let device = body.get("device").unwrap_or(&Value::Null);
    let Some(platform) = platform(text(device, "platform")) else {
        return bad("device.platform is neither ios nor android.");
    };
    let Some(native) = native(text(device, "binary_version")) else {
        return bad("device.binary_version is no native version.");
    };
    let flavour = Flavour::of(&body);
    let plugin = text(&body, "plugin_version");
    let check = CheckIn {
        dialect: flavour.dialect(),
        install: install(text(device, "device_id")),
        platform,
        native,
        plugin: is_version(plugin).then_some(plugin),
        running: running(unit, device),
        earlier: None,
        network,
    };
    let reply = state.check_delivering(unit, channel, &check, |release| {
        deliverable(channel, release, flavour)
    });
    match reply {
        Reply::Release(release) => {
            let place = Place {
                public_url: &state.public_url,
                app: &app,
                channel: channel.channel.as_str(),
            };
            offer(&place, &release, flavour)
        }
        Reply::UpToDate => nothing(false),
        // These clients keep what they run until they get a release.
        Reply::Embedded => nothing(false),
        Reply::Nothing(why) => {
            tracing::debug!(%app, channel = %channel.channel, %why, "nothing for a device");
            nothing(why == "native_version")
        }
    }
}

struct Place<'a> {
    public_url: &'a str,
    app: &'a str,
    channel: &'a str,
}

fn offer(place: &Place<'_>, release: &ReleaseServing, flavour: Flavour) -> Response {
    let Place {
        public_url,
        app,
        channel,
    } = place;
    let app = utf8_percent_encode(app, NON_ALPHANUMERIC);
    let snapshot = &release.snapshot;
    let (part, plugin) = match flavour {
        Flavour::Zip => ("download", String::new()),
        Flavour::Differential => ("manifest_v2", String::new()),
        Flavour::Cordova => ("manifest_v2", format!("&{PLUGIN}=cordova")),
    };
    let url =
        format!("{public_url}/apps/{app}/snapshots/{snapshot}/{part}?{CHANNEL}={channel}{plugin}");
    answer(Data {
        available: true,
        compatible: true,
        snapshot: Some(snapshot),
        build: Some(release.manifest.build),
        url: Some(&url),
        ..Data::default()
    })
}

/// Nothing; `incompatible` when there is a release, but not for this native version.
fn nothing(incompatible: bool) -> Response {
    answer(Data {
        incompatible,
        ..Data::default()
    })
}

/// What both clients read of an answer. Every field is always there.
#[derive(Serialize, Default)]
struct Data<'a> {
    available: bool,
    compatible: bool,
    partial: bool,
    snapshot: Option<&'a str>,
    /// A number, as Ionic's own sample server answers it; the device sends it back as a text.
    build: Option<u32>,
    url: Option<&'a str>,
    #[serde(rename = "incompatibleUpdateAvailable")]
    incompatible: bool,
}

#[derive(Serialize)]
struct Answer<'a> {
    data: Data<'a>,
    meta: Meta,
}

fn answer(data: Data<'_>) -> Response {
    let meta = meta(StatusCode::OK);
    reply::json(StatusCode::OK, &Answer { data, meta })
}

/// What the device runs, by snapshot; by build number where the release is approved nowhere any more.
fn running(unit: &UnitServing, device: &Value) -> Running {
    let snapshot = text(device, "snapshot").to_ascii_lowercase();
    let build = match device.get("build") {
        Some(Value::String(text)) => text.parse::<u32>().ok(),
        Some(Value::Number(number)) => number.as_u64().and_then(|n| u32::try_from(n).ok()),
        _ => None,
    };
    if snapshot.is_empty() {
        return Running::Embedded;
    }
    let channels = || unit.channels.values().map(Arc::as_ref);
    if let Some(release) = channels().find_map(|c| c.by_snapshot(&snapshot)) {
        return Running::Build(release.manifest.build);
    }
    match build {
        // Another snapshot under a number of ours is an update of another service.
        Some(build) if !channels().any(|c| c.releases.contains_key(&build)) => {
            old_build(unit, build)
        }
        _ => Running::Unknown,
    }
}

/// A version that may be kept: digits and dots, as both clients send.
fn is_version(text: &str) -> bool {
    (1..=20).contains(&text.len()) && text.bytes().all(|b| b.is_ascii_digit() || b == b'.')
}
