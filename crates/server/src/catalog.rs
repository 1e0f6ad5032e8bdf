//! What is served now: verified state of all registries, in memory. A check looks up and reads, nothing more.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bytes::Bytes;
use headgate_core::clients::CapgoFiles;
use headgate_core::files::FilesMap;
use headgate_core::rollout::RolloutState;
use headgate_core::settings::ChannelRsa;
use headgate_core::{ChannelState, ClientsDocument, Inventory, ReleaseManifest};
use headgate_registry::{FolderStore, Store};
use headgate_tuf::{Name, UtcTime};

/// Kind of a device-facing id, as the signed settings name it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum IdKind {
    /// Capacitor app id, `com.acme.field`.
    Capacitor,
    /// Appflow app id, 8 hex digits.
    Ionic,
}

impl IdKind {
    /// As in the settings.
    pub fn text(self) -> &'static str {
        match self {
            Self::Capacitor => "capacitor",
            Self::Ionic => "ionic",
        }
    }
}

/// How ids are hashed: with keys that nobody outside knows, so that ids cannot be made to collide.
#[cfg(not(test))]
type Hashes = std::hash::RandomState;
#[cfg(test)]
type Hashes = tests::Counting;

/// All units of all registries by what devices call them. Replaced as a whole, never changed in place.
#[derive(Debug, Default)]
pub struct Catalog {
    units: HashMap<IdKind, HashMap<String, Arc<UnitServing>, Hashes>>,
    objects: HashMap<String, FolderStore>,
}

/// A registry.
#[derive(Debug)]
pub struct RegistryServing {
    /// Workspace identity from the root.
    pub workspace: String,
    /// App identifier.
    pub app: String,
    /// Where devices read objects, without a slash at the end: `https://cdn.acme.example/ota`.
    pub objects: String,
    /// Where this server reads objects, for clients that cannot take them as they are stored.
    pub storage: Storage,
    /// The folder that this server hands objects out of itself; nothing where they are read elsewhere.
    pub folder: Option<FolderStore>,
    /// When what is served was read.
    pub read: UtcTime,
}

/// The storage of a registry.
#[derive(Clone)]
pub struct Storage(pub Arc<dyn Store>);

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "Storage({})", self.0.address())
    }
}

/// A unit.
#[derive(Debug)]
pub struct UnitServing {
    /// Its registry.
    pub registry: Arc<RegistryServing>,
    /// Its name.
    pub unit: Name,
    /// Channels by name and by signed alias, in exact case.
    pub channels: HashMap<String, Arc<ChannelServing>>,
    /// Names of the channels in order; the last one is what devices get that name none.
    pub order: Vec<Name>,
}

/// A channel.
#[derive(Debug, Clone)]
pub struct ChannelServing {
    /// Unit.
    pub unit: Name,
    /// Channel.
    pub channel: Name,
    /// What was signed; nothing before the first release.
    pub state: Option<Arc<ChannelState>>,
    /// What decides: as it was signed, or with the newest rollout halted where the gate stopped it.
    pub decides: Option<Arc<ChannelState>>,
    /// Attempt that it serves, made once: [`headgate_core::RolloutDocument::attempt`].
    pub attempt: Option<String>,
    /// Approved releases by build number.
    pub releases: BTreeMap<u32, Arc<ReleaseServing>>,
    /// Why it offers nothing, whatever the time: `unapproved`, `trust.signature`, …
    pub withheld: Option<String>,
    /// From then on it offers nothing, reason `stale`: the earliest expiry of the metadata that it rests on.
    pub expires: UtcTime,
    /// Version of the rollout role.
    pub rollout: Option<u64>,
    /// The gate stopped this attempt: its newest rollout counts as halted.
    pub stopped: bool,
    /// Devices may move themselves to it.
    pub self_assign: bool,
    /// RSA key that its apps pin.
    pub rsa: Option<ChannelRsa>,
    /// What Headgate's own clients read, made once.
    pub pack: Option<PackBytes>,
}

