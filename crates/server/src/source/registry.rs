//! One registry: what is known of it, and one poll.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use bytes::Bytes;
use headgate_core::status::GateStatus;
use headgate_core::{Code, Kind, Problem, Result};
use headgate_registry::{
    BucketCredentials, FolderStore, HighWater, HttpStore, Loaded, StorageAddress, Store, layout,
};
use headgate_tuf::metadata::Root;
use headgate_tuf::{MAX_METADATA, UtcTime, sha256_hex};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use tokio::sync::Mutex as AsyncMutex;

use super::gates::Looked;
use super::{Health, Pace};
use crate::catalog::UnitServing;
use crate::load::{Origin, Reading, load, reason};
use crate::state::AppState;
use crate::telemetry::raise;

/// Longest reading of one registry; then it counts as not reachable.
const PATIENCE: Duration = Duration::from_secs(120);
/// What stays in a segment of a URL.
const SEGMENT: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// A registry as a person configures it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RegistryConfig {
    /// Where it lies.
    pub address: StorageAddress,
    /// Exact bytes of the root that is believed without a signature.
    pub root: Bytes,
    /// Where devices read its objects; nothing = from its own URL, or from this server for a folder.
    pub objects: Option<String>,
}

/// A registry with what the server adds.
pub struct Spec {
    /// As configured.
    pub config: RegistryConfig,
    /// The server's own address as devices reach it, without a slash at the end.
    pub public_url: String,
    /// For a bucket.
    pub credentials: Arc<dyn BucketCredentials>,
}

/// Units with what devices call them.
pub(super) type Units = Vec<crate::load::NamedUnit>;

/// How a poll ended.
#[derive(Debug)]
pub(crate) enum Polled {
    /// Nothing new.
    Unchanged,
    /// Something else is served from now on.
    Changed,
    /// Nothing was learned.
    Failed,
}

/// One registry.
pub(super) struct Source {
    pub(super) app: String,
    pub(super) workspace: String,
    /// Its name in URLs of this server.
    pub(super) objects_id: String,
    spec: Spec,
    /// One poll at a time.
    polling: AsyncMutex<Polling>,
    known: Mutex<Known>,
}

/// What polls hand on to each other.
#[derive(Default)]
struct Polling {
    origin: Option<Origin>,
    /// The last reading that was verified: what is not read again.
    reading: Option<Arc<Reading>>,
    marks: HighWater,
    /// SHA-256 of the timestamp that is served, as long as all is well.
    served: Option<String>,
    verified: Option<Instant>,
}

/// What others look at.
#[derive(Default)]
struct Known {
    /// As it was read, or withheld.
    units: Units,
    /// As it is served: with the rollouts that the gate stopped.
    shown: Units,
    gates: HashMap<String, Looked>,
    asked: bool,
    verified: Option<UtcTime>,
    failures: u32,
    problem: Option<Problem>,
    taken: Vec<String>,
}

impl Source {
    pub(super) fn new(spec: Spec) -> Result<Self> {
        let root: Loaded<Root> = Loaded::parse("The pinned root", spec.config.root.clone())
            .map_err(|p| Problem::new(Code::TrustRoot, p.message).field("root"))?;
        let header = &root.meta.x;
        let workspace = header.header.workspace.clone();
        let source = Self {
            app: header.app.clone(),
            objects_id: workspace.replace('#', "."),
            workspace,
            spec,
            polling: AsyncMutex::default(),
            known: Mutex::default(),
        };
        source.objects()?;
        Ok(source)
    }

    /// Where devices read objects.
    fn objects(&self) -> Result<String> {
        let config = &self.spec.config;
        match (&config.objects, &config.address) {
            (Some(url), _) => Ok(url.clone()),
            (None, StorageAddress::Http(url)) => Ok(url.to_string()),
            (None, StorageAddress::Folder(_)) => {
                let id = utf8_percent_encode(&self.objects_id, SEGMENT);
                Ok(format!("{}/objects/{id}", self.spec.public_url))
            }
            (None, StorageAddress::Bucket(_)) => {
                let what = format!(
                    "The registry of {} lies in a bucket, and devices cannot read it there without a public URL.",
                    self.app
                );
                let remedy = "Name the public URL of the bucket's prefix, or of the CDN in front of it, with --objects.";
                Err(Problem::new(Code::UsageArgument, what)
                    .field("objects")
                    .remedy(remedy))
            }
        }
    }

