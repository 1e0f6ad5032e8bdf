//! The front end: its packages and its npm scripts.

use crate::workspace::Workspace;
use crate::{process, tools};
use anyhow::Result;
use std::process::Command;

pub(crate) fn install(workspace: &Workspace) -> Result<()> {
    tools::npm_ci(&workspace.root.join("ui"))
}

/// `npm run SCRIPT` in `ui/`.
pub(crate) fn script(workspace: &Workspace, name: &str) -> Result<()> {
    process::run(
        Command::new("npm")
            .args(["run", "--silent", name])
            .current_dir(workspace.root.join("ui")),
    )
}
