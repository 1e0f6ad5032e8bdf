//! A folder that is full, read-only, gone, locked, or prepared by somebody else.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]
#![expect(clippy::print_stderr, reason = "a skipped test says why")]
#![cfg(unix)]

use std::fs::{self, File};
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::{Duration, Instant};

use bytes::Bytes;
use headgate_core::Code;
use headgate_registry::{Body, Created, FolderStore, Store, Swapped, silent};
use tempfile::TempDir;

fn bytes(text: &'static str) -> Body {
    Body::Bytes(Bytes::from_static(text.as_bytes()))
}

fn temporary(root: &Path) -> Vec<String> {
    fs::read_dir(root)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| name.starts_with(".tmp-"))
        .collect()
}

/// A file system of 1 MiB, unmounted at the end; `None` with the reason printed where mounting is not allowed.
struct SmallDisk(TempDir);

impl SmallDisk {
    fn mount() -> Option<Self> {
        let dir = TempDir::new().unwrap();
        let mounted = Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(dir.path())
            .output();
        match mounted {
            Ok(output) if output.status.success() => Some(Self(dir)),
            Ok(output) => {
                eprintln!("SKIPPED: {}", String::from_utf8_lossy(&output.stderr));
                None
            }
            Err(error) => {
                eprintln!("SKIPPED: mount: {error}");
                None
            }
        }
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        let _ = Command::new("umount").arg(self.0.path()).status();
    }
}

#[tokio::test]
async fn a_full_disk_is_said_and_leaves_the_old_objects_and_no_temporary_file() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let root = disk.0.path();
    let store = FolderStore::open(root).unwrap();
    store.create("a/old", bytes("old"), silent()).await.unwrap();
    let Swapped::Swapped(tag) = store.swap("a/counter", "1".into(), None).await.unwrap() else {
        panic!("not written");
    };

    let elsewhere = TempDir::new().unwrap();
    let source = elsewhere.path().join("source");
    fs::write(&source, vec![7; 2 << 20]).unwrap();
    let file = Body::File(source, 2 << 20);
    for body in [file, Body::Bytes(vec![7; 2 << 20].into())] {
        let problem = store.create("a/new", body, silent()).await.unwrap_err();
        assert_eq!(problem.code, Code::StorageFull, "{problem:?}");
        assert!(problem.detail.unwrap().contains(root.to_str().unwrap()));
        assert_eq!(temporary(root), Vec::<String>::new());
    }
    // Leaves less than a page, so that a swap has no room either.
    let rest = fs::write(root.join("filler"), vec![0; 2 << 20]);
    assert!(rest.is_err(), "the disk is full");
    let swapped = store.swap("a/counter", vec![b'2'; 9000].into(), Some(&tag));
    assert_eq!(swapped.await.unwrap_err().code, Code::StorageFull);

    assert_eq!(temporary(root), Vec::<String>::new());
    assert_eq!(store.list("a").await.unwrap(), ["counter", "old"]);
    assert_eq!(store.get("a/old", 9).await.unwrap().unwrap().bytes, "old");
    assert_eq!(store.get("a/counter", 9).await.unwrap().unwrap().bytes, "1");
}

#[tokio::test]
async fn a_read_only_file_system_is_read_and_refuses_writes_by_its_code() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let root = disk.0.path();
    let store = FolderStore::open(root).unwrap();
    store.create("a/old", bytes("old"), silent()).await.unwrap();
    let remounted = Command::new("mount")
        .args(["-o", "remount,ro"])
        .arg(root)
        .status()
        .unwrap();
    assert!(remounted.success());
    let store = FolderStore::open(root).unwrap();
    assert_eq!(store.get("a/old", 9).await.unwrap().unwrap().bytes, "old");
    let problem = store.create("a/new", bytes("x"), silent()).await;
    assert_eq!(problem.unwrap_err().code, Code::StorageReadOnly);
}

