//! What a request would have a person sign, and everything that speaks against it.

use std::collections::{BTreeMap, BTreeSet};

use headgate_tuf::{Envelope, KeyId, Name, UtcTime, metadata::Targets, sha256_hex};

use super::SigningRequest;
use super::committed::Committed;
use super::judge::{judge, weakened};
use super::places::{to_make, with_places};
use super::request::bad;
use super::roles::{SignedRole, Signers, signers};
use super::shown::{Documents, Line, day, lines, plain};
use super::title::{title, titled};
use crate::clients::Wanted;
use crate::manifest::ReleaseManifest;
use crate::{Code, Problem, Result};

pub(super) const DAY: i64 = 86_400;

/// What a signer has signed last of a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Seen {
    /// Version.
    pub version: u64,
    /// Exactly the bytes that were signed.
    pub signed: Vec<u8>,
}

/// What the reader of a request knows by themselves.
#[derive(Debug, Clone, Copy)]
pub struct Facts<'a> {
    /// What is committed; nothing for a request that makes a new workspace.
    pub committed: Option<&'a Committed>,
    /// What was signed here last, by role name.
    pub seen: &'a BTreeMap<String, Seen>,
    /// Keys of this computer.
    pub own: &'a BTreeSet<KeyId>,
    /// Now.
    pub now: UtcTime,
}

/// Kind of an alarm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum AlarmKind {
    /// It makes a new root of trust.
    NewWorkspace,
    /// Fewer signatures than before would do.
    Threshold,
    /// It does not stand on the last committed version.
    Prev,
    /// It is not newer than what was signed here.
    Version,
    /// It would count for longer than the profile allows, or has expired.
    Expiry,
    /// The request itself has expired.
    Request,
    /// A bundle travels along that is not the one that is signed.
    Bundle,
}

impl AlarmKind {
    /// All kinds.
    pub const ALL: &'static [Self] = &[
        Self::NewWorkspace,
        Self::Threshold,
        Self::Prev,
        Self::Version,
        Self::Expiry,
        Self::Request,
        Self::Bundle,
    ];

    /// As the window and the history know it.
    pub fn text(self) -> &'static str {
        match self {
            Self::NewWorkspace => "new_workspace",
            Self::Threshold => "threshold",
            Self::Prev => "prev",
            Self::Version => "version",
            Self::Expiry => "expiry",
            Self::Request => "request",
            Self::Bundle => "bundle",
        }
    }
}

/// Something that speaks against signing. A person may override it, one by one, and that is recorded.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Alarm {
    /// Kind.
    pub kind: AlarmKind,
    /// What is wrong.
    pub text: String,
}

/// What somebody says in the request. None of it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Claims {
    /// Who asks.
    pub by: String,
    /// Why.
    pub reason: String,
    /// When.
    pub created: UtcTime,
    /// Until when they want it.
    pub expires: UtcTime,
}

/// A key that counts for a role.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeyState {
    /// Its id.
    pub id: KeyId,
    /// Name from the signed root.
    pub name: String,
    /// Who holds it, from the signed root.
    pub holder: String,
    /// Its signature is there and verifies.
    pub signed: bool,
    /// It is recorded as one of this computer's.
    pub own: bool,
}

/// A role, as it is shown before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleReview {
    /// Role name.
    pub role: String,
    /// Version.
    pub version: u64,
    /// SHA-256 of the signed bytes.
    pub sha256: String,
    /// What it says, against the version before.
    pub lines: Vec<Line>,
    /// What the lines are compared with.
    pub against: Option<u64>,
    /// Signatures that are there.
    pub have: usize,
    /// Signatures needed.
    pub need: usize,
    /// Keys that count.
    pub keys: Vec<KeyState>,
    /// When it stops to count.
    pub expires: UtcTime,
}

/// A request, as it is shown before it is signed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Review {
    /// What it does, derived from the signed bytes: "Approve 4.2.5 for production".
    pub title: String,
    /// App identifier and name from the signed root.
    pub app: (String, String),
    /// Roles.
    pub roles: Vec<RoleReview>,
    /// What speaks against it.
    pub alarms: Vec<Alarm>,
    /// What the asker says.
    pub claims: Claims,
    /// Releases that it newly lists and whose manifest is there.
    pub releases: Vec<ReleaseManifest>,
    /// A release of the version before, to compare files with: the newest one that is listed there.
    pub former: Option<ReleaseManifest>,
    /// What who signs makes first and adds, for plugins with the channel's RSA key.
    pub clients: Vec<ClientsToMake>,
    /// Everything is signed.
    pub complete: bool,
}

/// A clients document that is made where a role is signed, and listed by it. What is made follows from the committed
/// settings and the release alone, never from what the asker says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientsToMake {
    /// Name of the role.
    pub role: String,
    /// Channel.
    pub channel: Name,
    /// For which plugins, and with which key.
    pub wanted: Wanted,
    /// The release.
    pub release: ReleaseManifest,
}

