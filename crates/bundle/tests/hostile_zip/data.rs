//! Sizes, data, records and their order.

use super::*;

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
