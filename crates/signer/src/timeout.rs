//! Calls that may wait for a person: a keychain blocks while its unlock prompt is open.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::{Duration, Instant};

use headgate_core::{Code, Problem, Result};

/// How often a waiting call looks whether it was cancelled.
const POLL: Duration = Duration::from_millis(50);

/// Runs `call` on a thread of its own and waits no longer than `limit`.
///
/// A call that ran out of time cannot be stopped from outside: its thread lives on until the keychain answers, and its
/// answer is thrown away. So probe a keychain before asking it to create a key.
///
/// # Errors
/// `key.timeout` when there is no answer in time; `key.failed` when the call panicked; else what `call` returned.
pub fn run_with_timeout<T, F>(limit: Duration, call: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    run_cancellable(limit, &AtomicBool::new(false), call)
}

/// As [`run_with_timeout`], and gives up as soon as `cancelled` becomes true.
///
/// # Errors
/// `job.cancelled` when cancelled; otherwise as [`run_with_timeout`].
pub fn run_cancellable<T, F>(limit: Duration, cancelled: &AtomicBool, call: F) -> Result<T>
where
    T: Send + 'static,
    F: FnOnce() -> Result<T> + Send + 'static,
{
    let (sender, receiver) = channel();
    let started = Instant::now();
    std::thread::Builder::new()
        .name("key vault".into())
        .spawn(move || {
            // Nobody listens any more after a timeout; the answer is dropped then.
            drop(sender.send(call()));
        })
        .map_err(|_| {
            Problem::new(
                Code::KeyOther,
                "No thread could be started for the keychain.",
            )
        })?;
    loop {
        let left = limit.saturating_sub(started.elapsed());
        match receiver.recv_timeout(left.min(POLL)) {
            Ok(answer) => return answer,
            Err(RecvTimeoutError::Disconnected) => {
                return Err(Problem::new(
                    Code::KeyOther,
                    "The call to the keychain broke off.",
                ));
            }
            Err(RecvTimeoutError::Timeout) if cancelled.load(Ordering::Relaxed) => {
                return Err(Problem::new(
                    Code::JobCancelled,
                    "Waiting for the keychain was cancelled.",
                ));
            }
            Err(RecvTimeoutError::Timeout) if left.is_zero() => {
                return Err(Problem::new(
                    Code::KeyTimeout,
                    format!(
                        "The keychain did not answer within {:.1} s.",
                        limit.as_secs_f64()
                    ),
                ));
            }
            Err(RecvTimeoutError::Timeout) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_in_time_is_passed_on() {
        let answer = run_with_timeout(Duration::from_secs(5), || Ok(7));
        assert_eq!(answer.unwrap(), 7);
    }

    #[test]
    fn a_call_that_waits_for_a_prompt_yields_a_timeout() {
        let (_hold, wait) = channel::<()>();
        let started = Instant::now();
        let error = run_with_timeout(Duration::from_millis(120), move || {
            wait.recv().ok();
            Ok(())
        })
        .unwrap_err();
        assert_eq!(error.code, Code::KeyTimeout);
        assert!(started.elapsed() < Duration::from_secs(2));
    }

    #[test]
    fn a_cancelled_call_gives_up_long_before_its_limit() {
        let (_hold, wait) = channel::<()>();
        let started = Instant::now();
        let error = run_cancellable(Duration::from_secs(60), &AtomicBool::new(true), move || {
            wait.recv().ok();
            Ok(())
        })
        .unwrap_err();
        assert_eq!(error.code, Code::JobCancelled);
        assert!(started.elapsed() < Duration::from_secs(5));
    }
}
