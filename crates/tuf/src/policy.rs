//! Lifetimes and version numbers.

use crate::{RoleName, UtcTime};

const DAY: i64 = 86_400;

/// Furthest that a timestamp may be valid ahead of a verifier's clock, seconds.
pub const MAX_TIMESTAMP_AHEAD: i64 = 45 * DAY;

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
}