#[test]
fn a_folder_that_is_missing_or_a_file_is_not_opened() {
    let dir = TempDir::new().unwrap();
    let file = dir.path().join("file");
    fs::write(&file, "x").unwrap();
    for path in [dir.path().join("no"), file] {
        let problem = FolderStore::open(&path).unwrap_err();
        assert_eq!(problem.code, Code::StorageMissing, "{problem:?}");
    }
    let problem = FolderStore::open(Path::new("relative")).unwrap_err();
    assert_eq!(problem.code, Code::StorageAddress);
}

#[tokio::test]
async fn a_folder_that_vanished_is_not_an_empty_registry() {
    let dir = TempDir::new().unwrap();
    let root = dir.path().join("registry");
    let store = FolderStore::create(&root).unwrap();
    fs::remove_dir(&root).unwrap();
    let codes = [
        store.get("a/b", 9).await.unwrap_err().code,
        store.head("a/b").await.unwrap_err().code,
        store.list("a").await.unwrap_err().code,
        store
            .create("a/b", bytes("x"), silent())
            .await
            .unwrap_err()
            .code,
        store
            .swap("a/b", Bytes::new(), None)
            .await
            .unwrap_err()
            .code,
    ];
    assert_eq!(codes, [Code::StorageMissing; 5]);
    assert!(!root.exists(), "and it is not made again");
}

