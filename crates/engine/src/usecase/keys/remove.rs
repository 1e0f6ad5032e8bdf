//! Taking keys of this computer out of use.

use headgate_core::{Code, Problem, Result};
use headgate_signer::AnyKey;
use headgate_tuf::RoleName;

use super::Own;
use super::words::role_label;
use crate::Workspace;
use crate::console::Console;
use crate::db::Care;
use crate::keys;
use crate::trust::rsa_channels;

/// Who still counts on a key.
#[derive(Default)]
struct Needed {
    /// Roles in words.
    roles: Vec<String>,
    /// How each is taken out, in words.
    ways: Vec<String>,
}

impl Console {
    /// Marks a key as not meant for use on this computer any more. It stays in the vault until it is deleted.
    ///
    /// # Errors
    /// `key.in_use` while a role or a channel's apps need it, naming them and the way to take it out;
    /// `usage.unknown`; `storage.*`, `trust.*` when it is not known whether they do.
    pub async fn retire_key(&self, workspace: &str, key: &str) -> Result<()> {
        let workspace = self.workspace(workspace).await?;
        let own = self.known_key(&workspace, key).await?;
        let needed = self.needed(&workspace, &own).await?;
        if !needed.roles.is_empty() {
            let what = format!(
                "{} still need this key.",
                headline(&needed.roles.join(", "))
            );
            return Err(Problem::new(Code::KeyInUse, what).remedy(needed.ways.join(" ")));
        }
        let care = Care {
            retired: Some(self.inner.world.now()),
            ..self.care(&workspace, &own.id).await?
        };
        self.inner
            .journal
            .set_care(&workspace.id, &own.id, care)
            .await
    }

    /// Deletes a key from the vault and its record from this computer. `typed` is the key's name, as a person typed it.
    ///
    /// A key that a role or a channel's apps need is deleted only after a restore drill has proven a backup: what is
    /// here may be the last copy.
    ///
    /// # Errors
    /// `usage.confirmation` when the name is not typed exactly; `key.in_use` for the last copy of a key that is needed;
    /// `usage.unknown`, `key.*`, `storage.*`, `trust.*`.
    pub async fn delete_key(&self, workspace: &str, key: &str, typed: &str) -> Result<()> {
        let workspace = self.workspace(workspace).await?;
        let own = self.known_key(&workspace, key).await?;
        let name = self.name_of(&workspace, &own).await?;
        if typed != name {
            let what = "The key's name was not typed as it is written.";
            return Err(Problem::new(Code::UsageConfirm, what)
                .holds("The key is where it was.")
                .remedy(format!("Type ‘{name}’ exactly as shown."))
                .field("typed"));
        }
        let needed = self.needed(&workspace, &own).await?;
        let care = self.care(&workspace, &own.id).await?;
        if !needed.roles.is_empty() && care.drilled.is_none() {
            let what = format!(
                "{} need this key, and no backup of it is proven: what is here may be its last copy.",
                headline(&needed.roles.join(", "))
            );
            return Err(Problem::new(Code::KeyInUse, what).remedy(
                "Export the key and pass the restore drill first, or have the key taken out of its roles.",
            ));
        }
        let vault = self.inner.vault(&workspace).await?;
        let gone = own.key.clone();
        let deleted = keys::call(&vault, move |v| match &gone {
            AnyKey::Ed25519(key) => v.delete(key),
            AnyKey::Rsa(key) => v.delete_rsa(key),
        })
        .await;
        match deleted {
            Ok(()) => {}
            // Recorded and not there: the record is what is left to delete.
            Err(problem) if problem.code == Code::KeyMissing => {}
            Err(problem) => return Err(problem),
        }
        self.inner
            .journal
            .forget_key(&workspace.id, &own.id)
            .await?;
        self.inner
            .tell(crate::console::Happened::Board(workspace.id.clone()));
        Ok(())
    }

    /// A recorded key, or a channel's RSA key that the vault has without a record.
    pub(super) async fn known_key(&self, workspace: &Workspace, key: &str) -> Result<Own> {
        match self.own_key(workspace, key).await {
            Err(problem) if problem.code == Code::UsageUnknown => {
                let ring = self.key_ring(&workspace.id, super::Asking::Never).await?;
                let card = ring
                    .keys
                    .into_iter()
                    // One that is recorded was looked for above.
                    .find(|c| {
                        c.own && c.created.is_none() && key.len() >= 8 && c.id.starts_with(key)
                    });
                let found = card.and_then(|c| {
                    Some(Own {
                        key: c.public?,
                        id: c.id,
                        label: c.name,
                        created: c.created,
                    })
                });
                found.ok_or(problem)
            }
            known => known,
        }
    }

    async fn name_of(&self, workspace: &Workspace, own: &Own) -> Result<String> {
        let ring = self.key_ring(&workspace.id, super::Asking::Never).await?;
        let card = ring.keys.into_iter().find(|card| card.id == own.id);
        Ok(card.map_or_else(|| own.label.clone(), |card| card.name))
    }

    /// What still counts on a key, by what storage says now, or said last.
    async fn needed(&self, workspace: &Workspace, own: &Own) -> Result<Needed> {
        let signed = self.signed_now(workspace).await?;
        let Some(trust) = signed.trust else {
            // Nothing was ever read: then reading says why not.
            self.fresh(workspace).await?;
            return Ok(Needed::default());
        };
        let settings = signed.settings.as_ref();
        let mut needed = Needed::default();
        for role in trust.roles_of(&own.id) {
            let Ok(name) = RoleName::parse(&role.role) else {
                continue;
            };
            let (label, way) = (role_label(&name, settings), way(&name));
            if !needed.roles.contains(&label) {
                needed.roles.push(label);
            }
            if !needed.ways.iter().any(|known| known == way) {
                needed.ways.push(way.to_owned());
            }
        }
        let pinned = settings.map(rsa_channels).unwrap_or_default();
        for channel in pinned.get(&own.id).into_iter().flatten() {
            needed.roles.push(format!("apps on {channel}"));
            let way = format!(
                "Give {channel} another RSA key first: headgate clients key create --channel {channel} --replace. Apps that pin this one need a new version."
            );
            needed.ways.push(way);
        }
        Ok(needed)
    }
}

/// The ceremony that takes a key out of a role.
fn way(role: &RoleName) -> &'static str {
    match role {
        RoleName::Root | RoleName::Targets => {
            "Rotate this owner's key first: an owner signs a root without it."
        }
        RoleName::Snapshot | RoleName::Timestamp => {
            "Take it out of freshness first: an owner signs a root without it."
        }
        RoleName::Channel(..) | RoleName::Rollout(..) => {
            "Change the roles of these channels first: an owner signs settings without it."
        }
    }
}

fn headline(text: &str) -> String {
    let mut letters = text.chars();
    let first = letters.next().map(|c| c.to_uppercase().to_string());
    first.unwrap_or_default() + letters.as_str()
}
