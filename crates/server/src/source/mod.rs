//! Registries, read again and again.
//!
//! `metadata/timestamp.json` is the one object that changes, so a poll reads it and nothing else unless its bytes
//! changed. Once a minute everything is verified again, with one more request for a newer root: a root change is a commit
//! of its own and leaves the timestamp as it is. What was read before is remembered by name or hash, so a reading after a
//! publish transfers what is new alone.
//!
//! What happens when a reading fails depends on what was learned:
//!
//! - *Storage cannot be reached*, or says that `timestamp.json` is not there: nothing was learned. What was read last is
//!   signed as current until it expires, and a device that asks the storage itself could not know more. It is served until
//!   then, and not a second longer: every check compares the expiry with the clock.
//! - *Storage holds what cannot be verified*, an older state than was seen, or a timestamp from the future: something is
//!   wrong with the storage, and what was read last may be what an attacker wants to keep in use. Nothing is offered, with
//!   the reason, until storage holds a verified state again. There is no "last good".
//! - *A channel alone* is not as signed, or its rollout names a release that is not approved: that channel offers nothing,
//!   with the reason.
//!
//! The newest versions that were seen are kept in the telemetry database, which replicas share: a replica that starts
//! anew refuses what is older. A replica whose CDN is behind another's offers nothing for those seconds.

mod gates;
mod registry;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use futures::{StreamExt as _, stream};
use headgate_core::status::GateStatus;
use headgate_core::{Code, Problem, Result};
use headgate_tuf::UtcTime;
use tokio::sync::{Semaphore, watch};

use crate::catalog::{Catalog, UnitServing};
use crate::state::AppState;

pub(crate) use registry::Polled;
use registry::Source;
pub use registry::{RegistryConfig, Spec};

/// Registries that are read at once.
const AT_ONCE: usize = 16;

/// How often registries are looked at.
#[derive(Debug, Clone, Copy)]
pub struct Pace {
    /// Between two polls of a registry, on average.
    pub poll: Duration,
    /// Between two looks at the health gates.
    pub gates: Duration,
    /// After this long everything is verified again, changed or not.
    pub verify: Duration,
}

impl Default for Pace {
    fn default() -> Self {
        Self {
            poll: Duration::from_secs(5),
            gates: Duration::from_secs(5),
            verify: Duration::from_secs(60),
        }
    }
}

/// All registries of a server.
#[derive(Clone)]
pub struct Sources {
    inner: Arc<Inner>,
}

struct Inner {
    state: AppState,
    pace: Pace,
    sources: Vec<Arc<Source>>,
    /// Held while a catalog is put together, so that an older one never replaces a newer one.
    publishing: Mutex<()>,
    reading: Semaphore,
}

/// How it is with a registry, for people.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Health {
    /// App identifier.
    pub app: String,
    /// Workspace identity.
    pub workspace: String,
    /// Storage address.
    pub storage: String,
    /// When storage was last asked with success, and what it holds verified.
    pub verified: Option<UtcTime>,
    /// Polls that failed since.
    pub failures: u32,
    /// Why the last poll failed: its code.
    pub problem: Option<&'static str>,
    /// The same in words.
    pub message: Option<String>,
    /// Ids that another workspace has already.
    pub taken: Vec<String>,
    /// Channels that offer nothing, as `unit.channel`, with the reason.
    pub withheld: std::collections::BTreeMap<String, String>,
}

impl Sources {
    /// Registries to serve. Nothing is read yet.
    ///
    /// # Errors
    /// `usage.argument` when two of them are of one workspace; `trust.format` for a root that is none.
    pub fn new(state: AppState, specs: Vec<Spec>, pace: Pace) -> Result<Self> {
        let mut sources: Vec<Arc<Source>> = Vec::new();
        for spec in specs {
            let source = Source::new(spec)?;
            if sources.iter().any(|s| s.workspace == source.workspace) {
                let what = format!("The registry of {} is given twice.", source.app);
                return Err(Problem::new(Code::UsageArgument, what).field("registry"));
            }
            sources.push(Arc::new(source));
        }
        let inner = Inner {
            state,
            pace,
            sources,
            publishing: Mutex::default(),
            reading: Semaphore::new(AT_ONCE),
        };
        Ok(Self {
            inner: Arc::new(inner),
        })
    }

    /// Polls until the server stops. Every registry has a task of its own, so a slow one delays no other.
    pub fn run(&self, stop: &watch::Receiver<bool>) {
        for source in &self.inner.sources {
            let (inner, source, mut stop) =
                (Arc::clone(&self.inner), Arc::clone(source), stop.clone());
            tokio::spawn(async move {
                loop {
                    inner.poll(&source, false).await;
                    let pause = jittered(inner.pace.poll);
                    tokio::select! {
                        () = tokio::time::sleep(pause) => {}
                        _ = stop.wait_for(|stop| *stop) => return,
                    }
                }
            });
        }
        let (inner, mut stop) = (Arc::clone(&self.inner), stop.clone());
        tokio::spawn(async move {
            loop {
                tokio::select! {
                    () = tokio::time::sleep(inner.pace.gates) => {}
                    _ = stop.wait_for(|stop| *stop) => return,
                }
                inner.look_at_gates().await;
            }
        });
    }

