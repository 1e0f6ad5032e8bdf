//! From storage to what is served: everything verified, each channel judged by itself.
//!
//! Expiry is read with [`Expiry::Show`] and judged by the channel at every check, so a channel whose metadata ends at
//! noon offers nothing from noon on without a reading, and an expired channel does not stop the others.

mod known;
mod pack;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use bytes::Bytes;
use futures::{StreamExt as _, stream};
use headgate_core::settings::{ChannelSettings, UnitSettings};
use headgate_core::{ChannelState, Code, Kind, Problem, Result};
use headgate_registry::{
    Expiry, FolderStore, HighWater, Store, View,
    documents::{self, ChannelDocuments},
};
use headgate_tuf::{Name, RoleName, UtcTime, policy};

use crate::catalog::{
    ChannelServing, IdKind, RegistryServing, ReleaseServing, Storage, UnitServing,
};
use crate::remember::{Memory, Remembering};
use crate::telemetry::raise;
use known::Known;

/// Releases whose files are read together.
const AT_ONCE: usize = 8;

/// A registry to read.
#[derive(Clone)]
pub struct Origin {
    /// Its storage.
    pub store: Arc<dyn Store>,
    /// Exact bytes of the root that is believed without a signature.
    pub pinned: Bytes,
    /// Where devices read objects.
    pub objects: String,
    /// The folder that this server hands objects out of itself.
    pub folder: Option<FolderStore>,
}

/// A unit with what devices call it.
pub type NamedUnit = (Vec<(IdKind, String)>, Arc<UnitServing>);

/// What was read of a registry.
#[derive(Debug, Clone)]
pub struct Reading {
    /// The registry.
    pub registry: Arc<RegistryServing>,
    /// Its units, each with what devices call it.
    pub units: Vec<NamedUnit>,
    /// The newest versions, after this reading.
    pub marks: HighWater,
    /// SHA-256 of `timestamp.json`.
    pub timestamp: String,
    /// SHA-256 of the root in force: it changes without the timestamp.
    pub root: String,
    /// Nothing that is signed for was broken. Otherwise the same timestamp may mean more once storage is repaired.
    pub whole: bool,
    memory: Arc<Memory>,
}

/// Reads and verifies a registry. What the reading before holds and is still served is not read again.
///
/// # Errors
/// `storage.*` when something could not be read; `trust.*` when what all channels rest on is not as signed. A channel
/// that is not as signed by itself is no error: it says so in [`ChannelServing::withheld`].
pub async fn load(
    origin: &Origin,
    marks: &HighWater,
    now: UtcTime,
    before: Option<&Reading>,
) -> Result<Reading> {
    match read(origin, marks, now, before).await {
        // What is remembered was verified, but signatures may have been added to a file since.
        Err(problem) if before.is_some() && problem.code.kind() == Kind::Trust => {
            read(origin, marks, now, None).await
        }
        done => done,
    }
}

async fn read(
    origin: &Origin,
    marks: &HighWater,
    now: UtcTime,
    before: Option<&Reading>,
) -> Result<Reading> {
    let memory = before.map(|b| Arc::clone(&b.memory)).unwrap_or_default();
    let store = Remembering::new(Arc::clone(&origin.store), memory);
    let (view, broken) = View::read_each(&store, &origin.pinned, marks, now, Expiry::Show).await?;
    let ends = view.timestamp.meta.expires;
    if ends.unix() > now.unix() + policy::MAX_TIMESTAMP_AHEAD {
        let what =
            format!("timestamp.json claims to be valid until {ends}, more than 45 days ahead.");
        return Err(Problem::new(Code::TrustClock, what).holds("It was not believed."));
    }
    let settings = &view.targets.meta.x;
    let registry = Arc::new(RegistryServing {
        workspace: settings.header.workspace.clone(),
        app: settings.app.clone(),
        objects: origin.objects.trim_end_matches('/').to_owned(),
        storage: Storage(Arc::clone(&origin.store)),
        folder: origin.folder.clone(),
        read: now,
    });
    let known = Known::of(before);
    let from = From {
        store: &store,
        view: &view,
        broken: &broken,
        known: &known,
        registry: &registry,
        whole: AtomicBool::new(broken.is_empty()),
        roots: pack::older_roots(&store, &view).await?,
    };
    let mut units = Vec::new();
    for unit in &settings.units {
        let mut channels = HashMap::new();
        for channel in &settings.channels {
            let serving = Arc::new(from.channel(unit, channel).await?);
            for name in channel.aliases.iter().map(String::as_str) {
                channels.insert(name.to_owned(), Arc::clone(&serving));
            }
            channels.insert(channel.id.to_string(), serving);
        }
        let serving = UnitServing {
            registry: Arc::clone(&registry),
            unit: unit.id.clone(),
            channels,
            order: settings.channels.iter().map(|c| c.id.clone()).collect(),
        };
        units.push((device_ids(unit), Arc::new(serving)));
    }
    let whole = from.whole.load(Ordering::Relaxed);
    let mut raised = marks.clone();
    raise(&mut raised, &view.marks());
    Ok(Reading {
        registry,
        units,
        marks: raised,
        timestamp: view.timestamp.sha256.clone(),
        root: view.root.sha256.clone(),
        whole,
        // Bytes that are not what was signed may be among what was read.
        memory: Arc::new(if whole {
            store.into_memory()
        } else {
            Memory::new()
        }),
    })
}

