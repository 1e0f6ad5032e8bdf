//! Entry by entry, oldest first: signatures, each role's own chain, and what is listed by hash.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use headgate_core::{ReleaseManifest, Result, RolloutDocument, settings::TopTargets};
use headgate_registry::{ChannelTargets, Loaded, layout};
use headgate_tuf::{
    Envelope, KeyId, Name, RoleName,
    metadata::{Header, Root, Snapshot},
};

use super::roots::{self, Roots};
use super::source::Source;
use super::walk::Link;
use super::words::{ChannelMove, Facts, describe};
use super::{EntryState, Fault, LogEntry, LogFile, LogRole};

/// Entries whose files are fetched together.
const CHUNK: usize = 24;

/// A role as the entry before left it.
pub(super) struct Current {
    pub(super) version: u64,
    /// Entry that committed it.
    pub(super) entry: u64,
    /// SHA-256 of its file; nothing when the file could not be believed.
    pub(super) sha256: Option<String>,
    /// A channel's role.
    pub(super) loaded: Option<Loaded<ChannelTargets>>,
}

/// Where a role gets a new version.
#[derive(Clone, Copy)]
pub(super) struct At {
    /// Entry.
    pub(super) number: u64,
    /// What was committed right before it is not known.
    pub(super) gap: bool,
}

/// What became of a channel's role.
pub(super) struct Moved {
    pub(super) role: RoleName,
    pub(super) place: (Name, Name),
    pub(super) approved: Vec<(ReleaseManifest, Option<Name>)>,
    pub(super) withdrawn: Vec<u32>,
    pub(super) rollout: Option<(Option<RolloutDocument>, Option<RolloutDocument>)>,
    /// Signed again with the same content.
    pub(super) same: bool,
}

/// Verifies and describes entries in order.
pub(super) struct Verifier<'s, 'a> {
    pub(super) source: &'s mut Source<'a>,
    roots: Roots,
    /// No root before this one counts any more.
    floor: usize,
    by_entry: BTreeMap<u64, Vec<usize>>,
    pub(super) targets: Option<Loaded<TopTargets>>,
    pub(super) roles: BTreeMap<RoleName, Current>,
    snapshot: Option<Snapshot>,
    /// Manifests by hash, and the rollout documents in force.
    pub(super) manifests: BTreeMap<String, ReleaseManifest>,
    pub(super) rollouts: BTreeMap<RoleName, Option<RolloutDocument>>,
    pub(super) faults: Vec<(u64, Fault)>,
    /// Roots that could not be believed, so that nobody knows with which entry they came.
    pub(super) unknown: Vec<Fault>,
    pub(super) entries: Vec<LogEntry>,
}

impl<'s, 'a> Verifier<'s, 'a> {
    pub(super) fn new(source: &'s mut Source<'a>, roots: Roots, links: &[Link]) -> Self {
        let heads: Vec<(u64, Header)> = links
            .iter()
            .map(|l| (l.snapshot.meta.version, l.snapshot.meta.x.clone()))
            .collect();
        let by_entry = roots::by_entry(&roots.list, &heads);
        let mut faults = Vec::new();
        let mut unknown = Vec::new();
        for (version, why) in &roots.faults {
            let fault = Fault::new(&RoleName::Root, *version, why);
            let index = roots.list.iter().position(|r| r.meta.version == *version);
            let came = |of: &(&u64, &Vec<usize>)| index.is_some_and(|i| of.1.contains(&i));
            match by_entry.iter().find(came) {
                Some((entry, _)) => faults.push((*entry, fault)),
                None => unknown.push(fault),
            }
        }
        Self {
            faults,
            unknown,
            source,
            floor: 0,
            by_entry,
            targets: None,
            roles: BTreeMap::new(),
            snapshot: None,
            manifests: BTreeMap::new(),
            rollouts: BTreeMap::new(),
            entries: Vec::new(),
            roots,
        }
    }

    /// Takes the entries of a walk.
    ///
    /// # Errors
    /// `storage.*`.
    pub(super) async fn run(&mut self, links: &[Link]) -> Result<()> {
        for (index, chunk) in links.chunks(CHUNK).enumerate() {
            let before = (index > 0).then(|| &links[index * CHUNK - 1]);
            self.fetch(before, chunk).await?;
            for link in chunk {
                Box::pin(self.entry(link)).await?;
            }
        }
        Ok(())
    }

