//! A fleet of simulated devices: they check, download, verify, apply and report over real HTTP.
//!
//! Devices of Headgate's dialect are the real machine with a folder in memory. Those of the others are minimal clients
//! of the wire that behave as the plugins do. What each device does follows from the seed of the fleet alone; when
//! requests arrive depends on the network. So that thousands fit beside a console, equal packs are judged once and equal
//! downloads are fetched and verified once; each device checks, applies and reports for itself.

mod capgo;
mod headgate;
mod ionic;
mod shared;
mod stats;

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use headgate_core::status::Dialect;
use headgate_core::{Code, Platform, Problem, Result, in_share};
use headgate_tuf::{Name, sha256_hex};
use tokio::sync::{Semaphore, watch};
use tokio::task::JoinHandle;

use shared::Shared;
pub use stats::{DeviceTotals, FleetStats};
use stats::{Event, Totals};

/// Most devices of a fleet.
pub const MAX_DEVICES: u32 = 100_000;

/// What a fleet is.
#[derive(Debug, Clone)]
pub struct FleetOptions {
    /// Address of the update server's device endpoints.
    pub server: String,
    /// Capacitor app id.
    pub app: String,
    /// Appflow app id of devices that speak Ionic's protocols; without it the Capacitor app id.
    pub ionic: Option<String>,
    /// Unit, for devices that verify.
    pub unit: Name,
    /// The root that devices that verify were built with: exact text.
    pub root: String,
    /// Channel, or an alias of it.
    pub channel: String,
    /// How many.
    pub devices: u32,
    /// What they speak, with weights.
    pub dialects: Vec<(Dialect, u32)>,
    /// Operating systems and native versions, with weights.
    pub natives: Vec<(Platform, String, u32)>,
    /// Which releases do not start, and on how many devices.
    pub failure: Failure,
    /// Time between two starts of the app on a device; each device varies it by up to a quarter.
    pub every: Duration,
    /// Time over which devices arrive.
    pub ramp: Duration,
    /// Starts of the app on each device; without it until stopped.
    pub rounds: Option<u32>,
    /// Decides everything that is drawn.
    pub seed: u64,
    /// Devices that ask at the same time.
    pub concurrency: usize,
}

/// Releases that do not start.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Failure {
    /// Share of the devices on which they do not start, permille.
    pub permille: u16,
    /// Builds.
    pub builds: BTreeSet<u32>,
    /// Text in the version that marks them besides: `-bad`.
    pub marker: String,
}

impl Default for Failure {
    fn default() -> Self {
        Self {
            permille: 0,
            builds: BTreeSet::new(),
            marker: "-bad".into(),
        }
    }
}

impl FleetOptions {
    /// A fleet of 200 devices of all dialects on two native versions, which start their app every 30 seconds.
    pub fn new(server: &str, app: &str, unit: Name, root: &str, channel: &str) -> Self {
        Self {
            server: server.trim_end_matches('/').into(),
            app: app.into(),
            ionic: None,
            unit,
            root: root.into(),
            channel: channel.into(),
            devices: 200,
            dialects: Dialect::ALL.map(|d| (d, 1)).to_vec(),
            natives: vec![
                (Platform::Ios, "4.2.0".into(), 3),
                (Platform::Android, "4.2.0".into(), 5),
                (Platform::Android, "4.1.0".into(), 2),
            ],
            failure: Failure::default(),
            every: Duration::from_secs(30),
            ramp: Duration::from_secs(10),
            rounds: None,
            seed: 1,
            concurrency: 24,
        }
    }

    fn check(&self) -> Result<()> {
        let bad = |field: &str, why: &str| Err(Problem::new(Code::UsageArgument, why).field(field));
        if !(1..=MAX_DEVICES).contains(&self.devices) {
            return bad("devices", "A fleet has between 1 and 100,000 devices.");
        }
        if self.dialects.iter().all(|(_, weight)| *weight == 0) {
            return bad("dialects", "A fleet speaks at least one dialect.");
        }
        if self.natives.iter().all(|(_, _, weight)| *weight == 0) {
            return bad("natives", "A fleet has at least one native version.");
        }
        if self.failure.permille > 1000 {
            return bad("failure-rate", "A failure rate is at most 100 %.");
        }
        if self.concurrency == 0 {
            return bad("concurrency", "At least one device must ask at a time.");
        }
        Ok(())
    }
}

/// One device of a fleet, as the seed draws it.
#[derive(Debug, Clone)]
struct Drawn {
    install: String,
    dialect: Dialect,
    platform: Platform,
    native: String,
    /// Before its first start.
    delay: Duration,
    /// Between two starts.
    every: Duration,
}

/// A number below `below` that follows from a seed and a word.
fn draw(seed: u64, word: &str, below: u64) -> u64 {
    let hash = sha256_hex(format!("{seed}/{word}").as_bytes());
    let head = hash.get(..16).and_then(|h| u64::from_str_radix(h, 16).ok());
    head.unwrap_or(0) % below.max(1)
}

/// One of several by weight.
fn pick<T>(of: &[T], weight: impl Fn(&T) -> u32, drawn: impl Fn(u64) -> u64) -> Option<&T> {
    let total: u64 = of.iter().map(|t| u64::from(weight(t))).sum();
    let mut at = drawn(total);
    of.iter().find(|t| {
        let weight = u64::from(weight(t));
        let here = at < weight;
        at = at.saturating_sub(weight);
        here
    })
}

