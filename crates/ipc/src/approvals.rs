//! Pending approvals and proposals between consoles.

use std::collections::BTreeMap;
use std::path::Path;

use headgate_core::signing::{
    KeyState, Line, MAX_CLIENTS_RESPONSE, Mark, Review, RoleReview, SigningRequest,
};
use headgate_core::{Code, Difference, Problem, native, words};
use headgate_engine as engine;
use headgate_tuf::{KeyId, UtcTime};

use crate::app::App;
use crate::dto::{self, IpcError};
use crate::keys::save;
use crate::qr;
use crate::ship::{count, version};

type Answer<T> = Result<T, IpcError>;

/// When the signature of each key came to this computer.
pub(crate) type Arrived = BTreeMap<KeyId, UtcTime>;

impl App {
    /// Pending approvals, newest first.
    pub async fn approvals(&self, request: dto::WorkspaceRef) -> Answer<dto::Approvals> {
        let list = self.console.approvals(&request.workspace).await?;
        let seen = self.console.proposals_seen(&request.workspace).await?;
        Ok(dto::Approvals {
            list: list.iter().map(approval).collect(),
            location: self.console.proposals_location(&request.workspace).await?,
            looked: seen.at.map(|at| at.to_string()),
            problem: seen.problem.map(IpcError::from),
        })
    }

    /// One pending approval, derived from the bytes that are signed.
    pub async fn approval(&self, request: dto::ApprovalRef) -> Answer<dto::ApprovalDetail> {
        let view = self
            .console
            .approval(&request.workspace, &request.id)
            .await?;
        Ok(detail(&view))
    }

    /// Asks for the signatures that a plan lacks, as a job.
    pub async fn approval_ask(&self, request: dto::AskRequest) -> Answer<dto::Asked> {
        let (job, id) = self
            .console
            .ask_plan(&request.plan, &request.reason)
            .await?;
        Ok(dto::Asked { job, id })
    }

    /// Signs with the keys of this computer.
    pub async fn approval_sign(&self, request: dto::ApprovalRef) -> Answer<dto::ResponseImported> {
        let done = self
            .console
            .approval_sign(&request.workspace, &request.id)
            .await?;
        Ok(imported(done))
    }

    /// Refuses a proposal of somebody else.
    pub async fn approval_refuse(&self, request: dto::ApprovalReason) -> Answer<dto::Empty> {
        let refuse = self
            .console
            .approval_refuse(&request.workspace, &request.id, &request.reason);
        refuse.await?;
        Ok(dto::Empty {})
    }

    /// Takes an own request back.
    pub async fn approval_withdraw(&self, request: dto::ApprovalReason) -> Answer<dto::Empty> {
        let back = self
            .console
            .approval_withdraw(&request.workspace, &request.id, &request.reason);
        back.await?;
        Ok(dto::Empty {})
    }

    /// Publishes a complete approval, as a job.
    pub async fn approval_publish(&self, request: dto::ApprovalPublish) -> Answer<dto::JobRef> {
        let publish = self.console.approval_publish(
            &request.workspace,
            &request.id,
            request.typed.as_deref(),
        );
        Ok(dto::JobRef {
            job: publish.await?,
        })
    }

    /// Asks again, on top of what others published meanwhile.
    pub async fn approval_again(&self, request: dto::ApprovalRef) -> Answer<dto::Asked> {
        let (job, id) = self
            .console
            .approval_again(&request.workspace, &request.id)
            .await?;
        Ok(dto::Asked { job, id })
    }

    /// Saves a request for another person; a native dialog asks where to.
    pub async fn approval_save(&self, request: dto::RequestSave) -> Answer<dto::RequestSaved> {
        let bytes = self
            .console
            .approval_request(&request.workspace, &request.id)
            .await?;
        let name = format!("{}.hgrequest", request.id.get(..8).unwrap_or("request"));
        let picked = self.host.save_file(
            "Save the signing request",
            &name,
            "Signing request",
            "hgrequest",
        );
        let Some(path) = picked.await else {
            return Ok(dto::RequestSaved {
                file: None,
                bundle: false,
            });
        };
        save(&path, &bytes)?;
        let folder = path.parent().unwrap_or(Path::new("."));
        let view = self
            .console
            .approval(&request.workspace, &request.id)
            .await?;
        // What is signed for plugins is hashed where the key is.
        let bundle = match request.bundle || !view.review.clients.is_empty() {
            true => {
                self.console
                    .approval_bundle(&request.workspace, &request.id, folder)
                    .await?
            }
            false => false,
        };
        let file = path
            .file_name()
            .unwrap_or_default()
            .to_string_lossy()
            .into_owned();
        Ok(dto::RequestSaved {
            file: Some(file),
            bundle,
        })
    }