    fn open(&self) -> Result<Origin> {
        let config = &self.spec.config;
        let mut folder = None;
        let store: Arc<dyn Store> = match &config.address {
            StorageAddress::Folder(path) => {
                let store = FolderStore::open(path)?;
                folder = config.objects.is_none().then(|| store.clone());
                Arc::new(store)
            }
            StorageAddress::Http(url) => Arc::new(HttpStore::new(url.as_str())?),
            StorageAddress::Bucket(_) => config
                .address
                .open_with(Arc::clone(&self.spec.credentials))?,
        };
        Ok(Origin {
            store,
            pinned: config.root.clone(),
            objects: self.objects()?,
            folder,
        })
    }

    /// Whether an app identifier or a workspace identity means it.
    pub(super) fn is(&self, app: &str) -> bool {
        self.app == app || self.workspace == app
    }

    fn known(&self) -> MutexGuard<'_, Known> {
        self.known.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn asked(&self) -> bool {
        self.known().asked
    }

    pub(super) fn serves(&self) -> bool {
        !self.known().shown.is_empty()
    }

    pub(super) fn shown(&self) -> Units {
        self.known().shown.clone()
    }

    pub(super) fn looked(&self) -> HashMap<String, Looked> {
        self.known().gates.clone()
    }

    pub(super) fn gates(&self) -> HashMap<String, GateStatus> {
        let known = self.known();
        let gates = known.gates.iter();
        gates
            .filter_map(|(name, looked)| Some((name.clone(), looked.status.clone()?)))
            .collect()
    }

    pub(super) fn note_taken(&self, taken: Vec<String>) {
        self.known().taken = taken;
    }

    pub(super) fn health(&self) -> Health {
        let known = self.known();
        let problem = known.problem.as_ref();
        Health {
            app: self.app.clone(),
            workspace: self.workspace.clone(),
            storage: self.spec.config.address.to_string(),
            verified: known.verified,
            failures: known.failures,
            problem: problem.map(|p| p.code.text()),
            message: problem.map(|p| p.message.clone()),
            taken: known.taken.clone(),
            withheld: Default::default(),
        }
    }

    /// Looks whether the registry changed, and reads what did.
    pub(super) async fn poll(&self, state: &AppState, pace: &Pace, verify: bool) -> Polled {
        let mut polling = self.polling.lock().await;
        let now = (state.clock)();
        let read = self.read(&mut polling, state, pace, verify);
        let read = tokio::time::timeout(PATIENCE, read)
            .await
            .unwrap_or_else(|_| {
                let what = format!("Reading took longer than {} s.", PATIENCE.as_secs());
                Err(Problem::new(Code::StorageUnavailable, what))
            });
        let polled = match read {
            Ok(changed) => {
                let mut known = self.known();
                if known.problem.take().is_some() {
                    tracing::info!(app = %self.app, "the registry can be read again");
                }
                known.failures = 0;
                known.verified = Some(now);
                known.asked = true;
                if changed {
                    Polled::Changed
                } else {
                    Polled::Unchanged
                }
            }
            Err(problem) => self.failed(&mut polling, problem),
        };
        drop(polling);
        polled
    }

    async fn read(
        &self,
        polling: &mut Polling,
        state: &AppState,
        pace: &Pace,
        verify: bool,
    ) -> Result<bool> {
        if polling.origin.is_none() {
            polling.origin = Some(self.open()?);
        }
        let Some(origin) = polling.origin.clone() else {
            return Err(Problem::new(Code::Internal, "The storage is not open."));
        };
        let due = polling
            .verified
            .is_none_or(|at| at.elapsed() >= pace.verify);
        if let (Some(served), false) = (&polling.served, verify || due) {
            let max = MAX_METADATA as u64;
            let object = origin.store.get(layout::TIMESTAMP, max).await?;
            let missing = || {
                Problem::new(
                    Code::StorageMissing,
                    "timestamp.json is not there any more.",
                )
            };
            if sha256_hex(&object.ok_or_else(missing)?.bytes) == *served {
                return Ok(false);
            }
        }
        let now = (state.clock)();
        self.common_marks(&mut polling.marks, state).await?;
        let before = polling.reading.clone();
        let reading = load(&origin, &polling.marks, now, before.as_deref()).await?;
        if let Err(problem) = state
            .telemetry
            .raise_marks(&self.workspace, &reading.marks)
            .await
        {
            // What was read is verified all the same; the next reading tries again.
            tracing::error!(app = %self.app, %problem, "the newest versions seen could not be stored");
        }
        raise(&mut polling.marks, &reading.marks);
        polling.verified = Some(Instant::now());
        let same = polling.served.as_ref() == Some(&reading.timestamp)
            && before.is_some_and(|b| b.whole && reading.whole && b.root == reading.root);
        if same {
            return Ok(false);
        }
        let gates = self.gates_of(&reading.units, state, now).await?;
        tracing::info!(app = %self.app, timestamp = reading.marks.versions.get("timestamp"), "read");
        polling.served = Some(reading.timestamp.clone());
        {
            let mut known = self.known();
            known.units = reading.units.clone();
            known.gates = gates;
            known.show();
        }
        polling.reading = Some(Arc::new(reading));
        Ok(true)
    }

