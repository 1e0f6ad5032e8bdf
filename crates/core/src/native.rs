//! Native versions that a release runs on: npm-semver rules, lower and upper bound and exceptions.

use std::cmp::Ordering;

use semver::{BuildMetadata, Prerelease, Version};
use serde::{Deserialize, Serialize};

use crate::{Code, Problem, Result};

/// Most exceptions in one range.
const MAX_EXCLUDE: usize = 100;
/// Longest native version that is read; devices send theirs freely.
const MAX_LENGTH: usize = 64;

/// Operating system of a device.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Platform {
    /// iOS and iPadOS.
    Ios,
    /// Android.
    Android,
}

/// Native versions on each platform; nothing = all of them.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Native {
    /// On iOS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ios: Option<NativeRange>,
    /// On Android.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub android: Option<NativeRange>,
}

/// A range of native versions.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct NativeRange {
    /// Lowest version that matches: `4.1.0`; missing parts are 0.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub min: Option<String>,
    /// Highest version that matches: `4.2.3`, or a whole line `4.2.x` or `4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub max: Option<String>,
    /// Versions in between that do not match: `4.1.3`, or a whole line `4.1.x`.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub exclude: Vec<String>,
}

impl Native {
    /// From a range for each platform; an empty range is no limit.
    ///
    /// # Errors
    /// `usage.argument` with the field.
    pub fn new(ios: NativeRange, android: NativeRange) -> Result<Self> {
        let some = |range: NativeRange| (range != NativeRange::default()).then_some(range);
        let native = Self {
            ios: some(ios),
            android: some(android),
        };
        native.check()?;
        Ok(native)
    }

    /// The range of a platform.
    pub fn range(&self, platform: Platform) -> Option<&NativeRange> {
        match platform {
            Platform::Ios => self.ios.as_ref(),
            Platform::Android => self.android.as_ref(),
        }
    }

    /// Whether a native version, as a device sends it, is in the platform's range.
    /// Without a range everything is; what [`coerce`] cannot read is in no range.
    pub fn matches(&self, platform: Platform, version: &str) -> bool {
        self.range(platform).is_none_or(|r| r.matches(version))
    }

    /// Whether a device is in both ranges: a rollout can only narrow what approvers signed.
    pub fn matches_both(&self, other: Option<&Self>, platform: Platform, version: &str) -> bool {
        self.matches(platform, version) && other.is_none_or(|o| o.matches(platform, version))
    }

    /// Rules that the types do not state.
    ///
    /// # Errors
    /// `usage.argument` with the field.
    pub fn check(&self) -> Result<()> {
        for (name, range) in [("native.ios", &self.ios), ("native.android", &self.android)] {
            if let Some(range) = range {
                range.check(name)?;
            }
        }
        Ok(())
    }
}

impl Platform {
    /// As in protocols and on the command line.
    pub fn text(self) -> &'static str {
        match self {
            Self::Ios => "ios",
            Self::Android => "android",
        }
    }

    /// For people.
    pub fn label(self) -> &'static str {
        match self {
            Self::Ios => "iOS",
            Self::Android => "Android",
        }
    }

    /// Reads `ios` or `android`.
    ///
    /// # Errors
    /// `usage.argument` for the field `platform`.
    pub fn parse(text: &str) -> Result<Self> {
        [Self::Ios, Self::Android]
            .into_iter()
            .find(|p| p.text() == text)
            .ok_or_else(|| {
                let what = format!("{text:?} is neither ios nor android.");
                Problem::new(Code::UsageArgument, what).field("platform")
            })
    }
}

