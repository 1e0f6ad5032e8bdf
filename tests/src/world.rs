//! Time that tests set, randomness that repeats.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use headgate_core::Result;
use headgate_engine::{Clock, Entropy, World};
use headgate_tuf::{UtcTime, sha256_hex};

/// A clock that moves only when a test moves it. Its ticks run on, since they only measure.
#[derive(Debug)]
pub struct TestClock(AtomicI64);

impl TestClock {
    /// 2026-06-01T08:00:00Z.
    pub const START: i64 = 1_780_300_800;

    /// A clock at [`Self::START`].
    pub fn new() -> Arc<Self> {
        Arc::new(Self(AtomicI64::new(Self::START)))
    }

    /// Moves it, seconds.
    pub fn advance(&self, seconds: i64) {
        self.0.fetch_add(seconds, Ordering::SeqCst);
    }

    /// Days on.
    pub fn days(&self, days: i64) {
        self.advance(days * 86_400);
    }
}

impl Clock for TestClock {
    fn now(&self) -> UtcTime {
        UtcTime::from_unix(self.0.load(Ordering::SeqCst))
    }

    fn ticks(&self) -> u64 {
        static BEGUN: OnceLock<Instant> = OnceLock::new();
        let since = BEGUN.get_or_init(Instant::now).elapsed();
        u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
    }

    fn pause(&self, wanted: std::time::Duration) -> std::time::Duration {
        wanted / 100
    }
}

/// Bytes that follow from a seed, so that a failure repeats.
#[derive(Debug)]
pub struct Seeded {
    seed: String,
    drawn: AtomicU64,
}

impl Seeded {
    /// Two consoles need two seeds, as two computers have two sources.
    pub fn new(seed: &str) -> Arc<Self> {
        Arc::new(Self {
            seed: seed.to_owned(),
            drawn: AtomicU64::new(0),
        })
    }
}

impl Entropy for Seeded {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        for piece in bytes.chunks_mut(32) {
            let n = self.drawn.fetch_add(1, Ordering::SeqCst);
            let digest = sha256_hex(format!("{}/{n}", self.seed).as_bytes());
            for (to, pair) in piece.iter_mut().zip(digest.as_bytes().chunks(2)) {
                let text = std::str::from_utf8(pair).unwrap();
                *to = u8::from_str_radix(text, 16).unwrap();
            }
        }
        Ok(())
    }
}

/// A console's world: this clock, and randomness of its own.
pub fn world(clock: &Arc<TestClock>, seed: &str) -> World {
    World {
        clock: Arc::<TestClock>::clone(clock),
        entropy: Seeded::new(seed),
    }
}
