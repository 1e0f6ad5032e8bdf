//! Reading storage into the local cache.

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::{Base, Code, Result, RolloutDocument};
use headgate_registry::{ChannelTargets, Loaded, Store, View, documents};
use headgate_tuf::{MAX_METADATA, Name, RoleName, UtcTime};

use super::KeyUse;
use super::approvals::State;
use crate::Workspace;
use crate::console::{Console, Happened, Notice, NoticeKind};
use crate::db::{CachedApproval, CachedChannel, OfflineReason, Reading, RolloutVersion};
use crate::publish::Existing;
use crate::trust::Trust;

/// Old versions of an approval role that are read to date its releases.
const HISTORY: usize = 60;

impl Console {
    /// Reads and verifies storage, then paints from the new cache. When storage cannot be read or
    /// believed, the cache stays and says why.
    ///
    /// # Errors
    /// `storage.*`, `trust.*`; also recorded for the board.
    pub async fn sync(&self, workspace: &str) -> Result<()> {
        let workspace = self.workspace(workspace).await?;
        let result = self.read_into_cache(&workspace).await;
        if let Err(problem) = &result {
            let reason = OfflineReason::of(problem);
            self.inner.cache.set_offline(&workspace.id, &reason).await?;
        }
        self.inner.tell(Happened::Board(workspace.id.clone()));
        result
    }

    /// As [`Self::sync`], after work that has succeeded anyway.
    pub(crate) async fn sync_quietly(&self, workspace: &Workspace) {
        if let Err(problem) = self.sync(&workspace.id).await {
            tracing::warn!(%problem, "storage could not be read after a publish");
        }
        // The update server would see the publish at its next look; this only saves devices the wait.
        let (console, workspace) = (self.clone(), workspace.clone());
        tokio::spawn(async move { console.nudge(&workspace).await });
    }

    pub(super) async fn read_into_cache(&self, workspace: &Workspace) -> Result<()> {
        let (store, view) = self.fresh(workspace).await?;
        let known = self
            .inner
            .cache
            .channels(&workspace.id)
            .await
            .unwrap_or_default();
        let own = self.inner.own_keys(&workspace.id).await?;
        let signable = |role: &RoleName| {
            let delegation = view.targets.meta.delegation(role);
            delegation.is_some_and(|d| {
                d.keyids.iter().filter(|id| own.contains_key(id)).count() >= d.threshold as usize
            })
        };
        let mut channels = Vec::new();
        let mut finished = Vec::new();
        let mut trust = Trust::of(&view);
        for (role, loaded) in &view.channels {
            let RoleName::Channel(unit, channel) = role else {
                continue;
            };
            let rollout_role = RoleName::Rollout(unit.clone(), channel.clone());
            let Some(rollout) = view.channels.get(&rollout_role) else {
                continue;
            };
            let docs = documents::channel(store.as_ref(), &view, unit, channel).await?;
            let same =
                |c: &&CachedChannel| c.unit == unit.as_str() && c.channel == channel.as_str();
            let dates = dates(
                store.as_ref(),
                role,
                loaded,
                known.iter().find(same),
                docs.approved.keys().copied().collect(),
            )
            .await?;
            self.read_history(&workspace.id, store.as_ref(), unit, channel, rollout)
                .await?;
            for (build, clients) in &docs.clients {
                if let (Some(key), Some(at)) = (&clients.key, dates.get(build).copied()) {
                    let used = KeyUse {
                        at,
                        role: role.to_string(),
                        version: loaded.meta.version,
                    };
                    let newest = trust
                        .rsa_used
                        .entry(key.sha256.clone())
                        .or_insert(used.clone());
                    if newest.at < at {
                        *newest = used;
                    }
                }
            }
            finished.extend(
                completed(known.iter().find(same), docs.rollout.as_ref()).and_then(|build| {
                    let version = &docs.approved.get(&build)?.manifest.version;
                    Some(Notice {
                        workspace: workspace.id.clone(),
                        unit: unit.to_string(),
                        channel: channel.to_string(),
                        kind: NoticeKind::Complete,
                        title: format!("{version} is complete on {channel}"),
                        text: format!("Every device on {channel} is offered build {build}."),
                    })
                }),
            );
            let approvals = docs.approved.into_values().map(|a| CachedApproval {
                approved: dates
                    .get(&a.manifest.build)
                    .copied()
                    .unwrap_or(loaded.meta.x.at),
                sha256: a.sha256,
                manifest: a.manifest,
            });
            channels.push(CachedChannel {
                unit: unit.to_string(),
                channel: channel.to_string(),
                threshold: view
                    .targets
                    .meta
                    .delegation(role)
                    .map_or(1, |d| d.threshold),
                approval_version: loaded.meta.version,
                approval_expires: loaded.meta.expires,
                rollout_expires: rollout.meta.expires,
                rollout_at: docs.rollout.is_some().then_some(rollout.meta.x.at),
                rollout_by: docs.rollout.is_some().then(|| rollout.meta.x.by.clone()),
                rollout: docs.rollout,
                signable: signable(role) && signable(&rollout_role),
                rollout_signable: signable(&rollout_role),
                approvals: approvals.collect(),
            });
        }
        let names = view
            .root
            .meta
            .x
            .keys
            .iter()
            .map(|(id, k)| (id.to_string(), k.name.clone()))
            .collect();
        let reading = Reading {
            read_at: Some(self.inner.world.now()),
            offline: None,
            settings: Some(view.targets.meta.x.clone()),
            root: view.root.meta.version,
            signed_at: Some(view.snapshot.meta.x.at),
            expires: Some(view.snapshot.meta.expires.min(view.timestamp.meta.expires)),
            key_names: names,
            trust: Some(trust),
        };
        self.inner
            .cache
            .store(&workspace.id, &reading, &channels, &State::files(&view))
            .await?;
        for notice in finished {
            self.inner.tell(Happened::Notice(Box::new(notice)));
        }
        self.keep_inventories(workspace, &view, &channels).await;
        Ok(())
    }

