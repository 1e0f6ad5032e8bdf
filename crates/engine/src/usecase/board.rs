//! The board, from the local cache alone.

use std::collections::BTreeMap;

use headgate_core::{
    Code, Confirm, Problem, ReleaseManifest, Result, RolloutState, native,
    rollout::{Base, Frozen, Gate},
};
use headgate_tuf::{RoleName, UtcTime, policy};

use crate::console::{Console, lock};
use crate::db::{CachedApproval, CachedChannel, JobState};

/// The pipeline of a unit.
#[derive(Debug, Clone)]
pub struct Board {
    /// Unit and its label.
    pub unit: (String, String),
    /// All units.
    pub units: Vec<(String, String)>,
    /// When storage was last read.
    pub as_of: Option<UtcTime>,
    /// Why the last attempt to read storage failed.
    pub offline: Option<Problem>,
    /// Freshness.
    pub freshness: Option<Freshness>,
    /// Channels, first to last.
    pub channels: Vec<ChannelBoard>,
    /// Gates between them.
    pub gates: Vec<GateBoard>,
}

/// Lifetime of a signature.
#[derive(Debug, Clone, Copy)]
pub struct Freshness {
    /// When it was signed.
    pub signed: UtcTime,
    /// When it ends.
    pub expires: UtcTime,
    /// Part that has passed, permille.
    pub used_permille: u32,
}

impl Freshness {
    /// How urgent its end is.
    pub fn level(&self) -> policy::Level {
        policy::level(self.used_permille)
    }
}

/// A channel.
#[derive(Debug, Clone)]
pub struct ChannelBoard {
    /// Name.
    pub id: String,
    /// Name to show.
    pub label: String,
    /// Signatures that an approval needs.
    pub threshold: u32,
    /// How a person confirms what reaches it.
    pub confirm: Confirm,
    /// First share, permille.
    pub start_permille: u16,
    /// Hours that each step of a rollout is meant to last at least.
    pub min_hours: u32,
    /// Gate that a rollout gets.
    pub gate: Option<Gate>,
    /// The signature that ends first.
    pub validity: Freshness,
    /// What it serves.
    pub serving: Option<ServingBoard>,
    /// Earlier releases.
    pub previous: Vec<PastRelease>,
    /// A return to the embedded build was the last act.
    pub embedded: bool,
    /// Who closed it to more devices, and why.
    pub frozen: Option<Frozen>,
}

/// What a channel serves.
#[derive(Debug, Clone)]
pub struct ServingBoard {
    /// The newest release.
    pub release: ReleaseInfo,
    /// Its state.
    pub state: RolloutState,
    /// Its share, permille.
    pub permille: u16,
    /// What everybody else gets.
    pub base: Option<PastRelease>,
    /// Without such a release they return to the embedded build; else they keep what they run.
    pub others_embedded: bool,
    /// Shares that it is meant to go through, permille, rising.
    pub steps: Vec<u16>,
    /// When it was signed.
    pub since: UtcTime,
    /// By whom.
    pub by: String,
}

/// A release.
#[derive(Debug, Clone)]
pub struct ReleaseInfo {
    /// What it says.
    pub manifest: ReleaseManifest,
    /// SHA-256 of the manifest.
    pub sha256: String,
    /// Files in it; 0 when the inventory is not at hand.
    pub files: u32,
    /// Native versions in words.
    pub native: String,
}

/// An earlier release.
#[derive(Debug, Clone)]
pub struct PastRelease {
    /// Version.
    pub version: String,
    /// Build number.
    pub build: u32,
    /// SHA-256 of the bundle.
    pub sha256: String,
    /// When it was approved.
    pub approved: UtcTime,
}

/// State of a gate.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum GateState {
    /// Promote.
    Open,
    /// Nothing to promote.
    Empty,
    /// The target serves it already.
    Same,
    /// Keys are missing here.
    Closed,
    /// A job works on the target.
    Busy,
    /// Expired.
    Blocked,
    /// The target is frozen.
    Frozen,
}

