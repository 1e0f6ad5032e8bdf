//! Two publishers of one team meet at a barrier right before the timestamp is written. One wins; nothing of anybody
//! is lost, and the loser is told who was faster and with what.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot look has failed"
)]

use std::collections::BTreeSet;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use headgate_core::{Code, Problem, Result};
use headgate_engine::{Console, Receipt};
use headgate_tests::{Bench, Hook, Kind, Person, Stores, Write, bench};
use tokio::sync::Barrier;

mod race {
    mod overwritten;
}

/// How often two publishers meet on one channel.
const MEETINGS: usize = 200;

/// Lets the next swap of each of two consoles through only when both are there.
struct Meeting {
    barrier: Barrier,
    /// Swaps of each round that still wait for the other console.
    open: AtomicUsize,
    /// New roots that still do.
    roots: AtomicUsize,
}

impl Meeting {
    fn new() -> Arc<Self> {
        Arc::new(Self {
            barrier: Barrier::new(2),
            open: AtomicUsize::new(0),
            roots: AtomicUsize::new(0),
        })
    }

    /// The next two swaps meet.
    fn arrange(&self) {
        assert_eq!(self.open.swap(2, Ordering::SeqCst), 0, "two met before");
    }

    /// The next two new roots meet: both consoles have committed what both roots accept.
    fn arrange_roots(&self) {
        assert_eq!(self.roots.swap(2, Ordering::SeqCst), 0, "two met before");
    }
}

#[async_trait]
impl Hook for Meeting {
    async fn before(&self, write: &Write) -> Result<()> {
        let waiting = match write.kind {
            Kind::Swap => &self.open,
            Kind::Create if write.key.ends_with(".root.json") => &self.roots,
            Kind::Create => return Ok(()),
        };
        let take = |n: usize| n.checked_sub(1);
        let meets = waiting
            .fetch_update(Ordering::SeqCst, Ordering::SeqCst, take)
            .is_ok();
        if meets {
            let wait = tokio::time::timeout(Duration::from_secs(20), self.barrier.wait());
            wait.await.expect("the other publisher never came");
        }
        Ok(())
    }
}

/// Two consoles with homes of their own, which meet before they commit.
async fn team() -> (Bench, Arc<Meeting>, Person, Person) {
    let bench = bench();
    let meeting = Meeting::new();
    let anna = bench.first("anna").await;
    let hooked = |person: &str| {
        let mut options = bench.options(person);
        let hook = Arc::<Meeting>::clone(&meeting);
        options.stores = Arc::new(Stores::folder(&bench.storage()).hooked(hook));
        options
    };
    let berta = bench.second(&anna, hooked("berta")).await;
    anna.console.close().await;
    bench.clock.advance(60);
    let console = Console::open(hooked("anna")).await.unwrap();
    let workspace = anna.workspace;
    let anna = Person { console, workspace };
    (bench, meeting, anna, berta)
}

/// Small, and new each time: what is raced for is the commit, not the packing.
fn tiny(bench: &Bench, word: &str) -> PathBuf {
    let folder = bench.dir.path().join("tiny").join(word);
    std::fs::create_dir_all(&folder).unwrap();
    let page = format!("<!doctype html><title>{word}</title>");
    std::fs::write(folder.join("index.html"), page).unwrap();
    folder
}

/// The name that the log knows a console by, and what it did.
struct Publisher<'a> {
    person: &'a Person,
    name: &'static str,
    job: String,
    version: String,
}

impl Publisher<'_> {
    async fn outcome(&self) -> Result<Receipt> {
        self.person.receipt(&self.job).await
    }
}

