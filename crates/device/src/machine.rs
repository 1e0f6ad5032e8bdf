//! The state machine of a device. It has no input or output of its own: every step takes what happened and gives what
//! is to be done next.
//!
//! Two things go on side by side. A *start* chooses a web build, examines its bytes, records the choice and runs it; a
//! release that runs for the first time is on trial until it says that it is ready. An *update* asks, downloads,
//! verifies and stages; only the next start applies it.

use std::collections::BTreeSet;

use headgate_core::pack::EventReport;
use headgate_core::status::DeviceState;
use headgate_core::{Code, Device, Offer, Platform, Problem, ReleaseManifest};
use headgate_tuf::{UtcTime, sha256_hex};

use crate::judge::{Answer, Judged};
use crate::memory::{Memory, Placed, Target, Trial};

/// How far a signed time may be ahead of the device's clock and still raise the floor, seconds (trust model §4).
const MAX_AHEAD: i64 = 24 * 3_600;

/// Reason of [`Outcome::Nothing`] when the server hands no pack out.
pub const WITHHELD: &str = "withheld";

/// Choices of the app.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Bundles that stay on the disk, at least what runs, what waits and what is returned to.
    pub max_versions: usize,
    /// Seconds that a release has to say that it is ready.
    pub ready_seconds: u64,
    /// Starts that a release has to confirm: the first may have been closed by a person.
    pub max_starts: u32,
}

impl Default for Policy {
    fn default() -> Self {
        Self {
            max_versions: 3,
            ready_seconds: 10,
            max_starts: 2,
        }
    }
}

/// What the app says about itself at a start. Key and address come from the binary alone.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Facts {
    /// The root that the app was built with: exact text.
    pub root: String,
    /// Native version.
    pub native: String,
    /// Operating system.
    pub platform: Platform,
    /// Channel, or an alias of it.
    pub channel: String,
    /// Version of this client.
    pub client: String,
}

/// A release that is being fetched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Wanted {
    /// What it will be.
    pub placed: Placed,
    /// Its manifest.
    pub manifest: ReleaseManifest,
    /// Where objects lie, as the server says.
    pub objects: String,
}

/// What happened.
#[derive(Debug)]
pub enum Input {
    /// The app starts.
    Start {
        /// The app.
        facts: Box<Facts>,
        /// The device's clock.
        now: UtcTime,
    },
    /// Answer to [`Effect::Examine`]: whether every file is as its inventory says.
    Examined(bool),
    /// What runs says that it started well.
    Ready {
        /// The device's clock.
        now: UtcTime,
    },
    /// What runs did not say so in time, or crashed.
    NotReady {
        /// The device's clock.
        now: UtcTime,
        /// A code.
        reason: String,
    },
    /// Time to ask.
    Check {
        /// The device's clock, fixed for the whole check.
        now: UtcTime,
    },
    /// Answer to [`Effect::Ask`].
    Judged(Result<Box<Judged>, Problem>),
    /// Answer to [`Effect::Ask`]: the server withholds the pack. It may always do that, and do no more.
    Withheld,
    /// Answer to [`Effect::Download`].
    Downloaded(Result<(), Problem>),
    /// Answer to [`Effect::Verify`].
    Verified(Result<(), Problem>),
    /// Answer to [`Effect::Stage`].
    Staged(Result<(), Problem>),
    /// Answer to [`Effect::Save`].
    Saved(Result<(), Problem>),
    /// Time to tell the server.
    Report,
    /// Answer to [`Effect::Send`]: how many of the oldest events it acknowledged.
    Sent(Result<usize, Problem>),
}

