//! Deriving what is to be signed from the verified state and an intent. Signs and writes nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use bytes::Bytes;
use headgate_core::{
    Code, Problem, ReleaseManifest, Result, RolloutDocument,
    files::{self, FilesMap},
    manifest::{BundleRef, FilesRef},
};
use headgate_registry::{Store, View, documents, layout};
use headgate_tuf::{
    Envelope, KeyId, PublicKey, RoleBytes, RoleName, UtcTime,
    metadata::{RoleKeys, Root},
    policy, sha256_hex,
};

use super::builds::{build_taken, next_free, signed_build, taken_builds};
use super::{Action, Intent, rollout, root_change};
use crate::World;
use crate::clients::{Made, Wanted};
use crate::db::FileSource;
use crate::keys::OwnKeys;

/// Left-behind versions above the committed one that are stepped over. File names are not signed: a writer
/// without keys must not be able to push our own signatures to a version that nobody can follow.
pub(super) const STEPPED_OVER: u64 = 64;

/// Versions that are looked at for the one that a later version names.
const TRIED: usize = 64;

/// Versions of metadata that exist in storage, committed or left behind.
#[derive(Debug, Default)]
pub(crate) struct Existing(BTreeMap<String, BTreeSet<u64>>);

impl Existing {
    pub(crate) async fn read(store: &dyn Store) -> Result<Self> {
        let mut map: BTreeMap<String, BTreeSet<u64>> = BTreeMap::new();
        for name in store.list("metadata").await? {
            let Some((version, role)) = name.strip_suffix(".json").and_then(|n| n.split_once('.'))
            else {
                continue;
            };
            if let Ok(version) = version.parse() {
                map.entry(role.to_owned()).or_default().insert(version);
            }
        }
        Ok(Self(map))
    }

    /// The nearest versions of a role below one of them, newest first.
    pub(crate) fn below(&self, role: &RoleName, version: u64) -> Vec<u64> {
        let all = self.0.get(&role.to_string()).into_iter();
        let below = all.flat_map(|all| all.range(..version).rev());
        below.copied().take(TRIED).collect()
    }

