//! Figures of what devices make of a channel. Each has its denominator and its sample with it.

use headgate_core::rollout::Base;
use headgate_core::status::{ActiveCell, MinuteCell, OutcomeCell, Outcomes, wilson};
pub use headgate_core::text::grouped;
use headgate_core::{Result, RolloutDocument, RolloutState};
use headgate_tuf::UtcTime;

use super::facts::{ChannelCounts, ChannelFacts};
use crate::console::Console;
use crate::db::RolloutVersion;

/// Days that "active" looks back unless told otherwise.
pub const WINDOW_DAYS: u32 = 7;
/// Spans of a sparkline.
pub const SPANS: usize = 24;

/// Devices, of these many.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Share {
    /// Devices.
    pub devices: u64,
    /// Of these many.
    pub of: u64,
}

/// A failure rate with what it needs to be believed.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub struct Rate {
    /// Failed or rolled back.
    pub failures: u64,
    /// Installs with any state beyond offered.
    pub attempts: u64,
    /// The 95 % Wilson interval, shares from 0 to 1; nothing without attempts.
    pub interval: Option<(f64, f64)>,
    /// Devices on it whose clients report no failure, and which are not in these figures.
    pub silent: u64,
}

impl Rate {
    /// From counts.
    pub fn new(failures: u64, attempts: u64, silent: u64) -> Self {
        Self {
            failures,
            attempts,
            interval: wilson(failures, attempts),
            silent,
        }
    }

    /// "3 of 1,204 (0.25 %)", "no attempts".
    pub fn text(&self) -> String {
        if self.attempts == 0 {
            return "no attempts".into();
        }
        // Hundredths of a percent, rounded half up; counts are far below what overflows.
        let hundredths = (self.failures * 20_000 / self.attempts).div_ceil(2);
        format!(
            "{} of {} ({}.{:02} %)",
            grouped(self.failures),
            grouped(self.attempts),
            hundredths / 100,
            hundredths % 100
        )
    }
}

/// A day as text, `2026-11-26`.
pub fn day_text(day: u32) -> String {
    let text = UtcTime::from_unix(i64::from(day) * 86_400).to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// What devices make of what a channel serves.
#[derive(Debug, Clone, PartialEq)]
pub struct Summary {
    /// Devices on it, of those seen in the window.
    pub active: Share,
    /// Failures since it is what the channel serves.
    pub failures: Rate,
    /// Newly confirmed installs in each of [`SPANS`] equal spans, oldest first.
    pub spark: Vec<u32>,
    /// When the gate stopped it.
    pub stopped: Option<UtcTime>,
}

/// Installs that run this; nothing = the embedded build.
pub fn share(active: &[ActiveCell], build: Option<u32>) -> Share {
    let of = active.iter().map(|c| c.installs).sum();
    let on = active.iter().filter(|c| c.build == build);
    Share {
        devices: on.map(|c| c.installs).sum(),
        of,
    }
}

/// Installs on a build whose clients report no failure.
pub fn silent<'a>(active: impl IntoIterator<Item = &'a ActiveCell>, build: u32) -> u64 {
    let on = active.into_iter().filter(|c| c.build == Some(build));
    on.filter(|c| !c.place.dialect.reports_failures())
        .map(|c| c.installs)
        .sum()
}

/// Failures in these attempts, of the clients that report them.
pub fn rate<'a>(
    outcomes: impl IntoIterator<Item = &'a OutcomeCell>,
    attempts: &[String],
    silent: u64,
) -> Rate {
    let mut sum = Outcomes::default();
    for cell in outcomes {
        if attempts.contains(&cell.attempt) && cell.place.dialect.reports_failures() {
            sum.add(&cell.states);
        }
    }
    Rate::new(sum.failures, sum.attempts, silent)
}

