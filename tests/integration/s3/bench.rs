//! A console on a bucket.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use headgate_core::{Problem, Result};
use headgate_engine::{
    Clock as _, ConnectRequest, Console, InitRequest, Job, JobState, OpenStore, Options, Receipt,
    VaultChoice,
};
use headgate_registry::Store;
use headgate_tests::{
    APP, Asked, Buckets, CHANNELS, Fault, OneVault, Person, S3, Seen, TestClock, device, noise,
    pass, scratch, varied, world,
};
use tempfile::TempDir;

pub(super) struct Bucket {
    pub(super) dir: TempDir,
    pub(super) clock: Arc<TestClock>,
    pub(super) vault: OneVault,
    pub(super) s3: S3,
}

pub(super) async fn bucket() -> Bucket {
    let dir = scratch();
    let s3 = S3::start(&dir.path().join("s3")).await;
    Bucket {
        clock: TestClock::new(),
        vault: OneVault::memory(),
        s3,
        dir,
    }
}

impl Bucket {
    pub(super) fn address(&self) -> String {
        self.s3.address("ota")
    }

    pub(super) fn options(&self, person: &str, stores: Buckets) -> Options {
        Options {
            home: self.dir.path().join("homes").join(person),
            person: person.to_owned(),
            world: world(&self.clock, &format!("s3/{person}")),
            stores: Arc::new(stores),
            vaults: Arc::new(self.vault.clone()),
        }
    }

    pub(super) async fn console(&self, person: &str) -> Console {
        Console::open(self.options(person, self.s3.stores()))
            .await
            .unwrap()
    }

    pub(super) async fn first(&self, person: &str) -> Person {
        self.first_at(person, None).await
    }

    pub(super) async fn first_at(&self, person: &str, public_url: Option<String>) -> Person {
        let console = self.console(person).await;
        let workspace = self.init(&console, public_url).await.unwrap();
        Person { console, workspace }
    }

    pub(super) async fn init(
        &self,
        console: &Console,
        public_url: Option<String>,
    ) -> Result<headgate_engine::Workspace> {
        let request = InitRequest {
            app: APP.into(),
            name: "Acme Field".into(),
            storage: self.address(),
            public_url,
            channels: CHANNELS.map(String::from).to_vec(),
            vault: VaultChoice::Os,
            vault_why: None,
            sandbox: false,
            credentials: None,
        };
        Ok(console.init(request).await?.0)
    }

    /// A second console with the first one's keys.
    pub(super) async fn second(&self, first: &Person, person: &str) -> Person {
        let console = self.console(person).await;
        let request = ConnectRequest {
            name: String::new(),
            storage: self.address(),
            public_url: None,
            root: first.workspace.root.clone(),
            vault: VaultChoice::Os,
            credentials: None,
        };
        let workspace = console.connect(request).await.unwrap();
        for key in first.console.keys(&first.workspace.id).await.unwrap() {
            let sealed = first
                .console
                .export_key(&first.workspace.id, key.id.as_str(), pass());
            let import = console.import_key(
                &workspace.id,
                sealed.await.unwrap(),
                Some(pass()),
                &key.name,
            );
            import.await.unwrap();
        }
        Person { console, workspace }
    }

    pub(super) fn store(&self) -> Arc<dyn Store> {
        self.s3.stores().open(&self.address()).unwrap()
    }

    /// What a device that pinned the root gets. Faults do not reach it.
    pub(super) async fn device(&self, person: &Person) -> Seen {
        self.s3.heal();
        device(
            self.store().as_ref(),
            &person.workspace.root,
            self.clock.now(),
        )
        .await
        .unwrap()
    }

    pub(super) fn build(&self, word: &str) -> PathBuf {
        varied(&self.dir.path().join("builds").join(word), word)
    }

    /// A build whose bundle takes several parts of 8 MiB: nothing in it compresses.
    pub(super) fn large(&self, word: &str, mebibytes: u64) -> PathBuf {
        let folder = self.build(word);
        std::fs::write(
            folder.join("assets/map.bin"),
            noise(word, mebibytes * 1024 * 1024),
        )
        .unwrap();
        folder
    }
}

/// Ships and gives the receipt.
pub(super) async fn ship(person: &Person, build: &Path) -> Result<Receipt> {
    let job = person.start_ship(build, "development", "4.2.5").await?;
    person.receipt(&job).await
}

/// Ships what must fail; gives the job and why.
pub(super) async fn fails(person: &Person, build: &Path) -> (String, Problem) {
    let job = person
        .start_ship(build, "development", "4.2.5")
        .await
        .unwrap();
    let problem = person.console.wait(&job).await.unwrap_err();
    assert!(!problem.holds.is_empty() && !problem.remedy.is_empty());
    (job, problem)
}

/// Resumes a job and waits for its receipt.
pub(super) async fn resume(person: &Person, job: &str) -> Receipt {
    person.console.resume_job(job).await.unwrap();
    person.receipt(job).await.unwrap()
}

/// Waits until a job is in this state.
pub(super) async fn until(person: &Person, job: &str, state: JobState) -> Job {
    for _ in 0..600 {
        let now = person.console.job(job).await.unwrap();
        if now.state == state {
            return now;
        }
        tokio::time::sleep(std::time::Duration::from_millis(20)).await;
    }
    panic!("{job} is never {state:?}");
}

/// The first `times` requests that fit get the fault.
pub(super) fn first(
    times: usize,
    fits: impl Fn(&Asked) -> bool + Send + Sync + 'static,
    fault: Fault,
) -> impl Fn(&Asked) -> Fault + Send + Sync + 'static {
    let left = std::sync::atomic::AtomicUsize::new(times);
    move |asked| {
        use std::sync::atomic::Ordering::SeqCst;
        if fits(asked)
            && left
                .fetch_update(SeqCst, SeqCst, |n| n.checked_sub(1))
                .is_ok()
        {
            return fault.clone();
        }
        Fault::Pass
    }
}

/// Writes of objects, parts included.
pub(super) fn puts(bucket: &Bucket, folder: &str) -> Vec<Asked> {
    let folder = format!("ota/{folder}");
    let asked = bucket.s3.asked().into_iter();
    asked
        .filter(|a| a.is_put() && a.key.starts_with(&folder))
        .collect()
}