    pub(super) fn next(&self, role: &RoleName, committed: Option<u64>) -> u64 {
        let highest = committed.unwrap_or(0) + STEPPED_OVER;
        let existing = self.0.get(&role.to_string()).into_iter().flatten().copied();
        policy::next_version(committed, existing.filter(|v| *v <= highest))
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
    /// Public keys of all of them.
    pub(crate) keys: BTreeMap<KeyId, PublicKey>,
    /// What others have signed of it.
    pub(crate) signed: Option<Envelope>,
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
    /// A single file of a bundle, of this size as it is stored.
    Single(FileSource, u64),
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
    /// SHA-256 of the release manifest, for ship and promote.
    pub(crate) manifest: Option<String>,
    /// The bundle of the approved release, when it lies elsewhere: it is read again before anything is signed.
    pub(crate) located: Option<BundleRef>,
    /// The approved release, for ship and promote.
    pub(crate) release: Option<ReleaseManifest>,
    /// What its plugins need on this channel.
    pub(crate) wanted: Option<Wanted>,
    /// That is made and listed here; else this draft is for looking at alone.
    pub(crate) complete: bool,
    /// The intent as it was carried out: with another build number, if it was taken.
    pub(crate) intent: Intent,
}

impl Draft {
    /// The rollout document that it would publish.
    ///
    /// # Errors
    /// `internal` when it changes no rollout.
    pub(crate) fn rollout(&self) -> Result<RolloutDocument> {
        let document = self.objects.iter().find_map(|(key, _, material)| {
            let Material::Bytes(bytes) = material else {
                return None;
            };
            key.ends_with(".rollout.json").then_some(bytes)
        });
        let missing = || Problem::new(Code::Internal, "The plan changes no rollout.");
        RolloutDocument::parse(document.ok_or_else(missing)?)
    }
}

/// Derives the draft. What plugins need on a channel is listed when it was made; a draft that wants it and lacks it
/// cannot be signed.
///
/// # Errors
/// `release.*`, `rollout.*`, `usage.*` when the state does not allow it.
pub(crate) async fn draft(
    store: &dyn Store,
    view: &View,
    intent: &Intent,
    own: &OwnKeys,
    world: &World,
    made: Option<&Made>,
) -> Result<Draft> {
    let existing = Existing::read(store).await?;
    let mut d = Drafting {
        store,
        view,
        made,
        existing,
        now: world.now(),
        intent: intent.clone(),
        objects: Vec::new(),
        roles: Vec::new(),
    };
    let mut out = Outcome::default();
    match &intent.action {
        Action::Init { .. } => {
            return Err(Problem::new(
                Code::UsageExists,
                "The storage holds a registry already.",
            ));
        }
        Action::Ship { .. } => d.ship(world, &mut out).await?,
        Action::Promote { .. } => d.promote(world, &mut out).await?,
        Action::Rollout {
            unit,
            channel,
            change,
        } => {
            let documents = documents::channel(store, view, unit, channel).await?;
            let settings = &view.targets.meta.x;
            let next = rollout::change(&documents, settings, change, unit, channel, world, intent)?;
            d.rollout_role(unit, channel, &next)?;
        }
        Action::Deliver { delivers } => d.settings(*delivers)?,
        Action::Settings { change } => d.setting(change)?,
        Action::Mirror { .. } => {
            return Err(Problem::new(Code::Internal, "A mirror signs nothing."));
        }
        Action::Refresh { leave } => d.renew(own, leave, &mut out)?,
        Action::Trust { edits, .. } => d.trust(edits, &mut out)?,
        Action::Renew { roles } => d.renew_roles(roles, &mut out)?,
        Action::AddFreshnessKey {
            public,
            name,
            holder,
        } => {
            let next = root_change::with_freshness_key(
                view,
                public,
                name,
                holder,
                &d.header(&RoleName::Root),
                d.now,
            )?;
            d.new_root(next, format!("{name} may sign freshness"), &mut out)?;
        }
    }
    d.take_over(&mut out)?;
    let collected = !intent.collected.files.is_empty();
    if collected {
        if !intent.collected.clients {
            // What an approval needs for plugins was made, listed and uploaded when the signatures were asked for.
            if let (Some(wanted), Some(release)) = (out.wanted.take(), &out.release) {
                d.made_with_the_key_of_now(&wanted, release.build).await?;
            }
        }
        d.serves_what_is_approved()?;
    }
    d.freshness(out.new_root.as_ref())?;
    let Drafting {
        objects,
        roles,
        intent,
        ..
    } = d;
    Ok(Draft {
        objects,
        roles,
        root: out.root,
        manifest: out.manifest,
        located: out.located,
        complete: out.wanted.is_none() || made.is_some(),
        release: out.release,
        wanted: out.wanted,
        intent,
    })
}

#[derive(Default)]
pub(super) struct Outcome {
    pub(super) manifest: Option<String>,
    pub(super) located: Option<BundleRef>,
    pub(super) release: Option<ReleaseManifest>,
    pub(super) wanted: Option<Wanted>,
    pub(super) root: Option<DraftRole>,
    pub(super) new_root: Option<Root>,
}

pub(super) struct Drafting<'a> {
    pub(super) store: &'a dyn Store,
    pub(super) view: &'a View,
    pub(super) made: Option<&'a Made>,
    pub(super) existing: Existing,
    pub(super) now: UtcTime,
    pub(super) intent: Intent,
    pub(super) objects: Vec<(String, String, Material)>,
    pub(super) roles: Vec<DraftRole>,
}

