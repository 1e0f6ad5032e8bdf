//! One new version of a role: its signatures, the version that it names, and the documents that it lists.

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::{Kind, ReleaseManifest, Result, RolloutDocument, settings::TopTargets};
use headgate_registry::{ChannelTargets, Loaded, layout};
use headgate_tuf::{
    Envelope, KeyId, Name, RoleName,
    metadata::{HasHeader as _, Header, TargetFile},
};

use super::verify::{At, Current, Moved, Verifier};
use super::{Fault, LogFile, LogRole};

impl Verifier<'_, '_> {
    /// A new version of settings and delegations, if the entry has one.
    pub(super) async fn top_targets(
        &mut self,
        at: At,
        version: u64,
        roles: &mut Vec<LogRole>,
        files: &mut Vec<LogFile>,
    ) -> Result<()> {
        let role = RoleName::Targets;
        let was = self.roles.get(&role).map(|c| c.version);
        if was == Some(version) {
            return Ok(());
        }
        let key = layout::metadata(&role, version);
        let loaded = match self.source.get(&key).await? {
            None => Err("storage does not have it".to_owned()),
            Some(file) => Loaded::<TopTargets>::parse(&key, file).map_err(|p| p.message),
        };
        let loaded = loaded.and_then(|l| of_version(l.meta.version, version).map(|()| l));
        let loaded = match loaded {
            Ok(loaded) => loaded,
            Err(why) => {
                self.bad(at, &role, version, &why);
                return Ok(());
            }
        };
        let header = loaded.meta.x.common().clone();
        let known = self.faults.len();
        let signers = self.top_level(role.clone(), version, at.number, &loaded.file, &header);
        let good = self.faults.len() == known;
        self.names(at, &role, version, &header);
        self.took(
            at,
            &role,
            version,
            good.then(|| loaded.sha256.clone()),
            None,
        );
        files.push(LogFile::new(&key, &loaded.file));
        roles.push(self.role(&role, version, was, &header, &signers));
        if good {
            self.source.good(&key);
            self.targets = Some(loaded);
        }
        Ok(())
    }

    /// A new version of a channel's role.
    pub(super) async fn channel(
        &mut self,
        at: At,
        role: &RoleName,
        version: u64,
        roles: &mut Vec<LogRole>,
        files: &mut Vec<LogFile>,
    ) -> Result<Option<Moved>> {
        let key = layout::metadata(role, version);
        let loaded = match self.source.get(&key).await? {
            None => Err("storage does not have it".to_owned()),
            Some(file) => Loaded::<ChannelTargets>::parse(&key, file).map_err(|p| p.message),
        };
        let checked = loaded.and_then(|loaded| {
            of_version(loaded.meta.version, version)?;
            let signers = self.signed(role, &loaded)?;
            Ok((loaded, signers))
        });
        let (loaded, signers) = match checked {
            Ok(found) => found,
            Err(why) => {
                self.bad(at, role, version, &why);
                return Ok(None);
            }
        };
        let header = loaded.meta.x.clone();
        self.names(at, role, version, &header);
        let before = self.roles.remove(role);
        let was = before.as_ref().map(|c| c.version);
        let old = before.and_then(|c| c.loaded);
        let moved = self.moved(at, role, old.as_ref(), &loaded).await?;
        files.push(LogFile::new(&key, &loaded.file));
        roles.push(self.role(role, version, was, &header, &signers));
        self.source.good(&key);
        self.took(at, role, version, Some(loaded.sha256.clone()), Some(loaded));
        Ok(moved)
    }

    /// A role that the entry leaves as it was still has to be signed by whom the entry's delegations name.
    pub(super) fn still(
        &mut self,
        number: u64,
        role: &RoleName,
        before: Option<&Loaded<TopTargets>>,
    ) {
        let of = |t: &Loaded<TopTargets>| t.meta.delegation(role).cloned();
        if before.and_then(of) == self.targets.as_ref().and_then(of) {
            return;
        }
        let Some(current) = self.roles.get(role) else {
            return;
        };
        let version = current.version;
        let checked = current
            .loaded
            .as_ref()
            .map(|loaded| self.signed(role, loaded));
        if let Some(Err(why)) = checked {
            self.faults.push((number, Fault::new(role, version, &why)));
        }
    }