/// Starts a ship whose version tells the two apart.
async fn publisher<'a>(
    bench: &Bench,
    person: &'a Person,
    name: &'static str,
    round: usize,
) -> Publisher<'a> {
    let build = tiny(bench, &format!("{name}-{round}"));
    let version = format!("4.{round}.{}", name.len());
    let job = person.start_ship(&build, "development", &version);
    Publisher {
        person,
        name,
        job: job.await.unwrap(),
        version,
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn of_two_publishers_on_one_channel_one_wins_and_the_other_is_told_who_and_what() {
    let (bench, meeting, anna, berta) = team().await;
    let mut builds = BTreeSet::new();
    let mut wins = [0; 2];
    for round in 0..MEETINGS {
        bench.clock.advance(1);
        meeting.arrange();
        let two = tokio::join!(
            publisher(&bench, &anna, "anna", round),
            publisher(&bench, &berta, "berta", round),
        );
        let two = [two.0, two.1];
        let outcomes = [two[0].outcome().await, two[1].outcome().await];
        let (winner, loser, won, lost) = match &outcomes {
            [Ok(won), Err(lost)] => (&two[0], &two[1], won, lost),
            [Err(lost), Ok(won)] => (&two[1], &two[0], won, lost),
            other => panic!("round {round}: {other:?}"),
        };
        wins[usize::from(winner.name == "berta")] += 1;
        tells_who_and_what(lost, winner);
        let mine = won.release.clone().unwrap();
        assert_eq!(mine.0, winner.version, "round {round}");
        if round % 10 == 0 {
            let seen = bench.device(&anna.workspace.root).await.unwrap();
            assert_eq!(seen.build("development"), Some(mine.1), "round {round}");
        }

        // On top of it, when the person says so: both are there then, each with a number of its own.
        loser.person.console.resume_job(&loser.job).await.unwrap();
        let theirs = loser.outcome().await.unwrap().release.unwrap();
        assert_eq!(theirs.0, loser.version, "round {round}");
        let seen = bench.device(&anna.workspace.root).await.unwrap();
        let served = &seen.channels["main.development"];
        assert_eq!(served.build, Some(theirs.1), "round {round}");
        assert!(
            served.approved.contains(&mine.1),
            "round {round}: {served:?}"
        );
        for build in [mine.1, theirs.1] {
            assert!(builds.insert(build), "round {round}: build {build} twice");
        }
    }
    println!(
        "anna won {}, berta {} of {MEETINGS} meetings",
        wins[0], wins[1]
    );
    // The log proves that every publish of both is in the one chain.
    let log = anna.log().await.unwrap();
    for name in ["anna", "berta"] {
        let ships = log.iter().filter(|(what, by)| what == "ship" && by == name);
        assert_eq!(ships.count(), MEETINGS, "{name}");
    }
    assert_eq!(log.len(), 2 * MEETINGS + 1);
    assert_eq!(log, berta.log().await.unwrap());
}

fn tells_who_and_what(problem: &Problem, winner: &Publisher<'_>) {
    assert_eq!(problem.code, Code::PublishConflict);
    let text = &problem.message;
    for part in [winner.name, "ship", &winner.version, "main.development"] {
        assert!(text.contains(part), "{part:?} is not in {text:?}");
    }
    assert!(problem.retryable() && !problem.holds.is_empty() && !problem.remedy.is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_publishers_on_different_channels_both_succeed_without_a_person() {
    let (bench, meeting, anna, berta) = team().await;
    for round in 0..20 {
        bench.clock.advance(1);
        meeting.arrange();
        let version = format!("4.2.{round}");
        let one = tiny(&bench, &format!("one-{round}"));
        let two = tiny(&bench, &format!("two-{round}"));
        let one = anna
            .start_ship(&one, "development", &version)
            .await
            .unwrap();
        let two = berta.start_ship(&two, "staging", &version).await.unwrap();
        let one = anna.receipt(&one).await.unwrap().release.unwrap().1;
        let two = berta.receipt(&two).await.unwrap().release.unwrap().1;
        assert_ne!(
            one, two,
            "a build number stands for one release of the unit"
        );
        let seen = bench.device(&anna.workspace.root).await.unwrap();
        assert_eq!(seen.build("development"), Some(one), "round {round}");
        assert_eq!(seen.build("staging"), Some(two), "round {round}");
    }
    assert_eq!(anna.log().await.unwrap().len(), 41);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn two_owners_who_change_the_root_at_once_both_get_their_key_in() {
    let (bench, meeting, anna, berta) = team().await;
    for round in 0..6 {
        bench.clock.advance(1);
        // Before the commit in one half of the rounds, between the commit and the new root in the other.
        if round % 2 == 0 {
            meeting.arrange();
        } else {
            meeting.arrange_roots();
        }
        let (one, two) = (format!("CI {round}"), format!("QA {round}"));
        let (ours, theirs) = tokio::join!(
            anna.console.create_key(&anna.workspace.id, &one),
            berta.console.create_key(&berta.workspace.id, &two),
        );
        let (ours, theirs) = (ours.unwrap().key.id, theirs.unwrap().key.id);
        let keys = |list: Vec<headgate_engine::KeyInfo>| {
            let fresh = list
                .into_iter()
                .filter(|k| k.roles.contains(&"timestamp".to_owned()));
            fresh.map(|k| k.id).collect::<BTreeSet<_>>()
        };
        assert!(keys(anna.console.keys(&anna.workspace.id).await.unwrap()).contains(&ours));
        assert!(keys(berta.console.keys(&berta.workspace.id).await.unwrap()).contains(&theirs));
        bench.device(&anna.workspace.root).await.unwrap();
    }
    anna.log().await.unwrap();
}
