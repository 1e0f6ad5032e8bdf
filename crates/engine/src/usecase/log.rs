//! The audit log is the registry itself: snapshots, newest first, each naming the one before by hash.

use bytes::Bytes;
use headgate_core::{Code, Problem, Result, settings::TopTargets};
use headgate_registry::{ChannelTargets, Loaded, Store, layout};
use headgate_tuf::{
    Envelope, KeyId, MAX_METADATA, Metadata, RoleName, UtcTime,
    metadata::{Header, Root, Snapshot},
    sha256_hex,
};

use super::sync::previous;
use crate::console::Console;

/// One committed snapshot.
#[derive(Debug, Clone)]
pub struct LogEntry {
    /// Number: version of the snapshot.
    pub number: u64,
    /// SHA-256 of its file.
    pub hash: String,
    /// What it did.
    pub action: String,
    /// When.
    pub at: UtcTime,
    /// Who.
    pub by: String,
    /// Why.
    pub reason: String,
    /// Names of the keys that signed the snapshot.
    pub signed_by: Vec<String>,
    /// Roles that changed.
    pub roles: Vec<LogRole>,
}

/// A role that an entry changed.
#[derive(Debug, Clone)]
pub struct LogRole {
    /// Role name.
    pub role: String,
    /// Its new version.
    pub version: u64,
    /// What it did, in its own signed words.
    pub action: String,
    /// Who.
    pub by: String,
    /// Names of the keys that signed it.
    pub signed_by: Vec<String>,
}

impl Console {
    /// Reads the log back, newest first, and verifies chain and signatures.
    ///
    /// # Errors
    /// `trust.log_broken` naming the first bad entry; `storage.*`, `trust.*`.
    pub async fn log(&self, workspace: &str, limit: usize) -> Result<Vec<LogEntry>> {
        let workspace = self.workspace(workspace).await?;
        let (store, view) = self.fresh(&workspace).await?;
        let reader = Reader {
            store: store.as_ref(),
            roots: view.roots,
        };
        let mut entries = Vec::new();
        let mut at = view.snapshot;
        loop {
            if entries.len() >= limit {
                return Ok(entries);
            }
            let before = before(reader.store, &at).await?;
            entries.push(reader.entry(&at, before.as_ref()).await?);
            match before {
                Some(older) => at = older,
                None => return Ok(entries),
            }
        }
    }
}

/// The committed snapshot before this one: the file whose hash `prev` names.
pub(super) async fn before(
    store: &dyn Store,
    at: &Loaded<Snapshot>,
) -> Result<Option<Loaded<Snapshot>>> {
    let Some(prev) = &at.meta.x.prev else {
        return Ok(None);
    };
    for version in (1..at.meta.version).rev() {
        let Some(object) = store
            .get(
                &layout::metadata(&RoleName::Snapshot, version),
                MAX_METADATA as u64,
            )
            .await?
        else {
            continue;
        };
        if sha256_hex(&object.bytes) == *prev {
            return Loaded::parse("snapshot", object.bytes).map(Some);
        }
    }
    let what = format!(
        "Entry {} names an entry before it ({}…) that storage does not have.",
        at.meta.version,
        prev.get(..8).unwrap_or(prev)
    );
    Err(Problem::new(Code::TrustLog, what))
}

struct Reader<'a> {
    store: &'a dyn Store,
    roots: Vec<Loaded<Root>>,
}

impl Reader<'_> {
    async fn entry(
        &self,
        at: &Loaded<Snapshot>,
        before: Option<&Loaded<Snapshot>>,
    ) -> Result<LogEntry> {
        let signed_by = self.top_level("snapshot", &at.file)?;
        let targets = self.targets(&at.meta).await?;
        let mut roles = Vec::new();
        for (file, meta) in &at.meta.meta {
            let role = RoleName::parse(file.trim_end_matches(".json"))?;
            let was = before.and_then(|b| b.meta.version_of(&role));
            if was == Some(meta.version) {
                continue;
            }
            roles.push(self.role(&role, meta.version, &targets).await?);
        }
        let x = &at.meta.x;
        Ok(LogEntry {
            number: at.meta.version,
            hash: at.sha256.clone(),
            action: x.action.clone(),
            at: x.at,
            by: x.by.clone(),
            reason: x.reason.clone(),
            signed_by,
            roles,
        })
    }

    async fn targets(&self, snapshot: &Snapshot) -> Result<Loaded<TopTargets>> {
        let version = snapshot.version_of(&RoleName::Targets).unwrap_or(0);
        let loaded: Loaded<TopTargets> = self.file(&RoleName::Targets, version).await?;
        self.top_level("targets", &loaded.file)?;
        Ok(loaded)
    }

    async fn role(
        &self,
        role: &RoleName,
        version: u64,
        targets: &Loaded<TopTargets>,
    ) -> Result<LogRole> {
        let (x, signed_by): (Header, Vec<String>) = if *role == RoleName::Targets {
            (
                headgate_tuf::metadata::HasHeader::common(&targets.meta.x).clone(),
                self.top_level("targets", &targets.file)?,
            )
        } else {
            let loaded: Loaded<ChannelTargets> = self.file(role, version).await?;
            let delegation = targets.meta.delegation(role);
            let (Some(delegation), Some(all)) = (delegation, &targets.meta.delegations) else {
                return Err(broken(role, version, "no delegation for it"));
            };
            let envelope = Envelope::parse(&loaded.file)?;
            let set = delegation.role_keys();
            envelope
                .verify(&role.to_string(), &set, &all.keys)
                .map_err(|e| broken(role, version, &e.to_string()))?;
            // The chain of the role itself must hold too.
            previous(self.store, role, &loaded).await?;
            let signers = envelope.valid_signers(&set, &all.keys);
            (
                loaded.meta.x.clone(),
                signers.iter().map(|id| self.name(id)).collect(),
            )
        };
        Ok(LogRole {
            role: role.to_string(),
            version,
            action: x.action,
            by: x.by,
            signed_by,
        })
    }

    async fn file<M: Metadata>(&self, role: &RoleName, version: u64) -> Result<Loaded<M>> {
        let object = self
            .store
            .get(&layout::metadata(role, version), MAX_METADATA as u64)
            .await?;
        let object = object.ok_or_else(|| broken(role, version, "storage does not have it"))?;
        Loaded::parse(&role.file(version), object.bytes)
    }

    /// Verifies a top-level file with any root of the chain that accepts it; gives the signers' names.
    fn top_level(&self, role: &str, file: &Bytes) -> Result<Vec<String>> {
        let envelope = Envelope::parse(file)?;
        for root in self.roots.iter().rev() {
            let Some(set) = root.meta.roles.get(role) else {
                continue;
            };
            if envelope.verify(role, set, &root.meta.keys).is_ok() {
                return Ok(envelope
                    .valid_signers(set, &root.meta.keys)
                    .iter()
                    .map(|id| self.name(id))
                    .collect());
            }
        }
        Err(Problem::new(
            Code::TrustLog,
            format!("A {role} file of the log is signed by no root of this workspace."),
        ))
    }

    fn name(&self, id: &KeyId) -> String {
        let known = self.roots.iter().rev().find_map(|r| r.meta.x.keys.get(id));
        known.map_or_else(|| id.as_str()[..8].to_owned(), |k| k.name.clone())
    }
}

fn broken(role: &RoleName, version: u64, why: &str) -> Problem {
    Problem::new(
        Code::TrustLog,
        format!("{role} version {version} is not as its entry says: {why}."),
    )
}
