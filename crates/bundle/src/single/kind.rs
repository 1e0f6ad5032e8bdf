//! Files that are compressed already.

use crate::pack::is_incompressible;

/// Whether its extension says so.
pub(super) fn by_name(path: &str) -> bool {
    is_incompressible(path)
}

/// Whether its first bytes say so.
pub(super) fn by_content(start: &[u8]) -> bool {
    const MAGIC: [&[u8]; 20] = [
        b"\x89PNG\r\n\x1a\n",
        b"\xff\xd8\xff",
        b"GIF87a",
        b"GIF89a",
        b"wOFF",
        b"wOF2",
        b"PK\x03\x04",
        b"\x1f\x8b\x08",
        b"BZh",
        b"\xfd7zXZ\0",
        b"7z\xbc\xaf\x27\x1c",
        b"\x28\xb5\x2f\xfd",
        b"\x04\x22\x4d\x18",
        b"Rar!\x1a\x07",
        b"OggS",
        b"fLaC",
        b"ID3",
        b"\x1a\x45\xdf\xa3",
        b"\xff\x0a",
        b"\0\0\0\x0cJXL \r\n\x87\n",
    ];
    let riff = start.starts_with(b"RIFF") && start.get(8..12) == Some(b"WEBP");
    // ISO base media: MP4, MOV, AVIF, HEIC
    let media = start.get(4..8) == Some(b"ftyp");
    riff || media || MAGIC.iter().any(|magic| start.starts_with(magic))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn compressed_types_are_known_by_their_first_bytes() {
        for start in [
            &b"\x89PNG\r\n\x1a\n\0\0"[..],
            b"PK\x03\x04\x14",
            b"\0\0\0\x20ftypisom",
            b"RIFF\0\0\0\0WEBPVP8 ",
        ] {
            assert!(by_content(start), "{start:?}");
        }
        for start in [
            &b""[..],
            b"<!doctype html>",
            b"RIFF\0\0\0\0WAVEfmt ",
            b"\0asm\x01\0\0\0",
            b"PK",
            b"BM\0\0",
        ] {
            assert!(!by_content(start), "{start:?}");
        }
    }
}
