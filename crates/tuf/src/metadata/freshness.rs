//! Snapshot and timestamp: what is current, and until when.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{Header, Metadata, SPEC_VERSION, check_common};
use crate::{Error, Result, RoleName, UtcTime};

/// A version in a snapshot or timestamp. Without length and hash: see `docs/trust.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct MetaVersion {
    /// Version, from 1.
    pub version: u64,
}

/// Snapshot metadata (TUF specification §4.4).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Snapshot {
    #[serde(rename = "_type")]
    type_: String,
    spec_version: String,
    /// Version, from 1.
    pub version: u64,
    /// When it stops to count.
    pub expires: UtcTime,
    /// `<role>.json` and its version.
    pub meta: BTreeMap<String, MetaVersion>,
    /// What it says about itself.
    #[serde(rename = "x-headgate")]
    pub x: Header,
}

impl Snapshot {
    /// A snapshot.
    pub fn new(
        version: u64,
        expires: UtcTime,
        meta: BTreeMap<String, MetaVersion>,
        x: Header,
    ) -> Self {
        Self {
            type_: "snapshot".into(),
            spec_version: SPEC_VERSION.into(),
            version,
            expires,
            meta,
            x,
        }
    }

    /// Version of a role in it.
    pub fn version_of(&self, role: &RoleName) -> Option<u64> {
        self.meta.get(&format!("{role}.json")).map(|m| m.version)
    }
}

impl Metadata for Snapshot {
    const TYPE: &'static str = "snapshot";

    fn version(&self) -> u64 {
        self.version
    }

    fn expires(&self) -> UtcTime {
        self.expires
    }

    fn header(&self) -> Option<&Header> {
        Some(&self.x)
    }

    fn check(&self) -> Result<()> {
        check_common("snapshot", &self.type_, &self.spec_version, self.version)?;
        for (file, meta) in &self.meta {
            let role = file.strip_suffix(".json").map(RoleName::parse);
            match role {
                Some(Ok(RoleName::Targets | RoleName::Channel(..) | RoleName::Rollout(..)))
                    if meta.version > 0 => {}
                _ => {
                    return Err(Error::profile(
                        "snapshot",
                        format!("{file:?} does not belong there"),
                    ));
                }
            }
        }
        Ok(())
    }
}

/// Timestamp metadata (TUF specification §4.6).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Timestamp {
    #[serde(rename = "_type")]
    type_: String,
    spec_version: String,
    /// Version, from 1.
    pub version: u64,
    /// When it stops to count.
    pub expires: UtcTime,
    /// `snapshot.json` and its version.
    pub meta: BTreeMap<String, MetaVersion>,
}

impl Timestamp {
    /// A timestamp of a snapshot.
    pub fn new(version: u64, expires: UtcTime, snapshot: u64) -> Self {
        let meta = BTreeMap::from([(
            "snapshot.json".to_owned(),
            MetaVersion { version: snapshot },
        )]);
        Self {
            type_: "timestamp".into(),
            spec_version: SPEC_VERSION.into(),
            version,
            expires,
            meta,
        }
    }

    /// Version of the snapshot.
    pub fn snapshot(&self) -> u64 {
        self.meta.get("snapshot.json").map_or(0, |m| m.version)
    }
}

impl Metadata for Timestamp {
    const TYPE: &'static str = "timestamp";

    fn version(&self) -> u64 {
        self.version
    }

    fn expires(&self) -> UtcTime {
        self.expires
    }

    fn header(&self) -> Option<&Header> {
        None
    }

    fn check(&self) -> Result<()> {
        check_common("timestamp", &self.type_, &self.spec_version, self.version)?;
        if self.meta.len() == 1 && self.snapshot() > 0 {
            Ok(())
        } else {
            Err(Error::profile(
                "timestamp",
                "does not name exactly one snapshot",
            ))
        }
    }
}
