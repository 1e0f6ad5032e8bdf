//! `POST /capgo/updates`: the update check.

use axum::body::Body;
use axum::extract::State;
use axum::response::Response;
use headgate_core::status::Dialect;

use super::super::request::{Network, json};
use super::MAX_BODY;
use super::answer::{Answer, Kind};
use super::delivery::Delivery;
use super::info::Info;
use crate::check::{CheckIn, Reply};
use crate::state::AppState;

pub(super) async fn check(
    State(state): State<AppState>,
    Network(network): Network,
    body: Body,
) -> Response {
    let Some(body) = json(body, MAX_BODY).await else {
        return Answer::no(
            Kind::Failed,
            "missing_info",
            "The request is no JSON object of a device.",
            "",
        );
    };
    let info = Info::read(&body);
    let no = |kind, error, message: &str| Answer::no(kind, error, message, info.version_name);

    let catalog = state.catalog();
    let Some(unit) = catalog.any_unit(info.app) else {
        return no(
            Kind::Failed,
            "no_channel",
            "This server has no app with this app_id.",
        );
    };
    let Some(channel) = unit.channel(info.channel) else {
        return no(
            Kind::Failed,
            "no_channel",
            "This app has no channel of this name.",
        );
    };
    if info.electron {
        return no(
            Kind::Blocked,
            "disabled_platform_electron",
            "Releases are made for iOS and Android.",
        );
    }
    let Some(platform) = info.platform else {
        return no(
            Kind::Failed,
            "missing_info",
            "The platform is neither ios nor android.",
        );
    };
    let Some(native) = info.native else {
        return no(
            Kind::Failed,
            "unknown_version_build",
            "version_build is no native version.",
        );
    };
    if info.version_name.is_empty() {
        return no(Kind::Failed, "missing_info", "version_name is missing.");
    }

    let check = CheckIn {
        dialect: Dialect::Capgo,
        install: info.install,
        platform,
        native,
        plugin: info.known_plugin(),
        running: info.running(unit, channel),
        earlier: None,
        network,
    };
    let reply = state.check_delivering(unit, channel, &check, |release| {
        Delivery::find(channel, release, &info).map(|_| ())
    });
    match reply {
        Reply::Release(release) => match Delivery::find(channel, &release, &info) {
            Ok(delivery) => Answer::release(delivery.offer(&unit.registry, &state.public_url)),
            Err(why) => nothing(&info, why),
        },
        Reply::Embedded => Answer::embedded(),
        Reply::UpToDate => nothing(&info, "up_to_date"),
        Reply::Nothing(why) => nothing(&info, &why),
    }
}

/// Why there is nothing, in the words that Capgo's own server has for it. What passes by itself is "up to date": a
/// device that is merely not in the share yet must not report a failure.
fn nothing(info: &Info<'_>, why: &str) -> Response {
    let (kind, error, message) = match why {
        "up_to_date" => (
            Kind::UpToDate,
            "no_new_version_available",
            "No new version available",
        ),
        "nothing_served" => (
            Kind::UpToDate,
            "no_new_version_available",
            headgate_core::Why::NothingServed.text(),
        ),
        "not_in_share" => (
            Kind::UpToDate,
            "no_new_version_available",
            headgate_core::Why::NotInShare.text(),
        ),
        "halted" => (
            Kind::UpToDate,
            "no_new_version_available",
            headgate_core::Why::Halted.text(),
        ),
        "native_version" => (
            Kind::Blocked,
            "disable_auto_update_to_metadata",
            headgate_core::Why::NativeVersion.text(),
        ),
        "older_than_embedded" => (
            Kind::Blocked,
            "disable_auto_update_under_native",
            headgate_core::Why::OlderThanEmbedded.text(),
        ),
        "key_id_mismatch" => (
            Kind::Blocked,
            "key_id_mismatch",
            "The app does not pin the key that this channel signs with.",
        ),
        "not_signed" => (
            Kind::Blocked,
            "not_signed",
            "The channel has a key, but this release was not signed with it for this plugin.",
        ),
        "unsupported_plugin_version" => (
            Kind::Blocked,
            "unsupported_plugin_version",
            "This version of the plugin cannot take how the release is delivered.",
        ),
        "no_bundle_url" => (
            Kind::Blocked,
            "no_bundle_url",
            "The release is stored in no form that this plugin can take.",
        ),
        "stale" => (
            Kind::Blocked,
            "stale",
            "What the channel serves is no longer signed as current.",
        ),
        "unapproved" => (
            Kind::Blocked,
            "unapproved",
            headgate_core::Why::Unapproved.text(),
        ),
        _ => (
            Kind::Blocked,
            "withheld",
            "The server cannot verify what this channel serves.",
        ),
    };
    Answer::no(kind, error, message, info.version_name)
}
