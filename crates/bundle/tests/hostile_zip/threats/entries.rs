//! Entries that should not be: paths, pairs, kinds and bombs.

use super::*;

const LINK: u32 = 0o120_777;

pub(super) fn paths() -> Vec<Row> {
    let long = format!("{}a.js", "folder/".repeat(40));
    let names: [(&str, &[&str], Code); 11] = [
        (
            "..",
            &["../a.js", "a/../../b", "..", "a/.."],
            Code::ZipUnsafe,
        ),
        (
            "absolute path",
            &["/etc/passwd", "/", "//a"],
            Code::ZipUnsafe,
        ),
        ("drive", &["C:a.js", "c:/a.js", "C:\\a.js"], Code::ZipUnsafe),
        (
            "UNC path",
            &["\\\\host\\share\\a", "//host/share/a", "\\\\?\\C:\\a"],
            Code::ZipUnsafe,
        ),
        ("backslash", &["a\\b.js", "..\\a.js"], Code::ZipUnsafe),
        ("NUL", &["a\0.js", "a.js\0", "\0"], Code::ZipUnsafe),
        (
            "Windows reserved name",
            &["con", "NUL.txt", "a/aux.js", "Com1", "lpt9.x.y"],
            Code::BuildPath,
        ),
        ("trailing dot", &["a.", "d./a.js", "..."], Code::BuildPath),
        ("trailing space", &["a ", "d /a.js"], Code::BuildPath),
        ("colon", &["ab:c", "a.js:stream", "d/a:b"], Code::BuildPath),
        ("over-long path", &[&long], Code::BuildPath),
    ];
    let each = names.into_iter().flat_map(|(threat, names, code)| {
        let one = move |name: &&str| row(threat, *name, with(stored(name, b"x")), Refused(code));
        names.iter().map(one).collect::<Vec<_>>()
    });
    each.collect()
}

pub(super) fn pairs() -> Vec<Row> {
    let two = |a: &str, b: &str| zip(&[index(), stored(a, b"1"), stored(b, b"2")]);
    let path = || Refused(Code::BuildPath);
    vec![
        row(
            "duplicate names",
            "one name twice",
            two("a", "a"),
            Refused(Code::ZipUnsafe),
        ),
        row(
            "duplicate names",
            "index.html twice",
            zip(&[index(), index()]),
            Refused(Code::ZipUnsafe),
        ),
        row(
            "duplicate names",
            "file and folder",
            two("a", "a/b"),
            path(),
        ),
        row("case collision", "files", two("A.js", "a.js"), path()),
        row("case collision", "folders", two("D/x", "d/y"), path()),
        row(
            "case collision",
            "index",
            with(stored("INDEX.HTML", b"x")),
            path(),
        ),
        row(
            "NFC and NFD collision",
            "files",
            two("caf\u{e9}", "cafe\u{301}"),
            path(),
        ),
        row(
            "NFC and NFD collision",
            "folders",
            two("\u{e9}/x", "e\u{301}/y"),
            path(),
        ),
        row(
            "NFC and NFD collision",
            "and case",
            two("\u{c9}", "e\u{301}"),
            path(),
        ),
    ]
}

pub(super) fn kinds() -> Vec<Row> {
    let refused = || Refused(Code::ZipUnsafe);
    // PKWARE Unix: twelve bytes, then the name that is linked to. ASi Unix: the mode of a link.
    let pkware = [&[0x0d, 0, 15, 0][..], &[0; 12], b"a.j"].concat();
    let asi = [
        &[0x6e, 0x75, 14, 0, 0, 0, 0, 0, 0xff, 0xa1, 4, 0, 0, 0][..],
        &[0; 4],
    ]
    .concat();
    let extra = |extra: &[u8]| Entry {
        extra: extra.to_vec(),
        ..file()
    };
    let chain = zip(&[
        index(),
        mode("a", LINK, b"b"),
        mode("b", LINK, b"/etc"),
        stored("a/passwd", b"x"),
    ]);
    let loop_ = zip(&[index(), mode("a", LINK, b"b"), mode("b", LINK, b"a")]);
    let mut rows = vec![
        row(
            "symlink",
            "out",
            with(mode("a", LINK, b"/etc/passwd")),
            refused(),
        ),
        row(
            "symlink",
            "inside",
            with(mode("a", LINK, b"index.html")),
            refused(),
        ),
        row(
            "symlink",
            "as index",
            zip(&[mode("index.html", LINK, b"a")]),
            refused(),
        ),
        row("symlink", "in an extra field", with(extra(&asi)), refused()),
        row("symlink chain", "through two links", chain, refused()),
        row("symlink chain", "a loop", loop_, refused()),
        row(
            "hard link",
            "in an extra field",
            with(extra(&pkware)),
            refused(),
        ),
    ];
    for (what, bits) in [
        ("character", 0o020_666),
        ("block", 0o060_660),
        ("pipe", 0o010_644),
        ("socket", 0o140_755),
    ] {
        rows.push(row("device", what, with(mode("a", bits, b"")), refused()));
    }
    rows
}

pub(super) fn bombs() -> Vec<Row> {
    let honest = file();
    let zeros = deflated("zeros", &vec![0; 32 << 20]);
    let inner = zip(std::slice::from_ref(&zeros));
    let limit = inner.len() as u64 + 2000;
    let sized = |size: u32| with(Entry { size, ..file() });
    let overlap = Entry {
        name: b"b.html".to_vec(),
        local_name: Some(b"index.html".to_vec()),
        offset: Some(0),
        data: Vec::new(),
        ..index()
    };
    let impossible = Entry {
        size: 900_000_000,
        ..file()
    };
    let compressed = with(Entry {
        compressed: honest.compressed + 1,
        ..file()
    });
    vec![
        row(
            "ratio bomb",
            "32 MiB of zeros",
            with(zeros),
            Refused(Code::ZipBomb),
        ),
        row(
            "ratio bomb",
            "an impossible ratio",
            with(impossible),
            Refused(Code::ZipBomb),
        ),
        row(
            "overlapping bomb",
            "one body, two names",
            zip(&[index(), overlap]),
            Refused(Code::ZipBomb),
        ),
        row(
            "nested bomb",
            "a zip in a zip",
            with(stored("inner.zip", &inner)),
            Packed(limit),
        ),
        row(
            "lying sizes",
            "more than declared",
            sized(honest.size - 1),
            Refused(Code::ZipBomb),
        ),
        row(
            "lying sizes",
            "nothing declared",
            sized(0),
            Refused(Code::ZipBomb),
        ),
        row(
            "lying sizes",
            "less than declared",
            sized(honest.size + 1),
            Refused(Code::ZipMalformed),
        ),
        row(
            "lying sizes",
            "into the directory",
            compressed,
            Refused(Code::ZipBomb),
        ),
    ]
}
