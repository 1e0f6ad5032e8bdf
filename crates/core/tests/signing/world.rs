//! A small registry made by hand: three owners, production 2 of 3, and requests on top of it.
#![allow(dead_code, reason = "shared by several test programs")]

use std::collections::{BTreeMap, BTreeSet};
use std::sync::atomic::{AtomicI64, Ordering};

use ed25519_dalek::{Signer as _, SigningKey};
use headgate_core::manifest::{BundleRef, InventoryRef, Packer, Source};
use headgate_core::native::Native;
use headgate_core::rollout::{Base, BaseRelease, RolloutDocument};
use headgate_core::settings::{Settings, TopTargets};
use headgate_core::signing::{Committed, Facts, RoleRequest, Seen, SigningRequest};
use headgate_core::{ReleaseManifest, signing};
use headgate_tuf::metadata::{
    Delegation, Delegations, Hashes, Header, KeyName, RoleKeys, Root, RootHeader, TargetFile,
    Targets,
};
use headgate_tuf::{
    Envelope, KeyId, Metadata, Name, PublicKey, RoleBytes, RoleName, Signature, UtcTime, policy,
    sha256_hex,
};

pub(crate) const WORKSPACE: &str = "com.acme.field#00112233445566aa";
pub(crate) const APP: &str = "com.acme.field";
pub(crate) const NOW: i64 = 1_790_000_000;
/// The people of the team.
pub(crate) const PEOPLE: [(u8, &str); 3] = [(1, "Mara"), (2, "Ines"), (3, "Jonas")];
/// The operator and freshness key.
pub(crate) const ONLINE: u8 = 9;
/// Somebody whom nobody knows.
pub(crate) const STRANGER: u8 = 77;

/// When everything happens: a fixed time, unless a test runs by the clock of this computer.
static AT: AtomicI64 = AtomicI64::new(NOW);

pub(crate) fn now() -> UtcTime {
    UtcTime::from_unix(AT.load(Ordering::Relaxed))
}

/// For tests of a program that has a clock of its own.
pub(crate) fn set_now(seconds: i64) {
    AT.store(seconds, Ordering::Relaxed);
}

pub(crate) fn private(n: u8) -> SigningKey {
    SigningKey::from_bytes(&[n; 32])
}

pub(crate) fn public(n: u8) -> PublicKey {
    PublicKey::from_bytes(private(n).verifying_key().as_bytes())
}

pub(crate) fn id(n: u8) -> KeyId {
    public(n).id().unwrap()
}

pub(crate) fn ids(of: &[u8]) -> BTreeSet<KeyId> {
    of.iter().map(|n| id(*n)).collect()
}

pub(crate) fn sign(bytes: &RoleBytes, n: u8) -> Signature {
    Signature(private(n).sign(bytes.as_bytes()).to_bytes())
}

pub(crate) fn signed<M: Metadata>(role: &M, by: &[u8]) -> Envelope {
    let bytes = RoleBytes::new(role).unwrap();
    let mut envelope = Envelope::new(bytes.clone());
    for n in by {
        envelope.add(&public(*n), sign(&bytes, *n)).unwrap();
    }
    envelope
}

pub(crate) fn file<M: Metadata>(role: &M, by: &[u8]) -> Vec<u8> {
    signed(role, by).to_bytes().unwrap()
}

fn set(of: &[u8], threshold: u32) -> RoleKeys {
    RoleKeys {
        keyids: ids(of),
        threshold,
    }
}

pub(crate) fn header(place: Option<&str>, action: &str, prev: Option<&[u8]>) -> Header {
    Header {
        workspace: WORKSPACE.into(),
        unit: place.map(|_| "main".into()),
        channel: place.map(Into::into),
        action: action.into(),
        at: now(),
        by: "Mara".into(),
        reason: String::new(),
        prev: prev.map(sha256_hex),
    }
}

