//! Times of the registry: whole seconds in UTC, written with `Z`.

use std::fmt;

use serde::{Deserialize, Serialize};
use time::{OffsetDateTime, UtcOffset, format_description::well_known::Rfc3339};

use crate::{Error, Result};

/// A time in whole seconds, `2026-11-23T16:47:00Z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct UtcTime(i64);

impl UtcTime {
    /// From seconds since 1970. Clamped to the years that can be written.
    pub fn from_unix(seconds: i64) -> Self {
        Self(seconds.clamp(0, 253_402_300_799))
    }

    /// Seconds since 1970.
    pub fn unix(self) -> i64 {
        self.0
    }

    /// Later by whole seconds.
    #[must_use]
    pub fn plus(self, seconds: i64) -> Self {
        Self::from_unix(self.0.saturating_add(seconds))
    }

    /// Reads the exact form that is written.
    ///
    /// # Errors
    /// [`Error::Profile`] for fractions of a second, offsets other than `Z`, or anything else.
    pub fn parse(s: &str) -> Result<Self> {
        let bad = || Error::profile("time", format!("{s:?} is not YYYY-MM-DDTHH:MM:SSZ"));
        if s.len() != 20 {
            return Err(bad());
        }
        let at = OffsetDateTime::parse(s, &Rfc3339).map_err(|_| bad())?;
        let time = Self(at.unix_timestamp());
        if at.offset() == UtcOffset::UTC && time.0 >= 0 && time.to_string() == s {
            Ok(time)
        } else {
            Err(bad())
        }
    }
}

impl fmt::Display for UtcTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let at = OffsetDateTime::from_unix_timestamp(self.0).map_err(|_| fmt::Error)?;
        f.write_str(&at.format(&Rfc3339).map_err(|_| fmt::Error)?)
    }
}

impl TryFrom<String> for UtcTime {
    type Error = Error;

    fn try_from(s: String) -> Result<Self> {
        Self::parse(&s)
    }
}

impl From<UtcTime> for String {
    fn from(t: UtcTime) -> Self {
        t.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_whole_seconds_in_utc_are_read() {
        let t = UtcTime::parse("2026-11-23T16:47:05Z").unwrap();
        assert_eq!(t.to_string(), "2026-11-23T16:47:05Z");
        for bad in [
            "2026-11-23T16:47:05.1Z",
            "2026-11-23T16:47:05+00:00",
            "2026-11-23 16:47:05Z",
            "2026-13-23T16:47:05Z",
            "2026-11-23t16:47:05z",
            "",
            "x",
        ] {
            assert!(UtcTime::parse(bad).is_err(), "{bad}");
        }
    }
}
