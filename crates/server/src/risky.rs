//! Plugin versions with known defects, for the status page.

/// Capgo's updater accepts an unsigned update in spite of its pinned key in every version before this one
/// (protocols/capgo.md §2, "Signature-bypass history").
const CAPGO_ENFORCES: (u64, u64, u64) = (8, 51, 23);

/// Whether a client has known defects: `capgo 8.51.20`.
pub fn plugin(named: &str) -> bool {
    match named.split_once(' ') {
        Some(("capgo", version)) => triple(version).is_some_and(|v| v < CAPGO_ENFORCES),
        _ => false,
    }
}

fn triple(version: &str) -> Option<(u64, u64, u64)> {
    let plain = version.split(['-', '+']).next()?;
    let mut parts = plain.split('.').map(|part| part.parse().ok());
    Some((parts.next()??, parts.next()??, parts.next()??))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_version_that_enforces_signatures_is_not_risky() {
        for (named, risky) in [
            ("capgo 8.51.22", true),
            ("capgo 7.51.21", true),
            ("capgo 8.51.23", false),
            ("capgo 8.52.0", false),
            ("capgo x", false),
            ("cordova 5.5.3", false),
            ("headgate 0.1.0", false),
        ] {
            assert_eq!(plugin(named), risky, "{named}");
        }
    }
}
