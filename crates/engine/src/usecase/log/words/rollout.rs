//! A channel, before and after: what is approved there, and what devices get.

use std::collections::BTreeSet;

use headgate_core::native::Native;
use headgate_core::rollout::{Base, Entry, RolloutDocument, RolloutState};
use headgate_core::settings::Settings;
use headgate_core::{native, percent};

use super::settings::gate;
use super::{ChannelMove, LogChange, LogKind, Said, Words, list, plain, strong};

/// What became of a channel; nothing when its roles say the same as before.
pub(super) fn channel(moved: &ChannelMove<'_>, settings: Option<&Settings>) -> Option<Words> {
    let place = place(moved, settings);
    let builds = mentioned(moved);
    let name = |build: u32| name(moved, &builds, build);
    let served = moved
        .rollout
        .as_ref()
        .and_then(|(before, after)| served(before.as_ref(), after.as_ref()?, &place, &name));
    let mut words = match (moved.approved.last(), served) {
        (Some((manifest, from)), served) => {
            let starts = served.as_ref().is_some_and(|s| s.starts(manifest.build));
            let mut words = approved(manifest, from.as_ref().map(ToString::to_string), &place);
            if starts {
                words.detail = share(moved);
            } else if words.kind == LogKind::Ship {
                words.kind = LogKind::Approve;
                words.says[0] = plain("approved ");
                words.says[2] = plain(format!(", build {}, for ", manifest.build));
            }
            words
                .changes
                .extend(served.map(|s| s.changes).unwrap_or_default());
            words
        }
        (None, Some(served)) => served.words(moved),
        (None, None) if !moved.withdrawn.is_empty() => {
            let builds = list(moved.withdrawn.iter().map(|b| name(*b)));
            let says = vec![
                plain("took the approval of "),
                strong(builds),
                plain(" on "),
                strong(&place),
                plain(" away"),
            ];
            Words::new(LogKind::Approve, says)
        }
        (None, None) => return None,
    };
    let what = format!("approved on {place}");
    let says = |m: &headgate_core::ReleaseManifest| format!("{}, build {}", m.version, m.build);
    let mut changes: Vec<LogChange> = moved
        .approved
        .iter()
        .filter_map(|(manifest, _)| LogChange::new(&what, None, Some(says(manifest))))
        .collect();
    changes.append(&mut words.changes);
    words.changes = changes;
    if !moved.withdrawn.is_empty() {
        let builds = list(moved.withdrawn.iter().map(|b| name(*b)));
        let what = format!("approved on {place}");
        words
            .changes
            .extend(LogChange::new(what, Some(builds), None));
    }
    words.place = Some((moved.unit.to_string(), moved.channel.to_string()));
    Some(words)
}

/// Builds that the documents of a channel name.
fn mentioned(moved: &ChannelMove<'_>) -> BTreeSet<u32> {
    let documents = moved
        .rollout
        .iter()
        .flat_map(|(before, after)| [before, after]);
    let builds = documents.flatten().flat_map(|d| {
        let served = d.names().map(|(build, _)| build);
        served.chain(d.keep.iter().copied()).collect::<Vec<_>>()
    });
    builds.chain(moved.withdrawn.iter().copied()).collect()
}

/// "4.2.4", and its build where another one that is named has the same version.
fn name(moved: &ChannelMove<'_>, builds: &BTreeSet<u32>, build: u32) -> String {
    let version = (moved.version)(build);
    let twin = |other: &u32| *other != build && (moved.version)(*other) == version;
    match &version {
        None => format!("build {build}"),
        Some(version) if builds.iter().any(twin) => format!("{version} (build {build})"),
        Some(version) => version.clone(),
    }
}

/// "production", and the portal's name where there are several.
fn place(moved: &ChannelMove<'_>, settings: Option<&Settings>) -> String {
    match settings {
        Some(s) if s.units.len() > 1 => {
            let label = s.unit(moved.unit.as_str()).map(|u| u.label.clone());
            let unit = label.unwrap_or_else(|| moved.unit.to_string());
            format!("{} of {unit}", moved.channel)
        }
        _ => moved.channel.to_string(),
    }
}

