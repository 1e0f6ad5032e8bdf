//! Roots that a person compared by voice and pinned.

use headgate_core::signing::plain;
use headgate_core::words::{groups, words};
use headgate_core::{Code, Problem, Result};
use headgate_tuf::metadata::Root;
use headgate_tuf::{Envelope, RoleName, UtcTime, sha256_hex};

use crate::history::Entry;
use crate::workstation::Workstation;

/// Largest root file that is read, bytes.
pub(crate) const MAX_ROOT: u64 = 1 << 20;

/// An owner of a root.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Owner {
    /// Name of the key.
    pub name: String,
    /// Who holds it.
    pub holder: String,
    /// Id of the key.
    pub id: String,
}

/// A root of trust, before and after it is pinned.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RootPreview {
    /// App identifier.
    pub app: String,
    /// Name of the app.
    pub name: String,
    /// Identity of the workspace.
    pub workspace: String,
    /// `solo` or `team`.
    pub profile: String,
    /// Version.
    pub version: u64,
    /// Owners.
    pub owners: Vec<Owner>,
    /// Signatures of owners that a new root needs.
    pub threshold: u32,
    /// When it was made.
    pub made: UtcTime,
    /// SHA-256 of the file.
    pub fingerprint: String,
    /// The first 132 bits of it as 12 words.
    pub words: Vec<String>,
    /// All of it in groups of four.
    pub groups: String,
    /// It is pinned here already.
    pub pinned: bool,
}

impl Workstation {
    /// Reads a root file and says what it is. Nothing is believed yet.
    ///
    /// # Errors
    /// `trust.root` when it is no first root that its own owners signed; `trust.other_workspace` when another root is
    /// pinned for the same app.
    pub fn preview_root(&self, bytes: &[u8]) -> Result<RootPreview> {
        let root = read(bytes)?;
        let mut pinned = false;
        for state in self.states()? {
            let Some(file) = state.pinned()? else {
                continue;
            };
            let known: Root = Envelope::parse(&file)?.signed().parse()?;
            if known == root {
                pinned = true;
            } else if known.x.app == root.x.app
                || known.x.header.workspace == root.x.header.workspace
            {
                let what = format!(
                    "Another root of {} is pinned here, made at {} by {}.",
                    plain(&known.x.app),
                    known.x.header.at,
                    plain(&known.x.header.by)
                );
                return Err(Problem::new(Code::TrustWorkspace, what)
                    .holds("The pinned root stays, and nothing was signed.")
                    .remedy("Find out by voice who made the other one. Nobody but an owner of the app replaces a root, and then devices need a new app build too."));
            }
        }
        Ok(RootPreview {
            pinned,
            ..describe(bytes, &root)?
        })
    }

    /// Pins a root that a person compared, and typed the app identifier of.
    ///
    /// # Errors
    /// As [`Self::preview_root`]; `usage.confirmation` when `typed` is not the app identifier.
    pub fn pin_root(&self, bytes: &[u8], typed: &str) -> Result<RootPreview> {
        let preview = self.preview_root(bytes)?;
        if typed.trim() != preview.app {
            let what = format!("{typed:?} is not {}.", preview.app);
            return Err(Problem::new(Code::UsageConfirm, what)
                .remedy(
                    "Compare the words by voice, then type the app identifier exactly as shown.",
                )
                .field("typed"));
        }
        let state = self.state(&preview.workspace);
        // A ceremony may have pinned a copy with fewer signatures: this one is what devices pin.
        state.pin(bytes)?;
        if !preview.pinned {
            self.record(&Entry {
                app: preview.app.clone(),
                workspace: preview.workspace.clone(),
                title: format!("Pinned the root of {}", preview.name),
                sha256: Some(preview.fingerprint.clone()),
                ..Entry::new(self.now(), "pinned")
            })?;
        }
        Ok(RootPreview {
            pinned: true,
            ..preview
        })
    }

    /// Pinned roots.
    ///
    /// # Errors
    /// `local.*`.
    pub fn roots(&self) -> Result<Vec<RootPreview>> {
        let mut all = Vec::new();
        for state in self.states()? {
            let Some(bytes) = state.pinned()? else {
                continue;
            };
            let root: Root = Envelope::parse(&bytes)?.signed().parse()?;
            all.push(RootPreview {
                pinned: true,
                ..describe(&bytes, &root)?
            });
        }
        all.sort_by(|a, b| a.app.cmp(&b.app));
        Ok(all)
    }
}

fn read(bytes: &[u8]) -> Result<Root> {
    let bad = |why: String| {
        Problem::new(Code::TrustRoot, format!("This is no root of trust: {why}."))
            .holds("Nothing was pinned.")
    };
    if bytes.len() as u64 > MAX_ROOT {
        return Err(bad("it is too large".into()));
    }
    let envelope = Envelope::parse(bytes).map_err(|e| bad(e.to_string()))?;
    let root: Root = envelope.signed().parse().map_err(|e| bad(e.to_string()))?;
    if root.version != 1 {
        return Err(bad(format!(
            "it is version {}, and devices pin version 1",
            root.version
        ))
        .remedy(
            "Import 1.root.json, which every device has. The newer ones travel with each request.",
        ));
    }
    let owners = root.role(&RoleName::Root)?;
    envelope
        .verify("root", owners, &root.keys)
        .map_err(|e| bad(e.to_string()))?;
    Ok(root)
}

pub(crate) fn describe(bytes: &[u8], root: &Root) -> Result<RootPreview> {
    let role = root.role(&RoleName::Root)?;
    let owner = |id: &headgate_tuf::KeyId| {
        let named = root.x.keys.get(id);
        Owner {
            name: named.map(|n| plain(&n.name)).unwrap_or_default(),
            holder: named.map(|n| plain(&n.holder)).unwrap_or_default(),
            id: id.to_string(),
        }
    };
    let fingerprint = sha256_hex(bytes);
    Ok(RootPreview {
        app: plain(&root.x.app),
        name: plain(&root.x.name),
        workspace: root.x.header.workspace.clone(),
        profile: plain(&root.x.profile),
        version: root.version,
        owners: role.keyids.iter().map(owner).collect(),
        threshold: role.threshold,
        made: root.x.header.at,
        words: words(&fingerprint)?.map(String::from).to_vec(),
        groups: groups(&fingerprint),
        fingerprint,
        pinned: false,
    })
}
