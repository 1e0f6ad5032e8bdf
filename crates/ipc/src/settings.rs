//! Handlers of settings that are signed.

use headgate_core::rollout::Gate;
use headgate_core::settings::Delivers;
use headgate_core::{Code, Confirm, Problem};
use headgate_engine::{ChannelDefaults, GateChoice, SettingsPlan};

use crate::app::App;
use crate::dto::{self, IpcError};
use crate::ship::{missing, permille, planned};

type Answer<T> = Result<T, IpcError>;

impl App {
    /// Derives what a change of what releases put into storage would sign.
    pub async fn deliver_prepare(&self, request: dto::DeliverRequest) -> Answer<dto::SettingsPlan> {
        let delivers = Delivers {
            zip: request.delivers.zip,
            files: request.delivers.files,
        };
        let prepared = self.console.deliver_prepare(&request.workspace, delivers);
        Ok(plan(prepared.await?))
    }

    /// Derives what a change of a channel's defaults would sign.
    pub async fn channel_prepare(&self, request: dto::ChannelChange) -> Answer<dto::SettingsPlan> {
        let set = ChannelDefaults {
            confirm: request.confirm.as_deref().map(Confirm::parse).transpose()?,
            start_permille: request.start_permille.map(permille).transpose()?,
            min_hours: request.min_hours,
            gate: request.gate.map(gate).transpose()?,
        };
        let prepared = self
            .console
            .channel_prepare(&request.workspace, &request.channel, set);
        Ok(plan(prepared.await?))
    }

    /// Signs and publishes one of these, as a job.
    pub async fn settings_start(&self, request: dto::StartRequest) -> Answer<dto::JobRef> {
        self.ship_start(request).await
    }
}

fn gate(change: dto::GateChange) -> Result<GateChoice, Problem> {
    let Some(limit) = change.limit else {
        return Ok(GateChoice::Off);
    };
    let max_failure_permille = u16::try_from(limit.max_failure_permille).map_err(|_| {
        let what = "A failure rate is between 0 % and 100 %.";
        Problem::new(Code::UsageArgument, what).field("gate")
    })?;
    Ok(GateChoice::On(Gate {
        min_sample: limit.min_sample,
        max_failure_permille,
    }))
}

fn plan(prepared: SettingsPlan) -> dto::SettingsPlan {
    let (roles, keys) = planned(&prepared.planned);
    dto::SettingsPlan {
        plan: prepared.plan,
        roles,
        keys,
        can_ask: prepared.planned.can_ask,
        missing: missing(&prepared.planned),
        problem: prepared.planned.problem.map(IpcError::from),
        type_to_confirm: prepared.type_to_confirm,
        now: prepared.channel.map(|c| dto::ChannelDefaults {
            confirm: c.confirm.word().into(),
            start_permille: c.start_permille.into(),
            min_hours: c.min_hours,
            gate: c.gate.as_ref().map(limit),
        }),
    }
}

/// A gate as the window shows it.
pub(crate) fn limit(gate: &Gate) -> dto::GateLimit {
    dto::GateLimit {
        min_sample: gate.min_sample,
        max_failure_permille: gate.max_failure_permille.into(),
    }
}