/// What devices call a unit, as far as a dialect knows the kind.
fn device_ids(unit: &UnitSettings) -> Vec<(IdKind, String)> {
    let kinds = [IdKind::Capacitor, IdKind::Ionic];
    let ids = kinds.into_iter().filter_map(|kind| {
        let id = unit.device_ids.get(kind.text())?;
        Some((kind, id.clone()))
    });
    ids.collect()
}

/// Why a channel that is not as signed offers nothing.
pub(crate) fn reason(problem: &Problem) -> &'static str {
    match problem.code {
        Code::TrustUnapproved => "unapproved",
        Code::TrustExpired => "stale",
        code => code.text(),
    }
}

/// What the channels of one reading are made of.
struct From<'a> {
    store: &'a Remembering,
    view: &'a View,
    broken: &'a BTreeMap<RoleName, Problem>,
    known: &'a Known,
    registry: &'a Arc<RegistryServing>,
    whole: AtomicBool,
    roots: BTreeMap<String, Bytes>,
}

impl From<'_> {
    async fn channel(
        &self,
        unit: &UnitSettings,
        channel: &ChannelSettings,
    ) -> Result<ChannelServing> {
        let roles = [
            RoleName::Channel(unit.id.clone(), channel.id.clone()),
            RoleName::Rollout(unit.id.clone(), channel.id.clone()),
        ];
        let expiries = roles
            .iter()
            .filter_map(|role| Some(self.view.channels.get(role)?.meta.expires));
        let mut serving = ChannelServing {
            unit: unit.id.clone(),
            channel: channel.id.clone(),
            state: None,
            decides: None,
            attempt: None,
            releases: BTreeMap::new(),
            withheld: None,
            expires: expiries.fold(self.expires(), UtcTime::min),
            rollout: self.view.version_of(&roles[1]),
            stopped: false,
            self_assign: channel.self_assign,
            rsa: channel.rsa.clone(),
            pack: None,
        };
        let filled = match roles.iter().find_map(|role| self.broken.get(role)) {
            Some(problem) => Err(problem.clone()),
            None => self.fill(&mut serving, unit).await,
        };
        match filled {
            Ok(()) => Ok(serving),
            Err(problem) if problem.code.kind() == Kind::Trust => {
                let (unit, channel) = (&serving.unit, &serving.channel);
                tracing::warn!(%unit, %channel, %problem, "the channel is withheld");
                if problem.code != Code::TrustUnapproved {
                    self.whole.store(false, Ordering::Relaxed);
                }
                serving.withheld = Some(reason(&problem).to_owned());
                Ok(serving)
            }
            Err(problem) => Err(problem),
        }
    }

    /// The earliest end of what every channel rests on.
    fn expires(&self) -> UtcTime {
        let view = self.view;
        let all = [
            view.root.meta.expires,
            view.targets.meta.expires,
            view.snapshot.meta.expires,
        ];
        all.into_iter()
            .fold(view.timestamp.meta.expires, UtcTime::min)
    }

    async fn fill(&self, serving: &mut ChannelServing, unit: &UnitSettings) -> Result<()> {
        let name = serving.channel.clone();
        let docs = documents::channel(self.store, self.view, &unit.id, &name).await?;
        let Some(rollout) = docs.rollout.clone() else {
            return Ok(());
        };
        let manifests = docs.approved.values().map(|a| &a.manifest);
        let state = ChannelState::new(rollout, manifests, unit.embedded.clone())?;
        serving.attempt = Some(state.rollout.attempt());
        if let Some(build) = state.unapproved() {
            let what = format!(
                "{}.{name} serves build {build}, which is not approved.",
                unit.id
            );
            return Err(Problem::new(Code::TrustUnapproved, what));
        }
        serving.releases = self.releases(&state, &docs, &unit.id, &name).await?;
        serving.pack = self.pack(&docs, &unit.id, &name)?;
        let state = Arc::new(state);
        serving.decides = Some(Arc::clone(&state));
        serving.state = Some(state);
        Ok(())
    }

    /// The approved releases with their files. One that is broken and that the rollout does not name is left out:
    /// nobody is offered it.
    async fn releases(
        &self,
        state: &ChannelState,
        docs: &ChannelDocuments,
        unit: &Name,
        channel: &Name,
    ) -> Result<BTreeMap<u32, Arc<ReleaseServing>>> {
        let mut reads = Vec::new();
        for (build, approved) in &docs.approved {
            let clients = docs.clients.get(build);
            reads.push(async move {
                let release = self.known.release(self.store, approved, clients).await;
                (*build, release)
            });
        }
        let read: Vec<_> = stream::iter(reads)
            .buffer_unordered(AT_ONCE)
            .collect()
            .await;
        let mut releases = BTreeMap::new();
        for (build, release) in read {
            match release {
                Ok(release) => {
                    releases.insert(build, release);
                }
                Err(problem)
                    if problem.code.kind() == Kind::Trust
                        && state.rollout.names().all(|(named, _)| named != build) =>
                {
                    tracing::warn!(%unit, %channel, build, %problem, "a release is left out");
                    self.whole.store(false, Ordering::Relaxed);
                }
                Err(problem) => return Err(problem),
            }
        }
        Ok(releases)
    }
}
