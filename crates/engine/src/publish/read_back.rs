//! Asking the registry as a device would, from the pinned root alone.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use headgate_core::{
    ChannelState, ClientsDocument, Code, Decision, Device, Offer, Platform, Problem, Result,
    offer::Look, rollout::RolloutDocument,
};
use headgate_registry::{Expiry, HighWater, Progress, Store, View, documents};
use headgate_tuf::{Name, RoleName, UtcTime};

/// A device's question.
#[derive(Debug, Clone)]
pub(crate) struct DeviceQuestion {
    /// Unit.
    pub(crate) unit: Name,
    /// Channel.
    pub(crate) channel: Name,
    /// Platform.
    pub(crate) platform: Platform,
    /// Native version; nothing = one that the newest release runs on.
    pub(crate) native: Option<String>,
    /// Install id; nothing = one that the newest rollout reaches.
    pub(crate) install_id: Option<String>,
    /// Build that it runs; nothing = the embedded one.
    pub(crate) running: Option<u32>,
    /// Of single files, those with these keys are read; nothing = all. The others were proven when they were skipped.
    pub(crate) only: Option<HashSet<String>>,
}

/// What the registry answered, all of it verified.
#[derive(Debug, Clone)]
pub(crate) struct Proof {
    /// The answer.
    pub(crate) offer: Offer,
    /// What was looked at for it, in order.
    pub(crate) trace: Vec<Look>,
    /// The release that it names.
    pub(crate) release: Option<headgate_registry::documents::Approved>,
    /// All approved releases of the channel by build number.
    pub(crate) approved: BTreeMap<u32, headgate_registry::documents::Approved>,
    /// What plugins need of them, by build number.
    pub(crate) clients: BTreeMap<u32, ClientsDocument>,
    /// SHA-256 of the bundle as it was read, or of the files map where single files lie alone.
    pub(crate) bundle_sha256: Option<String>,
    /// The rollout document.
    pub(crate) rollout: RolloutDocument,
    /// SHA-256 of the rollout document.
    pub(crate) rollout_sha256: String,
    /// The verified state.
    pub(crate) view: Box<View>,
    /// The question, with what was filled in.
    pub(crate) native: String,
    /// The install id asked with.
    pub(crate) install_id: String,
}

/// Asks, verifies, and reads the bundle; into a file when one is given.
///
/// # Errors
/// `trust.*` when anything is not as signed; `storage.*`.
pub(crate) async fn prove(
    store: &dyn Store,
    root: &[u8],
    marks: &HighWater,
    now: UtcTime,
    question: &DeviceQuestion,
    download: Option<&Path>,
    progress: Progress<'_>,
) -> Result<Proof> {
    let view = View::read(store, root, marks, now, Expiry::Enforce).await?;
    in_force(&view, question, now)?;
    let docs = documents::channel(store, &view, &question.unit, &question.channel).await?;
    let (Some(rollout), Some(rollout_sha256)) = (docs.rollout.clone(), docs.rollout_sha256.clone())
    else {
        return Err(Problem::new(
            Code::UsageUnknown,
            format!("{} serves nothing yet.", question.channel),
        ));
    };
    let embedded = view
        .targets
        .meta
        .x
        .unit(question.unit.as_str())
        .map(|u| u.embedded.clone())
        .unwrap_or_default();
    let newest = rollout
        .serving()
        .release
        .and_then(|b| docs.approved.get(&b));
    let native = question
        .native
        .clone()
        .unwrap_or_else(|| fitting(newest.map(|a| &a.manifest), question.platform));
    let state = ChannelState::new(
        rollout.clone(),
        docs.approved.values().map(|a| &a.manifest),
        embedded,
    )?;
    if let Some(build) = state.unapproved() {
        let what = format!(
            "The rollout on {} names build {build}, which is not approved there.",
            question.channel
        );
        return Err(Problem::new(Code::TrustUnapproved, what));
    }
    let install_id = question
        .install_id
        .clone()
        .unwrap_or_else(|| reached(&rollout));
    let device = Device {
        install_id: Some(install_id.clone()),
        platform: question.platform,
        native: native.clone(),
        running: question.running,
        failed: Vec::new(),
    };
    let Decision { offer, trace } = headgate_core::explain(&state, &device);
    let release = match offer {
        Offer::Release(build) => docs.approved.get(&build).cloned(),
        _ => None,
    };
    let mut bundle_sha256 = None;
    if let Some(approved) = &release {
        let manifest = &approved.manifest;
        let read = documents::content(store, manifest, question.only.as_ref(), download, progress);
        bundle_sha256 = Some(read.await?);
    }
    Ok(Proof {
        approved: docs.approved,
        clients: docs.clients,
        offer,
        trace,
        release,
        bundle_sha256,
        rollout,
        rollout_sha256,
        view: Box::new(view),
        native,
        install_id,
    })
}

/// Expired approvals or rollouts of the channel offer nothing.
fn in_force(view: &View, question: &DeviceQuestion, now: UtcTime) -> Result<()> {
    let (unit, channel) = (&question.unit, &question.channel);
    for role in [
        RoleName::Channel(unit.clone(), channel.clone()),
        RoleName::Rollout(unit.clone(), channel.clone()),
    ] {
        if let Some(loaded) = view.channels.get(&role)
            && loaded.meta.expires <= now
        {
            let what = format!("{role} expired at {}.", loaded.meta.expires);
            return Err(Problem::new(Code::TrustExpired, what));
        }
    }
    Ok(())
}

/// A native version that a release runs on: its lowest, or one that stands for all.
fn fitting(manifest: Option<&headgate_core::ReleaseManifest>, platform: Platform) -> String {
    let range = manifest.and_then(|m| m.native.range(platform));
    let candidates = range
        .into_iter()
        .flat_map(|r| {
            [
                r.min.clone(),
                r.max.as_ref().map(|m| m.replace(['x', '*'], "0")),
            ]
        })
        .flatten();
    let fits = |v: &String| manifest.is_none_or(|m| m.native.matches(platform, v));
    candidates
        .chain(["1.0.0".to_owned()])
        .find(fits)
        .unwrap_or_else(|| "1.0.0".into())
}

/// An install id that the newest rollout reaches, so that the answer is about the new release.
fn reached(rollout: &RolloutDocument) -> String {
    let Some(entry) = rollout.entries.first() else {
        return "read-back-0".into();
    };
    (0..100_000u32)
        .map(|n| format!("read-back-{n}"))
        .find(|id| headgate_core::in_share(Some(id), &entry.salt, entry.permille))
        .unwrap_or_else(|| "read-back-0".into())
}
