//! Where objects lie below the prefix of a registry.

use headgate_tuf::RoleName;

/// Largest release manifest, rollout document or inventory that is read, bytes.
pub const MAX_DOCUMENT: u64 = 16_000_000;

/// A metadata file.
pub fn metadata(role: &RoleName, version: u64) -> String {
    format!("metadata/{}", role.file(version))
}

/// The one object that changes: the commit point.
pub const TIMESTAMP: &str = "metadata/timestamp.json";

/// A target file under its consistent-snapshot name (TUF specification §6.1).
pub fn target(sha256: &str, name: &str) -> String {
    format!("targets/{sha256}.{name}")
}

/// The plain bundle.
pub fn bundle(sha256: &str) -> String {
    format!("bundles/{sha256}.zip")
}

/// The file inventory of a bundle.
pub fn inventory(sha256: &str) -> String {
    format!("inventories/{sha256}.json")
}

/// A single file for differential clients, by the SHA-256 of its stored bytes.
pub fn single(sha256: &str) -> String {
    format!("files/{sha256}")
}

/// Target name of a release manifest.
pub fn release_target(unit: &str, channel: &str, build: u32) -> String {
    format!("{unit}.{channel}.release-{build}.json")
}

/// An artifact of one dialect, by the SHA-256 of its bytes.
pub fn variant(sha256: &str) -> String {
    format!("variants/{sha256}")
}

/// Target name of a clients document.
pub fn clients_target(unit: &str, channel: &str, build: u32) -> String {
    format!("{unit}.{channel}.clients-{build}.json")
}

/// Target name of a rollout document.
pub fn rollout_target(unit: &str, channel: &str) -> String {
    format!("{unit}.{channel}.rollout.json")
}
