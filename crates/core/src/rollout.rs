//! The rollout document: what a channel serves now. It chooses among approved releases only.

use headgate_tuf::{Name, UtcTime, canonical, sha256_hex};
use serde::{Deserialize, Serialize};

use crate::native::Native;
use crate::share::ALL;
use crate::text::{check_hex, check_text, read_canonical};
use crate::{Code, Problem, Result};

/// Largest rollout document that is read, bytes.
pub const MAX_ROLLOUT: usize = 64 * 1024;
/// Most entries, steps and kept builds.
const MAX_ENTRIES: usize = 16;
pub(crate) const MAX_KEEP: usize = 256;

/// Shares that a rollout goes through unless told otherwise, permille.
pub const STEPS: [u16; 6] = [10, 50, 100, 250, 500, ALL];

/// The steps of a rollout that starts with this share: itself, then the usual ones above it. None for one to everyone.
pub fn steps_from(first: u16) -> Vec<u16> {
    if first >= ALL {
        return Vec::new();
    }
    let above = STEPS.into_iter().filter(|s| *s > first);
    std::iter::once(first).chain(above).collect()
}

/// What a channel of a unit serves.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RolloutDocument {
    /// Unit.
    pub unit: Name,
    /// Channel.
    pub channel: Name,
    /// Unfinished rollouts, newest first; empty when everyone gets the base.
    pub entries: Vec<Entry>,
    /// What everyone else gets.
    pub base: Base,
    /// Builds whose holders stay on them until a share reaches them, sorted.
    pub keep: Vec<u32>,
    /// Shares that the rollout is meant to go through, permille, rising.
    pub steps: Vec<u16>,
    /// Hours that each step is meant to last at least.
    pub min_hours: u32,
    /// When the server is to withhold the rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// Who froze the channel; it then takes no new or larger rollout.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub frozen: Option<Frozen>,
    /// When the newest of the entries began to roll out, or the base was set.
    pub started: UtcTime,
    /// Why it was changed last.
    pub reason: String,
}

/// An unfinished rollout of a release.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Entry {
    /// Build number of the release.
    pub release: u32,
    /// SHA-256 of its manifest, lower-case hex.
    pub manifest: String,
    /// Share of the devices, 1 to 1000.
    pub permille: u16,
    /// Decides which devices are in the share.
    pub salt: String,
    /// Narrows the native versions of the manifest.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Native>,
    /// Whether it takes new devices.
    pub state: RolloutState,
    /// When it was resumed last; nothing = never, it goes out since the document's `started`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<UtcTime>,
}

/// State of a rollout.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum RolloutState {
    /// Offered to the devices in its share.
    RollingOut,
    /// Offered to no new device; devices that have it stay.
    Halted,
    /// Offered to everyone.
    Complete,
    /// A newer release took its place; as halted.
    Superseded,
}

impl RolloutState {
    /// The state as in the document.
    pub fn text(self) -> &'static str {
        match self {
            Self::RollingOut => "rolling_out",
            Self::Halted => "halted",
            Self::Complete => "complete",
            Self::Superseded => "superseded",
        }
    }

    /// Whether devices that do not have the release are offered it.
    pub fn takes_new_devices(self) -> bool {
        matches!(self, Self::RollingOut | Self::Complete)
    }
}

/// What devices get that no entry reaches. In JSON `"nothing"`, `"embedded"` or `{"release": {…}}`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Base {
    /// Nothing: they keep what they run.
    Nothing,
    /// The web build in the native app.
    Embedded,
    /// A release that everyone may have.
    Release(BaseRelease),
}

/// The release of a base.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct BaseRelease {
    /// Build number.
    pub release: u32,
    /// SHA-256 of its manifest, lower-case hex.
    pub manifest: String,
    /// Narrows the native versions of the manifest, as its rollout did.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub native: Option<Native>,
    /// It became the base by a roll-back: devices move back to it, even from a newer embedded build.
    /// Kept with the base and not with the last action, so a fix at 1 % does not return the others to what was rolled back.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rolled_back: bool,
    /// [`RolloutDocument::opened`] of the rollout that it completed; nothing where none led to it: everyone was meant from
    /// the beginning, or devices were moved back to it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub opened: Option<UtcTime>,
}

impl Base {
    /// Build number of the base, when it is a release.
    pub fn build(&self) -> Option<u32> {
        match self {
            Self::Release(r) => Some(r.release),
            Self::Embedded | Self::Nothing => None,
        }
    }
}

/// When the server withholds a rollout by itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Gate {
    /// Attempts that are needed before it judges.
    pub min_sample: u32,
    /// Failed of the attempts, permille, above which it withholds.
    pub max_failure_permille: u16,
}

impl Gate {
    /// Rules that the type does not state.
    ///
    /// # Errors
    /// `usage.argument` for the field `gate`.
    pub fn check(&self) -> Result<()> {
        if self.min_sample > 0 && self.max_failure_permille <= ALL {
            return Ok(());
        }
        let what = "A gate needs a sample of at least 1 and a failure rate of at most 100 %.";
        Err(Problem::new(Code::UsageArgument, what).field("gate"))
    }
}

/// Who froze a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Frozen {
    /// Name.
    pub by: String,
    /// Reason.
    pub why: String,
}

impl Frozen {
    /// "Frozen by Ines: audit".
    pub fn says(&self) -> String {
        format!("Frozen by {}: {}", self.by, self.why)
    }
}

