//! A web build is picked, packed and inspected. Nothing is signed or uploaded.

use std::path::{Path, PathBuf};
use std::sync::{Arc, atomic::AtomicBool};

use headgate_bundle::{self as bundle, InspectContext, Limits, PackOptions, Packed, WebBuild};
use headgate_core::{Code, Problem, Result, compare};
use headgate_registry::documents;
use headgate_tuf::{Name, UtcTime};

use super::publish::name;
use crate::console::{Console, Inner, lock};
use crate::db::{JobKind, Phase};
use crate::publish::hash_file;
use crate::Workspace;

/// A web build that a person picked.
#[derive(Debug, Clone)]
pub struct PickInfo {
    /// Opaque handle.
    pub handle: String,
    /// Name of the folder or file.
    pub name: String,
    /// `folder`, `zip` or `other`.
    pub kind: &'static str,
    /// It can be a web build.
    pub ok: bool,
    /// In words.
    pub says: String,
}

/// How it is packed.
#[derive(Debug, Clone, Copy, Default)]
pub struct InspectOptions {
    /// Leave source maps out.
    pub exclude_source_maps: bool,
}

/// Difference to a channel's current release.
#[derive(Debug, Clone)]
pub struct ChannelChanges {
    /// Channel.
    pub channel: String,
    /// Version and build it was compared with; nothing = the channel is empty.
    pub against: Option<(String, u32)>,
    /// Files added.
    pub added: usize,
    /// Files removed.
    pub removed: usize,
    /// Files changed.
    pub changed: usize,
}

/// What inspection found.
#[derive(Debug, Clone)]
pub struct InspectionReport {
    /// Handle of the web build.
    pub handle: String,
    /// Name of the folder or file.
    pub name: String,
    /// `folder` or `zip`.
    pub kind: &'static str,
    /// When it was picked.
    pub picked: UtcTime,
    /// Milliseconds.
    pub took_ms: u64,
    /// The packed bundle.
    pub packed: Arc<Packed>,
    /// Where it lies until it is in storage.
    pub path: PathBuf,
    /// Where its inventory lies.
    pub inventory_path: PathBuf,
    /// Findings, the gravest first.
    pub findings: Vec<bundle::Finding>,
    /// Checks that found nothing.
    pub passed: u32,
    /// Biggest files.
    pub biggest: Vec<(String, u64)>,
    /// Source maps and their bytes.
    pub source_maps: (u32, u64),
    /// They were left out.
    pub source_maps_excluded: bool,
    /// Against each channel.
    pub changes: Vec<ChannelChanges>,
    /// Bytes that an upload would send.
    pub to_upload: u64,
    /// Version to suggest.
    pub version: String,
    /// Build number to suggest.
    pub build: u32,
    /// The checkout that the web build lies in.
    pub git: Option<bundle::GitSource>,
}

/// A picked web build in this process.
pub(crate) struct Inspected {
    path: PathBuf,
    picked: UtcTime,
    pub(crate) report: Option<Arc<InspectionReport>>,
}

impl Console {
    /// Takes a path that a person picked or dropped and gives it a handle.
    ///
    /// # Errors
    /// `internal` without random numbers.
    pub fn pick(&self, path: &Path) -> Result<PickInfo> {
        let look = bundle::quick_look(path);
        let handle = self.inner.world.id(8)?;
        let picked = Inspected { path: path.to_owned(), picked: self.inner.world.now(), report: None };
        lock(&self.inner.inspected).insert(handle.clone(), picked);
        let kind = match look.kind {
            bundle::LookKind::Folder => "folder",
            bundle::LookKind::Zip => "zip",
            bundle::LookKind::Other => "other",
        };
        let name = path.file_name().unwrap_or(path.as_os_str()).to_string_lossy().into_owned();
        Ok(PickInfo { handle, name, kind, ok: look.ok, says: look.says })
    }

    /// Packs and inspects as a job.
    ///
    /// # Errors
    /// `usage.unknown` for a handle that is not known.
    pub async fn inspect(&self, workspace: &str, unit: &str, handle: &str, options: InspectOptions) -> Result<String> {
        let workspace = self.workspace(workspace).await?;
        self.start_inspection(Some(workspace), unit, handle, options)
    }

    /// As [`Self::inspect`] on a computer without a workspace: nothing to compare with, and all of it to upload.
    ///
    /// # Errors
    /// `usage.unknown` for a handle that is not known.
    pub fn inspect_alone(&self, unit: &str, handle: &str, options: InspectOptions) -> Result<String> {
        self.start_inspection(None, unit, handle, options)
    }

