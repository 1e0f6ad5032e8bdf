//! Every hostile zip of the threat list is refused, each for its own reason.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up has failed"
)]

mod support;

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

#[test]
fn an_honest_zip_is_accepted() {
    take(&zip(&[
        index(),
        file(),
        stored("b/c.bin", b"\0\x01"),
        stored("empty", b""),
    ]))
    .unwrap();
    take(&zip(&[
        index(),
        Entry {
            attributes: 0x10,
            ..stored("dir/", b"")
        },
    ]))
    .unwrap();
    let commented = Around {
        comment: b"made by a builder".to_vec(),
        ..Around::default()
    };
    take(&zip_with(&[index()], &commented)).unwrap();
}

#[test]
fn an_honest_streamed_zip_with_data_descriptors_is_accepted() {
    let plain = file();
    for signature in [&b"PK\x07\x08"[..], b""] {
        for wide in [false, true] {
            let mut descriptor = signature.to_vec();
            descriptor.extend(plain.crc.to_le_bytes());
            for size in [plain.compressed, plain.size] {
                descriptor.extend(size.to_le_bytes());
                descriptor.extend(if wide { &[0; 4][..] } else { &[] });
            }
            let streamed = Entry {
                flags: plain.flags | 8,
                local_crc: Some(0),
                local_sizes: Some((0, 0)),
                descriptor,
                ..plain.clone()
            };
            take(&zip(&[index(), streamed.clone()])).unwrap();
            let mut lying = streamed;
            let at = lying.descriptor.len() - 1;
            lying.descriptor[at] ^= 1;
            refused(lying, Code::ZipUnsafe);
        }
    }
}

#[test]
fn a_descriptor_of_wrong_length_is_refused() {
    let entry = Entry {
        flags: 8 | 1 << 11,
        descriptor: vec![0; 13],
        ..file()
    };
    refused(entry, Code::ZipUnsafe);
    let entry = Entry {
        flags: 8 | 1 << 11,
        descriptor: vec![0; 16],
        ..file()
    };
    refused(entry, Code::ZipMalformed);
}

#[test]
fn names_that_lead_out_are_refused() {
    for name in [
        "../a.js",
        "a/../../b.js",
        "..",
        "/etc/passwd",
        "//server/share/a.js",
        "\\\\server\\share\\a",
        "C:\\a.js",
        "c:/a.js",
        "C:a.js",
        "a\\b.js",
        "..\\a.js",
        "a\0.js",
        "/",
    ] {
        refused(stored(name, b"x"), Code::ZipUnsafe);
    }
    refused(stored("", b"x"), Code::ZipUnsafe);
}

#[test]
fn names_that_break_elsewhere_are_refused() {
    for name in [
        "con",
        "NUL.txt",
        "a/aux.js",
        "a.",
        "a ",
        "d ./a",
        "ab:c",
        "a?b",
        "a//b",
        "./a",
        "a/./b",
        "a\nb",
        "\u{202e}sj.a",
        "INDEX.html",
        "index.html/x",
    ] {
        refused(stored(name, b"x"), Code::BuildPath);
    }
    refused(
        Entry {
            name: b"\xff\xfe.js".to_vec(),
            ..file()
        },
        Code::BuildPath,
    );
}

#[test]
fn an_over_long_path_is_refused() {
    refused(
        stored(&format!("{}x", "d/".repeat(120)), b""),
        Code::BuildPath,
    );
    refused(stored(&"x".repeat(65_000), b""), Code::BuildPath);
}

#[test]
fn case_and_unicode_collisions_are_refused() {
    for (a, b) in [
        ("A.js", "a.js"),
        ("caf\u{e9}", "cafe\u{301}"),
        ("D/x", "d/y"),
        ("a", "a/b"),
    ] {
        let bytes = zip(&[index(), stored(a, b"1"), stored(b, b"2")]);
        refused_zip(&bytes, Code::BuildPath);
    }
}

#[test]
fn a_name_in_nfd_is_taken_over_in_nfc() {
    take(&zip(&[index(), stored("cafe\u{301}.js", b"1")])).unwrap();
}

