//! Signing and refusing: what was looked at, and nothing else.

use std::collections::BTreeSet;
use std::path::Path;

use headgate_core::signing::{
    Alarm, Answer, ClientsMade, RoleSignature, SignedRole, SigningRequest, SigningResponse,
};
use headgate_core::{Code, Problem, Result};
use headgate_signer::KeyVault;
use headgate_tuf::{Envelope, sha256_hex};

use crate::answer::HandedBack;
use crate::history::{Entry, RoleEntry};
use crate::keys::OwnKey;
use crate::review::Look;
use crate::state::SignedLast;
use crate::workstation::Workstation;

/// How a person signs.
#[derive(Debug, Clone, Default)]
pub struct SignOptions {
    /// SHA-256 of the file that was shown; another file is not signed.
    pub shown: Option<String>,
    /// Alarms that the person confirmed, each by its text or by its kind.
    pub accept: BTreeSet<String>,
    /// The key, by name or id; without it the one recorded key that counts.
    pub key: Option<String>,
    /// Who signs, in their own words.
    pub by: String,
}

impl SignOptions {
    fn accepts(&self, alarm: &Alarm) -> bool {
        self.accept.contains(&alarm.text) || self.accept.contains(alarm.kind.text())
    }

    /// Every alarm was confirmed.
    fn confirms(&self, look: &Look) -> Result<()> {
        match look.review.alarms.iter().find(|a| !self.accepts(a)) {
            None => Ok(()),
            Some(alarm) => Err(Problem::new(Code::SigningAlarm, alarm.text.clone())
                .field(alarm.kind.text())
                .detail(alarm.kind.text())),
        }
    }
}

impl Workstation {
    /// The key that signs a request: the one that was named, else the only recorded one that counts for it.
    ///
    /// # Errors
    /// `key.not_a_signer` when none counts; `usage.argument` when several do.
    pub fn signing_key(&self, look: &Look, named: Option<&str>) -> Result<OwnKey> {
        if let Some(named) = named {
            let key = self.key(named)?;
            if !look.keys.contains(&key) {
                let what = format!("The key {:?} may not sign this.", key.name);
                return Err(Problem::new(Code::KeyNotAllowed, what).field("key"));
            }
            return Ok(key);
        }
        match look.keys.as_slice() {
            [key] => Ok(key.clone()),
            [] => Err(Problem::new(
                Code::KeyNotAllowed,
                "No key of this workstation may sign this.",
            )
            .remedy("Make or import a key, and have an owner add its public half to the role.")),
            _ => Err(Problem::new(
                Code::UsageArgument,
                "Several keys of this workstation may sign this.",
            )
            .remedy("Name the key.")
            .field("key")),
        }
    }

    /// Signs every role of a request that the key counts for. `folder` is where the request's file lies. What the
    /// request leaves places for is made first, with the channel's RSA key from the same vault.
    ///
    /// What was signed is remembered before the signature leaves this function: a signature that got out is never
    /// unknown here.
    ///
    /// # Errors
    /// `signing.alarm` with the first alarm that is not confirmed; `signing.altered` when the file is not the one that
    /// was shown; `build.changed` or `signing.format` when something is to be made and the bundle is another one or did
    /// not travel along; as [`Self::look`] and [`Self::signing_key`]; `key.*`.
    pub fn sign(
        &self,
        bytes: &[u8],
        folder: Option<&Path>,
        options: &SignOptions,
        vault: &dyn KeyVault,
    ) -> Result<HandedBack> {
        if options
            .shown
            .as_ref()
            .is_some_and(|s| *s != sha256_hex(bytes))
        {
            return Err(Problem::new(
                Code::SigningAltered,
                "The request is not the one that was shown: its file changed meanwhile.",
            )
            .remedy("Read the drive again and look at it once more."));
        }
        let look = self.look(bytes, folder)?;
        options.confirms(&look)?;
        let key = match self.signing_key(&look, options.key.as_deref()) {
            Ok(key) => Some(key),
            // What is made for plugins is all that this workstation is asked for.
            Err(_) if options.key.is_none() && look.keys.is_empty() && look.makes() => None,
            Err(problem) => return Err(problem),
        };
        let look = self.whole(look, folder, vault)?;
        options.confirms(&look)?;
        let request = &look.request;
        let mut signatures = Vec::new();
        let mut roles = Vec::new();
        for (asked, shown) in request.roles.iter().zip(&look.review.roles) {
            let Some(key) = key
                .as_ref()
                .filter(|k| shown.keys.iter().any(|s| s.id == k.id))
            else {
                continue;
            };
            let bytes = asked.bytes()?;
            let sig = vault.sign(&key.public, &bytes)?;
            signatures.push(RoleSignature {
                signed: asked.sha256(),
                keyid: key.id.clone(),
                sig,
            });
            roles.push(RoleEntry {
                role: shown.role.clone(),
                version: shown.version,
                sha256: shown.sha256.clone(),
            });
        }
        let by = self.who(&options.by, key.as_ref())?;
        let answer = Answer::Signed(signatures);
        let response =
            SigningResponse::new(request, by, self.now(), answer).with_clients(look.made.clone());
        let name = key.as_ref().map_or("plugins", |k| k.name.as_str());
        let handed = HandedBack::new(&response, request, name)?;
        self.remember(&look, &roles, folder)?;
        let accepted = look.review.alarms.iter();
        let mut used: Vec<String> = key.iter().map(|k| k.id.to_string()).collect();
        used.extend(rsa_ids(&look.made)?);
        self.record(&Entry {
            roles,
            keys: used,
            made: made_words(&look.made)?,
            accepted: accepted
                .map(|a| format!("{}: {}", a.kind.text(), a.text))
                .collect(),
            ..about(self, "signed", &look.request, &look.sha256, Some(&look))
        })?;
        self.keep_answer(&handed)?;
        Ok(handed)
    }

