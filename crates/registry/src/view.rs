//! Reading the registry as a verifier does: from a pinned root, believing nothing that is not signed.

use std::collections::{BTreeMap, BTreeSet};

use bytes::Bytes;
use headgate_core::{Code, Kind, Problem, Result, settings::TopTargets};
use headgate_tuf::{
    Envelope, KeyId, MAX_METADATA, Metadata, Name, PublicKey, RoleName, UtcTime,
    metadata::{Header, RoleKeys, Root, Snapshot, Targets, Timestamp},
    policy, sha256_hex,
};
use sigstore_tuf::TrustedMetadataSet;

use crate::marks::{freshness_keys, in_reach, named_before};
use crate::{ETag, HighWater, Store, layout};

/// Roots walked in one reading at most.
const MAX_ROOTS: u64 = 64;

/// A channel role's metadata: approvals or rollout.
pub type ChannelTargets = Targets<Header>;

/// A verified metadata file.
#[derive(Debug, Clone)]
pub struct Loaded<M> {
    /// What it says.
    pub meta: M,
    /// The file's bytes.
    pub file: Bytes,
    /// SHA-256 of the file: what the next version's `prev` names.
    pub sha256: String,
    /// Keys whose signatures count; as the file says them until a [`View`] verified it.
    pub signers: BTreeSet<KeyId>,
}

impl<M: Metadata> Loaded<M> {
    /// Parses a file strictly. Says nothing about its signatures.
    ///
    /// # Errors
    /// `trust.format` naming the file.
    pub fn parse(name: &str, file: Bytes) -> Result<Self> {
        let envelope = Envelope::parse(&file).map_err(|e| named(name, &e))?;
        let meta = envelope.signed().parse().map_err(|e| named(name, &e))?;
        let signers = envelope.signers().cloned().collect();
        Ok(Self {
            meta,
            sha256: sha256_hex(&file),
            signers,
            file,
        })
    }
}

fn named(name: &str, error: &headgate_tuf::Error) -> Problem {
    let problem = Problem::from(error.clone());
    Problem {
        message: format!("{name}: {}", problem.message),
        ..problem
    }
}

/// Whether expired metadata is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Expiry {
    /// As a device: expired metadata is not believed.
    Enforce,
    /// As a console, which must show and renew what has expired.
    Show,
}

/// A verified, consistent state of the registry.
#[derive(Debug, Clone)]
pub struct View {
    /// The root in force.
    pub root: Loaded<Root>,
    /// Every root that was walked, the pinned one first, each verified by the one before it.
    pub roots: Vec<Loaded<Root>>,
    /// Version of the pinned root that the walk began with.
    pub pinned: u64,
    /// Settings and delegations.
    pub targets: Loaded<TopTargets>,
    /// Versions of all roles.
    pub snapshot: Loaded<Snapshot>,
    /// The commit point.
    pub timestamp: Loaded<Timestamp>,
    /// Tag of the timestamp, for the conditional write.
    pub etag: ETag,
    /// Approvals and rollouts.
    pub channels: BTreeMap<RoleName, Loaded<ChannelTargets>>,
}

impl View {
    /// Reads and verifies everything.
    ///
    /// # Errors
    /// `storage.missing` when there is no registry; `trust.*` when something is not as signed.
    pub async fn read(
        store: &dyn Store,
        pinned: &[u8],
        marks: &HighWater,
        now: UtcTime,
        expiry: Expiry,
    ) -> Result<Self> {
        let (view, broken) = Self::read_each(store, pinned, marks, now, expiry).await?;
        match broken.into_values().next() {
            None => Ok(view),
            Some(problem) => Err(explain(store, pinned, problem).await),
        }
    }

    /// As [`Self::read`], but a channel role that is not as signed is left out and named with its problem: the other
    /// channels can be believed without it.
    ///
    /// # Errors
    /// As [`Self::read`], for what all channels rest on.
    pub async fn read_each(
        store: &dyn Store,
        pinned: &[u8],
        marks: &HighWater,
        now: UtcTime,
        expiry: Expiry,
    ) -> Result<(Self, BTreeMap<RoleName, Problem>)> {
        match Self::read_inner(store, pinned, marks, now, expiry).await {
            Err(problem) => Err(explain(store, pinned, problem).await),
            read => read,
        }
    }

