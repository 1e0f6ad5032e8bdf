//! What lies on this computer is damaged, too new, full or in use: a clear error, nothing lost, a way on.
#![expect(
    clippy::unwrap_used,
    clippy::print_stdout,
    reason = "a test that cannot look has failed; one that cannot run says so"
)]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use async_trait::async_trait;
use headgate_core::{Code, Problem, Result};
use headgate_engine::{Console, JobState};
use headgate_tests::{Bench, Hook, Person, Stores, Write, bench, code, init, promote, ship};
use sqlx::{ConnectOptions as _, Connection as _};
use tokio::sync::Notify;

const JOURNAL: &str = "journal.sqlite";
const CACHE: &str = "cache.sqlite";

/// A home with one release, closed.
async fn closed() -> (Bench, PathBuf) {
    let bench = bench();
    let anna = bench.first("anna").await;
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    promote(&anna, 1, "development", "staging").await.unwrap();
    anna.console.close().await;
    let home = bench.home("anna");
    (bench, home)
}

async fn person(console: Console) -> Person {
    let workspace = console.workspace_of(None).await.unwrap();
    Person { console, workspace }
}

fn clear(problem: &Problem) {
    for text in [&problem.message, &problem.holds, &problem.remedy] {
        assert!(text.len() > 10 && text.ends_with('.'), "{problem:?}");
    }
}

/// Ways in which a file goes bad.
fn damages(path: &Path) -> Vec<(&'static str, Vec<u8>)> {
    let good = fs::read(path).unwrap();
    let mut middle = good.clone();
    for byte in middle.iter_mut().skip(4096).take(8192) {
        *byte = 0x5a;
    }
    vec![
        ("garbage", b"this is no database".repeat(400)),
        ("truncated", good[..good.len() / 2].to_vec()),
        ("pages overwritten", middle),
        ("emptied", Vec::new()),
    ]
}

#[tokio::test]
async fn a_damaged_cache_is_moved_aside_and_read_again_from_storage() {
    let (bench, home) = closed().await;
    let path = home.join(CACHE);
    let good = fs::read(&path).unwrap();
    for (what, bad) in damages(&path) {
        fs::write(&path, &bad).unwrap();
        let anna = person(bench.console("anna").await).await;
        let id = &anna.workspace.id;
        if !bad.is_empty() {
            let notice = anna
                .console
                .notices()
                .first()
                .unwrap_or_else(|| panic!("{what}"));
            assert_eq!(notice.code, Code::LocalCache, "{what}");
            clear(notice);
            assert_eq!(
                fs::read(home.join("cache.sqlite.damaged")).unwrap(),
                bad,
                "{what}"
            );
        }
        let board = anna.console.board(id, "main").await.unwrap();
        assert!(
            board.as_of.is_none(),
            "{what}: nothing is shown that was not read"
        );
        anna.console.sync(id).await.unwrap();
        let board = anna.console.board(id, "main").await.unwrap();
        let release = &board.channels[1].serving.as_ref().unwrap().release;
        assert_eq!(release.manifest.build, 1, "{what}");
        anna.console.close().await;
        let again = bench.console("anna").await;
        assert!(again.notices().is_empty(), "{what}");
        again.close().await;
        fs::write(&path, &good).unwrap();
    }
}

#[tokio::test]
async fn a_damaged_journal_is_restored_from_its_backup_and_never_emptied() {
    let (bench, home) = closed().await;
    let path = home.join(JOURNAL);
    let good = fs::read(&path).unwrap();
    let mut all = damages(&path);
    all.push(("deleted", Vec::new()));
    for (what, bad) in all {
        if what == "deleted" {
            fs::remove_file(&path).unwrap();
        } else {
            fs::write(&path, &bad).unwrap();
        }
        let console = bench.console("anna").await;
        let notice = console
            .notices()
            .first()
            .unwrap_or_else(|| panic!("{what}"));
        assert_eq!(notice.code, Code::LocalJournal, "{what}");
        assert!(
            notice.holds.contains("restored from its last backup"),
            "{what}: {notice:?}"
        );
        if what != "deleted" {
            let aside = PathBuf::from(notice.detail.as_ref().unwrap());
            assert_eq!(
                fs::read(aside).unwrap(),
                bad,
                "{what}: the damaged file is kept"
            );
        }
        // Pinned root and own keys are there: it can go on publishing at once.
        let anna = person(console).await;
        assert_eq!(
            anna.console.keys(&anna.workspace.id).await.unwrap().len(),
            2,
            "{what}"
        );
        let job = anna.console.refresh(&anna.workspace.id).await.unwrap();
        anna.console.wait(&job).await.unwrap();
        anna.console.close().await;
        fs::write(&path, &good).unwrap();
    }
}

