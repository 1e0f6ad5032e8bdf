//! Keys and roles. Secrets cross in one direction, as arguments of one command each, and are printed nowhere.

use std::fmt;

use serde::{Deserialize, Serialize};
use ts_rs::TS;

use super::app::{IpcError, Vault};
use super::board::Validity;

/// Keys and roles of a workspace.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct KeyRing {
    /// Where keys of this computer are.
    pub vault: Vault,
    /// Why the vault cannot be used as a whole.
    pub vault_problem: Option<IpcError>,
    /// Keys of this computer first.
    pub keys: Vec<KeyCard>,
    /// Roles with their keys.
    pub roles: Vec<RoleRow>,
    /// When roles end, the next one first.
    pub expiry: Vec<RoleExpiry>,
    /// When storage was last read.
    pub as_of: Option<String>,
    /// Bits of a fingerprint that its words cover.
    pub word_bits: u32,
}

/// One key.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
#[serde(rename_all = "camelCase")]
pub struct KeyCard {
    /// Fingerprint: 64 hex digits.
    pub id: String,
    /// Name in signed metadata, or the label it was made with.
    pub name: String,
    /// Who holds it, as signed; empty when that is not signed.
    pub holder: String,
    /// `Ed25519` or `RSA-2048`.
    pub algorithm: String,
    /// "Approves production".
    pub purpose: String,
    /// Roles that accept it.
    pub roles: Vec<String>,
    /// Channels whose apps pin it.
    pub channels: Vec<String>,
    /// 12 words for the first bits of the fingerprint.
    pub words: Vec<String>,
    /// Public half: hex of an Ed25519 key, PEM of an RSA key.
    pub public: Option<String>,
    /// This computer recorded it.
    pub own: bool,
    /// The vault has it.
    pub here: bool,
    /// When it was made or imported here.
    pub created: Option<String>,
    /// The newest version in force that it signed, as signed metadata says.
    pub used: Option<KeyUse>,
    /// When it was last exported here.
    pub exported: Option<String>,
    /// When that export was last proven to hold it.
    pub drilled: Option<String>,
    /// Since when it is not meant for use here.
    pub retired: Option<String>,
    /// What is wrong with it here, and the way out.
    pub problem: Option<IpcError>,
}

/// A signature that a key made.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyUse {
    /// When.
    pub at: String,
    /// On which role.
    pub role: String,
    /// On which version of it.
    pub version: u32,
}

/// A role with the keys that count.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RoleRow {
    /// `root`, `targets`, `freshness`, or the role's name.
    pub role: String,
    /// `root`, `settings`, `freshness`, `approve` or `rollout`.
    pub kind: String,
    /// Unit, of a channel's role.
    pub unit: Option<String>,
    /// Channel, of a channel's role.
    pub channel: Option<String>,
    /// "Approvals on production".
    pub label: String,
    /// Signatures needed.
    pub threshold: u32,
    /// Keys that count.
    pub keys: Vec<RoleKey>,
}

/// A key of a role.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RoleKey {
    /// Its fingerprint.
    pub id: String,
    /// Its name.
    pub name: String,
    /// Who holds it.
    pub holder: String,
    /// This computer recorded it.
    pub own: bool,
}

/// When a role's signature ends.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct RoleExpiry {
    /// As in [`RoleRow`].
    pub role: String,
    /// As in [`RoleRow`].
    pub label: String,
    /// From when until when.
    pub validity: Validity,
}

/// Names a key of this computer.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyRef {
    /// Workspace on this computer.
    pub workspace: String,
    /// Its fingerprint.
    pub key: String,
}

/// What opens a passphrase file.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct VaultUnlock {
    /// Workspace on this computer.
    pub workspace: String,
    /// The passphrase.
    pub passphrase: String,
}

/// Makes a key.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyCreate {
    /// Workspace on this computer.
    pub workspace: String,
    /// `freshness`, `role`, or `rsa` for a channel's apps.
    pub kind: String,
    /// Its name.
    pub name: String,
    /// For `rsa`: the channel.
    pub channel: Option<String>,
    /// For `rsa`: take the place of the channel's key.
    pub replace: bool,
}

/// A key that was made or imported.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyMade {
    /// Its fingerprint.
    pub id: String,
    /// Job that signs it into the settings, for a channel's key.
    pub job: Option<String>,
    /// A role accepts it, or a channel's apps will.
    pub accepted: bool,
}

/// A key file that a person picked, or nothing when the dialog was cancelled.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PickedKeyFile {
    /// The file.
    pub item: Option<KeyFile>,
}

/// A picked key file. Its content stays in Rust.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyFile {
    /// Opaque handle.
    pub handle: String,
    /// File name, without its folder.
    pub name: String,
    /// `sealed`: exported with a passphrase; `pem`: as OpenSSL and the vendors' tools write it.
    pub kind: String,
}

/// Imports a key from a picked file, or from PEM text that was pasted.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyImport {
    /// Workspace on this computer.
    pub workspace: String,
    /// Handle of a picked file.
    pub handle: Option<String>,
    /// PEM text instead of a file.
    pub pem: Option<String>,
    /// Passphrase of an exported key.
    pub passphrase: Option<String>,
    /// Its name here.
    pub name: String,
    /// For an RSA key: a channel whose apps pin it.
    pub channel: Option<String>,
    /// Take the place of the channel's key.
    pub replace: bool,
}

/// Exports a key: a native dialog asks where to.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyExport {
    /// Workspace on this computer.
    pub workspace: String,
    /// Its fingerprint.
    pub key: String,
    /// New passphrase of the file.
    pub passphrase: String,
}

/// Proves that an exported file holds a key.
#[derive(Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyDrill {
    /// Workspace on this computer.
    pub workspace: String,
    /// Its fingerprint.
    pub key: String,
    /// Handle of a picked file.
    pub handle: String,
    /// Passphrase of the file.
    pub passphrase: String,
}

/// When a drill passed.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyDrilled {
    /// When.
    pub at: String,
}

/// Deletes a key.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct KeyDelete {
    /// Workspace on this computer.
    pub workspace: String,
    /// Its fingerprint.
    pub key: String,
    /// The key's name as the person typed it. Compared in Rust.
    pub typed: String,
}

/// Saves the public key that a dialect's app pins: a native dialog asks where to.
#[derive(Debug, Clone, Serialize, Deserialize, TS)]
#[ts(export)]
pub struct PublicKeySave {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit in it.
    pub unit: String,
    /// Channel.
    pub channel: String,
    /// As in [`super::ClientSetup`].
    pub dialect: String,
}

/// Secrets are not printed, also not in the text of a failed test.
macro_rules! unprinted {
    ($($type:ident),+) => {
        $(impl fmt::Debug for $type {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($type))
            }
        })+
    };
}

unprinted!(VaultUnlock, KeyImport, KeyExport, KeyDrill);
