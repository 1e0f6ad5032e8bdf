//! What a channel's plugins need, when its RSA key is elsewhere: asked for, taken in as a stranger's, made again.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use headgate_core::signing::{
    Answer, ClientsAsked, ClientsMade, Review, SigningRequest, SigningResponse,
};
use headgate_core::{Code, Problem, ReleaseManifest, Result};
use headgate_registry::View;
use headgate_signer::KeyVault;
use headgate_tuf::RoleName;

use super::State;
use crate::clients::{self, Hand, Making, Wanted};
use crate::console::{Console, Inner};
use crate::db::StoredApproval;
use crate::publish::{Draft, Intent};
use crate::{Workspace, keys};

/// Where the signatures of a channel's RSA key stand.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RsaState {
    /// The key's name in the settings.
    pub key: String,
    /// They are there.
    pub there: bool,
}

impl StoredApproval {
    /// Its bytes became whole through an answer.
    pub(super) fn completed_elsewhere(&self) -> bool {
        self.intent.as_ref().is_some_and(|i| i.collected.clients)
    }
}

/// The places that are left empty in what is asked for: none where this computer can make what comes there.
///
/// # Errors
/// `key.*`; `key.not_here` when the key is elsewhere and there is no bundle that could travel to it.
pub(super) async fn places(draft: &Draft, vault: &Arc<dyn KeyVault>) -> Result<Vec<ClientsAsked>> {
    let (Some(wanted), Some(release)) = (&draft.wanted, &draft.release) else {
        return Ok(Vec::new());
    };
    let (Some(rsa), Some(public)) = (&wanted.rsa, wanted.public()?) else {
        return Ok(Vec::new());
    };
    if keys::call(vault, move |v| v.has_rsa(&public)).await? {
        return Ok(Vec::new());
    }
    let Some((unit, channel)) = draft.intent.action.place() else {
        return Ok(Vec::new());
    };
    if !release.delivers_zip() {
        let what = "The release delivers single files alone: it has no bundle that could travel.";
        return Err(clients::not_here(channel.as_str(), rsa)
            .detail(what)
            .remedy("Import the RSA key here, or let releases deliver their zip too."));
    }
    Ok(vec![ClientsAsked {
        role: RoleName::Channel(unit.clone(), channel.clone()).to_string(),
        build: release.build,
    }])
}

/// Whether a request waits for signatures of the channel's RSA key, or has them.
pub(super) fn rsa_state(
    state: Option<&State>,
    request: &SigningRequest,
    review: &Review,
) -> Result<Option<RsaState>> {
    if let Some(asked) = review.clients.first() {
        let key = asked.wanted.rsa.as_ref().map(|r| r.name.clone());
        return Ok(Some(RsaState {
            key: key.unwrap_or_default(),
            there: false,
        }));
    }
    let (Some(state), Some(release)) = (state, review.releases.last()) else {
        return Ok(None);
    };
    for role in &review.roles {
        let Ok(RoleName::Channel(unit, channel)) = RoleName::parse(&role.role) else {
            continue;
        };
        let wanted = Wanted::of(&state.committed.targets.x, &unit, &channel);
        let made = request.clients_made(&role.role, release.build)?;
        if let (Some(rsa), Some(made)) = (wanted.and_then(|w| w.rsa), made)
            && made.document()?.key.is_some()
        {
            return Ok(Some(RsaState {
                key: rsa.name,
                there: true,
            }));
        }
    }
    Ok(None)
}

