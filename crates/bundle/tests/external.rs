//! A zip that lies elsewhere is the bundle as it is, or it is refused.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod support;

use std::path::Path;
use std::sync::Mutex;
use std::sync::atomic::AtomicBool;

use headgate_bundle::read::ZipArchive;
use headgate_bundle::{InspectContext, Limits, Location, Packed, WebBuild, inspect, take_over};
use headgate_core::{Code, Result};
use sha2::{Digest, Sha256};
use support::{Entry, deflated, stored, zip};
use tempfile::TempDir;

fn sha256_hex(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

fn open(dir: &Path, entries: &[Entry]) -> Result<(WebBuild, Vec<u8>)> {
    let bytes = zip(entries);
    let path = dir.join("0f3a.part.zip");
    std::fs::write(&path, &bytes).unwrap();
    let build = WebBuild::open_artifact(&path, "abc123.zip", &Limits::default())?;
    Ok((build, bytes))
}

fn taken(dir: &Path, entries: &[Entry]) -> Result<Packed> {
    let (build, bytes) = open(dir, entries)?;
    let (sha256, size) = (sha256_hex(&bytes), bytes.len() as u64);
    take_over(&build, &sha256, size, &|_, _| (), &AtomicBool::new(false))
}

#[test]
fn the_inventory_lists_exactly_what_is_in_the_zip() {
    let dir = TempDir::new().unwrap();
    let entries = [
        stored("main.js", b"let a"),
        deflated("index.html", &[b' '; 300_000]),
        stored("a.txt", b""),
    ];
    let (build, bytes) = open(dir.path(), &entries).unwrap();
    let told = Mutex::new(Vec::new());
    let progress = |done, total| told.lock().unwrap().push((done, total));
    let go_on = AtomicBool::new(false);
    let packed = take_over(
        &build,
        &sha256_hex(&bytes),
        bytes.len() as u64,
        &progress,
        &go_on,
    );
    let packed = packed.unwrap();
    let names: Vec<&str> = packed
        .inventory
        .files
        .iter()
        .map(|f| f.path.as_str())
        .collect();
    assert_eq!(names, ["a.txt", "index.html", "main.js"]);
    assert_eq!(packed.inventory.files[2].sha256, sha256_hex(b"let a"));
    assert_eq!(packed.inventory_sha256, sha256_hex(&packed.inventory_bytes));
    assert_eq!(
        (packed.sha256, packed.size),
        (sha256_hex(&bytes), bytes.len() as u64)
    );
    assert_eq!(
        (packed.packer.name.as_str(), packed.packer.level),
        ("external", 0)
    );
    assert_eq!(told.lock().unwrap().last(), Some(&(300_005, 300_005)));
    let archive = ZipArchive::open(build.path(), &Limits::default()).unwrap();
    archive.check_against(&packed.inventory).unwrap();
}

#[test]
fn what_would_have_to_be_changed_is_refused() {
    let dir = TempDir::new().unwrap();
    for (name, entries, code) in [
        (
            "in a folder",
            vec![stored("www/index.html", b"x")],
            Code::BuildNoIndex,
        ),
        (
            "in a folder beside junk",
            vec![
                stored("www/index.html", b"x"),
                stored("__MACOSX/._www", b"x"),
            ],
            Code::BuildNoIndex,
        ),
        (
            "decomposed",
            vec![stored("index.html", b"x"), stored("u\u{308}.js", b"x")],
            Code::BuildPath,
        ),
        ("no index", vec![stored("a.js", b"x")], Code::BuildNoIndex),
        ("nothing", vec![], Code::BuildEmpty),
    ] {
        let problem = taken(dir.path(), &entries).unwrap_err();
        assert_eq!(problem.code, code, "{name}");
        assert!(
            !problem.message.contains("0f3a"),
            "{name}: {}",
            problem.message
        );
    }
    let mut lies = stored("index.html", b"right");
    lies.crc ^= 1;
    assert_eq!(
        taken(dir.path(), &[lies]).unwrap_err().code,
        Code::ZipMalformed
    );
}

#[test]
fn it_stops_when_cancelled_or_changed() {
    let dir = TempDir::new().unwrap();
    let (build, bytes) = open(dir.path(), &[stored("index.html", b"x")]).unwrap();
    let size = bytes.len() as u64;
    let stop = AtomicBool::new(true);
    let problem = take_over(&build, &sha256_hex(&bytes), size, &|_, _| (), &stop).unwrap_err();
    assert_eq!(problem.code, Code::JobCancelled);
    let mut longer = bytes.clone();
    longer.push(0);
    std::fs::write(build.path(), longer).unwrap();
    let go_on = AtomicBool::new(false);
    let problem = take_over(&build, &sha256_hex(&bytes), size, &|_, _| (), &go_on).unwrap_err();
    assert_eq!(problem.code, Code::BuildChanged);
}

#[test]
fn inspection_says_that_it_stays_where_it_lies() {
    let dir = TempDir::new().unwrap();
    let (build, _) = open(
        dir.path(),
        &[stored("index.html", b"<p>"), stored("a.js.map", b"{}")],
    )
    .unwrap();
    let codes = |plain, local| {
        let context = InspectContext {
            location: Some(Location { plain, local }),
            ..InspectContext::default()
        };
        let found = inspect(&build, &context, &AtomicBool::new(false)).unwrap();
        let maps = found
            .findings
            .iter()
            .find(|f| f.code == "maps.included")
            .unwrap();
        assert!(
            maps.fix.contains("Build again"),
            "nothing can be left out of it"
        );
        let found = found.findings.into_iter().map(|f| f.code);
        found
            .filter(|c| c.starts_with("location."))
            .collect::<Vec<_>>()
    };
    assert_eq!(codes(false, false), ["location.external"]);
    assert_eq!(codes(true, false), ["location.plain", "location.external"]);
    assert_eq!(codes(true, true), ["location.local", "location.external"]);
    let none = inspect(&build, &InspectContext::default(), &AtomicBool::new(false)).unwrap();
    assert!(
        none.findings
            .iter()
            .all(|f| !f.code.starts_with("location."))
    );
}
