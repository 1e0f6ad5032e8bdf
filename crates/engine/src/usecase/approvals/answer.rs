//! Answers to pending approvals: signing here, taking in responses, withdrawing, publishing, asking again.

use headgate_core::signing::{
    Answer, RoleRequest, RoleSignature, SignedRole, SigningRequest, SigningResponse, merge, signers,
};
use headgate_core::text::one_line;
use headgate_core::{Code, Problem, Result};
use headgate_registry::{View, documents, silent};

use super::State;
use crate::console::Console;
use crate::db::{ApprovalNote, ApprovalState, StoredApproval};
use crate::publish::{Action, Collected};
use crate::{Workspace, keys};

/// What a response added.
#[derive(Debug, Clone)]
pub struct Imported {
    /// Id of the request that it answers.
    pub id: String,
    /// Names of the keys whose signatures are new.
    pub added: Vec<String>,
    /// Names of the keys whose signatures were there already.
    pub known: Vec<String>,
    /// Signatures that are there, for the role that lacks most.
    pub have: usize,
    /// Signatures that it needs.
    pub need: usize,
    /// Everything is signed.
    pub complete: bool,
    /// What the channel's plugins need came with it.
    pub made: bool,
    /// A key of this computer could still sign.
    pub mine: bool,
}

impl Console {
    /// The request as a file for another person.
    ///
    /// # Errors
    /// `signing.unknown`.
    pub async fn approval_request(&self, workspace: &str, id: &str) -> Result<Vec<u8>> {
        let workspace = self.workspace(workspace).await?;
        Ok(self.stored(&workspace, id).await?.request)
    }

    /// Lays the bundle of the release that a request approves into a folder, as `<sha256>.zip`, for a signer who hashes it
    /// again. Says whether there is one: a release of single files has none, and one that lies elsewhere is not fetched.
    ///
    /// # Errors
    /// `signing.unknown`, `storage.*`, `trust.hash`, `local.disk`.
    pub async fn approval_bundle(
        &self,
        workspace: &str,
        id: &str,
        folder: &std::path::Path,
    ) -> Result<bool> {
        let view = self.approval(workspace, id).await?;
        // What is to be signed for plugins is hashed by who signs, wherever it lies.
        let asked = view.review.clients.last().map(|c| &c.release);
        let listed = view.review.releases.last().filter(|m| m.zip_in_storage());
        let Some(manifest) = asked.or(listed) else {
            return Ok(false);
        };
        let workspace = self.workspace(workspace).await?;
        let store = self.inner.store(&workspace)?;
        let path = folder.join(format!("{}.zip", manifest.bundle.sha256));
        documents::bundle(store.as_ref(), &manifest.bundle, Some(&path), silent()).await?;
        Ok(true)
    }

    /// Ids of the keys that this computer recorded.
    ///
    /// # Errors
    /// `usage.no_workspace`, `local.journal`.
    pub async fn own_key_ids(
        &self,
        workspace: &str,
    ) -> Result<std::collections::BTreeSet<headgate_tuf::KeyId>> {
        Ok(self.inner.own_keys(workspace).await?.into_keys().collect())
    }

    /// Takes in a response, from a file or another console, in any order. All of it or nothing.
    ///
    /// # Errors
    /// `signing.*`, `key.not_a_signer`, `trust.signature`.
    pub async fn approval_import(&self, workspace: &str, file: &[u8]) -> Result<Imported> {
        let workspace = self.workspace(workspace).await?;
        let response = SigningResponse::parse(file)?;
        let found = self
            .inner
            .journal
            .approval(&workspace.id, &response.request)
            .await?;
        let stored = found.ok_or_else(|| {
            let short: String = response.request.chars().take(8).collect();
            let what = format!("Nobody asked for this response here ({short}…).");
            Problem::new(Code::SigningUnknown, what)
        })?;
        self.take_in(&workspace, stored, &response).await
    }

