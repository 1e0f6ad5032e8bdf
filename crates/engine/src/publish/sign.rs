//! Signing a draft with the keys of this computer.

use std::collections::BTreeSet;
use std::sync::Arc;

use headgate_core::{Code, Problem, Result};
use headgate_registry::{View, layout};
use headgate_signer::KeyVault;
use headgate_tuf::{Envelope, KeyId, RoleName, metadata::Root, sha256_hex};

use super::{Draft, DraftRole, draft::Material};
use crate::clients::{Wanted, not_here};
use crate::db::{ObjectState, Step, StepKind};
use crate::keys::{self, OwnKeys};

/// What a publish would sign, for the person who decides.
#[derive(Debug, Clone)]
pub struct Planned {
    /// Roles that get a new version.
    pub roles: Vec<PlannedRole>,
    /// Keys that sign.
    pub keys: Vec<PlannedKey>,
    /// Why it cannot be signed here now.
    pub problem: Option<Problem>,
    /// SHA-256 of the release manifest.
    pub manifest: Option<String>,
    /// Build number, after a renumbering.
    pub build: Option<u32>,
    /// What is made for stock plugins on this channel; nothing where plain bundles do.
    pub clients: Option<PlannedClients>,
    /// It lacks nothing but signatures of other people, which can be asked for.
    pub can_ask: bool,
    /// Roles whose signatures this computer cannot make alone, with everybody who may sign them.
    pub missing: Vec<PlannedMissing>,
}

/// A role that other people have to sign.
#[derive(Debug, Clone)]
pub struct PlannedMissing {
    /// Role name.
    pub role: String,
    /// Signatures that it needs.
    pub need: u32,
    /// Signatures that this computer can make.
    pub have: u32,
    /// Who may sign: id, name, holder, and whether the key is recorded here.
    pub keys: Vec<(KeyId, String, String, bool)>,
}

/// What an approval makes for stock plugins.
#[derive(Debug, Clone)]
pub struct PlannedClients {
    /// "its bundle is signed for Capgo plugins with the RSA key ‘production apps’"
    pub says: String,
    /// Name of the channel's RSA key.
    pub key: Option<String>,
    /// The vault has it, or none is needed.
    pub here: bool,
    /// The vault was asked and lacks it, and the release has a bundle that can travel to who has it.
    pub elsewhere: bool,
}

/// A role that gets a new version.
#[derive(Debug, Clone)]
pub struct PlannedRole {
    /// Role name.
    pub role: String,
    /// Version before.
    pub before: Option<u64>,
    /// Version now.
    pub now: u64,
    /// What it says.
    pub says: String,
    /// Names of the keys that sign.
    pub key: String,
}

/// A key that signs.
#[derive(Debug, Clone)]
pub struct PlannedKey {
    /// Its id.
    pub id: KeyId,
    /// Name from signed metadata.
    pub name: String,
    /// "Approvals", "Rollouts", "Freshness", joined.
    pub purpose: String,
    /// "1 of 1 needed".
    pub needed: String,
    /// The vault has it.
    pub here: bool,
}

/// What would be signed, and by which keys. Signs nothing.
pub(crate) async fn plan(
    draft: &Draft,
    view: &View,
    vault: Result<Arc<dyn KeyVault>>,
    own: &OwnKeys,
) -> Planned {
    // A computer without the keys needs no vault: saying that its file is missing would mislead.
    let short = draft
        .roles
        .iter()
        .chain(&draft.root)
        .find(|r| !r.choose(own).1);
    let short = short.map(|role| not_a_signer(role, view));
    let mut problem = short.or_else(|| vault.as_ref().err().cloned());
    let mut keys: Vec<PlannedKey> = Vec::new();
    let mut roles = Vec::new();
    for role in draft.roles.iter().chain(&draft.root) {
        let (chosen, _) = role.choose(own);
        let names: Vec<String> = chosen.keys().map(|id| view.key_name(id)).collect();
        roles.push(PlannedRole {
            role: role.role.to_string(),
            before: role.before,
            now: role.version,
            says: role.says.clone(),
            key: if names.is_empty() {
                "not here".into()
            } else {
                names.join(", ")
            },
        });
        for (id, public) in &chosen {
            let purpose = purpose(&role.role);
            if let Some(known) = keys.iter_mut().find(|k| k.id == *id) {
                if !known
                    .purpose
                    .to_lowercase()
                    .contains(&purpose.to_lowercase())
                {
                    known.purpose = format!("{}, {}", known.purpose, purpose.to_lowercase());
                }
                continue;
            }
            let mut here = false;
            if let Ok(vault) = &vault {
                let key = public.clone();
                match keys::call(vault, move |v| v.has(&key)).await {
                    Ok(has) => here = has,
                    Err(e) => drop(problem.get_or_insert(e)),
                }
                if !here {
                    problem.get_or_insert_with(|| missing(&view.key_name(id)));
                }
            }
            let needed = role.signers.iter().map(|s| s.threshold).max().unwrap_or(1);
            keys.push(PlannedKey {
                id: id.clone(),
                name: view.key_name(id),
                purpose: purpose.into(),
                needed: format!("{needed} of {needed} needed"),
                here,
            });
        }
    }
    let clients = match &draft.wanted {
        Some(wanted) => Some(plugins(draft, wanted, vault.as_ref().ok(), &mut problem).await),
        None => None,
    };
    let rsa = clients.as_ref().is_some_and(|c| c.elsewhere);
    let build = match &draft.intent.action {
        super::Action::Ship { manifest, .. } => Some(manifest.build),
        super::Action::Promote { build, .. } => Some(*build),
        _ => None,
    };
    Planned {
        roles,
        keys,
        problem,
        manifest: draft.manifest.clone(),
        build,
        clients,
        can_ask: draft.can_ask(own, rsa),
        missing: missing_of(draft, view, own),
    }
}