/// What is to be done, in order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Effect {
    /// Write [`Machine::memory`] durably. Nothing else happens before the answer.
    Save,
    /// Compare a bundle on the disk with its inventory.
    Examine(Placed),
    /// Show this web build; with a ready timeout when it is on trial, seconds.
    Run {
        /// What.
        target: Target,
        /// Until when it must be ready.
        confirm: Option<u64>,
    },
    /// Read the pack and verify it.
    Ask {
        /// The time to judge by: the device's clock, or the floor when that is later.
        at: UtcTime,
        /// The device.
        device: Box<Device>,
    },
    /// Fetch what the disk does not have.
    Download(Box<Wanted>),
    /// Compare every byte with the signed inventory.
    Verify(Box<Wanted>),
    /// Move it to its place, atomically.
    Stage(Box<Wanted>),
    /// Remove bundles other than these, and half-done downloads.
    Sweep(BTreeSet<String>),
    /// Send a report.
    Send(Box<EventReport>),
    /// A check ended.
    Finish(Outcome),
}

/// How a check ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The next start switches to this build; nothing = the embedded one.
    Staged(Option<u32>),
    /// It runs what it is meant to run.
    UpToDate,
    /// It keeps what it runs: the code of the reason.
    Nothing(&'static str),
    /// Metadata has expired, or the clock is wrong: it keeps what it runs.
    Stale(Problem),
    /// Something failed: it keeps what it runs.
    Failed(Problem),
}

/// Where the update stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Update {
    Idle,
    Asking { now: UtcTime },
    Downloading(Box<Wanted>),
    Verifying(Box<Wanted>),
    Staging(Box<Wanted>),
}

/// Where the start stands.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Life {
    Stopped,
    Examining(Target),
    Running,
}

/// What follows once the memory is on the disk.
#[derive(Debug, Clone, PartialEq, Eq)]
enum After {
    Nothing,
    Run(Target),
    Download(Box<Wanted>),
    Finish(Outcome),
}

/// A device.
#[derive(Debug, Clone)]
pub struct Machine {
    policy: Policy,
    facts: Option<Facts>,
    memory: Memory,
    /// What is on the disk.
    saved: Memory,
    life: Life,
    update: Update,
    after: After,
    /// Nothing can be written: only what was proven runs.
    read_only: bool,
    now: UtcTime,
}

impl Machine {
    /// A device with its memory; it has not started.
    pub fn new(memory: Memory, policy: Policy) -> Self {
        Self {
            policy,
            facts: None,
            saved: memory.clone(),
            memory,
            life: Life::Stopped,
            update: Update::Idle,
            after: After::Nothing,
            read_only: false,
            now: UtcTime::from_unix(0),
        }
    }

    /// What it remembers.
    pub fn memory(&self) -> &Memory {
        &self.memory
    }

    /// A step. What does not fit its state is ignored.
    pub fn step(&mut self, input: Input) -> Vec<Effect> {
        match input {
            Input::Start { facts, now } => {
                self.now = now;
                self.start(*facts)
            }
            Input::Examined(good) => self.examined(good),
            Input::Ready { now } => {
                self.now = now;
                self.ready()
            }
            Input::NotReady { now, reason } => {
                self.now = now;
                self.not_ready(&reason)
            }
            Input::Check { now } => self.check(now),
            Input::Judged(result) => self.judged(result),
            Input::Withheld => self.withheld(),
            Input::Downloaded(result) => self.downloaded(result),
            Input::Verified(result) => self.verified(result),
            Input::Staged(result) => self.staged(result),
            Input::Saved(Ok(())) => self.saved(),
            Input::Saved(Err(problem)) => self.not_saved(problem),
            Input::Report => self.report(),
            Input::Sent(result) => self.sent(result),
        }
    }

    fn save(&mut self, after: After) -> Vec<Effect> {
        self.after = after;
        vec![Effect::Save]
    }

    fn saved(&mut self) -> Vec<Effect> {
        self.saved = self.memory.clone();
        match std::mem::replace(&mut self.after, After::Nothing) {
            After::Nothing => Vec::new(),
            After::Run(target) => self.run(target),
            After::Download(wanted) => vec![Effect::Download(wanted)],
            After::Finish(outcome) => vec![self.sweep(), Effect::Finish(outcome)],
        }
    }

