//! Devices of a channel, one install, and what a device would get.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BTreeSet};

use headgate_core::status::{ActiveCell, Dialect, InstallReport, OutcomeCell};
use headgate_core::{Code, Device, Platform, Problem};
use headgate_engine::{self as engine, ChannelFacts, SimulateRequest, Simulated};

use crate::app::App;
use crate::dto::{self, IpcError};
use crate::figures::{past, server};
use crate::{reasons, rollouts};

impl App {
    /// Devices of a channel, from the local cache.
    pub async fn devices(&self, request: dto::DevicesRequest) -> Result<dto::Devices, IpcError> {
        let platform = request
            .platform
            .as_deref()
            .map(Platform::parse)
            .transpose()?;
        if !(1..=366).contains(&request.window_days) {
            let what = "The window is between 1 and 366 days.";
            return Err(Problem::new(Code::UsageArgument, what)
                .field("windowDays")
                .into());
        }
        let facts = self
            .console
            .facts(&request.workspace, &request.unit, &request.channel)
            .await?;
        let build = facts.serves().unwrap_or(0);
        let counts = self
            .console
            .counts(&request.workspace, &facts, build, request.window_days)
            .await?;
        let wanted = |p: Platform| platform.is_none_or(|only| only == p);
        let active: Vec<ActiveCell> = counts
            .active
            .into_iter()
            .filter(|c| wanted(c.place.platform))
            .collect();
        let attempts = facts.attempts();
        let own: Vec<&OutcomeCell> = counts
            .outcomes
            .iter()
            .filter(|c| attempts.contains(&c.attempt) && wanted(c.place.platform))
            .collect();
        Ok(dto::Devices {
            server: server(&facts.server, request.window_days),
            total: active.iter().map(|c| c.installs).sum(),
            releases: releases(&facts, &active),
            clients: clients(&facts, &active, platform.is_none()),
            natives: rollouts::natives(&active, &own, facts.serves()),
        })
    }

    /// Asks the server about one install.
    pub async fn install_lookup(
        &self,
        request: dto::InstallRequest,
    ) -> Result<dto::Installs, IpcError> {
        let (workspace, unit) = (&request.workspace, &request.unit);
        let reports = self
            .console
            .install(workspace, unit, &request.install)
            .await?;
        let mut installs = Vec::new();
        for report in reports {
            let channel = report.place.channel.as_str();
            match self.console.facts(workspace, unit, channel).await {
                Ok(facts) => installs.push(install(&facts, &report)),
                // A channel that this workspace does not have is another app's on the same server.
                Err(problem) if problem.code == Code::UsageUnknown => {}
                Err(problem) => return Err(problem.into()),
            }
        }
        Ok(dto::Installs { installs })
    }

    /// What a device would get, by the rule that server and devices use.
    pub async fn simulate(
        &self,
        request: dto::SimulateRequest,
    ) -> Result<dto::OfferAnswer, IpcError> {
        let native = request.native.trim().to_owned();
        if native.is_empty() || native.len() > 64 {
            let what = "A native version has 1 to 64 characters, such as 4.2.0.";
            return Err(Problem::new(Code::UsageArgument, what)
                .field("native")
                .into());
        }
        let device = Device {
            install_id: request
                .install
                .map(|id| id.trim().to_owned())
                .filter(|id| !id.is_empty()),
            platform: Platform::parse(&request.platform)?,
            native,
            running: request.running.filter(|b| *b > 0),
            failed: Vec::new(),
        };
        let simulated = self
            .console
            .simulate(SimulateRequest {
                workspace: request.workspace,
                unit: request.unit,
                channel: request.channel,
                device,
            })
            .await?;
        Ok(answer(simulated))
    }
}

fn answer(s: Simulated) -> dto::OfferAnswer {
    dto::OfferAnswer {
        offer: s.offer,
        says: s.says,
        because: s.because,
        why: s.why,
        trace: s
            .trace
            .into_iter()
            .map(|line| dto::TraceLine {
                state: line.state.into(),
                says: line.says,
            })
            .collect(),
    }
}

/// Devices by what they run, newest release first, the embedded build last.
fn releases(facts: &ChannelFacts, active: &[ActiveCell]) -> Vec<dto::DeviceRelease> {
    let mut by: BTreeMap<Option<u32>, u64> = BTreeMap::new();
    for cell in active {
        *by.entry(cell.build).or_default() += cell.installs;
    }
    let mut list: Vec<(Option<u32>, u64)> = by.into_iter().filter(|(_, n)| *n > 0).collect();
    list.sort_by_key(|(build, _)| Reverse(*build));
    list.into_iter()
        .map(|(build, devices)| dto::DeviceRelease {
            release: build.map(|b| past(facts, b)),
            says: match build {
                Some(build) => stands(facts, build),
                None => embedded(active),
            },
            devices,
        })
        .collect()
}

