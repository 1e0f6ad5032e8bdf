//! The zip records of a bundle (PKWARE APPNOTE 4.3): one fixed form, on every system.

/// Version 2.0: deflate.
const VERSION: u16 = 20;
/// Made on Unix, so that the mode below is understood.
const MADE_BY: u16 = (3 << 8) | VERSION;
/// Bit 11: names are UTF-8. Set always, so that no reader guesses.
const FLAGS: u16 = 1 << 11;
/// 1980-01-01 00:00, the earliest that a zip can say.
const TIME: u16 = 0;
const DATE: u16 = (1 << 5) | 1;
/// A regular file, rw-r--r--.
const ATTRIBUTES: u32 = 0o100_644 << 16;

/// What the records say of one file.
#[derive(Debug, Clone)]
pub(super) struct Record {
    pub(super) path: String,
    pub(super) deflated: bool,
    pub(super) crc: u32,
    pub(super) compressed: u32,
    pub(super) size: u32,
}

impl Record {
    /// The fields that both headers share, from the version needed to the extra length.
    fn common(&self, out: &mut Vec<u8>) {
        let method: u16 = if self.deflated { 8 } else { 0 };
        // Paths have at most 240 bytes unless a caller raises the limits; checked in `pack`.
        let name_len = self.path.len() as u16;
        for field in [VERSION, FLAGS, method, TIME, DATE] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        for field in [self.crc, self.compressed, self.size] {
            out.extend_from_slice(&field.to_le_bytes());
        }
        out.extend_from_slice(&name_len.to_le_bytes());
        out.extend_from_slice(&[0, 0]);
    }

    pub(super) fn local_header(&self) -> Vec<u8> {
        let mut out = b"PK\x03\x04".to_vec();
        self.common(&mut out);
        out.extend_from_slice(self.path.as_bytes());
        out
    }

    pub(super) fn central_header(&self, offset: u32) -> Vec<u8> {
        let mut out = b"PK\x01\x02".to_vec();
        out.extend_from_slice(&MADE_BY.to_le_bytes());
        self.common(&mut out);
        // comment length, disk, internal attributes
        out.extend_from_slice(&[0; 6]);
        out.extend_from_slice(&ATTRIBUTES.to_le_bytes());
        out.extend_from_slice(&offset.to_le_bytes());
        out.extend_from_slice(self.path.as_bytes());
        out
    }
}

/// End of central directory, without comment.
pub(super) fn end_record(entries: u16, directory_len: u32, directory_at: u32) -> Vec<u8> {
    let mut out = b"PK\x05\x06\0\0\0\0".to_vec();
    out.extend_from_slice(&entries.to_le_bytes());
    out.extend_from_slice(&entries.to_le_bytes());
    out.extend_from_slice(&directory_len.to_le_bytes());
    out.extend_from_slice(&directory_at.to_le_bytes());
    out.extend_from_slice(&[0, 0]);
    out
}
