//! `headgate verify`: asking the public URL as a device would, with nothing but the root.

use std::path::PathBuf;

use headgate_core::{Code, Offer, Platform, Problem, Result, offer::Look};
use headgate_registry::{HighWater, silent};
use headgate_tuf::UtcTime;

use super::publish::name;
use crate::publish::{DeviceQuestion, prove};
use crate::{Console, OpenStore, World};

/// A device's question.
#[derive(Debug, Clone)]
pub struct VerifyRequest {
    /// Public URL.
    pub url: String,
    /// Exact bytes of the root.
    pub root: Vec<u8>,
    /// Unit.
    pub unit: String,
    /// Channel.
    pub channel: String,
    /// Platform.
    pub platform: Platform,
    /// Native version.
    pub native: Option<String>,
    /// Install id.
    pub install_id: Option<String>,
    /// Build that it runs; nothing = the embedded one.
    pub running: Option<u32>,
    /// Folder that the bundle is downloaded to.
    pub download: Option<PathBuf>,
}

/// What a device would get.
#[derive(Debug, Clone)]
pub struct Verified {
    /// `release`, `embedded`, `nothing`, `up_to_date`.
    pub offer: &'static str,
    /// Why there is nothing.
    pub why: Option<&'static str>,
    /// What was looked at, in order; the last line decided.
    pub trace: Vec<Look>,
    /// Version and build.
    pub release: Option<(String, u32)>,
    /// SHA-256 of the manifest.
    pub manifest: Option<String>,
    /// SHA-256 of the bundle as it was read.
    pub bundle: Option<String>,
    /// Bytes of the bundle.
    pub size: u64,
    /// Root version in force.
    pub root: u64,
    /// Versions of timestamp and snapshot.
    pub timestamp: u64,
    /// Snapshot version.
    pub snapshot: u64,
    /// When freshness ends.
    pub fresh_until: UtcTime,
    /// Install id that was asked with.
    pub install_id: String,
    /// Native version that was asked with.
    pub native: String,
    /// Where the bundle was saved.
    pub saved: Option<PathBuf>,
}

impl Console {
    /// Asks and verifies. Needs no workspace.
    ///
    /// # Errors
    /// `trust.*`, `storage.*`.
    pub async fn verify(&self, request: VerifyRequest) -> Result<Verified> {
        verify(self.inner.stores.as_ref(), &self.inner.world, request).await
    }
}

/// As [`Console::verify`], without a home folder: what a device knows is enough.
///
/// # Errors
/// `trust.*`, `storage.*`.
pub async fn verify(
    stores: &dyn OpenStore,
    world: &World,
    request: VerifyRequest,
) -> Result<Verified> {
    let store = if request.url.starts_with("http://") || request.url.starts_with("https://") {
        stores.open_public(&request.url)?
    } else {
        stores.open(&request.url)?
    };
    let question = DeviceQuestion {
        unit: name("unit", &request.unit)?,
        channel: name("channel", &request.channel)?,
        platform: request.platform,
        native: request.native,
        install_id: request.install_id,
        running: request.running,
        only: None,
    };
    let now = world.now();
    let part = match &request.download {
        Some(folder) => {
            std::fs::create_dir_all(folder).map_err(|e| {
                Problem::new(
                    Code::LocalDisk,
                    format!("{} cannot be made: {e}.", folder.display()),
                )
            })?;
            Some(folder.join(format!(".{}.part", world.id(6)?)))
        }
        None => None,
    };
    let marks = HighWater::default();
    let proof = prove(
        store.as_ref(),
        &request.root,
        &marks,
        now,
        &question,
        part.as_deref(),
        silent(),
    )
    .await?;
    let mut saved = None;
    if let (Some(part), Some(folder), Some(release)) = (&part, &request.download, &proof.release) {
        let to = folder.join(format!("{}-{}.zip", question.unit, release.manifest.build));
        std::fs::rename(part, &to).map_err(|e| {
            Problem::new(
                Code::LocalDisk,
                format!("{} cannot be written: {e}.", to.display()),
            )
        })?;
        saved = Some(to);
    }
    let (offer, why) = match proof.offer {
        Offer::Release(_) => ("release", None),
        Offer::UpToDate => ("up_to_date", None),
        Offer::Embedded => ("embedded", None),
        Offer::Nothing(why) => ("nothing", Some(why.text())),
    };
    Ok(Verified {
        offer,
        why,
        trace: proof.trace,
        release: proof
            .release
            .as_ref()
            .map(|a| (a.manifest.version.clone(), a.manifest.build)),
        manifest: proof.release.as_ref().map(|a| a.sha256.clone()),
        bundle: proof.bundle_sha256,
        size: proof.release.as_ref().map_or(0, |a| a.manifest.bundle.size),
        root: proof.view.root.meta.version,
        timestamp: proof.view.timestamp.meta.version,
        snapshot: proof.view.snapshot.meta.version,
        fresh_until: proof
            .view
            .timestamp
            .meta
            .expires
            .min(proof.view.snapshot.meta.expires),
        install_id: proof.install_id,
        native: proof.native,
        saved,
    })
}
