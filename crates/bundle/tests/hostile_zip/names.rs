//! Names, kinds and collisions.

use super::*;

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
