//! The inventory and the files map: what is written reads back, and nothing else is read.

use std::collections::HashSet;

use headgate_core::files::{self, Encoding, FilesMap, StoredBytes, StoredFile, objects};
use headgate_core::inventory::{self, Inventory, InventoryFile};
use headgate_core::{Code, Problem};
use proptest::prelude::*;

fn hash(n: u32) -> String {
    format!("{n:064x}")
}

/// A file of content `n`, so that the same content is always described alike.
fn file(path: &str, n: u32) -> StoredFile {
    let size = u64::from(n) * 10;
    let stored = if n.is_multiple_of(2) {
        StoredBytes::plain(hash(n), size)
    } else {
        StoredBytes {
            sha256: hash(n + 1000),
            size: size / 2,
            encoding: Encoding::Brotli,
        }
    };
    StoredFile {
        path: path.to_owned(),
        sha256: hash(n),
        size,
        stored,
    }
}

fn map() -> impl Strategy<Value = FilesMap> {
    let path = "[a-zé .+\"-]{1,8}(/[a-z]{1,4}){0,2}";
    prop::collection::btree_map(path, 0_u32..40, 0..20).prop_map(|files| FilesMap {
        files: files.iter().map(|(path, n)| file(path, *n)).collect(),
    })
}

fn inventory_of(map: &FilesMap) -> Inventory {
    let files = map.files.iter().map(|f| InventoryFile {
        path: f.path.clone(),
        size: f.size,
        sha256: f.sha256.clone(),
    });
    Inventory {
        files: files.collect(),
    }
}

proptest! {
    #[test]
    fn what_is_written_reads_back(map in map()) {
        // `.` and `..` are no names of files.
        let inside = |f: &&StoredFile| f.path.split('/').all(|part| part != "." && part != "..");
        let map = FilesMap { files: map.files.iter().filter(inside).cloned().collect() };
        let bytes = map.to_bytes().unwrap();
        prop_assert_eq!(&FilesMap::parse(&bytes).unwrap(), &map);
        let inventory = inventory_of(&map);
        prop_assert_eq!(&Inventory::parse(&inventory.to_bytes().unwrap()).unwrap(), &inventory);
        prop_assert!(map.check_against(&inventory).is_ok());
    }

    #[test]
    fn every_object_stands_once_in_the_set_to_upload(map in map()) {
        let set = objects(&map.files);
        let hashes: Vec<&str> = set.iter().map(|f| f.stored.sha256.as_str()).collect();
        prop_assert!(hashes.is_sorted());
        let once: HashSet<&str> = hashes.iter().copied().collect();
        prop_assert_eq!(once.len(), set.len());
        let all: HashSet<&str> = map.files.iter().map(|f| f.stored.sha256.as_str()).collect();
        prop_assert_eq!(once, all);
    }

    #[test]
    fn a_map_of_other_files_is_refused(map in map(), at in any::<prop::sample::Index>(), what in 0..5) {
        prop_assume!(!map.files.is_empty());
        let mut inventory = inventory_of(&map);
        let at = at.index(inventory.files.len());
        match what {
            0 => { inventory.files.remove(at); }
            1 => inventory.files[at].size += 1,
            2 => inventory.files[at].sha256 = hash(99),
            3 => inventory.files[at].path.push('x'),
            _ => inventory.files.push(InventoryFile { path: "zz".into(), size: 0, sha256: hash(0) }),
        }
        prop_assert_eq!(map.check_against(&inventory).map_err(|p| p.code), Err(Code::TrustHash));
    }

    #[test]
    fn a_damaged_document_is_refused_or_is_another_canonical_one(map in map(), at in any::<prop::sample::Index>(), byte in any::<u8>()) {
        let mut bytes = map.to_bytes().unwrap();
        let at = at.index(bytes.len());
        bytes[at] = byte;
        if let Ok(read) = FilesMap::parse(&bytes) {
            prop_assert_eq!(read.to_bytes().unwrap(), bytes.clone());
        }
        if let Ok(read) = Inventory::parse(&bytes) {
            prop_assert_eq!(read.to_bytes().unwrap(), bytes);
        }
    }
}

const A: &str = "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa";
const B: &str = "bbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbbb";

