//! The release manifest: what a release is, by hash. Promotion copies its bytes unchanged.

use headgate_tuf::{Name, UtcTime, canonical, sha256_hex};
use serde::{Deserialize, Serialize};

use crate::native::{Native, parse_full};
use crate::text::{check_hex, check_text, read_canonical};
use crate::{Code, Problem, Result};

/// Largest manifest that is read, bytes.
pub const MAX_MANIFEST: usize = 256 * 1024;

/// A release: one bundle with version and build number. Nothing in it depends on a channel or a dialect.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ReleaseManifest {
    /// Unit that it belongs to.
    pub unit: Name,
    /// Version, Semantic Versioning 2.0.0.
    pub version: String,
    /// Build number, from 1; unique in its unit and never reused for other bytes.
    pub build: u32,
    /// When it was made.
    pub created: UtcTime,
    /// Where it was built from.
    #[serde(default)]
    pub source: Source,
    /// What packed the bundle.
    pub packer: Packer,
    /// The bundle.
    pub bundle: BundleRef,
    /// Its file inventory.
    pub inventory: InventoryRef,
    /// Its single files, where they lie in storage.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<FilesRef>,
    /// Native versions that it runs on.
    #[serde(default)]
    pub native: Native,
    /// Findings that a person allowed.
    #[serde(default)]
    pub allowed: Vec<Allowed>,
}

/// Where a web build came from; what is not known is left out.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Source {
    /// Commit id.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub commit: Option<String>,
    /// Branch or tag.
    #[serde(default, rename = "ref", skip_serializing_if = "Option::is_none")]
    pub reference: Option<String>,
    /// What changed, one line.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// Who changed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub author: Option<String>,
}

/// What packed the bundle, so that the same files can be packed to the same bytes again.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Packer {
    /// Name.
    pub name: String,
    /// Version.
    pub version: String,
    /// Compression level.
    pub level: u32,
}

/// The bundle by hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BundleRef {
    /// SHA-256 of the zip, lower-case hex.
    pub sha256: String,
    /// Bytes of the zip.
    pub size: u64,
    /// Where it lies, when not in the registry.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub url: Option<String>,
}

/// The inventory by hash.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct InventoryRef {
    /// SHA-256 of its canonical bytes, lower-case hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
}

/// The files map by hash: the release's single files lie in storage.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FilesRef {
    /// SHA-256 of its canonical bytes, lower-case hex.
    pub sha256: String,
    /// Bytes.
    pub size: u64,
    /// The bundle lies in storage as one zip too. Otherwise its hash says what the files make when they are packed.
    pub zip: bool,
}

/// A finding that a person allowed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Allowed {
    /// Code of the finding.
    pub code: String,
    /// File that it was found in; nothing for the whole build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path: Option<String>,
    /// Why it is acceptable.
    pub reason: String,
}

impl ReleaseManifest {
    /// Canonical bytes: what an approval role lists by hash.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        canonical::serialize(self).map_err(|e| Problem::new(Code::UsageArgument, e.to_string()))
    }

    /// Reads a manifest.
    ///
    /// # Errors
    /// `trust.format` when it is not exactly what [`Self::to_bytes`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        read_canonical("Release manifest", bytes, MAX_MANIFEST, Self::to_bytes)
    }

    /// SHA-256 of the canonical bytes, lower-case hex.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn sha256(&self) -> Result<String> {
        Ok(sha256_hex(&self.to_bytes()?))
    }

    /// Whether the registry holds the bundle as one zip.
    pub fn zip_in_storage(&self) -> bool {
        self.bundle.url.is_none() && self.files.as_ref().is_none_or(|f| f.zip)
    }

    /// Whether the bundle is there as one zip, in the registry or at an address of its own.
    pub fn delivers_zip(&self) -> bool {
        self.zip_in_storage() || self.bundle.url.is_some()
    }

    /// Rules that the types do not state.
    ///
    /// # Errors
    /// `usage.argument` with the field.
    pub fn check(&self) -> Result<()> {
        let bad =
            |field: &str, why: String| Err(Problem::new(Code::UsageArgument, why).field(field));
        check_version(&self.version)?;
        if self.build == 0 {
            return bad("build", "Build numbers start at 1.".into());
        }
        let source = &self.source;
        let optional = [
            ("source.commit", &source.commit, 100),
            ("source.ref", &source.reference, 250),
            ("source.message", &source.message, 2_000),
            ("source.author", &source.author, 200),
        ];
        for (field, text, max) in optional {
            text.iter().try_for_each(|t| check_text(field, t, max))?;
        }
        check_text("packer.name", &self.packer.name, 100)?;
        check_text("packer.version", &self.packer.version, 100)?;
        for (field, hash, size) in [
            ("bundle", &self.bundle.sha256, self.bundle.size),
            ("inventory", &self.inventory.sha256, self.inventory.size),
        ] {
            check_hex(field, hash)?;
            if size == 0 {
                return bad(field, format!("The {field} has no bytes."));
            }
        }
        if let Some(files) = &self.files {
            check_hex("files", &files.sha256)?;
            if files.size == 0 {
                return bad("files", "The files map has no bytes.".into());
            }
        }
        if let Some(url) = &self.bundle.url {
            check_text("bundle.url", url, 2_000)?;
            if !["https://", "http://"].iter().any(|s| url.starts_with(s)) {
                return bad(
                    "bundle.url",
                    "The bundle's address is not an http address.".into(),
                );
            }
        }
        self.native.check()?;
        for allowed in &self.allowed {
            check_text("allowed.code", &allowed.code, 100)?;
            check_text("allowed.reason", &allowed.reason, 1_000)?;
            allowed
                .path
                .iter()
                .try_for_each(|p| check_text("allowed.path", p, 1_000))?;
        }
        Ok(())
    }
}

/// Checks a version of a release: Semantic Versioning 2.0.0, at most 100 characters.
///
/// # Errors
/// `usage.argument` for the field `version`.
pub fn check_version(version: &str) -> Result<()> {
    check_text("version", version, 100)?;
    parse_full(version).map(|_| ()).ok_or_else(|| {
        let what = format!("{version:?} is not a version such as 4.2.5 or 4.2.5-beta.1.");
        Problem::new(Code::UsageArgument, what).field("version")
    })
}
