//! Roles in force: who may sign, how many must, and until when.

use std::collections::BTreeSet;

use headgate_core::Settings;
use headgate_tuf::{RoleName, UtcTime, policy};

use super::words::role_label;
use crate::trust::{Trust, TrustRole};

/// A role with the keys that count.
#[derive(Debug, Clone)]
pub struct RoleRow {
    /// `root`, `targets`, `freshness`, or the role's name.
    pub role: String,
    /// `root`, `settings`, `freshness`, `approve` or `rollout`.
    pub kind: &'static str,
    /// Unit, of a channel's role.
    pub unit: Option<String>,
    /// Channel, of a channel's role.
    pub channel: Option<String>,
    /// "Approvals on production".
    pub label: String,
    /// Signatures needed.
    pub threshold: u32,
    /// Keys that count.
    pub keys: Vec<RoleKey>,
}

/// A key of a role.
#[derive(Debug, Clone)]
pub struct RoleKey {
    /// Its id.
    pub id: String,
    /// Its name in signed metadata.
    pub name: String,
    /// Who holds it.
    pub holder: String,
    /// This computer recorded it.
    pub own: bool,
}

/// When a role's signature ends.
#[derive(Debug, Clone)]
pub struct RoleExpiry {
    /// As in [`RoleRow::role`].
    pub role: String,
    /// As in [`RoleRow::label`].
    pub label: String,
    /// When it was signed.
    pub signed: UtcTime,
    /// When it ends.
    pub expires: UtcTime,
    /// Part of the lifetime that has passed, permille.
    pub used_permille: u32,
    /// How urgent that is.
    pub level: policy::Level,
}

/// Roles from the root down, then channels in their order, approvals before rollouts.
pub(super) fn rows(
    trust: &Trust,
    settings: Option<&Settings>,
    own: &BTreeSet<String>,
) -> Vec<RoleRow> {
    let row = |name: &RoleName, known: &TrustRole| {
        let kind = match name {
            RoleName::Root => "root",
            RoleName::Targets => "settings",
            RoleName::Snapshot | RoleName::Timestamp => "freshness",
            RoleName::Channel(..) => "approve",
            RoleName::Rollout(..) => "rollout",
        };
        let key = |id: &String| {
            let named = trust.keys.iter().find(|k| k.id == *id);
            RoleKey {
                name: named.map_or_else(|| id.chars().take(8).collect(), |k| k.name.clone()),
                holder: named.map(|k| k.holder.clone()).unwrap_or_default(),
                own: own.contains(id),
                id: id.clone(),
            }
        };
        let mut keys: Vec<RoleKey> = known.keys.iter().map(key).collect();
        keys.sort_by(|a, b| a.name.cmp(&b.name));
        RoleRow {
            role: shown(name),
            kind,
            unit: name.place().map(|(unit, _)| unit.to_string()),
            channel: name.place().map(|(_, channel)| channel.to_string()),
            label: role_label(name, settings),
            threshold: known.threshold,
            keys,
        }
    };
    ordered(trust, settings)
        .into_iter()
        .map(|(name, known)| row(&name, known))
        .collect()
}

/// When each role ends, the next one first.
pub(crate) fn expiries(
    trust: &Trust,
    settings: Option<&Settings>,
    now: UtcTime,
) -> Vec<RoleExpiry> {
    let expiry = |(name, known): (RoleName, &TrustRole)| {
        let used = policy::used_permille(&name, known.expires, now);
        RoleExpiry {
            role: shown(&name),
            label: role_label(&name, settings),
            signed: known.signed,
            expires: known.expires,
            used_permille: used,
            level: policy::level(used),
        }
    };
    let mut list: Vec<RoleExpiry> = ordered(trust, settings).into_iter().map(expiry).collect();
    list.sort_by_key(|role| role.expires);
    list
}

/// Snapshot and timestamp are signed together: people know both as freshness.
fn shown(name: &RoleName) -> String {
    match name {
        RoleName::Snapshot | RoleName::Timestamp => "freshness".into(),
        other => other.to_string(),
    }
}

fn ordered<'a>(trust: &'a Trust, settings: Option<&Settings>) -> Vec<(RoleName, &'a TrustRole)> {
    let mut list: Vec<(RoleName, &TrustRole)> = Vec::new();
    let earlier = |a: &'a TrustRole, b: &'a TrustRole| if b.expires < a.expires { b } else { a };
    let freshness = match (trust.role("snapshot"), trust.role("timestamp")) {
        (Some(a), Some(b)) => Some(earlier(a, b)),
        (a, b) => a.or(b),
    };
    for name in [RoleName::Root, RoleName::Targets] {
        if let Some(known) = trust.role(&name.to_string()) {
            list.push((name, known));
        }
    }
    list.extend(freshness.map(|known| (RoleName::Timestamp, known)));
    let mut channels: Vec<(RoleName, &TrustRole)> = trust
        .roles
        .iter()
        .filter_map(|known| Some((RoleName::parse(&known.role).ok()?, known)))
        .filter(|(name, _)| name.place().is_some())
        .collect();
    let place = |name: &RoleName| {
        let (unit, channel) = name.place()?;
        let settings = settings?;
        let unit = settings.units.iter().position(|u| u.id == *unit);
        let channel = settings.channels.iter().position(|c| c.id == *channel);
        Some((unit, channel, matches!(name, RoleName::Rollout(..))))
    };
    channels.sort_by_key(|(name, _)| place(name));
    list.extend(channels);
    list
}
