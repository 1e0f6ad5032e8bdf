//! Fingerprints that people can compare: words read aloud, and groups of hex digits.

use bip39::Language;

use crate::text::check_hex;
use crate::{Code, Problem, Result};

/// Bits of a SHA-256 that the words cover: 12 words of 11 bits.
pub const WORD_BITS: usize = 132;

/// The first 132 bits of a SHA-256 as 12 words of the English list of BIP-39. No checksum is in them.
///
/// # Errors
/// `usage.argument` when it is not a SHA-256 in lower-case hex.
pub fn words(sha256: &str) -> Result<[&'static str; 12]> {
    check_hex("fingerprint", sha256)?;
    let bytes =
        hex::decode(sha256).map_err(|e| Problem::new(Code::UsageArgument, e.to_string()))?;
    let bit = |i: usize| usize::from(bytes[i / 8] >> (7 - i % 8) & 1);
    let index = |word: usize| (0..11).fold(0, |n, i| (n << 1) | bit(word * 11 + i));
    let list = Language::English.word_list();
    Ok(std::array::from_fn(|word| list[index(word)]))
}

/// Hex digits in groups of four: `2f5e ed53 …`.
pub fn groups(hex: &str) -> String {
    let digits: Vec<char> = hex.chars().collect();
    let groups: Vec<String> = digits.chunks(4).map(|c| c.iter().collect()).collect();
    groups.join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_list_is_the_published_one() {
        let list: String = Language::English
            .word_list()
            .iter()
            .map(|w| format!("{w}\n"))
            .collect();
        // SHA-256 of english.txt as BIP-39 publishes it.
        let published = "2f5eed53a4727b4bf8880d8f3f199efc90e58503646d9ff8eff3a2ed3b24dbda";
        assert_eq!(headgate_tuf::sha256_hex(list.as_bytes()), published);
    }

    #[test]
    fn words_cover_the_first_132_bits_and_no_more() {
        // BIP-39's own vectors: 11 words hold the first 121 bits; our twelfth has no checksum in it.
        assert_eq!(words(&"0".repeat(64)).unwrap(), ["abandon"; 12]);
        assert_eq!(words(&"f".repeat(64)).unwrap(), ["zoo"; 12]);
        let seven = words(&"7f".repeat(32)).unwrap();
        assert_eq!(seven[..4], ["legal", "winner", "thank", "year"]);
        let base = words(&"0".repeat(64)).unwrap();
        let flip = |at: usize| {
            let mut hex = "0".repeat(64).into_bytes();
            hex[at / 4] = b"8421"[at % 4];
            words(std::str::from_utf8(&hex).unwrap()).unwrap()
        };
        (0..WORD_BITS).for_each(|at| assert_ne!(flip(at), base, "bit {at} changes a word"));
        (WORD_BITS..256).for_each(|at| assert_eq!(flip(at), base, "bit {at} is not covered"));
    }

    #[test]
    fn only_a_sha256_has_words() {
        for bad in ["", "00", &"G".repeat(64), &"A".repeat(64), &"é".repeat(32)] {
            assert!(words(bad).is_err(), "{bad}");
        }
    }

    #[test]
    fn hex_is_shown_in_groups_of_four() {
        assert_eq!(groups("2f5eed53a4"), "2f5e ed53 a4");
    }
}