    /// A request as a QR code: whole, or without what a signer knows already when only that fits.
    pub async fn approval_qr(&self, request: dto::ApprovalRef) -> Answer<dto::RequestQr> {
        let (workspace, id) = (&request.workspace, &request.id);
        let whole = self.console.approval_request(workspace, id).await?;
        if let Some(code) = qr::code(&whole) {
            return Ok(dto::RequestQr {
                code: Some(code),
                light: false,
                problem: None,
            });
        }
        let light = SigningRequest::parse(&whole)?.light().to_bytes()?;
        let (code, problem) = match qr::squares(&light) {
            Ok(code) => (Some(code), None),
            Err(problem) => (None, Some(problem.into())),
        };
        Ok(dto::RequestQr {
            code,
            light: true,
            problem,
        })
    }

    /// Opens a native dialog for a response and takes it in.
    pub async fn approval_import(
        &self,
        request: dto::WorkspaceRef,
    ) -> Answer<dto::ResponseImported> {
        let picked =
            self.host
                .pick_file("Choose the response", "Signing response", &["hgresponse"]);
        let Some(path) = picked.await else {
            return Ok(not_chosen());
        };
        let done = self
            .console
            .approval_import(&request.workspace, &read(&path)?)
            .await?;
        Ok(imported(done))
    }

    /// Opens a native dialog for a picture of a response's QR code and takes it in.
    pub async fn approval_scan(&self, request: dto::WorkspaceRef) -> Answer<dto::ResponseImported> {
        let picked = self
            .host
            .pick_file("Choose a picture of the QR code", "Picture", &["png"]);
        let Some(path) = picked.await else {
            return Ok(not_chosen());
        };
        let file = qr::off(move || headgate_offline::qr::read_chosen(&path)).await?;
        let done = self
            .console
            .approval_import(&request.workspace, &file)
            .await?;
        Ok(imported(done))
    }

    /// Sets the private location that proposals travel through.
    pub async fn proposals_set(&self, request: dto::ProposalsRequest) -> Answer<dto::Empty> {
        let set = self
            .console
            .set_proposals_location(&request.workspace, request.address.as_deref());
        set.await?;
        Ok(dto::Empty {})
    }

    /// Reads proposals of others, and answers to own requests.
    pub async fn proposals_read(&self, request: dto::WorkspaceRef) -> Answer<dto::ProposalsFound> {
        let read = self.console.proposals_read(&request.workspace).await?;
        let ignored = read
            .ignored
            .iter()
            .map(|(name, why)| format!("{name}: {why}"));
        Ok(dto::ProposalsFound {
            proposals: count(read.proposals),
            answers: count(read.answers),
            ignored: ignored.collect(),
        })
    }
}

fn read(path: &Path) -> Result<Vec<u8>, Problem> {
    let bad = |why: String| Problem::new(Code::SigningFormat, format!("{}: {why}", path.display()));
    let size = std::fs::metadata(path)
        .map_err(|e| bad(format!("{e}.")))?
        .len();
    if size > MAX_CLIENTS_RESPONSE as u64 {
        return Err(bad(format!("{size} bytes are too many for a response.")));
    }
    std::fs::read(path).map_err(|e| bad(format!("{e}.")))
}

fn not_chosen() -> dto::ResponseImported {
    dto::ResponseImported {
        id: None,
        added: Vec::new(),
        known: Vec::new(),
        complete: false,
    }
}

fn imported(done: engine::Imported) -> dto::ResponseImported {
    dto::ResponseImported {
        id: Some(done.id),
        added: done.added,
        known: done.known,
        complete: done.complete,
    }
}

