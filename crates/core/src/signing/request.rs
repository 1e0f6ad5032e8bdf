//! The file that asks for signatures: `.hgrequest`.

use std::collections::BTreeMap;

use headgate_tuf::{Envelope, RoleBytes, RoleName, SignatureEntry, UtcTime, sha256_hex, strict};
use serde::{Deserialize, Serialize};

use super::{ClientsAsked, SignedRole};
use crate::text::{check_hex, check_text};
use crate::{Code, Problem, Result};

/// Largest request that is read, bytes. The bundle is not in it: it travels beside it as `<sha256>.zip`.
pub const MAX_REQUEST: usize = 48 << 20;

const FORMAT: &str = "headgate-request-1";
const MAX_ROLES: usize = 64;

/// What somebody asks another person to sign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningRequest {
    format: String,
    /// Names it: 32 hex digits.
    pub id: String,
    /// Identity of the workspace.
    pub workspace: String,
    /// When it was asked for.
    pub created: UtcTime,
    /// After which the asker does not want it any more.
    pub expires: UtcTime,
    /// Who asks, in their own words.
    pub by: String,
    /// Why, in their own words; may be empty.
    pub reason: String,
    /// What is to be signed.
    pub roles: Vec<RoleRequest>,
    /// The files of root from version 1 to the newest, so that the reader needs no network. May be left out for a
    /// reader that has the registry.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub roots: Vec<String>,
    /// The committed file of the top-level targets.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub targets: Option<String>,
    /// Documents that the roles list, by SHA-256: manifests, inventories, rollouts.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub documents: BTreeMap<String, String>,
    /// Places that are left empty for who signs: see [`SigningRequest::complete`].
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub clients: Vec<ClientsAsked>,
}

/// One role of a request.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleRequest {
    /// Name of the role. Its bytes must not say otherwise; where they list nothing, they do not say whether a channel's
    /// role approves or serves, and this does.
    pub role: String,
    /// Exactly the bytes that are signed.
    pub signed: String,
    /// The last committed file of this role, which `prev` in the signed bytes names by hash.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub previous: Option<String>,
    /// Signatures that are there already.
    pub signatures: Vec<SignatureEntry>,
}

impl RoleRequest {
    /// A role with the signatures that its envelope has, under the name that its bytes give it.
    ///
    /// # Errors
    /// `internal` when signed bytes are no text, which the profile rules out.
    pub fn new(envelope: &Envelope, previous: Option<&[u8]>) -> Result<Self> {
        let text = |bytes: &[u8]| {
            String::from_utf8(bytes.to_vec())
                .map_err(|_| Problem::new(Code::Internal, "Role metadata is not text."))
        };
        let read = SignedRole::read(envelope.signed());
        Ok(Self {
            role: read.map(|r| r.name().to_string()).unwrap_or_default(),
            signed: text(envelope.signed().as_bytes())?,
            previous: previous.map(text).transpose()?,
            signatures: envelope.entries(),
        })
    }

    /// The same under another name, where its bytes leave that open.
    #[must_use]
    pub fn named(mut self, role: &RoleName) -> Self {
        self.role = role.to_string();
        self
    }

    /// The bytes, checked against the profile.
    ///
    /// # Errors
    /// `signing.format`.
    pub fn bytes(&self) -> Result<RoleBytes> {
        RoleBytes::from_bytes(self.signed.as_bytes()).map_err(|e| bad(e.to_string()))
    }

    /// The signed role, read.
    ///
    /// # Errors
    /// `signing.format`; also when its bytes are another role than it says.
    pub fn signed_role(&self) -> Result<SignedRole> {
        SignedRole::read(&self.bytes()?)?.named(&self.role)
    }

    /// Bytes and signatures. Signatures are not verified here: that needs the keys.
    ///
    /// # Errors
    /// `signing.format`.
    pub fn envelope(&self) -> Result<Envelope> {
        Envelope::with_entries(self.bytes()?, &self.signatures).map_err(|e| bad(e.to_string()))
    }