    async fn read_inner(
        store: &dyn Store,
        pinned: &[u8],
        marks: &HighWater,
        now: UtcTime,
        expiry: Expiry,
    ) -> Result<(Self, BTreeMap<RoleName, Problem>)> {
        let at = jiff_time(if expiry == Expiry::Enforce {
            now.unix()
        } else {
            0
        });
        let mut root: Loaded<Root> = Loaded::parse("pinned root", Bytes::copy_from_slice(pinned))?;
        let pinned_version = root.meta.version;
        let mut roots = vec![root.clone()];
        let mut set =
            TrustedMetadataSet::from_root(pinned).map_err(|e| untrusted("pinned root", &e))?;
        for version in (pinned_version + 1)..=(pinned_version + MAX_ROOTS) {
            let name = RoleName::Root.file(version);
            let Some(file) = fetch(store, &name).await? else {
                break;
            };
            // Strictly parsed first: no other parser ever sees JSON that two readers could read differently.
            let next: Loaded<Root> = Loaded::parse(&name, file)?;
            set.update_root(&next.file)
                .map_err(|e| untrusted(&name, &e))?;
            same_workspace(&name, &next.meta.x.header, &root.meta)?;
            roots.push(next.clone());
            root = next;
        }
        set.check_root_expired(at)
            .map_err(|e| untrusted("root", &e))?;
        let freshness = freshness_keys(&root.meta);
        let floor = |role: &RoleName| {
            let forgotten = !marks.freshness.is_subset(&freshness)
                && matches!(role, RoleName::Timestamp | RoleName::Snapshot);
            if forgotten {
                0
            } else {
                marks.versions.get(&role.to_string()).copied().unwrap_or(0)
            }
        };
        in_reach(
            &RoleName::Root,
            root.meta.version,
            floor(&RoleName::Root),
            now,
        )?;

        let object = store
            .get(layout::TIMESTAMP, MAX_METADATA as u64)
            .await?
            .ok_or_else(|| {
                Problem::new(
                    Code::StorageMissing,
                    format!(
                        "{} holds no registry: timestamp.json is missing.",
                        store.address()
                    ),
                )
            })?;
        let timestamp: Loaded<Timestamp> = Loaded::parse("timestamp.json", object.bytes)?;
        set.update_timestamp(&timestamp.file, at)
            .map_err(|e| untrusted("timestamp.json", &e))?;
        in_reach(
            &RoleName::Timestamp,
            timestamp.meta.version,
            floor(&RoleName::Timestamp),
            now,
        )?;
        // A console must be able to read, and so replace, what one with a wrong clock signed.
        let ahead = timestamp.meta.expires.unix() > now.unix() + policy::MAX_TIMESTAMP_AHEAD;
        if ahead && expiry == Expiry::Enforce {
            let why = format!(
                "timestamp.json claims to be valid until {}, more than 45 days ahead.",
                timestamp.meta.expires
            );
            return Err(Problem::new(Code::TrustClock, why).holds("It was not believed."));
        }

        let name = RoleName::Snapshot.file(timestamp.meta.snapshot());
        let file = must(store, &name).await?;
        let snapshot: Loaded<Snapshot> = Loaded::parse(&name, file)?;
        set.update_snapshot(&snapshot.file, at)
            .map_err(|e| untrusted(&name, &e))?;
        same_workspace(&name, &snapshot.meta.x, &root.meta)?;
        in_reach(
            &RoleName::Snapshot,
            snapshot.meta.version,
            floor(&RoleName::Snapshot),
            now,
        )?;

        let name = RoleName::Targets.file(pinned_version_of(&snapshot.meta, &RoleName::Targets)?);
        let file = must(store, &name).await?;
        let targets: Loaded<TopTargets> = Loaded::parse(&name, file)?;
        set.update_targets(&targets.file, at)
            .map_err(|e| untrusted(&name, &e))?;
        same_workspace(&name, targets.meta.header_ref(), &root.meta)?;
        in_reach(
            &RoleName::Targets,
            targets.meta.version,
            floor(&RoleName::Targets),
            now,
        )?;

        let (mut channels, mut broken) = (BTreeMap::new(), BTreeMap::new());
        for delegation in targets.meta.delegations.iter().flat_map(|d| &d.roles) {
            let role = RoleName::parse(&delegation.name)?;
            let version = snapshot.meta.version_of(&role);
            let read = channel_role(
                store,
                &mut set,
                &root.meta,
                &role,
                version,
                floor(&role),
                now,
            );
            match read.await {
                Ok(None) => {}
                Ok(Some(loaded)) => {
                    channels.insert(role, loaded);
                }
                Err(problem) if problem.code.kind() == Kind::Trust => {
                    broken.insert(role, problem);
                }
                Err(problem) => return Err(problem),
            }
        }
        let mut view = Self {
            root,
            roots,
            pinned: pinned_version,
            targets,
            snapshot,
            timestamp,
            etag: object.etag,
            channels,
        };
        view.keep_valid_signers()?;
        Ok((view, broken))
    }

