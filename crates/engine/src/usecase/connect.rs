//! Connecting a workspace that others made.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::Arc;

use bytes::Bytes;
use headgate_core::{Code, Problem, Result, words};
use headgate_registry::{Expiry, FixedCredentials, HighWater, Loaded, Store, View, layout};
use headgate_tuf::{KeyId, RoleName, UtcTime, metadata::Root, sha256_hex};

use crate::Workspace;
use crate::console::Console;
use crate::credentials::{self, StorageKeys};
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
    /// For a bucket: goes into the vault. Nothing = `AWS_*` variables.
    pub credentials: Option<StorageKeys>,
}

/// One line of the connection test.
#[derive(Debug, Clone)]
pub struct Check {
    /// What was tested.
    pub title: String,
    /// What was found, or why not.
    pub result: Result<Found>,
    /// Milliseconds.
    pub ms: u64,
}

/// What a line of the connection test found.
#[derive(Debug, Clone)]
pub struct Found {
    /// In words.
    pub says: String,
    /// It works, with something that a person must know.
    pub warning: bool,
}

impl Check {
    pub(crate) fn failed(title: &str, problem: Problem) -> Self {
        Self {
            title: title.to_owned(),
            result: Err(problem),
            ms: 0,
        }
    }
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

    /// Tests storage against a root, line by line; stops at the first line without which the next mean nothing.
    pub async fn connect_test(&self, request: &ConnectRequest) -> Vec<Check> {
        let clock = &self.inner.world.clock;
        let from = clock.ticks();
        let store = match self.candidate(request) {
            Ok(store) => store,
            Err(problem) => return vec![Check::failed("Opens", problem)],
        };
        let view = View::read(
            store.as_ref(),
            &request.root,
            &HighWater::default(),
            self.inner.world.now(),
            Expiry::Show,
        )
        .await;
        let result = match &view {
            Ok(v) => Ok(Found {
                says: format!(
                    "Root {}, snapshot {}, {} roles verified",
                    v.root.meta.version,
                    v.snapshot.meta.version,
                    v.channels.len() + 4
                ),
                warning: false,
            }),
            Err(problem) => Err(match problem.code {
                Code::StorageCredentials => problem.clone().field("accessKeyId"),
                _ => problem.clone(),
            }),
        };
        let readable = result.is_ok();
        let mut checks = vec![Check {
            title: "Reads and verifies".into(),
            result,
            ms: clock.ticks() - from,
        }];
        if !readable {
            return checks;
        }
        let public = request.public_url.as_deref();
        match self.probe(store.as_ref(), public).await {
            // What was just verified was read.
            Ok(lines) => checks.extend(lines.into_iter().filter(|c| c.title != "Reads")),
            Err(problem) => checks.push(Check::failed("Writes", problem)),
        }
        if let Some(url) = public {
            let from = clock.ticks();
            let result = self.same_at(url, &view).await;
            checks.push(Check {
                title: "Public URL serves this registry".into(),
                result: result.map(|says| Found {
                    says,
                    warning: false,
                }),
                ms: clock.ticks() - from,
            });
        }
        checks
    }

    /// The storage that is to be connected, with the credentials that were typed.
    fn candidate(&self, request: &ConnectRequest) -> Result<Arc<dyn Store>> {
        let opened = match &request.credentials {
            Some(keys) => {
                let fixed = FixedCredentials::new(keys.keys().map_err(|p| p.field("accessKeyId"))?);
                self.inner
                    .stores
                    .open_with(&request.storage, Arc::new(fixed))
            }
            None => self.inner.stores.open(&request.storage),
        };
        opened.map_err(|problem| problem.field("storage"))
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
        let store = self.candidate(&request)?;
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
            storage: normal(request.storage, store.as_ref()),
            public_url: request.public_url.filter(|u| !u.trim().is_empty()),
            sandbox: false,
            root: request.root,
            vault: request.vault,
            vault_why: None,
        };
        if let Some(keys) = &request.credentials {
            let vault = inner.new_vault(&workspace).await?;
            credentials::keep(&vault, &inner.journal, &workspace.storage, keys).await?;
        }
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

/// A bucket's address in its one normal form; a folder's as it was given.
pub(super) fn normal(given: String, store: &dyn Store) -> String {
    if given.starts_with("s3://") {
        store.address()
    } else {
        given
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