fn approved(manifest: &headgate_core::ReleaseManifest, from: Option<String>, place: &str) -> Words {
    let mut words = match from {
        Some(from) => Words::new(
            LogKind::Promote,
            vec![
                plain("promoted "),
                strong(&manifest.version),
                plain(format!(" from {from} to ")),
                strong(place),
            ],
        ),
        None => Words::new(
            LogKind::Ship,
            vec![
                plain("released "),
                strong(&manifest.version),
                plain(format!(", build {}, to ", manifest.build)),
                strong(place),
            ],
        ),
    };
    words.release = Some((manifest.version.clone(), manifest.build));
    words
}

/// What a new release begins with.
fn share(moved: &ChannelMove<'_>) -> Option<String> {
    let (before, after) = moved.rollout.as_ref()?;
    let after = after.as_ref()?;
    let builds = mentioned(moved);
    let name = |build: u32| name(moved, &builds, build);
    let begins = match after.entries.first() {
        Some(entry) => format!("Begins with {} of the devices", percent(entry.permille)),
        None => "Offered to everyone".into(),
    };
    let was = before
        .as_ref()
        .map_or_else(|| "nothing".into(), |d| standing(d, &name));
    Some(format!("{begins}; was {was}"))
}

/// A change of what devices get.
struct Served {
    kind: LogKind,
    says: Vec<Said>,
    detail: Option<String>,
    changes: Vec<LogChange>,
    build: Option<u32>,
}

impl Served {
    /// It is the beginning of a rollout of this build.
    fn starts(&self, build: u32) -> bool {
        self.kind == LogKind::Start && self.build == Some(build)
    }

    fn words(self, moved: &ChannelMove<'_>) -> Words {
        let mut words = Words::new(self.kind, self.says);
        words.detail = self.detail;
        words.changes = self.changes;
        words.release = self.build.and_then(|b| Some(((moved.version)(b)?, b)));
        words
    }
}

