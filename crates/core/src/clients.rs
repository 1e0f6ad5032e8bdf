//! The clients document: what the plugins of one release need on one channel (trust §1, "Dialect signatures").
//!
//! Stock plugins pin an RSA key or want an archive of their own. What they need is made when a channel approves a
//! release, by who holds that channel's key, and is listed by hash from the approval role.

use headgate_tuf::{Name, canonical, sha256_hex};
use serde::{Deserialize, Serialize};

use crate::text::{check_hex, check_path, check_text, read_canonical};
use crate::{Code, Problem, Result};

pub use crate::wanted::{CAPACITOR, IONIC, Wanted};

/// Largest clients document that is read, bytes.
pub const MAX_CLIENTS: usize = 64 * 1024;
/// Name of Ionic's manifest, in its zip and beside its files.
pub const IONIC_MANIFEST: &str = "live-update-manifest.json";
/// Largest list of signed files that is read, bytes.
pub const MAX_CLIENT_FILES: usize = 32 << 20;

/// What the plugins of one release need on one channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientsDocument {
    /// Unit.
    pub unit: Name,
    /// Channel.
    pub channel: Name,
    /// Build number.
    pub build: u32,
    /// SHA-256 of the release manifest that it belongs to, lower-case hex.
    pub manifest: String,
    /// The RSA key that signed; nothing where the channel has none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub key: Option<ClientKey>,
    /// For Capgo's updater with a key. Without one it takes the plain bundle and the plain files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub capgo: Option<CapgoClients>,
    /// For Ionic's SDK and Portals.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ionic: Option<IonicClients>,
}

/// An RSA key as devices know it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientKey {
    /// First 20 characters of the base64 body of its PKCS#1 PEM: what Capgo's plugin sends as `key_id`.
    pub capgo_id: String,
    /// SHA-256 of its DER as SubjectPublicKeyInfo, lower-case hex.
    pub sha256: String,
}

/// An object in `variants/` or `files/`, by the hash of its bytes.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ObjectRef {
    /// SHA-256, lower-case hex; it lies under it.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

/// For Capgo's updater: a bundle that is signed and encrypted (the plugin knows no signature without encryption).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapgoClients {
    /// `session_key` of every answer: base64 of the IV, a colon, base64 of the signed AES key.
    pub session_key: String,
    /// The encrypted zip in `variants/`; nothing where the release delivers single files alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zip: Option<CapgoZip>,
    /// A [`CapgoFiles`] in `variants/`, for updates by single files.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<ObjectRef>,
}

/// An encrypted zip.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapgoZip {
    /// The encrypted bytes.
    pub object: ObjectRef,
    /// The signature over the SHA-256 of the plain zip, 512 lower-case hex digits.
    pub checksum: String,
}

/// Signed single files for Capgo's updater, sorted by path. Too long for the metadata, so referenced by hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapgoFiles {
    /// Files.
    pub files: Vec<CapgoFile>,
}

/// A signed and encrypted file.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CapgoFile {
    /// Path in the bundle, without `.br`.
    pub path: String,
    /// The encrypted bytes are a Brotli stream once they are decrypted: the device knows it by `.br` after the path.
    pub brotli: bool,
    /// The signature over the SHA-256 of the plain file, 512 lower-case hex digits.
    pub file_hash: String,
    /// The encrypted bytes in `variants/`.
    pub object: ObjectRef,
}

/// For Ionic's SDK and Portals, in both flavours.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IonicClients {
    /// `live-update-manifest.json` in `variants/`, signed where the channel has a key.
    pub manifest: ObjectRef,
    /// The zip with this manifest inside, in `variants/`; nothing where the release delivers single files alone.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub zip: Option<ObjectRef>,
}

impl ClientsDocument {
    /// Canonical bytes: what an approval role lists by hash.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        canonical::serialize(self).map_err(|e| Problem::new(Code::UsageArgument, e.to_string()))
    }

    /// Reads a clients document.
    ///
    /// # Errors
    /// `trust.format` when it is not exactly what [`Self::to_bytes`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        read_canonical("Clients document", bytes, MAX_CLIENTS, Self::to_bytes)
    }

    /// The objects in `variants/` that it names itself. Those of the signed files stand in the [`CapgoFiles`].
    pub fn objects(&self) -> Vec<&ObjectRef> {
        let capgo = self.capgo.iter().flat_map(|c| {
            let zip = c.zip.as_ref().map(|z| &z.object);
            zip.into_iter().chain(&c.files)
        });
        let ionic = self
            .ionic
            .iter()
            .flat_map(|i| [Some(&i.manifest), i.zip.as_ref()]);
        capgo.chain(ionic.flatten()).collect()
    }

    /// SHA-256 of the canonical bytes, lower-case hex.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn sha256(&self) -> Result<String> {
        Ok(sha256_hex(&self.to_bytes()?))
    }

    /// Rules that the types do not state.
    ///
    /// # Errors
    /// `usage.argument` with the field.
    pub fn check(&self) -> Result<()> {
        if self.build == 0 {
            return bad("build", "Build numbers start at 1.");
        }
        check_hex("manifest", &self.manifest)?;
        if let Some(key) = &self.key {
            check_text("key.capgo_id", &key.capgo_id, 20)?;
            check_hex("key.sha256", &key.sha256)?;
        }
        if let Some(capgo) = &self.capgo {
            if self.key.is_none() {
                return bad("capgo", "Signed bundles need the key that signed them.");
            }
            check_text("capgo.session_key", &capgo.session_key, 400)?;
            if let Some(zip) = &capgo.zip {
                zip.object.check("capgo.zip")?;
                check_signature("capgo.zip.checksum", &zip.checksum)?;
            }
            if let Some(files) = &capgo.files {
                files.check("capgo.files")?;
            }
        }
        if let Some(ionic) = &self.ionic {
            ionic.manifest.check("ionic.manifest")?;
            ionic
                .zip
                .as_ref()
                .map_or(Ok(()), |z| z.check("ionic.zip"))?;
        }
        Ok(())
    }
}

impl CapgoFiles {
    /// Canonical bytes: what a clients document names by hash.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        canonical::serialize(self).map_err(|e| Problem::new(Code::UsageArgument, e.to_string()))
    }

    /// Reads a list of signed files.
    ///
    /// # Errors
    /// `trust.format` when it is not exactly what [`Self::to_bytes`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        read_canonical("Signed files", bytes, MAX_CLIENT_FILES, Self::to_bytes)
    }

    fn check(&self) -> Result<()> {
        if self.files.windows(2).any(|w| w[0].path >= w[1].path) {
            return bad("files", "Signed files are not sorted, or one stands twice.");
        }
        self.files.iter().try_for_each(|file| {
            check_path(&file.path)?;
            check_signature("file_hash", &file.file_hash)?;
            file.object.check("object")
        })
    }
}

impl ObjectRef {
    fn check(&self, field: &str) -> Result<()> {
        check_hex(field, &self.sha256)?;
        if self.size == 0 {
            return bad(field, "The object has no bytes.");
        }
        Ok(())
    }
}

/// A signature of an RSA key of 2048 bits.
fn check_signature(field: &str, text: &str) -> Result<()> {
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    if text.len() == 512 && text.bytes().all(hex) {
        return Ok(());
    }
    bad(field, "A signature is 512 lower-case hex digits.")
}

fn bad(field: &str, why: &str) -> Result<()> {
    Err(Problem::new(Code::UsageArgument, why).field(field))
}
