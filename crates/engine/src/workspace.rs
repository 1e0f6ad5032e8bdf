//! A workspace on this computer.

use crate::keys::VaultChoice;

/// One host app with its registry, as this computer knows it.
#[derive(Debug, Clone)]
pub struct Workspace {
    /// Identifier on this computer.
    pub id: String,
    /// App identifier.
    pub app: String,
    /// Name to show.
    pub name: String,
    /// Storage address, without credentials.
    pub storage: String,
    /// Where devices read.
    pub public_url: Option<String>,
    /// Throwaway workspace.
    pub sandbox: bool,
    /// The pinned `1.root.json`, exact bytes.
    pub root: Vec<u8>,
    /// Where its keys are.
    pub vault: VaultChoice,
    /// Why this vault was taken.
    pub vault_why: Option<String>,
}
