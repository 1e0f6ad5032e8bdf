//! A web build beside a release: was it built from the same files?

use headgate_core::{
    Code, Difference, Problem, ReleaseManifest, Result, compare, manifest::Packer,
};
use headgate_registry::documents;

use super::publish::name;
use crate::{Console, InspectionReport, Workspace};

/// A web build beside an approved release of its unit.
#[derive(Debug, Clone)]
pub struct Comparison {
    /// The release.
    pub release: ReleaseManifest,
    /// Channels that approve it.
    pub channels: Vec<String>,
    /// SHA-256 of the web build's bundle.
    pub own_sha256: String,
    /// Its bytes.
    pub own_size: u64,
    /// What packed it.
    pub own_packer: Packer,
    /// The very bytes that were signed.
    pub same_bytes: bool,
    /// From the release to the web build, file by file.
    pub difference: Difference,
    /// In one sentence.
    pub says: String,
}

impl Comparison {
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
        let mut found = self.approved(&workspace, unit.as_str(), build).await?;
        if found.is_none() {
            self.sync(&workspace.id).await?;
            found = self.approved(&workspace, unit.as_str(), build).await?;
        }
        let (release, channels) = found.ok_or_else(|| {
            let what = format!("No channel of {unit} approves a build {build}.");
            Problem::new(Code::UsageUnknown, what).field("build")
        })?;
        let packed = &report.packed;
        let same_bytes =
            release.bundle.sha256 == packed.sha256 && release.bundle.size == packed.size;
        let difference = if same_bytes && release.inventory.sha256 == packed.inventory_sha256 {
            compare(&packed.inventory, &packed.inventory)
        } else {
            let inventory = match self.inner.inventory(&workspace, &release).await {
                Some(known) => known,
                // Asked again for the reason.
                None => {
                    let store = self.inner.store(&workspace)?;
                    documents::inventory(store.as_ref(), &release).await?
                }
            };
            compare(&inventory, &packed.inventory)
        };
        let own_packer = packer(&report);
        Ok(Comparison {
            says: says(same_bytes, &difference, &release.packer, &own_packer),
            own_sha256: packed.sha256.clone(),
            own_size: packed.size,
            own_packer,
            same_bytes,
            difference,
            release,
            channels,
        })
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
