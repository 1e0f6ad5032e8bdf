//! The file inventory of a bundle.

use headgate_tuf::canonical;
use serde::{Deserialize, Serialize};

use crate::text::{check_hex, check_path, read_canonical};
use crate::{Code, Problem, Result};

/// Largest inventory that is read, in bytes.
pub const MAX_BYTES: usize = 32 << 20;

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

    /// Reads an inventory whose hash was checked. It must be in canonical form.
    ///
    /// # Errors
    /// `trust.format` when it is larger than [`MAX_BYTES`], not canonical, not sorted, a path stands
    /// twice or leads elsewhere, or a hash is none.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let inventory = read_canonical("Inventory", bytes, MAX_BYTES, Self::to_bytes)?;
        let bad = |why: String| Problem::new(Code::TrustFormat, format!("Inventory: {why}"));
        if let Some(pair) = inventory.files.windows(2).find(|w| w[0].path >= w[1].path) {
            return Err(bad(format!(
                "{:?} is not sorted or stands twice",
                pair[1].path
            )));
        }
        for file in &inventory.files {
            check_path(&file.path)
                .and_then(|()| check_hex("sha256", &file.sha256))
                .map_err(|p| bad(p.message))?;
        }
        Ok(inventory)
    }

    /// Bytes of all files. An inventory may declare more than fits: then the largest number.
    pub fn size(&self) -> u64 {
        let sizes = self.files.iter().map(|f| f.size);
        sizes.fold(0, u64::saturating_add)
    }
}
