//! Clients documents that a signer makes elsewhere: the one thing that a signer adds to the bytes that it was asked to
//! sign.
//!
//! An approval role lists the clients document of a release by hash, and only who holds the channel's RSA key can make
//! that. So the asker leaves its place empty and says so; the signer makes the document, puts its hash into that place
//! and signs the bytes that come out. Both sides derive them with [`SigningRequest::complete`], so nothing else of the
//! role can change on the way.

use headgate_tuf::metadata::{Hashes, TargetFile};
use headgate_tuf::{RoleBytes, RoleName, sha256_hex};
use serde::{Deserialize, Serialize};

use super::request::bad;
use super::{SignedRole, SigningRequest};
use crate::clients::{CapgoFiles, ClientsDocument, MAX_CLIENT_FILES, ObjectRef};
use crate::{Problem, Result};

/// A place that is left empty in a role, for what the channel's plugins need of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientsAsked {
    /// Name of the role: approvals.
    pub role: String,
    /// Build number of the release, which the role lists.
    pub build: u32,
}

/// What was made for such a place. Everything else that the document names follows from the bundle and from this.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientsMade {
    /// Name of the role.
    pub role: String,
    /// The clients document, canonical.
    pub document: String,
    /// The list of signed files for Capgo's updater, where the document names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub files: Option<String>,
    /// The manifest for Ionic's SDK, where the document names one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ionic: Option<String>,
}

impl ClientsMade {
    /// The document.
    ///
    /// # Errors
    /// `trust.format`.
    pub fn document(&self) -> Result<ClientsDocument> {
        ClientsDocument::parse(self.document.as_bytes())
    }

    /// The list of signed files.
    ///
    /// # Errors
    /// `trust.format`.
    pub fn files(&self) -> Result<Option<CapgoFiles>> {
        let files = self.files.as_ref();
        files.map(|f| CapgoFiles::parse(f.as_bytes())).transpose()
    }

    /// Exactly the texts that the document names by hash and size are there.
    ///
    /// # Errors
    /// `signing.format`, `trust.format`.
    pub(super) fn check(&self) -> Result<()> {
        let document = self.document()?;
        let files = document.capgo.as_ref().and_then(|c| c.files.as_ref());
        let ionic = document.ionic.as_ref().map(|i| &i.manifest);
        named(files, self.files.as_ref(), "list of signed files")?;
        named(ionic, self.ionic.as_ref(), "Ionic manifest")
    }
}

fn named(object: Option<&ObjectRef>, text: Option<&String>, what: &str) -> Result<()> {
    match (object, text) {
        (None, None) => Ok(()),
        (Some(object), Some(text))
            if text.len() <= MAX_CLIENT_FILES
                && text.len() as u64 == object.size
                && sha256_hex(text.as_bytes()) == object.sha256 =>
        {
            Ok(())
        }
        _ => Err(bad(format!(
            "its {what} is not the one that its clients document names"
        ))),
    }
}

/// Target names of a release and of what its plugins need, in the approvals of a role.
pub(super) fn places(role: &SignedRole, build: u32) -> Option<(String, String)> {
    let RoleName::Channel(unit, channel) = role.name() else {
        return None;
    };
    let name = |kind| format!("{unit}.{channel}.{kind}-{build}.json");
    Some((name("release"), name("clients")))
}

impl SigningRequest {
    /// The places that are left empty must be empty, and the roles unsigned: their bytes are not whole yet.
    pub(super) fn check_clients(&self) -> Result<()> {
        let mut seen = std::collections::BTreeSet::new();
        for asked in &self.clients {
            let role = self.roles.iter().find(|r| r.role == asked.role);
            let role = role.ok_or_else(|| bad("it leaves a place in a role that it lacks"))?;
            let signed = role.signed_role()?;
            let free = match (&signed, places(&signed, asked.build)) {
                (SignedRole::Channel { meta, .. }, Some((release, clients))) => {
                    meta.targets.contains_key(&release) && !meta.targets.contains_key(&clients)
                }
                _ => false,
            };
            if !free || !role.signatures.is_empty() || !seen.insert(&asked.role) {
                return Err(bad(format!(
                    "the place that it leaves in {} is none",
                    signed.name()
                )));
            }
        }
        Ok(())
    }