    pub(super) async fn take_in(
        &self,
        workspace: &Workspace,
        mut stored: StoredApproval,
        response: &SigningResponse,
    ) -> Result<Imported> {
        open(&stored)?;
        let mut request = SigningRequest::parse(&stored.request)?;
        let view = self.view_of(workspace).await?;
        let asked = request.clients.len();
        let proven = self.take_clients(workspace, view.as_ref(), request, response);
        request = Box::pin(proven).await?;
        let made = asked - request.clients.len();
        let roles = request.signed_roles()?;
        let (root, targets) = (
            view.as_ref().map(|v| &v.root.meta),
            view.as_ref().map(|v| &v.targets.meta),
        );
        let signers = roles
            .iter()
            .map(|role| signers(role, root, targets, &roles))
            .collect::<Result<Vec<_>>>()?;
        let mut envelopes = request
            .roles
            .iter()
            .map(RoleRequest::envelope)
            .collect::<Result<Vec<_>>>()?;
        let now = self.inner.world.now();
        let merged = match merge(&request, response, &mut envelopes, &signers) {
            Ok(merged) => merged,
            Err(problem) if problem.code == Code::SigningRefused => {
                if let Answer::Refused { reason } = &response.answer {
                    let note = note(now, &response.by, "refused", reason);
                    if !stored
                        .notes
                        .iter()
                        .any(|n| n.what == note.what && n.by == note.by && n.text == note.text)
                    {
                        stored.notes.push(note);
                        self.inner.journal.save_approval(&stored).await?;
                    }
                }
                return Err(problem);
            }
            Err(problem) => return Err(problem),
        };
        for (role, envelope) in request.roles.iter_mut().zip(&envelopes) {
            role.signatures = envelope.entries();
        }
        let names = |ids: &std::collections::BTreeSet<headgate_tuf::KeyId>| -> Vec<String> {
            ids.iter()
                .map(|id| key_name(view.as_ref(), &roles, id))
                .collect()
        };
        let (added, known) = (names(&merged.added), names(&merged.known));
        if made > 0 {
            stored.notes.push(note(now, &response.by, "made", ""));
        }
        if !added.is_empty() {
            let keys = merged.added.clone();
            stored.notes.push(ApprovalNote {
                keys,
                ..note(now, &response.by, "signed", &added.join(", "))
            });
        }
        if made > 0 || !added.is_empty() {
            stored.request = request.to_bytes()?;
            self.inner.journal.save_approval(&stored).await?;
        }
        if stored.own && !added.is_empty() && stored.completed_elsewhere() {
            super::proposals::send(&self.inner, workspace, &request).await?;
        }
        let state = view.as_ref().map(State::of).transpose()?;
        let (info, _) = self
            .weigh(workspace, state.as_ref(), &stored, Some(request))
            .await?;
        self.inner
            .tell(crate::Happened::Board(workspace.id.clone()));
        Ok(Imported {
            id: stored.id,
            added,
            known,
            have: info.have,
            need: info.need,
            complete: info.complete,
            made: made > 0,
            mine: info.mine,
        })
    }

    /// Signs a pending approval with the keys of this computer. For a proposal of somebody else the signatures go back
    /// to them through the private location.
    ///
    /// # Errors
    /// `key.not_a_signer`, `key.*`; `signing.expired`, `signing.stale`, `signing.alarm` when something speaks against it.
    pub async fn approval_sign(&self, workspace: &str, id: &str) -> Result<Imported> {
        let workspace = self.workspace(workspace).await?;
        let stored = self.stored(&workspace, id).await?;
        open(&stored)?;
        let state = self.state_of(&workspace).await?;
        let (info, review) = self
            .weigh(&workspace, state.as_ref(), &stored, None)
            .await?;
        if info.expired {
            let what = format!("This request expired at {}.", info.expires);
            return Err(Problem::new(Code::SigningExpired, what));
        }
        if let Some(why) = &info.stale {
            return Err(Problem::new(Code::SigningStale, why.clone()));
        }
        if let Some(alarm) = review
            .alarms
            .iter()
            .find(|a| state.is_some() || a.kind.text() != "new_workspace")
        {
            return Err(Problem::new(Code::SigningAlarm, alarm.text.clone())
                .remedy("Sign it on an offline workstation, where each alarm is confirmed."));
        }
        let request = SigningRequest::parse(&stored.request)?;
        if !request.clients.is_empty() {
            let what =
                "What the channel's plugins need is not there yet: its RSA key is elsewhere.";
            return Err(Problem::new(Code::SigningMissing, what).remedy(
                "Take the request and the bundle to who holds the RSA key, and import the answer.",
            ));
        }
        let own = self.inner.own_keys(&workspace.id).await?;
        let vault = self.inner.vault(&workspace).await?;
        let mut list = Vec::new();
        for (role, shown) in request.roles.iter().zip(&review.roles) {
            let bytes = role.bytes()?;
            for key in shown.keys.iter().filter(|k| k.own && !k.signed) {
                let Some(public) = own.get(&key.id) else {
                    continue;
                };
                let (key_public, role_bytes) = (public.clone(), bytes.clone());
                let sig = keys::call(&vault, move |v| v.sign(&key_public, &role_bytes)).await?;
                list.push(RoleSignature {
                    signed: role.sha256(),
                    keyid: key.id.clone(),
                    sig,
                });
            }
        }
        if list.is_empty() {
            let what = "No key of this computer may sign this, or each has signed it.";
            return Err(Problem::new(Code::KeyNotAllowed, what));
        }
        let person = self.inner.person.clone();
        let response = SigningResponse::new(
            &request,
            person,
            self.inner.world.now(),
            Answer::Signed(list),
        );
        if !stored.own {
            super::proposals::answer(&self.inner, &workspace, &response).await?;
        }
        self.take_in(&workspace, stored, &response).await
    }

