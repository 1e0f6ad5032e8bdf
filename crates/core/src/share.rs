//! Shares: which devices a partial rollout reaches.

use sha2::{Digest, Sha256};

/// Everyone, in permille.
pub const ALL: u16 = 1000;

/// Whether a device is in a share, in integers only (architecture §3):
/// `(u64be(sha256(lower(install_id) ":" salt)[0..8]) * 1000) >> 64 < permille`.
///
/// Only ASCII letters are lowered, so that every language computes the same. Without an install id, or
/// with an empty one, a partial share never matches; 1000 permille always does.
pub fn in_share(install_id: Option<&str>, salt: &str, permille: u16) -> bool {
    if permille >= ALL {
        return true;
    }
    let id = install_id.filter(|id| !id.is_empty());
    id.is_some_and(|id| bucket(id, salt) < permille)
}

/// The place of a device in 0 … 999 for a salt: it is in every share above that.
pub fn bucket(install_id: &str, salt: &str) -> u16 {
    let hash = Sha256::new()
        .chain_update(install_id.to_ascii_lowercase())
        .chain_update(b":")
        .chain_update(salt)
        .finalize();
    let head = hash
        .iter()
        .take(8)
        .fold(0_u64, |n, b| (n << 8) | u64::from(*b));
    // Below 1000 by construction: the product of a u64 and 1000, shifted by 64 bits.
    u16::try_from((u128::from(head) * u128::from(ALL)) >> 64).unwrap_or(ALL - 1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn shares_are_roughly_as_large_as_they_say() {
        let count = |permille| {
            (0..20_000)
                .filter(|i| in_share(Some(&format!("install-{i}")), "salt", permille))
                .count()
        };
        for (permille, low, high) in [(10, 150, 250), (100, 1_850, 2_150), (500, 9_700, 10_300)] {
            let got = count(permille);
            assert!(
                (low..=high).contains(&got),
                "{permille} permille of 20,000 are {got}"
            );
        }
    }

    proptest! {
        #[test]
        fn a_raised_share_keeps_every_device(id in "\\PC{1,40}", salt in "[a-z0-9]{0,16}", a in 0_u16..=1000, b in 0_u16..=1000) {
            let (low, high) = (a.min(b), a.max(b));
            prop_assert!(!in_share(Some(&id), &salt, low) || in_share(Some(&id), &salt, high));
        }

        #[test]
        fn nobody_is_in_0_and_everybody_in_1000(id in prop::option::of("\\PC{0,40}"), salt in "[a-z0-9]{0,16}") {
            prop_assert!(!in_share(id.as_deref(), &salt, 0));
            prop_assert!(in_share(id.as_deref(), &salt, 1000));
        }

        #[test]
        fn without_an_install_id_a_partial_share_never_matches(salt in "[a-z0-9]{0,16}", permille in 0_u16..1000) {
            prop_assert!(!in_share(None, &salt, permille));
            prop_assert!(!in_share(Some(""), &salt, permille));
        }

        #[test]
        fn case_of_the_install_id_does_not_matter(id in "[a-fA-F0-9-]{36}", salt in "[a-z0-9]{8}") {
            prop_assert_eq!(bucket(&id, &salt), bucket(&id.to_uppercase(), &salt));
        }
    }
}
