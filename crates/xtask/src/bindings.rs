//! The TypeScript that is generated from the Rust types: written, and compared with what is committed.

use crate::process;
use crate::workspace::Workspace;
use anyhow::{Context, Result, bail};
use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

const COMMITTED: &str = "ui/src/lib/bindings";

/// Lets the export tests of a `cargo test` write into `folder`.
pub(crate) fn export_to<'a>(test: &'a mut Command, folder: &Path) -> &'a mut Command {
    // JSON numbers: the interface keeps every integer within 2^53.
    test.env("TS_RS_LARGE_INT", "number")
        .env("TS_RS_EXPORT_DIR", folder)
}

/// Where the test run writes its copy.
pub(crate) fn generated(workspace: &Workspace) -> PathBuf {
    workspace.target.join("bindings-of-this-run")
}

/// Replaces the committed bindings by freshly generated ones.
pub(crate) fn write(workspace: &Workspace) -> Result<()> {
    let folder = generated(workspace);
    clear(&folder)?;
    let mut test = workspace.cargo("test");
    test.args(["-p", "headgate-ipc", "export_bindings"]);
    process::run(export_to(&mut test, &folder))?;
    let fresh = read(&folder)?;
    if fresh.is_empty() {
        bail!("the export tests of headgate-ipc wrote nothing");
    }
    let committed = workspace.root.join(COMMITTED);
    clear(&committed)?;
    for (path, bytes) in &fresh {
        let path = committed.join(path);
        if let Some(parent) = path.parent() {
            fs::create_dir_all(parent)?;
        }
        fs::write(&path, bytes).with_context(|| format!("cannot write {}", path.display()))?;
    }
    println!("{} files in {COMMITTED}", fresh.len());
    Ok(())
}

/// # Errors
/// The committed bindings differ from those that the last test run wrote; names the files.
pub(crate) fn check(workspace: &Workspace) -> Result<()> {
    let fresh = read(&generated(workspace))?;
    if fresh.is_empty() {
        bail!("the test run exported no bindings: run the step `rust-test` first");
    }
    let differences = differences(&read(&workspace.root.join(COMMITTED))?, &fresh);
    if !differences.is_empty() {
        bail!(
            "{COMMITTED} is not what the Rust types say:\n{}\nRun `cargo xtask bindings` and commit the result.",
            differences.join("\n")
        );
    }
    println!("{} files are current", fresh.len());
    Ok(())
}

/// Empties a folder that need not exist.
pub(crate) fn clear(folder: &Path) -> Result<()> {
    if folder.exists() {
        fs::remove_dir_all(folder).with_context(|| format!("cannot empty {}", folder.display()))?;
    }
    Ok(fs::create_dir_all(folder)?)
}

type Files = BTreeMap<PathBuf, Vec<u8>>;

fn read(folder: &Path) -> Result<Files> {
    let mut files = Files::new();
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        if !next.exists() {
            continue;
        }
        for entry in fs::read_dir(&next)? {
            let path = entry?.path();
            if path.is_dir() {
                folders.push(path);
            } else {
                files.insert(path.strip_prefix(folder)?.to_path_buf(), fs::read(&path)?);
            }
        }
    }
    Ok(files)
}

fn differences(committed: &Files, fresh: &Files) -> Vec<String> {
    let mut found = Vec::new();
    for (path, bytes) in fresh {
        match committed.get(path) {
            None => found.push(format!("  missing: {}", path.display())),
            Some(old) if old != bytes => found.push(format!("  differs: {}", path.display())),
            Some(_) => {}
        }
    }
    found.extend(
        committed
            .keys()
            .filter(|path| !fresh.contains_key(*path))
            .map(|p| format!("  no such type: {}", p.display())),
    );
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_missing_a_changed_and_a_left_over_file_are_each_named() {
        let files = |list: &[(&str, &str)]| {
            list.iter()
                .map(|(p, b)| (p.into(), b.as_bytes().to_vec()))
                .collect::<Files>()
        };
        let committed = files(&[("Same.ts", "a"), ("Changed.ts", "a"), ("Gone.ts", "a")]);
        let fresh = files(&[("Same.ts", "a"), ("Changed.ts", "b"), ("New.ts", "a")]);
        let found = differences(&committed, &fresh);
        assert_eq!(
            found,
            [
                "  differs: Changed.ts",
                "  missing: New.ts",
                "  no such type: Gone.ts"
            ]
        );
        assert!(differences(&committed, &committed).is_empty());
    }
}
