//! What a change of a rollout does to devices, and what to know before it is signed.

use std::collections::BTreeMap;

use headgate_core::status::{ActiveCell, DeviceState, Dialect, OutcomeCell};
use headgate_engine::{ChannelFacts, RolloutChange, grouped};

use crate::figures::{devices, span};
use crate::{dto, rollouts, steps};

/// Whom a change reaches.
pub(crate) struct Effect {
    /// Sentences, most important first.
    pub(crate) affected: Vec<String>,
    /// Devices that move; nothing = not known.
    pub(crate) moved: Option<u64>,
    /// Who cannot follow.
    pub(crate) cannot_follow: Vec<dto::CannotFollow>,
}

/// Who is affected, most important first. Without counts it says what happens without saying to how many.
pub(crate) fn effect(
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
        RolloutChange::Freeze => Effect {
            affected: vec![
                "Devices go on as they are: what the channel serves, it serves to the same group"
                    .into(),
                "No release can be shipped or promoted to it, no share raised, nothing resumed"
                    .into(),
                "Halting, rolling back and returning to embedded stay possible".into(),
            ],
            moved: Some(0),
            cannot_follow: Vec::new(),
        },
        RolloutChange::Unfreeze => Effect {
            affected: vec![
                "Devices go on as they are".into(),
                "Releases can be shipped and promoted to it again, and shares raised".into(),
            ],
            moved: Some(0),
            cannot_follow: Vec::new(),
        },
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

pub(crate) fn warnings(change: &RolloutChange, facts: &ChannelFacts) -> Vec<String> {
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
