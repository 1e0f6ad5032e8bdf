//! Changes of a rollout document. Each makes the next document; none changes one in place.

use headgate_tuf::{Name, UtcTime};

use crate::native::Native;
use crate::rollout::{
    Base, BaseRelease, Entry, Frozen, Gate, MAX_KEEP, RolloutDocument, RolloutState, check_permille,
};
use crate::share::ALL;
use crate::{Code, Problem, Result};

/// What a new rollout needs.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Start {
    /// Unit.
    pub unit: Name,
    /// Channel.
    pub channel: Name,
    /// Build number of the release.
    pub release: u32,
    /// SHA-256 of its manifest, lower-case hex.
    pub manifest: String,
    /// Share to begin with, 1 to 1000.
    pub permille: u16,
    /// Fresh random text; unused when the salt of an unfinished rollout is taken over.
    pub salt: String,
    /// Narrows the native versions of the manifest.
    pub native: Option<Native>,
    /// Shares to go through, permille, rising.
    pub steps: Vec<u16>,
    /// Hours that each step is meant to last at least.
    pub min_hours: u32,
    /// When the server is to withhold it.
    pub gate: Option<Gate>,
    /// Time of the change.
    pub now: UtcTime,
    /// Why.
    pub reason: String,
}

impl RolloutDocument {
    /// Starts to roll out a release. At 1000 permille it becomes the base at once.
    ///
    /// A release that supersedes an unfinished rollout takes over its salt, so the same devices come first, and its
    /// holders: they stay on what they run until a share reaches them.
    ///
    /// # Errors
    /// `release.same` when everyone gets the release already, `rollout.state` when it is on its way, is the base below a
    /// rollout or the channel is frozen, `usage.argument` for wrong values.
    pub fn start(current: Option<&Self>, start: Start) -> Result<Self> {
        check_permille("permille", start.permille)?;
        if let Some(current) = current {
            current.may_start(&start)?;
        }
        let unfinished = current.and_then(|c| c.entries.first());
        let mut keep = current.map(|c| c.keep.clone()).unwrap_or_default();
        keep.extend(current.iter().flat_map(|c| &c.entries).map(|e| e.release));
        keep.retain(|build| *build != start.release);
        keep.sort_unstable();
        keep.dedup();
        if keep.len() > MAX_KEEP {
            return Err(state(
                "Too many rollouts were never finished. Complete one first.",
            ));
        }
        let entry = Entry {
            release: start.release,
            manifest: start.manifest,
            permille: start.permille,
            salt: unfinished.map_or(start.salt, |e| e.salt.clone()),
            native: start.native,
            state: RolloutState::RollingOut,
            opened: None,
        };
        Self {
            unit: start.unit,
            channel: start.channel,
            entries: vec![entry],
            base: current.map_or(Base::Nothing, |c| c.base.clone()),
            keep,
            steps: start.steps,
            min_hours: start.min_hours,
            gate: start.gate,
            frozen: None,
            started: start.now,
            reason: start.reason,
        }
        .finished()
    }

    fn may_start(&self, start: &Start) -> Result<()> {
        if self.unit != start.unit || self.channel != start.channel {
            let what = format!(
                "{} {} is not {} {}.",
                start.unit, start.channel, self.unit, self.channel
            );
            return Err(Problem::new(Code::UsageArgument, what));
        }
        self.not_frozen()?;
        let release = start.release;
        if self.base.build() == Some(release) {
            return Err(if self.entries.is_empty() {
                let what = format!("{} serves build {release} to everyone.", self.channel);
                Problem::new(Code::ReleaseSame, what)
            } else {
                state(format!(
                    "Build {release} is what devices outside the rollout get. Roll back to it instead."
                ))
            });
        }
        match self.entries.iter().find(|e| e.release == release) {
            Some(e) => Err(state(format!(
                "The rollout of build {release} is {} at {}. {}",
                in_words(e.state),
                percent(e.permille),
                if e.state == RolloutState::Halted {
                    "Resume it instead."
                } else {
                    "Raise its share instead."
                }
            ))),
            None => Ok(()),
        }
    }

