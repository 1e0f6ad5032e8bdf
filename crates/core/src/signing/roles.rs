//! What a role is, by its signed bytes alone, and whose signatures it needs.

use std::collections::BTreeMap;

use headgate_tuf::metadata::{Header, RoleKeys, Root, Targets};
use headgate_tuf::{Envelope, KeyId, Metadata, PublicKey, RoleBytes, RoleName, UtcTime};

use super::request::bad;
use crate::settings::TopTargets;
use crate::{Problem, Result};

/// A role that is to be signed, read from its bytes.
#[derive(Debug, Clone)]
pub enum SignedRole {
    /// Who may sign what.
    Root(Box<Root>),
    /// Channels, their keys, and the settings.
    Targets(Box<TopTargets>),
    /// Approvals of a channel, or what it serves: its targets say which. A role's name is not signed in TUF.
    Channel {
        /// Approvals, or the rollout.
        role: RoleName,
        /// It lists nothing, so its bytes do not say which of the two it is.
        open: bool,
        /// The content.
        meta: Box<Targets<Header>>,
    },
}

impl SignedRole {
    /// Reads signed bytes.
    ///
    /// # Errors
    /// `signing.format` when they are another role: freshness is never asked of another person.
    pub fn read(bytes: &RoleBytes) -> Result<Self> {
        if let Ok(root) = bytes.parse::<Root>() {
            understood(&root, bytes)?;
            return Ok(Self::Root(Box::new(root)));
        }
        if let Ok(top) = bytes.parse::<TopTargets>()
            && top.delegations.is_some()
        {
            understood(&top, bytes)?;
            top.x.check().map_err(|p| bad(p.message))?;
            return Ok(Self::Targets(Box::new(top)));
        }
        let meta: Targets<Header> = bytes.parse().map_err(|e| bad(e.to_string()))?;
        understood(&meta, bytes)?;
        let (Some(unit), Some(channel)) = (&meta.x.unit, &meta.x.channel) else {
            return Err(bad(
                "it asks to sign the top-level targets without settings",
            ));
        };
        let name = RoleName::parse(&format!("{unit}.{channel}")).map_err(|e| bad(e.to_string()))?;
        let RoleName::Channel(unit, channel) = name.clone() else {
            return Err(bad("it asks to sign a role that is none"));
        };
        let rollout = format!("{unit}.{channel}.rollout.json");
        let serves = meta.targets.contains_key(&rollout);
        if serves && meta.targets.len() > 1 {
            return Err(bad("a rollout role lists more than its document"));
        }
        let open = meta.targets.is_empty();
        let role = if serves {
            RoleName::Rollout(unit, channel)
        } else {
            name
        };
        Ok(Self::Channel {
            role,
            open,
            meta: Box::new(meta),
        })
    }

    /// The same role under the name that somebody gives it, if its bytes allow that.
    ///
    /// # Errors
    /// `signing.format` when its bytes are another role.
    pub fn named(mut self, name: &str) -> Result<Self> {
        let own = self.name();
        if let Self::Channel {
            role, open: true, ..
        } = &mut self
            && let RoleName::Channel(unit, channel) = &own
            && name == format!("{own}.rollout")
        {
            *role = RoleName::Rollout(unit.clone(), channel.clone());
        }
        if self.name().to_string() == name {
            return Ok(self);
        }
        Err(bad(format!("it says {name:?}, but its bytes are {own}")))
    }

    /// Its name; approvals where the bytes leave it open and nobody named it.
    pub fn name(&self) -> RoleName {
        match self {
            Self::Root(_) => RoleName::Root,
            Self::Targets(_) => RoleName::Targets,
            Self::Channel { role, .. } => role.clone(),
        }
    }

    /// Name with version, as it is listed.
    pub fn title(&self) -> String {
        format!("{} version {}", self.name(), self.version())
    }

    /// Version.
    pub fn version(&self) -> u64 {
        match self {
            Self::Root(root) => root.version,
            Self::Targets(top) => top.version,
            Self::Channel { meta, .. } => meta.version,
        }
    }

