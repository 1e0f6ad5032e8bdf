//! Settings of a workspace: what the top-level targets say about units and channels.

use std::collections::{BTreeMap, HashSet};

use headgate_tuf::Name;
use headgate_tuf::metadata::{HasHeader, Header, Targets};
use serde::{Deserialize, Serialize};

use crate::native::{Platform, same_native};
use crate::rollout::{Gate, check_permille};
use crate::rsa_public::RsaPublic;
use crate::share::ALL;
use crate::text::check_text;
use crate::{Code, Problem, Result};

/// Top-level targets with the settings.
pub type TopTargets = Targets<Settings>;

/// Share that the last channel starts with unless told otherwise: 1 %.
pub const CAREFUL_START: u16 = 10;
/// Gate of the last channel unless told otherwise: 1 % of at least 500 attempts.
pub const CAREFUL_GATE: Gate = Gate {
    min_sample: 500,
    max_failure_permille: 10,
};
/// Hours that a step on the last channel is meant to last unless told otherwise.
pub const CAREFUL_HOURS: u32 = 24;

/// What the top-level targets say.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// The common part.
    #[serde(flatten)]
    pub header: Header,
    /// App identifier, `com.acme.field`.
    pub app: String,
    /// Units.
    pub units: Vec<UnitSettings>,
    /// Channels, first to last.
    pub channels: Vec<ChannelSettings>,
    /// What a release puts into storage.
    #[serde(default, skip_serializing_if = "Delivers::is_standard")]
    pub delivers: Delivers,
}

/// What a release puts into storage besides its manifest and inventory: what the app's device clients download.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Delivers {
    /// The bundle as one zip.
    pub zip: bool,
    /// Every file by itself, for clients that fetch what changed alone.
    pub files: bool,
}

impl Default for Delivers {
    fn default() -> Self {
        Self {
            zip: true,
            files: false,
        }
    }
}

impl Delivers {
    fn is_standard(&self) -> bool {
        *self == Self::default()
    }

    /// Reads `zip`, `files` or `zip,files`.
    ///
    /// # Errors
    /// `usage.argument` for the field `deliver`.
    pub fn parse(text: &str) -> Result<Self> {
        let mut delivers = Self {
            zip: false,
            files: false,
        };
        for word in text.split(',').map(str::trim) {
            match word {
                "zip" => delivers.zip = true,
                "files" => delivers.files = true,
                _ => {
                    let what = format!("{word:?} is neither zip nor files.");
                    return Err(Problem::new(Code::UsageArgument, what).field("deliver"));
                }
            }
        }
        Ok(delivers)
    }
}

/// A unit.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UnitSettings {
    /// Its name in role names.
    pub id: Name,
    /// Its name on screen.
    pub label: String,
    /// What devices call it, by kind: the Capacitor app id, the 8-hex Appflow id, …
    pub device_ids: BTreeMap<String, String>,
    /// Builds inside the native apps.
    pub embedded: EmbeddedBuilds,
}

/// Which build each native version embeds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EmbeddedBuilds {
    /// On iOS: native version → build number.
    #[serde(default)]
    pub ios: BTreeMap<String, u32>,
    /// On Android: native version → build number.
    #[serde(default)]
    pub android: BTreeMap<String, u32>,
}

impl EmbeddedBuilds {
    /// The build that a native version embeds; `4.2` finds `4.2.0`.
    pub fn build(&self, platform: Platform, native: &str) -> Option<u32> {
        let map = match platform {
            Platform::Ios => &self.ios,
            Platform::Android => &self.android,
        };
        let exact = map.get(native);
        exact
            .or_else(|| {
                map.iter()
                    .find(|(v, _)| same_native(v, native))
                    .map(|(_, b)| b)
            })
            .copied()
    }
}

/// How a person confirms what reaches devices of a channel.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Confirm {
    /// Not at all.
    None,
    /// With a button.
    Plain,
    /// By typing the channel's name.
    Typed,
    /// By typing the channel's name, and then it can be undone for 5 s before anything is signed.
    Wait,
}

impl Confirm {
    /// Seconds that a change can be undone for [`Self::Wait`].
    pub const UNDO_SECONDS: u32 = 5;

    /// Whether the channel's name must be typed.
    pub fn typed(self) -> bool {
        matches!(self, Self::Typed | Self::Wait)
    }

    /// Reads `none`, `plain`, `typed` or `wait`.
    ///
    /// # Errors
    /// `usage.argument` for the field `confirm`.
    pub fn parse(text: &str) -> Result<Self> {
        Ok(match text {
            "none" => Self::None,
            "plain" => Self::Plain,
            "typed" => Self::Typed,
            "wait" => Self::Wait,
            _ => {
                let what = format!("{text:?} is neither none, plain, typed nor wait.");
                return Err(Problem::new(Code::UsageArgument, what).field("confirm"));
            }
        })
    }

