//! What may be done with a rollout now, and what a change of it would do.

use headgate_core::rollout::{Base, Frozen, RolloutDocument};
use headgate_core::{Code, Problem, RolloutState, percent};
use headgate_engine::{ChannelFacts, RolloutChange, WINDOW_DAYS};

use crate::app::App;
use crate::dto::{self, IpcError};
use crate::effect::{effect, warnings};
use crate::ship::planned;
use crate::steps;

impl App {
    /// Derives what a change of a rollout would do and sign. Signs nothing.
    pub async fn rollout_prepare(
        &self,
        request: dto::RolloutChangeRequest,
    ) -> Result<dto::RolloutPlan, IpcError> {
        let console = &self.console;
        let workspace = console.workspace(&request.workspace).await?;
        let (unit, channel) = (&request.unit, &request.channel);
        let facts = console.facts(&workspace.id, unit, channel).await?;
        let change = change(&request, &facts)?;
        let plan = console
            .rollout_prepare(
                &workspace.id,
                unit,
                channel,
                change.clone(),
                &request.reason,
            )
            .await?;
        let known = facts.server.linked && facts.server.as_of.is_some();
        let active = console.active(&workspace.id, &facts, WINDOW_DAYS).await?;
        let active = known.then_some(active);
        let target = match change {
            RolloutChange::RollBack { to } => to,
            _ => 0,
        };
        let outcomes = console
            .counts(&workspace.id, &facts, target, WINDOW_DAYS)
            .await?
            .outcomes;
        let effect = effect(&change, &facts, active.as_deref(), &outcomes);
        let vault = console.vault_info(&workspace);
        let (roles, keys) = planned(&plan.planned);
        Ok(dto::RolloutPlan {
            before: plan
                .before
                .as_ref()
                .map_or_else(|| "Nothing yet".into(), |d| stands(d, &facts)),
            after: stands(&plan.after, &facts),
            plan: plan.plan,
            affected: effect.affected,
            moved: effect.moved,
            cannot_follow: effect.cannot_follow,
            warnings: warnings(&change, &facts),
            change: request,
            roles,
            keys,
            vault: dto::Vault {
                kind: vault.kind,
                label: vault.label,
                why: vault.why,
            },
            problem: plan.planned.problem.map(IpcError::from),
            type_to_confirm: plan.type_to_confirm,
        })
    }

    /// Signs and publishes the change, as a job.
    pub async fn rollout_start(&self, request: dto::StartRequest) -> Result<dto::JobRef, IpcError> {
        self.ship_start(request).await
    }
}

fn change(
    request: &dto::RolloutChangeRequest,
    facts: &ChannelFacts,
) -> Result<RolloutChange, IpcError> {
    let missing = |field: &str, what: &str| {
        IpcError::from(Problem::new(Code::UsageArgument, what.to_owned()).field(field))
    };
    Ok(match request.action.as_str() {
        "advance" => {
            let document = facts.rollout.as_ref();
            let build = document.and_then(|d| d.entries.first()).map(|e| e.release);
            let usual = document.and_then(steps::next_share).map(u32::from);
            let share = request.permille.or(usual);
            RolloutChange::Share {
                build: build.ok_or_else(|| missing("action", "Nothing rolls out here."))?,
                permille: crate::ship::permille(
                    share.ok_or_else(|| missing("permille", "Which share?"))?,
                )?,
            }
        }
        "halt" => RolloutChange::Halt,
        "resume" => RolloutChange::Resume,
        "complete" => RolloutChange::Complete,
        "roll_back" => RolloutChange::RollBack {
            to: request
                .build
                .ok_or_else(|| missing("build", "Which release is it to go back to?"))?,
        },
        "embedded" => RolloutChange::Embedded,
        "freeze" => RolloutChange::Freeze,
        "unfreeze" => RolloutChange::Unfreeze,
        other => {
            return Err(missing("action", &format!("There is no action {other:?}.")));
        }
    })
}

