//! A web build or another release beside a release: the same bytes, the same files, or what differs.

use headgate_core::{
    Code, Difference, Inventory, Problem, ReleaseManifest, Result, compare, manifest::Packer,
};
use headgate_registry::documents;

use super::publish::name;
use crate::{Console, InspectionReport, Workspace};

/// A web build, or another release, beside an approved release of its unit.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The release.
    pub release: ReleaseManifest,
    /// Channels that approve it.
    pub channels: Vec<String>,
    /// What is put beside it.
    pub own: Beside,
    /// The very bytes that were signed.
    pub same_bytes: bool,
    /// From the release to what is put beside it, file by file.
    pub difference: Difference,
    /// In one sentence.
    pub says: String,
}

/// What is put beside a release.
#[derive(Debug, Clone)]
pub struct Beside {
    /// SHA-256 of its bundle.
    pub sha256: String,
    /// Its bytes.
    pub size: u64,
    /// What packed it.
    pub packer: Packer,
    /// The other release; nothing for a web build.
    pub release: Option<ReleaseManifest>,
}

impl Comparison {
    fn new(
        release: ReleaseManifest,
        channels: Vec<String>,
        own: Beside,
        difference: Difference,
    ) -> Self {
        let bundle = &release.bundle;
        let same_bytes = bundle.sha256 == own.sha256 && bundle.size == own.size;
        Self {
            says: says(same_bytes, &difference, &release.packer, &own.packer),
            release,
            channels,
            own,
            same_bytes,
            difference,
        }
    }

    /// Every file has the same path and content.
    pub fn same_files(&self) -> bool {
        self.difference.is_empty()
    }
}

impl Console {
    /// Compares an inspected web build with a release that any channel of the unit approves: bytes first, then files.
    /// What was read last is enough; storage is read when it does not know the build.
    ///
    /// # Errors
    /// `usage.unknown` for a handle or build that is not known; `trust.*`, `storage.*` when storage must be read.
    pub async fn compare(
        &self,
        workspace: &str,
        unit: &str,
        handle: &str,
        build: u32,
    ) -> Result<Comparison> {
        let workspace = self.workspace(workspace).await?;
        let unit = name("unit", unit)?;
        let report = self.inspection(handle)?;
        let (release, channels) = self.release_of(&workspace, unit.as_str(), build).await?;
        let packed = &report.packed;
        let own = Beside {
            sha256: packed.sha256.clone(),
            size: packed.size,
            packer: packer(&report),
            release: None,
        };
        let known = release.bundle.sha256 == own.sha256
            && release.bundle.size == own.size
            && release.inventory.sha256 == packed.inventory_sha256;
        let difference = if known {
            compare(&packed.inventory, &packed.inventory)
        } else {
            compare(
                &self.files_of(&workspace, &release).await?,
                &packed.inventory,
            )
        };
        Ok(Comparison::new(release, channels, own, difference))
    }

    /// Compares two releases of a unit by their signed inventories: what changes for a device that goes from `build` to
    /// `other`. Reads storage only for what was not read before.
    ///
    /// # Errors
    /// `usage.unknown` for a build that no channel approves; `trust.*`, `storage.*` when storage must be read.
    pub async fn compare_releases(
        &self,
        workspace: &str,
        unit: &str,
        build: u32,
        other: u32,
    ) -> Result<Comparison> {
        let workspace = self.workspace(workspace).await?;
        let unit = name("unit", unit)?;
        let (release, channels) = self.release_of(&workspace, unit.as_str(), build).await?;
        let (other, _) = self.release_of(&workspace, unit.as_str(), other).await?;
        let files = self.files_of(&workspace, &release).await?;
        let difference = compare(&files, &self.files_of(&workspace, &other).await?);
        let own = Beside {
            sha256: other.bundle.sha256.clone(),
            size: other.bundle.size,
            packer: other.packer.clone(),
            release: Some(other),
        };
        Ok(Comparison::new(release, channels, own, difference))
    }

