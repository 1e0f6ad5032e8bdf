//! Vaults and the keys of this computer.

use std::collections::{BTreeMap, HashMap};
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use headgate_core::{Code, Problem, Result};
use headgate_signer::{FileVault, KeyVault, OsKeychain, Passphrase, run_with_timeout};
use headgate_tuf::{KeyId, PublicKey, UtcTime};
use zeroize::Zeroizing;

/// How long a keychain may take to answer, an open unlock prompt included.
const PATIENCE: Duration = Duration::from_secs(120);

/// Service name of this build's keychain items: development builds do not touch a released console's keys.
const SERVICE: &str = if cfg!(debug_assertions) {
    "headgate-dev"
} else {
    "headgate"
};

/// Where a workspace's keys are.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum VaultChoice {
    /// The OS keychain.
    Os,
    /// A passphrase file.
    File(PathBuf),
}

impl VaultChoice {
    /// Reads `os` or `file:PATH`.
    pub fn parse(text: &str) -> Self {
        match text.strip_prefix("file:") {
            Some(path) => Self::File(PathBuf::from(path)),
            None => Self::Os,
        }
    }

    /// As it is stored.
    pub fn to_text(&self) -> String {
        match self {
            Self::Os => "os".into(),
            Self::File(path) => format!("file:{}", path.display()),
        }
    }
}

/// A vault in words.
#[derive(Debug, Clone)]
pub struct VaultInfo {
    /// `os`, `file` or `memory`.
    pub kind: String,
    /// Name to show.
    pub label: String,
    /// Why this one was taken, when it was not the first choice.
    pub why: Option<String>,
}

/// A key of this computer.
#[derive(Debug, Clone)]
pub struct KeyInfo {
    /// Its id.
    pub id: KeyId,
    /// Its public part.
    pub public: PublicKey,
    /// Name from signed metadata, or the label it was made with.
    pub name: String,
    /// Roles that accept it.
    pub roles: Vec<String>,
    /// The vault has it.
    pub here: bool,
    /// When it was made or imported here.
    pub created: UtcTime,
}

/// Opens vaults; tests put memory vaults in.
pub trait OpenVault: Send + Sync {
    /// Opens the vault; makes a passphrase file when `create` and there is none.
    ///
    /// # Errors
    /// `key.*`.
    fn open(&self, choice: &VaultChoice, create: bool) -> Result<Arc<dyn KeyVault>>;

    /// Opens a passphrase file with what a person entered, and keeps it open; makes it when there is none.
    ///
    /// # Errors
    /// `usage.argument` for a vault that is not opened with a passphrase; `key.*`.
    fn unlock(&self, _: &VaultChoice, _: Passphrase) -> Result<()> {
        let what = "This vault is not opened with a passphrase.";
        Err(Problem::new(Code::UsageArgument, what))
    }
}

/// Asks a person for a passphrase; the argument says for what.
pub type AskPassphrase = Arc<dyn Fn(&str) -> Result<Zeroizing<String>> + Send + Sync>;

/// The OS keychain and passphrase files.
#[derive(Default)]
pub struct StandardVaults {
    ask: Option<AskPassphrase>,
    open: Mutex<HashMap<VaultChoice, Arc<dyn KeyVault>>>,
}

impl StandardVaults {
    /// Asks with this when `HEADGATE_VAULT_PASSPHRASE` is not set.
    pub fn asking(ask: AskPassphrase) -> Self {
        Self {
            ask: Some(ask),
            open: Mutex::default(),
        }
    }

    fn keep(&self, choice: &VaultChoice, vault: &Arc<dyn KeyVault>) {
        self.open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(choice.clone(), Arc::clone(vault));
    }

    fn passphrase(&self, path: &std::path::Path) -> Result<Passphrase> {
        if let Ok(text) = std::env::var("HEADGATE_VAULT_PASSPHRASE")
            && !text.is_empty()
        {
            return Passphrase::new(text);
        }
        // Throwaway keys of the sandbox: its passphrase lies beside the vault, which the console says.
        if let Ok(text) = std::fs::read_to_string(sandbox_passphrase(path)) {
            return Passphrase::new(text);
        }
        let Some(ask) = &self.ask else {
            return Err(Problem::new(
                Code::KeyPassphrase,
                format!("The vault {} needs its passphrase.", path.display()),
            ));
        };
        let text = ask(&format!("Passphrase of {}", path.display()))?;
        Passphrase::new(text.as_str().to_owned())
    }
}

/// Where the sandbox keeps the passphrase of its throwaway vault.
pub(crate) fn sandbox_passphrase(vault: &std::path::Path) -> PathBuf {
    vault.with_extension("passphrase")
}

impl OpenVault for StandardVaults {
    fn open(&self, choice: &VaultChoice, create: bool) -> Result<Arc<dyn KeyVault>> {
        if let Some(vault) = self
            .open
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .get(choice)
        {
            return Ok(Arc::clone(vault));
        }
        let vault: Arc<dyn KeyVault> = match choice {
            VaultChoice::Os => Arc::new(OsKeychain::new(SERVICE)),
            VaultChoice::File(path) if create && !path.exists() => {
                Arc::new(FileVault::create(path, self.passphrase(path)?)?)
            }
            VaultChoice::File(path) => Arc::new(FileVault::open(path, self.passphrase(path)?)?),
        };
        self.keep(choice, &vault);
        Ok(vault)
    }

    fn unlock(&self, choice: &VaultChoice, passphrase: Passphrase) -> Result<()> {
        let VaultChoice::File(path) = choice else {
            let what = "The keychain asks for its password by itself.";
            return Err(Problem::new(Code::UsageArgument, what)
                .remedy("Unlock the keychain, then try again."));
        };
        let vault: Arc<dyn KeyVault> = Arc::new(if path.exists() {
            FileVault::open(path, passphrase)?
        } else {
            FileVault::create(path, passphrase)?
        });
        self.keep(choice, &vault);
        Ok(())
    }
}

/// Runs a vault call off the async threads, bounded in time: an unlock prompt may wait for a person.
pub(crate) async fn call<T: Send + 'static>(
    vault: &Arc<dyn KeyVault>,
    f: impl FnOnce(&dyn KeyVault) -> Result<T> + Send + 'static,
) -> Result<T> {
    call_within(vault, PATIENCE, f).await
}

/// As [`call`], with a shorter patience.
pub(crate) async fn call_within<T: Send + 'static>(
    vault: &Arc<dyn KeyVault>,
    patience: Duration,
    f: impl FnOnce(&dyn KeyVault) -> Result<T> + Send + 'static,
) -> Result<T> {
    let vault = Arc::clone(vault);
    let run =
        tokio::task::spawn_blocking(move || run_with_timeout(patience, move || f(vault.as_ref())));
    run.await.map_err(|e| {
        Problem::new(
            Code::Internal,
            format!("The keychain call ended badly: {e}."),
        )
    })?
}

/// Public keys of this computer by id.
pub(crate) type OwnKeys = BTreeMap<KeyId, PublicKey>;

/// An Ed25519 public key from its 64 hex digits.
///
/// # Errors
/// `key.file` when it is something else.
pub fn public_key(hex_text: &str) -> Result<PublicKey> {
    let bytes = hex::decode(hex_text)
        .ok()
        .and_then(|b| <[u8; 32]>::try_from(b).ok());
    let bytes = bytes.ok_or_else(|| {
        Problem::new(
            Code::KeyFile,
            "That is not an Ed25519 public key of 64 hex digits.",
        )
    })?;
    Ok(PublicKey::from_bytes(&bytes))
}
