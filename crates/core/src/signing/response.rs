//! The answer to a request: `.hgresponse`.

use std::collections::BTreeSet;

use headgate_tuf::{Envelope, KeyId, Signature, UtcTime, strict};
use serde::{Deserialize, Serialize};

use super::{ClientsMade, MAX_REQUEST, Signers, SigningRequest};
use crate::text::check_text;
use crate::{Code, Problem, Result};

/// Largest response that is read, bytes, unless it carries clients documents.
pub const MAX_RESPONSE: usize = 64 * 1024;

/// Largest response with clients documents that is read, bytes: a list of signed files may be in it.
pub const MAX_CLIENTS_RESPONSE: usize = MAX_REQUEST;

/// Most clients documents of one response.
const MAX_MADE: usize = 16;

const FORMAT: &str = "headgate-response-1";

/// Signatures, or a refusal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningResponse {
    format: String,
    /// Id of the request.
    pub request: String,
    /// Identity of the workspace.
    pub workspace: String,
    /// Who answers, in their own words.
    pub by: String,
    /// When, by their clock.
    pub at: UtcTime,
    /// The answer.
    pub answer: Answer,
    /// What was made for the places that the request leaves empty. What is signed lists it.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<ClientsMade>,
}

/// What somebody answers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Answer {
    /// Signatures over roles of the request. None, where what was made is all that this signer can add.
    Signed(Vec<RoleSignature>),
    /// Not signed. Nobody can prove a refusal: it is a message.
    Refused {
        /// Why.
        reason: String,
    },
}

/// One signature over one role.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleSignature {
    /// SHA-256 of the bytes that were signed, lower-case hex.
    pub signed: String,
    /// Id of the key.
    pub keyid: KeyId,
    /// Its signature over those bytes.
    pub sig: Signature,
}

impl SigningResponse {
    /// An answer to a request.
    pub fn new(request: &SigningRequest, by: String, at: UtcTime, answer: Answer) -> Self {
        Self {
            format: FORMAT.into(),
            request: request.id.clone(),
            workspace: request.workspace.clone(),
            by,
            at,
            answer,
            clients: Vec::new(),
        }
    }

    /// With what was made for the places that the request leaves empty.
    #[must_use]
    pub fn with_clients(mut self, clients: Vec<ClientsMade>) -> Self {
        self.clients = clients;
        self
    }

    /// Whether it answers this request.
    ///
    /// # Errors
    /// `signing.other_workspace`, `signing.other_request`.
    pub fn answers(&self, request: &SigningRequest) -> Result<()> {
        if self.workspace != request.workspace {
            let what = "This response answers a request of another workspace.";
            return Err(Problem::new(Code::SigningWorkspace, what));
        }
        if self.request != request.id {
            let what = format!(
                "This response answers another request ({}…).",
                self.request.chars().take(8).collect::<String>()
            );
            return Err(Problem::new(Code::SigningOther, what));
        }
        Ok(())
    }

    /// The file.
    ///
    /// # Errors
    /// `internal` when it does not serialise.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        let mut bytes =
            serde_json::to_vec(self).map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
        bytes.push(b'\n');
        Ok(bytes)
    }

    /// Reads a response from anywhere. Its signatures are verified by [`merge`].
    ///
    /// # Errors
    /// `signing.format`.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        strict::parse(bytes, MAX_CLIENTS_RESPONSE).map_err(|e| bad(e.to_string()))?;
        let response: Self = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
        if response.format != FORMAT {
            return Err(bad(format!("its format is {:?}", response.format)));
        }
        if response.clients.len() > MAX_MADE
            || (response.clients.is_empty() && bytes.len() > MAX_RESPONSE)
        {
            return Err(bad("it is too large"));
        }
        response.clients.iter().try_for_each(ClientsMade::check)?;
        check_text("by", &response.by, 200).map_err(|p| bad(p.message))?;
        match &response.answer {
            Answer::Refused { reason } => {
                check_text("reason", reason, 1_000).map_err(|p| bad(p.message))?;
            }
            Answer::Signed(list) if list.is_empty() && response.clients.is_empty() => {
                return Err(bad("it signs nothing"));
            }
            Answer::Signed(_) => {}
        }
        Ok(response)
    }
}

fn bad(why: impl Into<String>) -> Problem {
    let what = format!(
        "This is no signing response that can be read: {}.",
        why.into()
    );
    Problem::new(Code::SigningFormat, what)
}

/// What a merge changed.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Merged {
    /// Keys whose signatures are new.
    pub added: BTreeSet<KeyId>,
    /// Keys whose signatures were there already.
    pub known: BTreeSet<KeyId>,
}

/// Puts the signatures of a response to the envelopes of its request, in any order, each verified. All or nothing.
///
/// `envelopes` are the request's roles in their order, `signers` whose signatures each needs.
///
/// # Errors
/// `signing.other_workspace`, `signing.other_request`; `signing.altered` when it signs other bytes than were asked
/// for; `key.not_a_signer` for a key that none of the roles accepts; `trust.signature` when a signature does not
/// verify; `signing.refused` with the reason of a refusal.
pub fn merge(
    request: &SigningRequest,
    response: &SigningResponse,
    envelopes: &mut [Envelope],
    signers: &[Signers],
) -> Result<Merged> {
    response.answers(request)?;
    let list = match &response.answer {
        Answer::Signed(list) => list,
        Answer::Refused { reason } => {
            let what = format!("{} refused to sign: {reason}", response.by);
            return Err(Problem::new(Code::SigningRefused, what));
        }
    };
    let mut merged = Merged::default();
    let mut next = envelopes.to_vec();
    for signature in list {
        let at = request
            .roles
            .iter()
            .position(|r| r.sha256() == signature.signed);
        let found = at.and_then(|at| Some((next.get_mut(at)?, signers.get(at)?)));
        let Some((envelope, signers)) = found else {
            let what = "This response signs other bytes than the request asked for.";
            return Err(Problem::new(Code::SigningAltered, what));
        };
        let Some(key) = signers.keys.get(&signature.keyid) else {
            let short = signature.keyid.as_str().get(..8).unwrap_or_default();
            let what = format!("The key {short}… may not sign this role.");
            return Err(Problem::new(Code::KeyNotAllowed, what));
        };
        let known = envelope.signers().any(|id| *id == signature.keyid);
        envelope.add(key, signature.sig).map_err(Problem::from)?;
        let list = if known {
            &mut merged.known
        } else {
            &mut merged.added
        };
        list.insert(signature.keyid.clone());
    }
    envelopes.clone_from_slice(&next);
    merged.known.retain(|id| !merged.added.contains(id));
    Ok(merged)
}