    /// When it stops to count.
    pub fn expires(&self) -> UtcTime {
        match self {
            Self::Root(root) => root.expires,
            Self::Targets(top) => top.expires,
            Self::Channel { meta, .. } => meta.expires,
        }
    }

    /// What it says about itself.
    pub fn header(&self) -> &Header {
        match self {
            Self::Root(root) => &root.x.header,
            Self::Targets(top) => &top.x.header,
            Self::Channel { meta, .. } => &meta.x,
        }
    }
}

/// A field that this version does not read could not be shown, so nobody is asked to sign it.
fn understood<M: Metadata>(role: &M, bytes: &RoleBytes) -> Result<()> {
    if RoleBytes::new(role).is_ok_and(|own| own == *bytes) {
        return Ok(());
    }
    Err(bad(
        "its signed bytes hold something that this version of Headgate does not know",
    ))
}

/// Whose signatures a role needs: one set, or several to be met each (the old owners and the new ones).
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Signers {
    /// Sets with their thresholds.
    pub sets: Vec<RoleKeys>,
    /// Public keys of all sets.
    pub keys: BTreeMap<KeyId, PublicKey>,
}

impl Signers {
    fn add(&mut self, set: &RoleKeys, keys: &BTreeMap<KeyId, PublicKey>) {
        if !self.sets.contains(set) {
            self.sets.push(set.clone());
        }
        let own = |(id, key): (&KeyId, &PublicKey)| {
            set.keyids.contains(id).then(|| (id.clone(), key.clone()))
        };
        self.keys.extend(keys.iter().filter_map(own));
    }

    /// Whether every set has enough valid signatures.
    pub fn complete(&self, envelope: &Envelope) -> bool {
        let met = |set: &RoleKeys| envelope.verify("role", set, &self.keys).is_ok();
        !self.sets.is_empty() && self.sets.iter().all(met)
    }

    /// Signatures that are there and needed, for the set that lacks most.
    pub fn count(&self, envelope: &Envelope) -> (usize, usize) {
        let of = |set: &RoleKeys| {
            let have = envelope.valid_signers(set, &self.keys).len();
            (have, set.threshold as usize)
        };
        let lacking = |(have, need): &(usize, usize)| need.saturating_sub(*have);
        self.sets
            .iter()
            .map(of)
            .max_by_key(lacking)
            .unwrap_or((0, 1))
    }
}

/// Whose signatures a role needs, given the committed root and targets and what is signed together with it.
///
/// A new root is signed by the owners of the old and of the new one; the settings, where the root changes too, as
/// well; a channel's role by the keys that its delegation will have.
///
/// # Errors
/// `trust.*` when a root lacks a role; `signing.format` when a channel's role has no delegation.
pub fn signers(
    role: &SignedRole,
    root: Option<&Root>,
    targets: Option<&TopTargets>,
    together: &[SignedRole],
) -> Result<Signers> {
    let next_root = together.iter().find_map(|r| match r {
        SignedRole::Root(root) => Some(root.as_ref()),
        _ => None,
    });
    let next_targets = together.iter().find_map(|r| match r {
        SignedRole::Targets(top) => Some(top.as_ref()),
        _ => None,
    });
    let mut signers = Signers::default();
    match role {
        SignedRole::Root(_) | SignedRole::Targets(_) => {
            for root in root.into_iter().chain(next_root) {
                signers.add(root.role(&role.name()).map_err(Problem::from)?, &root.keys);
            }
        }
        SignedRole::Channel { role, .. } => {
            let top = next_targets.or(targets);
            let delegations = top.and_then(|t| t.delegations.as_ref());
            let delegation = top.and_then(|t| t.delegation(role));
            let (Some(all), Some(delegation)) = (delegations, delegation) else {
                return Err(bad(format!("nobody may sign {role}")));
            };
            signers.add(&delegation.role_keys(), &all.keys);
        }
    }
    if signers.sets.is_empty() {
        return Err(bad(format!("nobody may sign {}", role.name())));
    }
    Ok(signers)
}
