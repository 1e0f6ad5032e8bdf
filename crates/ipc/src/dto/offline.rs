//! The offline workstation. Everything that is shown of a request is derived in Rust from the bytes to be signed.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::app::IpcError;
use super::approval::SignedRoleView;

/// What the workstation knows.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct OfflineState {
    /// Pinned roots.
    pub roots: Vec<OfflineRoot>,
    /// Keys that are recorded here.
    pub keys: Vec<OfflineKey>,
    /// RSA keys for plugins that are recorded here.
    pub rsa: Vec<OfflineRsa>,
    /// Folder that requests come from; nothing when none was chosen.
    pub folder: Option<OfflineFolder>,
    /// The answer that was given last.
    pub last: Option<OfflineAnswer>,
    /// Name of the keychain of this computer.
    pub keychain: String,
}

/// A folder, often a USB drive.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct OfflineFolder {
    /// Its name.
    pub name: String,
    /// Where it is, for people.
    pub path: String,
    /// It can be read now.
    pub here: bool,
}

/// An owner of a root.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct OfflineOwner {
    /// Name of the key.
    pub name: String,
    /// Who holds it.
    pub holder: String,
    /// Id of the key.
    pub id: String,
}

/// A root of trust.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct OfflineRoot {
    /// Handle of the picked file; empty for a pinned one.
    pub handle: String,
    /// App identifier.
    pub app: String,
    /// Name of the app.
    pub name: String,
    /// SHA-256 of the file.
    pub fingerprint: String,
    /// 132 bits of it as 12 words.
    pub words: Vec<String>,
    /// Owners.
    pub owners: Vec<OfflineOwner>,
    /// Signatures that a new root needs.
    pub threshold: u32,
    /// When it was made.
    pub made: String,
    /// It is pinned here.
    pub pinned: bool,
}

/// The picked root, or nothing when the dialog was cancelled.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OfflinePickedRoot {
    /// The root.
    pub root: Option<OfflineRoot>,
}

/// Pins a root.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OfflinePin {
    /// Handle from [`OfflineRoot`].
    pub handle: String,
    /// The app identifier, as the person typed it after comparing the words.
    pub typed: String,
}

/// A key of this workstation.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct OfflineKey {
    /// Its id.
    pub id: String,
    /// Its id in words.
    pub words: Vec<String>,
    /// Its name.
    pub name: String,
    /// Its public half, 64 hex digits.
    pub public: String,
    /// `os` or `file`.
    pub vault: String,
    /// When it was made or imported here.
    pub created: String,
    /// Its public half as a QR code.
    pub qr: Option<super::approval::QrSquares>,
}

/// An RSA key of this workstation, for the plugins in a channel's apps.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct OfflineRsa {
    /// SHA-256 of its public half.
    pub sha256: String,
    /// 132 bits of it as 12 words.
    pub words: Vec<String>,
    /// Its name.
    pub name: String,
    /// `os` or `file`.
    pub vault: String,
    /// When it was made or imported here.
    pub created: String,
}

/// What is made for plugins here, before the role that lists it is signed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct OfflineToMake {
    /// Channel.
    pub channel: String,
    /// Build number.
    pub build: u32,
    /// Name of the RSA key, from the signed settings.
    pub key: String,
    /// Where this workstation has it, `os` or `file`; nothing when it does not.
    pub vault: Option<String>,
    /// SHA-256 of the bundle that is signed.
    pub bundle: String,
    /// "its bundle is signed for Capgo plugins with the RSA key ‘production apps’"
    pub says: String,
}

/// Makes a key, or takes one from a file that a native dialog picks.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct OfflineKeyNew {
    /// Its name.
    pub name: String,
    /// `os` or `file`.
    pub vault: String,
    /// Passphrase of the vault file; nothing for the keychain.
    pub passphrase: Option<String>,
    /// Passphrase of the exported key's file, for an import; nothing for a PEM file.
    pub file_passphrase: Option<String>,
    /// Makes an RSA key for the plugins in a channel's apps. What is imported says itself what it is.
    pub rsa: bool,
}

/// The key, or nothing when the dialog was cancelled.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OfflineMadeKey {
    /// A key for roles.
    pub key: Option<OfflineKey>,
    /// An RSA key for plugins.
    pub rsa: Option<OfflineRsa>,
}

/// Names a key.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OfflineKeyRef {
    /// Its id.
    pub id: String,
}

/// Requests of the folder and from pictures.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct OfflineRequests {
    /// Folder that was read.
    pub folder: Option<OfflineFolder>,
    /// When.
    pub read_at: String,
    /// Requests, those to sign first.
    pub list: Vec<OfflineRequest>,
    /// Why the folder could not be read.
    pub problem: Option<IpcError>,
}

/// A request in the list.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct OfflineRequest {
    /// Opaque handle; stays the same while its file does.
    pub handle: String,
    /// Name of the file.
    pub file: String,
    /// `to_sign`, `signed`, `refused`, `expired` or `unreadable`.
    pub standing: String,
    /// What it does, derived from its signed bytes.
    pub title: String,
    /// The app.
    pub app: String,
    /// Who asks, in their own words.
    pub by: String,
    /// When, in their own words.
    pub created: Option<String>,
    /// Why it cannot be shown.
    pub problem: Option<IpcError>,
}

