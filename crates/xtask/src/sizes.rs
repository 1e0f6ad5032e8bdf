//! No source file grows past what a person reads in one sitting.

use crate::process;
use crate::workspace::Workspace;
use anyhow::{Result, bail};
use std::fs;
use std::process::Command;

const MAX_LINES: usize = 500;
const GENERATED: &str = "ui/src/lib/bindings/";

/// # Errors
/// Names every `.rs`, `.ts` and `.svelte` file over 500 lines, generated ones excepted.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let mut list = Command::new("git");
    list.args([
        "ls-files",
        "-z",
        "--cached",
        "--others",
        "--exclude-standard",
        "--",
        "*.rs",
        "*.ts",
        "*.svelte",
    ]);
    let files = process::output(list.current_dir(&workspace.root))?;
    let mut long = Vec::new();
    let mut seen = 0;
    for path in files
        .split('\0')
        .filter(|path| !path.is_empty() && !path.starts_with(GENERATED))
    {
        // A file that is listed but gone was deleted and not yet committed.
        let Ok(bytes) = fs::read(workspace.root.join(path)) else {
            continue;
        };
        seen += 1;
        let lines = lines(&bytes);
        if lines > MAX_LINES {
            long.push(format!("  {lines}  {path}"));
        }
    }
    if seen == 0 {
        bail!("git lists no source file in {}", workspace.root.display());
    }
    if !long.is_empty() {
        bail!(
            "files over {MAX_LINES} lines, split them by subject:\n{}",
            long.join("\n")
        );
    }
    println!("{seen} files, none over {MAX_LINES} lines");
    Ok(())
}

fn lines(bytes: &[u8]) -> usize {
    let ended = bytes.iter().filter(|byte| **byte == b'\n').count();
    ended + usize::from(bytes.last().is_some_and(|byte| *byte != b'\n'))
}

#[cfg(test)]
mod tests {
    use super::lines;

    #[test]
    fn a_last_line_without_an_end_counts() {
        assert_eq!(
            [lines(b""), lines(b"a"), lines(b"a\n"), lines(b"a\nb")],
            [0, 1, 1, 2]
        );
    }
}
