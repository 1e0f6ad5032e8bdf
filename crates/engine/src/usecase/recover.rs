//! What an earlier run left unfinished is resumed or rolled forward at the next start.

use headgate_core::{Code, Problem, Result};

use crate::Action;
use crate::console::{Console, lock};
use crate::db::JobState;

/// Older work asks before it goes on: the world may have moved, and so may the person's mind. Seconds.
const ASK_AFTER: i64 = 600;

/// Age of a file in the work folder that nobody needs any more.
const LEFT_BEHIND: std::time::Duration = std::time::Duration::from_secs(24 * 3600);

impl Console {
    /// Takes up unfinished publishes of this home. Gives what was done, in words.
    ///
    /// # Errors
    /// `local.journal`. A job that cannot be resumed is recorded as failed, not returned.
    pub async fn recover(&self) -> Result<Vec<String>> {
        let now = self.inner.world.now();
        let mut words = Vec::new();
        for mut job in self.inner.journal.jobs().await?.into_iter().rev() {
            if job.state != JobState::Running || lock(&self.inner.live).contains_key(&job.id) {
                continue;
            }
            let Some(workspace) = self.inner.journal.workspace(&job.workspace).await? else {
                continue;
            };
            if now.unix() - job.touched.unix() > ASK_AFTER {
                // A long upload in another process is not left behind.
                if self.inner.adopt(job.clone())?.is_none() {
                    continue;
                }
                self.inner.release(&job.id);
                job.state = JobState::Waiting;
                job.error = Some(Problem::new(
                    Code::PublishOld,
                    format!("{} was interrupted at {}.", job.title, job.touched),
                ));
                self.inner.journal.save_job(&job).await?;
                words.push(format!(
                    "{}: interrupted at {}, waits for you.",
                    job.title, job.touched
                ));
                continue;
            }
            let (id, title) = (job.id.clone(), job.title.clone());
            // Another Headgate on this home may be at it right now, or may just have ended it.
            if !self.take_up(workspace, &id).await.unwrap_or(false) {
                continue;
            }
            match self.wait(&id).await {
                Ok(done) => {
                    let said = done.receipt.and_then(|r| r.recovered);
                    words.push(said.unwrap_or_else(|| {
                        format!("{title}: this start did it again from the beginning.")
                    }));
                }
                Err(problem) => words.push(format!("{title}: {}", problem.message)),
            }
        }
        if let Err(problem) = self.abort_orphans().await {
            tracing::warn!(%problem, "unfinished uploads were not looked at");
        }
        self.sweep().await;
        lock(&self.inner.recovered).extend(words.iter().cloned());
        if !words.is_empty() {
            self.inner.tell(crate::Happened::Recovered(words.clone()));
        }
        Ok(words)
    }

    /// Removes packed bundles that no unfinished job needs and that nobody touched for a day.
    async fn sweep(&self) {
        let Ok(jobs) = self.inner.journal.jobs().await else {
            return;
        };
        let open = jobs.iter().filter(|j| j.state != JobState::Done);
        let mut needed = std::collections::HashSet::new();
        for job in open {
            needed.insert(self.inner.home.clients(&job.id));
            if let Some(Action::Ship {
                bundle,
                inventory,
                files,
                ..
            }) = job.intent.as_ref().map(|i| &i.action)
            {
                needed.extend([bundle.clone(), inventory.clone()]);
                needed.extend(files.clone());
            }
        }
        let files = std::fs::read_dir(self.inner.home.work())
            .into_iter()
            .flatten()
            .flatten();
        for path in files.map(|f| f.path()).filter(|p| !needed.contains(p)) {
            let age = path
                .metadata()
                .and_then(|m| m.modified())
                .map(|m| m.elapsed().unwrap_or_default());
            if age.is_ok_and(|age| age > LEFT_BEHIND) {
                // What cannot be removed costs space alone.
                let _ = match path.is_dir() {
                    true => std::fs::remove_dir_all(&path),
                    false => std::fs::remove_file(&path),
                };
            }
        }
    }
}
