//! A channel that a test leads through its life, and devices that ask it.

use std::collections::{BTreeMap, BTreeSet};

use headgate_core::native::{Native, NativeRange, Platform};
use headgate_core::offer::{Approved, ChannelState, Device, Finding, Offer, explain, who_gets};
use headgate_core::settings::EmbeddedBuilds;
use headgate_core::{RolloutDocument, Start};
use headgate_tuf::{Name, UtcTime};

pub(crate) fn hash(build: u32) -> String {
    format!("{build:064x}")
}

pub(crate) fn at(seconds: i64) -> UtcTime {
    UtcTime::from_unix(seconds)
}

pub(crate) fn ios(min: Option<&str>, max: Option<&str>) -> Native {
    let range = NativeRange {
        min: min.map(Into::into),
        max: max.map(Into::into),
        exclude: Vec::new(),
    };
    Native::new(range, NativeRange::default()).unwrap()
}

/// A channel with the releases 1 to 9, all approved.
#[derive(Clone)]
pub(crate) struct Channel {
    pub(crate) rollout: Option<RolloutDocument>,
    pub(crate) natives: BTreeMap<u32, Native>,
    pub(crate) embedded: EmbeddedBuilds,
    pub(crate) approved: BTreeSet<u32>,
    pub(crate) clock: i64,
}

impl Channel {
    pub(crate) fn new() -> Self {
        Self {
            rollout: None,
            natives: BTreeMap::new(),
            embedded: EmbeddedBuilds::default(),
            approved: (1..10).collect(),
            clock: 0,
        }
    }

    pub(crate) fn native(mut self, build: u32, native: Native) -> Self {
        self.natives.insert(build, native);
        self
    }

    pub(crate) fn embeds(mut self, native: &str, build: u32) -> Self {
        self.embedded.ios.insert(native.into(), build);
        self
    }

    pub(crate) fn start(mut self, release: u32, permille: u16) -> Self {
        self.clock += 1;
        let start = Start {
            unit: Name::new("main").unwrap(),
            channel: Name::new("production").unwrap(),
            release,
            manifest: hash(release),
            permille,
            salt: format!("salt-{}", self.clock),
            native: None,
            steps: Vec::new(),
            min_hours: 0,
            gate: None,
            now: at(self.clock),
            reason: "x".into(),
        };
        self.rollout = Some(RolloutDocument::start(self.rollout.as_ref(), start).unwrap());
        self
    }

    pub(crate) fn then(
        mut self,
        change: impl FnOnce(&RolloutDocument, UtcTime) -> RolloutDocument,
    ) -> Self {
        self.clock += 1;
        let now = at(self.clock);
        self.rollout = self.rollout.map(|r| change(&r, now));
        self
    }

    pub(crate) fn share(self, permille: u16) -> Self {
        self.then(|r, now| r.set_share(permille, now, "x").unwrap())
    }

    pub(crate) fn halt(self) -> Self {
        self.then(|r, _| r.halt("x").unwrap())
    }

    pub(crate) fn resume(self) -> Self {
        self.then(|r, now| r.resume(now, "x").unwrap())
    }

    pub(crate) fn back(self, build: u32) -> Self {
        self.then(|r, now| r.roll_back(build, &hash(build), now, "x").unwrap())
    }

    pub(crate) fn back_to_embedded(self) -> Self {
        self.then(|r, now| r.embedded(now, "x").unwrap())
    }

    pub(crate) fn state(&self) -> ChannelState {
        let approved = self.approved.iter().map(|build| {
            let native = self.natives.get(build).cloned().unwrap_or_default();
            let sha256 = hash(*build);
            (*build, Approved { sha256, native })
        });
        ChannelState {
            rollout: self.rollout.clone().unwrap(),
            releases: approved.collect(),
            embedded: self.embedded.clone(),
        }
    }

    /// What a device gets; the trace says the same.
    pub(crate) fn asks(&self, device: &Device) -> Offer {
        let state = self.state();
        let decision = explain(&state, device);
        assert_eq!(decision.offer, who_gets(&state, device));
        agrees(&decision.trace.last().unwrap().finding, decision.offer);
        decision.offer
    }

    pub(crate) fn attempt(&self) -> String {
        self.rollout.as_ref().unwrap().attempt()
    }
}

/// The last line of a trace is the decision.
pub(crate) fn agrees(finding: &Finding, offer: Offer) {
    let fits = match finding {
        Finding::Offered => matches!(offer, Offer::Release(_) | Offer::Embedded),
        Finding::Runs => offer == Offer::UpToDate,
        Finding::Passed(why) => offer == Offer::Nothing(*why),
    };
    assert!(fits, "{finding:?} decided {offer:?}");
}

pub(crate) fn device(install: &str, running: Option<u32>) -> Device {
    Device {
        install_id: Some(install.into()),
        platform: Platform::Ios,
        native: "4.2.0".into(),
        running,
        failed: Vec::new(),
    }
}

pub(crate) fn on(native: &str, running: Option<u32>) -> Device {
    Device {
        native: native.into(),
        ..device("device-0", running)
    }
}

pub(crate) fn fleet() -> Vec<String> {
    (0..400).map(|n| format!("install-{n}")).collect()
}

/// Installs that are offered a build, coming from another.
pub(crate) fn reached(channel: &Channel, build: u32, running: Option<u32>) -> BTreeSet<String> {
    let reaches = |id: &String| channel.asks(&device(id, running)) == Offer::Release(build);
    fleet().into_iter().filter(reaches).collect()
}
