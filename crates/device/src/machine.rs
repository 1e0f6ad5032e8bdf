//! The state machine of a device. It has no input or output of its own: every step takes what happened and gives what
//! is to be done next.
//!
//! Two things go on side by side. A *start* chooses a web build, examines its bytes, records the choice and runs it; a
//! release that runs for the first time is on trial until it says that it is ready. An *update* asks, downloads,
//! verifies and stages; only the next start applies it.

mod start;
mod update;

use std::collections::BTreeSet;

use headgate_core::pack::EventReport;
use headgate_core::{Device, Platform, Problem, ReleaseManifest};
use headgate_tuf::UtcTime;

use crate::judge::Judged;
use crate::memory::{Memory, Placed, Target};

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
