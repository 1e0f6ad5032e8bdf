//! A reference device against a server, on a clock that tests set.

use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use headgate_core::rollout::RolloutDocument;
use headgate_core::{Code, Platform, in_share};
use headgate_device::{
    DeviceOptions, Disk, Facts, HttpNet, MemoryDisk, Net, Outcome, Runner, Started, Target,
};
use headgate_engine::Clock as _;
use headgate_registry::HttpLimits;
use headgate_tuf::Name;

use crate::{APP, TestClock};

/// Limits that make a slow server fail within a test.
pub fn impatient() -> HttpLimits {
    HttpLimits {
        connect: Duration::from_secs(5),
        idle: Duration::from_secs(5),
        metadata: Duration::from_millis(1_500),
        slow_span: Duration::from_millis(500),
        slow_bytes: 4_096,
    }
}

/// An install id that the rollout of a channel reaches: a partial share reaches few.
pub fn reached(storage: &Path, channel: &str) -> String {
    let end = format!(".main.{channel}.rollout.json");
    let names = std::fs::read_dir(storage.join("targets")).unwrap();
    let documents = names
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.to_str().unwrap().ends_with(&end))
        .map(|path| RolloutDocument::parse(&std::fs::read(path).unwrap()).unwrap());
    let entries: Vec<_> = documents.flat_map(|d| d.entries).collect();
    let all = |id: &String| {
        let mut entries = entries.iter();
        entries.all(|e| in_share(Some(id), &e.salt, e.permille))
    };
    (0..1_000_000)
        .map(|n| format!("phone-{n}"))
        .find(all)
        .unwrap()
}

/// A device that can be killed and started again on the same disk.
pub struct Phone {
    /// The device.
    pub runner: Runner,
    /// Its disk.
    pub disk: Arc<dyn Disk>,
    /// How it is set up.
    pub options: DeviceOptions,
    net: Arc<dyn Net>,
}

impl Phone {
    /// A phone of the app, on Android 4.2.0.
    pub fn options(
        root: &[u8],
        channel: &str,
        install: &str,
        clock: &Arc<TestClock>,
    ) -> DeviceOptions {
        let facts = Facts {
            root: String::from_utf8(root.to_vec()).unwrap(),
            native: "4.2.0".into(),
            platform: Platform::Android,
            channel: channel.into(),
            client: "test/1".into(),
        };
        let mut options = DeviceOptions::new(Name::new("main").unwrap(), facts);
        options.install = Some(install.into());
        let clock = Arc::clone(clock);
        options.clock = Arc::new(move || clock.now());
        options
    }

    /// A new phone that asks a server.
    pub fn at(server: &str, options: DeviceOptions) -> Self {
        let channel = options.facts.channel.clone();
        let net = HttpNet::new(server, APP, &channel, impatient()).unwrap();
        Self::with(options, Arc::new(MemoryDisk::new()), Arc::new(net))
    }

    /// A phone with a disk and a network of its own.
    pub fn with(options: DeviceOptions, disk: Arc<dyn Disk>, net: Arc<dyn Net>) -> Self {
        let runner = Runner::open(options.clone(), Arc::clone(&disk), Arc::clone(&net)).unwrap();
        Self {
            runner,
            disk,
            options,
            net,
        }
    }

    /// The process ends and starts again.
    pub async fn restart(&mut self) -> Started {
        let (disk, net) = (Arc::clone(&self.disk), Arc::clone(&self.net));
        self.runner = Runner::open(self.options.clone(), disk, net).unwrap();
        self.runner.start().await.unwrap()
    }

    /// Starts, confirms, checks and reports, until there is nothing new. Gives the build that runs.
    pub async fn settle(&mut self) -> Option<u32> {
        for _ in 0..5 {
            self.restart().await;
            self.runner.ready().await;
            let outcome = self.runner.check().await;
            self.runner.report().await.unwrap();
            match outcome {
                Outcome::Staged(_) => {}
                Outcome::UpToDate | Outcome::Nothing(_) => return self.build(),
                other => panic!("a healthy check ended with {other:?}"),
            }
        }
        panic!("the device does not settle");
    }

    /// Build that runs.
    pub fn build(&self) -> Option<u32> {
        self.runner.running().and_then(|s| s.target.build())
    }

    /// Checks, must end with this code, and runs afterwards what it ran before.
    pub async fn refuses(&mut self, code: Code) {
        let before = self.runner.memory().current.clone();
        let ended = match self.runner.check().await {
            Outcome::Stale(problem) | Outcome::Failed(problem) => problem,
            other => panic!("the device believed it: {other:?}"),
        };
        assert_eq!(ended.code, code, "{ended}");
        self.unmoved(&before).await;
    }

    /// Checks, is told nothing for this reason, and runs afterwards what it ran before.
    pub async fn gets_nothing(&mut self, why: &str) {
        let before = self.runner.memory().current.clone();
        match self.runner.check().await {
            Outcome::Nothing(said) => assert_eq!(said, why),
            other => panic!("the device believed it: {other:?}"),
        }
        self.unmoved(&before).await;
    }

    async fn unmoved(&mut self, before: &Target) {
        assert_eq!(self.runner.memory().staged, None);
        assert_eq!(self.restart().await.target, *before);
    }
}
