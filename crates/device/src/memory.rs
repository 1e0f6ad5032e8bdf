//! What a device remembers between two starts: one file, replaced as a whole.

use headgate_core::pack::{DeviceEvent, MAX_EVENTS};
use headgate_core::status::DeviceState;
use headgate_core::text::check_hex;
use headgate_core::{Code, FailedStart, Problem, Result};
use headgate_registry::HighWater;
use serde::{Deserialize, Serialize};

/// Value of [`Memory::format`].
const FORMAT: &str = "headgate-device-1";
/// Most failed starts that are kept; the oldest go first.
const MAX_FAILED: usize = 64;

/// What a device remembers.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Memory {
    /// Kind of the file.
    pub format: String,
    /// Install id. No other personal data.
    pub install: String,
    /// Native version of the app at the last start.
    pub native: String,
    /// SHA-256 of the root that the app was built with.
    pub pin: String,
    /// The newest root that was believed: exact text.
    pub root: String,
    /// Newest versions seen.
    pub marks: HighWater,
    /// Latest signed time seen, Unix seconds; no check takes place before it (trust model §4).
    pub floor: i64,
    /// What runs.
    pub current: Target,
    /// What the next start switches to.
    pub staged: Option<Target>,
    /// Set while [`Self::current`] has not said that it started well.
    pub trial: Option<Trial>,
    /// Verified bundles on the disk, oldest first.
    pub held: Vec<Placed>,
    /// Builds that did not start here.
    pub failed: Vec<FailedStart>,
    /// Events that the server has not acknowledged, oldest first.
    pub outbox: Vec<DeviceEvent>,
}

/// A web build that can run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Target {
    /// The one in the native app.
    Embedded,
    /// A downloaded one.
    Bundle(Placed),
}

/// A verified bundle.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Placed {
    /// Build number.
    pub build: u32,
    /// Version, for people.
    pub version: String,
    /// SHA-256 of the release manifest: the name of its folder.
    pub manifest: String,
    /// SHA-256 of the inventory that its files are checked against.
    pub inventory: String,
    /// Attempt of the rollout that offered it.
    pub attempt: String,
}

/// A release that was switched to and has not confirmed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Trial {
    /// Starts so far.
    pub starts: u32,
    /// What ran before and is returned to.
    pub before: Target,
}

impl Target {
    /// The bundle, unless it is the embedded build.
    pub fn bundle(&self) -> Option<&Placed> {
        match self {
            Self::Embedded => None,
            Self::Bundle(placed) => Some(placed),
        }
    }

    /// Its build number; nothing for the embedded build.
    pub fn build(&self) -> Option<u32> {
        self.bundle().map(|p| p.build)
    }

    /// Whether it is the bundle with this manifest.
    pub fn is(&self, manifest: &str) -> bool {
        self.bundle().is_some_and(|p| p.manifest == manifest)
    }
}

impl Memory {
    /// Of a device that has never run.
    pub fn new(install: &str) -> Self {
        Self {
            format: FORMAT.into(),
            install: install.into(),
            native: String::new(),
            pin: String::new(),
            root: String::new(),
            marks: HighWater::default(),
            floor: 0,
            current: Target::Embedded,
            staged: None,
            trial: None,
            held: Vec::new(),
            failed: Vec::new(),
            outbox: Vec::new(),
        }
    }

    /// As it lies on the disk.
    ///
    /// # Errors
    /// `internal`.
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        serde_json::to_vec(self).map_err(|e| Problem::new(Code::Internal, e.to_string()))
    }

    /// Reads it.
    ///
    /// # Errors
    /// `local.cache` when it is damaged: such a device starts again from the embedded build.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        let bad = |why: String| Problem::new(Code::LocalCache, format!("device.json: {why}."));
        let memory: Self = serde_json::from_slice(bytes).map_err(|e| bad(e.to_string()))?;
        if memory.format != FORMAT {
            return Err(bad(format!("its format is {:?}", memory.format)));
        }
        // Folder names are made of these.
        for placed in memory.bundles() {
            check_hex("manifest", &placed.manifest)
                .and_then(|()| check_hex("inventory", &placed.inventory))
                .map_err(|p| bad(p.message))?;
        }
        Ok(memory)
    }

    /// Every bundle that it names.
    fn bundles(&self) -> impl Iterator<Item = &Placed> {
        let targets = [
            Some(&self.current),
            self.staged.as_ref(),
            self.trial.as_ref().map(|t| &t.before),
        ];
        let targets = targets.into_iter().flatten().filter_map(Target::bundle);
        self.held.iter().chain(targets)
    }

    /// What ran well the last time: what is left when nothing may be written.
    pub fn proven(&self) -> &Target {
        self.trial.as_ref().map_or(&self.current, |t| &t.before)
    }

    /// Whether the disk holds the bundle of a manifest.
    pub fn holds(&self, manifest: &str) -> Option<&Placed> {
        self.held.iter().find(|p| p.manifest == manifest)
    }

    /// Notes an event for the server. The same one twice in a row is one.
    pub fn note(&mut self, placed: &Placed, state: DeviceState, reason: Option<&str>, at: i64) {
        let event = DeviceEvent {
            build: placed.build,
            attempt: placed.attempt.clone(),
            state,
            reason: reason.map(str::to_owned),
            at,
        };
        let same = self.outbox.last().is_some_and(|last| {
            (last.build, &last.attempt, last.state, &last.reason)
                == (event.build, &event.attempt, event.state, &event.reason)
        });
        if same {
            return;
        }
        self.outbox.push(event);
        let extra = self.outbox.len().saturating_sub(MAX_EVENTS);
        self.outbox.drain(..extra);
    }

    /// Notes that a build did not start in an attempt.
    pub fn note_failed(&mut self, placed: &Placed) {
        let failed = FailedStart {
            build: placed.build,
            attempt: placed.attempt.clone(),
        };
        self.failed.retain(|f| *f != failed);
        self.failed.push(failed);
        let extra = self.failed.len().saturating_sub(MAX_FAILED);
        self.failed.drain(..extra);
    }

    /// Forgets the bundle of a manifest wherever it is named. What runs becomes what ran before, or the embedded build.
    pub fn forget(&mut self, manifest: &str) {
        self.held.retain(|p| p.manifest != manifest);
        if self.staged.as_ref().is_some_and(|t| t.is(manifest)) {
            self.staged = None;
        }
        if self.current.is(manifest) {
            let before = self.trial.take().map(|t| t.before);
            self.current = before.unwrap_or(Target::Embedded);
        }
        if let Some(trial) = self.trial.as_mut().filter(|t| t.before.is(manifest)) {
            trial.before = Target::Embedded;
        }
        if self.current.is(manifest) {
            self.current = Target::Embedded;
        }
    }

    /// Drops the oldest bundles above a number, never one that runs, waits or would be returned to.
    pub fn prune(&mut self, max: usize) {
        let mut needed: Vec<String> = Vec::new();
        let targets = [
            Some(&self.current),
            self.staged.as_ref(),
            self.trial.as_ref().map(|t| &t.before),
        ];
        for placed in targets.into_iter().flatten().filter_map(Target::bundle) {
            needed.push(placed.manifest.clone());
        }
        while self.held.len() > max {
            let oldest = self.held.iter().position(|p| !needed.contains(&p.manifest));
            let Some(oldest) = oldest else { return };
            self.held.remove(oldest);
        }
    }
}
