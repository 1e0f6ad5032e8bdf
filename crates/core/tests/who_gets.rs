//! Who gets what, case by case (architecture §3): what a release manager does, and what each device is told.
#![expect(clippy::unwrap_used, reason = "a failed expectation is the test")]

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::native::{Native, NativeRange, Platform};
use headgate_core::offer::{
    Approved, ChannelState, Device, FailedStart, Finding, Offer, Part, Why, explain, who_gets,
};
use headgate_core::settings::EmbeddedBuilds;
use headgate_core::{RolloutDocument, Start};
use headgate_tuf::{Name, UtcTime};
use proptest::prelude::*;

fn hash(build: u32) -> String {
    format!("{build:064x}")
}

fn at(seconds: i64) -> UtcTime {
    UtcTime::from_unix(seconds)
}

fn ios(min: Option<&str>, max: Option<&str>) -> Native {
    let range = NativeRange {
        min: min.map(Into::into),
        max: max.map(Into::into),
        exclude: Vec::new(),
    };
    Native::new(range, NativeRange::default()).unwrap()
}

/// A channel with the releases 1 to 9, all approved.
#[derive(Clone)]
struct Channel {
    rollout: Option<RolloutDocument>,
    natives: BTreeMap<u32, Native>,
    embedded: EmbeddedBuilds,
    approved: BTreeSet<u32>,
    clock: i64,
}

impl Channel {
    fn new() -> Self {
        Self {
            rollout: None,
            natives: BTreeMap::new(),
            embedded: EmbeddedBuilds::default(),
            approved: (1..10).collect(),
            clock: 0,
        }
    }

    fn native(mut self, build: u32, native: Native) -> Self {
        self.natives.insert(build, native);
        self
    }

    fn embeds(mut self, native: &str, build: u32) -> Self {
        self.embedded.ios.insert(native.into(), build);
        self
    }

    fn start(mut self, release: u32, permille: u16) -> Self {
        self.clock += 1;
        let start = Start {
            unit: Name::new("main").unwrap(),
            channel: Name::new("production").unwrap(),
            release,
            manifest: hash(release),
            permille,
            salt: format!("salt-{}", self.clock),
            native: None,
            steps: Vec::new(),
            min_hours: 0,
            gate: None,
            now: at(self.clock),
            reason: "x".into(),
        };
        self.rollout = Some(RolloutDocument::start(self.rollout.as_ref(), start).unwrap());
        self
    }

    fn then(mut self, change: impl FnOnce(&RolloutDocument, UtcTime) -> RolloutDocument) -> Self {
        self.clock += 1;
        let now = at(self.clock);
        self.rollout = self.rollout.map(|r| change(&r, now));
        self
    }

    fn share(self, permille: u16) -> Self {
        self.then(|r, now| r.set_share(permille, now, "x").unwrap())
    }

    fn halt(self) -> Self {
        self.then(|r, _| r.halt("x").unwrap())
    }

    fn resume(self) -> Self {
        self.then(|r, _| r.resume("x").unwrap())
    }

    fn back(self, build: u32) -> Self {
        self.then(|r, now| r.roll_back(build, &hash(build), now, "x").unwrap())
    }

    fn to_embedded(self) -> Self {
        self.then(|r, now| r.embedded(now, "x").unwrap())
    }

    fn state(&self) -> ChannelState {
        let approved = self.approved.iter().map(|build| {
            let native = self.natives.get(build).cloned().unwrap_or_default();
            let sha256 = hash(*build);
            (*build, Approved { sha256, native })
        });
        ChannelState {
            rollout: self.rollout.clone().unwrap(),
            releases: approved.collect(),
            embedded: self.embedded.clone(),
        }
    }

    /// What a device gets; the trace says the same.
    fn asks(&self, device: &Device) -> Offer {
        let state = self.state();
        let decision = explain(&state, device);
        assert_eq!(decision.offer, who_gets(&state, device));
        agrees(&decision.trace.last().unwrap().finding, decision.offer);
        decision.offer
    }

