//! Properties that hold whatever the documents and devices are.
#![expect(clippy::unwrap_used, reason = "a failed expectation is the test")]

use headgate_core::inventory::{Inventory, InventoryFile};
use headgate_core::manifest::{BundleRef, InventoryRef, Packer, Source};
use headgate_core::native::{Native, NativeRange, Platform};
use headgate_core::offer::{ChannelState, Device, Offer, Why, who_gets};
use headgate_core::rollout::{Base, BaseRelease, Entry};
use headgate_core::settings::EmbeddedBuilds;
use headgate_core::{Code, ReleaseManifest, RolloutDocument, RolloutState, Start, compare};
use headgate_tuf::{Name, UtcTime};
use proptest::prelude::*;

const NATIVES: [&str; 5] = ["4.0.0", "4.1.0", "4.2", "4.2.7.1308", "unreadable"];

fn name(s: &str) -> Name {
    Name::new(s).unwrap()
}

fn hash(build: u32) -> String {
    format!("{build:064x}")
}

fn manifest(build: u32, native: Native) -> ReleaseManifest {
    ReleaseManifest {
        unit: name("main"),
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
            sha256: hash(build),
            size: 1,
            url: None,
        },
        files: None,
        inventory: InventoryRef {
            sha256: hash(build),
            size: 1,
        },
        native,
        allowed: Vec::new(),
    }
}

fn native() -> impl Strategy<Value = Native> {
    let range = prop::sample::select(vec![
        (None, None),
        (Some("4.1.0"), None),
        (None, Some("4.1.x")),
        (Some("4.1.0"), Some("4.2.x")),
    ])
    .prop_map(|(min, max)| NativeRange {
        min: min.map(Into::into),
        max: max.map(Into::into),
        exclude: vec![],
    });
    (range.clone(), range).prop_map(|(ios, android)| Native::new(ios, android).unwrap())
}

fn device() -> impl Strategy<Value = Device> {
    (
        prop::option::weighted(0.9, "[a-f0-9]{8}"),
        prop::sample::select(vec![Platform::Ios, Platform::Android]),
        prop::sample::select(NATIVES.to_vec()),
        prop::option::of(1_u32..9),
    )
        .prop_map(|(install_id, platform, native, running)| Device {
            install_id,
            platform,
            native: native.into(),
            running,
            failed: Vec::new(),
        })
}

/// A channel with up to two entries, some releases unapproved or approved with another manifest.
fn channel() -> impl Strategy<Value = ChannelState> {
    let entry = (1_u16..=1000, 0..4_u8, prop::option::of(native()));
    let shuffled = Just((1_u32..9).collect::<Vec<_>>()).prop_shuffle();
    (
        shuffled,
        prop::collection::vec(entry, 0..3),
        (0..4_u8, prop::option::of(native())),
        prop::collection::btree_set(1_u32..9, 0..4),
        prop::collection::vec(native(), 9),
        prop::collection::btree_map(prop::sample::select(NATIVES.to_vec()), 1_u32..9, 0..4),
        prop::option::weighted(0.1, 1_u32..9),
        prop::option::weighted(0.1, 1_u32..9),
    )
        .prop_map(
            |(builds, entries, (base, narrowed), keep, natives, embedded, unapproved, other)| {
                let made: Vec<ReleaseManifest> = (1..9)
                    .map(|b| manifest(b, natives[b as usize].clone()))
                    .collect();
                let sha = |b: u32| made[b as usize - 1].sha256().unwrap();
                let state = |s: u8| match s {
                    0 => RolloutState::Halted,
                    1 => RolloutState::Superseded,
                    _ => RolloutState::RollingOut,
                };
                let entries: Vec<Entry> = entries
                    .into_iter()
                    .zip(&builds)
                    .map(|((permille, s, native), build)| Entry {
                        release: *build,
                        manifest: if other == Some(*build) {
                            hash(99)
                        } else {
                            sha(*build)
                        },
                        permille,
                        salt: "salt".into(),
                        native,
                        state: state(s),
                        opened: None,
                    })
                    .collect();
                let release = builds[7];
                let base = match base {
                    0 => Base::Nothing,
                    1 => Base::Embedded,
                    kind => Base::Release(BaseRelease {
                        release,
                        manifest: sha(release),
                        native: narrowed,
                        rolled_back: kind == 2,
                        opened: None,
                    }),
                };
                let rollout = RolloutDocument {
                    unit: name("main"),
                    channel: name("production"),
                    entries,
                    base,
                    keep: keep.into_iter().collect(),
                    steps: Vec::new(),
                    min_hours: 0,
                    gate: None,
                    frozen: None,
                    started: UtcTime::from_unix(0),
                    reason: "x".into(),
                };
                let embedded: EmbeddedBuilds = EmbeddedBuilds {
                    ios: embedded
                        .iter()
                        .map(|(v, b)| ((*v).to_owned(), *b))
                        .collect(),
                    android: embedded
                        .iter()
                        .map(|(v, b)| ((*v).to_owned(), *b))
                        .collect(),
                };
                let approved = made.iter().filter(|m| unapproved != Some(m.build));
                ChannelState::new(rollout, approved, embedded).unwrap()
            },
        )
}