/// A [`headgate_core::pack::Pack`] as it is sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PackBytes {
    /// JSON.
    pub bytes: Bytes,
    /// Strong entity tag of the bytes, in quotes.
    pub etag: String,
}

/// An approved release.
#[derive(Debug)]
pub struct ReleaseServing {
    /// The manifest.
    pub manifest: ReleaseManifest,
    /// SHA-256 of the manifest.
    pub sha256: String,
    /// Stable id that Ionic's clients know it by.
    pub snapshot: String,
    /// Files of the bundle.
    pub inventory: Arc<Inventory>,
    /// How single files are stored, where they are.
    pub files: Option<Arc<FilesMap>>,
    /// What was made for plugins.
    pub clients: Option<ClientsDocument>,
    /// Signed files for Capgo's updater, where the channel has a key and single files are stored.
    pub capgo_files: Option<Arc<CapgoFiles>>,
    /// `live-update-manifest.json` as the clients document names it by hash.
    pub ionic_manifest: Option<Bytes>,
}

impl Catalog {
    /// Adds a unit under what devices call it. Another workspace cannot take an id that is taken: says so.
    pub fn add(&mut self, kind: IdKind, id: &str, unit: Arc<UnitServing>) -> bool {
        let by_id = self.units.entry(kind).or_default();
        let taken = by_id
            .get(id)
            .is_some_and(|u| u.registry.workspace != unit.registry.workspace);
        if !taken {
            by_id.insert(id.to_owned(), unit);
        }
        !taken
    }

    /// Hands a registry's objects out under a name in this server's own URLs, where they lie in a folder.
    pub fn add_objects(&mut self, name: &str, registry: &RegistryServing) {
        if let Some(folder) = &registry.folder {
            self.objects.insert(name.to_owned(), folder.clone());
        }
    }

    /// The folder of objects under a name in this server's own URLs.
    pub fn objects(&self, name: &str) -> Option<&FolderStore> {
        self.objects.get(name)
    }

    /// The unit that devices call so.
    pub fn unit(&self, kind: IdKind, id: &str) -> Option<&Arc<UnitServing>> {
        self.units.get(&kind)?.get(id)
    }

    /// The unit that devices call so, whatever kind of id it is.
    pub fn any_unit(&self, id: &str) -> Option<&Arc<UnitServing>> {
        let capacitor = self.unit(IdKind::Capacitor, id);
        capacitor.or_else(|| self.unit(IdKind::Ionic, id))
    }

    /// Every unit once a name.
    pub fn units(&self) -> impl Iterator<Item = &Arc<UnitServing>> {
        self.units.values().flat_map(HashMap::values)
    }
}

impl UnitServing {
    /// A channel as a device names it; without a name the last one.
    pub fn channel(&self, name: &str) -> Option<&Arc<ChannelServing>> {
        if name.is_empty() {
            return self
                .order
                .last()
                .and_then(|n| self.channels.get(n.as_str()));
        }
        self.channels.get(name)
    }
}

impl ChannelServing {
    /// Why it offers nothing to anyone now.
    pub fn withheld(&self, now: UtcTime) -> Option<&str> {
        self.withheld
            .as_deref()
            .or_else(|| (self.expires <= now).then_some("stale"))
    }

    /// The same with or without its newest rollout stopped by the gate.
    #[must_use]
    pub fn with_gate(&self, stopped: bool) -> Self {
        let halt = |state: &Arc<ChannelState>| {
            let mut halted = ChannelState::clone(state);
            for entry in halted.rollout.entries.iter_mut().take(1) {
                entry.state = RolloutState::Halted;
            }
            Arc::new(halted)
        };
        Self {
            decides: if stopped {
                self.state.as_ref().map(halt)
            } else {
                self.state.clone()
            },
            stopped,
            ..self.clone()
        }
    }