    /// Reads at once, everything or the registries of one app (or workspace), and says how it is with them.
    ///
    /// # Errors
    /// `usage.unknown` for an app that is not served.
    pub async fn nudge(&self, app: Option<&str>) -> Result<Vec<Health>> {
        let all = self.inner.sources.iter();
        let sources: Vec<Arc<Source>> = all
            .filter(|s| app.is_none_or(|app| s.is(app)))
            .cloned()
            .collect();
        if let (true, Some(app)) = (sources.is_empty(), app) {
            let what = format!("{app:?} is not served here.");
            return Err(Problem::new(Code::UsageUnknown, what));
        }
        let mut polls = Vec::new();
        for source in &sources {
            polls.push(self.inner.poll(source, true));
        }
        let polls = stream::iter(polls).buffer_unordered(AT_ONCE);
        polls.collect::<Vec<()>>().await;
        Ok(sources.iter().map(|s| self.inner.health(s)).collect())
    }

    /// How it is with every registry.
    pub fn health(&self) -> Vec<Health> {
        let sources = self.inner.sources.iter();
        sources.map(|s| self.inner.health(s)).collect()
    }

    /// Every registry was asked, and at least one is served.
    pub fn ready(&self) -> bool {
        let mut sources = self.inner.sources.iter();
        sources.clone().all(|s| s.asked()) && sources.any(|s| s.serves())
    }

    /// The gates of a workspace by `unit.channel`, as they were looked at last.
    pub fn gates(&self, workspace: &str) -> HashMap<String, GateStatus> {
        let mut sources = self.inner.sources.iter();
        let source = sources.find(|s| s.workspace == workspace);
        source.map(|s| s.gates()).unwrap_or_default()
    }

    /// Workspaces that an app identifier or a workspace identity means.
    pub fn workspaces(&self, app: &str) -> Vec<String> {
        let sources = self.inner.sources.iter().filter(|s| s.is(app));
        sources.map(|s| s.workspace.clone()).collect()
    }
}

impl Inner {
    /// One poll; serves what it found.
    async fn poll(&self, source: &Arc<Source>, verify: bool) {
        let Ok(_permit) = self.reading.acquire().await else {
            return;
        };
        let polled = source.poll(&self.state, &self.pace, verify).await;
        self.state.metrics.polled(&source.app, &polled);
        if matches!(polled, Polled::Changed) {
            self.publish();
        }
    }

    async fn look_at_gates(&self) {
        let now = (self.state.clock)();
        let mut changed = false;
        for source in &self.sources {
            changed |= source.look_at_gates(&self.state, now).await;
        }
        if changed {
            self.publish();
        }
    }

    /// Puts what every registry serves into a new catalog. Units are shared with the one before, so this costs a few
    /// pointers a unit however much a registry holds.
    fn publish(&self) {
        let _one = self
            .publishing
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        let mut catalog = Catalog::default();
        for source in &self.sources {
            let mut taken = Vec::new();
            for (ids, unit) in source.shown() {
                for (kind, id) in ids {
                    if !catalog.add(kind, &id, Arc::clone(&unit)) {
                        tracing::warn!(app = %source.app, kind = kind.text(), id, "another workspace has this id");
                        taken.push(id);
                    }
                }
                catalog.add_objects(&source.objects_id, &unit.registry);
            }
            source.note_taken(taken);
        }
        self.state.serve(Arc::new(catalog));
    }

    fn health(&self, source: &Source) -> Health {
        let now = (self.state.clock)();
        let mut health = source.health();
        for (_, unit) in source.shown() {
            for channel in named_once(&unit) {
                if let Some(why) = channel.withheld(now) {
                    let name = format!("{}.{}", unit.unit, channel.channel);
                    health.withheld.insert(name, why.to_owned());
                }
            }
        }
        health
    }
}

/// The channels of a unit in order, each once.
pub(crate) fn named_once(
    unit: &UnitServing,
) -> impl Iterator<Item = &Arc<crate::catalog::ChannelServing>> {
    let names = unit.order.iter();
    names.filter_map(|name| unit.channels.get(name.as_str()))
}

/// Within a fifth of the pause, so that replicas and registries do not move in step.
fn jittered(pause: Duration) -> Duration {
    let mut dice = [128_u8];
    // Without randomness polls are only more alike.
    let _ = getrandom::fill(&mut dice);
    pause.mul_f64(0.8 + 0.4 * f64::from(dice[0]) / 255.0)
}