/// The build that a device has after it took an offer.
fn after(offer: Offer, state: &ChannelState, device: &Device) -> Option<u32> {
    match offer {
        Offer::Release(build) => Some(build),
        Offer::Embedded => None,
        Offer::UpToDate | Offer::Nothing(_) => device.running,
    }
    .or_else(|| state.embedded.build(device.platform, &device.native))
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    #[test]
    fn only_releases_that_are_approved_with_that_hash_are_offered(state in channel(), device in device()) {
        let named: Vec<(u32, String)> = state.rollout.names().map(|(b, m)| (b, m.to_owned())).collect();
        let good = |b: u32, m: &str| state.releases.get(&b).is_some_and(|r| r.sha256 == m);
        let offer = who_gets(&state, &device);
        if let Offer::Release(build) = offer {
            prop_assert!(named.iter().any(|(b, m)| *b == build && good(*b, m)));
        }
        if named.iter().any(|(b, m)| !good(*b, m)) {
            prop_assert_eq!(offer, Offer::Nothing(Why::Unapproved));
        }
    }

    #[test]
    fn nothing_outside_the_native_ranges_is_offered(state in channel(), device in device()) {
        if let Offer::Release(build) = who_gets(&state, &device) {
            prop_assert!(state.releases[&build].native.matches(device.platform, &device.native));
            let narrowed = match &state.rollout.base {
                Base::Release(base) if base.release == build => base.native.as_ref(),
                _ => state.rollout.entries.iter().find(|e| e.release == build).and_then(|e| e.native.as_ref()),
            };
            prop_assert!(narrowed.is_none_or(|n| n.matches(device.platform, &device.native)));
        }
    }

    #[test]
    fn nothing_older_than_the_embedded_build_is_offered_unless_rolled_back(state in channel(), device in device()) {
        let embedded = state.embedded.build(device.platform, &device.native);
        if let (Offer::Release(build), Some(embedded)) = (who_gets(&state, &device), embedded) {
            let rolled_back = matches!(&state.rollout.base, Base::Release(b) if b.rolled_back && b.release == build);
            prop_assert!(build >= embedded || rolled_back);
        }
    }

    #[test]
    fn a_halted_release_reaches_no_new_device_and_stays_where_it_is(state in channel(), device in device()) {
        for entry in &state.rollout.entries {
            if !entry.state.takes_new_devices() {
                prop_assert_ne!(who_gets(&state, &device), Offer::Release(entry.release));
            }
        }
        let mut halted = state.clone();
        let Some(first) = halted.rollout.entries.first_mut() else { return Ok(()) };
        first.state = RolloutState::RollingOut;
        let holder = Device { running: Some(first.release), ..device };
        let before = who_gets(&halted, &holder);
        halted.rollout.entries[0].state = RolloutState::Halted;
        prop_assert_eq!(who_gets(&halted, &holder), before);
    }

    #[test]
    fn raising_a_share_takes_the_release_from_no_device(state in channel(), device in device(), by in 1_u16..1000) {
        let Some(first) = state.rollout.entries.first() else { return Ok(()) };
        let build = first.release;
        let low = who_gets(&state, &device);
        let raised = state.rollout.set_share(first.permille.saturating_add(by).min(1000), UtcTime::from_unix(1), "x");
        let Ok(rollout) = raised else { return Ok(()) };
        let high = ChannelState { rollout, ..state.clone() };
        // A device outside the release's native range has it only where its native app embeds that build.
        let meant_for = state.releases.get(&build).is_some_and(|release| {
            release.native.matches_both(first.native.as_ref(), device.platform, &device.native)
        });
        if meant_for && after(low, &state, &device) == Some(build) {
            let now = after(who_gets(&high, &device), &high, &device);
            // Without a share that reaches it, a device may have it by other ways; it must not be moved off. One that
            // goes back to an embedded build which is this release does so at every share below its own.
            let left_alone = low == Offer::Embedded || who_gets(&high, &device) != Offer::Embedded;
            prop_assert!(now == Some(build) && left_alone, "{low:?} became {now:?}");
        }
    }

    #[test]
    fn the_same_question_has_the_same_answer_and_the_offer_is_stable(state in channel(), device in device()) {
        let offer = who_gets(&state, &device);
        prop_assert_eq!(who_gets(&state, &device), offer);
        if let Offer::Release(build) = offer {
            let moved = Device { running: Some(build), ..device };
            prop_assert_eq!(who_gets(&state, &moved), Offer::UpToDate, "a device that took {} is moved again", build);
        }
    }
}

