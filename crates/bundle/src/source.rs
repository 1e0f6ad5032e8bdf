//! The opened web build.

use std::fs;
use std::path::{Path, PathBuf};

use headgate_core::{Code, Problem, Result};

use crate::folder::{self, FileStream, Listed, Stamp};
use crate::read::{EntryStream, ZipArchive};
use crate::{Limits, names};

/// The file without which a folder is no web build.
pub(crate) const INDEX: &str = "index.html";

/// Where a web build comes from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum SourceKind {
    /// A folder.
    Folder,
    /// A zip file.
    Zip,
}

/// One file of a web build.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SourceFile {
    /// Path in the bundle: `/`, NFC, relative to the folder that holds `index.html`.
    pub path: String,
    /// Bytes, uncompressed.
    pub size: u64,
    /// Index in the listing or in the zip's entries.
    place: usize,
}

#[derive(Debug)]
enum Origin {
    Folder { root: PathBuf, listing: Vec<Listed> },
    Zip { archive: ZipArchive, stamp: Stamp },
}

/// A web build that was listed and checked. Its files are read later, and only as they were listed.
#[derive(Debug)]
pub struct WebBuild {
    name: String,
    path: PathBuf,
    origin: Origin,
    limits: Limits,
    files: Vec<SourceFile>,
    lifted: Option<String>,
    left_out: Vec<String>,
}

impl WebBuild {
    /// Opens a folder or a zip file, lists it and checks every name. `path` itself may be a link;
    /// below it no link is followed. `forbidden` are folders of Headgate's own: they, what they
    /// hold and what holds them is refused, as are `/` and the home folder.
    ///
    /// Names in NFD are taken over in NFC, unless that makes two files one.
    ///
    /// # Errors
    /// `build.missing`, `build.empty`, `build.no_index`, `build.link`, `build.special_file`,
    /// `build.path`, `build.too_large`, `build.unreadable`, `build.changed`,
    /// `build.forbidden_place`; for a zip also `zip.*` (its structure; what is wrong with an
    /// entry's data shows when it is read).
    pub fn open(path: &Path, limits: &Limits, forbidden: &[PathBuf]) -> Result<Self> {
        let missing = |why: &str| {
            Problem::new(
                Code::BuildMissing,
                format!("{} {why}.", names::show(&path.to_string_lossy())),
            )
        };
        let canonical = path
            .canonicalize()
            .map_err(|e| missing(&format!("cannot be opened: {e}")))?;
        let meta = fs::metadata(&canonical).map_err(|e| missing(&e.to_string()))?;
        let name = canonical
            .file_name()
            .map_or_else(|| "/".into(), |n| n.to_string_lossy().into_owned());
        if meta.is_dir() {
            refuse_forbidden(&canonical, forbidden)?;
            Self::open_folder(canonical, name, limits)
        } else if meta.is_file() {
            Self::open_zip(canonical, name, limits, Stamp::of(&meta))
        } else {
            Err(missing("is neither a folder nor a file"))
        }
    }

    /// Opens a zip that Headgate itself has put somewhere; `name` is what people call it.
    ///
    /// # Errors
    /// As [`Self::open`] for a zip.
    pub fn open_artifact(path: &Path, name: &str, limits: &Limits) -> Result<Self> {
        let missing = |e: std::io::Error| {
            Problem::new(
                Code::BuildMissing,
                format!("{} cannot be opened: {e}.", names::show(name)),
            )
        };
        let path = path.canonicalize().map_err(missing)?;
        let stamp = Stamp::of(&fs::metadata(&path).map_err(missing)?);
        Self::open_zip(path, name.to_owned(), limits, stamp)
    }

    fn open_folder(path: PathBuf, name: String, limits: &Limits) -> Result<Self> {
        let top = Top::of(&path)?;
        let (root, lifted, left_out) = match top.lift() {
            Some(folder) => (path.join(folder), Some(folder.to_owned()), top.junk()),
            None => (path.clone(), None, Vec::new()),
        };
        if !has_index(&root) {
            return Err(no_index(&root, &name, top.names.is_empty()));
        }
        let listing = folder::list(&root, limits)?;
        let raw = listing.iter().map(|f| (f.raw.as_str(), f.stamp.len));
        let files = bundle_files(raw.enumerate(), limits)?;
        Ok(Self {
            name,
            path,
            origin: Origin::Folder { root, listing },
            limits: *limits,
            files,
            lifted,
            left_out,
        })
    }

