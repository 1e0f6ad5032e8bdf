//! What is known of one channel, from the local cache alone: what was signed, and what was counted.

use std::collections::BTreeMap;

use headgate_core::settings::{ChannelSettings, UnitSettings};
use headgate_core::status::{
    ActiveCell, ChannelStatus, DailyCell, GateStatus, MinuteCell, OutcomeCell,
};
use headgate_core::{
    ChannelState, Code, Problem, ReleaseManifest, Result, RolloutDocument, Settings,
};
use headgate_tuf::{Name, UtcTime};

use super::server::ServerReading;
use crate::console::{Console, lock};
use crate::db::{CachedChannel, JobState, RolloutVersion};

/// What is known of one channel.
#[derive(Debug, Clone)]
pub struct ChannelFacts {
    /// Unit, as signed.
    pub unit: UnitSettings,
    /// Channel, as signed.
    pub channel: ChannelSettings,
    /// What the channel was asked for as, where that is an alias.
    pub alias: Option<String>,
    /// What it serves; nothing before the first release.
    pub rollout: Option<RolloutDocument>,
    /// When that was signed, and by whom.
    pub signed: Option<(UtcTime, String)>,
    /// Approved releases, newest first.
    pub approved: Vec<ApprovedRelease>,
    /// Releases that any channel of the unit approves, by build number: version, and SHA-256 of the bundle.
    pub known: BTreeMap<u32, (String, String)>,
    /// From then on devices take nothing: the earliest expiry of what it rests on.
    pub expires: UtcTime,
    /// Keys of this computer suffice to change the rollout.
    pub signable: bool,
    /// A job works on it.
    pub busy: bool,
    /// Why storage could not be read the last time.
    pub offline: Option<Problem>,
    /// Committed versions of the rollout, oldest first.
    pub history: Vec<RolloutVersion>,
    /// How old the counts are.
    pub server: ServerReading,
    /// What the update server does on it.
    pub status: Option<ChannelStatus>,
    /// Now.
    pub now: UtcTime,
}

/// An approved release.
#[derive(Debug, Clone)]
pub struct ApprovedRelease {
    /// The manifest.
    pub manifest: ReleaseManifest,
    /// SHA-256 of the manifest.
    pub sha256: String,
    /// When it was approved here.
    pub approved: UtcTime,
    /// Files in it; 0 when the inventory is not at hand.
    pub files: u32,
}

/// Counts of one channel.
#[derive(Debug, Clone, Default)]
pub struct ChannelCounts {
    /// Installs that were seen in the window, by what they run.
    pub active: Vec<ActiveCell>,
    /// How far installs came with the release, in every attempt.
    pub outcomes: Vec<OutcomeCell>,
    /// When installs came to an end with the release.
    pub minutes: Vec<MinuteCell>,
    /// What installs ran at the end of each day.
    pub daily: Vec<DailyCell>,
}

impl ChannelFacts {
    /// A release by its build number.
    pub fn release(&self, build: u32) -> Option<&ApprovedRelease> {
        self.approved.iter().find(|a| a.manifest.build == build)
    }

    /// `4.2.4, build 1301`, or `build 1301` when no channel approves it any longer.
    pub fn name(&self, build: u32) -> String {
        match self.known.get(&build) {
            Some((version, _)) => format!("{version}, build {build}"),
            None => format!("build {build}"),
        }
    }

    /// `4.2.4`, or `build 1301` when no channel approves it any longer.
    pub fn version(&self, build: u32) -> String {
        match self.known.get(&build) {
            Some((version, _)) => version.clone(),
            None => format!("build {build}"),
        }
    }

    /// What decides about devices; nothing before the first release.
    ///
    /// # Errors
    /// `trust.format` when the cache contradicts itself.
    pub fn state(&self) -> Result<Option<ChannelState>> {
        let Some(rollout) = &self.rollout else {
            return Ok(None);
        };
        let approved = self.approved.iter().map(|a| &a.manifest);
        ChannelState::new(rollout.clone(), approved, self.unit.embedded.clone()).map(Some)
    }

    /// What the health gate saw of what rolls out now; nothing when that is about an earlier decision.
    pub fn gate(&self) -> Option<&GateStatus> {
        let rollout = self.rollout.as_ref()?;
        let gate = self.status.as_ref()?.gate.as_ref()?;
        let rolls = rollout.entries.first()?.release == gate.build;
        (rolls && rollout.opened(gate.build) == Some(gate.opened)).then_some(gate)
    }

    /// When the gate stopped what rolls out now; nothing when it did not.
    pub fn stopped(&self) -> Option<UtcTime> {
        self.gate()?.tripped
    }

    /// The first day of a window that ends today, days since 1970-01-01.
    pub fn window(&self, days: u32) -> u32 {
        let end = self.server.as_of.unwrap_or(self.now);
        let today = u32::try_from(end.unix() / 86_400).unwrap_or(0);
        (today + 1).saturating_sub(days.max(1))
    }
}

