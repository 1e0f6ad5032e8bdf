//! The end of central directory record.

use std::fs::File;

use headgate_core::{Code, Problem, Result};

use super::{hostile, malformed, read_at, u16_at, u32_at};

const SIGNATURE: &[u8; 4] = b"PK\x05\x06";
const RECORD: usize = 22;
const LOCATOR64: &[u8; 4] = b"PK\x06\x07";
const LOCATOR64_LEN: usize = 20;
/// A comment cannot be longer: its length has 16 bits.
const MAX_TAIL: u64 = RECORD as u64 + 65_535;

/// What the end record says.
#[derive(Debug, Clone, Copy)]
pub(super) struct End {
    pub(super) entries: usize,
    /// Where the central directory begins.
    pub(super) directory: u64,
    /// Its bytes.
    pub(super) directory_len: u64,
}

/// Finds the one end record. It must close the file, and nothing may look like another one.
pub(super) fn find(file: &mut File, len: u64) -> Result<End> {
    if len < RECORD as u64 {
        let what = if len == 0 {
            "it is empty"
        } else {
            "it is too short"
        };
        return Err(malformed(what));
    }
    let tail_len = len.min(MAX_TAIL);
    let tail = read_at(file, len - tail_len, usize::try_from(tail_len).unwrap_or(0))?;
    let closes = |at: usize| {
        let comment = usize::from(u16_at(&tail, at + 20));
        at + RECORD + comment == tail.len()
    };
    let last = tail.len() - RECORD;
    let found: Vec<usize> = (0..=last)
        .filter(|at| tail[*at..].starts_with(SIGNATURE))
        .collect();
    let mut closing = found.iter().copied().filter(|at| closes(*at));
    let at = match (closing.next(), closing.next()) {
        (Some(at), None) => at,
        (Some(_), Some(_)) => return Err(hostile("it has two end records")),
        (None, _) if found.is_empty() => {
            return Err(malformed(
                "it has no end record, so it is cut off or no zip",
            ));
        }
        (None, _) => return Err(malformed("data follows its end record, or it is cut off")),
    };
    let comment = &tail[at + RECORD..];
    if comment.windows(2).any(|w| w == b"PK") {
        return Err(hostile("its comment looks like zip records"));
    }
    if at >= LOCATOR64_LEN && tail[at - LOCATOR64_LEN..].starts_with(LOCATOR64) {
        return Err(zip64());
    }
    parse(&tail[at..at + RECORD], len - (tail.len() - at) as u64)
}

fn parse(record: &[u8], at: u64) -> Result<End> {
    let disks = (u16_at(record, 4), u16_at(record, 6));
    let (here, entries) = (u16_at(record, 8), u16_at(record, 10));
    let (directory_len, directory) = (u32_at(record, 12), u32_at(record, 16));
    if entries == u16::MAX || directory_len == u32::MAX || directory == u32::MAX {
        return Err(zip64());
    }
    if disks != (0, 0) || here != entries {
        return Err(malformed("it is one part of several"));
    }
    let (directory, directory_len) = (u64::from(directory), u64::from(directory_len));
    match (directory + directory_len).cmp(&at) {
        std::cmp::Ordering::Equal => Ok(End {
            entries: usize::from(entries),
            directory,
            directory_len,
        }),
        std::cmp::Ordering::Less => Err(hostile(
            "data stands before it or between its directory and its end record",
        )),
        std::cmp::Ordering::Greater => Err(malformed(
            "its directory does not lie before its end record",
        )),
    }
}

/// Within the limits of a web build zip64 is never needed, and readers disagree on its oddities.
pub(super) fn zip64() -> Problem {
    Problem::new(
        Code::ZipMalformed,
        "The zip uses zip64 records, which a web build within the limits does not need.",
    )
}