impl NativeRange {
    /// Whether a native version, as a device sends it, is in the range.
    ///
    /// As npm's `satisfies(version, ">=min <=max")`: a pre-release is in it only if `min` or `max` is a
    /// pre-release of the same three numbers. Exceptions take pre-releases of a whole line out with it.
    pub fn matches(&self, version: &str) -> bool {
        let Some(version) = coerce(version) else {
            return false;
        };
        // A range that cannot be read matches nothing; check() keeps such ranges out of documents.
        let (Ok(min), Ok(max)) = (bound(self.min.as_deref()), bound(self.max.as_deref())) else {
            return false;
        };
        let Ok(exclude) = self
            .exclude
            .iter()
            .map(|e| Bound::parse(e))
            .collect::<Result<Vec<_>>>()
        else {
            return false;
        };
        let above = min
            .as_ref()
            .is_none_or(|m| order(&version, &m.lowest) != Ordering::Less);
        let below = max.as_ref().is_none_or(|m| m.not_above(&version));
        let named = |b: &Option<Bound>| {
            b.as_ref()
                .is_some_and(|b| !b.lowest.pre.is_empty() && same_numbers(&b.lowest, &version))
        };
        let released = version.pre.is_empty() || named(&min) || named(&max);
        above && below && released && !exclude.iter().any(|e| e.covers(&version))
    }

    fn check(&self, field: &str) -> Result<()> {
        let bad = |why: &str| {
            Err(Problem::new(Code::UsageArgument, format!("{field} {why}.")).field(field))
        };
        if *self == Self::default() {
            return bad("is empty; leave it out for all versions");
        }
        if self.exclude.len() > MAX_EXCLUDE {
            return bad("has too many exceptions");
        }
        let named = |p: Problem| p.field(field);
        let min = bound(self.min.as_deref()).map_err(named)?;
        let max = bound(self.max.as_deref()).map_err(named)?;
        for exclude in &self.exclude {
            Bound::parse(exclude).map_err(named)?;
        }
        match (min, max) {
            (Some(min), Some(max)) if !max.not_above(&min.lowest) => bad("ends below its start"),
            _ => Ok(()),
        }
    }

    /// In words: "4.1.0 – 4.2.x".
    pub fn words(&self) -> String {
        let mut words = match (&self.min, &self.max) {
            (Some(min), Some(max)) if min == max => format!("{min} only"),
            (Some(min), Some(max)) => format!("{min} – {max}"),
            (Some(min), None) => format!("{min} and newer"),
            (None, Some(max)) => format!("up to {max}"),
            (None, None) => "all".into(),
        };
        if !self.exclude.is_empty() {
            words = format!("{words} except {}", self.exclude.join(", "));
        }
        words
    }
}

/// The ranges in words: "Native 4.1.0 – 4.2.x", "all native versions", each platform when they differ.
pub fn summary(native: &Native) -> String {
    let words = |r: &Option<NativeRange>| {
        r.as_ref()
            .map_or_else(|| "all".to_owned(), NativeRange::words)
    };
    match (&native.ios, &native.android) {
        (None, None) => "all native versions".into(),
        (Some(a), Some(b)) if a == b => format!("Native {}", a.words()),
        (ios, android) => format!("Native iOS {} · Android {}", words(ios), words(android)),
    }
}

/// A bound or an exception: one version, or a whole line of them.
struct Bound {
    /// First version of it.
    lowest: Version,
    /// First version behind the line; nothing for one version.
    behind: Option<Version>,
}

impl Bound {
    fn parse(text: &str) -> Result<Self> {
        let bad = || {
            let what = format!("{text:?} is not a native version such as 4.2.0, 4.2.x or 4.");
            Problem::new(Code::UsageArgument, what)
        };
        if let Some(version) = parse_full(text) {
            if !version.build.is_empty() {
                return Err(bad());
            }
            return Ok(Self {
                lowest: version,
                behind: None,
            });
        }
        let parts: Vec<&str> = text.split('.').collect();
        let wild = |p: &&str| matches!(*p, "x" | "X" | "*");
        let numbers: Vec<u64> = parts
            .iter()
            .take_while(|p| !wild(p))
            .map(|p| strict_number(p).ok_or_else(bad))
            .collect::<Result<_>>()?;
        if parts.len() > 3 || !parts[numbers.len()..].iter().all(wild) {
            return Err(bad());
        }
        let (lowest, behind) = match numbers[..] {
            [major] => (Version::new(major, 0, 0), Version::new(major + 1, 0, 0)),
            [major, minor] => (
                Version::new(major, minor, 0),
                Version::new(major, minor + 1, 0),
            ),
            _ => return Err(bad()),
        };
        Ok(Self {
            lowest,
            behind: Some(behind),
        })
    }