    /// `none`, `plain`, `typed` or `wait`: what [`Self::parse`] reads.
    pub fn word(self) -> &'static str {
        match self {
            Self::None => "none",
            Self::Plain => "plain",
            Self::Typed => "typed",
            Self::Wait => "wait",
        }
    }

    /// "by typing its name".
    pub fn says(self) -> &'static str {
        match self {
            Self::None => "without a question",
            Self::Plain => "with a button",
            Self::Typed => "by typing its name",
            Self::Wait => "by typing its name, with 5 s to undo",
        }
    }
}

/// A channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelSettings {
    /// Its name in role names.
    pub id: Name,
    /// Its name on screen.
    pub label: String,
    /// What devices call it besides.
    pub aliases: Vec<String>,
    /// How a person confirms.
    pub confirm: Confirm,
    /// Share that a rollout starts with unless told otherwise, permille.
    pub start_permille: u16,
    /// Gate that a rollout gets unless told otherwise.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<Gate>,
    /// Hours that each step of a rollout is meant to last at least.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub min_hours: u32,
    /// Devices may move themselves to it, where their client can ask for that.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub self_assign: bool,
    /// RSA key that stock plugins of this channel's apps pin.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rsa: Option<ChannelRsa>,
}

/// Public RSA key of a channel.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelRsa {
    /// Its name for people.
    pub name: String,
    /// DER as SubjectPublicKeyInfo, standard base64 with padding, one line.
    pub public: String,
}

impl HasHeader for Settings {
    fn common(&self) -> &Header {
        &self.header
    }
}

impl Settings {
    /// The usual settings of one unit on channels from first to last: the last one is confirmed by typing its name,
    /// starts with 1 %, and has a gate.
    pub fn standard(header: Header, app: &str, unit: Name, channels: &[Name]) -> Self {
        let units = vec![UnitSettings {
            label: label(&unit),
            device_ids: BTreeMap::from([("capacitor".to_owned(), app.to_owned())]),
            embedded: EmbeddedBuilds::default(),
            id: unit,
        }];
        let last = channels.len().saturating_sub(1);
        let channels = channels.iter().enumerate().map(|(i, id)| ChannelSettings {
            id: id.clone(),
            label: label(id),
            // A channel name may start with a digit or hyphen: then there is no other spelling.
            aliases: Some(label(id))
                .filter(|l| l != id.as_str())
                .into_iter()
                .collect(),
            confirm: if i == last {
                Confirm::Typed
            } else {
                Confirm::Plain
            },
            start_permille: if i == last { CAREFUL_START } else { ALL },
            gate: (i == last).then_some(CAREFUL_GATE),
            min_hours: if i == last { CAREFUL_HOURS } else { 0 },
            self_assign: false,
            rsa: None,
        });
        Self {
            header,
            app: app.into(),
            units,
            channels: channels.collect(),
            delivers: Delivers::default(),
        }
    }

    /// A unit by its name.
    pub fn unit(&self, id: &str) -> Option<&UnitSettings> {
        self.units.iter().find(|u| u.id.as_str() == id)
    }

    /// A channel by its name or an alias, as devices send it.
    pub fn channel(&self, id: &str) -> Option<&ChannelSettings> {
        let by_id = self.channels.iter().find(|c| c.id.as_str() == id);
        by_id.or_else(|| {
            self.channels
                .iter()
                .find(|c| c.aliases.iter().any(|a| a == id))
        })
    }

    /// The channel behind another: where a release is promoted to.
    pub fn after(&self, id: &Name) -> Option<&ChannelSettings> {
        let at = self.channels.iter().position(|c| c.id == *id)?;
        self.channels.get(at + 1)
    }

    /// Rules that the types do not state: there are units and channels, ids and aliases name one thing.
    ///
    /// # Errors
    /// `usage.argument` with the field.
    pub fn check(&self) -> Result<()> {
        let bad =
            |field: &str, why: String| Err(Problem::new(Code::UsageArgument, why).field(field));
        check_text("app", &self.app, 200)?;
        if self.units.is_empty() || self.channels.is_empty() {
            return bad(
                "channels",
                "A workspace has at least one unit and one channel.".into(),
            );
        }
        if !self.delivers.zip && !self.delivers.files {
            return bad(
                "deliver",
                "A release puts its zip, its files or both into storage.".into(),
            );
        }
        let mut units = HashSet::new();
        let mut devices = HashSet::new();
        for unit in &self.units {
            check_text("units.label", &unit.label, 100)?;
            if !units.insert(&unit.id) {
                return bad("units", format!("The unit {} stands twice.", unit.id));
            }
            for (kind, id) in &unit.device_ids {
                check_text("units.device_ids", kind, 50)?;
                check_text("units.device_ids", id, 200)?;
                if !devices.insert((kind, id)) {
                    return bad("units.device_ids", format!("{kind} {id} names two units."));
                }
            }
            for (native, build) in unit.embedded.ios.iter().chain(&unit.embedded.android) {
                check_text("units.embedded", native, 64)?;
                if *build == 0 {
                    return bad("units.embedded", "Build numbers start at 1.".into());
                }
            }
        }
        let mut names = HashSet::new();
        for channel in &self.channels {
            check_text("channels.label", &channel.label, 100)?;
            check_permille("channels.start_permille", channel.start_permille)?;
            channel.gate.as_ref().map_or(Ok(()), Gate::check)?;
            if let Some(rsa) = &channel.rsa {
                check_text("channels.rsa", &rsa.name, 128)?;
                if RsaPublic::from_base64(&rsa.public).is_err() {
                    let why = format!("The RSA key of {} is not one of 2048 bits.", channel.id);
                    return bad("channels.rsa", why);
                }
            }
            if !names.insert(channel.id.to_string()) {
                return bad("channels", format!("{} names two channels.", channel.id));
            }
            for alias in &channel.aliases {
                check_text("channels.aliases", alias, 100)?;
                if !names.insert(alias.clone()) {
                    return bad("channels.aliases", format!("{alias} names two channels."));
                }
            }
        }
        Ok(())
    }
}

