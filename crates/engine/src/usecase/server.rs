//! The update server of a workspace: the link to its admin listener, its counts, one install, and the nudge.

use std::sync::Arc;

use headgate_core::status::{ChannelStatus, InstallReport, StatusPage};
use headgate_core::{Code, Problem, Result};
use headgate_tuf::UtcTime;
use serde::{Deserialize, Serialize};
use zeroize::Zeroizing;

use crate::Workspace;
use crate::admin::{Admin, address};
use crate::console::{Console, Happened, Inner, Notice, NoticeKind, lock};
use crate::db::{CountsReading, OfflineReason};
use crate::keys;

/// Cells that are asked for at once.
const PAGE: usize = 2_000;
/// Most pages of one sync; the next one goes on where it ended.
const MAX_PAGES: usize = 5_000;

/// The link as the journal keeps it. The token is in the vault.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Link {
    url: String,
    #[serde(default)]
    public_url: Option<String>,
}

/// The update server of a workspace.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ServerLink {
    /// Address of its admin listener; nothing when none is connected.
    pub url: Option<String>,
    /// Address that devices ask, where it is known.
    pub public_url: Option<String>,
    /// There is a token for it.
    pub token: bool,
    /// It runs inside this process, for the sandbox.
    pub own: bool,
}

/// How old the counts of a workspace are.
#[derive(Debug, Clone, Default)]
pub struct ServerReading {
    /// An update server is connected.
    pub linked: bool,
    /// When it made what is known.
    pub as_of: Option<UtcTime>,
    /// Why it could not be read the last time.
    pub problem: Option<Problem>,
}

impl Console {
    /// The update server of a workspace. Asks nobody and opens no vault.
    ///
    /// # Errors
    /// `usage.no_workspace`, `local.*`.
    pub async fn server_link(&self, workspace: &str) -> Result<ServerLink> {
        let workspace = self.workspace(workspace).await?;
        if let Some(own) = self.inner.own_server(&workspace.id) {
            return Ok(own);
        }
        let Some(link) = self.inner.link(&workspace.id).await? else {
            return Ok(ServerLink::default());
        };
        let reading = self.inner.cache.counts_reading(&workspace.id).await?;
        Ok(ServerLink {
            url: Some(link.url),
            public_url: link.public_url.or(reading.public_url),
            token: true,
            own: false,
        })
    }

    /// Connects an update server: asks it once, then puts the token into the vault and its counts into the cache.
    /// Without a token the one that is in the vault stays.
    ///
    /// # Errors
    /// `server.*` when it does not answer as one; nothing is kept then. `key.*` for the vault.
    pub async fn server_connect(
        &self,
        workspace: &str,
        url: &str,
        token: Option<Zeroizing<String>>,
        public_url: Option<String>,
    ) -> Result<ServerLink> {
        let workspace = self.workspace(workspace).await?;
        if self.inner.own_server(&workspace.id).is_some() {
            let what = "The sandbox has an update server of its own.";
            return Err(Problem::new(Code::UsageArgument, what).field("url"));
        }
        let url = address(url)?;
        let public_url = public_url.map(|u| public(&u)).transpose()?;
        let given = token.filter(|t| !t.is_empty());
        let new = given.is_some();
        let token = match given {
            Some(token) => token,
            None => self.inner.token(&workspace, url.as_str()).await?,
        };
        let admin = Arc::new(Admin::new(url.clone(), token.clone())?);
        let app = self.inner.identity(&workspace).await?;
        admin.status(&app, 0, 1).await?;
        if new {
            let vault = self.inner.new_vault(&workspace).await?;
            let name = secret_name(&workspace.id, url.as_str());
            keys::call(&vault, move |v| v.put_secret(&name, &token)).await?;
        }
        let before = self.inner.link(&workspace.id).await?;
        let link = Link {
            url: url.to_string(),
            public_url,
        };
        let text = serde_json::to_string(&link)
            .map_err(|e| Problem::new(Code::Internal, e.to_string()))?;
        self.inner
            .journal
            .set_setting(&setting(&workspace.id), &text)
            .await?;
        if before.is_some_and(|b| b.url != link.url) {
            self.inner.cache.forget_counts(&workspace.id).await?;
        }
        lock(&self.inner.servers).insert(workspace.id.clone(), admin);
        self.sync_counts(&workspace.id).await?;
        self.server_link(&workspace.id).await
    }

