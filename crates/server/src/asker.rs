//! Who asks, as far as the server may know it: the address that a request came from, and whether its network asks too
//! much. Handlers need not carry it; it belongs to the task that answers the request.

use std::collections::HashMap;
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Instant;

use async_trait::async_trait;
use headgate_core::Result;
use headgate_core::rollout::Gate;
use headgate_core::status::GateStatus;
use headgate_registry::HighWater;
use headgate_tuf::UtcTime;

use crate::metrics::Metrics;
use crate::telemetry::{AttemptKey, Cells, Counters, Report, Seen, StoredInstall, Telemetry};

/// The asker of the request that a task answers.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Asker {
    /// Where the request came from; nothing when that is not known.
    pub address: Option<IpAddr>,
    /// Its network asks more than it may: it is answered as usual, and nothing is stored of it.
    pub shed: bool,
}

tokio::task_local! {
    pub(crate) static ASKER: Asker;
}

/// Who asks, inside a request.
pub fn asker() -> Option<Asker> {
    ASKER.try_with(|asker| *asker).ok()
}

/// Networks at most that are counted at once: a flood from more than these is slowed by connections alone.
const NETWORKS: usize = 1 << 16;

/// A token bucket for every network.
#[derive(Debug)]
pub(crate) struct Limiter {
    per_minute: f64,
    buckets: Mutex<HashMap<IpAddr, (f64, Instant)>>,
}

impl Limiter {
    /// So many requests a minute, with a burst of as many; 0 = no limit.
    pub(crate) fn new(per_minute: u32) -> Self {
        Self {
            per_minute: f64::from(per_minute),
            buckets: Mutex::default(),
        }
    }

    /// Whether a request of this address is one too many.
    pub(crate) fn over(&self, address: IpAddr, now: Instant) -> bool {
        if self.per_minute == 0.0 {
            return false;
        }
        let mut buckets = self.buckets.lock().unwrap_or_else(PoisonError::into_inner);
        if buckets.len() >= NETWORKS {
            // A full bucket says no more than none.
            let rate = self.per_minute / 60.0;
            buckets.retain(|_, (left, at)| {
                *left + now.saturating_duration_since(*at).as_secs_f64() * rate < self.per_minute
            });
            if buckets.len() >= NETWORKS {
                buckets.clear();
            }
        }
        let fresh = (self.per_minute, now);
        let (left, at) = buckets.entry(network(address)).or_insert(fresh);
        let passed = now.saturating_duration_since(*at).as_secs_f64();
        *left = (*left + passed * self.per_minute / 60.0).min(self.per_minute);
        *at = now;
        if *left < 1.0 {
            return true;
        }
        *left -= 1.0;
        false
    }
}

/// The network that one subscriber commands: the address itself in IPv4, where carriers put thousands of devices behind
/// one, and the first 56 bits in IPv6.
fn network(address: IpAddr) -> IpAddr {
    match address.to_canonical() {
        IpAddr::V4(v4) => IpAddr::V4(v4),
        IpAddr::V6(v6) => {
            let [a, b, c, d, ..] = v6.segments();
            IpAddr::V6([a, b, c, d & 0xff00, 0, 0, 0, 0].into())
        }
    }
}

/// Telemetry that knows the asker: it fills in the network, and stores nothing of a network that asks too much.
#[derive(Debug)]
pub(crate) struct Shielded {
    inner: Arc<dyn Telemetry>,
    metrics: Arc<Metrics>,
}

impl Shielded {
    pub(crate) fn new(inner: Arc<dyn Telemetry>, metrics: Arc<Metrics>) -> Self {
        Self { inner, metrics }
    }

    /// Whether to drop these many events.
    fn sheds(&self, events: usize) -> bool {
        let shed = asker().is_some_and(|a| a.shed);
        if shed {
            self.metrics.shed(events as u64);
        }
        shed
    }
}

fn address() -> Option<IpAddr> {
    asker().and_then(|a| a.address)
}

#[async_trait]
impl Telemetry for Shielded {
    fn seen(&self, mut seen: Seen) {
        if self.sheds(1) {
            return;
        }
        seen.network = seen.network.or_else(address);
        self.inner.seen(seen);
    }

    async fn report(&self, mut reports: Vec<Report>) -> Result<()> {
        if self.sheds(reports.len()) {
            return Ok(());
        }
        for report in &mut reports {
            report.network = report.network.or_else(address);
        }
        self.inner.report(reports).await
    }

    fn epoch(&self) -> String {
        self.inner.epoch()
    }

    async fn cells(&self, workspace: &str, after: u64, limit: usize) -> Result<Cells> {
        self.inner.cells(workspace, after, limit).await
    }

    async fn plugins(&self, workspace: &str) -> Result<Vec<(String, String, u64)>> {
        self.inner.plugins(workspace).await
    }

    async fn install(&self, id: &str) -> Result<Vec<StoredInstall>> {
        self.inner.install(id).await
    }

    async fn forget(&self, id: &str) -> Result<bool> {
        self.inner.forget(id).await
    }

    async fn gate(&self, key: &AttemptKey, gate: Gate, now: UtcTime) -> Result<GateStatus> {
        self.inner.gate(key, gate, now).await
    }

    async fn latched(&self, key: &AttemptKey) -> Result<Option<UtcTime>> {
        self.inner.latched(key).await
    }

    async fn marks(&self, workspace: &str) -> Result<HighWater> {
        self.inner.marks(workspace).await
    }

    async fn raise_marks(&self, workspace: &str, marks: &HighWater) -> Result<()> {
        self.inner.raise_marks(workspace, marks).await
    }

    async fn tidy(&self, now: UtcTime) -> Result<()> {
        self.inner.tidy(now).await
    }

    async fn flush(&self) -> Result<()> {
        self.inner.flush().await
    }

    fn counters(&self) -> Counters {
        self.inner.counters()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_network_over_its_rate_waits_and_another_does_not() {
        let limiter = Limiter::new(60);
        let now = Instant::now();
        let one: IpAddr = "192.0.2.1".parse().unwrap();
        let mapped: IpAddr = "::ffff:192.0.2.1".parse().unwrap();
        for _ in 0..60 {
            assert!(!limiter.over(one, now));
        }
        assert!(limiter.over(one, now) && limiter.over(mapped, now));
        assert!(!limiter.over("192.0.2.2".parse().unwrap(), now));
        assert!(!limiter.over(one, now + Duration::from_secs(1)));
        assert!(limiter.over(one, now + Duration::from_secs(1)));
    }

    #[test]
    fn one_subscriber_is_one_network() {
        let of = |text: &str| network(text.parse().unwrap());
        assert_eq!(of("2001:db8:1:2ff::1"), of("2001:db8:1:200:1::9"));
        assert_ne!(of("2001:db8:1:2ff::1"), of("2001:db8:1:3ff::1"));
    }

    #[test]
    fn a_flood_of_networks_takes_bounded_memory() {
        let limiter = Limiter::new(1);
        let now = Instant::now();
        for i in 0..200_000_u32 {
            limiter.over(IpAddr::V4(i.into()), now);
        }
        assert!(limiter.buckets.lock().unwrap().len() <= NETWORKS);
    }
}
