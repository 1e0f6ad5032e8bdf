//! Reading the log: from storage, or what is known of it, to entries and a verdict.

use std::collections::{BTreeMap, HashMap};

use headgate_core::{Code, Kind, Problem, Result};
use headgate_registry::{Loaded, Store, layout};
use headgate_tuf::{Envelope, MAX_METADATA, RoleName, metadata::Timestamp, sha256_hex};

use super::roots::{Roots, roots};
use super::source::Source;
use super::verify::Verifier;
use super::walk::walk;
use super::{AuditLog, EntryState, Fault, LogRead, LogVerdict};
use crate::Workspace;
use crate::console::Console;
use crate::db::LogFileRow;

/// The newest versions that were seen before, where the current state is not believed.
#[derive(Clone, Copy, Default)]
struct Seen {
    entry: u64,
    root: u64,
}

/// What comes of one reading.
struct Read {
    log: AuditLog,
    files: Vec<LogFileRow>,
}

impl Console {
    /// Reads and verifies the log. What is wrong with it is its verdict, not an error. Unless every file is to be read
    /// anew, a storage that is not reached leaves what is known of the log, with the reason.
    ///
    /// # Errors
    /// `storage.*` when nothing is known of the log; `trust.other_workspace`; `local.cache`.
    pub async fn audit(&self, workspace: &str, how: LogRead) -> Result<AuditLog> {
        let workspace = self.workspace(workspace).await?;
        let root = sha256_hex(&workspace.root);
        let cache = &self.inner.cache;
        let known = match how {
            LogRead::Anew => HashMap::new(),
            LogRead::New | LogRead::Cached => cache.log_files(&root).await?,
        };
        let mut offline = None;
        if how != LogRead::Cached {
            let asked = Box::pin(self.ask(&workspace, known.clone(), how)).await;
            match asked {
                Ok(mut read) => {
                    let now = self.inner.world.now();
                    let anew = how == LogRead::Anew;
                    cache.put_log_files(&root, &read.files, now, anew).await?;
                    let reading = cache.log_reading(&root).await?;
                    read.log.read_at = reading.read_at;
                    read.log.proven_at = reading.proven_at;
                    return Ok(read.log);
                }
                Err(problem) if how == LogRead::New && problem.code.kind() == Kind::Storage => {
                    offline = Some(problem);
                }
                Err(problem) => return Err(problem),
            }
        }
        let Some(timestamp) = known.get(layout::TIMESTAMP).map(|f| f.body.clone()) else {
            let never = || Problem::new(Code::StorageMissing, "The log was never read here.");
            return Err(offline.unwrap_or_else(never));
        };
        let timestamp = Loaded::parse("timestamp.json", timestamp);
        let source = Source::open(None, known, LogRead::Cached).await?;
        let mut read = Box::pin(read(&workspace, source, timestamp, None, Seen::default())).await?;
        let reading = cache.log_reading(&root).await?;
        read.log.read_at = reading.read_at;
        read.log.proven_at = reading.proven_at;
        read.log.offline = offline;
        Ok(read.log)
    }

    async fn ask(
        &self,
        workspace: &Workspace,
        mut known: HashMap<String, LogFileRow>,
        how: LogRead,
    ) -> Result<Read> {
        let store = self.inner.store(workspace)?;
        let store: &dyn Store = store.as_ref();
        let marks = self.inner.journal.marks(&workspace.id).await?;
        let of = |role: &str| marks.versions.get(role).copied().unwrap_or(0);
        let seen = Seen {
            entry: of("snapshot"),
            root: of("root"),
        };
        // As before every publish: nothing older than what was seen, and the whole current state as signed.
        let current = match self.inner.read(workspace, store).await {
            Ok(_) => None,
            Err(problem)
                if problem.code.kind() == Kind::Trust
                    && !matches!(problem.code, Code::TrustWorkspace | Code::TrustRoot) =>
            {
                Some(problem)
            }
            Err(problem) => return Err(problem),
        };
        // A recovery from a version that was pushed far ahead forgets what was seen, and that reading knows of it.
        let seen = if current.is_some() {
            seen
        } else {
            Seen::default()
        };
        let object = store.get(layout::TIMESTAMP, MAX_METADATA as u64).await?;
        let object = object.ok_or_else(|| {
            let what = format!("{} holds no timestamp.json.", store.address());
            Problem::new(Code::StorageMissing, what)
        })?;
        let timestamp = Loaded::parse("timestamp.json", object.bytes.clone());
        known.remove(layout::TIMESTAMP);
        let source = Source::open(Some(store), known, how).await?;
        let mut read = read(workspace, source, timestamp, current, seen).await?;
        read.files.push(LogFileRow {
            name: layout::TIMESTAMP.into(),
            body: object.bytes,
            good: true,
        });
        Ok(read)
    }
}

