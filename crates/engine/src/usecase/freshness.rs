//! What an open console does by itself about ends of signatures: it renews freshness, and tells of the rest in time.

use std::collections::BTreeSet;

use headgate_core::Result;
use headgate_core::signing::SigningRequest;
use headgate_signer::AnyKey;
use headgate_tuf::{RoleName, policy};

use super::approvals::REQUEST_LIFETIME;
use super::keys::RoleExpiry;
use crate::Workspace;
use crate::console::{Console, Happened, Notice, NoticeKind, lock};
use crate::db::{ApprovalState, JobState, Reading};
use crate::keys;
use crate::trust::Trust;

/// Between two tries to sign freshness without being asked, seconds.
const AGAIN: i64 = 3600;

impl Console {
    /// To be called now and then while a console is open: signs freshness again when half of its lifetime has passed,
    /// and tells once of each signature that is about to end. Never asks for a passphrase.
    ///
    /// # Errors
    /// `local.*`; `storage.*` and `trust.*` when freshness should be signed and storage cannot be read.
    pub async fn tend(&self, workspace: &str) -> Result<()> {
        let job = self.keep_fresh(workspace).await;
        let renewing = matches!(job, Ok(Some(_)));
        self.tell_of_ends(workspace, renewing).await?;
        job.map(drop)
    }

    /// Signs freshness again as a job when between half and all of its lifetime has passed and this computer has the
    /// keys for it. Nothing else is done by itself: expired freshness may be an old state that somebody put back, so a
    /// person has to look at it.
    ///
    /// # Errors
    /// As [`Self::tend`].
    pub async fn keep_fresh(&self, workspace: &str) -> Result<Option<String>> {
        let workspace = self.workspace(workspace).await?;
        let reading = self.inner.cache.reading(&workspace.id).await?;
        if !self.due(&reading) || self.inner.busy(&workspace.id) || self.tried(&workspace.id) {
            return Ok(None);
        }
        let Some(trust) = &reading.trust else {
            return Ok(None);
        };
        if !self.can_sign_freshness(&workspace, trust).await? {
            return Ok(None);
        }
        // What is signed as current must be what is there now, and another console may have renewed it meanwhile.
        self.sync(&workspace.id).await?;
        let reading = self.inner.cache.reading(&workspace.id).await?;
        if !self.due(&reading) {
            return Ok(None);
        }
        let leave = self.waited_for(&workspace, &reading).await?;
        self.refresh_but(workspace, leave).await.map(Some)
    }

    /// Roles that are due for renewal and that an open request is about. A new version of them would take away what
    /// others have signed, so they keep theirs, unless they end before such a request would.
    async fn waited_for(
        &self,
        workspace: &Workspace,
        reading: &Reading,
    ) -> Result<BTreeSet<String>> {
        let now = self.inner.world.now();
        let mut asked = BTreeSet::new();
        for approval in self.inner.journal.approvals(&workspace.id).await? {
            if approval.state != ApprovalState::Open || approval.expires <= now {
                continue;
            }
            // One that cannot be read cannot be signed either.
            if let Ok(request) = SigningRequest::parse(&approval.request) {
                asked.extend(request.roles.into_iter().map(|asked| asked.role));
            }
        }
        let roles = reading.trust.iter().flat_map(|trust| &trust.roles);
        let kept = roles.filter(|known| {
            let due = RoleName::parse(&known.role)
                .is_ok_and(|role| policy::used_permille(&role, known.expires, now) >= policy::HALF);
            due && asked.contains(&known.role) && known.expires > now.plus(REQUEST_LIFETIME)
        });
        Ok(kept.map(|known| known.role.clone()).collect())
    }

    /// Between half and all of the lifetime of what was read has passed.
    fn due(&self, reading: &Reading) -> bool {
        let now = self.inner.world.now();
        let used = |expires| policy::used_permille(&RoleName::Timestamp, expires, now);
        let level = reading.expires.map(|expires| policy::level(used(expires)));
        reading.offline.is_none()
            && matches!(level, Some(policy::Level::Half | policy::Level::Late))
    }