#[tokio::test]
async fn a_damaged_journal_without_a_backup_is_reported_and_left_as_it_is() {
    let (bench, home) = closed().await;
    let path = home.join(JOURNAL);
    fs::remove_dir_all(home.join("backups")).unwrap();
    for (what, bad) in damages(&path) {
        if bad.is_empty() {
            continue;
        }
        fs::write(&path, &bad).unwrap();
        let Err(problem) = Console::open(bench.options("anna")).await else {
            panic!("{what}: opened");
        };
        assert_eq!(problem.code, Code::LocalJournal, "{what}");
        clear(&problem);
        assert_eq!(fs::read(&path).unwrap(), bad, "{what}");
    }
}

#[tokio::test]
async fn a_damaged_backup_is_not_restored() {
    let (bench, home) = closed().await;
    let bad = b"this is no database".repeat(400);
    fs::write(home.join(JOURNAL), &bad).unwrap();
    fs::write(home.join("backups").join(JOURNAL), &bad).unwrap();
    let refused = Console::open(bench.options("anna")).await.map(drop);
    assert_eq!(code(refused), Code::LocalJournal);
    assert_eq!(fs::read(home.join(JOURNAL)).unwrap(), bad);
}

/// Runs a statement as another program would.
async fn sql(path: &Path, statement: &'static str) {
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(path);
    let mut connection = options.connect().await.unwrap();
    sqlx::query(statement)
        .execute(&mut connection)
        .await
        .unwrap();
    connection.close().await.unwrap();
}

#[tokio::test]
async fn a_database_of_a_newer_version_is_refused_and_unchanged() {
    for name in [JOURNAL, CACHE] {
        let (bench, home) = closed().await;
        let path = home.join(name);
        sql(
            &path,
            "UPDATE _sqlx_migrations SET version = 99991231000000 WHERE version = (SELECT max(version) FROM _sqlx_migrations)",
        )
        .await;
        let before = fs::read(&path).unwrap();
        let Err(problem) = Console::open(bench.options("anna")).await else {
            panic!("{name} was opened");
        };
        assert_eq!(problem.code, Code::LocalNewer, "{name}");
        clear(&problem);
        assert!(problem.message.contains(name), "{problem}");
        assert_eq!(fs::read(&path).unwrap(), before, "{name}");
        assert!(!home.join(format!("{name}.damaged")).exists());
    }
}

/// Stops every write until it is told to go on.
#[derive(Default)]
struct Pause {
    reached: Notify,
    on: Notify,
}

#[async_trait]
impl Hook for Pause {
    async fn before(&self, write: &Write) -> Result<()> {
        if write.key.ends_with("snapshot.json") {
            self.reached.notify_one();
            self.on.notified().await;
        }
        Ok(())
    }
}

#[tokio::test]
async fn a_job_that_another_program_on_this_home_works_on_is_left_to_it() {
    let (bench, _) = closed().await;
    bench.clock.advance(60);
    let pause = Arc::new(Pause::default());
    let mut options = bench.options("anna");
    options.stores = Arc::new(Stores::folder(&bench.storage()).hooked(Arc::<Pause>::clone(&pause)));
    let app = person(Console::open(options).await.unwrap()).await;
    let job = app.console.refresh(&app.workspace.id).await.unwrap();
    pause.reached.notified().await;

    // The command line, on the same home, while the app publishes.
    let cli = bench.console("anna").await;
    assert!(cli.recover().await.unwrap().is_empty());
    assert_eq!(cli.job(&job).await.unwrap().state, JobState::Running);
    pause.on.notify_one();
    app.console.wait(&job).await.unwrap();
    assert_eq!(cli.job(&job).await.unwrap().state, JobState::Done);
}