    /// Anybody who can write to storage can add signatures that are none: only those that count are named.
    fn keep_valid_signers(&mut self) -> Result<()> {
        let root = &self.root.meta;
        valid(
            &mut self.timestamp,
            root.role(&RoleName::Timestamp)?,
            &root.keys,
        )?;
        valid(
            &mut self.snapshot,
            root.role(&RoleName::Snapshot)?,
            &root.keys,
        )?;
        valid(
            &mut self.targets,
            root.role(&RoleName::Targets)?,
            &root.keys,
        )?;
        let owners = root.role(&RoleName::Root)?.clone();
        let keys = root.keys.clone();
        valid(&mut self.root, &owners, &keys)?;
        for (role, loaded) in &mut self.channels {
            let all = self.targets.meta.delegations.as_ref();
            if let (Some(d), Some(all)) = (self.targets.meta.delegation(role), all) {
                valid(loaded, &d.role_keys(), &all.keys)?;
            }
        }
        Ok(())
    }

    /// Whether what names the current state has expired.
    pub fn stale(&self, now: UtcTime) -> bool {
        self.timestamp.meta.expires <= now || self.snapshot.meta.expires <= now
    }

    /// The marks after this reading.
    pub fn marks(&self) -> HighWater {
        let mut versions: BTreeMap<String, u64> = self
            .channels
            .iter()
            .map(|(role, loaded)| (role.to_string(), loaded.meta.version))
            .collect();
        versions.insert("root".into(), self.root.meta.version);
        versions.insert("targets".into(), self.targets.meta.version);
        versions.insert("snapshot".into(), self.snapshot.meta.version);
        versions.insert("timestamp".into(), self.timestamp.meta.version);
        HighWater {
            versions,
            freshness: freshness_keys(&self.root.meta),
        }
    }

    /// When what decides on a channel ends: the first role to expire of those that it rests on.
    pub fn expires(&self, unit: &Name, channel: &Name) -> UtcTime {
        let roles = self.channels.iter();
        roles
            .filter(|(role, _)| role.place() == Some((unit, channel)))
            .map(|(_, loaded)| loaded.meta.expires)
            .chain([
                self.targets.meta.expires,
                self.snapshot.meta.expires,
                self.timestamp.meta.expires,
            ])
            .fold(self.root.meta.expires, UtcTime::min)
    }

    /// Version of a role in force.
    pub fn version_of(&self, role: &RoleName) -> Option<u64> {
        match role {
            RoleName::Root => Some(self.root.meta.version),
            RoleName::Targets => Some(self.targets.meta.version),
            RoleName::Snapshot => Some(self.snapshot.meta.version),
            RoleName::Timestamp => Some(self.timestamp.meta.version),
            _ => self.channels.get(role).map(|l| l.meta.version),
        }
    }

    /// Name of a key in signed metadata, or the first digits of its id.
    pub fn key_name(&self, id: &KeyId) -> String {
        self.root
            .meta
            .x
            .keys
            .get(id)
            .map_or_else(|| id.as_str()[..8].to_owned(), |k| k.name.clone())
    }
}

/// Reads a channel role at the version that the snapshot names; nothing when it names none.
async fn channel_role(
    store: &dyn Store,
    set: &mut TrustedMetadataSet,
    root: &Root,
    role: &RoleName,
    version: Option<u64>,
    floor: u64,
    now: UtcTime,
) -> Result<Option<Loaded<ChannelTargets>>> {
    let Some(version) = version else {
        return named_before(role, floor).map(|()| None);
    };
    let name = role.file(version);
    let file = must(store, &name).await?;
    let loaded: Loaded<ChannelTargets> = Loaded::parse(&name, file)?;
    // Expiry is judged per channel, by who asks about it: a channel that nobody uses any more must not stop the others.
    set.update_delegated_targets(&loaded.file, &role.to_string(), "targets", jiff_time(0))
        .map_err(|e| untrusted(&name, &e))?;
    same_workspace(&name, &loaded.meta.x, root)?;
    same_role(&name, &loaded.meta, role)?;
    in_reach(role, loaded.meta.version, floor, now)?;
    Ok(Some(loaded))
}

