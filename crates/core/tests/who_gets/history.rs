//! After any history of a channel.

use headgate_core::offer::{Device, FailedStart, Finding, Offer, explain, who_gets};
use proptest::prelude::*;

use super::channel::{Channel, agrees, at, device, hash, on};

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
            Step::Resume => rollout.resume(now, "x"),
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