#[tokio::test]
async fn a_journal_that_another_program_keeps_locked_is_said_to_be_in_use() {
    let (bench, home) = closed().await;
    let console = bench.console("anna").await;
    let options = sqlx::sqlite::SqliteConnectOptions::new().filename(home.join(JOURNAL));
    let mut other = options.connect().await.unwrap();
    sqlx::query("BEGIN IMMEDIATE")
        .execute(&mut other)
        .await
        .unwrap();
    let problem = console.set_setting("theme", "dark").await.unwrap_err();
    assert_eq!(problem.code, Code::LocalBusy);
    clear(&problem);
    sqlx::query("ROLLBACK").execute(&mut other).await.unwrap();
    console.set_setting("theme", "dark").await.unwrap();
}

#[tokio::test]
async fn the_board_works_offline_and_says_so_until_storage_is_back() {
    let (bench, _) = closed().await;
    let anna = person(bench.console("anna").await).await;
    let id = &anna.workspace.id;
    let online = anna.console.board(id, "main").await.unwrap();
    let as_of = online.as_of.unwrap();
    assert!(online.offline.is_none());
    let away = bench.dir.path().join("away");
    fs::rename(bench.storage(), &away).unwrap();
    bench.clock.advance(3600);
    assert_eq!(code(anna.console.sync(id).await), Code::StorageMissing);
    let board = anna.console.board(id, "main").await.unwrap();
    assert_eq!(board.as_of, Some(as_of));
    let why = board.offline.unwrap();
    assert_eq!(why.code, Code::StorageMissing);
    clear(&why);
    let release = &board.channels[0].serving.as_ref().unwrap().release;
    assert_eq!((release.manifest.build, release.files > 0), (1, true));
    let job = anna.console.refresh(id).await.unwrap();
    assert_eq!(code(anna.console.wait(&job).await), Code::StorageMissing);

    fs::rename(&away, bench.storage()).unwrap();
    anna.console.sync(id).await.unwrap();
    let board = anna.console.board(id, "main").await.unwrap();
    assert!(board.offline.is_none());
    assert_eq!(board.as_of, Some(as_of.plus(3600)));
    anna.console.resume_job(&job).await.unwrap();
    anna.console.wait(&job).await.unwrap();
}

#[tokio::test]
async fn a_second_registry_in_the_same_storage_is_refused() {
    let (bench, _) = closed().await;
    let berta = bench.console("berta").await;
    let refused = init(&berta, &bench.storage()).await;
    assert_eq!(code(refused), Code::UsageExists);
    assert!(berta.workspaces().await.unwrap().is_empty());
}

/// A file system of 1 MiB in memory; unmounted when dropped.
struct Small(PathBuf);

impl Small {
    /// Nothing, with the reason printed, where this account may not mount.
    fn mount(at: PathBuf) -> Option<Self> {
        fs::create_dir_all(&at).unwrap();
        let mut mount = std::process::Command::new("mount");
        mount
            .args(["-t", "tmpfs", "-o", "size=1m", "tmpfs"])
            .arg(&at);
        match mount.output() {
            Ok(done) if done.status.success() => Some(Self(at)),
            Ok(done) => {
                println!("skipped: {}", String::from_utf8_lossy(&done.stderr).trim());
                None
            }
            Err(error) => {
                println!("skipped: mount cannot be run: {error}");
                None
            }
        }
    }

    /// Leaves no room; gives the file that takes it.
    fn fill(&self) -> PathBuf {
        use std::io::Write as _;
        let path = self.0.join("filler");
        let mut file = fs::File::create(&path).unwrap();
        while file.write_all(&[0; 4096]).is_ok() {}
        path
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        let _ = std::process::Command::new("umount")
            .arg("-l")
            .arg(&self.0)
            .status();
    }
}

