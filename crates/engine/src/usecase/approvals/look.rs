//! Looks into the private location that nobody asks for, so that what waits for a person comes to them by itself.

use headgate_core::{Problem, Result};
use headgate_tuf::UtcTime;

use super::proposals::{FOLDER, Taken, open};
use super::{ApprovalInfo, ProposalsRead, State};
use crate::Workspace;
use crate::console::{Console, Happened, Notice, NoticeKind, lock};
use crate::db::{ApprovalState, StoredApproval};

/// After a look that failed, seconds; doubled with each further one.
const AGAIN: i64 = 60;
/// Longest pause after looks that failed, seconds.
const LONGEST: i64 = 1_800;

/// The last look into a private location.
#[derive(Debug, Clone, Default)]
pub(crate) struct Look {
    /// What lay there, when all of it was understood: then the same names bring nothing new.
    names: Option<Vec<String>>,
    /// Looks that failed since the last good one.
    failures: u32,
    /// Nobody looks by themselves before this.
    wait_until: Option<UtcTime>,
    /// Why the last one failed.
    problem: Option<Problem>,
}

/// How old what is known of the private location is.
#[derive(Debug, Clone, Default)]
pub struct ProposalsSeen {
    /// When it was last read; nothing when it never was.
    pub at: Option<UtcTime>,
    /// Why the last look failed, when it did.
    pub problem: Option<Problem>,
}

impl Console {
    /// Reads proposals of others, and answers to own requests, because a person asks for it.
    ///
    /// # Errors
    /// `storage.*`, `trust.*`.
    pub async fn proposals_read(&self, workspace: &str) -> Result<ProposalsRead> {
        let workspace = self.workspace(workspace).await?;
        lock(&self.inner.looks).remove(&workspace.id);
        self.looked(&workspace).await.map(|taken| taken.read)
    }

    /// To be called now and then while a console is open: reads what is new in the private location, ends requests that
    /// were published elsewhere, and tells of what waits for this person. After a look that failed it pauses, longer
    /// each time, up to half an hour.
    ///
    /// # Errors
    /// `storage.*`, `trust.*`; [`Self::proposals_seen`] repeats them.
    pub async fn proposals_tend(&self, workspace: &str) -> Result<()> {
        let workspace = self.workspace(workspace).await?;
        let now = self.inner.world.now();
        let pausing = lock(&self.inner.looks)
            .get(&workspace.id)
            .and_then(|look| look.wait_until)
            .is_some_and(|until| until > now);
        if pausing {
            return Ok(());
        }
        let taken = self.looked(&workspace).await?;
        for info in taken.new.iter().filter(|info| info.mine) {
            let text = format!("{}, asked for by {}.", info.title, info.by);
            self.tell_waits(&workspace, info, "A request waits for your signature", text);
        }
        for id in &taken.complete {
            let info = self.approval(&workspace.id, id).await?.info;
            let text = format!("{}: it waits for you to publish it.", info.title);
            self.tell_waits(&workspace, &info, "Every signature is there", text);
        }
        Ok(())
    }

    /// When the private location was last read, and why not since.
    ///
    /// # Errors
    /// `usage.no_workspace`, `local.journal`.
    pub async fn proposals_seen(&self, workspace: &str) -> Result<ProposalsSeen> {
        let workspace = self.workspace(workspace).await?;
        let at = self.inner.journal.setting(&key(&workspace)).await?;
        let look = lock(&self.inner.looks).get(&workspace.id).cloned();
        Ok(ProposalsSeen {
            at: at.and_then(|at| at.parse().ok()).map(UtcTime::from_unix),
            problem: look.and_then(|look| look.problem),
        })
    }

    /// Another location was set: what is known of the one before says nothing about it.
    pub(super) async fn forget_looks(&self, workspace: &Workspace) -> Result<()> {
        lock(&self.inner.looks).remove(&workspace.id);
        self.inner.journal.set_setting(&key(workspace), "").await
    }

