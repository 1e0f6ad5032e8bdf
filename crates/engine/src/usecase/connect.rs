//! Connecting a workspace that others made.

use std::collections::BTreeSet;
use std::path::Path;

use bytes::Bytes;
use headgate_core::{Code, Problem, Result, words};
use headgate_registry::{Expiry, HighWater, Loaded, View, layout};
use headgate_tuf::{KeyId, RoleName, UtcTime, metadata::Root, sha256_hex};

use crate::Workspace;
use crate::console::Console;
use crate::keys::VaultChoice;
use crate::publish::made;

/// A root of trust, before it is believed.
#[derive(Debug, Clone)]
pub struct RootInfo {
    /// Its exact bytes.
    pub bytes: Vec<u8>,
    /// App identifier.
    pub app: String,
    /// Name of the app.
    pub name: String,
    /// Owners' keys by name.
    pub owners: Vec<String>,
    /// Signatures needed to change it.
    pub threshold: u32,
    /// When it was made.
    pub made: UtcTime,
    /// SHA-256 of the file, hex.
    pub fingerprint: String,
    /// Its first 132 bits as 12 words of the BIP-39 English list.
    pub words: Vec<&'static str>,
}

impl RootInfo {
    /// As [`Console::root_info`], without a home folder.
    ///
    /// # Errors
    /// `trust.root` when it is no root of Headgate.
    pub fn read(path: &Path) -> Result<Self> {
        let bad = |why: String| {
            Problem::new(Code::TrustRoot, format!("{}: {why}", path.display())).field("root")
        };
        let size = std::fs::metadata(path)
            .map_err(|e| bad(format!("{e}.")))?
            .len();
        if size > MAX_ROOT {
            return Err(bad(format!("{size} bytes are too many for a root.")));
        }
        let bytes = std::fs::read(path).map_err(|e| bad(format!("{e}.")))?;
        read_root(bytes).map_err(|p| bad(p.message))
    }

    /// What a root that is pinned already says.
    ///
    /// # Errors
    /// `trust.root` when it is no root of Headgate.
    pub fn of(bytes: &[u8]) -> Result<Self> {
        read_root(bytes.to_vec())
    }
}

/// What a connection needs.
#[derive(Debug, Clone)]
pub struct ConnectRequest {
    /// Name on this computer.
    pub name: String,
    /// Storage address.
    pub storage: String,
    /// Where devices read.
    pub public_url: Option<String>,
    /// The root's exact bytes.
    pub root: Vec<u8>,
    /// Where keys will be kept.
    pub vault: VaultChoice,
}

/// One line of the connection test.
#[derive(Debug, Clone)]
pub struct Check {
    /// What was tested.
    pub title: &'static str,
    /// What was found, or why not.
    pub result: Result<String>,
    /// Milliseconds.
    pub ms: u64,
}

/// Largest root file that is read.
const MAX_ROOT: u64 = 512_000;

impl Console {
    /// Reads `1.root.json` and what it says. Believes nothing yet.
    ///
    /// # Errors
    /// `trust.root` when it is no root of Headgate.
    pub fn root_info(&self, path: &Path) -> Result<RootInfo> {
        RootInfo::read(path)
    }

    /// Tests storage against a root, line by line; stops at the first line that fails.
    pub async fn connect_test(&self, request: &ConnectRequest) -> Vec<Check> {
        let mut checks = Vec::new();
        let clock = &self.inner.world.clock;
        let mut from = clock.ticks();
        let mut push = |checks: &mut Vec<Check>, title, result: Result<String>| {
            let now = clock.ticks();
            let ok = result.is_ok();
            checks.push(Check {
                title,
                result,
                ms: now - from,
            });
            from = now;
            ok
        };
        let store = match self.inner.stores.open(&request.storage) {
            Ok(store) => store,
            Err(problem) => {
                push(&mut checks, "Reads", Err(problem.field("storage")));
                return checks;
            }
        };
        let view = View::read(
            store.as_ref(),
            &request.root,
            &HighWater::default(),
            self.inner.world.now(),
            Expiry::Show,
        )
        .await;
        let read = match &view {
            Ok(v) => Ok(format!(
                "Root {}, snapshot {}, {} roles verified",
                v.root.meta.version,
                v.snapshot.meta.version,
                v.channels.len() + 4
            )),
            Err(p) => Err(p.clone()),
        };
        if !push(&mut checks, "Reads and verifies", read) {
            return checks;
        }
        let writes = self.can_write(store.as_ref()).await;
        push(&mut checks, "Writes", writes);
        if let Some(url) = &request.public_url {
            let same = self.same_at(url, &view).await;
            push(&mut checks, "Public URL serves the same bytes", same);
        }
        checks
    }

    /// Writes twice under a name that nobody reads; the second write must be refused.
    async fn can_write(&self, store: &dyn headgate_registry::Store) -> Result<String> {
        use headgate_registry::{Body, Created, silent};
        let key = format!("probe/{}", self.inner.world.id(8)?);
        let body = || {
            Body::Bytes(Bytes::from_static(
                b"Headgate writes this once to see that a second write is refused.\n",
            ))
        };
        store.create(&key, body(), silent()).await?;
        let second = store.create(&key, body(), silent()).await;
        store.discard_probe(&key).await?;
        match second? {
            Created::Exists => Ok("The second of two writers was refused, as it must be".into()),
            Created::Created => Err(Problem::new(
                Code::StorageIo,
                "The storage overwrites objects that must not be overwritten.",
            )),
        }
    }