/// Derives what is shown of a request.
///
/// # Errors
/// `signing.format`, `signing.other_workspace`; `signing.altered` when a signature in it does not belong to its bytes;
/// `signing.unknown_workspace` when it builds on a registry and no root is pinned.
pub fn review(request: &SigningRequest, facts: Facts<'_>) -> Result<Review> {
    let together = request.signed_roles()?;
    let root = facts.committed.map(|c| &c.root);
    let targets = facts.committed.map(|c| &c.targets);
    let next_root = together.iter().find_map(|r| match r {
        SignedRole::Root(root) => Some(root.as_ref()),
        _ => None,
    });
    let mut alarms = BTreeSet::new();
    let named = next_root.or(root).ok_or_else(|| {
        let what = "No root of this workspace is pinned here.";
        Problem::new(Code::SigningUnpinned, what)
    })?;
    if facts.committed.is_none() {
        if named.version != 1 {
            let what = "No root of this workspace is pinned here.";
            return Err(Problem::new(Code::SigningUnpinned, what));
        }
        alarms.insert(Alarm {
            kind: AlarmKind::NewWorkspace,
            text: format!(
                "This makes a new root of trust for {}. Compare the words of its signed bytes by voice.",
                plain(&named.x.app)
            ),
        });
    }
    let mut names = root.map(|r| r.x.keys.clone()).unwrap_or_default();
    names.extend(named.x.keys.clone());
    let to_make = to_make(request, &together, facts, &mut alarms)?;
    let mut roles = Vec::new();
    let mut titles = Vec::new();
    let mut releases = BTreeMap::new();
    let mut former = None;
    let mut complete = true;
    for (asked, role) in request.roles.iter().zip(&together) {
        let envelope = asked.envelope()?;
        let signers = signers(role, root, targets, &together)?;
        authentic(&envelope, &signers)?;
        complete &= signers.complete(&envelope);
        let before = before(asked, role, facts, &mut alarms)?;
        judge(
            role,
            asked.signed.as_bytes(),
            before.as_ref(),
            facts,
            &mut alarms,
        );
        titles.push(titled(role, before.as_ref(), &request.documents));
        for manifest in added(role, before.as_ref(), request) {
            releases.insert((manifest.unit.clone(), manifest.build), manifest);
        }
        former = former.or_else(|| newest(before.as_ref(), request));
        let (have, need) = signers.count(&envelope);
        let valid: BTreeSet<KeyId> = signers
            .sets
            .iter()
            .flat_map(|set| envelope.valid_signers(set, &signers.keys))
            .collect();
        let state = |id: &KeyId| KeyState {
            name: names
                .get(id)
                .map_or_else(|| id.as_str().chars().take(8).collect(), |n| plain(&n.name)),
            holder: names.get(id).map(|n| plain(&n.holder)).unwrap_or_default(),
            signed: valid.contains(id),
            own: facts.own.contains(id),
            id: id.clone(),
        };
        let mut keys: Vec<KeyState> = signers.keys.keys().map(state).collect();
        // Who signed comes first, then who can here: ids have no order that means anything to a person.
        keys.sort_by(|a, b| {
            (!a.signed, !a.own, &a.name, &a.id).cmp(&(!b.signed, !b.own, &b.name, &b.id))
        });
        roles.push(RoleReview {
            role: role.name().to_string(),
            version: role.version(),
            sha256: asked.sha256(),
            lines: with_places(
                lines(role, before.as_ref(), &names, &request.documents),
                &role.name().to_string(),
                &to_make,
            ),
            against: before.as_ref().map(SignedRole::version),
            have,
            need,
            keys,
            expires: role.expires(),
        });
    }
    weakened(&together, facts, &mut alarms);
    if request.expires <= facts.now {
        alarms.insert(Alarm {
            kind: AlarmKind::Request,
            text: format!("The request expired at {}.", day(request.expires)),
        });
    }
    Ok(Review {
        title: title(titles),
        app: (plain(&named.x.app), plain(&named.x.name)),
        roles,
        alarms: alarms.into_iter().collect(),
        claims: Claims {
            by: plain(&request.by),
            reason: plain(&request.reason),
            created: request.created,
            expires: request.expires,
        },
        releases: releases.into_values().collect(),
        former,
        clients: to_make,
        complete,
    })
}

/// Signatures of the role's keys must verify. Others do not count and are left alone.
fn authentic(envelope: &Envelope, signers: &Signers) -> Result<()> {
    for entry in envelope.entries() {
        if let Some(key) = signers.keys.get(&entry.keyid)
            && key
                .verify(envelope.signed().as_bytes(), &entry.sig)
                .is_err()
        {
            let what =
                "A signature in this request does not belong to the bytes that it asks to sign.";
            return Err(Problem::new(Code::SigningAltered, what));
        }
    }
    Ok(())
}

