//! Devices of Headgate's dialect: the real machine, with a folder in memory.

use std::sync::Arc;

use async_trait::async_trait;
use headgate_core::Result;
use headgate_core::status::Dialect;

use super::shared::Shared;
use super::stats::Event;
use super::{Drawn, Simulated};
use crate::{DeviceOptions, Facts, HttpNet, MemoryDisk, Outcome, Policy, Runner, Started};

pub(super) struct HeadgateDevice {
    runner: Runner,
    install: String,
    /// Manifest of the release that was staged last: each is counted once.
    staged: Option<String>,
}

impl HeadgateDevice {
    pub(super) fn new(shared: &Shared, drawn: &Drawn) -> Result<Self> {
        let options = &shared.options;
        let facts = Facts {
            root: options.root.clone(),
            native: drawn.native.clone(),
            platform: drawn.platform,
            channel: options.channel.clone(),
            client: concat!("headgate-fleet/", env!("CARGO_PKG_VERSION")).into(),
        };
        let mut device = DeviceOptions::new(options.unit.clone(), facts);
        device.install = Some(drawn.install.clone());
        // A simulated crash is one: nobody closes the app before it is ready.
        device.policy = Policy {
            max_versions: 2,
            ..Policy::default()
        };
        device.seed = Arc::clone(&shared.library) as _;
        device.judge = Arc::clone(&shared.judge) as _;
        let net = HttpNet::with_client(
            &options.server,
            &options.app,
            &options.channel,
            shared.limits,
            shared.strict.clone(),
        )?;
        let disk = MemoryDisk::sharing(Arc::clone(&shared.digests));
        Ok(Self {
            runner: Runner::open(device, Arc::new(disk), Arc::new(net))?,
            install: drawn.install.clone(),
            staged: None,
        })
    }

    /// What was switched to starts, or does not.
    async fn trial(&mut self, shared: &Shared, started: &Started) {
        let Some(placed) = started
            .target
            .bundle()
            .filter(|_| started.confirm.is_some())
        else {
            return;
        };
        let note = |event| shared.totals.note(Dialect::Headgate, event);
        note(Event::Applied);
        let options = &shared.options;
        let (build, version) = (placed.build, &placed.version);
        if options
            .failure
            .starts(options.seed, &self.install, build, version)
        {
            self.runner.ready().await;
            note(Event::Confirmed);
        } else {
            self.runner.not_ready("crash").await;
            note(Event::RolledBack);
        }
    }
}

#[async_trait]
impl Simulated for HeadgateDevice {
    async fn round(&mut self, shared: &Shared) {
        let totals = &shared.totals;
        match self.runner.start().await {
            Ok(started) => self.trial(shared, &started).await,
            Err(problem) => return totals.failed(Dialect::Headgate, problem.code.text()),
        }
        totals.note(Dialect::Headgate, Event::Checked);
        match self.runner.check().await {
            Outcome::Stale(problem) | Outcome::Failed(problem) => {
                totals.failed(Dialect::Headgate, problem.code.text());
            }
            Outcome::Staged(Some(_)) => {
                let staged = self.runner.memory().staged.as_ref();
                let manifest = staged.and_then(|t| t.bundle()).map(|p| p.manifest.clone());
                if manifest != self.staged {
                    totals.note(Dialect::Headgate, Event::Offered);
                    totals.note(Dialect::Headgate, Event::Downloaded);
                    self.staged = manifest;
                }
            }
            Outcome::Staged(None) | Outcome::UpToDate | Outcome::Nothing(_) => self.staged = None,
        }
        if let Err(problem) = self.runner.report().await {
            totals.failed(Dialect::Headgate, problem.code.text());
        }
    }

    fn running(&self) -> Option<u32> {
        self.runner.memory().current.build()
    }
}
