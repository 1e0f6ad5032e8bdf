//! Pending approvals: what waits for signatures of other people. Nothing of one is served before it is complete.

mod answer;
mod ask;
mod carry;
mod clients;
mod look;
mod proposals;
mod state;

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::signing::{AlarmKind, Facts, Review, SigningRequest, review};
use headgate_core::{Code, Difference, Inventory, Kind, Problem, Result, compare, percent};
use headgate_registry::{View, documents, layout};
use headgate_tuf::{KeyId, UtcTime};

use crate::Workspace;
use crate::console::Console;
use crate::db::{ApprovalNote, ApprovalState, JobState, StoredApproval};
use crate::publish::Action;

pub use answer::Imported;
pub(crate) use ask::ask;
pub use clients::RsaState;
pub(crate) use clients::made_elsewhere;
pub(crate) use look::Look;
pub use look::ProposalsSeen;
pub use proposals::ProposalsRead;
use state::Since;
pub(super) use state::State;

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
    /// When the signature of each key came to this computer, by its clock. A signature itself says no time.
    pub arrived: BTreeMap<KeyId, UtcTime>,
}

impl Console {
    /// Pending approvals of a workspace, newest first: own ones and proposals. Weighed against what was read last, so it
    /// works offline; signing and publishing read storage anew.
    ///
    /// # Errors
    /// `local.*`; `storage.*`, `trust.*` where storage was never read here.
    pub async fn approvals(&self, workspace: &str) -> Result<Vec<ApprovalInfo>> {
        let workspace = self.workspace(workspace).await?;
        let stored = self.inner.journal.approvals(&workspace.id).await?;
        if stored.is_empty() {
            return Ok(Vec::new());
        }
        let state = self.last_state(&workspace).await?;
        let mut list = Vec::new();
        for approval in stored {
            // One that cannot be read any more must not hide the others.
            match self
                .weigh(&workspace, state.as_ref(), &approval, None)
                .await
            {
                Ok((info, _)) => list.push(info),
                Err(problem) => {
                    tracing::warn!(%problem, id = approval.id, "a pending approval cannot be read");
                }
            }
        }
        Ok(list)
    }

    /// One pending approval. Storage is asked for what its bytes list; while it cannot be reached, it is shown against what
    /// was read last, and documents that are not at hand by their hashes.
    ///
    /// # Errors
    /// `signing.unknown`, `signing.format`, `local.*`, `trust.*`.
    pub async fn approval(&self, workspace: &str, id: &str) -> Result<ApprovalView> {
        let workspace = self.workspace(workspace).await?;
        let stored = self.stored(&workspace, id).await?;
        let state = match self.state_of(&workspace).await {
            Ok(None) => self.last_state(&workspace).await?,
            Err(problem) if problem.code.kind() == Kind::Storage => {
                self.last_state(&workspace).await.map_err(|_| problem)?
            }
            read => read?,
        };
        // A folder that is away cannot even be opened.
        let store = self.inner.store(&workspace).ok();
        let mut request = SigningRequest::parse(&stored.request)?;
        if let (Some(store), Some(_)) = (&store, &state) {
            // What cannot be read is shown by its hash.
            match carry::documents(store.as_ref(), &mut request).await {
                Err(problem) if problem.code.kind() != Kind::Storage => return Err(problem),
                _ => {}
            }
        }
        let (info, mut review) = self
            .weigh(&workspace, state.as_ref(), &stored, Some(request))
            .await?;
        if state.is_none() && stored.own {
            // Who makes a workspace needs no warning that it is new.
            review.alarms.retain(|a| a.kind != AlarmKind::NewWorkspace);
        }
        let mut difference = None;
        if let (Some(store), Some(new)) = (&store, review.releases.last()) {
            let new = documents::inventory(store.as_ref(), new).await.ok();
            let old = match &review.former {
                Some(old) => documents::inventory(store.as_ref(), old).await.ok(),
                None => Some(Inventory { files: Vec::new() }),
            };
            difference = old.zip(new).map(|(old, new)| compare(&old, &new));
        }
        let action = stored.intent.as_ref().map(|i| &i.action);
        let type_to_confirm = match (action, &state) {
            (Some(Action::Trust { .. } | Action::Renew { .. }), _) => Some(workspace.app.clone()),
            (Some(action), Some(state)) => match action.confirmed_by() {
                Some(channel) => {
                    super::ship::channel_settings(&state.committed.targets.x, channel)?.1
                }
                None => None,
            },
            _ => None,
        };
        let effect = action.and_then(effect);
        Ok(ApprovalView {
            arrived: arrived(&info.notes),
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

    /// As [`Self::view_of`], as far as requests need it.
    pub(super) async fn state_of(&self, workspace: &Workspace) -> Result<Option<State>> {
        let view = self.view_of(workspace).await?;
        view.as_ref().map(State::of).transpose()
    }

    /// What was committed when storage was read last; storage is asked where it never was.
    async fn last_state(&self, workspace: &Workspace) -> Result<Option<State>> {
        let files = self.inner.cache.committed(&workspace.id).await?;
        match files.is_empty() {
            true => self.state_of(workspace).await,
            false => State::read(files).map(Some),
        }
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
        state: Option<&State>,
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
        let facts = Facts {
            committed: state.map(|s| &s.committed),
            seen: &BTreeMap::new(),
            own: &own,
            now: self.inner.world.now(),
        };
        let review = review(&request, facts)?;
        let roles = &review.roles;
        let lacking = roles
            .iter()
            .max_by_key(|r| (r.need.saturating_sub(r.have), r.need));
        let (have, need) = lacking.map_or((0, 1), |r| (r.have, r.need));
        let mut stands = stored.state;
        if let Some(job) = &stored.job
            && stands == ApprovalState::Open
            && self.job(job).await.is_ok_and(|j| j.state == JobState::Done)
        {
            stands = ApprovalState::Done;
        }
        let mut stale = None;
        if let (Some(state), ApprovalState::Open) = (state, stands) {
            match state.since(&request)? {
                Since::Nothing => {}
                Since::Published => stands = ApprovalState::Done,
                Since::Others(what) => stale = Some(what),
            }
        }
        let open = stands == ApprovalState::Open;
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
                state: stands,
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
                rsa: clients::rsa_state(state, &request, &review)?,
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

/// Keys whose signatures a request holds.
fn signers(request: &SigningRequest) -> BTreeSet<KeyId> {
    let roles = request.roles.iter();
    roles
        .flat_map(|role| role.signatures.iter().map(|s| s.keyid.clone()))
        .collect()
}

/// When the signature of each key came to this computer.
fn arrived(notes: &[ApprovalNote]) -> BTreeMap<KeyId, UtcTime> {
    let mut first = BTreeMap::new();
    for note in notes {
        for key in &note.keys {
            first.entry(key.clone()).or_insert(note.at);
        }
    }
    first
}

/// Unit and channel of an action, as they are stored.
pub(super) fn place(action: &Action) -> (Option<String>, Option<String>) {
    match action.place() {
        Some((unit, channel)) => (Some(unit.to_string()), Some(channel.to_string())),
        None => (None, None),
    }
}