fn device(options: &FleetOptions, n: u32) -> Drawn {
    let seed = options.seed;
    let of = |what: &str, below| draw(seed, &format!("{what}/{n}"), below);
    let dialect = pick(&options.dialects, |d| d.1, |below| of("dialect", below));
    let native = pick(&options.natives, |d| d.2, |below| of("native", below));
    let millis = |d: Duration| u64::try_from(d.as_millis()).unwrap_or(u64::MAX / 2);
    let every = millis(options.every);
    let hex = sha256_hex(format!("{seed}/install/{n}").as_bytes());
    let part = |from: usize, to: usize| hex.get(from..to).unwrap_or_default().to_owned();
    Drawn {
        // A UUID of version 8, as plugins send one.
        install: format!(
            "{}-{}-8{}-8{}-{}",
            part(0, 8),
            part(8, 12),
            part(12, 15),
            part(15, 18),
            part(18, 30)
        ),
        dialect: dialect.map_or(Dialect::Headgate, |d| d.0),
        platform: native.map_or(Platform::Android, |d| d.0),
        native: native.map_or_else(|| "1.0.0".into(), |d| d.1.clone()),
        delay: Duration::from_millis(of("delay", millis(options.ramp))),
        every: Duration::from_millis(every - every / 8 + of("every", every / 4)),
    }
}

impl Failure {
    /// Whether a release starts on a device.
    fn starts(&self, seed: u64, install: &str, build: u32, version: &str) -> bool {
        let bad = self.builds.contains(&build)
            || (!self.marker.is_empty() && version.contains(&self.marker));
        !(bad
            && in_share(
                Some(install),
                &format!("{seed}/failure/{build}"),
                self.permille,
            ))
    }
}

/// A device that can be started again and again.
#[async_trait::async_trait]
trait Simulated: Send {
    /// The app starts, says what runs, asks, and fetches what it is offered.
    async fn round(&mut self, shared: &Shared);
    /// Build that runs.
    fn running(&self) -> Option<u32>;
}

/// A running fleet. Dropping it stops it.
#[derive(Debug)]
pub struct FleetHandle {
    stop: watch::Sender<bool>,
    totals: Arc<Totals>,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

/// A fleet.
#[derive(Debug)]
pub struct Fleet;

impl Fleet {
    /// Starts a fleet on the current runtime.
    ///
    /// # Errors
    /// `usage.argument`, `storage.address`.
    pub fn start(options: FleetOptions) -> Result<FleetHandle> {
        options.check()?;
        let (stop, stopped) = watch::channel(false);
        let permits = Arc::new(Semaphore::new(options.concurrency));
        let totals = Arc::new(Totals::new(options.devices));
        let shared = Arc::new(Shared::new(options, Arc::clone(&totals))?);
        let mut tasks = Vec::new();
        for n in 0..shared.options.devices {
            let drawn = device(&shared.options, n);
            let mut simulated: Box<dyn Simulated> = match drawn.dialect {
                Dialect::Headgate => Box::new(headgate::HeadgateDevice::new(&shared, &drawn)?),
                Dialect::Capgo => Box::new(capgo::CapgoDevice::new(&drawn)),
                Dialect::Ionic | Dialect::Cordova => Box::new(ionic::IonicDevice::new(&drawn)),
            };
            let (shared, permits) = (Arc::clone(&shared), Arc::clone(&permits));
            let mut stopped = stopped.clone();
            tasks.push(tokio::spawn(async move {
                let live = live(&mut *simulated, &drawn, &shared, &permits);
                tokio::select! {
                    () = live => {}
                    // An error means that the handle is gone.
                    _ = stopped.wait_for(|stop| *stop) => {}
                }
            }));
        }
        Ok(FleetHandle {
            stop,
            totals,
            tasks: Mutex::new(tasks),
        })
    }
}

async fn live(device: &mut dyn Simulated, drawn: &Drawn, shared: &Shared, permits: &Semaphore) {
    tokio::time::sleep(drawn.delay).await;
    let rounds = shared.options.rounds.unwrap_or(u32::MAX);
    for round in 0..rounds {
        if round > 0 {
            tokio::time::sleep(drawn.every).await;
        }
        let Ok(_permit) = permits.acquire().await else {
            return;
        };
        let before = device.running();
        device.round(shared).await;
        shared
            .totals
            .ran(drawn.dialect, round == 0, before, device.running());
    }
    shared.totals.note(drawn.dialect, Event::Ended);
}

impl FleetHandle {
    /// Figures up to now.
    pub fn stats(&self) -> FleetStats {
        self.totals.stats()
    }

    /// Stops every device. What is on its way is given up.
    pub async fn stop(&self) {
        let _ = self.stop.send(true);
        self.wait().await;
    }

    /// Waits until every device has done its rounds, or was stopped.
    pub async fn wait(&self) {
        let tasks = {
            let mut tasks = self.tasks.lock().unwrap_or_else(PoisonError::into_inner);
            std::mem::take(&mut *tasks)
        };
        for task in tasks {
            // A device that panicked is a defect; its figures are missing, the others are not.
            if let Err(error) = task.await {
                tracing::error!(%error, "a simulated device stopped");
            }
        }
    }
}
