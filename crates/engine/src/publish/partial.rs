//! Signatures that come from elsewhere: which roles may wait for them, and putting them in the place of what is derived.

use std::collections::BTreeMap;

use headgate_core::signing::SignedRole;
use headgate_core::{ClientsDocument, Code, Problem, Result, RolloutDocument, RsaPublic};
use headgate_registry::{ChannelTargets, documents, layout};
use headgate_tuf::{Envelope, KeyId, Name, PublicKey, RoleName};
use serde::{Deserialize, Serialize};

use super::draft::{DraftRole, Drafting, Material, Outcome, STEPPED_OVER};
use super::{Action, Draft};
use crate::clients::Wanted;
use crate::keys::OwnKeys;

/// Signatures of other people for an intent.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Collected {
    /// The request that collects them: with it nothing is published, the signatures are asked for.
    #[serde(default)]
    pub ask: Option<String>,
    /// The request that collected them.
    #[serde(default)]
    pub request: Option<String>,
    /// Files with what was signed, by role name.
    #[serde(default)]
    pub files: BTreeMap<String, String>,
    /// What the channel's plugins need was signed elsewhere and came with an answer: it is made again from that and
    /// uploaded now. Without it the asker made and uploaded it.
    #[serde(default)]
    pub clients: bool,
}

impl DraftRole {
    /// The role as far as it is signed.
    pub(crate) fn envelope(&self) -> Envelope {
        let unsigned = || Envelope::new(self.bytes.clone());
        self.signed.clone().unwrap_or_else(unsigned)
    }

    /// Keys of this computer that sign it: as many as each threshold still asks for. Also whether that is enough.
    pub(crate) fn choose(&self, own: &OwnKeys) -> (BTreeMap<KeyId, PublicKey>, bool) {
        let envelope = self.envelope();
        let mut chosen = BTreeMap::new();
        let mut enough = true;
        for set in &self.signers {
            let there = envelope.valid_signers(set, &self.keys);
            let lacking = (set.threshold as usize).saturating_sub(there.len());
            let ours: Vec<_> = set
                .keyids
                .iter()
                .filter(|id| !there.contains(*id))
                .filter_map(|id| own.get_key_value(id))
                .take(lacking)
                .collect();
            enough &= ours.len() == lacking;
            chosen.extend(ours.into_iter().map(|(id, key)| (id.clone(), key.clone())));
        }
        (chosen, enough)
    }
}

impl Draft {
    /// Roles whose signatures may come from other people: what approvers and owners sign. What operators and
    /// freshness keys sign is made when it is published.
    pub(crate) fn askable(&self) -> Vec<&DraftRole> {
        let whole = matches!(
            self.intent.action,
            Action::Init { .. } | Action::Trust { .. } | Action::Renew { .. }
        );
        let fits = |role: &&DraftRole| match role.role {
            RoleName::Snapshot | RoleName::Timestamp => false,
            RoleName::Channel(..) | RoleName::Root | RoleName::Targets => true,
            RoleName::Rollout(..) => whole,
        };
        self.root.iter().chain(&self.roles).filter(fits).collect()
    }

    /// Whether it lacks nothing but signatures that can be asked for; `rsa` when the channel's RSA key is one of them.
    pub(crate) fn can_ask(&self, own: &OwnKeys, rsa: bool) -> bool {
        let asked: Vec<&RoleName> = self.askable().iter().map(|r| &r.role).collect();
        let short = |role: &&DraftRole| !role.choose(own).1;
        let mut roles = self.roles.iter().chain(&self.root).filter(short).peekable();
        (rsa || roles.peek().is_some()) && roles.all(|r| asked.contains(&&r.role))
    }
}

impl Drafting<'_> {
    /// Puts what others signed in the place of what was derived now. It must stand on what is committed now.
    pub(super) fn take_over(&mut self, out: &mut Outcome) -> Result<()> {
        let files = self.intent.collected.files.clone();
        for (name, file) in &files {
            let slot = self
                .roles
                .iter_mut()
                .chain(&mut out.root)
                .find(|r| r.role.to_string() == *name);
            let Some(slot) = slot else {
                return Err(stale(name, "it needs no new version any more"));
            };
            take(slot, file)?;
        }
        if let Some(root) = out.root.as_ref().filter(|r| r.signed.is_some()) {
            out.new_root = Some(root.bytes.parse()?);
        }
        Ok(())
    }
}

