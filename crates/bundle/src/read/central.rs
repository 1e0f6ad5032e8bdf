//! The central directory.

use std::fs::File;

use headgate_core::{Code, Problem, Result};

use super::end::End;
use super::{Limits, Method, extra, hostile, malformed, read_at, u16_at, u32_at};
use crate::names;

const SIGNATURE: &[u8; 4] = b"PK\x01\x02";
const HEADER: usize = 46;
/// Far above what any number of ordinary names needs; keeps the directory in memory.
const MAX_DIRECTORY: u64 = 48 << 20;

const ENCRYPTED: u16 = 1;
pub(super) const DESCRIPTOR: u16 = 1 << 3;
const PATCHED: u16 = 1 << 5;
const STRONG: u16 = 1 << 6;
const MASKED: u16 = 1 << 13;
/// Bits 1 and 2 tell how hard deflate tried; nothing depends on them.
pub(super) const MEANINGFUL: u16 = !0b110;

/// One record of the central directory.
#[derive(Debug)]
pub(super) struct Central {
    pub(super) name: String,
    pub(super) is_folder: bool,
    pub(super) flags: u16,
    pub(super) method: Method,
    pub(super) crc: u32,
    pub(super) compressed: u64,
    pub(super) size: u64,
    /// Where the local header begins.
    pub(super) local: u64,
}

/// Reads all records; they fill the directory exactly.
pub(super) fn read(file: &mut File, end: &End, limits: &Limits) -> Result<Vec<Central>> {
    if end.directory_len > MAX_DIRECTORY {
        return Err(Problem::new(
            Code::BuildTooLarge,
            format!("The zip's directory has {} bytes.", end.directory_len),
        ));
    }
    let len = usize::try_from(end.directory_len).unwrap_or(0);
    let bytes = read_at(file, end.directory, len)?;
    let mut rest = bytes.as_slice();
    let mut records = Vec::with_capacity(end.entries.min(limits.files));
    while !rest.is_empty() {
        let (record, used) = parse(rest)?;
        records.push(record);
        rest = &rest[used..];
    }
    if records.len() != end.entries {
        return Err(malformed(format_args!(
            "its directory has {} entries, its end record says {}",
            records.len(),
            end.entries
        )));
    }
    Ok(records)
}

fn parse(bytes: &[u8]) -> Result<(Central, usize)> {
    if bytes.len() < HEADER || !bytes.starts_with(SIGNATURE) {
        return Err(malformed("its directory holds something else"));
    }
    let lens = [28, 30, 32].map(|at| usize::from(u16_at(bytes, at)));
    let used = HEADER + lens.iter().sum::<usize>();
    let Some(variable) = bytes.get(HEADER..used) else {
        return Err(malformed("its directory is cut off"));
    };
    let (raw_name, rest) = variable.split_at(lens[0]);
    let flags = u16_at(bytes, 8);
    let name = check_name(raw_name)?;
    let shown = names::show(&name);
    if flags & (ENCRYPTED | STRONG | MASKED) != 0 {
        return Err(extra::encrypted(&name));
    }
    if flags & PATCHED != 0 {
        return Err(malformed(format_args!("{shown} is a patch")));
    }
    let method = match u16_at(bytes, 10) {
        0 => Method::Stored,
        8 => Method::Deflated,
        99 => return Err(extra::encrypted(&name)),
        other => {
            return Err(malformed(format_args!(
                "{shown} uses compression method {other}; only stored and deflate are read"
            )));
        }
    };
    let (compressed, size) = (u32_at(bytes, 20), u32_at(bytes, 24));
    let local = u32_at(bytes, 42);
    if [compressed, size, local].contains(&u32::MAX)
        || extra::check(&rest[..lens[1]], &name)?.is_some()
    {
        return Err(super::end::zip64());
    }
    if u16_at(bytes, 34) != 0 {
        return Err(malformed("it is one part of several"));
    }
    let is_folder = name.ends_with('/');
    check_kind(&name, is_folder, u32_at(bytes, 38))?;
    if is_folder && size != 0 {
        return Err(hostile(format_args!("the folder {shown} holds data")));
    }
    let record = Central {
        is_folder,
        flags,
        method,
        crc: u32_at(bytes, 16),
        compressed: u64::from(compressed),
        size: u64::from(size),
        local: u64::from(local),
        name,
    };
    Ok((record, used))
}

/// Only regular files and folders; the upper half of the attributes is the Unix mode.
fn check_kind(name: &str, is_folder: bool, attributes: u32) -> Result<()> {
    let mode = (attributes >> 16) & 0o170_000;
    let shown = names::show(name);
    match mode {
        0 | 0o100_000 | 0o040_000 => {}
        0o120_000 => return Err(hostile(format_args!("{shown} is a symbolic link"))),
        _ => return Err(hostile(format_args!("{shown} is a device, pipe or socket"))),
    }
    let says_folder = mode == 0o040_000 || (mode == 0 && attributes & 0x10 != 0);
    let says_file = mode == 0o100_000;
    if (is_folder && says_file) || (!is_folder && says_folder) {
        return Err(hostile(format_args!(
            "{shown} says of itself that it is both a file and a folder"
        )));
    }
    Ok(())
}

/// Names that lead out of the root are hostile; see `names` for those that merely break elsewhere.
fn check_name(raw: &[u8]) -> Result<String> {
    // Many writers put UTF-8 without setting the flag; code page 437 is not guessed.
    let Ok(name) = std::str::from_utf8(raw) else {
        return Err(Problem::new(
            Code::BuildPath,
            format!(
                "The name {} is not valid UTF-8.",
                names::show(&String::from_utf8_lossy(raw))
            ),
        ));
    };
    let shown = names::show(name);
    let drive = raw.len() >= 2 && raw[0].is_ascii_alphabetic() && raw[1] == b':';
    let refused = if name.is_empty() || name == "/" {
        Some("an entry has no name".to_owned())
    } else if raw.contains(&0) {
        Some(format!("{shown} holds a NUL"))
    } else if raw.contains(&b'\\') {
        Some(format!("{shown} holds a backslash"))
    } else if raw[0] == b'/' || drive {
        Some(format!("{shown} is an absolute path"))
    } else if name.split('/').any(|part| part == "..") {
        Some(format!("{shown} leads out of the zip's root"))
    } else {
        None
    };
    match refused {
        Some(why) => Err(hostile(why)),
        None => Ok(name.to_owned()),
    }
}
