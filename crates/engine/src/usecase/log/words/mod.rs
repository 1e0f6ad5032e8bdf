//! What an entry did, in words: a pure function of the signed documents before and after it.
//!
//! The signed word of the action (`action` in the header) is what the publisher says about itself and decides nothing
//! here, except between two words for the same difference.

mod keys;
mod rollout;
mod settings;
#[cfg(test)]
mod tests;

use headgate_core::{
    ReleaseManifest, RolloutDocument,
    settings::{Settings, TopTargets},
};
use headgate_tuf::{KeyId, Name, UtcTime, metadata::Root};

/// What an entry did, for its picture and for filters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogKind {
    /// Made the workspace.
    Init,
    /// Approved a new release and began to serve it.
    Ship,
    /// Approved the same bytes on another channel.
    Promote,
    /// Approved, or took an approval away, and served nothing else.
    Approve,
    /// Began to roll out what was approved before.
    Start,
    /// Raised the share.
    Advance,
    /// Raised it to everyone.
    Complete,
    /// Stopped offering.
    Halt,
    /// Went on offering.
    Resume,
    /// Returned devices to an earlier release.
    RollBack,
    /// Returned devices to the embedded build.
    Embedded,
    /// Closed a channel to more devices.
    Freeze,
    /// Opened it again.
    Unfreeze,
    /// Changed which native versions get a release.
    Native,
    /// Changed something else of a rollout.
    Rollout,
    /// Changed keys, people or thresholds.
    Keys,
    /// Changed settings.
    Settings,
    /// Signed again what was so already.
    Freshness,
}

/// What kinds belong together in a filter.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum LogGroup {
    /// What devices get.
    Releases,
    /// Who may decide, and how the workspace is set.
    Keys,
    /// Nothing but another date.
    Freshness,
}

impl LogKind {
    /// All kinds.
    pub const ALL: [Self; 18] = [
        Self::Init,
        Self::Ship,
        Self::Promote,
        Self::Approve,
        Self::Start,
        Self::Advance,
        Self::Complete,
        Self::Halt,
        Self::Resume,
        Self::RollBack,
        Self::Embedded,
        Self::Freeze,
        Self::Unfreeze,
        Self::Native,
        Self::Rollout,
        Self::Keys,
        Self::Settings,
        Self::Freshness,
    ];

    /// For programs.
    pub fn text(self) -> &'static str {
        match self {
            Self::Init => "init",
            Self::Ship => "ship",
            Self::Promote => "promote",
            Self::Approve => "approve",
            Self::Start => "start",
            Self::Advance => "advance",
            Self::Complete => "complete",
            Self::Halt => "halt",
            Self::Resume => "resume",
            Self::RollBack => "roll_back",
            Self::Embedded => "embedded",
            Self::Freeze => "freeze",
            Self::Unfreeze => "unfreeze",
            Self::Native => "native",
            Self::Rollout => "rollout",
            Self::Keys => "keys",
            Self::Settings => "settings",
            Self::Freshness => "freshness",
        }
    }

    /// What it belongs to.
    pub fn group(self) -> LogGroup {
        match self {
            Self::Init | Self::Keys | Self::Settings => LogGroup::Keys,
            Self::Freshness => LogGroup::Freshness,
            _ => LogGroup::Releases,
        }
    }
}

impl LogGroup {
    /// For programs.
    pub fn text(self) -> &'static str {
        match self {
            Self::Releases => "releases",
            Self::Keys => "keys",
            Self::Freshness => "freshness",
        }
    }
}

/// A piece of a sentence.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// The words.
    pub text: String,
    /// What it is about: set off from the rest.
    pub strong: bool,
}

/// Something that is other than before.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LogChange {
    /// What: "Share of 4.2.4 in production".
    pub what: String,
    /// How it was; nothing when it was not there.
    pub from: Option<String>,
    /// How it is; nothing when it is not there any more.
    pub to: Option<String>,
}

impl LogChange {
    pub(super) fn new(
        what: impl Into<String>,
        from: Option<String>,
        to: Option<String>,
    ) -> Option<Self> {
        let what = what.into();
        (from != to).then_some(Self { what, from, to })
    }

    /// In one line: "Share of 4.2.4 in production: 10 % → 25 %".
    pub fn line(&self) -> String {
        let side = |side: &Option<String>| side.clone().unwrap_or_else(|| "nothing".into());
        format!("{}: {} → {}", self.what, side(&self.from), side(&self.to))
    }
}

/// The words of an entry. Who did it stands in front of `says`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Words {
    /// Kind.
    pub kind: LogKind,
    /// "promoted 4.2.5 from development to staging".
    pub says: Vec<Said>,
    /// Second line: how it was before.
    pub detail: Option<String>,
    /// Everything that is other than before.
    pub changes: Vec<LogChange>,
    /// Unit and channel that it is about, where it is about one.
    pub place: Option<(String, String)>,
    /// Release that it is about: version and build.
    pub release: Option<(String, u32)>,
}

impl Words {
    pub(super) fn new(kind: LogKind, says: Vec<Said>) -> Self {
        Self {
            kind,
            says,
            detail: None,
            changes: Vec::new(),
            place: None,
            release: None,
        }
    }

    /// The sentence.
    pub fn text(&self) -> String {
        self.says.iter().map(|s| s.text.as_str()).collect()
    }
}

