//! Changing the root: a commit of its own (`docs/trust.md`, publishing).

use headgate_core::{Code, Problem, Result};
use headgate_registry::View;
use headgate_tuf::{
    PublicKey, RoleName, UtcTime,
    metadata::{Header, KeyName, Root, RootHeader},
    policy,
};

/// The root with one more freshness key.
///
/// # Errors
/// `usage.exists` when the key is in it already.
pub(super) fn with_freshness_key(
    view: &View,
    public: &PublicKey,
    name: &str,
    holder: &str,
    header: &Header,
    now: UtcTime,
) -> Result<Root> {
    let current = &view.root.meta;
    let id = public.id()?;
    if current.keys.contains_key(&id) {
        return Err(Problem::new(
            Code::UsageExists,
            format!("The root has the key {name} already."),
        ));
    }
    let mut keys = current.keys.clone();
    keys.insert(id.clone(), public.clone());
    let mut roles = current.roles.clone();
    for role in [RoleName::Snapshot, RoleName::Timestamp] {
        if let Some(entry) = roles.get_mut(&role.to_string()) {
            entry.keyids.insert(id.clone());
        }
    }
    let mut names = current.x.keys.clone();
    names.insert(
        id,
        KeyName {
            name: name.into(),
            holder: holder.into(),
        },
    );
    let x = RootHeader {
        header: header.clone(),
        keys: names,
        ..current.x.clone()
    };
    Ok(Root::new(
        current.version + 1,
        policy::expires(&RoleName::Root, now),
        keys,
        roles,
        x,
    ))
}

/// The same root, for longer.
pub(super) fn renewed(view: &View, header: &Header, now: UtcTime) -> Root {
    let current = &view.root.meta;
    let x = RootHeader {
        header: header.clone(),
        ..current.x.clone()
    };
    let expires = policy::expires(&RoleName::Root, now);
    Root::new(
        current.version + 1,
        expires,
        current.keys.clone(),
        current.roles.clone(),
        x,
    )
}
