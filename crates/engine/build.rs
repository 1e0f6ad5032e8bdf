//! Lists the sample web build's files, so that they are inside the program.

use std::fmt::Write as _;
use std::path::{Path, PathBuf};

fn main() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/builds/sample");
    println!("cargo::rerun-if-changed={}", root.display());
    let mut files = Vec::new();
    collect(&root, &root, &mut files);
    files.sort();
    let mut out = String::from("[\n");
    for (name, path) in files {
        println!("cargo::rerun-if-changed={}", path.display());
        let _ = writeln!(
            out,
            "({name:?}, include_bytes!({:?}) as &[u8]),",
            path.display().to_string()
        );
    }
    out.push(']');
    let to = PathBuf::from(std::env::var_os("OUT_DIR").unwrap_or_default()).join("sample.rs");
    if let Err(error) = std::fs::write(&to, out) {
        println!("cargo::error={} cannot be written: {error}", to.display());
    }
}

fn collect(root: &Path, folder: &Path, files: &mut Vec<(String, PathBuf)>) {
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        if path.is_dir() {
            collect(root, &path, files);
        } else if let Ok(name) = path.strip_prefix(root) {
            files.push((name.to_string_lossy().replace('\\', "/"), path.clone()));
        }
    }
}
