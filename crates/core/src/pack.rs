//! Headgate's own dialect: the pack that a device reads in one request, and the report that it sends.
//!
//! A pack holds exact bytes of registry files and is believed no more than the storage that they come from: a device
//! verifies it from its pinned root as it would verify the registry.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::native::Platform;
use crate::status::DeviceState;
use crate::text::check_text;
use crate::{Code, Problem, Result};

/// Value of [`Pack::format`].
pub const FORMAT: &str = "headgate-pack-1";
/// Largest pack that a device reads, bytes.
pub const MAX_PACK: usize = 4 << 20;
/// Largest report that a server reads, bytes.
pub const MAX_REPORT: usize = 64 * 1024;
/// Most events in one report.
pub const MAX_EVENTS: usize = 100;

/// Everything that a device needs to decide on one channel: `GET /headgate/{app}/packs/{channel}.json`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pack {
    /// [`FORMAT`].
    pub format: String,
    /// Where bundles, inventories and files lie, without a slash at the end.
    pub objects: String,
    /// Registry files by key, `metadata/timestamp.json`: every root from 2 on, timestamp, snapshot, targets, the roles
    /// of the channel, and every document that they list. All of them are canonical JSON, so they are text.
    pub files: BTreeMap<String, String>,
}

impl Pack {
    /// Reads a pack. Says nothing about what its files are worth.
    ///
    /// # Errors
    /// `trust.format` when it is too large, no pack, or of another format.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let bad = |why: String| Problem::new(Code::TrustFormat, format!("Pack: {why}"));
        if bytes.len() > MAX_PACK {
            return Err(bad(format!("longer than {MAX_PACK} bytes")));
        }
        let pack: Self = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
        if pack.format != FORMAT {
            return Err(bad(format!("its format is {:?}", pack.format)));
        }
        Ok(pack)
    }
}

/// A check-in with what happened since the last one: `POST /headgate/{app}/events`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EventReport {
    /// Install id, chosen by the app. Nothing else in the report is about a person.
    pub install: String,
    /// Channel, or an alias of it.
    pub channel: String,
    /// Operating system.
    pub platform: Platform,
    /// Native version.
    pub native: String,
    /// Version of the client.
    pub client: String,
    /// Build that it runs; nothing = the embedded build.
    #[serde(default)]
    pub running: Option<u32>,
    /// What happened, oldest first.
    #[serde(default)]
    pub events: Vec<DeviceEvent>,
}

/// What happened to a release on a device.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct DeviceEvent {
    /// Build.
    pub build: u32,
    /// [`crate::RolloutDocument::attempt`] of the rollout that offered it.
    pub attempt: String,
    /// How far it came.
    pub state: DeviceState,
    /// Why it failed: a code.
    #[serde(default)]
    pub reason: Option<String>,
    /// By the device's clock, Unix seconds.
    pub at: i64,
}

impl EventReport {
    /// Reads a report.
    ///
    /// # Errors
    /// `usage.argument` with the field.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let bad = |why: String| Problem::new(Code::UsageArgument, format!("Report: {why}"));
        if bytes.len() > MAX_REPORT {
            return Err(bad(format!("longer than {MAX_REPORT} bytes")));
        }
        let report: Self = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
        if report.events.len() > MAX_EVENTS {
            return Err(bad(format!("more than {MAX_EVENTS} events")));
        }
        check_text("install", &report.install, 64)?;
        check_text("channel", &report.channel, 100)?;
        check_text("native", &report.native, 64)?;
        check_text("client", &report.client, 64)?;
        for event in &report.events {
            check_text("attempt", &event.attempt, 40)?;
            event
                .reason
                .as_ref()
                .map_or(Ok(()), |r| check_text("reason", r, 64))?;
            if event.build == 0 {
                return Err(bad("build numbers start at 1".into()));
            }
        }
        Ok(report)
    }
}
