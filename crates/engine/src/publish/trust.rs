//! Changing who may sign what: a new root, new delegations, and what their new keys have to sign with them.

use std::collections::BTreeMap;

use headgate_core::signing::{TrustEdit, TrustTable};
use headgate_core::{Code, Problem, Result, TopTargets};
use headgate_tuf::metadata::{Delegation, Delegations, RoleKeys, Root, RootHeader, Targets};
use headgate_tuf::{Envelope, KeyId, PublicKey, RoleBytes, RoleName, policy};

use super::draft::{DraftRole, Drafting, Outcome};

impl Drafting<'_> {
    /// A new root where top-level keys, names or the profile change; new settings where delegations change, or the new
    /// root would not accept the old ones; and a new version of every channel's role that its new keys have not signed.
    pub(super) fn trust(&mut self, edits: &[TrustEdit], out: &mut Outcome) -> Result<()> {
        let view = self.view;
        let (root, top) = (&view.root.meta, &view.targets.meta);
        let before = TrustTable::of(root, top);
        let next = before.apply(edits)?;
        let next_root = self.root_of(&next)?;
        let delegations = delegations_of(&next, top)?;
        let same_root = next_root.roles == root.roles
            && next_root.keys == root.keys
            && next_root.x.keys == root.x.keys
            && next_root.x.profile == root.x.profile;
        let role = RoleName::Targets;
        let file = Envelope::parse(&view.targets.file)?;
        let accepted = file
            .verify("targets", next_root.role(&role)?, &next_root.keys)
            .is_ok();
        if top.delegations.as_ref() != Some(&delegations) || !accepted {
            let mut signers = vec![root.role(&role)?.clone()];
            let mut keys = root.keys.clone();
            if !same_root && next_root.role(&role)? != root.role(&role)? {
                signers.push(next_root.role(&role)?.clone());
                keys.extend(next_root.keys.clone());
            }
            self.delegations_role(delegations.clone(), signers, keys)?;
        }
        for (role, loaded) in &view.channels {
            let Some(delegation) = delegations
                .roles
                .iter()
                .find(|d| d.name == role.to_string())
            else {
                continue;
            };
            let set = delegation.role_keys();
            let file = Envelope::parse(&loaded.file)?;
            if file
                .verify(&delegation.name, &set, &delegations.keys)
                .is_err()
            {
                let says = format!(
                    "The same as version {}, signed by its new keys",
                    loaded.meta.version
                );
                let targets = loaded.meta.targets.clone();
                self.channel_draft_by(role.clone(), targets, says, set, delegations.keys.clone())?;
            }
        }
        if !same_root {
            self.new_root(next_root, "Who may sign what".into(), out)?;
        }
        Ok(())
    }

    fn root_of(&self, next: &TrustTable) -> Result<Root> {
        let current = &self.view.root.meta;
        let top = |name: &String| current.roles.contains_key(name);
        let roles: BTreeMap<String, RoleKeys> = next
            .roles
            .iter()
            .filter(|(name, _)| top(name))
            .map(|(name, role)| (name.clone(), role.clone()))
            .collect();
        let keys = keys_of(next, roles.values())?;
        let x = RootHeader {
            header: self.header(&RoleName::Root),
            profile: next
                .profile
                .clone()
                .unwrap_or_else(|| current.x.profile.clone()),
            keys: next.names.clone(),
            ..current.x.clone()
        };
        let expires = policy::expires(&RoleName::Root, self.now);
        Ok(Root::new(current.version + 1, expires, keys, roles, x))
    }

    fn delegations_role(
        &mut self,
        delegations: Delegations,
        signers: Vec<RoleKeys>,
        keys: BTreeMap<KeyId, PublicKey>,
    ) -> Result<()> {
        let role = RoleName::Targets;
        let current = &self.view.targets.meta;
        let version = self.existing.next(&role, Some(current.version));
        let mut settings = current.x.clone();
        settings.header = self.header(&role);
        let content: TopTargets = Targets::new(
            version,
            policy::expires(&role, self.now),
            BTreeMap::new(),
            Some(delegations),
            settings,
        );
        self.roles.insert(
            0,
            DraftRole {
                version,
                before: Some(current.version),
                bytes: RoleBytes::new(&content)?,
                signers,
                keys,
                signed: None,
                says: "Channels and their keys".into(),
                role,
            },
        );
        Ok(())
    }
}

/// The delegations in their committed order, with the table's keys.
fn delegations_of(next: &TrustTable, top: &TopTargets) -> Result<Delegations> {
    let current = top.delegations.iter().flat_map(|d| &d.roles);
    let role = |d: &Delegation| {
        let missing = || Problem::new(Code::Internal, format!("{} lost its keys.", d.name));
        let keys = next.roles.get(&d.name).ok_or_else(missing)?;
        Ok(Delegation {
            keyids: keys.keyids.clone(),
            threshold: keys.threshold,
            ..d.clone()
        })
    };
    let roles: Vec<Delegation> = current.map(role).collect::<Result<_>>()?;
    let sets: Vec<RoleKeys> = roles.iter().map(Delegation::role_keys).collect();
    Ok(Delegations {
        keys: keys_of(next, &sets)?,
        roles,
    })
}

fn keys_of<'a>(
    table: &TrustTable,
    roles: impl IntoIterator<Item = &'a RoleKeys>,
) -> Result<BTreeMap<KeyId, PublicKey>> {
    let ids = roles.into_iter().flat_map(|r| &r.keyids);
    let key = |id: &KeyId| {
        let missing = || Problem::new(Code::Internal, "A role has a key that is not known.");
        Ok((id.clone(), table.keys.get(id).cloned().ok_or_else(missing)?))
    };
    ids.map(key).collect()
}
