//! Single files: stored once, made again from the bundle, and never more than allowed.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use headgate_bundle::single::{ENCODER, unstore};
use headgate_bundle::{BundleFiles, Limits, PackOptions, Packed, WebBuild, pack, store_files};
use headgate_core::files::{Encoding, FilesMap, StoredBytes, StoredFile, objects};
use headgate_core::{Code, Problem, Result};
use sha2::{Digest, Sha256};

/// SHA-256 of the stored bytes of two made files, on every platform.
const SMALL: &str = "b5198a466fd4fd9241d4f1f37b62fbc4e67257c73d58792ca64caee57a49cdef";
const LARGE: &str = "232f42dc51070a985b8175d757001f951579e1813b8504dec2700df82f60d042";

static NEVER: AtomicBool = AtomicBool::new(false);

fn pack_folder(folder: &Path, out: &Path) -> Packed {
    let build = WebBuild::open(folder, &Limits::default(), &[]).unwrap();
    pack(&build, out, &PackOptions::default(), &|_, _| (), &NEVER).unwrap()
}

/// Packs files given by name and content.
fn bundle(files: &[(&str, &[u8])]) -> (tempfile::TempDir, PathBuf, Packed) {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("www");
    for (name, bytes) in files
        .iter()
        .chain(&[("index.html", &b"<!doctype html>"[..])])
    {
        let path = folder.join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, bytes).unwrap();
    }
    let out = dir.path().join("bundle.zip");
    let packed = pack_folder(&folder, &out);
    (dir, out, packed)
}

fn store(bundle: &Path, packed: &Packed) -> Result<Vec<StoredFile>> {
    store_files(bundle, &packed.inventory, &|_| None, &NEVER, &|_, _| ())
}

fn of<'a>(files: &'a [StoredFile], path: &str) -> &'a StoredFile {
    files.iter().find(|f| f.path == path).unwrap()
}

fn code<T>(result: Result<T, Problem>) -> Option<Code> {
    result.err().map(|p| p.code)
}

fn sha256(bytes: &[u8]) -> String {
    hex::encode(Sha256::digest(bytes))
}

/// Text of `len` bytes that differs from another seed's.
fn script(seed: u64, len: usize) -> Vec<u8> {
    let mut text = Vec::new();
    let mut n = seed;
    while text.len() < len {
        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        write!(text, "function f{}(a,b){{return a+b*{}}}", n % 977, n >> 40).unwrap();
    }
    text.truncate(len);
    text
}

fn noise(len: usize) -> Vec<u8> {
    let mut n = 1_u64;
    let next = std::iter::repeat_with(|| {
        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (n >> 56) as u8
    });
    next.take(len).collect()
}

#[test]
fn each_file_is_stored_as_its_kind_deserves() {
    let text = script(1, 20_000);
    let png = [b"\x89PNG\r\n\x1a\n".as_slice(), &text].concat();
    let (_dir, path, packed) = bundle(&[
        ("a.js", &text),
        ("copy/b.js", &text),
        ("named.png", &script(2, 20_000)),
        ("content", &png),
        ("noise.bin", &noise(20_000)),
        ("empty.css", b""),
        ("tiny.txt", b"ab"),
        ("large.json", &script(3, 3 << 20)),
    ]);
    let files = store(&path, &packed).unwrap();
    let paths: Vec<&str> = files.iter().map(|f| f.path.as_str()).collect();
    let named: Vec<&str> = packed
        .inventory
        .files
        .iter()
        .map(|f| f.path.as_str())
        .collect();
    assert_eq!(paths, named);
    for (path, encoding) in [
        ("a.js", Encoding::Brotli),
        ("copy/b.js", Encoding::Brotli),
        ("large.json", Encoding::Brotli),
        ("named.png", Encoding::Plain),
        ("content", Encoding::Plain),
        ("noise.bin", Encoding::Plain),
        ("empty.css", Encoding::Plain),
        ("tiny.txt", Encoding::Plain),
    ] {
        assert_eq!(of(&files, path).stored.encoding, encoding, "{path}");
    }
    assert_eq!(of(&files, "a.js").stored, of(&files, "copy/b.js").stored);
    assert_eq!(objects(&files).len(), files.len() - 1);

    // The stored bytes come again, have their hash, and give the file.
    let open = BundleFiles::open(&path).unwrap();
    for file in &files {
        let bytes = open.stored_bytes(&file.path, &file.stored).unwrap();
        assert_eq!(sha256(&bytes), file.stored.sha256);
        assert_eq!(bytes.len() as u64, file.stored.size);
        let plain = unstore(&bytes, file.stored.encoding, file.size).unwrap();
        assert_eq!(sha256(&plain), file.sha256, "{}", file.path);
    }
    // The result is the same with all or some of them known.
    for some in [1, 2] {
        let known = |sha256: &str| {
            let mut known = files.iter().step_by(some);
            known.find(|f| f.sha256 == sha256).map(|f| f.stored.clone())
        };
        let again = store_files(&path, &packed.inventory, &known, &NEVER, &|_, _| ());
        assert_eq!(again.unwrap(), files);
    }
    let map = FilesMap { files };
    map.check_against(&packed.inventory).unwrap();
    assert_eq!(FilesMap::parse(&map.to_bytes().unwrap()).unwrap(), map);
}

