//! Each bad input has a clear problem of its own, and nothing is left behind.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up has failed"
)]
#![cfg(unix)]

use std::fs::{self, File, FileTimes, Permissions};
use std::io::Write;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::os::unix::process::CommandExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::AtomicBool;

use headgate_bundle::{InspectContext, Limits, PackOptions, WebBuild, inspect, pack};
use headgate_core::{Code, Problem};
use tempfile::TempDir;

fn build() -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::create_dir(dir.path().join("js")).unwrap();
    fs::write(dir.path().join("index.html"), "<!doctype html>x").unwrap();
    fs::write(dir.path().join("js/main.js"), "let a = 1;").unwrap();
    dir
}

fn open(path: &Path) -> Result<WebBuild, Problem> {
    WebBuild::open(path, &Limits::default(), &[])
}

#[track_caller]
fn refused(path: &Path, code: Code) -> Problem {
    let problem = open(path).expect_err("accepted");
    assert_eq!(problem.code, code, "{problem}");
    problem
}

fn pack_to(build: &WebBuild, out: &Path) -> Result<(), Problem> {
    let cancel = AtomicBool::new(false);
    pack(build, out, &PackOptions::default(), &|_, _| (), &cancel).map(drop)
}

/// Opens, changes something, then packs and inspects: both must notice.
#[track_caller]
fn changed_after(change: impl FnOnce(&Path)) {
    let dir = build();
    let out = tempfile::tempdir().unwrap();
    let opened = open(dir.path()).unwrap();
    change(dir.path());
    let problem = pack_to(&opened, &out.path().join("o.zip")).unwrap_err();
    assert_eq!(problem.code, Code::BuildChanged, "{problem}");
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0, "left behind");
}

#[test]
fn a_missing_folder() {
    refused(Path::new("/nonexistent/www"), Code::BuildMissing);
}

#[test]
fn an_empty_folder() {
    let dir = tempfile::tempdir().unwrap();
    refused(dir.path(), Code::BuildEmpty);
    fs::create_dir(dir.path().join("only")).unwrap();
    refused(dir.path(), Code::BuildEmpty);
}

#[test]
fn no_index_says_where_one_is() {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("main.js"), "x").unwrap();
    refused(dir.path(), Code::BuildNoIndex);
    fs::create_dir(dir.path().join("browser")).unwrap();
    fs::write(dir.path().join("browser/index.html"), "x").unwrap();
    assert!(
        refused(dir.path(), Code::BuildNoIndex)
            .remedy
            .contains("browser/index.html")
    );
}

#[test]
fn an_unreadable_file() {
    let dir = build();
    let secret = dir.path().join("js/main.js");
    fs::set_permissions(&secret, Permissions::from_mode(0o000)).unwrap();
    if File::open(&secret).is_ok() {
        return again_as_nobody("an_unreadable_file");
    }
    let out = tempfile::tempdir().unwrap();
    let problem = pack_to(&open(dir.path()).unwrap(), &out.path().join("o.zip")).unwrap_err();
    assert_eq!(problem.code, Code::BuildUnreadable);
    assert!(problem.message.contains("js/main.js"));
    assert_eq!(fs::read_dir(out.path()).unwrap().count(), 0, "left behind");

    fs::set_permissions(dir.path().join("js"), Permissions::from_mode(0o000)).unwrap();
    refused(dir.path(), Code::BuildUnreadable);
    fs::set_permissions(dir.path().join("js"), Permissions::from_mode(0o755)).unwrap();
}

/// Root reads everything, so a copy of this program runs the test under another account.
fn again_as_nobody(test: &str) {
    let dir = tempfile::tempdir().unwrap();
    fs::set_permissions(dir.path(), Permissions::from_mode(0o755)).unwrap();
    let program = dir.path().join("test");
    fs::copy(std::env::current_exe().unwrap(), &program).unwrap();
    let output = Command::new(program)
        .args([test, "--exact"])
        .current_dir("/")
        .uid(65_534)
        .gid(65_534)
        .output()
        .unwrap();
    let text = String::from_utf8_lossy(&output.stdout);
    assert!(
        output.status.success() && text.contains("1 passed"),
        "{text}"
    );
}

#[test]
fn a_file_that_changes_its_bytes_but_not_its_size() {
    changed_after(|dir| fs::write(dir.join("js/main.js"), "let a = 2;").unwrap());
}

#[test]
fn a_file_that_changes_but_keeps_its_modification_time() {
    changed_after(|dir| {
        let path = dir.join("js/main.js");
        let before = fs::metadata(&path).unwrap().modified().unwrap();
        // A tick of the clock that file systems stamp with.
        std::thread::sleep(std::time::Duration::from_millis(20));
        fs::write(&path, "let a = 3;").unwrap();
        let file = File::options().write(true).open(&path).unwrap();
        file.set_times(FileTimes::new().set_modified(before))
            .unwrap();
    });
}

