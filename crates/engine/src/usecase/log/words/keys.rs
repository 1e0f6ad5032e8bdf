//! Keys, people and thresholds, before and after.

use std::collections::BTreeMap;

use headgate_tuf::metadata::{Delegation, RoleKeys, Root};

use super::{Facts, LogChange, LogKind, Words, list, one_or_many, plain, strong};

/// What changed about who may sign.
pub(super) fn changes(facts: &Facts<'_>) -> Vec<LogChange> {
    let mut found = Vec::new();
    for (before, after) in &facts.roots {
        if let Some(before) = before {
            root(before, after, facts, &mut found);
        }
    }
    if let Some((Some(before), after)) = facts.targets {
        let roles = |t: &headgate_core::settings::TopTargets| -> BTreeMap<String, RoleKeys> {
            let all = t.delegations.iter().flat_map(|d| &d.roles);
            all.map(|d: &Delegation| (d.name.clone(), d.role_keys()))
                .collect()
        };
        sets(&roles(before), &roles(after), facts, &mut found);
    }
    found
}

/// The sentence: a key that came or went by its name, else what changed.
pub(super) fn words(changes: &[LogChange]) -> Words {
    let keys = |side: fn(&LogChange) -> &Option<String>| -> Vec<String> {
        let of = changes.iter().filter(|c| c.what.starts_with("key for "));
        let mut names: Vec<String> = of.filter_map(|c| side(c).clone()).collect();
        names.sort();
        names.dedup();
        names
    };
    let roles = |name: &str| {
        let of = changes.iter().filter(|c| {
            c.what.starts_with("key for ") && [&c.from, &c.to].contains(&&Some(name.to_owned()))
        });
        list(of.map(|c| c.what.trim_start_matches("key for ").to_owned()))
    };
    let says = match (&keys(|c| &c.to)[..], &keys(|c| &c.from)[..]) {
        ([new], []) => vec![
            plain("added the key "),
            strong(format!("‘{new}’")),
            plain(format!(" for {}", roles(new))),
        ],
        ([], [old]) => vec![
            plain("took away the key "),
            strong(format!("‘{old}’")),
            plain(format!(" of {}", roles(old))),
        ],
        ([new], [old]) => vec![
            plain("replaced the key "),
            strong(format!("‘{old}’")),
            plain(" with "),
            strong(format!("‘{new}’")),
            plain(format!(" for {}", roles(new))),
        ],
        (new @ [_, ..], []) => {
            let team = changes.iter().any(|c| c.what == "profile");
            let names = new.iter().map(|name| format!("‘{name}’"));
            vec![
                plain(if team {
                    "made a team with "
                } else {
                    "added the keys "
                }),
                strong(list(names)),
            ]
        }
        _ => return one_or_many(LogKind::Keys, changes, "things about keys and people"),
    };
    let mut words = Words::new(LogKind::Keys, says);
    let others: Vec<String> = changes
        .iter()
        .filter(|c| !c.what.starts_with("key for "))
        .map(LogChange::line)
        .collect();
    words.detail = (!others.is_empty()).then(|| others.join("; "));
    words
}

fn root(before: &Root, after: &Root, facts: &Facts<'_>, found: &mut Vec<LogChange>) {
    sets(&before.roles, &after.roles, facts, found);
    found.extend(LogChange::new(
        "profile",
        Some(before.x.profile.clone()),
        Some(after.x.profile.clone()),
    ));
    found.extend(LogChange::new(
        "name of the app",
        Some(before.x.name.clone()),
        Some(after.x.name.clone()),
    ));
    for (id, key) in &after.x.keys {
        let Some(was) = before.x.keys.get(id) else {
            continue;
        };
        let digits = &id.as_str()[..8];
        found.extend(LogChange::new(
            format!("name of key {digits}"),
            Some(was.name.clone()),
            Some(key.name.clone()),
        ));
        found.extend(LogChange::new(
            format!("holder of ‘{}’", key.name),
            Some(was.holder.clone()),
            Some(key.holder.clone()),
        ));
    }
}

fn sets(
    before: &BTreeMap<String, RoleKeys>,
    after: &BTreeMap<String, RoleKeys>,
    facts: &Facts<'_>,
    found: &mut Vec<LogChange>,
) {
    for (role, keys) in after {
        let Some(was) = before.get(role) else {
            let says = format!("{} of {} keys", keys.threshold, keys.keyids.len());
            found.extend(LogChange::new(format!("role {role}"), None, Some(says)));
            continue;
        };
        for new in keys.keyids.difference(&was.keyids) {
            let name = (facts.key)(new);
            found.extend(LogChange::new(format!("key for {role}"), None, Some(name)));
        }
        for gone in was.keyids.difference(&keys.keyids) {
            let name = (facts.key)(gone);
            found.extend(LogChange::new(format!("key for {role}"), Some(name), None));
        }
        found.extend(LogChange::new(
            format!("signatures that {role} needs"),
            Some(was.threshold.to_string()),
            Some(keys.threshold.to_string()),
        ));
    }
    for role in before.keys().filter(|role| !after.contains_key(*role)) {
        let was = &before[role];
        let says = format!("{} of {} keys", was.threshold, was.keyids.len());
        found.extend(LogChange::new(format!("role {role}"), Some(says), None));
    }
}