/// Installs that had confirmed a release in these attempts at each of these times, which rise. An install is offered a
/// release once while a rollout goes on, so its attempts are added.
pub fn confirmed_at(minutes: &[MinuteCell], attempts: &[String], times: &[i64]) -> Vec<u64> {
    let own = minutes.iter().filter(|c| attempts.contains(&c.attempt));
    let mut cells: Vec<&MinuteCell> = own.collect();
    cells.sort_by_key(|c| c.at);
    let mut cells = cells.into_iter().peekable();
    let mut sum = 0;
    let mut total = |time: &i64| {
        while let Some(cell) = cells.next_if(|c| c.at <= *time) {
            sum += cell.confirmed;
        }
        sum
    };
    times.iter().map(&mut total).collect()
}

/// Newly confirmed installs in equal spans that end now: since the start, at most a day.
pub fn spark(
    minutes: &[MinuteCell],
    attempts: &[String],
    started: UtcTime,
    now: UtcTime,
) -> Vec<u32> {
    if minutes.is_empty() {
        return Vec::new();
    }
    let spans = i64::try_from(SPANS).unwrap_or(1);
    let length = (now.unix() - started.unix()).clamp(spans * 60, 86_400);
    // The first time is the start of the first span.
    let times: Vec<i64> = (0..=spans)
        .map(|i| now.unix() - length + length * i / spans)
        .collect();
    let totals = confirmed_at(minutes, attempts, &times);
    let step = |pair: &[u64]| u32::try_from(pair[1].saturating_sub(pair[0])).unwrap_or(u32::MAX);
    totals.windows(2).map(step).collect()
}

impl ChannelFacts {
    /// Build that the channel serves; nothing for the embedded build or nothing at all.
    pub fn serves(&self) -> Option<u32> {
        self.rollout.as_ref()?.serving().release
    }

    /// The versions during which the release was what the channel serves, without a break until now.
    pub fn run(&self) -> &[RolloutVersion] {
        let build = self.serves();
        let other = |v: &RolloutVersion| {
            let document = v.document.as_ref();
            document.and_then(|d| d.serving().release) != build
        };
        let from = self.history.iter().rposition(other).map_or(0, |i| i + 1);
        self.history.get(from..).unwrap_or_default()
    }

    /// Attempts of this run: completing a rollout begins another one, with the same release.
    pub fn attempts(&self) -> Vec<String> {
        let documents = self.run().iter().filter_map(|v| v.document.as_ref());
        let mut attempts: Vec<String> = documents
            .chain(&self.rollout)
            .map(RolloutDocument::attempt)
            .collect();
        attempts.dedup();
        attempts
    }

    /// `rolling_out`, `halted`, `complete`, `stopped_by_gate`, `embedded`, `nothing`.
    pub fn state_text(&self) -> &'static str {
        let Some(rollout) = &self.rollout else {
            return "nothing";
        };
        let serving = rollout.serving();
        match (serving.release, &serving.base) {
            (None, Base::Embedded) => "embedded",
            (None, _) => "nothing",
            (Some(_), _)
                if serving.state == RolloutState::RollingOut && self.stopped().is_some() =>
            {
                "stopped_by_gate"
            }
            (Some(_), _) => serving.state.text(),
        }
    }

    /// What devices make of what the channel serves; nothing when no counts were ever read.
    pub fn summary(&self, counts: &ChannelCounts) -> Option<Summary> {
        self.server.as_of.filter(|_| self.server.linked)?;
        let rollout = self.rollout.as_ref()?;
        let build = self.serves();
        let quiet = build.map_or(0, |b| silent(&counts.active, b));
        Some(Summary {
            active: share(&counts.active, build),
            failures: rate(&counts.outcomes, &self.attempts(), quiet),
            spark: spark(
                &counts.minutes,
                &self.attempts(),
                self.run().first().map_or(rollout.started, |v| v.at),
                self.counted(),
            ),
            stopped: self.stopped(),
        })
    }

    /// When the counts end: as of then, or now.
    pub fn counted(&self) -> UtcTime {
        self.server.as_of.unwrap_or(self.now)
    }
}

