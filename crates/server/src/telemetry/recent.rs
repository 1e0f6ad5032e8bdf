//! What was written of each install last, so that the same check-in does not reach the database again.
//!
//! Devices check on every foreground, and nearly every check says what the last one said.

use std::collections::hash_map::RandomState;
use std::hash::BuildHasher;
use std::sync::atomic::{AtomicU64, Ordering};

use super::Seen;

/// A table of fixed size: an install has one slot, and shares it with others. A lost slot costs a look into the
/// database, a wrong one needs a collision of 64 bits under a key that nobody outside knows.
#[derive(Debug)]
pub(crate) struct Recent {
    keys: RandomState,
    slots: Box<[AtomicU64]>,
}

/// Where a check-in belongs and what it says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Mark {
    slot: usize,
    said: u64,
}

impl Recent {
    /// With so many slots of 8 bytes.
    pub(crate) fn new(slots: usize) -> Self {
        Self {
            keys: RandomState::new(),
            slots: (0..slots.max(1)).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    fn slot(&self, workspace: &str, unit: &str, channel: &str, install: &str) -> usize {
        let hash = self.keys.hash_one((workspace, unit, channel, install));
        // Below the length, which is a usize.
        usize::try_from(hash % self.slots.len() as u64).unwrap_or_default()
    }

    /// The mark of a check-in.
    pub(crate) fn mark(&self, seen: &Seen, day: u32) -> Mark {
        let place = &seen.place;
        let (unit, channel) = (place.unit.as_str(), place.channel.as_str());
        let said = (
            (&seen.workspace, &seen.install, place, &seen.plugin),
            (seen.running, &seen.offered, day),
        );
        Mark {
            slot: self.slot(&seen.workspace, unit, channel, &seen.install),
            said: self.keys.hash_one(said).max(1),
        }
    }

    /// Whether it was written already.
    pub(crate) fn knows(&self, mark: Mark) -> bool {
        self.slots[mark.slot].load(Ordering::Relaxed) == mark.said
    }

    /// Notes that it was written.
    pub(crate) fn note(&self, mark: Mark) {
        self.slots[mark.slot].store(mark.said, Ordering::Relaxed);
    }

    /// Its next check-in is written, whatever it says.
    pub(crate) fn forget(&self, workspace: &str, unit: &str, channel: &str, install: &str) {
        let slot = self.slot(workspace, unit, channel, install);
        self.slots[slot].store(0, Ordering::Relaxed);
    }
}