/// The gate between two channels.
#[derive(Debug, Clone)]
pub struct GateBoard {
    /// Source.
    pub from: String,
    /// Target.
    pub to: String,
    /// Its state.
    pub state: GateState,
    /// Why.
    pub reason: String,
    /// Build that would be promoted.
    pub build: Option<u32>,
}

impl Console {
    /// The board of a unit. Reads the cache alone, so it works offline and at once.
    ///
    /// # Errors
    /// `local.cache`, `usage.unknown`.
    pub async fn board(&self, workspace: &str, unit: &str) -> Result<Board> {
        let workspace = self.workspace(workspace).await?;
        let reading = self.inner.cache.reading(&workspace.id).await?;
        let now = self.inner.world.now();
        let offline = reading.offline.as_ref().map(|o| o.problem());
        let Some(settings) = reading.settings else {
            let unit = (unit.to_owned(), unit.to_owned());
            return Ok(Board {
                units: vec![unit.clone()],
                unit,
                as_of: None,
                offline,
                freshness: None,
                channels: Vec::new(),
                gates: Vec::new(),
            });
        };
        let units: Vec<(String, String)> = settings
            .units
            .iter()
            .map(|u| (u.id.to_string(), u.label.clone()))
            .collect();
        let chosen = units.iter().find(|(id, _)| id == unit).cloned();
        let chosen = chosen
            .ok_or_else(|| Problem::new(Code::UsageUnknown, format!("There is no unit {unit}.")))?;
        let cached = self.inner.cache.channels(&workspace.id).await?;
        let by_name: BTreeMap<&str, &CachedChannel> = cached
            .iter()
            .filter(|c| c.unit == unit)
            .map(|c| (c.channel.as_str(), c))
            .collect();
        let mut channels = Vec::new();
        let mut known = Vec::new();
        for setting in &settings.channels {
            let Some(c) = by_name.get(setting.id.as_str()) else {
                continue;
            };
            known.push(*c);
            let serving = self.serving(c).await;
            channels.push(ChannelBoard {
                id: setting.id.to_string(),
                label: setting.label.clone(),
                threshold: c.threshold,
                confirm: setting.confirm,
                start_permille: setting.start_permille,
                min_hours: setting.min_hours,
                gate: setting.gate,
                validity: validity(c, now)?,
                previous: previous(c, serving.as_ref()),
                embedded: serving.is_none()
                    && c.rollout.as_ref().is_some_and(|r| r.base == Base::Embedded),
                frozen: c.rollout.as_ref().and_then(|r| r.frozen.clone()),
                serving,
            });
        }
        let freshness = reading
            .signed_at
            .zip(reading.expires)
            .map(|(signed, expires)| Freshness {
                signed,
                expires,
                used_permille: policy::used_permille(&RoleName::Timestamp, expires, now),
            });
        let gates = known
            .windows(2)
            .map(|pair| self.gate(&workspace.id, pair[0], pair[1], freshness))
            .collect();
        Ok(Board {
            unit: chosen,
            units,
            as_of: reading.read_at,
            offline,
            freshness,
            channels,
            gates,
        })
    }

    async fn serving(&self, c: &CachedChannel) -> Option<ServingBoard> {
        let document = c.rollout.as_ref()?;
        let serving = document.serving();
        let approval = find(c, serving.release?)?;
        let base = serving.base.build().filter(|b| Some(*b) != serving.release);
        let inventory = self
            .inner
            .cache
            .inventory(&approval.manifest.inventory.sha256)
            .await
            .ok()
            .flatten();
        Some(ServingBoard {
            release: ReleaseInfo {
                native: native::summary(&approval.manifest.native),
                manifest: approval.manifest.clone(),
                sha256: approval.sha256.clone(),
                files: inventory.map_or(0, |i| u32::try_from(i.files.len()).unwrap_or(u32::MAX)),
            },
            state: serving.state,
            permille: serving.permille,
            base: base.and_then(|b| find(c, b)).map(past),
            others_embedded: serving.base == Base::Embedded,
            steps: document.steps.clone(),
            since: c.rollout_at.unwrap_or(document.started),
            by: c.rollout_by.clone().unwrap_or_default(),
        })
    }