#[derive(Debug, Clone)]
enum Step {
    Start(u32, u16),
    Share(u16),
    Halt,
    Resume,
    Complete,
    RollBack(u32),
    Embedded,
    Freeze,
    Unfreeze,
}

fn step() -> impl Strategy<Value = Step> {
    prop_oneof![
        4 => (1_u32..30, prop_oneof![Just(1000_u16), 1_u16..1000]).prop_map(|(b, p)| Step::Start(b, p)),
        4 => (0_u16..1002).prop_map(Step::Share),
        2 => Just(Step::Halt),
        2 => Just(Step::Resume),
        1 => Just(Step::Complete),
        1 => (1_u32..30).prop_map(Step::RollBack),
        1 => Just(Step::Embedded),
        1 => Just(Step::Freeze),
        1 => Just(Step::Unfreeze),
    ]
}

fn start(release: u32, permille: u16, at: i64) -> Start {
    Start {
        unit: name("main"),
        channel: name("production"),
        release,
        manifest: hash(release),
        permille,
        salt: format!("salt-{at}"),
        native: None,
        steps: vec![10, 100],
        min_hours: 24,
        gate: None,
        now: UtcTime::from_unix(at),
        reason: "x".into(),
    }
}

proptest! {
    #[test]
    fn every_sequence_of_transitions_leaves_a_document_that_reads_back(steps in prop::collection::vec(step(), 1..40)) {
        let mut current = RolloutDocument::start(None, start(1, 10, 0)).unwrap();
        for (at, step) in steps.into_iter().enumerate() {
            let now = UtcTime::from_unix(at as i64 + 1);
            let decided = !matches!(step, Step::Share(_) | Step::Halt | Step::Complete | Step::Freeze | Step::Unfreeze);
            let back = matches!(step, Step::Halt | Step::RollBack(_) | Step::Embedded | Step::Unfreeze);
            let freezes = matches!(step, Step::Freeze | Step::Unfreeze);
            let next = match step {
                Step::Start(b, p) => RolloutDocument::start(Some(&current), start(b, p, at as i64 + 1)),
                Step::Share(p) => current.set_share(p, now, "x"),
                Step::Halt => current.halt("x"),
                Step::Resume => current.resume(now, "x"),
                Step::Complete => current.complete(now, "x"),
                Step::RollBack(b) => current.roll_back(b, &hash(b), now, "x"),
                Step::Embedded => current.embedded(now, "x"),
                Step::Freeze => current.freeze("Jonas", "x"),
                Step::Unfreeze => current.unfreeze("x"),
            };
            let next = match next {
                Ok(next) => next,
                Err(p) => {
                    let fits = [Code::RolloutState, Code::RolloutLower, Code::ReleaseSame, Code::UsageArgument];
                    prop_assert!(fits.contains(&p.code), "{p}");
                    continue;
                }
            };
            prop_assert_eq!(&RolloutDocument::parse(&next.to_bytes().unwrap()).unwrap(), &next);
            prop_assert!(current.frozen.is_none() || back, "something went forward on a frozen channel");
            prop_assert_eq!(next.frozen.is_some() != current.frozen.is_some(), freezes, "only freezing freezes");
            if current.frozen.is_some() {
                prop_assert!(next.base.build() <= current.base.build(), "everyone got a newer build on a frozen channel");
            }
            if freezes {
                let served = |d: &RolloutDocument| (d.entries.clone(), d.base.clone(), d.keep.clone(), d.attempt());
                prop_assert_eq!(served(&next), served(&current), "freezing moves no device");
            }
            if let (Some(old), Some(new)) = (current.entries.first(), next.entries.first()) {
                if old.release == new.release {
                    prop_assert!(new.permille >= old.permille, "a share fell");
                } else {
                    prop_assert!(next.keep.contains(&old.release), "holders of {} were given up", old.release);
                }
                prop_assert_eq!(&old.salt, &new.salt, "an unfinished rollout keeps its devices");
            }
            prop_assert!(next.entries.iter().all(|e| e.permille < 1000), "a rollout to everyone is the base");
            for (build, _) in next.names() {
                let (was, is) = (current.opened(build), next.opened(build));
                prop_assert!(is == was || decided, "build {build} was opened by nobody");
                prop_assert!(is.is_none() || is >= was, "build {build} was opened earlier than before");
            }
            current = next;
        }
    }

    #[test]
    fn a_frozen_channel_can_only_be_halted_or_moved_back(permille in 11_u16..=1000) {
        let frozen = RolloutDocument::start(None, start(1, 10, 0)).unwrap().freeze("Jonas", "Holiday").unwrap();
        let now = UtcTime::from_unix(1);
        prop_assert!(RolloutDocument::start(Some(&frozen), start(2, permille, 1)).is_err());
        prop_assert!(frozen.set_share(permille, now, "x").is_err());
        prop_assert!(frozen.complete(now, "x").is_err());
        let halted = frozen.halt("x").unwrap();
        prop_assert!(halted.resume(now, "x").is_err());
        prop_assert!(halted.roll_back(3, &hash(3), now, "x").is_err(), "everyone else has no release yet");
        prop_assert!(halted.embedded(now, "x").unwrap().roll_back(1, &hash(1), now, "x").is_err());
        let served = RolloutDocument::start(None, start(5, 1000, 0)).unwrap();
        let served = RolloutDocument::start(Some(&served), start(7, permille.min(999), 1)).unwrap();
        let frozen = served.freeze("Jonas", "Holiday").unwrap();
        prop_assert!(frozen.roll_back(6, &hash(6), now, "x").is_err(), "devices on 5 would go forward");
        for back in [4, 5] {
            prop_assert!(frozen.roll_back(back, &hash(back), now, "x").unwrap().frozen.is_some());
        }
    }

    #[test]
    fn manifests_read_back(build in 1_u32.., message in "\\PC{1,60}", native in native(), size in 1_u64..(1 << 53)) {
        let mut made = manifest(build, native);
        let line = headgate_core::text::one_line(&message, 50);
        made.source.message = Some(line).filter(|l| !l.is_empty());
        made.bundle.size = size;
        let bytes = made.to_bytes().unwrap();
        prop_assert_eq!(&ReleaseManifest::parse(&bytes).unwrap(), &made);
    }

    #[test]
    fn damaged_documents_never_panic_and_never_read_as_something_else(at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let made = manifest(7, Native::default());
        let mut bytes = made.to_bytes().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = ReleaseManifest::parse(&bytes) {
            prop_assert_eq!(read.to_bytes().unwrap(), bytes.clone());
        }
        let _ = RolloutDocument::parse(&bytes);
    }
}