impl Drafting<'_> {
    /// What the channel would serve must be listed by the approvals that were signed: they may be older than the
    /// rollout that it goes on from.
    pub(super) fn serves_what_is_approved(&self) -> Result<()> {
        let Some((unit, channel, role, meta)) = self.approvals()? else {
            return Ok(());
        };
        let document = self
            .objects
            .iter()
            .find_map(|(key, _, material)| match material {
                Material::Bytes(bytes) if key.ends_with(".rollout.json") => Some(bytes),
                _ => None,
            });
        let Some(document) = document else {
            return Ok(());
        };
        for (key, sha256, _) in &self.objects {
            let named = key.split_once(&format!("{sha256}.")).map(|(_, name)| name);
            let clients = named.filter(|name| name.contains(".clients-"));
            if clients.is_some_and(|name| {
                let listed = meta.targets.get(name);
                listed.is_none_or(|t| t.hashes.sha256 != *sha256)
            }) {
                let why = "they do not list what was made for plugins";
                return Err(stale(&role.to_string(), why));
            }
        }
        for (build, manifest) in RolloutDocument::parse(document)?.names() {
            let name = layout::release_target(unit.as_str(), channel.as_str(), build);
            let listed = meta
                .targets
                .get(&name)
                .is_some_and(|t| t.hashes.sha256 == manifest);
            if !listed {
                let why = format!("{channel} serves build {build} now, which they do not list");
                return Err(stale(&role.to_string(), &why));
            }
        }
        Ok(())
    }

    /// What plugins need was made when the signatures were asked for. It must have been with the RSA key that the
    /// channel has now: apps take nothing else.
    pub(super) async fn made_with_the_key_of_now(&self, wanted: &Wanted, build: u32) -> Result<()> {
        let Some((unit, channel, role, meta)) = self.approvals()? else {
            return Ok(());
        };
        let target = layout::clients_target(unit.as_str(), channel.as_str(), build);
        let made = match documents::listed(self.store, &meta, &target).await? {
            Some((bytes, _)) => ClientsDocument::parse(&bytes)?.key.map(|k| k.sha256),
            None => None,
        };
        let now = wanted
            .rsa
            .as_ref()
            .map(|r| RsaPublic::from_base64(&r.public))
            .transpose()?
            .map(|key| key.sha256());
        if made == now {
            return Ok(());
        }
        let why = "the channel has another RSA key by now than what plugins need was made with";
        Err(stale(&role.to_string(), why).remedy("Withdraw the request, and ask again."))
    }

    /// The approvals of the action's channel, when signatures for them were collected.
    fn approvals(&self) -> Result<Option<(Name, Name, RoleName, ChannelTargets)>> {
        let Some((unit, channel)) = self.intent.action.place() else {
            return Ok(None);
        };
        let role = RoleName::Channel(unit.clone(), channel.clone());
        let signed = |r: &&DraftRole| r.role == role && r.signed.is_some();
        let Some(approval) = self.roles.iter().find(signed) else {
            return Ok(None);
        };
        let SignedRole::Channel { meta, .. } = SignedRole::read(&approval.bytes)? else {
            return Ok(None);
        };
        Ok(Some((unit.clone(), channel.clone(), role, *meta)))
    }
}

/// Puts a signed file in the place of a derived role.
pub(super) fn take(slot: &mut DraftRole, file: &str) -> Result<()> {
    let name = slot.role.to_string();
    let envelope = Envelope::parse(file.as_bytes())?;
    let signed = SignedRole::read(envelope.signed())?;
    let derived = SignedRole::read(&slot.bytes)?;
    let place = |r: &SignedRole| (r.header().unit.clone(), r.header().channel.clone());
    if place(&signed) != place(&derived) {
        return Err(Problem::new(
            Code::SigningAltered,
            format!("What was signed is not {name}."),
        ));
    }
    if signed.header().prev != derived.header().prev {
        return Err(stale(&name, "somebody published another version meanwhile"));
    }
    let (version, before) = (signed.version(), slot.before.unwrap_or(0));
    let next = match slot.role {
        RoleName::Root => version == before + 1,
        // A version that a lost race left behind is our own: the same bytes may be written again.
        _ => version > before && version <= before + STEPPED_OVER,
    };
    if !next {
        return Err(stale(&name, "its version number cannot be used any more"));
    }
    slot.version = version;
    slot.bytes = envelope.signed().clone();
    slot.signed = Some(envelope);
    Ok(())
}

fn stale(role: &str, why: &str) -> Problem {
    Problem::new(
        Code::SigningStale,
        format!("The signatures for {role} cannot be used: {why}."),
    )
}
