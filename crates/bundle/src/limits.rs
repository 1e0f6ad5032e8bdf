//! How large a web build may be.

/// Limits of a web build, checked before anything is read in full.
///
/// They keep every bundle within what a zip can hold without zip64 (4 GiB, 65,535 entries), so that
/// every device client can read it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Files.
    pub files: usize,
    /// Bytes of one file.
    pub file_bytes: u64,
    /// Bytes of all files.
    pub total_bytes: u64,
    /// Bytes of one path, in UTF-8.
    pub path_bytes: usize,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            files: 50_000,
            file_bytes: 1 << 30,
            total_bytes: 2 << 30,
            path_bytes: 240,
        }
    }
}
