//! Many workers, one ordered writer, and a bound on what waits between them.

use std::collections::BTreeMap;
use std::sync::{Condvar, Mutex, MutexGuard, PoisonError};

use headgate_core::{Code, Problem, Result};

/// Bytes of files that may be in work or waiting to be written, together.
pub(super) const BUDGET: u64 = 16 << 20;

/// Hands out the places 0..n in order and takes results back in the same order.
pub(super) struct Window<T> {
    state: Mutex<State<T>>,
    room: Condvar,
    ready: Condvar,
}

struct State<T> {
    /// What each place costs of the budget.
    costs: Vec<u64>,
    next: usize,
    taken: usize,
    in_flight: u64,
    done: BTreeMap<usize, Result<T>>,
    workers: usize,
    stopped: bool,
}

impl<T> Window<T> {
    pub(super) fn new(costs: Vec<u64>, workers: usize) -> Self {
        Self {
            state: Mutex::new(State {
                costs,
                next: 0,
                taken: 0,
                in_flight: 0,
                done: BTreeMap::new(),
                workers,
                stopped: false,
            }),
            room: Condvar::new(),
            ready: Condvar::new(),
        }
    }

    fn lock(&self) -> MutexGuard<'_, State<T>> {
        // The state is consistent after every line, so a panic elsewhere does not spoil it.
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The next place for a worker, once the budget allows it; none when all are given out.
    ///
    /// Places are given out in order and one is always allowed when nothing is in flight, so the
    /// writer's next place is always in work: no deadlock.
    pub(super) fn next(&self) -> Option<usize> {
        let mut state = self.lock();
        loop {
            let place = state.next;
            let cost = *state.costs.get(place)?;
            if state.stopped {
                return None;
            }
            if state.in_flight == 0 || state.in_flight + cost <= BUDGET {
                state.next += 1;
                state.in_flight += cost;
                return Some(place);
            }
            state = self
                .room
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// Gives a result back.
    pub(super) fn put(&self, place: usize, result: Result<T>) {
        let mut state = self.lock();
        state.done.insert(place, result);
        if state.taken == place {
            self.ready.notify_one();
        }
    }

    /// The next result in order, for the writer; its budget is free again after [`Self::free`].
    ///
    /// # Errors
    /// The result's own error; `internal` when all workers ended without giving it.
    pub(super) fn take(&self) -> Result<T> {
        let mut state = self.lock();
        loop {
            let place = state.taken;
            if let Some(result) = state.done.remove(&place) {
                state.taken += 1;
                return result;
            }
            if state.workers == 0 {
                return Err(Problem::new(
                    Code::Internal,
                    "A packing thread ended early.",
                ));
            }
            state = self
                .ready
                .wait(state)
                .unwrap_or_else(PoisonError::into_inner);
        }
    }

    /// The place was written: what it held of the budget is free.
    pub(super) fn free(&self, place: usize) {
        let mut state = self.lock();
        state.in_flight -= state.costs.get(place).copied().unwrap_or(0);
        self.room.notify_all();
    }

    /// Hands out no more places.
    pub(super) fn stop(&self) {
        self.lock().stopped = true;
        self.room.notify_all();
    }

    /// Counts a worker out when it is dropped, also by a panic.
    pub(super) fn worker(&self) -> WorkerGuard<'_, T> {
        WorkerGuard(self)
    }
}

/// See [`Window::worker`].
pub(super) struct WorkerGuard<'a, T>(&'a Window<T>);

impl<T> Drop for WorkerGuard<'_, T> {
    fn drop(&mut self) {
        self.0.lock().workers -= 1;
        self.0.ready.notify_one();
    }
}
