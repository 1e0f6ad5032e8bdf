//! Lifetimes and version numbers.

use crate::{RoleName, UtcTime};

const DAY: i64 = 86_400;

/// Furthest that a timestamp may be valid ahead of a verifier's clock, seconds.
pub const MAX_TIMESTAMP_AHEAD: i64 = 45 * DAY;

/// 2026-01-01: nothing was signed before. A reader whose clock is set back further still follows.
const FIRST_DAY: i64 = 1_767_225_600;

/// Highest version of a role that a reader believes at this time: as many as seconds have passed since 1970. An honest
/// registry never comes near, and whoever pushes a version up to it leaves room for the next one a second later. Without
/// it one stolen key could use up the numbers of a role for good.
pub fn highest_version(now: UtcTime) -> u64 {
    u64::try_from(now.unix().max(FIRST_DAY)).unwrap_or_default()
}

/// Lifetime of a role's signature, seconds (`docs/trust.md`, roles and keys).
pub fn lifetime(role: &RoleName) -> i64 {
    DAY * match role {
        RoleName::Root | RoleName::Targets => 365,
        RoleName::Channel(..) => 180,
        RoleName::Rollout(..) => 90,
        RoleName::Snapshot | RoleName::Timestamp => 30,
    }
}

/// When a role that is signed now stops to count.
pub fn expires(role: &RoleName, now: UtcTime) -> UtcTime {
    now.plus(lifetime(role))
}

/// Part of a lifetime that has passed, permille; 1000 and more = expired.
pub fn used_permille(role: &RoleName, expires: UtcTime, now: UtcTime) -> u32 {
    let left = expires.unix() - now.unix();
    let life = lifetime(role);
    u32::try_from(((life - left).max(0) * 1000) / life).unwrap_or(u32::MAX)
}

/// Permille of a lifetime from which a person is warned for the first time.
pub const HALF: u32 = 500;
/// Permille of a lifetime from which the warning becomes urgent.
pub const LATE: u32 = 800;

/// How urgent a signature's end is. The one rule for every warning of the console and the command line.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Level {
    /// More than half of the lifetime is left.
    Fine,
    /// Half has passed: renew it at the next occasion.
    Half,
    /// Four fifths have passed: renew it now.
    Late,
    /// It has ended.
    Over,
}

impl Level {
    /// `fine`, `half`, `late` or `over`.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Fine => "fine",
            Self::Half => "half",
            Self::Late => "late",
            Self::Over => "over",
        }
    }
}

/// How urgent a signature is of whose lifetime this part has passed.
pub fn level(used_permille: u32) -> Level {
    match used_permille {
        0..HALF => Level::Fine,
        HALF..LATE => Level::Half,
        LATE..1000 => Level::Late,
        _ => Level::Over,
    }
}

/// The next version of a role: one above what is committed and above any object that exists.
/// A console that died between two writes leaves gaps; they are normal.
pub fn next_version(committed: Option<u64>, existing: impl IntoIterator<Item = u64>) -> u64 {
    existing.into_iter().chain(committed).max().unwrap_or(0) + 1
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn next_version_steps_over_gaps_and_leftovers() {
        assert_eq!(next_version(None, []), 1);
        assert_eq!(next_version(Some(4), [1, 2, 4]), 5);
        assert_eq!(next_version(Some(4), [5, 6]), 7);
    }

    #[test]
    fn a_version_that_is_pushed_to_the_limit_has_a_next_one_a_second_later() {
        let now = UtcTime::from_unix(1_800_000_000);
        assert_eq!(highest_version(now), 1_800_000_000);
        let next = next_version(Some(highest_version(now)), []);
        assert!(next <= highest_version(now.plus(1)));
        assert!(highest_version(UtcTime::from_unix(0)) > 1_000_000_000);
        assert!(highest_version(now) < crate::canonical::MAX_INTEGER.unsigned_abs());
    }

    #[test]
    fn a_signature_is_used_up_at_its_end() {
        let now = UtcTime::from_unix(1_800_000_000);
        let end = expires(&RoleName::Timestamp, now);
        assert_eq!(used_permille(&RoleName::Timestamp, end, now), 0);
        assert_eq!(
            used_permille(&RoleName::Timestamp, end, now.plus(15 * DAY)),
            500
        );
        assert!(used_permille(&RoleName::Timestamp, end, now.plus(31 * DAY)) > 1000);
    }

    #[test]
    fn warnings_begin_at_half_and_become_urgent_at_four_fifths() {
        let at = |used| level(used).as_str();
        assert_eq!((at(0), at(499)), ("fine", "fine"));
        assert_eq!((at(500), at(799)), ("half", "half"));
        assert_eq!((at(800), at(999)), ("late", "late"));
        assert_eq!((at(1000), at(u32::MAX)), ("over", "over"));
    }
}