    /// The same, offering nothing to anyone.
    #[must_use]
    pub fn withholding(&self, why: &str) -> Self {
        Self {
            withheld: Some(why.to_owned()),
            ..self.clone()
        }
    }

    /// A release by the id that Ionic's clients know it by.
    pub fn by_snapshot(&self, snapshot: &str) -> Option<&Arc<ReleaseServing>> {
        self.releases.values().find(|r| r.snapshot == snapshot)
    }
}

/// The stable id of a release: a UUID of version 8 (RFC 9562 §5.8) made of the first bits of its manifest's SHA-256.
pub fn snapshot_id(manifest_sha256: &str) -> String {
    let hex = manifest_sha256.get(..32).unwrap_or_default();
    let mut bytes = hex::decode(hex).unwrap_or_default();
    bytes.resize(16, 0);
    bytes[6] = bytes[6] & 0x0f | 0x80;
    bytes[8] = bytes[8] & 0x3f | 0x80;
    let text = hex::encode(bytes);
    [
        &text[..8],
        &text[8..12],
        &text[12..16],
        &text[16..20],
        &text[20..],
    ]
    .join("-")
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;
    use std::hash::{BuildHasher, RandomState};

    use super::*;
    use headgate_registry::HttpStore;

    thread_local! {
        static HASHED: Cell<u32> = const { Cell::new(0) };
    }

    /// Counts the hashes of ids on this thread.
    #[derive(Debug, Clone, Default)]
    pub(super) struct Counting(RandomState);

    impl BuildHasher for Counting {
        type Hasher = <RandomState as BuildHasher>::Hasher;

        fn build_hasher(&self) -> Self::Hasher {
            HASHED.set(HASHED.get() + 1);
            self.0.build_hasher()
        }
    }

    fn unit(number: u32) -> Arc<UnitServing> {
        let store = HttpStore::new("https://objects.test/").unwrap();
        let registry = RegistryServing {
            workspace: format!("app{number}#0"),
            app: format!("app{number}"),
            objects: "https://objects.test".into(),
            storage: Storage(Arc::new(store)),
            folder: None,
            read: UtcTime::from_unix(0),
        };
        Arc::new(UnitServing {
            registry: Arc::new(registry),
            unit: Name::new("main").unwrap(),
            channels: HashMap::new(),
            order: Vec::new(),
        })
    }

    #[test]
    fn finding_a_unit_costs_one_hash_among_one_registry_and_among_a_thousand() {
        for registries in [1, 1000] {
            let mut catalog = Catalog::default();
            for number in 0..registries {
                let id = format!("app{number}");
                assert!(catalog.add(IdKind::Capacitor, &id, unit(number)));
            }
            for number in 0..registries {
                let id = format!("app{number}");
                HASHED.set(0);
                let found = catalog.unit(IdKind::Capacitor, &id).unwrap();
                assert_eq!(found.registry.app, id);
                // A look through all of them would hash nothing, or everything.
                assert_eq!(HASHED.get(), 1);
            }
        }
    }

    #[test]
    fn an_id_stays_with_the_workspace_that_had_it_first() {
        let mut catalog = Catalog::default();
        assert!(catalog.add(IdKind::Ionic, "0a1b2c3d", unit(1)));
        assert!(!catalog.add(IdKind::Ionic, "0a1b2c3d", unit(2)));
        assert!(catalog.add(IdKind::Capacitor, "0a1b2c3d", unit(2)));
        let found = catalog.unit(IdKind::Ionic, "0a1b2c3d").unwrap();
        assert_eq!(found.registry.app, "app1");
    }

    #[test]
    fn snapshot_ids_are_uuids_of_version_8() {
        let id = snapshot_id(&"f".repeat(64));
        assert_eq!(id, "ffffffff-ffff-8fff-bfff-ffffffffffff");
        assert_eq!(snapshot_id("").len(), 36);
    }
}
