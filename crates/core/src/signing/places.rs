//! What a signer makes first and adds to a role, as it is shown before it is signed.

use std::collections::BTreeSet;

use headgate_tuf::RoleName;

use super::clients::places;
use super::request::bad;
use super::review::{Alarm, AlarmKind, ClientsToMake, Facts, manifest};
use super::shown::{Line, Mark, plain};
use super::{SignedRole, SigningRequest};
use crate::Result;
use crate::clients::Wanted;
use crate::text::grouped;

/// What the committed settings ask for at the places that a request leaves empty.
pub(super) fn to_make(
    request: &SigningRequest,
    together: &[SignedRole],
    facts: Facts<'_>,
    alarms: &mut BTreeSet<Alarm>,
) -> Result<Vec<ClientsToMake>> {
    let mut list = Vec::new();
    for asked in &request.clients {
        let role = together.iter().find(|r| r.name().to_string() == asked.role);
        let place = role.and_then(|r| Some((r, places(r, asked.build)?.0)));
        let Some((SignedRole::Channel { meta, role, .. }, target)) = place else {
            return Err(bad("it leaves a place in a role that approves nothing"));
        };
        let RoleName::Channel(unit, channel) = role else {
            return Err(bad("it leaves a place in a role that approves nothing"));
        };
        let listed = meta.targets.get(&target).map(|t| &t.hashes.sha256);
        let release = listed.and_then(|sha256| manifest(&request.documents, &target, sha256));
        let release = release.ok_or_else(|| {
            bad(format!(
                "the manifest of build {} is not in it, so nothing can be made for its plugins",
                asked.build
            ))
        })?;
        let settings = facts.committed.map(|c| &c.targets.x);
        let wanted = settings.and_then(|s| Wanted::of(s, unit, channel));
        let Some(wanted) = wanted.filter(|w| w.rsa.is_some()) else {
            // Confirmed or not, the place cannot be filled then.
            alarms.insert(Alarm {
                kind: AlarmKind::Prev,
                text: format!(
                    "{}: the settings name no RSA key that signs for plugins of {channel}.",
                    asked.role
                ),
            });
            continue;
        };
        list.push(ClientsToMake {
            role: asked.role.clone(),
            channel: channel.clone(),
            wanted,
            release,
        });
    }
    Ok(list)
}

/// The lines of a role, saying at each place what comes there.
pub(super) fn with_places(mut lines: Vec<Line>, role: &str, list: &[ClientsToMake]) -> Vec<Line> {
    for made in list.iter().filter(|m| m.role == role) {
        let what = format!("For plugins of build {}", made.release.build);
        let known = lines.iter().position(|l| l.what == what);
        let bundle = &made.release.bundle;
        let after = plain(&format!(
            "added where it is signed: {}, from bundle {}… of {} bytes",
            made.wanted.says(),
            bundle.sha256.get(..16).unwrap_or_default(),
            grouped(bundle.size)
        ));
        match known.and_then(|at| lines.get_mut(at)) {
            Some(line) => line.after = after,
            None => {
                let before = lines
                    .iter()
                    .any(|l| l.before.is_some())
                    .then(|| "no".into());
                // Behind what may be served, before version and expiry.
                let at = lines.iter().position(|l| l.what == "Version");
                let line = Line {
                    what,
                    before,
                    after,
                    mark: Mark::Changed,
                };
                lines.insert(at.unwrap_or(lines.len()), line);
            }
        }
    }
    lines
}
