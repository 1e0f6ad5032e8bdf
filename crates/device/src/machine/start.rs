//! Starts: which web build runs, and whether it stays.

use headgate_core::status::DeviceState;
use headgate_tuf::sha256_hex;

use super::{After, Effect, Facts, Life, Machine, Update};
use crate::memory::{Target, Trial};

impl Machine {
    pub(super) fn start(&mut self, facts: Facts) -> Vec<Effect> {
        let memory = &mut self.memory;
        let pin = sha256_hex(facts.root.as_bytes());
        if memory.pin != pin {
            // Another root in the binary begins another history.
            memory.root = facts.root.clone();
            memory.marks = Default::default();
            memory.floor = 0;
            memory.pin = pin;
        }
        if memory.native != facts.native {
            // The store app brought its own web build, and what was downloaded was made for another native version.
            memory.native = facts.native.clone();
            memory.current = Target::Embedded;
            memory.staged = None;
            memory.trial = None;
            memory.held.clear();
            memory.failed.clear();
        }
        let tried = memory.trial.as_ref().map_or(0, |t| t.starts);
        if tried >= self.policy.max_starts {
            self.fall_back("not_confirmed");
        }
        self.facts = Some(facts);
        self.update = Update::Idle;
        self.read_only = false;
        self.choose()
    }

    pub(super) fn choose(&mut self) -> Vec<Effect> {
        let memory = &self.memory;
        let fits = |facts: &Facts| facts.native == memory.native;
        let target = match (self.read_only, &memory.staged) {
            (false, Some(staged)) => staged.clone(),
            (false, None) => memory.current.clone(),
            // What could not be written may have been the reset to a new native version.
            (true, _) if !self.facts.as_ref().is_some_and(fits) => Target::Embedded,
            (true, _) => memory.proven().clone(),
        };
        self.life = Life::Examining(target.clone());
        match target {
            Target::Embedded => self.launch(Target::Embedded),
            Target::Bundle(placed) => vec![Effect::Examine(placed)],
        }
    }

    pub(super) fn examined(&mut self, good: bool) -> Vec<Effect> {
        let Life::Examining(target) = self.life.clone() else {
            return Vec::new();
        };
        match target.bundle() {
            Some(placed) if !good => {
                // The disk lost it: nothing is said about the release.
                let at = self.now.unix();
                let why = Some("damaged");
                self.memory.note(placed, DeviceState::Failed, why, at);
                self.memory.forget(&placed.manifest);
                self.choose()
            }
            _ => self.launch(target),
        }
    }

    fn launch(&mut self, target: Target) -> Vec<Effect> {
        if self.read_only {
            return self.run(target);
        }
        let at = self.now.unix();
        let memory = &mut self.memory;
        if memory.staged.as_ref() == Some(&target) {
            memory.staged = None;
            let before = memory.proven().clone();
            memory.trial = None;
            if let Some(placed) = target.bundle().filter(|p| !before.is(&p.manifest)) {
                memory.trial = Some(Trial { starts: 1, before });
                memory.note(placed, DeviceState::Applied, None, at);
            }
            memory.current = target.clone();
        } else if let Some(trial) = &mut memory.trial {
            trial.starts += 1;
        }
        memory.prune(self.policy.max_versions);
        if self.memory == self.saved {
            return self.run(target);
        }
        self.save(After::Run(target))
    }

    pub(super) fn ready(&mut self) -> Vec<Effect> {
        if self.life != Life::Running || self.read_only || self.memory.trial.take().is_none() {
            return Vec::new();
        }
        let at = self.now.unix();
        if let Some(placed) = self.memory.current.bundle().cloned() {
            self.memory.note(&placed, DeviceState::Confirmed, None, at);
        }
        self.save(After::Nothing)
    }

    pub(super) fn not_ready(&mut self, reason: &str) -> Vec<Effect> {
        if self.life != Life::Running || self.read_only || self.memory.trial.is_none() {
            return Vec::new();
        }
        self.fall_back(reason);
        self.choose()
    }

    /// Ends a trial badly: the release is not tried again in this attempt.
    fn fall_back(&mut self, reason: &str) {
        let at = self.now.unix();
        if let Some(placed) = self.memory.current.bundle().cloned() {
            self.memory.note_failed(&placed);
            self.memory
                .note(&placed, DeviceState::RolledBack, Some(reason), at);
            self.memory.forget(&placed.manifest);
        }
        self.memory.trial = None;
    }
}