    /// Fetches the role files of these entries, then the rollout documents that they list.
    async fn fetch(&mut self, before: Option<&Link>, links: &[Link]) -> Result<()> {
        let mut keys = Vec::new();
        let mut older = before.map(|l| &l.snapshot.meta);
        let mut rollouts = Vec::new();
        for link in links {
            let snapshot = &link.snapshot.meta;
            for (file, meta) in &snapshot.meta {
                if older.is_some_and(|o| o.meta.get(file) == Some(meta)) {
                    continue;
                }
                let Ok(role) = RoleName::parse(file.trim_end_matches(".json")) else {
                    continue;
                };
                let key = layout::metadata(&role, meta.version);
                rollouts.push(key.clone());
                keys.push(key);
            }
            older = Some(snapshot);
        }
        self.source.fetch(keys).await?;
        let mut documents = Vec::new();
        for key in rollouts {
            let Some(file) = self.source.peek(&key) else {
                continue;
            };
            let Ok(loaded) = Loaded::<ChannelTargets>::parse(&key, file) else {
                continue;
            };
            let listed = loaded.meta.targets.iter();
            let wanted = listed.filter(|(name, file)| {
                !name.contains(".clients-") && !self.manifests.contains_key(&file.hashes.sha256)
            });
            documents.extend(wanted.map(|(name, f)| layout::target(&f.hashes.sha256, name)));
        }
        self.source.fetch(documents).await
    }

    async fn entry(&mut self, link: &Link) -> Result<()> {
        let snapshot = &link.snapshot.meta;
        let number = snapshot.version;
        let key = layout::metadata(&RoleName::Snapshot, number);
        let signers = self.top_level(
            RoleName::Snapshot,
            number,
            number,
            &link.snapshot.file,
            &snapshot.x,
        );
        let mut files = vec![LogFile::new(&key, &link.snapshot.file)];
        let mut roles = Vec::new();
        let first = snapshot.x.prev.is_none() && self.snapshot.is_none();
        let before_targets = self.targets.clone();
        self.order(number, snapshot);
        if let Some(version) = snapshot.version_of(&RoleName::Targets) {
            let at = At {
                number,
                gap: link.gap,
            };
            self.top_targets(at, version, &mut roles, &mut files)
                .await?;
        }
        let mut moved = Vec::new();
        for (file, meta) in &snapshot.meta {
            let Ok(role) = RoleName::parse(file.trim_end_matches(".json")) else {
                continue;
            };
            if role == RoleName::Targets {
                continue;
            }
            if self
                .roles
                .get(&role)
                .is_some_and(|c| c.version == meta.version)
            {
                self.still(number, &role, before_targets.as_ref());
                continue;
            }
            let at = At {
                number,
                gap: link.gap,
            };
            let change = self
                .channel(at, &role, meta.version, &mut roles, &mut files)
                .await?;
            moved.extend(change);
        }
        let came = self.by_entry.get(&number).cloned().unwrap_or_default();
        for index in &came {
            let root = &self.roots.list[*index];
            let envelope = Envelope::parse(&root.file)?;
            let signers = envelope.valid_signers(root.meta.role(&RoleName::Root)?, &root.meta.keys);
            files.push(LogFile::new(&roots::key(root.meta.version), &root.file));
            let was = index
                .checked_sub(1)
                .map(|i| self.roots.list[i].meta.version);
            roles.push(self.role(
                &RoleName::Root,
                root.meta.version,
                was,
                &root.meta.x.header,
                &signers,
            ));
            self.floor = self.floor.max(*index);
        }
        let words = self.words(snapshot, first, &came, before_targets.as_ref(), &moved);
        let signed_by = signers.iter().map(|id| self.name(id)).collect();
        self.source.good(&key);
        let x = &snapshot.x;
        self.entries.push(LogEntry {
            number,
            hash: link.snapshot.sha256.clone(),
            prev: x.prev.clone(),
            action: x.action.clone(),
            at: x.at,
            by: x.by.clone(),
            reason: x.reason.clone(),
            words,
            signed_by,
            roles,
            files,
            state: if link.linked {
                EntryState::Proven
            } else {
                EntryState::Unlinked
            },
        });
        self.snapshot = Some(snapshot.clone());
        Ok(())
    }

