//! What a person wants of a running job.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use headgate_core::{Code, Problem};
use tokio::sync::{Notify, watch};

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Wish {
    Go,
    Pause,
    Cancel,
}

/// Cancels, pauses and hurries a job from outside.
#[derive(Debug)]
pub(crate) struct Control {
    wish: watch::Sender<Wish>,
    /// For work that looks instead of waiting: packing.
    cancelled: Arc<AtomicBool>,
    hurry: Notify,
}

impl Control {
    pub(crate) fn new() -> Arc<Self> {
        Arc::new(Self {
            wish: watch::Sender::new(Wish::Go),
            cancelled: Arc::default(),
            hurry: Notify::new(),
        })
    }

    pub(crate) fn cancel(&self) {
        self.cancelled.store(true, Ordering::SeqCst);
        self.wish.send_replace(Wish::Cancel);
    }

    pub(crate) fn pause(&self) {
        // Who cancelled does not want it kept for later.
        self.wish.send_if_modified(|wish| {
            let goes = *wish == Wish::Go;
            if goes {
                *wish = Wish::Pause;
            }
            goes
        });
    }

    /// Ends the present pauses before further tries.
    pub(crate) fn hurry(&self) {
        self.hurry.notify_waiters();
    }

    pub(crate) async fn hurried(&self) {
        self.hurry.notified().await;
    }

    /// Set when the job is cancelled.
    pub(crate) fn cancelled(&self) -> Arc<AtomicBool> {
        Arc::clone(&self.cancelled)
    }

    /// Why the job must not go on, if it must not.
    pub(crate) fn stopped(&self) -> Option<Problem> {
        stopped(*self.wish.borrow())
    }

    /// Waits until the job must not go on.
    pub(crate) async fn until_stopped(&self) -> Problem {
        let mut wish = self.wish.subscribe();
        loop {
            let now = *wish.borrow_and_update();
            if let Some(problem) = stopped(now) {
                return problem;
            }
            // The sender lives as long as this borrow of it.
            let _ = wish.changed().await;
        }
    }
}

fn stopped(wish: Wish) -> Option<Problem> {
    match wish {
        Wish::Go => None,
        Wish::Pause => Some(Problem::new(Code::JobPaused, "The job is paused.")),
        Wish::Cancel => Some(Problem::new(
            Code::JobCancelled,
            "The job was cancelled before it was committed.",
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_pause_does_not_take_a_cancel_back() {
        let control = Control::new();
        assert!(control.stopped().is_none());
        control.pause();
        assert_eq!(control.until_stopped().await.code, Code::JobPaused);
        control.cancel();
        control.pause();
        assert_eq!(control.until_stopped().await.code, Code::JobCancelled);
        assert!(control.cancelled().load(Ordering::SeqCst));
    }
}
