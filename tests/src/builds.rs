//! Web builds to ship.

use std::fs;
use std::path::{Path, PathBuf};

use crate::copy_tree;

/// The sample web build, as it lies in the repository.
pub fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/builds/sample")
}

/// A copy of the sample with one file of its own, so that its bytes are new.
pub fn varied(to: &Path, word: &str) -> PathBuf {
    copy_tree(&sample(), to);
    fs::write(
        to.join("data/build.json"),
        format!("{{\"build\":\"{word}\"}}"),
    )
    .unwrap();
    to.to_owned()
}

/// Bytes that do not compress, the same for the same word.
pub fn noise(word: &str, size: u64) -> Vec<u8> {
    let mut state = word.bytes().fold(0x9e37_79b9_7f4a_7c15_u64, |h, b| {
        (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
    });
    let mut bytes = Vec::with_capacity(usize::try_from(size).unwrap() + 8);
    while (bytes.len() as u64) < size {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend_from_slice(&state.to_le_bytes());
    }
    bytes.truncate(usize::try_from(size).unwrap());
    bytes
}