#[test]
fn duplicate_names_are_refused() {
    refused_zip(&zip(&[index(), index()]), Code::ZipUnsafe);
    let folder = Entry {
        attributes: 0,
        ..stored("a.js/", b"")
    };
    refused_zip(&zip(&[index(), file(), folder]), Code::ZipUnsafe);
}

#[test]
fn links_and_devices_are_refused() {
    for mode in [0o120_777, 0o020_666, 0o060_660, 0o010_644, 0o140_755] {
        let entry = Entry {
            attributes: mode << 16,
            ..stored("a", b"/etc/passwd")
        };
        refused(entry, Code::ZipUnsafe);
    }
}

#[test]
fn hard_links_in_extra_fields_are_refused() {
    let mut pkware = vec![0x0d, 0, 13, 0];
    pkware.extend([0; 12]);
    pkware.push(b'x');
    let mut asi = vec![0x6e, 0x75, 14, 0, 0, 0, 0, 0, 0xff, 0xa1, 4, 0, 0, 0];
    asi.extend([0; 4]);
    for extra in [pkware, asi] {
        refused(
            Entry {
                extra: extra.clone(),
                ..file()
            },
            Code::ZipUnsafe,
        );
        refused(
            Entry {
                local_extra: extra,
                ..file()
            },
            Code::ZipUnsafe,
        );
    }
}

#[test]
fn a_second_name_in_an_extra_field_is_refused() {
    let extra = [&[0x75, 0x70, 9, 0, 1, 0, 0, 0, 0][..], b"evil"].concat();
    refused(Entry { extra, ..file() }, Code::ZipUnsafe);
}

#[test]
fn broken_extra_fields_are_refused() {
    refused(
        Entry {
            extra: vec![1, 2, 3],
            ..file()
        },
        Code::ZipMalformed,
    );
    refused(
        Entry {
            local_extra: vec![9, 9, 200, 0, 1],
            ..file()
        },
        Code::ZipMalformed,
    );
}

#[test]
fn a_file_that_is_also_a_folder_is_refused() {
    refused(
        Entry {
            attributes: 0o040_755 << 16,
            ..file()
        },
        Code::ZipUnsafe,
    );
    refused(
        Entry {
            attributes: 0o100_644 << 16,
            ..stored("d/", b"")
        },
        Code::ZipUnsafe,
    );
    refused(
        Entry {
            attributes: 0x10,
            ..stored("d/", b"data")
        },
        Code::ZipUnsafe,
    );
}

#[test]
fn a_ratio_bomb_is_refused_by_what_it_declares() {
    let zeros = deflated("zeros.js", &vec![0; 32 << 20]);
    assert!(zeros.compressed < 40_000);
    let problem = refused(zeros, Code::ZipBomb);
    assert!(problem.message.contains("zeros.js"));
    // Many that are each below the limit of one.
    let many: Vec<Entry> = (0..20)
        .map(|n| deflated(&format!("{n}.js"), &vec![0; 8 << 20]))
        .chain([index()])
        .collect();
    refused_zip(&zip(&many), Code::ZipBomb);
}

#[test]
fn a_size_that_deflate_cannot_reach_is_refused() {
    refused(
        Entry {
            size: 900_000,
            ..file()
        },
        Code::ZipBomb,
    );
}

#[test]
fn overlapping_entries_are_refused() {
    let first = index();
    let inner = zip(&[file()]);
    let mut outer = stored("outer.bin", &inner);
    outer.data = inner;
    let at = 30 + 10 + first.data.len() as u32 + 30 + 9;
    let mut overlapping = Entry {
        offset: Some(at),
        data: Vec::new(),
        ..file()
    };
    overlapping.local_name = None;
    let bytes = zip(&[first.clone(), outer, overlapping]);
    assert!(matches!(
        take(&bytes).unwrap_err().code,
        Code::ZipBomb | Code::ZipUnsafe
    ));
    // Two records for the same data.
    let twin = Entry {
        offset: Some(0),
        data: Vec::new(),
        ..first.clone()
    };
    let twin = Entry {
        name: b"twin.html".to_vec(),
        ..twin
    };
    refused_zip(&zip(&[first, twin]), Code::ZipBomb);
}