    /// SHA-256 of the signed bytes.
    pub fn sha256(&self) -> String {
        sha256_hex(self.signed.as_bytes())
    }
}

impl SigningRequest {
    /// A request with nothing but roles in it.
    pub fn new(
        id: String,
        workspace: String,
        by: String,
        reason: String,
        created: UtcTime,
        expires: UtcTime,
        roles: Vec<RoleRequest>,
    ) -> Self {
        Self {
            format: FORMAT.into(),
            id,
            workspace,
            created,
            expires,
            by,
            reason,
            roles,
            roots: Vec::new(),
            targets: None,
            documents: BTreeMap::new(),
            clients: Vec::new(),
        }
    }

    /// Without what a reader that has the registry knows already: small enough for a proposal or a QR code.
    #[must_use]
    pub fn light(&self) -> Self {
        Self {
            roots: Vec::new(),
            targets: None,
            documents: BTreeMap::new(),
            ..self.clone()
        }
    }

    /// The file.
    ///
    /// # Errors
    /// As [`Self::parse`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        let mut bytes =
            serde_json::to_vec(self).map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
        bytes.push(b'\n');
        if bytes.len() > MAX_REQUEST {
            return Err(bad(format!("{} bytes are too many", bytes.len())));
        }
        Ok(bytes)
    }

    /// Reads a request from anywhere. Nothing of it is believed yet: see [`super::review`].
    ///
    /// # Errors
    /// `signing.format` when it is too large, not strict JSON, has unknown fields, asks for no role or for one twice,
    /// or a document is not the one that its hash names.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        strict::parse(bytes, MAX_REQUEST).map_err(|e| bad(e.to_string()))?;
        let request: Self = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
        request.check()?;
        Ok(request)
    }

    /// The signed roles, read.
    ///
    /// # Errors
    /// `signing.format`.
    pub fn signed_roles(&self) -> Result<Vec<SignedRole>> {
        self.roles.iter().map(RoleRequest::signed_role).collect()
    }

    fn check(&self) -> Result<()> {
        if self.format != FORMAT {
            return Err(bad(format!("its format is {:?}", self.format)));
        }
        if self.id.len() != 32 || !self.id.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Err(bad("its id is not 32 hex digits"));
        }
        let said =
            |field: &str, text: &str, max| check_text(field, text, max).map_err(|p| bad(p.message));
        said("workspace", &self.workspace, 200)?;
        said("by", &self.by, 200)?;
        if !self.reason.is_empty() {
            said("reason", &self.reason, 1_000)?;
        }
        if self.roles.is_empty() || self.roles.len() > MAX_ROLES {
            return Err(bad("it asks for no role, or for too many"));
        }
        for (sha256, text) in &self.documents {
            check_hex("document", sha256).map_err(|p| bad(p.message))?;
            if sha256_hex(text.as_bytes()) != *sha256 {
                let short = sha256.get(..8).unwrap_or(sha256);
                return Err(bad(format!(
                    "the document {short} is not the one that its hash names"
                )));
            }
        }
        let mut seen = std::collections::BTreeSet::new();
        for role in self.signed_roles()? {
            if role.header().workspace != self.workspace {
                return Err(Problem::new(
                    Code::SigningWorkspace,
                    "The signed bytes belong to another workspace than the request says.",
                ));
            }
            if !seen.insert(role.title()) {
                return Err(bad(format!("{} stands twice", role.title())));
            }
        }
        self.roles.iter().try_for_each(|r| r.envelope().map(drop))?;
        self.check_clients()
    }
}

pub(super) fn bad(why: impl Into<String>) -> Problem {
    let what = format!(
        "This is no signing request that can be read: {}.",
        why.into()
    );
    Problem::new(Code::SigningFormat, what)
}
