//! `cargo xtask conformance`: the public suite of TUF clients, tuf-conformance, against `headgate device tuf-client`.
//!
//! It is no step of `cargo xtask test`: the suite is on no package registry, and a check of everything must not depend on
//! another site.

use crate::workspace::Workspace;
use crate::{apt, process, tools};
use anyhow::{Context, Result};
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// What it fails is compared with the list `tests/interop/conformance.xfails`, in both directions.
pub(crate) fn run(workspace: &Workspace) -> Result<()> {
    apt::install(apt::Purpose::Conformance)?;
    process::run(
        workspace
            .cargo_workspace("build")
            .args(["--bin", "headgate"]),
    )?;
    let python = tools::conformance(workspace)?;
    let mut find = Command::new(&python);
    find.args([
        "-c",
        "import tuf_conformance; print(tuf_conformance.__path__[0])",
    ]);
    let suite = process::output(&mut find)?;
    let mut test = Command::new(&python);
    test.args(["-m", "pytest", "-q", "-rfEx", "-p", "no:cacheprovider"])
        .arg(suite.trim())
        .arg("--entrypoint")
        .arg(entry(workspace)?);
    process::run(&mut test)
}

/// The suite takes the path of a program without arguments, and looks for the list beside it.
fn entry(workspace: &Workspace) -> Result<PathBuf> {
    let folder = workspace.target.join("conformance");
    fs::create_dir_all(&folder)?;
    let (script, list) = (folder.join("tuf-client"), folder.join("tuf-client.xfails"));
    fs::copy(
        workspace.root.join("tests/interop/conformance.xfails"),
        &list,
    )
    .with_context(|| format!("cannot write {}", list.display()))?;
    let program = quoted(&workspace.program("headgate"));
    fs::write(
        &script,
        format!("#!/bin/sh\nexec {program} device tuf-client \"$@\"\n"),
    )?;
    executable(&script)?;
    Ok(script)
}

/// As one word of a shell.
fn quoted(path: &Path) -> String {
    format!("'{}'", path.display().to_string().replace('\'', r"'\''"))
}

#[cfg(unix)]
fn executable(path: &Path) -> Result<()> {
    use std::os::unix::fs::PermissionsExt;
    fs::set_permissions(path, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

#[cfg(not(unix))]
fn executable(_: &Path) -> Result<()> {
    anyhow::bail!("the suite needs a Unix system: it moves the clock with faketime")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_stays_one_word() {
        assert_eq!(quoted(Path::new("/a b/it's")), r"'/a b/it'\''s'");
    }
}