    fn attempt(&self) -> String {
        self.rollout.as_ref().unwrap().attempt()
    }
}

/// The last line of a trace is the decision.
fn agrees(finding: &Finding, offer: Offer) {
    let fits = match finding {
        Finding::Offered => matches!(offer, Offer::Release(_) | Offer::Embedded),
        Finding::Runs => offer == Offer::UpToDate,
        Finding::Passed(why) => offer == Offer::Nothing(*why),
    };
    assert!(fits, "{finding:?} decided {offer:?}");
}

fn device(install: &str, running: Option<u32>) -> Device {
    Device {
        install_id: Some(install.into()),
        platform: Platform::Ios,
        native: "4.2.0".into(),
        running,
        failed: Vec::new(),
    }
}

fn on(native: &str, running: Option<u32>) -> Device {
    Device {
        native: native.into(),
        ..device("device-0", running)
    }
}

fn fleet() -> Vec<String> {
    (0..400).map(|n| format!("install-{n}")).collect()
}

/// Installs that are offered a build, coming from another.
fn reached(channel: &Channel, build: u32, running: Option<u32>) -> BTreeSet<String> {
    let reaches = |id: &String| channel.asks(&device(id, running)) == Offer::Release(build);
    fleet().into_iter().filter(reaches).collect()
}

#[test]
fn a_share_only_grows_and_after_halt_and_resume_it_is_the_same_devices() {
    let first = Channel::new().start(1, 1000).start(2, 100);
    let ten = reached(&first, 2, Some(1));
    assert!((20..60).contains(&ten.len()), "{}", ten.len());
    let halted = first.clone().halt();
    assert!(reached(&halted, 2, Some(1)).is_empty());
    let resumed = halted.resume();
    assert_eq!(reached(&resumed, 2, Some(1)), ten);
    let half = reached(&resumed.clone().share(500), 2, Some(1));
    assert!(half.is_superset(&ten) && half.len() > ten.len());
    assert_eq!(reached(&resumed.share(1000), 2, Some(1)).len(), 400);
}

#[test]
fn a_fix_reaches_the_devices_of_the_release_it_supersedes_first_and_moves_no_holder_away() {
    let broken = Channel::new().start(1, 1000).start(2, 200);
    let had = reached(&broken, 2, Some(1));
    let fixed = broken.start(3, 200);
    // The same devices come first, whatever they run by now.
    assert_eq!(reached(&fixed, 3, Some(1)), had);
    assert_eq!(reached(&fixed, 3, Some(2)), had);
    // A holder outside a smaller share stays on what it runs instead of going back and forth.
    let careful = Channel::new().start(1, 1000).start(2, 200).start(3, 10);
    for id in had.difference(&reached(&careful, 3, Some(2))) {
        let offer = careful.asks(&device(id, Some(2)));
        assert_eq!(offer, Offer::UpToDate);
        let trace = explain(&careful.state(), &device(id, Some(2))).trace;
        assert_eq!(trace.last().unwrap().part, Part::Keep);
    }
    // A device that has neither gets the base.
    let outside = fleet().into_iter().find(|id| !had.contains(id)).unwrap();
    assert_eq!(careful.asks(&device(&outside, None)), Offer::Release(1));
}

#[test]
fn two_native_lines_have_different_current_releases() {
    let channel = Channel::new()
        .native(1, ios(None, Some("4.1.x")))
        .native(2, ios(Some("4.2.0"), None))
        .start(1, 1000)
        .start(2, 999);
    let reaches = |id: &&String| {
        channel.asks(&Device {
            native: "4.2.0".into(),
            ..device(id, None)
        }) == Offer::Release(2)
    };
    let ids = fleet();
    let id = ids.iter().find(reaches).unwrap();
    let of = |native: &str, running| Device {
        native: native.into(),
        ..device(id, running)
    };
    assert_eq!(channel.asks(&of("4.1.3", None)), Offer::Release(1));
    assert_eq!(channel.asks(&of("4.1.3", Some(1))), Offer::UpToDate);
    assert_eq!(channel.asks(&of("4.2.0", Some(2))), Offer::UpToDate);
    // An app that was updated from the store does not go on with the old line's release.
    assert_eq!(channel.asks(&of("4.2.0", None)), Offer::Release(2));
}