    /// The request with what it leaves places for: made now, and its bytes shown anew.
    fn whole(&self, look: Look, folder: Option<&Path>, vault: &dyn KeyVault) -> Result<Look> {
        if look.request.clients.is_empty() {
            return Ok(look);
        }
        let made = self.make_clients(&look, folder, vault)?;
        let request = look.request.complete(&made)?;
        let (review, _) = self.review(&request)?;
        Ok(Look {
            request,
            review,
            made,
            ..look
        })
    }

    /// Answers that a request is not signed, and why.
    ///
    /// # Errors
    /// `signing.format` when it is no request; `usage.argument` for the reason; `local.*`.
    pub fn refuse(&self, bytes: &[u8], reason: &str, by: &str) -> Result<HandedBack> {
        let request = SigningRequest::parse(bytes)?;
        let reason = reason.trim();
        headgate_core::text::check_text("reason", reason, 1_000)?;
        // What cannot be shown can be refused all the same.
        let look = self.look(bytes, None).ok();
        let key = look.as_ref().and_then(|l| l.keys.first().cloned());
        let key = match key {
            Some(key) => Some(key),
            None => self.keys()?.into_iter().next(),
        };
        let by = match (by.trim(), &key) {
            ("", None) => "Offline workstation".to_owned(),
            ("", Some(key)) => self.who("", Some(key))?,
            (by, _) => by.to_owned(),
        };
        let answer = Answer::Refused {
            reason: reason.into(),
        };
        let response = SigningResponse::new(&request, by, self.now(), answer);
        let name = key.map_or_else(|| "refused".to_owned(), |k| k.name);
        let handed = HandedBack::new(&response, &request, &name)?;
        self.record(&Entry {
            reason: reason.into(),
            ..about(self, "refused", &request, &sha256_hex(bytes), look.as_ref())
        })?;
        self.keep_answer(&handed)?;
        Ok(handed)
    }

    fn who(&self, by: &str, key: Option<&OwnKey>) -> Result<String> {
        let by = match by.trim() {
            "" => self.settings()?.name,
            by => by.to_owned(),
        };
        let by = match (by.is_empty(), key) {
            (false, _) => by,
            (true, Some(key)) => key.name.clone(),
            (true, None) => "Offline workstation".to_owned(),
        };
        headgate_core::text::check_text("by", &by, 200)?;
        Ok(by)
    }

    /// Last-signed versions, the newest root, and files for the next comparison.
    fn remember(&self, look: &Look, roles: &[RoleEntry], folder: Option<&Path>) -> Result<()> {
        let request = &look.request;
        let state = self.state(&request.workspace);
        let (_, committed) = self.review(request)?;
        if let (Some(committed), Some(targets)) = (&committed, &request.targets) {
            state.follow(committed, targets.as_bytes())?;
        }
        let mut signed = state.signed()?;
        for (asked, role) in request.roles.iter().zip(request.signed_roles()?) {
            let name = role.name().to_string();
            if !roles.iter().any(|r| r.role == name) {
                continue;
            }
            if committed.is_none()
                && let SignedRole::Root(_) = role
            {
                pin_made(&state, asked)?;
            }
            // An older version that was signed all the same does not make the newest one forgotten.
            if signed
                .get(&name)
                .is_none_or(|last| last.version <= role.version())
            {
                let last = SignedLast {
                    version: role.version(),
                    signed: asked.signed.clone(),
                    at: self.now(),
                };
                signed.insert(name.clone(), last);
            }
            if matches!(role, SignedRole::Channel { .. }) {
                self.keep_release(look, &name, folder)?;
            }
        }
        state.put_signed(&signed)
    }
}

/// SHA-256 of the RSA keys that were used.
fn rsa_ids(made: &[ClientsMade]) -> Result<Vec<String>> {
    let id = |m: &ClientsMade| Ok(m.document()?.key.map(|k| k.sha256));
    let ids: Result<Vec<Option<String>>> = made.iter().map(id).collect();
    Ok(ids?.into_iter().flatten().collect())
}

fn made_words(made: &[ClientsMade]) -> Result<Vec<String>> {
    let words = |m: &ClientsMade| {
        let document = m.document()?;
        Ok(format!(
            "{} build {}: clients document {}",
            m.role,
            document.build,
            sha256_hex(m.document.as_bytes())
        ))
    };
    made.iter().map(words).collect()
}

/// A root that was made with a signature of this workstation is pinned: nobody can tell it of another one later.
fn pin_made(
    state: &crate::state::State,
    asked: &headgate_core::signing::RoleRequest,
) -> Result<()> {
    if state.pinned()?.is_some() {
        return Ok(());
    }
    let envelope: Envelope = asked.envelope()?;
    state.pin(&envelope.to_bytes()?)
}

fn about(
    workstation: &Workstation,
    did: &str,
    request: &SigningRequest,
    sha256: &str,
    look: Option<&Look>,
) -> Entry {
    Entry {
        app: look.map(|l| l.review.app.0.clone()).unwrap_or_default(),
        workspace: request.workspace.clone(),
        title: look.map(|l| l.review.title.clone()).unwrap_or_default(),
        request: Some(request.id.clone()),
        sha256: Some(sha256.to_owned()),
        asked_by: headgate_core::signing::plain(&request.by),
        ..Entry::new(workstation.now(), did)
    }
}