    fn start_inspection(&self, workspace: Option<Workspace>, unit: &str, handle: &str, options: InspectOptions) -> Result<String> {
        let unit = name("unit", unit)?;
        let (path, picked) = {
            let known = lock(&self.inner.inspected);
            let entry = known.get(handle).ok_or_else(|| unknown(handle))?;
            (entry.path.clone(), entry.picked)
        };
        let title = format!("Inspect {}", path.file_name().unwrap_or(path.as_os_str()).to_string_lossy());
        let mut job = self.inner.new_job(JobKind::Inspect, workspace.as_ref().map_or("", |w| &w.id), unit.as_str(), None, title, None)?;
        job.handle = Some(handle.to_owned());
        let (id, handle) = (job.id.clone(), handle.to_owned());
        let cancel = self.inner.adopt(job)?.ok_or_else(|| Problem::new(Code::Internal, "A new job has a lock already."))?;
        let (inner, job_id) = (Arc::clone(&self.inner), id.clone());
        tokio::spawn(async move {
            let task = Task { inner: &inner, workspace: workspace.as_ref(), unit: &unit, job: &job_id, cancel };
            let result = task.run(&handle, path, picked, options).await;
            let ended = result.map(|report| {
                if let Some(entry) = lock(&inner.inspected).get_mut(&handle) {
                    entry.report = Some(Arc::new(report));
                }
                None
            });
            inner.end(&job_id, ended).await;
        });
        Ok(id)
    }

    /// A finished inspection.
    ///
    /// # Errors
    /// `usage.unknown` when there is none.
    pub fn inspection(&self, handle: &str) -> Result<Arc<InspectionReport>> {
        let known = lock(&self.inner.inspected);
        known.get(handle).and_then(|e| e.report.clone()).ok_or_else(|| unknown(handle))
    }

    /// Packs a web build to a file, for `headgate pack`. Nothing is recorded.
    ///
    /// # Errors
    /// `build.*`, `zip.*`, `local.disk`.
    pub async fn pack_to(&self, from: &Path, to: &Path, options: InspectOptions) -> Result<Packed> {
        let (from, to) = (from.to_owned(), to.to_owned());
        let forbidden = self.inner.forbidden();
        let pack = move || {
            let build = WebBuild::open(&from, &Limits::default(), &forbidden)?;
            let options = PackOptions { exclude_source_maps: options.exclude_source_maps, ..PackOptions::default() };
            bundle::pack(&build, &to, &options, &|_, _| {}, &AtomicBool::new(false))
        };
        tokio::task::spawn_blocking(pack).await.map_err(|e| Problem::new(Code::Internal, e.to_string()))?
    }
}

impl Inner {
    /// Folders that are never a web build: ours. The sandbox's sample build lies in the home folder and is one,
    /// so the home is covered by what it holds; a database at its top has no `index.html` beside it.
    fn forbidden(&self) -> Vec<PathBuf> {
        vec![self.home.work(), self.home.backups(), self.home.sandbox_storage()]
    }
}

fn unknown(handle: &str) -> Problem {
    Problem::new(Code::UsageUnknown, format!("There is no inspected web build {handle}.")).remedy("Choose the web build again.")
}

struct Task<'a> {
    inner: &'a Arc<Inner>,
    workspace: Option<&'a Workspace>,
    unit: &'a Name,
    job: &'a str,
    cancel: Arc<AtomicBool>,
}

