//! Root ceremonies in the window.

use headgate_core::signing::{Mark, TrustTable};
use headgate_engine::{self as engine, Ceremony, Member};

use crate::app::App;
use crate::approvals::line;
use crate::dto::{self, IpcError, TrustCeremony};
use crate::ship::{missing, planned};

type Answer<T> = Result<T, IpcError>;

impl App {
    /// Who may sign what, as it is committed.
    pub async fn trust(&self, request: dto::WorkspaceRef) -> Answer<dto::TrustView> {
        let table = self.console.trust_table(&request.workspace).await?;
        let own = self.console.own_key_ids(&request.workspace).await?;
        let key = |(id, _): (&headgate_tuf::KeyId, _)| dto::SignerKey {
            id: id.to_string(),
            name: table.name(id),
            holder: table
                .names
                .get(id)
                .map(|n| n.holder.clone())
                .unwrap_or_default(),
            own: own.contains(id),
            signed: false,
            arrived: None,
        };
        let settings = self.console.settings(&request.workspace).await?;
        let last = settings.channels.last();
        Ok(dto::TrustView {
            last: last.map(|c| c.id.to_string()).unwrap_or_default(),
            profile: table.profile.clone().unwrap_or_default(),
            keys: table.keys.iter().map(key).collect(),
            roles: roles(&table),
        })
    }

    /// Derives what a ceremony would change. Signs nothing.
    pub async fn trust_prepare(&self, request: dto::TrustRequest) -> Answer<dto::TrustPlan> {
        let ceremony = ceremony(request.ceremony)?;
        let plan = self
            .console
            .trust_prepare(&request.workspace, &ceremony, &request.reason)
            .await?;
        let (roles, keys) = planned(&plan.planned);
        let changed = plan.lines.iter().filter(|l| l.mark != Mark::Same);
        Ok(dto::TrustPlan {
            plan: plan.plan,
            title: plan.title,
            lines: changed.map(line).collect(),
            weakened: plan.weakened,
            roles,
            keys,
            can_ask: plan.planned.can_ask,
            missing: missing(&plan.planned),
            problem: plan.planned.problem.map(IpcError::from),
            type_to_confirm: plan.type_to_confirm,
        })
    }

    /// Signs and publishes the ceremony, as a job.
    pub async fn trust_start(&self, request: dto::StartRequest) -> Answer<dto::JobRef> {
        let job = self
            .console
            .start_plan(&request.plan, request.typed.as_deref());
        Ok(dto::JobRef { job: job.await? })
    }
}

fn roles(table: &TrustTable) -> Vec<dto::TrustRole> {
    let role = |(name, role): (&String, &headgate_tuf::metadata::RoleKeys)| dto::TrustRole {
        role: name.clone(),
        threshold: role.threshold,
        keys: role.keyids.iter().map(ToString::to_string).collect(),
    };
    table.roles.iter().map(role).collect()
}

pub(crate) fn member(m: dto::TrustMember) -> Result<Member, IpcError> {
    Ok(Member {
        public: engine::public_key(m.public.trim())?,
        name: m.name.trim().to_owned(),
        holder: m.holder.trim().to_owned(),
    })
}

fn ceremony(wish: TrustCeremony) -> Result<Ceremony, IpcError> {
    Ok(match wish {
        TrustCeremony::Team {
            members,
            root,
            last,
        } => Ceremony::Team {
            members: members.into_iter().map(member).collect::<Result<_, _>>()?,
            root_threshold: root,
            last_threshold: last,
        },
        TrustCeremony::Add { member: new, roles } => Ceremony::AddPerson {
            member: member(new)?,
            roles,
        },
        TrustCeremony::Remove { key } => Ceremony::RemoveKey { key },
        TrustCeremony::Threshold { role, threshold } => Ceremony::Threshold { role, threshold },
        TrustCeremony::Rotate { old, new } => Ceremony::Rotate {
            old,
            new: member(new)?,
        },
        TrustCeremony::Renew { roles } => Ceremony::Renew { roles },
        TrustCeremony::Grant { role, key } => Ceremony::Grant { role, key },
        TrustCeremony::Revoke { role, key } => Ceremony::Revoke { role, key },
    })
}
