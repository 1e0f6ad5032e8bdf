//! Deriving what is to be signed from the verified state and an intent. Signs and writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;

use bytes::Bytes;
use headgate_core::{Code, Problem, Result, rollout::RolloutDocument};
use headgate_registry::{Store, View, documents, documents::ChannelDocuments, layout};
use headgate_tuf::{
    Metadata, Name, RoleBytes, RoleName, UtcTime,
    metadata::{Hashes, Header, MetaVersion, RoleKeys, Root, Snapshot, TargetFile, Targets, Timestamp},
    policy, sha256_hex,
};

use super::{Action, Intent, root_change, rollout};
use crate::World;

/// Approved releases that stay listed besides what the channel serves.
const KEEP_APPROVED: usize = 10;

/// Versions of metadata that exist in storage, committed or left behind.
#[derive(Debug, Default)]
pub(crate) struct Existing(BTreeMap<String, BTreeSet<u64>>);

impl Existing {
    pub(crate) async fn read(store: &dyn Store) -> Result<Self> {
        let mut map: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for name in store.list("metadata").await? {
            let Some((version, role)) = name.strip_suffix(".json").and_then(|n| n.split_once('.')) else { continue };
            if let Ok(version) = version.parse() {
                map.entry(role.to_owned()).or_default().insert(version);
            }
        }
        Ok(Self(map))
    }

    fn next(&self, role: &RoleName, committed: Option<u64>) -> u64 {
        let existing = self.0.get(&role.to_string()).into_iter().flatten().copied();
        policy::next_version(committed, existing)
    }
}

/// A role that gets a new version.
#[derive(Debug, Clone)]
pub(crate) struct DraftRole {
    pub(crate) role: RoleName,
    pub(crate) version: u64,
    pub(crate) before: Option<u64>,
    pub(crate) bytes: RoleBytes,
    /// Whose signatures are needed, each set to its own threshold: one, or old and new at a root change.
    pub(crate) signers: Vec<RoleKeys>,
    /// What this version says, for the person who signs.
    pub(crate) says: String,
}

/// Something that is written besides metadata.
#[derive(Debug, Clone)]
pub(crate) enum Material {
    /// Small.
    Bytes(Bytes),
    /// A file of this size.
    File(PathBuf, u64),
}

/// Everything that a publish signs and writes, in order.
#[derive(Debug, Clone)]
pub(crate) struct Draft {
    /// Immutable objects: key, SHA-256, content.
    pub(crate) objects: Vec<(String, String, Material)>,
    /// Roles in order of writing; the timestamp is last.
    pub(crate) roles: Vec<DraftRole>,
    /// A new root, written after the commit.
    pub(crate) root: Option<DraftRole>,
    /// The rollout document that the channel will serve.
    pub(crate) rollout: Option<RolloutDocument>,
    /// SHA-256 of the release manifest, for ship and promote.
    pub(crate) manifest: Option<String>,
    /// The intent as it was carried out: with another build number, if it was taken.
    pub(crate) intent: Intent,
}

/// Derives the draft.
///
/// # Errors
/// `release.*`, `rollout.*`, `usage.*` when the state does not allow it.
pub(crate) async fn draft(store: &dyn Store, view: &View, intent: &Intent, world: &World) -> Result<Draft> {
    let existing = Existing::read(store).await?;
    let mut d = Drafting { store, view, existing, now: world.now(), intent: intent.clone(), objects: Vec::new(), roles: Vec::new() };
    let mut out = Outcome::default();
    match &intent.action {
        Action::Init { .. } => return Err(Problem::new(Code::UsageExists, "The storage holds a registry already.")),
        Action::Ship { .. } => d.ship(world, &mut out).await?,
        Action::Promote { .. } => d.promote(world, &mut out).await?,
        Action::Rollout { unit, channel, change } => {
            let documents = documents::channel(store, view, unit, channel).await?;
            let next = rollout::change(&documents, change, unit, channel, world, &intent.reason)?;
            d.rollout_role(unit, channel, &next)?;
            out.rollout = Some(next);
        }
        Action::Refresh => d.renew()?,
        Action::AddFreshnessKey { public, name, holder } => {
            let next = root_change::with_freshness_key(view, public, name, holder, &d.header(&RoleName::Root), d.now)?;
            let version = view.root.meta.version + 1;
            let bytes = RoleBytes::new(&next)?;
            let signers = vec![view.root.meta.role(&RoleName::Root)?.clone(), next.role(&RoleName::Root)?.clone()];
            let says = format!("{name} may sign freshness");
            out.root = Some(DraftRole { role: RoleName::Root, version, before: Some(version - 1), bytes, signers, says });
            out.new_root = Some(next);
        }
    }
    d.freshness(out.new_root.as_ref())?;
    let Drafting { objects, roles, intent, .. } = d;
    Ok(Draft { objects, roles, root: out.root, rollout: out.rollout, manifest: out.manifest, intent })
}