    fn open_zip(path: PathBuf, name: String, limits: &Limits, stamp: Stamp) -> Result<Self> {
        let archive = ZipArchive::open(&path, limits)?;
        let entries = archive.entries();
        if entries.is_empty() {
            return Err(Problem::new(
                Code::BuildEmpty,
                format!("{} holds no files.", names::show(&name)),
            ));
        }
        let at_top = |e: &crate::read::Entry| e.name == INDEX;
        let lifted = (!entries.iter().any(at_top))
            .then(|| single_top(entries.iter().map(|e| e.name.as_str())))
            .flatten();
        let prefix = lifted.as_ref().map_or(String::new(), |l| format!("{l}/"));
        let mut left_out = Vec::new();
        let mut kept = Vec::new();
        for (place, entry) in entries.iter().enumerate() {
            match entry.name.strip_prefix(&prefix) {
                Some(raw) => kept.push((place, (raw, entry.size))),
                None => left_out.push(entry.name.clone()),
            }
        }
        if !kept.iter().any(|(_, (raw, _))| *raw == INDEX) {
            let near = kept.iter().map(|(_, (raw, _))| *raw);
            let near = near.filter(|raw| raw.to_lowercase().ends_with("/index.html"));
            let hint = near.min_by_key(|raw| raw.len()).map(str::to_owned);
            return Err(no_index_problem(&name, hint));
        }
        let files = bundle_files(kept.into_iter(), limits)?;
        Ok(Self {
            name,
            path,
            origin: Origin::Zip { archive, stamp },
            limits: *limits,
            files,
            lifted,
            left_out,
        })
    }

    /// Folder or zip.
    pub fn kind(&self) -> SourceKind {
        match self.origin {
            Origin::Folder { .. } => SourceKind::Folder,
            Origin::Zip { .. } => SourceKind::Zip,
        }
    }

    /// Name of the folder or file, for people.
    pub fn name(&self) -> &str {
        &self.name
    }

    /// Canonical path of the folder or zip.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// All files, sorted by path (byte order).
    pub fn files(&self) -> &[SourceFile] {
        &self.files
    }

    /// Bytes of all files, uncompressed.
    pub fn size(&self) -> u64 {
        self.files.iter().map(|f| f.size).sum()
    }

    /// The single top folder that was lifted, if there was one.
    pub fn lifted(&self) -> Option<&str> {
        self.lifted.as_deref()
    }

    /// Files beside the lifted folder that are no part of the build (`__MACOSX/…`, `.DS_Store`).
    pub fn left_out(&self) -> &[String] {
        &self.left_out
    }

    /// Whether the zip is a bundle as it is: what devices unpack has every file at the path that the build lists.
    ///
    /// # Errors
    /// `build.no_index` when its files lie in a folder, `build.path` for a name that is not in NFC.
    pub(crate) fn check_verbatim(&self) -> Result<()> {
        if let Some(folder) = &self.lifted {
            return Err(Problem::new(
                Code::BuildNoIndex,
                format!(
                    "{} has its files in the folder {}, and devices get it as it is.",
                    names::show(&self.name),
                    names::show(folder)
                ),
            )
            .remedy("Make the zip of what is in that folder, so that index.html is at its top."));
        }
        let Origin::Zip { archive, .. } = &self.origin else {
            return Ok(());
        };
        let other = |f: &&SourceFile| archive.entries()[f.place].name != f.path;
        match self.files.iter().find(other) {
            None => Ok(()),
            Some(file) => Err(Problem::new(
                Code::BuildPath,
                format!(
                    "The name {} is in decomposed Unicode (NFD) in the zip, and devices get it as it is.",
                    names::show(&file.path)
                ),
            )
            .remedy("Make the zip with names in composed Unicode (NFC), or upload the build's folder instead.")),
        }
    }

    /// Opens one file for reading from its start.
    pub(crate) fn stream(&self, file: &SourceFile) -> Result<Stream<'_>> {
        match &self.origin {
            Origin::Folder { root, listing } => {
                FileStream::open(root, &listing[file.place]).map(Stream::File)
            }
            Origin::Zip { archive, .. } => {
                let stream = archive.stream(file.place)?;
                Ok(Stream::Entry(Box::new(stream)))
            }
        }
    }

    /// Whether the source is still what was opened: no file more, less or touched.
    ///
    /// # Errors
    /// `build.changed`, and what listing can fail with.
    pub(crate) fn check_unchanged(&self) -> Result<()> {
        match &self.origin {
            Origin::Folder { root, listing } => {
                let now = folder::list(root, &self.limits)?;
                let differs = now.iter().zip(listing).find(|(a, b)| a != b);
                let path = match differs {
                    Some((now, _)) => now.raw.as_str(),
                    None if now.len() > listing.len() => &now[listing.len()].raw,
                    None if now.len() < listing.len() => &listing[now.len()].raw,
                    None => return Ok(()),
                };
                Err(folder::changed(
                    path,
                    "was added, removed or changed while the web build was read",
                ))
            }
            Origin::Zip { stamp, .. } => {
                let meta = fs::metadata(&self.path).ok();
                if meta.is_some_and(|m| Stamp::of(&m) == *stamp) {
                    return Ok(());
                }
                Err(folder::changed(&self.name, "changed while it was read"))
            }
        }
    }
}

/// Reads one file in full blocks.
#[derive(Debug)]
pub(crate) enum Stream<'a> {
    File(FileStream<'a>),
    Entry(Box<EntryStream<'a>>),
}

impl Stream<'_> {
    /// Fills `buf`; fewer bytes only at the end. By then size, checksum and stamp were checked.
    pub(crate) fn fill(&mut self, buf: &mut [u8]) -> Result<usize> {
        match self {
            Self::File(stream) => stream.fill(buf),
            Self::Entry(stream) => stream.fill(buf),
        }
    }
}

