//! Health gates: what they say of the rollouts that run.

use std::collections::HashMap;

use headgate_core::Result;
use headgate_core::status::GateStatus;
use headgate_tuf::UtcTime;

use super::named_once;
use super::registry::{Source, Units};
use crate::catalog::ChannelServing;
use crate::state::AppState;
use crate::telemetry::AttemptKey;

impl Source {
    /// The gates of every rollout that has one, by `unit.channel`. One that cannot be asked stays as it was, so a gate that
    /// stopped a rollout stays shut; where nothing is known of it yet it is an error.
    pub(super) async fn gates_of(
        &self,
        units: &Units,
        state: &AppState,
        now: UtcTime,
    ) -> Result<HashMap<String, GateStatus>> {
        let before = self.gates();
        let mut gates = HashMap::new();
        for (_, unit) in units {
            for channel in named_once(unit) {
                let name = format!("{}.{}", unit.unit, channel.channel);
                let Some((build, gate)) = gated(channel) else {
                    continue;
                };
                let key = AttemptKey {
                    workspace: self.workspace.clone(),
                    channel: name.clone(),
                    build,
                    attempt: channel.attempt.clone().unwrap_or_default(),
                };
                let known = before.get(&name).filter(|s| s.attempt == key.attempt);
                let status = match (state.telemetry.gate(&key, gate, now).await, known) {
                    (Ok(status), _) => status,
                    (Err(problem), Some(known)) => {
                        tracing::error!(app = %self.app, channel = name, %problem, "a gate could not be asked");
                        known.clone()
                    }
                    (Err(problem), None) => return Err(problem),
                };
                if status.tripped.is_some() && known.is_none_or(|k| k.tripped.is_none()) {
                    let (sample, failures) = (status.sample, status.failures);
                    tracing::warn!(app = %self.app, channel = name, build, sample, failures, "the health gate stopped the rollout");
                    state.metrics.tripped(&self.app, &name);
                }
                gates.insert(name, status);
            }
        }
        Ok(gates)
    }
}

/// Build and gate of the newest rollout, as it was signed.
fn gated(channel: &ChannelServing) -> Option<(u32, headgate_core::rollout::Gate)> {
    let rollout = &channel.state.as_ref()?.rollout;
    Some((rollout.entries.first()?.release, rollout.gate?))
}
