//! The machine alone: whatever happens in whatever order, it runs only what was examined, and always something.
#![expect(clippy::unwrap_used, reason = "a failed expectation is the test")]

use std::collections::BTreeSet;

use headgate_core::manifest::{BundleRef, InventoryRef, Packer, Source};
use headgate_core::{Code, Offer, Platform, Problem, ReleaseManifest, Why};
use headgate_device::{
    Answer, Effect, Facts, Input, Judged, Machine, Memory, Outcome, Policy, Target, Trusted,
};
use headgate_tuf::{Name, UtcTime};
use proptest::prelude::*;

fn facts(native: &str) -> Box<Facts> {
    Box::new(Facts {
        root: "root".into(),
        native: native.into(),
        platform: Platform::Ios,
        channel: "production".into(),
        client: "test/1".into(),
    })
}

fn manifest(build: u32) -> ReleaseManifest {
    let sha256 = format!("{build:064x}");
    ReleaseManifest {
        unit: Name::new("main").unwrap(),
        version: format!("1.0.{build}"),
        build,
        created: UtcTime::from_unix(0),
        source: Source::default(),
        packer: Packer {
            name: "p".into(),
            version: "1".into(),
            level: 6,
        },
        bundle: BundleRef {
            sha256: sha256.clone(),
            size: 1,
            url: None,
        },
        files: None,
        inventory: InventoryRef { sha256, size: 1 },
        native: Default::default(),
        allowed: Vec::new(),
    }
}

fn judged(offer: Offer, attempt: u8) -> Box<Judged> {
    let release = match offer {
        Offer::Release(build) => Some((format!("{build:064x}"), manifest(build))),
        _ => None,
    };
    Box::new(Judged {
        trusted: Trusted {
            root: "root".into(),
            marks: Default::default(),
            signed_at: UtcTime::from_unix(1_000),
        },
        answer: Ok(Answer {
            offer,
            decision: None,
            attempt: format!("attempt {attempt}"),
            release,
            objects: "http://objects.example".into(),
        }),
    })
}

/// What the person, the app and the server do.
#[derive(Debug, Clone)]
enum Act {
    Start(bool),
    Ready,
    NotReady,
    Check(u32, u8),
    Report,
    /// The process ends: what was not saved is gone.
    Killed,
}

fn act() -> impl Strategy<Value = Act> {
    prop_oneof![
        4 => prop::bool::weighted(0.1).prop_map(Act::Start),
        3 => Just(Act::Ready),
        2 => Just(Act::NotReady),
        5 => (0_u32..8, 0_u8..4).prop_map(|(b, a)| Act::Check(b, a)),
        1 => Just(Act::Report),
        1 => Just(Act::Killed),
    ]
}

/// A device whose disk and network fail when a stream of bits says so.
struct Device {
    machine: Machine,
    /// What is on the disk.
    file: Memory,
    bundles: BTreeSet<String>,
    bits: std::vec::IntoIter<bool>,
    /// Bundle whose bytes were compared since the start.
    examined: Option<String>,
    /// What runs was run with a ready timeout.
    confirming: bool,
    native: u8,
    downloaded: bool,
    verified: bool,
}

impl Device {
    fn fails(&mut self) -> bool {
        self.bits.next().unwrap_or(false)
    }

    fn result(&mut self) -> Result<(), Problem> {
        match self.fails() {
            true => Err(Problem::new(Code::LocalDisk, "The test broke it.")),
            false => Ok(()),
        }
    }

    /// Does what the machine asks for; gives what it ran and how a check ended.
    fn feed(&mut self, input: Input, offer: Offer, attempt: u8) -> (Vec<Target>, Vec<Outcome>) {
        let mut effects: Vec<Effect> = self.machine.step(input);
        let (mut ran, mut ended, mut steps) = (Vec::new(), Vec::new(), 0);
        while !effects.is_empty() {
            steps += 1;
            assert!(steps < 60, "the machine does not come to rest");
            let effect = effects.remove(0);
            let answer = match effect {
                Effect::Save => {
                    let result = self.result();
                    if result.is_ok() {
                        let bytes = self.machine.memory().to_bytes().unwrap();
                        self.file = Memory::parse(&bytes).unwrap();
                        assert_eq!(&self.file, self.machine.memory());
                    }
                    Input::Saved(result)
                }
                Effect::Examine(placed) => {
                    let good = self.bundles.contains(&placed.manifest) && !self.fails();
                    self.examined = good.then(|| placed.manifest.clone());
                    Input::Examined(good)
                }
                Effect::Run { target, confirm } => {
                    if let Some(placed) = target.bundle() {
                        assert_eq!(self.examined.as_ref(), Some(&placed.manifest));
                    } else {
                        assert_eq!(confirm, None, "the embedded build is on no trial");
                    }
                    self.confirming = confirm.is_some();
                    ran.push(target);
                    continue;
                }
                Effect::Ask { at, device } => {
                    assert!(at.unix() >= self.machine.memory().floor);
                    assert_eq!(device.running, self.machine.memory().current.build());
                    match self.result() {
                        Ok(()) if attempt == 3 => Input::Withheld,
                        Ok(()) => Input::Judged(Ok(judged(offer, attempt))),
                        Err(problem) => Input::Judged(Err(problem)),
                    }
                }
                Effect::Download(_) => {
                    let result = self.result();
                    self.downloaded = result.is_ok();
                    Input::Downloaded(result)
                }
                Effect::Verify(_) => {
                    assert!(self.downloaded);
                    let result = self.result();
                    self.verified = result.is_ok();
                    Input::Verified(result)
                }
                Effect::Stage(wanted) => {
                    assert!(self.verified);
                    (self.downloaded, self.verified) = (false, false);
                    let result = self.result();
                    if result.is_ok() {
                        self.bundles.insert(wanted.placed.manifest.clone());
                    }
                    Input::Staged(result)
                }
                Effect::Sweep(keep) => {
                    self.bundles.retain(|b| keep.contains(b));
                    continue;
                }
                Effect::Send(report) => {
                    let count = report.events.len();
                    Input::Sent(self.result().map(|()| count))
                }
                Effect::Finish(outcome) => {
                    ended.push(outcome);
                    continue;
                }
            };
            effects.extend(self.machine.step(answer));
        }
        (ran, ended)
    }

