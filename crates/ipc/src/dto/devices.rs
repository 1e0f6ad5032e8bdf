//! Devices of a channel, one install, and the update server that counts them.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::{NativeRow, PreviousRelease, ServerState};

/// Asks for the devices of a channel.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct DevicesRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit.
    pub unit: String,
    /// Channel.
    pub channel: String,
    /// `ios` or `android`; nothing = both.
    pub platform: Option<String>,
    /// Days to look back: 7 or 30.
    pub window_days: u32,
}

/// Devices of a channel.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Devices {
    /// How old the counts are.
    pub server: ServerState,
    /// Devices seen in the window.
    #[ts(type = "number")]
    pub total: u64,
    /// By what they run, newest release first, the embedded build last.
    pub releases: Vec<DeviceRelease>,
    /// By device client.
    pub clients: Vec<DeviceClient>,
    /// By native version, newest first.
    pub natives: Vec<NativeRow>,
}

/// Devices on one release.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct DeviceRelease {
    /// The release; nothing = the embedded build.
    pub release: Option<PreviousRelease>,
    /// "rolling out at 25 %", "base", "not served any more", "store 4.2.0 and 4.1.2".
    pub says: String,
    /// Devices.
    #[ts(type = "number")]
    pub devices: u64,
}

/// Devices with one client.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct DeviceClient {
    /// `headgate`, `capgo`, `ionic`, `cordova`.
    pub dialect: String,
    /// Version of its plugin; nothing for the sum of all versions.
    pub version: Option<String>,
    /// "Capgo updater".
    pub label: String,
    /// What it verifies and reports: "Checks bytes only, reports every step".
    pub says: String,
    /// `good`, `trusts_server`, `watch`, `risky`.
    pub state: String,
    /// Devices.
    #[ts(type = "number")]
    pub devices: u64,
}

/// Asks for one install.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct InstallRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit.
    pub unit: String,
    /// Install id, as its owner reads it out.
    pub install: String,
}

/// Asks what a device would get: the same rule as the server and the devices, computed here.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct SimulateRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit.
    pub unit: String,
    /// Channel, or an alias that devices send.
    pub channel: String,
    /// `ios` or `android`.
    pub platform: String,
    /// Native version.
    pub native: String,
    /// Install id, if it sends one.
    pub install: Option<String>,
    /// Build that it runs; nothing = the embedded one.
    pub running: Option<u32>,
}

/// What a device gets, and why.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct OfferAnswer {
    /// `release`, `up_to_date`, `embedded`, `nothing`.
    pub offer: String,
    /// "Gets 4.2.4, build 1301".
    pub says: String,
    /// "because it is in the 25 % group and its native version is in range".
    pub because: String,
    /// Code of the reason for nothing.
    pub why: Option<String>,
    /// What was looked at, in order: the channel, the native version, the share point, the embedded build, each part.
    pub trace: Vec<TraceLine>,
}

/// A line of a trace.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct TraceLine {
    /// `yes`, `no`, `info`.
    pub state: String,
    /// "Share point 187 of 1,000: below 250, so in the group".
    pub says: String,
}

/// An install that the server knows.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct InstallView {
    /// Install id.
    pub install: String,
    /// Channel.
    pub channel: String,
    /// `headgate`, `capgo`, `ionic`, `cordova`.
    pub dialect: String,
    /// "Capgo updater 8.51.23".
    pub client: String,
    /// `ios` or `android`.
    pub platform: String,
    /// Native version.
    pub native: String,
    /// What it runs: `4.2.3, build 1294` or `the embedded build`.
    pub running: String,
    /// First check-in.
    pub first_seen: String,
    /// Day of the last check-in, `2026-11-26`.
    pub last_seen: String,
    /// What it would get now, as the server says.
    pub offer: OfferAnswer,
    /// What happened, newest first.
    pub events: Vec<InstallEventView>,
}

/// What happened on an install.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct InstallEventView {
    /// When.
    pub at: String,
    /// `4.2.4, build 1301`.
    pub release: String,
    /// `offered`, `downloaded`, `applied`, `confirmed`, `failed`, `rolled_back`.
    pub state: String,
    /// Why it failed, in words.
    pub reason: Option<String>,
}

/// Answer to a look-up.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Installs {
    /// Installs with this id, one a channel; empty when the server has not seen it.
    pub installs: Vec<InstallView>,
}

/// The update server of a workspace.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ServerLink {
    /// Address of its admin listener; nothing when none is connected.
    pub url: Option<String>,
    /// Address that devices ask; nothing when it is not known.
    pub public_url: Option<String>,
    /// The vault has a token for it.
    pub token: bool,
    /// It runs inside this console, for the sandbox.
    pub own: bool,
}

/// Connects the update server.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ServerRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// Address of its admin listener.
    pub url: String,
    /// Bearer token. Goes into the vault, nowhere else; empty = keep the one that is there.
    pub token: String,
}

/// What an app needs to ask this workspace's server, for each dialect.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ClientSetup {
    /// `headgate`, `capgo`, `ionic`, `cordova`.
    pub dialect: String,
    /// "Capgo updater".
    pub label: String,
    /// What the client verifies, and what it does not, in words.
    pub says: String,
    /// Channel that the snippet is for.
    pub channel: String,
    /// The exact text for `capacitor.config.ts`, or of what replaces it.
    pub config: String,
    /// Public key as PEM, where the channel has one.
    pub public_key: Option<String>,
    /// What was not tested, in words.
    pub untested: Option<String>,
}

/// Setups of all dialects for one channel.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct ClientSetups {
    /// Setups.
    pub setups: Vec<ClientSetup>,
}

/// Starts or stops the sandbox's simulated devices.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct FleetRequest {
    /// Workspace of the sandbox.
    pub workspace: String,
    /// Devices; 0 stops them.
    pub devices: u32,
    /// Share of the devices on which a release whose version says `bad` does not start, permille.
    pub failure_permille: u32,
}

/// The sandbox's simulated devices.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Fleet {
    /// Devices that run.
    pub devices: u32,
    /// Check-ins since they started.
    #[ts(type = "number")]
    pub checks: u64,
    /// Share of them on which a release whose version says `bad` does not start, permille.
    pub failure_permille: u32,
}
