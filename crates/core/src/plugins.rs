//! What is known of the versions of stock plugins: what each can read, what it reports, and which to be careful with.
//!
//! Read in the plugins' sources (npm packages) and in the history of their fixes; nothing here is guessed from a
//! version that was not read. A version that cannot be parsed is treated as one that can do nothing.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::status::Dialect;

/// How far a plugin version can be relied on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PluginHealth {
    /// Nothing is known against it.
    Good,
    /// Works, but says less or reports what did not happen.
    Watch,
    /// Has a known defect that lets through what should not be, or that keeps it from updating.
    Risky,
}

/// A plugin version in words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct PluginState {
    /// The worst of what is known.
    pub health: PluginHealth,
    /// What is known, one sentence each, the worst first.
    pub words: Vec<String>,
}

/// Version of Capgo's updater, as devices send it: three numbers; what follows them is not looked at.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CapgoVersion {
    /// Line of the plugin, which follows Capacitor's major version.
    pub major: u32,
    /// Feature level, the same in all maintained lines.
    pub minor: u32,
    /// Patch.
    pub patch: u32,
}

/// Longest plugin version that is read.
const MAX_LENGTH: usize = 64;

impl fmt::Display for CapgoVersion {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}.{}.{}", self.major, self.minor, self.patch)
    }
}

impl CapgoVersion {
    /// Published on npm by mistake as `latest`: code of 2024 under a number that is higher than all others.
    pub const STRAY: Self = Self::new(10, 0, 0);

    const fn new(major: u32, minor: u32, patch: u32) -> Self {
        Self {
            major,
            minor,
            patch,
        }
    }

    /// Reads `8.51.23`, also with a pre-release or build part.
    pub fn parse(text: &str) -> Option<Self> {
        if text.len() > MAX_LENGTH {
            return None;
        }
        let (numbers, rest) = text.split_at(text.find(['-', '+']).unwrap_or(text.len()));
        let clean = |b: u8| b.is_ascii_alphanumeric() || b"-+.".contains(&b);
        let mut parts = numbers.split('.').map(|part| {
            let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
            part.parse().ok().filter(|_| digits)
        });
        let version = Self::new(parts.next()??, parts.next()??, parts.next()??);
        (parts.next().is_none() && rest.bytes().all(clean)).then_some(version)
    }

    fn stray(self) -> bool {
        self == Self::STRAY
    }

    /// Feature level of a line that has it from the beginning of line 8 on.
    fn has_since(self, minor_before_8: u32) -> bool {
        !self.stray() && (self.major >= 8 || (self.major >= 5 && self.minor >= minor_before_8))
    }

    /// Reads a signed checksum in hex, which is the only form that is made (5.30.0, 6.30.0, 7.30.0, 8.0.0).
    pub fn reads_hex_signatures(self) -> bool {
        self.has_since(30)
    }

    /// Takes updates by single files (5.10.0, 6.25.0, 7.0.30, 8.0.0).
    pub fn reads_manifests(self) -> bool {
        !self.stray()
            && match self.major {
                0..=4 => false,
                5 => self.minor >= 10,
                6 => self.minor >= 25,
                7 => self.minor > 0 || self.patch >= 30,
                _ => true,
            }
    }

    /// Refuses unsigned bundles when the app pins a key (8.51.23; in no version of the older lines that was read).
    pub fn enforces_signatures(self) -> bool {
        !self.stray() && self >= Self::new(8, 51, 23)
    }

    /// Reports a good start with `app_launch_ready` and a failed one with `app_launch_timeout` (8.51, 7.51).
    pub fn reports_starts(self) -> bool {
        !self.stray() && self.major >= 7 && (self.major > 8 || self.minor >= 51)
    }

    /// Certainly sends `key_id` when the app pins a key (read in 8.51 and 7.51).
    pub fn sends_key_id(self) -> bool {
        self.reports_starts()
    }

    /// Reports `download_fail` when there was nothing to download (before 7.17.0 and 6.14.25).
    pub fn reports_false_failures(self) -> bool {
        self.stray()
            || self < Self::new(6, 14, 25)
            || (self.major == 7 && self < Self::new(7, 17, 0))
    }
}

