//! What speaks against a role by itself: its version, how long it would count, thresholds that it lowers.

use std::collections::BTreeSet;

use headgate_tuf::{RoleName, policy};

use super::review::{Alarm, AlarmKind, DAY, Facts, Seen};
use super::shown::day;
use super::{SignedRole, TrustTable};

/// Version and expiry.
pub(super) fn judge(
    role: &SignedRole,
    signed: &[u8],
    before: Option<&SignedRole>,
    facts: Facts<'_>,
    alarms: &mut BTreeSet<Alarm>,
) {
    let name = role.name();
    let mut alarm = |kind, text: String| {
        alarms.insert(Alarm {
            kind,
            text: format!("{name}: {text}."),
        });
    };
    let (seen, now) = (facts.seen.get(&name.to_string()), facts.now);
    let version = role.version();
    let again = |s: &Seen| s.version == version && s.signed == signed;
    if let Some(seen) = seen
        && version <= seen.version
        && !again(seen)
    {
        alarm(
            AlarmKind::Version,
            format!(
                "version {version} is not above version {}, which was signed here",
                seen.version
            ),
        );
    }
    if let Some(before) = before
        && version <= before.version()
        && seen.is_none_or(|s| s.version != version)
    {
        alarm(
            AlarmKind::Version,
            format!(
                "version {version} is not above version {} before it",
                before.version()
            ),
        );
    }
    let policy = role_policy(role);
    let at = role.header().at;
    if role.expires() > at.plus(policy) || role.expires() > now.plus(policy + DAY) {
        alarm(
            AlarmKind::Expiry,
            format!(
                "it would count until {}, longer than {} days",
                day(role.expires()),
                policy / DAY
            ),
        );
    }
    if role.expires() <= now {
        alarm(
            AlarmKind::Expiry,
            format!("it has expired at {}", day(role.expires())),
        );
    }
}

fn role_policy(role: &SignedRole) -> i64 {
    match role {
        // Its bytes do not say whether it approves or serves, so the longer of the two counts.
        SignedRole::Channel {
            open: true, role, ..
        } => match role.place() {
            Some((u, c)) => policy::lifetime(&RoleName::Channel(u.clone(), c.clone())),
            None => policy::lifetime(role),
        },
        _ => policy::lifetime(&role.name()),
    }
}

/// Thresholds that would be lower than committed.
pub(super) fn weakened(together: &[SignedRole], facts: Facts<'_>, alarms: &mut BTreeSet<Alarm>) {
    let Some(committed) = facts.committed else {
        return;
    };
    for role in together {
        let (was, now) = match role {
            SignedRole::Root(root) => (
                TrustTable::of_root(&committed.root),
                TrustTable::of_root(root),
            ),
            SignedRole::Targets(top) => (
                TrustTable::of_targets(&committed.targets, &committed.root.x.keys),
                TrustTable::of_targets(top, &committed.root.x.keys),
            ),
            SignedRole::Channel { .. } => continue,
        };
        for text in now.weakened(&was) {
            alarms.insert(Alarm {
                kind: AlarmKind::Threshold,
                text: format!("{text}."),
            });
        }
    }
}
