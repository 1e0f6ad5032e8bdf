//! Trying again what failed for the moment.

use std::time::Duration;

use headgate_core::{Code, Problem};

/// Tries of one object before its target is given up.
pub(crate) const TRIES: u32 = 5;

/// Longest pause between two tries.
const LONGEST: Duration = Duration::from_secs(30);

/// Whether the same request may succeed in a moment without anybody doing anything.
pub(crate) fn passes(problem: &Problem) -> bool {
    matches!(
        problem.code,
        Code::StorageIo | Code::StorageBusy | Code::StorageUnavailable | Code::StorageLocked
    )
}

/// The pause before a try (2 = the first repetition): 1, 2, 4, … s, and at random as little as half of it, so
/// that many clients which failed together do not come back together. `dice` is any random byte.
pub(crate) fn pause(attempt: u32, dice: u8) -> Duration {
    let doubled = 1u64 << attempt.saturating_sub(2).min(10);
    let whole = Duration::from_secs(doubled).min(LONGEST);
    whole / 2 + whole * u32::from(dice) / 510
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn pauses_grow_to_their_limit_and_differ(attempt in 2u32..100, dice: u8) {
            let (low, now, high) = (pause(attempt, 0), pause(attempt, dice), pause(attempt, 255));
            prop_assert!(low <= now && now <= high && high <= LONGEST);
            prop_assert_eq!(low * 2, high);
            prop_assert!(pause(attempt + 1, 0) >= low);
        }
    }

    #[test]
    fn the_first_repetition_waits_about_a_second() {
        assert_eq!(pause(2, 255), Duration::from_secs(1));
        assert_eq!(pause(3, 255), Duration::from_secs(2));
    }
}
