//! The files map: under which stored bytes each file of a bundle lies, for clients that fetch single files.
//!
//! An inventory says what the files are, a files map says how they are stored. Both are named by hash
//! from signed documents.

use std::collections::{BTreeMap, HashMap};

use headgate_tuf::canonical;
use serde::{Deserialize, Serialize};

use crate::inventory::Inventory;
use crate::text::{check_hex, check_path, read_canonical};
use crate::{Code, Problem, Result};

/// Largest files map that is read, in bytes.
pub const MAX_BYTES: usize = 32 << 20;

/// How a file is stored.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum Encoding {
    /// As it is.
    #[serde(rename = "plain")]
    Plain,
    /// One Brotli stream, RFC 7932.
    #[serde(rename = "br")]
    Brotli,
}

/// The bytes that lie in storage for a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StoredBytes {
    /// SHA-256 of the stored bytes, lower-case hex; they lie under it.
    pub sha256: String,
    /// Stored bytes.
    pub size: u64,
    /// How the file becomes the stored bytes.
    pub encoding: Encoding,
}

/// One file, and how it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFile {
    /// Path with `/`, relative to the bundle's root, NFC.
    pub path: String,
    /// SHA-256 of the file, lower-case hex.
    pub sha256: String,
    /// Bytes of the file.
    pub size: u64,
    /// What lies in storage for it.
    pub stored: StoredBytes,
}

/// Every file of a bundle with its stored bytes, sorted by path (byte order).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FilesMap {
    /// Files, sorted by path, each path once.
    pub files: Vec<StoredFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireMap {
    files: Vec<WireFile>,
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct WireFile {
    path: String,
    sha256: String,
    size: u64,
    /// Left out where the file lies as it is: then its own hash and size say it all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    stored: Option<StoredBytes>,
}

impl StoredBytes {
    /// A file that is stored as it is.
    pub fn plain(sha256: impl Into<String>, size: u64) -> Self {
        Self {
            sha256: sha256.into(),
            size,
            encoding: Encoding::Plain,
        }
    }

    /// Whether these can be the stored bytes of a file with this hash and size.
    ///
    /// Plain bytes are the file itself; Brotli is used only where it is smaller, so never for an
    /// empty file.
    pub fn fits(&self, sha256: &str, size: u64) -> bool {
        match self.encoding {
            Encoding::Plain => self.sha256 == sha256 && self.size == size,
            Encoding::Brotli => self.size > 0 && self.size < size && self.sha256 != sha256,
        }
    }
}

impl FilesMap {
    /// Canonical bytes: what signed documents name by hash.
    ///
    /// # Errors
    /// `build.path` when a path cannot be written in canonical JSON.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let files = self.files.iter().map(|f| WireFile {
            path: f.path.clone(),
            sha256: f.sha256.clone(),
            size: f.size,
            stored: (f.stored.encoding != Encoding::Plain).then(|| f.stored.clone()),
        });
        let wire = WireMap {
            files: files.collect(),
        };
        canonical::serialize(&wire).map_err(|e| Problem::new(Code::BuildPath, e.to_string()))
    }

    /// Reads a files map, which must be in canonical form.
    ///
    /// # Errors
    /// `trust.format` when it is larger than [`MAX_BYTES`], not canonical, not sorted, a path stands
    /// twice or leads elsewhere, a hash is none, stored bytes cannot be those of their file, or the
    /// same file or the same stored bytes are described in two ways.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let write = |wire: &WireMap| {
            canonical::serialize(wire).map_err(|e| Problem::new(Code::TrustFormat, e.to_string()))
        };
        let wire: WireMap = read_canonical("Files map", bytes, MAX_BYTES, write)?;
        let bad = |why: String| Problem::new(Code::TrustFormat, format!("Files map: {why}"));
        if let Some(pair) = wire.files.windows(2).find(|w| w[0].path >= w[1].path) {
            return Err(bad(format!(
                "{:?} is not sorted or stands twice",
                pair[1].path
            )));
        }
        let files = wire.files.into_iter().map(|file| {
            check_path(&file.path)
                .and_then(|()| check_hex("sha256", &file.sha256))
                .map_err(|p| bad(p.message))?;
            let stored = match file.stored {
                None => StoredBytes::plain(&*file.sha256, file.size),
                Some(stored) => {
                    check_hex("stored.sha256", &stored.sha256).map_err(|p| bad(p.message))?;
                    if stored.encoding == Encoding::Plain {
                        return Err(bad(format!("{:?} names plain bytes twice", file.path)));
                    }
                    stored
                }
            };
            if !stored.fits(&file.sha256, file.size) {
                return Err(bad(format!(
                    "the stored bytes of {:?} cannot be its own",
                    file.path
                )));
            }
            Ok(StoredFile {
                path: file.path,
                sha256: file.sha256,
                size: file.size,
                stored,
            })
        });
        let map = Self {
            files: files.collect::<Result<_>>()?,
        };
        map.check_consistent()?;
        Ok(map)
    }

    /// The same content must be described in the same way wherever it stands.
    fn check_consistent(&self) -> Result<()> {
        let mut contents = HashMap::new();
        let mut objects = HashMap::new();
        for file in &self.files {
            let content = (file.size, &file.stored);
            let same = *contents.entry(&file.sha256).or_insert(content) == content;
            let size = objects
                .entry(&file.stored.sha256)
                .or_insert(file.stored.size);
            if !same || *size != file.stored.size {
                return Err(Problem::new(
                    Code::TrustFormat,
                    format!("Files map: {:?} is described in two ways", file.path),
                ));
            }
        }
        Ok(())
    }

    /// Whether it has exactly the files of an inventory.
    ///
    /// # Errors
    /// `trust.hash` when it does not.
    pub fn check_against(&self, inventory: &Inventory) -> Result<()> {
        let same = self.files.len() == inventory.files.len()
            && self.files.iter().zip(&inventory.files).all(|(map, file)| {
                (&map.path, &map.sha256, map.size) == (&file.path, &file.sha256, file.size)
            });
        if same {
            return Ok(());
        }
        Err(Problem::new(
            Code::TrustHash,
            "The files map has other files than the inventory of the release.",
        ))
    }
}

/// The stored bytes of all files, each object once, sorted by its hash, with a file that it is made of.
pub fn objects(files: &[StoredFile]) -> Vec<&StoredFile> {
    let mut once = BTreeMap::new();
    for file in files {
        once.entry(&file.stored.sha256).or_insert(file);
    }
    once.into_values().collect()
}