#[test]
fn who_froze_a_channel_and_why_is_read_as_one_harmless_line_or_not_at_all() {
    let open = RolloutDocument::start(None, start(5, 1000, 0)).unwrap();
    let bytes = open.freeze("Jonas", "Holiday").unwrap().to_bytes().unwrap();
    let good = String::from_utf8(bytes).unwrap();
    assert!(RolloutDocument::parse(good.as_bytes()).is_ok());
    let frozen = r#""frozen":{"by":"Jonas","why":"Holiday"}"#;
    assert!(good.contains(frozen), "{good}");
    let long = format!(r#"{{"by":"Jonas","why":"{}"}}"#, "x".repeat(1_001));
    for bad in [
        r#"{"by":"","why":"Holiday"}"#,
        r#"{"by":"Jonas","why":" "}"#,
        "{\"by\":\"Jonas\",\"why\":\"a\u{202e}b\"}",
        "{\"by\":\"Jonas\",\"why\":\"a\u{1b}[2Jb\"}",
        r#"{"by":"Jonas"}"#,
        r#"{"by":"Jonas","until":"never","why":"Holiday"}"#,
        r#"{"by":7,"why":"Holiday"}"#,
        r#""yes""#,
        "[]",
        long.as_str(),
    ] {
        let document = good.replace(frozen, &format!(r#""frozen":{bad}"#));
        assert!(
            RolloutDocument::parse(document.as_bytes()).is_err(),
            "{bad}"
        );
    }
}

fn inventory() -> impl Strategy<Value = Inventory> {
    prop::collection::btree_map("[a-e]{1,2}", (0_u64..5, 0_u8..3), 0..12).prop_map(|files| {
        Inventory {
            files: files
                .into_iter()
                .map(|(path, (size, content))| InventoryFile {
                    path,
                    size,
                    sha256: hash(u32::from(content)),
                })
                .collect(),
        }
    })
}

proptest! {
    #[test]
    fn compare_is_symmetric_and_counts_every_file_once(a in inventory(), b in inventory()) {
        let (there, back) = (compare(&a, &b), compare(&b, &a));
        prop_assert_eq!(&there.added, &back.removed);
        prop_assert_eq!(&there.removed, &back.added);
        prop_assert_eq!(there.changed.len(), back.changed.len());
        prop_assert_eq!(there.unchanged, back.unchanged);
        prop_assert_eq!(there.added.len() + there.changed.len() + there.unchanged, b.files.len());
        prop_assert_eq!(there.removed.len() + there.changed.len() + there.unchanged, a.files.len());
        prop_assert_eq!(there.is_empty(), a == b);
        let of_new: u64 = there.added.iter().map(|f| f.size).chain(there.changed.iter().map(|f| f.new_size)).sum();
        prop_assert_eq!(there.bytes, of_new);
    }

    #[test]
    fn nothing_differs_from_itself(a in inventory()) {
        let same = compare(&a, &a);
        prop_assert!(same.is_empty() && same.bytes == 0 && same.unchanged == a.files.len());
    }
}