    /// The newest versions that any replica saw. Before the first reading they must be known: what storage holds may
    /// be an old state that somebody put back.
    async fn common_marks(&self, marks: &mut HighWater, state: &AppState) -> Result<()> {
        match state.telemetry.marks(&self.workspace).await {
            Ok(common) => raise(marks, &common),
            Err(problem) if marks.versions.is_empty() => return Err(problem),
            Err(problem) => {
                tracing::error!(app = %self.app, %problem, "the newest versions seen could not be read");
            }
        }
        Ok(())
    }

    fn failed(&self, polling: &mut Polling, problem: Problem) -> Polled {
        let trust = problem.code.kind() == Kind::Trust;
        let mut known = self.known();
        known.asked = true;
        known.failures = known.failures.saturating_add(1);
        let news = known.problem.as_ref() != Some(&problem);
        if news {
            let (app, holds) = (
                &self.app,
                if trust {
                    "nothing is offered"
                } else {
                    "served until it expires"
                },
            );
            tracing::error!(%app, %problem, holds, "the registry cannot be read");
        }
        known.problem = Some(problem.clone());
        if !trust {
            return Polled::Failed;
        }
        // Whatever storage holds next is verified whole, even if it is what was served before.
        polling.served = None;
        let why = reason(&problem);
        if let Some(reading) = &polling.reading {
            known.units =
                with_channels(&reading.units, |_, channel| Some(channel.withholding(why)));
        }
        known.show();
        if news {
            Polled::Changed
        } else {
            Polled::Failed
        }
    }

    /// Looks at the gates again; says whether something else is served now.
    pub(super) async fn look_at_gates(&self, state: &AppState, now: UtcTime) -> bool {
        let units = self.known().units.clone();
        match self.gates_of(&units, state, now).await {
            Ok(gates) => {
                let mut known = self.known();
                // Read meanwhile: the reading looked at the gates itself.
                let same = units.len() == known.units.len()
                    && units
                        .iter()
                        .zip(&known.units)
                        .all(|(a, b)| Arc::ptr_eq(&a.1, &b.1));
                if !same {
                    return false;
                }
                let stopped = |g: &HashMap<String, Looked>| {
                    let mut names: Vec<_> = g
                        .iter()
                        .filter(|(_, s)| s.tripped.is_some())
                        .map(|(n, _)| n.clone())
                        .collect();
                    names.sort();
                    names
                };
                let changed = stopped(&gates) != stopped(&known.gates);
                known.gates = gates;
                if changed {
                    known.show();
                }
                changed
            }
            Err(problem) => {
                tracing::error!(app = %self.app, %problem, "the health gates could not be looked at");
                false
            }
        }
    }
}

impl Known {
    /// Serves what was read, with the rollouts stopped that the gates stopped.
    fn show(&mut self) {
        let gates = &self.gates;
        self.shown = with_channels(&self.units, |unit, channel| {
            let looked = gates.get(&format!("{unit}.{}", channel.channel))?;
            looked.apply(channel)
        });
    }
}

/// The same units with some channels changed. What does not change is shared.
fn with_channels(
    units: &Units,
    change: impl Fn(&headgate_tuf::Name, &crate::ChannelServing) -> Option<crate::ChannelServing>,
) -> Units {
    let units = units.iter().map(|(ids, unit)| {
        let changed: HashMap<_, _> = super::named_once(unit)
            .filter_map(|c| Some((c.channel.clone(), Arc::new(change(&unit.unit, c)?))))
            .collect();
        if changed.is_empty() {
            return (ids.clone(), Arc::clone(unit));
        }
        let channels = unit.channels.iter().map(|(name, channel)| {
            let serving = changed.get(&channel.channel).unwrap_or(channel);
            (name.clone(), Arc::clone(serving))
        });
        let unit = UnitServing {
            registry: Arc::clone(&unit.registry),
            unit: unit.unit.clone(),
            channels: channels.collect(),
            order: unit.order.clone(),
        };
        (ids.clone(), Arc::new(unit))
    });
    units.collect()
}
