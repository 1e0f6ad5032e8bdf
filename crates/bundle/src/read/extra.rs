//! Extra fields: those that change what an entry is, or how it is named.

use headgate_core::{Code, Problem, Result};

use super::{hostile, malformed, u16_at, u64_at};

const ZIP64: u16 = 0x0001;
/// PKWARE Unix: 12 bytes, then a link target or device numbers.
const PK_UNIX: u16 = 0x000d;
/// ASi Unix: CRC, mode, link length, …
const ASI_UNIX: u16 = 0x756e;
/// Info-ZIP Unicode path: version, CRC, another name.
const UNICODE_PATH: u16 = 0x7075;
const AES: u16 = 0x9901;
const STRONG_ENCRYPTION: u16 = 0x0017;

/// `zip.encrypted`.
pub(super) fn encrypted(name: &str) -> Problem {
    Problem::new(
        Code::ZipEncrypted,
        format!("{} is encrypted.", crate::names::show(name)),
    )
}

/// Checks all extra fields of one header. Gives the two sizes of a zip64 field, if there is one.
pub(super) fn check(bytes: &[u8], name: &str) -> Result<Option<(u64, u64)>> {
    let mut rest = bytes;
    let mut sizes = None;
    while !rest.is_empty() {
        if rest.len() < 4 {
            // Some writers pad with up to three zero bytes.
            if rest.iter().all(|b| *b == 0) {
                break;
            }
            return Err(malformed("an extra field is cut off"));
        }
        let (id, len) = (u16_at(rest, 0), usize::from(u16_at(rest, 2)));
        let Some(field) = rest.get(4..4 + len) else {
            return Err(malformed("an extra field is longer than its header says"));
        };
        match id {
            ZIP64 if sizes.is_some() => return Err(malformed("a zip64 field stands twice")),
            ZIP64 if len == 16 => sizes = Some((u64_at(field, 0), u64_at(field, 8))),
            ZIP64 => return Err(super::end::zip64()),
            AES | STRONG_ENCRYPTION => return Err(encrypted(name)),
            PK_UNIX if len > 12 => return Err(link(name)),
            ASI_UNIX if asi_is_special(field) => return Err(link(name)),
            UNICODE_PATH if field.get(5..) != Some(name.as_bytes()) => {
                return Err(hostile(format_args!(
                    "{} has a second, different name",
                    crate::names::show(name)
                )));
            }
            _ => {}
        }
        rest = &rest[4 + len..];
    }
    Ok(sizes)
}

fn asi_is_special(field: &[u8]) -> bool {
    let kind = field.get(4..6).map(|_| u16_at(field, 4) & 0o170_000);
    let regular = matches!(kind, Some(0 | 0o100_000 | 0o040_000));
    !regular || field.get(6..10) != Some(&[0; 4])
}

fn link(name: &str) -> Problem {
    hostile(format_args!(
        "{} is a link or a device",
        crate::names::show(name)
    ))
}