fn one(path: &str, sha256: &str, size: &str, stored: &str) -> String {
    format!(r#"{{"path":"{path}","sha256":"{sha256}","size":{size}{stored}}}"#)
}

fn stored(encoding: &str, sha256: &str, size: &str) -> String {
    format!(r#","stored":{{"encoding":"{encoding}","sha256":"{sha256}","size":{size}}}"#)
}

fn code<T>(read: Result<T, Problem>) -> Option<Code> {
    read.err().map(|p| p.code)
}

#[test]
fn hostile_files_of_both_documents_are_refused() {
    let accepted = [one("a/b.js", A, "0", ""), one("é +.js", A, "7", "")];
    let refused = [
        one("../a", A, "1", ""),
        one("a/../b", A, "1", ""),
        one("/a", A, "1", ""),
        one("a//b", A, "1", ""),
        one("a/", A, "1", ""),
        one("", A, "1", ""),
        one("./a", A, "1", ""),
        one(r"a\\b", A, "1", ""),
        one("c:/a", A, "1", ""),
        one(r"a\u0000", A, "1", ""),
        one("cafe\u{301}", A, "1", ""),
        one("a\nb", A, "1", ""),
        one("a", &A[1..], "1", ""),
        one("a", &A.to_uppercase(), "1", ""),
        one("a", "", "1", ""),
        one("a", A, "-1", ""),
        one("a", A, "1.0", ""),
        one("a", A, "1e2", ""),
        one("a", A, "9007199254740992", ""),
        one("a", A, "\"1\"", ""),
        one("a", A, "null", ""),
        one("a", A, "1", r#","x":1"#),
        one("a", A, "1", r#","size":1"#),
        one("a", A, "1", r#","__proto__":{}"#),
        format!(r#"{{"size":1,"path":"a","sha256":"{A}"}}"#),
        format!(r#"["a",1,"{A}"]"#),
        r#"{"path":"a"}"#.to_owned(),
    ];
    for (file, want) in accepted
        .iter()
        .map(|f| (f, None))
        .chain(refused.iter().map(|f| (f, Some(Code::TrustFormat))))
    {
        let text = format!(r#"{{"files":[{file}]}}"#);
        assert_eq!(code(FilesMap::parse(text.as_bytes())), want, "{text}");
        assert_eq!(code(Inventory::parse(text.as_bytes())), want, "{text}");
    }
}

#[test]
fn hostile_documents_are_refused() {
    let file = one("a", A, "1", "");
    let deep = format!(r#"{{"files":{}{}}}"#, "[".repeat(5000), "]".repeat(5000));
    for text in [
        "",
        "{}",
        "[]",
        "null",
        r#"{"files":null}"#,
        r#"{"files":{}}"#,
        &format!(r#"{{"files":[{file},{file}]}}"#),
        &format!(r#"{{"files":[{},{file}]}}"#, one("b", A, "1", "")),
        &format!(r#"{{"files":[{file}],"more":1}}"#),
        &format!(r#"{{"files":[{file}],"files":[]}}"#),
        &format!(r#"{{"files":[{file}]}} "#),
        &format!(r#"{{"files": [{file}]}}"#),
        &format!("\u{feff}{{\"files\":[{file}]}}"),
        &format!(r#"[[{file}]]"#),
        &deep,
    ] {
        let want = Some(Code::TrustFormat);
        assert_eq!(code(FilesMap::parse(text.as_bytes())), want, "{text}");
        assert_eq!(code(Inventory::parse(text.as_bytes())), want, "{text}");
    }
}

#[test]
fn stored_bytes_that_cannot_be_those_of_the_file_are_refused() {
    let good = [
        vec![one("a", A, "10", &stored("br", B, "9"))],
        vec![
            one("a", A, "10", &stored("br", B, "9")),
            one("b", A, "10", &stored("br", B, "9")),
            one("c", B, "9", ""),
        ],
    ];
    let bad = [
        vec![one("a", A, "10", &stored("plain", A, "10"))],
        vec![one("a", A, "10", &stored("plain", B, "10"))],
        vec![one("a", A, "10", &stored("gzip", B, "9"))],
        vec![one("a", A, "10", &stored("br", B, "10"))],
        vec![one("a", A, "10", &stored("br", B, "0"))],
        vec![one("a", A, "0", &stored("br", B, "1"))],
        vec![one("a", A, "10", &stored("br", A, "9"))],
        vec![one("a", A, "10", &stored("br", &B[2..], "9"))],
        vec![one("a", A, "10", r#","stored":null"#)],
        vec![one("a", A, "10", r#","stored":{}"#)],
        vec![one("a", A, "10", &format!(r#","stored":["br","{B}",9]"#))],
        // the same file in two ways
        vec![
            one("a", A, "10", &stored("br", B, "9")),
            one("b", A, "10", ""),
        ],
        vec![
            one("a", A, "10", &stored("br", B, "9")),
            one("b", A, "11", &stored("br", B, "9")),
        ],
        // the same object in two sizes
        vec![
            one("a", A, "10", &stored("br", B, "9")),
            one("b", B, "8", ""),
        ],
    ];
    for (files, want) in good
        .iter()
        .map(|f| (f, None))
        .chain(bad.iter().map(|f| (f, Some(Code::TrustFormat))))
    {
        let text = format!(r#"{{"files":[{}]}}"#, files.join(","));
        assert_eq!(code(FilesMap::parse(text.as_bytes())), want, "{text}");
    }
}

#[test]
fn documents_beyond_their_limit_are_not_read() {
    let large = vec![b' '; files::MAX_BYTES.max(inventory::MAX_BYTES) + 1];
    assert_eq!(code(FilesMap::parse(&large)), Some(Code::TrustFormat));
    assert_eq!(code(Inventory::parse(&large)), Some(Code::TrustFormat));
}

#[test]
fn sizes_that_do_not_fit_together_do_not_overflow() {
    let files = (0..3000).map(|n| one(&format!("{n:04}"), A, "9007199254740991", ""));
    let text = format!(r#"{{"files":[{}]}}"#, files.collect::<Vec<_>>().join(","));
    assert_eq!(Inventory::parse(text.as_bytes()).unwrap().size(), u64::MAX);
}
