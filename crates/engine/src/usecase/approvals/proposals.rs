//! Proposals between consoles: requests and answers in a private location that the team's people can read and write.
//!
//! It is never the public prefix. What lies there is another person's file: at most 100 open proposals of at most
//! 64 KiB each are read, and one that no key of the workspace has signed is ignored.

use headgate_core::signing::{SigningRequest, SigningResponse};
use headgate_core::{Code, Problem, Result};
use headgate_registry::{Body, Created, Store, View, silent};
use std::sync::Arc;

use super::{ApprovalInfo, State};
use crate::Workspace;
use crate::console::{Console, Inner};
use crate::db::{ApprovalNote, ApprovalState, StoredApproval};

/// Largest proposal, bytes.
const MAX_PROPOSAL: u64 = 64 * 1024;
/// Most proposals that are read.
const MAX_PROPOSALS: usize = 100;
pub(super) const FOLDER: &str = "proposals";

/// What a look into the private location found.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ProposalsRead {
    /// Proposals of others that are new here.
    pub proposals: usize,
    /// Signatures and refusals for own requests that are new here.
    pub answers: usize,
    /// Files that were ignored, with the reason.
    pub ignored: Vec<(String, String)>,
}

/// What an answer is to an own request.
enum Answered {
    /// Known, or for somebody else.
    Nothing,
    /// New.
    New,
    /// New, and with it the request of this id is complete.
    Last(String),
}

/// What came out of files of the private location.
#[derive(Debug, Default)]
pub(super) struct Taken {
    /// In numbers.
    pub(super) read: ProposalsRead,
    /// Proposals that are new.
    pub(super) new: Vec<ApprovalInfo>,
    /// Ids of own requests that the last signature came for.
    pub(super) complete: Vec<String>,
}

impl Console {
    /// The private location of a workspace, on this computer.
    ///
    /// # Errors
    /// `usage.no_workspace`, `local.journal`.
    pub async fn proposals_location(&self, workspace: &str) -> Result<Option<String>> {
        let workspace = self.workspace(workspace).await?;
        location(&self.inner, &workspace).await
    }

    /// Sets the private location, or takes it away with nothing.
    ///
    /// # Errors
    /// `storage.address`; `usage.argument` when it is the registry or lies in it.
    pub async fn set_proposals_location(
        &self,
        workspace: &str,
        address: Option<&str>,
    ) -> Result<()> {
        let workspace = self.workspace(workspace).await?;
        let address = address.unwrap_or_default().trim();
        if !address.is_empty() {
            let store = self.inner.create_at(&workspace, address)?;
            let normal = |text: &str| {
                text.trim_end_matches('/')
                    .split('?')
                    .next()
                    .unwrap_or_default()
                    .to_owned()
            };
            let (own, registry) = (
                normal(&store.address()),
                normal(&self.inner.store(&workspace)?.address()),
            );
            if own == registry || own.starts_with(&format!("{registry}/")) {
                let what = "The private location lies in the registry, which everybody can read.";
                return Err(Problem::new(Code::UsageArgument, what)
                    .remedy("Choose a folder or bucket that only the team can read.")
                    .field("proposals"));
            }
        }
        self.inner
            .journal
            .set_setting(&key(&workspace), address)
            .await?;
        self.forget_looks(&workspace).await
    }

    /// Reads files of the private location.
    pub(super) async fn take_files(
        &self,
        workspace: &Workspace,
        view: &View,
        store: &dyn Store,
        names: &[String],
    ) -> Taken {
        let mut taken = Taken::default();
        let read = &mut taken.read;
        let requests: Vec<&String> = names.iter().filter(|n| n.ends_with(".hgrequest")).collect();
        let too_many = requests.len().saturating_sub(MAX_PROPOSALS);
        if too_many > 0 {
            read.ignored.push((
                format!("{too_many} files"),
                "there are more than 100".into(),
            ));
        }
        for name in requests.into_iter().take(MAX_PROPOSALS) {
            match self.proposal(workspace, view, store, name).await {
                Ok(new) => {
                    read.proposals += usize::from(new.is_some());
                    taken.new.extend(new);
                }
                Err(problem) => read.ignored.push((name.clone(), problem.message)),
            }
        }
        for name in names
            .iter()
            .filter(|n| n.ends_with(".hgresponse"))
            .take(MAX_PROPOSALS * 8)
        {
            match self.answer_file(workspace, store, name).await {
                Ok(Answered::Nothing) => {}
                Ok(Answered::New) => read.answers += 1,
                Ok(Answered::Last(id)) => {
                    read.answers += 1;
                    taken.complete.push(id);
                }
                Err(problem) => read.ignored.push((name.clone(), problem.message)),
            }
        }
        taken
    }

