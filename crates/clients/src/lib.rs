//! What stock plugins need of a release on one channel, made from its bundle with the channel's RSA key
//! (`docs/trust.md`, dialect signatures). A console and an offline workstation make it the same way.
//!
//! Only the RSA signatures are secret work. Everything else follows from the bundle and from them, so whoever has the
//! bundle and the public key makes the same objects again from signatures that a key made elsewhere
//! ([`RsaSigner::recorded`](headgate_signer::RsaSigner::recorded)), and sees in their hashes whether they are right.

mod content;
mod make;

use std::path::PathBuf;

use headgate_core::clients::{CapgoClients, ClientKey, ClientsDocument, IonicClients, Wanted};
use headgate_core::manifest::ReleaseManifest;
use headgate_tuf::Name;

pub use content::Content;
pub use make::{Order, make};

/// What was made for a release. Which build number it gets does not matter to it.
#[derive(Debug, Clone)]
pub struct Made {
    /// What was asked for.
    pub wanted: Wanted,
    /// SHA-256 of the plain bundle that it is made of.
    pub bundle: String,
    key: Option<ClientKey>,
    capgo: Option<CapgoClients>,
    ionic: Option<IonicClients>,
    /// Files to upload to `variants/`: SHA-256, where it lies, bytes.
    pub objects: Vec<(String, PathBuf, u64)>,
}

impl Made {
    /// Whether it is what an approval of this release asks for.
    pub fn is_of(&self, wanted: &Wanted, release: &ReleaseManifest) -> bool {
        *wanted == self.wanted && release.bundle.sha256 == self.bundle
    }

    /// The document that the approval role lists.
    pub fn document(
        &self,
        channel: &Name,
        manifest: &ReleaseManifest,
        sha256: &str,
    ) -> ClientsDocument {
        ClientsDocument {
            unit: manifest.unit.clone(),
            channel: channel.clone(),
            build: manifest.build,
            manifest: sha256.to_owned(),
            key: self.key.clone(),
            capgo: self.capgo.clone(),
            ionic: self.ionic.clone(),
        }
    }
}