impl Console {
    /// What is known of a channel, named as people or as devices name it. Reads the cache alone.
    ///
    /// # Errors
    /// `usage.*` for a unit or channel that is not there, `local.*`.
    pub async fn facts(&self, workspace: &str, unit: &str, channel: &str) -> Result<ChannelFacts> {
        let workspace = self.workspace(workspace).await?;
        let reading = self.inner.cache.reading(&workspace.id).await?;
        let settings: Settings = reading.settings.ok_or_else(|| {
            let what = format!("Storage of {} was never read.", workspace.name);
            Problem::new(Code::UsageUnknown, what).remedy("Read storage first.")
        })?;
        let unknown = |what: &str, name: &str| {
            Problem::new(Code::UsageUnknown, format!("There is no {what} {name}.")).field(what)
        };
        let unit = settings
            .unit(unit)
            .cloned()
            .ok_or_else(|| unknown("unit", unit))?;
        let found = settings
            .channel(channel)
            .cloned()
            .ok_or_else(|| unknown("channel", channel))?;
        let cached = self.inner.cache.channels(&workspace.id).await?;
        let known = cached
            .iter()
            .filter(|c| c.unit == unit.id.as_str())
            .flat_map(|c| &c.approvals)
            .map(|a| {
                let of = (a.manifest.version.clone(), a.manifest.bundle.sha256.clone());
                (a.manifest.build, of)
            })
            .collect();
        let cached = cached
            .into_iter()
            .find(|c| c.unit == unit.id.as_str() && c.channel == found.id.as_str())
            .ok_or_else(|| unknown("channel", channel))?;
        let status = self.inner.cache.channel_status(&workspace.id).await?;
        let status = status
            .into_iter()
            .find(|s| s.unit == unit.id && s.channel == found.id);
        let busy = lock(&self.inner.live).values().any(|l| {
            l.job.state == JobState::Running
                && l.job.workspace == workspace.id
                && l.job.channel.as_deref() == Some(found.id.as_str())
        });
        let own = cached.approval_expires.min(cached.rollout_expires);
        Ok(ChannelFacts {
            alias: (found.id.as_str() != channel).then(|| channel.to_owned()),
            history: self
                .inner
                .cache
                .history(&workspace.id, unit.id.as_str(), found.id.as_str())
                .await?,
            approved: self.releases(&cached).await,
            signed: cached.rollout_at.zip(cached.rollout_by),
            rollout: cached.rollout,
            known,
            expires: reading.expires.map_or(own, |e| e.min(own)),
            signable: cached.rollout_signable,
            busy,
            offline: reading.offline.map(|o| o.problem()),
            server: self.server_reading(&workspace.id).await?,
            status,
            now: self.inner.world.now(),
            unit,
            channel: found,
        })
    }

    async fn releases(&self, cached: &CachedChannel) -> Vec<ApprovedRelease> {
        let mut releases = Vec::new();
        for a in &cached.approvals {
            let inventory = &a.manifest.inventory.sha256;
            let inventory = self.inner.cache.inventory(inventory).await.ok().flatten();
            releases.push(ApprovedRelease {
                files: inventory.map_or(0, |i| u32::try_from(i.files.len()).unwrap_or(u32::MAX)),
                manifest: a.manifest.clone(),
                sha256: a.sha256.clone(),
                approved: a.approved,
            });
        }
        releases
    }

    /// Names of a unit's channels, first to last, as last read.
    ///
    /// # Errors
    /// `local.*`.
    pub async fn channel_names(&self, workspace: &str) -> Result<Vec<String>> {
        let settings = self.inner.cache.reading(workspace).await?.settings;
        let names = settings.map(|s| s.channels.iter().map(|c| c.id.to_string()).collect());
        Ok(names.unwrap_or_default())
    }

    /// Installs of a channel that were seen in a window of days, by what they run.
    ///
    /// # Errors
    /// `local.*`.
    pub async fn active(
        &self,
        workspace: &str,
        facts: &ChannelFacts,
        days: u32,
    ) -> Result<Vec<ActiveCell>> {
        let (unit, channel) = (&facts.unit.id, &facts.channel.id);
        let since = facts.window(days);
        self.inner
            .cache
            .active(workspace, unit, channel, since)
            .await
    }

    /// Counts of a channel for one release.
    ///
    /// # Errors
    /// `local.*`.
    pub async fn counts(
        &self,
        workspace: &str,
        facts: &ChannelFacts,
        build: u32,
        days: u32,
    ) -> Result<ChannelCounts> {
        let (unit, channel): (&Name, &Name) = (&facts.unit.id, &facts.channel.id);
        let cache = &self.inner.cache;
        Ok(ChannelCounts {
            active: self.active(workspace, facts, days).await?,
            outcomes: cache.outcomes(workspace, unit, channel, build).await?,
            minutes: cache.minutes(workspace, unit, channel, build).await?,
            daily: cache
                .daily(workspace, unit, channel, facts.window(30))
                .await?,
        })
    }
}