/// The signed documents before and after an entry.
pub(crate) struct Facts<'a> {
    /// Nothing was committed before it.
    pub(crate) first: bool,
    /// When the freshness that it signed ends.
    pub(crate) expires: UtcTime,
    /// Roots that came with it.
    pub(crate) roots: Vec<(Option<&'a Root>, &'a Root)>,
    /// Settings and delegations, where they got a new version.
    pub(crate) targets: Option<(Option<&'a TopTargets>, &'a TopTargets)>,
    /// Settings in force.
    pub(crate) settings: Option<&'a Settings>,
    /// Channels whose roles got a new version.
    pub(crate) channels: Vec<ChannelMove<'a>>,
    /// Roles that were signed again with the same content.
    pub(crate) renewed: Vec<String>,
    /// Name of a key.
    pub(crate) key: &'a (dyn Fn(&KeyId) -> String + Sync),
}

/// What became of a channel.
pub(crate) struct ChannelMove<'a> {
    pub(crate) unit: &'a Name,
    pub(crate) channel: &'a Name,
    /// Releases that are approved now and were not, each with the channel where the same bytes were approved before.
    pub(crate) approved: Vec<(ReleaseManifest, Option<Name>)>,
    /// Builds that are not approved any more.
    pub(crate) withdrawn: Vec<u32>,
    /// The rollout document before and after, where its role got a new version.
    pub(crate) rollout: Option<(Option<RolloutDocument>, Option<RolloutDocument>)>,
    /// Version of a build, where a manifest of it was seen.
    pub(crate) version: &'a (dyn Fn(u32) -> Option<String> + Sync),
}

/// Puts an entry into words.
pub(crate) fn describe(facts: &Facts<'_>) -> Words {
    if facts.first {
        return first(facts);
    }
    let keys = keys::changes(facts);
    let settings: Vec<LogChange> = facts
        .targets
        .and_then(|(before, after)| Some(settings::changes(&before?.x, &after.x)))
        .unwrap_or_default();
    let mut channels: Vec<Words> = facts
        .channels
        .iter()
        .filter_map(|c| rollout::channel(c, facts.settings))
        .collect();
    let mut words = if !keys.is_empty() {
        keys::words(&keys)
    } else if !channels.is_empty() {
        channels.remove(0)
    } else if !settings.is_empty() {
        settings::words(&settings)
    } else {
        freshness(facts)
    };
    if words.kind == LogKind::Keys {
        words.changes = keys;
    } else {
        words.changes.extend(keys);
    }
    words
        .changes
        .extend(channels.into_iter().flat_map(|c| c.changes));
    if words.kind != LogKind::Settings {
        words.changes.extend(settings);
    }
    words
}

fn first(facts: &Facts<'_>) -> Words {
    let names = facts
        .settings
        .map(|s| list(s.channels.iter().map(|c| c.id.to_string())))
        .unwrap_or_default();
    let mut words = Words::new(
        LogKind::Init,
        vec![plain("made the workspace with "), strong(names)],
    );
    words.detail = facts
        .roots
        .last()
        .map(|(_, root)| format!("{}, profile {}", root.x.app, root.x.profile));
    words
}

fn freshness(facts: &Facts<'_>) -> Words {
    let mut words = Words::new(
        LogKind::Freshness,
        vec![
            plain("renewed freshness until "),
            strong(day(facts.expires)),
        ],
    );
    let roots = facts.roots.iter().map(|(_, root)| {
        let valid = format!("root, until {}", day(root.expires));
        valid
    });
    let again: Vec<String> = facts.renewed.iter().cloned().chain(roots).collect();
    if !again.is_empty() {
        words.detail = Some(format!("Signed again: {}", again.join(", ")));
    }
    words
}

pub(super) fn plain(text: impl Into<String>) -> Said {
    Said {
        text: text.into(),
        strong: false,
    }
}

pub(super) fn strong(text: impl Into<String>) -> Said {
    Said {
        text: text.into(),
        strong: true,
    }
}

/// "development, staging and production".
pub(super) fn list(names: impl Iterator<Item = String>) -> String {
    let mut names: Vec<String> = names.collect();
    match names.pop() {
        None => String::new(),
        Some(last) if names.is_empty() => last,
        Some(last) => format!("{} and {last}", names.join(", ")),
    }
}

/// The day of a time, `2026-11-26`.
pub(super) fn day(at: UtcTime) -> String {
    let text = at.to_string();
    text.split('T').next().unwrap_or_default().to_owned()
}

/// A sum of several changes: the one alone, or how many there are.
pub(super) fn one_or_many(kind: LogKind, changes: &[LogChange], what: &str) -> Words {
    let [one] = changes else {
        let says = vec![
            plain("changed "),
            strong(format!("{} {what}", changes.len())),
        ];
        let mut words = Words::new(kind, says);
        words.detail = Some(list(changes.iter().map(|c| c.what.clone())));
        words.changes = changes.to_vec();
        return words;
    };
    let says = match (&one.from, &one.to) {
        (_, Some(to)) => vec![plain("set "), strong(&one.what), plain(" to "), strong(to)],
        (_, None) => vec![plain("took away "), strong(&one.what)],
    };
    let mut words = Words::new(kind, says);
    words.detail = one.from.as_ref().map(|from| format!("Was {from}"));
    words.changes = changes.to_vec();
    words
}
