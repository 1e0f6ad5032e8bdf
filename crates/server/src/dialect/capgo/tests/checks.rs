use headgate_core::rollout::{Entry, RolloutState};
use headgate_core::{Base, Native, NativeRange};
use serde_json::json;

use super::super::super::testing::{INSTALL, OBJECTS, Setup, name, release};
use super::{check, info, with};

#[tokio::test]
async fn a_device_gets_the_plain_bundle_by_a_name_of_its_own() {
    let server = Setup::default().start();
    let bundle = release(1308, "4.2.5").manifest.bundle.sha256;
    let answer = check(&server, &info("4.2.0")).await;
    assert_eq!(
        answer,
        json!({
            "version": "4.2.5+1308",
            "url": format!("{OBJECTS}/bundles/{bundle}.zip"),
            "checksum": bundle,
            "session_key": "",
        })
    );
    let seen = server.told.seen.lock().unwrap();
    assert_eq!(seen.len(), 1);
    assert_eq!(seen[0].install, INSTALL, "lower case");
    assert_eq!(
        (seen[0].running, seen[0].plugin.as_deref()),
        (None, Some("8.51.23"))
    );
    assert_eq!(seen[0].offered.as_ref().map(|o| o.0), Some(1308));
    assert_eq!(seen[0].place.channel, name("production"), "not the alias");
}

#[tokio::test]
async fn a_device_that_runs_it_is_up_to_date_and_hears_its_own_name() {
    let server = Setup::default().start();
    let answer = check(&server, &info("4.2.5+1308")).await;
    assert_eq!(
        answer,
        json!({
            "error": "no_new_version_available",
            "kind": "up_to_date",
            "message": "No new version available",
            "version": "4.2.5+1308",
        })
    );
    assert_eq!(server.told.seen.lock().unwrap()[0].running, Some(1308));
}

#[tokio::test]
async fn what_a_device_runs_is_read_from_the_name() {
    let server = Setup {
        base: Some(Base::Embedded),
        ..Setup::default()
    }
    .start();
    for (running, back, noted) in [
        ("builtin", false, None),
        ("4.2.0", false, None),
        ("4.2.4+1300", true, Some(1300)),
        ("4.1.0+1200", true, Some(1200)),
        // The number stands for something else here, is newer than all there is, or is none.
        ("9.9.9+1300", true, None),
        ("4.3.0+2000", true, None),
        ("1.2.3", true, None),
        ("1.2.3+007", true, None),
    ] {
        let answer = check(&server, &info(running)).await;
        let back_to_embedded = answer == json!({"version": "builtin"});
        assert_eq!(back_to_embedded, back, "{running}: {answer}");
        let seen = server.told.seen.lock().unwrap().pop().unwrap();
        assert_eq!(seen.running, noted, "{running}");
    }
}

#[tokio::test]
async fn the_channel_is_the_one_that_the_device_names() {
    let server = Setup::default().start();
    for (channel, known) in [
        ("", Some("production")),
        ("production", Some("production")),
        ("Production", Some("production")),
        ("beta", Some("beta")),
        ("PRODUCTION", None),
        ("nightly", None),
    ] {
        let answer = check(
            &server,
            &with("builtin", json!({"defaultChannel": channel})),
        )
        .await;
        let seen = server.told.seen.lock().unwrap().pop();
        assert_eq!(seen.map(|s| s.place.channel), known.map(name), "{channel}");
        if known.is_none() {
            assert_eq!(
                (&answer["error"], &answer["kind"]),
                (&json!("no_channel"), &json!("failed"))
            );
            assert_eq!(answer["version"], "builtin");
        }
    }
}

#[tokio::test]
async fn what_passes_by_itself_is_no_failure() {
    let entry = |state, permille| Entry {
        release: 1308,
        manifest: release(1308, "4.2.5").sha256,
        permille,
        salt: "s".into(),
        native: None,
        state,
        opened: None,
    };
    for (entries, stale, native, error, kind) in [
        (
            vec![entry(RolloutState::RollingOut, 1)],
            false,
            None,
            "no_new_version_available",
            "up_to_date",
        ),
        (
            vec![entry(RolloutState::Halted, 1000)],
            false,
            None,
            "no_new_version_available",
            "up_to_date",
        ),
        (
            vec![],
            false,
            None,
            "no_new_version_available",
            "up_to_date",
        ),
        (
            vec![entry(RolloutState::Complete, 1000)],
            true,
            None,
            "stale",
            "blocked",
        ),
        (
            vec![entry(RolloutState::Complete, 1000)],
            false,
            Some("5.0.0"),
            "disable_auto_update_to_metadata",
            "blocked",
        ),
    ] {
        let mut newest = release(1308, "4.2.5");
        if let Some(min) = native {
            let range = NativeRange {
                min: Some(min.into()),
                ..NativeRange::default()
            };
            newest.manifest.native = Native::new(range.clone(), range).unwrap();
        }
        let server = Setup {
            releases: vec![newest],
            base: Some(Base::Nothing),
            entries,
            stale,
            ..Setup::default()
        }
        .start();
        let answer = check(&server, &info("4.2.0")).await;
        assert_eq!(
            (answer["error"].as_str(), answer["kind"].as_str()),
            (Some(error), Some(kind))
        );
        assert_eq!(answer["version"], "4.2.0");
        assert!(server.told.seen.lock().unwrap()[0].offered.is_none());
    }
}

#[tokio::test]
async fn requests_that_say_too_little_fail_without_a_check_in() {
    let server = Setup::default().start();
    for (changes, error, kind) in [
        (json!({"app_id": "com.other"}), "no_channel", "failed"),
        (
            json!({"platform": "electron"}),
            "disabled_platform_electron",
            "blocked",
        ),
        (json!({"platform": "web"}), "missing_info", "failed"),
        (json!({"platform": 5}), "missing_info", "failed"),
        (
            json!({"version_build": ""}),
            "unknown_version_build",
            "failed",
        ),
        (
            json!({"version_build": "4.2.0\u{0}"}),
            "unknown_version_build",
            "failed",
        ),
        (
            json!({"version_build": "9".repeat(100)}),
            "unknown_version_build",
            "failed",
        ),
        (json!({"version_name": ""}), "missing_info", "failed"),
        (json!({"version_name": {"a": 1}}), "missing_info", "failed"),
    ] {
        let answer = check(&server, &with("builtin", changes.clone())).await;
        assert_eq!(
            (answer["error"].as_str(), answer["kind"].as_str()),
            (Some(error), Some(kind)),
            "{changes}"
        );
    }
    assert!(server.told.seen.lock().unwrap().is_empty());
    // Without an install id there is an answer, but nothing is kept.
    let answer = check(&server, &with("builtin", json!({"device_id": "x y"}))).await;
    assert_eq!(answer["version"], "4.2.5+1308");
    assert!(server.told.seen.lock().unwrap().is_empty());
}

#[tokio::test]
async fn a_version_with_build_metadata_stays_a_version() {
    let server = Setup {
        releases: vec![release(1308, "4.2.5-rc.1+sha.5114f85")],
        ..Setup::default()
    }
    .start();
    let answer = check(&server, &info("builtin")).await;
    assert_eq!(answer["version"], "4.2.5-rc.1+sha.5114f85.1308");
    let answer = check(&server, &info("4.2.5-rc.1+sha.5114f85.1308")).await;
    assert_eq!(answer["kind"], "up_to_date");
}