/// Names a request.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OfflineRef {
    /// Handle from [`OfflineRequest`].
    pub handle: String,
}

/// The request in a picture, or nothing when the dialog was cancelled.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OfflineScanned {
    /// Handle of the request.
    pub handle: Option<String>,
}

/// Something that speaks against signing.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OfflineAlarm {
    /// Kind.
    pub kind: String,
    /// What is wrong; confirmed by this text.
    pub text: String,
}

/// The release that is newly listed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct OfflineRelease {
    /// Version.
    pub version: String,
    /// Build number.
    pub build: u32,
    /// Unit.
    pub unit: String,
    /// Native versions.
    pub native: String,
    /// Commit.
    pub commit: Option<String>,
    /// SHA-256 of the bundle.
    pub bundle: String,
    /// 132 bits of it as 12 words.
    pub words: Vec<String>,
    /// `absent`, `matches` or `differs`.
    pub verdict: String,
    /// The verdict in words.
    pub says: String,
}

/// One file that differs.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OfflineFile {
    /// Path.
    pub path: String,
    /// `added`, `removed` or `changed`.
    pub change: String,
    /// Bytes more or fewer.
    pub delta: i64,
}

/// Files against an earlier release.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct OfflineChanges {
    /// Version of the earlier release.
    pub version: String,
    /// When it was signed here; nothing when it was not.
    pub signed_here: Option<String>,
    /// Added files.
    pub added: usize,
    /// Removed files.
    pub removed: usize,
    /// Changed files.
    pub changed: usize,
    /// Files with the same content.
    pub identical: usize,
    /// All that differ, the largest differences first; at most 2,000.
    pub files: Vec<OfflineFile>,
}

/// A request, as it is shown before it is signed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct OfflineReview {
    /// Handle of the request.
    pub handle: String,
    /// SHA-256 of the file that is shown.
    pub sha256: String,
    /// What it does.
    pub title: String,
    /// App identifier.
    pub app: String,
    /// Name of the app.
    pub name: String,
    /// Who asks, in their own words.
    pub by: String,
    /// Why, in their own words.
    pub reason: String,
    /// When, in their own words.
    pub created: String,
    /// Until when they want it.
    pub expires: String,
    /// Roles.
    pub roles: Vec<SignedRoleView>,
    /// What speaks against it.
    pub alarms: Vec<OfflineAlarm>,
    /// The newest release that it newly lists.
    pub release: Option<OfflineRelease>,
    /// Its files.
    pub changes: Option<OfflineChanges>,
    /// What is made for plugins here before it is signed.
    pub clients: Vec<OfflineToMake>,
    /// Clients documents that were made here for it before.
    pub made: usize,
    /// Keys of this workstation that count for it.
    pub keys: Vec<OfflineKey>,
    /// They have all signed already.
    pub signed: bool,
    /// Enough people have signed.
    pub complete: bool,
    /// The answer that was given last.
    pub answer: Option<OfflineAnswer>,
}

/// Signs what was shown.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OfflineSign {
    /// Handle of the request.
    pub handle: String,
    /// SHA-256 of the file that was shown.
    pub sha256: String,
    /// Texts of the alarms that the person confirmed one by one.
    pub accept: Vec<String>,
    /// Id of the key; empty where what is made for plugins is all.
    pub key: String,
    /// Passphrase of the vault file; nothing for the keychain.
    pub passphrase: Option<String>,
    /// How the answer goes back: `file` or `qr`.
    pub to: String,
}

/// Answers that a request is not signed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OfflineRefuse {
    /// Handle of the request.
    pub handle: String,
    /// Why.
    pub reason: String,
    /// How the answer goes back: `file` or `qr`.
    pub to: String,
}

/// An answer that was given.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct OfflineAnswer {
    /// Id of the request.
    pub request: String,
    /// What the request does.
    pub title: String,
    /// `signed` or `refused`.
    pub did: String,
    /// When.
    pub at: String,
    /// Bytes of the file.
    pub size: usize,
    /// Name of the file.
    pub file: String,
    /// It was written into the folder under this name.
    pub saved: Option<String>,
    /// The answer as a QR code; nothing when it does not fit.
    pub qr: Option<super::approval::QrSquares>,
}

/// A file that was written.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OfflineSaved {
    /// Its name; nothing when the dialog was cancelled.
    pub file: Option<String>,
    /// Name of the folder.
    pub folder: String,
}

/// Everything that was done here, newest first.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OfflineHistory {
    /// Entries.
    pub entries: Vec<OfflineEntry>,
}

/// Something that was done here.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct OfflineEntry {
    /// When.
    pub at: String,
    /// `signed`, `refused`, `pinned`, `key_created`, `key_imported`, `key_exported`, `key_found` or `damaged`.
    pub did: String,
    /// What it was.
    pub title: String,
    /// App identifier.
    pub app: String,
    /// Roles with their versions.
    pub roles: Vec<String>,
    /// Alarms that a person confirmed.
    pub accepted: Vec<String>,
    /// Why it was refused.
    pub reason: String,
}
