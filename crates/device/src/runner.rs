//! Does what the machine asks for.

use std::collections::VecDeque;
use std::sync::Arc;

use bytes::Bytes;
use headgate_core::pack::EventReport;
use headgate_core::text::check_text;
use headgate_core::{Code, Device, Problem, Result};
use headgate_registry::ETag;
use headgate_tuf::{Name, UtcTime};

use crate::judge::{Judge, Judged, StrictJudge, Trust};
use crate::machine::{Effect, Facts, Input, Machine, Outcome, Policy, Wanted};
use crate::{Disk, Memory, Net, NoSeed, PackAnswer, Seed, Target, fetch};

/// Where the memory lies.
const MEMORY: &str = "device.json";

/// Time, so that tests are exact.
pub type Clock = Arc<dyn Fn() -> UtcTime + Send + Sync>;

/// The system's clock.
#[expect(
    clippy::disallowed_methods,
    reason = "the one place that reads the system's clock"
)]
pub(crate) fn system_time() -> UtcTime {
    let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let seconds = since.map_or(0, |s| i64::try_from(s.as_secs()).unwrap_or(i64::MAX));
    UtcTime::from_unix(seconds)
}

/// How a device is set up.
#[derive(Clone)]
pub struct DeviceOptions {
    /// Unit of the app.
    pub unit: Name,
    /// Install id, chosen by the app; without it one is drawn at the first start.
    pub install: Option<String>,
    /// What the app says about itself.
    pub facts: Facts,
    /// Choices of the app.
    pub policy: Policy,
    /// The device's clock.
    pub clock: Clock,
    /// Files that need no download.
    pub seed: Arc<dyn Seed>,
    /// How packs are judged.
    pub judge: Arc<dyn Judge>,
}

impl DeviceOptions {
    /// A device of a unit on this computer's clock.
    pub fn new(unit: Name, facts: Facts) -> Self {
        Self {
            unit,
            install: None,
            facts,
            policy: Policy::default(),
            clock: Arc::new(system_time),
            seed: Arc::new(NoSeed),
            judge: Arc::new(StrictJudge),
        }
    }
}

/// What a start ran.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Started {
    /// The web build.
    pub target: Target,
    /// Seconds that it has to say that it is ready; nothing when it has done so before.
    pub confirm: Option<u64>,
}

/// A device with its folder and network. Calls come one at a time.
pub struct Runner {
    machine: Machine,
    disk: Arc<dyn Disk>,
    net: Arc<dyn Net>,
    options: DeviceOptions,
    /// The last pack and its tag: an unchanged one is judged again, since time goes on.
    pack: Option<(ETag, Bytes)>,
    running: Option<Started>,
    outcome: Option<Outcome>,
    sent: Option<Result<usize>>,
}

impl Runner {
    /// Opens a device. A damaged memory begins a new one with the embedded build; nothing on the disk is then believed.
    ///
    /// # Errors
    /// `usage.argument` for facts or an install id that no server takes; `local.disk`.
    pub fn open(options: DeviceOptions, disk: Arc<dyn Disk>, net: Arc<dyn Net>) -> Result<Self> {
        // As the server reads a report: one that it refuses would be sent again for ever.
        let facts = &options.facts;
        check_text("channel", &facts.channel, 100)?;
        check_text("native", &facts.native, 64)?;
        check_text("client", &facts.client, 64)?;
        if let Some(install) = &options.install {
            check_text("install", install, 64)?;
        }
        let remembered = disk.read(MEMORY)?.map(|bytes| Memory::parse(&bytes));
        let mut memory = match remembered {
            Some(Ok(memory)) => memory,
            damaged => {
                if let Some(Err(problem)) = damaged {
                    tracing::warn!(%problem, "the device begins anew");
                }
                Memory::new(&draw()?)
            }
        };
        if let Some(install) = &options.install {
            memory.install.clone_from(install);
        }
        Ok(Self {
            machine: Machine::new(memory, options.policy),
            disk,
            net,
            options,
            pack: None,
            running: None,
            outcome: None,
            sent: None,
        })
    }

    /// What the device remembers.
    pub fn memory(&self) -> &Memory {
        self.machine.memory()
    }

    /// What runs; nothing before the start.
    pub fn running(&self) -> Option<&Started> {
        self.running.as_ref()
    }

    /// Folder of the files of a web build on the device's disk; nothing for the embedded build.
    pub fn folder(target: &Target) -> Option<String> {
        let placed = target.bundle()?;
        Some(format!("{}/www", fetch::folder(&placed.manifest)))
    }

    fn now(&self) -> UtcTime {
        (self.options.clock)()
    }

    /// The app starts: applies what was staged, or returns to what ran before. Never asks the network.
    ///
    /// # Errors
    /// `internal`: there is always something to run.
    pub async fn start(&mut self) -> Result<Started> {
        let input = Input::Start {
            facts: Box::new(self.options.facts.clone()),
            now: self.now(),
        };
        self.running = None;
        self.drive(input).await;
        let none = || Problem::new(Code::Internal, "The device found nothing to run.");
        self.running.clone().ok_or_else(none)
    }

