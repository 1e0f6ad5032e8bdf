//! Whatever the bytes: no panic, nothing written elsewhere, and no more output than declared.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

mod support;

use headgate_bundle::Limits;
use headgate_bundle::read::ZipArchive;
use proptest::prelude::*;
use support::{deflated, stored, zip};

/// An `index.html`, so that only the other entries can be at fault.
fn index() -> support::Entry {
    deflated("index.html", b"<!doctype html><title>x</title>")
}

/// Opens and reads everything; gives the bytes that came out.
fn read_all(bytes: &[u8]) -> u64 {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("x.zip");
    std::fs::write(&path, bytes).unwrap();
    let mut out = 0;
    if let Ok(archive) = ZipArchive::open(&path, &Limits::default()) {
        let mut buf = vec![0; 4096];
        for (n, entry) in archive.entries().iter().enumerate() {
            let mut stream = archive.stream(n).unwrap();
            let mut read = 0;
            while let Ok(got) = stream.fill(&mut buf) {
                read += got as u64;
                if got < buf.len() {
                    break;
                }
            }
            assert!(read <= entry.size);
            out += read;
        }
    }
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    out
}

fn valid() -> Vec<u8> {
    zip(&[
        index(),
        deflated("a/main.js", &b"let x = 1; ".repeat(300)),
        stored("b.bin", &[7; 100]),
        stored("empty", b""),
    ])
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(2000))]

    #[test]
    fn mutated_zips_never_panic(edits in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..8)) {
        let mut bytes = valid();
        for (at, byte) in edits {
            let at = at.index(bytes.len());
            bytes[at] = byte;
        }
        // Deflate gives at most 1,032 bytes for one, and no entry shares bytes with another.
        prop_assert!(read_all(&bytes) <= bytes.len() as u64 * 1032);
    }

    #[test]
    fn cut_and_joined_zips_never_panic(from in any::<prop::sample::Index>(), len in 0_usize..200, to in any::<prop::sample::Index>()) {
        let mut bytes = valid();
        let from = from.index(bytes.len());
        let piece: Vec<u8> = bytes[from..(from + len).min(bytes.len())].to_vec();
        let to = to.index(bytes.len());
        bytes.splice(to..to, piece);
        read_all(&bytes);
    }

    #[test]
    fn random_bytes_never_panic(mut bytes in prop::collection::vec(any::<u8>(), 0..600), end in any::<bool>()) {
        if end {
            let valid = valid();
            bytes.extend(&valid[valid.len() - 22..]);
        }
        read_all(&bytes);
    }
}
