//! Changes of what the top-level targets say about units and channels.

use headgate_core::rollout::Gate;
use headgate_core::settings::{ChannelRsa, ChannelSettings, Settings, UnitSettings};
use headgate_core::{Code, Confirm, Platform, Problem, Result, percent};
use headgate_tuf::Name;
use serde::{Deserialize, Serialize};

/// Defaults of a channel. What is left out stays as it is, so that two people who change two of them do not undo each other.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ChannelDefaults {
    /// How a person confirms what reaches its devices.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub confirm: Option<Confirm>,
    /// Share that a rollout starts with, permille.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_permille: Option<u16>,
    /// Hours that each step of a rollout is meant to last at least.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min_hours: Option<u32>,
    /// The gate of new rollouts.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub gate: Option<GateChoice>,
}

/// A gate, or that there is none.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum GateChoice {
    /// New rollouts have no gate.
    Off,
    /// They have this one.
    On(Gate),
}

impl ChannelDefaults {
    fn set(&self, channel: &mut ChannelSettings) {
        if let Some(confirm) = self.confirm {
            channel.confirm = confirm;
        }
        if let Some(permille) = self.start_permille {
            channel.start_permille = permille;
        }
        if let Some(hours) = self.min_hours {
            channel.min_hours = hours;
        }
        match &self.gate {
            Some(GateChoice::On(gate)) => channel.gate = Some(*gate),
            Some(GateChoice::Off) => channel.gate = None,
            None => {}
        }
    }

    fn says(&self, channel: &Name) -> String {
        let mut parts = Vec::new();
        if let Some(confirm) = self.confirm {
            parts.push(format!(
                "What reaches {channel} is confirmed {}",
                confirm.says()
            ));
        }
        if let Some(permille) = self.start_permille {
            parts.push(format!(
                "New rollouts in {channel} start with {}",
                percent(permille)
            ));
        }
        match self.min_hours {
            Some(0) => parts.push(format!("Steps of rollouts in {channel} need no hours")),
            Some(hours) => parts.push(format!(
                "Steps of rollouts in {channel} last {hours} h or more"
            )),
            None => {}
        }
        match &self.gate {
            Some(GateChoice::On(gate)) => parts.push(format!(
                "New rollouts in {channel} stop above {} failed of {} attempts or more",
                percent(gate.max_failure_permille),
                gate.min_sample
            )),
            Some(GateChoice::Off) => parts.push(format!("New rollouts in {channel} have no gate")),
            None => {}
        }
        parts.join(". ")
    }
}

/// One change. It is applied to what the settings say when it is signed.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(tag = "setting", rename_all = "snake_case")]
pub enum SettingsChange {
    /// What devices call a unit.
    DeviceId {
        /// Unit.
        unit: Name,
        /// `capacitor` or `ionic`.
        id_kind: String,
        /// The id; nothing takes it away.
        id: Option<String>,
    },
    /// The RSA key that a channel's apps pin.
    Rsa {
        /// Channel.
        channel: Name,
        /// The key; nothing takes it away.
        rsa: Option<ChannelRsa>,
    },
    /// Whether devices may move themselves to a channel.
    SelfAssign {
        /// Channel.
        channel: Name,
        /// They may.
        allowed: bool,
    },
    /// How a person confirms what reaches devices of a channel, and what its new rollouts begin with.
    Channel {
        /// Channel.
        channel: Name,
        /// What is set; the rest stays as it is.
        set: ChannelDefaults,
    },
    /// A channel's gate alone: how a journal may have it.
    Gate {
        /// Channel.
        channel: Name,
        /// The gate; nothing takes it away.
        gate: Option<Gate>,
    },
    /// A channel's way of confirming alone: how a journal may have it.
    Confirm {
        /// Channel.
        channel: Name,
        /// How.
        confirm: Confirm,
    },
    /// Which build a native version embeds.
    Embedded {
        /// Unit.
        unit: Name,
        /// Platform.
        platform: Platform,
        /// Native version.
        native: String,
        /// Build number; nothing takes it away.
        build: Option<u32>,
    },
}

impl SettingsChange {
    /// The settings after it, and what they say now, for the person who signs them.
    ///
    /// # Errors
    /// `usage.unknown` for a unit or channel that there is not, `usage.exists` when it is so already,
    /// `usage.argument` when the result would not hold.
    pub(crate) fn apply(&self, settings: &Settings) -> Result<(Settings, String)> {
        let mut next = settings.clone();
        let says = match self {
            Self::DeviceId { unit, id_kind, id } => {
                let ids = &mut unit_of(&mut next, unit)?.device_ids;
                match id {
                    Some(id) => {
                        ids.insert(id_kind.clone(), id.clone());
                        format!("{id_kind} devices call {unit} {id}")
                    }
                    None => {
                        ids.remove(id_kind);
                        format!("{id_kind} devices have no name for {unit}")
                    }
                }
            }
            Self::Rsa { channel, rsa } => {
                channel_of(&mut next, channel)?.rsa.clone_from(rsa);
                match rsa {
                    Some(rsa) => format!("Apps in {channel} verify the RSA key ‘{}’", rsa.name),
                    None => format!("Apps in {channel} verify no RSA key"),
                }
            }
            Self::SelfAssign { channel, allowed } => {
                channel_of(&mut next, channel)?.self_assign = *allowed;
                let may = if *allowed { "may" } else { "may not" };
                format!("Devices {may} move themselves to {channel}")
            }
            Self::Channel { channel, set } => {
                set.set(channel_of(&mut next, channel)?);
                set.says(channel)
            }
            Self::Gate { channel, gate } => {
                let gate = Some(gate.map_or(GateChoice::Off, GateChoice::On));
                let set = ChannelDefaults {
                    gate,
                    ..ChannelDefaults::default()
                };
                set.set(channel_of(&mut next, channel)?);
                set.says(channel)
            }
            Self::Confirm { channel, confirm } => {
                let set = ChannelDefaults {
                    confirm: Some(*confirm),
                    ..ChannelDefaults::default()
                };
                set.set(channel_of(&mut next, channel)?);
                set.says(channel)
            }
            Self::Embedded {
                unit,
                platform,
                native,
                build,
            } => {
                let embedded = &mut unit_of(&mut next, unit)?.embedded;
                let (map, name) = match platform {
                    Platform::Ios => (&mut embedded.ios, "iOS"),
                    Platform::Android => (&mut embedded.android, "Android"),
                };
                match build {
                    Some(build) => {
                        map.insert(native.clone(), *build);
                        format!("{name} {native} embeds build {build} of {unit}")
                    }
                    None => {
                        map.remove(native);
                        format!("{name} {native} embeds no known build of {unit}")
                    }
                }
            }
        };
        if next == *settings {
            return Err(
                Problem::new(Code::UsageExists, "The settings say that already.")
                    .remedy("Nothing is to be done."),
            );
        }
        next.check()?;
        Ok((next, says))
    }
}

fn unit_of<'a>(settings: &'a mut Settings, unit: &Name) -> Result<&'a mut UnitSettings> {
    let found = settings.units.iter_mut().find(|u| u.id == *unit);
    found.ok_or_else(|| {
        Problem::new(Code::UsageUnknown, format!("There is no unit {unit}.")).field("unit")
    })
}

fn channel_of<'a>(settings: &'a mut Settings, channel: &Name) -> Result<&'a mut ChannelSettings> {
    let found = settings.channels.iter_mut().find(|c| c.id == *channel);
    found.ok_or_else(|| {
        let what = format!("There is no channel {channel}.");
        Problem::new(Code::UsageUnknown, what).field("channel")
    })
}
