//! The commit of the checkout that a web build lies in, read from its files.

use std::fs::File;
use std::io::Read;
use std::path::{Path, PathBuf};

use flate2::read::ZlibDecoder;

/// Small files such as `HEAD`; more is not read.
const SMALL: u64 = 64 * 1024;
const PACKED_REFS: u64 = 16 << 20;

/// Where the source code of a web build stood.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GitSource {
    /// Commit id, lower-case hex (40 or 64 digits).
    pub commit: String,
    /// Branch, such as `main`; none when detached.
    pub reference: Option<String>,
    /// First line of the commit message, if the commit is not packed.
    pub message: Option<String>,
    /// Whether the checkout had no changes; none because that is not looked at.
    pub clean: Option<bool>,
}

/// Finds the enclosing checkout and reads its commit. Never runs `git`, so no hook or setting of
/// the checkout can act. (gitrepository-layout(5) describes the files.)
pub fn git_source(path: &Path) -> Option<GitSource> {
    let path = path.canonicalize().ok()?;
    let git = path.ancestors().find_map(git_folder)?;
    let common = match text(&git.join("commondir"), SMALL) {
        Some(shared) => git.join(shared.trim()),
        None => git.clone(),
    };
    let head = text(&git.join("HEAD"), SMALL)?;
    let (commit, reference) = match head.trim().strip_prefix("ref: ") {
        Some(name) => (resolve(&git, &common, name)?, Some(name)),
        None => (commit_id(&head)?, None),
    };
    Some(GitSource {
        message: message(&common, &commit),
        reference: reference.map(|r| r.strip_prefix("refs/heads/").unwrap_or(r).to_owned()),
        commit,
        clean: None,
    })
}

/// The folder that `.git` is, or that a `.git` file of a worktree or submodule names.
fn git_folder(at: &Path) -> Option<PathBuf> {
    let git = at.join(".git");
    if git.is_dir() {
        return git.join("HEAD").is_file().then_some(git);
    }
    let pointer = text(&git, SMALL)?;
    let target = at.join(pointer.strip_prefix("gitdir: ")?.trim());
    target.join("HEAD").is_file().then_some(target)
}

fn resolve(git: &Path, common: &Path, name: &str) -> Option<String> {
    let plain = name.starts_with("refs/") && name.split('/').all(|p| !p.is_empty() && p != "..");
    if !plain {
        return None;
    }
    let loose = [git, common]
        .into_iter()
        .find_map(|folder| text(&folder.join(name), SMALL));
    if let Some(found) = loose.as_deref().and_then(commit_id) {
        return Some(found);
    }
    let packed = text(&common.join("packed-refs"), PACKED_REFS)?;
    packed.lines().find_map(|line| {
        let (id, packed_name) = line.split_once(' ')?;
        (packed_name == name).then(|| commit_id(id))?
    })
}

fn commit_id(text: &str) -> Option<String> {
    let id = text.trim();
    let hex = |b: u8| b.is_ascii_digit() || (b'a'..=b'f').contains(&b);
    (matches!(id.len(), 40 | 64) && id.bytes().all(hex)).then(|| id.to_owned())
}

/// The first line of a commit that is stored as an object of its own.
fn message(common: &Path, commit: &str) -> Option<String> {
    let (folder, file) = commit.split_at(2);
    let object = File::open(common.join("objects").join(folder).join(file)).ok()?;
    let mut bytes = Vec::new();
    // What follows the first 64 KiB is cut off, which only long messages notice.
    ZlibDecoder::new(object.take(SMALL))
        .take(SMALL)
        .read_to_end(&mut bytes)
        .ok()?;
    let text = String::from_utf8_lossy(&bytes);
    let commit = text.strip_prefix("commit ")?;
    let (_, body) = commit.split_once("\n\n")?;
    let line: String = body.lines().next()?.trim().chars().take(200).collect();
    (!line.is_empty()).then(|| crate::names::escaped(&line))
}

fn text(path: &Path, limit: u64) -> Option<String> {
    if !path.is_file() {
        return None;
    }
    let mut text = String::new();
    let file = File::open(path).ok()?;
    file.take(limit).read_to_string(&mut text).ok()?;
    Some(text)
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::io::Write;

    const ID: &str = "0123456789abcdef0123456789abcdef01234567";

    fn checkout(head: &str) -> tempfile::TempDir {
        let dir = tempfile::tempdir().unwrap();
        fs::create_dir_all(dir.path().join(".git/refs/heads")).unwrap();
        fs::create_dir_all(dir.path().join("dist/app")).unwrap();
        fs::write(dir.path().join(".git/HEAD"), head).unwrap();
        dir
    }

    #[test]
    fn a_branch_is_read_from_its_file_with_the_message_of_a_loose_commit() {
        let dir = checkout("ref: refs/heads/main\n");
        let git = dir.path().join(".git");
        fs::write(git.join("refs/heads/main"), format!("{ID}\n")).unwrap();
        fs::create_dir_all(git.join("objects/01")).unwrap();
        let object = File::create(git.join("objects/01").join(&ID[2..])).unwrap();
        let mut object = flate2::write::ZlibEncoder::new(object, flate2::Compression::fast());
        object
            .write_all(b"commit 30\0tree x\nauthor y\n\nFix the map\n\nLong text\n")
            .unwrap();
        object.finish().unwrap();
        let source = git_source(&dir.path().join("dist/app")).unwrap();
        assert_eq!(source.commit, ID);
        assert_eq!(source.reference.as_deref(), Some("main"));
        assert_eq!(source.message.as_deref(), Some("Fix the map"));
        assert_eq!(source.clean, None);
    }

    #[test]
    fn packed_refs_detached_heads_and_worktrees_are_understood() {
        let dir = checkout("ref: refs/heads/release/4.2\n");
        let packed = format!("# pack-refs with: peeled\n{ID} refs/heads/release/4.2\n");
        fs::write(dir.path().join(".git/packed-refs"), packed).unwrap();
        let source = git_source(dir.path()).unwrap();
        assert_eq!(source.reference.as_deref(), Some("release/4.2"));

        let tree = dir.path().join(".git/worktrees/w");
        fs::create_dir_all(&tree).unwrap();
        fs::write(tree.join("HEAD"), "ref: refs/heads/release/4.2\n").unwrap();
        fs::write(tree.join("commondir"), "../..\n").unwrap();
        let other = tempfile::tempdir().unwrap();
        fs::write(
            other.path().join(".git"),
            format!("gitdir: {}\n", tree.display()),
        )
        .unwrap();
        assert_eq!(git_source(other.path()).unwrap().commit, ID);

        let detached = checkout(ID);
        let source = git_source(detached.path()).unwrap();
        assert_eq!((source.commit.as_str(), source.reference), (ID, None));
    }

    #[test]
    fn broken_or_hostile_checkouts_say_nothing() {
        for head in [
            "",
            "ref: ../../etc/passwd",
            "ref: refs/../../x",
            "ref: refs/heads/gone",
        ] {
            assert_eq!(git_source(checkout(head).path()), None, "{head:?}");
        }
    }
}
