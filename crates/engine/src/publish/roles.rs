//! New versions of single roles, for a draft.

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::{
    Code, Problem, ReleaseManifest, Result, Settings, TopTargets, rollout::RolloutDocument,
    settings::Delivers,
};
use headgate_registry::{documents, documents::ChannelDocuments, layout};
use headgate_tuf::{
    KeyId, Name, PublicKey, RoleBytes, RoleName, UtcTime,
    metadata::{
        Hashes, Header, MetaVersion, RoleKeys, Root, Snapshot, TargetFile, Targets, Timestamp,
    },
    policy, sha256_hex,
};

use super::draft::{DraftRole, Drafting, Material, Outcome};
use super::{SettingsChange, rollout, root_change};
use crate::World;
use crate::clients::Wanted;
use crate::keys::OwnKeys;

/// Approved releases that stay listed besides what the channel serves.
const KEEP_APPROVED: usize = 10;

impl Drafting<'_> {
    pub(super) async fn approve_and_serve(
        &mut self,
        channel: &Name,
        manifest: &ReleaseManifest,
        permille: u16,
        world: &World,
        out: &mut Outcome,
    ) -> Result<()> {
        let unit = &manifest.unit;
        let documents = documents::channel(self.store, self.view, unit, channel).await?;
        let sha256 = manifest.sha256()?;
        let next = rollout::start(
            &documents,
            &self.view.targets.meta.x,
            unit,
            channel,
            manifest.build,
            &sha256,
            permille,
            world,
            &self.intent.reason,
        )?;
        out.wanted = Wanted::of(&self.view.targets.meta.x, unit, channel);
        self.approval_role(channel, manifest, &documents, &next, out.wanted.as_ref())?;
        self.rollout_role(unit, channel, &next)?;
        out.manifest = Some(sha256);
        out.release = Some(manifest.clone());
        Ok(())
    }

    pub(super) fn approval_role(
        &mut self,
        channel: &Name,
        manifest: &ReleaseManifest,
        documents: &ChannelDocuments,
        next: &RolloutDocument,
        wanted: Option<&Wanted>,
    ) -> Result<()> {
        let (unit, build) = (&manifest.unit, manifest.build);
        let (bytes, sha256) = (manifest.to_bytes()?, manifest.sha256()?);
        let role = RoleName::Channel(unit.clone(), channel.clone());
        let current = self.channel_role(&role)?;
        let of = |build: u32| {
            [
                layout::release_target(unit.as_str(), channel.as_str(), build),
                layout::clients_target(unit.as_str(), channel.as_str(), build),
            ]
        };
        let [target, clients] = of(build);
        let mut targets = current.targets.clone();
        // Only what the channel serves and its last releases stay approved, so metadata stays small and a
        // stolen operator key cannot dig up an ancient build.
        let mut served: BTreeSet<u32> = next
            .names()
            .map(|(b, _)| b)
            .chain(next.keep.iter().copied())
            .collect();
        served.insert(build);
        let recent = documents
            .approved
            .keys()
            .rev()
            .filter(|b| !served.contains(b))
            .take(KEEP_APPROVED);
        let keep: BTreeSet<String> = recent.chain(&served).flat_map(|b| of(*b)).collect();
        let counted = |name: &str| name.contains(".release-") || name.contains(".clients-");
        targets.retain(|name, _| !counted(name) || keep.contains(name));
        targets.insert(target.clone(), target_file(&bytes, &sha256));
        self.object(layout::target(&sha256, &target), &sha256, bytes);
        let mut says = format!("Build {build} may be served here");
        // What an earlier approval of the same build made is replaced, also by nothing.
        targets.remove(&clients);
        if let Some(wanted) = wanted {
            says = format!("{says}; {}", wanted.says());
        }
        if let (Some(wanted), Some(made)) = (wanted, self.made) {
            if made.wanted != *wanted || made.bundle != manifest.bundle.sha256 {
                let what = "What was made for plugins belongs to another approval.";
                return Err(Problem::new(Code::Internal, what));
            }
            let bytes = made.document(channel, manifest, &sha256).to_bytes()?;
            let sha256 = sha256_hex(&bytes);
            targets.insert(clients.clone(), target_file(&bytes, &sha256));
            for (sha256, path, size) in &made.objects {
                let material = Material::File(path.clone(), *size);
                self.objects
                    .push((layout::variant(sha256), sha256.clone(), material));
            }
            self.object(layout::target(&sha256, &clients), &sha256, bytes);
        }
        self.channel_draft(role, targets, says)
    }

    fn object(&mut self, key: String, sha256: &str, bytes: Vec<u8>) {
        let material = Material::Bytes(bytes.into());
        self.objects.push((key, sha256.to_owned(), material));
    }

    pub(super) fn rollout_role(
        &mut self,
        unit: &Name,
        channel: &Name,
        document: &RolloutDocument,
    ) -> Result<()> {
        let role = RoleName::Rollout(unit.clone(), channel.clone());
        let target = layout::rollout_target(unit.as_str(), channel.as_str());
        let bytes = document.to_bytes()?;
        let sha256 = sha256_hex(&bytes);
        let targets = BTreeMap::from([(target.clone(), target_file(&bytes, &sha256))]);
        self.objects.push((
            layout::target(&sha256, &target),
            sha256,
            Material::Bytes(bytes.into()),
        ));
        self.channel_draft(role, targets, rollout::says(document))
    }

    pub(super) fn channel_draft(
        &mut self,
        role: RoleName,
        targets: BTreeMap<String, TargetFile>,
        says: String,
    ) -> Result<()> {
        let (set, keys) = (self.delegated_keys(&role)?, self.delegation_keys());
        self.channel_draft_by(role, targets, says, set, keys)
    }

    /// As [`Self::channel_draft`], signed by other keys than are committed.
    pub(super) fn channel_draft_by(
        &mut self,
        role: RoleName,
        targets: BTreeMap<String, TargetFile>,
        says: String,
        set: RoleKeys,
        keys: BTreeMap<KeyId, PublicKey>,
    ) -> Result<()> {
        let before = self.view.version_of(&role);
        let version = self.existing.next(&role, before);
        let meta = Targets::new(
            version,
            policy::expires(&role, self.now),
            targets,
            None,
            self.header(&role),
        );
        self.roles.push(DraftRole {
            version,
            before,
            bytes: RoleBytes::new(&meta)?,
            signers: vec![set],
            keys,
            signed: None,
            says,
            role,
        });
        Ok(())
    }

    fn delegation_keys(&self) -> BTreeMap<KeyId, PublicKey> {
        let delegations = self.view.targets.meta.delegations.as_ref();
        delegations.map(|d| d.keys.clone()).unwrap_or_default()
    }

    /// Signs again what is past half its life and what these keys may sign, with the same content.
    /// A job that holds a freshness key alone renews freshness alone.
    pub(super) fn renew(
        &mut self,
        own: &OwnKeys,
        leave: &BTreeSet<String>,
        out: &mut Outcome,
    ) -> Result<()> {
        let enough = |keys: &RoleKeys| {
            let ours = keys.keyids.iter().filter(|id| own.contains_key(id));
            ours.count() >= keys.threshold as usize
        };
        let (view, now) = (self.view, self.now);
        let due = |role: &RoleName, expires| {
            policy::used_permille(role, expires, now) >= policy::HALF
                && !leave.contains(&role.to_string())
        };
        let says = |version: u64| format!("The same as version {version}, for longer");
        for (role, loaded) in &view.channels {
            if due(role, loaded.meta.expires) && enough(&self.delegated_keys(role)?) {
                let targets = loaded.meta.targets.clone();
                self.channel_draft(role.clone(), targets, says(loaded.meta.version))?;
            }
        }
        let root = &view.root.meta;
        let targets = &view.targets.meta;
        let role = RoleName::Targets;
        if due(&role, targets.expires) && enough(root.role(&role)?) {
            self.targets_role(targets.x.clone(), says(targets.version))?;
        }
        if due(&RoleName::Root, root.expires) && enough(root.role(&RoleName::Root)?) {
            let next = root_change::renewed(view, &self.header(&RoleName::Root), now);
            self.new_root(next, says(root.version), out)?;
        }
        Ok(())
    }

    /// Signs roles again that a person names, whoever has to sign them.
    pub(super) fn renew_roles(&mut self, roles: &[String], out: &mut Outcome) -> Result<()> {
        let view = self.view;
        let says = |version: u64| format!("The same as version {version}, for longer");
        for name in roles {
            let role = RoleName::parse(name).map_err(|_| unknown_role(name))?;
            match &role {
                RoleName::Root => {
                    let next = root_change::renewed(view, &self.header(&role), self.now);
                    self.new_root(next, says(view.root.meta.version), out)?;
                }
                RoleName::Targets => {
                    let settings = view.targets.meta.x.clone();
                    self.targets_role(settings, says(view.targets.meta.version))?;
                }
                RoleName::Channel(..) | RoleName::Rollout(..) => {
                    let current = self.channel_role(&role)?;
                    let (targets, version) = (current.targets.clone(), current.version);
                    self.channel_draft(role, targets, says(version))?;
                }
                RoleName::Snapshot | RoleName::Timestamp => {
                    return Err(
                        unknown_role(name).remedy("Freshness is signed by headgate refresh.")
                    );
                }
            }
        }
        Ok(())
    }

    /// What releases put into storage from now on.
    pub(super) fn settings(&mut self, delivers: Delivers) -> Result<()> {
        let current = &self.view.targets.meta.x;
        if current.delivers == delivers {
            return Err(Problem::new(
                Code::UsageExists,
                "That is what releases put into storage already.",
            )
            .remedy("Nothing is to be done."));
        }
        let settings = Settings {
            delivers,
            ..current.clone()
        };
        settings.check()?;
        let kinds = match (delivers.zip, delivers.files) {
            (true, true) => "their zip and their single files",
            (false, _) => "their single files alone",
            (true, false) => "their zip",
        };
        self.targets_role(settings, format!("Releases put {kinds} into storage"))
    }

    /// Another setting of a unit or channel.
    pub(super) fn setting(&mut self, change: &SettingsChange) -> Result<()> {
        let (settings, says) = change.apply(&self.view.targets.meta.x)?;
        self.targets_role(settings, says)
    }

    /// A new version of the settings, with the same delegations.
    fn targets_role(&mut self, settings: Settings, says: String) -> Result<()> {
        let role = RoleName::Targets;
        let current = &self.view.targets.meta;
        let settings = Settings {
            header: self.header(&role),
            ..settings
        };
        let version = self.existing.next(&role, Some(current.version));
        let expires = policy::expires(&role, self.now);
        let content: TopTargets = Targets::new(
            version,
            expires,
            BTreeMap::new(),
            current.delegations.clone(),
            settings,
        );
        self.roles.push(DraftRole {
            version,
            before: Some(current.version),
            bytes: RoleBytes::new(&content)?,
            signers: vec![self.view.root.meta.role(&role)?.clone()],
            keys: self.view.root.meta.keys.clone(),
            signed: None,
            says,
            role,
        });
        Ok(())
    }

    /// A new root: signed by the owners of the old and of the new one, written after the commit.
    pub(super) fn new_root(&self, next: Root, says: String, out: &mut Outcome) -> Result<()> {
        let current = &self.view.root.meta;
        out.root = Some(DraftRole {
            role: RoleName::Root,
            version: next.version,
            before: Some(current.version),
            bytes: RoleBytes::new(&next)?,
            signers: vec![
                current.role(&RoleName::Root)?.clone(),
                next.role(&RoleName::Root)?.clone(),
            ],
            keys: current
                .keys
                .clone()
                .into_iter()
                .chain(next.keys.clone())
                .collect(),
            signed: None,
            says,
        });
        out.new_root = Some(next);
        Ok(())
    }

    /// Snapshot and timestamp; at a root change they carry the signatures of both roots' keys.
    pub(super) fn freshness(&mut self, new_root: Option<&Root>) -> Result<()> {
        let signers = |role: &RoleName| -> Result<Vec<RoleKeys>> {
            let mut sets = vec![self.view.root.meta.role(role)?.clone()];
            if let Some(root) = new_root {
                sets.push(root.role(role)?.clone());
            }
            Ok(sets)
        };
        let mut keys = self.view.root.meta.keys.clone();
        keys.extend(new_root.iter().flat_map(|r| r.keys.clone()));
        let role = RoleName::Snapshot;
        let before = self.view.snapshot.meta.version;
        let snapshot = self.existing.next(&role, Some(before));
        let mut meta = self.view.snapshot.meta.meta.clone();
        for r in &self.roles {
            meta.insert(
                format!("{}.json", r.role),
                MetaVersion { version: r.version },
            );
        }
        let content = Snapshot::new(
            snapshot,
            policy::expires(&role, self.now),
            meta,
            self.header(&role),
        );
        let snapshot_role = DraftRole {
            version: snapshot,
            before: Some(before),
            bytes: RoleBytes::new(&content)?,
            signers: signers(&role)?,
            keys: keys.clone(),
            signed: None,
            says: current_until(content.expires),
            role,
        };
        let role = RoleName::Timestamp;
        let before = self.view.timestamp.meta.version;
        let content = Timestamp::new(before + 1, policy::expires(&role, self.now), snapshot);
        let timestamp_role = DraftRole {
            version: before + 1,
            before: Some(before),
            bytes: RoleBytes::new(&content)?,
            signers: signers(&role)?,
            keys,
            signed: None,
            says: current_until(content.expires),
            role,
        };
        self.roles.extend([snapshot_role, timestamp_role]);
        Ok(())
    }

    pub(super) fn header(&self, role: &RoleName) -> Header {
        let (unit, channel) = match role {
            RoleName::Channel(u, c) | RoleName::Rollout(u, c) => {
                (Some(u.to_string()), Some(c.to_string()))
            }
            _ => (None, None),
        };
        let prev = match role {
            RoleName::Root => Some(self.view.root.sha256.clone()),
            RoleName::Targets => Some(self.view.targets.sha256.clone()),
            RoleName::Snapshot => Some(self.view.snapshot.sha256.clone()),
            RoleName::Timestamp => None,
            _ => self.view.channels.get(role).map(|l| l.sha256.clone()),
        };
        Header {
            workspace: self.view.root.meta.x.header.workspace.clone(),
            unit,
            channel,
            action: self.intent.action.word().into(),
            at: self.now,
            by: self.intent.by.clone(),
            reason: self.intent.reason.clone(),
            prev,
        }
    }

    pub(super) fn known(&self, unit: &Name, channel: &Name) -> Result<()> {
        let settings = &self.view.targets.meta.x;
        if settings.unit(unit.as_str()).is_none() {
            return Err(
                Problem::new(Code::UsageUnknown, format!("There is no unit {unit}.")).field("unit"),
            );
        }
        if !settings.channels.iter().any(|c| c.id == *channel) {
            return Err(Problem::new(
                Code::UsageUnknown,
                format!("There is no channel {channel}."),
            )
            .field("channel"));
        }
        Ok(())
    }

    pub(super) fn channel_role(&self, role: &RoleName) -> Result<&Targets<Header>> {
        let missing = || {
            Problem::new(
                Code::UsageUnknown,
                format!("The registry has no role {role}."),
            )
        };
        Ok(&self.view.channels.get(role).ok_or_else(missing)?.meta)
    }

    pub(super) fn delegated_keys(&self, role: &RoleName) -> Result<RoleKeys> {
        let missing = || {
            Problem::new(
                Code::UsageUnknown,
                format!("The registry delegates to no role {role}."),
            )
        };
        Ok(self
            .view
            .targets
            .meta
            .delegation(role)
            .ok_or_else(missing)?
            .role_keys())
    }
}

fn unknown_role(name: &str) -> Problem {
    let what = format!("There is no role {name} to renew.");
    Problem::new(Code::UsageUnknown, what).field("role")
}

fn target_file(bytes: &[u8], sha256: &str) -> TargetFile {
    TargetFile {
        length: bytes.len() as u64,
        hashes: Hashes {
            sha256: sha256.into(),
        },
    }
}

/// What freshness says, to the day.
fn current_until(expires: UtcTime) -> String {
    let text = expires.to_string();
    format!(
        "This is current until {}",
        text.split('T').next().unwrap_or(&text)
    )
}