    /// Refuses a proposal of somebody else, with a reason that they read.
    ///
    /// # Errors
    /// `signing.unknown`, `usage.argument` without a reason.
    pub async fn approval_refuse(&self, workspace: &str, id: &str, reason: &str) -> Result<()> {
        let workspace = self.workspace(workspace).await?;
        let mut stored = self.stored(&workspace, id).await?;
        open(&stored)?;
        let reason = one_line(reason, 500);
        if reason.is_empty() {
            let what = "A refusal needs a reason.";
            return Err(Problem::new(Code::UsageArgument, what).field("reason"));
        }
        let request = SigningRequest::parse(&stored.request)?;
        let now = self.inner.world.now();
        let answer = Answer::Refused {
            reason: reason.clone(),
        };
        let response = SigningResponse::new(&request, self.inner.person.clone(), now, answer);
        if !stored.own {
            super::proposals::answer(&self.inner, &workspace, &response).await?;
        }
        stored.state = ApprovalState::Refused;
        stored
            .notes
            .push(note(now, &self.inner.person, "refused", &reason));
        self.inner.journal.save_approval(&stored).await
    }

    /// Takes an own request back. Signatures that come later are not used.
    ///
    /// # Errors
    /// `signing.unknown`; `signing.incomplete` when it is published already.
    pub async fn approval_withdraw(&self, workspace: &str, id: &str, reason: &str) -> Result<()> {
        let workspace = self.workspace(workspace).await?;
        let mut stored = self.stored(&workspace, id).await?;
        open(&stored)?;
        let reason = one_line(reason, 500);
        if stored.own {
            super::proposals::withdraw(&self.inner, &workspace, &stored, &reason).await?;
        }
        stored.state = ApprovalState::Withdrawn;
        stored.notes.push(note(
            self.inner.world.now(),
            &self.inner.person,
            "withdrawn",
            &reason,
        ));
        self.inner.journal.save_approval(&stored).await
    }

    /// Publishes a complete approval, as a job. In the window the channel's name is typed; on the command line the
    /// arguments are the confirmation.
    ///
    /// # Errors
    /// `signing.incomplete`, `signing.expired`, `signing.stale`, `usage.confirmation`.
    pub async fn approval_publish(
        &self,
        workspace: &str,
        id: &str,
        typed: Option<&str>,
    ) -> Result<String> {
        let known = self.workspace(workspace).await?;
        let expected = self.approval(&known.id, id).await?.type_to_confirm;
        if let Some(expected) = &expected
            && typed.map(str::trim) != Some(expected.as_str())
        {
            let what = format!("The name of the channel was not typed: {expected}.");
            return Err(Problem::new(Code::UsageConfirm, what).field("typed"));
        }
        self.publish_approval(&known.id, id, true).await
    }

    /// As [`Self::approval_publish`], where the call itself is the confirmation.
    ///
    /// # Errors
    /// As there.
    pub async fn approval_publish_confirmed(&self, workspace: &str, id: &str) -> Result<String> {
        self.publish_approval(workspace, id, false).await
    }