    /// npm's `<=`: for a line `4.2.x` that is `<4.3.0-0`, so pre-releases of 4.3.0 are above it.
    fn not_above(&self, version: &Version) -> bool {
        match &self.behind {
            Some(behind) => numbers(version) < numbers(behind),
            None => order(version, &self.lowest) != Ordering::Greater,
        }
    }

    /// npm's `=` with pre-releases included: an exception must not let a pre-release of its line through.
    fn covers(&self, version: &Version) -> bool {
        match &self.behind {
            Some(_) => numbers(version) >= numbers(&self.lowest) && self.not_above(version),
            None => order(version, &self.lowest) == Ordering::Equal,
        }
    }
}

fn bound(text: Option<&str>) -> Result<Option<Bound>> {
    text.map(Bound::parse).transpose()
}

fn numbers(v: &Version) -> (u64, u64, u64) {
    (v.major, v.minor, v.patch)
}

fn same_numbers(a: &Version, b: &Version) -> bool {
    numbers(a) == numbers(b)
}

/// Precedence without build metadata (Semantic Versioning 2.0.0 §11).
fn order(a: &Version, b: &Version) -> Ordering {
    a.cmp_precedence(b)
}

/// npm keeps numbers up to 2^53 − 1 and refuses larger ones.
fn small(n: u64) -> bool {
    n <= headgate_tuf::canonical::MAX_INTEGER.unsigned_abs()
}

fn strict_number(text: &str) -> Option<u64> {
    let canonical = !text.starts_with('0') || text == "0";
    number(text).filter(|_| canonical)
}

fn number(text: &str) -> Option<u64> {
    let digits = !text.is_empty() && text.len() <= 16 && text.bytes().all(|b| b.is_ascii_digit());
    digits
        .then(|| text.parse().ok())
        .flatten()
        .filter(|n| small(*n))
}

/// Semantic Versioning 2.0.0, with npm's limit on numbers.
pub(crate) fn parse_full(text: &str) -> Option<Version> {
    let version = Version::parse(text).ok()?;
    let (a, b, c) = numbers(&version);
    [a, b, c].into_iter().all(small).then_some(version)
}

/// Reads a native version as devices send it: `4.2` is 4.2.0, `4.2.0.1308` is 4.2.0 (a fourth number is
/// ignored), leading zeros and a leading `v` are dropped, `-beta` and `+77` mean what they mean in
/// Semantic Versioning. Anything else is nothing.
pub fn coerce(text: &str) -> Option<Version> {
    let text = text.trim();
    if text.len() > MAX_LENGTH {
        return None;
    }
    let text = text.strip_prefix(['v', 'V']).unwrap_or(text);
    let text = text.split_once('+').map_or(text, |(before, _)| before);
    let (core, pre) = text
        .split_once('-')
        .map_or((text, None), |(c, p)| (c, Some(p)));
    let parts: Vec<u64> = core.split('.').map(number).collect::<Option<_>>()?;
    if parts.len() > 4 {
        return None;
    }
    let part = |i: usize| parts.get(i).copied().unwrap_or(0);
    Some(Version {
        major: part(0),
        minor: part(1),
        patch: part(2),
        pre: match pre {
            Some("") => return None,
            Some(pre) => Prerelease::new(pre).ok()?,
            None => Prerelease::EMPTY,
        },
        build: BuildMetadata::EMPTY,
    })
}

/// Whether two native versions, as devices send them, are the same version.
pub fn same_native(a: &str, b: &str) -> bool {
    a == b || coerce(a).is_some_and(|a| coerce(b).is_some_and(|b| a == b))
}
