//! A process is killed at every single write of a publish, held before and after it is applied. No reader ever sees
//! half a state; the next start resumes or rolls forward, without any key, and says what it did.
#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a test that cannot look has failed")]

mod crash {
    mod answers;
    mod bucket;
    pub(super) mod place;
    pub(super) mod plugins;
}

use std::io::{BufRead as _, BufReader, Write as _};
use std::path::Path;
use std::process::{Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use crash::place::{killed_ship, objects, server, stores};
use headgate_core::{Code, Result};
use headgate_engine::{Console, JobState, OpenStore, Options};
use headgate_registry::FolderStore;
use headgate_signer::{FileVault, Passphrase};
use headgate_tests::{
    Hook, OneVault, PASSPHRASE, Person, Seen, TestClock, Write, code, copy_tree, device, init,
    promote, scratch, ship, varied, world,
};
use headgate_tuf::UtcTime;

/// Set in the process that is killed: folder, action, number of the write, "before" or "after".
const CHILD: &str = "HEADGATE_CRASH_CHILD";
const COMMIT: &str = "metadata/timestamp.json";
/// After the child's clock, and before the ten minutes after which a start asks.
const A_MINUTE: i64 = 60;

fn now() -> UtcTime {
    UtcTime::from_unix(TestClock::START + A_MINUTE)
}

/// Holds one write for ever and says so; the parent kills the process then.
struct Hold {
    at: usize,
    after: bool,
    seen: AtomicUsize,
}

impl Hold {
    async fn here(&self, write: &Write) {
        if self.seen.fetch_add(1, Ordering::SeqCst) == self.at {
            let mut out = std::io::stdout();
            writeln!(out, "\nHOLD {}", write.key).unwrap();
            out.flush().unwrap();
            std::future::pending::<()>().await;
        }
    }
}

#[async_trait]
impl Hook for Hold {
    async fn before(&self, write: &Write) -> Result<()> {
        if !self.after {
            self.here(write).await;
        }
        Ok(())
    }

    async fn after(&self, write: &Write) -> Result<()> {
        if self.after {
            self.here(write).await;
        }
        Ok(())
    }
}

fn options(
    dir: &Path,
    home: &str,
    clock: &Arc<TestClock>,
    vault: OneVault,
    stores: Arc<dyn OpenStore>,
) -> Options {
    Options {
        home: dir.join(home),
        person: home.to_owned(),
        world: world(clock, home),
        stores,
        vaults: Arc::new(vault),
    }
}

/// A vault on disk, since the child needs the keys too. Its passphrase costs next to nothing to try.
fn file_vault(dir: &Path) -> OneVault {
    let path = dir.join("keys.age");
    let pass = Passphrase::new(PASSPHRASE.to_owned()).unwrap();
    let vault = if path.exists() {
        FileVault::open(&path, pass)
    } else {
        FileVault::create_with_work_factor(&path, pass, 1)
    };
    OneVault::of(Arc::new(vault.unwrap()))
}

async fn open(dir: &Path, home: &str, seconds: i64, vault: OneVault) -> Person {
    let clock = TestClock::new();
    clock.advance(seconds);
    let options = options(dir, home, &clock, vault, stores(dir, None, None));
    person(Console::open(options).await.unwrap()).await
}

async fn person(console: Console) -> Person {
    let workspace = console.workspace_of(None).await.unwrap();
    Person { console, workspace }
}

async fn act(console: &Console, dir: &Path, action: &str) -> Result<()> {
    let storage = dir.join("storage");
    if action == "init" {
        return init(console, &storage).await.map(drop);
    }
    let person = person(console.clone()).await;
    let id = &person.workspace.id;
    match action {
        "ship" => {
            let build = varied(&dir.join("build"), "shipped");
            ship(&person, &build, "development").await.map(drop)
        }
        "promote" => promote(&person, 1, "development", "staging")
            .await
            .map(drop),
        "plugins" => crash::plugins::set(console, id).await,
        "refresh" => {
            let job = console.refresh(id).await?;
            console.wait(&job).await.map(drop)
        }
        "add_key" => console.create_key(id, "CI").await.map(drop),
        other => panic!("no action {other}"),
    }
}

/// Not a test of its own: the process that [`killed_at`] starts and kills.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_process_that_is_killed() {
    let Ok(orders) = std::env::var(CHILD) else {
        return;
    };
    let orders: Vec<&str> = orders.split('|').collect();
    let [dir, action, at, when, server] = orders[..] else {
        panic!("{orders:?}")
    };
    let dir = Path::new(dir);
    let hold = Hold {
        at: at.parse().unwrap(),
        after: when == "after",
        seen: AtomicUsize::new(0),
    };
    let server = (!server.is_empty()).then_some(server);
    let stores = stores(dir, server, Some(Arc::new(hold)));
    let options = options(dir, "anna", &TestClock::new(), file_vault(dir), stores);
    let console = Console::open(options).await.unwrap();
    act(&console, dir, action).await.unwrap();
    let mut out = std::io::stdout();
    writeln!(out, "\nDONE").unwrap();
    out.flush().unwrap();
}