/// If this changes, the same files get other stored bytes: raise the name of the encoder.
#[test]
fn the_encoder_gives_the_same_bytes_as_ever() {
    let (_dir, path, packed) = bundle(&[
        ("small.js", &script(1, 20_000)),
        ("large.js", &script(2, 5 << 20)),
    ]);
    let files = store(&path, &packed).unwrap();
    assert_eq!(ENCODER, "brotli-8/q5/w22");
    assert_eq!(of(&files, "small.js").stored.sha256, SMALL);
    assert_eq!(of(&files, "large.js").stored.sha256, LARGE);
}

#[test]
fn a_saving_below_a_sixteenth_is_not_worth_brotli() {
    // Noise and a compressible tail: Brotli saves the tail.
    let mixed = |tail: usize| [noise(16_000), vec![b'a'; tail]].concat();
    let (_dir, path, packed) = bundle(&[("a.bin", &mixed(900)), ("b.bin", &mixed(1400))]);
    let files = store(&path, &packed).unwrap();
    assert_eq!(of(&files, "a.bin").stored.encoding, Encoding::Plain);
    assert_eq!(of(&files, "b.bin").stored.encoding, Encoding::Brotli);
}

#[test]
fn one_changed_file_of_4002_is_one_new_object() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("www");
    fs::create_dir_all(&folder).unwrap();
    fs::write(folder.join("index.html"), "<!doctype html>").unwrap();
    for n in 0..4001 {
        fs::write(folder.join(format!("chunk-{n:04}.js")), script(n, 2000)).unwrap();
    }
    let out = dir.path().join("bundle.zip");
    let packed = pack_folder(&folder, &out);
    let before = store(&out, &packed).unwrap();

    let new = script(1_000_000, 20_000);
    fs::write(folder.join("chunk-1234.js"), &new).unwrap();
    let packed = pack_folder(&folder, &out);
    assert_eq!(packed.inventory.files.len(), 4002);
    let asked = AtomicU64::new(0);
    let known = |sha256: &str| {
        asked.fetch_add(1, Ordering::Relaxed);
        let file = before.iter().find(|f| f.sha256 == sha256)?;
        Some(file.stored.clone())
    };
    let seen = Mutex::new(Vec::new());
    let progress = |done, total| seen.lock().unwrap().push((done, total));
    let after = store_files(&out, &packed.inventory, &known, &NEVER, &progress).unwrap();
    assert_eq!(asked.into_inner(), 4002);
    let seen = seen.into_inner().unwrap();
    let size = packed.inventory.size();
    assert!(seen.len() <= 201 && seen.last() == Some(&(size, size)));

    let there: HashSet<&str> = before.iter().map(|f| f.stored.sha256.as_str()).collect();
    let set = objects(&after);
    let fresh: Vec<_> = set
        .iter()
        .filter(|f| !there.contains(f.stored.sha256.as_str()))
        .collect();
    let [fresh] = fresh[..] else {
        panic!("{} new objects", fresh.len());
    };
    assert_eq!(fresh.path, "chunk-1234.js");
    // Brotli's own size, by the library's simplest call.
    let mut params = brotli::enc::BrotliEncoderParams::default();
    (params.quality, params.lgwin) = (5, 22);
    let mut plain = Vec::new();
    brotli::BrotliCompress(&mut &*new, &mut plain, &params).unwrap();
    assert!(fresh.stored.size as f64 <= 1.1 * plain.len() as f64);
}

#[test]
fn a_cache_that_lies_is_noticed() {
    let text = script(1, 20_000);
    let (_dir, path, packed) = bundle(&[("a.js", &text)]);
    let right = store(&path, &packed).unwrap();
    // What cannot be is not believed.
    for wrong in [
        StoredBytes::plain("0".repeat(64), 20_000),
        StoredBytes {
            encoding: Encoding::Brotli,
            ..StoredBytes::plain("0".repeat(64), 20_000)
        },
    ] {
        let known = |_: &str| Some(wrong.clone());
        let files = store_files(&path, &packed.inventory, &known, &NEVER, &|_, _| ()).unwrap();
        assert_eq!(files, right);
    }
    // What could be shows when the bytes are made.
    let open = BundleFiles::open(&path).unwrap();
    let stored = &of(&right, "a.js").stored;
    for wrong in [
        StoredBytes {
            sha256: "0".repeat(64),
            ..stored.clone()
        },
        StoredBytes {
            size: stored.size + 1,
            ..stored.clone()
        },
        StoredBytes {
            encoding: Encoding::Plain,
            ..stored.clone()
        },
    ] {
        let result = open.stored_bytes("a.js", &wrong);
        assert_eq!(code(result), Some(Code::BuildChanged));
    }
    let result = open.stored_bytes("b.js", stored);
    assert_eq!(code(result), Some(Code::BuildChanged));
}

