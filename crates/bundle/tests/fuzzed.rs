//! The invariants of the fuzz targets on inputs made by a seeded mutation loop: the same on every run.
//!
//! `HEADGATE_FUZZ_CASES` sets the number of cases a reader (millions take minutes), and
//! `HEADGATE_FUZZ_SEEDS` names a folder that gets the seeds for the fuzzer of `tests/fuzz`.
#![expect(
    clippy::unwrap_used,
    clippy::print_stderr,
    reason = "a test that cannot set up has failed, and says what it did"
)]

#[path = "../../../tests/fuzz/src/lib.rs"]
#[expect(unreachable_pub, reason = "a crate of its own elsewhere")]
mod fuzz;

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};
use std::time::Instant;

use peak_alloc::PeakAlloc;

use fuzz::mutate::Random;

#[global_allocator]
static MEMORY: PeakAlloc = PeakAlloc;
/// Memory is measured for one reader at a time.
static ALONE: Mutex<()> = Mutex::new(());

/// Runs `cases` mutations, or what the environment says. None may panic or hold more than `memory`
/// bytes; `least` of a thousand must be accepted, or the mutations test nothing.
fn run(target: &str, cases: u64, memory: usize, least: u64, check: fn(&[u8]) -> bool) {
    let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
    let seeds = fuzz::seeds(target);
    if let Ok(folder) = std::env::var("HEADGATE_FUZZ_SEEDS") {
        let folder = std::path::Path::new(&folder).join(target);
        std::fs::create_dir_all(&folder).unwrap();
        for (n, seed) in seeds.iter().enumerate() {
            std::fs::write(folder.join(format!("seed-{n}")), seed).unwrap();
        }
    }
    let cases = std::env::var("HEADGATE_FUZZ_CASES").map_or(cases, |n| n.parse().unwrap());
    let start = Instant::now();
    let (mut accepted, mut highest) = (0, 0);
    let mut random = Random::new(0x9e37_79b9_7f4a_7c15);
    for case in 0..cases {
        let input = match seeds.get(case as usize) {
            Some(seed) => seed.clone(),
            None => fuzz::mutate::input(target, &seeds, &mut random),
        };
        MEMORY.reset_peak_usage();
        let before = MEMORY.current_usage();
        let result = catch_unwind(AssertUnwindSafe(|| check(&input)));
        let used = MEMORY.peak_usage().saturating_sub(before);
        highest = highest.max(used);
        let Ok(good) = result else {
            panic!("{target}, case {case} panics on {}", hex::encode(&input));
        };
        accepted += u64::from(good);
        assert!(
            used <= memory,
            "{target}, case {case} held {used} bytes on {}",
            hex::encode(&input)
        );
    }
    let took = start.elapsed();
    eprintln!("{target}: {cases} cases, {accepted} accepted, at most {highest} bytes, {took:.1?}");
    assert!(
        accepted * 1000 >= cases * least,
        "{accepted} of {cases} accepted"
    );
}

#[test]
fn zip() {
    run("zip", 3_000, 48 << 20, 50, fuzz::zip);
}

#[test]
fn inventory() {
    run("inventory", 20_000, 1 << 20, 5, fuzz::inventory);
}

#[test]
fn files_map() {
    run("files_map", 20_000, 1 << 20, 5, fuzz::files_map);
}

#[test]
fn manifest() {
    run("manifest", 20_000, 1 << 20, 1, fuzz::manifest);
}

#[test]
fn rollout() {
    run("rollout", 20_000, 1 << 20, 1, fuzz::rollout);
}

#[test]
fn metadata() {
    run("metadata", 10_000, 1 << 20, 5, fuzz::metadata);
}

#[test]
fn json() {
    run("json", 20_000, 1 << 20, 5, fuzz::json);
}

#[test]
fn stored() {
    // A window of 16 MiB at most, and what it decodes to.
    run("stored", 20_000, 24 << 20, 5, fuzz::stored);
}