#[test]
fn a_file_that_grows_shrinks_or_goes() {
    changed_after(|dir| fs::write(dir.join("js/main.js"), "let a = 1; more").unwrap());
    changed_after(|dir| fs::write(dir.join("js/main.js"), "").unwrap());
    changed_after(|dir| fs::remove_file(dir.join("js/main.js")).unwrap());
    changed_after(|dir| fs::remove_dir_all(dir.join("js")).unwrap());
}

#[test]
fn a_file_that_is_added_while_it_is_packed() {
    changed_after(|dir| fs::write(dir.join("js/new.js"), "x").unwrap());
}

#[test]
fn a_file_that_is_replaced_by_something_else() {
    let replace = |with: fn(&Path)| {
        changed_after(move |dir| {
            let path = dir.join("js/main.js");
            fs::remove_file(&path).unwrap();
            with(&path);
        });
    };
    replace(|path| fs::create_dir(path).unwrap());
    replace(|path| symlink("/etc/passwd", path).unwrap());
    replace(|path| {
        let made = Command::new("mkfifo").arg(path).status();
        assert!(made.unwrap().success());
    });
    // A folder on the way that becomes a link: the same names, other files.
    changed_after(|dir| {
        fs::rename(dir.join("js"), dir.join("js2")).unwrap();
        fs::create_dir(dir.join("other")).unwrap();
        fs::write(dir.join("other/main.js"), "let a = 9;").unwrap();
        symlink("other", dir.join("js")).unwrap();
    });
}

#[test]
fn a_change_is_noticed_by_inspection_too() {
    let dir = build();
    let opened = open(dir.path()).unwrap();
    fs::write(dir.path().join("js/main.js"), "let a = 22;").unwrap();
    let problem = inspect(&opened, &InspectContext::default(), &AtomicBool::new(false));
    assert_eq!(problem.unwrap_err().code, Code::BuildChanged);
}

#[test]
fn a_zip_that_changes_while_it_is_packed() {
    let (dir, out) = (build(), tempfile::tempdir().unwrap());
    let first = out.path().join("first.zip");
    pack_to(&open(dir.path()).unwrap(), &first).unwrap();
    let opened = open(&first).unwrap();
    let mut file = File::options().append(true).open(&first).unwrap();
    file.write_all(b"more").unwrap();
    let problem = pack_to(&opened, &out.path().join("second.zip")).unwrap_err();
    assert_eq!(problem.code, Code::BuildChanged);
}

#[test]
fn links_are_refused_with_their_target() {
    let cases: [fn(&Path); 5] = [
        |dir| symlink("/etc/passwd", dir.join("js/a")).unwrap(),
        |dir| symlink("main.js", dir.join("js/a")).unwrap(),
        |dir| symlink("..", dir.join("js/a")).unwrap(),
        |dir| symlink("a", dir.join("js/a")).unwrap(),
        |dir| symlink("nowhere", dir.join("js/a")).unwrap(),
    ];
    for (case, target) in cases
        .iter()
        .zip(["/etc/passwd", "main.js", "..", "a", "nowhere"])
    {
        let dir = build();
        case(dir.path());
        let problem = refused(dir.path(), Code::BuildLink);
        assert!(
            problem.message.contains(&format!("“{target}”")),
            "{problem}"
        );
    }
    let dir = build();
    fs::remove_file(dir.path().join("index.html")).unwrap();
    symlink("js/main.js", dir.path().join("index.html")).unwrap();
    refused(dir.path(), Code::BuildLink);
}

#[test]
fn a_loop_of_links_as_the_build_itself() {
    let dir = tempfile::tempdir().unwrap();
    symlink("b", dir.path().join("a")).unwrap();
    symlink("a", dir.path().join("b")).unwrap();
    refused(&dir.path().join("a"), Code::BuildMissing);
}

#[test]
fn special_files() {
    let dir = build();
    let pipe = dir.path().join("js/pipe");
    assert!(
        Command::new("mkfifo")
            .arg(&pipe)
            .status()
            .unwrap()
            .success()
    );
    refused(dir.path(), Code::BuildSpecial);
    refused(&pipe, Code::BuildMissing);
    refused(Path::new("/dev/null"), Code::BuildMissing);
}

