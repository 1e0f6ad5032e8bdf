//! Inspection and ship plan in words.

use headgate_bundle::{Finding, Severity};
use headgate_core::{Native, NativeRange, Problem, manifest::Allowed, native};
use headgate_engine::{self as engine, InspectionReport};

use crate::app::App;
use crate::dto::{self, IpcError};

impl App {
    /// A finished inspection.
    #[expect(clippy::unused_async, reason = "every handler has the same shape")]
    pub async fn inspection(
        &self,
        request: dto::InspectionRef,
    ) -> Result<dto::Inspection, IpcError> {
        let r = self.console.inspection(&request.handle)?;
        Ok(inspection(&r))
    }

    /// Derives what would be signed. Signs nothing.
    pub async fn ship_prepare(&self, request: dto::ShipRequest) -> Result<dto::SignPlan, IpcError> {
        let report = self.console.inspection(&request.handle)?;
        let workspace = self.console.workspace(&request.workspace).await?;
        let plan = self
            .console
            .ship_prepare(engine::ShipRequest {
                workspace: request.workspace,
                unit: request.unit,
                handle: request.handle,
                version: request.version,
                build: request.build,
                channel: request.channel,
                permille: request.permille.map(permille).transpose()?,
                native: Native::new(range(request.ios), range(request.android))?,
                upload_files: request.upload_files,
                allow: request
                    .allow
                    .into_iter()
                    .map(|a| Allowed {
                        code: a.code,
                        path: a.path,
                        reason: a.reason,
                    })
                    .collect(),
                allow_all: None,
                message: request.message,
                commit: request.commit,
                author: request.author,
            })
            .await?;
        let m = &plan.manifest;
        let vault = self.console.vault_info(&workspace);
        let (roles, keys) = planned(&plan.planned);
        Ok(dto::SignPlan {
            plan: plan.plan,
            version: m.version.clone(),
            build: m.build,
            unit: m.unit.to_string(),
            channel: plan.channel,
            permille: plan.permille.into(),
            native: native::summary(&m.native),
            sha256: m.bundle.sha256.clone(),
            manifest: plan.planned.manifest.clone().unwrap_or_default(),
            can_ask: plan.planned.can_ask,
            missing: missing(&plan.planned),
            roles,
            keys,
            vault: dto::Vault {
                kind: vault.kind,
                label: vault.label,
                why: vault.why,
            },
            problem: plan.planned.problem.map(IpcError::from),
            findings: plan
                .findings
                .iter()
                .map(|(f, reason)| dto::SignedFinding {
                    finding: finding(f),
                    reason: reason.clone(),
                })
                .collect(),
            type_to_confirm: plan.type_to_confirm,
            files: count(report.packed.inventory.files.len()),
            size: m.bundle.size,
            to_upload: report.to_upload,
        })
    }
}

/// A share from the window.
pub(crate) fn permille(p: u32) -> Result<u16, Problem> {
    let wrong = || {
        Problem::new(
            headgate_core::Code::UsageArgument,
            "A share is between 0.1 % and 100 %.",
        )
        .field("permille")
    };
    u16::try_from(p).map_err(|_| wrong())
}

fn range(r: dto::NativeRange) -> NativeRange {
    let text = |t: Option<String>| t.map(|t| t.trim().to_owned()).filter(|t| !t.is_empty());
    NativeRange {
        min: text(r.min),
        max: text(r.max),
        exclude: r
            .exclude
            .into_iter()
            .filter_map(|e| text(Some(e)))
            .collect(),
    }
}

pub(crate) fn planned(p: &engine::Planned) -> (Vec<dto::SignRole>, Vec<dto::SignKey>) {
    let roles = p.roles.iter().map(|r| dto::SignRole {
        role: r.role.clone(),
        before: r.before.map(version),
        now: version(r.now),
        says: r.says.clone(),
        key: r.key.clone(),
    });
    let keys = p.keys.iter().map(|k| dto::SignKey {
        name: k.name.clone(),
        purpose: k.purpose.clone(),
        algorithm: "Ed25519".into(),
        fingerprint: k.id.to_string(),
        needed: k.needed.clone(),
        here: k.here,
    });
    (roles.collect(), keys.collect())
}

/// Roles that other people have to sign.
pub(crate) fn missing(p: &engine::Planned) -> Vec<dto::SignMissing> {
    let role = |m: &engine::PlannedMissing| dto::SignMissing {
        role: m.role.clone(),
        need: m.need,
        have: m.have,
        keys: m
            .keys
            .iter()
            .map(|(id, name, holder, own)| dto::SignerKey {
                id: id.to_string(),
                name: name.clone(),
                holder: holder.clone(),
                own: *own,
                signed: false,
                arrived: None,
            })
            .collect(),
    };
    p.missing.iter().map(role).collect()
}

pub(crate) fn version(v: u64) -> u32 {
    u32::try_from(v).unwrap_or(u32::MAX)
}

pub(crate) fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn inspection(r: &InspectionReport) -> dto::Inspection {
    let changes = r.changes.iter().map(|c| dto::Changes {
        channel: c.channel.clone(),
        against: c.against.as_ref().map(|(v, b)| format!("{v}, build {b}")),
        added: count(c.added),
        removed: count(c.removed),
        changed: count(c.changed),
    });
    dto::Inspection {
        handle: r.handle.clone(),
        name: r.name.clone(),
        kind: r.kind.into(),
        location: r.location.clone(),
        picked: r.picked.to_string(),
        took_ms: u32::try_from(r.took_ms).unwrap_or(u32::MAX),
        files: count(r.packed.inventory.files.len()),
        size: r.packed.inventory.size(),
        compressed: r.packed.size,
        sha256: r.packed.sha256.clone(),
        to_upload: r.to_upload,
        changes: changes.collect(),
        findings: r.findings.iter().map(finding).collect(),
        passed: r.passed,
        biggest: r
            .biggest
            .iter()
            .take(5)
            .map(|(path, size)| dto::FileSize {
                path: path.clone(),
                size: *size,
            })
            .collect(),
        source_maps: r.source_maps.0,
        source_map_bytes: r.source_maps.1,
        source_maps_excluded: r.source_maps_excluded,
        version: r.version.clone(),
        build: r.build,
        commit: r.git.as_ref().map(|g| g.commit.clone()),
        reference: r.git.as_ref().and_then(|g| g.reference.clone()),
        message: r.git.as_ref().and_then(|g| g.message.clone()),
    }
}

fn finding(f: &Finding) -> dto::Finding {
    let severity = match f.severity {
        Severity::Error => "error",
        Severity::Warning => "warning",
        Severity::Info => "info",
        Severity::Ok => "ok",
    };
    dto::Finding {
        code: f.code.into(),
        severity: severity.into(),
        title: f.title.clone(),
        text: f.text.clone(),
        path: f.path.clone(),
        line: f.line,
        fix: f.fix.clone(),
        allowable: f.allowable,
    }
}
