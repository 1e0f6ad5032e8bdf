//! Case by case.

use std::collections::BTreeSet;

use headgate_core::offer::{Device, FailedStart, Offer, Part, Why, explain};

use super::channel::{Channel, device, fleet, ios, on, reached};

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
    let channel = Channel::new()
        .start(1, 1000)
        .start(2, 500)
        .back_to_embedded();
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
