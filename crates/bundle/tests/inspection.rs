//! What inspection finds, where, and how it says it.
#![expect(clippy::unwrap_used, reason = "a test that cannot set up has failed")]

use std::fs;
use std::path::Path;
use std::sync::atomic::AtomicBool;

use headgate_bundle::{
    Finding, InspectContext, Inspection, Limits, LookKind, PackOptions, Severity, WebBuild,
    inspect, pack, quick_look, version_of_a_native_app,
};
use tempfile::TempDir;

fn sample() -> WebBuild {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/fixtures/builds/sample");
    WebBuild::open(&path, &Limits::default(), &[]).unwrap()
}

fn build(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    fs::write(dir.path().join("index.html"), "<!doctype html>x").unwrap();
    for (path, text) in files {
        let path = dir.path().join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    dir
}

fn inspect_with(dir: &TempDir, context: &InspectContext<'_>) -> Inspection {
    let build = WebBuild::open(dir.path(), &Limits::default(), &[]).unwrap();
    inspect(&build, context, &AtomicBool::new(false)).unwrap()
}

fn findings(files: &[(&str, &str)]) -> Vec<Finding> {
    inspect_with(&build(files), &InspectContext::default()).findings
}

#[track_caller]
fn only(files: &[(&str, &str)], code: &str) -> Finding {
    let found = findings(files);
    let mut rest = found.iter().filter(|f| f.code != "index.present");
    let finding = rest.next().unwrap_or_else(|| panic!("nothing found"));
    assert_eq!((finding.code, rest.next()), (code, None), "{found:#?}");
    finding.clone()
}

#[test]
fn the_sample_has_nothing_to_complain_about() {
    let inspection = inspect(
        &sample(),
        &InspectContext::default(),
        &AtomicBool::new(false),
    )
    .unwrap();
    let codes: Vec<_> = inspection.findings.iter().map(|f| f.code).collect();
    assert_eq!(codes, ["index.present"]);
    assert_eq!(inspection.findings[0].severity, Severity::Ok);
    assert!(
        inspection.findings[0]
            .title
            .ends_with("5 references resolved"),
        "{}",
        inspection.findings[0].title
    );
    assert!(inspection.passed >= 10);
    assert_eq!(inspection.source_maps, (0, 0));
    assert_eq!(inspection.biggest.len(), 10);
    assert!(inspection.biggest.is_sorted_by(|a, b| a.1 >= b.1));
}

#[test]
fn an_empty_index_blocks_and_cannot_be_allowed() {
    let finding = findings(&[("index.html", " \n")]).remove(0);
    assert_eq!(
        (finding.code, finding.severity, finding.allowable),
        ("index.empty", Severity::Error, false)
    );
}

#[test]
fn source_maps_are_counted_and_can_be_left_out() {
    let dir = build(&[("a.js.map", "{}"), ("b.css.map", "{\"a\":1}")]);
    let with = inspect_with(&dir, &InspectContext::default());
    assert_eq!(with.source_maps, (2, 9));
    assert_eq!(with.findings[0].code, "maps.included");
    assert_eq!(
        with.findings[0].title,
        "2 source maps (9 bytes) in the build"
    );
    let context = InspectContext {
        exclude_source_maps: true,
        ..InspectContext::default()
    };
    let without = inspect_with(&dir, &context);
    assert_eq!(without.source_maps, (2, 9));
    assert_eq!(without.findings[0].code, "maps.excluded");
    assert_eq!(without.passed, with.passed + 1);
}

#[test]
fn secrets_in_maps_that_are_left_out_do_not_block() {
    let token = format!("ghp_{}", "0a1b2c3d4e5f60718293a4b5c6d7e8f90123");
    let dir = build(&[("a.js.map", &token)]);
    let context = InspectContext {
        exclude_source_maps: true,
        ..InspectContext::default()
    };
    assert!(
        inspect_with(&dir, &context)
            .findings
            .iter()
            .all(|f| f.severity != Severity::Error)
    );
    assert_eq!(
        inspect_with(&dir, &InspectContext::default()).findings[0].code,
        "secret.token"
    );
}

#[test]
fn files_that_hold_secrets_by_their_name_are_errors() {
    for (path, code) in [
        (".env", "secret.env_file"),
        ("config/.env.production", "secret.env_file"),
        ("cert/app.p12", "secret.key_file"),
        ("release.KEYSTORE", "secret.key_file"),
        ("id_rsa", "secret.key_file"),
        (".git/HEAD", "secret.repository"),
        ("lib/.svn/entries", "secret.repository"),
    ] {
        let finding = only(&[(path, "x")], code);
        assert_eq!(
            (finding.severity, finding.allowable),
            (Severity::Error, true),
            "{path}"
        );
    }
    assert_eq!(
        only(
            &[(".git/HEAD", "x"), (".git/refs/a", "y")],
            "secret.repository"
        )
        .path
        .as_deref(),
        Some(".git")
    );
    assert_eq!(
        findings(&[("environment.js", "x"), ("env.js", "x")]).len(),
        1
    );
}

#[test]
fn tokens_are_errors_with_place_and_without_the_secret() {
    let token = format!("ghp_{}", "0a1b2c3d4e5f60718293a4b5c6d7e8f90123");
    let text = format!("{}\nlet key = \"{token}\";", "// line\n".repeat(100_000));
    let finding = only(&[("main.js", &text)], "secret.token");
    assert_eq!(finding.path.as_deref(), Some("main.js"));
    assert_eq!(finding.line, Some(100_002));
    assert_eq!(finding.title, "GitHub token ghp_0a1…23");
    assert!(!format!("{finding:?}").contains(&token));
}

#[test]
fn keys_that_are_made_for_web_pages_are_warned_of() {
    let key = format!("AIza{}", "SyC0a1b2c3d4e5f60718293a4b5c6d7e8q4");
    let finding = only(&[("main.js", &format!("k='{key}'"))], "secret.browser_key");
    assert_eq!(finding.title, "Google API key AIzaSyC…q4");
    assert_eq!(finding.severity, Severity::Warning);
}

#[test]
fn source_maps_are_found_by_what_refers_to_them() {
    let inline = "eyJ2ZXJzaW9uIjozLCJzb3VyY2VzIjpbXSwibmFtZXMiOltdfQ";
    let finding = only(
        &[(
            "a.js",
            &format!("x\n//# sourceMappingURL=data:application/json;base64,{inline}"),
        )],
        "maps.inline",
    );
    assert_eq!(
        (finding.line, finding.severity),
        (Some(2), Severity::Warning)
    );
    let reference = "x\n//# sourceMappingURL=../maps/a.json";
    let finding = only(&[("js/a.js", reference)], "maps.missing");
    assert_eq!(finding.title, "The source map “maps/a.json” is not there");
    assert_eq!(finding.severity, Severity::Info);
    let finding = only(
        &[("js/a.js", reference), ("maps/a.json", "{}")],
        "maps.other_name",
    );
    assert_eq!(finding.path.as_deref(), Some("js/a.js"));
    let named = "x\n//# sourceMappingURL=a%20b.js.map";
    let files = [("js/a.js", named), ("js/a b.js.map", "{}")];
    let codes: Vec<_> = findings(&files).iter().map(|f| f.code).collect();
    assert_eq!(codes, ["maps.included", "names.space", "index.present"]);
    // Elsewhere is not in the build.
    assert_eq!(
        findings(&[("a.js", "//# sourceMappingURL=https://x.example/a.map")]).len(),
        1
    );
}

#[test]
fn private_keys_are_found_in_any_text_but_not_in_binaries() {
    let pem = format!(
        "-----BEGIN {} KEY-----\n{}\n",
        "RSA PRIVATE",
        "MIIEow".repeat(12)
    );
    let finding = only(&[("assets/key.txt", &pem)], "secret.private_key");
    assert_eq!(
        (finding.line, finding.title.as_str()),
        (Some(1), "RSA private key")
    );
    let binary = format!("\0{pem}");
    assert_eq!(findings(&[("data.bin", &binary)]).len(), 1);
}

#[test]
fn many_findings_of_one_kind_are_counted() {
    let lines: String = (0..45)
        .map(|n| format!("ghp_{n:02}{}\n", "a1B2".repeat(9)[2..].to_owned()))
        .collect();
    let found = findings(&[("tokens.js", &lines)]);
    let tokens: Vec<_> = found.iter().filter(|f| f.code == "secret.token").collect();
    assert_eq!(tokens.len(), 20);
    assert!(
        tokens[19].text.ends_with("There are 25 more of this kind."),
        "{}",
        tokens[19].text
    );
}

#[test]
fn names_twins_programs_and_leftovers_are_told() {
    let finding = only(&[("my file.js", "x"), ("a+b.js", "y")], "names.space");
    assert_eq!(finding.title, "2 files with a space or + in the name");
    only(
        &[("main.js", "x"), ("main.js.br", "y"), ("main.js.gz", "z")],
        "twins.precompressed",
    );
    only(&[("setup.exe", "x"), ("lib.so", "y")], "junk.executable");
    only(&[("img/.DS_Store", "x")], "junk.system_files");
    only(&[("blank.css", "")], "files.empty");
    assert_eq!(findings(&[("logs.gz", "x")]).len(), 1);
}

#[test]
fn references_of_the_index_are_resolved() {
    let html = "<script src=\"/main.js\"></script>\n<link href=gone.css rel=stylesheet>\n<img src=\"https://cdn.example/x.png\">";
    let found = findings(&[("index.html", html), ("main.js", "x")]);
    let codes: Vec<_> = found.iter().map(|f| f.code).collect();
    assert_eq!(
        codes,
        ["index.broken_reference", "index.external", "index.present"]
    );
    assert_eq!(
        (found[0].line, found[0].severity),
        (Some(2), Severity::Warning)
    );
    assert!(found[2].title.ends_with("1 reference resolved"));
}

#[test]
fn a_bundle_too_large_for_ios_and_a_native_version_are_warned_of() {
    let dir = build(&[]);
    fs::write(dir.path().join("video.mp4"), vec![7; 9_500_000]).unwrap();
    let opened = WebBuild::open(dir.path(), &Limits::default(), &[]).unwrap();
    let out = tempfile::tempdir().unwrap();
    let options = PackOptions::default();
    let stop = AtomicBool::new(false);
    let mut packed = pack(
        &opened,
        &out.path().join("o.zip"),
        &options,
        &|_, _| (),
        &stop,
    )
    .unwrap();
    let run = |packed: &_| {
        let context = InspectContext {
            packed: Some(packed),
            ..InspectContext::default()
        };
        let inspection = inspect(&opened, &context, &stop).unwrap();
        let found = inspection
            .findings
            .into_iter()
            .filter(|f| f.severity == Severity::Warning);
        found.map(|f| (f.code, f.title)).collect::<Vec<_>>()
    };
    let found = run(&packed);
    assert_eq!(found[0].0, "size.ios");
    assert!(found[0].1.starts_with("9.5 MB take 26 s"), "{}", found[0].1);
    packed.size = 9_375_000;
    assert!(run(&packed).is_empty());
    packed.size += 1;
    assert_eq!(run(&packed).len(), 1);
}

#[test]
fn a_version_of_an_app_in_the_store_is_told() {
    let native = ["4.2.0".to_owned(), "4.1.0".to_owned()];
    let found = version_of_a_native_app("4.1.0", &native).unwrap();
    assert_eq!(
        (found.code, found.severity),
        ("version.native", Severity::Warning)
    );
    assert!(found.title.contains("4.1.0"));
    assert_eq!(version_of_a_native_app("4.2.1", &native), None);
}

#[test]
fn the_first_look_is_enough_for_the_overlay() {
    let dir = build(&[]);
    let says = |path: &Path| {
        let look = quick_look(path);
        (look.kind, look.ok, look.says)
    };
    let index = dir.path().join("index.html");
    assert_eq!(
        says(dir.path()),
        (LookKind::Folder, true, "folder with index.html".into())
    );
    assert_eq!(
        says(&index),
        (LookKind::Other, false, "Not a folder or .zip".into())
    );
    assert_eq!(
        says(&dir.path().join("gone")),
        (LookKind::Other, false, "Not a folder or .zip".into())
    );

    let out = tempfile::tempdir().unwrap();
    assert_eq!(
        says(out.path()),
        (
            LookKind::Folder,
            false,
            "Not a web build: no index.html".into()
        )
    );
    fs::create_dir(out.path().join("dist")).unwrap();
    fs::copy(&index, out.path().join("dist/index.html")).unwrap();
    assert_eq!(
        says(out.path()),
        (LookKind::Folder, true, "folder with dist/index.html".into())
    );

    let zip = out.path().join("x.zip");
    fs::write(&zip, [b"PK\x03\x04".to_vec(), vec![0; 1_799_996]].concat()).unwrap();
    assert_eq!(says(&zip), (LookKind::Zip, true, "zip file, 1.8 MB".into()));
    let fake = out.path().join("fake.zip");
    fs::write(&fake, "hello").unwrap();
    assert!(!quick_look(&fake).ok);
}