fn served(
    before: Option<&RolloutDocument>,
    after: &RolloutDocument,
    place: &str,
    name: &dyn Fn(u32) -> String,
) -> Option<Served> {
    let changes = changes(before, after, place, name);
    if changes.is_empty() {
        return None;
    }
    let was = before.map_or_else(|| "nothing".into(), |d| standing(d, name));
    let old = before.and_then(|d| d.entries.first());
    let new = after.entries.first();
    let serving = after.serving().release;
    let on = || vec![plain(" in "), strong(place)];
    let about = |verb: &str, build: u32| vec![plain(format!("{verb} ")), strong(name(build))];
    let with = |mut says: Vec<Said>, more: Vec<Said>| {
        says.extend(more);
        says
    };
    let at = |entry: &Entry| vec![plain(" at "), strong(percent(entry.permille))];
    let mut detail = Some(format!("Was {was}"));
    let same = |new: &Entry| old.filter(|old| old.release == new.release);
    if let (Some(before), true) = (before, changes.len() == 1)
        && let Some(said) = freeze(before, after, place)
    {
        return Some(Served {
            changes,
            build: serving,
            ..said
        });
    }
    let (kind, says) = match (new, &after.base) {
        (Some(entry), _) => match same(entry) {
            None => (
                LogKind::Start,
                with(
                    about("began to roll out", entry.release),
                    with(on(), at(entry)),
                ),
            ),
            Some(old) if old.state != entry.state && entry.state == RolloutState::Halted => {
                detail = None;
                (
                    LogKind::Halt,
                    with(about("halted", entry.release), with(on(), at(entry))),
                )
            }
            Some(old) if old.state != entry.state && entry.state == RolloutState::RollingOut => {
                detail = None;
                (
                    LogKind::Resume,
                    with(about("resumed", entry.release), with(on(), at(entry))),
                )
            }
            Some(old) if old.permille != entry.permille => {
                detail = Some(format!("Was {}", percent(old.permille)));
                let to = vec![plain(" to "), strong(percent(entry.permille))];
                (
                    LogKind::Advance,
                    with(about("advanced", entry.release), with(on(), to)),
                )
            }
            Some(old) if old.native != entry.native => {
                detail = Some(format!("Was {}", natives(old.native.as_ref())));
                let to = vec![plain(" to "), strong(natives(entry.native.as_ref()))];
                let says = about("set native versions of", entry.release);
                (LogKind::Native, with(says, with(on(), to)))
            }
            Some(_) => other(&changes, place, &mut detail),
        },
        (None, Base::Release(base)) if before.is_none_or(|d| d.base != after.base) => {
            let build = base.release;
            let same = before.and_then(|d| d.base.build()) == Some(build) && old.is_none();
            if base.rolled_back && !same {
                let from = before.and_then(|d| d.serving().release);
                let mut says = vec![plain("rolled back "), strong(place)];
                says.extend(from.map(|from| plain(format!(" from {}", name(from)))));
                (
                    LogKind::RollBack,
                    with(says, vec![plain(" to "), strong(name(build))]),
                )
            } else if old.is_some_and(|old| old.release == build) {
                detail = old.map(|old| format!("Was {}", percent(old.permille)));
                let says = about("completed", build);
                let to = vec![plain(": "), strong(percent(1000))];
                (LogKind::Complete, with(says, with(on(), to)))
            } else if same {
                let says = about("set native versions of", build);
                let to = vec![plain(" to "), strong(natives(base.native.as_ref()))];
                (LogKind::Native, with(says, with(on(), to)))
            } else {
                let to = vec![plain(" at "), strong(percent(1000))];
                (
                    LogKind::Start,
                    with(about("began to roll out", build), with(on(), to)),
                )
            }
        }
        (None, Base::Release(base)) if old.is_some() => {
            // The rollout above an unchanged base is gone: a way back to that base.
            let says = vec![
                plain("rolled back "),
                strong(place),
                plain(" to "),
                strong(name(base.release)),
            ];
            (LogKind::RollBack, says)
        }
        (None, Base::Embedded)
            if before.is_none_or(|d| d.base != Base::Embedded || old.is_some()) =>
        {
            let says = vec![
                plain("returned "),
                strong(place),
                plain(" to the "),
                strong("embedded build"),
            ];
            (LogKind::Embedded, says)
        }
        _ => other(&changes, place, &mut detail),
    };
    Some(Served {
        kind,
        says,
        detail,
        build: serving,
        changes,
    })
}

/// A channel that was closed or opened, if that is what changed.
fn freeze(before: &RolloutDocument, after: &RolloutDocument, place: &str) -> Option<Served> {
    let (kind, verb, detail) = match (&before.frozen, &after.frozen) {
        // The reason stands with the entry.
        (None, Some(_)) => (LogKind::Freeze, "froze ", None),
        (Some(f), None) => (
            LogKind::Unfreeze,
            "unfroze ",
            Some(format!("Was frozen by {}: {}", f.by, f.why)),
        ),
        _ => return None,
    };
    Some(Served {
        kind,
        says: vec![plain(verb), strong(place)],
        detail,
        changes: Vec::new(),
        build: None,
    })
}

/// Gate, steps and the like.
fn other(changes: &[LogChange], place: &str, detail: &mut Option<String>) -> (LogKind, Vec<Said>) {
    let [one] = changes else {
        *detail = Some(list(changes.iter().map(|c| c.what.clone())));
        let count = strong(format!("{} settings", changes.len()));
        return (
            LogKind::Rollout,
            vec![
                plain("changed "),
                count,
                plain(" of the rollout in "),
                strong(place),
            ],
        );
    };
    *detail = one.from.as_ref().map(|from| format!("Was {from}"));
    let says = match &one.to {
        Some(to) => vec![plain("set "), strong(&one.what), plain(" to "), strong(to)],
        None => vec![plain("took away "), strong(&one.what)],
    };
    (LogKind::Rollout, says)
}