    /// The request with what was made in its places: the bytes that are signed, and the documents that they list now.
    /// What is made belongs to the release that the role lists; whether its signatures and objects are right is not
    /// judged here.
    ///
    /// # Errors
    /// `signing.format` when it is not exactly what was asked for, or belongs to another release.
    pub fn complete(&self, made: &[ClientsMade]) -> Result<Self> {
        let mut whole = self.clone();
        whole.clients.clear();
        if made.len() != self.clients.len() {
            return Err(bad("it does not hold exactly what was asked for"));
        }
        for asked in &self.clients {
            let fits = made.iter().find(|m| m.role == asked.role);
            let made = fits.ok_or_else(|| bad("it does not hold exactly what was asked for"))?;
            made.check()?;
            let role = whole.roles.iter_mut().find(|r| r.role == asked.role);
            let role = role.ok_or_else(|| bad("it leaves a place in a role that it lacks"))?;
            let signed = role.signed_role()?;
            let place = places(&signed, asked.build);
            let (SignedRole::Channel { mut meta, .. }, Some((release, clients))) = (signed, place)
            else {
                return Err(bad("it leaves a place in a role that approves nothing"));
            };
            let document = made.document()?;
            let listed = meta.targets.get(&release).map(|t| &t.hashes.sha256);
            let same = (meta.x.unit.as_deref(), meta.x.channel.as_deref())
                == (
                    Some(document.unit.as_str()),
                    Some(document.channel.as_str()),
                );
            if !same || document.build != asked.build || listed != Some(&document.manifest) {
                return Err(bad("its clients document belongs to another release"));
            }
            let file = TargetFile {
                length: made.document.len() as u64,
                hashes: Hashes {
                    sha256: sha256_hex(made.document.as_bytes()),
                },
            };
            meta.targets.insert(clients, file);
            let bytes = RoleBytes::new(&*meta).map_err(Problem::from)?;
            role.signed = String::from_utf8(bytes.as_bytes().to_vec())
                .map_err(|_| bad("role metadata is no text"))?;
            let texts = [
                Some(&made.document),
                made.files.as_ref(),
                made.ionic.as_ref(),
            ];
            for text in texts.into_iter().flatten() {
                whole
                    .documents
                    .insert(sha256_hex(text.as_bytes()), text.clone());
            }
        }
        Ok(whole)
    }

    /// What was made for a build on the channel of a role, out of the documents of a completed request.
    ///
    /// # Errors
    /// `signing.format`, `trust.format`.
    pub fn clients_made(&self, role: &str, build: u32) -> Result<Option<ClientsMade>> {
        let Some(asked) = self.roles.iter().find(|r| r.role == role) else {
            return Ok(None);
        };
        let signed = asked.signed_role()?;
        let place = places(&signed, build);
        let (SignedRole::Channel { meta, .. }, Some((_, clients))) = (signed, place) else {
            return Ok(None);
        };
        let listed = meta.targets.get(&clients).map(|t| &t.hashes.sha256);
        let Some(document) = listed.and_then(|sha256| self.documents.get(sha256)) else {
            return Ok(None);
        };
        let read = ClientsDocument::parse(document.as_bytes())?;
        let text = |object: Option<&ObjectRef>| {
            object.and_then(|o| self.documents.get(&o.sha256)).cloned()
        };
        Ok(Some(ClientsMade {
            role: role.to_owned(),
            document: document.clone(),
            files: text(read.capgo.as_ref().and_then(|c| c.files.as_ref())),
            ionic: text(read.ionic.as_ref().map(|i| &i.manifest)),
        }))
    }
}
