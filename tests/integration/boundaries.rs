//! Dependencies point one way. Each rule is read off the tree that cargo resolves, not off anyone's intention.
#![expect(clippy::unwrap_used, reason = "a test that cannot look has failed")]

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Async runtimes, network, SQL and the desktop: what pure rules must not be able to reach.
const IO_STACKS: &[&str] = &[
    "tokio",
    "hyper",
    "reqwest",
    "sqlx",
    "tauri",
    "axum",
    "object_store",
    "mio",
];

const SHELL_SIDE: &[&str] = &["tokio", "reqwest", "sqlx", "tauri"];

/// Network clients, TLS, SQL and the desktop: where a private key could leak to. The local D-Bus is allowed.
const WAYS_OUT_OF_THE_SIGNER: &[&str] = &[
    "reqwest",
    "hyper",
    "rustls",
    "native-tls",
    "openssl",
    "sqlx",
    "libsqlite3-sys",
    "tauri",
];

/// Everything that can write the registry or hold a key.
const WRITERS: &[&str] = &["headgate-engine", "headgate-signer"];

#[test]
fn tuf_reaches_no_io_stack() {
    assert_unreachable("headgate-tuf", IO_STACKS);
}

#[test]
fn core_reaches_no_io_stack() {
    assert_unreachable("headgate-core", IO_STACKS);
}

#[test]
fn bundle_reaches_no_runtime_network_sql_or_desktop() {
    assert_unreachable("headgate-bundle", SHELL_SIDE);
}

#[test]
fn signer_reaches_no_network_tls_sql_or_desktop() {
    assert_unreachable("headgate-signer", WAYS_OUT_OF_THE_SIGNER);
}

/// The offline workstation has no runtime either: nothing in it could open a connection.
#[test]
fn offline_reaches_no_runtime_network_tls_sql_or_desktop() {
    assert_unreachable("headgate-offline", WAYS_OUT_OF_THE_SIGNER);
    assert_unreachable("headgate-offline", IO_STACKS);
}

#[test]
fn registry_reaches_neither_engine_nor_signer() {
    assert_unreachable("headgate-registry", WRITERS);
}

/// The engine runs both for the sandbox, so nothing of the engine may come back to them.
#[test]
fn server_and_device_reach_neither_engine_nor_signer() {
    for name in ["headgate-server", "headgate-device"] {
        assert_unreachable(name, WRITERS);
    }
}

#[test]
fn only_the_backend_folder_imports_tauri() {
    let source = root().join("ui/src");
    let mut files = Vec::new();
    collect(&source, &mut files);
    assert!(!files.is_empty(), "no source file in {}", source.display());
    let found = tauri_importers(
        files
            .iter()
            .map(|(path, text)| (path.as_path(), text.as_str())),
    );
    assert!(
        found.is_empty(),
        "these files import @tauri-apps; go through lib/backend instead: {found:?}"
    );
}

/// Fails with the chain of dependencies from the package to the first forbidden one.
fn assert_unreachable(package: &str, forbidden: &[&str]) {
    let tree = cargo_tree(package);
    assert!(
        tree.starts_with(&format!("0{package} v")),
        "cargo tree does not begin with {package}:\n{tree}"
    );
    if let Some(path) = forbidden_path(&tree, forbidden) {
        panic!(
            "{package} must not reach {}, but does:\n  {}",
            path[path.len() - 1],
            path.join(" → ")
        );
    }
}

/// What the package depends on when it is compiled for this machine, one package a line behind its depth.
fn cargo_tree(package: &str) -> String {
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args([
        "tree",
        "--offline",
        "--locked",
        "--package",
        package,
        "--edges",
        "normal",
        "--prefix",
        "depth",
    ]);
    let output = cargo.current_dir(root()).output().unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(
        output.status.success(),
        "cargo tree --package {package} failed:\n{said}"
    );
    String::from_utf8(output.stdout).unwrap()
}

/// The first forbidden package in the output of `cargo tree --prefix depth`, as the path of names that leads to it.
fn forbidden_path(tree: &str, forbidden: &[&str]) -> Option<Vec<String>> {
    let mut path: Vec<String> = Vec::new();
    for line in tree.lines() {
        let digits = line.chars().take_while(char::is_ascii_digit).count();
        let Ok(depth) = line[..digits].parse::<usize>() else {
            continue;
        };
        let name = line[digits..].split(' ').next().unwrap_or_default();
        path.truncate(depth);
        path.push(name.to_owned());
        if forbidden.contains(&name) {
            return Some(path);
        }
    }
    None
}

/// Files outside `lib/backend` that name a package of Tauri.
fn tauri_importers<'a>(files: impl Iterator<Item = (&'a Path, &'a str)>) -> Vec<&'a Path> {
    let backend = Path::new("lib/backend");
    let imports =
        files.filter(|(path, text)| !path.starts_with(backend) && text.contains("@tauri-apps/"));
    imports.map(|(path, _)| path).collect()
}

/// Every source file under `folder` with its text; paths are relative to it.
fn collect(folder: &Path, files: &mut Vec<(PathBuf, String)>) {
    let mut folders = vec![folder.to_path_buf()];
    while let Some(next) = folders.pop() {
        for entry in fs::read_dir(next).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|end| {
                ["ts", "js", "svelte", "mts", "mjs"]
                    .iter()
                    .any(|e| end == *e)
            }) {
                let text = fs::read_to_string(&path).unwrap();
                files.push((path.strip_prefix(folder).unwrap().to_path_buf(), text));
            }
        }
    }
}

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .unwrap()
        .to_path_buf()
}

mod the_check_itself {
    use super::*;

    const TREE: &str = "\
0headgate-core v0.1.0 (/clone/crates/core)
1serde v1.0.0
2serde_core v1.0.0
1time v0.3.0
2helper v1.0.0
3tokio v1.0.0
1tokio-free v1.0.0 (*)
";

    #[test]
    fn finds_a_forbidden_package_deep_in_the_tree_and_the_path_to_it() {
        let path = forbidden_path(TREE, &["mio", "tokio"]).unwrap();
        assert_eq!(path, ["headgate-core", "time", "helper", "tokio"]);
    }

    #[test]
    fn a_name_that_only_begins_like_a_forbidden_one_is_fine() {
        assert_eq!(
            forbidden_path(&TREE.replace("3tokio v", "3tokio-util v"), &["tokio"]),
            None
        );
    }

    #[test]
    fn a_direct_dependency_is_found() {
        assert_eq!(
            forbidden_path(TREE, &["serde"]).unwrap(),
            ["headgate-core", "serde"]
        );
    }

    #[test]
    #[should_panic(expected = "headgate-tests must not reach")]
    fn a_real_tree_with_a_forbidden_package_fails() {
        // Cargo's own answer, with the package itself as what must not be reached.
        assert_unreachable("headgate-tests", &["headgate-tests"]);
    }

    #[test]
    fn an_import_of_tauri_outside_the_backend_folder_is_found() {
        let import = "import { invoke } from '@tauri-apps/api/core';";
        let files = [
            ("lib/backend/ipc.ts", import),
            ("lib/board/Board.svelte", import),
            ("main.ts", "import './app.css';"),
        ];
        let found = tauri_importers(files.iter().map(|(path, text)| (Path::new(*path), *text)));
        assert_eq!(found, [Path::new("lib/board/Board.svelte")]);
    }
}
