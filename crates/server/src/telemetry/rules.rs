//! What a check-in or a report changes: rows of installs and attempts, and the counts that move with them.
//!
//! Pure: an implementation loads the rows that a batch is about into a [`Batch`], applies the events, and stores what
//! changed in one transaction. Names are numbers here; the implementation gives them out.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use headgate_core::status::DeviceState;

/// States by number: the order of [`DeviceState`], stored, so never renumbered.
pub(crate) const STATES: [DeviceState; 6] = [
    DeviceState::Offered,
    DeviceState::Failed,
    DeviceState::Downloaded,
    DeviceState::Applied,
    DeviceState::Confirmed,
    DeviceState::RolledBack,
];

/// Number of a state.
pub(crate) fn state_number(state: DeviceState) -> usize {
    STATES.iter().position(|s| *s == state).unwrap_or_default()
}

/// A release in one attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Rollout {
    pub(crate) id: i64,
    pub(crate) build: u32,
    pub(crate) attempt: String,
    /// When the attempt began, Unix seconds; nothing when its text is no time.
    pub(crate) started: Option<i64>,
    /// The gate counts what installs came to after this, Unix seconds; 0 = all.
    pub(crate) since: i64,
}

/// A stored install.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstallRow {
    pub(crate) key: i64,
    pub(crate) place: i64,
    pub(crate) plugin: i64,
    /// 0: the embedded build.
    pub(crate) running: u32,
    pub(crate) first_seen: i64,
    pub(crate) last_day: u32,
}

/// How far an install came in an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AttemptRow {
    pub(crate) rollout: Arc<Rollout>,
    pub(crate) place: i64,
    pub(crate) state: DeviceState,
    /// 0: none.
    pub(crate) reason: i64,
    /// Nothing: the gate does not count it.
    pub(crate) network: Option<i64>,
    pub(crate) at: i64,
}

/// A channel of a unit, with its workspace: both numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct Scope {
    pub(crate) id: i64,
    pub(crate) workspace: i64,
}

/// A check-in whose names are numbers.
#[derive(Debug, Clone)]
pub(crate) struct SeenRow {
    pub(crate) scope: Scope,
    pub(crate) install: String,
    pub(crate) place: i64,
    pub(crate) plugin: i64,
    pub(crate) running: u32,
    pub(crate) offered: Option<Arc<Rollout>>,
    pub(crate) network: i64,
    pub(crate) at: i64,
}

/// A report whose names are numbers.
#[derive(Debug, Clone)]
pub(crate) struct ReportRow {
    pub(crate) scope: Scope,
    pub(crate) install: String,
    pub(crate) build: u32,
    pub(crate) attempt: Option<String>,
    pub(crate) state: DeviceState,
    pub(crate) reason: i64,
    pub(crate) at: i64,
}

/// A roll-up. Fields in the order of the table's columns `a`, `b`, `c`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum CellKey {
    /// Place, day, build.
    Active(i64, u32, u32),
    /// Scope, day, build.
    Daily(i64, u32, u32),
    /// Place, rollout.
    Outcome(i64, i64),
    /// Rollout, start of the minute.
    Minute(i64, i64),
}

/// An install in a batch.
#[derive(Debug, Clone)]
pub(crate) struct Held {
    pub(crate) row: InstallRow,
    pub(crate) changed: bool,
    /// Its attempts, each with whether it changed.
    pub(crate) attempts: Vec<(AttemptRow, bool)>,
}

/// Rows that a batch is about, and what it moves.
#[derive(Debug, Default)]
pub(crate) struct Batch {
    pub(crate) installs: HashMap<(i64, String), Held>,
    /// Key of the next new install.
    pub(crate) next_key: i64,
    /// Keys from here on are of installs that are new in this batch.
    pub(crate) first_key: i64,
    /// Moves of the roll-ups, with their workspace.
    pub(crate) cells: BTreeMap<(i64, CellKey), [i64; 6]>,
    /// Moves of reasons: place, rollout, reason.
    pub(crate) reasons: BTreeMap<(i64, i64, i64), i64>,
    /// Moves of what the gate counts, by rollout and network: sample, failures.
    pub(crate) gates: BTreeMap<(i64, i64), (i64, i64)>,
    /// Moves of plugins.
    pub(crate) plugins: BTreeMap<i64, i64>,
    /// Reports about something that was never offered to that install.
    pub(crate) unknown: u64,
}

/// Day of a time.
pub(crate) fn day(at: i64) -> u32 {
    u32::try_from(at.div_euclid(86_400)).unwrap_or_default()
}

impl Batch {
    fn count(&mut self, workspace: i64, cell: CellKey, column: usize, by: i64) {
        self.cells.entry((workspace, cell)).or_default()[column] += by;
    }

    /// Applies a check-in.
    pub(crate) fn seen(&mut self, seen: &SeenRow) {
        let key = (seen.scope.id, seen.install.clone());
        let workspace = seen.scope.workspace;
        let today = day(seen.at);
        let mut held = match self.installs.remove(&key) {
            Some(held) => held,
            None => self.first(seen, today),
        };
        // A check-in of yesterday that was written late tells nothing new. A longer way back is a clock that was set
        // right: the install belongs to the day that it is now.
        let late = today < held.row.last_day && held.row.last_day - today <= 1;
        if !late {
            self.moved(&mut held, seen, today);
        }
        if let Some(rollout) = &seen.offered
            && !held
                .attempts
                .iter()
                .any(|(a, _)| a.rollout.id == rollout.id)
        {
            let counts = rollout.started.is_some_and(|s| held.row.first_seen < s);
            let row = AttemptRow {
                rollout: Arc::clone(rollout),
                place: seen.place,
                state: DeviceState::Offered,
                reason: 0,
                network: counts.then_some(seen.network),
                at: seen.at,
            };
            self.count(workspace, CellKey::Outcome(row.place, rollout.id), 0, 1);
            held.attempts.push((row, true));
        }
        // What runs has started. What it ran by its newest check-in counts, so an offer that is noted late is confirmed.
        if held.row.running != 0
            && let Some(i) = newest(&held.attempts, held.row.running, None)
        {
            let attempt = &mut held.attempts[i];
            self.advance(workspace, attempt, DeviceState::Confirmed, 0, seen.at);
        }
        self.installs.insert(key, held);
    }

