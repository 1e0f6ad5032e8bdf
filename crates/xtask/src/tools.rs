//! Tools that the tests call: cargo tools, Python packages and npm packages, each in a folder of its own.

use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// A program from crates.io, at one version.
pub(crate) struct CargoTool {
    name: &'static str,
    version: &'static str,
}

pub(crate) const CARGO_DENY: CargoTool = CargoTool {
    name: "cargo-deny",
    version: "0.20.2",
};
pub(crate) const TAURI_DRIVER: CargoTool = CargoTool {
    name: "tauri-driver",
    version: "2.1.0",
};

impl CargoTool {
    /// Installs it unless this version is there already. Returns its path.
    pub(crate) fn install(&self, workspace: &Workspace) -> Result<PathBuf> {
        let program = workspace.tools.join("bin").join(format!(
            "{}{}",
            self.name,
            std::env::consts::EXE_SUFFIX
        ));
        let listed = fs::read_to_string(workspace.tools.join(".crates.toml")).unwrap_or_default();
        if program.exists() && listed.contains(&format!("\"{} {} (", self.name, self.version)) {
            return Ok(program);
        }
        println!(
            "Installing {} {} into {} (a few minutes, once)",
            self.name,
            self.version,
            workspace.tools.display()
        );
        let build = workspace.tools.join("build");
        let mut install = workspace.cargo("install");
        install
            .args(["--locked", "--version", self.version, "--root"])
            .arg(&workspace.tools)
            .arg(self.name);
        process::run(install.env("CARGO_TARGET_DIR", &build))?;
        // Only the program is of use later.
        fs::remove_dir_all(&build).ok();
        Ok(program)
    }
}

/// A Python with the packages of `tests/interop/requirements.txt`. Returns the path of its interpreter.
pub(crate) fn python(workspace: &Workspace) -> Result<PathBuf> {
    let requirements = workspace.root.join("tests/interop/requirements.txt");
    environment(&requirements, &workspace.tools.join("python"), None)
}

/// A Python with the suite tuf-conformance, which pins packages of its own. `HEADGATE_TUF_CONFORMANCE` names a folder that
/// holds the suite, for who cannot reach GitHub.
pub(crate) fn conformance(workspace: &Workspace) -> Result<PathBuf> {
    let requirements = workspace.root.join("tests/interop/conformance.txt");
    let copy = std::env::var_os("HEADGATE_TUF_CONFORMANCE").map(PathBuf::from);
    let folder = workspace.tools.join("conformance");
    environment(&requirements, &folder, copy.as_deref())
}

/// A virtual environment with what a file lists, or with a package from a folder in its place.
fn environment(requirements: &Path, folder: &Path, copy: Option<&Path>) -> Result<PathBuf> {
    let python = folder.join(if cfg!(windows) {
        "Scripts/python.exe"
    } else {
        "bin/python"
    });
    if copy.is_none() && is_current(requirements, folder) && python.exists() {
        return Ok(python);
    }
    process::run(
        Command::new("python3")
            .args(["-m", "venv", "--clear"])
            .arg(folder),
    )?;
    let mut pip = Command::new(&python);
    pip.args([
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
    ]);
    match copy {
        Some(copy) => pip.arg(copy),
        None => pip.arg("--requirement").arg(requirements),
    };
    process::run(&mut pip)?;
    if copy.is_none() {
        mark_current(requirements, folder)?;
    }
    Ok(python)
}

/// `npm ci` in `folder`, unless its `node_modules` came from the same lock file.
pub(crate) fn npm_ci(folder: &Path) -> Result<()> {
    let lock = folder.join("package-lock.json");
    let modules = folder.join("node_modules");
    if is_current(&lock, &modules) {
        return Ok(());
    }
    process::run(
        Command::new("npm")
            .args(["ci", "--ignore-scripts", "--no-audit", "--no-fund"])
            .current_dir(folder),
    )?;
    mark_current(&lock, &modules)
}

/// `folder` was made from this very `source`. Times say nothing here: a checkout touches every file.
fn is_current(source: &Path, folder: &Path) -> bool {
    match (fs::read(source), fs::read(folder.join(STAMP))) {
        (Ok(now), Ok(then)) => now == then,
        _ => false,
    }
}

fn mark_current(source: &Path, folder: &Path) -> Result<()> {
    fs::copy(source, folder.join(STAMP))
        .with_context(|| format!("cannot mark {} as current", folder.display()))?;
    Ok(())
}

const STAMP: &str = ".made-from";