    /// Raises the share of the rollout; at 1000 permille it is complete.
    ///
    /// # Errors
    /// `rollout.share_lowered`, `rollout.state` when nothing rolls out or the share is the same, `usage.argument`.
    pub fn set_share(&self, permille: u16, now: UtcTime, reason: &str) -> Result<Self> {
        check_permille("permille", permille)?;
        let old = self.unfinished(RolloutState::RollingOut, "raised")?;
        self.not_frozen()?;
        if permille < old.permille {
            let what = format!(
                "The share is {} and cannot go down to {}.",
                percent(old.permille),
                percent(permille)
            );
            return Err(Problem::new(Code::RolloutLower, what).field("permille"));
        }
        if permille == old.permille {
            return Err(state(format!(
                "The share is {} already.",
                percent(permille)
            )));
        }
        self.with_first(reason, |entry| entry.permille = permille)
            .completed_at(now)
    }

    /// Stops to offer the rollout to devices that do not have it; those that have it stay.
    ///
    /// # Errors
    /// `rollout.state` when nothing rolls out, `usage.argument` for the reason.
    pub fn halt(&self, reason: &str) -> Result<Self> {
        self.unfinished(RolloutState::RollingOut, "halted")?;
        self.with_first(reason, |entry| entry.state = RolloutState::Halted)
            .finished()
    }

    /// Goes on with a halted rollout at the same share. A health gate that stopped it judges anew.
    ///
    /// # Errors
    /// `rollout.state` when nothing is halted or the channel is frozen, `usage.argument` for the reason.
    pub fn resume(&self, now: UtcTime, reason: &str) -> Result<Self> {
        self.unfinished(RolloutState::Halted, "resumed")?;
        self.not_frozen()?;
        self.with_first(reason, |entry| {
            entry.state = RolloutState::RollingOut;
            entry.opened = Some(now);
        })
        .finished()
    }

    /// Raises the share to everyone: the release becomes the base.
    ///
    /// # Errors
    /// As [`Self::set_share`].
    pub fn complete(&self, now: UtcTime, reason: &str) -> Result<Self> {
        self.unfinished(RolloutState::RollingOut, "completed")?;
        self.set_share(ALL, now, reason)
    }

    /// Serves an earlier release to everyone: all devices move to it, also from kept and newer embedded builds.
    /// Whether the release was served and is approved is the caller's to check. On a frozen channel it is never newer than
    /// what everyone gets.
    ///
    /// # Errors
    /// `release.same` when everyone gets it already, `rollout.state` when it is what rolls out, `usage.argument`.
    pub fn roll_back(
        &self,
        release: u32,
        manifest: &str,
        now: UtcTime,
        reason: &str,
    ) -> Result<Self> {
        if self.base.build() == Some(release) && self.entries.is_empty() {
            let what = format!("{} serves build {release} to everyone.", self.channel);
            return Err(Problem::new(Code::ReleaseSame, what));
        }
        if self.entries.iter().any(|e| e.release == release) {
            return Err(state(format!(
                "Build {release} is what rolls out. Roll back to an earlier one."
            )));
        }
        if let Some(frozen) = self
            .frozen
            .as_ref()
            .filter(|_| self.base.build().is_none_or(|base| release > base))
        {
            let what = format!(
                "{}, and build {release} is newer than what everyone gets: that is no way back.",
                frozen.says()
            );
            return Err(
                state(what).remedy("Roll back to an older build, or unfreeze the channel first.")
            );
        }
        let native = match &self.base {
            // Rolling back to the base must not reach devices that its rollout left out.
            Base::Release(base) if base.release == release => base.native.clone(),
            _ => None,
        };
        let base = BaseRelease {
            release,
            manifest: manifest.into(),
            native,
            rolled_back: true,
            opened: None,
        };
        self.only(Base::Release(base), now, reason).finished()
    }

    /// Returns devices to the web build in the native app.
    ///
    /// # Errors
    /// `rollout.state` when the channel does that already, `usage.argument` for the reason.
    pub fn embedded(&self, now: UtcTime, reason: &str) -> Result<Self> {
        if self.base == Base::Embedded && self.entries.is_empty() {
            return Err(state(format!(
                "{} has returned devices to the embedded build already.",
                self.channel
            )));
        }
        self.only(Base::Embedded, now, reason).finished()
    }

