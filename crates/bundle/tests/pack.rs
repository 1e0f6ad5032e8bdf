//! The same content gives the same bytes, and other readers read them.
#![expect(clippy::print_stderr, reason = "says why a test was skipped")]
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod support;

use std::fs::{self, File, FileTimes};
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use headgate_bundle::read::ZipArchive;
use headgate_bundle::{Limits, PackOptions, Packed, SourceKind, WebBuild, pack};
use headgate_core::inventory::Inventory;
use headgate_core::{Code, Result};
use support::{deflated, stored, zip};

/// SHA-256 of the sample web build's bundle, on every platform. If it changes without a change of
/// the sample, raise `PACKING_VERSION`: the same content has other bytes now.
const SAMPLE_SHA256: &str = "f98b696dc8146629b000c488a143a8f28b8a85b51ce9ce375b83d43bdb03421c";

fn sample() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/builds/sample")
}

fn open(path: &Path) -> WebBuild {
    WebBuild::open(path, &Limits::default(), &[]).unwrap()
}

fn pack_with(build: &WebBuild, out: &Path, options: &PackOptions) -> Result<Packed> {
    pack(build, out, options, &|_, _| (), &AtomicBool::new(false))
}

fn threads(threads: usize) -> PackOptions {
    PackOptions {
        threads,
        ..PackOptions::default()
    }
}

/// Copies a tree in reverse order, with other times and permissions.
fn copy_shuffled(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    let mut entries: Vec<_> = fs::read_dir(from)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for (n, path) in entries.iter().rev().enumerate() {
        let target = to.join(path.file_name().unwrap());
        if path.is_dir() {
            copy_shuffled(path, &target);
            continue;
        }
        fs::write(&target, fs::read(path).unwrap()).unwrap();
        let time = SystemTime::UNIX_EPOCH + Duration::from_secs(1_000_000_000 + n as u64 * 777_777);
        let file = File::options().write(true).open(&target).unwrap();
        file.set_times(FileTimes::new().set_modified(time)).unwrap();
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = [0o600, 0o755, 0o444][n % 3];
            fs::set_permissions(&target, fs::Permissions::from_mode(mode)).unwrap();
        }
    }
}

/// A build with small, large, compressible, incompressible and empty files.
fn mixed(folder: &Path) {
    let mut state = 1_u64;
    let noise = |len: usize, state: &mut u64| -> Vec<u8> {
        (0..len)
            .map(|_| {
                *state = state
                    .wrapping_mul(6_364_136_223_846_793_005)
                    .wrapping_add(1);
                (*state >> 56) as u8
            })
            .collect()
    };
    fs::create_dir_all(folder.join("a/b")).unwrap();
    fs::write(folder.join("index.html"), "<!doctype html>").unwrap();
    fs::write(folder.join("a/empty.txt"), "").unwrap();
    fs::write(folder.join("a/one.txt"), "x").unwrap();
    fs::write(folder.join("a/text.js"), "let a = 1;\n".repeat(5000)).unwrap();
    fs::write(folder.join("a/b/photo.png"), noise(50_000, &mut state)).unwrap();
    fs::write(folder.join("a/b/noise.dat"), noise(50_000, &mut state)).unwrap();
    fs::write(
        folder.join("a/b/large.js"),
        "const abc = 12;\n".repeat(200_000),
    )
    .unwrap();
    fs::write(folder.join("a/b/large.mp4"), noise(2_500_000, &mut state)).unwrap();
    fs::write(folder.join("a/b/large.dat"), noise(2 << 20, &mut state)).unwrap();
    fs::write(folder.join("a/b/exact.js"), "y".repeat(1 << 20)).unwrap();
    for n in 0..60 {
        fs::write(
            folder.join(format!("a/chunk-{n}.js")),
            format!("f({n});\n").repeat(n * 50),
        )
        .unwrap();
    }
}

#[test]
fn the_sample_has_the_same_bytes_everywhere() {
    let dir = tempfile::tempdir().unwrap();
    copy_shuffled(&sample(), &dir.path().join("shuffled"));
    for (n, source) in [sample(), dir.path().join("shuffled")].iter().enumerate() {
        for count in [1, 4] {
            let out = dir.path().join(format!("{n}-{count}.zip"));
            let packed = pack_with(&open(source), &out, &threads(count)).unwrap();
            assert_eq!(packed.sha256, SAMPLE_SHA256);
            assert_eq!(packed.size, fs::metadata(&out).unwrap().len());
            assert_eq!(packed.packer.name, "headgate");
        }
    }
}

