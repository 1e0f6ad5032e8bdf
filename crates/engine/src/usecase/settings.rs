//! Settings of a workspace: what a change would sign, and the defaults of channels.

use headgate_core::Result;
use headgate_core::settings::ChannelSettings;
use headgate_registry::{Store, View};

use super::publish::name;
use super::ship::channel_settings;
use crate::Workspace;
use crate::console::Console;
use crate::publish::{Action, ChannelDefaults, Planned, SettingsChange};

/// What a change of settings would sign.
#[derive(Debug, Clone)]
pub struct SettingsPlan {
    /// Handle of the plan.
    pub plan: String,
    /// Roles and keys.
    pub planned: Planned,
    /// What must be typed.
    pub type_to_confirm: Option<String>,
    /// For a channel: what its settings say now.
    pub channel: Option<ChannelSettings>,
}

impl Console {
    /// Derives what a change of a channel's defaults would sign. Signs and writes nothing; [`Self::start_plan`] starts it.
    ///
    /// # Errors
    /// `usage.unknown` for the channel, `usage.argument` for a value, `usage.exists` when it is so already; `storage.*`,
    /// `trust.*`.
    pub async fn channel_prepare(
        &self,
        workspace: &str,
        channel: &str,
        set: ChannelDefaults,
    ) -> Result<SettingsPlan> {
        let workspace = self.workspace(workspace).await?;
        let channel = name("channel", channel)?;
        let (store, view) = self.fresh(&workspace).await?;
        // What protects a channel is not taken away with less than what the channel itself asks for.
        let (_, typed) = channel_settings(&view.targets.meta.x, &channel)?;
        let mut channels = view.targets.meta.x.channels.iter();
        let now = channels.find(|c| c.id == channel).cloned();
        let action = Action::Settings {
            change: SettingsChange::Channel { channel, set },
        };
        let plan = self.settings_plan(&workspace, &view, store.as_ref(), action, typed);
        Ok(SettingsPlan {
            channel: now,
            ..plan.await?
        })
    }

    /// Signs how a person confirms what reaches a channel and what its new rollouts begin with, as a job.
    ///
    /// # Errors
    /// `usage.*`, `key.*`.
    pub async fn set_channel(
        &self,
        workspace: &str,
        channel: &str,
        set: ChannelDefaults,
    ) -> Result<String> {
        let channel = name("channel", channel)?;
        self.change_settings(workspace, SettingsChange::Channel { channel, set })
            .await
    }

    /// What an action on the settings would sign.
    pub(super) async fn settings_plan(
        &self,
        workspace: &Workspace,
        view: &View,
        store: &dyn Store,
        action: Action,
        typed: Option<String>,
    ) -> Result<SettingsPlan> {
        let (plan, _, planned) = self
            .plan(workspace, view, store, action, String::new(), typed.clone())
            .await?;
        Ok(SettingsPlan {
            plan,
            planned,
            type_to_confirm: typed,
            channel: None,
        })
    }

    /// Refused here rather than in the job, so that the caller is told at once.
    pub(super) async fn change_settings(
        &self,
        workspace: &str,
        change: SettingsChange,
    ) -> Result<String> {
        let workspace = self.workspace(workspace).await?;
        let (_, view) = self.fresh(&workspace).await?;
        change.apply(&view.targets.meta.x)?;
        let intent = self.intent(&view, Action::Settings { change }, String::new());
        self.start_publish(workspace, intent).await
    }
}
