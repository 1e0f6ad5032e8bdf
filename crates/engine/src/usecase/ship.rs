//! Shipping, promoting, rolling out: first a plan that signs nothing, then its start.

use std::sync::Arc;

use headgate_bundle::{Finding, Severity, version_of_a_native_app};
use headgate_core::{
    Code, Confirm, Native, Problem, ReleaseManifest, Result, Settings,
    manifest::{Allowed, BundleRef, InventoryRef, Source},
    rollout::Serving,
    text::one_line,
};
use headgate_registry::{View, documents, silent};
use headgate_tuf::{Name, UtcTime};

use super::compare::packer;
use super::publish::name;
use crate::Workspace;
use crate::console::{Console, lock};
use crate::publish::{Action, Draft, Intent, Planned, draft, plan};

/// What a person wants to ship.
#[derive(Debug, Clone, Default)]
pub struct ShipRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit.
    pub unit: String,
    /// Handle of the inspection.
    pub handle: String,
    /// Semantic version.
    pub version: String,
    /// Build number; nothing = the next free one.
    pub build: Option<u32>,
    /// Channel.
    pub channel: String,
    /// First share, permille; nothing = the channel's default.
    pub permille: Option<u16>,
    /// Native versions.
    pub native: Native,
    /// Upload the single files of a bundle that lies elsewhere, for clients that fetch those.
    pub upload_files: bool,
    /// Findings that the person allowed.
    pub allow: Vec<Allowed>,
    /// Allows every allowable error, with this reason.
    pub allow_all: Option<String>,
    /// Message.
    pub message: Option<String>,
    /// Commit.
    pub commit: Option<String>,
    /// Author, only if the person wants one named.
    pub author: Option<String>,
}

/// What a person wants to promote.
#[derive(Debug, Clone)]
pub struct PromoteRequest {
    /// Workspace on this computer.
    pub workspace: String,
    /// Unit.
    pub unit: String,
    /// Build number.
    pub build: u32,
    /// Source channel.
    pub from: String,
    /// Target channel.
    pub to: String,
    /// First share, permille; nothing = the channel's default.
    pub permille: Option<u16>,
}

/// A plan that waits for its start.
pub(crate) struct Plan {
    pub(super) workspace: Workspace,
    pub(super) intent: Intent,
    typed: Option<String>,
    /// Seconds to undo.
    wait: u32,
}

/// What shipping would sign.
#[derive(Debug, Clone)]
pub struct ShipPlan {
    /// Handle of the plan.
    pub plan: String,
    /// The release.
    pub manifest: ReleaseManifest,
    /// Channel.
    pub channel: String,
    /// Share, permille.
    pub permille: u16,
    /// Roles and keys.
    pub planned: Planned,
    /// Allowed findings with their reasons, then open warnings.
    pub findings: Vec<(Finding, Option<String>)>,
    /// What must be typed.
    pub type_to_confirm: Option<String>,
}

/// What promoting would sign, with the proof of equal bytes.
#[derive(Debug, Clone)]
pub struct PromotePlan {
    /// Handle of the plan.
    pub plan: String,
    /// The release.
    pub manifest: ReleaseManifest,
    /// SHA-256 of its manifest.
    pub manifest_sha256: String,
    /// What the source serves.
    pub from: Serving,
    /// What the target serves now.
    pub to: Option<Serving>,
    /// Version and build that the target serves now.
    pub replaces: Option<(String, u32)>,
    /// Share, permille.
    pub permille: u16,
    /// SHA-256 of the bundle, recomputed from storage or from its own address.
    pub recomputed: String,
    /// When.
    pub at: UtcTime,
    /// Roles and keys.
    pub planned: Planned,
    /// What must be typed.
    pub type_to_confirm: Option<String>,
}

