//! Published web builds: nothing in them is taken for a secret, and what is planted there is found.
//!
//! `HEADGATE_REAL_BUILDS` names the `node_modules` that `npm ci` makes of `tests/interop/realbuilds`.
#![expect(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a test that cannot set up has failed"
)]

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicBool;

use headgate_bundle::{Finding, InspectContext, Inspection, Limits, Severity, WebBuild, inspect};

const BUILDS: [&str; 3] = [
    "@directus/app/dist",
    "n8n-editor-ui/dist",
    "swagger-ui-dist",
];

fn folders() -> Vec<PathBuf> {
    let modules = std::env::var_os("HEADGATE_REAL_BUILDS")
        .map(PathBuf::from)
        .expect("HEADGATE_REAL_BUILDS names a node_modules");
    BUILDS.iter().map(|build| modules.join(build)).collect()
}

fn run(folder: &Path) -> Inspection {
    let build = WebBuild::open(folder, &Limits::default(), &[]).unwrap();
    inspect(&build, &InspectContext::default(), &AtomicBool::new(false)).unwrap()
}

fn with<'a>(inspection: &'a Inspection, area: &'a str) -> impl Iterator<Item = &'a Finding> {
    let all = inspection.findings.iter();
    all.filter(move |f| f.code.starts_with(area))
}

/// All files as path and content.
fn files(folder: &Path) -> Vec<(String, Vec<u8>)> {
    let build = WebBuild::open(folder, &Limits::default(), &[]).unwrap();
    let paths = build.files().iter().map(|f| f.path.clone());
    paths
        .map(|path| (path.clone(), fs::read(folder.join(path)).unwrap()))
        .collect()
}

/// Files whose last lines name a source map that is not there; none of these builds has an inline one.
fn dangling(folder: &Path, files: &[(String, Vec<u8>)]) -> BTreeSet<String> {
    let names_missing_map = |(path, bytes): &&(String, Vec<u8>)| {
        let text = String::from_utf8_lossy(bytes);
        let mut lines = text.lines();
        lines.any(|line| {
            let address = line.strip_prefix("//# sourceMappingURL=");
            address.is_some_and(|a| !folder.join(path).parent().unwrap().join(a).exists())
        })
    };
    let found = files.iter().filter(names_missing_map);
    found.map(|(path, _)| path.clone()).collect()
}

#[test]
#[ignore = "needs the builds of tests/interop/realbuilds"]
fn nothing_in_published_builds_is_taken_for_a_secret() {
    let (mut maps, mut references) = (0, 0);
    for folder in folders() {
        let inspection = run(&folder);
        let secrets: Vec<_> = with(&inspection, "secret.").collect();
        assert!(secrets.is_empty(), "{folder:?}: {secrets:#?}");
        let errors = inspection.findings.iter();
        let errors: Vec<_> = errors.filter(|f| f.severity == Severity::Error).collect();
        assert!(errors.is_empty(), "{folder:?}: {errors:#?}");

        let files = files(&folder);
        let named = files.iter().filter(|(path, _)| path.ends_with(".map"));
        assert_eq!(inspection.source_maps.0 as usize, named.count());
        maps += inspection.source_maps.0;
        let missing = with(&inspection, "maps.missing").filter_map(|f| f.path.clone());
        let missing: BTreeSet<String> = missing.collect();
        assert_eq!(missing, dangling(&folder, &files), "{folder:?}");
        references += missing.len();
        assert_eq!(with(&inspection, "maps.inline").count(), 0);
        assert_eq!(with(&inspection, "maps.other_name").count(), 0);
    }
    // The builds hold what the checks are about.
    assert!(maps > 0 && references > 0, "{maps} {references}");
}

/// Put together here, so that no scanner takes this file for a leak.
fn planted() -> Vec<(&'static str, Severity, String)> {
    let hex = "0a1b2c3d4e5f60718293a4b5c6d7e8f901234567";
    let mixed = "SyC0a1b2c3d4e5f60718293a4b5c6d7e8q4";
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7".repeat(12);
    let aws = format!("wJalrXUtnFEMI{}", "/K7MDENG/bPxRfiCYzz1234567q");
    let error = Severity::Error;
    vec![
        (
            "AWS access key id",
            error,
            format!("\"AKIA{}\"", "IOSFODNN7EXAMPLE"),
        ),
        (
            "AWS secret access key",
            error,
            format!("{{secretAccessKey:\"{aws}\"}}"),
        ),
        ("GitHub token", error, format!("'ghp_{}'", &hex[..36])),
        (
            "Stripe live key",
            error,
            format!("`sk_live_{}`", &hex[..24]),
        ),
        ("Slack token", error, format!("token=xoxb-{}", &hex[..24])),
        ("JWT signing secret", error, format!("JWT_SECRET=\"{hex}\"")),
        (
            "RSA private key",
            error,
            format!("-----BEGIN RSA {}-----\\n{body}", "PRIVATE KEY"),
        ),
        (
            "Google API key",
            Severity::Warning,
            format!("\"AIza{mixed}\""),
        ),
    ]
}

/// Where it goes into a file: at its start, its end, or behind a statement in its middle.
fn plant(bytes: &[u8], secret: &str, place: usize) -> Vec<u8> {
    let middle = bytes.len() / 2;
    let behind = bytes[middle..].iter().position(|b| *b == b';');
    let at = [0, behind.map_or(middle, |n| middle + n + 1), bytes.len()][place % 3];
    [&bytes[..at], b";", secret.as_bytes(), b";", &bytes[at..]].concat()
}

#[test]
#[ignore = "needs the builds of tests/interop/realbuilds"]
fn secrets_planted_into_published_builds_are_found() {
    for folder in folders() {
        let copy = tempfile::tempdir().unwrap();
        let mut scripts = Vec::new();
        for (path, bytes) in files(&folder) {
            let target = copy.path().join(&path);
            fs::create_dir_all(target.parent().unwrap()).unwrap();
            fs::write(target, &bytes).unwrap();
            if path.ends_with(".js") {
                scripts.push((path, bytes));
            }
        }
        scripts.sort_by_key(|(_, bytes)| std::cmp::Reverse(bytes.len()));
        let secrets = planted();
        for (n, (_, _, secret)) in secrets.iter().enumerate() {
            // The largest scripts of the build, one secret each; a small build gets several in one.
            let (path, _) = &scripts[n % scripts.len().min(4)];
            let path = copy.path().join(path);
            let changed = plant(&fs::read(&path).unwrap(), secret, n);
            fs::write(path, changed).unwrap();
        }
        let env = format!("JWT_SECRET={}\n", "0a1b2c3d4e5f60718293a4b5c6d7e8f9");
        fs::write(copy.path().join(".env"), env).unwrap();

        let inspection = run(copy.path());
        for (n, (what, severity, _)) in secrets.iter().enumerate() {
            let (path, _) = &scripts[n % scripts.len().min(4)];
            let found = with(&inspection, "secret.")
                .filter(|f| f.title.starts_with(what) && f.path.as_ref() == Some(path));
            let weights: Vec<Severity> = found.map(|f| f.severity).collect();
            assert_eq!(weights, [*severity], "{what} in {folder:?}: {path}");
        }
        let env = with(&inspection, "secret.env_file").next();
        assert_eq!(env.and_then(|f| f.path.as_deref()), Some(".env"));
        // Nothing beyond what was planted: the one in .env is found by its name and its content.
        let all = with(&inspection, "secret.").count();
        assert_eq!(all, secrets.len() + 2, "{folder:?}");
    }
}
