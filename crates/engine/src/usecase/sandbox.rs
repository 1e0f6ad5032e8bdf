//! The sandbox: a whole workspace on this computer, with throwaway keys.

use std::path::{Path, PathBuf};
use std::time::Duration;

use headgate_core::{Code, Problem, Result};

use super::init::InitRequest;
use crate::Workspace;
use crate::console::{Console, lock};
use crate::keys::{self, VaultChoice, sandbox_passphrase};
use crate::serve;

/// How long the keychain may take before the sandbox does without it.
const PATIENCE: Duration = Duration::from_secs(2);

/// The sample web build, inside the program so that there is always something to drop.
const SAMPLE: &[(&str, &[u8])] = &include!(concat!(env!("OUT_DIR"), "/sample.rs"));

/// A sandbox that is ready.
#[derive(Debug, Clone)]
pub struct SandboxInfo {
    /// Its workspace.
    pub workspace: Workspace,
    /// The sample web build.
    pub sample: PathBuf,
    /// Where it is served, while this process runs.
    pub url: String,
}

impl Console {
    /// Makes or opens the sandbox, and serves its folder on 127.0.0.1 while this process runs.
    ///
    /// # Errors
    /// `local.disk`, `key.*`, `storage.*`.
    pub async fn sandbox(&self) -> Result<SandboxInfo> {
        let folder = self.inner.home.sandbox();
        let sample = folder.join("sample build").join("www");
        write_sample(&sample)?;
        let known = self.workspaces().await?.into_iter().find(|w| w.sandbox);
        let workspace = match known {
            Some(workspace) => workspace,
            None => self.make_sandbox(&folder).await?,
        };
        let url = self
            .serve_sandbox(&workspace, &self.inner.home.sandbox_storage())
            .await?;
        Ok(SandboxInfo {
            workspace,
            sample,
            url,
        })
    }

    async fn make_sandbox(&self, folder: &Path) -> Result<Workspace> {
        let storage = self.inner.home.sandbox_storage();
        let (vault, why) = self.sandbox_vault(folder).await?;
        let request = InitRequest {
            app: "com.acme.field".into(),
            name: "Acme Field".into(),
            // A path, not a URL: a folder's name may hold `%`, `#` or `?`.
            storage: storage.display().to_string(),
            public_url: None,
            channels: ["development", "staging", "production"]
                .map(String::from)
                .to_vec(),
            vault,
            vault_why: why,
            sandbox: true,
            credentials: None,
        };
        Ok(self.init(request).await?.0)
    }

    /// The OS keychain if it answers in time, else a file whose passphrase lies beside it.
    async fn sandbox_vault(&self, folder: &Path) -> Result<(VaultChoice, Option<String>)> {
        let vaults = std::sync::Arc::clone(&self.inner.vaults);
        let file = folder.join("keys.age");
        let passphrase_given =
            std::env::var("HEADGATE_VAULT_PASSPHRASE").is_ok_and(|v| !v.is_empty());
        if passphrase_given {
            return Ok((
                VaultChoice::File(file),
                Some(
                    "HEADGATE_VAULT_PASSPHRASE is set, so the keys are in a passphrase file."
                        .into(),
                ),
            ));
        }
        let vault = vaults.open(&VaultChoice::Os, false);
        let answer = match &vault {
            Ok(vault) => keys::call_within(vault, PATIENCE, |v| v.probe()).await,
            Err(problem) => Err(problem.clone()),
        };
        let Err(problem) = answer else {
            return Ok((VaultChoice::Os, None));
        };
        let beside = sandbox_passphrase(&file);
        if !beside.exists() {
            write_private(&beside, self.inner.world.id(24)?.as_bytes())?;
        }
        let why = format!(
            "No OS keychain answered within 2 s ({}). These throwaway keys are in a file, its passphrase beside it.",
            problem.code
        );
        Ok((VaultChoice::File(file), Some(why)))
    }

    async fn serve_sandbox(&self, workspace: &Workspace, storage: &Path) -> Result<String> {
        if let Some(url) = lock(&self.inner.served).get(&workspace.id) {
            return Ok(url.clone());
        }
        let url = serve::folder(storage).await?;
        lock(&self.inner.served).insert(workspace.id.clone(), url.clone());
        Ok(url)
    }
}

fn disk(path: &Path) -> impl Fn(std::io::Error) -> Problem + '_ {
    move |e| {
        Problem::new(
            Code::LocalDisk,
            format!("{} cannot be written: {e}.", path.display()),
        )
    }
}

fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    use std::io::Write;
    if let Some(parent) = path.parent() {
        std::fs::create_dir_all(parent).map_err(disk(parent))?;
    }
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    options
        .open(path)
        .and_then(|mut f| f.write_all(bytes))
        .map_err(disk(path))
}

/// Writes what is missing; what a person changed stays, so that there is something new to ship.
fn write_sample(to: &Path) -> Result<()> {
    for (name, bytes) in SAMPLE {
        let path = to.join(name);
        if path.exists() {
            continue;
        }
        if let Some(parent) = path.parent() {
            std::fs::create_dir_all(parent).map_err(disk(parent))?;
        }
        std::fs::write(&path, bytes).map_err(disk(&path))?;
    }
    Ok(())
}