    fn not_saved(&mut self, problem: Problem) -> Vec<Effect> {
        self.memory = self.saved.clone();
        match std::mem::replace(&mut self.after, After::Nothing) {
            After::Nothing => Vec::new(),
            // A release whose trial was not recorded could crash for ever: only what was proven runs.
            After::Run(_) => {
                self.read_only = true;
                self.choose()
            }
            After::Download(_) | After::Finish(_) => {
                self.update = Update::Idle;
                vec![Effect::Finish(Outcome::Failed(problem))]
            }
        }
    }

    fn run(&mut self, target: Target) -> Vec<Effect> {
        self.life = Life::Running;
        let on_trial = self.memory.trial.is_some() && !self.read_only;
        let run = Effect::Run {
            target,
            confirm: on_trial.then_some(self.policy.ready_seconds),
        };
        vec![run, self.sweep()]
    }

    fn sweep(&self) -> Effect {
        // What the disk remembers decides: a memory that was not written must not cost a bundle.
        let held = self.saved.held.iter().chain(&self.memory.held);
        Effect::Sweep(held.map(|p| p.manifest.clone()).collect())
    }

    // Starting

    fn start(&mut self, facts: Facts) -> Vec<Effect> {
        let memory = &mut self.memory;
        let pin = sha256_hex(facts.root.as_bytes());
        if memory.pin != pin {
            // Another root in the binary begins another history.
            memory.root = facts.root.clone();
            memory.marks = Default::default();
            memory.floor = 0;
            memory.pin = pin;
        }
        if memory.native != facts.native {
            // The store app brought its own web build, and what was downloaded was made for another native version.
            memory.native = facts.native.clone();
            memory.current = Target::Embedded;
            memory.staged = None;
            memory.trial = None;
            memory.held.clear();
            memory.failed.clear();
        }
        let tried = memory.trial.as_ref().map_or(0, |t| t.starts);
        if tried >= self.policy.max_starts {
            self.fall_back("not_confirmed");
        }
        self.facts = Some(facts);
        self.update = Update::Idle;
        self.read_only = false;
        self.choose()
    }

    fn choose(&mut self) -> Vec<Effect> {
        let memory = &self.memory;
        let fits = |facts: &Facts| facts.native == memory.native;
        let target = match (self.read_only, &memory.staged) {
            (false, Some(staged)) => staged.clone(),
            (false, None) => memory.current.clone(),
            // What could not be written may have been the reset to a new native version.
            (true, _) if !self.facts.as_ref().is_some_and(fits) => Target::Embedded,
            (true, _) => memory.proven().clone(),
        };
        self.life = Life::Examining(target.clone());
        match target {
            Target::Embedded => self.launch(Target::Embedded),
            Target::Bundle(placed) => vec![Effect::Examine(placed)],
        }
    }

    fn examined(&mut self, good: bool) -> Vec<Effect> {
        let Life::Examining(target) = self.life.clone() else {
            return Vec::new();
        };
        match target.bundle() {
            Some(placed) if !good => {
                // The disk lost it: nothing is said about the release.
                let at = self.now.unix();
                let why = Some("damaged");
                self.memory.note(placed, DeviceState::Failed, why, at);
                self.memory.forget(&placed.manifest);
                self.choose()
            }
            _ => self.launch(target),
        }
    }

    fn launch(&mut self, target: Target) -> Vec<Effect> {
        if self.read_only {
            return self.run(target);
        }
        let at = self.now.unix();
        let memory = &mut self.memory;
        if memory.staged.as_ref() == Some(&target) {
            memory.staged = None;
            let before = memory.proven().clone();
            memory.trial = None;
            if let Some(placed) = target.bundle().filter(|p| !before.is(&p.manifest)) {
                memory.trial = Some(Trial { starts: 1, before });
                memory.note(placed, DeviceState::Applied, None, at);
            }
            memory.current = target.clone();
        } else if let Some(trial) = &mut memory.trial {
            trial.starts += 1;
        }
        memory.prune(self.policy.max_versions);
        if self.memory == self.saved {
            return self.run(target);
        }
        self.save(After::Run(target))
    }

