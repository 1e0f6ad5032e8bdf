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