#[tokio::test]
async fn links_and_odd_files_below_the_folder_are_refused() {
    let (dir, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    fs::write(outside.path().join("secret"), "secret").unwrap();
    let store = FolderStore::open(dir.path()).unwrap();
    fs::create_dir(dir.path().join("a")).unwrap();
    symlink(outside.path().join("secret"), dir.path().join("a/file")).unwrap();
    symlink(outside.path().join("none"), dir.path().join("a/dangling")).unwrap();
    symlink(outside.path(), dir.path().join("folder")).unwrap();
    let pipe = Command::new("mkfifo")
        .arg(dir.path().join("a/pipe"))
        .status();
    assert!(pipe.unwrap().success());
    fs::create_dir(dir.path().join("a/dir")).unwrap();

    for key in ["a/file", "a/dangling", "folder/secret", "a/pipe", "a/dir"] {
        let to = outside.path().join("copy");
        let codes = [
            store.get(key, 100).await.unwrap_err().code,
            store.head(key).await.unwrap_err().code,
            store.hash(key, silent()).await.unwrap_err().code,
            store
                .download(key, &to, 100, silent())
                .await
                .unwrap_err()
                .code,
        ];
        assert_eq!(codes, [Code::StorageAccess; 4], "{key}");
        assert!(!to.exists());
    }
    for key in [
        "a/file",
        "a/dangling",
        "folder/secret",
        "folder/new",
        "a/pipe",
        "a/dir",
    ] {
        let created = store.create(key, bytes("x"), silent()).await;
        assert_eq!(created.unwrap_err().code, Code::StorageAccess, "{key}");
        let swapped = store.swap(key, "x".into(), None).await;
        assert_eq!(swapped.unwrap_err().code, Code::StorageAccess, "{key}");
    }
    assert!(store.list("folder").await.is_err());
    assert!(store.list("a").await.unwrap().is_empty());
    let left: Vec<PathBuf> = fs::read_dir(outside.path())
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    assert_eq!(left, [outside.path().join("secret")]);
    assert_eq!(fs::read(&left[0]).unwrap(), b"secret");
}

#[tokio::test]
async fn a_lock_that_is_a_link_is_not_followed() {
    let (dir, outside) = (TempDir::new().unwrap(), TempDir::new().unwrap());
    symlink(
        outside.path().join("made"),
        dir.path().join(".headgate.lock"),
    )
    .unwrap();
    let store = FolderStore::open(dir.path()).unwrap();
    let Swapped::Swapped(tag) = store.swap("a", "1".into(), None).await.unwrap() else {
        panic!("not written");
    };
    assert!(store.swap("a", "2".into(), Some(&tag)).await.is_err());
    assert!(!outside.path().join("made").exists());
}

#[tokio::test]
async fn a_swap_waits_for_the_lock_with_a_bound_and_changes_nothing() {
    let dir = TempDir::new().unwrap();
    let store = FolderStore::open(dir.path())
        .unwrap()
        .lock_wait(Duration::from_millis(200));
    let Swapped::Swapped(tag) = store.swap("a", "1".into(), None).await.unwrap() else {
        panic!("not written");
    };
    let holder = File::create(dir.path().join(".headgate.lock")).unwrap();
    holder.lock().unwrap();
    let begun = Instant::now();
    let problem = store.swap("a", "2".into(), Some(&tag)).await.unwrap_err();
    assert_eq!(problem.code, Code::StorageLocked);
    assert!(begun.elapsed() >= Duration::from_millis(200));
    assert_eq!(store.get("a", 9).await.unwrap().unwrap().bytes, "1");
    assert_eq!(temporary(dir.path()), Vec::<String>::new());

    // A lock on a file that lost its name keeps nobody out.
    fs::remove_file(dir.path().join(".headgate.lock")).unwrap();
    let swapped = store.swap("a", "3".into(), Some(&tag)).await.unwrap();
    assert!(matches!(swapped, Swapped::Swapped(_)));
}

#[tokio::test]
async fn leftovers_go_after_an_hour_and_younger_ones_stay() {
    let dir = TempDir::new().unwrap();
    for (name, minutes) in [(".tmp-old", 61), (".tmp-young", 59), ("old", 61)] {
        let file = File::create(dir.path().join(name)).unwrap();
        let now = file.metadata().unwrap().modified().unwrap();
        file.set_modified(now - Duration::from_secs(minutes * 60))
            .unwrap();
    }
    let store = FolderStore::open(dir.path()).unwrap();
    assert_eq!(temporary(dir.path()).len(), 2, "opening writes nothing");
    store.create("a/b", bytes("x"), silent()).await.unwrap();
    assert_eq!(temporary(dir.path()), [".tmp-young"]);
    assert!(dir.path().join("old").exists(), "only our own");
}

#[tokio::test]
async fn a_source_that_changes_its_size_is_not_stored() {
    let dir = TempDir::new().unwrap();
    let source = dir.path().join("source");
    fs::write(&source, "12345").unwrap();
    let store = FolderStore::create(&dir.path().join("r")).unwrap();
    for size in [4, 6] {
        let body = Body::File(source.clone(), size);
        let problem = store.create("a/b", body, silent()).await.unwrap_err();
        assert_eq!(problem.code, Code::LocalDisk);
    }
    let gone = Body::File(dir.path().join("gone"), 1);
    let problem = store.create("a/b", gone, silent()).await.unwrap_err();
    assert_eq!(problem.code, Code::LocalDisk);
    assert!(store.head("a/b").await.unwrap().is_none());
    assert_eq!(temporary(store.root()), Vec::<String>::new());
}

#[tokio::test]
async fn an_upload_that_nobody_waits_for_stops_and_leaves_nothing() {
    let dir = TempDir::new().unwrap();
    let store = FolderStore::open(dir.path()).unwrap();
    let (begun, mut seen) = tokio::sync::mpsc::unbounded_channel();
    let upload = tokio::spawn({
        let store = store.clone();
        async move {
            // Endless, so that only being stopped can end it early.
            let body = Body::File("/dev/zero".into(), 64 << 30);
            store
                .create("a/b", body, &|n| {
                    let _ = begun.send(n);
                })
                .await
        }
    });
    assert!(seen.recv().await.is_some());
    upload.abort();
    assert!(upload.await.unwrap_err().is_cancelled());
    let begun = Instant::now();
    while !temporary(dir.path()).is_empty() {
        assert!(begun.elapsed() < Duration::from_secs(20), "it goes on");
        tokio::time::sleep(Duration::from_millis(10)).await;
    }
    assert!(store.head("a/b").await.unwrap().is_none());
}

#[tokio::test]
async fn objects_can_be_read_by_a_web_server_of_another_account() {
    let dir = TempDir::new().unwrap();
    // What the umask of this process gives to any new file.
    let plain = dir.path().join("plain");
    File::create(&plain).unwrap();
    let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode();
    let store = FolderStore::open(dir.path()).unwrap();
    let created = store.create("a/b", bytes("x"), silent()).await.unwrap();
    assert_eq!(created, Created::Created);
    assert_eq!(mode(&dir.path().join("a/b")), mode(&plain));
}
