//! Files that a device has before it downloads any: those in the native app, or for a simulated fleet what another of
//! its devices has downloaded.

use bytes::Bytes;

/// A place to look for a file by its hash.
pub trait Seed: Send + Sync {
    /// A file with this SHA-256. It is hashed again before it is used.
    fn file(&self, sha256: &str) -> Option<Bytes>;

    /// Called for every file that was downloaded and verified.
    fn downloaded(&self, sha256: &str, bytes: &Bytes);
}

/// Nothing.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoSeed;

impl Seed for NoSeed {
    fn file(&self, _: &str) -> Option<Bytes> {
        None
    }

    fn downloaded(&self, _: &str, _: &Bytes) {}
}