fn valid<M>(
    loaded: &mut Loaded<M>,
    role: &RoleKeys,
    keys: &BTreeMap<KeyId, PublicKey>,
) -> Result<()> {
    loaded.signers = Envelope::parse(&loaded.file)?.valid_signers(role, keys);
    Ok(())
}

async fn fetch(store: &dyn Store, name: &str) -> Result<Option<Bytes>> {
    Ok(store
        .get(&format!("metadata/{name}"), MAX_METADATA as u64)
        .await?
        .map(|o| o.bytes))
}

async fn must(store: &dyn Store, name: &str) -> Result<Bytes> {
    fetch(store, name).await?.ok_or_else(|| {
        Problem::new(
            Code::TrustSignature,
            format!("{name} is named by signed metadata, but storage does not have it."),
        )
    })
}

fn pinned_version_of(snapshot: &Snapshot, role: &RoleName) -> Result<u64> {
    let missing = || {
        Problem::new(
            Code::TrustFormat,
            format!("The snapshot does not name {role}."),
        )
    };
    snapshot.version_of(role).ok_or_else(missing)
}

fn same_workspace(name: &str, header: &Header, root: &Root) -> Result<()> {
    if header.workspace == root.x.header.workspace {
        return Ok(());
    }
    let what = format!(
        "{name} belongs to workspace {}, not to {}.",
        header.workspace, root.x.header.workspace
    );
    Err(Problem::new(Code::TrustWorkspace, what))
}

fn same_role(name: &str, meta: &ChannelTargets, role: &RoleName) -> Result<()> {
    let (RoleName::Channel(unit, channel) | RoleName::Rollout(unit, channel)) = role else {
        return Ok(());
    };
    let says = (meta.x.unit.as_deref(), meta.x.channel.as_deref());
    if says != (Some(unit.as_str()), Some(channel.as_str())) {
        let what = format!("{name} says that it is for another unit or channel.");
        return Err(Problem::new(Code::TrustSignature, what));
    }
    Ok(())
}

fn untrusted(name: &str, error: &sigstore_tuf::Error) -> Problem {
    use sigstore_tuf::Error as E;
    let code = match error {
        E::Expired { .. } => Code::TrustExpired,
        E::Rollback { .. } => Code::TrustRollback,
        E::Malformed(_) | E::Json(_) => Code::TrustFormat,
        _ => Code::TrustSignature,
    };
    Problem::new(code, format!("{name} was not believed: {error}."))
}

/// A foreign registry fails as a wrong signature; say what it really is.
async fn explain(store: &dyn Store, pinned: &[u8], problem: Problem) -> Problem {
    use Code::{TrustFormat, TrustRoot, TrustSignature};
    if !matches!(problem.code, TrustSignature | TrustRoot | TrustFormat) {
        return problem;
    }
    let Ok(Some(first)) = fetch(store, "1.root.json").await else {
        return problem;
    };
    let Ok(theirs) = Loaded::<Root>::parse("1.root.json", first) else {
        return problem;
    };
    let Ok(ours) = Loaded::<Root>::parse("pinned root", Bytes::copy_from_slice(pinned)) else {
        return problem;
    };
    if theirs.meta.x.header.workspace == ours.meta.x.header.workspace {
        return problem;
    }
    let (address, app) = (store.address(), &theirs.meta.x.app);
    let what = if *app == ours.meta.x.app {
        format!("{address} holds another registry of {app}, with a root of its own.")
    } else {
        format!(
            "{address} holds the registry of {app}, not of {}.",
            ours.meta.x.app
        )
    };
    Problem::new(Code::TrustWorkspace, what).detail(problem)
}

fn jiff_time(unix: i64) -> jiff::Timestamp {
    jiff::Timestamp::from_second(unix).unwrap_or(jiff::Timestamp::UNIX_EPOCH)
}

/// The common header of the top-level targets.
trait HeaderRef {
    fn header_ref(&self) -> &Header;
}

impl HeaderRef for TopTargets {
    fn header_ref(&self) -> &Header {
        headgate_tuf::metadata::HasHeader::common(&self.x)
    }
}