    fn start(&mut self) -> Target {
        self.examined = None;
        let native = format!("1.0.{}", self.native);
        let input = Input::Start {
            facts: facts(&native),
            now: UtcTime::from_unix(2_000),
        };
        let (ran, _) = self.feed(input, Offer::UpToDate, 0);
        assert_eq!(ran.len(), 1, "a start runs one web build");
        ran[0].clone()
    }

    fn reopen(&mut self) {
        self.machine = Machine::new(self.file.clone(), Policy::default());
        (self.downloaded, self.verified) = (false, false);
    }
}

fn offered(build: u32) -> Offer {
    match build {
        0 => Offer::Embedded,
        6 => Offer::UpToDate,
        7 => Offer::Nothing(Why::Halted),
        build => Offer::Release(build),
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(600))]

    #[test]
    fn whatever_fails_in_whatever_order_something_runs_that_was_examined(
        acts in prop::collection::vec(act(), 1..60),
        bits in prop::collection::vec(prop::bool::weighted(0.15), 0..300),
    ) {
        let memory = Memory::new("device");
        let mut device = Device {
            machine: Machine::new(memory.clone(), Policy::default()),
            file: memory,
            bundles: BTreeSet::new(),
            bits: bits.into_iter(),
            examined: None,
            confirming: false,
            native: 0,
            downloaded: false,
            verified: false,
        };
        let mut running = device.start();
        let now = UtcTime::from_unix(2_000);
        for act in acts {
            match act {
                Act::Start(new) => {
                    device.native = device.native.wrapping_add(u8::from(new));
                    running = device.start();
                    prop_assert!(!new || running == Target::Embedded, "an old bundle runs in a new app");
                }
                Act::Ready => {
                    device.feed(Input::Ready { now }, Offer::UpToDate, 0);
                }
                Act::NotReady => {
                    let trial = device.machine.memory().trial.clone();
                    let on_trial = trial.filter(|_| device.confirming);
                    let input = Input::NotReady { now, reason: "crash".into() };
                    device.examined = None;
                    let (ran, _) = device.feed(input, Offer::UpToDate, 0);
                    prop_assert!(ran.len() <= 1);
                    prop_assert_eq!(ran.len(), usize::from(on_trial.is_some()), "a trial ends with something else");
                    if let (Some(next), Some(_)) = (ran.into_iter().next(), on_trial) {
                        prop_assert!(next != running, "what did not start is started again");
                        running = next;
                    }
                }
                Act::Check(build, attempt) => {
                    let (ran, ended) = device.feed(Input::Check { now }, offered(build), attempt);
                    prop_assert!(ran.is_empty(), "a check changes what runs");
                    prop_assert_eq!(ended.len(), 1, "a check ends once");
                    if let Outcome::Staged(Some(staged)) = &ended[0] {
                        let memory = device.machine.memory();
                        prop_assert_eq!(memory.staged.as_ref().and_then(Target::build), Some(*staged));
                        prop_assert_eq!(&device.file, memory, "staged without being on the disk");
                    }
                }
                Act::Report => {
                    device.feed(Input::Report, Offer::UpToDate, 0);
                }
                Act::Killed => {
                    device.reopen();
                    running = device.start();
                }
            }
            let memory = device.machine.memory();
            prop_assert!(memory.held.len() <= 5 && memory.outbox.len() <= 100 && memory.failed.len() <= 64);
        }
        // All is well again: an offer is taken, started and confirmed.
        device.bits = Vec::new().into_iter();
        device.reopen();
        device.start();
        device.feed(Input::Ready { now }, Offer::UpToDate, 0);
        for _ in 0..2 {
            device.feed(Input::Check { now }, Offer::Release(5), 9);
            device.start();
            device.feed(Input::Ready { now }, Offer::UpToDate, 0);
        }
        device.feed(Input::Check { now }, Offer::UpToDate, 9);
        let memory = device.machine.memory();
        prop_assert_eq!(memory.current.build(), Some(5));
        prop_assert!(memory.trial.is_none() && memory.staged.is_none());
        let mut last = Machine::new(device.file.clone(), Policy::default());
        let input = Input::Start { facts: facts(&format!("1.0.{}", device.native)), now };
        let examines = matches!(&last.step(input)[..], [Effect::Examine(placed)] if placed.build == 5);
        prop_assert!(examines);
    }
}

#[test]
fn what_does_not_fit_the_state_is_ignored() {
    let mut machine = Machine::new(Memory::new("device"), Policy::default());
    let now = UtcTime::from_unix(0);
    for input in [
        Input::Ready { now },
        Input::NotReady {
            now,
            reason: "crash".into(),
        },
        Input::Check { now },
        Input::Judged(Ok(judged(Offer::Release(1), 0))),
        Input::Withheld,
        Input::Downloaded(Ok(())),
        Input::Verified(Ok(())),
        Input::Staged(Ok(())),
        Input::Examined(true),
        Input::Report,
        Input::Sent(Ok(3)),
        Input::Saved(Ok(())),
    ] {
        let name = format!("{input:?}");
        assert_eq!(machine.step(input), Vec::new(), "{name}");
    }
    assert_eq!(machine.memory(), &Memory::new("device"));
}
