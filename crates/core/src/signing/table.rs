//! Who may sign what: root and delegations as one table, and what a change of it means in words.

use std::collections::{BTreeMap, BTreeSet};

use headgate_tuf::metadata::{KeyName, RoleKeys, Root};
use headgate_tuf::{KeyId, PublicKey};

use super::{Line, plain};
use crate::settings::TopTargets;

/// Who may sign what.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct TrustTable {
    /// `solo` or `team`; nothing when only delegations are known.
    pub profile: Option<String>,
    /// App identifier and name of the root.
    pub app: Option<(String, String)>,
    /// Keys.
    pub keys: BTreeMap<KeyId, PublicKey>,
    /// Their names and holders, which the root says.
    pub names: BTreeMap<KeyId, KeyName>,
    /// Roles by name: top-level ones and those of channels.
    pub roles: BTreeMap<String, RoleKeys>,
}

impl TrustTable {
    /// What a root says.
    pub fn of_root(root: &Root) -> Self {
        Self {
            profile: Some(root.x.profile.clone()),
            app: Some((root.x.app.clone(), root.x.name.clone())),
            keys: root.keys.clone(),
            names: root.x.keys.clone(),
            roles: root.roles.clone(),
        }
    }

    /// What the delegations say, with the names that a root gives.
    pub fn of_targets(top: &TopTargets, names: &BTreeMap<KeyId, KeyName>) -> Self {
        let mut table = Self::default();
        if let Some(delegations) = &top.delegations {
            table.keys.extend(delegations.keys.clone());
            for role in &delegations.roles {
                table.roles.insert(role.name.clone(), role.role_keys());
            }
        }
        let used = |(id, _): &(&KeyId, &KeyName)| table.keys.contains_key(*id);
        table.names = names
            .iter()
            .filter(used)
            .map(|(i, n)| (i.clone(), n.clone()))
            .collect();
        table
    }

    /// Both together.
    pub fn of(root: &Root, top: &TopTargets) -> Self {
        let mut table = Self::of_root(root);
        let below = Self::of_targets(top, &root.x.keys);
        table.roles.extend(below.roles);
        table.keys.extend(below.keys);
        table
    }

    /// A key's name, or the first 8 digits of its id.
    pub fn name(&self, id: &KeyId) -> String {
        self.names.get(id).map_or_else(
            || id.as_str().get(..8).unwrap_or_default().to_owned(),
            |n| plain(&n.name),
        )
    }

    /// "2 of Mara, Ines, Jonas": whose signatures a role needs.
    pub fn role_text(&self, role: &RoleKeys) -> String {
        let names: Vec<String> = role.keyids.iter().map(|id| self.key_text(id)).collect();
        format!(
            "{} of {}: {}",
            role.threshold,
            role.keyids.len(),
            names.join(", ")
        )
    }

    /// A key by name and id, so that two keys of one name never look alike.
    fn key_text(&self, id: &KeyId) -> String {
        let short = id.as_str().get(..8).unwrap_or_default();
        match self.names.get(id) {
            Some(name) => format!("{} ({short})", plain(&name.name)),
            None => short.to_owned(),
        }
    }

    /// Keys that some role accepts.
    pub fn used(&self) -> BTreeSet<KeyId> {
        self.roles
            .values()
            .flat_map(|r| r.keyids.iter().cloned())
            .collect()
    }

    /// What differs from another table, for the person who signs; weaker protection is marked.
    pub fn lines(&self, before: Option<&Self>, lines: &mut Vec<Line>) {
        if let Some(profile) = &self.profile {
            lines.push(Line::new(
                "Profile",
                before.and_then(|b| b.profile.clone()),
                profile.clone(),
            ));
        }
        if let Some((app, name)) = &self.app {
            let old = before.and_then(|b| b.app.as_ref());
            lines.push(Line::new(
                "App",
                old.map(|(app, name)| format!("{name}, {app}")),
                format!("{name}, {app}"),
            ));
        }
        let names: BTreeSet<&String> = self
            .roles
            .keys()
            .chain(before.iter().flat_map(|b| b.roles.keys()))
            .collect();
        for name in names {
            let (now, was) = (self.roles.get(name), before.and_then(|b| b.roles.get(name)));
            let after = now.map_or_else(|| "removed".to_owned(), |r| self.role_text(r));
            let old = match (before, was) {
                (Some(before), Some(role)) => Some(before.role_text(role)),
                (Some(_), None) => Some("not there".into()),
                (None, _) => None,
            };
            let weaker = match (now, was) {
                (Some(now), Some(was)) => now.threshold < was.threshold,
                (None, Some(_)) => true,
                _ => false,
            };
            let line = Line::new(format!("Signs {name}"), old, after);
            lines.push(if weaker { line.danger() } else { line });
        }
        let ids = |t: &Self| -> BTreeSet<KeyId> {
            t.keys.keys().chain(t.names.keys()).cloned().collect()
        };
        let mut all = ids(self);
        all.extend(before.map(ids).unwrap_or_default());
        for id in all {
            let (now, was) = (self.holder(&id), before.map(|b| b.holder(&id)));
            if was.as_ref() != Some(&now) {
                let what = format!("Key {}", id.as_str().get(..8).unwrap_or_default());
                lines.push(Line::new(what, was, now));
            }
        }
    }

    fn holder(&self, id: &KeyId) -> String {
        let public = self.keys.get(id).map(|k| format!("public {}", k.hex()));
        let name = self
            .names
            .get(id)
            .map(|n| format!("{}, held by {}", n.name, n.holder));
        match (name, public) {
            (Some(name), Some(public)) => format!("{name}, {public}"),
            (Some(one), None) | (None, Some(one)) => one,
            (None, None) => "not listed".into(),
        }
    }

    /// Roles whose threshold is lower than before, or that are gone.
    pub fn weakened(&self, before: &Self) -> Vec<String> {
        let weaker = |(name, was): (&String, &RoleKeys)| match self.roles.get(name) {
            Some(now) if now.threshold >= was.threshold => None,
            Some(now) => Some(format!(
                "{name} needs {} of {} signatures instead of {} of {}",
                now.threshold,
                now.keyids.len(),
                was.threshold,
                was.keyids.len()
            )),
            None => Some(format!("{name} is removed")),
        };
        before.roles.iter().filter_map(weaker).collect()
    }
}