    /// Whose signatures count, by the delegation in force.
    fn signed(
        &self,
        role: &RoleName,
        loaded: &Loaded<ChannelTargets>,
    ) -> std::result::Result<BTreeSet<KeyId>, String> {
        let targets = self.targets.as_ref().map(|t| &t.meta);
        let found = targets.and_then(|t| Some((t.delegation(role)?, t.delegations.as_ref()?)));
        let Some((delegation, all)) = found else {
            return Err("nothing delegates to this role".into());
        };
        let x = &loaded.meta.x;
        if targets.is_some_and(|t| t.x.header.workspace != x.workspace) {
            return Err("it belongs to another workspace".into());
        }
        let says = x.unit.as_deref().zip(x.channel.as_deref());
        if says != role.place().map(|(u, c)| (u.as_str(), c.as_str())) {
            return Err("it says that it is for another unit or channel".into());
        }
        let envelope = Envelope::parse(&loaded.file).map_err(|e| e.to_string())?;
        let keys = delegation.role_keys();
        envelope
            .verify(&role.to_string(), &keys, &all.keys)
            .map_err(|e| e.to_string())?;
        Ok(envelope.valid_signers(&keys, &all.keys))
    }

    /// The version that this one names is the one that was committed before it. When it is not, the older file is the
    /// one that was changed: the newer one is signed, and what it names with it.
    fn names(&mut self, at: At, role: &RoleName, version: u64, header: &Header) {
        if at.gap {
            return;
        }
        let fault = match (self.roles.get(role), &header.prev) {
            (None, None) => None,
            (None, Some(_)) => {
                let why = "it names a version before it that no entry committed";
                Some((at.number, Fault::new(role, version, why)))
            }
            (Some(_), None) => {
                let why = "it names no version before it, although there is one";
                Some((at.number, Fault::new(role, version, why)))
            }
            (Some(old), Some(prev)) => {
                let other = old.sha256.as_ref().is_some_and(|sha256| sha256 != prev);
                let why = format!("its file is not the one that version {version} names");
                other.then(|| (old.entry, Fault::new(role, old.version, &why)))
            }
        };
        self.faults.extend(fault);
    }

    fn bad(&mut self, at: At, role: &RoleName, version: u64, why: &str) {
        self.faults
            .push((at.number, Fault::new(role, version, why)));
        // What was read of an earlier version stays: the next one is put into words against it.
        let loaded = self.roles.remove(role).and_then(|c| c.loaded);
        self.took(at, role, version, None, loaded);
    }

    fn took(
        &mut self,
        at: At,
        role: &RoleName,
        version: u64,
        sha256: Option<String>,
        loaded: Option<Loaded<ChannelTargets>>,
    ) {
        let current = Current {
            version,
            entry: at.number,
            sha256,
            loaded,
        };
        self.roles.insert(role.clone(), current);
    }

    async fn moved(
        &mut self,
        at: At,
        role: &RoleName,
        old: Option<&Loaded<ChannelTargets>>,
        new: &Loaded<ChannelTargets>,
    ) -> Result<Option<Moved>> {
        let Some((unit, channel)) = role.place() else {
            return Ok(None);
        };
        let none = BTreeMap::new();
        let (was, now) = (old.map_or(&none, |l| &l.meta.targets), &new.meta.targets);
        let mut moved = Moved {
            role: role.clone(),
            place: (unit.clone(), channel.clone()),
            approved: Vec::new(),
            withdrawn: Vec::new(),
            rollout: None,
            same: old.is_some() && was == now,
        };
        if matches!(role, RoleName::Rollout(..)) {
            let before = self.rollouts.get(role).cloned().flatten();
            let after = self.rollout(at, role, new).await?;
            self.rollouts.insert(role.clone(), after.clone());
            moved.rollout = Some((before, after));
            return Ok(Some(moved));
        }
        for (name, file) in now
            .iter()
            .filter(|(name, file)| name.contains(".release-") && was.get(*name) != Some(*file))
        {
            if let Some(manifest) = self.manifest(at, role, new, name, file).await? {
                let from = self.from(unit, channel, &file.hashes.sha256);
                moved.approved.push((manifest, from));
            }
        }
        let gone = was.keys().filter(|name| !now.contains_key(*name));
        moved.withdrawn = gone.filter_map(|name| build_of(name)).collect();
        Ok(Some(moved))
    }