#[test]
fn a_store_app_that_embeds_a_newer_build_is_never_moved_back_but_by_a_roll_back() {
    let channel = Channel::new().embeds("4.3.0", 5).start(3, 1000);
    let offer = channel.asks(&on("4.3.0", None));
    assert_eq!(offer, Offer::Nothing(Why::OlderThanEmbedded));
    // The embedded build is a build like others: served, the device has it already.
    let same = channel.clone().start(5, 1000);
    assert_eq!(same.asks(&on("4.3.0", None)), Offer::UpToDate);
    assert_eq!(same.asks(&on("4.2.0", None)), Offer::Release(5));
    // A roll-back is an order.
    let rolled_back = same.back(3);
    assert_eq!(rolled_back.asks(&on("4.3.0", None)), Offer::Release(3));
    // And what rolls out next is none.
    let next = rolled_back.start(4, 1000);
    let offer = next.asks(&on("4.3.0", None));
    assert_eq!(offer, Offer::Nothing(Why::OlderThanEmbedded));
}

#[test]
fn holders_of_a_halted_release_stay_and_a_roll_back_moves_them() {
    let channel = Channel::new().start(1, 1000).start(2, 300).halt();
    assert_eq!(channel.asks(&device("a", Some(2))), Offer::UpToDate);
    assert_eq!(channel.asks(&device("a", Some(1))), Offer::UpToDate);
    assert_eq!(channel.asks(&device("a", None)), Offer::Release(1));
    let back = channel.back(1);
    assert_eq!(back.asks(&device("a", Some(2))), Offer::Release(1));
}

#[test]
fn a_halted_first_release_and_one_that_has_not_arrived_say_so() {
    let channel = Channel::new().start(1, 1);
    let offers: BTreeSet<String> = fleet()
        .iter()
        .map(|id| format!("{:?}", channel.asks(&device(id, None))))
        .collect();
    assert!(offers.contains("Nothing(NotInShare)"), "{offers:?}");
    let offer = channel.halt().asks(&device("a", None));
    assert_eq!(offer, Offer::Nothing(Why::Halted));
}

#[test]
fn back_to_embedded_moves_every_device_that_runs_a_release() {
    let channel = Channel::new().start(1, 1000).start(2, 500).to_embedded();
    for running in [Some(1), Some(2), Some(7)] {
        assert_eq!(channel.asks(&device("a", running)), Offer::Embedded);
    }
    assert_eq!(channel.asks(&device("a", None)), Offer::UpToDate);
    // The next rollout leaves those outside it on the embedded build.
    let next = channel.start(3, 1);
    let outside = fleet();
    let outside = outside
        .iter()
        .find(|id| next.asks(&device(id, None)) == Offer::UpToDate);
    assert!(outside.is_some());
}

