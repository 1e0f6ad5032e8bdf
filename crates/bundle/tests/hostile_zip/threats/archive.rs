//! Archives that are not what they say, and what a person must hear before signing.

use super::*;

pub(super) fn structure() -> Vec<Row> {
    let around = |around: Around| zip_with(&[index()], &around);
    let none = Around::default;
    let hostile = || Refused(Code::ZipUnsafe);
    let damaged = || Refused(Code::ZipMalformed);
    let local = |change: fn(&mut Entry)| {
        let mut entry = file();
        change(&mut entry);
        with(entry)
    };
    let mut two_ends = zip(&[index()]);
    let end = two_ends[two_ends.len() - 22..].to_vec();
    let comment = two_ends.len() - 2;
    two_ends[comment] = 22;
    two_ends.extend(&end);
    let locator = [&b"PK\x06\x07"[..], &[0; 16]].concat();
    let zip64 = |size: u32, compressed: u32| {
        let sizes = [size, compressed].map(|n| u64::from(n).to_le_bytes());
        [&[1, 0, 16, 0][..], &sizes.concat()].concat()
    };
    let honest = file();
    let lying64 = Entry {
        local_sizes: Some((u32::MAX, u32::MAX)),
        local_extra: zip64(honest.size + 1, honest.compressed),
        ..file()
    };
    let hidden64 = Entry {
        extra: zip64(honest.size, honest.compressed),
        ..file()
    };
    let aes = Entry {
        extra: vec![0x01, 0x99, 7, 0, 2, 0, b'A', b'E', 3, 8, 0],
        ..file()
    };
    let whole = zip(&[index(), file()]);
    let encrypted = || Refused(Code::ZipEncrypted);
    vec![
        row(
            "headers that differ",
            "name",
            local(|e| e.local_name = Some(b"b.js".to_vec())),
            hostile(),
        ),
        row(
            "headers that differ",
            "method",
            local(|e| e.local_method = Some(0)),
            hostile(),
        ),
        row(
            "headers that differ",
            "flags",
            local(|e| e.local_flags = Some(0)),
            hostile(),
        ),
        row(
            "headers that differ",
            "checksum",
            local(|e| e.local_crc = Some(7)),
            hostile(),
        ),
        row(
            "headers that differ",
            "sizes",
            local(|e| e.local_sizes = Some((1, 1))),
            hostile(),
        ),
        row(
            "prefix data",
            "a program",
            around(Around {
                prefix: b"MZ".to_vec(),
                ..none()
            }),
            hostile(),
        ),
        row(
            "prefix data",
            "offsets fit",
            around(Around {
                prefix: vec![0; 9],
                shift: 9,
                ..none()
            }),
            hostile(),
        ),
        row(
            "prefix data",
            "before the directory",
            around(Around {
                gap: vec![0; 5],
                ..none()
            }),
            hostile(),
        ),
        row(
            "trailing data",
            "after the end",
            around(Around {
                after: b"more".to_vec(),
                ..none()
            }),
            damaged(),
        ),
        row(
            "trailing data",
            "before the end",
            around(Around {
                before_end: vec![0; 5],
                ..none()
            }),
            hostile(),
        ),
        row("two end records", "in the comment", two_ends, hostile()),
        row(
            "two end records",
            "a comment like records",
            around(Around {
                comment: b"PK\x05\x06".to_vec(),
                ..none()
            }),
            hostile(),
        ),
        row(
            "encrypted",
            "the flag",
            local(|e| e.flags |= 1),
            encrypted(),
        ),
        row(
            "encrypted",
            "strong",
            local(|e| e.flags |= 1 << 6),
            encrypted(),
        ),
        row(
            "encrypted",
            "masked headers",
            local(|e| e.flags |= 1 << 13),
            encrypted(),
        ),
        row(
            "encrypted",
            "AES as the method",
            local(|e| e.method = 99),
            encrypted(),
        ),
        row("encrypted", "AES in an extra field", with(aes), encrypted()),
        row(
            "ZIP64 lies",
            "a locator",
            around(Around {
                before_end: locator,
                ..none()
            }),
            damaged(),
        ),
        row(
            "ZIP64 lies",
            "the count",
            around(Around {
                entries: Some(u16::MAX),
                ..none()
            }),
            damaged(),
        ),
        row(
            "ZIP64 lies",
            "the place",
            around(Around {
                directory_at: Some(u32::MAX),
                ..none()
            }),
            damaged(),
        ),
        row(
            "ZIP64 lies",
            "the size",
            local(|e| e.size = u32::MAX),
            damaged(),
        ),
        row(
            "ZIP64 lies",
            "a field for nothing",
            with(hidden64),
            damaged(),
        ),
        row("ZIP64 lies", "another size", with(lying64), hostile()),
        row(
            "truncated",
            "the end",
            whole[..whole.len() - 1].to_vec(),
            damaged(),
        ),
        row(
            "truncated",
            "the directory",
            whole[..whole.len() - 60].to_vec(),
            damaged(),
        ),
        row(
            "no index.html",
            "at all",
            zip(&[file()]),
            Refused(Code::BuildNoIndex),
        ),
        row(
            "no index.html",
            "no file",
            zip(&[]),
            Refused(Code::BuildEmpty),
        ),
        row(
            "no index.html",
            "empty",
            zip(&[stored("index.html", b"")]),
            Found("index.empty", Severity::Error),
        ),
    ]
}