#[test]
fn folder_zip_and_lifted_zip_of_the_same_content_give_the_same_bundle() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("www");
    mixed(&folder);
    let first = dir.path().join("first.zip");
    let reference = pack_with(&open(&folder), &first, &threads(1)).unwrap();
    let again = dir.path().join("again.zip");
    for count in [2, 5] {
        let packed = pack_with(&open(&folder), &again, &threads(count)).unwrap();
        assert_eq!(packed.sha256, reference.sha256, "{count} threads");
    }
    let repacked = pack_with(&open(&first), &again, &threads(2)).unwrap();
    assert_eq!(repacked.sha256, reference.sha256);
    assert_eq!(repacked.inventory_sha256, reference.inventory_sha256);

    // The same files below one folder, stored, in another order, with what Finder adds.
    let files = open(&folder);
    let mut entries: Vec<_> = files
        .files()
        .iter()
        .rev()
        .map(|f| {
            stored(
                &format!("app/{}", f.path),
                &fs::read(folder.join(&f.path)).unwrap(),
            )
        })
        .collect();
    entries.push(deflated("__MACOSX/app/._index.html", b"finder"));
    let lifted = dir.path().join("lifted.zip");
    fs::write(&lifted, zip(&entries)).unwrap();
    let build = open(&lifted);
    assert_eq!(
        (build.kind(), build.lifted()),
        (SourceKind::Zip, Some("app"))
    );
    assert_eq!(build.left_out(), ["__MACOSX/app/._index.html"]);
    assert_eq!(
        pack_with(&build, &again, &threads(3)).unwrap().sha256,
        reference.sha256
    );

    // And a folder that holds nothing but the folder.
    let outer = dir.path().join("outer");
    copy_shuffled(&folder, &outer.join("app"));
    fs::write(outer.join(".DS_Store"), "x").unwrap();
    let build = open(&outer);
    assert_eq!(build.lifted(), Some("app"));
    assert_eq!(
        pack_with(&build, &again, &threads(2)).unwrap().sha256,
        reference.sha256
    );
}

#[test]
fn every_header_has_its_one_form_and_every_reader_reads_it() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("www");
    mixed(&folder);
    fs::write(folder.join("ä ö.txt"), "umlauts").unwrap();
    let out = dir.path().join("out.zip");
    let packed = pack_with(&open(&folder), &out, &threads(2)).unwrap();

    let mut archive = zip::ZipArchive::new(File::open(&out).unwrap()).unwrap();
    assert_eq!(archive.len(), packed.inventory.files.len());
    for (n, file) in packed.inventory.files.iter().enumerate() {
        let mut entry = archive.by_index(n).unwrap();
        assert_eq!(entry.name().unwrap(), file.path);
        assert_eq!(entry.unix_mode(), Some(0o100_644));
        assert!(entry.extra_data().is_none_or(|extra| extra.is_empty()));
        let time = entry.last_modified().unwrap();
        assert_eq!(
            (time.year(), time.month(), time.day(), time.hour()),
            (1980, 1, 1, 0)
        );
        let mut bytes = Vec::new();
        entry.read_to_end(&mut bytes).unwrap();
        assert_eq!(bytes, fs::read(folder.join(&file.path)).unwrap());
    }
    let method = |archive: &mut zip::ZipArchive<File>, name: &str| {
        archive.by_name(name).unwrap().compression()
    };
    for (name, method_expected) in [
        ("a/b/photo.png", zip::CompressionMethod::Stored),
        ("a/b/noise.dat", zip::CompressionMethod::Stored),
        ("a/b/large.dat", zip::CompressionMethod::Stored),
        ("a/b/large.mp4", zip::CompressionMethod::Stored),
        ("a/one.txt", zip::CompressionMethod::Stored),
        ("a/b/large.js", zip::CompressionMethod::Deflated),
        ("a/text.js", zip::CompressionMethod::Deflated),
    ] {
        assert_eq!(method(&mut archive, name), method_expected, "{name}");
    }

    let own = ZipArchive::open(&out, &Limits::default()).unwrap();
    own.check_against(&packed.inventory).unwrap();
    let script = "import sys,zipfile\nz=zipfile.ZipFile(sys.argv[1])\nassert z.testzip() is None\n\
        assert all(i.create_system==3 and i.flag_bits==0x800 and not i.extra and i.external_attr==0o100644<<16 for i in z.infolist())\n\
        print(len(z.namelist()))";
    match Command::new("python3")
        .args(["-c", script])
        .arg(&out)
        .output()
    {
        Ok(output) => {
            assert!(
                output.status.success(),
                "{}",
                String::from_utf8_lossy(&output.stderr)
            );
            let count = String::from_utf8(output.stdout).unwrap();
            assert_eq!(count.trim(), packed.inventory.files.len().to_string());
        }
        Err(e) => skipped(&format!(
            "python3 cannot be run ({e}), its zipfile was not asked"
        )),
    }
}

fn skipped(why: &str) {
    eprintln!("skipped: {why}");
}