    /// What runs says that it started well.
    pub async fn ready(&mut self) {
        let now = self.now();
        self.drive(Input::Ready { now }).await;
    }

    /// What runs did not say so in time, or crashed. Gives what runs then. The reason is a code, at most 64 characters.
    pub async fn not_ready(&mut self, reason: &str) -> Option<Started> {
        let now = self.now();
        let good = check_text("reason", reason, 64).is_ok();
        let reason = if good { reason } else { "unknown" }.to_owned();
        self.drive(Input::NotReady { now, reason }).await;
        self.running.clone()
    }

    /// Asks, and stages what the server offers. Nothing that runs changes before the next start.
    pub async fn check(&mut self) -> Outcome {
        let now = self.now();
        self.outcome = None;
        self.drive(Input::Check { now }).await;
        let none = || Problem::new(Code::Internal, "The device has not started.");
        let outcome = self.outcome.take();
        outcome.unwrap_or_else(|| Outcome::Failed(none()))
    }

    /// Tells the server what runs and what happened; what it does not acknowledge is told again.
    ///
    /// # Errors
    /// `storage.*`.
    pub async fn report(&mut self) -> Result<usize> {
        self.sent = None;
        self.drive(Input::Report).await;
        self.sent.take().unwrap_or(Ok(0))
    }

    /// Feeds the machine until it has nothing more to do.
    async fn drive(&mut self, input: Input) {
        let mut effects: VecDeque<Effect> = self.machine.step(input).into();
        while let Some(effect) = effects.pop_front() {
            if let Some(input) = Box::pin(self.perform(effect)).await {
                effects.extend(self.machine.step(input));
            }
        }
    }

    async fn perform(&mut self, effect: Effect) -> Option<Input> {
        Some(match effect {
            Effect::Save => Input::Saved(self.save()),
            Effect::Examine(placed) => Input::Examined(fetch::examine(&*self.disk, &placed)),
            Effect::Run { target, confirm } => {
                self.running = Some(Started { target, confirm });
                return None;
            }
            Effect::Ask { at, device } => match self.ask(at, &device).await {
                Ok(Some(judged)) => Input::Judged(Ok(Box::new(judged))),
                Ok(None) => Input::Withheld,
                Err(problem) => Input::Judged(Err(problem)),
            },
            Effect::Download(wanted) => Input::Downloaded(self.download(&wanted).await),
            Effect::Verify(wanted) => Input::Verified(fetch::verify(&*self.disk, &wanted)),
            Effect::Stage(wanted) => Input::Staged(fetch::stage(&*self.disk, &wanted)),
            Effect::Sweep(keep) => {
                fetch::sweep(&*self.disk, &keep);
                return None;
            }
            Effect::Send(report) => Input::Sent(self.send(&report).await),
            Effect::Finish(outcome) => {
                self.outcome = Some(outcome);
                return None;
            }
        })
    }

    fn save(&self) -> Result<()> {
        let bytes = self.machine.memory().to_bytes()?;
        self.disk.replace(MEMORY, Bytes::from(bytes))
    }

    async fn ask(&mut self, at: UtcTime, device: &Device) -> Result<Option<Judged>> {
        let known = self.pack.as_ref().map(|(etag, _)| etag);
        let bytes = match (self.net.pack(known).await?, &self.pack) {
            (PackAnswer::Pack { bytes, etag }, _) => {
                self.pack = Some((etag, bytes.clone()));
                bytes
            }
            (PackAnswer::Same, Some((_, bytes))) => bytes.clone(),
            (PackAnswer::Withheld, _) => return Ok(None),
            (PackAnswer::Same, None) => {
                let what = "The server says that a pack is unchanged that was never read.";
                return Err(Problem::new(Code::StorageIo, what));
            }
        };
        let memory = self.machine.memory();
        let trust = Trust {
            unit: self.options.unit.clone(),
            channel: self.options.facts.channel.clone(),
            root: memory.root.clone(),
            marks: memory.marks.clone(),
        };
        let judged = self.options.judge.judge(&bytes, &trust, at).await;
        if judged.is_err() {
            // Whatever was wrong with it, the next check reads it anew.
            self.pack = None;
        }
        Ok(Some(judged?.tell(device)))
    }

    async fn download(&self, wanted: &Wanted) -> Result<()> {
        let store = self.net.objects(&wanted.objects)?;
        let held = &self.machine.memory().held;
        let seed = &*self.options.seed;
        fetch::download(&self.disk, &*store, seed, wanted, held).await
    }

    async fn send(&mut self, report: &EventReport) -> Result<usize> {
        let count = report.events.len();
        let sent = match serde_json::to_vec(report) {
            Ok(bytes) => self.net.report(bytes).await.map(|()| count),
            Err(e) => Err(Problem::new(Code::Internal, e.to_string())),
        };
        self.sent = Some(sent.clone());
        sent
    }
}

/// A new install id: 16 random bytes.
fn draw() -> Result<String> {
    let mut bytes = [0; 16];
    getrandom::fill(&mut bytes)
        .map_err(|e| Problem::new(Code::Internal, format!("No randomness: {e}.")))?;
    Ok(hex::encode(bytes))
}