/// Half a megabyte that does not compress.
fn noise(folder: &Path) {
    let mut state = 0x2545_f491_4f6c_dd1d_u64;
    let mut bytes = Vec::with_capacity(1 << 20);
    while bytes.len() < 1 << 20 {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        bytes.extend(state.to_le_bytes());
    }
    fs::write(folder.join("data/noise.bin"), bytes).unwrap();
}

#[tokio::test]
async fn a_full_storage_leaves_the_old_state_and_the_publish_is_resumed() {
    let bench = bench();
    let Some(small) = Small::mount(bench.storage()) else {
        return;
    };
    let anna = bench.first("anna").await;
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    bench.clock.advance(60);
    let root = anna.workspace.root.clone();
    let before = bench.device(&root).await.unwrap();
    let filler = small.fill();
    let problem = ship(&anna, &bench.build("two"), "development")
        .await
        .unwrap_err();
    assert_eq!(problem.code, Code::StorageFull, "{problem:?}");
    clear(&problem);
    assert_eq!(bench.device(&root).await.unwrap(), before);
    let left = fs::read_dir(bench.storage()).unwrap();
    let left = left.filter(|e| {
        e.as_ref()
            .unwrap()
            .file_name()
            .to_string_lossy()
            .starts_with(".tmp")
    });
    assert_eq!(left.count(), 0, "half-written files were left");
    fs::remove_file(filler).unwrap();
    let job = anna.console.jobs().await.unwrap();
    let job = job
        .into_iter()
        .find(|j| j.state == JobState::Failed && j.intent.is_some())
        .unwrap();
    anna.console.resume_job(&job.id).await.unwrap();
    anna.console.wait(&job.id).await.unwrap();
    assert_eq!(
        bench.device(&root).await.unwrap().build("development"),
        Some(2)
    );
}

#[tokio::test]
async fn a_full_home_is_a_clear_error_and_loses_nothing() {
    let bench = bench();
    let Some(small) = Small::mount(bench.home("anna")) else {
        return;
    };
    let anna = bench.first("anna").await;
    let id = &anna.workspace.id;
    let root = &anna.workspace.root;
    // A bundle that does not fit.
    let big = bench.build("big");
    noise(&big);
    let before = bench.device(root).await.unwrap();
    let problem = ship(&anna, &big, "development").await.unwrap_err();
    assert_eq!(problem.code, Code::LocalDisk, "{problem:?}");
    clear(&problem);
    // No room for a line in the journal: nothing is published that could not be recorded.
    let filler = small.fill();
    let mut failed = None;
    for n in 0..2_000 {
        let value = format!("{n}").repeat(200);
        if let Err(problem) = anna
            .console
            .set_setting(&format!("filler {n}"), &value)
            .await
        {
            failed = Some(problem);
            break;
        }
    }
    let problem = failed.unwrap();
    assert_eq!(problem.code, Code::LocalDisk, "{problem:?}");
    clear(&problem);
    let refused = match anna.console.refresh(id).await {
        Ok(job) => anna.console.wait(&job).await.map(drop),
        Err(problem) => Err(problem),
    };
    assert_eq!(code(refused), Code::LocalDisk);
    assert_eq!(bench.device(root).await.unwrap(), before);
    // A start on a full disk says so; it neither restores nor moves anything aside.
    anna.console.close().await;
    if let Err(problem) = Console::open(bench.options("anna")).await {
        assert_eq!(problem.code, Code::LocalDisk, "{problem:?}");
    }
    let names = fs::read_dir(bench.home("anna")).unwrap();
    let names: Vec<_> = names
        .map(|n| n.unwrap().file_name().into_string().unwrap())
        .collect();
    assert!(names.iter().all(|n| !n.contains("damaged")), "{names:?}");
    // With room again everything is there.
    fs::remove_file(filler).unwrap();
    let anna = person(bench.console("anna").await).await;
    assert!(anna.console.notices().is_empty());
    ship(&anna, &bench.build("one"), "development")
        .await
        .unwrap();
    assert_eq!(
        bench.device(root).await.unwrap().build("development"),
        Some(1)
    );
}
