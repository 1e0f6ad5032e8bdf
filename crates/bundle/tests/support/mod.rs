//! Zips made by hand, so that they can lie.

use std::io::Write;

use flate2::Compression;
use flate2::write::DeflateEncoder;

/// One entry; every field that a header has can be set apart from the data.
#[derive(Clone)]
pub(crate) struct Entry {
    pub(crate) name: Vec<u8>,
    pub(crate) local_name: Option<Vec<u8>>,
    pub(crate) data: Vec<u8>,
    pub(crate) method: u16,
    pub(crate) local_method: Option<u16>,
    pub(crate) flags: u16,
    pub(crate) local_flags: Option<u16>,
    pub(crate) crc: u32,
    pub(crate) local_crc: Option<u32>,
    pub(crate) size: u32,
    pub(crate) compressed: u32,
    pub(crate) local_sizes: Option<(u32, u32)>,
    pub(crate) extra: Vec<u8>,
    pub(crate) local_extra: Vec<u8>,
    pub(crate) attributes: u32,
    pub(crate) descriptor: Vec<u8>,
    pub(crate) offset: Option<u32>,
}

/// A stored file.
pub(crate) fn stored(name: &str, data: &[u8]) -> Entry {
    Entry {
        name: name.into(),
        local_name: None,
        data: data.to_vec(),
        method: 0,
        local_method: None,
        flags: 1 << 11,
        local_flags: None,
        crc: crc32fast::hash(data),
        local_crc: None,
        size: data.len() as u32,
        compressed: data.len() as u32,
        local_sizes: None,
        extra: Vec::new(),
        local_extra: Vec::new(),
        attributes: 0o100_644 << 16,
        descriptor: Vec::new(),
        offset: None,
    }
}

/// A deflated file.
pub(crate) fn deflated(name: &str, data: &[u8]) -> Entry {
    let mut encoder = DeflateEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(data).unwrap();
    let compressed = encoder.finish().unwrap();
    Entry {
        method: 8,
        compressed: compressed.len() as u32,
        data: compressed,
        ..Entry {
            crc: crc32fast::hash(data),
            size: data.len() as u32,
            ..stored(name, data)
        }
    }
}

/// What stands around the entries.
#[derive(Default)]
pub(crate) struct Around {
    pub(crate) prefix: Vec<u8>,
    pub(crate) gap: Vec<u8>,
    pub(crate) before_end: Vec<u8>,
    pub(crate) comment: Vec<u8>,
    pub(crate) after: Vec<u8>,
    pub(crate) entries: Option<u16>,
    pub(crate) directory_at: Option<u32>,
    pub(crate) disk: u16,
    pub(crate) shift: u32,
}

fn put(out: &mut Vec<u8>, shorts: &[u16]) {
    shorts.iter().for_each(|s| out.extend(s.to_le_bytes()));
}

fn put32(out: &mut Vec<u8>, words: &[u32]) {
    words.iter().for_each(|w| out.extend(w.to_le_bytes()));
}

pub(crate) fn zip(entries: &[Entry]) -> Vec<u8> {
    zip_with(entries, &Around::default())
}

pub(crate) fn zip_with(entries: &[Entry], around: &Around) -> Vec<u8> {
    let mut out = around.prefix.clone();
    let mut directory = Vec::new();
    for e in entries {
        let offset = out.len() as u32;
        let name = e.local_name.as_ref().unwrap_or(&e.name);
        out.extend(b"PK\x03\x04");
        let flags = e.local_flags.unwrap_or(e.flags);
        let method = e.local_method.unwrap_or(e.method);
        put(&mut out, &[20, flags, method, 0, 33]);
        let (size, compressed) = e.local_sizes.unwrap_or((e.size, e.compressed));
        put32(&mut out, &[e.local_crc.unwrap_or(e.crc), compressed, size]);
        put(&mut out, &[name.len() as u16, e.local_extra.len() as u16]);
        out.extend(name);
        out.extend(&e.local_extra);
        out.extend(&e.data);
        out.extend(&e.descriptor);

        directory.extend(b"PK\x01\x02");
        put(&mut directory, &[0x0314, 20, e.flags, e.method, 0, 33]);
        put32(&mut directory, &[e.crc, e.compressed, e.size]);
        put(
            &mut directory,
            &[e.name.len() as u16, e.extra.len() as u16, 0, 0, 0],
        );
        let offset = e.offset.unwrap_or(offset) - around.shift;
        put32(&mut directory, &[e.attributes, offset]);
        directory.extend(&e.name);
        directory.extend(&e.extra);
    }
    out.extend(&around.gap);
    let at = around.directory_at.unwrap_or(out.len() as u32) - around.shift;
    out.extend(&directory);
    out.extend(&around.before_end);
    let count = around.entries.unwrap_or(entries.len() as u16);
    out.extend(b"PK\x05\x06");
    put(&mut out, &[around.disk, 0, count, count]);
    put32(&mut out, &[directory.len() as u32, at]);
    put(&mut out, &[around.comment.len() as u16]);
    out.extend(&around.comment);
    out.extend(&around.after);
    out
}
