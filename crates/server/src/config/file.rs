//! The configuration file.

use std::path::{Path, PathBuf};

use headgate_core::Result;
use serde::Deserialize;

use super::args::Given;
use super::{argument, beside};

/// Largest configuration file, bytes: ten thousand registries fit.
const MAX_FILE: u64 = 4 << 20;

/// One TOML file. Paths in it are relative to its folder.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct FileConfig {
    pub(super) listen: Option<String>,
    pub(super) admin_listen: Option<String>,
    pub(super) admin_token_file: Option<PathBuf>,
    pub(super) telemetry: Option<String>,
    pub(super) public_url: Option<String>,
    pub(super) poll_seconds: Option<u64>,
    pub(super) requests_per_minute: Option<u32>,
    pub(super) trusted_proxies: Option<usize>,
    #[serde(default)]
    registry: Vec<FileRegistry>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
struct FileRegistry {
    address: String,
    root: PathBuf,
    objects: Option<String>,
}

impl FileConfig {
    pub(super) fn read(path: &Path) -> Result<Self> {
        let failed = |why: String| argument("config", format!("{}: {why}", path.display()));
        let size = std::fs::metadata(path)
            .map_err(|e| failed(e.to_string()))?
            .len();
        if size > MAX_FILE {
            return Err(failed("the file is too large.".into()));
        }
        let text = std::fs::read_to_string(path).map_err(|e| failed(e.to_string()))?;
        toml::from_str(&text).map_err(|e| failed(e.to_string()))
    }

    pub(super) fn registries(&self, base: &Path) -> Result<Vec<Given>> {
        let given = self.registry.iter().map(|registry| Given {
            address: registry.address.clone(),
            root: Some(beside(base, &registry.root)),
            objects: registry.objects.clone(),
        });
        Ok(given.collect())
    }
}