/// The version before: the committed file that the signed bytes name by hash, else what was signed here last.
fn before(
    asked: &super::RoleRequest,
    role: &SignedRole,
    facts: Facts<'_>,
    alarms: &mut BTreeSet<Alarm>,
) -> Result<Option<SignedRole>> {
    let name = role.name();
    let mut alarm = |text: String| {
        alarms.insert(Alarm {
            kind: AlarmKind::Prev,
            text: format!("{name}: {text}."),
        });
    };
    let seen = facts.seen.get(&name.to_string());
    let prev = role.header().prev.as_ref();
    let Some(file) = &asked.previous else {
        let own = seen.map(|s| -> Result<SignedRole> {
            let bytes = headgate_tuf::RoleBytes::from_bytes(&s.signed)?;
            SignedRole::read(&bytes)
        });
        match (prev, seen) {
            (None, None) => {}
            (None, Some(seen)) => alarm(format!(
                "it claims to be the first version, but version {} was signed here",
                seen.version
            )),
            (Some(_), None) => {
                alarm(
                    "the version before is not in the request, so nothing can be compared".into(),
                );
            }
            (Some(_), Some(_)) => {}
        }
        return own.transpose();
    };
    if prev != Some(&sha256_hex(file.as_bytes())) {
        alarm("the version before is not the one that its signed bytes name".into());
        return Ok(None);
    }
    let envelope = Envelope::parse(file.as_bytes())?;
    // An empty version before does not say whether it approves or serves: it is the role that is asked for.
    let old = SignedRole::read(envelope.signed())?;
    let old = old.clone().named(&name.to_string()).unwrap_or(old);
    // An empty list of targets does not say whether it approves or serves, so the place counts.
    let place = |r: &SignedRole| (r.header().unit.clone(), r.header().channel.clone());
    let same = old.name() == name || (place(&old).0.is_some() && place(&old) == place(role));
    if !same || old.header().workspace != role.header().workspace {
        return Err(bad(format!("the version before {name} is another role")));
    }
    if !committed_file(&old, &envelope, facts) {
        alarm("the version before it is not one that is committed".into());
        return Ok(None);
    }
    // The same bytes once more, for an answer that was lost, stand on what they stood on the first time.
    if let Some(seen) = seen
        && seen.signed != asked.signed.as_bytes()
    {
        if old.version() < seen.version {
            alarm(format!(
                "it stands on version {}, but version {} was signed here",
                old.version(),
                seen.version
            ));
        } else if old.version() == seen.version && envelope.signed().as_bytes() != seen.signed {
            alarm(format!(
                "it stands on another version {} than the one that was signed here",
                seen.version
            ));
        }
    }
    Ok(Some(old))
}

fn committed_file(old: &SignedRole, envelope: &Envelope, facts: Facts<'_>) -> bool {
    let Some(committed) = facts.committed else {
        return false;
    };
    match old {
        // By content: copies of one file may carry more or fewer signatures.
        SignedRole::Root(root) => **root == committed.root,
        SignedRole::Targets(targets) => **targets == committed.targets,
        SignedRole::Channel { .. } => {
            signers(old, Some(&committed.root), Some(&committed.targets), &[])
                .is_ok_and(|s| s.complete(envelope))
        }
    }
}

pub(super) fn listed(
    meta: &Targets<headgate_tuf::metadata::Header>,
) -> BTreeSet<(&String, &String)> {
    meta.targets
        .iter()
        .map(|(name, file)| (name, &file.hashes.sha256))
        .collect()
}

/// The manifest that a listed target names by hash, if it is there and of that build.
pub(super) fn manifest(
    documents: Documents<'_>,
    name: &str,
    sha256: &str,
) -> Option<ReleaseManifest> {
    let text = documents.get(sha256)?;
    if sha256_hex(text.as_bytes()) != sha256 {
        return None;
    }
    let manifest = ReleaseManifest::parse(text.as_bytes()).ok()?;
    is_named(&manifest, name).then_some(manifest)
}

/// Whether a manifest is that of the unit and build that a target's name says.
pub(super) fn is_named(manifest: &ReleaseManifest, name: &str) -> bool {
    name.starts_with(&format!("{}.", manifest.unit))
        && name.ends_with(&format!(".release-{}.json", manifest.build))
}

/// Releases that a role lists and its version before did not, or listed with other content.
fn added(
    role: &SignedRole,
    before: Option<&SignedRole>,
    request: &SigningRequest,
) -> Vec<ReleaseManifest> {
    let SignedRole::Channel { meta, .. } = role else {
        return Vec::new();
    };
    let old = match before {
        Some(SignedRole::Channel { meta, .. }) => listed(meta),
        _ => BTreeSet::new(),
    };
    let fresh = listed(meta).into_iter().filter(|file| !old.contains(file));
    fresh
        .filter_map(|(name, sha256)| manifest(&request.documents, name, sha256))
        .collect()
}

/// The newest release of the version before.
fn newest(before: Option<&SignedRole>, request: &SigningRequest) -> Option<ReleaseManifest> {
    let Some(SignedRole::Channel { meta, .. }) = before else {
        return None;
    };
    let all = listed(meta).into_iter();
    all.filter_map(|(name, sha256)| manifest(&request.documents, name, sha256))
        .max_by_key(|m| m.build)
}
