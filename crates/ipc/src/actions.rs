//! What may be done with a rollout now, and what a change of it would do.

use std::collections::BTreeMap;

use headgate_core::rollout::{Base, RolloutDocument};
use headgate_core::status::{ActiveCell, DeviceState, Dialect, OutcomeCell};
use headgate_core::{Code, Problem, RolloutState, percent};
use headgate_engine::{ChannelFacts, RolloutChange, WINDOW_DAYS, grouped};

use crate::app::App;
use crate::dto::{self, IpcError};
use crate::figures::{devices, span};
use crate::ship::planned;
use crate::{rollouts, steps};

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
    let lower = facts
        .serves()
        .and_then(|now| facts.approved.iter().find(|r| r.manifest.build < now));
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
    let frozen = document
        .and_then(|d| d.frozen.as_ref())
        .map(|f| format!("Frozen by {}: {}", f.by, f.why));
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
            (!rolling).then(not_rolling).or(frozen),
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

struct Effect {
    affected: Vec<String>,
    moved: Option<u64>,
    cannot_follow: Vec<dto::CannotFollow>,
}

/// Who is affected, most important first. Without counts it says what happens without saying to how many.
fn effect(
    change: &RolloutChange,
    facts: &ChannelFacts,
    active: Option<&[ActiveCell]>,
    outcomes: &[OutcomeCell],
) -> Effect {
    let sum = |on: &dyn Fn(&ActiveCell) -> bool| {
        active.map(|cells| {
            let on = cells.iter().filter(|c| on(c));
            on.map(|c| c.installs).sum::<u64>()
        })
    };
    let current = facts.serves();
    let version = current.map(|b| facts.version(b)).unwrap_or_default();
    let on_it = sum(&|c| c.build == current && current.is_some());
    let total = sum(&|_| true);
    let who = |n: Option<u64>, word: &str| n.map_or_else(|| word.to_owned(), devices);
    let base = rollouts::base_says(facts);
    match change {
        RolloutChange::Halt => {
            let permille = facts
                .rollout
                .as_ref()
                .map_or(0, |r| u64::from(r.serving().permille));
            let waiting = total
                .zip(on_it)
                .map(|(all, on)| (all * permille / 1000).saturating_sub(on));
            Effect {
                affected: vec![
                    match waiting {
                        Some(n) => format!(
                            "About {} of the group are not on {version} yet and are no longer offered it",
                            devices(n)
                        ),
                        None => format!(
                            "Devices of the group that are not on {version} yet are no longer offered it"
                        ),
                    },
                    format!("{} keep {version}", who(on_it, "Devices that have it")),
                    format!(
                        "Everyone outside the group goes on as before, with {base} as the base"
                    ),
                ],
                moved: Some(0),
                cannot_follow: Vec::new(),
            }
        }
        RolloutChange::Resume => Effect {
            affected: vec![
                format!("The same devices as before are offered {version} again"),
                format!("Everyone outside the group stays on {base}"),
            ],
            moved: None,
            cannot_follow: Vec::new(),
        },
        RolloutChange::Share { permille, .. } => grows(facts, &version, *permille, total),
        RolloutChange::Complete => grows(facts, &version, 1000, total),
        RolloutChange::RollBack { to } => {
            let target = facts.version(*to);
            let there = sum(&|c| c.build == Some(*to));
            let moved = total.zip(there).map(|(all, t)| all - t);
            let others = moved.zip(on_it).map(|(m, on)| m.saturating_sub(on));
            let stuck = active.map_or(0, |_| failed_before(outcomes));
            let affected = vec![
                format!(
                    "{} go from {version} to {target} at their next check",
                    who(on_it, "Devices on it")
                ),
                format!(
                    "{} on other releases or the embedded build get {target} too",
                    who(others, "Devices")
                ),
                format!(
                    "{} on {target} already: nothing changes for them",
                    who(there, "Devices")
                ),
            ];
            let says = format!(
                "Marked {target} as failed once and never take it again. They keep what they run."
            );
            Effect {
                affected,
                moved,
                cannot_follow: cannot([(Dialect::Capgo, stuck)], &says),
            }
        }
        RolloutChange::Embedded => {
            let moved = sum(&|c| c.build.is_some() && c.place.dialect.returns_to_embedded());
            let mut affected = vec![
                format!(
                    "{} return to the web build in their app at their next check",
                    who(moved, "Devices")
                ),
                "Devices on the embedded build stay on it".into(),
            ];
            let stuck: BTreeMap<Dialect, u64> =
                active.map(rollouts::cannot_return).unwrap_or_default();
            if active.is_none() {
                affected.push(
                    "Ionic and Cordova clients cannot: they keep what they run until a release replaces it"
                        .into(),
                );
            } else if stuck.is_empty() {
                affected.push("Every client that was seen can do that".into());
            }
            Effect {
                affected,
                moved,
                cannot_follow: cannot(
                    stuck,
                    "Know no way back to the embedded build and keep what they run. Ship the embedded build as a release for them.",
                ),
            }
        }
    }
}