impl Console {
    /// What devices make of what a channel serves.
    ///
    /// # Errors
    /// As [`Self::facts`].
    pub async fn summary(
        &self,
        workspace: &str,
        unit: &str,
        channel: &str,
    ) -> Result<(ChannelFacts, Option<Summary>)> {
        let facts = self.facts(workspace, unit, channel).await?;
        let build = facts.serves().unwrap_or(0);
        let counts = self.counts(workspace, &facts, build, WINDOW_DAYS).await?;
        let summary = facts.summary(&counts);
        Ok((facts, summary))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::BTreeMap;

    use headgate_core::Platform;
    use headgate_core::status::{DeviceState, Dialect, Place};
    use headgate_tuf::Name;

    fn name(text: &str) -> Name {
        Name::new(text).unwrap()
    }

    fn place(dialect: Dialect) -> Place {
        Place {
            unit: name("main"),
            channel: name("production"),
            dialect,
            platform: Platform::Ios,
            native: "4.2.0".into(),
        }
    }

    fn minute(attempt: &str, at: i64, confirmed: u64) -> MinuteCell {
        MinuteCell {
            unit: name("main"),
            channel: name("production"),
            build: 2,
            attempt: attempt.into(),
            at,
            confirmed,
            rolled_back: 0,
        }
    }

    fn outcome(dialect: Dialect, attempt: &str, states: &[(DeviceState, u64)]) -> OutcomeCell {
        OutcomeCell {
            place: place(dialect),
            build: 2,
            attempt: attempt.into(),
            states: states.iter().copied().collect(),
            reasons: BTreeMap::new(),
        }
    }

    #[test]
    fn a_rate_leaves_out_other_attempts_and_clients_that_never_report_a_failure() {
        let cells = [
            outcome(
                Dialect::Capgo,
                "b",
                &[
                    (DeviceState::Offered, 40),
                    (DeviceState::Confirmed, 90),
                    (DeviceState::RolledBack, 7),
                    (DeviceState::Failed, 3),
                ],
            ),
            outcome(Dialect::Capgo, "a", &[(DeviceState::RolledBack, 500)]),
            outcome(Dialect::Ionic, "b", &[(DeviceState::Confirmed, 900)]),
        ];
        let rate = rate(&cells, &["b".to_owned()], 900);
        assert_eq!((rate.failures, rate.attempts, rate.silent), (10, 100, 900));
        assert_eq!(rate.interval, wilson(10, 100));
        assert_eq!(rate.text(), "10 of 100 (10.00 %)");
        assert_eq!(Rate::new(56, 18_204, 0).text(), "56 of 18,204 (0.31 %)");
        assert_eq!(Rate::default().text(), "no attempts");
    }

    #[test]
    fn attempts_of_one_run_are_added_and_others_left_out() {
        let minutes = [
            minute("earlier", 60, 400),
            minute("a", 60, 10),
            minute("b", 180, 3),
            minute("a", 120, 5),
        ];
        let attempts = ["a".to_owned(), "b".to_owned()];
        let at = confirmed_at(&minutes, &attempts, &[0, 60, 120, 180, 240]);
        assert_eq!(at, [0, 10, 15, 18, 18]);
    }

    #[test]
    fn a_sparkline_has_a_span_for_each_hour_of_a_day() {
        let now = UtcTime::from_unix(10 * 86_400);
        let hour = |n: i64| now.unix() - n * 3600;
        let minutes = [
            minute("a", hour(30), 7),
            minute("a", hour(23), 4),
            minute("a", hour(0), 2),
        ];
        let started = UtcTime::from_unix(hour(48));
        let spark = spark(&minutes, &["a".to_owned()], started, now);
        assert_eq!(spark.len(), SPANS);
        assert_eq!((spark[0], spark[SPANS - 1]), (4, 2));
        assert_eq!(spark.iter().sum::<u32>(), 6);
    }

    #[test]
    fn thousands_are_set_apart() {
        for (n, text) in [
            (0, "0"),
            (999, "999"),
            (1_000, "1,000"),
            (74_608_123, "74,608,123"),
        ] {
            assert_eq!(grouped(n), text);
        }
    }
}
