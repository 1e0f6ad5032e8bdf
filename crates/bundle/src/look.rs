//! A first look at something that is dragged over the window, cheap enough for every move.

use std::fs::{self, File};
use std::io::Read;
use std::path::Path;

use crate::source::{self, INDEX};

/// What lies at a path.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum LookKind {
    /// A folder.
    Folder,
    /// A zip file.
    Zip,
    /// Anything else, or nothing.
    Other,
}

/// What the drop overlay says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Look {
    /// What lies there.
    pub kind: LookKind,
    /// Whether dropping it may work. Opening it still decides.
    pub ok: bool,
    /// A few words for the overlay.
    pub says: String,
}

/// Looks at the top of a folder or the first bytes of a file; never reads more.
pub fn quick_look(path: &Path) -> Look {
    let look = |kind, ok, says: &str| Look {
        kind,
        ok,
        says: says.to_owned(),
    };
    let neither = look(LookKind::Other, false, "Not a folder or .zip");
    let Ok(meta) = fs::metadata(path) else {
        return neither;
    };
    if meta.is_dir() {
        return match source::find_root(path) {
            Some(None) => look(LookKind::Folder, true, "folder with index.html"),
            Some(Some(folder)) => {
                let says = format!("folder with {}/{INDEX}", crate::names::escaped(&folder));
                look(LookKind::Folder, true, &says)
            }
            None => look(LookKind::Folder, false, "Not a web build: no index.html"),
        };
    }
    // Opening a pipe would wait for its writer.
    if !meta.is_file() {
        return neither;
    }
    let mut start = [0; 4];
    let read = File::open(path).and_then(|mut file| file.read_exact(&mut start));
    if read.is_err() || !(start == *b"PK\x03\x04" || start == *b"PK\x05\x06") {
        return neither;
    }
    let says = format!("zip file, {}", megabytes(meta.len()));
    look(LookKind::Zip, true, &says)
}

/// Bytes for people, in decimal units.
pub(crate) fn megabytes(bytes: u64) -> String {
    match bytes {
        0..1_000 => format!("{bytes} bytes"),
        1_000..1_000_000 => format!("{} KB", bytes.div_ceil(1_000)),
        _ => format!("{:.1} MB", bytes as f64 / 1e6),
    }
}
