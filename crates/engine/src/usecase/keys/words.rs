//! What keys and roles are for, in words.

use headgate_core::Settings;
use headgate_tuf::RoleName;

/// "Owns the root; approves staging and production". From the roles that list a key.
pub(super) fn purpose(roles: &[RoleName], settings: Option<&Settings>) -> String {
    let mut parts = Vec::new();
    let has = |role: &RoleName| roles.contains(role);
    match (has(&RoleName::Root), has(&RoleName::Targets)) {
        (true, _) => parts.push("owns the root".to_owned()),
        (false, true) => parts.push("signs settings".to_owned()),
        _ => {}
    }
    let approves = places(roles, settings, |role| {
        matches!(role, RoleName::Channel(..))
    });
    if let Some(places) = approves {
        parts.push(format!("approves {places}"));
    }
    let runs = places(roles, settings, |role| {
        matches!(role, RoleName::Rollout(..))
    });
    if let Some(places) = runs {
        parts.push(format!("runs rollouts on {places}"));
    }
    if has(&RoleName::Snapshot) || has(&RoleName::Timestamp) {
        parts.push("signs freshness".to_owned());
    }
    if parts.is_empty() {
        return "No role accepts it".into();
    }
    sentence(&parts.join("; "))
}

/// "For apps on production".
pub(super) fn rsa_purpose(channels: &[String]) -> String {
    if channels.is_empty() {
        "No channel uses it".into()
    } else {
        format!("For apps on {}", list(channels))
    }
}

/// "Approvals on production": a role in a list of roles.
pub(super) fn role_label(role: &RoleName, settings: Option<&Settings>) -> String {
    match role {
        RoleName::Root => "Root".into(),
        RoleName::Targets => "Settings".into(),
        RoleName::Snapshot | RoleName::Timestamp => "Freshness".into(),
        RoleName::Channel(unit, channel) => {
            format!(
                "Approvals on {}",
                place(unit.as_str(), channel.as_str(), settings)
            )
        }
        RoleName::Rollout(unit, channel) => {
            format!(
                "Rollouts on {}",
                place(unit.as_str(), channel.as_str(), settings)
            )
        }
    }
}

/// The channel, and the unit where there are several.
fn place(unit: &str, channel: &str, settings: Option<&Settings>) -> String {
    let several = settings.is_some_and(|s| s.units.len() > 1);
    if several {
        format!("{channel} of {unit}")
    } else {
        channel.to_owned()
    }
}

/// Channels of the roles that fit, in their order; nothing when there is none.
fn places(
    roles: &[RoleName],
    settings: Option<&Settings>,
    fits: impl Fn(&RoleName) -> bool,
) -> Option<String> {
    let found: Vec<&RoleName> = roles.iter().filter(|role| fits(role)).collect();
    if found.is_empty() {
        return None;
    }
    let all = settings.map_or(0, |s| s.units.len() * s.channels.len());
    if all > 1 && found.len() == all {
        return Some("every channel".into());
    }
    let order = |channel: &str| {
        let channels = settings.iter().flat_map(|s| &s.channels);
        channels
            .enumerate()
            .find(|(_, c)| c.id.as_str() == channel)
            .map(|(at, _)| at)
    };
    let mut names: Vec<(Option<usize>, String)> = found
        .iter()
        .filter_map(|role| role.place())
        .map(|(unit, channel)| {
            (
                order(channel.as_str()),
                place(unit.as_str(), channel.as_str(), settings),
            )
        })
        .collect();
    names.sort();
    let names: Vec<String> = names.into_iter().map(|(_, name)| name).collect();
    Some(list(&names))
}

/// "a, b and c".
fn list(names: &[String]) -> String {
    match names {
        [] => String::new(),
        [one] => one.clone(),
        [before @ .., last] => format!("{} and {last}", before.join(", ")),
    }
}

fn sentence(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn said(roles: &[&str]) -> String {
        let roles: Vec<RoleName> = roles.iter().map(|r| RoleName::parse(r).unwrap()).collect();
        purpose(&roles, None)
    }

    #[test]
    fn a_key_is_described_by_what_it_may_sign() {
        assert_eq!(said(&[]), "No role accepts it");
        assert_eq!(said(&["main.production"]), "Approves production");
        assert_eq!(
            said(&["root", "targets", "main.staging", "main.production"]),
            "Owns the root; approves production and staging"
        );
        assert_eq!(
            said(&["snapshot", "timestamp", "main.production.rollout"]),
            "Runs rollouts on production; signs freshness"
        );
        assert_eq!(said(&["targets"]), "Signs settings");
    }

    #[test]
    fn an_rsa_key_is_described_by_its_channels() {
        let names = |list: &[&str]| -> Vec<String> { list.iter().map(|&n| n.into()).collect() };
        assert_eq!(rsa_purpose(&[]), "No channel uses it");
        assert_eq!(rsa_purpose(&names(&["a"])), "For apps on a");
        assert_eq!(
            rsa_purpose(&names(&["a", "b", "c"])),
            "For apps on a, b and c"
        );
    }
}
