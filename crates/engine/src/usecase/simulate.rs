//! What a device would get, and why: the rule of server and devices, on what was read last. In words, with every step.

use headgate_core::offer::{Finding, Look, Part};
use headgate_core::rollout::Entry;
use headgate_core::share::{self, bucket};
use headgate_core::status::{Answer, InstallReport};
use headgate_core::{ChannelState, Device, Result, RolloutState, Why, explain, native, percent};

use super::facts::ChannelFacts;
use crate::console::Console;

/// Asks what a device would get.
#[derive(Debug, Clone)]
pub struct SimulateRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit.
    pub unit: String,
    /// Channel, or an alias that devices send.
    pub channel: String,
    /// The device.
    pub device: Device,
}

/// What a device gets, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Simulated {
    /// `release`, `up_to_date`, `embedded`, `nothing`.
    pub offer: String,
    /// Build that is offered.
    pub build: Option<u32>,
    /// "Gets 4.2.4, build 1301".
    pub says: String,
    /// "because it is in the 25 % group and its native version is in range".
    pub because: String,
    /// Code of the reason for nothing.
    pub why: Option<String>,
    /// What was looked at, in order.
    pub trace: Vec<TraceLine>,
}

/// A line of a trace.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceLine {
    /// `yes`, `no`, `info`.
    pub state: &'static str,
    /// One sentence.
    pub says: String,
}

impl TraceLine {
    fn new(state: &'static str, says: String) -> Self {
        Self { state, says }
    }

    fn fits(fits: bool, says: String) -> Self {
        Self::new(if fits { "yes" } else { "no" }, says)
    }
}

impl Console {
    /// What a device would get. Reads the cache alone.
    ///
    /// # Errors
    /// `usage.*`, `local.*`.
    pub async fn simulate(&self, request: SimulateRequest) -> Result<Simulated> {
        let facts = self
            .facts(&request.workspace, &request.unit, &request.channel)
            .await?;
        simulate(&facts, &request.device)
    }
}

fn simulate(facts: &ChannelFacts, device: &Device) -> Result<Simulated> {
    let answer = if let Some(why) = facts.withheld() {
        nothing(why)
    } else {
        match facts.deciding()? {
            None => nothing(Why::NothingServed.code().into()),
            Some(state) => Answer::of(&explain(&state, device)),
        }
    };
    Ok(in_words(facts, device, &answer))
}

/// What a server said about an install, in the same words.
pub fn reported(facts: &ChannelFacts, report: &InstallReport) -> Simulated {
    let device = Device {
        install_id: Some(report.install.clone()),
        platform: report.place.platform,
        native: report.place.native.clone(),
        running: report.running,
        failed: Vec::new(),
    };
    let mut answer = report.offer.clone();
    if !answer.consistent() {
        answer.trace.clear();
    }
    in_words(facts, &device, &answer)
}

fn nothing(why: String) -> Answer {
    Answer {
        offer: "nothing".into(),
        build: None,
        why: Some(why),
        trace: Vec::new(),
    }
}

impl ChannelFacts {
    /// Why nothing is offered to anyone: the update server withholds, or the signatures have expired.
    pub fn withheld(&self) -> Option<String> {
        let server = self.status.as_ref().and_then(|s| s.withheld.clone());
        server
            .filter(|_| self.server.linked)
            .or_else(|| (self.expires <= self.now).then(|| "stale".to_owned()))
    }

    /// What decides now: as signed, or with the newest rollout halted where the update server's gate stopped it.
    ///
    /// # Errors
    /// As [`Self::state`].
    pub fn deciding(&self) -> Result<Option<ChannelState>> {
        let mut state = self.state()?;
        if self.stopped().is_some()
            && let Some(entry) = state.as_mut().and_then(|s| s.rollout.entries.first_mut())
        {
            entry.state = RolloutState::Halted;
        }
        Ok(state)
    }
}

/// Why a channel is withheld, in words.
pub fn withheld_words(code: &str) -> String {
    match code {
        "stale" => "Freshness has expired, so devices take no update.".into(),
        "unapproved" => Why::Unapproved.text().into(),
        "stopped_by_gate" => "The health gate stopped this release before it was completed.".into(),
        _ => match headgate_core::Code::ALL.iter().find(|c| c.text() == code) {
            Some(code) => format!("The server does not believe what storage holds ({code})."),
            None => format!("The server withholds it: {code}."),
        },
    }
}

const WHYS: [Why; 7] = [
    Why::NothingServed,
    Why::NotInShare,
    Why::Halted,
    Why::NativeVersion,
    Why::OlderThanEmbedded,
    Why::Unapproved,
    Why::FailedHere,
];

fn in_words(facts: &ChannelFacts, device: &Device, answer: &Answer) -> Simulated {
    let says = match (answer.offer.as_str(), answer.build) {
        ("release", Some(build)) => format!("Gets {}", facts.name(build)),
        ("up_to_date", _) => match device.running {
            Some(build) => format!("Stays on {}", facts.name(build)),
            None => "Stays on its embedded build".into(),
        },
        ("embedded", _) => "Goes back to its embedded build".into(),
        _ => "Gets nothing and keeps what it runs".into(),
    };
    Simulated {
        offer: answer.offer.clone(),
        build: answer.build,
        says,
        because: because(facts, device, answer),
        why: answer.why.clone(),
        trace: lines(facts, device, answer),
    }
}

