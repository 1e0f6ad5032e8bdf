//! Which objects are asked for before they are sent.
//!
//! What is there already must not be sent again, and a question costs as much as sending a small object. So a few of
//! many small ones are asked for first. If nothing of them is there, the others are sent at once: writes are
//! create-only, so the storage itself refuses one that is there after all, and from then on all are asked for.

use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, Ordering};

use futures::{StreamExt as _, TryStreamExt as _, stream};
use headgate_core::Result;
use headgate_registry::Stored;

use super::{IN_FLIGHT, Marks, SMALL, Target, Uploads, poisoned};
use crate::console::lock;
use crate::db::{ObjectState, Step};

/// Small objects that are asked for before it is decided about the others.
const SAMPLE: usize = IN_FLIGHT;

/// Objects of one target that are not proven to be there.
pub(super) struct Looks {
    /// Those that the storage said it does not have.
    pub(super) missing: Vec<usize>,
    /// Those that are likely missing too.
    pub(super) likely: Vec<usize>,
    /// One of [`Self::likely`] was there.
    wrong: AtomicBool,
}

impl Looks {
    /// An object was there that was thought to be missing.
    pub(super) fn was_wrong(&self) {
        self.wrong.store(true, Ordering::Relaxed);
    }

    /// Whether the rest must be asked for after all.
    pub(super) fn is_wrong(&self) -> bool {
        self.wrong.load(Ordering::Relaxed)
    }
}

impl Uploads<'_> {
    /// Finds out what is to be sent. What is there and right is marked as skipped.
    pub(super) async fn looks(
        &self,
        target: &Target,
        steps: &[Step],
        open: Vec<usize>,
        marks: &Marks<'_>,
    ) -> Result<Looks> {
        let (first, rest) = sample(open, |index| steps[index].size);
        let asked = first.len();
        let mut missing = self.look_at(target, steps, first, marks).await?;
        let mut likely = Vec::new();
        if missing.len() == asked {
            likely = rest;
        } else {
            missing.extend(self.look_at(target, steps, rest, marks).await?);
        }
        Ok(Looks {
            missing,
            likely,
            wrong: AtomicBool::new(false),
        })
    }

    async fn look_at(
        &self,
        target: &Target,
        steps: &[Step],
        indices: Vec<usize>,
        marks: &Marks<'_>,
    ) -> Result<Vec<usize>> {
        let missing = Mutex::new(Vec::new());
        let looks: Vec<_> = indices
            .into_iter()
            .map(|index| {
                let missing = &missing;
                async move {
                    if self.is_missing(target, index, &steps[index], marks).await? {
                        lock(missing).push(index);
                    }
                    Ok(())
                }
            })
            .collect();
        let looked = stream::iter(looks)
            .buffer_unordered(IN_FLIGHT)
            .try_collect::<()>()
            .await;
        marks.flush_after(looked).await?;
        let mut missing = missing.into_inner().unwrap_or_default();
        missing.sort_unstable();
        Ok(missing)
    }

    /// Asks for an object. Before one is skipped it is proven to be the right one.
    pub(super) async fn is_missing(
        &self,
        target: &Target,
        index: usize,
        step: &Step,
        marks: &Marks<'_>,
    ) -> Result<bool> {
        let found = self
            .tried(index, step, || async {
                let _lane = target.lane(0).await?;
                target
                    .store
                    .compare(&step.key, &step.sha256, step.size)
                    .await
            })
            .await?;
        match found {
            Stored::Missing => Ok(true),
            Stored::Same => {
                self.watch.step(index, Some(0), ObjectState::Skipped);
                marks.add(step, ObjectState::Skipped).await?;
                Ok(false)
            }
            Stored::Different => Err(poisoned(step)),
        }
    }
}

/// Splits into those that are asked for first and the others: every large one, and small ones from everywhere.
fn sample(open: Vec<usize>, size: impl Fn(usize) -> u64) -> (Vec<usize>, Vec<usize>) {
    let (large, small): (Vec<_>, Vec<_>) = open.into_iter().partition(|i| size(*i) > SMALL);
    let every = small.len().div_ceil(SAMPLE).max(1);
    let (mut first, mut rest) = (large, Vec::new());
    for (n, index) in small.into_iter().enumerate() {
        let chosen = n.is_multiple_of(every);
        if chosen { &mut first } else { &mut rest }.push(index);
    }
    (first, rest)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn every_object_is_in_one_part_and_no_large_one_waits(sizes in prop::collection::vec(0..SMALL * 2, 0..300)) {
            let (first, rest) = sample((0..sizes.len()).collect(), |i| sizes[i]);
            let mut all = [first.clone(), rest.clone()].concat();
            all.sort_unstable();
            prop_assert_eq!(all, (0..sizes.len()).collect::<Vec<_>>());
            prop_assert!(rest.iter().all(|i| sizes[*i] <= SMALL));
            let small = first.iter().filter(|i| sizes[**i] <= SMALL).count();
            prop_assert!(small <= SAMPLE);
            prop_assert!(rest.is_empty() || small > SAMPLE / 2);
        }
    }
}