#[test]
fn nested_bombs_stay_closed_bytes() {
    let inner = zip(&[deflated("zeros", &vec![0; 32 << 20])]);
    let size = take(&zip(&[index(), stored("inner.zip", &inner)])).unwrap();
    assert!(size < inner.len() as u64 + 1000);
}

#[test]
fn lying_sizes_are_refused_in_both_directions() {
    let honest = file();
    refused(
        Entry {
            size: honest.size - 1,
            ..file()
        },
        Code::ZipBomb,
    );
    refused(Entry { size: 1, ..file() }, Code::ZipBomb);
    refused(
        Entry {
            size: honest.size + 1,
            ..file()
        },
        Code::ZipMalformed,
    );
    refused(
        Entry {
            size: 0,
            crc: 0,
            ..file()
        },
        Code::ZipBomb,
    );
    refused(
        Entry {
            size: 3,
            ..stored("s", b"four")
        },
        Code::ZipMalformed,
    );
}

#[test]
fn a_wrong_checksum_is_refused() {
    refused(Entry { crc: 1, ..file() }, Code::ZipMalformed);
    refused(
        Entry {
            crc: 1,
            ..stored("s", b"four")
        },
        Code::ZipMalformed,
    );
}

#[test]
fn broken_or_padded_deflate_data_is_refused() {
    let mut broken = file();
    broken.data[0] = 0xff;
    refused(broken, Code::ZipMalformed);
    let mut padded = file();
    padded.data.extend(b"hidden");
    padded.compressed += 6;
    refused(padded, Code::ZipMalformed);
    let mut cut = file();
    cut.data.truncate(cut.data.len() - 2);
    cut.compressed -= 2;
    refused(cut, Code::ZipMalformed);
}

#[test]
fn headers_that_differ_are_refused() {
    let cases = [
        Entry {
            local_name: Some(b"b.js".to_vec()),
            ..file()
        },
        Entry {
            local_method: Some(0),
            ..file()
        },
        Entry {
            local_flags: Some(0),
            ..file()
        },
        Entry {
            local_crc: Some(7),
            ..file()
        },
        Entry {
            local_sizes: Some((1, 1)),
            ..file()
        },
    ];
    for entry in cases {
        refused(entry, Code::ZipUnsafe);
    }
}

#[test]
fn data_that_no_entry_owns_is_refused() {
    let prefixed = Around {
        prefix: b"MZ self extractor".to_vec(),
        ..Around::default()
    };
    refused_zip(&zip_with(&[index()], &prefixed), Code::ZipUnsafe);
    let shifted = Around {
        prefix: vec![0; 9],
        shift: 9,
        ..Around::default()
    };
    refused_zip(&zip_with(&[index()], &shifted), Code::ZipUnsafe);
    let gap = Around {
        gap: vec![0; 5],
        ..Around::default()
    };
    refused_zip(&zip_with(&[index()], &gap), Code::ZipUnsafe);
    let before_end = Around {
        before_end: vec![0; 5],
        ..Around::default()
    };
    refused_zip(&zip_with(&[index()], &before_end), Code::ZipUnsafe);
    let after = Around {
        after: b"trailing".to_vec(),
        ..Around::default()
    };
    refused_zip(&zip_with(&[index()], &after), Code::ZipMalformed);
}

#[test]
fn two_end_records_are_refused() {
    let mut bytes = zip(&[index()]);
    let end = bytes[bytes.len() - 22..].to_vec();
    let at = bytes.len() - 2;
    bytes[at] = 22;
    bytes.extend(&end);
    refused_zip(&bytes, Code::ZipUnsafe);
}

#[test]
fn a_comment_that_looks_like_records_is_refused() {
    for comment in [&b"PK\x05\x06 and more"[..], b"xx PK\x01\x02"] {
        let around = Around {
            comment: comment.to_vec(),
            ..Around::default()
        };
        refused_zip(&zip_with(&[index()], &around), Code::ZipUnsafe);
    }
}