    /// Adds what is new to the cached history of a channel, back to what is known of it.
    async fn read_history(
        &self,
        workspace: &str,
        store: &dyn Store,
        unit: &Name,
        channel: &Name,
        current: &Loaded<ChannelTargets>,
    ) -> Result<()> {
        let (u, c) = (unit.as_str(), channel.as_str());
        let known = self.inner.cache.history(workspace, u, c).await?;
        let is_known = |at: &Loaded<ChannelTargets>| {
            known
                .iter()
                .any(|k| k.version == at.meta.version && k.sha256 == at.sha256)
        };
        let role = RoleName::Rollout(unit.clone(), channel.clone());
        let target = headgate_registry::layout::rollout_target(u, c);
        let mut new = Vec::new();
        let mut at = Some(current.clone());
        while let Some(loaded) = at.filter(|l| !is_known(l) && new.len() < HISTORY) {
            // What is served now is proven elsewhere. A gap costs the older part; `log` is where it is reported.
            match rollout_version(store, &target, &loaded).await {
                Ok(version) => new.push(version),
                Err(problem) => {
                    tracing::warn!(%problem, %role, "the history of a rollout ends early");
                    break;
                }
            }
            at = previous(store, &role, &loaded).await.unwrap_or_default();
        }
        let newest = current.meta.version;
        self.inner
            .cache
            .add_history(workspace, u, c, newest, &new)
            .await
    }

    /// The inventories of what channels serve, so that a comparison works offline.
    async fn keep_inventories(
        &self,
        workspace: &Workspace,
        _view: &View,
        channels: &[CachedChannel],
    ) {
        for channel in channels {
            let Some(build) = channel.rollout.as_ref().and_then(|r| r.serving().release) else {
                continue;
            };
            if let Some(a) = channel.approvals.iter().find(|a| a.manifest.build == build) {
                let _ = self.inner.inventory(workspace, &a.manifest).await;
            }
        }
    }
}