    async fn manifest(
        &mut self,
        at: At,
        role: &RoleName,
        new: &Loaded<ChannelTargets>,
        name: &str,
        file: &TargetFile,
    ) -> Result<Option<ReleaseManifest>> {
        let sha256 = &file.hashes.sha256;
        if let Some(known) = self.manifests.get(sha256) {
            return Ok(Some(known.clone()));
        }
        let key = layout::target(sha256, name);
        let read = match self.source.document(&key, sha256).await {
            Ok(bytes) => ReleaseManifest::parse(&bytes),
            Err(problem) => Err(problem),
        };
        match read {
            Ok(manifest) => {
                self.manifests.insert(sha256.clone(), manifest.clone());
                Ok(Some(manifest))
            }
            Err(problem) if problem.code.kind() == Kind::Storage => Err(problem),
            Err(problem) => {
                let fault = Fault::new(role, new.meta.version, &problem.message);
                self.faults.push((at.number, fault));
                Ok(None)
            }
        }
    }

    async fn rollout(
        &mut self,
        at: At,
        role: &RoleName,
        new: &Loaded<ChannelTargets>,
    ) -> Result<Option<RolloutDocument>> {
        let Some((unit, channel)) = role.place() else {
            return Ok(None);
        };
        let name = layout::rollout_target(unit.as_str(), channel.as_str());
        let Some(file) = new.meta.targets.get(&name) else {
            return Ok(None);
        };
        let key = layout::target(&file.hashes.sha256, &name);
        let read = match self.source.document(&key, &file.hashes.sha256).await {
            Ok(bytes) => RolloutDocument::parse(&bytes),
            Err(problem) => Err(problem),
        };
        match read {
            Ok(document) => Ok(Some(document)),
            Err(problem) if problem.code.kind() == Kind::Storage => Err(problem),
            Err(problem) => {
                let fault = Fault::new(role, new.meta.version, &problem.message);
                self.faults.push((at.number, fault));
                Ok(None)
            }
        }
    }

    /// The channel where the same bytes were approved before: the one nearest to this one, else any.
    fn from(&self, unit: &Name, channel: &Name, sha256: &str) -> Option<Name> {
        let lists = |current: &Current| {
            let targets = current.loaded.iter().flat_map(|l| l.meta.targets.values());
            targets.into_iter().any(|t| t.hashes.sha256 == sha256)
        };
        let mut from: Vec<&Name> = self
            .roles
            .iter()
            .filter_map(|(role, current)| match role {
                RoleName::Channel(u, c) if u == unit && c != channel && lists(current) => Some(c),
                _ => None,
            })
            .collect();
        let order: Vec<&Name> = self
            .targets
            .iter()
            .flat_map(|t| t.meta.x.channels.iter().map(|c| &c.id))
            .collect();
        let place = |name: &Name| order.iter().position(|c| *c == name);
        let own = place(channel);
        from.sort_by_key(|name| place(name));
        from.iter()
            .rev()
            .find(|name| place(name) < own)
            .or(from.last())
            .map(|name| (*name).clone())
    }
}

fn of_version(says: u64, version: u64) -> std::result::Result<(), String> {
    if says == version {
        return Ok(());
    }
    Err(format!("its file holds version {says}"))
}

/// The build of a release target.
fn build_of(target: &str) -> Option<u32> {
    let (_, build) = target.split_once(".release-")?;
    build.strip_suffix(".json")?.parse().ok()
}