#[test]
fn forbidden_places() {
    refused(Path::new("/"), Code::BuildForbidden);
    let home = std::env::home_dir().unwrap();
    refused(&home, Code::BuildForbidden);
    refused(home.parent().unwrap(), Code::BuildForbidden);

    let dir = build();
    let own = dir.path().join("js");
    for place in [
        own.clone(),
        dir.path().to_owned(),
        dir.path().join("js/../js"),
    ] {
        let problem = WebBuild::open(&place, &Limits::default(), std::slice::from_ref(&own));
        assert_eq!(problem.unwrap_err().code, Code::BuildForbidden, "{place:?}");
    }
    let beside = [
        PathBuf::from("/nonexistent"),
        dir.path().with_extension("x"),
    ];
    WebBuild::open(dir.path(), &Limits::default(), &beside).unwrap();
}

#[test]
fn builds_over_the_limits() {
    let dir = build();
    let limits = Limits::default();
    let cases = [
        (Limits { files: 1, ..limits }, Code::BuildTooLarge),
        (
            Limits {
                file_bytes: 15,
                ..limits
            },
            Code::BuildTooLarge,
        ),
        (
            Limits {
                total_bytes: 20,
                ..limits
            },
            Code::BuildTooLarge,
        ),
        (
            Limits {
                path_bytes: 9,
                ..limits
            },
            Code::BuildPath,
        ),
    ];
    for (limits, code) in cases {
        assert_eq!(
            WebBuild::open(dir.path(), &limits, &[]).unwrap_err().code,
            code
        );
    }
    let exact = Limits {
        files: 2,
        file_bytes: 16,
        total_bytes: 26,
        path_bytes: 10,
    };
    WebBuild::open(dir.path(), &exact, &[]).unwrap();
    // Sparse: one byte over what a file may have, without the disk space.
    let file = File::create(dir.path().join("big.bin")).unwrap();
    file.set_len((1 << 30) + 1).unwrap();
    refused(dir.path(), Code::BuildTooLarge);
}

#[test]
fn names_that_other_systems_cannot_store() {
    for name in [
        "a\\b.js", "a:b.js", "a\nb.js", "CON", "nul.js", "a.", "a ", "a?.js",
    ] {
        let dir = build();
        fs::write(dir.path().join("js").join(name), "x").unwrap();
        refused(dir.path(), Code::BuildPath);
    }
    let dir = build();
    let raw = std::ffi::OsStr::from_bytes(b"js/\xff.js");
    fs::write(dir.path().join(raw), "x").unwrap();
    refused(dir.path(), Code::BuildPath);
}

#[test]
fn names_that_are_one_name_elsewhere() {
    for (a, b) in [("A.js", "a.js"), ("caf\u{e9}.js", "cafe\u{301}.js")] {
        let dir = build();
        fs::write(dir.path().join(a), "1").unwrap();
        fs::write(dir.path().join(b), "2").unwrap();
        if fs::read_dir(dir.path()).unwrap().count() == 4 {
            refused(dir.path(), Code::BuildPath);
        }
    }
    let dir = build();
    fs::write(dir.path().join("cafe\u{301}.js"), "1").unwrap();
    let opened = open(dir.path()).unwrap();
    assert!(opened.files().iter().any(|f| f.path == "caf\u{e9}.js"));
    pack_to(&opened, &dir.path().with_extension("zip")).unwrap();
    fs::remove_file(dir.path().with_extension("zip")).unwrap();
}

/// Unmounts when the test ends, however it ends.
struct Mount(TempDir);

impl Drop for Mount {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[test]
fn a_full_disk_leaves_nothing_behind() {
    let small = Mount(tempfile::tempdir().unwrap());
    let mounted = Command::new("mount")
        .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
        .arg(small.0.path())
        .output();
    if !mounted.is_ok_and(|o| o.status.success()) {
        eprintln!("skipped: a tmpfs cannot be mounted here");
        return;
    }
    // One file that fills it in memory-sized parts, one that spills.
    for (count, bytes) in [(40, 50_000), (1, 3_000_000)] {
        let dir = build();
        for n in 0..count {
            fs::write(dir.path().join(format!("{n}.png")), vec![7; bytes]).unwrap();
        }
        let out = small.0.path().join("o.zip");
        let problem = pack_to(&open(dir.path()).unwrap(), &out).unwrap_err();
        assert_eq!(problem.code, Code::LocalDisk, "{problem}");
        assert_eq!(
            fs::read_dir(small.0.path()).unwrap().count(),
            0,
            "left behind"
        );
    }
    let fits = build();
    pack_to(&open(fits.path()).unwrap(), &small.0.path().join("o.zip")).unwrap();
}

#[test]
fn a_place_that_cannot_be_written_to() {
    let dir = build();
    let opened = open(dir.path()).unwrap();
    let problem = pack_to(&opened, Path::new("/nonexistent/o.zip")).unwrap_err();
    assert_eq!(problem.code, Code::LocalDisk);
    let problem = pack_to(&opened, Path::new("/proc/o.zip")).unwrap_err();
    assert_eq!(problem.code, Code::LocalDisk);
}