pub(crate) fn root(version: u64, threshold: u32, prev: Option<&[u8]>) -> Root {
    let people: Vec<u8> = PEOPLE.iter().map(|p| p.0).collect();
    let all: Vec<u8> = people.iter().copied().chain([ONLINE]).collect();
    let name = |n: u8| {
        let found = PEOPLE.iter().find(|p| p.0 == n);
        let name = found.map_or("Online", |p| p.1);
        KeyName {
            name: format!("{name} 2026"),
            holder: name.into(),
        }
    };
    Root::new(
        version,
        policy::expires(&RoleName::Root, now()),
        all.iter().map(|n| (id(*n), public(*n))).collect(),
        BTreeMap::from([
            ("root".into(), set(&people, threshold)),
            ("targets".into(), set(&people, threshold)),
            ("snapshot".into(), set(&[ONLINE], 1)),
            ("timestamp".into(), set(&[ONLINE], 1)),
        ]),
        RootHeader {
            header: header(None, "init", prev),
            app: APP.into(),
            name: "Acme Field".into(),
            profile: "team".into(),
            keys: all.iter().map(|n| (id(*n), name(*n))).collect(),
        },
    )
}

pub(crate) fn top(version: u64, threshold: u32, prev: Option<&[u8]>) -> TopTargets {
    let people: Vec<u8> = PEOPLE.iter().map(|p| p.0).collect();
    let unit = Name::new("main").unwrap();
    let channels = ["staging", "production"].map(|c| Name::new(c).unwrap());
    let mut roles = Vec::new();
    for channel in &channels {
        let needs = if channel.as_str() == "production" {
            threshold
        } else {
            1
        };
        for (role, keys) in [
            (
                RoleName::Channel(unit.clone(), channel.clone()),
                set(&people, needs),
            ),
            (
                RoleName::Rollout(unit.clone(), channel.clone()),
                set(&[ONLINE], 1),
            ),
        ] {
            roles.push(Delegation {
                name: role.to_string(),
                keyids: keys.keyids,
                threshold: keys.threshold,
                terminating: true,
                paths: role.paths(),
            });
        }
    }
    let keys = people.iter().chain(&[ONLINE]);
    let settings = Settings::standard(header(None, "settings", prev), APP, unit, &channels);
    Targets::new(
        version,
        policy::expires(&RoleName::Targets, now()),
        BTreeMap::new(),
        Some(Delegations {
            keys: keys.map(|n| (id(*n), public(*n))).collect(),
            roles,
        }),
        settings,
    )
}

pub(crate) fn manifest(build: u32) -> ReleaseManifest {
    let hash = |what: &str| sha256_hex(format!("{what} {build}").as_bytes());
    ReleaseManifest {
        unit: Name::new("main").unwrap(),
        version: format!("4.2.{build}"),
        build,
        created: now(),
        source: Source::default(),
        packer: Packer {
            name: "headgate".into(),
            version: "1".into(),
            level: 6,
        },
        bundle: BundleRef {
            sha256: hash("bundle"),
            size: 1000,
            url: None,
        },
        inventory: InventoryRef {
            sha256: hash("inventory"),
            size: 100,
        },
        files: None,
        native: Native::default(),
        allowed: Vec::new(),
    }
}

pub(crate) fn listed(bytes: &[u8]) -> TargetFile {
    TargetFile {
        length: bytes.len() as u64,
        hashes: Hashes {
            sha256: sha256_hex(bytes),
        },
    }
}

pub(crate) fn approvals_of(
    channel: &str,
    version: u64,
    manifests: &[ReleaseManifest],
    prev: Option<&[u8]>,
) -> Targets<Header> {
    let files = manifests.iter().map(|m| {
        let name = format!("main.{channel}.release-{}.json", m.build);
        (name, listed(&m.to_bytes().unwrap()))
    });
    let role = RoleName::Channel(Name::new("main").unwrap(), Name::new(channel).unwrap());
    Targets::new(
        version,
        policy::expires(&role, now()),
        files.collect(),
        None,
        header(Some(channel), "approve", prev),
    )
}

pub(crate) fn approvals(version: u64, builds: &[u32], prev: Option<&[u8]>) -> Targets<Header> {
    let manifests: Vec<ReleaseManifest> = builds.iter().map(|b| manifest(*b)).collect();
    approvals_of("production", version, &manifests, prev)
}

