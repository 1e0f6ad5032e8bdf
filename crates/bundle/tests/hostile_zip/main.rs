//! Every hostile zip of the threat list is refused, each for its own reason.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up has failed"
)]

mod data;
mod names;
#[path = "../support/mod.rs"]
mod support;
mod threats;

use std::sync::atomic::AtomicBool;

use headgate_bundle::{Limits, PackOptions, WebBuild, pack};
use headgate_core::{Code, Problem};
use support::{Around, Entry, deflated, stored, zip, zip_with};

/// An `index.html`, so that only the other entries can be at fault.
fn index() -> Entry {
    deflated("index.html", b"<!doctype html><title>x</title>")
}

/// Opens and packs: what opening cannot see, reading must.
fn take(bytes: &[u8]) -> Result<u64, Problem> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("build.zip");
    std::fs::write(&path, bytes).unwrap();
    let build = WebBuild::open(&path, &Limits::default(), &[])?;
    let out = dir.path().join("out.zip");
    let options = PackOptions {
        threads: 1,
        ..PackOptions::default()
    };
    let packed = pack(&build, &out, &options, &|_, _| (), &AtomicBool::new(false));
    let left: Vec<_> = std::fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .filter(|n| n != "build.zip" && n != "out.zip")
        .collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    assert_eq!(out.exists(), packed.is_ok());
    packed.map(|p| p.size)
}

#[track_caller]
fn refused(entry: Entry, code: Code) -> Problem {
    refused_zip(&zip(&[index(), entry]), code)
}

#[track_caller]
fn refused_zip(bytes: &[u8], code: Code) -> Problem {
    let problem = take(bytes).expect_err("accepted");
    assert_eq!(problem.code, code, "{problem}");
    assert!(!problem.message.contains(['\0', '\n', '\u{202e}']));
    problem
}

fn file() -> Entry {
    deflated("a.js", &b"let a = 1;\n".repeat(50))
}
