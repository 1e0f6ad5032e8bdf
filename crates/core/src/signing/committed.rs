//! The committed root and settings that a request builds on.

use headgate_tuf::metadata::Root;
use headgate_tuf::{Envelope, sha256_hex};

use super::SigningRequest;
use super::request::bad;
use crate::settings::TopTargets;
use crate::{Code, Problem, Result};

/// What is committed, as far as a signer has to know it.
#[derive(Debug, Clone)]
pub struct Committed {
    /// The newest root.
    pub root: Root,
    /// SHA-256 of its file.
    pub root_sha256: String,
    /// Its exact file, to be pinned.
    pub root_file: Vec<u8>,
    /// The top-level targets.
    pub targets: TopTargets,
    /// SHA-256 of their file.
    pub targets_sha256: String,
}

impl Committed {
    /// Follows the roots of a request from a pinned one on, each signed by the owners of the one before and by its own
    /// (TUF specification §5.3), and verifies the settings with the last.
    ///
    /// Expiry is not judged: a workstation's clock may be wrong, and what it signs replaces what has expired.
    ///
    /// # Errors
    /// `signing.unknown_workspace` when the pinned root is another workspace's; `trust.root` for a gap or a root that is
    /// not signed as it has to be; `trust.signature` for the settings; `signing.format` when they are not there.
    pub fn follow(request: &SigningRequest, pinned: &[u8]) -> Result<Self> {
        let envelope = Envelope::parse(pinned)?;
        let mut root: Root = envelope.signed().parse()?;
        let mut file = pinned.to_vec();
        if root.x.header.workspace != request.workspace {
            let what = "The request belongs to another workspace than the pinned root.";
            return Err(Problem::new(Code::SigningUnpinned, what));
        }
        for text in &request.roots {
            let envelope = Envelope::parse(text.as_bytes())?;
            let next: Root = envelope.signed().parse()?;
            if next.version < root.version {
                continue;
            }
            if next.version == root.version {
                if next != root {
                    return Err(no_root(format!(
                        "version {} is not the one that is pinned here",
                        next.version
                    )));
                }
                continue;
            }
            if next.version != root.version + 1 {
                return Err(no_root(format!("version {} is missing", root.version + 1)));
            }
            if next.x.header.workspace != request.workspace {
                return Err(no_root(format!(
                    "version {} is another workspace's",
                    next.version
                )));
            }
            let role = headgate_tuf::RoleName::Root;
            for owners in [&root, &next] {
                envelope
                    .verify("root", owners.role(&role)?, &owners.keys)
                    .map_err(|e| no_root(format!("version {}: {e}", next.version)))?;
            }
            root = next;
            file = text.as_bytes().to_vec();
        }
        let text = request.targets.as_ref();
        let text = text.ok_or_else(|| bad("the settings that it builds on are not in it"))?;
        let envelope = Envelope::parse(text.as_bytes())?;
        let targets: TopTargets = envelope.signed().parse()?;
        let set = root.role(&headgate_tuf::RoleName::Targets)?;
        envelope.verify("targets", set, &root.keys)?;
        if targets.x.header.workspace != request.workspace {
            return Err(bad("the settings in it are another workspace's"));
        }
        Ok(Self {
            root_sha256: sha256_hex(&file),
            root_file: file,
            root,
            targets_sha256: sha256_hex(text.as_bytes()),
            targets,
        })
    }
}

fn no_root(why: String) -> Problem {
    Problem::new(Code::TrustRoot, format!("The roots of the request: {why}."))
}
