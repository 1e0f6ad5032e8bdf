//! A bundle with one more file: the same bytes each time, and other readers read it.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::collections::BTreeMap;
use std::fs;
use std::io::Read as _;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use headgate_bundle::pack::with_file;
use headgate_bundle::read::ZipArchive;
use headgate_bundle::{Limits, PackOptions, WebBuild, pack};
use headgate_core::Code;
use tempfile::TempDir;

const NAME: &str = "live-update-manifest.json";

fn packed(dir: &Path, files: &[(&str, &[u8])]) -> PathBuf {
    let (root, out) = (dir.join("www"), dir.join("bundle.zip"));
    fs::create_dir_all(&root).unwrap();
    for (name, bytes) in files {
        fs::write(root.join(name), bytes).unwrap();
    }
    let build = WebBuild::open(&root, &Limits::default(), &[]).unwrap();
    let never = AtomicBool::new(false);
    pack::pack(&build, &out, &PackOptions::default(), &|_, _| (), &never).unwrap();
    out
}

/// Names and contents by another reader.
fn read(path: &Path) -> Vec<(String, Vec<u8>)> {
    let mut zip = zip::ZipArchive::new(fs::File::open(path).unwrap()).unwrap();
    (0..zip.len())
        .map(|n| {
            let mut entry = zip.by_index(n).unwrap();
            let mut bytes = Vec::new();
            entry.read_to_end(&mut bytes).unwrap();
            (entry.name().unwrap().into_owned(), bytes)
        })
        .collect()
}

fn extend(
    bundle: &Path,
    name: &str,
    bytes: &[u8],
    out: &Path,
) -> headgate_core::Result<(String, u64)> {
    with_file(bundle, name, bytes, out, &AtomicBool::new(false))
}

#[test]
fn it_has_the_files_of_the_bundle_and_the_one_in_its_order() {
    let dir = TempDir::new().unwrap();
    let noise: Vec<u8> = (0..300_000_u32)
        .map(|n| (n.wrapping_mul(2_654_435_761) >> 13) as u8)
        .collect();
    let bundle = packed(
        dir.path(),
        &[
            ("a.js", &b"text ".repeat(9000)),
            ("index.html", b"<html>"),
            ("z.bin", &noise),
            ("empty", b""),
        ],
    );
    let manifest = b"{\"payload\":\"AAAA\"}".repeat(30);
    let out = dir.path().join("ionic.zip");
    let (sha256, size) = extend(&bundle, NAME, &manifest, &out).unwrap();
    assert_eq!(fs::metadata(&out).unwrap().len(), size);
    let mut all: BTreeMap<String, Vec<u8>> = read(&bundle).into_iter().collect();
    all.insert(NAME.into(), manifest.clone());
    assert_eq!(read(&out), all.into_iter().collect::<Vec<_>>());
    // Our own strict reader, and the same bytes again.
    assert_eq!(
        ZipArchive::open(&out, &Limits::default())
            .unwrap()
            .entries()
            .len(),
        5
    );
    let again = dir.path().join("again.zip");
    assert_eq!(extend(&bundle, NAME, &manifest, &again).unwrap().0, sha256);
}

#[test]
fn one_of_the_same_name_is_replaced_and_it_may_stand_last() {
    let dir = TempDir::new().unwrap();
    let bundle = packed(dir.path(), &[("index.html", b"<html>"), (NAME, b"old")]);
    let out = dir.path().join("out.zip");
    extend(&bundle, NAME, b"new", &out).unwrap();
    let files: BTreeMap<String, Vec<u8>> = read(&out).into_iter().collect();
    assert_eq!((files.len(), files[NAME].as_slice()), (2, &b"new"[..]));
    extend(&bundle, "zz.json", b"", &out).unwrap();
    assert_eq!(read(&out).last().unwrap().0, "zz.json");
}

#[test]
fn what_is_no_zip_or_no_name_is_refused_and_leaves_nothing() {
    let dir = TempDir::new().unwrap();
    let bundle = packed(dir.path(), &[("index.html", b"<html>")]);
    let out = dir.path().join("out.zip");
    assert_eq!(
        extend(&bundle, "../x", b"", &out).unwrap_err().code,
        Code::BuildPath
    );
    let junk = dir.path().join("junk.zip");
    fs::write(&junk, "no zip").unwrap();
    assert_eq!(
        extend(&junk, NAME, b"", &out).unwrap_err().code,
        Code::ZipMalformed
    );
    let stop = AtomicBool::new(true);
    let stopped = with_file(&bundle, NAME, b"", &out, &stop);
    assert_eq!(stopped.unwrap_err().code, Code::JobCancelled);
    assert!(!out.exists());
}