#[test]
fn a_device_that_rolled_a_release_back_waits_for_a_new_attempt_of_it() {
    let channel = Channel::new().start(1, 1000).start(2, 999);
    let ids = reached(&channel, 2, Some(1));
    let id = ids.iter().next().unwrap();
    let failed = Device {
        failed: vec![FailedStart {
            build: 2,
            attempt: channel.attempt(),
        }],
        ..device(id, Some(1))
    };
    // Its base is what it runs; without a base that is said.
    assert_eq!(channel.asks(&failed), Offer::UpToDate);
    let alone = Channel::new().start(2, 999);
    let there = Device {
        failed: vec![FailedStart {
            build: 2,
            attempt: alone.attempt(),
        }],
        ..device("install-1", None)
    };
    assert_eq!(alone.asks(&there), Offer::Nothing(Why::FailedHere));
    // Halt and resume are the same attempt.
    let same = alone.clone().halt().resume();
    assert_eq!(same.asks(&there), Offer::Nothing(Why::FailedHere));
    // Completed, or rolled back to: a new one.
    let complete = alone.share(1000);
    assert_eq!(complete.asks(&there), Offer::Release(2));
    // Another release is not blocked by it.
    let fixed = channel.start(3, 999);
    let reached = reached(&fixed, 3, Some(1));
    if reached.contains(id) {
        assert_eq!(fixed.asks(&failed), Offer::Release(3));
    }
}

#[test]
fn a_base_that_failed_here_is_not_offered_again_in_its_attempt() {
    let channel = Channel::new().start(1, 1000);
    let device = Device {
        failed: vec![FailedStart {
            build: 1,
            attempt: channel.attempt(),
        }],
        ..device("a", None)
    };
    assert_eq!(channel.asks(&device), Offer::Nothing(Why::FailedHere));
    let again = channel.start(2, 1000).back(1);
    assert_eq!(again.asks(&device), Offer::Release(1));
}

#[test]
fn without_an_install_id_a_device_gets_what_everybody_gets() {
    for install_id in [None, Some(String::new())] {
        let nobody = Device {
            install_id,
            ..device("", None)
        };
        let channel = Channel::new().start(1, 1000).start(2, 999);
        assert_eq!(channel.asks(&nobody), Offer::Release(1));
        assert_eq!(channel.share(1000).asks(&nobody), Offer::Release(2));
        let first = Channel::new().start(1, 999);
        assert_eq!(first.asks(&nobody), Offer::Nothing(Why::NotInShare));
    }
}

/// Every reason has a code of its own and words, and some channel gives it.
#[test]
fn every_reason_for_nothing_is_reached_and_has_a_code() {
    let plain = device("a", None);
    let mut unapproved = Channel::new().start(1, 1000);
    unapproved.approved.remove(&1);
    let failed = {
        let channel = Channel::new().start(1, 1000);
        let attempt = channel.attempt();
        let device = Device {
            failed: vec![FailedStart { build: 1, attempt }],
            ..plain.clone()
        };
        (channel, device)
    };
    let mut nothing = Channel::new().start(1, 1000);
    let rollout = nothing.rollout.as_mut().unwrap();
    rollout.base = headgate_core::Base::Nothing;
    let narrow = Channel::new()
        .native(1, ios(Some("9.0.0"), None))
        .start(1, 1000);
    let nobody = Device {
        install_id: None,
        ..plain.clone()
    };
    let cases = [
        (nothing, plain.clone(), Why::NothingServed, "nothing_served"),
        (
            Channel::new().start(1, 1),
            nobody,
            Why::NotInShare,
            "not_in_share",
        ),
        (
            Channel::new().start(1, 500).halt(),
            plain.clone(),
            Why::Halted,
            "halted",
        ),
        (narrow, plain.clone(), Why::NativeVersion, "native_version"),
        (
            Channel::new().embeds("4.2.0", 5).start(1, 1000),
            plain.clone(),
            Why::OlderThanEmbedded,
            "older_than_embedded",
        ),
        (unapproved, plain, Why::Unapproved, "unapproved"),
        (failed.0, failed.1, Why::FailedHere, "failed_here"),
    ];
    let mut codes = BTreeSet::new();
    for (channel, device, why, code) in cases {
        assert_eq!(channel.asks(&device), Offer::Nothing(why));
        assert_eq!(why.code(), code);
        assert_eq!(serde_json::to_value(why).unwrap(), code);
        assert!(why.text().ends_with('.'));
        codes.insert(code);
        // A new reason needs a case here: this stops compiling without it.
        match why {
            Why::NothingServed
            | Why::NotInShare
            | Why::Halted
            | Why::NativeVersion
            | Why::OlderThanEmbedded
            | Why::Unapproved
            | Why::FailedHere => {}
        }
    }
    assert_eq!(codes.len(), 7);
}