    /// Takes in a proposal; nothing when it is not new.
    async fn proposal(
        &self,
        workspace: &Workspace,
        view: &View,
        store: &dyn Store,
        name: &str,
    ) -> Result<Option<ApprovalInfo>> {
        let Some(id) = name.strip_suffix(".hgrequest") else {
            return Ok(None);
        };
        if self
            .inner
            .journal
            .approval(&workspace.id, id)
            .await?
            .is_some()
        {
            return Ok(None);
        }
        let Some(object) = store.get(&format!("{FOLDER}/{name}"), MAX_PROPOSAL).await? else {
            return Ok(None);
        };
        let request = SigningRequest::parse(&object.bytes)?;
        if request.id != id || request.workspace != view.root.meta.x.header.workspace {
            let what = "Its name or its workspace is another one.";
            return Err(Problem::new(Code::SigningWorkspace, what));
        }
        let now = self.inner.world.now();
        if request.expires <= now {
            return Ok(None);
        }
        known_signer(view, &request)?;
        let mut stored = StoredApproval {
            id: request.id.clone(),
            workspace: workspace.id.clone(),
            own: false,
            state: ApprovalState::Open,
            title: String::new(),
            unit: None,
            channel: None,
            created: request.created,
            expires: request.expires,
            intent: None,
            request: object.bytes.to_vec(),
            notes: vec![ApprovalNote {
                at: now,
                by: request.by.clone(),
                what: "asked".into(),
                text: request.reason.clone(),
                keys: super::signers(&request),
            }],
            job: None,
        };
        let mut whole = request.clone();
        let registry = self.inner.store(workspace)?;
        super::carry::documents(registry.as_ref(), &mut whole).await?;
        let (mut info, review) = self
            .weigh(workspace, Some(&State::of(view)?), &stored, Some(whole))
            .await?;
        stored.title = review.title;
        info.title.clone_from(&stored.title);
        for role in request.signed_roles()? {
            let header = role.header();
            stored.unit = stored.unit.take().or_else(|| header.unit.clone());
            stored.channel = stored.channel.take().or_else(|| header.channel.clone());
        }
        info.place = stored.unit.clone().zip(stored.channel.clone());
        self.inner.journal.save_approval(&stored).await?;
        Ok(Some(info))
    }

    /// Takes in an answer, if it is for an own request and new.
    async fn answer_file(
        &self,
        workspace: &Workspace,
        store: &dyn Store,
        name: &str,
    ) -> Result<Answered> {
        let id = name.split('.').next().unwrap_or_default();
        let Some(mut stored) = self.inner.journal.approval(&workspace.id, id).await? else {
            return Ok(Answered::Nothing);
        };
        if stored.state != ApprovalState::Open {
            return Ok(Answered::Nothing);
        }
        let key = format!("{FOLDER}/{name}");
        let Some(object) = store.get(&key, MAX_PROPOSAL).await? else {
            return Ok(Answered::Nothing);
        };
        let response = SigningResponse::parse(&object.bytes)?;
        if response.request != stored.id {
            let what = "It answers another request than its name says.";
            return Err(Problem::new(Code::SigningOther, what));
        }
        if !stored.own {
            if name.ends_with(".withdrawn.hgresponse") {
                stored.state = ApprovalState::Withdrawn;
                self.inner.journal.save_approval(&stored).await?;
                return Ok(Answered::New);
            }
            return Ok(Answered::Nothing);
        }
        if name.ends_with(".withdrawn.hgresponse") {
            return Ok(Answered::Nothing);
        }
        let before = stored.notes.len();
        match self.take_in(workspace, stored, &response).await {
            Ok(imported) if imported.added.is_empty() => Ok(Answered::Nothing),
            Ok(imported) if imported.complete => Ok(Answered::Last(imported.id)),
            Ok(_) => Ok(Answered::New),
            Err(problem) if problem.code == Code::SigningRefused => {
                let now = self.inner.journal.approval(&workspace.id, id).await?;
                Ok(match now.is_some_and(|a| a.notes.len() > before) {
                    true => Answered::New,
                    false => Answered::Nothing,
                })
            }
            Err(problem) => Err(problem),
        }
    }
}