    /// Closes the channel to more devices: no release is started, no share raised, nothing resumed, until it is unfrozen.
    /// What it serves goes on as it is. Ways back stay open: halting, rolling back, returning to embedded.
    ///
    /// # Errors
    /// `rollout.state` when it is frozen already, `usage.argument` for name and reason.
    pub fn freeze(&self, by: &str, reason: &str) -> Result<Self> {
        self.not_frozen()?;
        let frozen = Frozen {
            by: by.into(),
            why: reason.into(),
        };
        Self {
            frozen: Some(frozen),
            reason: reason.into(),
            ..self.clone()
        }
        .finished()
    }

    /// Opens a frozen channel again.
    ///
    /// # Errors
    /// `rollout.state` when it is not frozen, `usage.argument` for the reason.
    pub fn unfreeze(&self, reason: &str) -> Result<Self> {
        if self.frozen.is_none() {
            return Err(state(format!("{} is not frozen.", self.channel)));
        }
        Self {
            frozen: None,
            reason: reason.into(),
            ..self.clone()
        }
        .finished()
    }

    fn unfinished(&self, needed: RolloutState, verb: &str) -> Result<&Entry> {
        let Some(entry) = self.entries.first() else {
            return Err(state(format!(
                "No rollout on {} can be {verb}: none is unfinished.",
                self.channel
            )));
        };
        if entry.state == needed {
            return Ok(entry);
        }
        let is = in_words(entry.state);
        let what = format!(
            "The rollout of build {} is {is} and cannot be {verb}.",
            entry.release
        );
        Err(state(what).remedy(match entry.state {
            RolloutState::Halted => {
                "Resume it first, roll back, or ship a release that takes its place."
            }
            _ => "Look at the channel's state, then choose an action that fits it.",
        }))
    }

    fn not_frozen(&self) -> Result<()> {
        self.frozen.as_ref().map_or(Ok(()), |f| {
            let what = format!("{} is frozen by {}: {}", self.channel, f.by, f.why);
            Err(state(what).remedy(
                "Unfreeze the channel first. Halting, rolling back and returning to embedded work on a frozen one.",
            ))
        })
    }

    fn with_first(&self, reason: &str, change: impl FnOnce(&mut Entry)) -> Self {
        let mut next = self.clone();
        next.reason = reason.into();
        if let Some(entry) = next.entries.first_mut() {
            change(entry);
        }
        next
    }

    /// Everyone gets a base, no device is left where it is.
    fn only(&self, base: Base, now: UtcTime, reason: &str) -> Self {
        Self {
            entries: Vec::new(),
            keep: Vec::new(),
            base,
            started: now,
            reason: reason.into(),
            ..self.clone()
        }
    }

    fn completed_at(self, now: UtcTime) -> Result<Self> {
        let mut next = self;
        if let Some(entry) = next.entries.first_mut().filter(|e| e.permille == ALL) {
            entry.opened.get_or_insert(next.started);
            next.started = now;
        }
        next.finished()
    }

    /// Turns a rollout to everyone into the base, and checks the document.
    fn finished(mut self) -> Result<Self> {
        let everyone = |e: &Entry| e.permille == ALL && e.state == RolloutState::RollingOut;
        if self.entries.first().is_some_and(everyone) {
            let entry = self.entries.remove(0);
            self.entries.clear();
            self.keep.clear();
            self.base = Base::Release(BaseRelease {
                release: entry.release,
                manifest: entry.manifest,
                native: entry.native,
                rolled_back: false,
                opened: entry.opened,
            });
        }
        self.check()?;
        Ok(self)
    }
}

fn state(what: impl Into<String>) -> Problem {
    Problem::new(Code::RolloutState, what)
}

fn in_words(state: RolloutState) -> &'static str {
    match state {
        RolloutState::RollingOut => "rolling out",
        RolloutState::Halted => "halted",
        RolloutState::Complete => "complete",
        RolloutState::Superseded => "superseded",
    }
}

/// A share in words: `250` is "25 %", `5` is "0.5 %".
pub fn percent(permille: u16) -> String {
    match permille % 10 {
        0 => format!("{} %", permille / 10),
        tenths => format!("{}.{tenths} %", permille / 10),
    }
}