pub(crate) fn rollout_document(build: u32) -> RolloutDocument {
    RolloutDocument {
        unit: Name::new("main").unwrap(),
        channel: Name::new("production").unwrap(),
        entries: Vec::new(),
        base: Base::Release(BaseRelease {
            release: build,
            manifest: manifest(build).sha256().unwrap(),
            native: None,
            rolled_back: false,
            opened: None,
        }),
        keep: Vec::new(),
        steps: Vec::new(),
        min_hours: 0,
        gate: None,
        frozen: None,
        started: now(),
        reason: "released".into(),
    }
}

/// What is committed: root 1, settings 1, approvals 2 with builds 5 and 6.
pub(crate) struct World {
    pub(crate) root: Vec<u8>,
    pub(crate) top: Vec<u8>,
    pub(crate) approvals: Vec<u8>,
}

impl World {
    pub(crate) fn new() -> Self {
        Self {
            root: file(&root(1, 2, None), &[1, 2]),
            top: file(&top(1, 2, None), &[1, 2]),
            approvals: file(&approvals(2, &[5, 6], Some(b"one before")), &[1, 3]),
        }
    }

    /// The same with a real key in the place of Ines's; Mara and Jonas signed it.
    pub(crate) fn with_key(key: &PublicKey) -> Self {
        let mut first = root(1, 2, None);
        let mut settings = top(1, 2, None);
        let (old, new) = (id(2), key.id().unwrap());
        let name = first.x.keys.remove(&old).unwrap();
        first.x.keys.insert(new.clone(), name);
        first.keys.remove(&old);
        first.keys.insert(new.clone(), key.clone());
        for role in first.roles.values_mut() {
            if role.keyids.remove(&old) {
                role.keyids.insert(new.clone());
            }
        }
        if let Some(delegations) = &mut settings.delegations {
            delegations.keys.remove(&old);
            delegations.keys.insert(new.clone(), key.clone());
            for role in &mut delegations.roles {
                if role.keyids.remove(&old) {
                    role.keyids.insert(new.clone());
                }
            }
        }
        Self {
            root: file(&first, &[1, 3]),
            top: file(&settings, &[1, 3]),
            approvals: file(&approvals(2, &[5, 6], Some(b"one before")), &[1, 3]),
        }
    }

    /// "Approve 4.2.7 for production", signed by Mara.
    pub(crate) fn request(&self) -> SigningRequest {
        let role = approvals(3, &[5, 6, 7], Some(&self.approvals));
        self.asks(&signed(&role, &[1]), Some(&self.approvals))
    }

    /// A request for one role.
    pub(crate) fn asks(&self, role: &Envelope, previous: Option<&[u8]>) -> SigningRequest {
        let mut request = self.empty(vec![RoleRequest::new(role, previous).unwrap()]);
        request.documents = [5, 6, 7]
            .map(|b| manifest(b).to_bytes().unwrap())
            .map(|b| (sha256_hex(&b), String::from_utf8(b).unwrap()))
            .into();
        request
    }

    pub(crate) fn empty(&self, roles: Vec<RoleRequest>) -> SigningRequest {
        let mut request = SigningRequest::new(
            "00".repeat(16),
            WORKSPACE.into(),
            "Mara".into(),
            "Fixes the sync".into(),
            now(),
            now().plus(86_400),
            roles,
        );
        request.roots = vec![String::from_utf8(self.root.clone()).unwrap()];
        request.targets = Some(String::from_utf8(self.top.clone()).unwrap());
        request
    }
}

/// What a workstation knows that has pinned this root and holds Ines's key.
pub(crate) fn look(
    request: &SigningRequest,
    pinned: &[u8],
    seen: &BTreeMap<String, Seen>,
) -> headgate_core::Result<signing::Review> {
    let committed = Committed::follow(request, pinned)?;
    signing::review(
        request,
        Facts {
            committed: Some(&committed),
            seen,
            own: &ids(&[2]),
            now: now(),
        },
    )
}

pub(crate) fn kinds(review: &signing::Review) -> Vec<&'static str> {
    review.alarms.iter().map(|a| a.kind.text()).collect()
}

pub(crate) fn seen(role: &str, version: u64, signed: &RoleBytes) -> BTreeMap<String, Seen> {
    let signed = signed.as_bytes().to_vec();
    BTreeMap::from([(role.to_owned(), Seen { version, signed })])
}
