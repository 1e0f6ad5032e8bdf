//! The adoption curve of a release: by the minute while it is young, else by day.

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::rollout::Base;
use headgate_engine::{ChannelCounts, ChannelFacts, confirmed_at};

use crate::dto;
use crate::steps::{began, marks};

/// A rollout is drawn by the minute for so long, seconds.
const YOUNG: i64 = 48 * 3600;
/// Longest curve by the minute, seconds.
const DAY: i64 = 86_400;
/// Most points of a curve by the minute.
const POINTS: i64 = 300;
/// Days of a curve by day.
const DAYS: u32 = 30;
/// Releases with a series of their own; the others are summed.
const SERIES: usize = 4;

/// The curve, with what happened on it.
pub(crate) fn adoption(facts: &ChannelFacts, counts: &ChannelCounts) -> dto::Adoption {
    let end = facts.counted().unix();
    let start = began(facts).unwrap_or(end);
    match facts.serves() {
        Some(build) if end - start <= YOUNG => by_minute(facts, counts, build),
        _ => by_day(facts, counts),
    }
}

fn by_minute(facts: &ChannelFacts, counts: &ChannelCounts, build: u32) -> dto::Adoption {
    let end = facts.counted().unix();
    let started = began(facts).unwrap_or(end);
    // One minute before, so that the curve starts where nobody had it.
    let start = (started.min(end) / 60 * 60 - 60).max(end - DAY);
    let step = ((end - start) / POINTS / 60 + 1) * 60;
    let mut times: Vec<i64> = (0..POINTS)
        .map(|i| start + i * step)
        .take_while(|t| *t < end)
        .collect();
    times.push(end);
    let mut devices = confirmed_at(&counts.minutes, &facts.attempts(), &times);
    let arrived = devices.last().copied().unwrap_or(0);
    let stayed = stayed(facts, counts, build, arrived);
    for n in &mut devices {
        *n += stayed;
    }
    let own = dto::AdoptionSeries {
        label: facts.version(build),
        build: Some(build),
        devices: devices.iter().copied().map(small).collect(),
    };
    let rest = others(facts, counts, build).map(|label| {
        let all: u64 = counts.active.iter().map(|c| c.installs).sum();
        dto::AdoptionSeries {
            label,
            build: None,
            devices: devices
                .iter()
                .map(|n| small(all.saturating_sub(*n)))
                .collect(),
        }
    });
    dto::Adoption {
        by: "minute".into(),
        marks: marks(facts, start),
        times,
        series: rest.into_iter().chain([own]).collect(),
    }
}

/// Devices that ran a release before everyone was brought back to it: they never left, so no arrival tells of them.
fn stayed(facts: &ChannelFacts, counts: &ChannelCounts, build: u32, arrived: u64) -> u64 {
    let base = facts.rollout.as_ref().map(|r| &r.base);
    if !matches!(base, Some(Base::Release(b)) if b.release == build && b.rolled_back) {
        return 0;
    }
    let on = counts.active.iter().filter(|c| c.build == Some(build));
    on.map(|c| c.installs).sum::<u64>().saturating_sub(arrived)
}

/// What devices run that do not run this release, most first: "4.2.3", "4.2.3, others". By the minute only the arrival
/// at one release is counted, so they are one series.
fn others(facts: &ChannelFacts, counts: &ChannelCounts, build: u32) -> Option<String> {
    let mut by: BTreeMap<Option<u32>, u64> = BTreeMap::new();
    for cell in counts.active.iter().filter(|c| c.build != Some(build)) {
        *by.entry(cell.build).or_default() += cell.installs;
    }
    by.retain(|_, installs| *installs > 0);
    let (most, _) = by.iter().max_by_key(|(_, installs)| **installs)?;
    let name = most.map_or_else(|| "Embedded".to_owned(), |b| facts.version(b));
    Some(if by.len() > 1 {
        format!("{name}, others")
    } else {
        name
    })
}

fn by_day(facts: &ChannelFacts, counts: &ChannelCounts) -> dto::Adoption {
    let first = facts.window(DAYS);
    let last = first + DAYS - 1;
    let known: BTreeSet<u32> = counts.daily.iter().map(|c| c.day).collect();
    let begin = known.first().copied().unwrap_or(last).max(first);
    let days: Vec<u32> = (begin..=last).collect();
    let mut by_build: BTreeMap<Option<u32>, Vec<u64>> = BTreeMap::new();
    for cell in counts.daily.iter().filter(|c| c.day >= begin) {
        let series = by_build
            .entry(cell.build)
            .or_insert_with(|| vec![0; days.len()]);
        let at = usize::try_from(cell.day - begin).unwrap_or(usize::MAX);
        if let Some(slot) = series.get_mut(at) {
            *slot += cell.installs;
        }
    }
    let embedded = by_build.remove(&None);
    let builds: Vec<u32> = by_build.keys().rev().flatten().copied().collect();
    let (own, rest) = builds.split_at(builds.len().min(SERIES));
    let mut series = Vec::new();
    let line = |label: String, build, devices: &[u64]| dto::AdoptionSeries {
        label,
        build,
        devices: devices.iter().copied().map(small).collect(),
    };
    if let Some(embedded) = &embedded {
        series.push(line("Embedded".into(), None, embedded));
    }
    if let Some(newest) = rest.first() {
        let mut sum = vec![0; days.len()];
        for build in rest {
            for (slot, n) in sum.iter_mut().zip(&by_build[&Some(*build)]) {
                *slot += n;
            }
        }
        let label = format!("{} and older", facts.version(*newest));
        series.push(line(label, None, &sum));
    }
    for build in own.iter().rev() {
        let devices = &by_build[&Some(*build)];
        series.push(line(facts.version(*build), Some(*build), devices));
    }
    let times: Vec<i64> = days.iter().map(|d| i64::from(*d) * DAY).collect();
    dto::Adoption {
        by: "day".into(),
        marks: marks(facts, i64::from(begin) * DAY),
        times,
        series,
    }
}

fn small(n: u64) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}
