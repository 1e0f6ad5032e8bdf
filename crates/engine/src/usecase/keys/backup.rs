//! Exports and the restore drill.

use std::io::Write as _;
use std::path::Path;

use headgate_core::{Code, Problem, Result};
use headgate_signer::{AnyKey, Passphrase, drill};
use headgate_tuf::UtcTime;
use zeroize::Zeroizing;

use super::Own;
use crate::Workspace;
use crate::console::Console;
use crate::db::Care;
use crate::keys;

impl Console {
    /// A key sealed into an age file with a passphrase. Records nothing: see [`Self::export_key_to`].
    ///
    /// # Errors
    /// `key.not_here`, `usage.unknown`, `key.*`.
    pub async fn export_key(
        &self,
        workspace: &str,
        key: &str,
        passphrase: Zeroizing<String>,
    ) -> Result<Vec<u8>> {
        let workspace = self.workspace(workspace).await?;
        let own = self.known_key(&workspace, key).await?;
        self.sealed(&workspace, own, passphrase).await
    }

    /// Writes a key to a new file that a passphrase protects, readable by this account alone, and records that it was
    /// exported. A drill of an earlier export counts no more: the newest file is the one to prove.
    ///
    /// # Errors
    /// As [`Self::export_key`]; `usage.exists` for a file that is there: an export never replaces one; `local.disk`.
    pub async fn export_key_to(
        &self,
        workspace: &str,
        key: &str,
        passphrase: Zeroizing<String>,
        path: &Path,
    ) -> Result<usize> {
        let workspace = self.workspace(workspace).await?;
        let own = self.known_key(&workspace, key).await?;
        if path.exists() {
            return Err(exists(path));
        }
        let id = own.id.clone();
        let sealed = self.sealed(&workspace, own, passphrase).await?;
        write_private(path, &sealed)?;
        let care = Care {
            exported: Some(self.inner.world.now()),
            drilled: None,
            ..self.care(&workspace, &id).await?
        };
        self.inner
            .journal
            .set_care(&workspace.id, &id, care)
            .await?;
        Ok(sealed.len())
    }

    /// Proves that an exported file opens with this passphrase and holds exactly this key, and records that. Keeps
    /// nothing of it, and needs no vault.
    ///
    /// # Errors
    /// `usage.unknown`; `key.wrong_password`, `key.file` for another file or another key.
    pub async fn drill_key(
        &self,
        workspace: &str,
        key: &str,
        sealed: impl Into<Zeroizing<Vec<u8>>>,
        passphrase: Zeroizing<String>,
    ) -> Result<UtcTime> {
        let sealed = sealed.into();
        let workspace = self.workspace(workspace).await?;
        let own = self.known_key(&workspace, key).await?;
        let passphrase = Passphrase::new(passphrase)?;
        let recorded = own.key;
        // Opening it costs a second of scrypt.
        let run = tokio::task::spawn_blocking(move || drill(&sealed, &passphrase, &recorded));
        run.await
            .map_err(|e| Problem::new(Code::Internal, format!("The drill ended badly: {e}.")))??;
        let now = self.inner.world.now();
        let before = self.care(&workspace, &own.id).await?;
        let care = Care {
            // A file that exists was exported, if not here.
            exported: before.exported.or(Some(now)),
            drilled: Some(now),
            ..before
        };
        self.inner
            .journal
            .set_care(&workspace.id, &own.id, care)
            .await?;
        Ok(now)
    }

    async fn sealed(
        &self,
        workspace: &Workspace,
        own: Own,
        passphrase: Zeroizing<String>,
    ) -> Result<Vec<u8>> {
        let vault = self.inner.vault(workspace).await?;
        let passphrase = Passphrase::new(passphrase)?;
        keys::call(&vault, move |v| match &own.key {
            AnyKey::Ed25519(key) => v.export(key, &passphrase),
            AnyKey::Rsa(key) => v.export_rsa(key, &passphrase),
        })
        .await
    }
}

fn exists(path: &Path) -> Problem {
    let what = format!("{} exists already.", path.display());
    Problem::new(Code::UsageExists, what)
        .holds("The file is as it was.")
        .remedy("Choose another file.")
        .field("output")
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let written = options
        .open(path)
        .and_then(|mut file| file.write_all(bytes).and_then(|()| file.sync_all()));
    written.map_err(|e| match e.kind() {
        std::io::ErrorKind::AlreadyExists => exists(path),
        _ => Problem::new(
            Code::LocalDisk,
            format!("{} cannot be written: {e}.", path.display()),
        ),
    })
}
