//! Pending approvals: what waits for signatures of other people. Nothing of one is served before it is complete.

mod answer;
mod ask;
mod carry;
mod clients;
mod look;
mod proposals;

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::signing::{
    AlarmKind, Committed, Facts, Review, SignedRole, SigningRequest, review,
};
use headgate_core::{Code, Difference, Inventory, Problem, Result, compare, percent};
use headgate_registry::{View, documents, layout};
use headgate_tuf::{Envelope, KeyId, MAX_METADATA, UtcTime, sha256_hex};

use crate::Workspace;
use crate::console::{Console, Inner};
use crate::db::{ApprovalNote, ApprovalState, JobState, StoredApproval};
use crate::publish::Action;

pub use answer::Imported;
pub(crate) use ask::ask;
pub use clients::RsaState;
pub(crate) use clients::made_elsewhere;
pub(crate) use look::Look;
pub use look::ProposalsSeen;
pub use proposals::ProposalsRead;

/// How long a request is wanted unless told otherwise, seconds.
pub const REQUEST_LIFETIME: i64 = 7 * 86_400;

/// A pending approval, in short.
#[derive(Debug, Clone)]
pub struct ApprovalInfo {
    /// Id of the request.
    pub id: String,
    /// What it does.
    pub title: String,
    /// Asked for here; otherwise a proposal of somebody else.
    pub own: bool,
    /// Where it stands.
    pub state: ApprovalState,
    /// Unit and channel that it changes.
    pub place: Option<(String, String)>,
    /// Who asks.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When it was asked for.
    pub created: UtcTime,
    /// Until when it is wanted.
    pub expires: UtcTime,
    /// It has expired.
    pub expired: bool,
    /// Signatures that are there, for the role that lacks most.
    pub have: usize,
    /// Signatures that it needs.
    pub need: usize,
    /// Everything is signed.
    pub complete: bool,
    /// A key of this computer could still sign.
    pub mine: bool,
    /// Whether the signatures of the channel's RSA key are there; nothing where plugins need none.
    pub rsa: Option<RsaState>,
    /// Why it cannot be used any more: what others published meanwhile.
    pub stale: Option<String>,
    /// What happened to it.
    pub notes: Vec<ApprovalNote>,
    /// The publish that it became.
    pub job: Option<String>,
}

/// A pending approval with everything that a person needs to decide.
#[derive(Debug, Clone)]
pub struct ApprovalView {
    /// In short.
    pub info: ApprovalInfo,
    /// What would be signed, derived from its bytes.
    pub review: Review,
    /// Files of the new release against the release before it.
    pub difference: Option<Difference>,
    /// What must be typed to publish it: the channel's name, or the app's identifier for a change of trust.
    pub type_to_confirm: Option<String>,
    /// Who gets it once it is published: "1 % of the devices on production get it first".
    pub effect: Option<String>,
}

impl Console {
    /// Pending approvals of a workspace, newest first: own ones and proposals.
    ///
    /// # Errors
    /// `local.journal`, `storage.*`, `trust.*`.
    pub async fn approvals(&self, workspace: &str) -> Result<Vec<ApprovalInfo>> {
        let workspace = self.workspace(workspace).await?;
        let stored = self.inner.journal.approvals(&workspace.id).await?;
        if stored.is_empty() {
            return Ok(Vec::new());
        }
        let view = self.view_of(&workspace).await?;
        let mut list = Vec::new();
        for approval in stored {
            // One that cannot be read any more must not hide the others.
            match self.weigh(&workspace, view.as_ref(), &approval, None).await {
                Ok((info, _)) => list.push(info),
                Err(problem) => {
                    tracing::warn!(%problem, id = approval.id, "a pending approval cannot be read");
                }
            }
        }
        Ok(list)
    }