#[test]
fn a_bundle_that_is_not_its_inventory_is_refused() {
    let text = script(1, 20_000);
    let (_dir, path, packed) = bundle(&[("a.js", &text), ("b.js", &text), ("c.png", b"x")]);
    let refused = |change: &dyn Fn(&mut headgate_core::Inventory)| {
        let mut other = packed.clone();
        change(&mut other.inventory);
        assert_eq!(code(store(&path, &other)), Some(Code::BuildChanged));
    };
    refused(&|i| i.files[0].sha256 = "0".repeat(64));
    // A second file of the same content, and one that is never compressed, are checked too.
    refused(&|i| i.files[1].sha256 = i.files[2].sha256.clone());
    refused(&|i| i.files[2].sha256 = i.files[0].sha256.clone());
    refused(&|i| i.files[0].size += 1);
    refused(&|i| i.files[0].path = "z.js".into());
    refused(&|i| drop(i.files.remove(0)));
    refused(&|i| i.files.push(i.files[0].clone()));
    let known = |_: &str| {
        of(&store(&path, &packed).unwrap(), "a.js")
            .stored
            .clone()
            .into()
    };
    let mut other = packed.inventory.clone();
    other.files[0].sha256 = "0".repeat(64);
    let result = store_files(&path, &other, &known, &NEVER, &|_, _| ());
    assert_eq!(code(result), Some(Code::BuildChanged));
}

#[test]
fn it_stops_when_asked_and_tells_a_full_disk() {
    let (_dir, path, packed) = bundle(&[("a.js", &script(1, 300_000)), ("b", b"x")]);
    let stop = AtomicBool::new(true);
    let result = store_files(&path, &packed.inventory, &|_| None, &stop, &|_, _| ());
    assert_eq!(code(result), Some(Code::JobCancelled));

    struct Full;
    impl Write for Full {
        fn write(&mut self, _: &[u8]) -> std::io::Result<usize> {
            Err(std::io::ErrorKind::StorageFull.into())
        }
        fn flush(&mut self) -> std::io::Result<()> {
            Ok(())
        }
    }
    let files = store(&path, &packed).unwrap();
    let open = BundleFiles::open(&path).unwrap();
    for path in ["a.js", "b"] {
        let stored = &of(&files, path).stored;
        let result = open.write_stored(path, stored, &mut Full, &NEVER);
        assert_eq!(code(result), Some(Code::LocalDisk), "{path}");
    }
}

fn compress(bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    let params = brotli::enc::BrotliEncoderParams {
        quality: 9,
        ..Default::default()
    };
    brotli::BrotliCompress(&mut &*bytes, &mut out, &params).unwrap();
    out
}

#[test]
fn hostile_stored_bytes_give_an_error_and_no_more_than_allowed() {
    let bad = |bytes: &[u8], max: u64| {
        let result = unstore(bytes, Encoding::Brotli, max);
        assert_eq!(code(result), Some(Code::TrustFormat));
    };
    // A bomb: 64 MiB in a few hundred bytes.
    let bomb = compress(&vec![0; 64 << 20]);
    assert!(bomb.len() < 1000);
    bad(&bomb, 1 << 20);
    bad(&bomb, 0);
    let file = script(1, 20_000);
    let good = compress(&file);
    assert_eq!(unstore(&good, Encoding::Brotli, 20_000).unwrap(), file);
    bad(&good, 19_999);
    for cut in 0..good.len() {
        bad(&good[..cut], 20_000);
    }
    bad(&[&good[..], b"x"].concat(), 20_000);
    bad(&[&good[..], &good].concat(), 1 << 20);
    for garbage in [&b""[..], b"<!doctype html>", &[0xff; 64], &noise(5000)] {
        bad(garbage, 1 << 20);
    }
    // A window beyond RFC 7932 ("large window"): 1 GiB would be set aside.
    bad(&[0x11, 0x1e, 0x03], 1 << 30);
    // Plain bytes have their limit too.
    assert_eq!(unstore(b"abc", Encoding::Plain, 3).unwrap(), b"abc");
    let result = unstore(b"abc", Encoding::Plain, 2);
    assert_eq!(code(result), Some(Code::TrustFormat));
}
