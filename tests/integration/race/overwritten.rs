//! Storage that stopped honouring conditional writes: one publish is written over another. Its publisher must learn.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use async_trait::async_trait;
use headgate_core::{Code, Result};
use headgate_engine::Console;
use headgate_tests::{Hook, Kind, Person, Stores, Write, bench};
use tokio::sync::Barrier;

/// Where the two are in step.
struct Meeting {
    armed: AtomicBool,
    /// The first one is about to write the timestamp.
    at_the_door: AtomicBool,
    barrier: Barrier,
    timestamp: PathBuf,
}

impl Meeting {
    async fn met(&self) {
        let wait = tokio::time::timeout(Duration::from_secs(20), self.barrier.wait());
        wait.await.expect("the other publisher never came");
    }

    fn concerns(&self, write: &Write) -> bool {
        write.kind == Kind::Swap && self.armed.load(Ordering::SeqCst)
    }
}

/// Writes its timestamp, and reads it back only after the other one has written.
struct First(Arc<Meeting>);

#[async_trait]
impl Hook for First {
    async fn before(&self, write: &Write) -> Result<()> {
        if self.0.concerns(write) {
            self.0.at_the_door.store(true, Ordering::SeqCst);
            self.0.met().await;
        }
        Ok(())
    }

    async fn after(&self, write: &Write) -> Result<()> {
        if self.0.concerns(write) {
            self.0.met().await;
            self.0.met().await;
        }
        Ok(())
    }
}

/// Writes over it: for this one the condition holds, as if the storage did not look.
struct Second(Arc<Meeting>);

#[async_trait]
impl Hook for Second {
    async fn before(&self, write: &Write) -> Result<()> {
        if self.0.concerns(write) {
            let before = std::fs::read(&self.0.timestamp).unwrap();
            self.0.met().await;
            self.0.met().await;
            std::fs::write(&self.0.timestamp, before).unwrap();
        }
        Ok(())
    }

    async fn after(&self, write: &Write) -> Result<()> {
        if self.0.concerns(write) {
            // Before the first one goes on, so that its next attempt is not held up.
            self.0.armed.store(false, Ordering::SeqCst);
            self.0.met().await;
        }
        Ok(())
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_publish_that_another_was_written_over_is_told_and_goes_on_top_when_resumed() {
    let bench = bench();
    let meeting = Arc::new(Meeting {
        armed: AtomicBool::new(false),
        at_the_door: AtomicBool::new(false),
        barrier: Barrier::new(2),
        timestamp: bench.storage().join("metadata/timestamp.json"),
    });
    let anna = bench.first("anna").await;
    let hooked = |person: &str, hook: Arc<dyn Hook>| {
        let mut options = bench.options(person);
        options.stores = Arc::new(Stores::folder(&bench.storage()).hooked(hook));
        options
    };
    let berta = hooked("berta", Arc::new(Second(Arc::clone(&meeting))));
    let berta = bench.second(&anna, berta).await;
    anna.console.close().await;
    let options = hooked("anna", Arc::new(First(Arc::clone(&meeting))));
    let anna = Person {
        console: Console::open(options).await.unwrap(),
        workspace: anna.workspace,
    };

    meeting.armed.store(true, Ordering::SeqCst);
    let start = |person, word: &'static str, version| {
        let build = bench.build(word);
        async move {
            Person::start_ship(person, &build, "development", version)
                .await
                .unwrap()
        }
    };
    let lost = start(&anna, "anna", "4.2.5").await;
    while !meeting.at_the_door.load(Ordering::SeqCst) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    let won = start(&berta, "berta", "4.2.6").await;
    let problem = anna.receipt(&lost).await.unwrap_err();
    assert_eq!(problem.code, Code::StorageSloppy, "{problem:?}");
    assert!(!problem.holds.is_empty() && !problem.remedy.is_empty());
    let theirs = berta.receipt(&won).await.unwrap().release.unwrap().1;
    let seen = bench.device(&anna.workspace.root).await.unwrap();
    assert_eq!(seen.build("development"), Some(theirs));

    anna.console.resume_job(&lost).await.unwrap();
    let ours = anna.receipt(&lost).await.unwrap().release.unwrap().1;
    let seen = bench.device(&anna.workspace.root).await.unwrap();
    let served = &seen.channels["main.development"];
    assert_eq!(served.build, Some(ours));
    assert!(served.approved.contains(&theirs), "{served:?}");
}
