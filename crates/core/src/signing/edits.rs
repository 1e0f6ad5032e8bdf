//! Changes of who may sign what, as a person words them.

use headgate_tuf::metadata::{KeyName, RoleKeys};
use headgate_tuf::{KeyId, PublicKey};
use serde::{Deserialize, Serialize};

use super::TrustTable;
use crate::text::check_text;
use crate::{Code, Problem, Result};

/// One change. A ceremony is a list of them, applied to what is committed when it is signed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "edit", rename_all = "snake_case", deny_unknown_fields)]
pub enum TrustEdit {
    /// A key becomes known. It may sign nothing until a role gets it.
    AddKey {
        /// Its public half.
        public: PublicKey,
        /// Its name.
        name: String,
        /// Who holds it.
        holder: String,
    },
    /// A key is taken out of every role.
    RemoveKey {
        /// Its id.
        key: KeyId,
    },
    /// A key takes the place of another in every role that has it.
    Replace {
        /// The old key.
        old: KeyId,
        /// The new key, known already or by an edit before.
        new: KeyId,
    },
    /// A role accepts one key more.
    Grant {
        /// Role name.
        role: String,
        /// The key.
        key: KeyId,
    },
    /// A role accepts one key less.
    Revoke {
        /// Role name.
        role: String,
        /// The key.
        key: KeyId,
    },
    /// Signatures that a role needs.
    Threshold {
        /// Role name.
        role: String,
        /// How many.
        threshold: u32,
    },
    /// `solo` or `team`.
    Profile {
        /// Its name.
        profile: String,
    },
}

impl TrustTable {
    /// The table after the edits. Keys that no role accepts any more are dropped.
    ///
    /// # Errors
    /// `usage.unknown` for a role or key that there is not; `usage.exists` for a key that is known; `usage.argument` for
    /// a threshold that its keys cannot meet, or when nothing would change.
    pub fn apply(&self, edits: &[TrustEdit]) -> Result<Self> {
        let mut next = self.clone();
        for edit in edits {
            next.edit(edit)?;
        }
        for (name, role) in &next.roles {
            if role.threshold == 0 || role.threshold as usize > role.keyids.len() {
                let what = format!(
                    "{name} would need {} signatures and have {} keys.",
                    role.threshold,
                    role.keyids.len()
                );
                return Err(Problem::new(Code::UsageArgument, what)
                    .remedy("Lower the threshold first, or add a key.")
                    .field("threshold"));
            }
        }
        let used = next.used();
        next.keys.retain(|id, _| used.contains(id));
        next.names.retain(|id, _| used.contains(id));
        if next == *self {
            let what = "Who may sign what would stay as it is.";
            return Err(Problem::new(Code::UsageExists, what).remedy("Nothing is to be done."));
        }
        Ok(next)
    }

    fn edit(&mut self, edit: &TrustEdit) -> Result<()> {
        match edit {
            TrustEdit::AddKey {
                public,
                name,
                holder,
            } => {
                check_text("name", name, 128)?;
                check_text("holder", holder, 128)?;
                let id = public.id()?;
                if self.keys.contains_key(&id) {
                    let what = format!("The key ‘{}’ is known already.", self.name(&id));
                    return Err(Problem::new(Code::UsageExists, what).field("key"));
                }
                if self.names.values().any(|n| n.name == *name) {
                    let what = format!("Another key is called ‘{name}’.");
                    return Err(Problem::new(Code::UsageExists, what).field("name"));
                }
                self.keys.insert(id.clone(), public.clone());
                let named = KeyName {
                    name: name.clone(),
                    holder: holder.clone(),
                };
                self.names.insert(id, named);
            }
            TrustEdit::RemoveKey { key } => {
                self.known(key)?;
                for role in self.roles.values_mut() {
                    role.keyids.remove(key);
                }
            }
            TrustEdit::Replace { old, new } => {
                self.known(old)?;
                self.known(new)?;
                for role in self.roles.values_mut() {
                    if role.keyids.remove(old) {
                        role.keyids.insert(new.clone());
                    }
                }
            }
            TrustEdit::Grant { role, key } => {
                self.known(key)?;
                self.role(role)?.keyids.insert(key.clone());
            }
            TrustEdit::Revoke { role, key } => {
                self.known(key)?;
                self.role(role)?.keyids.remove(key);
            }
            TrustEdit::Threshold { role, threshold } => self.role(role)?.threshold = *threshold,
            TrustEdit::Profile { profile } => {
                check_text("profile", profile, 32)?;
                self.profile = Some(profile.clone());
            }
        }
        Ok(())
    }

