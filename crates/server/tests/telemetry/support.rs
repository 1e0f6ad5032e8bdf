//! Events, and totals read from pages.

use std::collections::BTreeMap;
use std::net::{IpAddr, Ipv4Addr};

use headgate_core::Platform;
use headgate_core::status::{Cell, DeviceState, Dialect, Place};
use headgate_server::telemetry::{Report, Seen, Telemetry};
use headgate_tuf::{Name, UtcTime};

/// Workspace of the tests.
pub(crate) const WORKSPACE: &str = "ws-1";
/// First day of the tests, days since 1970.
pub(crate) const DAY: u32 = 20_777;
/// Attempt that starts on the second day at noon.
pub(crate) const ATTEMPT: &str = "2026-11-21T12:00:00Z";
/// One that starts later.
pub(crate) const LATER: &str = "2026-11-23T12:00:00Z";

/// A time on the n-th day of the tests.
pub(crate) fn at(day: u32, seconds: i64) -> UtcTime {
    UtcTime::from_unix(i64::from(DAY + day) * 86_400 + seconds)
}

pub(crate) fn place(native: &str) -> Place {
    Place {
        unit: Name::new("main").unwrap(),
        channel: Name::new("production").unwrap(),
        dialect: Dialect::Capgo,
        platform: Platform::Ios,
        native: native.to_owned(),
    }
}

/// An address of its own network for every number.
pub(crate) fn network(n: u32) -> Option<IpAddr> {
    let [_, a, b, c] = n.to_be_bytes();
    Some(Ipv4Addr::new(11 + a, b, c, 7).into())
}

/// A check-in on the embedded build, on the first day.
pub(crate) fn seen(install: &str) -> Seen {
    Seen {
        workspace: WORKSPACE.into(),
        place: place("4.2.0"),
        install: install.into(),
        plugin: Some("8.51.23".into()),
        running: None,
        offered: None,
        attempt: None,
        network: network(0),
        at: at(0, 60),
    }
}

/// A check-in after the start that is offered a build.
pub(crate) fn offered(install: &str, build: u32, attempt: &str) -> Seen {
    Seen {
        offered: Some((build, attempt.into())),
        attempt: Some(attempt.into()),
        at: at(2, 60),
        ..seen(install)
    }
}

pub(crate) fn report(install: &str, build: u32, state: DeviceState) -> Report {
    Report {
        workspace: WORKSPACE.into(),
        place: place("4.2.0"),
        install: install.into(),
        plugin: None,
        build,
        attempt: None,
        state,
        reason: None,
        device_time: None,
        network: network(0),
        at: at(2, 300),
    }
}

pub(crate) fn failed(install: &str, build: u32, state: DeviceState, reason: &str) -> Report {
    Report {
        reason: Some(reason.into()),
        ..report(install, build, state)
    }
}

/// Everything that was ever told, by what it is about.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Totals {
    pub(crate) active: BTreeMap<(Place, u32, Option<u32>), u64>,
    pub(crate) daily: BTreeMap<(u32, Option<u32>), u64>,
    pub(crate) states: BTreeMap<(Place, u32, String), BTreeMap<DeviceState, u64>>,
    pub(crate) reasons: BTreeMap<(Place, u32, String), BTreeMap<String, u64>>,
    pub(crate) minutes: BTreeMap<(u32, String, i64), (u64, u64)>,
    pub(crate) cursor: u64,
}

impl Totals {
    /// Takes cells as a console does: the last value of each is its total.
    pub(crate) fn take(&mut self, cells: Vec<Cell>) {
        for cell in cells {
            match cell {
                Cell::Active(c) => drop(self.active.insert((c.place, c.day, c.build), c.installs)),
                Cell::Daily(c) => drop(self.daily.insert((c.day, c.build), c.installs)),
                Cell::Outcome(c) => {
                    let key = (c.place, c.build, c.attempt);
                    self.states.insert(key.clone(), c.states);
                    self.reasons.insert(key, c.reasons);
                }
                Cell::Minute(c) => {
                    let key = (c.build, c.attempt, c.at);
                    self.minutes.insert(key, (c.confirmed, c.rolled_back));
                }
            }
        }
    }

    /// Reads on from where it stands.
    pub(crate) async fn read(&mut self, telemetry: &dyn Telemetry, limit: usize) {
        loop {
            let page = telemetry
                .cells(WORKSPACE, self.cursor, limit)
                .await
                .unwrap();
            assert!(page.cells.len() <= limit);
            self.take(page.cells);
            self.cursor = page.next;
            if !page.more {
                return;
            }
        }
    }

    pub(crate) fn installs(&self) -> u64 {
        self.active.values().sum()
    }

    /// Installs that were seen last on a day of the tests with a build.
    pub(crate) fn active(&self, day: u32, build: Option<u32>) -> u64 {
        let on = self.active.iter();
        on.filter(|((_, d, b), _)| *d == DAY + day && *b == build)
            .map(|(_, n)| n)
            .sum()
    }

    pub(crate) fn daily(&self, day: u32, build: Option<u32>) -> u64 {
        let key = (DAY + day, build);
        self.daily.get(&key).copied().unwrap_or_default()
    }

    /// Installs by state in an attempt, all places together.
    pub(crate) fn outcome(&self, build: u32, attempt: &str) -> BTreeMap<DeviceState, u64> {
        let mut sums = BTreeMap::new();
        for (_, states) in self
            .states
            .iter()
            .filter(|((_, b, a), _)| *b == build && a == attempt)
        {
            for (state, n) in states {
                *sums.entry(*state).or_default() += n;
            }
        }
        sums
    }

    pub(crate) fn reasons(&self, build: u32, attempt: &str) -> BTreeMap<String, u64> {
        let mut sums = BTreeMap::new();
        for (_, reasons) in self
            .reasons
            .iter()
            .filter(|((_, b, a), _)| *b == build && a == attempt)
        {
            for (reason, n) in reasons {
                *sums.entry(reason.clone()).or_default() += n;
            }
        }
        sums
    }
}

/// Writes what waits, then reads everything.
pub(crate) async fn totals(telemetry: &dyn Telemetry) -> Totals {
    telemetry.flush().await.unwrap();
    let mut totals = Totals::default();
    totals.read(telemetry, 7).await;
    totals
}

/// Writes check-ins, then what waits.
pub(crate) async fn all_seen(telemetry: &dyn Telemetry, all: impl IntoIterator<Item = Seen>) {
    for seen in all {
        telemetry.seen(seen);
    }
    telemetry.flush().await.unwrap();
}

pub(crate) fn one(state: DeviceState) -> BTreeMap<DeviceState, u64> {
    BTreeMap::from([(state, 1)])
}
