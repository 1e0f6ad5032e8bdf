//! `GET /apps/{id}/snapshots/{sid}/manifest_v2` and `/download`: from a snapshot to its bytes.

use std::sync::Arc;

use axum::extract::{Path, State};
use axum::http::Uri;
use axum::response::Response;
use headgate_core::clients::IONIC_MANIFEST;
use headgate_core::ionic::{CORDOVA_MANIFEST, is_href};
use percent_encoding::{NON_ALPHANUMERIC, utf8_percent_encode};

use super::super::reply::{IMMUTABLE, redirect, with_query};
use super::check::Flavour;
use super::not_found;
use crate::catalog::{Catalog, ChannelServing, ReleaseServing, UnitServing};
use crate::state::AppState;

/// Query: the channel that a snapshot was offered on.
pub(super) const CHANNEL: &str = "channel";
/// Query: which plugin the manifest is for.
pub(super) const PLUGIN: &str = "plugin";

/// Whether a release can be had in a flavour.
///
/// # Errors
/// `no_flavour` when it is not stored so, or not signed where the channel has a key that the client verifies.
pub(super) fn deliverable(
    channel: &ChannelServing,
    release: &ReleaseServing,
    flavour: Flavour,
) -> Result<(), &'static str> {
    let ionic = release.clients.as_ref().and_then(|c| c.ionic.as_ref());
    let single_files =
        release.files.is_some() && release.inventory.files.iter().all(|f| is_href(&f.path));
    let there = match flavour {
        Flavour::Zip => ionic.is_some_and(|i| i.zip.is_some()),
        Flavour::Cordova => single_files,
        Flavour::Differential if channel.rsa.is_some() => {
            single_files && release.ionic_manifest.is_some()
        }
        Flavour::Differential => single_files,
    };
    if there { Ok(()) } else { Err("no_flavour") }
}

/// A snapshot that a device was sent to.
pub(super) struct Found {
    pub(super) unit: Arc<UnitServing>,
    pub(super) channel: Arc<ChannelServing>,
    pub(super) release: Arc<ReleaseServing>,
}

/// Finds a snapshot: on the channel that the address names, else on any, the last channel first.
pub(super) fn find(catalog: &Catalog, app: &str, snapshot: &str, query: &str) -> Option<Found> {
    let unit = catalog.any_unit(app)?;
    let named = url::form_urlencoded::parse(query.as_bytes())
        .find(|(key, _)| key == CHANNEL)
        .map(|(_, name)| name.into_owned());
    let names: Vec<&str> = match &named {
        Some(name) => vec![name],
        None => unit.order.iter().rev().map(|n| n.as_str()).collect(),
    };
    let snapshot = snapshot.to_ascii_lowercase();
    names.into_iter().find_map(|name| {
        let channel = unit.channels.get(name)?;
        let release = channel.by_snapshot(&snapshot)?;
        Some(Found {
            unit: Arc::clone(unit),
            channel: Arc::clone(channel),
            release: Arc::clone(release),
        })
    })
}

/// Redirects to the manifest itself, under which every `href` resolves.
pub(super) async fn manifest(
    State(state): State<AppState>,
    Path((app, snapshot)): Path<(String, String)>,
    uri: Uri,
) -> Response {
    let query = uri.query().unwrap_or_default();
    let Some(found) = find(&state.catalog(), &app, &snapshot, query) else {
        return not_found("This server has no such snapshot.");
    };
    let cordova = url::form_urlencoded::parse(query.as_bytes())
        .any(|(key, value)| key == PLUGIN && value == "cordova");
    let (flavour, name) = if cordova {
        (Flavour::Cordova, CORDOVA_MANIFEST)
    } else {
        (Flavour::Differential, IONIC_MANIFEST)
    };
    if deliverable(&found.channel, &found.release, flavour).is_err() {
        return not_found("The snapshot does not exist as single files.");
    }
    let app = utf8_percent_encode(&app, NON_ALPHANUMERIC);
    let snapshot = &found.release.snapshot;
    let to = format!(
        "{}/apps/{app}/snapshots/{snapshot}/files/{name}",
        state.public_url
    );
    to_address(with_query(to, uri.query()))
}

/// Redirects to the zip.
pub(super) async fn zip(
    State(state): State<AppState>,
    Path((app, snapshot)): Path<(String, String)>,
    uri: Uri,
) -> Response {
    let query = uri.query().unwrap_or_default();
    let found = find(&state.catalog(), &app, &snapshot, query);
    let object = found.as_ref().and_then(|found| {
        let zip = found
            .release
            .clients
            .as_ref()?
            .ionic
            .as_ref()?
            .zip
            .as_ref()?;
        let objects = &found.unit.registry.objects;
        Some(format!("{objects}/variants/{}", zip.sha256))
    });
    match object {
        Some(to) => to_address(with_query(to, uri.query())),
        None => not_found("The snapshot does not exist as one zip."),
    }
}

/// An immutable redirect.
pub(super) fn to_address(to: String) -> Response {
    redirect(&to, IMMUTABLE).unwrap_or_else(|| not_found("The address of the object is none."))
}
