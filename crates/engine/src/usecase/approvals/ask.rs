//! Asking for signatures: what this computer can sign is signed, its objects are uploaded, and a request is kept.

use std::sync::Arc;

use headgate_core::signing::{RoleRequest, SigningRequest};
use headgate_core::{Code, Problem, Result};
use headgate_registry::View;
use headgate_tuf::{RoleName, UtcTime};

use super::super::clients::Making;
use super::super::publish::{Before, derive};
use super::super::write::apply;
use super::{REQUEST_LIFETIME, carry, place, signers};
use crate::clients::Hand;
use crate::console::{Console, Inner, lock};
use crate::db::{ApprovalNote, ApprovalState, Phase, StoredApproval};
use crate::publish::{Action, Applied, Draft, Intent, number, object_steps, sign_here};
use crate::upload::{Control, Target};
use crate::{Workspace, usecase::jobs};

impl Console {
    /// Starts to ask for the signatures that a plan lacks, as a job. Gives the job and the request's id. What must be
    /// typed is asked for when it is published.
    ///
    /// # Errors
    /// `usage.unknown` when the plan is gone, `key.*`.
    pub async fn ask_plan(&self, plan: &str, reason: &str) -> Result<(String, String)> {
        let missing = || {
            Problem::new(Code::UsageUnknown, "The plan is gone.")
                .remedy("Go back one step and continue again.")
        };
        let taken = lock(&self.inner.plans).remove(plan).ok_or_else(missing)?;
        let mut intent = taken.intent;
        if !reason.trim().is_empty() {
            intent.reason = headgate_core::text::one_line(reason, 500);
        }
        self.ask_for(taken.workspace, intent).await
    }

    /// As [`Self::ask_plan`], for an intent.
    pub(crate) async fn ask_for(
        &self,
        workspace: Workspace,
        mut intent: Intent,
    ) -> Result<(String, String)> {
        let id = self.inner.world.id(16)?;
        intent.collected.ask = Some(id.clone());
        // What others do to the rollout meanwhile does not touch what approvers sign.
        intent.base.retain(|role, _| !role.ends_with(".rollout"));
        let job = self.start_publish(workspace, intent).await?;
        Ok((job, id))
    }
}

