//! A web build is picked, packed and inspected. Nothing is signed or uploaded.

use std::path::{Path, PathBuf};
use std::sync::{Arc, atomic::AtomicBool};

use headgate_bundle::{self as bundle, Limits, PackOptions, Packed, WebBuild};
use headgate_core::{Code, Problem, Result};
use headgate_tuf::UtcTime;

use super::located::Origin;
use super::packing::Task;
use super::publish::name;
use crate::console::{Console, Inner, lock};
use crate::db::{Job, JobKind, JobState};
use crate::{Action, Workspace};

/// A web build that a person picked.
#[derive(Debug, Clone)]
pub struct PickInfo {
    /// Opaque handle.
    pub handle: String,
    /// Name of the folder or file.
    pub name: String,
    /// `folder`, `zip`, `location` (a zip at an address) or `other`.
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
    /// `folder`, `zip` or `location`.
    pub kind: &'static str,
    /// For `location`: its address, which is signed; the bundle is not uploaded.
    pub location: Option<String>,
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
    origin: Origin,
    picked: UtcTime,
    pub(crate) report: Option<Arc<InspectionReport>>,
    /// SHA-256 and size of the map of its single files, once it is made.
    pub(crate) files: Option<(String, u64)>,
}

impl Inspected {
    pub(super) fn new(origin: Origin, picked: UtcTime) -> Self {
        Self {
            origin,
            picked,
            report: None,
            files: None,
        }
    }
}

impl Console {
    /// Takes a path that a person picked or dropped and gives it a handle.
    ///
    /// # Errors
    /// `internal` without random numbers.
    pub fn pick(&self, path: &Path) -> Result<PickInfo> {
        let look = bundle::quick_look(path);
        let handle = self.inner.world.id(8)?;
        let origin = Origin::Path(path.to_owned());
        let name = origin.name();
        let picked = Inspected::new(origin, self.inner.world.now());
        lock(&self.inner.inspected).insert(handle.clone(), picked);
        let kind = match look.kind {
            bundle::LookKind::Folder => "folder",
            bundle::LookKind::Zip => "zip",
            bundle::LookKind::Other => "other",
        };
        Ok(PickInfo {
            handle,
            name,
            kind,
            ok: look.ok,
            says: look.says,
        })
    }

    /// Packs and inspects as a job.
    ///
    /// # Errors
    /// `usage.unknown` for a handle that is not known; `usage.argument` for a zip at an address that is to be changed.
    pub async fn inspect(
        &self,
        workspace: &str,
        unit: &str,
        handle: &str,
        options: InspectOptions,
    ) -> Result<String> {
        let workspace = self.workspace(workspace).await?;
        self.start_inspection(Some(workspace), unit, handle, options)
    }

    /// As [`Self::inspect`] on a computer without a workspace: nothing to compare with, and all of it to upload.
    ///
    /// # Errors
    /// As [`Self::inspect`].
    pub fn inspect_alone(
        &self,
        unit: &str,
        handle: &str,
        options: InspectOptions,
    ) -> Result<String> {
        self.start_inspection(None, unit, handle, options)
    }

    fn start_inspection(
        &self,
        workspace: Option<Workspace>,
        unit: &str,
        handle: &str,
        options: InspectOptions,
    ) -> Result<String> {
        let unit = name("unit", unit)?;
        let (origin, picked) = {
            let known = lock(&self.inner.inspected);
            let entry = known.get(handle).ok_or_else(|| unknown(handle))?;
            (entry.origin.clone(), entry.picked)
        };
        if options.exclude_source_maps && matches!(origin, Origin::Url(_)) {
            let what = "Source maps cannot be left out of a zip that stays at its address: devices get it as it is.";
            return Err(Problem::new(Code::UsageArgument, what)
                .remedy("Build it without source maps, or ship the build's folder instead.")
                .field("exclude_source_maps"));
        }
        let title = format!("Inspect {}", origin.name());
        let mut job = self.inner.new_job(
            JobKind::Inspect,
            workspace.as_ref().map_or("", |w| &w.id),
            unit.as_str(),
            None,
            title,
            None,
        )?;
        job.handle = Some(handle.to_owned());
        let (id, handle) = (job.id.clone(), handle.to_owned());
        let control = self
            .inner
            .adopt(job)?
            .ok_or_else(|| Problem::new(Code::Internal, "A new job has a lock already."))?;
        let (inner, job_id) = (Arc::clone(&self.inner), id.clone());
        tokio::spawn(async move {
            let task = Task {
                inner: &inner,
                workspace: workspace.as_ref(),
                unit: &unit,
                job: &job_id,
                cancel: control.cancelled(),
            };
            let result = task.run(&handle, origin, picked, options).await;
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
        known
            .get(handle)
            .and_then(|e| e.report.clone())
            .ok_or_else(|| unknown(handle))
    }

    /// Forgets an inspected web build and removes its packed bundle, unless a job still needs the same bytes.
    ///
    /// # Errors
    /// `local.journal`.
    pub async fn discard(&self, handle: &str) -> Result<()> {
        let known = lock(&self.inner.inspected).remove(handle);
        let Some(report) = known.and_then(|entry| entry.report) else {
            return Ok(());
        };
        let needs = |job: &Job| {
            let action = job.intent.as_ref().map(|i| &i.action);
            let same =
                matches!(action, Some(Action::Ship { bundle, .. }) if *bundle == report.path);
            same && job.state != JobState::Done
        };
        if !self.inner.journal.jobs().await?.iter().any(needs) {
            // What cannot be removed costs space alone.
            let _ = std::fs::remove_file(&report.path);
            let _ = std::fs::remove_file(&report.inventory_path);
        }
        Ok(())
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
            let options = PackOptions {
                exclude_source_maps: options.exclude_source_maps,
                ..PackOptions::default()
            };
            bundle::pack(&build, &to, &options, &|_, _| {}, &AtomicBool::new(false))
        };
        tokio::task::spawn_blocking(pack)
            .await
            .map_err(|e| Problem::new(Code::Internal, e.to_string()))?
    }
}

impl Inner {
    /// Folders that are never a web build: ours. The sandbox's sample build lies in the home folder and is one,
    /// so the home is covered by what it holds; a database at its top has no `index.html` beside it.
    pub(super) fn forbidden(&self) -> Vec<PathBuf> {
        vec![
            self.home.work(),
            self.home.backups(),
            self.home.sandbox_storage(),
        ]
    }
}

fn unknown(handle: &str) -> Problem {
    Problem::new(
        Code::UsageUnknown,
        format!("There is no inspected web build {handle}."),
    )
    .remedy("Choose the web build again.")
}
