//! What the plugin says of its device: the info object that every call carries.

use std::sync::Arc;

use headgate_core::Platform;
use headgate_core::plugins::CapgoVersion;
use serde_json::Value;

use super::super::request::{install, native, old_build, platform, text};
use super::name;
use crate::catalog::{ChannelServing, UnitServing};
use crate::check::Running;

/// The bundle in the native app, as plugins before 8.44.0 call it, and as the server calls it always.
pub(super) const BUILTIN: &str = "builtin";

/// The info object, with what cannot be used left out.
#[derive(Debug, Clone, Copy)]
pub(super) struct Info<'a> {
    /// `app_id`.
    pub(super) app: &'a str,
    /// `device_id`.
    pub(super) install: Option<&'a str>,
    /// `platform`.
    pub(super) platform: Option<Platform>,
    /// `platform` is that of the plugin for Electron.
    pub(super) electron: bool,
    /// `version_build`: the native version.
    pub(super) native: Option<&'a str>,
    /// `version_name`: what it runs, or what an event is about.
    pub(super) version_name: &'a str,
    /// `plugin_version`.
    pub(super) plugin: &'a str,
    /// `defaultChannel`.
    pub(super) channel: &'a str,
    /// `key_id`: sent when the app pins a key.
    pub(super) key: &'a str,
}

impl<'a> Info<'a> {
    pub(super) fn read(object: &'a Value) -> Self {
        let name = text(object, "platform");
        Self {
            app: text(object, "app_id"),
            install: install(text(object, "device_id")),
            platform: platform(name),
            electron: name == "electron",
            native: native(text(object, "version_build")),
            version_name: text(object, "version_name"),
            plugin: text(object, "plugin_version"),
            channel: text(object, "defaultChannel"),
            key: text(object, "key_id"),
        }
    }

    /// The plugin's version, if it is one.
    pub(super) fn version(&self) -> Option<CapgoVersion> {
        CapgoVersion::parse(self.plugin)
    }

    /// The plugin's version as it may be kept.
    pub(super) fn known_plugin(&self) -> Option<&'a str> {
        self.version().map(|_| self.plugin)
    }

    /// What the device runs. On the embedded bundle the name is `builtin`, or the native version since 8.44.0.
    pub(super) fn running(&self, unit: &UnitServing, channel: &ChannelServing) -> Running {
        if self.version_name == BUILTIN || Some(self.version_name) == self.native {
            return Running::Embedded;
        }
        match release(unit, channel, self.version_name) {
            Some(build) => Running::Build(build),
            None => fallen_out(unit, self.version_name),
        }
    }
}

/// The build of an approved release by its name: of this channel, or of another one that the device was on before.
pub(super) fn release(unit: &UnitServing, channel: &ChannelServing, text: &str) -> Option<u32> {
    let build = suffix(text)?;
    let others = unit.channels.values().map(Arc::as_ref);
    std::iter::once(channel)
        .chain(others)
        .filter_map(|c| c.releases.get(&build))
        .any(|r| name(r) == text)
        .then_some(build)
}

/// A release that is approved nowhere any more. A number that stands for other bytes now was given by another service.
fn fallen_out(unit: &UnitServing, text: &str) -> Running {
    let Some(build) = suffix(text) else {
        return Running::Unknown;
    };
    let taken = |c: &Arc<ChannelServing>| c.releases.contains_key(&build);
    if unit.channels.values().any(taken) {
        return Running::Unknown;
    }
    old_build(unit, build)
}

/// The build number at the end of a name, written as this server writes it.
fn suffix(text: &str) -> Option<u32> {
    let (_, metadata) = text.split_once('+')?;
    let digits = metadata.rsplit('.').next()?;
    let build: u32 = digits.parse().ok()?;
    (build.to_string() == digits).then_some(build)
}
