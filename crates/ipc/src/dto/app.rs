//! The application as a whole: workspaces, connecting, errors.

use serde::{Deserialize, Serialize};
use ts_rs::TS;

/// A request or an answer without content.
#[derive(Debug, Clone, Default, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct Empty {}

/// An error as the window sees it. `holds` says what is still true and safe, `remedy` what to do.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct IpcError {
    /// Stable code, such as `publish.version_conflict`; the window maps it to an action.
    pub code: String,
    /// What failed, with its cause.
    pub message: String,
    /// What still holds.
    pub holds: String,
    /// The way out.
    pub remedy: String,
    /// More for a bug report: paths, status codes. Never a secret.
    pub detail: Option<String>,
    /// The same request may succeed later without a change.
    pub retryable: bool,
    /// The form field that the error belongs to.
    pub field: Option<String>,
}

/// What the window needs to start.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct AppState {
    /// Version of the console.
    pub version: String,
    /// Theme that the person chose: `system`, `light`, `dark` or `contrast`.
    pub theme: String,
    /// Single letters do something on the board.
    pub letters: bool,
    /// Workspaces on this computer.
    pub workspaces: Vec<Workspace>,
    /// The workspace shown last.
    pub active: Option<String>,
    /// What an earlier run left unfinished and this start resumed or rolled forward, in words.
    pub recovered: Vec<String>,
    /// Something that the person must know before working on, such as a restored journal.
    pub notices: Vec<IpcError>,
    /// This is an offline workstation: it has no engine, and opens no connection.
    pub offline: bool,
}

/// A workspace: one host app with its registry.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Workspace {
    /// Identifier on this computer.
    pub id: String,
    /// App identifier, `com.acme.field`.
    pub app: String,
    /// Name to show.
    pub name: String,
    /// Storage address without credentials.
    pub storage: String,
    /// Public URL, if there is one.
    pub public_url: Option<String>,
    /// Throwaway workspace on this computer.
    pub sandbox: bool,
    /// Units in it; the first is shown at the start.
    pub units: Vec<Unit>,
    /// Where this workspace's keys are kept on this computer.
    pub vault: Vault,
    /// For the sandbox: the sample web build that one may drop.
    pub sample_build: Option<String>,
    /// Its registry is not made yet: the request that its other owners have to sign.
    pub waiting: Option<String>,
}

/// One independently updatable web bundle.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Unit {
    /// `[a-z0-9-]{1,32}`.
    pub id: String,
    /// Name to show.
    pub label: String,
}

/// Where private keys are kept.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct Vault {
    /// `os`, `file` or `memory`.
    pub kind: String,
    /// Name to show: "Secret Service", "macOS Keychain", "passphrase file".
    pub label: String,
    /// Why this one was taken, when it was not the first choice.
    pub why: Option<String>,
}

/// Chooses the theme.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SetTheme {
    /// `system`, `light`, `dark` or `contrast`.
    pub theme: String,
}

/// Turns the single letters of the board on or off.
#[derive(Debug, Clone, Copy, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct SetLetters {
    /// They do something.
    pub on: bool,
}

/// Names a workspace.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorkspaceRef {
    /// Identifier on this computer.
    pub workspace: String,
}

/// A root of trust that a person picked, before it is believed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct RootPreview {
    /// Opaque handle of the root.
    pub handle: String,
    /// File name, without its folder.
    pub file: String,
    /// App identifier that the root names.
    pub app: String,
    /// Name that the root gives the app.
    pub name: String,
    /// Owners' keys by name.
    pub owners: Vec<String>,
    /// Signatures needed to change the root.
    pub threshold: u32,
    /// When it was signed.
    pub created: Option<String>,
    /// SHA-256 of the file, hex.
    pub fingerprint: String,
    /// The first 132 bits of the fingerprint as 12 words of the BIP-39 English list.
    pub words: Vec<String>,
}

/// Tests a storage address against a root of trust.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ConnectRequest {
    /// Name on this computer.
    pub name: String,
    /// Storage address: `file:///srv/ota`, a plain folder path, or `s3://bucket/prefix?region=…`.
    pub storage: String,
    /// Where devices read the same objects.
    pub public_url: Option<String>,
    /// Handle from [`RootPreview`].
    pub root: String,
    /// The person compared the fingerprint. Refused in Rust when false.
    pub compared: bool,
    /// For a bucket: its credentials, kept in the vault. Nothing = `AWS_*` variables of this computer.
    pub credentials: Option<StorageCredentials>,
}

/// Credentials of a bucket. They go one way: into the vault.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct StorageCredentials {
    /// Access key id.
    pub access_key_id: String,
    /// Secret access key.
    pub secret_access_key: String,
    /// Session token of temporary credentials.
    pub session_token: Option<String>,
}

impl std::fmt::Debug for StorageCredentials {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("StorageCredentials")
    }
}

/// New credentials for a workspace's storage, or for one of its mirrors.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct CredentialsRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// Address of the mirror; nothing = the registry's storage.
    pub mirror: Option<String>,
    /// The credentials.
    pub credentials: StorageCredentials,
}

/// Makes a new workspace.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct WorkspaceCreate {
    /// App identifier, `com.acme.field`.
    pub app: String,
    /// Name of the app.
    pub name: String,
    /// Storage address, as in [`ConnectRequest`]; a folder is made.
    pub storage: String,
    /// Where devices read the same objects.
    pub public_url: Option<String>,
    /// Channels, first to last: 1 to 12 names of `[a-z0-9-]{1,32}`.
    pub channels: Vec<String>,
    /// As in [`ConnectRequest`].
    pub credentials: Option<StorageCredentials>,
    /// The other owners; nothing = one person alone.
    pub team: Option<FirstTeam>,
}

/// The other owners of a new workspace.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct FirstTeam {
    /// Who they are. Who makes the workspace is an owner too.
    pub members: Vec<super::trust::TrustMember>,
    /// Owners who must sign root and settings.
    pub root: u32,
    /// Owners who must approve for the last channel.
    pub last: u32,
}

/// A workspace that was made, or waits for its owners.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct WorkspaceCreated {
    /// The workspace.
    pub workspace: Workspace,
}

/// One line of the connection test.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ConnectCheck {
    /// What was tested.
    pub title: String,
    /// What was found.
    pub detail: String,
    /// Passed.
    pub ok: bool,
    /// Passed, but the person must know this.
    pub warning: Option<String>,
    /// How long it took, milliseconds.
    pub ms: u32,
    /// The error, when it failed.
    pub error: Option<IpcError>,
}

/// Result of the connection test.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct ConnectTest {
    /// All lines, in order.
    pub checks: Vec<ConnectCheck>,
    /// When it ran.
    pub at: String,
}

/// A path that a person picked in a native dialog, as text to show in a field.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PickedPath {
    /// The path, or nothing when the dialog was cancelled.
    pub path: Option<String>,
}

/// A root of trust, or nothing when the dialog was cancelled.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PickedRoot {
    /// The root to compare.
    pub root: Option<RootPreview>,
}