    fn gate(
        &self,
        workspace: &str,
        from: &CachedChannel,
        to: &CachedChannel,
        freshness: Option<Freshness>,
    ) -> GateBoard {
        let build = from.rollout.as_ref().and_then(|r| r.serving().release);
        let theirs = to.rollout.as_ref().and_then(|r| r.serving().release);
        let busy = lock(&self.inner.live).values().any(|l| {
            l.job.state == JobState::Running
                && l.job.workspace == workspace
                && l.job.channel.as_deref() == Some(&to.channel)
        });
        let expired = freshness.is_some_and(|f| f.used_permille >= 1000);
        let frozen = to.rollout.as_ref().and_then(|r| r.frozen.as_ref());
        let (state, reason) = match build {
            _ if busy => (
                GateState::Busy,
                format!("A job is working on {}.", to.channel),
            ),
            _ if expired => (
                GateState::Blocked,
                "Freshness has expired. Refresh it first.".into(),
            ),
            None => (
                GateState::Empty,
                format!("{} serves nothing that could be promoted.", from.channel),
            ),
            Some(b) if theirs == Some(b) => (
                GateState::Same,
                format!("{} serves build {b} already.", to.channel),
            ),
            Some(_) if frozen.is_some() => (
                GateState::Frozen,
                frozen.map(Frozen::says).unwrap_or_default(),
            ),
            Some(_) if !to.signable => (
                GateState::Closed,
                format!(
                    "{} needs {} signature(s); this computer has too few of its keys.",
                    to.channel, to.threshold
                ),
            ),
            Some(b) => (
                GateState::Open,
                format!("Build {b} can be promoted to {}.", to.channel),
            ),
        };
        GateBoard {
            from: from.channel.clone(),
            to: to.channel.clone(),
            state,
            reason,
            build,
        }
    }
}

fn find(c: &CachedChannel, build: u32) -> Option<&CachedApproval> {
    c.approvals.iter().find(|a| a.manifest.build == build)
}

fn past(a: &CachedApproval) -> PastRelease {
    PastRelease {
        version: a.manifest.version.clone(),
        build: a.manifest.build,
        sha256: a.manifest.bundle.sha256.clone(),
        approved: a.approved,
    }
}

/// Approved releases besides the one that is shown, newest first.
fn previous(c: &CachedChannel, serving: Option<&ServingBoard>) -> Vec<PastRelease> {
    let current = serving.map(|s| s.release.manifest.build);
    let mut rows: Vec<PastRelease> = c
        .approvals
        .iter()
        .filter(|a| Some(a.manifest.build) != current)
        .map(past)
        .collect();
    rows.sort_by_key(|row| std::cmp::Reverse((row.approved, row.build)));
    rows
}

/// The signature of the channel that ends first.
fn validity(c: &CachedChannel, now: UtcTime) -> Result<Freshness> {
    let name = |s: &str| headgate_tuf::Name::new(s);
    let (unit, channel) = (name(&c.unit)?, name(&c.channel)?);
    let approval = RoleName::Channel(unit.clone(), channel.clone());
    let rollout = RoleName::Rollout(unit, channel);
    let of = |role: &RoleName, expires: UtcTime| Freshness {
        signed: expires.plus(-policy::lifetime(role)),
        expires,
        used_permille: policy::used_permille(role, expires, now),
    };
    let (a, r) = (
        of(&approval, c.approval_expires),
        of(&rollout, c.rollout_expires),
    );
    Ok(if a.expires < r.expires { a } else { r })
}