    /// How old the counts of a workspace are. Asks nobody.
    ///
    /// # Errors
    /// `local.*`.
    pub async fn server_reading(&self, workspace: &str) -> Result<ServerReading> {
        let linked = self.inner.own_server(workspace).is_some()
            || self.inner.link(workspace).await?.is_some();
        let reading = self.inner.cache.counts_reading(workspace).await?;
        Ok(ServerReading {
            linked,
            as_of: reading.as_of,
            problem: reading.offline.filter(|_| linked).map(|o| o.problem()),
        })
    }

    /// Reads what the update server counted since the last time, page by page. Without a server nothing happens. When
    /// the server cannot be read, what is known stays and says so.
    ///
    /// # Errors
    /// `server.*`, `key.*` for the token, `local.*`; also recorded for the screens.
    pub async fn sync_counts(&self, workspace: &str) -> Result<()> {
        let workspace = self.workspace(workspace).await?;
        let before = self.inner.cache.counts_reading(&workspace.id).await?;
        let result = match self.inner.admin(&workspace).await {
            Ok(None) => return Ok(()),
            Ok(Some(admin)) => self.read_counts(&workspace, &admin, &before).await,
            Err(problem) => Err(problem),
        };
        let changed = match &result {
            Ok(changed) => *changed || before.offline.is_some(),
            Err(problem) => {
                let reason = OfflineReason::of(problem);
                let news = before.offline.as_ref() != Some(&reason);
                if news {
                    self.inner
                        .cache
                        .set_counts_offline(&workspace.id, &reason)
                        .await?;
                }
                news
            }
        };
        if changed {
            self.inner.tell(Happened::Board(workspace.id.clone()));
        }
        result.map(drop)
    }

    /// Says whether anything changed that a screen shows: figures, or the minute of their age.
    async fn read_counts(
        &self,
        workspace: &Workspace,
        admin: &Admin,
        before: &CountsReading,
    ) -> Result<bool> {
        let cache = &self.inner.cache;
        let app = self.inner.identity(workspace).await?;
        let was = cache.channel_status(&workspace.id).await?;
        let mut epoch = before.epoch.clone();
        let mut cursor = before.cursor;
        let mut changed = false;
        let mut again = 0;
        for _ in 0..MAX_PAGES {
            let page = admin.status(&app, cursor, PAGE).await?;
            // Another database, or this one as it was before: what is known of it does not fit any more.
            let other = epoch.as_ref().is_some_and(|e| *e != page.epoch);
            if other || page.next < cursor {
                again += 1;
                if again > 1 {
                    let what = "The update server changes its database with every answer.";
                    return Err(Problem::new(Code::ServerMalformed, what));
                }
                cache.forget_counts(&workspace.id).await?;
                (epoch, cursor, changed) = (Some(page.epoch), 0, true);
                continue;
            }
            epoch = Some(page.epoch.clone());
            cursor = page.next;
            cache.store_page(&workspace.id, &page).await?;
            changed |= !page.cells.is_empty();
            if !page.more {
                changed |= page.channels != was
                    || minute(page.as_of) != before.as_of.map(minute).unwrap_or(0);
                self.tell_stops(workspace, &was, &page).await?;
                return Ok(changed);
            }
        }
        Ok(changed)
    }

    /// Tells of gates that stopped a rollout since the last page.
    async fn tell_stops(
        &self,
        workspace: &Workspace,
        was: &[ChannelStatus],
        page: &StatusPage,
    ) -> Result<()> {
        for status in &page.channels {
            let Some(gate) = status.gate.as_ref().filter(|g| g.tripped.is_some()) else {
                continue;
            };
            let known = was.iter().any(|w| {
                w.unit == status.unit
                    && w.channel == status.channel
                    && w.gate.as_ref().is_some_and(|g| {
                        g.tripped.is_some() && (g.build, g.opened) == (gate.build, gate.opened)
                    })
            });
            if known {
                continue;
            }
            let name = self
                .inner
                .cache
                .channels(&workspace.id)
                .await?
                .iter()
                .filter(|c| c.channel == status.channel.as_str())
                .flat_map(|c| &c.approvals)
                .find(|a| a.manifest.build == gate.build)
                .map_or_else(
                    || format!("Build {}", gate.build),
                    |a| a.manifest.version.clone(),
                );
            let channel = &status.channel;
            self.inner.tell(Happened::Notice(Box::new(Notice {
                workspace: workspace.id.clone(),
                unit: status.unit.to_string(),
                channel: channel.to_string(),
                kind: NoticeKind::StoppedByGate,
                title: format!("{name} stopped itself on {channel}"),
                text: format!(
                    "{} of {} attempts did not start. The server offers it to no new device. Halt it, so that this is signed.",
                    gate.failures, gate.sample
                ),
            })));
        }
        Ok(())
    }