#[derive(Default)]
struct Outcome {
    rollout: Option<RolloutDocument>,
    manifest: Option<String>,
    root: Option<DraftRole>,
    new_root: Option<Root>,
}

struct Drafting<'a> {
    store: &'a dyn Store,
    view: &'a View,
    existing: Existing,
    now: UtcTime,
    intent: Intent,
    objects: Vec<(String, String, Material)>,
    roles: Vec<DraftRole>,
}

impl Drafting<'_> {
    async fn ship(&mut self, world: &World, out: &mut Outcome) -> Result<()> {
        let Action::Ship { channel, manifest, bundle, inventory, permille, renumber } = self.intent.action.clone() else {
            return Ok(());
        };
        let mut manifest = *manifest;
        let unit = manifest.unit.clone();
        self.known(&unit, &channel)?;
        let taken = taken_builds(self.store, &unit).await?;
        if let Some(other) = build_taken(self.store, self.view, &taken, &manifest).await? {
            if !renumber {
                let what = format!("Build {} of {unit} is taken: {other}.", manifest.build);
                let next = taken.keys().max().map_or(1, |b| b + 1);
                return Err(Problem::new(Code::ReleaseBuildTaken, what)
                    .remedy(format!("Use the next free build number, {next}."))
                    .field("build"));
            }
            manifest.build = taken.keys().max().map_or(1, |b| b + 1);
            if let Action::Ship { manifest: kept, .. } = &mut self.intent.action {
                kept.build = manifest.build;
            }
        }
        let files = [
            (layout::bundle(&manifest.bundle.sha256), &manifest.bundle.sha256, bundle, manifest.bundle.size),
            (layout::inventory(&manifest.inventory.sha256), &manifest.inventory.sha256, inventory, manifest.inventory.size),
        ];
        for (key, sha256, path, size) in files {
            self.objects.push((key, sha256.clone(), Material::File(path, size)));
        }
        let bytes = manifest.to_bytes()?;
        self.approve_and_serve(&unit, &channel, &manifest.version, manifest.build, bytes, permille, world, out).await
    }

    async fn promote(&mut self, world: &World, out: &mut Outcome) -> Result<()> {
        let Action::Promote { unit, build, from, to, permille } = self.intent.action.clone() else { return Ok(()) };
        self.known(&unit, &from)?;
        self.known(&unit, &to)?;
        let source = documents::channel(self.store, self.view, &unit, &from).await?;
        let served = source.rollout.as_ref().is_some_and(|r| r.names().any(|(b, _)| b == build));
        let approved = source.approved.get(&build).filter(|_| served).ok_or_else(|| {
            Problem::new(Code::ReleaseNotOnChannel, format!("{from} does not serve build {build}."))
        })?;
        let bytes = approved.manifest.to_bytes()?;
        // Promotion copies the manifest: an equal hash is the proof of equal bytes.
        if sha256_hex(&bytes) != approved.sha256 {
            return Err(Problem::new(Code::TrustHash, format!("The manifest of build {build} does not read back as it was signed.")));
        }
        let version = approved.manifest.version.clone();
        self.approve_and_serve(&unit, &to, &version, build, bytes, permille, world, out).await
    }

    #[expect(clippy::too_many_arguments, reason = "one release on one channel; a struct would only rename them")]
    async fn approve_and_serve(
        &mut self, unit: &Name, channel: &Name, version: &str, build: u32, manifest: Vec<u8>, permille: u16, world: &World, out: &mut Outcome,
    ) -> Result<()> {
        let documents = documents::channel(self.store, self.view, unit, channel).await?;
        let sha256 = sha256_hex(&manifest);
        let next = rollout::start(&documents, unit, channel, build, &sha256, permille, world, &self.intent.reason)?;
        self.approval_role(unit, channel, version, build, &sha256, manifest, &documents, &next)?;
        self.rollout_role(unit, channel, &next)?;
        out.rollout = Some(next);
        out.manifest = Some(sha256);
        Ok(())
    }

    #[expect(clippy::too_many_arguments, reason = "as above")]
    fn approval_role(
        &mut self, unit: &Name, channel: &Name, version: &str, build: u32, sha256: &str, manifest: Vec<u8>,
        documents: &ChannelDocuments, next: &RolloutDocument,
    ) -> Result<()> {
        let role = RoleName::Channel(unit.clone(), channel.clone());
        let current = self.channel_role(&role)?;
        let target = layout::release_target(unit.as_str(), channel.as_str(), build);
        let mut targets = current.targets.clone();
        // Only what the channel serves and its last releases stay approved, so metadata stays small and a
        // stolen operator key cannot dig up an ancient build.
        let mut served: BTreeSet<u32> = next.names().map(|(b, _)| b).chain(next.keep.iter().copied()).collect();
        served.insert(build);
        let recent = documents.approved.keys().rev().filter(|b| !served.contains(b)).take(KEEP_APPROVED);
        let keep: BTreeSet<String> = recent
            .chain(&served)
            .map(|b| layout::release_target(unit.as_str(), channel.as_str(), *b))
            .collect();
        targets.retain(|name, _| !name.contains(".release-") || keep.contains(name));
        targets.insert(target.clone(), target_file(&manifest, sha256));
        self.objects.push((layout::target(sha256, &target), sha256.into(), Material::Bytes(manifest.into())));
        self.channel_draft(role, targets, format!("Build {build} ({version}) may be served on {channel}"))
    }

    fn rollout_role(&mut self, unit: &Name, channel: &Name, document: &RolloutDocument) -> Result<()> {
        let role = RoleName::Rollout(unit.clone(), channel.clone());
        let target = layout::rollout_target(unit.as_str(), channel.as_str());
        let bytes = document.to_bytes()?;
        let sha256 = sha256_hex(&bytes);
        let targets = BTreeMap::from([(target.clone(), target_file(&bytes, &sha256))]);
        self.objects.push((layout::target(&sha256, &target), sha256, Material::Bytes(bytes.into())));
        self.channel_draft(role, targets, rollout::says(document))
    }

    fn channel_draft(&mut self, role: RoleName, targets: BTreeMap<String, TargetFile>, says: String) -> Result<()> {
        let before = self.view.version_of(&role);
        let version = self.existing.next(&role, before);
        let meta = Targets::new(version, policy::expires(&role, self.now), targets, None, self.header(&role));
        let keys = self.delegated_keys(&role)?;
        self.roles.push(DraftRole { version, before, bytes: RoleBytes::new(&meta)?, signers: vec![keys], says, role });
        Ok(())
    }

    /// Signs again what is past half its life, with the same content.
    fn renew(&mut self) -> Result<()> {
        for (role, loaded) in &self.view.channels {
            if policy::used_permille(role, loaded.meta.expires, self.now) >= 500 {
                let says = format!("The same as version {}, for longer", loaded.meta.version);
                self.channel_draft(role.clone(), loaded.meta.targets.clone(), says)?;
            }
        }
        Ok(())
    }

    /// Snapshot and timestamp; at a root change they carry the signatures of both roots' keys.
    fn freshness(&mut self, new_root: Option<&Root>) -> Result<()> {
        let signers = |role: &RoleName| -> Result<Vec<RoleKeys>> {
            let mut sets = vec![self.view.root.meta.role(role)?.clone()];
            if let Some(root) = new_root {
                sets.push(root.role(role)?.clone());
            }
            Ok(sets)
        };
        let role = RoleName::Snapshot;
        let before = self.view.snapshot.meta.version;
        let snapshot = self.existing.next(&role, Some(before));
        let mut meta = self.view.snapshot.meta.meta.clone();
        for r in &self.roles {
            meta.insert(format!("{}.json", r.role), MetaVersion { version: r.version });
        }
        let content = Snapshot::new(snapshot, policy::expires(&role, self.now), meta, self.header(&role));
        let snapshot_role = DraftRole {
            version: snapshot,
            before: Some(before),
            bytes: RoleBytes::new(&content)?,
            signers: signers(&role)?,
            says: format!("This is current until {}", content.expires()),
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
            says: format!("Snapshot {snapshot} is the newest"),
            role,
        };
        self.roles.extend([snapshot_role, timestamp_role]);
        Ok(())
    }

    fn header(&self, role: &RoleName) -> Header {
        let (unit, channel) = match role {
            RoleName::Channel(u, c) | RoleName::Rollout(u, c) => (Some(u.to_string()), Some(c.to_string())),
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

    fn known(&self, unit: &Name, channel: &Name) -> Result<()> {
        let settings = &self.view.targets.meta.x;
        if settings.unit(unit.as_str()).is_none() {
            return Err(Problem::new(Code::UsageUnknown, format!("There is no unit {unit}.")).field("unit"));
        }
        if !settings.channels.iter().any(|c| c.id == *channel) {
            return Err(Problem::new(Code::UsageUnknown, format!("There is no channel {channel}.")).field("channel"));
        }
        Ok(())
    }

    fn channel_role(&self, role: &RoleName) -> Result<&Targets<Header>> {
        let missing = || Problem::new(Code::UsageUnknown, format!("The registry has no role {role}."));
        Ok(&self.view.channels.get(role).ok_or_else(missing)?.meta)
    }

    fn delegated_keys(&self, role: &RoleName) -> Result<RoleKeys> {
        let missing = || Problem::new(Code::UsageUnknown, format!("The registry delegates to no role {role}."));
        Ok(self.view.targets.meta.delegation(role).ok_or_else(missing)?.role_keys())
    }
}

pub(super) fn target_file(bytes: &[u8], sha256: &str) -> TargetFile {
    TargetFile { length: bytes.len() as u64, hashes: Hashes { sha256: sha256.into() } }
}

/// Build numbers of a unit that were ever written, with the manifests' objects.
pub(crate) async fn taken_builds(store: &dyn Store, unit: &Name) -> Result<BTreeMap<u32, Vec<String>>> {
    let mut taken: BTreeMap<u32, Vec<String>> = BTreeMap::new();
    for name in store.list("targets").await? {
        let mut parts = name.splitn(4, '.');
        let (Some(_), Some(of), Some(_), Some(rest)) = (parts.next(), parts.next(), parts.next(), parts.next()) else {
            continue;
        };
        let build = rest.strip_prefix("release-").and_then(|r| r.strip_suffix(".json")).and_then(|b| b.parse().ok());
        if let Some(build) = build.filter(|_| of == unit.as_str()) {
            taken.entry(build).or_default().push(name);
        }
    }
    Ok(taken)
}

/// What else has this build number, in words.
async fn build_taken(
    store: &dyn Store, view: &View, taken: &BTreeMap<u32, Vec<String>>, ours: &headgate_core::manifest::ReleaseManifest,
) -> Result<Option<String>> {
    let own = ours.sha256()?;
    let unit = &ours.unit;
    let listed: BTreeSet<&str> =
        view.channels.values().flat_map(|c| c.meta.targets.values()).map(|t| t.hashes.sha256.as_str()).collect();
    for name in taken.get(&ours.build).into_iter().flatten() {
        if name.starts_with(&own) {
            continue;
        }
        let key = format!("targets/{name}");
        let Some(object) = store.get(&key, layout::MAX_DOCUMENT).await? else { continue };
        let Ok(theirs) = headgate_core::manifest::ReleaseManifest::parse(&object.bytes) else { continue };
        // A publish that never committed leaves its manifest behind; the same bytes may take its number again.
        let committed = name.split('.').next().is_some_and(|sha| listed.contains(sha));
        if !committed && theirs.bundle.sha256 == ours.bundle.sha256 {
            continue;
        }
        return Ok(Some(format!("it is {} of {unit}, made {}", theirs.version, theirs.created)));
    }
    Ok(None)
}
