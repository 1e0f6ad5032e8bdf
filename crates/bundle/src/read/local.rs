//! Local headers, and the layout of the whole file.

use std::fs::File;

use headgate_core::Result;

use super::central::{Central, DESCRIPTOR, MEANINGFUL};
use super::{Entry, Method, bomb, extra, hostile, malformed, read_at, u16_at, u32_at, u64_at};
use crate::names;

const SIGNATURE: &[u8; 4] = b"PK\x03\x04";
const DESCRIPTOR_SIGNATURE: &[u8; 4] = b"PK\x07\x08";
const HEADER: u64 = 30;

/// Checks every local header against the directory, and that the entries fill the file from its
/// first byte to the directory, without gap or overlap.
pub(super) fn check_layout(
    file: &mut File,
    directory: Vec<Central>,
    directory_at: u64,
) -> Result<Vec<Entry>> {
    let mut order: Vec<usize> = (0..directory.len()).collect();
    order.sort_by_key(|i| directory[*i].local);
    let mut data_at = vec![0; directory.len()];
    let mut expected = 0;
    for (n, index) in order.iter().enumerate() {
        let entry = &directory[*index];
        let shown = names::show(&entry.name);
        if entry.local < expected {
            return Err(bomb(format_args!("{shown} overlaps another entry")));
        }
        if entry.local > expected {
            return Err(hostile(format_args!(
                "data stands before {shown} that no entry owns"
            )));
        }
        let next = order.get(n + 1);
        let next = next.map_or(directory_at, |next| directory[*next].local);
        data_at[*index] = check_entry(file, entry, next)?;
        expected = next;
    }
    if expected != directory_at {
        return Err(hostile(
            "data stands before its directory that no entry owns",
        ));
    }
    let entries = directory.into_iter().zip(data_at);
    let files = entries.filter(|(entry, _)| !entry.is_folder);
    Ok(files
        .map(|(entry, data)| Entry {
            name: entry.name,
            size: entry.size,
            compressed: entry.compressed,
            method: entry.method,
            crc: entry.crc,
            data,
        })
        .collect())
}

/// Checks one entry, which must end where the next one begins. Gives the place of its data.
fn check_entry(file: &mut File, entry: &Central, next: u64) -> Result<u64> {
    let shown = names::show(&entry.name);
    let differs = |what: &str| {
        hostile(format_args!(
            "the two headers of {shown} differ in their {what}"
        ))
    };
    if entry.local + HEADER > next {
        return Err(overlap_or_cut(&shown));
    }
    let header = read_at(file, entry.local, HEADER as usize)?;
    if !header.starts_with(SIGNATURE) {
        return Err(malformed(format_args!("{shown} has no local header")));
    }
    let (name_len, extra_len) = (u16_at(&header, 26), u16_at(&header, 28));
    let variable = u64::from(name_len) + u64::from(extra_len);
    let data = entry.local + HEADER + variable;
    if data + entry.compressed > next {
        return Err(overlap_or_cut(&shown));
    }
    let bytes = read_at(
        file,
        entry.local + HEADER,
        usize::from(name_len) + usize::from(extra_len),
    )?;
    let (name, extra_bytes) = bytes.split_at(usize::from(name_len));
    if name != entry.name.as_bytes() {
        return Err(differs("name"));
    }
    let flags = u16_at(&header, 6);
    if (flags ^ entry.flags) & MEANINGFUL != 0 {
        return Err(differs("flags"));
    }
    let method = match entry.method {
        Method::Stored => 0,
        Method::Deflated => 8,
    };
    if u16_at(&header, 8) != method {
        return Err(differs("method"));
    }
    let zip64 = extra::check(extra_bytes, &entry.name)?;
    let streamed = flags & DESCRIPTOR != 0;
    let crc = u32_at(&header, 14);
    let mut sizes = (
        u64::from(u32_at(&header, 22)),
        u64::from(u32_at(&header, 18)),
    );
    let marked = sizes == (u64::from(u32::MAX), u64::from(u32::MAX));
    match zip64 {
        Some(large) if marked => sizes = large,
        // A writer that streams may reserve the field and leave the header at zero.
        Some((0, 0)) if streamed && sizes == (0, 0) => {}
        Some(_) => return Err(differs("sizes")),
        None => {}
    }
    // A streaming writer does not know them yet.
    let unknown = streamed && crc == 0 && sizes == (0, 0);
    if !unknown && crc != entry.crc {
        return Err(differs("checksum"));
    }
    if !unknown && sizes != (entry.size, entry.compressed) {
        return Err(differs("sizes"));
    }
    let gap = next - data - entry.compressed;
    check_gap(file, entry, (data + entry.compressed, gap), streamed)?;
    Ok(data)
}

fn overlap_or_cut(shown: &str) -> headgate_core::Problem {
    bomb(format_args!("{shown} overlaps what follows it"))
}

/// After the data: nothing, or exactly a data descriptor that repeats the directory.
fn check_gap(file: &mut File, entry: &Central, gap: (u64, u64), streamed: bool) -> Result<()> {
    let (at, len) = gap;
    let shown = names::show(&entry.name);
    if len == 0 && !streamed {
        return Ok(());
    }
    if !streamed || ![12, 16, 20, 24].contains(&len) {
        return Err(hostile(format_args!(
            "data follows {shown} that no entry owns"
        )));
    }
    let bytes = read_at(file, at, usize::try_from(len).unwrap_or(0))?;
    let body = match bytes.strip_prefix(DESCRIPTOR_SIGNATURE) {
        Some(body) if matches!(len, 16 | 24) => body,
        _ if matches!(len, 12 | 20) => &bytes,
        _ => return Err(malformed(format_args!("{shown} has a wrong descriptor"))),
    };
    let sizes = if body.len() == 12 {
        (u64::from(u32_at(body, 4)), u64::from(u32_at(body, 8)))
    } else {
        (u64_at(body, 4), u64_at(body, 12))
    };
    if u32_at(body, 0) != entry.crc || sizes != (entry.compressed, entry.size) {
        return Err(hostile(format_args!(
            "the descriptor of {shown} differs from the directory"
        )));
    }
    Ok(())
}
