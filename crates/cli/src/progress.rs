//! Progress on stderr: one line that is redrawn on a terminal, a line for each phase elsewhere.

use std::collections::HashMap;
use std::future::Future;
use std::io::IsTerminal;
use std::time::{Duration, Instant};

use headgate_core::Code;
use headgate_engine::{Console, Happened, Job, JobState, Phase};

use crate::context::Context;
use crate::output::{bytes, note, redraw};

/// Between two lines of the same phase where lines cannot be redrawn.
const QUIET: Duration = Duration::from_secs(5);

/// Shows the jobs of this process while something is awaited. Ctrl-C stops what has not committed.
pub(crate) async fn during<T>(context: &Context, work: impl Future<Output = T>) -> T {
    let mut events = context.events.lock().await;
    let mut line = Line::new(context.json);
    let mut work = std::pin::pin!(work);
    loop {
        tokio::select! {
            // What happened is shown before what came of it.
            biased;
            event = events.recv() => {
                if let Ok(Happened::Job(job)) = event {
                    line.show(&job);
                }
            }
            result = &mut work => {
                while let Ok(event) = events.try_recv() {
                    if let Happened::Job(job) = event {
                        line.show(&job);
                    }
                }
                line.end();
                return result;
            }
            _ = tokio::signal::ctrl_c() => {
                line.end();
                stop(&context.console).await;
            }
        }
    }
}

async fn stop(console: &Console) {
    for job in console.running_jobs() {
        match console.cancel_job(&job.id).await {
            Ok(()) => note(&format!("Stopping: {}", job.title)),
            Err(problem) if problem.code == Code::JobCommitted => {
                note(&format!("{} It is only being read back.", problem.message));
            }
            Err(problem) => note(&problem.message),
        }
    }
}

struct Line {
    /// With `--json` stderr is kept for errors, unless a person watches.
    shown: bool,
    redraws: bool,
    drawn: bool,
    last: HashMap<String, (Phase, Instant)>,
}

impl Line {
    fn new(json: bool) -> Self {
        let redraws = std::io::stderr().is_terminal();
        Self {
            shown: redraws || !json,
            redraws,
            drawn: false,
            last: HashMap::new(),
        }
    }

    fn show(&mut self, job: &Job) {
        if !self.shown || job.state != JobState::Running {
            return;
        }
        if self.redraws {
            self.drawn = true;
            return redraw(&text(job));
        }
        let now = Instant::now();
        let due = match self.last.get(&job.id) {
            Some((phase, at)) => *phase != job.phase || now.duration_since(*at) >= QUIET,
            None => true,
        };
        if due {
            self.last.insert(job.id.clone(), (job.phase, now));
            note(&text(job));
        }
    }

    fn end(&mut self) {
        if std::mem::take(&mut self.drawn) {
            redraw("");
        }
    }
}

fn text(job: &Job) -> String {
    let phase = match job.phase {
        Phase::Read => "reading",
        Phase::Pack => "packing",
        Phase::Inspect => "inspecting",
        Phase::Wait => "waiting, can be undone",
        Phase::Sign => "signing",
        Phase::Upload => "uploading",
        Phase::Publish => "publishing",
        Phase::ReadBack => "reading back",
        Phase::Mirror => "bringing mirrors up to date",
        Phase::Done => "done",
    };
    if job.total == 0 {
        return format!("{}: {phase}", job.title);
    }
    let part = u128::from(job.done) * 100 / u128::from(job.total);
    let speed = if job.speed > 0 {
        format!(", {}/s", bytes(job.speed))
    } else {
        String::new()
    };
    format!(
        "{}: {phase} {part} % of {}{speed}",
        job.title,
        bytes(job.total)
    )
}
