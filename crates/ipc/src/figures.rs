//! Figures and ages in the shape that the window reads.

use headgate_core::rollout::Frozen;
use headgate_engine::{self as engine, ChannelFacts, Rate, ServerReading, Share, Summary};

use crate::dto::{self, IpcError};

pub(crate) fn server(reading: &ServerReading, window_days: u32) -> dto::ServerState {
    let state = match (reading.linked, &reading.problem) {
        (false, _) => "none",
        (true, Some(_)) => "offline",
        (true, None) => "ok",
    };
    dto::ServerState {
        state: state.into(),
        as_of: reading
            .as_of
            .filter(|_| reading.linked)
            .map(|t| t.to_string()),
        problem: reading.problem.clone().map(IpcError::from),
        window_days,
    }
}

pub(crate) fn share(share: Share) -> dto::DeviceShare {
    dto::DeviceShare {
        devices: share.devices,
        of: share.of,
    }
}

pub(crate) fn rate(rate: Rate) -> dto::FailureRate {
    dto::FailureRate {
        failures: rate.failures,
        attempts: rate.attempts,
        lower: rate.interval.map(|(low, _)| low),
        upper: rate.interval.map(|(_, high)| high),
        silent: rate.silent,
    }
}

pub(crate) fn health(summary: &Summary) -> dto::ServingHealth {
    dto::ServingHealth {
        active: share(summary.active),
        failures: rate(summary.failures),
        spark: summary.spark.clone(),
        stopped: summary.stopped.map(|t| t.to_string()),
    }
}

/// A release by its build number, as far as it is known.
pub(crate) fn past(facts: &ChannelFacts, build: u32) -> dto::PreviousRelease {
    let (version, sha256) = facts
        .known
        .get(&build)
        .cloned()
        .unwrap_or_else(|| (format!("build {build}"), String::new()));
    dto::PreviousRelease {
        version,
        build,
        sha256,
        released: facts
            .release(build)
            .map(|r| r.approved.to_string())
            .unwrap_or_default(),
    }
}

pub(crate) fn row(facts: &ChannelFacts, summary: Option<&Summary>) -> dto::RolloutRow {
    let serving = facts.rollout.as_ref().map(|r| r.serving());
    let build = serving.as_ref().and_then(|s| s.release);
    dto::RolloutRow {
        channel: facts.channel.id.to_string(),
        label: facts.channel.label.clone(),
        release: build.map(|b| past(facts, b)),
        state: facts.state_text().into(),
        permille: serving.map_or(0, |s| s.permille.into()),
        started: facts.rollout.as_ref().map(|r| r.started.to_string()),
        active: summary.map(|s| share(s.active)),
        failures: summary
            .filter(|_| build.is_some())
            .map(|s| rate(s.failures)),
        spark: summary.map(|s| s.spark.clone()).unwrap_or_default(),
        frozen: facts
            .rollout
            .as_ref()
            .and_then(|r| r.frozen.as_ref())
            .map(Frozen::says),
    }
}

/// "1 device", "18,652 devices".
pub(crate) fn devices(n: u64) -> String {
    let many = if n == 1 { "device" } else { "devices" };
    format!("{} {many}", engine::grouped(n))
}

/// A span in words: "12 min", "25 h", "4 d".
pub(crate) fn span(seconds: i64) -> String {
    let hours = seconds / 3600;
    match hours {
        ..=0 => format!("{} min", (seconds / 60).max(0)),
        1..=72 => format!("{hours} h"),
        _ => format!("{} d", hours / 24),
    }
}