    /// A release by its build number, and the channels that approve it.
    async fn release_of(
        &self,
        workspace: &Workspace,
        unit: &str,
        build: u32,
    ) -> Result<(ReleaseManifest, Vec<String>)> {
        let mut found = self.approved(workspace, unit, build).await?;
        if found.is_none() {
            self.sync(&workspace.id).await?;
            found = self.approved(workspace, unit, build).await?;
        }
        found.ok_or_else(|| {
            let what = format!("No channel of {unit} approves a build {build}.");
            Problem::new(Code::UsageUnknown, what).field("build")
        })
    }

    /// The signed list of a release's files.
    async fn files_of(
        &self,
        workspace: &Workspace,
        release: &ReleaseManifest,
    ) -> Result<Inventory> {
        if let Some(known) = self.inner.inventory(workspace, release).await {
            return Ok(known);
        }
        // Asked again for the reason.
        let store = self.inner.store(workspace)?;
        documents::inventory(store.as_ref(), release).await
    }

    /// The newest release with this build number, as last read, and the channels that approve it.
    async fn approved(
        &self,
        workspace: &Workspace,
        unit: &str,
        build: u32,
    ) -> Result<Option<(ReleaseManifest, Vec<String>)>> {
        let mut found: Option<ReleaseManifest> = None;
        let mut names = Vec::new();
        let channels = self.inner.cache.channels(&workspace.id).await?;
        for channel in channels.into_iter().filter(|c| c.unit == unit) {
            for approval in channel.approvals {
                if approval.manifest.build != build {
                    continue;
                }
                names.push(channel.channel.clone());
                // A number is unique, so they are one and the same wherever every publisher keeps the rules.
                if found
                    .as_ref()
                    .is_none_or(|f| f.created < approval.manifest.created)
                {
                    found = Some(approval.manifest);
                }
            }
        }
        Ok(found.map(|manifest| (manifest, names)))
    }
}

pub(super) fn packer(report: &InspectionReport) -> Packer {
    let packer = &report.packed.packer;
    Packer {
        name: packer.name.clone(),
        version: packer.version.clone(),
        level: packer.level,
    }
}

/// `headgate 1, level 3`, or that nobody knows.
pub fn packer_text(packer: &Packer) -> String {
    if packer.name == headgate_bundle::EXTERNAL {
        return "not packed by Headgate".into();
    }
    format!("{} {}, level {}", packer.name, packer.version, packer.level)
}

fn says(same_bytes: bool, difference: &Difference, signed: &Packer, own: &Packer) -> String {
    if same_bytes && difference.is_empty() {
        return "The very bytes that were signed.".into();
    }
    if same_bytes {
        return "The very bytes that were signed, but the signed inventory lists other files."
            .into();
    }
    if !difference.is_empty() {
        return format!(
            "Other files: {} added, {} changed, {} removed, {} the same.",
            difference.added.len(),
            difference.changed.len(),
            difference.removed.len(),
            difference.unchanged
        );
    }
    let (signed_text, own_text) = (packer_text(signed), packer_text(own));
    if signed.name != own.name {
        return format!(
            "The same files, but another program made the zip: signed was {signed_text}; this one is {own_text}."
        );
    }
    if signed == own {
        return format!("The same files in another zip, although both are {own_text}.");
    }
    format!(
        "The same files, packed by another version or level of the same program: signed was {signed_text}; this one is {own_text}."
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn packer(name: &str, version: &str, level: u32) -> Packer {
        Packer {
            name: name.into(),
            version: version.into(),
            level,
        }
    }

    #[test]
    fn it_says_why_the_same_files_make_another_zip() {
        let none = Difference::default();
        let own = packer("headgate", "1", 3);
        let says = |signed: &Packer| says(false, &none, signed, &own);
        assert!(says(&packer("headgate", "1", 6)).contains("another version or level of the same"));
        assert!(says(&packer("headgate", "2", 3)).contains("signed was headgate 2, level 3;"));
        let external = packer("external", "unknown", 0);
        assert!(
            says(&external)
                .contains("another program made the zip: signed was not packed by Headgate")
        );
        assert!(says(&own).contains("although both are headgate 1, level 3"));
    }
}