impl Console {
    /// Derives what shipping would sign. Signs and writes nothing.
    ///
    /// # Errors
    /// `build.findings` while errors are open, `release.*`, `usage.*`.
    pub async fn ship_prepare(&self, request: ShipRequest) -> Result<ShipPlan> {
        let workspace = self.workspace(&request.workspace).await?;
        let (unit, channel) = (
            name("unit", &request.unit)?,
            name("channel", &request.channel)?,
        );
        let report = self.inspection(&request.handle)?;
        let (allowed, mut findings) = decide(&report.findings, &request)?;
        let native = self
            .inner
            .cache
            .native_versions(&workspace.id, &unit)
            .await?;
        let clash = version_of_a_native_app(&request.version, &native);
        findings.extend(clash.map(|finding| (finding, None)));
        let git = report.git.as_ref();
        let packed = &report.packed;
        let text = |own: Option<String>, other: Option<&String>, max| {
            own.or_else(|| other.cloned())
                .map(|t| one_line(&t, max))
                .filter(|t| !t.is_empty())
        };
        let mut manifest = ReleaseManifest {
            unit: unit.clone(),
            version: request.version.clone(),
            build: request.build.unwrap_or(report.build),
            created: self.inner.world.now(),
            source: Source {
                commit: text(request.commit, git.map(|g| &g.commit), 100),
                reference: git.and_then(|g| g.reference.clone()),
                message: text(
                    request.message.clone(),
                    git.and_then(|g| g.message.as_ref()),
                    500,
                ),
                author: text(request.author, None, 200),
            },
            packer: packer(&report),
            bundle: BundleRef {
                sha256: packed.sha256.clone(),
                size: packed.size,
                url: report.location.clone(),
            },
            inventory: InventoryRef {
                sha256: packed.inventory_sha256.clone(),
                size: packed.inventory_bytes.len() as u64,
            },
            files: None,
            native: request.native,
            allowed,
        };
        manifest.check()?;
        let (store, view) = self.fresh(&workspace).await?;
        let delivers = view.targets.meta.x.delivers;
        let mut files = None;
        if delivers.files || request.upload_files {
            let (reference, path) = self.files_map(&report, delivers.zip).await?;
            manifest.files = Some(reference);
            files = Some(path);
        }
        let settings = channel_settings(&view.targets.meta.x, &channel)?;
        let permille = request.permille.unwrap_or(settings.0);
        let action = Action::Ship {
            channel: channel.clone(),
            manifest: Box::new(manifest),
            bundle: report.path.clone(),
            inventory: report.inventory_path.clone(),
            permille,
            renumber: request.build.is_none(),
            files,
        };
        let reason = request
            .message
            .map(|m| one_line(&m, 500))
            .unwrap_or_default();
        let (id, drafted, planned) = self
            .plan(
                &workspace,
                &view,
                store.as_ref(),
                action,
                reason,
                settings.1.clone(),
            )
            .await?;
        let Action::Ship { manifest, .. } = drafted.intent.action else {
            return Err(Problem::new(Code::Internal, "The plan is of another kind."));
        };
        Ok(ShipPlan {
            plan: id,
            manifest: *manifest,
            channel: channel.to_string(),
            permille,
            planned,
            findings,
            type_to_confirm: settings.1,
        })
    }

    /// Derives what promoting would sign, after recomputing the bundle's hash from where devices get it.
    ///
    /// # Errors
    /// `release.*`, `trust.hash` when storage holds other bytes, `artifact.*` when its own address does.
    pub async fn promote_prepare(&self, request: PromoteRequest) -> Result<PromotePlan> {
        let workspace = self.workspace(&request.workspace).await?;
        let (unit, from, to) = (
            name("unit", &request.unit)?,
            name("channel", &request.from)?,
            name("channel", &request.to)?,
        );
        let (store, view) = self.fresh(&workspace).await?;
        let source = documents::channel(store.as_ref(), &view, &unit, &from).await?;
        let target = documents::channel(store.as_ref(), &view, &unit, &to).await?;
        let absent = || {
            Problem::new(
                Code::ReleaseNotOnChannel,
                format!("{from} does not serve build {}.", request.build),
            )
        };
        let approved = source
            .approved
            .get(&request.build)
            .cloned()
            .ok_or_else(absent)?;
        let serving = source
            .rollout
            .as_ref()
            .map(|r| r.serving())
            .ok_or_else(absent)?;
        let read =
            documents::content(store.as_ref(), &approved.manifest, None, None, silent()).await;
        let recomputed = read.map_err(|problem| {
            let problem = match problem.code {
                Code::TrustHash => {
                    let what = format!(
                        "The bundle of build {} in storage is not what was signed.",
                        request.build
                    );
                    Problem::new(Code::TrustHash, what).detail(problem.message)
                }
                _ => problem,
            };
            problem.holds("Both channels serve what they served before.")
        })?;
        let settings = channel_settings(&view.targets.meta.x, &to)?;
        let permille = request.permille.unwrap_or(settings.0);
        let action = Action::Promote {
            unit,
            build: request.build,
            from,
            to,
            permille,
        };
        let (id, _, planned) = self
            .plan(
                &workspace,
                &view,
                store.as_ref(),
                action,
                String::new(),
                settings.1.clone(),
            )
            .await?;
        let now_serving = target.rollout.as_ref().map(|r| r.serving());
        let replaced = now_serving
            .as_ref()
            .and_then(|s| s.release)
            .and_then(|b| target.approved.get(&b));
        Ok(PromotePlan {
            plan: id,
            manifest_sha256: approved.sha256,
            replaces: replaced.map(|a| (a.manifest.version.clone(), a.manifest.build)),
            manifest: approved.manifest,
            from: serving,
            to: now_serving,
            permille,
            recomputed,
            at: self.inner.world.now(),
            planned,
            type_to_confirm: settings.1,
        })
    }

