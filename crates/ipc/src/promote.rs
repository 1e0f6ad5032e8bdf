//! The promotion plan in words: who is affected, and what stays.

use headgate_core::{
    RolloutState, native, percent,
    rollout::{Base, Serving},
};
use headgate_engine as engine;

use crate::app::App;
use crate::dto::{self, IpcError, Said};
use crate::ship::{missing, permille, planned};

impl App {
    /// Derives what a promotion would sign, with the proof of equal bytes.
    pub async fn promote_prepare(
        &self,
        request: dto::PromoteRequest,
    ) -> Result<dto::PromotePlan, IpcError> {
        let workspace = self.console.workspace(&request.workspace).await?;
        let plan = self
            .console
            .promote_prepare(engine::PromoteRequest {
                workspace: request.workspace,
                unit: request.unit,
                build: request.build,
                from: request.from.clone(),
                to: request.to.clone(),
                permille: request.permille.map(permille).transpose()?,
            })
            .await?;
        let vault = self.console.vault_info(&workspace);
        let (roles, keys) = planned(&plan.planned);
        let release = crate::board::release(&engine::ReleaseInfo {
            native: native::summary(&plan.manifest.native),
            sha256: plan.manifest_sha256.clone(),
            files: 0,
            manifest: plan.manifest.clone(),
        });
        let replaces = match &plan.replaces {
            Some((version, build)) => format!("replaces {version}, build {build}"),
            None => "the first release here".into(),
        };
        Ok(dto::PromotePlan {
            from_says: stands(&plan.from, request.build),
            starts: starts(plan.permille),
            affected: affected(&plan, &request.to),
            from_sha256: plan.recomputed,
            to_sha256: plan.manifest.bundle.sha256.clone(),
            manifest: plan.manifest_sha256,
            recomputed: plan.at.to_string(),
            permille: plan.permille.into(),
            plan: plan.plan,
            from: request.from,
            to: request.to,
            release,
            replaces,
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
            type_to_confirm: plan.type_to_confirm,
        })
    }
}

fn stands(serving: &Serving, build: u32) -> String {
    if serving.release != Some(build) {
        return "The base, everyone outside the rollout has it".into();
    }
    match serving.state {
        RolloutState::RollingOut => format!("Rolling out {}", percent(serving.permille)),
        RolloutState::Halted => format!("Halted at {}", percent(serving.permille)),
        RolloutState::Complete | RolloutState::Superseded => "Complete 100 %".into(),
    }
}

fn starts(permille: u16) -> String {
    if permille >= 1000 {
        "Goes to 100 % at once".into()
    } else {
        format!("Starts at {}, then by hand", percent(permille))
    }
}

fn affected(plan: &engine::PromotePlan, to: &str) -> Vec<Said> {
    let said = |title: String, text: String| Said { title, text };
    let version = &plan.manifest.version;
    let mut list = Vec::new();
    let share = percent(plan.permille);
    if plan.permille >= 1000 {
        list.push(said(
            format!("All devices on {to}"),
            format!("get {version} at their next check"),
        ));
    } else {
        list.push(said(
            format!("{share} of the devices on {to}"),
            format!("get {version} first, a fixed random group"),
        ));
    }
    if let Some(now) = &plan.to {
        let unfinished = now.release.is_some()
            && matches!(now.state, RolloutState::RollingOut | RolloutState::Halted);
        match (&plan.replaces, unfinished) {
            (Some((old, _)), true) => {
                let at = percent(now.permille);
                list.push(said(
                    format!("{old} stops at {at}"),
                    format!("its devices stay on it until {version} reaches them"),
                ));
            }
            (Some((old, build)), false) if plan.permille < 1000 => {
                list.push(said(
                    "Everyone else".into(),
                    format!("keeps {old}, build {build}"),
                ));
            }
            _ if plan.permille < 1000 && now.base == Base::Embedded => {
                list.push(said(
                    "Everyone else".into(),
                    "stays on the embedded build".into(),
                ));
            }
            _ => {}
        }
    } else if plan.permille < 1000 {
        list.push(said(
            "Everyone else".into(),
            "keeps the embedded build".into(),
        ));
    }
    let native = native::summary(&plan.manifest.native);
    if plan.manifest.native.ios.is_some() || plan.manifest.native.android.is_some() {
        list.push(said(
            "Other native versions".into(),
            format!("are not offered it: {native}"),
        ));
    }
    match &plan.replaces {
        Some((old, _)) => list.push(said(
            "A way back stays".into(),
            format!("to {old} or the embedded build, at any percentage"),
        )),
        None => list.push(said(
            "A way back stays".into(),
            "to the embedded build, at any percentage".into(),
        )),
    }
    list
}