    fn words(
        &self,
        snapshot: &Snapshot,
        first: bool,
        came: &[usize],
        before: Option<&Loaded<TopTargets>>,
        moved: &[Moved],
    ) -> super::Words {
        let versions = |unit: &Name| {
            let unit = unit.clone();
            move |build: u32| {
                let mut all = self.manifests.values();
                let found = all.find(|m| m.unit == unit && m.build == build);
                found.map(|m| m.version.clone())
            }
        };
        let lookups: Vec<_> = moved.iter().map(|m| versions(&m.place.0)).collect();
        let mut channels: Vec<ChannelMove<'_>> = Vec::new();
        // Both roles of a channel make one act.
        for (m, version) in moved.iter().zip(&lookups) {
            let (unit, channel) = (&m.place.0, &m.place.1);
            let same = channels
                .iter_mut()
                .find(|c| (c.unit, c.channel) == (unit, channel));
            if let Some(known) = same {
                known.approved.extend(m.approved.clone());
                known.withdrawn.extend(m.withdrawn.clone());
                known.rollout = known.rollout.take().or_else(|| m.rollout.clone());
            } else {
                channels.push(ChannelMove {
                    unit,
                    channel,
                    approved: m.approved.clone(),
                    withdrawn: m.withdrawn.clone(),
                    rollout: m.rollout.clone(),
                    version,
                });
            }
        }
        let root = |i: usize| &self.roots.list[i].meta;
        let roots = came.iter().map(|i| (i.checked_sub(1).map(root), root(*i)));
        let now = self.targets.as_ref();
        let targets = now.filter(|now| before.is_none_or(|b| b.sha256 != now.sha256));
        let again = targets.into_iter().filter_map(|now| {
            let (was, now) = (&before?.meta, &now.meta);
            let settings = headgate_core::Settings {
                header: was.x.header.clone(),
                ..now.x.clone()
            };
            let same = settings == was.x && now.delegations == was.delegations;
            same.then(|| RoleName::Targets.to_string())
        });
        describe(&Facts {
            first,
            expires: snapshot.expires,
            roots: roots.collect::<Vec<(Option<&Root>, &Root)>>(),
            targets: targets.map(|now| (before.map(|b| &b.meta), &now.meta)),
            settings: now.map(|t| &t.meta.x),
            channels,
            renewed: again
                .chain(moved.iter().filter(|m| m.same).map(|m| m.role.to_string()))
                .collect(),
            key: &|id| self.name(id),
        })
    }

    /// Versions only rise, and no role vanishes.
    fn order(&mut self, number: u64, snapshot: &Snapshot) {
        let Some(before) = &self.snapshot else {
            return;
        };
        let mut found = Vec::new();
        for (file, was) in &before.meta {
            let role = file.trim_end_matches(".json");
            match snapshot.meta.get(file) {
                None => found.push((
                    role,
                    was.version,
                    "the entry names this role no more".to_owned(),
                )),
                Some(now) if now.version < was.version => found.push((
                    role,
                    now.version,
                    format!("version {} was committed before it", was.version),
                )),
                Some(_) => {}
            }
        }
        let found: Vec<(u64, Fault)> = found
            .into_iter()
            .filter_map(|(role, version, why)| {
                let role = RoleName::parse(role).ok()?;
                Some((number, Fault::new(&role, version, &why)))
            })
            .collect();
        self.faults.extend(found);
    }

    /// Verifies a top-level file with the oldest root that still counts and accepts it; older ones count no more then.
    pub(super) fn top_level(
        &mut self,
        role: RoleName,
        version: u64,
        entry: u64,
        file: &Bytes,
        header: &Header,
    ) -> BTreeSet<KeyId> {
        let checked = self.accepted(&role, file).and_then(|found| {
            let own = &self.roots.list[found.0].meta.x.header.workspace;
            if header.workspace == *own {
                Ok(found)
            } else {
                Err("it belongs to another workspace".into())
            }
        });
        match checked {
            Ok((index, signers)) => {
                self.floor = index;
                signers
            }
            Err(why) => {
                self.faults.push((entry, Fault::new(&role, version, &why)));
                BTreeSet::new()
            }
        }
    }

    pub(super) fn accepted(
        &self,
        role: &RoleName,
        file: &Bytes,
    ) -> std::result::Result<(usize, BTreeSet<KeyId>), String> {
        let envelope = Envelope::parse(file).map_err(|e| e.to_string())?;
        let accepts = |root: &Loaded<Root>| {
            let keys = root.meta.role(role).ok()?;
            let good = envelope
                .verify(&role.to_string(), keys, &root.meta.keys)
                .is_ok();
            good.then(|| envelope.valid_signers(keys, &root.meta.keys))
        };
        let mut all = self.roots.list.iter().enumerate();
        if let Some(found) = all
            .clone()
            .skip(self.floor)
            .find_map(|(i, r)| Some((i, accepts(r)?)))
        {
            return Ok(found);
        }
        Err(match all.any(|(_, root)| accepts(root).is_some()) {
            true => "it is signed by keys that the root in force then names no more".into(),
            false => "it is signed by no root of this workspace".into(),
        })
    }

    fn name(&self, id: &KeyId) -> String {
        roots::name(&self.roots.list, id)
    }

    pub(super) fn role(
        &self,
        role: &RoleName,
        version: u64,
        was: Option<u64>,
        header: &Header,
        signers: &BTreeSet<KeyId>,
    ) -> LogRole {
        LogRole {
            role: role.to_string(),
            version,
            was,
            action: header.action.clone(),
            by: header.by.clone(),
            signed_by: signers.iter().map(|id| self.name(id)).collect(),
            keys: signers.iter().map(ToString::to_string).collect(),
        }
    }
}
