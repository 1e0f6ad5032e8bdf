//! Storage that fails at one write of a publish, before applying it or after.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use headgate_core::{Code, Problem, Result};
use headgate_engine::Console;
use headgate_tests::{Bench, Hook, Person, Stores, Write, bench, code, ship};

use crate::{A_MINUTE, person};

/// Answers one write with an error, before or after applying it.
struct Fail {
    at: usize,
    applied: bool,
    seen: AtomicUsize,
}

impl Fail {
    fn here(&self) -> Result<()> {
        if self.seen.fetch_add(1, Ordering::SeqCst) == self.at {
            // What passes by is tried again; what does not needs a person.
            let code = match self.applied {
                true => Code::StorageUnavailable,
                false => Code::StorageAccess,
            };
            return Err(Problem::new(code, "The line was cut."));
        }
        Ok(())
    }
}

#[async_trait]
impl Hook for Fail {
    async fn before(&self, _: &Write) -> Result<()> {
        if self.applied { Ok(()) } else { self.here() }
    }

    async fn after(&self, _: &Write) -> Result<()> {
        if self.applied { self.here() } else { Ok(()) }
    }
}

/// A registry, a second build, and a console whose storage fails at one write of the next publish.
async fn failing(at: usize, applied: bool) -> (Bench, Person, PathBuf) {
    let bench = bench();
    let anna = bench.first("anna").await;
    anna.console.close().await;
    bench.clock.advance(A_MINUTE);
    let hook = Fail {
        at,
        applied,
        seen: AtomicUsize::new(0),
    };
    let mut options = bench.options("anna");
    options.stores = Arc::new(Stores::folder(&bench.storage()).hooked(Arc::new(hook)));
    let anna = person(Console::open(options).await.unwrap()).await;
    let build = bench.build("one");
    (bench, anna, build)
}

#[tokio::test]
async fn an_answer_that_is_lost_is_no_lost_write() {
    for at in 0..8 {
        let (bench, anna, build) = failing(at, true).await;
        let receipt = ship(&anna, &build, "development").await.unwrap();
        assert_eq!(receipt.release, Some(("4.2.5".into(), 1)), "write {at}");
        let seen = bench.device(&anna.workspace.root).await.unwrap();
        assert_eq!(seen.versions["timestamp"], 2, "write {at}");
    }
}

#[tokio::test]
async fn a_write_that_fails_leaves_the_old_state_and_can_be_resumed() {
    for at in 0..8 {
        let (bench, anna, build) = failing(at, false).await;
        let old = bench.device(&anna.workspace.root).await.unwrap();
        assert_eq!(
            code(ship(&anna, &build, "development").await),
            Code::StorageAccess,
            "write {at}"
        );
        assert_eq!(
            bench.device(&anna.workspace.root).await.unwrap(),
            old,
            "write {at}"
        );
        let job = anna
            .console
            .jobs()
            .await
            .unwrap()
            .into_iter()
            .find(|j| j.intent.is_some())
            .unwrap();
        anna.console.resume_job(&job.id).await.unwrap();
        anna.console.wait(&job.id).await.unwrap();
        let seen = bench.device(&anna.workspace.root).await.unwrap();
        assert_eq!(seen.build("development"), Some(1), "write {at}");
    }
}
