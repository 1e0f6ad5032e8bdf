//! The file inventory of a bundle.

use headgate_tuf::{canonical, strict};
use serde::{Deserialize, Serialize};

use crate::{Code, Problem, Result};

/// Path, size and hash of every file, sorted by path (byte order).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Inventory {
    /// Files, sorted by path, each path once.
    pub files: Vec<InventoryFile>,
}

/// One file of a bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryFile {
    /// Path with `/`, relative to the bundle's root, NFC.
    pub path: String,
    /// Bytes.
    pub size: u64,
    /// SHA-256, lower-case hex.
    pub sha256: String,
}

impl Inventory {
    /// Canonical bytes: what the release manifest names by hash.
    ///
    /// # Errors
    /// `build.path` when a path cannot be written in canonical JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        canonical::serialize(self).map_err(|e| Problem::new(Code::BuildPath, e.to_string()))
    }

    /// Reads an inventory whose hash was checked.
    ///
    /// # Errors
    /// `trust.format` when it is not strict JSON, not sorted, or a path stands twice.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let value = strict::parse(bytes, bytes.len())?;
        let bad = |why: String| Problem::new(Code::TrustFormat, format!("Inventory: {why}"));
        let inventory: Self = serde_json::from_value(value).map_err(|e| bad(e.to_string()))?;
        if let Some(pair) = inventory.files.windows(2).find(|w| w[0].path >= w[1].path) {
            return Err(bad(format!(
                "{:?} is not sorted or stands twice",
                pair[1].path
            )));
        }
        Ok(inventory)
    }

    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|f| f.size).sum()
    }
}