/// The names in a folder, without looking into it.
struct Top {
    names: Vec<(String, bool)>,
}

impl Top {
    /// A folder with more names is not one that is lifted, and need not be read to its end.
    const ENOUGH: usize = 1000;

    fn of(path: &Path) -> Result<Self> {
        let failed = |e: std::io::Error| {
            Problem::new(
                Code::BuildUnreadable,
                format!(
                    "{} cannot be read: {e}.",
                    names::show(&path.to_string_lossy())
                ),
            )
        };
        let mut names = Vec::new();
        for entry in fs::read_dir(path).map_err(failed)?.take(Self::ENOUGH) {
            let entry = entry.map_err(failed)?;
            let is_dir = entry.file_type().is_ok_and(|t| t.is_dir());
            names.push((entry.file_name().to_string_lossy().into_owned(), is_dir));
        }
        Ok(Self { names })
    }

    fn lift(&self) -> Option<&str> {
        let mut real = self.names.iter().filter(|(name, _)| !is_junk(name));
        match (real.next(), real.next()) {
            (Some((name, true)), None) => Some(name),
            _ => None,
        }
    }

    fn junk(&self) -> Vec<String> {
        let names = self.names.iter().map(|(name, _)| name);
        names.filter(|name| is_junk(name)).cloned().collect()
    }
}

/// Where a folder's web build begins: at its top, or in its single folder. None when nowhere.
pub(crate) fn find_root(path: &Path) -> Option<Option<String>> {
    if has_index(path) {
        return Some(None);
    }
    let top = Top::of(path).ok()?;
    let folder = top.lift()?;
    has_index(&path.join(folder)).then(|| Some(folder.to_owned()))
}

/// What file managers leave beside a folder.
fn is_junk(top: &str) -> bool {
    matches!(top, "__MACOSX" | ".DS_Store" | "Thumbs.db" | "desktop.ini")
}

/// The one top folder of all names, junk aside.
fn single_top<'a>(names: impl Iterator<Item = &'a str>) -> Option<String> {
    let mut top = None;
    for name in names {
        let (first, nested) = match name.split_once('/') {
            Some((first, _)) => (first, true),
            None => (name, false),
        };
        if is_junk(first) {
            continue;
        }
        if !nested || top.is_some_and(|t| t != first) {
            return None;
        }
        top = Some(first);
    }
    top.map(str::to_owned)
}

fn has_index(root: &Path) -> bool {
    // Also true for a link: listing refuses that with its own words.
    root.join(INDEX)
        .symlink_metadata()
        .is_ok_and(|m| !m.is_dir())
}

fn no_index(root: &Path, name: &str, empty: bool) -> Problem {
    if empty {
        return Problem::new(Code::BuildEmpty, format!("{} is empty.", names::show(name)));
    }
    let top = Top::of(root).map_or_else(|_| Vec::new(), |top| top.names);
    if top.is_empty() {
        return Problem::new(
            Code::BuildEmpty,
            format!("{} holds no files.", names::show(name)),
        );
    }
    let mut folders = top.iter().filter(|(_, is_dir)| *is_dir).take(64);
    let below = folders.find(|(folder, _)| has_index(&root.join(folder)));
    no_index_problem(name, below.map(|(folder, _)| format!("{folder}/{INDEX}")))
}

fn no_index_problem(name: &str, near: Option<String>) -> Problem {
    let problem = Problem::new(
        Code::BuildNoIndex,
        format!("{} has no index.html at its top.", names::show(name)),
    );
    match near {
        Some(near) => problem.remedy(format!(
            "There is one at {}: choose the folder that holds it.",
            names::show(&near)
        )),
        None => problem,
    }
}

fn refuse_forbidden(path: &Path, forbidden: &[PathBuf]) -> Result<()> {
    let refuse = |what: &str| {
        Err(Problem::new(
            Code::BuildForbidden,
            format!("{} is {what}.", names::show(&path.to_string_lossy())),
        ))
    };
    if path.parent().is_none() {
        return refuse("the whole file system");
    }
    let home = std::env::home_dir().and_then(|h| h.canonicalize().ok());
    if home.is_some_and(|home| home.starts_with(path)) {
        return refuse("your home folder, or holds it");
    }
    for own in forbidden {
        let own = own.canonicalize().unwrap_or_else(|_| own.clone());
        if own.starts_with(path) || path.starts_with(&own) {
            return refuse("Headgate's own data folder, in it, or holds it");
        }
    }
    Ok(())
}

/// Files as the bundle names them, checked and sorted.
fn bundle_files<'a>(
    raw: impl Iterator<Item = (usize, (&'a str, u64))>,
    limits: &Limits,
) -> Result<Vec<SourceFile>> {
    let mut collisions = names::Collisions::default();
    let mut files = Vec::new();
    for (place, (raw, size)) in raw {
        let path = names::normalise(raw);
        names::check(&path, limits.path_bytes)?;
        collisions.add(raw, true)?;
        files.push(SourceFile { path, size, place });
    }
    files.sort_by(|a, b| a.path.cmp(&b.path));
    Ok(files)
}