    async fn same_at(&self, url: &str, view: &Result<View>) -> Result<String> {
        let store = self
            .inner
            .stores
            .open_public(url)
            .map_err(|p| p.field("publicUrl"))?;
        let object = store
            .get(layout::TIMESTAMP, headgate_tuf::MAX_METADATA as u64)
            .await
            .map_err(|p| p.field("publicUrl"))?;
        let ours = view
            .as_ref()
            .map(|v| v.timestamp.sha256.clone())
            .unwrap_or_default();
        match object {
            Some(o) if sha256_hex(&o.bytes) == ours => Ok("timestamp.json equals storage".into()),
            Some(_) => Err(Problem::new(
                Code::TrustHash,
                format!("{url} serves another timestamp.json than storage holds."),
            )
            .field("publicUrl")),
            None => Err(Problem::new(
                Code::StorageMissing,
                format!("{url} does not serve timestamp.json."),
            )
            .field("publicUrl")),
        }
    }

    /// Keys are made per workspace: a root key of another one would let its owners sign for this one.
    async fn unshared(&self, root: &[u8]) -> Result<()> {
        let owners = |bytes: &[u8]| -> Result<(String, BTreeSet<KeyId>)> {
            let root: Loaded<Root> = Loaded::parse("1.root.json", Bytes::copy_from_slice(bytes))?;
            let keys = root.meta.role(&RoleName::Root)?.keyids.clone();
            Ok((root.meta.x.header.workspace, keys))
        };
        let (identity, keys) = owners(root)?;
        for other in self.workspaces().await? {
            let (theirs, known) = owners(&other.root)?;
            if theirs != identity && !known.is_disjoint(&keys) {
                let what = format!("This root shares a key with the workspace {}.", other.app);
                return Err(Problem::new(Code::TrustRoot, what)
                    .remedy("Have the owners make this workspace with keys of its own."));
            }
        }
        Ok(())
    }

    /// Pins the root and adds the workspace. The caller has compared the fingerprint.
    ///
    /// # Errors
    /// `trust.*` when storage is not signed by this root; `usage.exists`.
    pub async fn connect(&self, request: ConnectRequest) -> Result<Workspace> {
        let info = read_root(request.root.clone())?;
        let inner = &self.inner;
        if self
            .workspaces()
            .await?
            .iter()
            .any(|w| w.app == info.app && !w.sandbox)
        {
            return Err(Problem::new(
                Code::UsageExists,
                format!("This computer has a workspace of {} already.", info.app),
            ));
        }
        self.unshared(&request.root).await?;
        let store = inner.stores.open(&request.storage)?;
        let view = View::read(
            store.as_ref(),
            &request.root,
            &HighWater::default(),
            inner.world.now(),
            Expiry::Show,
        )
        .await?;
        let workspace = Workspace {
            id: format!("{}-{}", info.app, inner.world.id(3)?),
            app: info.app,
            name: if request.name.trim().is_empty() {
                info.name
            } else {
                request.name
            },
            storage: request.storage,
            public_url: request.public_url.filter(|u| !u.trim().is_empty()),
            sandbox: false,
            root: request.root,
            vault: request.vault,
            vault_why: None,
        };
        inner
            .journal
            .add_workspace(&workspace, inner.world.now(), true)
            .await?;
        inner
            .journal
            .set_marks(&workspace.id, &view.marks())
            .await?;
        self.sync_quietly(&workspace).await;
        Ok(workspace)
    }
}

/// What a root says, after checking that it is signed by its own owners.
fn read_root(bytes: Vec<u8>) -> Result<RootInfo> {
    let bad = |why: String| Problem::new(Code::TrustRoot, why);
    let root: Loaded<Root> =
        Loaded::parse("1.root.json", Bytes::copy_from_slice(&bytes)).map_err(|p| bad(p.message))?;
    let envelope = headgate_tuf::Envelope::parse(&bytes).map_err(|e| bad(e.to_string()))?;
    let owners = root.meta.role(&RoleName::Root)?;
    envelope
        .verify("root", owners, &root.meta.keys)
        .map_err(|e| bad(e.to_string()))?;
    let name = |id: &headgate_tuf::KeyId| {
        let known = root.meta.x.keys.get(id);
        known.map_or_else(
            || id.as_str()[..8].to_owned(),
            |k| format!("{}, {}", k.name, k.holder),
        )
    };
    let fingerprint = sha256_hex(&bytes);
    Ok(RootInfo {
        app: root.meta.x.app.clone(),
        name: root.meta.x.name.clone(),
        owners: owners.keyids.iter().map(name).collect(),
        threshold: owners.threshold,
        made: made(&root.meta),
        words: words::words(&fingerprint)?.to_vec(),
        fingerprint,
        bytes,
    })
}