#[test]
fn zip64_oddities_are_refused() {
    let mut locator = b"PK\x06\x07".to_vec();
    locator.extend([0; 16]);
    let around = Around {
        before_end: locator,
        ..Around::default()
    };
    refused_zip(&zip_with(&[index()], &around), Code::ZipMalformed);
    let around = Around {
        entries: Some(u16::MAX),
        ..Around::default()
    };
    refused_zip(&zip_with(&[index()], &around), Code::ZipMalformed);
    let around = Around {
        directory_at: Some(u32::MAX),
        ..Around::default()
    };
    refused_zip(&zip_with(&[index()], &around), Code::ZipMalformed);
    refused(
        Entry {
            size: u32::MAX,
            ..file()
        },
        Code::ZipMalformed,
    );
    let mut extra = vec![1, 0, 16, 0];
    extra.extend([0; 16]);
    refused(
        Entry {
            extra: extra.clone(),
            ..file()
        },
        Code::ZipMalformed,
    );
    refused(
        Entry {
            local_extra: extra,
            ..file()
        },
        Code::ZipUnsafe,
    );
}

#[test]
fn a_zip64_field_in_a_local_header_must_say_the_same() {
    let honest = file();
    let extra = |size: u32| {
        let mut extra = vec![1, 0, 16, 0];
        extra.extend(u64::from(size).to_le_bytes());
        extra.extend(u64::from(honest.compressed).to_le_bytes());
        extra
    };
    let marked = |size| Entry {
        local_sizes: Some((u32::MAX, u32::MAX)),
        local_extra: extra(size),
        ..file()
    };
    take(&zip(&[index(), marked(honest.size)])).unwrap();
    refused(marked(honest.size + 1), Code::ZipUnsafe);
}

#[test]
fn encrypted_entries_are_refused() {
    for flags in [1, 1 << 6, 1 << 13] {
        refused(Entry { flags, ..file() }, Code::ZipEncrypted);
    }
    refused(
        Entry {
            method: 99,
            ..file()
        },
        Code::ZipEncrypted,
    );
    let extra = vec![0x01, 0x99, 7, 0, 2, 0, b'A', b'E', 3, 8, 0];
    refused(Entry { extra, ..file() }, Code::ZipEncrypted);
}

#[test]
fn other_methods_are_refused() {
    for method in [1, 6, 9, 12, 14, 93, 95] {
        refused(Entry { method, ..file() }, Code::ZipMalformed);
    }
    refused(
        Entry {
            flags: 1 << 5,
            ..file()
        },
        Code::ZipMalformed,
    );
}

#[test]
fn several_disks_and_wrong_counts_are_refused() {
    let disk = Around {
        disk: 1,
        ..Around::default()
    };
    refused_zip(&zip_with(&[index()], &disk), Code::ZipMalformed);
    for entries in [0, 2] {
        let around = Around {
            entries: Some(entries),
            ..Around::default()
        };
        refused_zip(&zip_with(&[index()], &around), Code::ZipMalformed);
    }
}

#[test]
fn a_truncated_file_is_refused_wherever_it_is_cut() {
    let bytes = zip(&[index(), file()]);
    for len in 0..bytes.len() {
        refused_zip(&bytes[..len], Code::ZipMalformed);
    }
}

#[test]
fn what_is_no_zip_is_refused() {
    refused_zip(b"", Code::ZipMalformed);
    refused_zip(b"hello", Code::ZipMalformed);
    refused_zip(&[0; 70_000], Code::ZipMalformed);
}

#[test]
fn a_zip_without_files_or_index_is_refused() {
    refused_zip(&zip(&[]), Code::BuildEmpty);
    refused_zip(
        &zip(&[Entry {
            attributes: 0,
            ..stored("d/", b"")
        }]),
        Code::BuildEmpty,
    );
    refused_zip(&zip(&[file()]), Code::BuildNoIndex);
    let deep = zip(&[file(), stored("dist/app/index.html", b"x")]);
    let problem = refused_zip(&deep, Code::BuildNoIndex);
    assert!(problem.remedy.contains("dist/app/index.html"));
}
