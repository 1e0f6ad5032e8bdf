//! What an earlier run left unfinished is resumed or rolled forward at the next start.

use headgate_core::{Code, Problem, Result};

use crate::console::{Console, lock};
use crate::db::JobState;

/// Older work asks before it goes on: the world may have moved, and so may the person's mind. Seconds.
const ASK_AFTER: i64 = 600;

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
            // Another Headgate on this home may be at it right now.
            if self.run_job(workspace, job).is_err() {
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
        lock(&self.inner.recovered).extend(words.iter().cloned());
        if !words.is_empty() {
            self.inner.tell(crate::Happened::Recovered(words.clone()));
        }
        Ok(words)
    }
}