/// Runs an action in a process of its own and kills it at a write; gives the write's key, or nothing when
/// the action has fewer writes.
fn killed_at(
    dir: &Path,
    action: &str,
    at: usize,
    when: &str,
    server: Option<&str>,
) -> Option<String> {
    let mut child = Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "the_process_that_is_killed", "--nocapture"])
        .env(
            CHILD,
            format!(
                "{}|{action}|{at}|{when}|{}",
                dir.display(),
                server.unwrap_or_default()
            ),
        )
        .stdout(Stdio::piped())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let said = lines
        .map_while(Result::ok)
        .find_map(|line| match line.strip_prefix("HOLD ") {
            Some(key) => Some(Some(key.to_owned())),
            None => (line == "DONE").then_some(None),
        });
    // SIGKILL on Unix: nothing of the process runs any more.
    child.kill().unwrap();
    child.wait().unwrap();
    said.unwrap_or_else(|| panic!("{action}, write {at}: the process ended by itself"))
}

async fn read(dir: &Path, root: &[u8]) -> Result<Seen> {
    let store = FolderStore::open(&objects(dir))?;
    device(&store, root, now()).await
}

fn root_file(dir: &Path, version: u32) -> Option<Vec<u8>> {
    std::fs::read(objects(dir).join(format!("metadata/{version}.root.json"))).ok()
}

/// A home and storage up to the state that an action starts from.
async fn base(before: &[&str], in_bucket: bool) -> tempfile::TempDir {
    let dir = scratch();
    let server = server(dir.path(), in_bucket).await;
    if !in_bucket {
        std::fs::create_dir_all(dir.path().join("storage")).unwrap();
    }
    let vault = file_vault(dir.path());
    let stores = stores(dir.path(), server.as_deref(), None);
    // Earlier than the child, so that the child's job is the newest.
    let clock = TestClock::new();
    clock.advance(-3600);
    let options = options(dir.path(), "anna", &clock, vault, stores);
    let console = Console::open(options).await.unwrap();
    for action in before {
        act(&console, dir.path(), action).await.unwrap();
    }
    console.close().await;
    dir
}

/// Kills at every write of an action and checks what readers see then and what the next start does.
async fn every_write(before: &[&str], action: &str, writes: &[&str], live: fn(&Seen) -> bool) {
    every_write_in(before, action, writes, live, false).await;
}

async fn every_write_in(
    before: &[&str],
    action: &str,
    writes: &[&str],
    live: fn(&Seen) -> bool,
    in_bucket: bool,
) {
    let base = base(before, in_bucket).await;
    let objects = writes
        .iter()
        .filter(|w| !w.starts_with("metadata/"))
        .count();
    let commit = writes.iter().position(|w| *w == COMMIT).unwrap();
    for at in 0..=writes.len() {
        for when in ["before", "after"] {
            let case = scratch();
            copy_tree(base.path(), case.path());
            let server = server(case.path(), in_bucket).await;
            let server = server.as_deref();
            let (dir, orders) = (
                case.path().to_owned(),
                (action.to_owned(), server.map(str::to_owned)),
            );
            let kill = tokio::task::spawn_blocking(move || {
                let (action, server) = orders;
                killed_at(&dir, &action, at, when, server.as_deref())
            });
            let Some(key) = kill.await.unwrap() else {
                assert_eq!(at, writes.len(), "{action} has fewer writes than expected");
                return;
            };
            let what = format!("{action}, killed {when} {key}");
            // Immutable objects are sent together, in any order, before all metadata.
            let fits = match at < objects {
                true => writes[..objects].iter().any(|w| key.starts_with(w)),
                false => key.starts_with(writes[at]),
            };
            assert!(fits, "{what}: expected {}", writes[at]);
            let committed = at > commit || (at == commit && when == "after");
            check(
                base.path(),
                case.path(),
                action,
                committed,
                live,
                &what,
                server,
            )
            .await;
        }
    }
}

