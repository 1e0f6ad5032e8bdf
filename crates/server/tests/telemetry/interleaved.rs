//! Check-ins and reports in any order, repeated, from few installs so that they meet.

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::status::DeviceState;
use headgate_server::telemetry::sqlite::{Options, SqliteTelemetry};
use headgate_server::telemetry::{Report, Seen, Telemetry};
use proptest::prelude::*;
use tempfile::TempDir;

use crate::support::*;

const ATTEMPTS: [&str; 3] = [ATTEMPT, LATER, "2026-11-25T12:00:00Z"];
const STATES: [DeviceState; 6] = [
    DeviceState::Offered,
    DeviceState::Failed,
    DeviceState::Downloaded,
    DeviceState::Applied,
    DeviceState::Confirmed,
    DeviceState::RolledBack,
];

#[derive(Debug, Clone)]
enum Op {
    Seen(Seen),
    Report(Report),
    Write,
}

fn check_in() -> impl Strategy<Value = Seen> {
    let offer = prop::option::of((1_u32..4, 0_usize..3));
    (
        0_u8..6,
        0_u32..8,
        prop::option::of(1_u32..4),
        offer,
        0_u8..3,
        0_u8..3,
    )
        .prop_map(|(install, day, running, offer, native, plugin)| Seen {
            place: place(["4.1.0", "4.2.0", "?"][usize::from(native)]),
            plugin: ["8.51.20", "8.51.23"]
                .get(usize::from(plugin))
                .map(|p| (*p).to_owned()),
            running,
            offered: offer.map(|(build, attempt)| (build, ATTEMPTS[attempt].to_owned())),
            at: at(day, i64::from(install) * 1_000),
            ..seen(&format!("i{install}"))
        })
}

fn any_report() -> impl Strategy<Value = Report> {
    let attempt = prop::option::of(0_usize..3);
    (
        0_u8..7,
        1_u32..5,
        attempt,
        0_usize..6,
        any::<bool>(),
        0_u32..8,
    )
        .prop_map(|(install, build, attempt, state, reason, day)| Report {
            attempt: attempt.map(|a| ATTEMPTS[a].to_owned()),
            reason: reason.then(|| "checksum_fail".to_owned()),
            device_time: Some(i64::from(day) * 1_000_000_000),
            at: at(day, 7),
            ..report(&format!("i{install}"), build, STATES[state])
        })
}

fn ops() -> impl Strategy<Value = Vec<Op>> {
    let op = prop_oneof![
        4 => check_in().prop_map(Op::Seen),
        4 => any_report().prop_map(Op::Report),
        1 => Just(Op::Write),
    ];
    prop::collection::vec(op, 1..80)
}

async fn apply(t: &dyn Telemetry, ops: &[Op]) {
    for op in ops {
        match op {
            Op::Seen(seen) => t.seen(seen.clone()),
            Op::Report(report) => t.report(vec![report.clone()]).await.unwrap(),
            Op::Write => t.flush().await.unwrap(),
        }
    }
}

/// An install, a build and an attempt.
type Key = (String, u32, String);

/// Raises the newest of an install's offers of a build, or the one that is named.
fn raise(
    all: &mut BTreeMap<Key, DeviceState>,
    (install, build, attempt): (&str, u32, Option<&str>),
    state: DeviceState,
) {
    let fits = |(i, b, a): &&Key| i == install && *b == build && attempt.is_none_or(|t| t == a);
    if let Some(key) = all.keys().filter(fits).max().cloned() {
        let now = all.entry(key).or_insert(state);
        *now = (*now).max(state);
    }
}

/// The state of every offer by the plain words of the rule: the highest of all that was reported after it, where what
/// runs is confirmed.
fn expected(ops: &[Op]) -> BTreeMap<Key, DeviceState> {
    let mut all = BTreeMap::<Key, DeviceState>::new();
    let mut last = BTreeMap::<&str, (i64, Option<u32>)>::new();
    for op in ops {
        match op {
            Op::Seen(s) => {
                if let Some((build, attempt)) = &s.offered {
                    let key = (s.install.clone(), *build, attempt.clone());
                    all.entry(key).or_insert(DeviceState::Offered);
                }
                let now = (s.at.unix() / 86_400, s.running);
                let row = last.entry(s.install.as_str()).or_insert(now);
                // A check-in of the day before the last one is late.
                if row.0 != now.0 + 1 {
                    *row = now;
                }
                if let Some(build) = row.1 {
                    raise(&mut all, (&s.install, build, None), DeviceState::Confirmed);
                }
            }
            Op::Report(r) => {
                let what = (r.install.as_str(), r.build, r.attempt.as_deref());
                raise(&mut all, what, r.state);
            }
            Op::Write => {}
        }
    }
    all
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(40))]

    #[test]
    fn counts_are_those_of_installs(ops in ops(), again in any::<bool>(), cursor in 0_usize..40) {
        tokio::runtime::Runtime::new().unwrap().block_on(async {
            let dir = TempDir::new().unwrap();
            let options = Options { recent: 8, ..Options::default() };
            let t = SqliteTelemetry::open(&dir.path().join("t.sqlite"), options).await.unwrap();
            // Someone reads along from the beginning, someone else comes back in the middle.
            let (mut along, mut away) = (Totals::default(), Totals::default());
            let mut told = Vec::new();
            for piece in ops.chunks(10) {
                apply(&t, piece).await;
                if again {
                    // The same reports come once more.
                    let reports: Vec<Op> = piece.iter().filter(|o| matches!(o, Op::Report(_))).cloned().collect();
                    apply(&t, &reports).await;
                    told.extend_from_slice(piece);
                    told.extend(reports);
                } else {
                    told.extend_from_slice(piece);
                }
                t.flush().await.unwrap();
                along.read(&t, 3).await;
                if told.len() < cursor {
                    away.read(&t, 5).await;
                }
            }
            let ops = told;
            away.read(&t, 5).await;
            let got = totals(&t).await;
            prop_assert_eq!(&along, &got);
            prop_assert_eq!(&away, &got);

            let installs: BTreeSet<&str> = ops.iter().filter_map(|op| match op {
                Op::Seen(s) => Some(s.install.as_str()),
                _ => None,
            }).collect();
            prop_assert_eq!(got.installs(), installs.len() as u64);
            let plugins: u64 = t.plugins(WORKSPACE).await.unwrap().iter().map(|p| p.2).sum();
            prop_assert!(plugins <= got.installs());

            let mut states = BTreeMap::<(u32, String), BTreeMap<DeviceState, u64>>::new();
            for ((_, build, attempt), state) in expected(&ops) {
                *states.entry((build, attempt)).or_default().entry(state).or_default() += 1;
            }
            for ((build, attempt), states) in &states {
                prop_assert_eq!(&got.outcome(*build, attempt), states);
                let failed: u64 = [DeviceState::Failed, DeviceState::RolledBack].iter().filter_map(|s| states.get(s)).sum();
                prop_assert!(got.reasons(*build, attempt).values().sum::<u64>() <= failed);
            }
            let outcomes: u64 = got.states.values().flat_map(BTreeMap::values).sum();
            prop_assert_eq!(outcomes, states.values().flat_map(BTreeMap::values).sum::<u64>());
            for install in installs {
                let stored = t.install(install).await.unwrap();
                prop_assert_eq!(stored.len(), 1);
            }
            Ok(())
        })?;
    }
}