    /// In the window a channel may leave some seconds to undo.
    async fn publish_approval(&self, workspace: &str, id: &str, undo: bool) -> Result<String> {
        let workspace = self.workspace(workspace).await?;
        let mut stored = self.stored(&workspace, id).await?;
        open(&stored)?;
        let view = self.view_of(&workspace).await?;
        let state = view.as_ref().map(State::of).transpose()?;
        let (info, _) = self
            .weigh(&workspace, state.as_ref(), &stored, None)
            .await?;
        if let Some(why) = info.stale {
            return Err(Problem::new(Code::SigningStale, why));
        }
        if !info.complete {
            let what = format!(
                "{} has {} of {} signatures.",
                info.title, info.have, info.need
            );
            return Err(Problem::new(Code::SigningMissing, what));
        }
        if info.expired {
            let what = format!("This request expired at {}.", info.expires);
            return Err(Problem::new(Code::SigningExpired, what));
        }
        let lost = || {
            Problem::new(
                Code::LocalJournal,
                "The request lost what it was asked for.",
            )
        };
        let mut intent = stored.intent.clone().ok_or_else(lost)?;
        if let (Some(view), true) = (&view, undo) {
            intent.wait = super::super::ship::undo_seconds(view, &intent.action);
        }
        let request = SigningRequest::parse(&stored.request)?;
        let mut files = std::collections::BTreeMap::new();
        for role in &request.roles {
            let text = String::from_utf8(role.envelope()?.to_bytes()?).map_err(|_| lost())?;
            files.insert(role.role.clone(), text);
        }
        intent.collected = Collected {
            ask: None,
            request: Some(stored.id.clone()),
            files,
            clients: intent.collected.clients,
        };
        if matches!(intent.action, Action::Init { .. }) {
            self.pin_root(&workspace, &intent.collected).await?;
        }
        let workspace = self.workspace(&workspace.id).await?;
        let job = self.start_publish(workspace, intent).await?;
        stored.job = Some(job.clone());
        self.inner.journal.save_approval(&stored).await?;
        Ok(job)
    }

    /// The root of a new workspace is what its owners signed.
    async fn pin_root(&self, workspace: &Workspace, collected: &Collected) -> Result<()> {
        let Some(root) = collected.files.get("root") else {
            return Ok(());
        };
        self.inner
            .journal
            .set_root(&workspace.id, root.as_bytes())
            .await
    }

    /// Asks again, on top of what others published meanwhile. Gives the job and the new request's id.
    ///
    /// # Errors
    /// `signing.unknown`, `release.*`, `key.*`.
    pub async fn approval_again(&self, workspace: &str, id: &str) -> Result<(String, String)> {
        let workspace = self.workspace(workspace).await?;
        let mut stored = self.stored(&workspace, id).await?;
        let lost = || Problem::new(Code::SigningUnknown, "This request was not made here.");
        let mut intent = stored.intent.clone().ok_or_else(lost)?;
        if let Some(view) = self.view_of(&workspace).await? {
            intent.base = Self::base(&view, &intent.action);
        }
        intent.collected = Collected::default();
        let asked = self.ask_for(workspace, intent).await?;
        if stored.state == ApprovalState::Open {
            stored.state = ApprovalState::Replaced;
            self.inner.journal.save_approval(&stored).await?;
        }
        Ok(asked)
    }
}

impl crate::console::Inner {
    /// Records that a collected approval is committed.
    pub(crate) async fn signed_off(&self, workspace: &Workspace, intent: &crate::Intent) {
        let Some(id) = &intent.collected.request else {
            return;
        };
        let done = async {
            if let Some(mut stored) = self.journal.approval(&workspace.id, id).await? {
                stored.state = ApprovalState::Done;
                self.journal.save_approval(&stored).await?;
            }
            Ok::<_, Problem>(())
        };
        // Its job says the same.
        if let Err(problem) = done.await {
            tracing::warn!(%problem, id, "a published approval could not be recorded as done");
        }
    }
}

fn open(stored: &StoredApproval) -> Result<()> {
    let what = match stored.state {
        ApprovalState::Open => return Ok(()),
        ApprovalState::Done => "This is published already.",
        ApprovalState::Withdrawn => "This request was withdrawn.",
        ApprovalState::Refused => "This request was refused here.",
        ApprovalState::Replaced => "This was asked for again, in another request.",
    };
    Err(Problem::new(Code::SigningOther, what).remedy("Look at the list of requests."))
}

fn note(at: headgate_tuf::UtcTime, by: &str, what: &str, text: &str) -> ApprovalNote {
    ApprovalNote {
        at,
        by: by.into(),
        what: what.into(),
        text: text.into(),
        keys: Default::default(),
    }
}

fn key_name(view: Option<&View>, roles: &[SignedRole], id: &headgate_tuf::KeyId) -> String {
    let new = roles.iter().find_map(|r| match r {
        SignedRole::Root(root) => root.x.keys.get(id).map(|n| n.name.clone()),
        _ => None,
    });
    let old = || view.map(|v| v.key_name(id));
    new.or_else(old)
        .unwrap_or_else(|| id.as_str().chars().take(8).collect())
}