    /// One pending approval.
    ///
    /// # Errors
    /// `signing.unknown`, `signing.format`, `storage.*`, `trust.*`.
    pub async fn approval(&self, workspace: &str, id: &str) -> Result<ApprovalView> {
        let workspace = self.workspace(workspace).await?;
        let stored = self.stored(&workspace, id).await?;
        let view = self.view_of(&workspace).await?;
        let store = self.inner.store(&workspace)?;
        let mut request = SigningRequest::parse(&stored.request)?;
        if let Some(view) = &view {
            carry::documents(store.as_ref(), view, &mut request).await?;
        }
        let (info, mut review) = self
            .weigh(&workspace, view.as_ref(), &stored, Some(request))
            .await?;
        if view.is_none() && stored.own {
            // Who makes a workspace needs no warning that it is new.
            review.alarms.retain(|a| a.kind != AlarmKind::NewWorkspace);
        }
        let mut difference = None;
        if let Some(new) = review.releases.last() {
            let new = documents::inventory(store.as_ref(), new).await.ok();
            let old = match &review.former {
                Some(old) => documents::inventory(store.as_ref(), old).await.ok(),
                None => Some(Inventory { files: Vec::new() }),
            };
            difference = old.zip(new).map(|(old, new)| compare(&old, &new));
        }
        let action = stored.intent.as_ref().map(|i| &i.action);
        let type_to_confirm = match (action, &view) {
            (Some(Action::Trust { .. } | Action::Renew { .. }), _) => Some(workspace.app.clone()),
            (Some(action), Some(view)) => match action.place() {
                Some((_, channel)) => super::ship::channel_settings(view, channel)?.1,
                None => None,
            },
            _ => None,
        };
        let effect = action.and_then(effect);
        Ok(ApprovalView {
            info,
            review,
            difference,
            type_to_confirm,
            effect,
        })
    }

    /// The verified state; nothing for a workspace whose first publish waits for signatures.
    pub(super) async fn view_of(&self, workspace: &Workspace) -> Result<Option<View>> {
        let store = self.inner.store(workspace);
        let Ok(store) = store else {
            return Ok(None);
        };
        if store.head(layout::TIMESTAMP).await?.is_none() {
            return Ok(None);
        }
        self.inner.read(workspace, store.as_ref()).await.map(Some)
    }

    pub(super) async fn stored(&self, workspace: &Workspace, id: &str) -> Result<StoredApproval> {
        let missing = || {
            Problem::new(
                Code::SigningUnknown,
                format!("There is no request {id} here."),
            )
        };
        if let Some(found) = self.inner.journal.approval(&workspace.id, id).await? {
            return Ok(found);
        }
        let all = self.inner.journal.approvals(&workspace.id).await?;
        let mut fitting = all
            .into_iter()
            .filter(|a| id.len() >= 8 && a.id.starts_with(id));
        let found = fitting.next().ok_or_else(missing)?;
        match fitting.next() {
            None => Ok(found),
            Some(_) => Err(missing()),
        }
    }

    /// Everything about a stored approval that depends on what is committed now.
    pub(super) async fn weigh(
        &self,
        workspace: &Workspace,
        view: Option<&View>,
        stored: &StoredApproval,
        request: Option<SigningRequest>,
    ) -> Result<(ApprovalInfo, Review)> {
        let request = match request {
            Some(request) => request,
            None => SigningRequest::parse(&stored.request)?,
        };
        let own: BTreeSet<KeyId> = self
            .inner
            .own_keys(&workspace.id)
            .await?
            .into_keys()
            .collect();
        let committed = view.map(committed);
        let facts = Facts {
            committed: committed.as_ref(),
            seen: &BTreeMap::new(),
            own: &own,
            now: self.inner.world.now(),
        };
        let review = review(&request, facts)?;
        let roles = &review.roles;
        let lacking = roles.iter().max_by_key(|r| r.need.saturating_sub(r.have));
        let (have, need) = lacking.map_or((0, 1), |r| (r.have, r.need));
        let mut state = stored.state;
        if let Some(job) = &stored.job
            && state == ApprovalState::Open
            && self.job(job).await.is_ok_and(|j| j.state == JobState::Done)
        {
            state = ApprovalState::Done;
        }
        let mut stale = None;
        if let (Some(view), ApprovalState::Open) = (view, state) {
            match since(&self.inner, workspace, view, &request).await? {
                Since::Nothing => {}
                Since::Published => state = ApprovalState::Done,
                Since::Others(what) => stale = Some(what),
            }
        }
        let open = state == ApprovalState::Open;
        let expired = request.expires <= self.inner.world.now();
        let mine = open
            && request.clients.is_empty()
            && roles
                .iter()
                .any(|r| r.have < r.need && r.keys.iter().any(|k| k.own && !k.signed));
        Ok((
            ApprovalInfo {
                id: stored.id.clone(),
                title: stored.title.clone(),
                own: stored.own,
                state,
                place: stored.unit.clone().zip(stored.channel.clone()),
                by: request.by.clone(),
                reason: request.reason.clone(),
                created: request.created,
                expires: request.expires,
                expired,
                have,
                need,
                complete: review.complete,
                mine,
                rsa: clients::rsa_state(view, &request, &review)?,
                stale,
                notes: stored.notes.clone(),
                job: stored.job.clone(),
            },
            review,
        ))
    }
}

