//! One line that says what a signature does, derived from the signed bytes of all roles and from nothing else.

use headgate_tuf::RoleName;
use headgate_tuf::metadata::{Header, Targets};

use super::SignedRole;
use super::review::{listed, manifest};
use super::shown::{Documents, plain};

/// Most releases that the line names one by one.
const MAX_NAMED: usize = 3;

/// What one role does, with a number by which the more important stands first.
pub(super) fn titled(
    role: &SignedRole,
    before: Option<&SignedRole>,
    documents: Documents<'_>,
) -> (u8, String) {
    match role {
        SignedRole::Root(root) if root.version == 1 => {
            (0, format!("Make the registry of {}", plain(&root.x.app)))
        }
        SignedRole::Root(_) => (1, "Change the root of trust".into()),
        SignedRole::Targets(_) => (2, "Change channels, their keys or settings".into()),
        SignedRole::Channel {
            role: RoleName::Rollout(..),
            meta,
            ..
        } => (4, format!("Change what {} serves", place(meta))),
        SignedRole::Channel { meta, .. } => (3, approvals(meta, before, documents)),
    }
}

/// All roles together. The order of a request is not signed, so it does not count.
pub(super) fn title(mut titles: Vec<(u8, String)>) -> String {
    titles.sort();
    titles.dedup();
    // Making a registry makes its empty channels too: one thing for a person.
    if titles.first().is_some_and(|(order, _)| *order == 0) {
        titles.retain(|(order, text)| *order == 0 || names_a_release(text));
    }
    let mut parts = titles.into_iter().map(|(_, text)| text);
    let first = parts.next().unwrap_or_default();
    parts.fold(first, |all, next| {
        let mut letters = next.chars();
        let lower: String = letters
            .next()
            .into_iter()
            .flat_map(char::to_lowercase)
            .collect();
        format!("{all}; {lower}{}", letters.as_str())
    })
}

fn names_a_release(text: &str) -> bool {
    ["Approve ", "Promote "]
        .iter()
        .any(|verb| text.starts_with(verb))
}

/// A channel, with its unit unless that is the usual one.
fn place(meta: &Targets<Header>) -> String {
    let part = |p: &Option<String>| plain(p.as_deref().unwrap_or_default());
    let (unit, channel) = (part(&meta.x.unit), part(&meta.x.channel));
    match unit.as_str() {
        "main" => channel,
        _ => format!("{channel} of {unit}"),
    }
}

fn approvals(
    meta: &Targets<Header>,
    before: Option<&SignedRole>,
    documents: Documents<'_>,
) -> String {
    let place = place(meta);
    let old = match before {
        Some(SignedRole::Channel { meta, .. }) => listed(meta),
        // Without the version before nobody knows which of them are new.
        _ if meta.x.prev.is_some() => return format!("Sign approvals of {place}"),
        _ => std::collections::BTreeSet::new(),
    };
    let now = listed(meta);
    let mut fresh = Vec::new();
    for (name, sha256) in now.iter().filter(|file| !old.contains(file)) {
        let build = name
            .strip_suffix(".json")
            .and_then(|n| n.rsplit_once(".release-"))
            .and_then(|(_, build)| build.parse::<u32>().ok());
        if let Some(build) = build {
            let version = manifest(documents, name, sha256).map(|m| plain(&m.version));
            fresh.push((build, version.unwrap_or_else(|| format!("build {build}"))));
        }
    }
    // The newest first: it is the one that people talk about.
    fresh.sort_by(|a, b| b.cmp(a));
    let more = fresh.len().saturating_sub(MAX_NAMED);
    let mut names: Vec<String> = fresh.into_iter().take(MAX_NAMED).map(|f| f.1).collect();
    if more > 0 {
        names.push(format!("{more} more"));
    }
    let (verb, to) = match meta.x.action == "promote" {
        true => ("Promote", "to"),
        false => ("Approve", "for"),
    };
    match names.split_last() {
        None => format!("Sign approvals of {place}"),
        Some((one, [])) => format!("{verb} {one} {to} {place}"),
        Some((last, rest)) => format!("{verb} {} and {last} {to} {place}", rest.join(", ")),
    }
}
