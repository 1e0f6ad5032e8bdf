//! The threat list of zips and web builds, each with the zips that try it. A threat without a zip, or a
//! zip without a listed threat, fails.

mod archive;
mod entries;

use std::collections::BTreeSet;

use headgate_bundle::{InspectContext, Severity, inspect, version_of_a_native_app};

use super::*;
use archive::{structure, warnings};
use entries::{bombs, kinds, pairs, paths};

/// Every threat that a web build can bring. The trust model is where the list comes from.
const THREATS: [&str; 40] = [
    "..",
    "absolute path",
    "drive",
    "UNC path",
    "backslash",
    "NUL",
    "symlink",
    "symlink chain",
    "hard link",
    "device",
    "ratio bomb",
    "overlapping bomb",
    "nested bomb",
    "lying sizes",
    "duplicate names",
    "case collision",
    "NFC and NFD collision",
    "Windows reserved name",
    "trailing dot",
    "trailing space",
    "colon",
    "headers that differ",
    "prefix data",
    "trailing data",
    "two end records",
    "encrypted",
    "over-long path",
    "ZIP64 lies",
    "no index.html",
    "source maps",
    ".env",
    ".git",
    "private key",
    "token",
    "name with a space",
    "name with a plus",
    "precompressed twin",
    "too large for iOS",
    "version of the native app",
    "truncated",
];

enum Expect {
    /// Not opened, or not packed.
    Refused(Code),
    /// Packed, and never larger than this: what is inside an entry stays closed.
    Packed(u64),
    /// Found before anything is signed.
    Found(&'static str, Severity),
}
use Expect::{Found, Packed, Refused};

struct Row {
    threat: &'static str,
    what: String,
    zip: Vec<u8>,
    expect: Expect,
}

fn row(threat: &'static str, what: impl Into<String>, zip: Vec<u8>, expect: Expect) -> Row {
    Row {
        threat,
        what: what.into(),
        zip,
        expect,
    }
}

fn with(entry: Entry) -> Vec<u8> {
    zip(&[index(), entry])
}

fn mode(name: &str, mode: u32, data: &[u8]) -> Entry {
    Entry {
        attributes: mode << 16,
        ..stored(name, data)
    }
}

fn rows() -> Vec<Row> {
    [paths(), pairs(), kinds(), bombs(), structure(), warnings()]
        .into_iter()
        .flatten()
        .collect()
}

#[test]
fn every_threat_of_the_list_has_a_zip_that_tries_it() {
    let tried: BTreeSet<&str> = rows().iter().map(|r| r.threat).collect();
    assert_eq!(tried, BTreeSet::from(THREATS));
}

#[test]
fn every_threat_is_met() {
    for Row {
        threat,
        what,
        zip,
        expect,
    } in rows()
    {
        let shown = format!("{threat}: {what:?}");
        match expect {
            Refused(code) => {
                let problem = take(&zip).err().map(|p| p.code);
                assert_eq!(problem, Some(code), "{shown}");
            }
            Packed(limit) => {
                let size = take(&zip).unwrap_or_else(|p| panic!("{shown}: {p}"));
                assert!(size <= limit, "{shown}: {size} bytes");
            }
            Found(code, severity) => {
                let same = threat == "version of the native app";
                let version = if same { "4.2.0" } else { "4.2.1" };
                let found = found(&zip, severity, version);
                assert_eq!(found, [code], "{shown}");
            }
        }
    }
}

/// Errors, or warnings, of the inspection before signing.
fn found(bytes: &[u8], severity: Severity, version: &str) -> Vec<&'static str> {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("build.zip");
    std::fs::write(&path, bytes).unwrap();
    let build = WebBuild::open(&path, &Limits::default(), &[]).unwrap();
    let never = AtomicBool::new(false);
    let out = dir.path().join("out.zip");
    let packed = pack(&build, &out, &PackOptions::default(), &|_, _| (), &never).unwrap();
    let native = ["4.2.0".to_owned()];
    let context = InspectContext {
        packed: Some(&packed),
        ..InspectContext::default()
    };
    let mut findings = inspect(&build, &context, &never).unwrap().findings;
    findings.extend(version_of_a_native_app(version, &native));
    let found = findings.iter().filter(|f| f.severity == severity);
    found.map(|f| f.code).collect()
}