pub(super) fn warnings() -> Vec<Row> {
    let error = |code| Found(code, Severity::Error);
    let warning = |code| Found(code, Severity::Warning);
    let text = |name: &str, text: &str| with(stored(name, text.as_bytes()));
    // Put together here, so that no scanner takes this file for a leak.
    let hex = "0a1b2c3d4e5f60718293a4b5c6d7e8f90123";
    let key = format!(
        "-----BEGIN {} KEY-----\n{}",
        "EC PRIVATE",
        "MHcCAQEE".repeat(8)
    );
    let map = format!(
        "x\n//# sourceMappingURL=data:application/json;base64,e{}",
        hex.repeat(2)
    );
    let mut n = 1_u64;
    let noise = std::iter::repeat_with(|| {
        n = n.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
        (n >> 56) as u8
    });
    let video: Vec<u8> = noise.take(9_500_000).collect();
    vec![
        row(
            "source maps",
            "a file",
            text("a.js.map", "{}"),
            warning("maps.included"),
        ),
        row(
            "source maps",
            "in a script",
            text("a.js", &map),
            warning("maps.inline"),
        ),
        row(
            ".env",
            "by name",
            text(".env", "A=1"),
            error("secret.env_file"),
        ),
        row(
            ".env",
            "of one mode",
            text("x/.env.production", "A=1"),
            error("secret.env_file"),
        ),
        row(
            ".git",
            "a folder",
            text(".git/config", "[core]"),
            error("secret.repository"),
        ),
        row(
            "private key",
            "in text",
            text("a.js", &key),
            error("secret.private_key"),
        ),
        row(
            "private key",
            "by name",
            text("app.p12", "x"),
            error("secret.key_file"),
        ),
        row(
            "token",
            "GitHub",
            text("a.js", &format!("'ghp_{hex}'")),
            error("secret.token"),
        ),
        row(
            "token",
            "Google",
            text("a.js", &format!("'AIza{}'", &hex[..35])),
            warning("secret.browser_key"),
        ),
        row(
            "name with a space",
            "",
            text("a b.js", "x"),
            warning("names.space"),
        ),
        row(
            "name with a plus",
            "",
            text("a+b.js", "x"),
            warning("names.space"),
        ),
        row(
            "precompressed twin",
            "x and x.br",
            zip(&[index(), stored("a.js", b"x"), stored("a.js.br", b"y")]),
            warning("twins.precompressed"),
        ),
        row(
            "too large for iOS",
            "9.5 MB",
            with(stored("a.mp4", &video)),
            warning("size.ios"),
        ),
        row(
            "version of the native app",
            "",
            with(file()),
            warning("version.native"),
        ),
    ]
}
