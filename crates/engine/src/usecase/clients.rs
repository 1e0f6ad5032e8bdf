//! What stock plugins need: ids and keys in the settings, and making the artifacts of an approval inside its job.

use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use headgate_core::settings::ChannelRsa;
use headgate_core::{Platform, Problem, Result, RsaPublic, Settings};
use headgate_registry::{Store, View};
use zeroize::Zeroizing;

use super::publish::name;
use crate::Workspace;
use crate::clients::{self, CAPACITOR, Hand, IONIC, Made, Wanted};
use crate::console::{Console, Inner};
use crate::db::{ObjectState, Step};
use crate::keys::{self, OwnKeys};
use crate::publish::{Action, Draft, Intent, SettingsChange};
use crate::upload::Control;

/// How a channel gets its RSA key.
pub enum RsaOrigin {
    /// A new one.
    New,
    /// From a PEM file, PKCS#1 or PKCS#8, without a passphrase.
    Pem(Zeroizing<String>),
    /// One that the vault has already, imported from an exported file for example.
    Here(RsaPublic),
    /// One whose private half an offline workstation keeps: approvals of the channel are asked for there.
    Elsewhere(RsaPublic),
}

/// A channel's RSA key on this computer.
#[derive(Debug, Clone)]
pub struct RsaInfo {
    /// Its name for people.
    pub name: String,
    /// The key.
    pub public: RsaPublic,
    /// The vault has it; nothing when the vault could not be asked.
    pub here: Option<bool>,
}

impl Console {
    /// The settings of a workspace as they are signed now.
    ///
    /// # Errors
    /// `storage.*`, `trust.*`.
    pub async fn settings(&self, workspace: &str) -> Result<Settings> {
        let workspace = self.workspace(workspace).await?;
        let (_, view) = self.fresh(&workspace).await?;
        Ok(view.targets.meta.x.clone())
    }

    /// The RSA key of a channel; nothing when it has none.
    ///
    /// # Errors
    /// `storage.*`, `trust.*`.
    pub async fn channel_rsa(&self, workspace: &str, channel: &str) -> Result<Option<RsaInfo>> {
        let workspace = self.workspace(workspace).await?;
        let (_, view) = self.fresh(&workspace).await?;
        let channels = &view.targets.meta.x.channels;
        let known = channels.iter().find(|c| c.id.as_str() == channel);
        let Some(rsa) = known.and_then(|c| c.rsa.as_ref()) else {
            return Ok(None);
        };
        let public = RsaPublic::from_base64(&rsa.public)?;
        let asked = public.clone();
        let here = match self.inner.vault(&workspace).await {
            Ok(vault) => keys::call(&vault, move |v| v.has_rsa(&asked)).await.ok(),
            Err(_) => None,
        };
        Ok(Some(RsaInfo {
            name: rsa.name.clone(),
            public,
            here,
        }))
    }

    /// Puts an RSA key into the vault and signs that a channel's apps verify it, as a job. Approvals from then on are
    /// made with it.
    ///
    /// # Errors
    /// `key.file` for a PEM file that is no RSA key of 2048 bits, `usage.exists` when the channel has a key and
    /// `replace` is not set; `key.*`, `storage.*`.
    pub async fn set_channel_rsa(
        &self,
        workspace: &str,
        channel: &str,
        label: &str,
        origin: RsaOrigin,
        replace: bool,
    ) -> Result<String> {
        let known = self.workspace(workspace).await?;
        let channel = name("channel", channel)?;
        let (_, view) = self.fresh(&known).await?;
        // A key of its own channel that does not exist, or one more than wanted, must not be made first.
        super::ship::channel_settings(&view.targets.meta.x, &channel)?;
        let channels = &view.targets.meta.x.channels;
        let has = channels.iter().find(|c| c.id == channel);
        if let Some(old) = has.and_then(|c| c.rsa.as_ref()).filter(|_| !replace) {
            let what = format!("{channel} has the RSA key ‘{}’ already.", old.name);
            return Err(Problem::new(headgate_core::Code::UsageExists, what)
                .remedy("Apps pin it: another key needs a new version of the apps. If they have one, say so with --replace."));
        }
        let public = match origin {
            RsaOrigin::Elsewhere(public) => public,
            here => {
                let public = self.put_rsa(&known, label, here).await?;
                self.record_rsa(&known, &public, label).await?;
                public
            }
        };
        let rsa = ChannelRsa {
            name: label.to_owned(),
            public: public.to_base64(),
        };
        if has.is_some_and(|c| c.rsa.as_ref().is_some_and(|r| r.public == rsa.public)) {
            let what = "The channel has this key already.";
            return Err(Problem::new(headgate_core::Code::UsageExists, what)
                .holds("The channel keeps its key. One that was imported is in the vault now.")
                .remedy("Nothing more is to be done."));
        }
        let rsa = Some(rsa);
        self.change_settings(workspace, SettingsChange::Rsa { channel, rsa })
            .await
    }

    /// Puts an RSA key into the vault.
    async fn put_rsa(
        &self,
        workspace: &Workspace,
        label: &str,
        origin: RsaOrigin,
    ) -> Result<RsaPublic> {
        let vault = self.inner.new_vault(workspace).await?;
        let text = label.to_owned();
        match origin {
            RsaOrigin::New => keys::call(&vault, move |v| v.create_rsa(&text)).await,
            RsaOrigin::Pem(pem) => keys::call(&vault, move |v| v.import_rsa(&pem, &text)).await,
            RsaOrigin::Here(public) => {
                // Says why when the vault does not have it.
                let asked = public.clone();
                keys::call(&vault, move |v| v.open_rsa(&asked).map(drop)).await?;
                Ok(public)
            }
            RsaOrigin::Elsewhere(public) => Ok(public),
        }
    }