/// Roles that this computer cannot sign alone.
fn missing_of(draft: &Draft, view: &View, own: &OwnKeys) -> Vec<PlannedMissing> {
    let short = draft.askable().into_iter().filter(|r| !r.choose(own).1);
    // People whom this change brings in are named by the root that it makes.
    let next: Option<Root> = draft.root.as_ref().and_then(|r| r.bytes.parse().ok());
    let known = |id: &KeyId| {
        let next = next.as_ref().and_then(|root| root.x.keys.get(id));
        next.or_else(|| view.root.meta.x.keys.get(id))
    };
    let read = |role: &DraftRole| {
        let sets = role.signers.iter().max_by_key(|s| s.threshold);
        let all: BTreeSet<&KeyId> = role.signers.iter().flat_map(|s| &s.keyids).collect();
        let mut keys: Vec<_> = all
            .into_iter()
            .map(|id| {
                let (name, holder) = match known(id) {
                    Some(key) => (key.name.clone(), key.holder.clone()),
                    None => (view.key_name(id), String::new()),
                };
                (id.clone(), name, holder, own.contains_key(id))
            })
            .collect();
        // Who can sign here comes first: ids have no order that means anything to a person.
        keys.sort_by(|a, b| (!a.3, &a.1, &a.0).cmp(&(!b.3, &b.1, &b.0)));
        PlannedMissing {
            role: role.role.to_string(),
            need: sets.map_or(1, |s| s.threshold),
            have: u32::try_from(role.choose(own).0.len()).unwrap_or(u32::MAX),
            keys,
        }
    };
    short.map(read).collect()
}

/// Looks whether this computer can make what a channel's plugins need.
async fn plugins(
    draft: &Draft,
    wanted: &Wanted,
    vault: Option<&Arc<dyn KeyVault>>,
    problem: &mut Option<Problem>,
) -> PlannedClients {
    let (mut here, mut elsewhere) = (wanted.rsa.is_none(), false);
    if let (Some(rsa), Some(vault)) = (&wanted.rsa, vault) {
        let asked = match wanted.public() {
            Ok(Some(public)) => keys::call(vault, move |v| v.has_rsa(&public)).await,
            other => other.map(|_| false),
        };
        match asked {
            Ok(has) => {
                here = has;
                elsewhere = !has && draft.release.as_ref().is_some_and(|r| r.delivers_zip());
            }
            Err(e) => drop(problem.get_or_insert(e)),
        }
        if !here {
            let channel = draft.intent.action.place().map(|(_, c)| c.to_string());
            problem.get_or_insert_with(|| not_here(&channel.unwrap_or_default(), rsa));
        }
    }
    PlannedClients {
        says: wanted.says(),
        key: wanted.rsa.as_ref().map(|r| r.name.clone()),
        here,
        elsewhere,
    }
}

fn purpose(role: &RoleName) -> &'static str {
    match role {
        RoleName::Channel(..) => "Approvals",
        RoleName::Rollout(..) => "Rollouts",
        RoleName::Snapshot | RoleName::Timestamp => "Freshness",
        RoleName::Root | RoleName::Targets => "Root and settings",
    }
}

fn missing(name: &str) -> Problem {
    Problem::new(
        Code::KeyMissing,
        format!("The key ‘{name}’ is recorded, but this keychain does not have it."),
    )
}

fn not_a_signer(role: &DraftRole, view: &View) -> Problem {
    let ids: BTreeSet<&KeyId> = role.signers.iter().flat_map(|s| &s.keyids).collect();
    let names: Vec<String> = ids
        .into_iter()
        .map(|id| format!("‘{}’", view.key_name(id)))
        .collect();
    let needed = role.signers.iter().map(|s| s.threshold).max().unwrap_or(1);
    let what = format!(
        "{} needs {needed} signature(s) by {}; this computer has too few of these keys.",
        role.role,
        names.join(", ")
    );
    Problem::new(Code::KeyNotAllowed, what)
}

