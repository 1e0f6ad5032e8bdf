//! An answer that goes back: as a file, or as a QR code on the screen.

use std::path::{Path, PathBuf};

use headgate_core::Result;
use headgate_core::signing::{SigningRequest, SigningResponse};
use serde::{Deserialize, Serialize};

use crate::disk;
use crate::workstation::Workstation;

#[derive(Serialize, Deserialize)]
struct Kept {
    name: String,
    file: String,
}

/// An answer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HandedBack {
    /// Id of the request.
    pub request: String,
    /// The file's content.
    pub bytes: Vec<u8>,
    /// What the file is called: `1f0a9c3e-ines-2026.hgresponse`.
    pub name: String,
}

impl HandedBack {
    pub(crate) fn new(
        response: &SigningResponse,
        request: &SigningRequest,
        key: &str,
    ) -> Result<Self> {
        let short = request.id.get(..8).unwrap_or_default().to_ascii_lowercase();
        Ok(Self {
            request: request.id.clone(),
            bytes: response.to_bytes()?,
            name: format!("{short}-{}.hgresponse", slug(key)),
        })
    }

    /// Writes it into a folder. One that is there already with the same content is left alone; with another content,
    /// a number is added.
    ///
    /// # Errors
    /// `local.disk`.
    pub fn save(&self, folder: &Path) -> Result<PathBuf> {
        save(folder, &self.name, &self.bytes)
    }
}

/// Writes a file into a folder under this name, or under one with a number when it is taken.
pub(crate) fn save(folder: &Path, name: &str, bytes: &[u8]) -> Result<PathBuf> {
    let (stem, ending) = name.rsplit_once('.').unwrap_or((name, "txt"));
    let mut last = None;
    for n in 1..100 {
        let path = match n {
            1 => folder.join(name),
            n => folder.join(format!("{stem}-{n}.{ending}")),
        };
        match disk::write_new(&path, bytes) {
            Ok(()) => return Ok(path),
            Err(problem) if problem.code == headgate_core::Code::UsageExists => {
                last = Some(problem);
            }
            Err(problem) => return Err(problem),
        }
    }
    Err(last.unwrap_or_else(|| {
        headgate_core::Problem::new(headgate_core::Code::LocalDisk, "There is no free name.")
    }))
}

/// A name in letters, digits and hyphens, for files that any system can store.
pub fn slug(name: &str) -> String {
    let mut out = String::new();
    for c in name.chars().flat_map(char::to_lowercase) {
        if c.is_ascii_alphanumeric() {
            out.push(c);
        } else if !out.is_empty() && !out.ends_with('-') {
            out.push('-');
        }
        if out.len() >= 40 {
            break;
        }
    }
    let slug = out.trim_end_matches('-');
    if slug.is_empty() {
        "key".into()
    } else {
        slug.into()
    }
}

impl Workstation {
    /// Keeps the last answer to a request, so that it can be shown or saved again.
    pub(crate) fn keep_answer(&self, handed: &HandedBack) -> Result<()> {
        let kept = Kept {
            name: handed.name.clone(),
            file: String::from_utf8_lossy(&handed.bytes).into_owned(),
        };
        disk::put(&self.answer_path(&handed.request), &kept)
    }

    /// The last answer to a request by its id; nothing when there is none.
    ///
    /// # Errors
    /// `local.*` when the kept file is damaged.
    pub fn answered(&self, request: &str) -> Result<Option<HandedBack>> {
        if request.len() != 32 || !request.bytes().all(|b| b.is_ascii_hexdigit()) {
            return Ok(None);
        }
        let kept: Option<Kept> = disk::own(&self.answer_path(request))?;
        Ok(kept.map(|kept| HandedBack {
            request: request.to_owned(),
            bytes: kept.file.into_bytes(),
            name: kept.name,
        }))
    }

    fn answer_path(&self, request: &str) -> PathBuf {
        // An id is 32 hex digits, which both callers know: it leads nowhere else.
        let name = format!("{}.json", request.to_ascii_lowercase());
        self.home.join("answers").join(name)
    }

    /// Writes the history beside the requests: `history-2026-11-26.jsonl`.
    ///
    /// # Errors
    /// `local.disk`.
    pub fn export_history(&self, folder: &Path) -> Result<PathBuf> {
        let day = self.now().to_string();
        let name = format!("history-{}.jsonl", day.get(..10).unwrap_or_default());
        save(folder, &name, &self.history_file()?)
    }

    /// Writes a public key beside the requests, for the team: `ines-2026.hgkey`, 64 hex digits and the name.
    ///
    /// # Errors
    /// `local.disk`.
    pub fn export_public(&self, key: &crate::OwnKey, folder: &Path) -> Result<PathBuf> {
        let text = format!("{}  {}\n", key.public.hex(), key.name);
        save(
            folder,
            &format!("{}.hgkey", slug(&key.name)),
            text.as_bytes(),
        )
    }
}
