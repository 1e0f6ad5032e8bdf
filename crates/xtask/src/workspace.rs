//! Where things lie: the clone, the cache outside of it, and `cargo` with the arguments that never change.

use anyhow::{Context, Result};
use std::env;
use std::path::{Path, PathBuf};
use std::process::Command;

/// The folders that a task works with.
pub(crate) struct Workspace {
    /// The clone.
    pub(crate) root: PathBuf,
    /// Where cargo builds; outside the clone unless `CARGO_TARGET_DIR` says otherwise.
    pub(crate) target: PathBuf,
    /// Cargo tools, Python packages: everything that a second run need not fetch again.
    pub(crate) tools: PathBuf,
    /// This program. Asked for once at the start, because a build may replace the file while we run.
    pub(crate) xtask: PathBuf,
}

impl Workspace {
    pub(crate) fn find() -> Result<Self> {
        // Cargo sets the variable for `cargo run`; the compiled-in value would be wrong in a clone that was moved.
        let manifest =
            env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
        let root = Path::new(&manifest).join("../..");
        let root = root
            .canonicalize()
            .with_context(|| format!("cannot find the workspace at {}", root.display()))?;
        let cache = cache_root()?;
        let target = match env::var_os("CARGO_TARGET_DIR").filter(|dir| !dir.is_empty()) {
            Some(dir) => env::current_dir()?.join(dir),
            None => cache.join("target"),
        };
        let xtask = env::current_exe().context("cannot find the path of this program")?;
        Ok(Self {
            root,
            target,
            tools: cache.join("tools"),
            xtask,
        })
    }

    /// `cargo SUBCOMMAND` in the clone, building in our target folder.
    pub(crate) fn cargo(&self, subcommand: &str) -> Command {
        let mut cargo = Command::new(env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
        cargo
            .arg(subcommand)
            .current_dir(&self.root)
            .env("CARGO_TARGET_DIR", &self.target);
        // What `cargo run` says about this package is wrong for what we start, and build scripts look at it.
        for (name, _) in env::vars_os() {
            let text = name.to_string_lossy();
            if text.starts_with("CARGO_PKG_")
                || text.starts_with("CARGO_MANIFEST_")
                || text == "CARGO_BIN_NAME"
            {
                cargo.env_remove(&name);
            }
        }
        cargo
    }

    /// `cargo SUBCOMMAND --locked --workspace --features …`: always the same packages and features, because another
    /// set would compile half of the dependencies again.
    pub(crate) fn cargo_workspace(&self, subcommand: &str) -> Command {
        let mut cargo = self.cargo(subcommand);
        cargo.args(["--locked", "--workspace"]);
        if self.has_console() {
            // Without it the console loads its pages from a development server that nobody started.
            cargo.args(["--features", "headgate-console/custom-protocol"]);
        }
        cargo
    }

    /// The desktop shell is part of the workspace.
    pub(crate) fn has_console(&self) -> bool {
        self.root.join("src-tauri/Cargo.toml").exists()
    }

    /// A built program of the debug profile.
    pub(crate) fn program(&self, name: &str) -> PathBuf {
        self.target
            .join("debug")
            .join(format!("{name}{}", env::consts::EXE_SUFFIX))
    }

    /// Pictures of screens, inside the clone so that a person finds them.
    pub(crate) fn screenshots(&self) -> PathBuf {
        self.root.join("target/screenshots")
    }
}

/// `$XDG_CACHE_HOME/headgate`, with the usual places where that is not set.
fn cache_root() -> Result<PathBuf> {
    let set = |name: &str| {
        env::var_os(name)
            .filter(|value| !value.is_empty())
            .map(PathBuf::from)
    };
    let base = set("XDG_CACHE_HOME")
        .or_else(|| set("HOME").map(|home| home.join(".cache")))
        .or_else(|| set("LOCALAPPDATA"))
        .context("neither XDG_CACHE_HOME nor HOME is set: set one of them")?;
    Ok(base.join("headgate"))
}