    fn ready(&mut self) -> Vec<Effect> {
        if self.life != Life::Running || self.read_only || self.memory.trial.take().is_none() {
            return Vec::new();
        }
        let at = self.now.unix();
        if let Some(placed) = self.memory.current.bundle().cloned() {
            self.memory.note(&placed, DeviceState::Confirmed, None, at);
        }
        self.save(After::Nothing)
    }

    fn not_ready(&mut self, reason: &str) -> Vec<Effect> {
        if self.life != Life::Running || self.memory.trial.is_none() {
            return Vec::new();
        }
        self.fall_back(reason);
        self.choose()
    }

    /// Ends a trial badly: the release is not tried again in this attempt.
    fn fall_back(&mut self, reason: &str) {
        let at = self.now.unix();
        if let Some(placed) = self.memory.current.bundle().cloned() {
            self.memory.note_failed(&placed);
            self.memory
                .note(&placed, DeviceState::RolledBack, Some(reason), at);
            self.memory.forget(&placed.manifest);
        }
        self.memory.trial = None;
    }

    // Updating

    fn check(&mut self, now: UtcTime) -> Vec<Effect> {
        let Some(facts) = self.facts.as_ref().filter(|_| self.update == Update::Idle) else {
            return Vec::new();
        };
        self.now = now;
        let device = Device {
            install_id: Some(self.memory.install.clone()),
            platform: facts.platform,
            native: facts.native.clone(),
            running: self.memory.current.build(),
            failed: self.memory.failed.clone(),
        };
        self.update = Update::Asking { now };
        vec![Effect::Ask {
            at: now.max(UtcTime::from_unix(self.memory.floor)),
            device: Box::new(device),
        }]
    }

    fn judged(&mut self, result: Result<Box<Judged>, Problem>) -> Vec<Effect> {
        let Update::Asking { now } = self.update else {
            return Vec::new();
        };
        self.update = Update::Idle;
        let judged = match result {
            Ok(judged) => judged,
            Err(problem) => return vec![Effect::Finish(refused(problem))],
        };
        let memory = &mut self.memory;
        if memory.root != judged.trusted.root {
            memory.root = judged.trusted.root;
            memory.floor = 0;
        }
        memory.marks = judged.trusted.marks;
        let signed = judged.trusted.signed_at.unix();
        if signed <= now.unix().saturating_add(MAX_AHEAD) {
            memory.floor = memory.floor.max(signed);
        }
        let answer = match judged.answer {
            Ok(answer) => answer,
            Err(problem) => return self.save_if_new(refused(problem)),
        };
        self.answered(answer)
    }

    fn withheld(&mut self) -> Vec<Effect> {
        let Update::Asking { .. } = self.update else {
            return Vec::new();
        };
        self.update = Update::Idle;
        // A health gate may have stopped what waits. It stays on the disk, so taking it up again costs nothing.
        self.memory.staged = None;
        self.save_if_new(Outcome::Nothing(WITHHELD))
    }

    fn answered(&mut self, answer: Answer) -> Vec<Effect> {
        let memory = &mut self.memory;
        match (answer.offer, answer.release) {
            (Offer::Release(build), Some((sha256, manifest))) => {
                let placed = Placed {
                    build,
                    version: manifest.version.clone(),
                    inventory: manifest.inventory.sha256.clone(),
                    manifest: sha256,
                    attempt: answer.attempt,
                };
                if memory.holds(&placed.manifest).is_some() {
                    for held in memory
                        .held
                        .iter_mut()
                        .filter(|h| h.manifest == placed.manifest)
                    {
                        held.attempt.clone_from(&placed.attempt);
                    }
                    memory.staged = Some(Target::Bundle(placed));
                    return self.save_if_new(Outcome::Staged(Some(build)));
                }
                memory.staged = None;
                let wanted = Box::new(Wanted {
                    placed,
                    manifest,
                    objects: answer.objects,
                });
                self.update = Update::Downloading(wanted.clone());
                self.save(After::Download(wanted))
            }
            (Offer::Embedded, _) => {
                let there = memory.current == Target::Embedded;
                memory.staged = (!there).then_some(Target::Embedded);
                self.save_if_new(Outcome::Staged(None))
            }
            (Offer::Nothing(why), _) => {
                // What waits is not offered any more: halted, or rolled back.
                memory.staged = None;
                self.save_if_new(Outcome::Nothing(why.code()))
            }
            (Offer::UpToDate | Offer::Release(_), _) => {
                memory.staged = None;
                self.save_if_new(Outcome::UpToDate)
            }
        }
    }