    /// Signs what devices call a unit, as a job. `id_kind` is `capacitor` or `ionic`.
    ///
    /// # Errors
    /// `usage.argument` for the kind or the id; `usage.exists`, `key.*`.
    pub async fn set_device_id(
        &self,
        workspace: &str,
        unit: &str,
        id_kind: &str,
        id: Option<&str>,
    ) -> Result<String> {
        if ![CAPACITOR, IONIC].contains(&id_kind) {
            let what = format!("{id_kind:?} is neither capacitor nor ionic.");
            let problem = Problem::new(headgate_core::Code::UsageArgument, what);
            return Err(problem.field("kind"));
        }
        let change = SettingsChange::DeviceId {
            unit: name("unit", unit)?,
            id_kind: id_kind.to_owned(),
            id: id.map(str::to_owned),
        };
        self.change_settings(workspace, change).await
    }

    /// Signs whether devices may move themselves to a channel, as a job.
    ///
    /// # Errors
    /// `usage.*`, `key.*`.
    pub async fn set_self_assign(
        &self,
        workspace: &str,
        channel: &str,
        allowed: bool,
    ) -> Result<String> {
        let channel = name("channel", channel)?;
        self.change_settings(workspace, SettingsChange::SelfAssign { channel, allowed })
            .await
    }

    /// Signs which build of a unit a native version embeds, as a job.
    ///
    /// # Errors
    /// `usage.*`, `key.*`.
    pub async fn set_embedded(
        &self,
        workspace: &str,
        unit: &str,
        platform: Platform,
        native: &str,
        build: Option<u32>,
    ) -> Result<String> {
        let change = SettingsChange::Embedded {
            unit: name("unit", unit)?,
            platform,
            native: native.to_owned(),
            build,
        };
        self.change_settings(workspace, change).await
    }
}

/// A job that makes what plugins need.
pub(super) struct Making<'a> {
    pub(super) inner: &'a Arc<Inner>,
    pub(super) store: &'a dyn Store,
    pub(super) id: &'a str,
    pub(super) control: &'a Control,
    pub(super) hand: Hand,
}

impl Making<'_> {
    /// The draft with what its plugins need, made now or taken over from `made` where it still fits.
    pub(super) async fn complete(
        &self,
        draft: Draft,
        view: &View,
        intent: &Intent,
        own: &OwnKeys,
        made: &mut Option<Made>,
    ) -> Result<Draft> {
        let Some(wanted) = &draft.wanted else {
            return Ok(draft);
        };
        let fits = |m: &Made| draft.release.as_ref().is_some_and(|r| m.is_of(wanted, r));
        let fresh = match made.take().filter(fits) {
            Some(known) => known,
            None => self.make(&draft, wanted).await?,
        };
        let world = &self.inner.world;
        let whole =
            crate::publish::draft(self.store, view, intent, own, world, Some(&fresh)).await?;
        *made = Some(fresh);
        Ok(whole)
    }

    /// Makes it anew below the work folder.
    pub(super) async fn make(&self, draft: &Draft, wanted: &Wanted) -> Result<Made> {
        let missing = || {
            let what = "The approval names no release.";
            Problem::new(headgate_core::Code::Internal, what)
        };
        let manifest = draft.release.clone().ok_or_else(missing)?;
        let channel = draft.intent.action.place().map(|(_, c)| c.to_string());
        let local = match (&draft.intent.action, &self.hand) {
            // What was signed elsewhere was uploaded when it was asked for, and may be gone here by now.
            (_, Hand::Elsewhere(_)) => None,
            (
                Action::Ship {
                    bundle,
                    inventory,
                    files,
                    ..
                },
                Hand::Vault(_),
            ) => Some((bundle.clone(), files.clone(), inventory.clone())),
            _ => None,
        };
        let folder = self.inner.home.clients(self.id);
        // Left by an earlier run: the steps that named its files were given up.
        let _ = std::fs::remove_dir_all(&folder);
        let stop = Arc::new(AtomicBool::new(false));
        let (inner, id) = (Arc::clone(self.inner), self.id.to_owned());
        let progress =
            move |done, total| inner.update(&id, false, |j| (j.done, j.total) = (done, total));
        let making = clients::Making {
            store: self.store,
            manifest,
            local,
            channel: channel.unwrap_or_default(),
            folder,
        };
        let hand = self.hand.clone();
        let work = clients::make(making, wanted, hand, Arc::clone(&stop), progress);
        tokio::pin!(work);
        tokio::select! {
            made = &mut work => made,
            problem = self.control.until_stopped() => {
                stop.store(true, Ordering::SeqCst);
                // Its threads must have ended before the job does.
                let _ = work.await;
                Err(problem)
            }
        }
    }
}

/// Whether files that a job made for plugins are gone, or were cut off by a power cut.
pub(super) fn lost(inner: &Inner, id: &str, steps: &[Step]) -> bool {
    let folder = inner.home.clients(id);
    let open = |s: &&Step| !matches!(s.state, ObjectState::Done | ObjectState::Skipped);
    let path = |s: &Step| s.path.clone().map(|p| (p, s.size));
    steps
        .iter()
        .filter(open)
        .filter_map(path)
        .filter(|(p, _)| Path::new(p).starts_with(&folder))
        .any(|(p, size)| std::fs::metadata(p).map_or(true, |m| m.len() != size))
}
