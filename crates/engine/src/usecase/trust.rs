//! Root ceremonies: changing who may sign what.

use headgate_core::signing::{Line, TrustEdit, TrustTable};
use headgate_core::text::one_line;
use headgate_core::{Code, Problem, Result};
use headgate_registry::View;
use headgate_tuf::{KeyId, PublicKey, RoleName, UtcTime, policy};

use crate::console::Console;
use crate::publish::{Action, Member, Planned, draft};

/// What a ceremony would change.
#[derive(Debug, Clone)]
pub struct TrustPlan {
    /// Handle of the plan.
    pub plan: String,
    /// What the ceremony is called.
    pub title: String,
    /// Before and after, in words.
    pub lines: Vec<Line>,
    /// Protection that gets weaker.
    pub weakened: Vec<String>,
    /// Roles and keys.
    pub planned: Planned,
    /// What must be typed: the app's identifier.
    pub type_to_confirm: String,
}

/// How a change of trust was started.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Started {
    /// This computer had every signature: the job that publishes.
    Publish(String),
    /// Others have to sign: the job that asks, and the request.
    Ask(String, String),
}

impl Started {
    /// The job.
    pub fn job(&self) -> &str {
        match self {
            Self::Publish(job) | Self::Ask(job, _) => job,
        }
    }
}

/// A ceremony as a person words it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Ceremony {
    /// From one owner to several.
    Team {
        /// The other owners.
        members: Vec<Member>,
        /// Owners who must sign root and settings.
        root_threshold: u32,
        /// Owners who must approve for the last channel.
        last_threshold: u32,
    },
    /// Another person, in the roles that are named.
    AddPerson {
        /// Who, with their key.
        member: Member,
        /// Role names.
        roles: Vec<String>,
    },
    /// A key does not count any more.
    RemoveKey {
        /// At least 8 digits of its id, or its name.
        key: String,
    },
    /// Signatures that a role needs.
    Threshold {
        /// Role name.
        role: String,
        /// How many.
        threshold: u32,
    },
    /// A key takes the place of another wherever that signs.
    Rotate {
        /// At least 8 digits of the old key's id, or its name.
        old: String,
        /// The new key.
        new: Member,
    },
    /// A role accepts a known key.
    Grant {
        /// Role name.
        role: String,
        /// At least 8 digits of the key's id, or its name.
        key: String,
    },
    /// Roles with the same content, for longer.
    Renew {
        /// Role names.
        roles: Vec<String>,
    },
    /// A role does not accept a key any more.
    Revoke {
        /// Role name.
        role: String,
        /// At least 8 digits of the key's id, or its name.
        key: String,
    },
}

impl Ceremony {
    /// What it is called.
    pub fn title(&self) -> String {
        match self {
            Self::Team { .. } => "Make a team".into(),
            Self::AddPerson { member, .. } => format!("Add {}", member.name),
            Self::RemoveKey { key } => format!("Take out {key}"),
            Self::Threshold { role, threshold } => format!("{role} needs {threshold} signatures"),
            Self::Rotate { old, new } => format!("Replace {old} by {}", new.name),
            Self::Renew { roles } => format!("Renew {}", roles.join(", ")),
            Self::Grant { role, key } => format!("{key} may sign {role}"),
            Self::Revoke { role, key } => format!("{key} may not sign {role} any more"),
        }
    }

    fn action(&self, table: &TrustTable, last: &str) -> Result<Action> {
        if let Self::Renew { roles } = self {
            if roles.is_empty() {
                let what = "No role is named.";
                return Err(Problem::new(Code::UsageArgument, what).field("role"));
            }
            return Ok(Action::Renew {
                roles: roles.clone(),
            });
        }
        Ok(Action::Trust {
            edits: self.edits(table, last)?,
            title: self.title(),
        })
    }

    /// The edits that it means now; `last` is the last channel, where several people of a team approve.
    ///
    /// # Errors
    /// `usage.unknown` for a key that nobody knows, `usage.argument`.
    pub fn edits(&self, table: &TrustTable, last: &str) -> Result<Vec<TrustEdit>> {
        let add = |m: &Member| TrustEdit::AddKey {
            public: m.public.clone(),
            name: m.name.clone(),
            holder: m.holder.clone(),
        };
        let grant = |role: &str, key: &PublicKey| -> Result<TrustEdit> {
            Ok(TrustEdit::Grant {
                role: role.to_owned(),
                key: key.id()?,
            })
        };
        let threshold = |role: &str, threshold| TrustEdit::Threshold {
            role: role.to_owned(),
            threshold,
        };
        Ok(match self {
            Self::Team {
                members,
                root_threshold,
                last_threshold,
            } => {
                let mut edits: Vec<TrustEdit> = members.iter().map(add).collect();
                let approvals: Vec<&String> = table
                    .roles
                    .keys()
                    .filter(|name| is_approval(name))
                    .collect();
                for role in ["root", "targets"]
                    .into_iter()
                    .chain(approvals.iter().map(|r| r.as_str()))
                {
                    for member in members {
                        edits.push(grant(role, &member.public)?);
                    }
                }
                edits.push(threshold("root", *root_threshold));
                edits.push(threshold("targets", *root_threshold));
                edits.push(TrustEdit::Profile {
                    profile: "team".into(),
                });
                for role in approvals
                    .iter()
                    .filter(|r| r.split('.').nth(1) == Some(last))
                {
                    edits.push(threshold(role, *last_threshold));
                }
                edits
            }
            Self::AddPerson { member, roles } => {
                let mut edits = vec![add(member)];
                for role in roles {
                    edits.push(grant(role, &member.public)?);
                }
                edits
            }
            Self::Renew { .. } => Vec::new(),
            Self::RemoveKey { key } => vec![TrustEdit::RemoveKey {
                key: find_key(table, key)?,
            }],
            Self::Threshold { role, threshold: n } => vec![threshold(role, *n)],
            Self::Rotate { old, new } => vec![
                add(new),
                TrustEdit::Replace {
                    old: find_key(table, old)?,
                    new: new.public.id()?,
                },
            ],
            Self::Grant { role, key } => vec![TrustEdit::Grant {
                role: role.clone(),
                key: find_key(table, key)?,
            }],
            Self::Revoke { role, key } => vec![TrustEdit::Revoke {
                role: role.clone(),
                key: find_key(table, key)?,
            }],
        })
    }
}