    fn save_if_new(&mut self, outcome: Outcome) -> Vec<Effect> {
        if self.memory == self.saved {
            return vec![Effect::Finish(outcome)];
        }
        self.save(After::Finish(outcome))
    }

    fn downloaded(&mut self, result: Result<(), Problem>) -> Vec<Effect> {
        let Update::Downloading(wanted) = self.update.clone() else {
            return Vec::new();
        };
        match result {
            Ok(()) => {
                self.update = Update::Verifying(wanted.clone());
                vec![Effect::Verify(wanted)]
            }
            Err(problem) => self.failed(&wanted, problem),
        }
    }

    fn verified(&mut self, result: Result<(), Problem>) -> Vec<Effect> {
        let Update::Verifying(wanted) = self.update.clone() else {
            return Vec::new();
        };
        match result {
            Ok(()) => {
                self.update = Update::Staging(wanted.clone());
                vec![Effect::Stage(wanted)]
            }
            Err(problem) => self.failed(&wanted, problem),
        }
    }

    fn staged(&mut self, result: Result<(), Problem>) -> Vec<Effect> {
        let Update::Staging(wanted) = self.update.clone() else {
            return Vec::new();
        };
        match result {
            Ok(()) => {
                self.update = Update::Idle;
                let (placed, at) = (wanted.placed, self.now.unix());
                self.memory.note(&placed, DeviceState::Downloaded, None, at);
                let outcome = Outcome::Staged(Some(placed.build));
                self.memory.held.push(placed.clone());
                self.memory.staged = Some(Target::Bundle(placed));
                self.memory.prune(self.policy.max_versions);
                self.save(After::Finish(outcome))
            }
            Err(problem) => self.failed(&wanted, problem),
        }
    }

    fn failed(&mut self, wanted: &Wanted, problem: Problem) -> Vec<Effect> {
        self.update = Update::Idle;
        let (at, why) = (self.now.unix(), Some(problem.code.text()));
        let placed = &wanted.placed;
        self.memory.note(placed, DeviceState::Failed, why, at);
        self.save_if_new(Outcome::Failed(problem))
    }

    // Reporting

    fn report(&self) -> Vec<Effect> {
        let Some(facts) = &self.facts else {
            return Vec::new();
        };
        vec![Effect::Send(Box::new(EventReport {
            install: self.memory.install.clone(),
            channel: facts.channel.clone(),
            platform: facts.platform,
            native: facts.native.clone(),
            client: facts.client.clone(),
            running: self.memory.current.build(),
            events: self.memory.outbox.clone(),
        }))]
    }

    fn sent(&mut self, result: Result<usize, Problem>) -> Vec<Effect> {
        // What was not acknowledged is sent again with the next report.
        let count = result.unwrap_or(0).min(self.memory.outbox.len());
        if count == 0 {
            return Vec::new();
        }
        self.memory.outbox.drain(..count);
        self.save(After::Nothing)
    }
}

/// What a check ends with that was not believed.
fn refused(problem: Problem) -> Outcome {
    match problem.code {
        Code::TrustExpired | Code::TrustClock => Outcome::Stale(problem),
        _ => Outcome::Failed(problem),
    }
}