impl Drafting<'_> {
    async fn ship(&mut self, world: &World, out: &mut Outcome) -> Result<()> {
        let Action::Ship {
            channel,
            manifest,
            bundle,
            inventory,
            permille,
            renumber,
            files,
        } = self.intent.action.clone()
        else {
            return Ok(());
        };
        let mut manifest = *manifest;
        let unit = manifest.unit.clone();
        self.known(&unit, &channel)?;
        let taken = taken_builds(self.store, &unit).await?;
        if let Some(other) = build_taken(self.store, self.view, &taken, &manifest).await? {
            if !renumber {
                let what = format!("Build {} of {unit} is taken: {other}.", manifest.build);
                let next = next_free(&taken, signed_build(self.view, &unit));
                return Err(Problem::new(Code::ReleaseBuildTaken, what)
                    .remedy(format!("Use the next free build number, {next}."))
                    .field("build"));
            }
            manifest.build = next_free(&taken, signed_build(self.view, &unit));
            if let Action::Ship { manifest: kept, .. } = &mut self.intent.action {
                kept.build = manifest.build;
            }
        }
        if manifest.zip_in_storage() {
            self.object_file(
                layout::bundle(&manifest.bundle.sha256),
                &manifest.bundle.sha256,
                bundle.clone(),
                manifest.bundle.size,
            );
        }
        out.located = located(&manifest.bundle);
        self.object_file(
            layout::inventory(&manifest.inventory.sha256),
            &manifest.inventory.sha256,
            inventory,
            manifest.inventory.size,
        );
        if let (Some(reference), Some(path)) = (&manifest.files, files) {
            self.single_files(reference, &path, &bundle)?;
        }
        self.approve_and_serve(&channel, &manifest, permille, world, out)
            .await
    }

    fn object_file(&mut self, key: String, sha256: &str, path: PathBuf, size: u64) {
        let material = Material::File(path, size);
        self.objects.push((key, sha256.to_owned(), material));
    }

    /// The map of the release's single files, and every one of them once.
    fn single_files(&mut self, reference: &FilesRef, path: &Path, bundle: &Path) -> Result<()> {
        let lost = |why: String| {
            let what = format!("{} cannot be read: {why}.", path.display());
            Problem::new(Code::LocalDisk, what).remedy("Ship the web build again.")
        };
        let bytes = std::fs::read(path).map_err(|e| lost(e.to_string()))?;
        if sha256_hex(&bytes) != reference.sha256 {
            return Err(lost("it was changed".into()));
        }
        let map = FilesMap::parse(&bytes)?;
        self.objects.push((
            layout::inventory(&reference.sha256),
            reference.sha256.clone(),
            Material::Bytes(bytes.into()),
        ));
        for file in files::objects(&map.files) {
            let source = FileSource {
                bundle: bundle.to_owned(),
                path: file.path.clone(),
                encoding: file.stored.encoding,
            };
            self.objects.push((
                layout::single(&file.stored.sha256),
                file.stored.sha256.clone(),
                Material::Single(source, file.stored.size),
            ));
        }
        Ok(())
    }

    async fn promote(&mut self, world: &World, out: &mut Outcome) -> Result<()> {
        let Action::Promote {
            unit,
            build,
            from,
            to,
            permille,
        } = self.intent.action.clone()
        else {
            return Ok(());
        };
        self.known(&unit, &from)?;
        self.known(&unit, &to)?;
        let source = documents::channel(self.store, self.view, &unit, &from).await?;
        let served = source
            .rollout
            .as_ref()
            .is_some_and(|r| r.names().any(|(b, _)| b == build));
        // The source may have gone on while signatures were collected; what approvers signed is the manifest.
        let collected = !self.intent.collected.files.is_empty();
        let approved = source
            .approved
            .get(&build)
            .filter(|_| served || collected)
            .ok_or_else(|| {
                Problem::new(
                    Code::ReleaseNotOnChannel,
                    format!("{from} does not serve build {build}."),
                )
            })?;
        out.located = located(&approved.manifest.bundle);
        let bytes = approved.manifest.to_bytes()?;
        // Promotion copies the manifest: an equal hash is the proof of equal bytes.
        if sha256_hex(&bytes) != approved.sha256 {
            return Err(Problem::new(
                Code::TrustHash,
                format!("The manifest of build {build} does not read back as it was signed."),
            ));
        }
        self.approve_and_serve(&to, &approved.manifest, permille, world, out)
            .await
    }
}

/// The bundle, if it has an address of its own.
fn located(bundle: &BundleRef) -> Option<BundleRef> {
    Some(bundle.clone()).filter(|b| b.url.is_some())
}