    /// Starts a plan as a job. The typed name is checked here, whatever the window did.
    ///
    /// # Errors
    /// `usage.confirmation`, `usage.unknown`, `key.*` when it cannot be signed here.
    pub async fn start_plan(&self, plan: &str, typed: Option<&str>) -> Result<String> {
        let missing = || {
            Problem::new(Code::UsageUnknown, "The plan is gone.")
                .remedy("Go back one step and continue again.")
        };
        let taken = {
            let mut plans = lock(&self.inner.plans);
            let known = plans.get(plan).ok_or_else(missing)?;
            if let Some(expected) = &known.typed
                && typed.map(str::trim) != Some(expected.as_str())
            {
                let what = format!("The name of the channel was not typed: {expected}.");
                return Err(Problem::new(Code::UsageConfirm, what).field("typed"));
            }
            // Taken out at once: a second click must not start it twice.
            plans.remove(plan).ok_or_else(missing)?
        };
        let intent = Intent {
            wait: taken.wait,
            ..taken.intent.clone()
        };
        let job = self.start_publish(taken.workspace.clone(), intent).await;
        if job.is_err() {
            lock(&self.inner.plans).insert(plan.to_owned(), taken);
        }
        job
    }

    pub(crate) fn intent(&self, view: &View, action: Action, reason: String) -> Intent {
        Intent {
            by: self.inner.person.clone(),
            reason,
            base: Self::base(view, &action),
            collected: Default::default(),
            wait: 0,
            action,
        }
    }

    pub(crate) async fn fresh(
        &self,
        workspace: &Workspace,
    ) -> Result<(Arc<dyn headgate_registry::Store>, View)> {
        let store = self.inner.store(workspace)?;
        let view = self.inner.read(workspace, store.as_ref()).await?;
        Ok((store, view))
    }

    pub(super) async fn plan(
        &self,
        workspace: &Workspace,
        view: &View,
        store: &dyn headgate_registry::Store,
        action: Action,
        reason: String,
        typed: Option<String>,
    ) -> Result<(String, Draft, Planned)> {
        let intent = self.intent(view, action, reason);
        let own = self.inner.own_keys(&workspace.id).await?;
        let drafted = draft(store, view, &intent, &own, &self.inner.world, None).await?;
        let planned = plan(&drafted, view, self.inner.vault(workspace).await, &own).await;
        let id = self.inner.world.id(8)?;
        let mut plans = lock(&self.inner.plans);
        plans.insert(
            id.clone(),
            Plan {
                workspace: workspace.clone(),
                wait: undo_seconds(view, &drafted.intent.action),
                intent: drafted.intent.clone(),
                typed,
            },
        );
        Ok((id, drafted, planned))
    }
}

/// Seconds that an action can be undone before it is signed. One that stops never waits.
pub(super) fn undo_seconds(view: &View, action: &Action) -> u32 {
    let stops = matches!(action, Action::Rollout { change, .. } if change.stops());
    let channels = &view.targets.meta.x.channels;
    let waits = action.confirmed_by().is_some_and(|channel| {
        let own = channels.iter().find(|c| c.id == *channel);
        own.is_some_and(|c| c.confirm == Confirm::Wait)
    });
    if waits && !stops {
        Confirm::UNDO_SECONDS
    } else {
        0
    }
}

/// Default share of a channel, and what must be typed for it.
pub(super) fn channel_settings(
    settings: &Settings,
    channel: &Name,
) -> Result<(u16, Option<String>)> {
    let found = settings
        .channels
        .iter()
        .find(|c| c.id == *channel)
        .ok_or_else(|| {
            Problem::new(
                Code::UsageUnknown,
                format!("There is no channel {channel}."),
            )
            .field("channel")
        })?;
    Ok((
        found.start_permille,
        found.confirm.typed().then(|| channel.to_string()),
    ))
}

/// A finding, and why it was allowed.
type Decided = (Finding, Option<String>);

/// Which findings are allowed; an error that is not blocks.
fn decide(findings: &[Finding], request: &ShipRequest) -> Result<(Vec<Allowed>, Vec<Decided>)> {
    let mut allowed: Vec<Allowed> = Vec::new();
    let mut shown = Vec::new();
    let mut open = Vec::new();
    for finding in findings {
        let fits =
            |a: &&Allowed| a.code == finding.code && (a.path.is_none() || a.path == finding.path);
        let own = request.allow.iter().find(fits).map(|a| a.reason.clone());
        let reason = own.or_else(|| {
            request
                .allow_all
                .clone()
                .filter(|_| finding.severity == Severity::Error)
        });
        let reason = reason
            .map(|r| one_line(&r, 1000))
            .filter(|r| !r.is_empty() && finding.allowable);
        match (finding.severity, reason) {
            (Severity::Error, None) => open.push(finding),
            (Severity::Error | Severity::Warning, Some(reason)) => {
                allowed.push(Allowed {
                    code: finding.code.into(),
                    path: finding.path.clone(),
                    reason: reason.clone(),
                });
                shown.push((finding.clone(), Some(reason)));
            }
            (Severity::Warning, None) => shown.push((finding.clone(), None)),
            _ => {}
        }
    }
    if let Some(first) = open.first() {
        let more = if open.len() > 1 {
            format!(" and {} more", open.len() - 1)
        } else {
            String::new()
        };
        let place = first
            .path
            .as_ref()
            .map(|p| format!(" ({p})"))
            .unwrap_or_default();
        let what = format!("The web build has errors: {}{place}{more}.", first.title);
        return Err(Problem::new(Code::BuildFindings, what).detail(first.code));
    }
    Ok((allowed, shown))
}