/// A proposal must carry a signature of a key that the workspace knows, over the bytes that it is about.
fn known_signer(view: &View, request: &SigningRequest) -> Result<()> {
    let mut keys = view.root.meta.keys.clone();
    let delegations = view.targets.meta.delegations.iter();
    keys.extend(delegations.flat_map(|d| d.keys.clone()));
    for role in &request.roles {
        let envelope = role.envelope()?;
        let good = envelope.entries().into_iter().any(|entry| {
            let key = keys.get(&entry.keyid);
            key.is_some_and(|k| k.verify(envelope.signed().as_bytes(), &entry.sig).is_ok())
        });
        if good {
            return Ok(());
        }
    }
    let what = "No key of this workspace has signed it.";
    Err(Problem::new(Code::TrustSignature, what))
}

/// Lays an own request into the private location, if there is one. The request stays with its asker if that fails.
pub(super) async fn send(
    inner: &Inner,
    workspace: &Workspace,
    request: &SigningRequest,
) -> Result<()> {
    let Some(store) = open(inner, workspace).await? else {
        return Ok(());
    };
    let bytes = request.light().to_bytes()?;
    if bytes.len() as u64 > MAX_PROPOSAL {
        tracing::warn!(
            id = request.id,
            "the request is too large for the private location"
        );
        return Ok(());
    }
    put(
        store.as_ref(),
        &format!("{FOLDER}/{}.hgrequest", request.id),
        bytes,
    )
    .await
}

/// Lays an answer to somebody's proposal beside it.
pub(super) async fn answer(
    inner: &Inner,
    workspace: &Workspace,
    response: &SigningResponse,
) -> Result<()> {
    let store = open(inner, workspace).await?.ok_or_else(|| {
        let what = "This computer has no private location to answer through.";
        Problem::new(Code::UsageArgument, what)
            .remedy("Set it, or hand over the response as a file.")
    })?;
    let bytes = response.to_bytes()?;
    let tag = headgate_tuf::sha256_hex(&bytes);
    let name = format!(
        "{FOLDER}/{}.{}.hgresponse",
        response.request,
        tag.get(..16).unwrap_or_default()
    );
    put(store.as_ref(), &name, bytes).await
}

/// Tells others that an own request is not wanted any more.
pub(super) async fn withdraw(
    inner: &Inner,
    workspace: &Workspace,
    stored: &StoredApproval,
    reason: &str,
) -> Result<()> {
    let Some(store) = open(inner, workspace).await? else {
        return Ok(());
    };
    let request = SigningRequest::parse(&stored.request)?;
    let answer = headgate_core::signing::Answer::Refused {
        reason: if reason.is_empty() {
            "Withdrawn".into()
        } else {
            reason.to_owned()
        },
    };
    let response = SigningResponse::new(&request, inner.person.clone(), inner.world.now(), answer);
    let name = format!("{FOLDER}/{}.withdrawn.hgresponse", stored.id);
    put(store.as_ref(), &name, response.to_bytes()?).await
}

async fn put(store: &dyn Store, key: &str, bytes: Vec<u8>) -> Result<()> {
    match store
        .create(key, Body::Bytes(bytes.into()), silent())
        .await?
    {
        Created::Created | Created::Exists => Ok(()),
    }
}

pub(super) async fn open(inner: &Inner, workspace: &Workspace) -> Result<Option<Arc<dyn Store>>> {
    match location(inner, workspace).await? {
        Some(address) => inner.open(workspace, &address).map(Some),
        None => Ok(None),
    }
}

async fn location(inner: &Inner, workspace: &Workspace) -> Result<Option<String>> {
    let found = inner.journal.setting(&key(workspace)).await?;
    Ok(found.filter(|address| !address.is_empty()))
}

fn key(workspace: &Workspace) -> String {
    format!("proposals.{}", workspace.id)
}