/// What an answer brought for the plugins of what an intent publishes.
///
/// # Errors
/// `signing.unknown` when the request is gone; `signing.format`.
pub(crate) async fn made_elsewhere(
    inner: &Inner,
    workspace: &Workspace,
    intent: &Intent,
) -> Result<Option<Arc<ClientsMade>>> {
    let collected = &intent.collected;
    let (Some(id), true) = (&collected.request, collected.clients) else {
        return Ok(None);
    };
    let lost = || {
        let what = "What was signed for the channel's plugins is not in the request any more.";
        Problem::new(Code::SigningUnknown, what).remedy("Ask again.")
    };
    let stored = inner.journal.approval(&workspace.id, id).await?;
    let request = SigningRequest::parse(&stored.ok_or_else(lost)?.request)?;
    let (unit, channel) = intent.action.place().ok_or_else(lost)?;
    let role = RoleName::Channel(unit.clone(), channel.clone()).to_string();
    let build = intent.action.build().ok_or_else(lost)?;
    let made = request.clients_made(&role, build)?.ok_or_else(lost)?;
    Ok(Some(Arc::new(made)))
}

impl Console {
    /// The request with what an answer brings for the places that it leaves empty, once that is proven: everything that
    /// follows from the signatures is made again from the bundle in storage, and has to come out the same.
    ///
    /// # Errors
    /// `signing.altered` when it lacks what was asked for or something else comes out; `trust.signature` when another
    /// key signed it; `signing.format`, `storage.*`, `trust.hash`.
    pub(super) async fn take_clients(
        &self,
        workspace: &Workspace,
        view: Option<&View>,
        request: SigningRequest,
        response: &SigningResponse,
    ) -> Result<SigningRequest> {
        response.answers(&request)?;
        if matches!(response.answer, Answer::Refused { .. }) {
            return Ok(request);
        }
        if request.clients.is_empty() {
            // The answer once more, or one to other bytes.
            for made in &response.clients {
                let build = made.document()?.build;
                if request.clients_made(&made.role, build)?.as_ref() != Some(made) {
                    return Err(altered("brings other documents than the request lists"));
                }
            }
            return Ok(request);
        }
        if response.clients.is_empty() {
            return Err(altered(
                "signs bytes that lack what the channel's plugins need",
            ));
        }
        let whole = request.complete(&response.clients)?;
        let view = view.ok_or_else(|| altered("belongs to a workspace that is not there yet"))?;
        for made in &response.clients {
            self.prove_clients(workspace, view, &whole, made).await?;
        }
        Ok(whole)
    }

    /// Makes again what somebody made for plugins.
    async fn prove_clients(
        &self,
        workspace: &Workspace,
        view: &View,
        request: &SigningRequest,
        made: &ClientsMade,
    ) -> Result<()> {
        let document = made.document()?;
        let (unit, channel) = (&document.unit, &document.channel);
        let wanted = Wanted::of(&view.targets.meta.x, unit, channel);
        let wanted = wanted.filter(|w| w.rsa.is_some()).ok_or_else(|| {
            let what = format!("The settings name no RSA key of {channel} any more.");
            Problem::new(Code::SigningStale, what)
        })?;
        let manifest = request.documents.get(&document.manifest);
        let manifest = manifest.map(|text| ReleaseManifest::parse(text.as_bytes()));
        let manifest = manifest
            .transpose()?
            .ok_or_else(|| altered("belongs to a release whose manifest is not in the request"))?;
        let store = self.inner.store(workspace)?;
        let folder = self.inner.home.clients(&request.id);
        // Left by an earlier try.
        let _ = std::fs::remove_dir_all(&folder);
        let making = Making {
            store: store.as_ref(),
            manifest: manifest.clone(),
            local: None,
            channel: channel.to_string(),
            folder: folder.clone(),
        };
        let hand = Hand::Elsewhere(Arc::new(made.clone()));
        let go_on = Arc::new(AtomicBool::new(false));
        let again = clients::make(making, &wanted, hand, go_on, |_, _| {}).await;
        // It is made once more when it is published, from the same signatures.
        let _ = std::fs::remove_dir_all(&folder);
        if again?.document(channel, &manifest, &document.manifest) != document {
            return Err(altered(
                "brings documents that do not follow from its signatures and the bundle",
            ));
        }
        Ok(())
    }
}

fn altered(why: &str) -> Problem {
    Problem::new(Code::SigningAltered, format!("This response {why}."))
}