    /// A new install, counted where it is.
    fn first(&mut self, seen: &SeenRow, today: u32) -> Held {
        let row = InstallRow {
            key: self.next_key,
            place: seen.place,
            plugin: seen.plugin,
            running: seen.running,
            first_seen: seen.at,
            last_day: today,
        };
        self.next_key += 1;
        let (workspace, scope) = (seen.scope.workspace, seen.scope.id);
        let active = CellKey::Active(row.place, today, row.running);
        self.count(workspace, active, 0, 1);
        self.count(workspace, CellKey::Daily(scope, today, row.running), 0, 1);
        *self.plugins.entry(row.plugin).or_default() += 1;
        Held {
            row,
            changed: true,
            attempts: Vec::new(),
        }
    }

    /// Moves a known install to where it is now.
    fn moved(&mut self, held: &mut Held, seen: &SeenRow, today: u32) {
        let (workspace, scope) = (seen.scope.workspace, seen.scope.id);
        let row = &mut held.row;
        let old = CellKey::Active(row.place, row.last_day, row.running);
        let new = CellKey::Active(seen.place, today, seen.running);
        if old != new {
            self.count(workspace, old, 0, -1);
            self.count(workspace, new, 0, 1);
        }
        if (today, seen.running) != (row.last_day, row.running) {
            // A day that is over stays as it was; one that has not come yet never was.
            if today <= row.last_day {
                let daily = CellKey::Daily(scope, row.last_day, row.running);
                self.count(workspace, daily, 0, -1);
            }
            self.count(workspace, CellKey::Daily(scope, today, seen.running), 0, 1);
        }
        if row.plugin != seen.plugin {
            *self.plugins.entry(row.plugin).or_default() -= 1;
            *self.plugins.entry(seen.plugin).or_default() += 1;
        }
        let now = InstallRow {
            key: row.key,
            place: seen.place,
            plugin: seen.plugin,
            running: seen.running,
            first_seen: row.first_seen,
            last_day: today,
        };
        if *row != now {
            *row = now;
            held.changed = true;
        }
    }

    /// Applies a report.
    pub(crate) fn report(&mut self, report: &ReportRow) {
        let key = (report.scope.id, report.install.clone());
        let Some(mut held) = self.installs.remove(&key) else {
            self.unknown += 1;
            return;
        };
        match newest(&held.attempts, report.build, report.attempt.as_deref()) {
            Some(i) => {
                let (workspace, attempt) = (report.scope.workspace, &mut held.attempts[i]);
                self.advance(workspace, attempt, report.state, report.reason, report.at);
            }
            None => self.unknown += 1,
        }
        self.installs.insert(key, held);
    }

    /// Moves an attempt on. States only rise, so the order of reports and their repetition do not matter.
    fn advance(
        &mut self,
        workspace: i64,
        (row, changed): &mut (AttemptRow, bool),
        state: DeviceState,
        reason: i64,
        at: i64,
    ) {
        if state <= row.state {
            return;
        }
        let rollout = row.rollout.id;
        let outcome = CellKey::Outcome(row.place, rollout);
        self.count(workspace, outcome, state_number(row.state), -1);
        self.count(workspace, outcome, state_number(state), 1);
        if row.reason != 0 {
            let old = (row.place, rollout, row.reason);
            *self.reasons.entry(old).or_default() -= 1;
        }
        let fails = matches!(state, DeviceState::Failed | DeviceState::RolledBack);
        let reason = if fails { reason } else { 0 };
        if reason != 0 {
            let new = (row.place, rollout, reason);
            *self.reasons.entry(new).or_default() += 1;
        }
        let minute = CellKey::Minute(rollout, at - at.rem_euclid(60));
        match state {
            DeviceState::Confirmed => self.count(workspace, minute, 0, 1),
            DeviceState::RolledBack => self.count(workspace, minute, 1, 1),
            _ => {}
        }
        if let Some(network) = row.network {
            let counted = |s: DeviceState| i64::from(s >= DeviceState::Applied);
            let before = if row.at > row.rollout.since {
                counted(row.state)
            } else {
                0
            };
            let sample = counted(state) - before;
            let failures = i64::from(state == DeviceState::RolledBack);
            if sample != 0 || failures != 0 {
                let gate = self.gates.entry((rollout, network)).or_default();
                gate.0 += sample;
                gate.1 += failures;
            }
        }
        (row.state, row.reason, row.at) = (state, reason, at);
        *changed = true;
    }
}

/// The newest attempt in which a build was offered, or the one that is named.
fn newest(attempts: &[(AttemptRow, bool)], build: u32, attempt: Option<&str>) -> Option<usize> {
    let all = attempts.iter().enumerate();
    all.filter(|(_, (a, _))| {
        a.rollout.build == build && attempt.is_none_or(|t| t == a.rollout.attempt)
    })
    .max_by(|(_, (a, _)), (_, (b, _))| a.rollout.attempt.cmp(&b.rollout.attempt))
    .map(|(i, _)| i)
}