/// The job of asking. It can be done again after a crash at any point: nothing of it is live, and its request is
/// recorded last.
pub(crate) async fn ask(
    inner: &Arc<Inner>,
    workspace: &Workspace,
    targets: &[Option<Target>],
    id: &str,
    control: &Control,
    intent: &Intent,
    request: &str,
) -> Result<()> {
    if inner
        .journal
        .approval(&workspace.id, request)
        .await?
        .is_some()
    {
        return Ok(());
    }
    let store = Arc::clone(&super::super::write::first(targets)?.store);
    inner.phase(id, Phase::Read).await?;
    let mut plain = intent.clone();
    plain.collected = Default::default();
    let (mut draft, view, _): (Draft, Option<View>, Before) =
        derive(inner, workspace, store.as_ref(), &plain).await?;
    inner.unchanged(id, control, &draft).await?;
    let own = inner.own_keys(&workspace.id).await?;
    inner.phase(id, Phase::Sign).await?;
    let asked: Vec<RoleName> = draft
        .askable()
        .into_iter()
        .map(|r| r.role.clone())
        .collect();
    if asked.is_empty() {
        let what = "It needs no signature of anybody else.";
        return Err(Problem::new(Code::UsageArgument, what));
    }
    let signs = draft
        .askable()
        .into_iter()
        .any(|r| !r.choose(&own).0.is_empty());
    let needs_vault = signs || draft.wanted.is_some();
    let vault = match needs_vault {
        true => Some(inner.vault(workspace).await?),
        false => None,
    };
    let places = match &vault {
        Some(vault) => super::clients::places(&draft, vault).await?,
        None => Vec::new(),
    };
    if let (Some(_), Some(view), Some(vault), true) =
        (&draft.wanted, &view, &vault, places.is_empty())
    {
        let making = Making {
            inner,
            store: store.as_ref(),
            id,
            control,
            hand: Hand::Vault(Arc::clone(vault)),
        };
        draft = making
            .complete(draft, view, &plain, &own, &mut None)
            .await?;
    }
    let mut roles = Vec::new();
    for role in draft.askable() {
        // What is not whole yet is signed once it is.
        let open = places.iter().any(|p| p.role == role.role.to_string());
        let envelope = match &vault {
            Some(vault) if !open => sign_here(role, vault, &own).await?,
            _ => role.envelope(),
        };
        let previous = view.as_ref().and_then(|v| file_of(v, &role.role));
        let asked = RoleRequest::new(&envelope, previous.as_deref())?;
        roles.push(asked.named(&role.role));
    }
    // The rollout is made when it is published: what it lists may be another by then.
    draft
        .objects
        .retain(|(key, ..)| !key.ends_with(".rollout.json"));
    let mut steps = object_steps(&draft);
    number(&mut steps);
    inner.journal.set_steps(id, &steps).await?;
    inner.phase(id, Phase::Upload).await?;
    if apply(inner, workspace, targets, id, control, &steps).await? != Applied::Committed {
        return Err(Problem::new(
            Code::Internal,
            "Objects of a request took part in a race.",
        ));
    }
    let now = inner.world.now();
    let identity = identity(view.as_ref(), intent)?;
    let mut asking = SigningRequest::new(
        request.to_owned(),
        identity,
        intent.by.clone(),
        intent.reason.clone(),
        now,
        now.plus(REQUEST_LIFETIME),
        roles,
    );
    asking.clients = places;
    if let Some(view) = &view {
        let text = |file: &bytes::Bytes| String::from_utf8_lossy(file).into_owned();
        asking.roots = view.roots.iter().map(|r| text(&r.file)).collect();
        asking.targets = Some(text(&view.targets.file));
        carry::documents(store.as_ref(), &mut asking).await?;
    }
    record(inner, workspace, &draft, &asking, now).await?;
    if !asking.clients.is_empty() {
        // It goes to one person, with the bundle; the others get it when its bytes are whole.
        return Ok(());
    }
    super::proposals::send(inner, workspace, &asking).await
}

async fn record(
    inner: &Inner,
    workspace: &Workspace,
    draft: &Draft,
    request: &SigningRequest,
    now: UtcTime,
) -> Result<()> {
    let (unit, channel) = place(&draft.intent.action);
    let version = draft.release.as_ref().map(|r| r.version.clone());
    let title = match (&draft.intent.action, version, &channel) {
        (Action::Promote { .. }, Some(version), Some(channel)) => {
            format!("Promote {version} to {channel}")
        }
        _ => jobs::title(&draft.intent),
    };
    let mut intent = draft.intent.clone();
    intent.collected.clients = !request.clients.is_empty();
    let note = ApprovalNote {
        at: now,
        by: inner.person.clone(),
        what: "asked".into(),
        text: request.reason.clone(),
        keys: signers(request),
    };
    let stored = StoredApproval {
        id: request.id.clone(),
        workspace: workspace.id.clone(),
        own: true,
        state: ApprovalState::Open,
        title,
        unit,
        channel,
        created: now,
        expires: request.expires,
        intent: Some(intent),
        request: request.to_bytes()?,
        notes: vec![note],
        job: None,
    };
    inner.journal.save_approval(&stored).await
}

/// The committed file of a role.
fn file_of(view: &View, role: &RoleName) -> Option<Vec<u8>> {
    match role {
        RoleName::Root => Some(view.root.file.to_vec()),
        RoleName::Targets => Some(view.targets.file.to_vec()),
        _ => view.channels.get(role).map(|l| l.file.to_vec()),
    }
}

fn identity(view: Option<&View>, intent: &Intent) -> Result<String> {
    match (view, &intent.action) {
        (Some(view), _) => Ok(view.root.meta.x.header.workspace.clone()),
        (None, Action::Init { identity, .. }) => Ok(identity.clone()),
        _ => Err(Problem::new(
            Code::Internal,
            "The request belongs to no workspace.",
        )),
    }
}