    fn known(&self, id: &KeyId) -> Result<()> {
        if self.keys.contains_key(id) {
            return Ok(());
        }
        let short = id.as_str().get(..8).unwrap_or_default();
        Err(Problem::new(
            Code::UsageUnknown,
            format!("No role knows the key {short}…."),
        )
        .field("key"))
    }

    fn role(&mut self, name: &str) -> Result<&mut RoleKeys> {
        self.roles.get_mut(name).ok_or_else(|| {
            Problem::new(Code::UsageUnknown, format!("There is no role {name}.")).field("role")
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::{BTreeMap, BTreeSet};

    fn key(n: u8) -> (KeyId, PublicKey) {
        let bytes = *ed25519_dalek::SigningKey::from_bytes(&[n; 32])
            .verifying_key()
            .as_bytes();
        let public = PublicKey::from_bytes(&bytes);
        (public.id().unwrap(), public)
    }

    fn solo() -> TrustTable {
        let (id, public) = key(1);
        let role = RoleKeys {
            keyids: BTreeSet::from([id.clone()]),
            threshold: 1,
        };
        let name = KeyName {
            name: "release".into(),
            holder: "Mara".into(),
        };
        TrustTable {
            profile: Some("solo".into()),
            app: None,
            keys: BTreeMap::from([(id.clone(), public)]),
            names: BTreeMap::from([(id, name)]),
            roles: ["root", "targets", "main.production"]
                .map(|r| (r.to_owned(), role.clone()))
                .into(),
        }
    }

    fn add(n: u8) -> TrustEdit {
        TrustEdit::AddKey {
            public: key(n).1,
            name: format!("key {n}"),
            holder: "Ines".into(),
        }
    }

    #[test]
    fn a_team_is_made_of_a_solo_workspace_and_a_key_is_replaced() {
        let grant = |role: &str, n| TrustEdit::Grant {
            role: role.into(),
            key: key(n).0,
        };
        let two = TrustEdit::Threshold {
            role: "root".into(),
            threshold: 2,
        };
        let team = solo()
            .apply(&[add(2), add(3), grant("root", 2), grant("root", 3), two])
            .unwrap();
        assert_eq!(
            (
                team.roles["root"].threshold,
                team.roles["root"].keyids.len()
            ),
            (2, 3)
        );
        assert_eq!(team.weakened(&solo()), Vec::<String>::new());
        assert_eq!(
            solo().weakened(&team),
            ["root needs 1 of 1 signatures instead of 2 of 3"]
        );
        let replace = TrustEdit::Replace {
            old: key(1).0,
            new: key(4).0,
        };
        let next = team.apply(&[add(4), replace]).unwrap();
        assert!(
            !next.keys.contains_key(&key(1).0)
                && next.roles["main.production"].keyids.contains(&key(4).0)
        );
    }

    #[test]
    fn what_cannot_be_met_or_changes_nothing_is_refused() {
        let code = |edits: &[TrustEdit]| solo().apply(edits).unwrap_err().code;
        let two = TrustEdit::Threshold {
            role: "root".into(),
            threshold: 2,
        };
        assert_eq!(code(&[two]), Code::UsageArgument);
        assert_eq!(
            code(&[TrustEdit::RemoveKey { key: key(1).0 }]),
            Code::UsageArgument
        );
        // A key without a role is no change.
        assert_eq!(code(&[add(2)]), Code::UsageExists);
        assert_eq!(
            code(&[TrustEdit::RemoveKey { key: key(9).0 }]),
            Code::UsageUnknown
        );
        assert_eq!(code(&[add(1)]), Code::UsageExists);
    }
}