/// Those of whom there are any.
fn cannot(by: impl IntoIterator<Item = (Dialect, u64)>, says: &str) -> Vec<dto::CannotFollow> {
    let some = by.into_iter().filter(|(_, devices)| *devices > 0);
    some.map(|(dialect, devices)| dto::CannotFollow {
        client: crate::devices::label(dialect).into(),
        devices,
        says: says.into(),
    })
    .collect()
}

fn grows(facts: &ChannelFacts, version: &str, permille: u16, total: Option<u64>) -> Effect {
    let was = facts
        .rollout
        .as_ref()
        .map_or(0, |r| u64::from(r.serving().permille));
    let more = total.map(|all| all * u64::from(permille).saturating_sub(was) / 1000);
    let group = match more {
        Some(n) => format!("About {} more are offered {version}", devices(n)),
        None => format!("More devices are offered {version}"),
    };
    let rest = if permille >= 1000 {
        format!("{version} becomes what everyone gets")
    } else {
        format!("Everyone else stays on {}", rollouts::base_says(facts))
    };
    Effect {
        affected: vec![
            group,
            "Devices that have it keep it: a share only grows".into(),
            rest,
        ],
        moved: more,
        cannot_follow: Vec::new(),
    }
}

/// Installs of Capgo's client that rolled a release back: it never takes the same name again. In the worst attempt,
/// since one install may be in several.
fn failed_before(outcomes: &[OutcomeCell]) -> u64 {
    let mut by = BTreeMap::<&str, u64>::new();
    for cell in outcomes
        .iter()
        .filter(|c| c.place.dialect == Dialect::Capgo)
    {
        let n = cell.states.get(&DeviceState::RolledBack).unwrap_or(&0);
        *by.entry(&cell.attempt).or_default() += n;
    }
    by.into_values().max().unwrap_or(0)
}

fn warnings(change: &RolloutChange, facts: &ChannelFacts) -> Vec<String> {
    let larger = matches!(
        change,
        RolloutChange::Share { .. } | RolloutChange::Complete | RolloutChange::Resume
    );
    let mut list = Vec::new();
    if !larger {
        return list;
    }
    let gate = facts.gate();
    if let Some(gate) = gate.filter(|g| g.tripped.is_some()) {
        list.push(format!(
            "The health gate stopped this rollout: {} of {} attempts did not start. {}",
            grouped(gate.failures),
            grouped(gate.sample),
            match change {
                RolloutChange::Resume => "Resuming opens the gate, which then counts anew",
                _ => "A larger share stays stopped. Roll back, ship a fix, or halt and resume",
            }
        ));
    }
    if let Some(left) = steps::left(facts) {
        let at = steps::at_this_step(facts).unwrap_or(0);
        list.push(format!(
            "This step has lasted {} and is meant to last {} more",
            span(at),
            span(left)
        ));
    }
    match gate {
        Some(g) if g.sample < u64::from(g.gate.min_sample) => list.push(format!(
            "The health gate has seen {} of the {} attempts that it needs to judge",
            grouped(g.sample),
            grouped(g.gate.min_sample.into())
        )),
        None if facts.rollout.as_ref().is_some_and(|r| r.gate.is_some()) => {
            list.push("Nothing is known of its health: no update server counts it".into());
        }
        _ => {}
    }
    list
}