    /// All that the update server knows of an install in a unit.
    ///
    /// # Errors
    /// `server.*`; `usage.argument` for what is no install id.
    pub async fn install(
        &self,
        workspace: &str,
        unit: &str,
        id: &str,
    ) -> Result<Vec<InstallReport>> {
        let workspace = self.workspace(workspace).await?;
        let admin = self.inner.admin(&workspace).await?.ok_or_else(none)?;
        let app = self.inner.identity(&workspace).await?;
        let mut reports = admin.install(&app, id).await?;
        reports.retain(|r| r.place.unit.as_str() == unit);
        Ok(reports)
    }

    /// Asks the update server to read the registry now. Best effort: it looks by itself soon.
    pub(crate) async fn nudge(&self, workspace: &Workspace) {
        let nudge = async {
            let Some(admin) = self.inner.admin(workspace).await? else {
                return Ok(());
            };
            let app = self.inner.identity(workspace).await?;
            admin.nudge(&app).await
        };
        let nudged: Result<()> = nudge.await;
        if let Err(problem) = nudged {
            tracing::debug!(%problem, "the update server was not told of a publish");
        }
    }
}

impl Inner {
    /// What the server is asked for: the identity of the registry, since two may be of one app. Before storage was read
    /// the app identifier alone is known.
    async fn identity(&self, workspace: &Workspace) -> Result<String> {
        let settings = self.cache.reading(&workspace.id).await?.settings;
        Ok(settings.map_or_else(|| workspace.app.clone(), |s| s.header.workspace))
    }

    pub(crate) async fn link(&self, workspace: &str) -> Result<Option<Link>> {
        let Some(text) = self.journal.setting(&setting(workspace)).await? else {
            return Ok(None);
        };
        serde_json::from_str(&text).map(Some).map_err(|e| {
            let what = format!("The update server of {workspace} cannot be read: {e}.");
            Problem::new(Code::LocalJournal, what)
        })
    }

    async fn token(&self, workspace: &Workspace, url: &str) -> Result<Zeroizing<String>> {
        let missing = || {
            let what = format!("There is no admin token for {url} in the vault.");
            Problem::new(Code::ServerRefused, what).field("token")
        };
        // A passphrase file that does not exist holds nothing; it is not made for a question.
        let vault = self.vault(workspace).await?;
        let name = secret_name(&workspace.id, url);
        keys::call(&vault, move |v| v.secret(&name))
            .await?
            .ok_or_else(missing)
    }

    /// The linked server, with its token. It is kept: the vault is not asked every few seconds.
    async fn admin(&self, workspace: &Workspace) -> Result<Option<Arc<Admin>>> {
        if let Some(known) = lock(&self.servers).get(&workspace.id) {
            return Ok(Some(Arc::clone(known)));
        }
        let Some(link) = self.link(&workspace.id).await? else {
            return Ok(None);
        };
        let token = self.token(workspace, &link.url).await?;
        let admin = Arc::new(Admin::new(address(&link.url)?, token)?);
        lock(&self.servers).insert(workspace.id.clone(), Arc::clone(&admin));
        Ok(Some(admin))
    }
}

fn none() -> Problem {
    Problem::new(Code::ServerNone, "No update server is connected.")
}

fn setting(workspace: &str) -> String {
    format!("server:{workspace}")
}

fn secret_name(workspace: &str, url: &str) -> String {
    format!("server:{workspace}:{url}")
}

fn minute(at: UtcTime) -> i64 {
    at.unix() / 60
}

/// An address that devices ask.
fn public(text: &str) -> Result<String> {
    let bad = || {
        let what = "The public address of the update server is not an http or https address.";
        Problem::new(Code::ServerAddress, what).field("public_url")
    };
    let url = reqwest::Url::parse(text.trim()).map_err(|_| bad())?;
    let plain = url.username().is_empty() && url.password().is_none() && url.query().is_none();
    if !matches!(url.scheme(), "http" | "https") || !plain {
        return Err(bad());
    }
    Ok(url.as_str().trim_end_matches('/').to_owned())
}
