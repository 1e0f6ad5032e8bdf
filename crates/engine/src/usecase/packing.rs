//! The work of an inspection: read, pack, inspect, compare.

use std::path::{Path, PathBuf};
use std::sync::{Arc, atomic::AtomicBool};

use headgate_bundle::{self as bundle, InspectContext, Limits, PackOptions, Packed, WebBuild};
use headgate_core::{Code, Problem, Result, compare};
use headgate_registry::{ArtifactUrl, documents};
use headgate_tuf::{Name, UtcTime};

use super::inspect::{ChannelChanges, InspectOptions, InspectionReport};
use super::located::Origin;
use crate::Workspace;
use crate::console::Inner;
use crate::db::Phase;
use crate::upload::hash_file;

/// Packing and inspecting one web build, in a job.
pub(super) struct Task<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) workspace: Option<&'a Workspace>,
    pub(super) unit: &'a Name,
    pub(super) job: &'a str,
    pub(super) cancel: Arc<AtomicBool>,
}

impl Task<'_> {
    pub(super) async fn run(
        &self,
        handle: &str,
        origin: Origin,
        picked: UtcTime,
        options: InspectOptions,
    ) -> Result<InspectionReport> {
        let start = self.inner.world.clock.ticks();
        let location = match &origin {
            Origin::Path(_) => None,
            Origin::Url(url) => Some(url.to_string()),
        };
        let Read {
            packed,
            report,
            name,
            kind,
            git,
        } = match origin {
            Origin::Path(path) => {
                self.inner.phase(self.job, Phase::Pack).await?;
                self.pack(handle, path, options).await?
            }
            Origin::Url(url) => self.take_over(handle, &url).await?,
        };
        let work = self.inner.home.work();
        let (bundle_path, inventory_path) = (
            work.join(format!("{}.zip", packed.sha256)),
            work.join(format!("{}.inventory.json", packed.sha256)),
        );
        keep(
            &work.join(format!("{handle}.part.zip")),
            &bundle_path,
            &packed.sha256,
        )?;
        keep_bytes(&work, &inventory_path, &packed.inventory_bytes)?;
        let (changes, newest) = self.changes(&packed).await?;
        let (to_upload, next_build) = self.upload_size(&packed, location.is_some()).await;
        let version = newest.as_deref().map_or_else(|| "1.0.0".into(), next_patch);
        Ok(InspectionReport {
            handle: handle.into(),
            name,
            kind,
            location,
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

    async fn pack(&self, handle: &str, path: PathBuf, options: InspectOptions) -> Result<Read> {
        let out = self.inner.home.work().join(format!("{handle}.part.zip"));
        let (inner, job, cancel) = (
            Arc::clone(self.inner),
            self.job.to_owned(),
            Arc::clone(&self.cancel),
        );
        let forbidden = self.inner.forbidden();
        let work = move || -> Result<_> {
            let build = WebBuild::open(&path, &Limits::default(), &forbidden)?;
            let progress = |done, total| {
                inner.update(&job, false, |j| {
                    j.done = done;
                    j.total = total;
                });
            };
            let pack_options = PackOptions {
                exclude_source_maps: options.exclude_source_maps,
                ..PackOptions::default()
            };
            let packed = bundle::pack(&build, &out, &pack_options, &progress, &cancel)?;
            inner.update(&job, true, |j| j.phase = Phase::Inspect);
            let context = InspectContext {
                exclude_source_maps: options.exclude_source_maps,
                packed: Some(&packed),
                location: None,
            };
            let report = bundle::inspect(&build, &context, &cancel)?;
            let kind = match build.kind() {
                bundle::SourceKind::Folder => "folder",
                bundle::SourceKind::Zip => "zip",
            };
            let git = bundle::git_source(&path);
            Ok(Read {
                packed,
                report,
                name: build.name().to_owned(),
                kind,
                git,
            })
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(|e| ended_badly(&e))?
    }

    /// Downloads a zip that stays where it lies, and inspects it as it is.
    async fn take_over(&self, handle: &str, url: &ArtifactUrl) -> Result<Read> {
        let path = self.inner.home.work().join(format!("{handle}.part.zip"));
        let fetched = self.inner.fetch(self.job, &self.cancel, url, &path).await?;
        self.inner.phase(self.job, Phase::Inspect).await?;
        let (inner, job, cancel) = (
            Arc::clone(self.inner),
            self.job.to_owned(),
            Arc::clone(&self.cancel),
        );
        let (file, page, address) = (path.clone(), fetched.page, url.clone());
        let work = move || -> Result<_> {
            let name = address.name();
            let build = WebBuild::open_artifact(&file, name, &Limits::default())?;
            let progress = |done, total| {
                inner.update(&job, false, |j| {
                    j.done = done;
                    j.total = total;
                });
            };
            let (sha256, size) = (&fetched.sha256, fetched.size);
            let packed = bundle::take_over(&build, sha256, size, &progress, &cancel)?;
            let context = InspectContext {
                packed: Some(&packed),
                location: Some(bundle::Location {
                    plain: address.is_plain(),
                    local: address.is_local(),
                }),
                ..InspectContext::default()
            };
            let report = bundle::inspect(&build, &context, &cancel)?;
            Ok(Read {
                packed,
                report,
                name: name.to_owned(),
                kind: "location",
                git: None,
            })
        };
        let done = tokio::task::spawn_blocking(work)
            .await
            .unwrap_or_else(|e| Err(ended_badly(&e)));
        done.map_err(|problem| {
            // What cannot be removed is swept later.
            let _ = std::fs::remove_file(&path);
            if page && problem.code == Code::ZipMalformed {
                let what = format!("{url} answers with a web page, not with a zip.");
                return Problem::new(Code::ArtifactMissing, what).detail(problem.message);
            }
            problem
        })
    }

    /// Against each channel's current release, and the newest version of the unit.
    async fn changes(&self, packed: &Packed) -> Result<(Vec<ChannelChanges>, Option<String>)> {
        let mut changes = Vec::new();
        let mut newest: Option<(u32, String)> = None;
        let Some(workspace) = self.workspace else {
            return Ok((changes, None));
        };
        let mut channels = self.inner.cache.channels(&workspace.id).await?;
        let settings = self.inner.cache.reading(&workspace.id).await?.settings;
        // As the workspace orders them, first to last; the cache sorts by name.
        channels.sort_by_key(|c| {
            let order = settings.iter().flat_map(|s| &s.channels);
            order.take_while(|s| s.id.as_str() != c.channel).count()
        });
        for channel in channels {
            if channel.unit != self.unit.as_str() {
                continue;
            }
            for a in &channel.approvals {
                if newest.as_ref().is_none_or(|(b, _)| a.manifest.build > *b) {
                    newest = Some((a.manifest.build, a.manifest.version.clone()));
                }
            }
            let serving = channel.rollout.as_ref().and_then(|r| r.serving().release);
            let current =
                serving.and_then(|b| channel.approvals.iter().find(|a| a.manifest.build == b));
            let mut entry = ChannelChanges {
                channel: channel.channel.clone(),
                against: None,
                added: 0,
                removed: 0,
                changed: 0,
            };
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
    async fn upload_size(&self, packed: &Packed, located: bool) -> (u64, u32) {
        // A bundle that stays at its address is not uploaded.
        let bundle = if located { 0 } else { packed.size };
        let all = bundle + packed.inventory_bytes.len() as u64;
        let Some(Ok(store)) = self.workspace.map(|w| self.inner.store(w)) else {
            return (all, 1);
        };
        let mut missing = 0;
        let objects = [
            (
                headgate_registry::layout::bundle(&packed.sha256),
                packed.size,
            ),
            (
                headgate_registry::layout::inventory(&packed.inventory_sha256),
                packed.inventory_bytes.len() as u64,
            ),
        ];
        for (key, size) in objects.into_iter().skip(usize::from(located)) {
            if !matches!(store.head(&key).await, Ok(Some(meta)) if meta.size == size) {
                missing += size;
            }
        }
        let taken = crate::publish::taken_builds(store.as_ref(), self.unit)
            .await
            .unwrap_or_default();
        let id = self.workspace.map_or("", |w| &w.id);
        let known = self.inner.cache.channels(id).await.unwrap_or_default();
        let signed = known.iter().filter(|c| c.unit == self.unit.as_str());
        let signed = signed
            .flat_map(|c| &c.approvals)
            .map(|a| a.manifest.build)
            .max();
        (
            missing,
            crate::publish::next_free(&taken, signed.unwrap_or(0)),
        )
    }
}

impl Inner {
    /// An inventory from the cache, else from storage; nothing when neither has it.
    pub(crate) async fn inventory(
        &self,
        workspace: &Workspace,
        manifest: &headgate_core::ReleaseManifest,
    ) -> Option<headgate_core::Inventory> {
        if let Ok(Some(known)) = self.cache.inventory(&manifest.inventory.sha256).await {
            return Some(known);
        }
        let store = self.store(workspace).ok()?;
        let read = documents::inventory(store.as_ref(), manifest).await.ok()?;
        self.cache
            .put_inventory(&manifest.inventory.sha256, &read.to_bytes().ok()?)
            .await
            .ok()?;
        Some(read)
    }
}

/// A web build that was read, packed and inspected.
struct Read {
    packed: Packed,
    report: bundle::Inspection,
    name: String,
    kind: &'static str,
    git: Option<bundle::GitSource>,
}

fn ended_badly(error: &tokio::task::JoinError) -> Problem {
    Problem::new(Code::Internal, format!("Packing ended badly: {error}."))
}

/// Gives the packed bundle its name; a bundle of the same bytes may lie there already.
fn keep(part: &Path, to: &Path, sha256: &str) -> Result<()> {
    let io = |e: std::io::Error| {
        Problem::new(
            Code::LocalDisk,
            format!("{} cannot be written: {e}.", to.display()),
        )
    };
    if hash_file(to).is_ok_and(|found| found == sha256) {
        return std::fs::remove_file(part).map_err(io);
    }
    std::fs::rename(part, to).map_err(io)
}

/// Writes a file whole or not at all: a running upload may be reading the one of the same name.
pub(super) fn keep_bytes(work: &Path, to: &Path, bytes: &[u8]) -> Result<()> {
    let io = |e: std::io::Error| {
        Problem::new(
            Code::LocalDisk,
            format!("{} cannot be written: {e}.", to.display()),
        )
    };
    if std::fs::read(to).is_ok_and(|found| found == bytes) {
        return Ok(());
    }
    let part = tempfile::NamedTempFile::new_in(work).map_err(io)?;
    std::fs::write(part.path(), bytes).map_err(io)?;
    part.persist(to).map(drop).map_err(|e| io(e.error))
}

/// `4.2.6` → `4.2.7`; without a number at its end the version itself.
fn next_patch(version: &str) -> String {
    let plain = version.split(['-', '+']).next().unwrap_or(version);
    match plain
        .rsplit_once('.')
        .and_then(|(head, last)| Some((head, last.parse::<u64>().ok()?)))
    {
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