async fn check(
    base: &Path,
    case: &Path,
    action: &str,
    committed: bool,
    live: fn(&Seen) -> bool,
    what: &str,
    server: Option<&str>,
) {
    let killed = scratch();
    copy_tree(case, killed.path());

    // The next start has no key at all: what was signed is finished as it was signed.
    let clock = TestClock::new();
    clock.advance(A_MINUTE);
    let stores = stores(case, server, None);
    let options = options(case, "anna", &clock, OneVault::memory(), stores);
    let console = Console::open(options).await.unwrap();
    let words = console.recover().await.unwrap();
    assert_eq!(words.len(), 1, "{what}: {words:?}");
    let expected = if committed {
        "was committed already"
    } else {
        "wrote what was left and committed it"
    };
    assert!(words[0].contains(expected), "{what}: {words:?}");
    assert_eq!(console.recovered(), words, "{what}");

    let jobs = console.jobs().await.unwrap();
    assert_eq!(jobs[0].state, JobState::Done, "{what}: {:?}", jobs[0].error);
    let receipt = jobs[0].receipt.as_ref().unwrap();
    assert!(receipt.recovered.is_some(), "{what}");
    assert!(
        console.recover().await.unwrap().is_empty(),
        "{what}: a second start found work"
    );

    // Old until the commit, then new, and whole at any time: with the root of before, and with a new one.
    let first = root_file(case, 1).unwrap();
    let after = read(case, &first).await.unwrap();
    assert!(live(&after), "{what}: {after:?}");
    for root in [Some(first), root_file(case, 2)].into_iter().flatten() {
        let seen = read(killed.path(), &root).await;
        if committed {
            assert_eq!(seen.as_ref(), Ok(&after), "{what}");
        } else if action == "init" {
            assert_eq!(code(seen), Code::StorageMissing, "{what}");
        } else {
            assert_eq!(seen, read(base, &root).await, "{what}");
            assert_ne!(seen.as_ref(), Ok(&after), "{what}");
        }
        assert_eq!(read(case, &root).await.as_ref(), Ok(&after), "{what}");
    }
    person(console)
        .await
        .log()
        .await
        .unwrap_or_else(|p| panic!("{what}: {p}"));
}

const TWO_ROLES: [&str; 2] = ["metadata/", "metadata/"];

#[tokio::test]
async fn the_first_publish_survives_a_kill_at_every_write() {
    let mut writes = vec!["metadata/1.root.json", "metadata/1.targets.json"];
    writes.extend([TWO_ROLES; 3].concat());
    writes.extend(["metadata/1.snapshot.json", COMMIT]);
    every_write(&[], "init", &writes, |seen| seen.channels.len() == 3).await;
}

#[tokio::test]
async fn a_ship_survives_a_kill_at_every_write() {
    let writes = [
        "bundles/",
        "inventories/",
        "targets/",
        "targets/",
        "metadata/2.main.development.json",
        "metadata/2.main.development.rollout.json",
        "metadata/2.snapshot.json",
        COMMIT,
    ];
    every_write(&["init"], "ship", &writes, |seen| {
        seen.build("development") == Some(1)
    })
    .await;
}

#[tokio::test]
async fn a_promotion_survives_a_kill_at_every_write() {
    let writes = [
        "targets/",
        "targets/",
        "metadata/2.main.staging.json",
        "metadata/2.main.staging.rollout.json",
        "metadata/3.snapshot.json",
        COMMIT,
    ];
    every_write(&["init", "ship"], "promote", &writes, |seen| {
        seen.build("staging") == Some(1)
    })
    .await;
}

