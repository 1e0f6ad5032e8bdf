//! How fast bytes are acknowledged.

use std::collections::VecDeque;

/// Speeds are averaged over this, milliseconds.
const WINDOW: u64 = 10_000;

/// Samples closer together than this are one, milliseconds.
const APART: u64 = 200;

/// Acknowledged bytes over the last 10 s.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    /// Ticks and the total then, oldest first.
    samples: VecDeque<(u64, u64)>,
}

impl Meter {
    /// The total at this tick.
    pub(crate) fn at(&mut self, now: u64, total: u64) {
        // Something that was acknowledged is sent again after a failure: measure anew from there.
        if self.samples.back().is_some_and(|(_, last)| total < *last) {
            self.samples.clear();
        }
        if self
            .samples
            .back()
            .is_none_or(|(last, _)| now >= last + APART)
        {
            self.samples.push_back((now, total));
        }
        while self.samples.len() > 1 && self.samples[1].0 + WINDOW <= now {
            self.samples.pop_front();
        }
    }

    /// Bytes a second; 0 = not known yet.
    pub(crate) fn speed(&self, now: u64, total: u64) -> u64 {
        let Some((then, before)) = self.samples.front() else {
            return 0;
        };
        let took = now.saturating_sub(*then);
        if took < 2 * APART {
            return 0;
        }
        total.saturating_sub(*before).saturating_mul(1000) / took
    }
}

/// Whole seconds left; nothing while the speed is not known.
pub(crate) fn seconds_left(left: u64, speed: u64) -> Option<u32> {
    (speed > 0).then(|| u32::try_from(left.div_ceil(speed)).unwrap_or(u32::MAX))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_steady_flow_is_its_speed_and_a_stop_fades_within_the_window() {
        let mut meter = Meter::default();
        assert_eq!(meter.speed(0, 0), 0);
        for tenth in 0..300u64 {
            meter.at(tenth * 100, tenth * 4_800);
        }
        assert_eq!(meter.speed(29_900, 299 * 4_800), 48_000);
        for tenth in 300..430u64 {
            meter.at(tenth * 100, 299 * 4_800);
        }
        assert_eq!(meter.speed(42_900, 299 * 4_800), 0);
    }

    #[test]
    fn time_left_rounds_up_and_needs_a_speed() {
        assert_eq!(seconds_left(100, 0), None);
        assert_eq!(seconds_left(101, 10), Some(11));
        assert_eq!(seconds_left(0, 10), Some(0));
    }
}
