//! The board in words.

use headgate_core::RolloutState;
use headgate_core::rollout::Frozen;
use headgate_engine::{self as engine, GateState};

use crate::app::App;
use crate::dto::{self, IpcError};

impl App {
    /// The board from the local cache, at once.
    pub async fn board(&self, request: dto::BoardRequest) -> Result<dto::Board, IpcError> {
        let board = self
            .console
            .board(&request.workspace, &request.unit)
            .await?;
        let last = board.channels.len().saturating_sub(1);
        let mut channels = Vec::new();
        for (i, c) in board.channels.iter().enumerate() {
            let mut shown = channel(c, i, last);
            if let Some(current) = &mut shown.current {
                let (facts, summary) = self
                    .console
                    .summary(&request.workspace, &request.unit, &c.id)
                    .await?;
                current.state = facts.state_text().into();
                current.health = summary.as_ref().map(crate::figures::health);
            }
            channels.push(shown);
        }
        let reading = self.console.server_reading(&request.workspace).await?;
        Ok(dto::Board {
            workspace: request.workspace,
            unit: dto::Unit {
                id: board.unit.0,
                label: board.unit.1,
            },
            as_of: board.as_of.map(|t| t.to_string()),
            offline: board.offline.map(IpcError::from),
            freshness: board.freshness.map(validity),
            channels,
            gates: board.gates.iter().map(gate).collect(),
            devices_known: reading.linked && reading.as_of.is_some(),
        })
    }
}

fn channel(c: &engine::ChannelBoard, position: usize, last: usize) -> dto::Channel {
    let stage = match position {
        0 => "internal",
        p if p == last => "live",
        _ => "test",
    };
    dto::Channel {
        id: c.id.clone(),
        label: c.label.clone(),
        stage: stage.into(),
        signatures: c.threshold,
        confirm: c.confirm.word().into(),
        start_permille: c.start_permille.into(),
        min_hours: c.min_hours,
        gate: c.gate.as_ref().map(crate::settings::limit),
        validity: Some(validity(c.validity)),
        current: c.serving.as_ref().map(serving),
        previous: c.previous.iter().map(past).collect(),
        served: c.serving.is_some() || c.embedded,
        frozen: c.frozen.as_ref().map(Frozen::says),
    }
}

fn serving(s: &engine::ServingBoard) -> dto::Serving {
    dto::Serving {
        release: release(&s.release),
        state: state(s.state).into(),
        permille: s.permille.into(),
        base: s.base.as_ref().map(past),
        others_embedded: s.others_embedded,
        steps: s.steps.iter().copied().map(u32::from).collect(),
        since: s.since.to_string(),
        by: s.by.clone(),
        health: None,
    }
}

pub(crate) fn state(state: RolloutState) -> &'static str {
    state.text()
}

pub(crate) fn release(r: &engine::ReleaseInfo) -> dto::Release {
    let m = &r.manifest;
    dto::Release {
        version: m.version.clone(),
        build: m.build,
        sha256: m.bundle.sha256.clone(),
        manifest: r.sha256.clone(),
        size: m.bundle.size,
        files: r.files,
        message: m.source.message.clone(),
        commit: m.source.commit.clone(),
        author: m.source.author.clone(),
        created: m.created.to_string(),
        native: r.native.clone(),
        allowed: u32::try_from(m.allowed.len()).unwrap_or(u32::MAX),
    }
}

fn past(p: &engine::PastRelease) -> dto::PreviousRelease {
    dto::PreviousRelease {
        version: p.version.clone(),
        build: p.build,
        sha256: p.sha256.clone(),
        released: p.approved.to_string(),
    }
}

fn validity(f: engine::Freshness) -> dto::Validity {
    dto::Validity {
        signed: f.signed.to_string(),
        expires: f.expires.to_string(),
        used_permille: f.used_permille,
        level: f.level().as_str().into(),
    }
}

pub(crate) fn gate(g: &engine::GateBoard) -> dto::Gate {
    let (state, label) = match g.state {
        GateState::Open => ("open", "Ready"),
        GateState::Empty => ("empty", "Empty"),
        GateState::Same => ("same", "Same release"),
        GateState::Closed => ("closed", "Key not here"),
        GateState::Busy => ("busy", "Working…"),
        GateState::Blocked => ("blocked", "Expired"),
        GateState::Frozen => ("blocked", "Frozen"),
    };
    dto::Gate {
        from: g.from.clone(),
        to: g.to.clone(),
        state: state.into(),
        label: label.into(),
        reason: g.reason.clone(),
        build: g.build,
    }
}
