//! Time and randomness come from outside, so tests are exact.

use std::sync::Arc;

use headgate_core::{Code, Problem, Result};
use headgate_tuf::UtcTime;

/// Tells the time.
pub trait Clock: Send + Sync {
    /// Now, in whole seconds.
    fn now(&self) -> UtcTime;
    /// Milliseconds of a clock that never goes back, for durations.
    fn ticks(&self) -> u64;
    /// How long a pause really lasts: tests make it short.
    fn pause(&self, wanted: std::time::Duration) -> std::time::Duration {
        wanted
    }
}

/// Gives random bytes for ids and salts. Keys are made in the signer.
pub trait Entropy: Send + Sync {
    /// Fills the bytes.
    ///
    /// # Errors
    /// `internal` when the system gives none.
    fn fill(&self, bytes: &mut [u8]) -> Result<()>;
}

/// The system's clock.
#[derive(Debug)]
pub struct SystemClock(std::time::Instant);

impl Default for SystemClock {
    fn default() -> Self {
        Self(std::time::Instant::now())
    }
}

impl Clock for SystemClock {
    #[expect(
        clippy::disallowed_methods,
        reason = "the one place that reads the system's clock"
    )]
    fn now(&self) -> UtcTime {
        let since = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap_or_default();
        UtcTime::from_unix(i64::try_from(since.as_secs()).unwrap_or(0))
    }

    fn ticks(&self) -> u64 {
        u64::try_from(self.0.elapsed().as_millis()).unwrap_or(u64::MAX)
    }
}

/// The system's random numbers.
#[derive(Debug, Default)]
pub struct SystemEntropy;

impl Entropy for SystemEntropy {
    fn fill(&self, bytes: &mut [u8]) -> Result<()> {
        getrandom::fill(bytes).map_err(|e| {
            Problem::new(
                Code::Internal,
                format!("The system gives no random numbers: {e}."),
            )
        })
    }
}

/// Time and randomness of one console.
#[derive(Clone)]
pub struct World {
    /// Time.
    pub clock: Arc<dyn Clock>,
    /// Randomness.
    pub entropy: Arc<dyn Entropy>,
}

impl Default for World {
    fn default() -> Self {
        Self {
            clock: Arc::new(SystemClock::default()),
            entropy: Arc::new(SystemEntropy),
        }
    }
}

impl World {
    /// Now.
    pub fn now(&self) -> UtcTime {
        self.clock.now()
    }

    /// A random byte; 0 when the system gives none, where that only makes pauses alike.
    pub(crate) fn dice(&self) -> u8 {
        let mut byte = [0];
        self.entropy.fill(&mut byte).map_or(0, |()| byte[0])
    }

    /// Random lower-case hex of this many bytes.
    ///
    /// # Errors
    /// As [`Entropy::fill`].
    pub fn id(&self, bytes: usize) -> Result<String> {
        let mut buffer = vec![0; bytes];
        self.entropy.fill(&mut buffer)?;
        Ok(hex::encode(buffer))
    }
}