#[tokio::test]
async fn a_refresh_survives_a_kill_at_every_write() {
    let writes = ["metadata/3.snapshot.json", COMMIT];
    every_write(&["init", "ship"], "refresh", &writes, |seen| {
        seen.versions["snapshot"] == 3
    })
    .await;
}

#[tokio::test]
async fn a_root_change_survives_a_kill_at_every_write_for_readers_of_either_root() {
    let writes = ["metadata/3.snapshot.json", COMMIT, "metadata/2.root.json"];
    every_write(&["init", "ship"], "add_key", &writes, |seen| {
        seen.versions["snapshot"] == 3
    })
    .await;
}

#[tokio::test]
async fn work_older_than_ten_minutes_asks_and_is_finished_when_told_to() {
    let dir = killed_ship("before").await;
    let root = root_file(dir.path(), 1).unwrap();
    let old = read(dir.path(), &root).await.unwrap();
    let Person { console, .. } = open(dir.path(), "anna", 601, OneVault::memory()).await;
    let words = console.recover().await.unwrap();
    assert!(words[0].contains("waits for you"), "{words:?}");
    let job = console.jobs().await.unwrap().remove(0);
    assert_eq!(job.state, JobState::Waiting);
    assert_eq!(job.error.unwrap().code, Code::PublishOld);
    assert_eq!(read(dir.path(), &root).await.unwrap(), old);
    console.resume_job(&job.id).await.unwrap();
    let done = console.wait(&job.id).await.unwrap();
    assert_eq!(done.receipt.unwrap().release, Some(("4.2.5".into(), 1)));
    assert_eq!(
        read(dir.path(), &root).await.unwrap().build("development"),
        Some(1)
    );
}

#[tokio::test]
async fn a_commit_that_others_built_on_before_the_next_start_is_recognised() {
    for same_channel in [false, true] {
        let dir = killed_ship("after").await;
        let berta = open(dir.path(), "berta", 30, file_vault(dir.path())).await;
        let build = varied(&dir.path().join("theirs"), "theirs");
        let channel = if same_channel {
            "development"
        } else {
            "staging"
        };
        ship(&berta, &build, channel).await.unwrap();
        let Person { console, .. } = open(dir.path(), "anna", A_MINUTE, OneVault::memory()).await;
        let words = console.recover().await.unwrap();
        assert!(words[0].contains("was committed already"), "{words:?}");
        let root = root_file(dir.path(), 1).unwrap();
        let seen = read(dir.path(), &root).await.unwrap();
        let served = &seen.channels["main.development"];
        assert!(served.approved.contains(&1), "{served:?}");
        assert_eq!(served.build, Some(if same_channel { 2 } else { 1 }));
        assert_eq!(seen.versions["timestamp"], 3, "nothing was published twice");
    }
}

#[tokio::test]
async fn work_that_others_overtook_before_its_commit_is_signed_again_or_asks() {
    for same_channel in [false, true] {
        let dir = killed_ship("before").await;
        let berta = open(dir.path(), "berta", 30, file_vault(dir.path())).await;
        let build = varied(&dir.path().join("theirs"), "theirs");
        let channel = if same_channel {
            "development"
        } else {
            "staging"
        };
        ship(&berta, &build, channel).await.unwrap();
        let Person { console, .. } =
            open(dir.path(), "anna", A_MINUTE, file_vault(dir.path())).await;
        let words = console.recover().await.unwrap();
        let root = root_file(dir.path(), 1).unwrap();
        if same_channel {
            assert!(words[0].contains("berta published meanwhile"), "{words:?}");
            let job = console.jobs().await.unwrap().remove(0);
            assert_eq!(job.error.unwrap().code, Code::PublishConflict);
            console.resume_job(&job.id).await.unwrap();
            console.wait(&job.id).await.unwrap();
        } else {
            assert!(
                words[0].contains("signed again on top of theirs"),
                "{words:?}"
            );
            let seen = read(dir.path(), &root).await.unwrap();
            assert!(seen.build("staging").is_some());
        }
        let seen = read(dir.path(), &root).await.unwrap();
        let bundle = seen.channels["main.development"].bundle.as_ref().unwrap();
        let shipped = console.jobs().await.unwrap().remove(0).receipt.unwrap();
        assert_eq!(shipped.signed_sha256.as_ref(), Some(bundle));
    }
}