/// Reads and verifies from a timestamp on. `current` is what is wrong with the current state, as every reader of it
/// finds it.
async fn read(
    workspace: &Workspace,
    mut source: Source<'_>,
    timestamp: Result<Loaded<Timestamp>>,
    current: Option<Problem>,
    seen: Seen,
) -> Result<Read> {
    let roots = roots(&mut source, &workspace.root).await?;
    let listed = source.versions(&RoleName::Snapshot, seen.entry.max(1));
    let newest = listed.last().copied().unwrap_or(1);
    let (head, mut faults) = match timestamp.and_then(|t| commit(&roots, &t).map(|()| t)) {
        Ok(timestamp) => (timestamp.meta.snapshot(), Vec::new()),
        Err(problem) => {
            let fault = Fault::new(&RoleName::Timestamp, newest, &problem.message);
            (newest, vec![(newest, fault)])
        }
    };
    let known = roots.list.last().map_or(0, |r| r.meta.version);
    let walked = walk(&mut source, head).await?;
    faults.extend(walked.faults);
    let mut verifier = Verifier::new(&mut source, roots, &walked.links);
    verifier.run(&walked.links).await?;
    faults.append(&mut verifier.faults);
    let mut missing = std::mem::take(&mut verifier.unknown);
    if missing.is_empty() && known < seen.root {
        let why = "storage does not have it, although it was seen before";
        missing.push(Fault::new(&RoleName::Root, seen.root, why));
    }
    // The first entry that cannot be verified without the root that is not there, or not as it was.
    let needs = faults.iter().map(|(entry, _)| *entry).min().unwrap_or(head);
    faults.splice(0..0, missing.into_iter().map(|fault| (needs, fault)));
    let mut entries = verifier.entries;
    if head < seen.entry {
        let why = format!(
            "storage ends at entry {head}, but entry {} was seen before",
            seen.entry
        );
        faults.push((head + 1, Fault::new(&RoleName::Snapshot, head + 1, &why)));
    } else if let (Some(problem), true) = (&current, faults.is_empty()) {
        let fault = Fault::new(&RoleName::Timestamp, head, &problem.message);
        faults.push((head, fault));
    }
    // The first fault of an entry is the one that was found first; the first bad entry is the oldest.
    let mut bad: BTreeMap<u64, Fault> = BTreeMap::new();
    for (entry, fault) in faults {
        bad.entry(entry).or_insert(fault);
    }
    for entry in &mut entries {
        if let Some(fault) = bad.get(&entry.number) {
            entry.state = EntryState::Bad(fault.clone());
        }
    }
    let head = entries.last().map(|e| e.hash.clone()).unwrap_or_default();
    let verdict = match bad.into_iter().next() {
        Some((entry, fault)) => LogVerdict::Broken { entry, fault },
        None => LogVerdict::Verified {
            entries: entries.len(),
            head,
        },
    };
    let log = AuditLog {
        app: workspace.app.clone(),
        entries,
        verdict,
        read_at: None,
        proven_at: None,
        cached: source.cached,
        offline: None,
    };
    Ok(Read {
        log,
        files: source.into_read(),
    })
}

/// The commit point is signed by the newest root's freshness keys.
fn commit(roots: &Roots, timestamp: &Loaded<Timestamp>) -> Result<()> {
    let root = roots
        .list
        .last()
        .ok_or_else(|| Problem::new(Code::TrustRoot, "There is no root."))?;
    let keys = root.meta.role(&RoleName::Timestamp)?;
    let envelope = Envelope::parse(&timestamp.file)?;
    Ok(envelope.verify("timestamp", keys, &root.meta.keys)?)
}