fn because(facts: &ChannelFacts, device: &Device, answer: &Answer) -> String {
    let last = answer.trace.last();
    let entry = last.and_then(|look| entry(facts, look.build?));
    match answer.offer.as_str() {
        "nothing" => {
            let code = answer.why.as_deref().unwrap_or_default();
            WHYS.iter()
                .find(|w| w.code() == code)
                .map_or_else(|| withheld_words(code), |w| w.text().to_owned())
        }
        "embedded" => "because the channel returns devices to the build in the app.".into(),
        "up_to_date" => match (last.map(|l| l.part), entry, device.running) {
            (Some(Part::Entry), Some(_), _) => "because it runs what rolls out.".into(),
            (Some(Part::Keep), ..) => {
                "because it holds a release that no share has reached yet.".into()
            }
            _ => "because it runs what everyone gets.".into(),
        },
        _ => match entry {
            Some(e) => format!(
                "because it is in the {} group and its native version is in range.",
                percent(e.permille)
            ),
            None if facts
                .rollout
                .as_ref()
                .is_some_and(|r| !r.entries.is_empty()) =>
            {
                "because everyone outside the rollout gets it.".into()
            }
            None => "because everyone on the channel gets it.".into(),
        },
    }
}

fn entry(facts: &ChannelFacts, build: u32) -> Option<&Entry> {
    let entries = facts.rollout.iter().flat_map(|r| &r.entries);
    entries.into_iter().find(|e| e.release == build)
}

fn lines(facts: &ChannelFacts, device: &Device, answer: &Answer) -> Vec<TraceLine> {
    let mut lines = vec![channel_line(facts)];
    if let Some(why) = facts.withheld() {
        lines.push(TraceLine::new("no", withheld_words(&why)));
    }
    if facts.stopped().is_some() {
        let says = "The health gate stopped the rollout: it takes no new device".to_owned();
        lines.push(TraceLine::new("no", says));
    }
    let entries = facts.rollout.iter().flat_map(|r| &r.entries);
    let builds = facts.rollout.iter().flat_map(|r| r.names());
    for build in builds.map(|(build, _)| build) {
        lines.extend(native_line(facts, device, build));
    }
    for e in entries {
        lines.push(share_line(facts, device, e));
    }
    lines.push(embedded_line(facts, device));
    let runs = match device.running {
        Some(build) => format!("Runs {}", facts.name(build)),
        None => "Runs its embedded build".into(),
    };
    lines.push(TraceLine::new("info", runs));
    lines.extend(answer.trace.iter().map(look_line));
    lines
}

fn channel_line(facts: &ChannelFacts) -> TraceLine {
    let label = &facts.channel.label;
    TraceLine::new(
        "yes",
        match &facts.alias {
            Some(alias) => format!("{label}, sent as ‘{alias}’, a signed alias"),
            None => format!("{label}, by its name"),
        },
    )
}

fn native_line(facts: &ChannelFacts, device: &Device, build: u32) -> Option<TraceLine> {
    let release = facts.release(build)?;
    let narrowed = entry(facts, build).and_then(|e| e.native.as_ref());
    let platform = device.platform;
    let signed = &release.manifest.native;
    let fits = signed.matches_both(narrowed, platform, &device.native);
    let range = |n: &headgate_core::Native| n.range(platform).map(native::NativeRange::words);
    let ranges: Vec<String> = [range(signed), narrowed.and_then(range)]
        .into_iter()
        .flatten()
        .collect();
    let version = &release.manifest.version;
    let what = format!("Native {} on {}", device.native, platform.label());
    Some(if ranges.is_empty() {
        TraceLine::fits(fits, format!("{what}: {version} runs on all"))
    } else {
        let inside = if fits { "in" } else { "outside" };
        let ranges = ranges.join(" and ");
        TraceLine::fits(fits, format!("{what}: {inside} {ranges} of {version}"))
    })
}

fn share_line(facts: &ChannelFacts, device: &Device, e: &Entry) -> TraceLine {
    let name = facts.name(e.release);
    let id = device.install_id.as_deref().filter(|id| !id.is_empty());
    let Some(id) = id else {
        return TraceLine::fits(
            e.permille >= share::ALL,
            format!("No install id: in no share of {name}"),
        );
    };
    let point = bucket(id, &e.salt);
    let inside = point < e.permille;
    let (side, group) = if inside {
        ("below", "in the group")
    } else {
        ("not below", "outside the group")
    };
    TraceLine::fits(
        inside,
        format!(
            "Share point {point} of 1,000: {side} {}, so {group} of {name}",
            e.permille
        ),
    )
}

fn embedded_line(facts: &ChannelFacts, device: &Device) -> TraceLine {
    let native = &device.native;
    let embedded = facts.unit.embedded.build(device.platform, native);
    TraceLine::new(
        "info",
        match embedded {
            Some(build) => format!("Native {native} embeds {}", facts.name(build)),
            None => format!("No embedded build is signed for native {native}"),
        },
    )
}

fn look_line(look: &Look) -> TraceLine {
    let state = match look.finding {
        Finding::Offered | Finding::Runs => "yes",
        Finding::Passed(_) => "no",
    };
    TraceLine::new(state, look.text().trim_end_matches('.').to_owned())
}
