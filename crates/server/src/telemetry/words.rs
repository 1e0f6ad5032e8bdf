//! Words that devices choose freely, cut to what is kept. Whatever else they send counts as [`OTHER`].

use std::net::IpAddr;

use sha2::{Digest, Sha256};

/// Stands for every word that is not kept.
pub(crate) const OTHER: &str = "other";

/// Longest native version, plugin version, reason and install id that is kept, bytes.
const LONGEST: usize = 64;

/// A version as a device sends it, when it looks like one.
pub(crate) fn version(text: &str) -> &str {
    let good = |b: u8| b.is_ascii_alphanumeric() || b".-+_() ".contains(&b);
    if !text.is_empty() && text.len() <= LONGEST && text.bytes().all(good) {
        text
    } else {
        OTHER
    }
}

/// A reason, when it is a code.
pub(crate) fn reason(text: &str) -> &str {
    let good = |b: u8| b.is_ascii_alphanumeric() || b"._-".contains(&b);
    if !text.is_empty() && text.len() <= LONGEST && text.bytes().all(good) {
        text
    } else {
        OTHER
    }
}

/// Whether an install id can be kept: printable ASCII without spaces.
pub(crate) fn is_install(text: &str) -> bool {
    !text.is_empty() && text.len() <= LONGEST && text.bytes().all(|b| b.is_ascii_graphic())
}

/// Key of the network hashes of one database.
#[derive(Clone)]
pub(crate) struct NetworkKey([u8; 32]);

impl std::fmt::Debug for NetworkKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("NetworkKey")
    }
}

impl NetworkKey {
    pub(crate) fn new(key: [u8; 32]) -> Self {
        Self(key)
    }

    /// A keyed hash of the prefix that one subscriber may be expected to have: /24 of IPv4, /48 of IPv6. All unknown
    /// addresses are one network.
    pub(crate) fn hash(&self, address: Option<IpAddr>) -> i64 {
        let prefix: Vec<u8> = match address.map(|a| a.to_canonical()) {
            None => return 0,
            Some(IpAddr::V4(v4)) => v4.octets()[..3].to_vec(),
            Some(IpAddr::V6(v6)) => v6.octets()[..6].to_vec(),
        };
        let hash = Sha256::new()
            .chain_update(self.0)
            .chain_update(prefix)
            .finalize();
        let mut head = [0_u8; 8];
        head.copy_from_slice(&hash[..8]);
        i64::from_be_bytes(head)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_looks_right_is_kept() {
        assert_eq!(version("4.2.0-beta+7"), "4.2.0-beta+7");
        for bad in ["", "<script>", "4.2\n", "ü", &"1".repeat(65)] {
            assert_eq!(version(bad), OTHER, "{bad:?}");
            assert_eq!(reason(bad), OTHER, "{bad:?}");
        }
        assert!(is_install("5f0d9d0e-1d7b-4a8e-9a8b-0c1d2e3f4a5b"));
        for bad in ["", "a b", "a\0", "é", &"a".repeat(65)] {
            assert!(!is_install(bad), "{bad:?}");
        }
    }

    #[test]
    fn a_network_is_a_prefix_and_its_hash_needs_the_key() {
        let key = NetworkKey::new([1; 32]);
        let hash = |a: &str| key.hash(Some(a.parse().unwrap()));
        assert_eq!(hash("203.0.113.7"), hash("203.0.113.200"));
        assert_eq!(hash("203.0.113.7"), hash("::ffff:203.0.113.9"));
        assert_ne!(hash("203.0.113.7"), hash("203.0.114.7"));
        assert_eq!(hash("2001:db8:1:2::3"), hash("2001:db8:1:ffff::1"));
        assert_ne!(hash("2001:db8:1::1"), hash("2001:db8:2::1"));
        let other = NetworkKey::new([2; 32]);
        assert_ne!(
            hash("203.0.113.7"),
            other.hash(Some("203.0.113.7".parse().unwrap()))
        );
        assert_eq!(key.hash(None), 0);
    }
}