    /// Whether it was tried within the last hour; from now on it was.
    fn tried(&self, workspace: &str) -> bool {
        let now = self.inner.world.now();
        let mut tried = lock(&self.inner.freshened);
        let recent = tried
            .get(workspace)
            .is_some_and(|at| (0..AGAIN).contains(&(now.unix() - at.unix())));
        if !recent {
            tried.insert(workspace.to_owned(), now);
        }
        recent
    }

    async fn can_sign_freshness(&self, workspace: &Workspace, trust: &Trust) -> Result<bool> {
        let retired = self.inner.journal.care(&workspace.id).await?;
        let mut own = self.own(workspace).await?;
        own.retain(|key| {
            retired
                .get(&key.id)
                .is_none_or(|care| care.retired.is_none())
        });
        for role in ["snapshot", "timestamp"] {
            let Some(role) = trust.role(role) else {
                return Ok(false);
            };
            own.retain(|key| role.keys.contains(&key.id));
            if own.len() < role.threshold as usize {
                return Ok(false);
            }
        }
        // A vault that is locked or asks for a passphrase is left alone: nobody sits here to answer.
        let Ok(vault) = self.inner.vault(workspace).await else {
            return Ok(false);
        };
        if keys::call(&vault, |v| v.probe()).await.is_err() {
            return Ok(false);
        }
        for key in own {
            if let AnyKey::Ed25519(public) = key.key
                && !keys::call(&vault, move |v| v.has(&public))
                    .await
                    .unwrap_or(false)
            {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// Tells of each signature of which four fifths have passed, once for each of its ends.
    async fn tell_of_ends(&self, workspace: &str, renewing: bool) -> Result<()> {
        let reading = self.inner.cache.reading(workspace).await?;
        let Some(trust) = &reading.trust else {
            return Ok(());
        };
        let now = self.inner.world.now();
        for role in super::keys::expiries(trust, reading.settings.as_ref(), now) {
            if role.level < policy::Level::Late || (renewing && role.role == "freshness") {
                continue;
            }
            let name = format!("notice.expiry.{workspace}.{}", role.role);
            let value = format!("{} {}", role.expires, role.level.as_str());
            if self.inner.journal.setting(&name).await?.as_deref() == Some(value.as_str()) {
                continue;
            }
            self.inner.journal.set_setting(&name, &value).await?;
            let notice = notice(workspace, &role, now);
            self.inner.tell(Happened::Notice(Box::new(notice)));
        }
        Ok(())
    }
}

fn notice(workspace: &str, role: &RoleExpiry, now: headgate_tuf::UtcTime) -> Notice {
    let over = role.level == policy::Level::Over;
    let one = matches!(role.label.as_str(), "Root" | "Freshness");
    let (ended, ends) = if one {
        ("has ended", "ends")
    } else {
        ("have ended", "end")
    };
    let days = (role.expires.unix() - now.unix()).max(0) / 86_400;
    let when = match days {
        0 => "within a day".to_owned(),
        1 => "in 1 day".to_owned(),
        days => format!("in {days} days"),
    };
    let title = if over {
        format!("{} {ended}", role.label)
    } else {
        format!("{} {ends} {when}", role.label)
    };
    let then = match role.role.as_str() {
        "root" | "targets" => "An owner signs them anew.",
        "freshness" => "Refresh it with a key that may sign it.",
        _ => "Shipping, promoting or changing the rollout signs them anew.",
    };
    let end: String = role.expires.to_string().chars().take(10).collect();
    let text = if over {
        format!("Devices keep what they run and take no update. {then}")
    } else {
        format!("From {end} on devices keep what they run and take no update. {then}")
    };
    let place = RoleName::parse(&role.role).ok();
    let place = place.as_ref().and_then(RoleName::place);
    Notice {
        workspace: workspace.to_owned(),
        unit: place.map(|(unit, _)| unit.to_string()).unwrap_or_default(),
        channel: place
            .map(|(_, channel)| channel.to_string())
            .unwrap_or_default(),
        kind: NoticeKind::Expiring,
        title,
        text,
    }
}

impl crate::console::Inner {
    /// A job works on this workspace.
    fn busy(&self, workspace: &str) -> bool {
        lock(&self.live)
            .values()
            .any(|live| live.job.state == JobState::Running && live.job.workspace == workspace)
    }
}