fn is_zero(n: &u32) -> bool {
    *n == 0
}

/// The name as people write it, and as devices often send it: first letter large.
fn label(id: &Name) -> String {
    let mut chars = id.as_str().chars();
    let first = chars.next().map(|c| c.to_ascii_uppercase());
    first.into_iter().chain(chars).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use headgate_tuf::{Metadata, UtcTime};

    fn settings(channels: &[&str]) -> Settings {
        let header = Header {
            workspace: "com.acme.field#0011223344556677".into(),
            unit: None,
            channel: None,
            action: "init".into(),
            at: UtcTime::from_unix(0),
            by: "Mara".into(),
            reason: "start".into(),
            prev: None,
        };
        let name = |s: &&str| Name::new(*s).unwrap();
        let channels: Vec<Name> = channels.iter().map(name).collect();
        Settings::standard(header, "com.acme.field", name(&"main"), &channels)
    }

    #[test]
    fn the_last_channel_starts_carefully_and_is_typed() {
        let s = settings(&["development", "staging", "production"]);
        s.check().unwrap();
        let shape: Vec<_> = s
            .channels
            .iter()
            .map(|c| (c.confirm, c.start_permille))
            .collect();
        assert_eq!(
            shape,
            [
                (Confirm::Plain, 1000),
                (Confirm::Plain, 1000),
                (Confirm::Typed, 10)
            ]
        );
        assert_eq!(s.channel("Production").unwrap().id.as_str(), "production");
        assert_eq!(s.after(&s.channels[0].id).unwrap().id.as_str(), "staging");
        assert!(s.after(&s.channels[2].id).is_none());
        settings(&["2026"]).check().unwrap();
    }

    #[test]
    fn settings_read_back_from_the_top_level_targets() {
        let mut s = settings(&["development", "production"]);
        s.units[0].embedded.ios.insert("4.2.0".into(), 1301);
        s.channels[1].gate = Some(Gate {
            min_sample: 100,
            max_failure_permille: 20,
        });
        let targets = TopTargets::new(1, UtcTime::from_unix(9), BTreeMap::new(), None, s);
        let bytes = headgate_tuf::canonical::serialize(&targets).unwrap();
        let value = headgate_tuf::strict::parse(&bytes, bytes.len()).unwrap();
        let back: TopTargets = serde_json::from_value(value).unwrap();
        assert_eq!(back, targets);
        assert_eq!(Metadata::header(&back).unwrap().by, "Mara");
        assert_eq!(
            back.x.units[0].embedded.build(Platform::Ios, "4.2"),
            Some(1301)
        );
        assert_eq!(
            back.x.units[0].embedded.build(Platform::Android, "4.2"),
            None
        );
    }

    #[test]
    fn a_name_means_one_thing() {
        let bad = |change: fn(&mut Settings)| {
            let mut s = settings(&["development", "production"]);
            change(&mut s);
            s.check().unwrap_err().field.unwrap()
        };
        assert_eq!(
            bad(|s| s.channels[0].id = s.channels[1].id.clone()),
            "channels"
        );
        assert_eq!(
            bad(|s| s.channels[0].aliases.push("Production".into())),
            "channels.aliases"
        );
        assert_eq!(bad(|s| s.units.push(s.units[0].clone())), "units");
        assert_eq!(bad(|s| s.channels.clear()), "channels");
        assert_eq!(
            bad(|s| s.channels[0].start_permille = 0),
            "channels.start_permille"
        );
        let twin = |s: &mut Settings| {
            let mut twin = s.units[0].clone();
            twin.id = Name::new("other").unwrap();
            s.units.push(twin);
        };
        assert_eq!(bad(twin), "units.device_ids");
    }
}