fn stands(facts: &ChannelFacts, build: u32) -> String {
    let Some(rollout) = &facts.rollout else {
        return "not served here".into();
    };
    let entry = rollout.entries.iter().find(|e| e.release == build);
    if let Some(e) = entry {
        let share = headgate_core::percent(e.permille);
        return match (facts.stopped(), e.state.text()) {
            (Some(_), "rolling_out") => format!("stopped by the gate at {share}"),
            (_, "halted") => format!("halted at {share}"),
            _ => format!("rolling out at {share}"),
        };
    }
    if rollout.base.build() == Some(build) {
        return if rollout.entries.is_empty() {
            "everyone gets it".into()
        } else {
            "base".into()
        };
    }
    if rollout.keep.contains(&build) {
        return "kept until a share reaches them".into();
    }
    match facts.release(build) {
        Some(_) => "approved, not served any more".into(),
        None => "not served any more".into(),
    }
}

fn embedded(active: &[ActiveCell]) -> String {
    let natives: BTreeSet<&str> = active
        .iter()
        .filter(|c| c.build.is_none() && c.installs > 0)
        .map(|c| c.place.native.as_str())
        .collect();
    let mut natives: Vec<&str> = natives.into_iter().rev().collect();
    let more = natives.len().saturating_sub(3);
    natives.truncate(3);
    let more = if more > 0 {
        format!(" and {more} more")
    } else {
        String::new()
    };
    format!("store {}{more}", natives.join(", "))
}

/// Name of a client.
pub(crate) fn label(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Headgate => "Headgate client",
        Dialect::Capgo => "Capgo updater",
        Dialect::Ionic => "Ionic Live Updates",
        Dialect::Cordova => "cordova-plugin-ionic",
    }
}

/// What a client verifies and reports.
fn says(dialect: Dialect) -> &'static str {
    match dialect {
        Dialect::Headgate => "Checks signatures, freshness and roll-backs, reports every step",
        Dialect::Capgo => "Checks bytes only, reports every step",
        Dialect::Ionic => "Checks bytes only, no failure signal from this client",
        Dialect::Cordova => "Checks nothing, no failure signal from this client",
    }
}

/// Devices by client. Versions are known of those with known defects alone.
fn clients(facts: &ChannelFacts, active: &[ActiveCell], all: bool) -> Vec<dto::DeviceClient> {
    let mut list = Vec::new();
    for dialect in Dialect::ALL {
        let cells = active.iter().filter(|c| c.place.dialect == dialect);
        let devices: u64 = cells.map(|c| c.installs).sum();
        if devices == 0 {
            continue;
        }
        let state = if dialect.verifies() {
            "good"
        } else {
            "trusts_server"
        };
        list.push(dto::DeviceClient {
            dialect: dialect.text().into(),
            version: None,
            label: label(dialect).into(),
            says: says(dialect).into(),
            state: state.into(),
            devices,
        });
    }
    let risky = facts.status.iter().flat_map(|s| &s.risky);
    for (client, devices) in risky.filter(|_| all) {
        let (name, version) = client.split_once(' ').unwrap_or((client, ""));
        let dialect = Dialect::ALL.into_iter().find(|d| d.text() == name);
        list.push(dto::DeviceClient {
            dialect: name.into(),
            version: Some(version.to_owned()).filter(|v| !v.is_empty()),
            label: dialect.map_or_else(|| name.to_owned(), |d| label(d).to_owned()),
            says: "This version has a known defect. Ship a newer one in the store app".into(),
            state: "risky".into(),
            devices: *devices,
        });
    }
    list
}

fn install(facts: &ChannelFacts, report: &InstallReport) -> dto::InstallView {
    let dialect = report.place.dialect;
    let plugin = report.plugin.as_deref().unwrap_or_default();
    dto::InstallView {
        install: report.install.clone(),
        channel: report.place.channel.to_string(),
        dialect: dialect.text().into(),
        client: format!("{} {plugin}", label(dialect)).trim_end().to_owned(),
        platform: report.place.platform.text().into(),
        native: report.place.native.clone(),
        running: match report.running {
            Some(build) => facts.name(build),
            None => "the embedded build".into(),
        },
        first_seen: report.first_seen.to_string(),
        last_seen: engine::day_text(report.last_day),
        offer: answer(engine::reported(facts, report)),
        events: report
            .events
            .iter()
            .map(|e| dto::InstallEventView {
                at: e.at.to_string(),
                release: facts.name(e.build),
                state: e.state.text().into(),
                reason: e.reason.as_deref().map(reasons::words),
            })
            .collect(),
    }
}