fn approval(a: &engine::ApprovalInfo) -> dto::Approval {
    let (unit, channel) = a.place.clone().unzip();
    dto::Approval {
        id: a.id.clone(),
        title: a.title.clone(),
        own: a.own,
        state: a.state.text().into(),
        unit,
        channel,
        by: a.by.clone(),
        reason: a.reason.clone(),
        created: a.created.to_string(),
        expires: a.expires.to_string(),
        expired: a.expired,
        have: count(a.have),
        need: count(a.need),
        complete: a.complete,
        mine: a.mine,
        rsa: a.rsa.as_ref().map(|r| dto::ApprovalRsa {
            key: r.key.clone(),
            there: r.there,
        }),
        stale: a.stale.clone(),
        events: a
            .notes
            .iter()
            .map(|n| dto::ApprovalEvent {
                at: n.at.to_string(),
                by: n.by.clone(),
                what: n.what.clone(),
                text: n.text.clone(),
            })
            .collect(),
        job: a.job.clone(),
    }
}

pub(crate) fn line(line: &Line) -> dto::SignedLine {
    let mark = match line.mark {
        Mark::Same => "same",
        Mark::Changed => "changed",
        Mark::Danger => "danger",
    };
    dto::SignedLine {
        what: line.what.clone(),
        before: line.before.clone(),
        after: line.after.clone(),
        mark: mark.into(),
    }
}

fn key(key: &KeyState, arrived: &Arrived) -> dto::SignerKey {
    let at = arrived.get(&key.id).filter(|_| key.signed);
    dto::SignerKey {
        id: key.id.to_string(),
        name: key.name.clone(),
        holder: key.holder.clone(),
        own: key.own,
        signed: key.signed,
        arrived: at.map(ToString::to_string),
    }
}

pub(crate) fn in_words(sha256: &str) -> Vec<String> {
    words::words(sha256).map_or_else(|_| Vec::new(), |w| w.map(str::to_owned).to_vec())
}

/// Roles as they would be signed, for the console and the workstation.
pub(crate) fn roles(review: &Review, arrived: &Arrived) -> Vec<dto::SignedRoleView> {
    let role = |r: &RoleReview| dto::SignedRoleView {
        role: r.role.clone(),
        version: version(r.version),
        against: r.against.map(version),
        sha256: r.sha256.clone(),
        words: in_words(&r.sha256),
        lines: r.lines.iter().map(line).collect(),
        have: count(r.have),
        need: count(r.need),
        keys: r.keys.iter().map(|k| key(k, arrived)).collect(),
        expires: r.expires.to_string(),
    };
    review.roles.iter().map(role).collect()
}

fn detail(view: &engine::ApprovalView) -> dto::ApprovalDetail {
    let review = &view.review;
    let release = review.releases.last().map(|m| dto::ApprovedBundle {
        version: m.version.clone(),
        build: m.build,
        commit: m.source.commit.clone(),
        words: in_words(&m.bundle.sha256),
        sha256: m.bundle.sha256.clone(),
        size: m.bundle.size,
        native: native::summary(&m.native),
    });
    let against = review.former.as_ref().map(|m| m.version.clone());
    dto::ApprovalDetail {
        approval: approval(&view.info),
        derived: review.title.clone(),
        roles: roles(review, &view.arrived),
        alarms: review.alarms.iter().map(|a| a.text.clone()).collect(),
        release,
        difference: view.difference.as_ref().map(|d| difference(d, against)),
        type_to_confirm: view.type_to_confirm.clone(),
        effect: view.effect.clone(),
    }
}

fn difference(d: &Difference, against: Option<String>) -> dto::FileDifference {
    let one = |kind: &str, path: &str, before, after| dto::ApprovedFile {
        kind: kind.into(),
        path: path.into(),
        before,
        after,
    };
    let mut files: Vec<dto::ApprovedFile> = Vec::new();
    files.extend(
        d.added
            .iter()
            .map(|f| one("added", &f.path, None, Some(f.size))),
    );
    files.extend(
        d.removed
            .iter()
            .map(|f| one("removed", &f.path, Some(f.size), None)),
    );
    let changed = d.changed.iter();
    files.extend(changed.map(|f| one("changed", &f.path, Some(f.old_size), Some(f.new_size))));
    files.sort_by(|a, b| a.path.cmp(&b.path));
    dto::FileDifference {
        against,
        files,
        same: count(d.unchanged),
    }
}
