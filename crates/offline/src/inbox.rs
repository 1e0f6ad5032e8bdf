//! The folder that requests are read from: a USB drive, or any folder that a person chose.

use std::path::{Path, PathBuf};

use headgate_core::signing::{MAX_REQUEST, SigningRequest, plain};
use headgate_core::{Code, Problem, Result};
use headgate_tuf::{UtcTime, sha256_hex};

use crate::disk;
use crate::workstation::Workstation;

/// Most requests that are listed.
const MAX_LISTED: usize = 200;
/// Most entries of the folder that are looked at.
const MAX_ENTRIES: usize = 10_000;
const ENDING: &str = "hgrequest";

/// Where a request stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// Nothing was answered yet.
    ToSign,
    /// It was signed here.
    Signed,
    /// It was refused here.
    Refused,
    /// The asker does not want it any more.
    Expired,
    /// It is no request that can be read or shown.
    Unreadable,
}

impl Standing {
    /// As the window knows it.
    pub fn text(self) -> &'static str {
        match self {
            Self::ToSign => "to_sign",
            Self::Signed => "signed",
            Self::Refused => "refused",
            Self::Expired => "expired",
            Self::Unreadable => "unreadable",
        }
    }
}

/// A request that was found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Its file.
    pub path: PathBuf,
    /// Name of the file, for people.
    pub file: String,
    /// SHA-256 of the file; empty when it could not be read.
    pub sha256: String,
    /// Its bytes did not say anything that can be shown.
    pub problem: Option<Problem>,
    /// Where it stands.
    pub standing: Standing,
    /// What it does, derived from its signed bytes; the file's name when that is not known.
    pub title: String,
    /// The app, from the pinned root; its workspace when there is none.
    pub app: String,
    /// Who asks, in their own words.
    pub by: String,
    /// When, in their own words.
    pub created: Option<UtcTime>,
}

impl Found {
    fn new(path: PathBuf, file: String) -> Self {
        Self {
            path,
            sha256: String::new(),
            problem: None,
            standing: Standing::Unreadable,
            title: file.clone(),
            file,
            app: String::new(),
            by: String::new(),
            created: None,
        }
    }
}

impl Workstation {
    /// Reads a folder: every file `*.hgrequest` directly in it. Links are not followed, and nothing in a file names
    /// another place. Newest first; those to sign before the others.
    ///
    /// # Errors
    /// `local.disk` when the folder cannot be read.
    pub fn requests(&self, folder: &Path) -> Result<Vec<Found>> {
        let list = std::fs::read_dir(folder).map_err(|e| {
            disk::failed(folder, "read", &e).remedy("Plug in the drive, or choose another folder.")
        })?;
        let mut paths: Vec<PathBuf> = list
            .flatten()
            .take(MAX_ENTRIES)
            .filter(|e| e.file_type().is_ok_and(|t| t.is_file()))
            .map(|e| e.path())
            .filter(|p| {
                p.extension()
                    .is_some_and(|e| e.eq_ignore_ascii_case(ENDING))
            })
            .collect();
        paths.sort();
        paths.truncate(MAX_LISTED);
        let mut found = paths
            .into_iter()
            .map(|path| self.found(path))
            .collect::<Result<Vec<_>>>()?;
        found.sort_by_key(|f| (f.standing != Standing::ToSign, std::cmp::Reverse(f.created)));
        Ok(found)
    }

    /// Changes whenever the folder or what was answered here does, and once a minute since requests expire. Looking at
    /// names, sizes and times alone is cheap enough to be done every two seconds: drives tell of changes in too many
    /// ways, and not at all on some systems, to rely on being told.
    pub fn glance(&self, folder: &Path) -> String {
        let mut seen = vec![format!("{} {}", folder.display(), self.now().unix() / 60)];
        if let Ok(list) = std::fs::read_dir(folder) {
            let of = |e: std::fs::DirEntry| {
                let meta = e.metadata().ok();
                let size = meta.as_ref().map(std::fs::Metadata::len);
                let time = meta.and_then(|m| m.modified().ok());
                format!("{:?} {size:?} {time:?}", e.file_name())
            };
            seen.extend(list.flatten().take(MAX_ENTRIES).map(of));
        } else {
            seen.push("gone".into());
        }
        seen.sort();
        for own in ["history.jsonl", "keys.json", "workspaces"] {
            let meta = std::fs::metadata(self.home.join(own)).ok();
            seen.push(format!("{:?}", meta.map(|m| (m.len(), m.modified().ok()))));
        }
        sha256_hex(seen.join("\n").as_bytes())
    }

    /// One request file, for the list.
    ///
    /// # Errors
    /// `local.*` when this workstation's own files cannot be read; what is wrong with the request is in the answer.
    pub fn found(&self, path: PathBuf) -> Result<Found> {
        let file = path.file_name().unwrap_or_default().to_string_lossy();
        let file = plain(&file);
        let mut found = Found::new(path, file);
        match read_request(&found.path) {
            Ok(bytes) => self.fill(found, &bytes),
            Err(problem) => {
                found.problem = Some(problem);
                Ok(found)
            }
        }
    }

    /// A request from a picture, for the list.
    ///
    /// # Errors
    /// As [`Self::found`].
    pub fn pictured(&self, bytes: &[u8]) -> Result<Found> {
        self.fill(Found::new(PathBuf::new(), "QR code".into()), bytes)
    }

    fn fill(&self, mut found: Found, bytes: &[u8]) -> Result<Found> {
        found.sha256 = sha256_hex(bytes);
        let request = match SigningRequest::parse(bytes) {
            Ok(request) => request,
            Err(problem) => {
                found.problem = Some(problem);
                return Ok(found);
            }
        };
        found.by = plain(&request.by);
        found.created = Some(request.created);
        found.app = plain(&request.workspace);
        let answered = self.standing(&request.id)?;
        match self.review(&request) {
            Ok((review, _)) => {
                found.title = review.title;
                found.app = review.app.1;
                found.standing = match answered {
                    Some(standing) => standing,
                    None if request.expires <= self.now() => Standing::Expired,
                    None => Standing::ToSign,
                };
            }
            Err(problem) => {
                if let Some(standing) = answered {
                    found.standing = standing;
                }
                found.problem = Some(problem);
            }
        }
        Ok(found)
    }

    /// Whether a request was answered here.
    fn standing(&self, id: &str) -> Result<Option<Standing>> {
        let history = self.history()?;
        let last = history
            .iter()
            .rev()
            .find(|e| e.request.as_deref() == Some(id));
        Ok(last.map(|e| match e.did.as_str() {
            "refused" => Standing::Refused,
            _ => Standing::Signed,
        }))
    }
}

/// Reads a request file.
///
/// # Errors
/// `signing.format` when it is no regular file or too large.
pub fn read_request(path: &Path) -> Result<Vec<u8>> {
    disk::read(path, MAX_REQUEST as u64)
}

/// Reads another file that a person chose, with a cap.
///
/// # Errors
/// `signing.format` when it is no regular file or too large.
pub fn read_chosen(path: &Path, max: u64) -> Result<Vec<u8>> {
    disk::read(path, max)
}

/// Checks that a folder can be read and written.
///
/// # Errors
/// `usage.argument`.
pub fn check_folder(path: &Path) -> Result<()> {
    if path.is_dir() {
        return Ok(());
    }
    let what = format!("{} is no folder.", disk::shown(path));
    Err(Problem::new(Code::UsageArgument, what).field("folder"))
}
