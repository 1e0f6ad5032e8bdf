//! Names of roles, units and channels.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::{Error, Result};

/// Name of a unit or a channel: `[a-z0-9-]{1,32}`. Dots are left out, so role names stay unambiguous.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Name(String);

impl Name {
    /// Checks a name.
    ///
    /// # Errors
    /// [`Error::Profile`] when it is not `[a-z0-9-]{1,32}`.
    pub fn new(s: impl Into<String>) -> Result<Self> {
        let s = s.into();
        let good = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
        if (1..=32).contains(&s.len()) && s.bytes().all(good) {
            Ok(Self(s))
        } else {
            Err(Error::profile(
                "name",
                format!("{s:?} is not 1 to 32 of a-z, 0-9 and -"),
            ))
        }
    }

    /// The name.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl TryFrom<String> for Name {
    type Error = Error;

    fn try_from(s: String) -> Result<Self> {
        Self::new(s)
    }
}

impl From<Name> for String {
    fn from(name: Name) -> Self {
        name.0
    }
}

impl fmt::Display for Name {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// A role of the registry.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum RoleName {
    /// Says which keys the other top-level roles have.
    Root,
    /// Delegates to channels and holds the workspace's settings.
    Targets,
    /// Pins the version of every role.
    Snapshot,
    /// Says which snapshot is current.
    Timestamp,
    /// Approvals: what may ship on a channel.
    Channel(Name, Name),
    /// Rollout: what a channel ships now.
    Rollout(Name, Name),
}

impl RoleName {
    /// Reads `root`, `main.production` or `main.production.rollout`.
    ///
    /// # Errors
    /// [`Error::Profile`] for anything else.
    pub fn parse(s: &str) -> Result<Self> {
        let parts: Vec<&str> = s.split('.').collect();
        Ok(match parts[..] {
            ["root"] => Self::Root,
            ["targets"] => Self::Targets,
            ["snapshot"] => Self::Snapshot,
            ["timestamp"] => Self::Timestamp,
            [unit, channel] => Self::Channel(Name::new(unit)?, Name::new(channel)?),
            [unit, channel, "rollout"] => Self::Rollout(Name::new(unit)?, Name::new(channel)?),
            _ => return Err(Error::profile("role name", format!("{s:?} is not one"))),
        })
    }

    /// `_type` of its metadata (TUF specification §4).
    pub fn type_name(&self) -> &'static str {
        match self {
            Self::Root => "root",
            Self::Snapshot => "snapshot",
            Self::Timestamp => "timestamp",
            Self::Targets | Self::Channel(..) | Self::Rollout(..) => "targets",
        }
    }

    /// Unit and channel of a channel's role.
    pub fn place(&self) -> Option<(&Name, &Name)> {
        match self {
            Self::Channel(unit, channel) | Self::Rollout(unit, channel) => Some((unit, channel)),
            _ => None,
        }
    }

    /// File name below `metadata/`; the timestamp has no version in it.
    pub fn file(&self, version: u64) -> String {
        match self {
            Self::Timestamp => "timestamp.json".into(),
            _ => format!("{version}.{self}.json"),
        }
    }

    /// Target patterns that this role may list: its own, overlapping with no other role's.
    pub fn paths(&self) -> Vec<String> {
        match self {
            Self::Channel(u, c) => vec![format!("{u}.{c}.release-*"), format!("{u}.{c}.clients-*")],
            Self::Rollout(u, c) => vec![format!("{u}.{c}.rollout.json")],
            _ => Vec::new(),
        }
    }
}

impl fmt::Display for RoleName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Root => f.write_str("root"),
            Self::Targets => f.write_str("targets"),
            Self::Snapshot => f.write_str("snapshot"),
            Self::Timestamp => f.write_str("timestamp"),
            Self::Channel(u, c) => write!(f, "{u}.{c}"),
            Self::Rollout(u, c) => write!(f, "{u}.{c}.rollout"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn role_names_read_back_and_never_collide() {
        for s in [
            "root",
            "targets",
            "snapshot",
            "timestamp",
            "main.production",
            "main.production.rollout",
            "a.rollout",
            "a.rollout.rollout",
        ] {
            assert_eq!(RoleName::parse(s).unwrap().to_string(), s);
        }
        for s in [
            "",
            "Root",
            "main",
            "main.",
            ".x",
            "a.b.c",
            "main.Production",
            "a/b.c",
            "a.b.rollout.rollout",
            "1.root",
        ] {
            let parsed = RoleName::parse(s);
            assert!(parsed.is_err() || s == "1.root", "{s} became {parsed:?}");
        }
    }
}
