//! The one task that writes. What waits becomes one transaction.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use headgate_core::Result;
use headgate_registry::HighWater;
use headgate_tuf::UtcTime;
use sqlx::SqliteConnection;
use tokio::sync::{mpsc, oneshot};
use tokio::time::{Instant, timeout_at};

use super::names::Names;
use super::{store, tidy};
use crate::telemetry::recent::{Mark, Recent};
use crate::telemetry::words::NetworkKey;
use crate::telemetry::{Counters, Report, Seen};

/// Longest time that a check-in waits for others.
const LINGER: Duration = Duration::from_millis(100);
/// The same where someone waits for an acknowledgement. While one batch is written the next one gathers, so under load
/// nobody waits for this.
const LINGER_REPORT: Duration = Duration::from_millis(5);

type Reply<T> = oneshot::Sender<Result<T>>;

/// Something to write.
#[derive(Debug)]
pub(super) enum Job {
    Seen(Box<(Seen, Mark)>),
    Reports(Vec<Report>, Reply<()>),
    Forget(String, Reply<bool>),
    Marks(Box<(String, HighWater)>, Reply<()>),
    /// Counts a rollout anew for its gate.
    Open {
        rollout: i64,
        opened: UtcTime,
        now: UtcTime,
        reply: Reply<()>,
    },
    /// Latches a gate; says when it was latched first.
    Stop {
        scope: i64,
        build: u32,
        opened: UtcTime,
        now: UtcTime,
        reply: Reply<UtcTime>,
    },
    /// Removes minutes. Says where to begin with what is due once a day, if it is.
    Tidy(UtcTime, Reply<Option<i64>>),
    /// Removes what has expired among the next installs after a key. Says where to go on.
    Expire {
        now: UtcTime,
        key: i64,
        reply: Reply<Option<i64>>,
    },
    Flush(Reply<()>),
}

/// Counts of what became of events.
#[derive(Debug, Default)]
pub(super) struct Tally {
    dropped: AtomicU64,
    unknown: AtomicU64,
    written: AtomicU64,
}

impl Tally {
    pub(super) fn dropped(&self, count: u64) {
        self.dropped.fetch_add(count, Ordering::Relaxed);
    }

    pub(super) fn read(&self) -> Counters {
        Counters {
            dropped: self.dropped.load(Ordering::Relaxed),
            unknown: self.unknown.load(Ordering::Relaxed),
            written: self.written.load(Ordering::Relaxed),
        }
    }
}

/// Events in the order in which they came.
#[derive(Debug)]
pub(super) enum Event {
    Seen(Box<(Seen, Mark)>),
    Report(Box<Report>),
}

/// The writer.
pub(super) struct Writer {
    db: SqliteConnection,
    names: Names,
    network_key: NetworkKey,
    recent: Arc<Recent>,
    tally: Arc<Tally>,
    most: usize,
    events: Vec<Event>,
    waiting: Vec<Reply<()>>,
}

impl Writer {
    pub(super) fn new(
        db: SqliteConnection,
        network_key: NetworkKey,
        recent: Arc<Recent>,
        tally: Arc<Tally>,
        most: usize,
    ) -> Self {
        Self {
            db,
            names: Names::default(),
            network_key,
            recent,
            tally,
            most,
            events: Vec::new(),
            waiting: Vec::new(),
        }
    }

    /// Writes until nobody is left who could send.
    pub(super) async fn run(mut self, mut queue: mpsc::Receiver<Job>) {
        while let Some(job) = queue.recv().await {
            let mut until = Instant::now() + LINGER;
            let mut next = Some(job);
            while let Some(job) = next.take() {
                if matches!(job, Job::Reports(..)) {
                    until = until.min(Instant::now() + LINGER_REPORT);
                }
                let Some(job) = self.gather(job) else {
                    if self.events.len() < self.most {
                        next = timeout_at(until, queue.recv()).await.ok().flatten();
                    }
                    continue;
                };
                // What came before it is written before it.
                self.write().await;
                self.act(job).await;
            }
            self.write().await;
        }
    }

    /// Takes events; gives back anything else.
    fn gather(&mut self, job: Job) -> Option<Job> {
        match job {
            Job::Seen(seen) => self.events.push(Event::Seen(seen)),
            Job::Reports(reports, reply) => {
                let events = reports.into_iter().map(|r| Event::Report(Box::new(r)));
                self.events.extend(events);
                self.waiting.push(reply);
            }
            other => return Some(other),
        }
        None
    }

    /// Writes what was gathered, and acknowledges it.
    async fn write(&mut self) {
        if self.events.is_empty() {
            return;
        }
        self.names.trim();
        let events = std::mem::take(&mut self.events);
        let done = store::write(&mut self.db, &mut self.names, &self.network_key, &events).await;
        match &done {
            Ok(written) => {
                self.tally
                    .unknown
                    .fetch_add(written.unknown, Ordering::Relaxed);
                self.tally
                    .written
                    .fetch_add(written.events, Ordering::Relaxed);
                for event in &events {
                    if let Event::Seen(seen) = event {
                        self.recent.note(seen.1);
                    }
                }
            }
            Err(problem) => {
                self.names.clear();
                let lost = events
                    .iter()
                    .filter(|e| matches!(e, Event::Seen(_)))
                    .count();
                self.tally.dropped(lost as u64);
                tracing::warn!(
                    code = problem.code.text(),
                    check_ins = lost,
                    "{}",
                    problem.message
                );
            }
        }
        let done = done.map(drop);
        for reply in self.waiting.drain(..) {
            // Who does not wait any more sends it again, which changes nothing.
            let _ = reply.send(done.clone());
        }
    }

    async fn act(&mut self, job: Job) {
        let db = &mut self.db;
        match job {
            Job::Seen(_) | Job::Reports(..) => {}
            Job::Forget(id, reply) => {
                let _ = reply.send(tidy::forget(db, &self.recent, &id).await);
            }
            Job::Marks(job, reply) => {
                let _ = reply.send(tidy::raise_marks(db, &job.0, &job.1).await);
            }
            Job::Open {
                rollout,
                opened,
                now,
                reply,
            } => {
                let _ = reply.send(tidy::open(db, rollout, opened, now).await);
            }
            Job::Stop {
                scope,
                build,
                opened,
                now,
                reply,
            } => {
                let _ = reply.send(tidy::stop(db, scope, (build, opened), now).await);
            }
            Job::Tidy(now, reply) => {
                let _ = reply.send(tidy::minutes(db, now).await);
            }
            Job::Expire { now, key, reply } => {
                let _ = reply.send(tidy::expire(db, now, key).await);
            }
            Job::Flush(reply) => {
                let _ = reply.send(Ok(()));
            }
        }
    }
}
