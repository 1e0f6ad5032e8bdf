//! Updates: from a question to a bundle that waits for the next start.

use headgate_core::status::DeviceState;
use headgate_core::{Code, Device, Offer, Problem};
use headgate_tuf::UtcTime;

use super::{After, Effect, Machine, Outcome, Update, WITHHELD, Wanted};
use crate::judge::{Answer, Judged};
use crate::memory::{Placed, Target};

/// How far a signed time may be ahead of the device's clock and still raise the floor, seconds (trust model §4).
const MAX_AHEAD: i64 = 24 * 3_600;

impl Machine {
    pub(super) fn check(&mut self, now: UtcTime) -> Vec<Effect> {
        let Some(facts) = self.facts.as_ref().filter(|_| self.update == Update::Idle) else {
            return Vec::new();
        };
        self.now = now;
        let device = Device {
            install_id: Some(self.memory.install.clone()),
            platform: facts.platform,
            native: facts.native.clone(),
            running: self.memory.current.build(),
            failed: self.memory.failed.clone(),
        };
        self.update = Update::Asking { now };
        vec![Effect::Ask {
            at: now.max(UtcTime::from_unix(self.memory.floor)),
            device: Box::new(device),
        }]
    }

    pub(super) fn judged(&mut self, result: Result<Box<Judged>, Problem>) -> Vec<Effect> {
        let Update::Asking { now } = self.update else {
            return Vec::new();
        };
        self.update = Update::Idle;
        let judged = match result {
            Ok(judged) => judged,
            Err(problem) => return vec![Effect::Finish(refused(problem))],
        };
        let memory = &mut self.memory;
        if memory.root != judged.trusted.root {
            memory.root = judged.trusted.root;
            memory.floor = 0;
        }
        memory.marks = judged.trusted.marks;
        let signed = judged.trusted.signed_at.unix();
        if signed <= now.unix().saturating_add(MAX_AHEAD) {
            memory.floor = memory.floor.max(signed);
        }
        let answer = match judged.answer {
            Ok(answer) => answer,
            Err(problem) => return self.save_if_new(refused(problem)),
        };
        self.answered(answer)
    }

    pub(super) fn withheld(&mut self) -> Vec<Effect> {
        let Update::Asking { .. } = self.update else {
            return Vec::new();
        };
        self.update = Update::Idle;
        // A health gate may have stopped what waits. It stays on the disk, so taking it up again costs nothing.
        self.memory.staged = None;
        self.save_if_new(Outcome::Nothing(WITHHELD))
    }

    fn answered(&mut self, answer: Answer) -> Vec<Effect> {
        let memory = &mut self.memory;
        match (answer.offer, answer.release) {
            (Offer::Release(build), Some((sha256, manifest))) => {
                let placed = Placed {
                    build,
                    version: manifest.version.clone(),
                    inventory: manifest.inventory.sha256.clone(),
                    manifest: sha256,
                    attempt: answer.attempt,
                };
                if memory.holds(&placed.manifest).is_some() {
                    for held in memory
                        .held
                        .iter_mut()
                        .filter(|h| h.manifest == placed.manifest)
                    {
                        held.attempt.clone_from(&placed.attempt);
                    }
                    memory.staged = Some(Target::Bundle(placed));
                    return self.save_if_new(Outcome::Staged(Some(build)));
                }
                memory.staged = None;
                let wanted = Box::new(Wanted {
                    placed,
                    manifest,
                    objects: answer.objects,
                });
                self.update = Update::Downloading(wanted.clone());
                self.save(After::Download(wanted))
            }
            (Offer::Embedded, _) => {
                let there = memory.current == Target::Embedded;
                memory.staged = (!there).then_some(Target::Embedded);
                self.save_if_new(Outcome::Staged(None))
            }
            (Offer::Nothing(why), _) => {
                // What waits is not offered any more: halted, or rolled back.
                memory.staged = None;
                self.save_if_new(Outcome::Nothing(why.code()))
            }
            (Offer::UpToDate | Offer::Release(_), _) => {
                memory.staged = None;
                self.save_if_new(Outcome::UpToDate)
            }
        }
    }

    fn save_if_new(&mut self, outcome: Outcome) -> Vec<Effect> {
        if self.memory == self.saved {
            return vec![Effect::Finish(outcome)];
        }
        self.save(After::Finish(outcome))
    }

    pub(super) fn downloaded(&mut self, result: Result<(), Problem>) -> Vec<Effect> {
        let Update::Downloading(wanted) = self.update.clone() else {
            return Vec::new();
        };
        match result {
            Ok(()) => {
                self.update = Update::Verifying(wanted.clone());
                vec![Effect::Verify(wanted)]
            }
            Err(problem) => self.failed(&wanted, problem),
        }
    }

    pub(super) fn verified(&mut self, result: Result<(), Problem>) -> Vec<Effect> {
        let Update::Verifying(wanted) = self.update.clone() else {
            return Vec::new();
        };
        match result {
            Ok(()) => {
                self.update = Update::Staging(wanted.clone());
                vec![Effect::Stage(wanted)]
            }
            Err(problem) => self.failed(&wanted, problem),
        }
    }

    pub(super) fn staged(&mut self, result: Result<(), Problem>) -> Vec<Effect> {
        let Update::Staging(wanted) = self.update.clone() else {
            return Vec::new();
        };
        match result {
            Ok(()) => {
                self.update = Update::Idle;
                let (placed, at) = (wanted.placed, self.now.unix());
                self.memory.note(&placed, DeviceState::Downloaded, None, at);
                let outcome = Outcome::Staged(Some(placed.build));
                self.memory.held.push(placed.clone());
                self.memory.staged = Some(Target::Bundle(placed));
                self.memory.prune(self.policy.max_versions);
                self.save(After::Finish(outcome))
            }
            Err(problem) => self.failed(&wanted, problem),
        }
    }

    fn failed(&mut self, wanted: &Wanted, problem: Problem) -> Vec<Effect> {
        self.update = Update::Idle;
        let (at, why) = (self.now.unix(), Some(problem.code.text()));
        let placed = &wanted.placed;
        self.memory.note(placed, DeviceState::Failed, why, at);
        self.save_if_new(Outcome::Failed(problem))
    }
}

/// What a check ends with that was not believed.
fn refused(problem: Problem) -> Outcome {
    match problem.code {
        Code::TrustExpired | Code::TrustClock => Outcome::Stale(problem),
        _ => Outcome::Failed(problem),
    }
}
