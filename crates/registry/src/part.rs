//! A file that is removed unless it was finished.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use headgate_core::{Code, Problem, Result};

/// Removes its file when dropped, also when the reading future is dropped half-way.
pub(crate) struct Part(Option<PathBuf>);

impl Part {
    /// Makes a new file; an existing one is an error and stays.
    pub(crate) fn create(path: &Path) -> Result<(Self, File)> {
        let file = File::options()
            .write(true)
            .create_new(true)
            .open(path)
            .map_err(|error| local(&error, path))?;
        Ok((Self(Some(path.to_path_buf())), file))
    }

    /// Keeps the file.
    pub(crate) fn keep(mut self) {
        self.0 = None;
    }
}

impl Drop for Part {
    fn drop(&mut self) {
        if let Some(path) = self.0.take() {
            let _ = std::fs::remove_file(path);
        }
    }
}

/// A file of this computer, outside the storage, failed.
pub(crate) fn local(error: &io::Error, path: &Path) -> Problem {
    Problem::new(
        Code::LocalDisk,
        format!("A file of this computer failed: {error}."),
    )
    .detail(path.display())
}

/// More bytes than the reader takes.
pub(crate) fn too_large(key: &str, max: u64) -> Problem {
    Problem::new(
        Code::TrustFormat,
        format!("{key} is larger than the {max} bytes that it may have."),
    )
}

/// Whether a key may be joined to a folder or a URL: relative, plain ASCII segments, none hidden.
///
/// Hidden names are the store's own (lock, temporary files), and `.` and `..` are among them.
pub(crate) fn check_key(key: &str) -> Result<()> {
    let plain = |segment: &str| {
        !segment.is_empty()
            && !segment.starts_with('.')
            && segment
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-'))
    };
    if key.split('/').all(plain) {
        Ok(())
    } else {
        Err(Problem::new(
            Code::Internal,
            "A storage key is not a plain relative path.",
        )
        .detail(format!("{key:?}")))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keys_are_relative_paths_of_plain_segments() {
        for good in ["metadata/1.root.json", "files/ab", "a/b-c_d.E/f"] {
            assert!(check_key(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            "/",
            "/a",
            "a/",
            "a//b",
            "..",
            "a/../b",
            "a/..",
            "./a",
            ".tmp-x",
            "a/.tmp-x",
            "a\\b",
            "C:a",
            "a b",
            "a%2e",
            "\u{e4}",
            "a\0",
            ".headgate.lock",
        ] {
            assert!(check_key(bad).is_err(), "{bad}");
        }
    }
}