/// Who gets what an action serves.
fn effect(action: &Action) -> Option<String> {
    let (channel, permille) = match action {
        Action::Ship {
            channel, permille, ..
        } => (channel, *permille),
        Action::Promote { to, permille, .. } => (to, *permille),
        _ => return None,
    };
    Some(match permille {
        1000.. => format!("All devices on {channel} get it at their next check"),
        _ => format!(
            "{} of the devices on {channel} get it first, a fixed random group",
            percent(permille)
        ),
    })
}

/// What is committed, as a review needs it.
pub(super) fn committed(view: &View) -> Committed {
    Committed {
        root: view.root.meta.clone(),
        root_sha256: view.root.sha256.clone(),
        root_file: view.root.file.to_vec(),
        targets: view.targets.meta.clone(),
        targets_sha256: view.targets.sha256.clone(),
    }
}

/// What was published of the same roles since it was asked for.
enum Since {
    /// Nothing, or not all of it yet.
    Nothing,
    /// These very bytes, here or on another console.
    Published,
    /// Something else, in words.
    Others(String),
}

async fn since(
    inner: &Inner,
    workspace: &Workspace,
    view: &View,
    request: &SigningRequest,
) -> Result<Since> {
    let mut published = 0;
    for asked in &request.roles {
        let role = asked.signed_role()?;
        let now = match &role {
            SignedRole::Root(_) => {
                Some((view.root.sha256.clone(), view.root.meta.x.header.clone()))
            }
            SignedRole::Targets(_) => Some((
                view.targets.sha256.clone(),
                view.targets.meta.x.header.clone(),
            )),
            SignedRole::Channel { role: name, .. } => view
                .channels
                .get(name)
                .map(|l| (l.sha256.clone(), l.meta.x.clone())),
        };
        let Some((sha256, header)) = now else {
            continue;
        };
        if role.header().prev.as_ref() == Some(&sha256) {
            continue;
        }
        // What is committed may be these very bytes: then it was published.
        let store = inner.store(workspace)?;
        let key = layout::metadata(&role.name(), role.version());
        if let Some(object) = store.get(&key, MAX_METADATA as u64).await?
            && sha256_hex(&object.bytes) == sha256
            && Envelope::parse(&object.bytes)?.signed().as_bytes() == asked.signed.as_bytes()
        {
            published += 1;
            continue;
        }
        let reason = match header.reason.is_empty() {
            true => String::new(),
            false => format!(" (‘{}’)", header.reason),
        };
        return Ok(Since::Others(format!(
            "{} published {} meanwhile, at {}: {}{reason}.",
            header.by,
            role.name(),
            header.at,
            header.action.replace('_', " ")
        )));
    }
    Ok(match published == request.roles.len() {
        true => Since::Published,
        false => Since::Nothing,
    })
}

/// Unit and channel of an action, as they are stored.
pub(super) fn place(action: &Action) -> (Option<String>, Option<String>) {
    match action.place() {
        Some((unit, channel)) => (Some(unit.to_string()), Some(channel.to_string())),
        None => (None, None),
    }
}