    /// Looks, and remembers how it went.
    async fn looked(&self, workspace: &Workspace) -> Result<Taken> {
        let result = self.look(workspace).await;
        if let Err(problem) = &result {
            let now = self.inner.world.now();
            let mut looks = lock(&self.inner.looks);
            let look = looks.entry(workspace.id.clone()).or_default();
            let pause = AGAIN.saturating_mul(1 << look.failures.min(8));
            look.failures += 1;
            look.wait_until = Some(now.plus(pause.min(LONGEST)));
            look.problem = Some(problem.clone());
        }
        result
    }

    async fn look(&self, workspace: &Workspace) -> Result<Taken> {
        let open_here = self.open_approvals(workspace).await?;
        let store = open(&self.inner, workspace).await?;
        let mut names = Vec::new();
        if let Some(store) = &store {
            names = store.list(FOLDER).await?;
            names.sort();
        }
        let known = lock(&self.inner.looks)
            .get(&workspace.id)
            .is_some_and(|look| look.names.as_ref() == Some(&names));
        let mut taken = Taken::default();
        let mut read = known;
        if (open_here || (store.is_some() && !known))
            && let Some(view) = self.view_of(workspace).await?
        {
            // Requests are listed against the cache: what is taken in now is judged by the roles of now.
            let cached = self.inner.cache.committed(&workspace.id).await?;
            if cached.get("timestamp") != Some(&view.timestamp.file) {
                self.read_into_cache(workspace).await?;
            }
            if let (Some(store), false) = (&store, known) {
                taken = self
                    .take_files(workspace, &view, store.as_ref(), &names)
                    .await;
                // What was not understood may be once the registry has moved on.
                read = taken.read.ignored.is_empty();
            }
            let ended = self.settle(workspace, &view).await?;
            if ended || taken.read.proposals + taken.read.answers > 0 {
                self.inner.tell(Happened::Board(workspace.id.clone()));
            }
        }
        if store.is_some() {
            let now = self.inner.world.now().unix().to_string();
            self.inner
                .journal
                .set_setting(&key(workspace), &now)
                .await?;
        }
        let look = Look {
            names: read.then_some(names),
            ..Look::default()
        };
        lock(&self.inner.looks).insert(workspace.id.clone(), look);
        Ok(taken)
    }

    async fn open_approvals(&self, workspace: &Workspace) -> Result<bool> {
        let all = self.inner.journal.approvals(&workspace.id).await?;
        let now = self.inner.world.now();
        let open = |a: &StoredApproval| a.state == ApprovalState::Open && a.expires > now;
        Ok(all.iter().any(open))
    }

    /// Ends requests whose bytes were published, here or on another console. Says whether there were any.
    async fn settle(&self, workspace: &Workspace, view: &headgate_registry::View) -> Result<bool> {
        let state = State::of(view)?;
        let mut ended = false;
        for mut stored in self.inner.journal.approvals(&workspace.id).await? {
            if stored.state != ApprovalState::Open {
                continue;
            }
            // One that cannot be read any more must not keep the others.
            let Ok((info, _)) = self.weigh(workspace, Some(&state), &stored, None).await else {
                continue;
            };
            if info.state == ApprovalState::Done {
                stored.state = info.state;
                self.inner.journal.save_approval(&stored).await?;
                ended = true;
            }
        }
        Ok(ended)
    }

    fn tell_waits(&self, workspace: &Workspace, info: &ApprovalInfo, title: &str, text: String) {
        let (unit, channel) = info.place.clone().unwrap_or_default();
        self.inner.tell(Happened::Notice(Box::new(Notice {
            workspace: workspace.id.clone(),
            unit,
            channel,
            kind: NoticeKind::Waits,
            title: title.to_owned(),
            text,
        })));
    }
}

fn key(workspace: &Workspace) -> String {
    format!("proposals_read.{}", workspace.id)
}
