//! A strict profile of The Update Framework (specification 1.0.34), without input or output.
//!
//! `docs/trust.md` states the profile. The exact bytes that were signed are kept and published:
//! an [`Envelope`] is built around them and never serialises them again.

pub mod canonical;
mod envelope;
mod key;
pub mod metadata;
pub mod policy;
mod role;
pub mod strict;
mod utc;

pub use envelope::{Envelope, MAX_METADATA, RoleBytes, SignatureEntry};
pub use key::{KeyId, PublicKey, Signature};
pub use metadata::Metadata;
pub use role::{Name, RoleName};
pub use utc::UtcTime;

/// Why metadata was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// Not JSON, or JSON that two readers could read differently.
    #[error("not strict JSON: {0}")]
    Json(String),
    /// JSON that breaks the profile.
    #[error("{what}: {why}")]
    Profile {
        /// File or field.
        what: String,
        /// What is wrong with it.
        why: String,
    },
    /// Signatures are missing or wrong.
    #[error("{role}: {why}")]
    Signature {
        /// Role whose signatures were checked.
        role: String,
        /// "1 of 2 signatures", …
        why: String,
    },
}

impl Error {
    /// A breach of the profile.
    pub fn profile(what: impl Into<String>, why: impl Into<String>) -> Self {
        Self::Profile {
            what: what.into(),
            why: why.into(),
        }
    }
}

/// Result of this crate.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// SHA-256 (FIPS 180-4) of bytes as lower-case hex.
pub fn sha256_hex(bytes: &[u8]) -> String {
    use sha2::Digest;
    hex::encode(sha2::Sha256::digest(bytes))
}