#[test]
fn a_bundle_with_one_file_more_less_or_other_does_not_match_its_inventory() {
    let dir = tempfile::tempdir().unwrap();
    let out = dir.path().join("out.zip");
    let packed = pack_with(&open(&sample()), &out, &threads(2)).unwrap();
    let archive = ZipArchive::open(&out, &Limits::default()).unwrap();
    let check = |change: &dyn Fn(&mut Inventory)| {
        let mut inventory = packed.inventory.clone();
        change(&mut inventory);
        archive.check_against(&inventory).map_err(|p| p.code)
    };
    assert_eq!(check(&|_| ()), Ok(()));
    let wrong = Err(Code::TrustHash);
    assert_eq!(check(&|i| drop(i.files.remove(2))), wrong);
    assert_eq!(check(&|i| drop(i.files.pop())), wrong);
    assert_eq!(check(&|i| i.files[1].sha256 = "00".repeat(32)), wrong);
    assert_eq!(
        check(&|i| i.files.push(headgate_core::inventory::InventoryFile {
            path: "zz".into(),
            ..i.files[0].clone()
        })),
        wrong
    );
}

#[test]
fn the_inventory_is_sorted_and_reads_back() {
    let dir = tempfile::tempdir().unwrap();
    let packed = pack_with(&open(&sample()), &dir.path().join("o.zip"), &threads(2)).unwrap();
    assert_eq!(
        Inventory::parse(&packed.inventory_bytes).unwrap(),
        packed.inventory
    );
    assert!(
        packed
            .inventory
            .files
            .iter()
            .any(|f| f.path == "index.html")
    );
}

#[test]
fn source_maps_are_left_out_on_request_only() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("www");
    copy_shuffled(&sample(), &folder);
    fs::write(folder.join("main.js.map"), "{}").unwrap();
    let build = open(&folder);
    let out = dir.path().join("o.zip");
    let with = pack_with(&build, &out, &threads(2)).unwrap();
    assert!(with.inventory.files.iter().any(|f| f.path == "main.js.map"));
    let options = PackOptions {
        exclude_source_maps: true,
        ..threads(2)
    };
    let without = pack_with(&build, &out, &options).unwrap();
    assert_eq!(without.sha256, SAMPLE_SHA256);
    assert_eq!(
        without
            .excluded
            .iter()
            .map(|f| f.path.as_str())
            .collect::<Vec<_>>(),
        ["main.js.map"]
    );
}

#[test]
fn progress_rises_to_the_total_in_bounded_steps() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("www");
    mixed(&folder);
    let build = open(&folder);
    let (calls, last) = (AtomicU64::new(0), AtomicU64::new(0));
    let progress = |done: u64, total: u64| {
        assert_eq!(total, build.size());
        assert!(done > last.swap(done, Ordering::Relaxed));
        calls.fetch_add(1, Ordering::Relaxed);
    };
    pack(
        &build,
        &dir.path().join("o.zip"),
        &threads(2),
        &progress,
        &AtomicBool::new(false),
    )
    .unwrap();
    assert_eq!(last.into_inner(), build.size());
    assert!((1..=201).contains(&calls.into_inner()));
}

#[test]
fn cancelling_stops_and_leaves_nothing_behind() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("www");
    mixed(&folder);
    let out = dir.path().join("out");
    fs::create_dir(&out).unwrap();
    let cancel = AtomicBool::new(false);
    let progress = |_, _| cancel.store(true, Ordering::Relaxed);
    let problem = pack(
        &open(&folder),
        &out.join("o.zip"),
        &threads(2),
        &progress,
        &cancel,
    )
    .unwrap_err();
    assert_eq!(problem.code, Code::JobCancelled);
    assert_eq!(fs::read_dir(&out).unwrap().count(), 0);
}

#[test]
fn the_bundle_is_not_written_into_the_build_or_over_its_zip() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("www");
    copy_shuffled(&sample(), &folder);
    let build = open(&folder);
    let problem = pack_with(&build, &folder.join("data/o.zip"), &threads(1)).unwrap_err();
    assert_eq!(problem.code, Code::UsageArgument);
    let out = dir.path().join("o.zip");
    pack_with(&build, &out, &threads(1)).unwrap();
    let problem = pack_with(&open(&out), &out, &threads(1)).unwrap_err();
    assert_eq!(problem.code, Code::UsageArgument);
}

#[test]
fn many_files_that_do_not_shrink_pack_one_after_the_other() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("www");
    fs::create_dir(&folder).unwrap();
    fs::write(folder.join("index.html"), "<!doctype html>").unwrap();
    let mut state = 7_u64;
    for n in 0..300 {
        let bytes: Vec<u8> = (0..10_000)
            .map(|_| {
                state ^= state << 13;
                state ^= state >> 7;
                state ^= state << 17;
                (state >> 32) as u8
            })
            .collect();
        fs::write(folder.join(format!("{n}.bin")), bytes).unwrap();
    }
    let out = dir.path().join("bundle.zip");
    let packed = pack_with(&open(&folder), &out, &threads(1)).unwrap();
    let archive = ZipArchive::open(&out, &Limits::default()).unwrap();
    archive.check_against(&packed.inventory).unwrap();
    assert_eq!(packed.inventory.files.len(), 301);
}