/// Refuses before a vault is opened, or a passphrase asked for, that could not sign anyway.
///
/// # Errors
/// `key.not_a_signer` naming the first role that lacks keys.
pub(crate) fn check_keys(draft: &Draft, own: &OwnKeys) -> Result<()> {
    let mut roles = draft.roles.iter().chain(&draft.root);
    roles.find(|r| !r.choose(own).1).map_or(Ok(()), |role| {
        let what = format!("This computer has too few keys of {}.", role.role);
        Err(Problem::new(Code::KeyNotAllowed, what))
    })
}

/// Signs one role with the keys of this computer, as far as they go.
pub(crate) async fn sign_here(
    role: &DraftRole,
    vault: &Arc<dyn KeyVault>,
    own: &OwnKeys,
) -> Result<Envelope> {
    let mut envelope = role.envelope();
    let (chosen, _) = role.choose(own);
    for key in chosen.into_values() {
        let (bytes, public) = (role.bytes.clone(), key.clone());
        let signature = keys::call(vault, move |v| v.sign(&public, &bytes)).await?;
        envelope.add(&key, signature)?;
    }
    Ok(envelope)
}

/// Signs one role, whole.
async fn sign(role: &DraftRole, vault: &Arc<dyn KeyVault>, own: &OwnKeys) -> Result<Vec<u8>> {
    let mut envelope = sign_here(role, vault, own).await?;
    // Signatures of keys that do not count stay out of what is published.
    let counting = role
        .signers
        .iter()
        .flat_map(|s| s.keyids.iter().cloned())
        .collect();
    envelope.retain(&counting);
    for set in &role.signers {
        envelope
            .verify(&role.role.to_string(), set, &role.keys)
            .map_err(|e| {
                Problem::new(
                    Code::KeyNotAllowed,
                    format!("{e}: this computer has too few keys of this role."),
                )
            })?;
    }
    Ok(envelope.to_bytes()?)
}

/// Signs the draft and lists every write in order; the timestamp commits, a new root follows it. Immutable objects
/// go to this many mirrors too.
pub(crate) async fn sign_steps(
    draft: &Draft,
    expected: Option<&str>,
    vault: &Arc<dyn KeyVault>,
    own: &OwnKeys,
    mirrors: usize,
) -> Result<Vec<Step>> {
    if !draft.complete {
        let what = "What the channel's plugins need was not made, so nothing was signed.";
        return Err(Problem::new(Code::Internal, what));
    }
    let mut steps = object_steps(draft);
    for role in &draft.roles {
        let file = sign(role, vault, own).await?;
        let (kind, key) = match role.role {
            RoleName::Timestamp => (StepKind::Commit, layout::TIMESTAMP.to_owned()),
            _ => (StepKind::Create, layout::metadata(&role.role, role.version)),
        };
        let mut step = metadata(kind, key, file);
        step.expected = expected
            .filter(|_| kind == StepKind::Commit)
            .map(str::to_owned);
        steps.push(step);
    }
    if let Some(role) = &draft.root {
        let file = sign(role, vault, own).await?;
        let key = layout::metadata(&role.role, role.version);
        // At the very first publish there is nothing to walk from: the root comes before all other metadata.
        if role.version == 1 {
            steps.insert(0, metadata(StepKind::Create, key, file));
        } else {
            steps.push(metadata(StepKind::Root, key, file));
        }
    }
    let copies: Vec<Step> = (1..=mirrors)
        .flat_map(|mirror| {
            let objects = steps.iter().filter(|s| s.is_object()).cloned();
            objects.map(move |step| Step {
                target: u32::try_from(mirror).unwrap_or(u32::MAX),
                ..step
            })
        })
        .collect();
    steps.extend(copies);
    number(&mut steps);
    Ok(steps)
}

/// Numbers steps in their order.
pub(crate) fn number(steps: &mut [Step]) {
    for (seq, step) in steps.iter_mut().enumerate() {
        step.seq = i64::try_from(seq).unwrap_or(i64::MAX);
    }
}

/// The writes of a draft that are no metadata.
pub(crate) fn object_steps(draft: &Draft) -> Vec<Step> {
    draft.objects.iter().map(object).collect()
}

fn object((key, sha256, material): &(String, String, Material)) -> Step {
    let mut step = empty(StepKind::Create, key.clone());
    step.sha256.clone_from(sha256);
    match material {
        Material::Bytes(bytes) => {
            step.size = bytes.len() as u64;
            step.body = Some(bytes.to_vec());
        }
        Material::File(path, size) => {
            step.size = *size;
            step.path = Some(path.display().to_string());
        }
        Material::Single(source, size) => {
            step.size = *size;
            step.source = Some(source.clone());
        }
    }
    step
}

fn metadata(kind: StepKind, key: String, file: Vec<u8>) -> Step {
    let mut step = empty(kind, key);
    step.sha256 = sha256_hex(&file);
    step.size = file.len() as u64;
    step.body = Some(file);
    step
}

fn empty(kind: StepKind, key: String) -> Step {
    Step {
        seq: 0,
        kind,
        target: 0,
        key,
        sha256: String::new(),
        size: 0,
        body: None,
        path: None,
        source: None,
        expected: None,
        state: ObjectState::Pending,
    }
}