/// What a channel serves, in short.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Serving {
    /// Build of the newest rollout, else of the base; nothing when the base is embedded or nothing.
    pub release: Option<u32>,
    /// SHA-256 of its manifest.
    pub manifest: Option<String>,
    /// State of it.
    pub state: RolloutState,
    /// Share of it; 1000 for a base.
    pub permille: u16,
    /// What everyone else gets.
    pub base: Base,
}

impl RolloutDocument {
    /// Canonical bytes: what the rollout role lists by hash.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn to_bytes(&self) -> Result<Vec<u8>> {
        self.check()?;
        canonical::serialize(self).map_err(|e| Problem::new(Code::UsageArgument, e.to_string()))
    }

    /// Reads a rollout document.
    ///
    /// # Errors
    /// `trust.format` when it is not exactly what [`Self::to_bytes`] writes.
    pub fn parse(bytes: &[u8]) -> Result<Self> {
        read_canonical("Rollout document", bytes, MAX_ROLLOUT, Self::to_bytes)
    }

    /// SHA-256 of the canonical bytes, lower-case hex.
    ///
    /// # Errors
    /// As [`Self::check`].
    pub fn sha256(&self) -> Result<String> {
        Ok(sha256_hex(&self.to_bytes()?))
    }

    /// Names this attempt to roll out: it changes whenever another release starts, is completed or rolled back to, and
    /// stays through raised shares, halts and resumes.
    pub fn attempt(&self) -> String {
        self.started.to_string()
    }

    /// When a person last decided that the rollout of a release goes out: it was started or resumed then. Raised shares,
    /// completion and new signatures keep it, so what a health gate stopped stays stopped until somebody decides anew.
    /// Nothing for a release that no rollout brings or brought.
    pub fn opened(&self, build: u32) -> Option<UtcTime> {
        if let Some(entry) = self.entries.iter().find(|e| e.release == build) {
            return Some(entry.opened.unwrap_or(self.started));
        }
        match &self.base {
            Base::Release(base) if base.release == build => base.opened,
            _ => None,
        }
    }

    /// What the channel serves, in short.
    pub fn serving(&self) -> Serving {
        let base = self.base.clone();
        if let Some(entry) = self.entries.first() {
            return Serving {
                release: Some(entry.release),
                manifest: Some(entry.manifest.clone()),
                state: entry.state,
                permille: entry.permille,
                base,
            };
        }
        let manifest = match &base {
            Base::Release(r) => Some(r.manifest.clone()),
            Base::Embedded | Base::Nothing => None,
        };
        Serving {
            release: base.build(),
            manifest,
            state: RolloutState::Complete,
            permille: ALL,
            base,
        }
    }

    /// Builds that it may offer, with the SHA-256 of their manifests: entries, then the base.
    pub fn names(&self) -> impl Iterator<Item = (u32, &str)> {
        let entries = self
            .entries
            .iter()
            .map(|e| (e.release, e.manifest.as_str()));
        let base = match &self.base {
            Base::Release(r) => Some((r.release, r.manifest.as_str())),
            Base::Embedded | Base::Nothing => None,
        };
        entries.chain(base)
    }

    /// Rules that the types do not state.
    ///
    /// # Errors
    /// `usage.argument` with the field.
    pub fn check(&self) -> Result<()> {
        let bad = |field: &str, why: &str| Err(Problem::new(Code::UsageArgument, why).field(field));
        if self.entries.len() > MAX_ENTRIES
            || self.steps.len() > MAX_ENTRIES
            || self.keep.len() > MAX_KEEP
        {
            return bad("entries", "The rollout document has too many entries.");
        }
        let mut builds: Vec<u32> = self.names().map(|(build, _)| build).collect();
        builds.sort_unstable();
        if builds.contains(&0) || self.keep.contains(&0) {
            return bad("release", "Build numbers start at 1.");
        }
        if builds.windows(2).any(|w| w[0] == w[1]) {
            return bad("release", "A release stands twice in the rollout document.");
        }
        if self.keep.windows(2).any(|w| w[0] >= w[1]) {
            return bad("keep", "Kept builds are not sorted, or one stands twice.");
        }
        for entry in &self.entries {
            check_permille("permille", entry.permille)?;
            check_text("salt", &entry.salt, 100)?;
            check_native(entry.native.as_ref())?;
        }
        self.names()
            .try_for_each(|(_, manifest)| check_hex("manifest", manifest))?;
        if let Base::Release(base) = &self.base {
            check_native(base.native.as_ref())?;
        }
        self.steps
            .iter()
            .try_for_each(|s| check_permille("steps", *s))?;
        if self.steps.windows(2).any(|w| w[0] >= w[1]) {
            return bad("steps", "The steps of a rollout must rise.");
        }
        self.gate.as_ref().map_or(Ok(()), Gate::check)?;
        if let Some(frozen) = &self.frozen {
            check_text("frozen.by", &frozen.by, 200)?;
            check_text("frozen.why", &frozen.why, 1_000)?;
        }
        check_text("reason", &self.reason, 1_000)
    }
}

/// Checks a share.
///
/// # Errors
/// `usage.argument` for the field.
pub fn check_permille(field: &str, permille: u16) -> Result<()> {
    if (1..=ALL).contains(&permille) {
        return Ok(());
    }
    Err(Problem::new(Code::UsageArgument, "A share is between 0.1 % and 100 %.").field(field))
}

fn check_native(native: Option<&Native>) -> Result<()> {
    native.map_or(Ok(()), Native::check)
}