fn changes(
    before: Option<&RolloutDocument>,
    after: &RolloutDocument,
    place: &str,
    name: &dyn Fn(u32) -> String,
) -> Vec<LogChange> {
    let mut found = Vec::new();
    found.extend(LogChange::new(
        format!("served in {place}"),
        Some(before.map_or_else(|| "nothing".into(), |d| standing(d, name))),
        Some(standing(after, name)),
    ));
    found.extend(LogChange::new(
        format!("everyone else in {place}"),
        before
            .filter(|d| !d.entries.is_empty())
            .map(|d| base(&d.base, name)),
        (!after.entries.is_empty()).then(|| base(&after.base, name)),
    ));
    let range = |d: &RolloutDocument| match (d.entries.first(), &d.base) {
        (Some(entry), _) => entry.native.clone(),
        (None, Base::Release(base)) => base.native.clone(),
        _ => None,
    };
    found.extend(LogChange::new(
        format!("native versions in {place}"),
        before
            .map(|d| natives(range(d).as_ref()))
            .or_else(|| Some(natives(None))),
        Some(natives(range(after).as_ref())),
    ));
    let frozen = |d: &RolloutDocument| {
        d.frozen
            .as_ref()
            .map(|f| format!("frozen by {}: {}", f.by, f.why))
    };
    found.extend(LogChange::new(
        format!("freeze of {place}"),
        before.and_then(frozen),
        frozen(after),
    ));
    // With another release the rollout's own settings are new anyway; they are changes only of the same rollout.
    if let Some(before) = before.filter(|b| b.attempt() == after.attempt()) {
        let steps = |d: &RolloutDocument| {
            let steps: Vec<String> = d.steps.iter().map(|s| percent(*s)).collect();
            (!steps.is_empty()).then(|| steps.join(", "))
        };
        found.extend(LogChange::new(
            format!("steps in {place}"),
            steps(before),
            steps(after),
        ));
        found.extend(LogChange::new(
            format!("hours of a step in {place}"),
            Some(format!("{} h", before.min_hours)),
            Some(format!("{} h", after.min_hours)),
        ));
        found.extend(LogChange::new(
            format!("gate of the rollout in {place}"),
            before.gate.as_ref().map(gate),
            after.gate.as_ref().map(gate),
        ));
    }
    let kept = |d: &RolloutDocument| {
        let names: Vec<String> = d.keep.iter().map(|b| name(*b)).collect();
        (!names.is_empty()).then(|| names.join(", "))
    };
    found.extend(LogChange::new(
        format!("kept by their holders in {place}"),
        before.and_then(kept),
        kept(after),
    ));
    found
}

/// What a channel serves: "4.2.4 at 10 %", "4.2.4 at 10 %, halted", "4.2.3 to everyone".
fn standing(document: &RolloutDocument, name: &dyn Fn(u32) -> String) -> String {
    match document.entries.first() {
        Some(entry) => {
            let halted = if entry.state == RolloutState::Halted {
                ", halted"
            } else {
                ""
            };
            format!(
                "{} at {}{halted}",
                name(entry.release),
                percent(entry.permille)
            )
        }
        None => base(&document.base, name),
    }
}

fn base(base: &Base, name: &dyn Fn(u32) -> String) -> String {
    match base {
        Base::Nothing => "nothing".into(),
        Base::Embedded => "the embedded build".into(),
        Base::Release(release) => format!("{} to everyone", name(release.release)),
    }
}

fn natives(native: Option<&Native>) -> String {
    let words = native.map_or_else(|| "all native versions".into(), native::summary);
    words.trim_start_matches("Native ").to_owned()
}
