//! Health gates: what they say of the rollouts that run.

use std::collections::HashMap;

use headgate_core::Result;
use headgate_core::rollout::Gate;
use headgate_core::status::GateStatus;
use headgate_tuf::UtcTime;

use super::named_once;
use super::registry::{Source, Units};
use crate::catalog::ChannelServing;
use crate::state::AppState;
use crate::telemetry::AttemptKey;

/// What a gate says of the release that a channel serves.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Looked {
    build: u32,
    opened: UtcTime,
    /// What it counts; nothing for a document without a gate.
    pub(super) status: Option<GateStatus>,
    /// When it stopped the release.
    pub(super) tripped: Option<UtcTime>,
}

impl Looked {
    fn is_of(&self, key: &AttemptKey) -> bool {
        (self.build, self.opened) == (key.build, key.opened)
    }

    /// A channel as it is served: nobody is offered a release that is stopped. Without a rollout there is no other one, so
    /// the whole channel is withheld.
    pub(super) fn apply(&self, channel: &ChannelServing) -> Option<ChannelServing> {
        let rollout = &channel.state.as_ref()?.rollout;
        let stopped = self.tripped.is_some() && rollout.opened(self.build) == Some(self.opened);
        match rollout.entries.first() {
            _ if !stopped => None,
            Some(entry) if entry.release == self.build => Some(channel.with_gate(true)),
            _ => Some(channel.withholding(crate::dialect::headgate::STOPPED)),
        }
    }
}

impl Source {
    /// What the gates say, by `unit.channel`. One that cannot be asked stays as it was, so a gate that stopped a rollout
    /// stays shut; where nothing is known of it yet it is an error.
    pub(super) async fn gates_of(
        &self,
        units: &Units,
        state: &AppState,
        now: UtcTime,
    ) -> Result<HashMap<String, Looked>> {
        let before = self.looked();
        let mut gates = HashMap::new();
        for (_, unit) in units {
            for channel in named_once(unit) {
                let name = format!("{}.{}", unit.unit, channel.channel);
                // Of a rollout over a base that is stopped the base counts: it is what most devices would get.
                for (build, opened, gate) in opened(channel).into_iter().rev() {
                    let key = AttemptKey {
                        workspace: self.workspace.clone(),
                        channel: name.clone(),
                        build,
                        attempt: channel.attempt.clone().unwrap_or_default(),
                        opened,
                    };
                    let known = before.get(&name).filter(|l| l.is_of(&key));
                    let looked = match (look(state, &key, gate, now).await, known) {
                        (Ok(looked), _) => looked,
                        (Err(problem), Some(known)) => {
                            tracing::error!(app = %self.app, channel = name, %problem, "a gate could not be asked");
                            known.clone()
                        }
                        (Err(problem), None) => return Err(problem),
                    };
                    if looked.tripped.is_some() && known.is_none_or(|k| k.tripped.is_none()) {
                        tracing::warn!(app = %self.app, channel = name, build, "the health gate stopped the rollout");
                        state.metrics.tripped(&self.app, &name);
                    }
                    let stopped = looked.tripped.is_some();
                    gates.insert(name.clone(), looked);
                    if stopped {
                        break;
                    }
                }
            }
        }
        Ok(gates)
    }
}

async fn look(
    state: &AppState,
    key: &AttemptKey,
    gate: Option<Gate>,
    now: UtcTime,
) -> Result<Looked> {
    let status = match gate {
        Some(gate) => Some(state.telemetry.gate(key, gate, now).await?),
        None => None,
    };
    let tripped = match &status {
        Some(status) => status.tripped,
        None => state.telemetry.latched(key).await?,
    };
    Ok(Looked {
        build: key.build,
        opened: key.opened,
        status,
        tripped,
    })
}

/// What a person let go out in steps: the newest rollout, judged by its gate, and the base where a rollout led to it, which
/// is judged no more and stays stopped if it was.
fn opened(channel: &ChannelServing) -> Vec<(u32, UtcTime, Option<Gate>)> {
    let Some(state) = &channel.state else {
        return Vec::new();
    };
    let rollout = &state.rollout;
    let entry = rollout.entries.first().map(|e| (e.release, rollout.gate));
    let base = rollout.base.build().map(|build| (build, None));
    let builds = entry.into_iter().chain(base);
    builds
        .filter_map(|(build, gate)| Some((build, rollout.opened(build)?, gate)))
        .collect()
}