/// What is known of a version of Capgo's updater on a channel; `signed` when the channel has an RSA key.
pub fn capgo_state(version: &str, signed: bool) -> PluginState {
    let Some(v) = CapgoVersion::parse(version) else {
        let words = vec![format!("{version:?} is no version of Capgo's updater.")];
        return PluginState {
            health: PluginHealth::Risky,
            words,
        };
    };
    let mut found = Vec::new();
    let mut note = |health, words: &str| found.push((health, words.to_owned()));
    if v.stray() {
        note(
            PluginHealth::Risky,
            "10.0.0 is a stray publish of code from 2024. Install 8.51.23, or 7.51.21 for Capacitor 7.",
        );
    }
    if signed && !v.reads_hex_signatures() {
        note(
            PluginHealth::Risky,
            "Cannot read the signatures that are made today, so it is offered nothing on a channel with a key.",
        );
    }
    if signed && !v.enforces_signatures() {
        note(
            PluginHealth::Risky,
            "Takes unsigned bundles although the app pins a key. Only 8.51.23 and newer refuse them.",
        );
    }
    if !v.reports_starts() {
        note(
            PluginHealth::Watch,
            "Does not report a good start. It counts as confirmed at its next check-in.",
        );
    }
    if v.reports_false_failures() {
        note(
            PluginHealth::Watch,
            "Reports failed downloads that did not happen. Those reports are not counted.",
        );
    }
    found.sort_by_key(|(health, _)| std::cmp::Reverse(*health));
    PluginState {
        health: found.first().map_or(PluginHealth::Good, |(h, _)| *h),
        words: found.into_iter().map(|(_, words)| words).collect(),
    }
}

/// What is known of a version of a plugin that speaks a dialect; `signed` when the channel has an RSA key.
pub fn plugin_state(dialect: Dialect, version: &str, signed: bool) -> PluginState {
    let watch = |words: &str| PluginState {
        health: PluginHealth::Watch,
        words: vec![words.to_owned()],
    };
    match dialect {
        Dialect::Capgo => capgo_state(version, signed),
        Dialect::Ionic => {
            watch("Sends no failure signal and cannot be told to return to the embedded build.")
        }
        Dialect::Cordova => watch(
            "Verifies nothing, sends no failure signal and cannot be told to return to the embedded build.",
        ),
        Dialect::Headgate => PluginState {
            health: PluginHealth::Good,
            words: Vec::new(),
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn v(text: &str) -> CapgoVersion {
        CapgoVersion::parse(text).unwrap()
    }

    #[test]
    fn versions_are_read_as_devices_send_them() {
        assert_eq!(v("8.51.23"), CapgoVersion::new(8, 51, 23));
        assert_eq!(v("7.0.0-alpha.3+x"), CapgoVersion::new(7, 0, 0));
        for bad in [
            "",
            "8",
            "8.51",
            "8.51.23.1",
            "8.-1.0",
            "a.b.c",
            "8.51.+1",
            "8.51.99999999999",
            "8.51.23-é",
        ] {
            assert_eq!(CapgoVersion::parse(bad), None, "{bad}");
        }
    }

    #[test]
    fn each_line_got_each_ability_when_it_did() {
        for (version, hex, manifests, enforces, starts, false_failures) in [
            ("8.51.23", true, true, true, true, false),
            ("8.51.22", true, true, false, true, false),
            ("8.50.9", true, true, false, false, false),
            ("7.51.21", true, true, false, true, false),
            ("7.50.1", true, true, false, false, false),
            ("7.29.9", false, true, false, false, false),
            ("7.16.9", false, true, false, false, true),
            ("7.0.29", false, false, false, false, true),
            ("6.30.0", true, true, false, false, false),
            ("6.14.25", false, false, false, false, false),
            ("6.14.24", false, false, false, false, true),
            ("5.9.0", false, false, false, false, true),
            ("4.60.0", false, false, false, false, true),
            ("10.0.0", false, false, false, false, true),
            ("9.0.0", true, true, true, true, false),
        ] {
            let v = v(version);
            let found = (
                v.reads_hex_signatures(),
                v.reads_manifests(),
                v.enforces_signatures(),
                v.reports_starts(),
                v.reports_false_failures(),
            );
            assert_eq!(
                found,
                (hex, manifests, enforces, starts, false_failures),
                "{version}"
            );
        }
    }

    #[test]
    fn the_signature_bypass_is_a_risk_only_where_there_is_a_signature() {
        assert_eq!(capgo_state("8.51.23", true).health, PluginHealth::Good);
        assert_eq!(capgo_state("8.51.22", true).health, PluginHealth::Risky);
        assert_eq!(capgo_state("7.51.21", true).health, PluginHealth::Risky);
        assert_eq!(capgo_state("8.51.22", false).health, PluginHealth::Good);
        assert_eq!(capgo_state("8.50.0", false).health, PluginHealth::Watch);
        assert_eq!(capgo_state("10.0.0", false).health, PluginHealth::Risky);
        assert_eq!(capgo_state("latest", false).health, PluginHealth::Risky);
    }

    proptest! {
        #[test]
        fn any_text_gets_an_answer(text in "\\PC{0,80}", signed: bool) {
            let state = capgo_state(&text, signed);
            prop_assert_eq!(state.words.is_empty(), state.health == PluginHealth::Good);
        }

        #[test]
        fn a_version_reads_back(a: u32, b: u32, c: u32) {
            let version = CapgoVersion::new(a, b, c);
            prop_assert_eq!(CapgoVersion::parse(&version.to_string()), Some(version));
        }
    }
}