#[derive(Debug, Clone)]
enum Step {
    Start(u32, u16),
    Share(u16),
    Halt,
    Resume,
    Back(u32),
    Embedded,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        3 => (1_u32..9, prop_oneof![Just(1000_u16), 1_u16..1000]).prop_map(|(b, p)| Step::Start(b, p)),
        3 => (1_u16..=1000).prop_map(Step::Share),
        2 => Just(Step::Halt),
        2 => Just(Step::Resume),
        1 => (1_u32..9).prop_map(Step::Back),
        1 => Just(Step::Embedded),
    ]
}

fn walk(steps: &[Step]) -> Vec<Channel> {
    let mut states = vec![Channel::new().embeds("4.2.0", 4).start(1, 10)];
    for step in steps {
        let last = states.last().unwrap().clone();
        let now = at(last.clock + 1);
        let rollout = last.rollout.as_ref().unwrap();
        let next = match step {
            Step::Start(build, permille) => {
                let busy = rollout.names().any(|(b, _)| b == *build);
                if busy {
                    continue;
                }
                states.push(last.start(*build, *permille));
                continue;
            }
            Step::Share(permille) => rollout.set_share(*permille, now, "x"),
            Step::Halt => rollout.halt("x"),
            Step::Resume => rollout.resume("x"),
            Step::Back(build) => rollout.roll_back(*build, &hash(*build), now, "x"),
            Step::Embedded => rollout.embedded(now, "x"),
        };
        if let Ok(next) = next {
            states.push(last.then(|_, _| next));
        }
    }
    states
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn the_trace_gives_the_answer_after_any_history(
        steps in prop::collection::vec(step(), 0..20),
        id in prop::option::of("[a-f0-9]{8}"),
        running in prop::option::of(1_u32..9),
        failed in prop::collection::vec((1_u32..9, 0_i64..20), 0..4),
        native in prop::sample::select(vec!["4.2.0", "4.1.0", "?"]),
    ) {
        for channel in walk(&steps) {
            let device = Device {
                install_id: id.clone(),
                failed: failed.iter().map(|(build, t)| FailedStart { build: *build, attempt: at(*t).to_string() }).collect(),
                ..on(native, running)
            };
            let state = channel.state();
            let decision = explain(&state, &device);
            prop_assert_eq!(decision.offer, who_gets(&state, &device));
            let last = decision.trace.last().unwrap();
            agrees(&last.finding, decision.offer);
            // Everything before the last line was passed over.
            for look in decision.trace.iter().rev().skip(1) {
                prop_assert!(matches!(look.finding, Finding::Passed(_)), "{:?}", decision.trace);
            }
            prop_assert!(decision.trace.iter().all(|look| look.text().ends_with('.')));
            if let Offer::Release(build) = decision.offer {
                prop_assert_eq!(last.build, Some(build));
                let blocked = FailedStart { build, attempt: channel.attempt() };
                prop_assert!(!device.failed.contains(&blocked), "a failed start is offered again");
            }
        }
    }

    #[test]
    fn devices_follow_any_history_and_settle(steps in prop::collection::vec(step(), 0..20), id in "[a-f0-9]{8}") {
        let mut running = None;
        for channel in walk(&steps) {
            let mut moves = 0;
            loop {
                let next = match channel.asks(&device(&id, running)) {
                    Offer::Release(build) => Some(build),
                    Offer::Embedded => None,
                    Offer::UpToDate | Offer::Nothing(_) => break,
                };
                prop_assert_ne!(next, running);
                running = next;
                moves += 1;
                prop_assert!(moves < 2, "a device is moved twice by one document");
            }
        }
    }
}