impl Task<'_> {
    async fn run(&self, handle: &str, path: PathBuf, picked: UtcTime, options: InspectOptions) -> Result<InspectionReport> {
        let start = self.inner.world.clock.ticks();
        self.inner.phase(self.job, Phase::Pack).await?;
        let (packed, report, name, kind, git) = self.pack(handle, path, options).await?;
        let work = self.inner.home.work();
        let (bundle_path, inventory_path) = (work.join(format!("{}.zip", packed.sha256)), work.join(format!("{}.inventory.json", packed.sha256)));
        keep(&work.join(format!("{handle}.part.zip")), &bundle_path, &packed.sha256)?;
        std::fs::write(&inventory_path, &packed.inventory_bytes)
            .map_err(|e| Problem::new(Code::LocalDisk, format!("{} cannot be written: {e}.", inventory_path.display())))?;
        let (changes, newest) = self.changes(&packed).await?;
        let (to_upload, next_build) = self.upload_size(&packed).await;
        let version = newest.as_deref().map_or_else(|| "1.0.0".into(), next_patch);
        Ok(InspectionReport {
            handle: handle.into(),
            name,
            kind,
            picked,
            took_ms: self.inner.world.clock.ticks() - start,
            path: bundle_path,
            inventory_path,
            findings: report.findings,
            passed: report.passed,
            biggest: report.biggest,
            source_maps: report.source_maps,
            source_maps_excluded: options.exclude_source_maps,
            changes,
            to_upload,
            version,
            build: next_build,
            git,
            packed: Arc::new(packed),
        })
    }

    async fn pack(&self, handle: &str, path: PathBuf, options: InspectOptions) -> Result<(Packed, bundle::Inspection, String, &'static str, Option<bundle::GitSource>)> {
        let out = self.inner.home.work().join(format!("{handle}.part.zip"));
        let (inner, job, cancel) = (Arc::clone(self.inner), self.job.to_owned(), Arc::clone(&self.cancel));
        let forbidden = self.inner.forbidden();
        let work = move || -> Result<_> {
            let build = WebBuild::open(&path, &Limits::default(), &forbidden)?;
            let progress = |done, total| {
                inner.update(&job, false, |j| {
                    j.done = done;
                    j.total = total;
                });
            };
            let pack_options = PackOptions { exclude_source_maps: options.exclude_source_maps, ..PackOptions::default() };
            let packed = bundle::pack(&build, &out, &pack_options, &progress, &cancel)?;
            inner.update(&job, true, |j| j.phase = Phase::Inspect);
            let context = InspectContext {
                version: None,
                native_versions: &[],
                exclude_source_maps: options.exclude_source_maps,
                packed: Some(&packed),
            };
            let report = bundle::inspect(&build, &context, &cancel)?;
            let kind = match build.kind() {
                bundle::SourceKind::Folder => "folder",
                bundle::SourceKind::Zip => "zip",
            };
            let git = bundle::git_source(&path);
            Ok((packed, report, build.name().to_owned(), kind, git))
        };
        tokio::task::spawn_blocking(work).await.map_err(|e| Problem::new(Code::Internal, format!("Packing ended badly: {e}.")))?
    }

    /// Against each channel's current release, and the newest version of the unit.
    async fn changes(&self, packed: &Packed) -> Result<(Vec<ChannelChanges>, Option<String>)> {
        let mut changes = Vec::new();
        let mut newest: Option<(u32, String)> = None;
        let Some(workspace) = self.workspace else { return Ok((changes, None)) };
        for channel in self.inner.cache.channels(&workspace.id).await? {
            if channel.unit != self.unit.as_str() {
                continue;
            }
            for a in &channel.approvals {
                if newest.as_ref().is_none_or(|(b, _)| a.manifest.build > *b) {
                    newest = Some((a.manifest.build, a.manifest.version.clone()));
                }
            }
            let serving = channel.rollout.as_ref().and_then(|r| r.serving().release);
            let current = serving.and_then(|b| channel.approvals.iter().find(|a| a.manifest.build == b));
            let mut entry = ChannelChanges { channel: channel.channel.clone(), against: None, added: 0, removed: 0, changed: 0 };
            if let Some(current) = current
                && let Some(inventory) = self.inner.inventory(workspace, &current.manifest).await
            {
                let difference = compare(&inventory, &packed.inventory);
                entry.against = Some((current.manifest.version.clone(), current.manifest.build));
                entry.added = difference.added.len();
                entry.removed = difference.removed.len();
                entry.changed = difference.changed.len();
            }
            changes.push(entry);
        }
        Ok((changes, newest.map(|(_, v)| v)))
    }

    /// Bytes that are not in storage yet, and the next free build number; from what is known when offline.
    async fn upload_size(&self, packed: &Packed) -> (u64, u32) {
        let all = packed.size + packed.inventory_bytes.len() as u64;
        let Some(Ok(store)) = self.workspace.map(|w| self.inner.store(w)) else { return (all, 1) };
        let mut missing = 0;
        let objects = [
            (headgate_registry::layout::bundle(&packed.sha256), packed.size),
            (headgate_registry::layout::inventory(&packed.inventory_sha256), packed.inventory_bytes.len() as u64),
        ];
        for (key, size) in objects {
            if !matches!(store.head(&key).await, Ok(Some(meta)) if meta.size == size) {
                missing += size;
            }
        }
        let taken = crate::publish::taken_builds(store.as_ref(), self.unit).await.unwrap_or_default();
        (missing, taken.keys().max().map_or(1, |b| b + 1))
    }
}

impl Inner {
    /// An inventory from the cache, else from storage; nothing when neither has it.
    pub(crate) async fn inventory(&self, workspace: &Workspace, manifest: &headgate_core::ReleaseManifest) -> Option<headgate_core::Inventory> {
        if let Ok(Some(known)) = self.cache.inventory(&manifest.inventory.sha256).await {
            return Some(known);
        }
        let store = self.store(workspace).ok()?;
        let read = documents::inventory(store.as_ref(), manifest).await.ok()?;
        self.cache.put_inventory(&manifest.inventory.sha256, &read.to_bytes().ok()?).await.ok()?;
        Some(read)
    }
}

/// Gives the packed bundle its name; a bundle of the same bytes may lie there already.
fn keep(part: &Path, to: &Path, sha256: &str) -> Result<()> {
    let io = |e: std::io::Error| Problem::new(Code::LocalDisk, format!("{} cannot be written: {e}.", to.display()));
    if hash_file(to).is_ok_and(|found| found == sha256) {
        return std::fs::remove_file(part).map_err(io);
    }
    std::fs::rename(part, to).map_err(io)
}

/// `4.2.6` → `4.2.7`; without a number at its end the version itself.
fn next_patch(version: &str) -> String {
    let plain = version.split(['-', '+']).next().unwrap_or(version);
    match plain.rsplit_once('.').and_then(|(head, last)| Some((head, last.parse::<u64>().ok()?))) {
        Some((head, last)) => format!("{head}.{}", last + 1),
        None => version.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::next_patch;

    #[test]
    fn the_next_patch_version_is_suggested() {
        assert_eq!(next_patch("4.2.6"), "4.2.7");
        assert_eq!(next_patch("4.2.6-beta.1+5"), "4.2.7");
        assert_eq!(next_patch("odd"), "odd");
    }
}