/// All actions, those that cannot be done now with their reasons.
pub(crate) fn actions(facts: &ChannelFacts) -> Vec<dto::RolloutAction> {
    let document = facts.rollout.as_ref();
    let entry = document.and_then(|d| d.entries.first());
    let state = entry.map(|e| e.state);
    let stopped = facts.stopped().is_some();
    let everywhere = everywhere(facts);
    let next = document.and_then(steps::next_share);
    let rolling = state == Some(RolloutState::RollingOut);
    let halted = state == Some(RolloutState::Halted);
    let after_gate = halted && stopped;
    let none = || "No rollout is unfinished here.".to_owned();
    let not_rolling = || match state {
        Some(RolloutState::Halted) => "It is halted. Resume it first.".to_owned(),
        _ => none(),
    };
    // On a frozen channel nobody goes forward, those outside the rollout neither.
    let most = match document {
        Some(d) if d.frozen.is_some() => d.base.build().unwrap_or(0),
        _ => u32::MAX,
    };
    let lower = facts.serves().and_then(|now| {
        let mut approved = facts.approved.iter().map(|r| r.manifest.build);
        approved.find(|build| *build < now && *build <= most)
    });
    let action = |action: &str, permille, own: Option<String>, proposed: bool| {
        let disabled = everywhere.clone().or(own);
        dto::RolloutAction {
            action: action.into(),
            permille,
            proposed: proposed && disabled.is_none(),
            disabled,
        }
    };
    let may_advance = rolling && !stopped && steps::left(facts).is_none() && next.is_some();
    let frozen = document.and_then(|d| d.frozen.as_ref()).map(Frozen::says);
    let share = next.filter(|n| *n < 1000).map(u32::from);
    let last_step = rolling && share.is_none();
    let advance = (!rolling)
        .then(not_rolling)
        .or_else(|| last_step.then(|| "The next step is everyone: complete it.".to_owned()))
        .or_else(|| frozen.clone());
    vec![
        action("advance", share, advance, may_advance),
        action(
            "halt",
            None,
            (!rolling).then(not_rolling_halt(state)),
            stopped,
        ),
        action(
            "resume",
            None,
            (!halted)
                .then(|| "It is not halted.".to_owned())
                .or_else(|| frozen.clone()),
            false,
        ),
        action(
            "complete",
            None,
            (!rolling).then(not_rolling).or_else(|| frozen.clone()),
            may_advance && last_step,
        ),
        action(
            "roll_back",
            None,
            lower
                .is_none()
                .then(|| "No earlier release is approved here.".to_owned()),
            after_gate && lower.is_some(),
        ),
        action(
            "embedded",
            None,
            match document {
                None => Some("The channel serves nothing yet.".to_owned()),
                Some(d) if d.base == Base::Embedded && d.entries.is_empty() => {
                    Some("Devices return to it already.".to_owned())
                }
                Some(_) => None,
            },
            after_gate && lower.is_none(),
        ),
        match frozen {
            None => action("freeze", None, None, false),
            Some(_) => action("unfreeze", None, None, false),
        },
    ]
}

fn not_rolling_halt(state: Option<RolloutState>) -> impl FnOnce() -> String {
    move || match state {
        Some(RolloutState::Halted) => "It is halted already.".into(),
        _ => "No rollout is unfinished here.".into(),
    }
}

/// Why nothing can be done at all.
fn everywhere(facts: &ChannelFacts) -> Option<String> {
    if facts.rollout.is_none() {
        return Some("The channel serves nothing yet.".into());
    }
    if facts.busy {
        return Some(format!("A job is working on {}.", facts.channel.id));
    }
    if let Some(offline) = &facts.offline {
        return Some(format!("Storage could not be read: {}", offline.message));
    }
    (!facts.signable).then(|| "This computer has no key that signs rollouts here.".into())
}

/// What a channel serves, in words: "Rolling out 4.2.4 at 25 %".
fn stands(document: &RolloutDocument, facts: &ChannelFacts) -> String {
    let says = serves(document, facts);
    match &document.frozen {
        Some(_) => format!("{says}, frozen"),
        None => says,
    }
}

fn serves(document: &RolloutDocument, facts: &ChannelFacts) -> String {
    let serving = document.serving();
    let Some(build) = serving.release else {
        return match serving.base {
            Base::Embedded => "Devices return to the embedded build".into(),
            _ => "Nothing".into(),
        };
    };
    let (version, share) = (facts.version(build), percent(serving.permille));
    match serving.state {
        RolloutState::RollingOut => format!("Rolling out {version} at {share}"),
        RolloutState::Halted | RolloutState::Superseded => format!("{version} halted at {share}"),
        RolloutState::Complete => format!("{version} for everyone"),
    }
}
