//! Figures of a fleet.

use std::collections::BTreeMap;
use std::sync::{Mutex, PoisonError};

use headgate_core::status::Dialect;
use serde::Serialize;

/// What happened on a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Event {
    Checked,
    Offered,
    Downloaded,
    Applied,
    Confirmed,
    RolledBack,
    /// A request failed, or an answer was not believed.
    Failed,
    /// It did all its rounds.
    Ended,
}

/// Counts of events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct DeviceTotals {
    /// Devices that have started.
    pub devices: u64,
    /// Check-ins.
    pub checks: u64,
    /// Offers of a release that the device did not have.
    pub offered: u64,
    /// Releases fetched and verified.
    pub downloaded: u64,
    /// Releases switched to.
    pub applied: u64,
    /// Releases that started.
    pub confirmed: u64,
    /// Releases that did not start.
    pub rolled_back: u64,
    /// Requests that failed, and answers that were not believed.
    pub failed: u64,
    /// Devices that have done all their rounds.
    pub ended: u64,
}

/// Figures of a fleet.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct FleetStats {
    /// Devices of the fleet.
    pub devices: u32,
    /// Of all.
    pub total: DeviceTotals,
    /// By dialect.
    pub dialects: BTreeMap<&'static str, DeviceTotals>,
    /// Devices by the build that they run; `embedded` for the web build in the native app.
    pub running: BTreeMap<String, u64>,
    /// Why requests failed: code and how often.
    pub problems: BTreeMap<String, u64>,
}

/// Figures while they grow.
#[derive(Debug)]
pub(super) struct Totals(Mutex<FleetStats>);

impl DeviceTotals {
    fn count(&mut self, event: Event) {
        let at = match event {
            Event::Checked => &mut self.checks,
            Event::Offered => &mut self.offered,
            Event::Downloaded => &mut self.downloaded,
            Event::Applied => &mut self.applied,
            Event::Confirmed => &mut self.confirmed,
            Event::RolledBack => &mut self.rolled_back,
            Event::Failed => &mut self.failed,
            Event::Ended => &mut self.ended,
        };
        *at += 1;
    }
}

fn name(build: Option<u32>) -> String {
    build.map_or_else(|| "embedded".into(), |b| b.to_string())
}

impl Totals {
    pub(super) fn new(devices: u32) -> Self {
        Self(Mutex::new(FleetStats {
            devices,
            ..FleetStats::default()
        }))
    }

    fn change(&self, change: impl FnOnce(&mut FleetStats)) {
        change(&mut self.0.lock().unwrap_or_else(PoisonError::into_inner));
    }

    pub(super) fn note(&self, dialect: Dialect, event: Event) {
        self.change(|stats| {
            stats.total.count(event);
            stats
                .dialects
                .entry(dialect.text())
                .or_default()
                .count(event);
        });
    }

    /// Something failed, with its code.
    pub(super) fn failed(&self, dialect: Dialect, code: &str) {
        self.note(dialect, Event::Failed);
        self.change(|stats| *stats.problems.entry(code.to_owned()).or_default() += 1);
    }

    /// What a device runs after a round.
    pub(super) fn ran(&self, dialect: Dialect, first: bool, before: Option<u32>, now: Option<u32>) {
        self.change(|stats| {
            if first {
                stats.total.devices += 1;
                stats.dialects.entry(dialect.text()).or_default().devices += 1;
            } else if let Some(count) = stats.running.get_mut(&name(before)) {
                *count = count.saturating_sub(1);
            }
            *stats.running.entry(name(now)).or_default() += 1;
            stats.running.retain(|_, count| *count > 0);
        });
    }

    pub(super) fn stats(&self) -> FleetStats {
        self.0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .clone()
    }
}