/// A version of a rollout role with its document.
async fn rollout_version(
    store: &dyn Store,
    target: &str,
    loaded: &Loaded<ChannelTargets>,
) -> Result<RolloutVersion> {
    let listed = documents::listed(store, &loaded.meta, target).await?;
    let document = listed.map(|(bytes, _)| RolloutDocument::parse(&bytes));
    let x = &loaded.meta.x;
    Ok(RolloutVersion {
        version: loaded.meta.version,
        sha256: loaded.sha256.clone(),
        at: x.at,
        by: x.by.clone(),
        action: x.action.clone(),
        document: document.transpose()?,
    })
}

/// The build that became complete since a channel was read last; nothing when it was never read.
fn completed(before: Option<&CachedChannel>, now: Option<&RolloutDocument>) -> Option<u32> {
    let was = before?.rollout.as_ref()?.entries.first()?.release;
    let now = now?;
    let rolled_back = matches!(&now.base, Base::Release(base) if base.rolled_back);
    (now.entries.is_empty() && now.base.build() == Some(was) && !rolled_back).then_some(was)
}

/// When each build was first approved: the oldest version, back along `prev`, that lists it without a gap.
async fn dates(
    store: &dyn Store,
    role: &RoleName,
    current: &Loaded<ChannelTargets>,
    known: Option<&CachedChannel>,
    builds: BTreeSet<u32>,
) -> Result<BTreeMap<u32, UtcTime>> {
    let mut dates = BTreeMap::new();
    let mut open = BTreeSet::new();
    for build in builds {
        match known.and_then(|c| c.approvals.iter().find(|a| a.manifest.build == build)) {
            Some(a) => drop(dates.insert(build, a.approved)),
            None => drop(open.insert(build)),
        }
    }
    let mut at = current.clone();
    for _ in 0..HISTORY {
        open.retain(|build| {
            let listed = at
                .meta
                .targets
                .keys()
                .any(|t| t.ends_with(&format!(".release-{build}.json")));
            if listed {
                dates.insert(*build, at.meta.x.at);
            }
            listed
        });
        if open.is_empty() {
            break;
        }
        // A gap in the history costs a date, not the board; `log` is where it is reported.
        match previous(store, role, &at).await {
            Ok(Some(older)) => at = older,
            Ok(None) => break,
            Err(problem) if problem.code == Code::TrustLog => break,
            Err(problem) => return Err(problem),
        }
    }
    Ok(dates)
}

/// The committed version before this one: the file whose hash `prev` names.
pub(super) async fn previous(
    store: &dyn Store,
    role: &RoleName,
    at: &Loaded<ChannelTargets>,
) -> Result<Option<Loaded<ChannelTargets>>> {
    let Some(prev) = &at.meta.x.prev else {
        return Ok(None);
    };
    let named = async |version: u64| -> Result<Option<Loaded<ChannelTargets>>> {
        let key = headgate_registry::layout::metadata(role, version);
        let object = store.get(&key, MAX_METADATA as u64).await?;
        let found = object.filter(|o| headgate_tuf::sha256_hex(&o.bytes) == *prev);
        found.map(|o| Loaded::parse(&key, o.bytes)).transpose()
    };
    // Nearly always the number before. Others may be missing, even a billion after somebody pushed the role ahead, so
    // they are not tried out one by one.
    if let Some(found) = named(at.meta.version.saturating_sub(1)).await? {
        return Ok(Some(found));
    }
    let existing = match Existing::read(store).await {
        Err(problem) if problem.code == Code::StorageReadOnly => Existing::default(),
        read => read?,
    };
    for version in existing.below(role, at.meta.version) {
        if let Some(found) = named(version).await? {
            return Ok(Some(found));
        }
    }
    let what = format!(
        "{role} version {} names a version before it that storage does not have.",
        at.meta.version
    );
    Err(headgate_core::Problem::new(Code::TrustLog, what))
}