/// The channel that the others lead to.
fn last_channel(view: &View) -> String {
    let last = view.targets.meta.x.channels.last();
    last.map(|c| c.id.to_string()).unwrap_or_default()
}

fn is_approval(name: &str) -> bool {
    matches!(RoleName::parse(name), Ok(RoleName::Channel(..)))
}

/// A key by at least 8 digits of its id, or by its name.
fn find_key(table: &TrustTable, text: &str) -> Result<KeyId> {
    let by_id = |id: &&KeyId| text.len() >= 8 && id.as_str().starts_with(text);
    let by_name = |id: &&KeyId| table.names.get(*id).is_some_and(|n| n.name == text);
    let mut found = table.keys.keys().filter(|id| by_id(id) || by_name(id));
    match (found.next(), found.next()) {
        (Some(id), None) => Ok(id.clone()),
        (Some(_), Some(_)) => {
            let what = format!("Several keys are called {text}.");
            Err(Problem::new(Code::UsageArgument, what)
                .remedy("Give more digits of its id.")
                .field("key"))
        }
        (None, _) => {
            let what = format!("No role knows a key {text}.");
            Err(Problem::new(Code::UsageUnknown, what).field("key"))
        }
    }
}

impl Console {
    /// Who may sign what, as it is committed.
    ///
    /// # Errors
    /// `storage.*`, `trust.*`.
    pub async fn trust_table(&self, workspace: &str) -> Result<TrustTable> {
        let workspace = self.workspace(workspace).await?;
        let (_, view) = self.fresh(&workspace).await?;
        Ok(TrustTable::of(&view.root.meta, &view.targets.meta))
    }

    /// Derives what a ceremony would change. Signs and writes nothing; [`Self::start_plan`] publishes it where this
    /// computer has every signature, [`Self::ask_plan`] asks for the others.
    ///
    /// # Errors
    /// `usage.*`, `storage.*`, `trust.*`.
    pub async fn trust_prepare(
        &self,
        workspace: &str,
        ceremony: &Ceremony,
        reason: &str,
    ) -> Result<TrustPlan> {
        let workspace = self.workspace(workspace).await?;
        let (store, view) = self.fresh(&workspace).await?;
        let before = TrustTable::of(&view.root.meta, &view.targets.meta);
        let action = ceremony.action(&before, &last_channel(&view))?;
        let next = match &action {
            Action::Trust { edits, .. } => before.apply(edits)?,
            _ => before.clone(),
        };
        let mut lines = Vec::new();
        next.lines(Some(&before), &mut lines);
        if let Action::Renew { roles } = &action {
            lines.extend(
                roles
                    .iter()
                    .map(|role| renewed(&view, role, self.inner.world.now())),
            );
        }
        let title = ceremony.title();
        let typed = workspace.app.clone();
        let (plan, _, planned) = self
            .plan(
                &workspace,
                &view,
                store.as_ref(),
                action,
                one_line(reason, 500),
                Some(typed.clone()),
            )
            .await?;
        Ok(TrustPlan {
            plan,
            title,
            lines,
            weakened: next.weakened(&before),
            planned,
            type_to_confirm: typed,
        })
    }

    /// Changes who may sign what. Publishes where this computer has every signature, else asks for the others. On the
    /// command line the arguments are the confirmation.
    ///
    /// # Errors
    /// `usage.*`, `key.*`, `storage.*`, `trust.*`.
    pub async fn change_trust(
        &self,
        workspace: &str,
        ceremony: &Ceremony,
        reason: &str,
    ) -> Result<Started> {
        let workspace = self.workspace(workspace).await?;
        let (store, view) = self.fresh(&workspace).await?;
        let action = ceremony.action(
            &TrustTable::of(&view.root.meta, &view.targets.meta),
            &last_channel(&view),
        )?;
        let intent = self.intent(&view, action, one_line(reason, 500));
        let own = self.inner.own_keys(&workspace.id).await?;
        let drafted = draft(
            store.as_ref(),
            &view,
            &intent,
            &own,
            &self.inner.world,
            None,
        )
        .await?;
        if drafted.can_ask(&own, false) {
            let (job, id) = self.ask_for(workspace, intent).await?;
            return Ok(Started::Ask(job, id));
        }
        self.start_publish(workspace, intent)
            .await
            .map(Started::Publish)
    }
}

/// "Valid until": before and after a renewal.
fn renewed(view: &View, name: &str, now: UtcTime) -> Line {
    let role = RoleName::parse(name).ok();
    let before = match &role {
        Some(RoleName::Root) => Some(view.root.meta.expires),
        Some(RoleName::Targets) => Some(view.targets.meta.expires),
        Some(role) => view.channels.get(role).map(|l| l.meta.expires),
        None => None,
    };
    let after = role.map_or_else(String::new, |r| policy::expires(&r, now).to_string());
    Line::new(
        format!("{name} is valid until"),
        before.map(|b| b.to_string()),
        after,
    )
}
