//! Changing what a channel serves, and signing freshness again.

use std::collections::BTreeSet;

use headgate_core::{Code, Problem, Result, RolloutDocument, text::one_line};
use headgate_registry::documents;

use super::publish::name;
use super::ship::channel_settings;
use crate::Workspace;
use crate::console::Console;
use crate::publish::{Action, Intent, Planned, RolloutChange, draft};

/// What a change of a rollout would sign.
#[derive(Debug, Clone)]
pub struct RolloutPlan {
    /// Handle of the plan.
    pub plan: String,
    /// What the channel serves; nothing before the first release.
    pub before: Option<RolloutDocument>,
    /// What it would serve.
    pub after: RolloutDocument,
    /// Roles and keys.
    pub planned: Planned,
    /// What must be typed.
    pub type_to_confirm: Option<String>,
}

impl Console {
    /// Derives what a change of a rollout would sign. Signs and writes nothing; [`Self::start_plan`] starts it.
    ///
    /// # Errors
    /// `rollout.*`, `release.*`, `usage.*`, `storage.*`, `trust.*`.
    pub async fn rollout_prepare(
        &self,
        workspace: &str,
        unit: &str,
        channel: &str,
        change: RolloutChange,
        reason: &str,
    ) -> Result<RolloutPlan> {
        let workspace = self.workspace(workspace).await?;
        let (unit, channel) = (name("unit", unit)?, name("channel", channel)?);
        let (store, view) = self.fresh(&workspace).await?;
        let (_, typed) = channel_settings(&view.targets.meta.x, &channel)?;
        let typed = typed.filter(|_| !change.stops());
        let before = documents::channel(store.as_ref(), &view, &unit, &channel)
            .await?
            .rollout;
        let action = Action::Rollout {
            unit,
            channel,
            change,
        };
        let reason = one_line(reason, 500);
        let (plan, drafted, planned) = self
            .plan(
                &workspace,
                &view,
                store.as_ref(),
                action,
                reason,
                typed.clone(),
            )
            .await?;
        Ok(RolloutPlan {
            plan,
            before,
            after: drafted.rollout()?,
            planned,
            type_to_confirm: typed,
        })
    }

    /// Changes what a channel serves, as a job. On the command line the arguments are the confirmation.
    ///
    /// # Errors
    /// `rollout.*`, `release.*`.
    pub async fn rollout(
        &self,
        workspace: &str,
        unit: &str,
        channel: &str,
        change: RolloutChange,
        reason: &str,
    ) -> Result<String> {
        let workspace = self.workspace(workspace).await?;
        let (unit, channel) = (name("unit", unit)?, name("channel", channel)?);
        let (store, view) = self.fresh(&workspace).await?;
        channel_settings(&view.targets.meta.x, &channel)?;
        let intent = self.intent(
            &view,
            Action::Rollout {
                unit,
                channel,
                change,
            },
            one_line(reason, 500),
        );
        // Refused here rather than in the job, so that the caller is told at once.
        let own = self.inner.own_keys(&workspace.id).await?;
        draft(
            store.as_ref(),
            &view,
            &intent,
            &own,
            &self.inner.world,
            None,
        )
        .await?;
        self.start_publish(workspace, intent).await
    }

    /// Refuses when freshness has expired. A job that runs by itself must not sign an old state as current:
    /// somebody may have put it back, and a new home has not seen the newer one.
    ///
    /// # Errors
    /// `trust.expired`; `storage.*`, `trust.*`.
    pub async fn check_fresh(&self, workspace: &str) -> Result<()> {
        let workspace = self.workspace(workspace).await?;
        let (_, view) = self.fresh(&workspace).await?;
        if !view.stale(self.inner.world.now()) {
            return Ok(());
        }
        let signed = view.snapshot.meta.x.at;
        let what = format!("Freshness has expired; what is there was signed at {signed}.");
        Err(Problem::new(Code::TrustExpired, what).remedy(
            "Look at headgate log. If this is the newest state, run headgate refresh --expired.",
        ))
    }

    /// Signs freshness again, as a job; also when it has expired: the caller has seen what it signs.
    ///
    /// # Errors
    /// `key.*`, `storage.*`.
    pub async fn refresh(&self, workspace: &str) -> Result<String> {
        let workspace = self.workspace(workspace).await?;
        self.refresh_but(workspace, Default::default()).await
    }

    /// As [`Self::refresh`], but these roles keep their version.
    pub(super) async fn refresh_but(
        &self,
        workspace: Workspace,
        leave: BTreeSet<String>,
    ) -> Result<String> {
        let intent = Intent {
            by: self.inner.person.clone(),
            reason: String::new(),
            action: Action::Refresh { leave },
            base: Default::default(),
            collected: Default::default(),
            wait: 0,
        };
        self.start_publish(workspace, intent).await
    }
}
